import type { ActiveDag, ObjectRef, RanOnTarget, RestoreData } from '../airflow/protocol.js';
import { InternalError, LockHeld, UserError } from '../errors.js';
import type { Attempt, Journal } from '../journal/journal.js';
import { attemptOf, rememberStep, replaceStep, stepOf } from '../journal/transitions.js';
import { jobFor } from '../plan/job.js';
import { stateOf } from '../plan/states.js';
import type { Context, OpenJournal, PhaseResult } from '../ports.js';
import type { Report } from '../report/document.js';
import { withTimeline } from '../report/timeline.js';
import { dryTidy, leftAlone, rollbackToNothing } from '../report/rollback-nothing.js';
import { rollbackReport } from '../report/rollback-report.js';
import type { Leftovers } from '../report/tidied-section.js';
import type { TargetSide } from '../report/rollback-target.js';
import { readActiveDags } from './active-dags.js';
import { attemptToRollBack, importedSince, pausedAttempts, STEP } from './attempts.js';
import { grantAccess } from './grants.js';
import type { Migration } from './migration.js';
import { ordersOf } from './orders.js';
import { readRan } from './read-ran.js';
import { resultOf } from './result.js';
import { decideAutomatic, type Decision } from './rollback-automatic.js';
import { dryRollback } from './rollback-dry.js';
import { restoredBefore, restoreMissing, restoreSource, type Restored } from './restore-source.js';
import { quietTarget, sideBefore } from './quiet-target.js';
import { findLeftovers, isTidy, tidyUp } from './tidy.js';
import { pausedSince } from './watching.js';
import { lookAround, lookAtJournal, onWayBack, type Place } from './way-back.js';

export type RollbackContext = Pick<Context, 'inputs' | 'file' | 'clock' | 'log' | 'plan' | 'source' | 'target' | 'journal' | 'owner'>;

/**
 * The way back from any point: the target is paused and quiet first, then the source is made active exactly as recorded, with what the drain
 * had ended and without what the target ran; grants, our DAG files and the exported secrets go. Also where nothing was paused. Safe to
 * repeat: where nothing is left to do it only reads.
 */
export async function rollBack(context: RollbackContext): Promise<PhaseResult> {
  const { inputs } = context;
  const seen = await lookAround(context);
  const { bucket, journal } = await lookAtJournal(context, seen);
  if (!journal) return nothing(context, rollbackToNothing(seen.source.Name, undefined, undefined));
  const way = wayOf(context, journal);
  if (way.kind === 'leave' && !mayTidy(way, seen)) return leave(context, seen, way.why);
  requireSource(seen);
  if (inputs.dryRun && way.kind === 'go') return resultOf(titleOf(context), await dryRollback(context, seen, { bucket, journal }, way.attempt), { ...outputsOf(context), attempt: String(way.attempt.number) });
  if (inputs.dryRun) return nothing(context, dryTidy(seen.source.Name, whyNothing(way), await findLeftovers(context, seen, bucket, journal)));
  // What lies around is looked at last where the source is still to be put back: nothing of it may keep anybody from that.
  if (!isUnfinished(way) && isTidy(await findLeftovers(context, seen, bucket, journal))) return await goBack(context, seen, { bucket, prefix: seen.prefix, planChanges: [], journal: readOnly(journal) }, way);
  try {
    const begun = context.clock.now();
    return await onWayBack(context, seen, patienceOf(context, way), async (migration) => {
      const again = wayOf(context, migration.journal.current);
      return again.kind === 'leave' && !again.isQuiet ? leave(context, seen, again.why) : await goBack(since(context, begun), seen, migration, again);
    });
  } catch (error) {
    // Whoever works there goes on from what lies around.
    if (error instanceof LockHeld && way.kind === 'leave') return leave(context, seen, `${way.why}; and ${error.what.charAt(0).toLowerCase()}${error.what.slice(1, -1)}`);
    throw error;
  }
}

