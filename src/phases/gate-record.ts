import { UserError } from '../errors.js';
import { approversMayStart, approversOf } from '../gate/dispatch.js';
import { requireDefaultBranch } from '../gate/place.js';
import { requireProtected } from '../gate/protection.js';
import { freshReviews, hasFresh, type Asked, type FreshReviews } from '../gate/reviews.js';
import type { Gatekeeper } from '../gatekeeper.js';
import type { Journal } from '../journal/journal.js';
import { newestAttempt, rememberStep, replaceStep } from '../journal/transitions.js';
import { migrationBucketName, migrationPrefix } from '../plan/naming.js';
import type { Bucket, Context, JournalStore, OpenJournal, PhaseResult } from '../ports.js';
import { recordReport } from '../report/gate-record.js';
import { startedBy, type ApprovedData, type FinishedExport } from './attempts.js';
import { APPROVAL_REFUSED, approvalStep, approvedOf, attemptToApprove, CUTOVER_APPROVED, isOf, requireShown } from './gate-attempt.js';
import { requireGatekeeper } from './gate-keeper.js';
import { openPatiently } from './open-patiently.js';
import { resultOf } from './result.js';
import { writePage } from './write-page.js';

/** Characters of a refusal that the journal keeps. */
const MAX_REASON = 300;
/** Minutes that are left for the rest, where the journal's lock is waited for: an approval that is lost costs another person's attention. */
const REST_MINUTES = 5;
/** GitHub promises no moment at which a review is in its list, and this job may begin before: looks in a minute, and milliseconds between two. */
const LATE = { looks: 12, ms: 5_000 };

export type RecordContext = Pick<Context, 'inputs' | 'file' | 'clock' | 'log' | 'source' | 'journal' | 'owner' | 'github'>;

/**
 * Writes into the journal who approved what, after GitHub let this job begin (or a person began it). Everything is looked at again: what was
 * protected when it was asked may not be any more. Done twice, it says who approved and writes nothing.
 */
export async function recordApproval(context: RecordContext): Promise<PhaseResult> {
  const { inputs, log } = context;
  const { approvedPlan: planDigest, approvedManifest: scope, attempt: number } = inputs;
  if (planDigest === undefined || scope === undefined || number === undefined) throw nothingShown(context);
  const way = await lookAgain(context);
  const { store, bucket, prefix } = await openStore(context);
  const journal = await openPatiently(store, context, Math.max(0, inputs.timeoutMinutes - REST_MINUTES) * 60_000);
  try {
    const known = alreadyApproved(journal.current, number, { planDigest, scope }, inputs.workflow.gate.environment);
    if (known) {
      log.info(`Attempt ${number} was approved before, by ${known.by.join(', ')}.`);
      return finish(context, journal.current, number, { data: known, isNew: false, fresh: undefined, warnings: way.warnings });
    }
    const fresh = await way.reviews(journal.current);
    const attempt = await requireGoodFor(context, journal, fresh, () => {
      const found = attemptToApprove(journal.current, number);
      requireShown(journal.current, found, { planDigest, scope });
      return found;
    });
    const by = way.by(attempt, fresh);
    const data: ApprovedData = { by, how: way.name, environment: way.name === 'dispatch' ? undefined : inputs.workflow.gate.environment, planDigest, scope };
    await remember(context, journal, number, approvalStep(attempt), { ...data, ...(fresh ? { reviews: fresh.used } : {}) });
    log.info(`Attempt ${number} is approved by ${by.join(', ')}.`);
    await writePage(context, bucket, prefix, journal, undefined);
    return finish(context, journal.current, number, { data, isNew: true, fresh, warnings: way.warnings });
  } finally {
    await journal.close();
  }
}

type Way = Readonly<{
  name: ApprovedData['how'];
  warnings: readonly string[];
  /** Reviews that count; undefined: this way has none. @throws UserError when nobody has approved */
  reviews: (journal: Journal) => Promise<FreshReviews | undefined>;
  by: (attempt: FinishedExport, fresh: FreshReviews | undefined) => readonly string[];
}>;

async function lookAgain({ inputs, file, github, clock }: RecordContext): Promise<Way> {
  const { gate } = inputs.workflow;
  const gatekeeper = requireGatekeeper(github);
  const run = await github.run();
  const defaultBranch = await gatekeeper.defaultBranch();
  requireDefaultBranch(run, defaultBranch);
  const none = async (): Promise<undefined> => await Promise.resolve(undefined);
  if (gate.by === 'dispatch') {
    approversMayStart(run, file.approvers, defaultBranch);
    return { name: 'dispatch', warnings: [], reviews: none, by: (attempt) => approversOf(run, file.approvers, { attempt: attempt.number, starters: startedBy(attempt) }, defaultBranch) };
  }
  const { isProtected, warnings, whyNot } = requireProtected(await gatekeeper.protection(gate.environment), gate, defaultBranch, run.startedBy);
  if (!isProtected) return { name: 'unprotected', warnings, reviews: none, by: () => ['nobody'] };
  return { name: 'environment', warnings, reviews: async (journal) => awaitReview(gatekeeper, { environment: gate.environment, runId: run.id ?? '', whyNot }, journal, clock), by: (_, fresh) => fresh?.by ?? [] };
}

