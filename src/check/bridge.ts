/** From 1.10 only: Airflow's own upgrade check on the bridge release 1.10.15, in a virtual environment that is thrown away. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { compareVersions } from '../airflow/versions.js';
import type { CheckFinding } from './check-report.js';
import type { Environment } from './child-environment.js';
import pins from './bridge-pins.json' with { type: 'json' };
import { pythonOf } from './install.js';
import { withoutAddresses } from './requirement-conflicts.js';
import { runProgram } from './run-program.js';
import { findingsOf, told, type RuleFindings } from './rule-findings.js';
import { interpreterPlaces } from './seal-view.js';
import type { Seal } from './seal.js';
import type { Tools } from './tools.js';
import { copyFolder } from './workflow-files.js';

/** The last releases of both; later ones of the check do not run there. bridge-pins.json is what pip chose for them under Airflow's constraints. */
const BRIDGE = 'apache-airflow[aws]==1.10.15', UPGRADE_CHECK = 'apache-airflow-upgrade-check==1.4.0', PYTHON = '3.7';
const INSTALL_SECONDS = 600, RULES_SECONDS = 900, MAX_OUTPUT = 32 * 1024 * 1024;

export type BridgeJob = Readonly<{
  /** @throws UserError when there is no such Python; that is told in `notChecked` */
  findTools: (minor: string) => Promise<Tools>;
  /** For the program that loads DAG files. */
  run: Seal['run'];
  /** Reaches the package index. */
  installer: Environment;
  /** For what loads DAG files: no credential, no address of an index. */
  env: Environment;
  /** Empty, ours, outside of the repository. */
  folder: string;
  scripts: string;
  /** Of the repository; DAG code does not see it, copies of the two folders are loaded. */
  root: string;
  /** From `root`. */
  dags: string;
  /** From `root`, or absolute where a zip was unpacked elsewhere. */
  plugins: string | undefined;
  source: string | undefined;
  target: string;
}>;

export type Bridged = Readonly<{ findings: readonly CheckFinding[]; notChecked: readonly string[] }>;

/** Whether the bridge has something to say: the source is older than the bridge's successor 2.0. */
export const needsBridge = (source: string | undefined): boolean => source !== undefined && compareVersions(source, '2.0') < 0;

/** Never throws for what it cannot do: the other rules hold without it, and the reader is told. */
export async function runBridge(job: BridgeJob): Promise<Bridged> {
  if (!needsBridge(job.source)) return { findings: [], notChecked: [] };
  const missing = (why: string): Bridged => ({ findings: [], notChecked: [`Airflow's own upgrade check on the bridge release 1.10.15: ${why} The rules of this check looked at the same files.`] });
  const tools = await job.findTools(PYTHON).catch(() => undefined);
  if (tools === undefined) return missing(`there is no Python ${PYTHON} on this machine.`);
  const venv = path.join(job.folder, 'venv'), home = path.join(job.folder, 'home'), constraints = path.join(job.folder, 'constraints.txt');
  await mkdir(home, { recursive: true });
  await copyFolder(job.root, job.dags, path.join(job.folder, 'dags'));
  const plugins = job.plugins === undefined ? undefined : path.resolve(job.root, job.plugins);
  if (plugins !== undefined) await copyFolder(path.dirname(plugins), path.basename(plugins), path.join(job.folder, 'plugins'));
  await writeFile(constraints, `${(pins as readonly string[]).join('\n')}\n`);
  for (const args of [['venv', '--quiet', '--no-project', '--python', tools.python, venv], ['pip', 'install', '--quiet', '--color', 'never', '--python', pythonOf(venv), BRIDGE, UPGRADE_CHECK, '--constraint', constraints]]) {
    const result = await runProgram({ command: tools.uv, args, env: job.installer, folder: job.folder, timeoutSeconds: INSTALL_SECONDS });
    if (result.code !== 0) return missing(`it could not be installed (${withoutAddresses(result.stderr).slice(0, 300)}).`);
  }
  const result = await job.run({
    command: pythonOf(venv), writable: [home], hidden: [job.root], shown: interpreterPlaces(tools.python),
    args: ['-B', path.join(job.scripts, 'bridge_rules.py'), '--source', job.source ?? '', '--target', job.target, '--root', job.folder, '--dags', 'dags', ...(plugins === undefined ? [] : ['--plugins', 'plugins'])],
    env: { ...withoutOptions(job.env), HOME: home, TMPDIR: home, AIRFLOW_HOME: home }, folder: home, timeoutSeconds: RULES_SECONDS, maxOutput: MAX_OUTPUT,
  });
  const answer = result.code === 0 ? readAnswer(result.stdout) : undefined;
  if (answer === undefined) return missing(result.stopped === 'time' ? `it took more than ${RULES_SECONDS} s.` : `it ended with code ${result.code ?? 'none'}.`);
  // The copies lie elsewhere; a reader knows the repository.
  const named = (finding: CheckFinding): CheckFinding => (finding.file?.startsWith('dags/') ? { ...finding, file: path.posix.join(job.dags, finding.file.slice('dags/'.length)) } : { ...finding, file: undefined, line: undefined });
  const { findings, notChecked } = told("The rules of Airflow's upgrade check", answer);
  return { findings: findings.map(named), notChecked: [...notChecked, ...(answer.failed.length === 0 ? [] : [`Rules of Airflow's upgrade check that failed on these files: ${answer.failed.join(', ')}.`])] };
}

/** Options of the target mean nothing on 1.10, and its secrets backend cannot be imported there. */
const withoutOptions = (env: Environment): Environment => Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('AIRFLOW__') && name !== 'PYTHONPATH'));

/** DAG code ran in that program, so its answer is a stranger's. */
function readAnswer(text: string): (RuleFindings & Readonly<{ failed: readonly string[] }>) | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('findings' in value)) return undefined;
  const read = findingsOf(value.findings);
  const failed = 'failed' in value && Array.isArray(value.failed) ? value.failed.filter((name): name is string => typeof name === 'string' && name.length < 200).slice(0, 50) : [];
  return read === undefined ? undefined : { ...read, failed };
}
