/** A final export that is approved itself, and the second approval that the cutover has of its own. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { plain, run as runPhase } from '../../builders/rollback-story.js';
import { someWorkflowInputs } from '../../builders/values.js';
import { startGithub, type GithubStandIn } from '../../sandbox/github/server.js';
import type { Environment } from '../../sandbox/github/state.js';
import { AGate, person } from './a-gate.js';

jest.setTimeout(60_000); // for a busy machine

let github: GithubStandIn, gate: AGate;
beforeAll(async () => { github = await startGithub(); });
afterAll(() => github.close());
beforeEach(() => { gate = new AGate(github); });
afterEach(() => expect(github.violations()).toEqual([]));

const refused = async (work: Promise<unknown>, what: RegExp) => {
  const before = gate.traces();
  await expect(work).rejects.toMatchObject({ name: 'UserError', what: expect.stringMatching(what) });
  expect(gate.traces()).toBe(before);
};

describe('before the gate, and before the second one', () => {
  it('a final export is approved itself', async () => {
    gate.environment();
    gate.reviews(['approved', 'mona']);
    await gate.exported(['final']);
    const { summary } = await gate.record(await gate.shown());
    expect(gate.steps(1, 'approved')).toMatchObject([{ by: ['mona'] }]);
    expect(plain(summary)).toContain('The import of attempt 1 follows; analytics stays paused.');
  });

  it('the cutover has an approval of its own, beside the first', async () => {
    gate.environment();
    const cutover = github.addEnvironment({ name: 'cutover', reviewers: [person('boss')], preventSelfReview: true });
    gate.reviews(['approved', 'mona']);
    await gate.exported();
    const shown = await gate.shown();
    await gate.record(shown);
    const approved = { workflow: someWorkflowInputs({ requireApproval: true }) };
    await runPhase(gate.world, { phase: 'export', mode: 'final', ...approved }, gate.file);
    await runPhase(gate.world, { phase: 'import', ...approved }, gate.file);
    const second = { ...shown, attempt: 2 }, workflow = { gate: { environment: 'cutover' } };
    await refused(gate.record(second, workflow), /^Nobody has approved in environment "cutover"/u);
    gate.reviews(['approved', 'boss', '', cutover]);
    const { summary, outputs } = await gate.record(second, workflow);
    expect(outputs['approved-by']).toBe('boss');
    expect(plain(summary)).toContain('The cutover of attempt 2 is approved by boss');
    expect([gate.steps(1, 'approved').length, gate.steps(2, 'approved').length, gate.steps(2, 'cutover-approved').length]).toEqual([1, 0, 1]);
    expect((await gate.record(second, workflow)).outputs['approved-by']).toBe('boss');
  });
});

describe('a cutover with a second gate', () => {
  const second = { environment: 'cutover' }, asked = { phase: 'cutover', workflow: someWorkflowInputs({ gate: { ...someWorkflowInputs().gate, cutoverEnvironment: 'Cutover' } }) } as const;
  const imported = async (): Promise<Environment> => {
    gate.environment();
    const environment = github.addEnvironment({ name: 'cutover', reviewers: [person('boss')], preventSelfReview: true });
    gate.reviews(['approved', 'mona']);
    await gate.exported(['final']);
    await gate.record(await gate.shown());
    await runPhase(gate.world, { phase: 'import' }, gate.file);
    return environment;
  };
  const shown = () => ({ approvedPlan: gate.world.journalValue?.planDigest, approvedManifest: gate.world.journalValue?.attempts[0]?.manifest?.scope, attempt: 1 });

  it('refuses what nobody has approved a second time, also a run that begins behind that gate; recorded once, a re-run goes on', async () => {
    const environment = await imported();
    await refused(runPhase(gate.world, asked, gate.file), /^The cutover of attempt 1 was not approved in environment "Cutover"\.$/u);
    expect([gate.steps(1, 'activation-begun'), gate.world.sides.active('target')]).toEqual([[], []]);
    gate.reviews(['approved', 'boss', '', environment]);
    await gate.record(shown(), { gate: second });
    expect((await runPhase(gate.world, asked, gate.file)).ok).toBe(true);
  });

  it('takes no second approval by the reviewers of the first gate, and lets the right ones approve all the same', async () => {
    const environment = await imported();
    gate.reviews(['approved', 'hubot']);
    await gate.record(shown());
    await refused(runPhase(gate.world, asked, gate.file), /was not approved in environment "Cutover", only in "migration-production"/u);
    gate.reviews(['approved', 'boss', '', environment]);
    await gate.record(shown(), { gate: second });
    expect(gate.steps(1, 'cutover-approved')).toMatchObject([{ by: ['boss'] }]);
    expect((await runPhase(gate.world, asked, gate.file)).ok).toBe(true);
  });

  it('goes on with a switch that has begun, and asks nobody where there is no second gate', async () => {
    await imported();
    gate.world.answers.left = [{ dagId: 'hourly', reason: 'behind a red canary' }];
    expect((await runPhase(gate.world, { phase: 'cutover' }, gate.file)).ok).toBe(false);
    gate.world.answers.left = [];
    expect((await runPhase(gate.world, asked, gate.file)).ok).toBe(true);
  });
});
