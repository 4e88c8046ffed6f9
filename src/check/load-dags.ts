/** Runs load_dags.py in the virtual environment and takes its results, which code of the user may have forged or cut off. */
import os from 'node:os';
import type { Environment } from './child-environment.js';
import { readLoadMessage, type LoadedFile, type LoadedPlugins } from './load-messages.js';
import type { Seed } from './load-runs.js';
import { endMarked } from './run-program.js';
import type { Seal } from './seal.js';

/** Of one DAG file. `wallSeconds` is more than Airflow's own import timeout, so that a file which that ends is reported by Airflow's words. */
export type LoadLimits = Readonly<{ wallSeconds: number; cpuSeconds: number; memoryBytes: number; fileBytes: number }>;

/** Airflow's default of core.dagbag_import_timeout, in seconds. */
const IMPORT_TIMEOUT = 30;
/** What we wait longer than Airflow's own timer, which code in C does not hear. */
export const GRACE_SECONDS = 10;
const MEMORY_BYTES = 3 * 1024 ** 3, FILE_BYTES = 64 * 1024 ** 2;
/** For listing the files, where even thousands take seconds. */
export const LIST_SECONDS = 120;
/** For importing Airflow itself, and for listing the files. */
const START_SECONDS = 180 + LIST_SECONDS;
/** A file that ends the loader ends it again when it is loaded alone; so often it is started anew. */
const MAX_STARTS = 25;
/** All files together; a repository of thousands of files needs minutes. */
const MAX_TOTAL_SECONDS = 3 * 3600;
const MAX_OUTPUT = 256 * 1024 * 1024;

/** @param options target.configuration of the migration file */
export function limitsFor(options: Readonly<Record<string, string | null>>): LoadLimits {
  const set = Number(options['core.dagbag_import_timeout']);
  const seconds = set > 0 ? Math.min(set, 600) : IMPORT_TIMEOUT;
  return { wallSeconds: seconds + GRACE_SECONDS, cpuSeconds: Math.ceil(seconds) + GRACE_SECONDS, memoryBytes: MEMORY_BYTES, fileBytes: FILE_BYTES };
}

export type LoadJob = Readonly<{ run: Seal['run']; writable: readonly string[]; hidden: readonly string[]; python: string; script: string; env: Environment; folder: string; dags: string; plugins: string; limits: LoadLimits; marker: string; /** ISO 8601. */ reference: string; /** By file and DAG id what another release said of it; the same past is gone on from. */ seeds?: Seeds }>;

export type Seeds = Readonly<Record<string, Readonly<Record<string, readonly Seed[]>>>>;

/** `files`: what Airflow would look at. A file without a result in `loaded` was not loaded. `left`: files beyond what is taken here. `isLate`: Airflow did not come to the end of listing them. `problem`: the loader itself did not start. */
export type Loaded = Readonly<{ files: readonly string[]; left: number; isLate: boolean; loaded: readonly LoadedFile[]; plugins: LoadedPlugins | undefined; problem: string | undefined }>;

export async function loadDags(job: LoadJob): Promise<Loaded> {
  const loaded = new Map<string, LoadedFile>();
  let files: readonly string[] | undefined, plugins: LoadedPlugins | undefined, problem: string | undefined, left = 0, isLate = false;
  const runOn = async (only: readonly string[] | undefined, jobs: number): Promise<boolean> => {
    let isEnded = false, isStarted = false;
    const result = await job.run({
      writable: job.writable, hidden: job.hidden,
      command: job.python, args: ['-B', job.script], env: job.env, folder: job.folder, maxOutput: MAX_OUTPUT, timeoutSeconds: START_SECONDS + Math.min(MAX_TOTAL_SECONDS, 60 + ((only ?? files)?.length ?? 5000) * job.limits.wallSeconds * 3),
      input: JSON.stringify({ dags: job.dags, plugins: job.plugins, files: only ?? null, jobs, listSeconds: LIST_SECONDS, ...job.limits, reference: job.reference, seeds: job.seeds === undefined ? null : only === undefined ? job.seeds : Object.fromEntries(only.flatMap((file) => (job.seeds?.[file] === undefined ? [] : [[file, job.seeds[file]]]))) }),
      onLine: (line) => {
        const message = readLoadMessage(line);
        if (message?.kind === 'files') {
          isStarted = true;
          if (files === undefined) ({ files, left, late: isLate } = message);
        } else if (message?.kind === 'file') loaded.set(message.file, message);
        else if (message?.kind === 'plugins') plugins ??= message;
        else if (message?.kind === 'end') isEnded = true;
      },
    });
    await endMarked(job.marker);
    if (!isStarted) problem ??= result.stderr.slice(-1500);
    return isEnded;
  };
  const jobs = Math.max(2, Math.min(os.availableParallelism(), 8));
  let isDone = await runOn(undefined, jobs);
  for (let start = 1; files !== undefined && !isDone && start < MAX_STARTS; start += 1) {
    const missing: readonly string[] = (files as readonly string[]).filter((file) => !loaded.has(file));
    const [first] = missing;
    if (first === undefined) break;
    // Something ended the loader. One at a time, the file that does it is the first without a result.
    isDone = await runOn(missing, 1);
    const next = (files as readonly string[]).find((file) => !loaded.has(file));
    if (!isDone && next !== undefined) loaded.set(next, { kind: 'file', file: next, outcome: 'killed', status: 9, tail: '', standIn: undefined, errors: [], dags: [], reads: [], cut: { errors: 0, dags: 0 }, endedLoader: true });
  }
  return { files: files ?? [], left, isLate, loaded: [...loaded.values()].sort((a, b) => (a.file < b.file ? -1 : 1)), plugins, problem };
}
