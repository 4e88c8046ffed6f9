/** GitHub's claims of one job. Source: https://docs.github.com/en/actions/reference/security/oidc; facts/github-actions.md §3 */

export type OidcJob = Readonly<{
  /** owner/name */
  repository: string;
  repositoryId: string; ownerId: string;
  /** refs/heads/main */
  ref: string;
  sha: string;
  eventName: string;
  /** The GitHub environment of the job; it hides branch and event from `sub`. */
  environment?: string | undefined;
  /** The called workflow's file, `owner/repo/.github/workflows/x.yml@refs/tags/v1`; without a called one it is the workflow's own. */
  jobWorkflowRef?: string | undefined;
  workflow: string; workflowFile: string;
  runId: string; runNumber: string; runAttempt: string; checkRunId: string;
  actor: string; actorId: string;
  visibility: 'public' | 'private' | 'internal';
  /** `immutable`: `repo:owner@id/name@id:…`, what repositories made after 2026-07-15 emit. */
  subject: 'legacy' | 'immutable';
}>;

/** A job on the default branch of an ordinary repository, for tests and the demo to change as they need. */
export const A_JOB: OidcJob = {
  repository: 'octo-org/workflows', repositoryId: '74', ownerId: '65', ref: 'refs/heads/main', sha: '0'.repeat(40), eventName: 'workflow_dispatch',
  workflow: 'Migrate', workflowFile: '.github/workflows/migrate.yml', runId: '1001', runNumber: '1', runAttempt: '1', checkRunId: '2001', actor: 'octocat', actorId: '12',
  visibility: 'private', subject: 'legacy',
};

export function claimsOf(job: OidcJob): Readonly<Record<string, unknown>> {
  const [owner = ''] = job.repository.split('/');
  const workflowRef = `${job.repository}/${job.workflowFile}@${job.ref}`;
  return {
    sub: subjectOf(job), repository: job.repository, repository_id: job.repositoryId, repository_owner: owner, repository_owner_id: job.ownerId,
    repository_visibility: job.visibility, ref: job.ref, ref_type: job.ref.startsWith('refs/tags/') ? 'tag' : 'branch', ref_protected: 'false', sha: job.sha,
    event_name: job.eventName, base_ref: '', head_ref: '', workflow: job.workflow, workflow_ref: workflowRef, workflow_sha: job.sha,
    job_workflow_ref: job.jobWorkflowRef ?? workflowRef, job_workflow_sha: job.sha, run_id: job.runId, run_number: job.runNumber, run_attempt: job.runAttempt, check_run_id: job.checkRunId,
    actor: job.actor, actor_id: job.actorId, runner_environment: 'github-hosted',
    ...(job.environment !== undefined && { environment: job.environment }),
  };
}

function subjectOf(job: OidcJob): string {
  const [owner = '', name = ''] = job.repository.split('/');
  const repository = job.subject === 'immutable' ? `repo:${owner}@${job.ownerId}/${name}@${job.repositoryId}` : `repo:${job.repository}`;
  // A colon inside a name would look like the next part.
  if (job.environment !== undefined) return `${repository}:environment:${job.environment.replaceAll(':', '%3A')}`;
  return job.eventName === 'pull_request' ? `${repository}:pull_request` : `${repository}:ref:${job.ref}`;
}
