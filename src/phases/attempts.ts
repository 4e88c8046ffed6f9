/** Which attempt a phase works on; the journal gives the numbers under its lock (design §6). Pure. */
import type { ObjectRef } from '../airflow/protocol.js';
import { UserError } from '../errors.js';
import type { Attempt, Journal } from '../journal/journal.js';
import { attemptOf, beginAttempt, newestAttempt, stepOf } from '../journal/transitions.js';

/** Steps of an attempt, in the order in which they are taken. */
export const STEP = {
  /** Who started the workflow runs that worked on this export: StartedData. Not by hand, where nobody knows. */
  started: 'started',
  /** `<n>/active-dags.json` is written. */
  activeDags: 'active-dags',
  /** From here on the source may be paused. */
  drainBegun: 'drain-begun',
  drained: 'drained',
  /** What was exported cannot be used: the next export takes the next number. */
  voided: 'voided',
  exported: 'exported',
  /** Of a rehearsal, or of a final export that was made before the gate: ApprovedData. The approval is for this attempt and the one final export made from it. */
  approved: 'approved',
  /** Of a final export: `{ from }`, the number of the approved rehearsal that it was made from. */
  madeFrom: 'made-from',
  /** Which workflow run watches the gate, the newest one: it answers for the pause, whoever paused. */
  watched: 'watched',
  /** The gate waited too long while the source was paused: no later phase goes on with this attempt but rollback. */
  expired: 'expired',
  /** From here on rows of this attempt may be on the target. */
  importBegun: 'import-begun',
  imported: 'imported',
  secretsRemoved: 'secrets-removed',
  verified: 'verified',
  /** From here on DAGs of the target may be active because of us. */
  activationBegun: 'activation-begun',
  activated: 'activated',
  /** From here on only rollback goes on with this attempt. */
  rollbackBegun: 'rollback-begun',
  /** Rollback: the target is paused and quiet, and what it ran is recorded. */
  deactivated: 'deactivated',
  /**
   * From here on Airflow of the source may make its DAGs active, also without its runner. Unlike `rollback-begun` it says nothing of the
   * target: one that was left alone must be left alone again.
   */
  restoreBegun: 'restore-begun',
  /** The source was put back: this attempt is over. */
  restored: 'restored',
} as const;

/** Logins, also of who re-ran a workflow run; in the order in which they came. */
export type StartedData = Readonly<{ startedBy: readonly string[] }>;

/** Everybody who started an export, the first one and whoever went on with it: none of them may be the one who approves it in dispatch mode. */
export function startedBy(attempt: Attempt): readonly string[] {
  const logins = stepOf(attempt, STEP.started)?.data?.startedBy;
  return Array.isArray(logins) ? logins.filter((one): one is string => typeof one === 'string') : [];
}

/** Who let an attempt through the gate; as the journal keeps it. */
export type ApprovedData = Readonly<{
  /** Logins; "nobody" where allow-unprotected-gate let it through. */
  by: readonly string[];
  how: 'environment' | 'dispatch' | 'unprotected';
  /** GitHub environment of the gate; undefined for a dispatch. */
  environment: string | undefined;
  /** What was approved. */
  planDigest: string;
  scope: string;
}>;

/** An attempt goes on until it has exported, was put back or turned out to be of no use. */
const isOpen = (attempt: Attempt): boolean => ![STEP.exported, STEP.restored, STEP.voided, STEP.expired].some((name) => stepOf(attempt, name));

/**
 * The attempt that an export works on: an open one of its mode is resumed, anything else begins the next.
 * @param wanted input `attempt`
 * @throws {UserError} for a final export while the target has the schedule
 */
export function exportAttempt(journal: Journal, mode: Attempt['mode'], wanted: number | undefined, at: Date): Readonly<{ journal: Journal; attempt: Attempt; isResumed: boolean }> {
  if (mode === 'final') refuseSwitched(journal);
  const newest = newestAttempt(journal);
  const candidate = wanted === undefined ? newest : attemptOf(journal, wanted);
  if (candidate && candidate.mode === mode && isOpen(candidate)) return { journal, attempt: candidate, isResumed: true };
  const next = beginAttempt(journal, mode, at);
  const attempt = newestAttempt(next) as Attempt;
  if (wanted !== undefined && wanted !== attempt.number)
    throw new UserError(
      candidate ? `Attempt ${wanted} is a ${candidate.mode} that ${isOpen(candidate) ? 'is of another mode than this export' : 'has ended'}.` : `There is no attempt ${wanted}.`,
      'an export either goes on with an open attempt of its own mode or takes the next number.',
      `leave input attempt empty; the next number is ${attempt.number}.`,
    );
  return { journal: next, attempt, isResumed: false };
}

export type FinishedExport = Attempt & Readonly<{ manifest: NonNullable<Attempt['manifest']> }>;

