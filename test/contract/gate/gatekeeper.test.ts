/** What the gate asks of GitHub, over HTTP against the stand-in, whose answers are held to GitHub's own description. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { openGithubApi } from '../../../src/gateways/github/api.js';
import { GATE_PURPOSE, openGatekeeper } from '../../../src/gateways/github/gatekeeper.js';
import { startGithub, type GithubStandIn } from '../../sandbox/github/server.js';
import type { Caller } from '../../sandbox/github/state.js';

jest.setTimeout(60_000); // for a busy machine

let github: GithubStandIn;
beforeAll(async () => { github = await startGithub(); });
afterAll(() => github.close());
afterEach(() => {
  github.state.environments.clear();
  expect(github.violations()).toEqual([]);
});

const clock = { now: () => new Date(), sleep: () => Promise.resolve() };
const READS: Partial<Caller> = { permissions: { actions: 'read' } };
const gatekeeper = (caller: Partial<Caller> = READS, runId: string | undefined = '7', repository = 'octo-org/workflows') =>
  openGatekeeper(openGithubApi({ apiUrl: github.url, token: github.token(caller), clock, purpose: GATE_PURPOSE }), repository, runId);
const mona = { login: 'mona', type: 'User' } as const;

describe('the protection of an environment', () => {
  it('is told whole: people and teams, self-review, waiting time, branches, administrators', async () => {
    github.addEnvironment({ name: 'production', reviewers: [mona, { slug: 'data-platform', members: ['hubot'] }], preventSelfReview: true, waitMinutes: 5, branches: ['main', 'release/*'], tags: ['v*'], adminsMayBypass: false });
    expect(await gatekeeper().protection('production')).toEqual({ name: 'production', reviewers: ['mona', 'data-platform'], teams: ['data-platform'], preventsSelfReview: true, waitMinutes: 5, branches: ['main', 'release/*'], adminsMayBypass: false });
  });

  it.each([
    ['without any rule', {}, { reviewers: [], preventsSelfReview: false, waitMinutes: 0, branches: 'any', adminsMayBypass: undefined }],
    ['with protected branches and nobody to ask', { branches: 'protected', reviewers: [] }, { reviewers: [], branches: 'protected' }],
    ['that administrators may bypass', { reviewers: [mona], adminsMayBypass: true }, { reviewers: ['mona'], adminsMayBypass: true }],
    ['that no branch may use', { reviewers: [mona], branches: [], tags: ['v*'] }, { branches: [] }],
  ] as const)('is told of one %s', async (_, given, expected) => {
    github.addEnvironment({ name: 'gate', ...given });
    expect(await gatekeeper().protection('gate')).toMatchObject({ name: 'gate', ...expected });
  });

  it.each(['a/b', 'per%20cent %', 'größe 100', 'Ünïcode/日本', '?x=1&per_page=3', '#1'])('is found by a name that an address cannot hold: %s', async (name) => {
    github.addEnvironment({ name, reviewers: [mona], branches: ['main'] });
    expect(await gatekeeper().protection(name)).toMatchObject({ name, reviewers: ['mona'], branches: ['main'] });
  });

  it('is found whatever its letters\' case, behind a hundred others', async () => {
    for (let at = 0; at < 130; at += 1) github.addEnvironment({ name: `other-${at}` });
    github.addEnvironment({ name: 'Migration-Production', reviewers: [mona] });
    expect(await gatekeeper().protection('migration-production')).toMatchObject({ name: 'Migration-Production', reviewers: ['mona'] });
  });

  it('is found by a name that means a folder above', async () => {
    github.addEnvironment({ name: '..', reviewers: [mona] });
    expect(await gatekeeper().protection('..')).toMatchObject({ name: '..', reviewers: ['mona'] });
  });

  it('has all rules for branches, page by page', async () => {
    const branches = Array.from({ length: 230 }, (_, at) => `release/${at}`);
    github.addEnvironment({ name: 'a/b', branches });
    expect((await gatekeeper().protection('a/b'))?.branches).toEqual(branches);
  });

  it('is undefined where there is no such environment', async () => {
    github.addEnvironment({ name: 'production-2' });
    expect(await gatekeeper().protection('production')).toBeUndefined();
  });
});

describe('the reviews of this workflow run', () => {
  it('come one for each environment, without those that decide nothing, and without those of other runs', async () => {
    const first = github.addEnvironment({ name: 'gate' }), second = github.addEnvironment({ name: 'cutover' });
    const review = (environmentId: number, state: 'approved' | 'rejected' | 'pending', login: string, comment = '') => ({ environmentId, state, by: { login, type: 'User' as const }, comment });
    github.addRun({ id: 7, reviews: [review(first.id, 'rejected', 'hubot', 'not yet'), review(first.id, 'pending', 'hubot', 'hm'), review(first.id, 'approved', 'mona', '| <b>go</b>'), review(second.id, 'approved', 'mona')] });
    github.addRun({ id: 8, reviews: [review(first.id, 'approved', 'mallory')] });
    expect(await gatekeeper().reviews()).toEqual([
      { environment: 'gate', state: 'rejected', by: 'hubot', comment: 'not yet' }, { environment: 'gate', state: 'approved', by: 'mona', comment: '| <b>go</b>' }, { environment: 'cutover', state: 'approved', by: 'mona', comment: '' },
    ]);
    github.state.runs.clear();
  });

  it('are waited for by one environment and not by another', async () => {
    const gate = github.addEnvironment({ name: 'Gate', reviewers: [mona] });
    const run = github.addRun({ id: 9, waiting: new Set([gate.id]) });
    expect([await gatekeeper(READS, '9').isWaiting('gate'), await gatekeeper(READS, '9').isWaiting('cutover')]).toEqual([true, false]);
    run.waiting.clear();
    expect(await gatekeeper(READS, '9').isWaiting('gate')).toBe(false);
  });

  it('are refused where there is no run', async () => {
    await expect(gatekeeper(READS, '4711').reviews()).rejects.toMatchObject({ name: 'UserError', what: expect.stringContaining('sees nothing of workflow run 4711') });
  });

  it('are not asked for by hand', async () => {
    const byHand = openGatekeeper(openGithubApi({ apiUrl: github.url, token: github.token(READS), clock }), 'octo-org/workflows', undefined);
    await expect(byHand.reviews()).rejects.toMatchObject({ name: 'UserError', what: 'This is no workflow run of GitHub.' });
  });
});

describe('the default branch', () => {
  it('is what the repository says now', async () => {
    github.state.defaultBranch = 'trunk';
    expect(await gatekeeper().defaultBranch()).toBe('trunk');
    github.state.defaultBranch = 'main';
  });
});

describe('a token that may not look', () => {
  it.each([
    ['lacks the permission: it is named', { permissions: { contents: 'read' } }, 'may not read environments and their reviews', 'permissions: { actions: read }'],
    ['is for another repository', { seesRepository: false }, 'sees nothing of octo-org/workflows', 'github-token'],
  ] as const)('%s', async (_, caller, what, fix) => {
    github.addEnvironment({ name: 'gate', reviewers: [mona] });
    await expect(gatekeeper(caller).protection('gate')).rejects.toMatchObject({ name: 'UserError', what: expect.stringContaining(what), fix: expect.stringContaining(fix) });
  });

  it('never speaks of comments, and never shows the token', async () => {
    const token = 'ghs_canary';
    const failure: unknown = await openGatekeeper(openGithubApi({ apiUrl: github.url, token, clock, purpose: GATE_PURPOSE }), 'octo-org/workflows', '7').protection('gate').catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'UserError', what: expect.stringContaining('does not accept the github-token') });
    expect(String(failure)).not.toMatch(/canary|comment/u);
  });

  it('waits for GitHub on a bad day, and says so at the end', async () => {
    github.addEnvironment({ name: 'gate', reviewers: [mona] });
    github.fault({ path: '/environments/gate', times: 2, kind: '502' });
    expect(await gatekeeper().protection('gate')).toMatchObject({ reviewers: ['mona'] });
    github.fault({ path: '/environments/gate', times: 99, kind: '502' });
    await expect(gatekeeper().protection('gate')).rejects.toMatchObject({ what: expect.stringContaining('failed 4 times') });
  });
});
