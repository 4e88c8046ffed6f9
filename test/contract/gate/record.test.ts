/** Phase gate, mode record: who approved stands in the journal, once, and nothing gets past the gate that nobody has approved. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Inputs } from '../../../src/inputs.js';
import { plain, run as runPhase } from '../../builders/rollback-story.js';
import { aMigrationFile, someWorkflowInputs } from '../../builders/values.js';
import { startGithub, type GithubStandIn } from '../../sandbox/github/server.js';
import { AGate, aRun, GATE, person } from './a-gate.js';

jest.setTimeout(60_000); // for a busy machine

let github: GithubStandIn, gate: AGate, asked: number;
beforeAll(async () => { github = await startGithub(); });
afterAll(() => github.close());
beforeEach(() => {
  gate = new AGate(github);
  asked = github.requests().length;
});
afterEach(() => expect(github.violations()).toEqual([]));

const DISPATCH = { gate: { by: 'dispatch' } } as const;
type Shown = Awaited<ReturnType<AGate['shown']>>;
const refused = async (work: Promise<unknown>, what: RegExp) => {
  const before = gate.traces();
  await expect(work).rejects.toMatchObject({ name: 'UserError', what: expect.stringMatching(what) });
  expect(gate.traces()).toBe(before);
};
const nobodyApproved = () => expect(gate.world.journalValue?.attempts.flatMap(({ steps }) => steps.map(({ name }) => name))).not.toContain('approved');

describe('a review of the environment', () => {
  let shown: Shown;
  beforeEach(async () => {
    gate.environment();
    await gate.exported();
    shown = await gate.shown();
  });

  it('stands in the journal, in the summary and in the output', async () => {
    gate.reviews(['rejected', 'hubot', 'not yet'], ['approved', 'mona', 'looks good']);
    const { outputs, summary, ok } = await gate.record(shown);
    expect(ok).toBe(true);
    expect(outputs).toMatchObject({ 'approved-by': 'mona', attempt: '1', 'plan-digest': shown.approvedPlan, 'manifest-digest': shown.approvedManifest });
    expect(gate.steps(1, 'approved')).toEqual([{ by: ['mona'], how: 'environment', environment: GATE, planDigest: shown.approvedPlan, scope: shown.approvedManifest, reviews: { run: '7', environment: GATE, approvedBy: ['mona'], marks: [expect.stringMatching(/^[0-9a-f]{64}$/u)] } }]);
    const text = plain(summary);
    expect(text).toContain('Attempt 1 is approved by mona');
    expect(text).toContain('mona: looks good');
    expect(text).toMatch(/Rejected before[^]*hubot/u);
    expect(gate.world.lockedBy).toBeUndefined();
  });

  it('is told on the page of the migration, which is written before the lock is given back', async () => {
    gate.reviews(['approved', 'mona']);
    await gate.record(shown);
    const bucket = [...gate.world.buckets.keys()].find((name) => name.startsWith('mwaa-migrate-')) ?? '';
    const key = gate.world.keys(bucket).find((name) => name.endsWith('/page.html')) ?? '';
    expect(gate.world.text(bucket, key)).toMatch(/approved in the gate[^]*<code class="s">mona<\/code>/u);
  });

  it('lets the final export begin', async () => {
    gate.reviews(['approved', 'mona']);
    await gate.record(shown);
    const { ok } = await runPhase(gate.world, { phase: 'export', mode: 'final', workflow: someWorkflowInputs({ requireApproval: true }) }, gate.file);
    expect(ok).toBe(true);
    expect(gate.steps(2, 'made-from')).toEqual([{ from: 1 }]);
  });

  it('is recorded once, however often the job runs', async () => {
    gate.reviews(['approved', 'mona']);
    await gate.record(shown);
    const journal = JSON.stringify(gate.world.journalValue);
    gate.reviews(['approved', 'hubot']);
    const again = await gate.record(shown);
    expect(again.outputs['approved-by']).toBe('mona');
    expect(plain(again.summary)).toContain('Attempt 1 was approved by mona');
    expect(JSON.stringify(gate.world.journalValue)).toBe(journal);
  });

  it('is found whatever the case of the environment\'s name', async () => {
    gate.reviews(['approved', 'mona']);
    expect((await gate.record(shown, { gate: { environment: 'Migration-PRODUCTION' } })).outputs['approved-by']).toBe('mona');
  });

  it('has a comment that stays text, and not all of it', async () => {
    gate.reviews(['approved', 'mona', `<script>alert(1)</script> | @octocat ${'x'.repeat(5_000)}`]);
    const { summary, html = '' } = await gate.record(shown);
    expect(summary).not.toMatch(/<script|@octocat/u);
    expect(html).not.toContain('<script');
    expect(summary).toContain('<code>&#60;script&#62;'); // shown as a stranger's words, not as ours
    expect(plain(summary)).toContain('<script>alert(1)</script>');
    expect(summary.length).toBeLessThan(20_000);
    expect(JSON.stringify(gate.world.journalValue)).not.toContain('alert');
  });

  it('is told to be by the one who started the run, where GitHub allows that', async () => {
    github.state.environments.clear();
    gate.environment({ preventSelfReview: false, reviewers: [person('starter')] });
    gate.reviews(['approved', 'Starter']);
    expect(plain((await gate.record(shown)).summary)).toContain('Starter also started this workflow run.');
  });

  it.each([
    ['nobody has reviewed', [], /^Nobody has approved in environment "migration-production"\.$/u],
    ['it was rejected', [['rejected', 'mona']], /^Nobody has approved/u],
    ['somebody only wrote a comment', [['pending', 'mona', 'hm']], /^Nobody has approved/u],
  ] as const)('does not count: %s (an administrator let the job through)', async (_, reviews, says) => {
    gate.reviews(...reviews);
    await refused(gate.record(shown), says);
  });

  it.each([
    ['is no reviewer: an administrator has bypassed the rules', 'admin', {}, /^The approval in environment "migration-production" does not count: admin is no required reviewer/u],
    ['started the run, where that is prevented', 'Starter', { reviewers: [person('starter')] }, /does not count: Starter started this workflow run, and environment "migration-production" prevents self-review/u],
  ] as const)('does not count by who %s', async (_, login, environment, says) => {
    github.state.environments.clear();
    gate.environment(environment);
    gate.reviews(['approved', login]);
    await refused(gate.record(shown), says);
  });

  it('counts by a person whose team reviews, for nobody tells who is in it', async () => {
    github.state.environments.clear();
    gate.environment({ reviewers: [{ slug: 'data-platform', members: ['lee'] }] });
    gate.reviews(['approved', 'lee']);
    expect((await gate.record(shown)).outputs['approved-by']).toBe('lee');
  });

  it('does not count of a team where administrators may bypass the rules by now: it may be theirs', async () => {
    github.state.environments.clear();
    gate.environment({ reviewers: [person('mona'), { slug: 'data-platform', members: ['lee'] }], adminsMayBypass: true });
    gate.reviews(['approved', 'lee']);
    await refused(gate.record(shown), /^An administrator could pass GitHub environment "migration-production" without any approval/u);
  });

  it('of another environment does not count', async () => {
    const other = github.addEnvironment({ name: 'staging', reviewers: [person('mallory')] });
    gate.reviews(['approved', 'mallory', '', other]);
    await refused(gate.record(shown), /^Nobody has approved/u);
  });

  it('of another workflow run does not count', async () => {
    gate.reviews(['approved', 'mona']);
    gate.run = aRun({ id: '8', url: 'https://github.com/octo-org/workflows/actions/runs/8' });
    gate.reviews();
    await refused(gate.record(shown), /^Nobody has approved/u);
  });

  it('counts for one export: the next one of the same workflow run needs another', async () => {
    gate.reviews(['approved', 'mona']);
    await gate.record(shown);
    await gate.exported();
    const second = await gate.shown();
    expect(second.approvedManifest).toBe(shown.approvedManifest);
    await refused(gate.record(second), /^Nobody has approved in environment "migration-production" since: the approval of mona in this workflow run was used before/u);
    gate.reviews(['approved', 'mona']);
    expect((await gate.record(second)).outputs).toMatchObject({ 'approved-by': 'mona', attempt: '2' });
    await gate.exported();
    await refused(gate.record(await gate.shown()), /^Nobody has approved/u);
  });

  it('is used up also where what it was for turned out to be something else', async () => {
    gate.reviews(['approved', 'mona']);
    await gate.exported();
    await expect(gate.record(shown)).rejects.toMatchObject({ what: expect.stringMatching(/^Attempt 1 is not the newest export/u) });
    nobodyApproved();
    const second = await gate.shown();
    await refused(gate.record(second), /^Nobody has approved .* since/u);
    gate.reviews(['approved', 'hubot']);
    expect((await gate.record(second)).outputs['approved-by']).toBe('hubot');
  });
});

describe('what was shown is compared again', () => {
  let shown: Shown;
  beforeEach(async () => {
    gate.environment();
    gate.reviews(['approved', 'mona']);
    await gate.exported();
    shown = await gate.shown();
  });
  /** An approval was given, and is used up by the refusal; nothing else changes. */
  const notGood = async (inputs: Partial<Inputs>, says: RegExp) => {
    const { lockedBy } = gate.world;
    await expect(gate.record(inputs)).rejects.toMatchObject({ name: 'UserError', what: expect.stringMatching(says) });
    nobodyApproved();
    expect(gate.world.lockedBy).toBe(lockedBy);
    expect([...gate.world.dags.source]).toContainEqual(['nightly_load', false]);
  };

  it.each(['approvedPlan', 'approvedManifest', 'attempt'] as const)('nothing is recorded without %s', async (name) => {
    await refused(gate.record({ ...shown, [name]: undefined }), /^Nothing says what was approved: (approved-plan|approved-manifest|attempt) is empty/u);
  });
  it('another plan: both digests are named', async () => {
    await notGood({ ...shown, approvedPlan: 'a'.repeat(64) }, new RegExp(`^The plan is not the one that was shown for approval: the migration acts on ${shown.approvedPlan ?? ''}, shown was a{64}`, 'u'));
  });
  it('other tables or filters: both digests are named', async () => {
    await notGood({ ...shown, approvedManifest: 'b'.repeat(64) }, new RegExp(`has manifest digest ${shown.approvedManifest ?? ''}, shown was b{64}`, 'u'));
  });
  it('an older attempt whose digests are the same', async () => {
    await gate.exported();
    await notGood(shown, /^Attempt 1 is not the newest export: attempt 2, a rehearsal, came after it/u);
  });
  it('an attempt that there is not', async () => { await notGood({ ...shown, attempt: 9 }, /^There is no attempt 9/u); });
  it('an attempt that has expired', async () => {
    gate.world.journalValue = { ...gate.world.journalValue!, attempts: gate.world.journalValue!.attempts.map((attempt) => ({ ...attempt, steps: [...attempt.steps, { name: 'expired', at: '2026-11-22T12:00:00Z', by: 'watch' }] })) };
    await notGood(shown, /^Attempt 1 cannot be approved: its approval took too long/u);
  });
  it('an export that is not done', async () => {
    gate.world.journalValue = { ...gate.world.journalValue!, attempts: gate.world.journalValue!.attempts.map((attempt) => ({ ...attempt, steps: attempt.steps.filter(({ name }) => name !== 'exported') })) };
    await notGood(shown, /^Attempt 1 cannot be approved: its export has not finished/u);
  });
  it('a migration that there is not', async () => {
    gate.file = aMigrationFile({ bucket: { name: 'another-bucket' } });
    await refused(gate.record(shown), /^There is no migration bucket another-bucket/u);
  });
});

