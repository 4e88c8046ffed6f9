/** Phase start: which jobs run, and what is refused before anything is changed. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { plain } from '../../builders/rollback-story.js';
import { aMigrationFile } from '../../builders/values.js';
import { startGithub, type GithubStandIn } from '../../sandbox/github/server.js';
import { AGate, aRun, GATE, person } from './a-gate.js';

jest.setTimeout(60_000); // for a busy machine

let github: GithubStandIn, gate: AGate;
beforeAll(async () => { github = await startGithub(); });
afterAll(() => github.close());
beforeEach(() => { gate = new AGate(github); });
afterEach(() => expect(github.violations()).toEqual([]));

const BEFORE = ['check', 'plan', 'resources', 'create'], AFTER = ['import', 'verify', 'cutover'];
const jobsOf = async (...given: Parameters<AGate['start']>) => JSON.parse((await gate.start(...given)).outputs['jobs'] ?? '') as unknown;
const DISPATCH = { by: 'dispatch' } as const;

describe('the jobs that run', () => {
  it.each([
    ['all of them, the pause behind the gate', {}, [...BEFORE, 'rehearse', 'ask', 'gate', 'export', ...AFTER]],
    ['all of them, the pause before the gate', { chain: { pause: 'before-gate' } }, [...BEFORE, 'pause-first', 'ask', 'gate', 'watch', ...AFTER]],
    ['those from a job on', { chain: { from: 'rehearse' } }, ['rehearse', 'ask', 'gate', 'export', ...AFTER]],
    ['those behind the gate, whose approval is in the journal', { chain: { from: 'import' } }, AFTER],
    ['those behind plan', { chain: { from: 'plan' } }, ['plan', 'resources', 'create', 'rehearse', 'ask', 'gate', 'export', ...AFTER]],
    ['named ones, in the chain\'s order', { chain: { only: ['create', 'plan'] } }, ['plan', 'create']],
    ['by dispatch: up to the question', { gate: DISPATCH }, [...BEFORE, 'rehearse', 'ask']],
    ['by dispatch: from a job on, up to the question', { gate: DISPATCH, chain: { from: 'create' } }, ['create', 'rehearse', 'ask']],
    ['by dispatch: behind the answer, to go on with what failed', { gate: DISPATCH, chain: { from: 'import' } }, AFTER],
  ] as const)('are %s', async (_, workflow, jobs) => {
    gate.environment();
    expect(await jobsOf(workflow)).toEqual(jobs);
  });

  it('are the answer and all that follows, when an approver starts them', async () => {
    gate.run = aRun({ startedBy: ['Mona'] });
    expect(await jobsOf({ gate: DISPATCH, chain: { from: 'gate' } })).toEqual(['gate', 'export', ...AFTER]);
  });

  it('have the second gate among them where there is one', async () => {
    gate.environment();
    github.addEnvironment({ name: 'cutover', reviewers: [person('boss')] });
    expect(await jobsOf({ gate: { cutoverEnvironment: 'cutover' }, chain: { from: 'verify' } })).toEqual(['verify', 'cutover-gate', 'cutover-watch', 'cutover']);
    expect(plain((await gate.start({ gate: { cutoverEnvironment: 'cutover' } })).summary)).toContain('One of these people or teams approves in GitHub environment cutover: boss. The source is paused meanwhile, for 60 minutes from the end of verify at most; then job cutover-watch puts it back.');
  });

  it('are told with what each does, and the others with the reason', async () => {
    gate.environment();
    const summary = plain((await gate.start({ chain: { from: 'ask' } })).summary);
    expect(summary).toContain('6 jobs run, job export pauses the source');
    expect(summary).toContain('| import | imports what was exported |');
    expect(summary).toContain('| rehearse | before job ask, with which this run begins |');
    expect(summary).toContain('| pause-first | only with pause: before-gate |');
    expect(summary).toContain('approves in GitHub environment migration-production: mona, hubot.');
  });
});

describe('what only looks', () => {
  it.each([[['plan']], [['check', 'plan']]])('runs from any branch and without asking GitHub: %s', async (only) => {
    gate.run = aRun({ event: 'pull_request', ref: 'refs/pull/3/merge' });
    gate.caller = undefined;
    expect(await jobsOf({ chain: { only } })).toEqual(only);
  });
});

describe('a wrong choice is refused, with everything that is wrong', () => {
  it.each([
    ['a job that there is not', { from: 'imprt' }, {}, 'from: there is no job "imprt" (did you mean "import"?); known: check, plan,'],
    ['the way back', { from: 'rollback' }, {}, 'from: "rollback" is a workflow of its own, rollback.yml'],
    ['a job that always runs', { only: ['finish'] }, {}, 'only: job "finish" runs in any case'],
    ['a job of the other order', { only: ['pause-first'] }, {}, 'only: job "pause-first" does not run here: only with pause: before-gate'],
    ['a job of the other order, the other way round', { from: 'export', pause: 'before-gate' }, {}, 'from: job "export" does not run here: only with pause: after-gate'],
    ['two ways of saying it', { from: 'plan', only: ['create'] }, {}, 'from, only: give one of them'],
    ['a gate that nobody was shown', { from: 'gate' }, {}, 'job "gate" runs only after job "ask" of the same run'],
    ['a gate that nobody was shown, by name', { only: ['gate', 'export'] }, {}, 'job "gate" runs only after job "ask" of the same run'],
    ['a gate without its watch', { only: ['ask', 'gate'], pause: 'before-gate' }, {}, 'jobs "gate" and "watch" belong together'],
    ['a watch without its gate', { from: 'watch', pause: 'before-gate' }, {}, 'jobs "gate" and "watch" belong together'],
    ['a pause before a gate that does not come', { only: ['plan', 'pause-first', 'ask'], pause: 'before-gate' }, {}, 'job "pause-first" pauses the source'],
    ['a second gate without its watch', { only: ['cutover-gate', 'cutover'] }, { cutoverEnvironment: 'cutover' }, 'jobs "cutover-gate" and "cutover-watch" belong together'],
    ['a second watch without its gate', { from: 'cutover-watch' }, { cutoverEnvironment: 'cutover' }, 'jobs "cutover-gate" and "cutover-watch" belong together'],
    ['the way back beside a gate', { from: 'watch-rollback' }, {}, 'from: "rollback" is a workflow of its own, rollback.yml'],
    ['a question and its answer by one person', { only: ['ask', 'gate', 'export'] }, DISPATCH, 'with gate: dispatch jobs "ask" and "gate" are of two runs'],
    ['a pause that nobody would end', { pause: 'before-gate' }, DISPATCH, 'gate, pause: with "dispatch" the source would stand still until somebody starts the workflow again'],
    ['a second gate without its environment', { only: ['cutover-gate'] }, {}, 'cutover-gate needs input cutover-environment'],
  ] as const)('%s', async (_, chain, by, says) => {
    gate.environment();
    await expect(gate.start({ chain, gate: by })).rejects.toMatchObject({ name: 'UserError', what: expect.stringContaining(says) });
  });

  it('two at once', async () => {
    const failure: unknown = await gate.start({ chain: { only: ['exprt', 'rollback'] } }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ what: expect.stringMatching(/exprt[^]*rollback/u) });
  });
});

describe('a gate that would ask nobody is refused before anything is changed', () => {
  it.each([
    ['the environment is missing', (): void => undefined, {}, `There is no GitHub environment "${GATE}".`, 'GitHub would make it'],
    ['it has no reviewers', (): void => void gate.environment({ reviewers: undefined }), {}, `GitHub environment "${GATE}" has no required reviewers.`, 'runs at once'],
    ['it has an empty list of reviewers', (): void => void gate.environment({ reviewers: [], waitMinutes: 30 }), {}, `GitHub environment "${GATE}" has no required reviewers.`, 'runs at once'],
    ['an administrator could pass it unseen', (): void => void gate.environment({ reviewers: [person('mona'), { slug: 'data-platform', members: ['lee'] }], adminsMayBypass: true }), {}, `An administrator could pass GitHub environment "${GATE}" without any approval`, 'of the reviewing team data-platform'],
    ['the second one is missing', (): void => void gate.environment(), { cutoverEnvironment: 'cutover' }, 'There is no GitHub environment "cutover".', 'GitHub would make it'],
    ['by dispatch, nobody is named', (): void => { gate.file = aMigrationFile(); }, DISPATCH, 'gate: dispatch needs "approvers"', 'anybody'],
  ] as const)('%s', async (_, prepare, inputs, what, why) => {
    prepare();
    const before = gate.traces();
    await expect(gate.start({ gate: inputs })).rejects.toMatchObject({ name: 'UserError', what: expect.stringContaining(what), why: expect.stringContaining(why) });
    expect(gate.traces()).toBe(before);
  });

  it('goes on without one where the inputs say so, and says that', async () => {
    const { summary, ok } = await gate.start({ gate: { allowUnprotected: true } });
    expect(ok).toBe(true);
    expect(plain(summary)).toContain('Nobody is asked: environment "migration-production" does not exist, and allow-unprotected-gate is true.');
    expect(summary).toMatch(/^## ⚠️/u);
  });

  it('goes on past administrators of whom nobody can tell where the inputs say so, and names them', async () => {
    gate.environment({ reviewers: [{ slug: 'data-platform', members: [] }], adminsMayBypass: true });
    expect(plain((await gate.start({ gate: { allowUnprotected: true } })).summary)).toContain('Administrators may bypass the rules');
  });

  it.each([['deployer[bot]'], ['mona', 'deployer[bot]']])('by dispatch, an export that a machine starts: %s', async (...startedBy) => {
    gate.run = aRun({ startedBy });
    await expect(gate.start({ gate: DISPATCH })).rejects.toMatchObject({ what: 'deployer[bot] starts this export, so nobody could approve it.' });
    gate.environment();
    expect((await gate.start()).ok).toBe(true);
  });

  it('is no matter where this run has no gate', async () => {
    expect(await jobsOf({ chain: { only: ['resources', 'create'] } })).toEqual(['resources', 'create']);
  });
});

describe('a gate that lets more through than a careful team would is told of', () => {
  it.each([
    ['self-review', { preventSelfReview: false }, 'does not prevent self-review'], ['administrators', { adminsMayBypass: true }, 'Administrators may bypass the rules'],
    ['administrators of whom nobody can tell', { reviewers: [{ slug: 'data-platform', members: [] }], adminsMayBypass: undefined }, 'GitHub does not say whether administrators may bypass'],
    ['any branch', { branches: undefined }, 'lets in runs of every branch; restrict it to "main"'], ['not the default branch', { branches: ['trunk'] }, 'lets in no run of "main", but only of trunk'],
    ['a waiting time', { waitMinutes: 15 }, 'waits 15 minutes besides the approval'],
  ] as const)('%s', async (_, given, says) => {
    gate.environment(given);
    const { summary } = await gate.start();
    expect(plain(summary)).toContain(says);
    expect(summary).toMatch(/^## ⚠️/u);
    expect(gate.world.lines.join('\n')).toContain(says);
  });

  it('and a careful one is not', async () => {
    gate.environment({ branches: ['release/*', 'ma*'] });
    expect((await gate.start()).summary).toMatch(/^## ✅/u);
  });
});

describe('a run of elsewhere is refused', () => {
  it.each([
    ['another branch', { ref: 'refs/heads/feature' }, 'This run is of refs/heads/feature, not of the default branch "main".'],
    ['a tag of the same name', { ref: 'refs/tags/main' }, 'This run is of refs/tags/main'],
    ['no branch at all', { ref: undefined }, 'This run is of no branch'],
    ['a pull request', { event: 'pull_request', ref: 'refs/pull/3/merge' }, 'A run of a pull request (event pull_request) changes nothing.'],
    ['a pull request with the rights of the base', { event: 'pull_request_target', ref: 'refs/heads/main' }, 'A run of a pull request (event pull_request_target) changes nothing.'],
  ] as const)('%s', async (_, run, what) => {
    gate.environment();
    gate.run = aRun(run);
    await expect(gate.start()).rejects.toMatchObject({ name: 'UserError', what: expect.stringContaining(what) });
  });

  it('and the default branch is GitHub\'s, not a name of ours', async () => {
    gate.environment({ branches: 'protected' });
    github.state.defaultBranch = 'trunk';
    await expect(gate.start()).rejects.toMatchObject({ what: expect.stringContaining('not of the default branch "trunk"') });
    gate.run = aRun({ ref: 'refs/heads/trunk' });
    expect((await gate.start()).ok).toBe(true);
  });
});

describe('without GitHub', () => {
  it('nothing that changes something begins', async () => {
    gate.caller = undefined;
    await expect(gate.start()).rejects.toMatchObject({ what: expect.stringContaining('GitHub cannot be asked') });
  });
  it('a token that may not look is told what it needs', async () => {
    gate.caller = { permissions: { contents: 'read' } };
    gate.environment();
    await expect(gate.start()).rejects.toMatchObject({ what: 'The github-token may not read environments and their reviews.', fix: expect.stringContaining('permissions: { actions: read }') });
  });
});
