/** The stand-in, asked by GitHub's own client: what it answers there is what GitHub's API description allows, and its refusals are GitHub's. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { getOctokit } from '@actions/github';
import { readApiDescription } from '../../sandbox/github/openapi.js';
import { startGithub, type GithubStandIn } from '../../sandbox/github/server.js';

jest.setTimeout(60_000); // for a busy machine

const REPOSITORY = { owner: 'octo-org', repo: 'workflows' };
let github: GithubStandIn;
beforeAll(async () => { github = await startGithub(); });
afterAll(() => github.close());
const client = (token: string) => getOctokit(token, { baseUrl: github.url, log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined } });
type Refusal = Readonly<{ status: number; message: string; response: Readonly<{ headers: Readonly<Record<string, string>> }> }>;
const refusal = (work: Promise<unknown>): Promise<Refusal> => work.then(() => { throw new Error('It was not refused.'); }, (error: unknown) => error as Refusal);

describe('comments', () => {
  let pull: number, octokit: ReturnType<typeof client>;
  beforeEach(() => {
    pull = github.openPull().number;
    octokit = client(github.token({}));
  });

  it('are made, listed by pages, changed and deleted', async () => {
    for (let at = 1; at <= 7; at += 1) await octokit.rest.issues.createComment({ ...REPOSITORY, issue_number: pull, body: `number ${at}` });
    const all = await octokit.paginate(octokit.rest.issues.listComments, { ...REPOSITORY, issue_number: pull, per_page: 3 });
    expect(all.map(({ body }) => body)).toEqual([1, 2, 3, 4, 5, 6, 7].map((at) => `number ${at}`));
    expect(all[0]?.user).toMatchObject({ login: 'github-actions[bot]', type: 'Bot' });
    const first = await octokit.rest.issues.listComments({ ...REPOSITORY, issue_number: pull, per_page: 3 });
    expect(first.headers.link).toMatch(/page=2>; rel="next", <[^>]+page=3>; rel="last"$/u);
    const { id = 0 } = all[2] ?? {};
    await octokit.rest.issues.updateComment({ ...REPOSITORY, comment_id: id, body: 'changed' });
    expect((await octokit.rest.issues.getComment({ ...REPOSITORY, comment_id: id })).data.body).toBe('changed');
    await octokit.rest.issues.deleteComment({ ...REPOSITORY, comment_id: id });
    expect(await refusal(octokit.rest.issues.getComment({ ...REPOSITORY, comment_id: id }))).toMatchObject({ status: 404 });
    expect(github.commentsOf(pull)).toHaveLength(6);
  });

  it.each([['65,536 letters fit', 'a'.repeat(65_536), 201], ['one more does not', 'a'.repeat(65_537), 422], ['letters count, not bytes', 'ä'.repeat(65_536), 201], ['an empty one', '  ', 422]])('%s', async (_, body, status) => {
    const answer = await octokit.rest.issues.createComment({ ...REPOSITORY, issue_number: pull, body }).catch((error: unknown) => error as Refusal);
    expect(answer.status).toBe(status);
    if (status === 422 && body.length > 2) expect((answer as Refusal).message).toContain('Body is too long (maximum is 65536 characters)');
  });

  it('are refused in a locked conversation, but may be changed there', async () => {
    const { data } = await octokit.rest.issues.createComment({ ...REPOSITORY, issue_number: pull, body: 'before' });
    github.state.pulls.get(pull)!.isLocked = true;
    expect(await refusal(octokit.rest.issues.createComment({ ...REPOSITORY, issue_number: pull, body: 'x' }))).toMatchObject({ status: 403, message: expect.stringContaining('Unable to create comment because issue is locked') });
    expect((await octokit.rest.issues.updateComment({ ...REPOSITORY, comment_id: data.id, body: 'after' })).status).toBe(200);
  });
});

describe('who asks', () => {
  const list = (token: string, pull: number) => client(token).rest.issues.listComments({ ...REPOSITORY, issue_number: pull });
  it.each([
    ['a wrong token: 401', () => 'ghs_wrong', 401, 'Bad credentials'],
    ['a token without the permission: 403', () => github.token({ permissions: { contents: 'read' } }), 403, 'Resource not accessible by integration'],
    ['the token of another repository: 404', () => github.token({ seesRepository: false }), 404, 'Not Found'],
  ])('%s', async (_, token, status, message) => {
    expect(await refusal(list(token(), github.openPull().number))).toMatchObject({ status, message: expect.stringContaining(message) });
  });

  it('may read with a token that reads, and not write', async () => {
    const pull = github.openPull().number, token = github.token({ permissions: { pull_requests: 'read' } });
    expect((await list(token, pull)).status).toBe(200);
    expect(await refusal(client(token).rest.issues.createComment({ ...REPOSITORY, issue_number: pull, body: 'x' }))).toMatchObject({ status: 403 });
  });

  it('is told by REST to people only, by GraphQL to apps too', async () => {
    const app = client(github.token({ login: 'our-app[bot]' })), person = client(github.token({ kind: 'user', login: 'mona', type: 'User' }));
    expect(await refusal(app.rest.users.getAuthenticated())).toMatchObject({ status: 403, message: expect.stringContaining('Resource not accessible by integration') });
    expect((await person.rest.users.getAuthenticated()).data.login).toBe('mona');
    expect(await app.graphql('{ viewer { login } }')).toEqual({ viewer: { login: 'our-app[bot]' } });
  });
});

describe('pull requests, environments and approvals', () => {
  it('show a pull request of a fork', async () => {
    const { number } = github.openPull({ headRepository: 'stranger/workflows', headSha: 'a'.repeat(40) });
    const { data } = await client(github.token({})).rest.pulls.get({ ...REPOSITORY, pull_number: number });
    expect(data).toMatchObject({ number, head: { sha: 'a'.repeat(40), repo: { full_name: 'stranger/workflows', fork: true } } });
  });

  it('show the rules of an environment, 404 for one that is not there', async () => {
    const octokit = client(github.token({ permissions: { actions: 'read' } }));
    github.addEnvironment({ name: 'production', reviewers: [{ login: 'mona', type: 'User' }], preventSelfReview: true, waitMinutes: 5, branches: ['main', 'release/*'] });
    const { data } = await octokit.rest.repos.getEnvironment({ ...REPOSITORY, environment_name: 'production' });
    expect(data.protection_rules?.map(({ type }) => type)).toEqual(['wait_timer', 'required_reviewers', 'branch_policy']);
    expect((await octokit.rest.repos.listDeploymentBranchPolicies({ ...REPOSITORY, environment_name: 'production' })).data.branch_policies.map(({ name }) => name)).toEqual(['main', 'release/*']);
    expect(await refusal(octokit.rest.repos.getEnvironment({ ...REPOSITORY, environment_name: 'prodution' }))).toMatchObject({ status: 404 });
  });

  it('tells its default branch to every token, and of an environment its teams, its rules for tags and whether administrators may bypass them', async () => {
    const octokit = client(github.token({ permissions: { actions: 'read' } }));
    expect((await client(github.token({ permissions: {} })).rest.repos.get(REPOSITORY)).data).toMatchObject({ full_name: 'octo-org/workflows', default_branch: 'main' });
    github.addEnvironment({ name: 'a/b', reviewers: [{ slug: 'data-platform', members: ['mona'] }], branches: ['main'], tags: ['v*'], adminsMayBypass: false });
    const { data } = await octokit.rest.repos.getEnvironment({ ...REPOSITORY, environment_name: 'a/b' });
    expect(data).toMatchObject({ can_admins_bypass: false });
    expect(data.protection_rules?.[0]).toMatchObject({ reviewers: [{ type: 'Team', reviewer: { slug: 'data-platform' } }] });
    expect((await octokit.rest.repos.listDeploymentBranchPolicies({ ...REPOSITORY, environment_name: 'a/b' })).data.branch_policies.map(({ name, type }) => [name, type])).toEqual([['main', 'branch'], ['v*', 'tag']]);
  });

  it('lets a member of a team that reviews approve', async () => {
    const gate = github.addEnvironment({ name: 'of a team', reviewers: [{ slug: 'data-platform', members: ['mona'] }] });
    const run = github.addRun({ status: 'waiting', waiting: new Set([gate.id]) });
    const as = (login: string) => client(github.token({ kind: 'user', login, type: 'User', permissions: { actions: 'read', deployments: 'write' } }));
    const review = (login: string) => as(login).rest.actions.reviewPendingDeploymentsForRun({ ...REPOSITORY, run_id: run.id, environment_ids: [gate.id], state: 'approved', comment: '' });
    expect(await refusal(review('hubot'))).toMatchObject({ status: 422 });
    expect((await review('mona')).status).toBe(200);
  });

  it('lets a required reviewer, and nobody else, approve a waiting run once', async () => {
    const gate = github.addEnvironment({ name: 'gate', reviewers: [{ login: 'mona', type: 'User' }, { login: 'starter', type: 'User' }], preventSelfReview: true });
    const run = github.addRun({ actor: { login: 'starter', type: 'User' }, status: 'waiting', waiting: new Set([gate.id]) });
    const job = client(github.token({ permissions: { actions: 'read', deployments: 'write' } }));
    const as = (login: string) => client(github.token({ kind: 'user', login, type: 'User', permissions: { actions: 'read', deployments: 'write' } }));
    const review = (octokit: ReturnType<typeof client>) => octokit.rest.actions.reviewPendingDeploymentsForRun({ ...REPOSITORY, run_id: run.id, environment_ids: [gate.id], state: 'approved', comment: 'Ship it' });
    const pending = await as('mona').rest.actions.getPendingDeploymentsForRun({ ...REPOSITORY, run_id: run.id });
    expect(pending.data[0]).toMatchObject({ current_user_can_approve: true, environment: { name: 'gate' } });
    for (const [octokit, status] of [[job, 403], [as('passer-by'), 422], [as('starter'), 422]] as const) expect(await refusal(review(octokit))).toMatchObject({ status });
    expect((await job.rest.actions.getWorkflowRun({ ...REPOSITORY, run_id: run.id })).data.status).toBe('waiting');
    expect((await review(as('mona'))).status).toBe(200);
    expect(await refusal(review(as('mona')))).toMatchObject({ status: 422 });
    expect((await job.rest.actions.getReviewsForRun({ ...REPOSITORY, run_id: run.id })).data).toMatchObject([{ state: 'approved', user: { login: 'mona' }, comment: 'Ship it', environments: [{ name: 'gate' }] }]);
    expect((await job.rest.actions.getWorkflowRun({ ...REPOSITORY, run_id: run.id })).data.status).toBe('in_progress');
  });
});

describe('bad days', () => {
  it.each([
    ['502', 502, {}], ['secondary', 403, { 'retry-after': '60' }], ['secondary-429', 429, { 'retry-after': '60' }], ['primary', 403, { 'x-ratelimit-remaining': '0' }], ['drop', 500, {}], ['lost-answer', 500, {}],
  ] as const)('%s', async (kind, status, headers) => {
    const pull = github.openPull().number;
    github.fault({ method: 'POST', path: `/issues/${pull}/`, times: 1, kind });
    const refused = await refusal(client(github.token({})).rest.issues.createComment({ ...REPOSITORY, issue_number: pull, body: 'x' }));
    expect(refused.status).toBe(status); // octokit's own 500 stands for a connection that broke
    expect(refused.response?.headers ?? {}).toMatchObject(headers);
    expect(github.commentsOf(pull)).toHaveLength(kind === 'lost-answer' ? 1 : 0);
  });
});

describe('the description', () => {
  it('catches what GitHub does not know, in requests and answers', () => {
    const api = readApiDescription(), all = '/repos/{owner}/{repo}/issues/{issue_number}/comments', comment = { ...api.example('issue-comment') };
    expect(api.wrongAnswer('GET', all, 200, [comment])).toEqual([]);
    expect(api.wrongAnswer('GET', all, 200, [{ ...comment, id: 'one' }])).not.toEqual([]);
    expect(api.wrongAnswer('GET', all, 200, [{ ...comment, user: undefined, created_at: 'yesterday' }])).not.toEqual([]);
    expect(api.wrongAnswer('POST', all, 200, comment)).not.toEqual([]); // 201 it is
    expect(api.wrongRequest('GET', all, new URLSearchParams('per_page=100'), undefined)).toEqual([]);
    expect(api.wrongRequest('GET', all, new URLSearchParams('perpage=100'), undefined)).not.toEqual([]);
    expect(api.wrongRequest('POST', all, new URLSearchParams(), { text: 'x' })).not.toEqual([]);
    expect(() => api.wrongRequest('PUT', all, new URLSearchParams(), {})).toThrow('describes no PUT');
  });

  it('had nothing to say against any call of these tests', () => expect(github.violations()).toEqual([]));
});
