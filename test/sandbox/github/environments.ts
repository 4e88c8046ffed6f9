/** Environments with their protection rules, and the reviews that let a run go on: https://docs.github.com/rest/deployments/environments */
import { notFound, validationFailed, type Answer } from './refusals.js';
import { page, userOf, type Call, type Route } from './route.js';
import type { Environment, Run } from './state.js';

const REPOSITORY = '/repos/{owner}/{repo}';
const MAY_READ = [{ name: 'actions', level: 'read' }] as const;

export const environmentRoutes: readonly Route[] = [
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
    answer: (call) => withEnvironment(call, ({ id, branches }) => {
      const policies = Array.isArray(branches) ? (branches as readonly string[]).map((name, at) => ({ id: id * 100 + at, node_id: `policy-${id}-${at}`, name, type: 'branch' })) : [];
      const { items, headers } = page(policies, call, `/repos/${call.state.repository}/environments/${call.path['environment_name'] ?? ''}/deployment-branch-policies`);
      return { status: 200, body: { total_count: policies.length, branch_policies: items }, headers };
    }),
  },
  { method: 'GET', template: `${REPOSITORY}/actions/runs/{run_id}`, permissions: MAY_READ, answer: (call) => withRun(call, (run) => ({ status: 200, body: shownRun(run, call) })) },
  {
    method: 'GET', template: `${REPOSITORY}/actions/runs/{run_id}/approvals`, permissions: MAY_READ,
    answer: (call) => withRun(call, ({ reviews }) => ({
      status: 200,
      body: reviews.map(({ environmentId, state, by, comment }) => ({ environments: named(call, environmentId), state, user: userOf(by, call.api), comment })),
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
          reviewers: (reviewers ?? []).map((reviewer) => ({ type: 'User', reviewer: userOf(reviewer, call.api) })),
        };
      })),
    })),
  },
  {
    method: 'POST', template: `${REPOSITORY}/actions/runs/{run_id}/pending_deployments`, permissions: [{ name: 'deployments', level: 'write' }], isForUsersOnly: true,
    answer: (call) => withRun(call, (run) => review(call, run)),
  },
];

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
const isReviewer = (call: Call, id: number): boolean => byId(call, id)?.reviewers?.some(({ login }) => login === call.caller.login) ?? false;

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

function shown({ id, name, reviewers, preventSelfReview, waitMinutes, branches }: Environment, { api, state, url }: Call): Readonly<Record<string, unknown>> {
  return {
    ...api.example('environment'), id, name, url: `${url}/repos/${state.repository}/environments/${encodeURIComponent(name)}`,
    protection_rules: [
      ...(waitMinutes === undefined ? [] : [{ id: id * 10 + 1, node_id: `gate-${id}-1`, type: 'wait_timer', wait_timer: waitMinutes }]),
      ...(reviewers === undefined ? [] : [{ id: id * 10 + 2, node_id: `gate-${id}-2`, prevent_self_review: preventSelfReview, type: 'required_reviewers', reviewers: reviewers.map((reviewer) => ({ type: 'User', reviewer: userOf(reviewer, api) })) }]),
      ...(branches === undefined ? [] : [{ id: id * 10 + 3, node_id: `gate-${id}-3`, type: 'branch_policy' }]),
    ],
    deployment_branch_policy: branches === undefined ? null : { protected_branches: branches === 'protected', custom_branch_policies: branches !== 'protected' },
  };
}

const shownRun = ({ id, actor, status, conclusion, headSha, headBranch }: Run, { api, state, url }: Call): Readonly<Record<string, unknown>> => ({
  ...(JSON.parse(JSON.stringify(api.example('workflow-run')).replaceAll('octo-org/octo-repo', state.repository).replaceAll('https://api.github.com', url).replaceAll('30433642', String(id))) as object),
  id, status, conclusion, head_sha: headSha, head_branch: headBranch, actor: userOf(actor, api), triggering_actor: userOf(actor, api),
});
