/** The event as GitHub's own examples show it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { readWorkflowRun } from '../../../src/gateways/github/workflow-run.js';

type Repo = Readonly<{ full_name: string }>;
type PullEvent = Readonly<{ number: number; pull_request: Readonly<{ number: number; head: Readonly<{ sha: string; repo: Repo | null }>; base: Readonly<{ repo: Repo }> }> }>;
const examples = JSON.parse(readFileSync(createRequire(import.meta.url).resolve('@octokit/webhooks-examples/api.github.com/index.json'), 'utf8')) as readonly Readonly<{ name: string; examples: readonly unknown[] }>[];
const opened = examples.find(({ name }) => name === 'pull_request')!.examples[0] as PullEvent;

let folder: string;
beforeAll(() => { folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-event-')); });
afterAll(() => rmSync(folder, { recursive: true }));
const RUNNER = { GITHUB_REF: 'refs/pull/2/merge', GITHUB_ACTOR: 'mona', GITHUB_TRIGGERING_ACTOR: 'mona', GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'Codertocat/Hello-World', GITHUB_RUN_ID: '777', GITHUB_SHA: 'merge', GITHUB_EVENT_NAME: 'pull_request' };
const read = (event: unknown, env: Readonly<Record<string, string>> = {}) => {
  const file = path.join(folder, 'event.json');
  writeFileSync(file, typeof event === 'string' ? event : JSON.stringify(event));
  return readWorkflowRun({ ...RUNNER, GITHUB_EVENT_PATH: file, ...env });
};
const withHead = (repo: Repo | null) => ({ ...opened, pull_request: { ...opened.pull_request, head: { ...opened.pull_request.head, repo } } });

describe('the workflow run', () => {
  it('is that of a pull request of the same repository', async () => {
    expect(await read(opened)).toEqual({ url: 'https://github.com/Codertocat/Hello-World/actions/runs/777', id: '777', event: 'pull_request', ref: 'refs/pull/2/merge', startedBy: ['mona'], commit: opened.pull_request.head.sha, pullRequest: { number: opened.number, isFork: false } });
  });

  it.each([
    ['of a fork', withHead({ full_name: 'stranger/Hello-World' }), {}, true], ['of a fork that was deleted', withHead(null), {}, true],
    ['of a fork, with the token of the base', withHead({ full_name: 'stranger/Hello-World' }), { GITHUB_EVENT_NAME: 'pull_request_target' }, false],
  ] as const)('is one %s', async (_, event, env, isFork) => expect((await read(event, env)).pullRequest).toEqual({ number: opened.number, isFork }));

  it.each([['a push', { ref: 'refs/heads/main' }], ['a damaged event', '{"pull_request": {'], ['a number that is none', { pull_request: { number: '7' } }], ['null', null]])('belongs to no pull request: %s', async (_, event) => {
    expect(await read(event)).toMatchObject({ commit: 'merge', pullRequest: undefined });
  });

  it.each([['1', 1], ['12', 12], ['0', undefined], ['', undefined], ['2x', undefined]])('was begun so many times: %s', async (text, attempt) => expect((await read(null, { GITHUB_RUN_ATTEMPT: text })).attempt).toBe(attempt));

  it('is none by hand', async () => expect(await readWorkflowRun({})).toEqual({ startedBy: [] }));

  it('was started by who began it and by who runs it again', async () => expect(await read(null, { GITHUB_TRIGGERING_ACTOR: 'hubot' })).toMatchObject({ startedBy: ['mona', 'hubot'] }));
});
