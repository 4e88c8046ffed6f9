import type { ActiveDag, ObjectRef, RanOnTarget, RestoreData } from '../airflow/protocol.js';
import { UserError } from '../errors.js';
import type { Attempt } from '../journal/journal.js';
import { rememberStep, replaceStep, stepOf } from '../journal/transitions.js';
import { jobFor } from '../plan/job.js';
import { stateOf } from '../plan/states.js';
import type { Context, PhaseResult } from '../ports.js';
import { withTimeline } from '../report/timeline.js';
import { leftAlone, rollbackReport, rollbackToNothing } from '../report/rollback-report.js';
import type { TargetSide } from '../report/rollback-target.js';
import { readActiveDags } from './active-dags.js';
import { attemptToRollBack, importedSince, pausedAttempts, STEP } from './attempts.js';
import { grantAccess, revokeAccess } from './grants.js';
import { inMigration, lookAtMigration, type Migration } from './migration.js';
import { ordersOf } from './orders.js';
import { readRan } from './read-ran.js';
import { resultOf } from './result.js';
import { decideAutomatic } from './rollback-automatic.js';
import { dryRollback } from './rollback-dry.js';
import { restoredBefore, restoreMissing, restoreSource, type Restored } from './restore-source.js';
import { quietTarget, sideBefore } from './quiet-target.js';
import { survey, type Survey } from './survey.js';

export type RollbackContext = Pick<Context, 'inputs' | 'file' | 'clock' | 'log' | 'plan' | 'source' | 'target' | 'journal' | 'owner'>;

/**
 * The way back from any point of the switch: the target is paused and quiet first, then the source is made active exactly as recorded,
 * with what the drain had ended and without what the target ran. Safe to repeat; what blocks a migration does not block its way back.
 */
export async function rollBack(context: RollbackContext): Promise<PhaseResult> {
  const { inputs, file } = context;
  const seen = await survey(context);
  const before = await lookAtMigration(context, seen, true);
  const outputs = { 'migration-id': file.id, 'target-environment': file.target.environment };
  const title = `mwaa-migrate: rollback of ${file.id}${inputs.dryRun ? ' (dry run)' : ''}`;
  if (inputs.isAutomatic) {
    const decision = decideAutomatic(before.journal, context.owner);
    if (decision.kind === 'leave') {
      context.log.info(`Nothing is rolled back: ${decision.why}.`);
      return resultOf(title, leftAlone(seen.source.Name, decision.why), { ...outputs, changes: '0' });
    }
  }
  const first = before.journal && attemptToRollBack(before.journal, inputs.attempt);
  if (!first) return resultOf(title, rollbackToNothing(seen.source.Name, before.journal === undefined), { ...outputs, changes: '0' });
  requireSource(seen);
  if (inputs.dryRun) {
    return resultOf(title, await dryRollback(context, seen, before, first), { ...outputs, attempt: String(first.number) });
  }
  return await inMigration(context, seen, 'way-back', async (migration) => {
    const attempt = attemptToRollBack(migration.journal.current, inputs.attempt);
    if (!attempt) return resultOf(title, rollbackToNothing(seen.source.Name, false), { ...outputs, changes: '0' });
    return await new Rollback(context, seen, migration, attempt, title, outputs).run();
  });
}

function requireSource({ source }: Survey): void {
  const { verdict, meaning, fix } = stateOf(source.Status);
  if (verdict === 'usable') return;
  throw new UserError(`Source ${source.Name} is ${source.Status}: ${meaning}.`, 'nothing can be put back in it now, and the target was not touched.', `${fix}, then run phase rollback again.`);
}

class Rollback {
  constructor(
    private readonly context: RollbackContext, private readonly seen: Survey, private readonly migration: Migration, private readonly attempt: Attempt,
    private readonly title: string, private readonly outputs: Readonly<Record<string, string>>,
  ) {}

  async run(): Promise<PhaseResult> {
    const { context, seen, migration, attempt } = this;
    const active = await readActiveDags(migration.bucket, migration.prefix, attempt.number);
    const source = context.source.airflow(seen.source, migration.bucket, migration.prefix);
    const earlier = pausedAttempts(migration.journal.current, attempt.number).map(({ number }) => number);
    const before = stepOf(attempt, STEP.restored), wasBefore = before && restoredBefore(before.data);
    let side: TargetSide = sideBefore(migration.journal.current, attempt, seen.target !== undefined);
    let restored: Restored;
    if (wasBefore) restored = await this.restoreMissing(source, active, earlier, wasBefore);
    else {
      await grantAccess(context, seen);
      side = await quietTarget(context, seen, migration, attempt, active);
      restored = await this.restore(source, active, earlier);
    }
    await source.removeDag();
    if (side.kind !== 'broken') await this.tidyTarget();
    await revokeAccess(context, seen.bucketName);
    const now = await source.listActiveDagIds();
    const ran = await this.ran();
    const problems = before ? missingWords(restored) : this.problems(active, restored, now, side);
    const report = rollbackReport({
      source: source.name, target: context.file.target.environment, attempt: attempt.number, restoredAt: before?.at, wanted: active.map(({ dagId }) => dagId), now, restored, side, ran, problems,
      isImported: importedSince(migration.journal.current, attempt) !== undefined,
    });
    return resultOf(this.title, withTimeline(report, migration.journal.current, context.clock.now()), { ...this.outputs, attempt: String(attempt.number), changes: String(restored.activated - (wasBefore?.activated ?? 0)) }, problems.length === 0 ? undefined : {
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

  /** The source goes on by now: a target that cannot be reached must not turn that red. What is left there starts nothing. */
  private async tidyTarget(): Promise<void> {
    const { context, seen, migration } = this;
    if (!seen.target || stateOf(seen.target.Status).verdict !== 'usable') return;
    try {
      await context.target.airflow(seen.target, migration.bucket, migration.prefix).removeDag();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      context.log.warn(`Our DAG file could not be removed from ${seen.target.Name}: ${error.what}`);
    }
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