/** Nobody begins this job without an approval but an administrator: only where none comes up, it was one. */
async function awaitReview(gatekeeper: Gatekeeper, asked: Asked, journal: Journal, clock: RecordContext['clock']): Promise<FreshReviews> {
  for (let looks = 1; ; looks += 1) {
    const reviews = await gatekeeper.reviews();
    if (looks >= LATE.looks || hasFresh(reviews, asked, journal)) return freshReviews(reviews, asked, journal);
    await clock.sleep(LATE.ms);
  }
}

/** An approval of what turns out to be something else is used up all the same: it was for that, and must not count for what is exported next. */
async function requireGoodFor(context: RecordContext, journal: OpenJournal, fresh: FreshReviews | undefined, check: () => FinishedExport): Promise<FinishedExport> {
  try {
    return check();
  } catch (error) {
    const newest = newestAttempt(journal.current);
    if (error instanceof UserError && fresh && newest) await remember(context, journal, newest.number, APPROVAL_REFUSED, { by: fresh.by, reason: error.what.slice(0, MAX_REASON), reviews: fresh.used });
    throw error;
  }
}

async function remember({ clock, owner }: RecordContext, journal: OpenJournal, number: number, name: string, data: Readonly<Record<string, unknown>>): Promise<void> {
  const step = { name, at: clock.now().toISOString(), by: owner, data };
  // Of what was refused the newest counts: it has the longest list of reviews. Of a cutover the one by the environment that is asked now.
  await journal.update((current) => (name === APPROVAL_REFUSED || name === CUTOVER_APPROVED ? replaceStep : rememberStep)(current, number, step));
}

/** By the source role alone: the gate changes the journal, and looks at nothing else. */
async function openStore({ file, source, journal }: RecordContext): Promise<Readonly<{ store: JournalStore; bucket: Bucket; prefix: string }>> {
  const found = await source.mwaa.get(file.source.environment);
  if (!found) throw notThere(`There is no environment "${file.source.environment}" in ${file.source.region}.`);
  const { account } = await source.identity();
  const name = migrationBucketName(file, account);
  if (!(await source.buckets.exists(name))) throw notThere(`There is no migration bucket ${name}.`);
  const bucket = source.openBucket(name, account), prefix = migrationPrefix(file, found.AirflowVersion, file.target.airflowVersion);
  const store = journal(bucket, prefix);
  // Opening one that is not there would begin a migration.
  if (!(await store.peek())) throw notThere(`Migration "${file.id}" has not begun: there is no journal ${store.location}.`);
  return { store, bucket, prefix };
}

const notThere = (what: string): UserError => new UserError(what, 'an approval is for an export, and no export of this migration is there.', 'use the migration file and the source role that the export was made with.');

const nothingShown = ({ inputs }: RecordContext): UserError => {
  const missing = [inputs.approvedPlan === undefined ? 'approved-plan' : [], inputs.approvedManifest === undefined ? 'approved-manifest' : [], inputs.attempt === undefined ? 'attempt' : []].flat();
  return new UserError(`Nothing says what was approved: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} empty.`, 'an approval is for the plan, the export and the attempt that a person was shown.', 'give the outputs plan-digest, manifest-digest and attempt of the job that ran phase gate with mode: ask; by hand the values of its summary.');
};

/** Of the very thing that is asked for again: a job that is run twice changes nothing. What it is good for by now, the later phases decide. */
function alreadyApproved({ attempts }: Journal, number: number, { planDigest, scope }: Readonly<{ planDigest: string; scope: string }>, environment: string): ApprovedData | undefined {
  const attempt = attempts.find((one) => one.number === number);
  const data = attempt && approvedOf(attempt);
  // What is imported waits for the second gate; an approval by the reviewers of the first (from: ask) is none of it.
  if (attempt && data && approvalStep(attempt) === CUTOVER_APPROVED && data.how !== 'dispatch' && !isOf(data, environment)) return undefined;
  return data?.planDigest === planDigest && data.scope === scope ? data : undefined;
}

type Outcome = Readonly<{ data: ApprovedData; isNew: boolean; fresh: FreshReviews | undefined; warnings: readonly string[] }>;

async function finish({ file, github }: RecordContext, journal: Journal, number: number, outcome: Outcome): Promise<PhaseResult> {
  const { data } = outcome;
  const attempt = journal.attempts.find((one) => one.number === number);
  const report = recordReport({ ...outcome, attempt: number, mode: attempt?.mode ?? 'rehearsal', isCutover: attempt !== undefined && approvalStep(attempt) === CUTOVER_APPROVED, source: file.source.environment, startedBy: (await github.run()).startedBy });
  return resultOf(`mwaa-migrate: approval of ${file.id}`, report, {
    'migration-id': file.id, attempt: String(number), 'plan-digest': data.planDigest, 'manifest-digest': data.scope, 'approved-by': data.by.join(','), 'target-environment': file.target.environment,
  });
}
