/** Follows a run until it waits for a person or has ended. */
import type { StartedWorkflow } from '../../../sandbox/act/act.js';
import type { WorkflowRun } from '../../../sandbox/act/records.js';
import { until } from '../../support/patience.js';
import type { WorkflowWorld } from './world.js';

export const log = process.env['E2E_LOG'] ? (line: string) => void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`) : undefined;

/** Everything that went wrong in a run, for the message of a test that needed it to go right. */
export const troubles = ({ jobs, annotations, raw }: WorkflowRun): string =>
  [JSON.stringify(jobs), ...annotations.filter(({ level }) => level === 'error').map(({ job, text }) => `${job}: ${text}`), raw.split('\n').filter((line) => /"level":"error"/u.test(line)).slice(-5).join('\n').slice(-3000)].join('\n');

/**
 * Up to where a reviewer is asked.
 * @returns the run as far as it has come: nothing but the waiting job is left to do, or the watch beside it
 * @throws Error with what went wrong when it ends before
 */
export async function untilAsked(world: WorkflowWorld, started: StartedWorkflow, seconds = 1800): Promise<WorkflowRun> {
  let ended: WorkflowRun | undefined;
  started.done.then((run) => { ended = run; }, () => undefined);
  let told = 0;
  await until('the run to wait for a review', () => {
    const results = Object.entries(started.sofar().jobs);
    for (const [job, result] of results.slice(told)) log?.(`${job} ${result}`);
    told = results.length;
    if (ended) throw new Error(`The run ended before anybody was asked:\n${troubles(ended)}`);
    return Promise.resolve(world.isWaiting);
  }, { seconds, everyMs: 500 });
  return started.sofar();
}
