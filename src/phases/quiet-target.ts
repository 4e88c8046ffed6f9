/** The first half of a rollback: the target runs nothing any more, and what it ran is recorded. */
import type { ActiveDag } from '../airflow/protocol.js';
import { UserError } from '../errors.js';
import type { Attempt, Journal } from '../journal/journal.js';
import { rememberStep, replaceStep, stepOf } from '../journal/transitions.js';
import { jobFor } from '../plan/job.js';
import { lastErrorOf, stateOf } from '../plan/states.js';
import type { TargetEnvironment } from '../ports.js';
import type { TargetSide } from '../report/rollback-target.js';
import { exportOnTarget, importedSince, isSwitched, STEP } from './attempts.js';
import type { Migration } from './migration.js';
import { ordersOf } from './orders.js';
import type { RollbackContext } from './rollback.js';
import type { RunSeen } from './runs-by-rest.js';
import { stillRunning } from './still-running.js';
import { runsSinceImport } from './target-still.js';
import type { Place } from './way-back.js';

const FIRST = 'The source was not touched: it stays paused until the target is quiet, so that nothing runs twice.';

/** @throws {UserError} while the target may still run what the source would run again */
export async function quietTarget(context: RollbackContext, seen: Place, migration: Migration, attempt: Attempt, active: readonly ActiveDag[]): Promise<TargetSide> {
  const wasActive = isSwitched(attempt), isDone = stepOf(attempt, STEP.deactivated) !== undefined;
  // A rollback that was stopped after it had paused what a person had activated: its tasks may still run, and nothing says what ran.
  const mayRun = wasActive || stepOf(attempt, STEP.rollbackBegun) !== undefined;
  if (seen.targetUnknown) {
    const { what, why, fix } = seen.targetUnknown;
    if (mayRun || importedSince(migration.journal.current, attempt) !== undefined) throw new UserError(what, `${why} ${FIRST}`, fix, { cause: seen.targetUnknown });
    return { kind: 'broken', why: `it cannot be asked: ${what}` };
  }
  if (!seen.target) {
    if (isDone) return pausedBefore(attempt);
    if (wasActive) context.log.warn(`Target ${context.file.target.environment} is gone, so what it ran since the cutover is not known; the source may run it again.`);
    return { kind: 'gone', wasActive };
  }
  const { verdict, meaning, fix } = stateOf(seen.target.Status);
  if (verdict !== 'usable') {
    // MWAA's state says nothing of the scheduler: it may well run on.
    if (mayRun && !isDone)
      throw new UserError(`Target ${seen.target.Name} is ${seen.target.Status}: ${meaning}.`, `${withError(seen.target)}its DAGs were activated, and its scheduler may still run them. ${FIRST}`, `${fix}, then run phase rollback again; or delete the environment: once it is gone, rollback goes on without it.`);
    return { kind: 'broken', why: `it is ${seen.target.Status}: ${meaning}` };
  }
  const since = importedSince(migration.journal.current, attempt);
  // An environment that was there before may have a life of its own: without an import nothing of it is ours to pause.
  if (since === undefined && !mayRun) return { kind: 'not-ours' };
  const target = context.target.airflow(seen.target, migration.bucket, migration.prefix);
  const awake = await lookAt(target, mayRun);
  if (typeof awake === 'string') return { kind: 'broken', why: awake };
  if (awake.length === 0 && isDone) return pausedBefore(attempt);
  if (awake.length === 0 && !mayRun) {
    // Activated by hand and paused again: what ran meanwhile would run once more on the source.
    const ran = since === undefined ? [] : await whatRan(context, seen.target.Name, since);
    if (typeof ran === 'string') return { kind: 'broken', why: ran };
    if (ran.length === 0) return { kind: 'asleep' };
  }
  const { bucket, prefix, journal } = migration;
  await journal.update((current) => rememberStep(current, attempt.number, { name: STEP.rollbackBegun, at: context.clock.now().toISOString(), by: context.owner }));
  const job = jobFor({ file: context.file, side: 'target', attempt: attempt.number, mode: 'final', sourceVersion: seen.source.AirflowVersion, envelope: null, activeDags: active });
  // An activation whose runner is gone may still be at work, watching canaries for an hour: it stops where it finds this.
  await bucket.writeOnce(`${prefix}${attempt.number}/deactivate/job.json`, `${JSON.stringify(job)}\n`);
  const manifest = exportOnTarget(journal.current, attempt);
  const found = await target.run('deactivate', ordersOf(context, context.inputs.timeoutMinutes)(attempt.number, job, { isFresh: true, ...(manifest ? { manifest } : {}) })).catch((error: unknown) => {
    throw error instanceof UserError ? new UserError(error.what, `${error.why} ${FIRST}`, `${error.fix} If the target cannot be repaired, delete the environment: once it is gone, rollback goes on without it.`, { cause: error }) : error;
  });
  if (found.stillRunning > 0) throw stillRunning(found, { source: seen.source.Name, target: target.name }, await pausedOnSource(context, seen, migration, active), context.file.drain.taskMinutes, FIRST);
  await journal.update((current) => replaceStep(current, attempt.number, { name: STEP.deactivated, at: context.clock.now().toISOString(), by: context.owner, data: { paused: found.paused.length, runs: found.runs, ran: found.ran } }));
  context.log.info(`${target.name} is quiet: ${found.paused.length} DAGs paused, ${found.runs} runs made or gone on there since the snapshot.`);
  return { kind: wasActive ? 'paused' : 'by-hand', found };
}

