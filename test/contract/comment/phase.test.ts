/** Phase plan and its comment, over HTTP: when there is one, what it never holds, and that the largest case fits and is shown right. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { openGithubApi } from '../../../src/gateways/github/api.js';
import { openPullRequestComments } from '../../../src/gateways/github/comments.js';
import type { Inputs } from '../../../src/inputs.js';
import { phases } from '../../../src/phases/index.js';
import type { Context, WorkflowRun } from '../../../src/ports.js';
import { aMigrationFile, anEnvironment } from '../../builders/values.js';
import { World } from '../../builders/world.js';
import { startGithub, type GithubStandIn } from '../../sandbox/github/server.js';
import type { Caller } from '../../sandbox/github/state.js';
import { asGithub } from './as-github.js';
import { HOSTILE, LONG } from './hostile.js';

jest.setTimeout(60_000); // for a busy machine

/** Our own page on how minutes are estimated, and the run. */
const LINKS = ['https://github.com/OWNER/mwaa-migrate/blob/v1/docs/reference/benchmarks.md', 'https://github.com/octo-org/workflows/actions/runs/1'];

let github: GithubStandIn, pull: number, world: World, token: string;
beforeAll(async () => { github = await startGithub(); });
afterAll(async () => {
  // Closed first: a server that stays open keeps jest from ending after a failure.
  await github.close();
  expect(github.violations()).toEqual([]);
});
beforeEach(() => {
  pull = github.openPull().number;
  world = new World();
});

type Given = Readonly<{ inputs?: Partial<Inputs>; run?: Partial<WorkflowRun>; caller?: Partial<Caller>; hasToken?: boolean; file?: Context['file'] }>;
function plan({ inputs = {}, run = {}, caller = {}, hasToken = true, file = aMigrationFile() }: Given = {}) {
  token = github.token(caller);
  const context = world.context({ phase: 'plan', ...inputs }, file);
  const clock = { now: () => new Date(world.now), sleep: () => Promise.resolve() };
  const workflowRun: WorkflowRun = { url: 'https://github.com/octo-org/workflows/actions/runs/1', id: '1', event: 'pull_request', ref: undefined, startedBy: [], commit: 'c0ffee0c0ffee0', pullRequest: { number: pull, isFork: false }, ...run };
  const comments = hasToken ? openPullRequestComments(openGithubApi({ apiUrl: github.url, token, clock }), 'octo-org/workflows') : undefined;
  return phases.plan!({ ...context, github: { run: () => Promise.resolve(workflowRun), comments, gatekeeper: undefined, toolVersion: '1.2.3' } });
}
const body = (number = pull) => github.commentsOf(number)[0]?.body ?? '';
const said = () => world.lines.join('\n');

describe('the comment of phase plan', () => {
  it('begins with the verdict, holds the digest, and is left alone by a run that finds the same', async () => {
    const { ok, outputs } = await plan();
    expect(ok).toBe(true);
    const { firstLine, comments, headings, links } = asGithub({ one: body() }).one;
    expect(firstLine).toMatch(/^⚠️ .*0 things block, DAGs were not checked.*analytics/u);
    expect(comments[0]).toContain(outputs['plan-digest']);
    expect(headings.at(-1)).toEqual(['h3', 'What to do next']);
    expect(links).toEqual(LINKS);
    const before = body();
    await plan({ run: { id: '2', commit: 'd0d0d0d0d0d0', url: 'https://github.com/octo-org/workflows/actions/runs/2' } });
    expect(body()).toBe(before);
    expect(said()).toContain('it says the same already');
  });

  it('changes when the plan does', async () => {
    const { outputs: { 'plan-digest': first = '' } } = await plan();
    await plan({ file: aMigrationFile({ drain: { leftover: 'abort' } }) });
    expect(github.commentsOf(pull)).toHaveLength(1);
    expect(body()).not.toContain(first);
  });

  it('is there although the plan is blocked', async () => {
    world.namesakes = ['db_export_2'];
    expect((await plan()).ok).toBe(false);
    expect(asGithub({ one: body() }).one.firstLine).toMatch(/^❌ 1 thing blocks/u);
  });

  it('says that there is no plan when the phase fails, instead of an earlier commit\'s', async () => {
    await plan();
    world.environments.clear();
    await expect(plan({ run: { commit: 'bad0bad0bad0' } })).rejects.toThrow('There is no environment "analytics"');
    const { firstLine, items } = asGithub({ one: body() }).one;
    expect(firstLine).toBe('❌ Phase plan failed: there is no plan for this commit');
    expect(items[0]).toContain('There is no environment "analytics"');
    expect(github.commentsOf(pull)).toHaveLength(1);
  });
});

describe('where the comment goes', () => {
  it.each([
    ['to the pull request of the input, before that of the event', (): Given => ({ inputs: { pullRequest: github.openPull({ number: 5 }).number } }), 5],
    ['to that of the input, for a workflow started by hand', (): Given => ({ inputs: { pullRequest: github.openPull({ number: 6 }).number }, run: { pullRequest: undefined } }), 6],
    ['also to one of a fork, when a person names it', (): Given => ({ inputs: { pullRequest: github.openPull({ number: 7 }).number }, run: { pullRequest: { number: 7, isFork: true } } }), 7],
  ])('%s', async (_, given, number) => {
    await plan(given());
    expect(github.commentsOf(number)).toHaveLength(1);
    expect(github.commentsOf(pull)).toHaveLength(0);
  });

  it.each([
    ['a run without a pull request', { run: { pullRequest: undefined } }, 'belongs to no pull request'],
    ['a fork', { run: { pullRequest: { number: 1, isFork: true } } }, 'comes from a fork'],
    ['no token', { hasToken: false }, 'github-token is empty'],
  ] as const)('nowhere, and no call is made: %s', async (_, given, reason) => {
    const before = github.requests().length;
    expect((await plan(given)).ok).toBe(true);
    expect(world.lines.filter((line) => line.includes(reason))).toHaveLength(1);
    expect(github.requests()).toHaveLength(before);
  });
});