/** The export that import, verify and cutover work on: the newest final one, or the one that input `attempt` names. */
export function finalAttempt(journal: Journal, wanted: number | undefined): FinishedExport {
  const attempt = wanted === undefined ? newestAttempt(journal, 'final') : attemptOf(journal, wanted);
  if (!attempt)
    throw new UserError(
      wanted === undefined ? `Migration "${journal.migrationId}" has no final export.` : `There is no attempt ${wanted} in migration "${journal.migrationId}".`,
      wanted === undefined && journal.attempts.length > 0 ? 'a rehearsal pauses nothing and holds no variables, so it cannot be imported.' : 'there is nothing to work on.',
      wanted === undefined ? 'run phase export with mode: final first.' : `leave input attempt empty, or name one of ${journal.attempts.map(({ number }) => number).join(', ') || '(none)'}.`,
    );
  if (attempt.mode !== 'final') throw new UserError(`Attempt ${attempt.number} is a rehearsal.`, 'a rehearsal pauses nothing and holds no variables, so it cannot be imported.', 'run phase export with mode: final, or name a final attempt.');
  refuseExpired(attempt);
  if (stepOf(attempt, STEP.restored)) throw new UserError(`Attempt ${attempt.number} was given up: the source is active again.`, 'the source went on after it, so its rows are not the newest.', 'run phase export with mode: final again.');
  if (!attempt.manifest || stepOf(attempt, STEP.voided) || !stepOf(attempt, STEP.exported)) throw new UserError(`The export of attempt ${attempt.number} has not finished.`, 'without its manifest nobody knows which rows belong to it.', 'run phase export with mode: final again; it goes on where it stopped.');
  refuseUnfinishedDrain(journal, attempt);
  return attempt as FinishedExport;
}

/** @throws {UserError} for an attempt whose gate was not answered in time: the source goes on, or is about to */
export function refuseExpired(attempt: Attempt): void {
  const expired = stepOf(attempt, STEP.expired);
  if (!expired) return;
  throw new UserError(
    `Attempt ${attempt.number} has expired at ${expired.at}: its gate was not answered in time.`,
    'the source is active again by now, or is about to be, so what was exported is not the newest; an approval that came later counts for nothing.',
    'run phase rollback if the source is still paused. Then begin anew with phase export, mode: final.',
  );
}

/** An aborting drain puts the source back by itself, also without its runner: an older export must not get the schedule meanwhile. A rollback that has begun is refused by its own name. */
function refuseUnfinishedDrain({ attempts }: Journal, { number }: Attempt): void {
  const newer = attempts.find((one) => one.number > number && stepOf(one, STEP.drainBegun) && ![STEP.drained, STEP.restoreBegun, STEP.rollbackBegun, STEP.restored, STEP.voided].some((name) => stepOf(one, name)));
  if (!newer) return;
  throw new UserError(
    `Attempt ${newer.number}, which is newer than attempt ${number}, has begun to drain the source and has not ended.`,
    'its drain may make the source active again by itself, and with DAGs active on the target intervals would run twice.',
    'run phase export with mode: final again, which goes on with that attempt, or phase rollback, which gives it up.',
  );
}

/** Whether cutover has begun, so that the target may run what the source ran. */
export const isSwitched = (attempt: Attempt): boolean => stepOf(attempt, STEP.activationBegun) !== undefined || stepOf(attempt, STEP.activated) !== undefined;

function refuseSwitched(journal: Journal): void {
  refuseRollingBack(journal);
  const { attempts, target } = journal;
  const switched = attempts.find((attempt) => isSwitched(attempt) && !stepOf(attempt, STEP.restored));
  if (!switched) return;
  throw new UserError(
    `Attempt ${switched.number} was cut over, at least in part.`,
    `${target.environment} has the schedule; a further final export would know nothing of what it ran since, so intervals would run twice.`,
    'to go on with the switch, run phase cutover; to begin anew, run phase rollback first.',
  );
}

/**
 * @throws {UserError} once rollback of any attempt works on the target, or may make the source active: only rollback itself goes on from
 * there. All attempts: input `attempt` may name an older export than the one that is being rolled back.
 */
export function refuseRollingBack({ attempts }: Journal): void {
  const attempt = attempts.find((one) => !stepOf(one, STEP.restored) && (stepOf(one, STEP.rollbackBegun) ?? stepOf(one, STEP.restoreBegun)));
  if (!attempt) return;
  throw new UserError(
    `A rollback of attempt ${attempt.number} has begun and has not ended.`,
    'the source is being made active again, with what the target ran; with DAGs active on the target, intervals would run twice.',
    'run phase rollback again: it goes on where it stopped. Then begin anew with phase export, mode: final.',
  );
}

