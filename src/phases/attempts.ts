/** Which attempt a phase works on; the journal gives the numbers under its lock (design §6). Pure. */
import { UserError } from '../errors.js';
import type { Attempt, Journal } from '../journal/journal.js';
import { attemptOf, beginAttempt, newestAttempt, stepOf } from '../journal/transitions.js';

/** Steps of an attempt, in the order in which they are taken. */
export const STEP = {
  /** `<n>/active-dags.json` is written. */
  activeDags: 'active-dags',
  /** From here on the source may be paused. */
  drainBegun: 'drain-begun',
  drained: 'drained',
  /** The source was put back: this attempt is over. */
  restored: 'restored',
  /** What was exported cannot be used: the next export takes the next number. */
  voided: 'voided',
  exported: 'exported',
  imported: 'imported',
  secretsRemoved: 'secrets-removed',
  verified: 'verified',
  activated: 'activated',
} as const;

/** An attempt goes on until it has exported, was put back or turned out to be of no use. */
const isOpen = (attempt: Attempt): boolean => ![STEP.exported, STEP.restored, STEP.voided].some((name) => stepOf(attempt, name));

/**
 * The attempt that an export works on: an open one of its mode is resumed, anything else begins the next.
 * @param wanted input `attempt`
 */
export function exportAttempt(journal: Journal, mode: Attempt['mode'], wanted: number | undefined, at: Date): Readonly<{ journal: Journal; attempt: Attempt; isResumed: boolean }> {
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
  if (stepOf(attempt, STEP.restored)) throw new UserError(`Attempt ${attempt.number} was given up: the source is active again.`, 'the source went on after it, so its rows are not the newest.', 'run phase export with mode: final again.');
  if (!attempt.manifest || stepOf(attempt, STEP.voided) || !stepOf(attempt, STEP.exported)) throw new UserError(`The export of attempt ${attempt.number} has not finished.`, 'without its manifest nobody knows which rows belong to it.', 'run phase export with mode: final again; it goes on where it stopped.');
  return attempt as FinishedExport;
}

/** Final attempts that paused the source and did not put it back, the newest first. */
export const pausedAttempts = (journal: Journal, before: number): readonly Attempt[] =>
  journal.attempts.filter((attempt) => attempt.number < before && attempt.mode === 'final' && stepOf(attempt, STEP.activeDags) && !stepOf(attempt, STEP.restored)).sort((a, b) => b.number - a.number);
