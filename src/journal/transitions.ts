/** Every way a journal may change. Each returns a new journal; doing the same twice changes nothing. */
import { InternalError, UserError } from '../errors.js';
import { JOURNAL_SCHEMA, type Attempt, type AttemptMode, type FinishedPhase, type Journal, type Lock, type Step } from './journal.js';

export const newJournal = (of: Pick<Journal, 'migrationId' | 'source' | 'target'>): Journal => ({
  schema: JOURNAL_SCHEMA,
  migrationId: of.migrationId,
  source: of.source,
  target: of.target,
  planDigest: undefined,
  lock: undefined,
  attempts: [],
  finished: [],
  cleaned: false,
});

export const withLock = (journal: Journal, lock: Lock | undefined): Journal => ({ ...journal, lock });

/** The lock somebody holds at `now`; an expired lease is nobody's. */
export const heldLock = (journal: Journal, now: Date): Lock | undefined =>
  journal.lock && Date.parse(journal.lock.expiresAt) > now.getTime() ? journal.lock : undefined;

/** @throws UserError once the migration's data are gone: the id would name a second, different migration. */
export function refuseCleaned(journal: Journal): Journal {
  if (!journal.cleaned) return journal;
  throw new UserError(
    `Migration "${journal.migrationId}" has been cleaned up.`,
    'its exported data and its record of what was active are gone, so nothing can be continued.',
    'choose a new "id" in the migration file to begin another migration.',
  );
}

export const withPlan = (journal: Journal, planDigest: string): Journal => ({ ...journal, planDigest });

/** Adds the next attempt. Its number is the highest so far plus one, never a reused one: objects of an old attempt keep their place. */
export function beginAttempt(journal: Journal, mode: AttemptMode, at: Date): Journal {
  const number = Math.max(0, ...journal.attempts.map((attempt) => attempt.number)) + 1;
  return { ...journal, attempts: [...journal.attempts, { number, mode, startedAt: at.toISOString(), steps: [] }] };
}

export const attemptOf = (journal: Journal, number: number): Attempt | undefined => journal.attempts.find((attempt) => attempt.number === number);

export const newestAttempt = (journal: Journal, mode?: AttemptMode): Attempt | undefined =>
  journal.attempts.filter((attempt) => mode === undefined || attempt.mode === mode).reduce<Attempt | undefined>((newest, attempt) => (newest && newest.number > attempt.number ? newest : attempt), undefined);

export const stepOf = (attempt: Attempt, name: string): Step | undefined => attempt.steps.find((step) => step.name === name);

/** Keeps the first record of a step: repeated after a crash, "which DAGs were active?" must not get the second answer. */
export const rememberStep = (journal: Journal, number: number, step: Step): Journal =>
  changeAttempt(journal, number, (attempt) => (stepOf(attempt, step.name) ? attempt : { ...attempt, steps: [...attempt.steps, step] }));

/** Puts the newest record of a step in the place of an earlier one: for steps that look at the present (verify). */
export const replaceStep = (journal: Journal, number: number, step: Step): Journal =>
  changeAttempt(journal, number, (attempt) => ({ ...attempt, steps: [...attempt.steps.filter((old) => old.name !== step.name), step] }));

export const withManifest = (journal: Journal, number: number, manifest: NonNullable<Attempt['manifest']>): Journal =>
  changeAttempt(journal, number, (attempt) => ({ ...attempt, manifest }));

/** The newest entry of a phase replaces the one before. */
export const finishPhase = (journal: Journal, finished: FinishedPhase): Journal => ({
  ...journal,
  finished: [...journal.finished.filter((old) => old.phase !== finished.phase), finished],
});

export const finishedPhase = (journal: Journal, phase: string): FinishedPhase | undefined => journal.finished.find((entry) => entry.phase === phase);

export const markCleaned = (journal: Journal): Journal => ({ ...journal, cleaned: true });

function changeAttempt(journal: Journal, number: number, change: (attempt: Attempt) => Attempt): Journal {
  if (!attemptOf(journal, number)) throw new InternalError(`The journal of "${journal.migrationId}" has no attempt ${number}.`);
  return { ...journal, attempts: journal.attempts.map((attempt) => (attempt.number === number ? change(attempt) : attempt)) };
}
