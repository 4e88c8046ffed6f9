/** Lets jobs into their environments as GitHub's stand-in has them: reviewers answer through its API, and nobody else can. */
import type { GithubStandIn } from '../github/server.js';
import type { Gate } from './jobs.js';

/**
 * @param ref of the workflow run, e.g. refs/heads/main
 * @see https://docs.github.com/actions/reference/workflows-and-actions/deployments-and-environments
 */
export function gateOf({ state, addEnvironment }: GithubStandIn, runId: number, ref: string): Gate {
  /** Reviews of the run when a job began to wait: those of an earlier attempt do not count for it. */
  const waitsSince = new Map<string, number>();
  return (job, name) => {
    const run = state.runs.get(runId);
    if (!run) throw new Error(`The stand-in has no workflow run ${runId}.`);
    // GitHub makes a missing environment for the first job that names it, without protection.
    const { id, reviewers = [], branches } = state.environments.get(name) ?? addEnvironment({ name });
    const branch = ref.replace(/^refs\/heads\//u, '');
    if (branches !== undefined && !(branches === 'protected' ? branch === 'main' : branches.includes(branch))) return 'rejected';
    if (reviewers.length === 0) return 'begins';
    const since = waitsSince.get(job);
    if (since === undefined) {
      waitsSince.set(job, run.reviews.length);
      run.waiting.add(id);
      run.status = 'waiting';
      return 'waits';
    }
    if (run.waiting.has(id)) return 'waits';
    const answer = run.reviews.slice(since).findLast(({ environmentId }) => environmentId === id);
    return answer?.state === 'approved' ? 'begins' : 'rejected';
  };
}
