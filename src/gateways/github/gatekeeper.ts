/** The gate's environment and the reviews of this workflow run, as GitHub tells them. Only reads; the token needs `actions: read`. */
import { InternalError, UserError } from '../../errors.js';
import type { EnvironmentProtection, Gatekeeper, GateReview } from '../../gatekeeper.js';
import type { GithubApi, Purpose } from './api.js';

/** https://docs.github.com/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens#repository-permissions-for-actions */
export const GATE_PURPOSE: Purpose = {
  forbidden: 'The github-token may not read environments and their reviews.', permission: 'actions: read',
  otherwise: 'look at the environment in the settings of the repository, and report this with the log of the run.',
};
/** Pages of 100: more environments or branch rules than anybody has. */
const MAX_PAGES = 50;

/**
 * @param repository "owner/name"
 * @param runId GITHUB_RUN_ID; undefined: by hand, where nobody reviews anything
 */
export function openGatekeeper(api: GithubApi, repository: string, runId: string | undefined): Gatekeeper {
  const base = `/repos/${repository}`;
  const read = async (path: string): Promise<Readonly<{ status: number; body: unknown; next: string | undefined }>> => await api.call({ method: 'GET', path });

  /** @param list name of the list in each page's body */
  const readAll = async (path: string, list: string): Promise<readonly unknown[]> => {
    const found: unknown[] = [];
    let next: string | undefined = `${path}?per_page=100`;
    for (let page = 0; next !== undefined && page < MAX_PAGES; page += 1) {
      const answer = await read(next);
      const items = at(answer.body, list);
      if (!Array.isArray(items)) throw notSeen(repository, answer.status);
      found.push(...(items as readonly unknown[]));
      next = answer.next;
    }
    return found;
  };

  /** Names are not case sensitive (https://docs.github.com/actions/how-tos/deploy/configure-and-manage-deployments/manage-environments), but nothing says that the path is not. */
  const find = async (environment: string): Promise<unknown> => {
    const answer = await read(`${base}/environments/${encodeURIComponent(environment)}`);
    // Of an environment called ".." the address would be another one.
    if (answer.status < 400 && isSame(at(answer.body, 'name'), environment)) return answer.body;
    return (await readAll(`${base}/environments`, 'environments')).find((one) => isSame(at(one, 'name'), environment));
  };

  const branchesOf = async (environment: unknown, name: string): Promise<EnvironmentProtection['branches']> => {
    const policy = at(environment, 'deployment_branch_policy');
    if (typeof policy !== 'object' || policy === null) return 'any';
    if (at(policy, 'protected_branches') === true) return 'protected';
    const rules = await readAll(`${base}/environments/${encodeURIComponent(name)}/deployment-branch-policies`, 'branch_policies');
    // A rule for tags lets no branch in; without a type it is of the time before there were any.
    return rules.flatMap((rule) => { const pattern = at(rule, 'name'); return typeof pattern === 'string' && at(rule, 'type') !== 'tag' ? [pattern] : []; });
  };

  return {
    async protection(environment) {
      const found = await find(environment);
      if (found === undefined) return undefined;
      const name = at(found, 'name');
      if (typeof name !== 'string') throw new InternalError('GitHub answered with an environment that has no name.');
      const rules = listOf(at(found, 'protection_rules'));
      const review = rules.find((rule) => at(rule, 'type') === 'required_reviewers');
      const wait = at(rules.find((rule) => at(rule, 'type') === 'wait_timer'), 'wait_timer');
      const reviewers = listOf(at(review, 'reviewers'));
      // In GitHub's answers since 2023, not in its description.
      const bypass = at(found, 'can_admins_bypass');
      return {
        name,
        reviewers: reviewers.flatMap((one) => reviewerName(at(one, 'reviewer'))),
        teams: reviewers.flatMap((one) => (at(one, 'type') === 'User' ? [] : reviewerName(at(one, 'reviewer')))),
        preventsSelfReview: at(review, 'prevent_self_review') === true,
        waitMinutes: typeof wait === 'number' ? wait : 0,
        branches: await branchesOf(found, name),
        adminsMayBypass: typeof bypass === 'boolean' ? bypass : undefined,
      };
    },

    async reviews() {
      if (runId === undefined) throw new UserError('This is no workflow run of GitHub.', 'only a workflow run has reviews (GITHUB_RUN_ID is not set).', 'run the gate as a job of a workflow.');
      const answer = await read(`${base}/actions/runs/${encodeURIComponent(runId)}/approvals`);
      if (!Array.isArray(answer.body)) throw notSeen(`workflow run ${runId} of ${repository}`, answer.status);
      return (answer.body as readonly unknown[]).flatMap(reviewsOf);
    },

    async isWaiting(environment) {
      if (runId === undefined) return false; // by hand nothing waits
      const answer = await read(`${base}/actions/runs/${encodeURIComponent(runId)}/pending_deployments`);
      if (!Array.isArray(answer.body)) throw notSeen(`workflow run ${runId} of ${repository}`, answer.status);
      return (answer.body as readonly unknown[]).some((one) => isSame(at(at(one, 'environment'), 'name'), environment));
    },

    async defaultBranch() {
      const { status, body } = await read(base);
      const branch = at(body, 'default_branch');
      if (typeof branch !== 'string' || branch === '') throw notSeen(repository, status);
      return branch;
    },
  };
}

/** One review may be of several environments; "pending" is a comment without a decision. */
function reviewsOf(entry: unknown): readonly GateReview[] {
  const state = at(entry, 'state'), by = at(at(entry, 'user'), 'login'), comment = at(entry, 'comment');
  if ((state !== 'approved' && state !== 'rejected') || typeof by !== 'string') return [];
  return listOf(at(entry, 'environments')).flatMap((one) => {
    const environment = at(one, 'name');
    return typeof environment === 'string' ? [{ environment, state, by, comment: typeof comment === 'string' ? comment : '' }] : [];
  });
}

/** A person's login or a team's slug. */
function reviewerName(reviewer: unknown): readonly string[] {
  const name = at(reviewer, 'login') ?? at(reviewer, 'slug');
  return typeof name === 'string' ? [name] : [];
}

const notSeen = (what: string, status: number): UserError =>
  new UserError(`The github-token sees nothing of ${what}.`, `GitHub answered ${status}; it is misspelt, or the token is for another repository.`, 'leave the input github-token out, so that the job\'s own token is used, or give one that may read this repository.');
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as readonly unknown[]) : []);
const isSame = (one: unknown, other: string): boolean => typeof one === 'string' && one.toLowerCase() === other.toLowerCase();
const at = (value: unknown, name: string): unknown => (typeof value === 'object' && value !== null && name in value ? (value as Readonly<Record<string, unknown>>)[name] : undefined);
