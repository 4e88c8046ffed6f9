/** Environments with their protection rules, and the reviews that let a run go on: https://docs.github.com/rest/deployments/environments */
import { notFound, validationFailed, type Answer } from './refusals.js';
import { page, userOf, type Call, type Route } from './route.js';
import type { Account, Environment, Review, Run, Team } from './state.js';

const REPOSITORY = '/repos/{owner}/{repo}';
const MAY_READ = [{ name: 'actions', level: 'read' }] as const;

export const environmentRoutes: readonly Route[] = [
  {
    // Every token may see that much of a repository of its own.
    method: 'GET', template: REPOSITORY, permissions: undefined,
    answer: ({ state, api, url }) => ({
      status: 200,
      body: { ...(JSON.parse(JSON.stringify(api.example('full-repository')).replaceAll('octocat/Hello-World', state.repository).replaceAll('https://api.github.com', url)) as object), has_discussions: false, default_branch: state.defaultBranch },
    }),
  },
  {
    method: 'GET', template: `${REPOSITORY}/environments`, permissions: MAY_READ,
    answer: (call) => {
      const all = [...call.state.environments.values()];
      const { items, headers } = page(all, call, `/repos/${call.state.repository}/environments`);
      return { status: 200, body: { total_count: all.length, environments: items.map((one) => shown(one, call)) }, headers };
    },
  },
  { method: 'GET', template: `${REPOSITORY}/environments/{environment_name}`, permissions: MAY_READ, answer: (call) => withEnvironment(call, (environment) => ({ status: 200, body: shown(environment, call) })) },
  {
    method: 'GET', template: `${REPOSITORY}/environments/{environment_name}/deployment-branch-policies`, permissions: MAY_READ,
    answer: (call) => withEnvironment(call, ({ id, branches, tags }) => {
      const named = Array.isArray(branches) ? [...(branches as readonly string[]).map((name) => ({ name, type: 'branch' })), ...tags.map((name) => ({ name, type: 'tag' }))] : [];
      const policies = named.map((one, at) => ({ id: id * 100 + at, node_id: `policy-${id}-${at}`, ...one }));
      const { items, headers } = page(policies, call, `/repos/${call.state.repository}/environments/${encodeURIComponent(call.path['environment_name'] ?? '')}/deployment-branch-policies`);
      return { status: 200, body: { total_count: policies.length, branch_policies: items }, headers };
    }),
  },
  { method: 'GET', template: `${REPOSITORY}/actions/runs/{run_id}`, permissions: MAY_READ, answer: (call) => withRun(call, (run) => ({ status: 200, body: shownRun(run, call) })) },
  {
    method: 'GET', template: `${REPOSITORY}/actions/runs/{run_id}/approvals`, permissions: MAY_READ,
    answer: (call) => withRun(call, (run) => ({
      status: 200,
      body: reviewsShown(run, call).map(({ environmentId, state, by, comment }) => ({ environments: named(call, environmentId), state, user: userOf(by, call.api), comment })),
    })),
  },
  {
    method: 'GET', template: `${REPOSITORY}/actions/runs/{run_id}/pending_deployments`, permissions: MAY_READ,
    answer: (call) => withRun(call, (run) => ({
      status: 200,
      body: [...run.waiting].flatMap((id) => named(call, id).map((environment) => {
        const { reviewers, waitMinutes } = byId(call, id) ?? { reviewers: [], waitMinutes: 0 };
        return {
          environment, wait_timer: waitMinutes ?? 0, wait_timer_started_at: null, current_user_can_approve: isReviewer(call, id),
          reviewers: (reviewers ?? []).map((reviewer) => shownReviewer(reviewer, call)),
        };
      })),
    })),
  },
  {
    method: 'POST', template: `${REPOSITORY}/actions/runs/{run_id}/pending_deployments`, permissions: [{ name: 'deployments', level: 'write' }], isForUsersOnly: true,
    answer: (call) => withRun(call, (run) => review(call, run)),
  },
];

function reviewsShown({ reviews }: Run, { state }: Call): readonly Review[] {
  const shown = reviews.filter(({ hiddenFor = 0 }) => hiddenFor === 0);
  for (const review of reviews) if (review.hiddenFor) review.hiddenFor -= 1;
  return state.reviewOrder === 'newest-first' ? shown.reverse() : shown;
}