/** Minutes of timeout-minutes that are left for the way back, where the journal's lock is waited for. */
const BACK_MINUTES = 30;

/** Milliseconds. A person can run a rollback again; of one that runs by itself nobody may be there to do so while the source stands still. */
function patienceOf({ inputs }: RollbackContext, way: Way): number {
  return inputs.isAutomatic && way.kind === 'go' ? Math.max(0, inputs.timeoutMinutes - BACK_MINUTES) * 60_000 : 0;
}

/** With what is left of timeout-minutes. */
function since(context: RollbackContext, begun: Date): RollbackContext {
  const { inputs, clock } = context;
  return { ...context, inputs: { ...inputs, timeoutMinutes: inputs.timeoutMinutes - Math.floor((clock.now().getTime() - begun.getTime()) / 60_000) } };
}

/** 'nothing': nothing was paused, but something of ours may lie around. */
type Way = Decision | Readonly<{ kind: 'nothing' }>;

function wayOf({ inputs, owner }: RollbackContext, journal: Journal | undefined): Way {
  if (inputs.isAutomatic) return decideAutomatic(journal, owner);
  const attempt = journal && attemptToRollBack(journal, inputs.attempt);
  return attempt ? { kind: 'go', attempt } : { kind: 'nothing' };
}

/** The source is still to be put back, or a DAG that had no file then is to be tried again. */
function isUnfinished(way: Way): boolean {
  if (way.kind !== 'go') return false;
  const restored = stepOf(way.attempt, STEP.restored);
  return restored === undefined || restoredBefore(restored.data).missing.length > 0;
}

async function goBack(context: RollbackContext, seen: Place, migration: Migration, way: Way): Promise<PhaseResult> {
  if (way.kind === 'go') return await new Rollback(context, seen, migration, way.attempt).run();
  return nothing(context, rollbackToNothing(seen.source.Name, whyNothing(way), await tidyUp(context, seen, migration.bucket, migration.journal.current)));
}

const whyNothing = (way: Way): string => (way.kind === 'leave' ? way.why : 'the journal has no final export that recorded what was active on the source, so nothing was paused');

/** By itself a rollback clears away only where everything can be reached: a failed run gets no second failure for that. */
const mayTidy = ({ isQuiet }: Extract<Decision, { kind: 'leave' }>, { source }: Place): boolean => isQuiet && stateOf(source.Status).verdict === 'usable';

const nothing = (context: RollbackContext, report: Report): PhaseResult => resultOf(titleOf(context), report, { ...outputsOf(context), changes: '0' });

/** For a rollback that has nothing to write. */
const readOnly = (journal: Journal): OpenJournal => ({ current: journal, update: () => Promise.reject(new InternalError('A rollback that has nothing to do wrote into the journal.')), close: () => Promise.resolve() });

function leave(context: RollbackContext, seen: Place, why: string): PhaseResult {
  context.log.info(`Nothing is rolled back: ${why}.`);
  return nothing(context, leftAlone(seen.source.Name, why));
}

const outputsOf = ({ file }: RollbackContext): Readonly<Record<string, string>> => ({ 'migration-id': file.id, 'target-environment': file.target.environment });
const titleOf = ({ file, inputs }: RollbackContext): string => `mwaa-migrate: rollback of ${file.id}${inputs.dryRun ? ' (dry run)' : ''}`;

function requireSource({ source }: Place): void {
  const { verdict, meaning, fix } = stateOf(source.Status);
  if (verdict === 'usable') return;
  throw new UserError(`Source ${source.Name} is ${source.Status}: ${meaning}.`, 'nothing can be put back in it now, and the target was not touched.', `${fix}, then run phase rollback again.`);
}

class Rollback {
  constructor(
    private readonly context: RollbackContext, private readonly seen: Place, private readonly migration: Migration, private readonly attempt: Attempt,
  ) {}

