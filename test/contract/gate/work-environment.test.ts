/** Phase start: the GitHub environment of the jobs that change things. The roles trust it, and the ways back must wait for nobody in it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { plain } from '../../builders/rollback-story.js';
import type { Environment } from '../../sandbox/github/state.js';
import { startGithub, type GithubStandIn } from '../../sandbox/github/server.js';
import { AGate, aRun, GATE, person } from './a-gate.js';

jest.setTimeout(60_000); // for a busy machine

const PREPARE = 'migration-prepare';

let github: GithubStandIn, gate: AGate;
beforeAll(async () => { github = await startGithub(); });
afterAll(() => github.close());
beforeEach(() => { gate = new AGate(github); gate.environment(); });
afterEach(() => expect(github.violations()).toEqual([]));

const prepare = (given: Partial<Environment> = {}): Environment => github.addEnvironment({ name: PREPARE, branches: ['main'], ...given });
const start = (workEnvironment: string | undefined = PREPARE, given: NonNullable<Parameters<AGate['start']>[0]> = {}) => gate.start({ ...given, gate: { workEnvironment, ...given.gate } });

it('is nothing to tell of where it is as the documentation has it', async () => {
  prepare();
  const { ok, summary } = await start();
  expect(ok).toBe(true);
  expect(summary).toMatch(/^## ✅/u);
  expect(summary).not.toContain('The jobs that change things');
});

describe('is refused before anything is changed', () => {
  it.each([
    ['where GitHub would make it', (): void => undefined, 'There is no GitHub environment "migration-prepare" for the jobs that change things.', 'whoever may push a branch would get them'],
    ['with reviewers', (): void => void prepare({ reviewers: [person('mona'), { slug: 'data-platform', members: [] }] }), 'migration-prepare" has required reviewers (mona, data-platform).', 'production stands still'],
    ['with a waiting time', (): void => void prepare({ waitMinutes: 30 }), 'migration-prepare" waits 30 minutes.', 'production stands still'],
    ['with both', (): void => void prepare({ reviewers: [person('mona')], waitMinutes: 30 }), 'has required reviewers (mona) and waits 30 minutes.', 'production stands still'],
  ] as const)('%s', async (_, make, what, why) => {
    make();
    const before = gate.traces();
    await expect(start()).rejects.toMatchObject({ name: 'UserError', what: expect.stringContaining(what), why: expect.stringContaining(why), fix: expect.stringContaining('Settings, Environments') });
    expect(gate.traces()).toBe(before);
  });

  it.each([
    ['the gate\'s', GATE, {}, 'a gate have one GitHub environment: environment and gate-environment are "migration-production"'],
    ['the gate\'s, written otherwise', 'Migration-Production', {}, 'environment and gate-environment are "Migration-Production"'],
    ['the second gate\'s', 'cutover', { cutoverEnvironment: 'cutover' }, 'environment and cutover-environment are "cutover"'],
    ['that of both gates', GATE, { cutoverEnvironment: GATE }, 'both gates have one GitHub environment: environment and gate-environment and cutover-environment are'],
    ['the second gate\'s, with dispatch for the first', 'cutover', { by: 'dispatch', cutoverEnvironment: 'cutover' }, 'environment and cutover-environment are "cutover"'],
  ] as const)('as %s', async (_, name, given, what) => {
    await expect(start(name, { gate: given })).rejects.toMatchObject({ name: 'UserError', what: expect.stringContaining(what), fix: expect.stringContaining('migration-prepare') });
  });

  it('also in a run without a gate, whose failure is followed by the way back', async () => {
    await expect(start(PREPARE, { chain: { only: ['resources'] } })).rejects.toMatchObject({ what: expect.stringContaining('There is no GitHub environment') });
  });
});

describe('is told of', () => {
  it.each([
    ['where every branch gets the roles', { branches: undefined }, 'Environment "migration-prepare" lets in runs of every branch (the roles trust its jobs, so whoever may push a branch gets them); restrict it to "main".'],
    ['where the default branch does not get in', { branches: ['trunk'] }, 'Environment "migration-prepare" lets in no run of "main", but only of trunk: its jobs would fail.'],
  ] as const)('%s', async (_, given, says) => {
    prepare(given);
    const { ok, summary } = await start();
    expect(ok).toBe(true);
    expect(summary).toMatch(/^## ⚠️/u);
    expect(plain(summary)).toContain(says);
    expect(gate.world.lines.join('\n')).toContain(says);
  });
});

it('is not asked for by what only looks, nor where no name is given', async () => {
  expect((await gate.start()).ok).toBe(true);
  gate.run = aRun({ ref: 'refs/heads/feature' });
  expect((await start(PREPARE, { chain: { only: ['plan'] } })).ok).toBe(true);
});

it('is not compared with a gate that is passed by dispatch', async () => {
  github.addEnvironment({ name: GATE, branches: ['main'] });
  expect((await start(GATE, { gate: { by: 'dispatch' } })).ok).toBe(true);
});
