/** Which jobs GitHub runs again, and what the others keep: https://docs.github.com/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs */
import type { Job, KeptOutputs } from '../../../sandbox/act/jobs.js';
import type { WorkflowRun } from '../../../sandbox/act/records.js';

export type JobResult = 'success' | 'failure' | 'skipped' | 'unfinished';

/** Of every job of the run; one of which act says nothing was skipped, or had not begun when the run was ended. */
export function resultsOf(jobs: readonly Job[], run: WorkflowRun): Readonly<Record<string, JobResult>> {
  const absent = run.code === null ? 'unfinished' : 'skipped';
  return Object.fromEntries(jobs.map(({ id }) => [id, run.jobs[id] ?? absent]));
}

/** "Re-run failed jobs" runs every failed job and all that depend on one again; what succeeded besides keeps its outputs. */
export function keptOf(jobs: readonly Job[], run: WorkflowRun): Readonly<Record<string, KeptOutputs>> {
  const again = new Set(jobs.filter(({ id }) => run.jobs[id] !== 'success').map(({ id }) => id));
  // A job that was skipped by its own condition has no outputs and is skipped again; only failed ones drag their dependents along.
  const failed = new Set(jobs.filter(({ id }) => run.jobs[id] === 'failure').map(({ id }) => id));
  for (let before = -1; before !== failed.size;) {
    before = failed.size;
    for (const { id, needs } of jobs) if (needs.some((need) => failed.has(need))) failed.add(id);
  }
  return Object.fromEntries(jobs.filter(({ id }) => !again.has(id) && !failed.has(id)).map(({ id }) => [id, run.stepOutputs[id] ?? {}]));
}
