/** Our one comment on a pull request, over HTTP against the stand-in: whose it is, when it is written, and what becomes of it on a bad day. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { openGithubApi } from '../../../src/gateways/github/api.js';
import { openPullRequestComments } from '../../../src/gateways/github/comments.js';
import { readApiDescription } from '../../sandbox/github/openapi.js';
import { JOB_TOKEN, startGithub, type GithubStandIn } from '../../sandbox/github/server.js';
import type { Caller } from '../../sandbox/github/state.js';

jest.setTimeout(60_000); // for a busy machine

const BOT = { login: 'github-actions[bot]', type: 'Bot' } as const;
const api = readApiDescription();
let github: GithubStandIn, pull: number, slept: number[];
beforeEach(async () => {
  github = await startGithub({ api });
  pull = github.openPull().number;
  slept = [];
});
afterEach(async () => {
  // Closed first: a server that stays open keeps jest from ending after a failure.
  await github.close();
  expect(github.violations()).toEqual([]);
});

/** Written by hand: what the product calls its own must not be decided by the product. */
const body = (text: string, given: Readonly<{ id?: string; plan?: string; run?: string }> = {}) =>
  `<!-- mwaa-migration:v1 {"id":"${given.id ?? 'analytics'}","plan":"${given.plan ?? 'p1'}","commit":"c1","run":"${given.run ?? '1'}","tool":"1"} -->\n## ✅ ${text}\n\n<sub>run ${given.run ?? '1'}</sub>`;
const clock = { now: () => new Date(), sleep: (milliseconds: number) => { slept.push(milliseconds / 1_000); return Promise.resolve(); } };
const comments = (token: Partial<Caller> | string = {}) => openPullRequestComments(openGithubApi({ apiUrl: github.url, token: typeof token === 'string' ? token : github.token(token), clock }), 'octo-org/workflows');
const put = (text: string, given: Parameters<typeof body>[1] = {}, token: Partial<Caller> = {}) => comments(token).put(pull, given.id ?? 'analytics', body(text, given));
const bodies = () => github.commentsOf(pull).map((comment) => comment.body);
const writes = () => github.requests().filter(({ method, path }) => method !== 'GET' && path !== '/graphql').map(({ method }) => method);

describe('one comment', () => {
  it('is written, changed in place when it says something else, and left alone when only the run is another', async () => {
    expect(await put('a')).toBe('created');
    expect(await put('a', { run: '2' })).toBe('unchanged');
    expect(bodies()).toEqual([body('a')]);
    expect(await put('b', { run: '3' })).toBe('updated');
    expect(await put('b', { run: '4', plan: 'p2' })).toBe('updated');
    expect(bodies()).toEqual([body('b', { run: '4', plan: 'p2' })]);
    expect(writes()).toEqual(['POST', 'PATCH', 'PATCH']);
  });

  it('is one for each migration', async () => {
    await put('a');
    await put('b', { id: 'other' });
    await put('c');
    expect(bodies()).toEqual([body('c'), body('b', { id: 'other' })]);
  });

  it('is found behind hundreds of others', async () => {
    for (let at = 0; at < 230; at += 1) github.writeComment(pull, { login: 'mona', type: 'User' }, `talk ${at}`);
    await put('a');
    expect(await put('b')).toBe('updated');
    expect(github.requests().filter(({ method }) => method === 'GET').map(({ path }) => /[?&]page=(\d+)/u.exec(path)?.[1])).toEqual([undefined, '2', '3', undefined, '2', '3', undefined, '2', '3']);
  });

  it('is written anew when somebody deleted it, also between our look and our change', async () => {
    await put('a');
    github.state.comments.clear();
    expect(await put('b')).toBe('created');
    const { id } = github.commentsOf(pull)[0]!;
    const racing = openPullRequestComments({
      ...openGithubApi({ apiUrl: github.url, token: github.token({}), clock }),
      call: async (request, before) => {
        if (request.method === 'PATCH') github.state.comments.delete(id);
        return openGithubApi({ apiUrl: github.url, token: github.token({}), clock }).call(request, before);
      },
    }, 'octo-org/workflows');
    expect(await racing.put(pull, 'analytics', body('c'))).toBe('created');
    expect(bodies()).toEqual([body('c')]);
  });

  it('is put right when somebody edited it', async () => {
    await put('a');
    github.commentsOf(pull)[0]!.body = body('a').replace('## ✅ a', '## ✅ all is well');
    expect(await put('a')).toBe('updated');
    expect(bodies()).toEqual([body('a')]);
  });
});

