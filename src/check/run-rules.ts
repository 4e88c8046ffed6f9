/** Runs the static rules: every rules_*.py beside load_dags.py, each a program that prints its findings as JSON. */
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { CheckFinding, CheckedDag } from './check-report.js';
import type { Environment } from './child-environment.js';
import { incomplete, readRuleAnswer, told, type Told } from './rule-findings.js';
import type { ProgramResult } from './run-program.js';
import { findLostDags, readWrittenIds } from './rules-lost.js';
import type { Seal } from './seal.js';

const RULES = /^rules_\w+\.py$/u;
const RULE_SECONDS = 600, MAX_OUTPUT = 32 * 1024 * 1024;

export type RulesJob = Readonly<{
  run: Seal['run'];
  /** Ours, out of the reach of DAG code, which runs at the same time: each program gets a folder of its own in it, for HOME and temporary files. */
  folder: string;
  python: string;
  scripts: string;
  env: Environment;
  root: string;
  dags: string;
  /** Folder, unpacked. */
  plugins: string | undefined;
  /** As the repository has them. */
  pluginsName: string | undefined;
  source: string | undefined;
  target: string;
}>;

export async function runRules(job: RulesJob): Promise<Told> {
  const names = (await readdir(job.scripts)).filter((name) => RULES.test(name)).sort();
  const results = await Promise.all(names.map(async (name) => {
    const result = await runScript(job, name, job.plugins);
    const answer = result.code === 0 ? readRuleAnswer(result.stdout) : undefined;
    if (answer !== undefined) return told(`The rules of ${name}`, answer);
    return incomplete(`The rules of ${name} did not run to their end (${result.stopped === 'time' ? `more than ${RULE_SECONDS} s` : `exit status ${result.code ?? 'none'}`}); what they look for was not looked for.`);
  }));
  // The members of a zip lie outside the repository, where no annotation can stand.
  const named = (finding: CheckFinding): CheckFinding => (finding.file?.startsWith('../') ? { ...finding, file: job.pluginsName, line: undefined, what: `${finding.file.split('/').at(-1) ?? ''}: ${finding.what}` } : finding);
  const findings = results.flatMap((result) => result.findings.map(named));
  // A folder that is too large has no file to stand at, and several rules meet it.
  const leftOut = findings.filter(({ code, file }) => code === 'file-not-read' && file === undefined).map(({ what, why }) => `${what} ${why ?? ''}`.trim());
  return { findings, notChecked: [...new Set([...results.flatMap(({ notChecked }) => notChecked), ...leftOut])] };
}

/**
 * DAGs that stand in the files and did not load, from dag_ids.py, and those that the source shows.
 * @param failed files of which it is known that they do not load
 * @param seen DAGs on the source; none where nothing was loaded there
 */
export async function findLost(job: RulesJob, loaded: readonly CheckedDag[], failed: ReadonlySet<string>, seen: readonly Pick<CheckedDag, 'dagId' | 'file'>[]): Promise<Told> {
  const result = await runScript(job, 'dag_ids.py', undefined);
  const written = result.code === 0 ? readWrittenIds(result.stdout) : undefined;
  if (written !== undefined) return { findings: findLostDags(written, loaded, failed, { seen, version: job.source ?? '' }), notChecked: [] };
  const { findings, notChecked } = incomplete('Whether a DAG of the files is missing on the target: dag_ids.py did not run to its end.');
  return { findings: [...findings, ...findLostDags({ ids: {}, leftOut: [] }, loaded, failed, { seen, version: job.source ?? '' })], notChecked };
}

async function runScript({ run, folder, python, scripts, env, root, dags, source, target }: RulesJob, name: string, plugins: string | undefined): Promise<ProgramResult> {
  const own = path.join(folder, name);
  await mkdir(own, { recursive: true });
  return run({
    writable: [own], shown: [root], command: python, args: ['-B', path.join(scripts, name), '--source', source ?? '', '--target', target, '--root', root, '--dags', dags, ...(plugins === undefined ? [] : ['--plugins', plugins])],
    env: { ...env, HOME: own, AIRFLOW_HOME: own, TMPDIR: own, AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: `sqlite:///${own}/airflow.db` }, folder: root, timeoutSeconds: RULE_SECONDS, maxOutput: MAX_OUTPUT,
  });
}
