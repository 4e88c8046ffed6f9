/** What uv says when requirements cannot be installed → the lines at fault, and the reason in words that do not need uv's. Pure. */
import { packageName } from '../airflow/pins.js';
import { checkRequirements } from '../plan/requirements-check.js';
import type { CheckFinding } from './check-report.js';
import type { RequirementLine } from './requirement-lines.js';
import { shownLine } from './shown-line.js';

/** Characters of uv's own reason. */
const MAX_REASON = 700;

/** Not an answer of an index about a package, but no answer. */
export const isNetworkTrouble = (stderr: string): boolean =>
  /dns error|tcp connect error|error trying to connect|client error \(Connect\)|Connection (refused|reset)|operation timed out|request timed out|invalid peer certificate|HTTP status server error|\b(401|403|407|429|50[0-4])\b.*(Unauthorized|Forbidden|Proxy|Too Many|Server|Gateway|Unavailable)/iu.test(stderr);

/** Lines whose package uv names. It names packages in plain and in `quoted` form, normalised. */
export function blamedLines(stderr: string, lines: readonly RequirementLine[]): readonly RequirementLine[] {
  const words = new Set((stderr.match(/[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?/gu) ?? []).map((word) => packageName(word)));
  return lines.filter(({ name, text }) => (name === undefined ? stderr.includes(text) : words.has(name)));
}

/** @param version Airflow of the target, whose constraints were used */
export function conflictFinding(line: RequirementLine, stderr: string, version: string): CheckFinding {
  const known = checkRequirements(line.text, version, version)[0];
  const isMissing = new RegExp(`(${escaped(line.name ?? line.text)}) was not found in the package registry|no versions? of ${escaped(line.name ?? line.text)}\\b`, 'iu').test(stderr);
  const isBuild = isBuildFailure(stderr);
  const file = line.file.split('/').at(-1) ?? line.file;
  return {
    code: isBuild ? 'requirements-build' : isMissing && known === undefined ? 'requirements-missing' : 'requirements-conflict', level: 'error', file: line.file, line: line.line, dagId: undefined,
    what: `${file}: ${shownLine(line.text)} cannot be installed with Airflow ${version}`,
    why: known?.why ?? (isMissing ? `no package index that was asked has it for this Python: ${withoutAddresses(stderr)}` : reasonOf(stderr)),
    fix: known?.fix ?? (isBuild ? 'use a version that has a wheel for the Python of the target, or ship a wheel in plugins.zip.' : 'allow a version that goes with the constraints of the target, or leave the version to them.'),
    replacement: undefined,
  };
}

const isBuildFailure = (stderr: string): boolean => /Failed to build|build backend/iu.test(stderr);

/** uv's own reason; what a build script has printed is not it, and may be the environment with the passwords of a package index. */
export const reasonOf = (stderr: string): string => (isBuildFailure(stderr) ? 'it has no wheel for this Python, and its own build script failed. What that printed is not shown: it may hold a password.' : withoutAddresses(stderr));

/** One line. Addresses go: a package index of one's own may have its password in it. */
export function withoutAddresses(stderr: string): string {
  const text = stderr
    .replace(/[a-z][a-z0-9+.-]*:\/\/\S+/giu, '(address)').replace(/(?:\/[\w.@+-]+){2,}\/?/gu, (path) => `…/${(path.split('/').filter(Boolean).at(-1) ?? '').replace(/^\.?tmp\w+$/iu, 'temporary')}`)
    .replace(/[×╰─▶│├]+/gu, ' ').replace(/\s+/gu, ' ').trim();
  return text.length <= MAX_REASON ? text : `${text.slice(0, MAX_REASON)}…`;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/gu, '\\$&');