/**
 * Final attempts that paused the source and did not put it back, the newest first. One that was put back was put back with all before
 * it: what is older than that is history.
 */
export function pausedAttempts({ attempts }: Journal, before: number): readonly Attempt[] {
  const earlier = attempts.filter(({ number, mode }) => mode === 'final' && number < before);
  const putBack = Math.max(0, ...earlier.filter((attempt) => stepOf(attempt, STEP.restored)).map(({ number }) => number));
  return earlier.filter((attempt) => attempt.number > putBack && stepOf(attempt, STEP.activeDags)).sort((a, b) => b.number - a.number);
}

/** Manifests of attempts whose rows may be on the target, the oldest first: an import may replace what still is as they brought it. */
export const importedManifests = ({ attempts }: Journal, before: number): readonly ObjectRef[] =>
  attempts.flatMap((attempt) => (attempt.number < before && attempt.manifest && (stepOf(attempt, STEP.importBegun) ?? stepOf(attempt, STEP.imported)) ? [refOf(attempt.manifest)] : []));

/** Which version of each secret row the imports before this one wrote (protocol.ts ImportedTable.broughtFile). */
export const broughtBefore = ({ attempts }: Journal, before: number): readonly ObjectRef[] =>
  attempts.flatMap((attempt) => {
    const tables = attempt.number < before ? stepOf(attempt, STEP.imported)?.data?.tables : undefined;
    const files = typeof tables === 'object' && tables !== null ? Object.values(tables).map((table: unknown) => (table as Readonly<Record<string, unknown>> | null)?.['broughtFile']) : [];
    return files.filter(isRef).map(refOf);
  });

/** What the target ran between cutover and rollback of earlier attempts (`<n>/deactivate/ran.json`), the oldest first. */
export const ranBefore = ({ attempts }: Journal, before: number): readonly ObjectRef[] =>
  attempts.flatMap((attempt) => {
    const ran = attempt.number < before ? stepOf(attempt, STEP.deactivated)?.data?.ran : undefined;
    return isRef(ran) ? [refOf(ran)] : [];
  });

/** As the journal gives it back. */
export const isRef = (value: unknown): value is ObjectRef => typeof value === 'object' && value !== null && 'sha256' in value;
const refOf = ({ key, versionId, sha256, bytes }: ObjectRef): ObjectRef => ({ key, versionId, sha256, bytes });

/**
 * Since when the target may hold rows of this attempt, or of one before it that was not put back; ISO 8601. undefined: it holds none,
 * so what is active there is not of this migration.
 */
export function importedSince(journal: Journal, attempt: Attempt): string | undefined {
  const begun = [attempt, ...pausedAttempts(journal, attempt.number)].flatMap((one) => stepOf(one, STEP.importBegun)?.at ?? stepOf(one, STEP.imported)?.at ?? []);
  return begun.sort()[0];
}

/**
 * The export whose rows the target has: what is newer than its snapshot ran on the target. Of this attempt, or of the newest before it
 * that was imported and not put back, for this one may have stopped before its export or its import.
 */
export function exportOnTarget(journal: Journal, attempt: Attempt): ObjectRef | undefined {
  const candidates = [attempt, ...pausedAttempts(journal, attempt.number)];
  const imported = candidates.find((one) => one.manifest && (stepOf(one, STEP.importBegun) ?? stepOf(one, STEP.imported)));
  const manifest = (imported ?? attempt).manifest;
  return manifest && refOf(manifest);
}

/**
 * The attempt that rollback goes back from: the newest final one that recorded active DAGs. undefined: nothing was paused.
 * @param wanted input `attempt`
 */
export function attemptToRollBack(journal: Journal, wanted: number | undefined): Attempt | undefined {
  const newest = journal.attempts.filter((attempt) => attempt.mode === 'final' && stepOf(attempt, STEP.activeDags)).sort((a, b) => b.number - a.number)[0];
  if (wanted === undefined || wanted === newest?.number) return newest;
  throw new UserError(
    `Rollback cannot go back from attempt ${wanted}.`,
    `${whyNot(attemptOf(journal, wanted), wanted)}; ${newest ? `attempt ${newest.number} is the newest one that paused the source.` : 'no final export has recorded what was active on the source, so nothing was paused.'}`,
    'leave input attempt empty.',
  );
}

function whyNot(attempt: Attempt | undefined, wanted: number): string {
  if (!attempt) return `there is no attempt ${wanted}`;
  if (attempt.mode !== 'final') return `attempt ${wanted} is a rehearsal, which pauses nothing`;
  const restored = stepOf(attempt, STEP.restored);
  if (restored) return `the source was put back from attempt ${wanted} at ${restored.at}, and paused again since`;
  return stepOf(attempt, STEP.activeDags) ? `what attempt ${wanted} had paused is in the record of the one after it` : `attempt ${wanted} has paused nothing`;
}
