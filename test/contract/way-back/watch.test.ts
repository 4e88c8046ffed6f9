/** Phase watch beside the gate's job, both asking the GitHub stand-in over HTTP. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { watchGate } from '../../../src/phases/watch.js';
import { ACTIVE, plain, run as runPhase } from '../../builders/rollback-story.js';
import { someWorkflowInputs } from '../../builders/values.js';
import { openGithubApi } from '../../../src/gateways/github/api.js';
import { GATE_PURPOSE, openGatekeeper } from '../../../src/gateways/github/gatekeeper.js';
import { startGithub, type GithubStandIn } from '../../sandbox/github/server.js';
import { AGate, person } from '../gate/a-gate.js';

jest.setTimeout(60_000); // for a busy machine

let github: GithubStandIn, gate: AGate;
beforeAll(async () => { github = await startGithub(); });
afterAll(() => github.close());
beforeEach(async () => {
  gate = new AGate(github);
  await gate.exported(['final']);
});
afterEach(() => expect(github.violations()).toEqual([]));

/**
 * @param meanwhile is done at the second look of the watch
 * @param blinks GitHub's list of waiting jobs is empty where it is asked for a second time in one moment
 */
const watch = async (meanwhile: () => Promise<unknown> = () => Promise.resolve(), blinks = false) => {
  const context = gate.world.context({ phase: 'watch', workflow: someWorkflowInputs() }, gate.file);
  const api = openGithubApi({ apiUrl: github.url, token: github.token({ permissions: { actions: 'read' } }), clock: { now: () => new Date(), sleep: () => Promise.resolve() }, purpose: GATE_PURPOSE });
  let looks = 0;
  const clock = { now: context.clock.now, sleep: async (ms: number) => { if ((looks += 1) === 2) await meanwhile(); await context.clock.sleep(ms); } };
  const real = openGatekeeper(api, 'octo-org/workflows', '7');
  let asked: number | undefined;
  const isWaiting = async (environment: string): Promise<boolean> => {
    const before = asked;
    asked = context.clock.now().getTime();
    return (!blinks || before !== asked) && (await real.isWaiting(environment));
  };
  return await watchGate({ ...context, clock, github: { ...context.github, gatekeeper: { ...real, isWaiting }, run: () => Promise.resolve(gate.run) } });
};
const waiting = () => {
  const environment = gate.environment();
  const run = gate.reviews();
  run.waiting.add(environment.id);
  return { environment, run };
};
/** @param hiddenFor looks that the review is not in GitHub's list yet */
const answered = (state: 'approved' | 'rejected', hiddenFor = 0) => {
  const { environment, run } = waiting();
  return async () => {
    run.reviews.push({ environmentId: environment.id, state, by: person('mona'), comment: '', hiddenFor });
    run.waiting.delete(environment.id);
    await Promise.resolve();
  };
};

it.each([{ state: 'approved', says: /it is approved/ }, { state: 'rejected', says: /it is rejected/ }] as const)('sees that a reviewer has $state', async ({ state, says }) => {
  const result = await watch(answered(state));
  expect([result.ok, gate.steps(1, 'expired')]).toEqual([true, []]);
  expect(plain(result.summary)).toMatch(says);
});

it.each([
  { state: 'approved', before: 'rejected', order: 'oldest-first' }, { state: 'approved', before: 'rejected', order: 'newest-first' },
  { state: 'rejected', before: 'approved', order: 'oldest-first' }, { state: 'rejected', before: 'approved', order: 'newest-first' },
] as const)('tells what was answered now, $state, from $before in an earlier attempt of the run, listed $order', async ({ state, before, order }) => {
  github.state.reviewOrder = order;
  const answer = answered(state);
  gate.reviews([before, 'mona']);
  expect(plain((await watch(answer)).summary)).toContain(`it is ${state}`);
});

it.each(['approved', 'rejected'] as const)('waits for a review that is %s and not listed yet, though the job waits no more', async (state) => {
  gate.reviews(['rejected', 'mona'], ['approved', 'mona']);
  expect(plain((await watch(answered(state, 4))).summary)).toContain(`it is ${state}`);
});

it('takes no earlier review for the answer where none comes up', async () => {
  const { environment, run } = waiting();
  gate.reviews(['approved', 'mona']);
  const result = await watch(() => Promise.resolve(run.waiting.delete(environment.id)));
  expect(plain(result.summary)).toContain('does not wait any more');
  expect(gate.steps(1, 'expired')).toEqual([]);
});

it('expires what still waits, though GitHub says for one moment at the end that it does not', async () => {
  waiting();
  expect((await watch(undefined, true)).ok).toBe(false);
  expect([gate.steps(1, 'expired').length, gate.steps(1, 'restored').length, [...gate.world.dags.source]]).toEqual([1, 1, ACTIVE]);
});

it('expires a cutover that nobody approves; a click that comes too late is refused by the second gate', async () => {
  const { environment, run } = waiting();
  for (const phase of ['import', 'verify'] as const) await runPhase(gate.world, { phase }, gate.file);
  const shown = { approvedPlan: gate.world.journalValue?.planDigest, approvedManifest: gate.world.journalValue?.attempts[0]?.manifest?.scope, attempt: 1 };
  expect((await watch()).ok).toBe(false);
  run.reviews.push({ environmentId: environment.id, state: 'approved', by: person('mona'), comment: '' });
  run.waiting.delete(environment.id);
  await expect(gate.record(shown)).rejects.toMatchObject({ name: 'UserError', what: expect.stringMatching(/Attempt 1 cannot be approved/) });
  expect([gate.steps(1, 'cutover-approved'), gate.steps(1, 'activation-begun'), [...gate.world.dags.source], gate.world.sides.active('target')]).toEqual([[], [], ACTIVE, []]);
});

it('expires what nobody answers; a click that comes too late is refused by the gate, and nothing is imported', async () => {
  const { environment, run } = waiting();
  const shown = { approvedPlan: gate.world.journalValue?.planDigest, approvedManifest: gate.world.journalValue?.attempts[0]?.manifest?.scope, attempt: 1 };
  expect((await watch()).ok).toBe(false);
  expect([gate.steps(1, 'expired').length, gate.steps(1, 'restored').length, [...gate.world.dags.source]]).toEqual([1, 1, ACTIVE]);
  run.reviews.push({ environmentId: environment.id, state: 'approved', by: person('mona'), comment: '' });
  run.waiting.delete(environment.id);
  await expect(gate.record(shown)).rejects.toMatchObject({ name: 'UserError', what: expect.stringMatching(/Attempt 1 cannot be approved/) });
  expect([gate.steps(1, 'approved'), gate.steps(1, 'import-begun'), [...gate.world.dags.source]]).toEqual([[], [], ACTIVE]);
});
