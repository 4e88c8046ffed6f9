/** Phase check from end to end: the repository's files on the target's real Airflow, in folders that are thrown away. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { findVersion, MWAA_VERSIONS } from '../airflow/versions.js';
import { UserError } from '../errors.js';
import type { MigrationFile } from '../migration-file/migration-file.js';
import type { Clock, Log } from '../ports.js';
import { runBridge } from './bridge.js';
import { CHECK_SCHEMA, type CheckFinding, type CheckReport } from './check-report.js';
import { checkRequirementsFile } from './check-requirements.js';
import { dagEnvironment, installerEnvironment, sealedInstaller, type Places } from './child-environment.js';
import { readCommandFiles, restoreCommandFiles } from './command-files.js';
import { installAirflow, installRuff, pythonOf } from './install.js';
import { limitsFor, loadDags } from './load-dags.js';
import { refuseInstanceRole } from './instance-role.js';
import { interpret } from './load-findings.js';
import { mergeFindings } from './merge-findings.js';
import { refuseCredentials, type Variables } from './refuse-credentials.js';
import { endMarked } from './run-program.js';
import { findLost, runRules } from './run-rules.js';
import { installerPlaces } from './seal-view.js';
import { findSudo, openSeal, type Seal } from './seal.js';
import { findTools } from './tools.js';
import { copyFolder, countPython, findWorkflowFiles, leftOutNote, type WorkflowFiles } from './workflow-files.js';
import { boundedReport, reportText } from './write-check-report.js';

export type CheckJob = Readonly<{
  file: MigrationFile;
  /** Name of the migration file, for messages. */
  config: string;
  /** Input github-token. */
  token: string | undefined;
  env: Variables;
  /** Folder of the Python programs that ship. */
  scripts: string;
  clock: Clock;
  log: Log;
}>;

export type Checked = Readonly<{ report: CheckReport; /** Where it was written, for another job. */ path: string }>;

/** @throws UserError when it may not run here, or what it needs is missing; what is wrong with the files is in the report */
export async function check(job: CheckJob): Promise<Checked> {
  const { file, config, env, token } = job;
  refuseCredentials(env, token);
  await refuseInstanceRole(env);
  const version = findVersion(file.target.airflowVersion);
  if (!version?.creatable) throw new UserError(`Airflow ${file.target.airflowVersion} (${config}: target.airflow-version) is no version that MWAA creates environments with.`, 'there is no image to compare with.', `name one of ${MWAA_VERSIONS.filter(({ creatable }) => creatable).map(({ version: name }) => name).join(', ')}.`);
  const root = await realpath(env['GITHUB_WORKSPACE'] || process.cwd());
  const files = await findWorkflowFiles(root, file.resources, config);
  const base = await realpath(env['RUNNER_TEMP'] || os.tmpdir());
  if (files === undefined) return write(base, { ...nothingToCheck(file, config), versions: { source: file.source.airflowVersion, target: version.version, python: version.python } });
  const commands = await readCommandFiles(env);
  const folder = await mkdtemp(path.join(base, 'mwaa-migrate-check-'));
  const marker = randomBytes(12).toString('hex');
  const clear = async (): Promise<readonly string[]> => {
    await endMarked(marker);
    await endMarked(`rules-${marker}`);
    await endMarked(`install-${marker}`);
    // A DAG may have taken the rights from a folder of its own; what cannot be removed is the runner's to clear.
    await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
    return restoreCommandFiles(commands);
  };
  let report: CheckReport, changed: readonly string[];
  try {
    report = await checkIn({ ...job, root, files, folder, marker, python: version.python });
  } finally {
    changed = await clear();
  }
  return write(base, { ...report, findings: [...tampering(changed), ...report.findings] });
}

async function write(base: string, report: CheckReport): Promise<Checked> {
  const target = path.join(base, 'mwaa-migrate-check.json');
  const whole = boundedReport(report);
  // Removed first, and what main() will write beside it: a DAG may have put links there that lead to the runner's command files.
  for (const ending of ['json', 'md', 'html']) await rm(target.replace(/json$/u, ending), { recursive: true, force: true });
  await writeFile(target, reportText(whole), { flag: 'wx' });
  return { report: whole, path: target };
}