describe('a comment that cannot be written', () => {
  it.each([
    ['without the permission', { caller: { permissions: { pull_requests: 'read' } } }, 'pull-requests: write'],
    ['with the token of another repository', { caller: { seesRepository: false } }, 'input pull-request'],
    ['to a number that is none', { inputs: { pullRequest: 99_999 } }, 'no pull request 99999'],
  ] as const)('warns with the cure, and the plan is as good as before: %s', async (_, given, cure) => {
    const { ok, summary } = await plan(given);
    expect(ok).toBe(true);
    expect(summary).toMatch(/^## ⚠️ 0 things block/u);
    expect(world.lines.filter((line) => line.startsWith('The pull request got no comment'))).toEqual([expect.stringContaining(cure)]);
    expect(said()).not.toContain(token);
  });

  it('warns when GitHub is down', async () => {
    github.fault({ path: `/issues/${pull}/`, times: 4, kind: '502' });
    expect((await plan()).ok).toBe(true);
    expect(said()).toContain('githubstatus.com');
  });

  it('never hides why the phase failed', async () => {
    world.environments.clear();
    github.fault({ path: `/issues/${pull}/`, times: 4, kind: '502' });
    await expect(plan()).rejects.toThrow('There is no environment "analytics"');
    expect(said()).toContain('got no comment');
  });
});

/** Each in an option of its own, with a value that looks like what people put there. */
const CANARIES = ['celery.broker_url', 'core.fernet_key', 'core.sql_alchemy_conn', 'database.sql_alchemy_conn', 'secrets.backend_kwargs', 'smtp.smtp_password', 'smtp.smtp_user', 'webserver.secret_key', 'custom.api_token', 'core.parallelism', 'scheduler.max_threads', 'webserver.cookie_secure', 'logging.remote_log_conn_id'];

describe('a secret', () => {
  it('is nowhere: comment, summary, page, outputs, log, plan.json', async () => {
    const values = CANARIES.map((option, at) => [option, `canary${at}-https://user:hunter2@host/${at}`] as const);
    world.environments.set('analytics', anEnvironment({ AirflowConfigurationOptions: Object.fromEntries(values) }));
    const file = aMigrationFile({ target: { configuration: { 'smtp.smtp_password': 'canary-new-hunter2', 'celery.result_backend': 'canary-new-16' } } });
    const result = await plan({ file });
    expect(body()).toContain('smtp.smtp_password');
    // Only the places, for a whole report in a failure hides them.
    for (const text of [body(), result.summary, JSON.stringify(result), said()]) expect(text.match(/.{0,80}(?:canary[\d-]|hunter2).{0,40}/gu)).toBeNull();
  });
});

describe('the largest case', () => {
  it('fits, says what is left out, and is shown right', async () => {
    const names = HOSTILE.map(([text]) => text).filter((text) => text !== '');
    const name = (at: number) => `${names[at % names.length] ?? ''}_${at}${at % 7 === 0 ? LONG : ''}`;
    world.environments.set('analytics', anEnvironment({
      AirflowVersion: '2.4.3',
      AirflowConfigurationOptions: Object.fromEntries([...Array(500).keys()].map((at) => [at % 5 === 0 ? `core.${name(at)}` : `custom_${at}.${name(at)}`, `value-${at}`])),
      Tags: Object.fromEntries([...Array(50).keys()].map((at) => [name(at), name(at + 1)])),
    }));
    for (let at = 0; at < 5_000; at += 1) world.dags.source.set(name(at), at % 2 === 0);
    const { summary } = await plan();
    expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(1_048_576);
    expect(Buffer.byteLength(body())).toBeLessThanOrEqual(60_000);
    // Not by leaving out everything.
    expect(Buffer.byteLength(body())).toBeGreaterThan(30_000);
    const { forbidden, comments, images, mentions, references, commits, links, tables, headings, summaries } = asGithub({ one: body() }).one;
    // MWAA takes no such names: what blocks stays open, however much it is.
    expect(headings[1]?.[1]).toMatch(/^What blocks \(4\d\d\)$/u);
    expect({ forbidden, images, mentions, references, commits, comments: comments.length, links }).toEqual({ forbidden: [], images: 0, mentions: [], references: [], commits: [], comments: 1, links: LINKS });
    for (const rows of tables) expect(new Set(rows.map((cells) => cells.length)).size).toBe(1);
    expect(body().split('\n').slice(3, 6).join('\n')).toMatch(/^\*\*Left out here, because GitHub limits a comment; they are in the job summary:\*\* .*CloudFormation/mu);
    expect(body()).toMatch(/\*\*Only the first rows are here, more of them in the job summary and the artifacts:\*\* .*options/u);
    expect(body()).toMatch(/[\d,]+ more rows are in the job summary\./u);
    expect(headings[0]?.[0]).toBe('h2');
    expect([...headings.map(([, title]) => title), ...summaries].some((title) => title.startsWith('Airflow options that change'))).toBe(true);
  });
});
