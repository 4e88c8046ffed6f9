/** Our DAG file in the environment's DAG folder: put there, seen by the scheduler, taken away. */
import { OWN_DAG_FOLDER, ownDagKey } from '../../../airflow/own-dags.js';
import { dagTags, type Rendered } from '../../../airflow/protocol.js';
import { UserError } from '../../../errors.js';
import type { Bucket, Clock, Log } from '../../../ports.js';
import type { AirflowRest, ImportError } from './airflow-rest.js';
import { isSameRendering, renderDagFile } from './dag-file.js';

/** A new file is found by the folder scan (scheduler.dag_dir_list_interval, 300 s by default) after the sync from S3. */
export const PARSE_MINUTES = 15;
const POLL_MS = 3_000;
/** Between two lines of progress and two looks at the import errors. */
export const TELL_MS = 30_000;
/** A file that is kept must be able to start runs for this long. */
const KEEP_MS = 2 * 3_600_000;
/** A row that comes back: a scheduler that parsed the file once more before its folder was synced. */
const SETTLE_MS = 5_000, GONE_MS = 60_000;
/** A task that has given its result is still to be booked out: deleting its DAG now takes the job's row away, and the scheduler logs an exception [seen, 2.10.3]. */
const BOOKED_OUT_MS = 3_000;

export type DagPlace = Readonly<{
  dagId: 'db_export' | 'db_import';
  environment: string;
  bucket: Bucket;
  /** DagS3Path of the environment, e.g. `dags` or `team/dags/`. */
  dagFolder: string;
  clock: Clock;
  log: Log;
}>;
export type RestPlace = DagPlace & Readonly<{ rest: AirflowRest }>;

/** @returns false when the file was there as wanted */
export async function placeDagFile({ dagId, environment, bucket, dagFolder, clock, log }: DagPlace, source: string, rendered: Rendered): Promise<boolean> {
  const key = ownDagKey(dagFolder, dagId);
  const there = await bucket.read(key);
  if (there && isSameRendering(there.body.toString('utf8'), source, rendered, new Date(clock.now().getTime() + KEEP_MS))) return false;
  await bucket.write(key, renderDagFile(source, rendered), { contentType: 'text/x-python' });
  log.info(`DAG file of attempt ${rendered.attempt} written for "${environment}": s3://${bucket.name}/${key}`);
  return true;
}

/**
 * Waits until the scheduler has parsed this very rendering, which its tags show.
 * @param placedAt milliseconds since the epoch; import errors from before are of an earlier file
 * @throws UserError with the file's import error, or with what delays a scheduler
 */
export async function waitUntilParsed({ dagId, environment, bucket, dagFolder, rest, clock, log }: RestPlace, rendered: Rendered, placedAt: number, deadline: number): Promise<void> {
  const wanted = dagTags(rendered);
  const until = Math.min(deadline, clock.now().getTime() + PARSE_MINUTES * 60_000);
  const started = clock.now().getTime();
  let told = started;
  for (;;) {
    const dag = await rest.dag(dagId);
    if (dag?.isActive && wanted.every((tag) => dag.tags.includes(tag))) return;
    const now = clock.now().getTime();
    const isLate = now >= until;
    if (isLate || now - told >= TELL_MS) {
      told = now;
      const broken = await ownImportError(rest, dagId);
      if (broken && (isLate || Date.parse(broken.at) > placedAt)) throw cannotImport(environment, dagId, broken);
      if (isLate) throw notParsed(environment, dagId, `s3://${bucket.name}/${ownDagKey(dagFolder, dagId)}`, Math.round((now - started) / 60_000));
      log.info(`Waiting for the scheduler of "${environment}" to read the DAG file (${Math.round((now - started) / 1000)} s; new files are found by a folder scan, every 5 minutes by default).`);
    }
    await clock.sleep(POLL_MS);
  }
}

/** Whether the file or its row is there. */
export const isDagThere = async ({ dagId, bucket, dagFolder, rest }: RestPlace): Promise<boolean> => (await bucket.head(ownDagKey(dagFolder, dagId))) !== undefined || (await rest.dag(dagId)) !== undefined;

/** File first, then its row; both gone already is fine. */
export const removeDagFile = (place: RestPlace): Promise<void> =>
  removeDag(place, async () => ((await place.rest.dag(place.dagId)) === undefined ? 'gone' : await place.rest.deleteDag(place.dagId).then((end) => (end === 'busy' ? 'busy' : 'deleted'))));

/**
 * File first, then its row, until it does not come back; both gone already is fine.
 * @param deleteRow 'gone': there was none. 'busy': a task of it runs
 */
export async function removeDag({ dagId, environment, bucket, dagFolder, clock, log }: DagPlace, deleteRow: () => Promise<'gone' | 'deleted' | 'busy'>): Promise<void> {
  const key = ownDagKey(dagFolder, dagId);
  const wasThere = (await bucket.head(key)) !== undefined;
  if (wasThere) await bucket.remove(key);
  if (wasThere) await clock.sleep(BOOKED_OUT_MS);
  const until = clock.now().getTime() + GONE_MS;
  for (let isFirst = true; ; isFirst = false) {
    if (clock.now().getTime() >= until) {
      // Harmless: without its file the DAG becomes inactive at the next folder scan and can run nothing.
      log.warn(`The row of DAG ${dagId} in "${environment}" is still there; its file is gone, so the scheduler will deactivate it.`);
      return;
    }
    const end = await deleteRow();
    if (end === 'gone') return;
    if (end === 'busy') log.info(`A task of ${dagId} in "${environment}" still runs; waiting to delete the DAG.`);
    else if (isFirst) log.info(`DAG ${dagId} removed from "${environment}".`);
    await clock.sleep(SETTLE_MS);
  }
}

async function ownImportError(rest: AirflowRest, dagId: string): Promise<ImportError | undefined> {
  return (await rest.importErrors()).find(({ file }) => file.endsWith(`${OWN_DAG_FOLDER}/${dagId}.py`));
}

/** Of a stack trace the end says what is wrong; our file holds no secret that could stand there. */
const TRACE_CHARACTERS = 800;
const cannotImport = (environment: string, dagId: string, { text }: ImportError): UserError =>
  new UserError(
    `Airflow in "${environment}" cannot import our DAG file ${dagId}.py.`,
    `its import ended with: …${text.slice(-TRACE_CHARACTERS).trim()}`,
    'a missing module points to requirements that replaced Airflow\'s own packages; otherwise report this text with the Airflow version.',
  );

/** @param shows what Airflow shows of it */
export const notParsed = (environment: string, dagId: string, location: string, minutes: number, shows = `Airflow shows no DAG ${dagId} with the tags of this attempt`): UserError =>
  new UserError(
    `The scheduler of "${environment}" has not read our DAG file within ${minutes} minutes.`,
    `${location} is written, but ${shows}: the scheduler or DAG processor stands still, an .airflowignore hides the folder ${OWN_DAG_FOLDER}/, or scheduler.dag_dir_list_interval is very long.`,
    'look at the DAG processing log of the environment and at those two settings, then run the phase again: it goes on where it stopped.',
  );
