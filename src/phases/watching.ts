/** Which attempt the watch is beside, how long its gate may wait, and what counts as an answer. Pure. */
import { UserError } from '../errors.js';
import type { GateReview } from '../gatekeeper.js';
import type { Attempt, Journal } from '../journal/journal.js';
import { attemptOf, newestAttempt, stepOf } from '../journal/transitions.js';
import type { WatchEnd } from '../report/watch-report.js';
import { pausedAttempts, STEP } from './attempts.js';
import { CUTOVER_APPROVED } from './gate-attempt.js';

/** Milliseconds in which a job that names an environment begins to wait for it, once what it needs has ended. */
const BEGINS_MS = 3 * 60_000;

/** 'waiting': GitHub says so. 'unknown': it does not answer, or the gate has not begun to wait. */
export type Answer = 'waiting' | 'unknown' | Extract<WatchEnd, 'approved' | 'rejected' | 'left'>;

/**
 * @param journal undefined: the migration has not begun
 * @param wanted input `attempt`
 * @throws {UserError} where no final export stands paused before a gate
 */
export function attemptToWatch(journal: Journal | undefined, wanted: number | undefined): Attempt {
  const attempt = journal && (wanted === undefined ? newestAttempt(journal, 'final') : attemptOf(journal, wanted));
  if (attempt?.mode === 'final' && stepOf(attempt, STEP.exported)) return attempt;
  throw new UserError(
    attempt ? `Attempt ${attempt.number} ${attempt.mode === 'final' ? 'has not been exported yet' : 'is a rehearsal, which pauses nothing'}.` : wanted === undefined ? 'There is no final export to watch the gate of.' : `There is no attempt ${wanted}.`,
    'the watch ends a pause that nobody approves in time; without a final export before the gate nothing is paused.',
    'use phase watch only beside the gate of a final export (pause: before-gate), behind it.',
  );
}

/** 'first': before the import. 'second': what waits is imported, and its cutover is to be approved. */
export type WatchedGate = 'first' | 'second';

/** Decided once, when the watch begins: an import that is done meanwhile was let through by the first gate. */
export const gateOf = (attempt: Attempt): WatchedGate => (stepOf(attempt, STEP.imported) ? 'second' : 'first');

/** From the end of what the gate is behind (export; import or verify), not from the watch's beginning: a watch that is run again must not give the gate more time. */
export function deadlineOf(attempt: Attempt, gate: WatchedGate, minutes: number): Date {
  const before = gate === 'first' ? [STEP.exported] : [STEP.exported, STEP.imported, STEP.verified];
  const ended = before.flatMap((name) => stepOf(attempt, name)?.at ?? []).map((at) => Date.parse(at));
  return new Date(Math.max(...ended, Date.parse(attempt.startedAt)) + minutes * 60_000);
}

/** What the journal alone decides. `expired` is no end: a watch that was killed behind it still has to roll back. */
export function endByJournal(attempt: Attempt, gate: WatchedGate): WatchEnd | undefined {
  const has = (...names: readonly string[]) => names.some((name) => stepOf(attempt, name));
  if (has(STEP.restored)) return 'rolled-back';
  if (has(STEP.expired)) return undefined;
  if (has(STEP.restoreBegun, STEP.rollbackBegun)) return 'rolled-back';
  return has(...(gate === 'first' ? [STEP.approved, STEP.importBegun, STEP.imported] : [CUTOVER_APPROVED]), STEP.activationBegun) ? 'approved' : undefined;
}

/** What was seen of a gate so far. */
export type GateSeen = Readonly<{
  wasWaiting: boolean;
  /** Reviews that the run had while the gate still waited: those of its earlier attempts. undefined: nobody could tell. */
  before: readonly GateReview[] | undefined;
  /** Milliseconds for which it has been looked at. */
  sinceMs: number;
}>;

/**
 * The gate does not wait for a review. GitHub keeps the reviews of all attempts of a run and gives neither times nor an order: an old one must
 * not pass for an answer. What came while it waited is new; where no wait was seen, an approval counts by the journal alone, which the gate
 * writes in a minute: taken for an answer, it would leave a gate that waits later without a watch.
 * @param reviews undefined: GitHub does not tell them now
 */
export function answerOf(reviews: readonly GateReview[] | undefined, environment: string, { wasWaiting, before, sinceMs }: GateSeen): Answer {
  if (!reviews) return 'unknown';
  const here = (list: readonly GateReview[]): readonly GateReview[] => list.filter((review) => review.environment.toLowerCase() === environment.toLowerCase());
  const states = new Set((wasWaiting ? newSince(here(before ?? []), here(reviews)) : here(reviews)).map(({ state }) => state));
  // Both: who was the last to answer is not told.
  const only = states.size === 1 ? [...states][0] : undefined;
  if (wasWaiting) return only ?? 'left';
  return only === 'rejected' && sinceMs >= BEGINS_MS ? only : 'unknown';
}

/** In whatever order: as often as a review was there before, so often it is left out. */
function newSince(before: readonly GateReview[], now: readonly GateReview[]): readonly GateReview[] {
  const keyOf = ({ state, by, comment }: GateReview): string => JSON.stringify([state, by, comment]);
  const known = before.map(keyOf);
  return now.filter((review) => {
    const at = known.indexOf(keyOf(review));
    if (at >= 0) known.splice(at, 1);
    return at < 0;
  });
}

/** Since when the source stands still because of this attempt, or of one before it that was not put back; ISO 8601. undefined: it does not. */
export function pausedSince(journal: Journal | undefined, number: number): string | undefined {
  const attempt = journal && attemptOf(journal, number);
  if (!journal || !attempt) return undefined;
  return [attempt, ...pausedAttempts(journal, number)].flatMap((one) => stepOf(one, STEP.drainBegun)?.at ?? []).sort()[0];
}
