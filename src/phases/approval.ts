/** What the gate has let through, by the journal: which attempt may be exported finally, imported and cut over (design §6). Pure. */
import { UserError } from '../errors.js';
import type { Attempt, Journal, Step } from '../journal/journal.js';
import { attemptOf, newestAttempt, stepOf } from '../journal/transitions.js';
import { isSwitched, STEP, type ApprovedData, type FinishedExport } from './attempts.js';

/** `attempt`: the one that a person looked at; it is not always the one that the approval is used for. `at`: ISO 8601. */
export type Approval = Readonly<{ attempt: number; at: string; data: ApprovedData }>;

const HOW = ['environment', 'dispatch', 'unprotected'] as const;
const ONE_GROUP = 'an approval is for one rehearsal and the one final export that is made from it; what came since may hold what nobody has looked at.';
const APPROVE_ANEW = 'run the workflow again from its export, and let a person approve what it finds.';

/** As the journal gives it back; undefined: nobody approved, or the record says less than an approval does. */
export function approvalOf(attempt: Attempt): Approval | undefined {
  const step = stepOf(attempt, STEP.approved);
  return step && isApproved(step.data) ? { attempt: attempt.number, at: step.at, data: step.data } : undefined;
}

/** Number of the rehearsal that a final export was made from; undefined: of none. */
export function madeFrom(attempt: Attempt): number | undefined {
  const from = stepOf(attempt, STEP.madeFrom)?.data?.from;
  return typeof from === 'number' ? from : undefined;
}

/**
 * The approval for a final export that is about to begin or to go on. Nothing was paused yet by the one that begins.
 * @param next what the export would work on: a final attempt that is still open, or undefined for the next number
 * @throws {UserError} unless the newest rehearsal was approved and no other export came after it
 */
export function approvedForExport(journal: Journal, next: Attempt | undefined): Approval {
  if (next) return requireApproval(journal, next, 'export');
  const newest = newestAttempt(journal);
  if (!newest) throw nothingApproved(journal.migrationId);
  if (newest.mode === 'final') throw afterFinal(journal, newest);
  return approvedRehearsal(journal, newest);
}

/**
 * The final export that an approval was used for already, where it is the newest attempt: whoever asks for it again gets that one.
 * undefined: there is none, or it cannot be used.
 */
export function exportedByApproval(journal: Journal): FinishedExport | undefined {
  const newest = newestAttempt(journal, 'final');
  if (!newest || newest !== newestAttempt(journal) || madeFrom(newest) === undefined || !newest.manifest || !stepOf(newest, STEP.exported)) return undefined;
  return isOver(newest) ? undefined : (newest as FinishedExport);
}

/**
 * The approval behind a final export: its own where it was made before the gate, else that of the rehearsal it was made from.
 * @throws {UserError} where there is none, or a further export made it void
 */
export function requireApproval(journal: Journal, attempt: Attempt, phase: string): Approval {
  const from = madeFrom(attempt);
  const rehearsal = from === undefined ? undefined : attemptOf(journal, from);
  const approval = approvalOf(attempt) ?? (rehearsal && approvalOf(rehearsal));
  if (!approval) throw notApproved(journal, attempt, phase);
  const last = attempt.number;
  // A switch that has begun must not stop half-way because somebody rehearsed something since.
  if (isSwitched(attempt)) return approval;
  const other = journal.attempts.find(({ number }) => number > approval.attempt && number !== last);
  if (other) throw isVoid(approval, attempt, other);
  return approval;
}

export const nothingApproved = (migrationId: string): UserError =>
  new UserError(`Nothing of migration "${migrationId}" was approved: it has no rehearsal.`, 'a final export with require-approval is made from a rehearsal that a person has looked at.', APPROVE_ANEW);

function approvedRehearsal(journal: Journal, rehearsal: Attempt): Approval {
  const approval = approvalOf(rehearsal);
  if (approval && stepOf(rehearsal, STEP.exported)) return approval;
  const before = approvedBefore(journal, rehearsal.number);
  throw new UserError(
    `Attempt ${rehearsal.number}, a rehearsal, was not approved${before ? `; approved was attempt ${before.attempt}, at ${before.at}, which is older` : ''}.`,
    before ? ONE_GROUP : 'a final export pauses production, and with require-approval it is made only from a rehearsal that a person has approved in the gate.',
    'let a person approve the newest rehearsal in the gate, then run phase export again.',
  );
}

/** The newest attempt is a final export that has ended: a further one needs an approval of its own. */
function afterFinal(journal: Journal, final: Attempt): UserError {
  const from = madeFrom(final), approval = from === undefined ? undefined : approvedBefore(journal, from + 1);
  const ended = END.flatMap(({ step, words }) => { const found = stepOf(final, step); return found ? [`${words} at ${found.at}`] : []; })[0] ?? 'has been made';
  return new UserError(
    approval ? `The approval of attempt ${approval.attempt} is used up: the final export made from it, attempt ${final.number}, ${ended}.` : `Attempt ${final.number}, a final export, ${ended}, and no rehearsal was approved since.`,
    ONE_GROUP, APPROVE_ANEW,
  );
}

const END = [
  { step: STEP.restored, words: 'was put back' }, { step: STEP.expired, words: 'expired' }, { step: STEP.voided, words: 'was given up' }, { step: STEP.exported, words: 'was made' },
] as const;
const isOver = (attempt: Attempt): boolean => [STEP.restored, STEP.expired, STEP.voided, STEP.restoreBegun, STEP.rollbackBegun].some((name) => stepOf(attempt, name));

function notApproved(journal: Journal, { number }: Attempt, phase: string): UserError {
  const before = approvedBefore(journal, number);
  return new UserError(
    `Attempt ${number}, a final export, was not approved${before ? `; approved was attempt ${before.attempt}, at ${before.at}` : ''}.`,
    before ? ONE_GROUP : `phase ${phase} with require-approval goes on only with what a person has approved in the gate.`,
    `let a person approve attempt ${number} in the gate, or ${APPROVE_ANEW} To go back, run phase rollback.`,
  );
}

const isVoid = (approval: Approval, attempt: Attempt, other: Attempt): UserError =>
  new UserError(
    `The approval of attempt ${approval.attempt} is void for attempt ${attempt.number}: attempt ${other.number}, ${other.mode === 'final' ? 'a final export' : 'a rehearsal'}, was begun at ${other.startedAt}.`,
    ONE_GROUP,
    `${APPROVE_ANEW} To go back, run phase rollback.`,
  );

/** The newest approval of an attempt below `number`. */
const approvedBefore = ({ attempts }: Journal, number: number): Approval | undefined =>
  [...attempts].filter((one) => one.number < number).sort((a, b) => b.number - a.number).flatMap((one) => approvalOf(one) ?? [])[0];

function isApproved(data: Step['data']): data is ApprovedData & NonNullable<Step['data']> {
  if (!data) return false;
  const { by, how, environment, planDigest, scope } = data;
  return Array.isArray(by) && by.every((one) => typeof one === 'string') && HOW.some((known) => known === how) && (environment === undefined || typeof environment === 'string') && typeof planDigest === 'string' && typeof scope === 'string';
}