/** Resources may come from the source's bucket alone; the plan's reader has to see that nobody has tried them. */
const nothingToCheck = ({ id, resources }: MigrationFile, config: string): Omit<CheckReport, 'versions'> => ({
  schema: CHECK_SCHEMA, migrationId: id, counts: { dagFiles: 0, dags: 0, requirements: 0, plugins: 0 }, findings: [], dags: [],
  notChecked: [`DAGs, plugins and requirements: this repository has no folder "${resources.dags}", and ${config} names no other one (resources.dags). Nobody has tried on the target's Airflow what lies in the source's bucket.`],
});

const tampering = (changed: readonly string[]): readonly CheckFinding[] => changed.map((name) => ({
  code: 'dag-writes-runner-file', level: 'error', file: undefined, line: undefined, dagId: undefined, what: `The code of a DAG, plugin or package wrote to the file of ${name}.`,
  why: 'by it a step tells the runner what the next steps get: environment, PATH, outputs. It has been put back to what it was.', fix: 'find out what does this; no honest DAG file does.', replacement: undefined,
}));

const SEALS: Readonly<Record<Seal['kind'], string>> = {
  user: 'DAG code runs in namespaces of its own: it sees no other process and writes only into its own folder.',
  root: 'DAG code runs in namespaces of its own, made by sudo: it sees no other process and writes only into its own folder.',
  landlock: 'DAG code runs under Landlock, for this kernel gives no namespaces: it writes only into its own folder, and cannot look into other processes, though it sees that they are there.',
  none: 'DAG code runs with limits, but as this user: this kernel gives neither namespaces nor Landlock. What this user can read, it can read.',
};

type Inside = CheckJob & Readonly<{ root: string; files: WorkflowFiles; folder: string; marker: string; python: string }>;

