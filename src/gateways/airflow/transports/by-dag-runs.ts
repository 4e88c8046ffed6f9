/**
 * Commands as DAG runs (design §4), whatever way leads to Airflow: a DAG file in the environment's bucket, a DAG run per try, answers
 * through the migration bucket. Nothing is kept in memory between calls: a runner that dies is followed by one that finds DAG run and result.
 */
import { createHash } from 'node:crypto';
import { PROTOCOL_SCHEMA, type Command, type DataOf, type Progress, type Rendered, type Result } from '../../../airflow/protocol.js';
import { UserError } from '../../../errors.js';
import type { Order } from '../../../ports.js';
import { jobKeyOf, openAnswers, renderJob, runIdOf, tryOf } from './commands.js';
import { placeDagFile, type DagPlace } from './dag-placement.js';
import type { Transport } from './transport.js';

/** Tries one call makes of a command whose task dies without a word: a worker that is replaced twice in a row is no accident. */
const MAX_DEATHS = 3;
/** Between two looks at the result object. */
const POLL_MS = 2_000;
/** A worker may run a rendering older than the one the scheduler has parsed, for each container syncs the DAG folder by itself. */
const STALE_MS = 5 * 60_000;
const STALE_PAUSE_MS = 10_000;
const STALE_CODES: ReadonlySet<string> = new Set(['stale-file', 'job-changed', 'expired']);
/** A rendered file may start runs for a day: long enough for a resumed phase, short for a file that was forgotten. */
const EXPIRES_MS = 24 * 3_600_000;

/** The runs of our own DAG, by one of the ways into an environment. */
export interface DagRuns {
  /**
   * Runs of our DAG: all of them, or those of this command that may be newer than what S3 tells.
   * @param tries newest try that has a result, and newest of which anything is known; 0: none
   */
  list(command: Command, attempt: number, tries: Readonly<{ finished: number; seen: number }>): Promise<readonly Readonly<{ runId: string; state: string }>[]>;
  /**
   * Waits until Airflow can start a run of the file, and makes the DAG active.
   * @param placedAt milliseconds since the epoch; import errors from before are of an earlier file
   */
  prepare(rendered: Rendered, placedAt: number, deadline: number): Promise<void>;
  /** Does nothing where it is there: a second runner started the same try, and both wait for the one result. */
  start(runId: string, attempt: number): Promise<void>;
  /** undefined: there is no such run. 'unknown': it cannot be told now. */
  state(runId: string): Promise<string | undefined>;
  /** How many looks at the result object there are to one question for the run's state. */
  readonly looksPerQuestion: number;
}

type Ending = Result | 'died';