  async run(): Promise<PhaseResult> {
    const { context, seen, migration, attempt } = this;
    const active = await readActiveDags(migration.bucket, migration.prefix, attempt.number);
    const source = context.source.airflow(seen.source, migration.bucket, migration.prefix);
    const earlier = pausedAttempts(migration.journal.current, attempt.number).map(({ number }) => number);
    const before = stepOf(attempt, STEP.restored), wasBefore = before && restoredBefore(before.data);
    let side: TargetSide = sideBefore(migration.journal.current, attempt, (seen.target ?? seen.targetUnknown) !== undefined);
    let restored: Restored;
    if (wasBefore) restored = await this.restoreMissing(source, active, earlier, wasBefore);
    else {
      await grantAccess(context, seen);
      side = await quietTarget(context, seen, migration, attempt, active);
      restored = await this.restore(source, active, earlier);
    }
    const tidied = await this.tidy();
    const now = await source.listActiveDagIds();
    const ran = await this.ran();
    const problems = before ? missingWords(restored) : this.problems(active, restored, now, side);
    const report = rollbackReport({
      source: source.name, target: context.file.target.environment, attempt: attempt.number, restoredAt: before?.at, wanted: active.map(({ dagId }) => dagId), now, restored, side, ran, problems, tidied,
      paused: this.paused(),
      isImported: importedSince(migration.journal.current, attempt) !== undefined,
    });
    return resultOf(titleOf(context), withTimeline(report, migration.journal.current, context.clock.now()), { ...outputsOf(context), attempt: String(attempt.number), changes: String(restored.activated - (wasBefore?.activated ?? 0)) }, problems.length === 0 ? undefined : {
      what: `The source is not as it was before: ${problems.join('; ')}.`, why: 'rollback promises exactly what was recorded.',
      fix: restored.missing.length > 0 ? 'put back the files of the DAGs that are gone and run phase rollback again, which tries these once more; look at what else is named in the source\'s Airflow.' : 'look at each of them in the source\'s Airflow; there is nothing more that rollback can do.',
    });
  }

  private async restore(source: ReturnType<RollbackContext['source']['airflow']>, active: readonly ActiveDag[], earlier: readonly number[]): Promise<Restored> {
    const { context, seen, attempt } = this;
    // Killed before its drain began, and nobody else had paused anything: then whatever is paused, a person has paused.
    const wasPaused = stepOf(attempt, STEP.drainBegun) !== undefined || earlier.length > 0;
    const job = jobFor({ file: context.file, side: 'source', attempt: attempt.number, mode: 'final', sourceVersion: seen.source.AirflowVersion, envelope: null, activeDags: active, earlierAttempts: earlier, ran: this.ranRef });
    // Ordered, the restore goes on without us: whoever comes after us must not activate the target meanwhile, also one that was left alone.
    if (wasPaused) await this.remember(STEP.restoreBegun);
    // A drain whose runner is gone may still be at work, and our DAG run waits in the queue behind it: it stops where it finds this.
    if (wasPaused) await this.migration.bucket.writeOnce(`${this.migration.prefix}${attempt.number}/restore/ordered.json`, `${JSON.stringify({ at: context.clock.now().toISOString(), by: context.owner })}\n`);
    const found: RestoreData = wasPaused
      ? await restoreSource(source, ordersOf(context, context.inputs.timeoutMinutes)(attempt.number, job, { isFresh: true }), active, true)
      : { activated: [], missing: [], putBack: 0, standIns: [], leftFailed: [] };
    const restored: Restored = { ...found, activated: found.activated.length };
    // Before the files go: whoever runs this again must not put back a second time what goes on by then.
    await this.remember(STEP.restored, restored);
    context.log.info(`${source.name} was put back: ${restored.activated} DAGs activated, ${restored.putBack} ended tasks put back.`);
    return restored;
  }