async function checkIn({ file, env, scripts, clock, log, root, files, folder, marker, python }: Inside): Promise<CheckReport> {
  const version = file.target.airflowVersion, venv = path.join(folder, 'venv'), work = path.join(folder, 'work'), home = path.join(folder, 'home');
  const places: Places = { home, temporary: path.join(folder, 'tmp'), dags: path.join(folder, 'dags'), plugins: path.join(folder, 'plugins'), scripts, bin: path.join(venv, 'bin') };
  for (const each of [work, home, places.temporary, places.plugins]) await mkdir(each, { recursive: true });
  const leftOut = [...await copyFolder(root, files.dags, places.dags), ...(files.plugins === undefined || files.isPluginsZip ? [] : await copyFolder(root, files.plugins, places.plugins))];
  const environment = dagEnvironment(places, file.target.configuration, marker);

  const tools = await findTools(python, env, work);
  const seal = await openSeal({ ...tools, script: path.join(scripts, 'seal.py'), landlock: path.join(scripts, 'landlock.py'), sudo: findSudo(), folder: work, shown: [folder, scripts], hidden: [path.join(root, '.git')], env }); // with persisted credentials there is a token in .git
  log.info(`${SEALS[seal.kind]}${seal.kind === 'none' ? '' : seal.hidesHome ? ' The home folder is out of its sight.' : ` Of the home folder only files known to hold credentials are out of its sight: ${tools.uv} or ${tools.python} does not start without the rest.`}`);
  const installer = installerEnvironment(env, os.homedir()), own = { home: path.join(folder, 'install', 'home'), cache: path.join(folder, 'install', 'cache') };
  for (const each of [own.home, own.cache]) await mkdir(each, { recursive: true });
  const installation = {
    tools, env: installer, venv, work, version,
    seal: { run: seal.run, env: sealedInstaller(installer, own, `install-${marker}`), writable: [work, venv, own.home, own.cache, places.dags, places.plugins], shown: [root, ...installerPlaces(installer)] },
  };
  log.info(`Installing Airflow ${version} for Python ${python} …`);
  await installAirflow(installation);
  const unpacked = files.isPluginsZip && files.plugins !== undefined ? await unpack(path.join(root, files.plugins), places.plugins, { python: pythonOf(venv), scripts, env: environment, folder: work, run: seal.run }) : [];
  log.info(files.requirements === undefined ? 'There is no requirements.txt.' : `Installing ${files.requirements} …`);
  const requirements = await checkRequirementsFile(installation, root, files, places);

  const hasRuff = await installRuff(installation);
  await endMarked(`install-${marker}`);
  log.info('Loading the DAGs …');
  const limits = limitsFor(file.target.configuration);
  const source = file.source.airflowVersion ?? requirements.constraintVersion;
  const rulesJob = {
    // Marks of their own: what loading leaves behind is ended while rules still run.
    run: seal.run, folder: path.join(folder, 'rules'), python: pythonOf(venv), scripts, env: dagEnvironment(places, file.target.configuration, `rules-${marker}`), root, dags: files.dags,
    plugins: files.plugins === undefined ? undefined : files.isPluginsZip ? places.plugins : files.plugins, pluginsName: files.plugins, source, target: version,
  };
  const [loaded, rules, bridged] = await Promise.all([
    // The day's start: two checks of one day give the same bytes.
    loadDags({ run: seal.run, writable: [home, places.temporary], hidden: [root], python: pythonOf(venv), script: path.join(scripts, 'load_dags.py'), env: environment, folder: home, dags: places.dags, plugins: places.plugins, limits, marker, reference: `${clock.now().toISOString().slice(0, 10)}T00:00:00+00:00` }),
    runRules(rulesJob),
    runBridge({ ...rulesJob, findTools: (minor) => findTools(minor, env, work), installer: installation.env, folder: path.join(folder, 'bridge') }),
  ]);
  if (loaded.problem !== undefined) throw new UserError(`Airflow ${version} does not start in its virtual environment: ${lastLine(loaded.problem)}`, 'without it no DAG can be loaded.', 'a package of requirements.txt may break it, or an option of target.configuration may be wrong; the line above is Python\'s own last word.');
  const interpreted = interpret(loaded, { home: folder, dags: files.dags, plugins: files.plugins, version, limits });
  const lost = await findLost(rulesJob, interpreted.dags, interpreted.incomplete);
  return {
    schema: CHECK_SCHEMA, migrationId: file.id, versions: { source, target: version, python },
    counts: { dagFiles: loaded.files.length, dags: interpreted.count, requirements: requirements.count, plugins: await countPython(places.plugins) },
    findings: mergeFindings([...unpacked, ...requirements.findings, ...interpreted.findings], [...rules.findings, ...bridged.findings, ...lost.findings]), dags: interpreted.dags,
    notChecked: [...leftOutNote(leftOut), ...requirements.notChecked, ...interpreted.notChecked, ...rules.notChecked, ...bridged.notChecked, ...lost.notChecked, ...(hasRuff ? [] : ['What ruff\'s Airflow rules look for: ruff could not be installed.']), ...(source === undefined ? ['What changes from the source\'s Airflow: its version is not known. Write source.airflow-version into the migration file.'] : [])],
  };
}

type Unpacking = Readonly<{ run: Seal['run']; python: string; scripts: string; env: Readonly<Record<string, string>>; folder: string }>;

async function unpack(zip: string, to: string, { python, scripts, env, folder, run }: Unpacking): Promise<readonly CheckFinding[]> {
  const result = await run({ command: python, args: ['-B', path.join(scripts, 'unpack_zip.py'), zip, to], env, folder, writable: [to], shown: [zip], timeoutSeconds: 120 });
  if (result.code === 0) return [];
  const name = path.basename(zip);
  return [{ code: 'plugins-zip', level: 'error', file: name, line: undefined, dagId: undefined, what: `${name} cannot be unpacked: ${lastLine(result.stderr)}`, why: 'MWAA unpacks it into the plugins folder; without it DAGs that need it do not load.', fix: 'make it anew: (cd plugins && zip -r ../plugins.zip .)', replacement: undefined }];
}

const lastLine = (text: string): string => (text.trim().split('\n').at(-1) ?? '').replace(/\p{Cc}/gu, ' ').slice(0, 500);