/** What rollback says of the target when it is run again after it had put the source back. */
export function sideBefore(journal: Journal, attempt: Attempt, isThere: boolean): TargetSide {
  if (stepOf(attempt, STEP.deactivated)) return pausedBefore(attempt);
  // The only way past an activation without having paused it.
  if (isSwitched(attempt)) return { kind: 'gone', wasActive: true };
  if (!isThere) return { kind: 'gone', wasActive: false };
  return { kind: importedSince(journal, attempt) === undefined ? 'not-ours' : 'left' };
}

function pausedBefore(attempt: Attempt): TargetSide {
  const paused = stepOf(attempt, STEP.deactivated)?.data?.paused;
  return { kind: 'before', paused: typeof paused === 'number' ? paused : 0 };
}

/** Only for words on the way to an error: a source that cannot be asked must not replace it. */
async function pausedOnSource(context: RollbackContext, seen: Place, { bucket, prefix }: Migration, active: readonly ActiveDag[]): Promise<number | undefined> {
  try {
    const now = new Set(await context.source.airflow(seen.source, bucket, prefix).listActiveDagIds());
    return active.filter(({ dagId }) => !now.has(dagId)).length;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return undefined;
  }
}

/** @returns runs that began on the target since the import; a text: the target cannot be asked, and nothing is active there */
async function whatRan({ target }: RollbackContext, name: string, since: string): Promise<readonly RunSeen[] | string> {
  try {
    return await runsSinceImport(target.mwaa, name, since);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return `nothing is active there, but what ran there since the import cannot be told: ${error.what}`;
  }
}

/** @returns the active DAGs; a text: the target cannot be asked, which matters only where something may still run there */
async function lookAt(target: TargetEnvironment, mayRun: boolean): Promise<readonly string[] | string> {
  try {
    return await target.listActiveDagIds();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (mayRun) throw new UserError(error.what, `${error.why} ${FIRST}`, `${error.fix} If the target cannot be repaired, delete the environment: once it is gone, rollback goes on without it.`, { cause: error });
    return `it cannot be asked: ${error.what}`;
  }
}

const withError = (description: NonNullable<Place['target']>): string => {
  const error = lastErrorOf(description);
  return error ? `MWAA says: ${error}; ` : '';
};
