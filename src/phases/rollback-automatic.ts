/** What a rollback that no person has asked for may undo: only what its own workflow run has paused, and never a finished migration. Pure. */
import type { Attempt, Journal, Step } from '../journal/journal.js';
import { isSameRun } from '../journal/owner.js';
import { stepOf } from '../journal/transitions.js';
import { attemptToRollBack, STEP } from './attempts.js';
import { APPROVAL_REFUSED } from './gate-attempt.js';

/** `isQuiet`: nothing of the source is paused by anybody, so that what lies around may be cleared away. */
export type Decision = Readonly<{ kind: 'go'; attempt: Attempt }> | Readonly<{ kind: 'leave'; why: string; isQuiet: boolean }>;

/**
 * @param journal undefined: the migration has not begun
 * @param owner this runner, as in the journal's steps
 */
export function decideAutomatic(journal: Journal | undefined, owner: string): Decision {
  const leave = (why: string, isQuiet: boolean): Decision => ({ kind: 'leave', why, isQuiet });
  const attempt = journal && attemptToRollBack(journal, undefined);
  if (!attempt) return leave('the journal has no final export that recorded what was active on the source, so nothing was paused', true);
  const restored = stepOf(attempt, STEP.restored);
  if (restored) return leave(`attempt ${attempt.number} was put back before, at ${restored.at}`, true);
  const number = `attempt ${attempt.number}, the newest one that recorded what was active,`;
  if (!attempt.steps.some(({ name, by }) => !LOOKS.includes(name) && isSameRun(by, owner))) return leave(`${number} belongs to another workflow run (${stepOf(attempt, STEP.activeDags)?.by ?? 'unknown'})`, false);
  if (!stepOf(attempt, STEP.drainBegun)) return leave(`${number} was stopped before it paused anything`, false);
  if (isCutOver(attempt)) return leave(`${number} was cut over at ${stepOf(attempt, STEP.activated)?.at ?? ''}: the target has the schedule, and a failure since then does not undo that`, false);
  const switched = lastSwitch(attempt);
  if (switched && !isSameRun(switched.by, owner)) return leave(`${number} was cut over in part by another workflow run (${switched.by}): what it made active may be at work`, false);
  return { kind: 'go', attempt };
}

/**
 * What leaves the attempt as it is: a run that compared, or that the gate refused, has only knocked, and must not undo what another run has
 * paused. Whoever recorded an approval has answered for what comes of it.
 */
const LOOKS: readonly string[] = [STEP.verified, APPROVAL_REFUSED];

/** Up to here whoever paused may put back, for nothing was lost but time. From here on DAGs run on the target, and only the run that made them active may end that by itself. */
const lastSwitch = (attempt: Attempt): Step | undefined => stepOf(attempt, STEP.activated) ?? stepOf(attempt, STEP.activationBegun);

/** Every DAG that was to be activated is: a red canary has left the others paused, and they run on neither side. */
function isCutOver(attempt: Attempt): boolean {
  const activated = stepOf(attempt, STEP.activated);
  if (!activated) return false;
  const { left = [], stopped = null } = activated.data ?? {};
  return Array.isArray(left) && left.length === 0 && stopped === null;
}
