/** How a changing phase begins: nothing blocks, the plan is the approved one, the bucket is there, and the journal's lock is held. */
import { UserError } from '../errors.js';
import type { Journal } from '../journal/journal.js';
import { refuseCleaned, withPlan } from '../journal/transitions.js';
import { describeBlockers } from '../plan/blockers.js';
import { digestOf } from '../plan/canonical.js';
import { describeDifferences, differences, type Difference } from '../plan/difference.js';
import type { Plan } from '../plan/plan.js';
import type { Bucket, Context, OpenJournal } from '../ports.js';
import { readPlans, storePlan, type StoredPlan } from './stored-plan.js';
import type { Survey } from './survey.js';
import { endWithPage } from './write-page.js';

export type Migration = Readonly<{
  bucket: Bucket;
  /** data/migration/<from>_to_<to>/<id>/ */
  prefix: string;
  journal: OpenJournal;
  /** Where the plan of today is not the one the first changing phase stored. */
  planChanges: readonly Difference[];
}>;

/** `readPlanFile` only makes a refusal say more, so no phase has to ask for it. */
export type MigrationContext = Pick<Context, 'inputs' | 'file' | 'clock' | 'log' | 'source' | 'journal' | 'owner'> & Partial<Pick<Context, 'readPlanFile'>>;

/**
 * Holds the lock while `work` runs.
 * @param begin 'may-begin': makes the migration bucket; 'must-exist': refuses when no phase before has begun
 * @throws {UserError} for blockers, a plan that was not approved, a migration that was cleaned up, a lock that somebody else holds
 */
export async function inMigration<T>(context: MigrationContext, seen: Survey, begin: 'may-begin' | 'must-exist', work: (migration: Migration) => Promise<T>): Promise<T> {
  refuseBlockers(seen.plan);
  const { bucket, store } = openStore(context, seen);
  const isThere = await context.source.buckets.exists(seen.bucketName);
  if (isThere) {
    const before = await store.peek();
    if (before) refuseCleaned(before);
    else if (begin !== 'may-begin') throw notBegun(context, seen);
  } else if (begin !== 'may-begin') throw notBegun(context, seen);
  await requireApprovedPlan(context, seen, isThere ? bucket : undefined, context.inputs.approvedPlan);
  if (begin === 'may-begin') {
    const outcome = await context.source.buckets.ensure(seen.bucketName, context.file.bucket.kmsKey);
    if (outcome === 'created') context.log.info(`Created bucket ${seen.bucketName} for the migration: versioned, encrypted, closed to the public.`);
  }
  const journal = await store.open(context.owner);
  let before: Journal | undefined, isDone = false;
  try {
    refuseCleaned(journal.current);
    const planChanges = await storePlan(bucket, seen.prefix, seen.plan);
    if (planChanges.length > 0) context.log.warn(`The plan is not the one this migration began with:\n    ${describeDifferences(planChanges)}`);
    if (journal.current.planDigest !== seen.plan.digest) await journal.update((current) => withPlan(current, seen.plan.digest));
    before = journal.current;
    const result = await work({ bucket, prefix: seen.prefix, journal, planChanges });
    isDone = true;
    return result;
  } finally {
    await endWithPage(context, bucket, seen.prefix, journal, { before, isDone, plan: seen.plan });
  }
}

/** For a dry run: the same refusals, no lock, nothing made. */
export async function lookAtMigration(context: MigrationContext, seen: Survey): Promise<Readonly<{ bucket: Bucket; journal: Journal | undefined }>> {
  refuseBlockers(seen.plan);
  const { bucket, store } = openStore(context, seen);
  const isThere = await context.source.buckets.exists(seen.bucketName);
  await requireApprovedPlan(context, seen, isThere ? bucket : undefined, context.inputs.approvedPlan);
  const journal = isThere ? await store.peek() : undefined;
  if (journal) refuseCleaned(journal);
  return { bucket, journal };
}

function openStore(context: MigrationContext, seen: Survey) {
  const bucket = context.source.openBucket(seen.bucketName, seen.sourceAccount);
  return { bucket, store: context.journal(bucket, seen.prefix) };
}

function refuseBlockers({ blockers }: Plan): void {
  if (blockers.length === 0) return;
  const { what, why, fix } = describeBlockers(blockers);
  throw new UserError(what, why, `${fix} Phase plan shows everything in one place.`);
}

/**
 * @param wanted the digest that was approved; undefined: none was given, and any plan goes
 * @throws {UserError} for another plan, with what differs where the approved one can be found
 */
export async function requireApprovedPlan({ readPlanFile }: Pick<MigrationContext, 'readPlanFile'>, { plan, prefix }: Survey, bucket: Bucket | undefined, wanted: string | undefined): Promise<void> {
  if (wanted === undefined || wanted === plan.digest) return;
  const approved = (await findPlan(bucket, prefix, wanted)) ?? planIn(await readPlanFile?.(), wanted);
  const found = approved ? describeDifferences(differences({ decisions: approved.decisions, basis: approved.basis }, { decisions: plan.decisions, basis: plan.basis })) : undefined;
  throw new UserError(
    `The plan is not the approved one: its digest is ${plan.digest}, approved is ${wanted}.${found ? `\n    ${found}` : ''}`,
    found ? 'the source environment or the migration file changed after the approval (approved → now).' : 'the source environment, the migration file or the release of this action changed after the approval; nothing was changed.',
    `run phase plan, let a person read its summary, and give its plan-digest as approved-plan.${found ? '' : ' Where its plan.json lies at the place that output plan names, the difference is shown here.'}`,
  );
}

/** Before the first changing phase nothing is stored. The file may come from anywhere: it counts if it is what was approved, to the last byte of its decisions. */
function planIn(text: string | undefined, digest: string): Pick<StoredPlan, 'decisions' | 'basis'> | undefined {
  if (text === undefined) return undefined;
  try {
    const { decisions, basis } = JSON.parse(text) as Pick<StoredPlan, 'decisions' | 'basis'>;
    return digestOf({ decisions, basis }) === digest ? { decisions, basis } : undefined;
  } catch {
    return undefined; // Whatever lies there, it is not the approved plan, and the refusal says so.
  }
}

async function findPlan(bucket: Bucket | undefined, prefix: string, digest: string): Promise<StoredPlan | undefined> {
  return bucket && (await readPlans(bucket, prefix)).find((stored) => stored.digest === digest);
}

const notBegun = ({ file, inputs }: MigrationContext, { bucketName, prefix }: Survey) =>
  new UserError(
    `Migration "${file.id}" has not begun: there is no journal below s3://${bucketName}/${prefix}`,
    `phase ${inputs.phase} goes on from what earlier phases recorded there.`,
    `run phases resources, create${inputs.phase === 'import' ? ' and export' : ', export and import'} first, with the same migration file.`,
  );
