/** The process of the phase that a job is at, found as an operator would: by its environment. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';
import type { StartedWorkflow } from '../../../sandbox/act/act.js';
import { until } from '../../support/patience.js';
import { troubles } from './halves.js';
import type { WorkflowWorld } from './world.js';

/** Sessions of the roles of docs/iam/roles.yaml: the execution role of a cloned environment begins with the same word. */
const OURS = /assumed-role\/mwaa-migrate-(?:plan|source|target)\//u;

/** @returns its id; undefined: the job is at no phase now */
function processOf(runId: number, job: string): number | undefined {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/u.test(name)) continue;
    try {
      if (!readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('dist/index.js')) continue;
      const env = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0');
      if (env.includes(`GITHUB_JOB=${job}`) && env.includes(`GITHUB_RUN_ID=${runId}`)) return Number(name);
    } catch {
      // It has ended in this moment.
    }
  }
  return undefined;
}

/**
 * Ends the phase of a job in its middle: SIGKILL as when its machine is lost, SIGINT as when somebody cancels the run
 * (https://docs.github.com/actions/reference/workflows-and-actions/workflow-cancellation).
 * @param calls how many requests the phase has made of AWS by then
 * @throws Error when the phase ended before
 */
export async function endPhase(world: WorkflowWorld, started: StartedWorkflow, job: string, signal: 'SIGKILL' | 'SIGINT', calls: number): Promise<void> {
  const pid = await until(`job ${job} to be at its phase`, () => {
    const { jobs } = started.sofar();
    if (jobs[job]) throw new Error(`Job ${job} ended with ${jobs[job]} before it could be stopped.\n${troubles(started.sofar())}`);
    return Promise.resolve(processOf(world.runId, job));
  }, { seconds: 600, everyMs: 50 });
  const all = world.migration.sandbox.calls, before = all.length;
  await until(`job ${job} to make ${calls} calls`, () => {
    if (processOf(world.runId, job) !== pid) throw new Error(`Job ${job} made fewer than ${calls} calls of AWS.`);
    return Promise.resolve(all.slice(before).filter(({ principal }) => OURS.test(principal)).length >= calls);
  }, { seconds: 300, everyMs: 20 });
  process.kill(pid, signal);
}
