import { LockHeld, UserError } from '../errors.js';
import type { Gatekeeper, GateReview } from '../gatekeeper.js';
import type { Attempt, Journal } from '../journal/journal.js';
import { isSameRun } from '../journal/owner.js';
import { attemptOf, rememberStep, replaceStep, stepOf } from '../journal/transitions.js';
import type { Clock, Context, JournalStore, PhaseResult } from '../ports.js';
import { watchReport, type WatchEnd } from '../report/watch-report.js';
import { STEP } from './attempts.js';
import { requireGatekeeper } from './gate-keeper.js';
import { resultOf } from './result.js';
import { rollBack, type RollbackContext } from './rollback.js';
import type { GateInputs } from '../workflow-inputs.js';
import { answerOf, attemptToWatch, deadlineOf, endByJournal, gateOf, pausedSince, type Answer, type WatchedGate } from './watching.js';
import { lookAround, lookAtJournal } from './way-back.js';

export type WatchContext = RollbackContext & Pick<Context, 'github'>;

/** Milliseconds between two looks: a minute's worth of them costs GitHub six calls of the thousand that a token has in an hour. */
const POLL_MS = 20_000;
/** Milliseconds after the deadline for which a lock that somebody holds is asked for again: the gate records in seconds, a dead runner's lease ends in one minute. */
const PATIENCE_MS = 15 * 60_000;
const RETRY_MS = 5_000;
/** Looks in a row that must say the same, because GitHub's lists are put together from several places and may lag behind each other: two minutes for a review that does not come up. */
const SURE = { answered: 2, left: 6 };
/** Milliseconds between two tries of a way back that failed: twice as many each time. */
const BACK_AGAIN_MS = { first: 60_000, most: 10 * 60_000 };
/** Minutes that the way back has, and its last try, however little of timeout-minutes is left: a job has that much beyond it. */
const LEAST_BACK_MINUTES = 15;

/**
 * Beside a gate for which the source stands still: nobody times a waiting job out, so this does. It ends when the gate is answered; at the
 * deadline it writes `expired` and rolls back. Killed and run again, it goes on with the same deadline, which counts from the end of what the
 * gate is behind: the export, or before cutover the import.
 */
export async function watchGate(context: WatchContext): Promise<PhaseResult> {
  const { inputs, clock, log } = context;
  const { gate } = inputs.workflow;
  const until = clock.now().getTime() + inputs.timeoutMinutes * 60_000;
  const gatekeeper = requireGatekeeper(context.github);
  const seen = await lookAround(context);
  const { bucket, journal } = await lookAtJournal(context, seen);
  const attempt = attemptToWatch(journal, inputs.attempt);
  const store = context.journal(bucket, seen.prefix);
  const watched = gateOf(attempt), deadline = deadlineOf(attempt, watched, gate.timeoutMinutes);
  log.info(`Watching the gate of attempt ${attempt.number}: environment "${gate.environment}" has until ${deadline.toISOString()}, ${gate.timeoutMinutes} minutes after the ${watched === 'first' ? 'export' : 'import was verified'}.`);
  const eyes = new Eyes(gatekeeper, store, gate, attempt.number, watched, log, clock.now());
  let isNoted = false;
  // A watch that was killed between the expiry and the way back only has to go back.
  while (!stepOf(attempt, STEP.expired)) {
    const end = await eyes.look(clock.now());
    if (end) return finish(context, await eyes.journal(), attempt.number, end);
    isNoted ||= await noteWatch(context, store, attempt.number);
    const left = deadline.getTime() - clock.now().getTime();
    // Gone without a review that comes up: it may have been answered at the last moment, and some looks more will tell.
    if (left <= 0 && !eyes.seemsGone) break;
    await clock.sleep(left <= 0 ? POLL_MS : Math.min(POLL_MS, left));
  }
  const end = await expire(context, store, eyes, attempt.number, deadline);
  if (end) return finish(context, await eyes.journal(), attempt.number, end);
  log.info(`Attempt ${attempt.number} has expired; the source is put back.`);
  // The way back takes the lock itself: between the two nobody can use the attempt any more.
  const back = await goBack(context, until);
  return expired(context, back, attempt.number, await eyes.journal());
}

