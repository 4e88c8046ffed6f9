/** How rollback and watch begin. They need no plan: what blocks a migration, or keeps its plan from being made, must not keep anybody from going back. */
import { UserError } from '../errors.js';
import type { Journal } from '../journal/journal.js';
import { refuseCleaned } from '../journal/transitions.js';
import { accountOf, migrationBucketName, migrationPrefix } from '../plan/naming.js';
import type { Bucket, Context, EnvironmentDescription } from '../ports.js';
import { didYouMean } from '../suggest.js';
import type { Migration } from './migration.js';
import { openPatiently } from './open-patiently.js';
import { endWithPage } from './write-page.js';

/** Both sides as they are now, and where the migration lies. */
export type Place = Readonly<{
  source: EnvironmentDescription;
  /** undefined: not created yet, or gone; or nobody can tell. */
  target: EnvironmentDescription | undefined;
  /** Why nobody can tell whether there is a target; undefined: it was asked. */
  targetUnknown?: UserError | undefined;
  sourceAccount: string;
  bucketName: string;
  prefix: string;
}>;
type WayBackContext = Pick<Context, 'inputs' | 'file' | 'clock' | 'log' | 'source' | 'target' | 'journal' | 'owner'>;

/**
 * Looks by the roles that also go back: the plan role may be the very thing that is broken.
 * @throws {UserError} when the source does not exist or may not be read
 */
export async function lookAround({ file, source, target }: Pick<Context, 'file' | 'source' | 'target'>): Promise<Place> {
  const { environment, region } = file.source;
  const seen = await source.mwaa.get(environment);
  if (!seen) {
    const known = await source.mwaa.list().catch((error: unknown) => { if (error instanceof UserError) return []; throw error; });
    throw new UserError(
      `There is no environment "${environment}" in ${region}${didYouMean(environment, known)}.`,
      'its recorded DAGs cannot be made active where they were; nothing was changed.',
      'correct source.environment or source.region in the migration file, or use a role of the right account. If the source was deleted, there is no way back to it: the target is what is left.',
    );
  }
  const sourceAccount = accountOf(seen.Arn);
  return { source: seen, ...(await lookAtTarget({ file, target })), sourceAccount, bucketName: migrationBucketName(file, sourceAccount), prefix: migrationPrefix(file, seen.AirflowVersion, file.target.airflowVersion) };
}

/** What is wrong with the target's role or account must not keep anybody from putting the source back, where nothing ever reached the target: quietTarget decides. */
async function lookAtTarget({ file, target }: Pick<Context, 'file' | 'target'>): Promise<Pick<Place, 'target' | 'targetUnknown'>> {
  try {
    return { target: await target.mwaa.get(file.target.environment) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { target: undefined, targetUnknown: error };
  }
}

/** No lock, nothing made. @returns `journal` undefined: the migration has not begun */
export async function lookAtJournal(context: WayBackContext, place: Place): Promise<Readonly<{ bucket: Bucket; journal: Journal | undefined }>> {
  const { bucket, store } = openStore(context, place);
  const journal = (await context.source.buckets.exists(place.bucketName)) ? await store.peek() : undefined;
  if (journal) refuseCleaned(journal);
  return { bucket, journal };
}

/**
 * Holds the lock while `work` runs. A runner that died a moment ago sends nobody away: its lease is waited out.
 * @param waitMs milliseconds for which also one that lives is waited for; 0: not at all
 * @throws {LockHeld} while another runner lives and works
 */
export async function onWayBack<T>(context: WayBackContext, place: Place, waitMs: number, work: (migration: Migration) => Promise<T>): Promise<T> {
  const { bucket, store } = openStore(context, place);
  const journal = waitMs > 0 ? await openPatiently(store, context, waitMs) : await store.open(context.owner, 'one-lease');
  const before = journal.current;
  let isDone = false;
  try {
    refuseCleaned(journal.current);
    const result = await work({ bucket, prefix: place.prefix, journal, planChanges: [] });
    isDone = true;
    return result;
  } finally {
    await endWithPage(context, bucket, place.prefix, journal, { before, isDone, plan: undefined });
  }
}

function openStore(context: WayBackContext, place: Place) {
  const bucket = context.source.openBucket(place.bucketName, place.sourceAccount);
  return { bucket, store: context.journal(bucket, place.prefix) };
}
