/** Lines of requirements.txt whose host this runner cannot reach, as a package index inside a company from a hosted runner. Pure. */
import type { CheckFinding } from './check-report.js';
import type { RequirementLine } from './requirement-lines.js';
import { shownLine } from './shown-line.js';

/** Those whose host uv's words name. @param stderr of a run that failed for want of an answer */
export const unreachableLines = (stderr: string, lines: readonly RequirementLine[]): readonly RequirementLine[] =>
  lines.filter(({ text }) => hostsIn(text).some((host) => stderr.toLowerCase().includes(host)));

export const hostsIn = (text: string): readonly string[] =>
  [...text.matchAll(/[a-z][a-z0-9+.-]*:\/\/(?:[^\s/?#]*@)?([^\s/?#:"']+)/giu)].map(([, host = '']) => host.toLowerCase());

/** Not an error: the environment in its VPC may reach what a hosted runner does not. */
export const unreachableFinding = ({ file, line, text }: RequirementLine): CheckFinding => ({
  code: 'requirements-unreachable', level: 'warning', file, line, dagId: undefined,
  what: `${file.split('/').at(-1) ?? file}: ${shownLine(text)} cannot be reached from this runner`, why: 'whether it can be installed on the target is not known; DAGs that need it may show errors that are none there.',
  fix: 'run phase check on a runner that reaches it, with credentials for the index in UV_INDEX_URL, never in the file.', replacement: undefined,
});