/**
 * The export may be of another run (from: ask). From here on this one answers for its pause: where its gate is rejected, its job rollback puts
 * the source back, as job ask has promised.
 * @returns false: not now, because somebody holds the lock, or S3 does not answer
 */
async function noteWatch({ clock, owner, log }: WatchContext, store: JournalStore, number: number): Promise<boolean> {
  try {
    const journal = await store.open(owner);
    try {
      const attempt = attemptOf(journal.current, number), before = attempt && stepOf(attempt, STEP.watched);
      if (!before || !isSameRun(before.by, owner)) await journal.update((current) => replaceStep(current, number, { name: STEP.watched, at: clock.now().toISOString(), by: owner }));
      return true;
    } finally {
      await journal.close();
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    log.info(`That this run watches is not in the journal yet: ${error.what}`);
    return false;
  }
}

/**
 * Until the source is back or this phase's time is up: what keeps it (Airflow that is down, another runner's lock, a right that somebody is
 * giving back) may pass, and while the gate's job still waits nobody looks.
 * @param timeIsUp milliseconds since 1970
 */
async function goBack(context: WatchContext, timeIsUp: number): Promise<PhaseResult> {
  const { inputs, clock, log } = context;
  const until = Math.max(timeIsUp, clock.now().getTime() + LEAST_BACK_MINUTES * 60_000);
  for (let wait = BACK_AGAIN_MS.first; ; wait = Math.min(wait * 2, BACK_AGAIN_MS.most)) {
    const minutes = Math.max(LEAST_BACK_MINUTES, Math.floor((until - clock.now().getTime()) / 60_000));
    try {
      return await rollBack({ ...context, inputs: { ...inputs, timeoutMinutes: Math.min(inputs.timeoutMinutes, minutes), attempt: undefined, isAutomatic: false } });
    } catch (error) {
      if (!(error instanceof UserError) || clock.now().getTime() + wait >= until) throw error;
      log.warn(`The source is not back yet, and the way back is tried again in ${wait / 60_000} ${wait === 60_000 ? 'minute' : 'minutes'}: ${error.what} ${error.why} ${error.fix}`);
      await clock.sleep(wait);
    }
  }
}

/** What can be seen from outside, and what was seen before. What cannot be asked for the moment must not end the watch: it would leave the source paused for ever. */
class Eyes {
  private wasWaiting = false;
  /** Read before it was seen waiting, so that no answer to this wait is among them. */
  private before: readonly GateReview[] | undefined;
  private gone = 0;
  private last: Journal | undefined;
  private told = '';
  constructor(
    private readonly gatekeeper: Gatekeeper, private readonly store: JournalStore, private readonly gate: GateInputs, private readonly attempt: number, private readonly watched: WatchedGate,
    private readonly log: Context['log'], private readonly since: Date,
  ) {}

  get seemsGone(): boolean {
    return this.gone > 0;
  }

  /** @returns undefined: the gate still waits, or nobody can say */
  async look(now: Date): Promise<WatchEnd | undefined> {
    const journal = await this.quietly(() => this.store.peek());
    if (journal) this.last = journal;
    const found = this.last && attemptOf(this.last, this.attempt);
    const end = found && this.endOf(found);
    if (end) return end;
    const answer = await this.answer(now);
    if (answer === 'waiting' || answer === 'unknown') return void (this.gone = 0);
    this.gone += 1;
    return this.gone >= (answer === 'left' ? SURE.left : SURE.answered) ? answer : undefined;
  }

  endOf(attempt: Attempt): WatchEnd | undefined {
    return endByJournal(attempt, this.watched);
  }

  /** GitHub's own word on it, asked just now. */
  async answer(now: Date): Promise<Answer> {
    // A dispatch is answered in another workflow run: the journal alone tells.
    if (this.gate.by === 'dispatch') return 'unknown';
    const earlier = this.before ?? await this.quietly(() => this.gatekeeper.reviews());
    const isWaiting = await this.quietly(() => this.gatekeeper.isWaiting(this.gate.environment));
    if (isWaiting === true) [this.wasWaiting, this.before] = [true, earlier];
    if (isWaiting !== false) return isWaiting === undefined ? 'unknown' : 'waiting';
    const reviews = await this.quietly(() => this.gatekeeper.reviews());
    return answerOf(reviews, this.gate.environment, { wasWaiting: this.wasWaiting, before: this.before, sinceMs: now.getTime() - this.since.getTime() });
  }

  async journal(): Promise<Journal | undefined> {
    return (await this.quietly(() => this.store.peek())) ?? this.last;
  }

  /** Told once, not every 20 seconds. */
  private async quietly<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (this.told !== error.what) this.log.warn(`${error.what} ${error.why} The watch goes on.`);
      this.told = error.what;
      return undefined;
    }
  }
}

