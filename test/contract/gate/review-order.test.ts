/** Phase gate, mode record, over what GitHub does not promise of its review history: an order, and that a review is in it at once. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { plain } from '../../builders/rollback-story.js';
import { startGithub, type GithubStandIn } from '../../sandbox/github/server.js';
import { AGate } from './a-gate.js';

jest.setTimeout(60_000); // for a busy machine

let github: GithubStandIn, gate: AGate;
beforeAll(async () => { github = await startGithub(); });
afterAll(() => github.close());
beforeEach(async () => {
  gate = new AGate(github);
  gate.environment();
  await gate.exported();
});
afterEach(() => expect(github.violations()).toEqual([]));

const approve = (login: string, comment: string): void => void gate.reviews(['approved', login, comment]);
const hide = (calls: number): void => {
  const newest = github.state.runs.get(7)?.reviews.at(-1);
  if (newest) newest.hiddenFor = calls;
};

it.each(['oldest-first', 'newest-first'] as const)('shows what was written of the new approval, not of the used one: %s', async (order) => {
  github.state.reviewOrder = order;
  approve('mona', 'the first');
  expect(plain((await gate.record(await gate.shown())).summary)).toContain('mona: the first');
  await gate.exported();
  approve('hubot', 'hubot was here');
  approve('mona', 'the second');
  const { summary, outputs } = await gate.record(await gate.shown());
  expect(outputs['approved-by']?.split(',').sort()).toEqual(['hubot', 'mona']);
  expect(plain(summary)).toContain('mona: the second');
  expect(plain(summary)).not.toContain('the first');
});

it.each(['oldest-first', 'newest-first'] as const)('counts an approval once, also where two say the same: %s', async (order) => {
  github.state.reviewOrder = order;
  approve('mona', 'fine');
  await gate.record(await gate.shown());
  await gate.exported();
  const second = await gate.shown();
  await expect(gate.record(second)).rejects.toMatchObject({ what: expect.stringMatching(/^Nobody has approved .* since/u) });
  approve('mona', 'fine');
  expect((await gate.record(second)).outputs['approved-by']).toBe('mona');
  await gate.exported();
  await expect(gate.record(await gate.shown())).rejects.toMatchObject({ what: expect.stringMatching(/^Nobody has approved .* since/u) });
});

it('waits for an approval that GitHub does not list yet', async () => {
  approve('mona', 'slow');
  hide(4);
  expect((await gate.record(await gate.shown())).outputs['approved-by']).toBe('mona');
});

it('takes no older approval for the one that is not listed yet', async () => {
  approve('mona', 'the first');
  await gate.record(await gate.shown());
  await gate.exported();
  approve('hubot', 'the second');
  hide(4);
  expect((await gate.record(await gate.shown())).outputs['approved-by']).toBe('hubot');
});

it('does not wait for ever: where none comes up, an administrator let the job through', async () => {
  gate.reviews();
  const shown = await gate.shown(), before = gate.world.now;
  await expect(gate.record(shown)).rejects.toMatchObject({ what: 'Nobody has approved in environment "migration-production".' });
  expect(gate.world.now - before).toBeLessThan(120_000);
});
