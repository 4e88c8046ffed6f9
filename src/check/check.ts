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
import { compareSchedules, sameOnBoth, seedsOf, withoutKnown } from './compare-schedules.js';
import { effectiveOptions } from './effective-options.js';
import { readCommandFiles, restoreCommandFiles } from './command-files.js';
import { installAirflow, installRuff, pythonOf } from './install.js';
import { lastLine } from './last-line.js';
import { limitsFor, loadDags } from './load-dags.js';
import { loadOnSource, markersOf, notCompared, type OnSource } from './load-on-source.js';
import { refuseInstanceRole } from './instance-role.js';
import { interpret } from './load-findings.js';
import { mergeFindings } from './merge-findings.js';
import { refuseCredentials, type Variables } from './refuse-credentials.js';
import { endMarked } from './run-program.js';
import { findLost, runRules } from './run-rules.js';
import { installerPlaces } from './seal-view.js';
import { findSudo, openSeal, type Seal } from './seal.js';
import { releaseOfSource, versionOfSource } from './source-release.js';
import { findTools } from './tools.js';
import { unpackPlugins } from './unpack-plugins.js';
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
  const folder = await mkdtemp(path.join(base, 'mwaa-migrate-check-')), sourceFolder = await mkdtemp(path.join(base, 'mwaa-migrate-check-source-'));
  const marker = randomBytes(12).toString('hex');
  const clear = async (): Promise<readonly string[]> => {
    for (const each of [marker, `rules-${marker}`, `install-${marker}`, ...markersOf(marker)]) await endMarked(each);
    // A DAG may have taken the rights from a folder of its own; what cannot be removed is the runner's to clear.
    for (const each of [folder, sourceFolder]) await rm(each, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
    return restoreCommandFiles(commands);
  };
  let report: CheckReport, changed: readonly string[];
  try {
    report = await checkIn({ ...job, root, files, folder, sourceFolder, marker, python: version.python });
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

type Inside = CheckJob & Readonly<{ root: string; files: WorkflowFiles; folder: string; /** Beside it; neither side sees the other's. */ sourceFolder: string; marker: string; python: string }>;

async function checkIn({ file, env, scripts, clock, log, root, files, folder, sourceFolder, marker, python }: Inside): Promise<CheckReport> {
  const version = file.target.airflowVersion, venv = path.join(folder, 'venv'), work = path.join(folder, 'work'), home = path.join(folder, 'home');
  const places: Places = { home, temporary: path.join(folder, 'tmp'), dags: path.join(folder, 'dags'), plugins: path.join(folder, 'plugins'), scripts, bin: path.join(venv, 'bin') };
  for (const each of [work, home, places.temporary, places.plugins]) await mkdir(each, { recursive: true });
  const leftOut = [...await copyFolder(root, files.dags, places.dags), ...(files.plugins === undefined || files.isPluginsZip ? [] : await copyFolder(root, files.plugins, places.plugins))];

  const tools = await findTools(python, env, work);
  const sealOf = (shown: readonly string[], hidden: readonly string[], own: string): Promise<Seal> =>
    openSeal({ ...tools, script: path.join(scripts, 'seal.py'), landlock: path.join(scripts, 'landlock.py'), sudo: findSudo(), folder: own, shown: [...shown, scripts], hidden: [path.join(root, '.git'), ...hidden], env }); // with persisted credentials there is a token in .git
  const seal = await sealOf([folder], [sourceFolder], work);
  log.info(`${SEALS[seal.kind]}${seal.kind === 'none' ? '' : seal.hidesHome ? ' The home folder is out of its sight.' : ` Of the home folder only files known to hold credentials are out of its sight: ${tools.uv} or ${tools.python} does not start without the rest.`}`);
  const installer = installerEnvironment(env, os.homedir()), own = { home: path.join(folder, 'install', 'home'), cache: path.join(folder, 'install', 'cache') };
  for (const each of [own.home, own.cache]) await mkdir(each, { recursive: true });
  const installation = {
    tools, env: installer, venv, work, version,
    seal: { run: seal.run, env: sealedInstaller(installer, own, `install-${marker}`), writable: [work, venv, own.home, own.cache, places.dags, places.plugins], shown: [root, ...installerPlaces(installer)] },
  };
  log.info(`Installing Airflow ${version} for Python ${python} …`);
  await installAirflow(installation);
  const unpacked = files.isPluginsZip && files.plugins !== undefined ? await unpackPlugins(path.join(root, files.plugins), places.plugins, { python: pythonOf(venv), scripts, env: dagEnvironment(places, file.target.configuration, marker), folder: work, run: seal.run }) : [];
  log.info(files.requirements === undefined ? 'There is no requirements.txt.' : `Installing ${files.requirements} …`);
  const requirements = await checkRequirementsFile(installation, root, files, places);

  const hasRuff = await installRuff(installation);
  await endMarked(`install-${marker}`);
  log.info('Loading the DAGs …');
  const source = versionOfSource(file.source.airflowVersion, requirements.constraintVersion, version), release = releaseOfSource(source, version);
  const options = effectiveOptions(release.kind === 'install' ? release.version : undefined, file), limits = limitsFor(options);
  // The day's start: two checks of one day give the same bytes.
  const reference = `${clock.now().toISOString().slice(0, 10)}T00:00:00+00:00`;
  const loadThere = async (): Promise<OnSource> => {
    if (release.kind !== 'install') return release.kind === 'none' && release.why !== undefined ? notCompared(source ?? '', release.why) : { loaded: undefined, notChecked: [] };
    log.info(`Loading them on Airflow ${release.version} too, to compare schedules …`);
    // Of the options only how long a file may take: the others are the target's.
    return loadOnSource({
      release, findTools: (minor) => findTools(minor, env, work), openSeal: (shown) => sealOf([sourceFolder, ...shown], [folder], sourceFolder), installer: installation.env, folder: sourceFolder, scripts, root, files, limits, now: () => clock.now().getTime(),
      options: { 'core.dagbag_import_timeout': options['core.dagbag_import_timeout'] ?? null }, marker, reference,
    });
  };
  // One after the other: the target goes on from the past that the source would have left.
  const loadBoth = async () => {
    const there = await loadThere();
    const here = await loadDags({ run: seal.run, writable: [home, places.temporary], hidden: [root], python: pythonOf(venv), script: path.join(scripts, 'load_dags.py'), env: dagEnvironment(places, options, marker), folder: home, dags: places.dags, plugins: places.plugins, limits, marker, reference, ...(there.loaded && { seeds: seedsOf(there.loaded) }) });
    return [there, here] as const;
  };
  const rulesJob = {
    // Marks of their own: what loading leaves behind is ended while rules still run.
    run: seal.run, folder: path.join(folder, 'rules'), python: pythonOf(venv), scripts, env: dagEnvironment(places, options, `rules-${marker}`), root, dags: files.dags,
    plugins: files.plugins === undefined ? undefined : files.isPluginsZip ? places.plugins : files.plugins, pluginsName: files.plugins, source, target: version,
  };
  const [[there, loaded], rules, bridged] = await Promise.all([
    loadBoth(),
    runRules(rulesJob),
    runBridge({ ...rulesJob, findTools: (minor) => findTools(minor, env, work), installer: installation.env, folder: path.join(folder, 'bridge') }),
  ]);
  if (loaded.problem !== undefined) throw new UserError(`Airflow ${version} does not start in its virtual environment: ${lastLine(loaded.problem)}`, 'without it no DAG can be loaded.', 'a package of requirements.txt may break it, or an option of target.configuration may be wrong; the line above is Python\'s own last word.');
  const interpreted = interpret(loaded, { home: folder, dags: files.dags, plugins: files.plugins, version, limits });
  const compared = there.loaded === undefined || release.kind !== 'install' ? undefined
    : compareSchedules(interpreted.dags, { source: there.loaded, target: loaded, folder: files.dags, versions: { source: release.version, target: version }, configuration: file.target.configuration });
  const dags = compared?.dags ?? (release.kind === 'same' ? interpreted.dags.map(sameOnBoth) : interpreted.dags);
  const lost = await findLost(rulesJob, interpreted.dags, interpreted.incomplete, compared?.seen ?? []);
  return {
    schema: CHECK_SCHEMA, migrationId: file.id, versions: { source, target: version, python },
    counts: { dagFiles: loaded.files.length, dags: interpreted.count, requirements: requirements.count, plugins: await countPython(places.plugins) },
    findings: mergeFindings([...unpacked, ...requirements.findings, ...interpreted.findings], withoutKnown([...rules.findings, ...bridged.findings, ...lost.findings], compared?.findings ?? [])), dags,
    notChecked: [...leftOutNote(leftOut), ...requirements.notChecked, ...interpreted.notChecked, ...rules.notChecked, ...bridged.notChecked, ...lost.notChecked, ...there.notChecked, ...(compared?.notChecked ?? []), ...(hasRuff ? [] : ['What ruff\'s Airflow rules look for: ruff could not be installed.']), ...(source === undefined ? ['What changes from the source\'s Airflow: its version is not known. Write source.airflow-version into the migration file.'] : [])],
  };
}