describe('whose comment it is', () => {
  const foreign: readonly (readonly [string, Readonly<{ login: string; type: 'User' | 'Bot' }>, string])[] = [
    ['of another person with our marker', { login: 'mallory', type: 'User' }, body('forged')],
    ['of another app with our marker', { login: 'other-app[bot]', type: 'Bot' }, body('forged')],
    ['of a person who is called like the bot', { login: 'github-actions', type: 'User' }, body('forged')],
    ['of ourselves, quoting us', BOT, `> ${body('quoted')}`],
    ['of ourselves, with the marker in the middle', BOT, `Hello\n${body('inside')}`],
    ['of ourselves, of a later format', BOT, body('later').replace(':v1 ', ':v2 ')],
  ];
  it.each(foreign)('is not one %s', async (_, author, text) => {
    github.writeComment(pull, author, text);
    expect(await put('a')).toBe('created');
    expect(bodies()).toEqual([text, body('a')]);
  });

  it.each([
    ['an app of one\'s own', { login: 'our-app[bot]' }],
    ['a person', { kind: 'user', login: 'mona', type: 'User' }],
  ] as const)('is one of whoever the token is: %s', async (_, caller) => {
    github.writeComment(pull, BOT, body('of the job'));
    expect(await put('a', {}, caller)).toBe('created');
    expect(await put('b', {}, caller)).toBe('updated');
    expect(bodies()).toEqual([body('of the job'), body('b')]);
  });

  it('is one of the job\'s bot where GraphQL does not answer', async () => {
    await put('a');
    github.fault({ path: '/graphql', times: 9, kind: '502' });
    expect(await put('b')).toBe('updated');
    expect(bodies()).toEqual([body('b')]);
  });
});

describe('two runs at once', () => {
  const opened = () => openGithubApi({ apiUrl: github.url, token: github.token({}), clock });
  type Call = Parameters<ReturnType<typeof opened>['call']>[0];
  /** A run that waits where it is told to. @param before called ahead of each call, with how many comments it has written */
  const run = (text: string, before: (call: Call, written: number) => Promise<unknown>) => {
    let written = 0;
    const api = opened();
    return openPullRequestComments({
      ...api,
      call: async (request, repeat) => {
        await before(request, written);
        const answer = await api.call(request, repeat);
        if (request.method === 'POST') written += 1;
        return answer;
      },
    }, 'octo-org/workflows').put(pull, 'analytics', body(text));
  };
  const gate = () => {
    let open: () => void = () => undefined;
    const passed = new Promise<void>((resolve) => { open = resolve; });
    return { passed, open };
  };

  // Both have found none. A writes first, then B; then one of them ends before the other looks again.
  it.each([['B', 'A'], ['A', 'B']] as const)('leave one comment, the oldest, with the text of the one that ends last: %s', async (last, first) => {
    let oldest: number | undefined;
    const bothLooked = gate(), aWrote = gate(), bWrote = gate(), firstEnded = gate();
    let looked = 0;
    const steps = (name: 'A' | 'B') => async (call: Call, written: number): Promise<void> => {
      if (call.method === 'POST') {
        looked += 1;
        if (looked === 2) bothLooked.open();
        await bothLooked.passed;
        if (name === 'B') await aWrote.passed;
      } else if (written > 0) {
        if (name === 'A') oldest ??= github.commentsOf(pull)[0]!.id;
        (name === 'A' ? aWrote : bWrote).open();
        await bWrote.passed;
        if (name === last) await firstEnded.passed;
      }
    };
    const outcomes = await Promise.all((['A', 'B'] as const).map(async (name) => {
      const outcome = await run(name, steps(name));
      if (name === first) firstEnded.open();
      return outcome;
    }));
    expect(writes().slice(0, 2)).toEqual(['POST', 'POST']);
    expect(github.commentsOf(pull).map(({ id, body: text }) => [id, text])).toEqual([[oldest, body(last)]]);
    // Whose comment it is by now has only changed it.
    expect(outcomes[last === 'A' ? 0 : 1]).toBe('updated');
  });

  it('are put right by the next one, should both have been killed in between', async () => {
    const oldest = github.writeComment(pull, BOT, body('one'));
    github.writeComment(pull, BOT, body('two'));
    github.writeComment(pull, BOT, body('three'));
    expect(await put('one')).toBe('unchanged');
    expect(github.commentsOf(pull).map(({ id, body: text }) => [id, text])).toEqual([[oldest.id, body('one')]]);
  });
});