describe('the environment is looked at again', () => {
  let shown: Shown;
  beforeEach(async () => {
    gate.environment();
    gate.reviews(['approved', 'mona']);
    await gate.exported();
    shown = await gate.shown();
    github.state.environments.clear();
  });
  it('it is gone', async () => { await refused(gate.record(shown), /^There is no GitHub environment/u); });
  it('it has lost its reviewers', async () => {
    gate.environment({ reviewers: undefined });
    await refused(gate.record(shown), /^GitHub environment "migration-production" has no required reviewers/u);
  });
  it('nobody was asked, where the inputs allow that: the journal says so', async () => {
    const { outputs, summary } = await gate.record(shown, { gate: { allowUnprotected: true } });
    expect(outputs['approved-by']).toBe('nobody');
    expect(gate.steps(1, 'approved')).toEqual([{ by: ['nobody'], how: 'unprotected', environment: GATE, planDigest: shown.approvedPlan, scope: shown.approvedManifest }]);
    expect(plain(summary)).toContain('Attempt 1 goes on, and nobody was asked');
    expect(summary).toMatch(/^## ⚠️/u);
  });
  it('a protected one asks all the same', async () => {
    gate.environment();
    github.state.runs.clear();
    gate.reviews();
    await refused(gate.record(shown, { gate: { allowUnprotected: true } }), /^Nobody has approved/u);
  });
});

describe('by dispatch', () => {
  let shown: Shown;
  beforeEach(async () => {
    await gate.exported(['rehearsal'], ['Starter', 'resumer']);
    shown = await gate.shown(DISPATCH);
  });
  const startedBy = (...people: readonly string[]) => { gate.run = aRun({ id: '8', startedBy: people }); };

  it('whoever started this run has approved, however they write their name', async () => {
    startedBy('Mona');
    const { outputs, summary } = await gate.record(shown, DISPATCH);
    expect(outputs['approved-by']).toBe('Mona');
    expect(gate.steps(1, 'approved')).toEqual([{ by: ['Mona'], how: 'dispatch', planDigest: shown.approvedPlan, scope: shown.approvedManifest }]);
    expect(plain(summary)).toContain('by starting the workflow again');
    expect(github.requests().slice(asked).some(({ path }) => path.includes('/environments/') || path.endsWith('/approvals'))).toBe(false);
  });

  it('is recorded once, also when the job runs again', async () => {
    startedBy('mona');
    await gate.record(shown, DISPATCH);
    const journal = JSON.stringify(gate.world.journalValue);
    startedBy('mona', 'hubot');
    expect((await gate.record(shown, DISPATCH)).outputs['approved-by']).toBe('mona');
    expect(JSON.stringify(gate.world.journalValue)).toBe(journal);
  });

  it.each([
    ['is not in the list', ['mallory'], ['mona', 'hubot'], /^mallory may not approve: not in the list "approvers"/u],
    ['re-runs it and is not in the list', ['mona', 'mallory'], ['mona', 'hubot'], /^mallory may not approve/u],
    ['is nobody', [], ['mona'], /^Nobody may not approve/u],
    ['started the export', ['STARTER'], ['mona', 'starter'], /^STARTER started the export of attempt 1 and cannot approve it/u],
    ['went on with the export', ['resumer'], ['mona', 'resumer'], /^resumer started the export of attempt 1/u],
    ['started the export, and an approver runs it again', ['starter', 'mona'], ['mona', 'starter'], /^starter started the export/u],
    ['is a machine', ['github-actions[bot]'], ['mona', 'github-actions[bot]'], /^github-actions\[bot\] may not approve: it is an app/u],
    ['is a machine, run again by an approver', ['deployer[bot]', 'mona'], ['mona', 'deployer[bot]'], /^deployer\[bot\] may not approve: it is an app/u],
    ['has no list to be in', ['mona'], [], /^gate: dispatch needs "approvers"/u],
  ] as const)('whoever started it may not where that person %s', async (_, people, approvers, says) => {
    gate.file = aMigrationFile({ approvers });
    startedBy(...people);
    await refused(gate.record(shown, DISPATCH), says);
  });

  it.each([
    ['a schedule', { event: 'schedule' }, /^This run was not started by hand: its event is schedule/u], ['a push', { event: 'push' }, /not started by hand/u],
    ['another branch', { ref: 'refs/heads/feature' }, /^This run is of refs\/heads\/feature, not of the default branch/u], ['a pull request', { event: 'pull_request', ref: 'refs/heads/main' }, /^A run of a pull request/u],
  ] as const)('nobody approves by %s', async (_, run, says) => {
    gate.run = aRun({ startedBy: ['mona'], ...run });
    await refused(gate.record(shown, DISPATCH), says);
  });

  it.each([['deployer[bot]'], ['mona-two', 'Deployer[BOT]']])('nobody approves an export that a machine started or went on with, for who stands behind it cannot be told: %s', async (...people) => {
    await gate.exported(['rehearsal'], people);
    startedBy('mona');
    const newest = { ...shown, attempt: 2 };
    await refused(gate.record(newest, DISPATCH), /\[bot\] started the export of attempt 2, so nobody could approve it/iu);
    await expect(gate.ask({}, DISPATCH)).rejects.toMatchObject({ what: expect.stringMatching(/so nobody could approve it/u), fix: expect.stringContaining('from job rehearse') });
  });

  it('a run that is run again approves nothing: it has the list of approvers of its first start', async () => {
    gate.run = aRun({ id: '8', startedBy: ['mona'], attempt: 2 });
    await refused(gate.record(shown, DISPATCH), /^Attempt 1 cannot be approved by running a workflow run again/u);
    gate.run = aRun({ id: '8', startedBy: ['mona'], attempt: 1 });
    await gate.record(shown, DISPATCH);
    gate.run = aRun({ id: '8', startedBy: ['mona'], attempt: 2 });
    expect((await gate.record(shown, DISPATCH)).outputs['approved-by']).toBe('mona');
  });

  it('nobody approves an export of which nobody knows who started it', async () => {
    await gate.exported(['rehearsal'], []);
    const second = await gate.shown(DISPATCH);
    startedBy('mona');
    await refused(gate.record(second, DISPATCH), /^Nobody knows who started the export of attempt 2/u);
  });

  it('an older attempt, another plan and other tables are refused as with an environment', async () => {
    startedBy('mona');
    await refused(gate.record({ ...shown, approvedPlan: 'a'.repeat(64) }, DISPATCH), /^The plan is not the one/u);
    await refused(gate.record({ ...shown, approvedManifest: 'b'.repeat(64) }, DISPATCH), /^The export is not the one/u);
    await gate.exported(['rehearsal'], ['starter']);
    await refused(gate.record(shown, DISPATCH), /^Attempt 1 is not the newest/u);
  });
});
