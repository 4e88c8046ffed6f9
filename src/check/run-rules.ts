/** Runs the static rules: every rules_*.py beside load_dags.py, each a program that prints its findings as JSON. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { CheckFinding, CheckLevel, CheckedDag } from './check-report.js';
import type { Environment } from './child-environment.js';
import { findLostDags, readWrittenIds } from './rules-lost.js';
import type { Seal } from './seal.js';

const RULES = /^rules_\w+\.py$/u;
const RULE_SECONDS = 600, MAX_OUTPUT = 32 * 1024 * 1024, MAX_FINDINGS = 20_000;

export type RulesJob = Readonly<{ run: Seal['run']; writable: readonly string[]; python: string; scripts: string; env: Environment; root: string; dags: string; /** Folder, unpacked. */ plugins: string | undefined; /** As the repository has them. */ pluginsName: string | undefined; source: string | undefined; target: string }>;

export async function runRules({ run, writable, python, scripts, env, root, dags, plugins, pluginsName, source, target }: RulesJob): Promise<Readonly<{ findings: readonly CheckFinding[]; notChecked: readonly string[] }>> {
  const names = (await readdir(scripts)).filter((name) => RULES.test(name)).sort();
  const results = await Promise.all(names.map(async (name) => {
    const result = await run({ writable, shown: [root], command: python, args: ['-B', path.join(scripts, name), '--source', source ?? '', '--target', target, '--root', root, '--dags', dags, ...(plugins === undefined ? [] : ['--plugins', plugins])], env, folder: root, timeoutSeconds: RULE_SECONDS, maxOutput: MAX_OUTPUT });
    const findings = result.code === 0 ? readFindings(result.stdout) : undefined;
    if (findings !== undefined) return { findings, notChecked: [] };
    return incomplete(`The rules of ${name} did not run to their end (${result.stopped === 'time' ? `more than ${RULE_SECONDS} s` : `exit status ${result.code ?? 'none'}`}); what they look for was not looked for.`);
  }));
  // The members of a zip lie outside the repository, where no annotation can stand.
  const named = (finding: CheckFinding): CheckFinding => (finding.file?.startsWith('../') ? { ...finding, file: pluginsName, line: undefined, what: `${finding.file.split('/').at(-1) ?? ''}: ${finding.what}` } : finding);
  return { findings: results.flatMap(({ findings }) => findings.map(named)), notChecked: results.flatMap(({ notChecked }) => notChecked) };
}

/** DAGs that stand in the files and did not load, from dag_ids.py. @param failed files of which it is known that they do not load */
export async function findLost({ run, writable, python, scripts, env, root, dags, source, target }: RulesJob, loaded: readonly CheckedDag[], failed: ReadonlySet<string>): Promise<Readonly<{ findings: readonly CheckFinding[]; notChecked: readonly string[] }>> {
  const result = await run({ writable, shown: [root], command: python, args: ['-B', path.join(scripts, 'dag_ids.py'), '--source', source ?? '', '--target', target, '--root', root, '--dags', dags], env, folder: root, timeoutSeconds: RULE_SECONDS, maxOutput: MAX_OUTPUT });
  const written = result.code === 0 ? readWrittenIds(result.stdout) : undefined;
  return written === undefined ? incomplete('Whether a DAG of the files is missing on the target: dag_ids.py did not run to its end.') : { findings: findLostDags(written, loaded, failed), notChecked: [] };
}

/** An error: what a rule would have found may be one, and green would deny it. */
const incomplete = (what: string): Readonly<{ findings: readonly CheckFinding[]; notChecked: readonly string[] }> => ({
  findings: [{ code: 'check-incomplete', level: 'error', file: undefined, line: undefined, dagId: undefined, what, why: 'what it would have found is not known, so this check cannot be green.', fix: 'run the phase again; if it stays, look for a file of unusual size or shape, and tell us.', replacement: undefined }],
  notChecked: [what],
});

/** undefined: it is no list. An entry that is no finding is left out: rules read hostile files. */
export function readFindings(text: string): readonly CheckFinding[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return Array.isArray(value) ? value.slice(0, MAX_FINDINGS).flatMap(findingOf) : undefined;
}

const LEVELS: readonly CheckLevel[] = ['error', 'warning', 'notice'];

function findingOf(value: unknown): readonly CheckFinding[] {
  if (typeof value !== 'object' || value === null) return [];
  const entry = value as Readonly<Record<string, unknown>>;
  const text = (name: string): string | undefined => (typeof entry[name] === 'string' ? entry[name] : undefined);
  const level = LEVELS.find((one) => one === entry['level']), code = text('code'), what = text('what');
  if (level === undefined || what === undefined || code === undefined || !/^[a-z][a-z0-9-]{0,79}$/u.test(code)) return [];
  const line = typeof entry['line'] === 'number' && Number.isSafeInteger(entry['line']) && entry['line'] >= 1 ? entry['line'] : undefined;
  return [{ code, level, file: text('file'), line, dagId: text('dagId'), what, why: text('why'), fix: text('fix'), replacement: text('replacement') }];
}