/** @returns what runs one command to its end, with `Order` as in ports.ts */
export function runByDagRuns(transport: Transport, place: DagPlace, dagRuns: DagRuns): <K extends Command>(command: K, order: Order) => Promise<DataOf[K]> {
  const { side, clock, log, migration } = transport;
  const name = transport.description.Name, { dagId } = place;

  const render = async (order: Order, prefix: string): Promise<Rendered> => {
    const text = renderJob(order);
    const job = await migration.write(jobKeyOf(prefix, side), text, { contentType: 'application/json' });
    return {
      schema: PROTOCOL_SCHEMA, migrationId: order.job.migrationId, attempt: order.attempt, side, dagId, shortHash: createHash('sha256').update(order.job.migrationId).digest('hex').slice(0, 8),
      bucket: migration.name, bucketOwner: migration.ownerAccountId, bucketRegion: migration.region, prefix,
      job: { key: job.key, sha256: job.sha256 }, expiresAt: new Date(clock.now().getTime() + EXPIRES_MS).toISOString(), manifest: order.manifest ?? null,
    };
  };

  const run = async (command: Command, order: Order): Promise<Result> => {
    const prefix = `${transport.prefix}${order.attempt}/`;
    const answers = openAnswers(migration, prefix);
    const deadline = clock.now().getTime() + order.timeoutMinutes * 60_000;
    // Both sides have a preflight below the same prefix, and it looks at the present: an old one is never the answer.
    const before = await answers.result(command);
    if (before?.status === 'done' && before.attempt === order.attempt && !order.fresh && command !== 'preflight') {
      log.info(`${command} of attempt ${order.attempt} is done already (${before.finishedAt}).`);
      return before;
    }
    let finished = before?.try ?? 0;
    let last = Math.max(finished, (await answers.progress(command))?.try ?? 0);
    let deaths = 0;
    let placedAt: number | undefined;
    for (;;) {
      const runs = await dagRuns.list(command, order.attempt, { finished, seen: last });
      const tries = runs.flatMap(({ runId, state }) => {
        const number = tryOf(runId, command, order.attempt);
        return number === undefined ? [] : [{ number, state }];
      });
      const active = tries.filter(({ state }) => state === 'running' || state === 'queued').sort((a, b) => b.number - a.number)[0];
      // A running task has read its job: a file placed now would only unsettle it. A queued one may lack its file.
      if (active?.state !== 'running') {
        const rendered = await render(order, prefix);
        const placed = await placeDagFile(place, await transport.readDag(dagId), rendered);
        if (placed) placedAt = clock.now().getTime();
        await dagRuns.prepare(rendered, placedAt ?? clock.now().getTime(), deadline);
      }
      const number = active?.number ?? Math.max(last, ...tries.map((one) => one.number)) + 1;
      if (active) log.info(`${command} runs already in "${name}" (DAG run ${runIdOf(command, order.attempt, number)}); waiting for it.`);
      else {
        // Of a runner that died. Airflow runs one of our commands at a time, so ours only queues behind it.
        const ahead = runs.find(({ runId, state }) => state === 'running' && tryOf(runId, command, order.attempt) === undefined);
        if (ahead) log.info(`DAG run ${ahead.runId} is at work in "${name}"; ${command} follows when it has ended.`);
        const runId = runIdOf(command, order.attempt, number);
        await dagRuns.start(runId, order.attempt);
        log.info(`${command} started in "${name}" as DAG run ${runId} of ${dagId}.`);
      }
      const ending = await waitForEnd(command, order, number, answers, deadline);
      last = number;
      finished = number;
      if (ending !== 'died' && !(ending.status === 'failed' && STALE_CODES.has(ending.error.code))) return ending;
      const mayBeStale = placedAt !== undefined && clock.now().getTime() - placedAt < STALE_MS;
      if (!mayBeStale) deaths += 1;
      if (deaths >= MAX_DEATHS) return ending === 'died' ? diedTooOften(command, order, number) : ending;
      log.warn(ending === 'died' ? `${command} ended without a result (its task was killed, or its worker has no current DAG file); the next try follows.` : `A worker of "${name}" had an older DAG file; the next try follows.`);
      await clock.sleep(STALE_PAUSE_MS);
    }
  };

  const waitForEnd = async (command: Command, order: Order, number: number, answers: ReturnType<typeof openAnswers>, deadline: number): Promise<Ending> => {
    let told: string | undefined;
    const ours = async (): Promise<Result | undefined> => {
      const result = await answers.result(command);
      return result?.try === number && result.attempt === order.attempt ? result : undefined;
    };
    for (let look = 1; ; look += 1) {
      const result = await ours();
      if (result) return result;
      const progress = await answers.progress(command);
      if (progress?.try === number && progress.at !== told) {
        told = progress.at;
        order.onProgress?.(progress);
      }
      if (look % dagRuns.looksPerQuestion === 0) {
        const state = await dagRuns.state(runIdOf(command, order.attempt, number));
        // The result is written before the run ends, so one more look settles it.
        if (state === undefined || state === 'failed' || state === 'success') return (await ours()) ?? 'died';
      }
      if (clock.now().getTime() >= deadline) throw timedOut(name, command, order, number, progress?.try === number ? progress : undefined);
      await clock.sleep(POLL_MS);
    }
  };

  const diedTooOften = (command: Command, order: Order, number: number): never => {
    throw new UserError(
      `${command} died ${MAX_DEATHS} times in "${name}" (last DAG run ${runIdOf(command, order.attempt, number)}).`,
      `its task ended without writing a result: killed by the system (memory), by a replaced worker, or by somebody in the UI; or the environment's execution role may not use bucket ${migration.name}.`,
      `where the role is of another account than the bucket, give its own policy what docs/how-to/several-accounts.md shows; else read the task's log (DAG ${dagId}, task run) in Airflow, repair the cause, and run the phase again: it goes on from what is there.`,
    );
  };

  return async (command, order) => {
    const result = await run(command, order);
    if (result.status === 'done') return result.data as DataOf[typeof command];
    const { code, what, why, fix } = result.error;
    throw new UserError(`${command} failed in "${name}" (${code}): ${what}`, why, fix);
  };
}

function timedOut(name: string, command: Command, order: Order, number: number, progress: Progress | undefined): UserError {
  return new UserError(
    `${command} in "${name}" did not end within ${order.timeoutMinutes} minutes.`,
    progress ? `its last word at ${progress.at} was: ${progress.message}${progress.table ? ` (${progress.table}, ${progress.rowsDone} rows)` : ''}.` : 'it has not reported any progress: the task may still wait for a free worker slot.',
    `the DAG run ${runIdOf(command, order.attempt, number)} goes on by itself: run the phase again with the same inputs (and a higher timeout-minutes), and it takes up the wait. In the workflow that holds with on-failure: stay; with rollback, the default, job rollback follows now and puts back what this run has paused.`,
  );
}