function review(call: Call, run: Run): Answer {
  const { environment_ids: ids, state, comment } = call.body as Readonly<{ environment_ids: readonly number[]; state: 'approved' | 'rejected'; comment: string }>;
  const refuse = (message: string): Answer => validationFailed({ resource: 'Deployment', code: 'custom', field: 'environment_ids', message });
  for (const id of ids) {
    if (!run.waiting.has(id)) return refuse('No pending deployments to approve or reject');
    if (!isReviewer(call, id)) return refuse('You are not a required reviewer of this environment');
    if (byId(call, id)?.preventSelfReview && run.actor.login === call.caller.login) return refuse('You may not review your own run');
  }
  for (const id of ids) {
    run.waiting.delete(id);
    run.reviews.push({ environmentId: id, state, by: { login: call.caller.login, type: call.caller.type }, comment });
  }
  if (state === 'rejected') Object.assign(run, { status: 'completed', conclusion: 'failure' });
  else if (run.waiting.size === 0) run.status = 'in_progress';
  const [deployment] = call.api.example('deployment-items') as unknown as readonly object[];
  return { status: 200, body: ids.map((id) => ({ ...deployment, creator: userOf(run.actor, call.api), environment: byId(call, id)?.name, original_environment: byId(call, id)?.name })) };
}

const byId = ({ state }: Call, id: number): Environment | undefined => [...state.environments.values()].find((one) => one.id === id);
const isReviewer = (call: Call, id: number): boolean => byId(call, id)?.reviewers?.some((one) => ('slug' in one ? one.members : [one.login]).includes(call.caller.login)) ?? false;
const shownReviewer = (reviewer: Account | Team, { api }: Call): Readonly<Record<string, unknown>> =>
  'slug' in reviewer ? { type: 'Team', reviewer: { ...teamExample(api), slug: reviewer.slug, name: reviewer.slug } } : { type: 'User', reviewer: userOf(reviewer, api) };
const teamExample = (api: Call['api']): object => (api.example('team-items') as unknown as readonly object[])[0] ?? {};

function named(call: Call, id: number): readonly Readonly<Record<string, unknown>>[] {
  const found = byId(call, id);
  if (!found) return [];
  return [Object.fromEntries(Object.entries(shown(found, call)).filter(([name]) => name !== 'protection_rules' && name !== 'deployment_branch_policy'))];
}

function withEnvironment(call: Call, work: (environment: Environment) => Answer): Answer {
  const found = call.state.environments.get(call.path['environment_name'] ?? '');
  return found ? work(found) : notFound();
}

function withRun(call: Call, work: (run: Run) => Answer): Answer {
  const run = call.state.runs.get(Number(call.path['run_id']));
  return run ? work(run) : notFound();
}

function shown({ id, name, reviewers, preventSelfReview, adminsMayBypass, waitMinutes, branches }: Environment, call: Call): Readonly<Record<string, unknown>> {
  const { api, state, url } = call;
  return {
    ...api.example('environment'), id, name, ...(adminsMayBypass === undefined ? {} : { can_admins_bypass: adminsMayBypass }), url: `${url}/repos/${state.repository}/environments/${encodeURIComponent(name)}`,
    protection_rules: [
      ...(waitMinutes === undefined ? [] : [{ id: id * 10 + 1, node_id: `gate-${id}-1`, type: 'wait_timer', wait_timer: waitMinutes }]),
      ...(reviewers === undefined ? [] : [{ id: id * 10 + 2, node_id: `gate-${id}-2`, prevent_self_review: preventSelfReview, type: 'required_reviewers', reviewers: reviewers.map((reviewer) => shownReviewer(reviewer, call)) }]),
      ...(branches === undefined ? [] : [{ id: id * 10 + 3, node_id: `gate-${id}-3`, type: 'branch_policy' }]),
    ],
    deployment_branch_policy: branches === undefined ? null : { protected_branches: branches === 'protected', custom_branch_policies: branches !== 'protected' },
  };
}

const shownRun = ({ id, actor, status, conclusion, headSha, headBranch }: Run, { api, state, url }: Call): Readonly<Record<string, unknown>> => ({
  ...(JSON.parse(JSON.stringify(api.example('workflow-run')).replaceAll('octo-org/octo-repo', state.repository).replaceAll('https://api.github.com', url).replaceAll('30433642', String(id))) as object),
  id, status, conclusion, head_sha: headSha, head_branch: headBranch, actor: userOf(actor, api), triggering_actor: userOf(actor, api),
});
