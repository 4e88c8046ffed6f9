/** From where a migration may be run: the default branch, and no pull request. Pure. */
import { UserError } from '../errors.js';
import type { WorkflowRun } from '../ports.js';

type Place = Pick<WorkflowRun, 'event' | 'ref'>;

/**
 * The migration file, the workflow and the list of approvers are those of the commit that runs; on a branch of one's own anybody who may push could change them.
 * @throws UserError for a run that would change something from elsewhere
 */
export function requireDefaultBranch({ event, ref }: Place, defaultBranch: string): void {
  // pull_request_target has the ref of the base: https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows#pull_request_target
  if (event?.startsWith('pull_request'))
    throw new UserError(`A run of a pull request (event ${event}) changes nothing.`, 'what it would migrate by has not been merged, and may come from anybody.', 'merge first and start the workflow on the default branch; for a pull request there is the workflow dry-run.yml, or only: check, plan.');
  if (ref === `refs/heads/${defaultBranch}`) return;
  throw new UserError(
    `This run is of ${ref ?? 'no branch'}, not of the default branch "${defaultBranch}".`,
    'on another branch whoever may push could change the migration file, the workflow and the list of approvers, unseen by anybody.',
    `start the workflow on "${defaultBranch}"; on other branches it runs jobs check and plan alone (only: check, plan).`,
  );
}