describe('on a bad day', () => {
  it.each([
    ['502', { kind: '502', times: 2 }, [1, 2]], ['a page of the edge', { kind: 'not-json', times: 1 }, [1]], ['a broken connection', { kind: 'drop', times: 3 }, [1, 2, 4]],
    ['a secondary limit, as long as it says', { kind: 'secondary', times: 1, retryAfter: 7 }, [7]], ['the same as 429', { kind: 'secondary-429', times: 1, retryAfter: 9 }, [9]],
  ] as const)('it waits and sends again: %s', async (_, fault, seconds) => {
    github.fault({ method: 'POST', path: '/comments', ...fault });
    expect(await put('a')).toBe('created');
    expect(slept).toEqual(seconds);
    expect(bodies()).toEqual([body('a')]);
  });

  it.each(['lost-answer', 'half-answer'] as const)('it writes no second comment when only the answer was lost: %s', async (kind) => {
    github.fault({ method: 'POST', path: '/comments', times: 1, kind });
    expect(await put('a')).toBe('created');
    expect(bodies()).toEqual([body('a')]);
    expect(writes()).toEqual(['POST']);
  });

  it('waits until the primary limit ends, if that is soon', async () => {
    github.fault({ method: 'GET', times: 1, kind: 'primary', retryAfter: 20 });
    expect(await put('a')).toBe('created');
    expect(slept[0]).toBeGreaterThan(15);
    expect(slept[0]).toBeLessThan(22);
  });

  it.each([
    ['a primary limit of an hour', { kind: 'primary' }, 'limits the calls of this token', 'run the job again later'],
    ['a secondary limit of ten minutes', { kind: 'secondary', retryAfter: 600 }, 'limits the calls of this token', 'run the job again later'],
    ['502 for good', { kind: '502' }, 'failed 4 times', 'githubstatus.com'],
    ['no connection for good', { kind: 'drop' }, 'could not be reached', 'network of the runner'],
  ] as const)('gives up, with the way on: %s', async (_, fault, what, fix) => {
    github.fault({ path: '/issues/', times: 99, ...fault });
    await expect(put('a')).rejects.toMatchObject({ name: 'UserError', what: expect.stringContaining(what), fix: expect.stringContaining(fix) });
    expect(slept.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(60);
  });
});

describe('what GitHub refuses is explained', () => {
  it.each([
    ['a token that only reads', { permissions: { pull_requests: 'read' } }, 'may not write comments', 'pull-requests: write'],
    ['a token without any permission', { permissions: {} }, 'may not write comments', 'pull-requests: write'],
    ['a token of another repository', { seesRepository: false }, 'no pull request', 'input pull-request'],
  ] as const)('%s', async (_, caller, what, fix) => {
    await expect(put('a', {}, caller)).rejects.toMatchObject({ name: 'UserError', what: expect.stringContaining(what), fix: expect.stringContaining(fix) });
    expect(bodies()).toEqual([]);
  });

  it('a wrong token, which it does not repeat', async () => {
    const failure: unknown = await comments('ghs_canary').put(pull, 'analytics', body('a')).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'UserError', what: expect.stringContaining('does not accept the github-token'), fix: expect.stringContaining('github-token') });
    expect(String(failure)).not.toContain('ghs_canary');
  });

  it('a number of no pull request', async () => {
    await expect(comments().put(4_711, 'analytics', body('a'))).rejects.toMatchObject({ what: expect.stringContaining('no pull request 4711') });
  });

  it('a locked conversation', async () => {
    github.state.pulls.get(pull)!.isLocked = true;
    await expect(put('a')).rejects.toMatchObject({ what: expect.stringContaining('locked'), fix: expect.stringContaining('unlock') });
  });

  it('never sends what is too long', async () => {
    await expect(put('ä'.repeat(33_000))).rejects.toMatchObject({ name: 'InternalError' });
    expect(github.requests()).toEqual([]);
  });

  it('sends the token to the API and to no other host', async () => {
    const api = openGithubApi({ apiUrl: github.url, token: github.token(JOB_TOKEN), clock });
    await expect(api.call({ method: 'GET', path: 'http://127.0.0.2:1/next' })).rejects.toMatchObject({ name: 'InternalError' });
  });
});