  /** Run again after it was put back: only what was missing then is tried. */
  private async restoreMissing(source: ReturnType<RollbackContext['source']['airflow']>, active: readonly ActiveDag[], earlier: readonly number[], before: Restored): Promise<Restored> {
    const { context, seen, attempt } = this;
    const restored = await restoreMissing(source, active, before, async (still) => {
      await grantAccess(context, seen);
      const job = jobFor({ file: context.file, side: 'source', attempt: attempt.number, mode: 'final', sourceVersion: seen.source.AirflowVersion, envelope: null, activeDags: still, earlierAttempts: earlier, ran: this.ranRef });
      return ordersOf(context, context.inputs.timeoutMinutes)(attempt.number, job, { isFresh: true });
    });
    const step = stepOf(attempt, STEP.restored);
    if (step && restored !== before) await this.migration.journal.update((current) => replaceStep(current, attempt.number, { ...step, data: restored }));
    return restored;
  }

  /** What the target ran, as `deactivate` recorded it. */
  private async ran(): Promise<RanOnTarget | undefined> {
    const ref = this.ranRef;
    return ref ? await readRan(this.migration.bucket, ref) : undefined;
  }

  private problems(active: readonly ActiveDag[], restored: Restored, now: readonly string[], side: TargetSide): readonly string[] {
    const there = new Set(now), gone = new Set(restored.missing);
    const paused = active.map(({ dagId }) => dagId).filter((dagId) => !there.has(dagId) && !gone.has(dagId));
    const wasTouched = stepOf(this.attempt, STEP.drainBegun) !== undefined;
    return [
      ...missingWords(restored),
      ...overtakenWords(restored),
      ...(paused.length > 0 && wasTouched ? [`recorded as active, but not active now: ${shorten(paused)}`] : []),
      ...(side.kind === 'gone' && side.wasActive ? ['the target is gone, and what it ran is not known'] : []),
    ];
  }

  private async tidy(): Promise<Leftovers> {
    const { context, seen, migration, attempt } = this;
    const found = await tidyUp(context, seen, migration.bucket, migration.journal.current);
    if (found.secrets > 0) await migration.journal.update((current) => replaceStep(current, attempt.number, { name: STEP.secretsRemoved, at: context.clock.now().toISOString(), by: context.owner, data: { versions: found.secrets } }));
    return found;
  }

  /** From the first drain of this pause to the moment at which the source was put back. */
  private paused(): Readonly<{ since: string; until: string }> | undefined {
    const { current } = this.migration.journal, { number } = this.attempt;
    const since = pausedSince(current, number), attempt = attemptOf(current, number);
    const until = attempt && stepOf(attempt, STEP.restored)?.at;
    return since === undefined || until === undefined ? undefined : { since, until };
  }

  private get ranRef(): ObjectRef | null {
    return refOf(this.stepData(STEP.deactivated).ran);
  }

  private stepData(name: string): Readonly<Record<string, unknown>> {
    const current = this.migration.journal.current.attempts.find(({ number }) => number === this.attempt.number);
    return (current && stepOf(current, name)?.data) ?? {};
  }

  private async remember(name: string, data?: Readonly<Record<string, unknown>>): Promise<void> {
    const { context, migration, attempt } = this;
    await migration.journal.update((current) => rememberStep(current, attempt.number, { name, at: context.clock.now().toISOString(), by: context.owner, ...(data ? { data } : {}) }));
  }
}

/** As the journal gives it back. */
const refOf = (value: unknown): ObjectRef | null => (typeof value === 'object' && value !== null && 'sha256' in value ? (value as ObjectRef) : null);
const missingWords = ({ missing }: Restored): readonly string[] => (missing.length > 0 ? [`gone from the source since: ${shorten(missing)}`] : []);
const overtakenWords = ({ overtaken = [] }: Restored): readonly string[] => (overtaken.length > 0 ? [`activated by somebody before rollback came to them, so that their runs run twice or not at all: ${shorten([...new Set(overtaken.map(({ dagId }) => dagId))])}`] : []);
const shorten = (names: readonly string[]) => names.slice(0, 10).join(', ') + (names.length > 10 ? ', …' : '');