/**
 * Under the journal's lock: whoever has it first, the gate or the watch, decides. An answer that cannot be had counts as none, for as long as
 * the journal holds no approval nobody has acted on one, and the gate refuses an attempt that has expired.
 * @returns undefined: it is expired now
 */
async function expire({ clock, owner, log }: WatchContext, store: JournalStore, eyes: Eyes, number: number, deadline: Date): Promise<WatchEnd | undefined> {
  const journal = await openPatiently(store, owner, clock, deadline);
  try {
    const attempt = attemptOf(journal.current, number);
    const end = attempt && eyes.endOf(attempt);
    if (end) return end;
    if (attempt && stepOf(attempt, STEP.expired)) return undefined;
    const answer = await eyes.answer(clock.now());
    // Not 'left': one look at a list that blinks would end the watch of a gate that waits on, and leave the source paused.
    if (answer === 'approved' || answer === 'rejected') return answer;
    if (answer !== 'waiting') log.warn('GitHub does not say whether the gate was answered. The journal holds no approval, so nobody has acted on one: the attempt expires.');
    const at = clock.now().toISOString();
    await journal.update((current) => rememberStep(current, number, { name: STEP.expired, at, by: owner, data: { deadline: deadline.toISOString(), answer } }));
    return undefined;
  } finally {
    await journal.close();
  }
}

async function openPatiently(store: JournalStore, owner: string, clock: Clock, deadline: Date): ReturnType<JournalStore['open']> {
  for (;;) {
    try {
      return await store.open(owner);
    } catch (error) {
      const mayPass = error instanceof LockHeld || (error instanceof UserError && error.cause !== undefined);
      if (!mayPass || clock.now().getTime() > deadline.getTime() + PATIENCE_MS) throw error;
      await clock.sleep(RETRY_MS);
    }
  }
}

function finish({ inputs, file, clock }: WatchContext, journal: Journal | undefined, number: number, end: WatchEnd): PhaseResult {
  const report = watchReport({ source: file.source.environment, attempt: number, environment: inputs.workflow.gate.environment, end, pausedSince: pausedSince(journal, number), now: clock.now().toISOString() });
  return resultOf(`mwaa-migrate: watch of ${file.id}`, report, { 'migration-id': file.id, attempt: String(number), 'target-environment': file.target.environment });
}

/** Red: nobody approved, and whoever looks at the run has to see that. The rollback's own report follows. */
function expired({ inputs }: WatchContext, back: PhaseResult, number: number, journal: Journal | undefined): PhaseResult {
  const restored = journal && attemptOf(journal, number);
  const isBack = restored !== undefined && stepOf(restored, STEP.restored) !== undefined;
  const failure = back.ok || typeof back.failure === 'string' || back.failure === undefined ? undefined : back.failure;
  const { timeoutMinutes, environment } = inputs.workflow.gate;
  return {
    ...back, ok: false,
    failure: failure ?? {
      what: `Nobody has answered the gate within ${timeoutMinutes} minutes, so attempt ${number} has expired${isBack ? ' and the source was put back' : ''}.`,
      why: 'the source stood still all that time; an approval that comes now does nothing.',
      fix: `reject the job that still waits for environment "${environment}", or cancel the run. When reviewers have time, start the workflow again.`,
    },
  };
}
