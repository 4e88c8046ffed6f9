/** What a command leaves in the migration bucket, and the names of its DAG runs (protocol.ts). */
import type { Command, Progress, Result, Side } from '../../../airflow/protocol.js';
import type { Bucket, Order } from '../../../ports.js';

/** `<command>-<attempt>-<try>`: short, for InvokeRestApi's path holds DAG id and run id in 64 characters. */
export const runIdOf = (command: Command, attempt: number, tryNumber: number): string => `${command}-${attempt}-${tryNumber}`;

/** The parts of such a name; undefined when it is none. */
export function runOf(runId: string): Readonly<{ command: string; attempt: number; number: number }> | undefined {
  const [, command, attempt, number] = /^([a-z]+)-(\d{1,6})-(\d{1,6})$/u.exec(runId) ?? [];
  return command === undefined ? undefined : { command, attempt: Number(attempt), number: Number(number) };
}

/** The try a DAG run is; undefined when it is no run of this command and attempt. */
export function tryOf(runId: string, command: Command, attempt: number): number | undefined {
  const run = runOf(runId);
  return run?.command === command && run.attempt === attempt ? run.number : undefined;
}

/**
 * One job per side and attempt, at one key: a worker that still has an earlier rendering then finds bytes of another SHA-256
 * and refuses, instead of running with the earlier job. The manifest goes in too, so that every rendering has a SHA-256,
 * and thereby a DAG tag, of its own.
 */
export const jobKeyOf = (prefix: string, side: Side): string => `${prefix}${side}/job.json`;
export const renderJob = (order: Order): string => `${JSON.stringify({ ...order.job, manifest: order.manifest ?? null })}\n`;

export type Answers = Readonly<{
  result: (command: Command) => Promise<Result | undefined>;
  progress: (command: Command) => Promise<Progress | undefined>;
}>;

/** @param prefix the attempt's, with "/" at its end */
export function openAnswers(bucket: Pick<Bucket, 'read'>, prefix: string): Answers {
  const read = async (key: string): Promise<unknown> => {
    const found = await bucket.read(key);
    return found && JSON.parse(found.body.toString('utf8'));
  };
  return {
    // Objects are written whole, so what is there parses; anything else is a defect of the DAG file and said so.
    result: async (command) => (await read(`${prefix}${command}/result.json`)) as Result | undefined,
    progress: async (command) => (await read(`${prefix}${command}/progress.json`)) as Progress | undefined,
  };
}
