/**
 * The same files on the source's Airflow, to know what their schedules meant until now: a second virtual environment, in a folder that
 * the target's DAG code does not see, sealed as the first. Its findings are about the source, and nobody asked for those.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { checkRequirementsFile } from './check-requirements.js';
import { dagEnvironment, sealedInstaller, type Environment, type Places } from './child-environment.js';
import { installAirflow, pythonOf } from './install.js';
import { lastLine } from './last-line.js';
import { loadDags, type LoadLimits, type Loaded } from './load-dags.js';
import { withoutAddresses } from './requirement-conflicts.js';
import { endMarked } from './run-program.js';
import { installerPlaces, interpreterPlaces } from './seal-view.js';
import type { Seal } from './seal.js';
import type { SourceRelease } from './source-release.js';
import type { Tools } from './tools.js';
import { unpackPlugins } from './unpack-plugins.js';
import { copyFolder, type WorkflowFiles } from './workflow-files.js';
import { withinBudget } from './within-budget.js';

/** Of the job's 120 minutes (input check-timeout-minutes); the target's side and the report need the rest. */
const BUDGET_SECONDS = 40 * 60;

export type SourceJob = Readonly<{
  release: Extract<SourceRelease, { kind: 'install' }>;
  /** @throws UserError when there is no such Python; that is told in `notChecked` */
  findTools: (minor: string) => Promise<Tools>;
  /** A seal that shows these places besides what it always does, and not the folders of the target. */
  openSeal: (shown: readonly string[]) => Promise<Seal>;
  /** Reaches the package index. */
  installer: Environment;
  /** Ours, empty, out of sight of what runs for the target. */
  folder: string;
  scripts: string;
  root: string;
  files: WorkflowFiles;
  limits: LoadLimits;
  /** Milliseconds. */
  now: () => number;
  /** Options of the source's Airflow. */
  options: Readonly<Record<string, string | null>>;
  marker: string;
  reference: string;
}>;

export type OnSource = Readonly<{ loaded: Loaded | undefined; notChecked: readonly string[] }>;

/** Never throws for what it cannot do: everything else holds without it, and the reader is told. */
export async function loadOnSource(job: SourceJob): Promise<OnSource> {
  const { release } = job;
  try {
    return { loaded: await load(job), notChecked: release.note === undefined ? [] : [release.note] };
  } catch (error) {
    const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    return notCompared(release.version, withoutAddresses(lastLine(reason)).slice(0, 500));
  } finally {
    for (const one of markersOf(job.marker)) await endMarked(one);
  }
}

export const notCompared = (version: string, why: string): OnSource => ({ loaded: undefined, notChecked: [`Schedules and next runs as the source's Airflow ${version} understands them: ${why} What is known to change between releases was looked for by the rules.`] });

/** What processes of the source's side carry; other ones than the target's, since each side ends what it has left. */
export const markersOf = (marker: string): readonly [load: string, install: string] => [`source-${marker}`, `source-install-${marker}`];

async function load({ release, findTools, openSeal, now, installer, folder, scripts, root, files, limits, options, marker: base, reference }: SourceJob): Promise<Loaded> {
  const [marker, installMarker] = markersOf(base), { version } = release;
  const venv = path.join(folder, 'venv'), work = path.join(folder, 'work'), home = path.join(folder, 'home');
  const places: Places = { home, temporary: path.join(folder, 'tmp'), dags: path.join(folder, 'dags'), plugins: path.join(folder, 'plugins'), scripts, bin: path.join(venv, 'bin') };
  const own = { home: path.join(folder, 'install', 'home'), cache: path.join(folder, 'install', 'cache') };
  for (const each of [work, home, places.temporary, places.plugins, own.home, own.cache]) await mkdir(each, { recursive: true });
  await copyFolder(root, files.dags, places.dags);
  if (files.plugins !== undefined && !files.isPluginsZip) await copyFolder(root, files.plugins, places.plugins);
  const tools = await findTools(release.python);
  const run = withinBudget((await openSeal(interpreterPlaces(tools.python))).run, BUDGET_SECONDS, now);
  const installation = {
    tools, env: installer, venv, work, version,
    seal: { run, env: sealedInstaller(installer, own, installMarker), writable: [work, venv, own.home, own.cache, places.dags, places.plugins], shown: [root, ...installerPlaces(installer)] },
  };
  await installAirflow(installation);
  const env = dagEnvironment(places, options, marker), python = pythonOf(venv);
  if (files.isPluginsZip && files.plugins !== undefined) await unpackPlugins(path.join(root, files.plugins), places.plugins, { python, scripts, env, folder: work, run });
  // As far as it goes: the file may be written for the target already, and files that need more do not load.
  await checkRequirementsFile(installation, root, files, places).catch(() => undefined);
  await endMarked(installMarker);
  const loaded = await loadDags({ run, writable: [home, places.temporary], hidden: [root], python, script: path.join(scripts, 'load_dags.py'), env, folder: home, dags: places.dags, plugins: places.plugins, limits, marker, reference });
  if (loaded.problem !== undefined) throw new Error(`it does not start: ${lastLine(loaded.problem)}`);
  if (loaded.isLate) throw new Error('it did not come to the end of listing the DAG files.');
  return loaded;
}
