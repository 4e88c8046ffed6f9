import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../../src/errors.js';
import type { Gatekeeper, GateReview } from '../../../src/gatekeeper.js';
import type { Inputs } from '../../../src/inputs.js';
import { LEASE_MS, openJournalStore } from '../../../src/gateways/journal/store.js';
import { newJournal } from '../../../src/journal/transitions.js';
import { phases } from '../../../src/phases/index.js';
import { writePage } from '../../../src/phases/write-page.js';
import type { Context } from '../../../src/ports.js';
import { memoryBucket, type Objects } from '../../builders/memory-bucket.js';
import { toldNeeds } from '../../builders/told-migration.js';
import { aMigrationFile, anEnvironment, HIDDEN_VALUE, someWorkflowInputs } from '../../builders/values.js';
import { World } from '../../builders/world.js';

type Run = Partial<Inputs> & Pick<Inputs, 'phase'>;
const CHAIN: readonly Run[] = [{ phase: 'resources' }, { phase: 'create' }, { phase: 'export', mode: 'rehearsal' }, { phase: 'export', mode: 'final' }, { phase: 'import' }, { phase: 'verify' }, { phase: 'cutover' }, { phase: 'rollback' }];
const BUCKET = 'mwaa-migrate-111122223333-eu-west-1', PAGE = 'data/migration/2.7.2_to_2.10.3/analytics-to-analytics-v2/page.html';
const run = async (world: World, given: Run, changed: (context: Context) => Partial<Context> = () => ({})) => {
  const context = world.context(given);
  return await (phases[given.phase] as NonNullable<(typeof phases)['status']>)({ ...context, ...changed(context) });
};
const status = (jobs: string): Run => ({ phase: 'status', workflow: someWorkflowInputs({ jobs }) });
const aWorld = () => {
  const world = new World();
  world.environments.set('analytics', anEnvironment({ AirflowConfigurationOptions: { 'core.sql_alchemy_conn': HIDDEN_VALUE, 'core.parallelism': '40' } }));
  return world;
};

describe('the page of the whole migration', () => {
  it('is written by every changing phase, tells what that phase did, and holds no hidden value', async () => {
    const world = aWorld(), pages: string[] = [];
    for (const given of CHAIN) {
      await run(world, given);
      const html = world.text(BUCKET, PAGE) ?? '';
      expect(html).not.toContain(HIDDEN_VALUE);
      expect(html).not.toBe(pages.at(-1));
      pages.push(html);
    }
    const told = (at: number) => (pages[at] ?? '').replace(/<[^>]+>/gu, ' ');
    expect(told(0)).toMatch(/resources are copied/u);
    expect(told(2)).toMatch(/rehearsed/u);
    expect(told(3)).toMatch(/exported, the source is paused[\s\S]*Paused, and still is/u);
    expect(told(4)).toMatch(/Inserted/u);
    expect(told(5)).toMatch(/both sides agree/u);
    expect(told(7)).toMatch(/the source is active again/u);
  });

  it('is no reason for a phase to fail: what keeps it from being written is warned of', async () => {
    const world = aWorld();
    const { ok } = await run(world, { phase: 'resources' }, ({ source }) => ({
      source: { ...source, openBucket: (name, owner) => { const bucket = source.openBucket(name, owner); return { ...bucket, write: (key, body, options) => (key.endsWith('page.html') ? Promise.reject(new UserError('Access denied: s3:PutObject.', 'w', 'f')) : bucket.write(key, body, options)) }; } },
    }));
    expect(ok).toBe(true);
    expect(world.text(BUCKET, PAGE)).toBeUndefined();
    expect(world.lines.filter((line) => line.includes('page.html was not written: Access denied: s3:PutObject.'))).toHaveLength(1);
    expect(world.lockedBy).toBeUndefined();
  });

  it('hides no failure of the phase by a defect of its own, and makes no good end bad', async () => {
    const world = aWorld();
    const broken = ({ source }: Context): Partial<Context> => ({
      source: { ...source, openBucket: (name, owner) => { const bucket = source.openBucket(name, owner); return { ...bucket, write: (key, body, options) => (key.endsWith('page.html') ? Promise.reject(new TypeError('x is not a function')) : bucket.write(key, body, options)) }; } },
    });
    for (const given of CHAIN.slice(0, 3)) expect((await run(world, given, broken)).ok).toBe(true);
    expect(world.lines.filter((line) => line.includes('page.html was not written: It could not be made (x is not a function); please report'))).toHaveLength(3);
    world.answers.failing = { export: new UserError('The task died.', 'w', 'f') };
    await expect(run(world, { phase: 'export', mode: 'final' }, broken)).rejects.toThrow('The task died.');
  });

  it('is written after a failure that got somewhere, and not after a refusal', async () => {
    const world = aWorld();
    for (const given of CHAIN.slice(0, 3)) await run(world, given);
    const before = world.text(BUCKET, PAGE);
    world.now += 60_000;
    await expect(run(world, { phase: 'import' })).rejects.toThrow('has no final export');
    expect(world.text(BUCKET, PAGE)).toBe(before);
    world.answers.failing = { export: new UserError('The task died.', 'w', 'f') };
    await expect(run(world, { phase: 'export', mode: 'final' })).rejects.toThrow('The task died.');
    expect(world.text(BUCKET, PAGE)).not.toBe(before);
  });

  it('of a runner that lost its lease is not written over that of who took over', async () => {
    let now = Date.parse('2026-11-22T10:00:00Z');
    const objects: Objects = new Map(), lines: string[] = [], file = aMigrationFile();
    const bucket = memoryBucket('b', new Map([['b', objects]]), () => {}, () => `v${objects.size}`);
    const clock = { now: () => new Date(now), sleep: () => Promise.resolve() }, log = { info: () => {}, warn: (line: string) => void lines.push(line), group: <T>(_: string, work: () => Promise<T>) => work() };
    const store = openJournalStore({ bucket, prefix: 'p/', initial: newJournal({ migrationId: file.id, source: { environment: 'a', region: 'r', airflowVersion: '2.7.2' }, target: { environment: 'b', region: 'r', airflowVersion: '2.10.3' } }), clock, ticker: () => () => {}, log });
    const stale = await store.open('run 1');
    now += LEASE_MS;
    const fresh = await store.open('run 2');
    await writePage({ file, clock, log }, bucket, 'p/', fresh, undefined);
    const page = () => objects.get('p/page.html')?.at(-1)?.body.toString('utf8');
    const newer = page();
    now += 1_000;
    await writePage({ file, clock, log }, bucket, 'p/', stale, undefined);
    expect([newer === undefined, page() === newer, lines]).toEqual([false, true, [expect.stringMatching(/page\.html was not written: This runner lost the lock/u)]]);
  });

  it('is written also after a failure, and shows how far it came', async () => {
    const world = aWorld();
    for (const given of CHAIN.slice(0, 3)) await run(world, given);
    world.answers.failing = { export: new UserError('The task died.', 'w', 'f') };
    await expect(run(world, { phase: 'export', mode: 'final' })).rejects.toThrow('The task died.');
    expect((world.text(BUCKET, PAGE) ?? '').replace(/<[^>]+>/gu, ' ')).toMatch(/a final export is under way or was stopped[\s\S]*Export, not ended/u);
  });
});

describe('phase status as the last job', () => {
  it('gives summary, page and outputs of the migration', async () => {
    const world = aWorld();
    for (const given of CHAIN.slice(0, 7)) await run(world, given);
    const { ok, summary, page = '', outputs } = await run(world, status(toldNeeds()));
    expect(ok).toBe(true);
    expect(summary).toMatch(/### Jobs of this run/u);
    expect(summary).toMatch(/```mermaid\ngantt/u);
    expect(summary).toMatch(/### Table by table/u);
    expect(page).toMatch(/^<!doctype html>/u);
    expect(`${summary}${page}`).not.toContain(HIDDEN_VALUE);
    expect(outputs).toMatchObject({ 'migration-id': 'analytics-to-analytics-v2', attempt: '2' });
  });

  it.each([
    ['the plan role cannot be assumed', (context: Context): Partial<Context> => ({ plan: { ...context.plan, source: { ...context.plan.source, identity: () => Promise.reject(new UserError('The role cannot be assumed.', 'w', 'f')) } } }), /The role cannot be assumed\./u],
    ['the bucket may not be read', (context: Context): Partial<Context> => ({ plan: { ...context.plan, source: { ...context.plan.source, buckets: { ...context.plan.source.buckets, exists: () => Promise.reject(new UserError('Access denied.', 'w', 'f')) } } } }), /Access denied\./u],
  ])('is useful where %s', async (_, changed, why) => {
    const world = aWorld();
    await run(world, { phase: 'resources' });
    const { ok, summary, page, outputs } = await run(world, status(toldNeeds({ create: 'failure', rehearse: 'skipped' })), changed);
    expect(ok).toBe(true);
    expect(summary).toMatch(/job <code>create<\/code> failed; where it stands could not be read/u);
    expect(summary).toMatch(why);
    expect(page).toMatch(/where it stands could not be read/u);
    expect(outputs['migration-id']).toBe('analytics-to-analytics-v2');
  });

  it('is useful where nothing has begun', async () => {
    const { summary } = await run(aWorld(), status(toldNeeds({ plan: 'failure' })));
    expect(summary).toMatch(/job <code>plan<\/code> failed; it has not begun/u);
  });

  it('ends red without jobs where AWS cannot be asked, as phase status alone does', async () => {
    await expect(run(aWorld(), { phase: 'status' }, (context) => ({ plan: { ...context.plan, source: { ...context.plan.source, identity: () => Promise.reject(new UserError('The role is gone.', 'w', 'f')) } } }))).rejects.toThrow('The role is gone.');
  });
});

describe('who rejected a gate', () => {
  const keeper = (reviews: () => Promise<readonly GateReview[]>) => (context: Context): Partial<Context> => ({ github: { ...context.github, gatekeeper: { reviews } as Gatekeeper } });
  const no = () => Promise.resolve([{ environment: 'migration-production', state: 'rejected' as const, by: 'octocat', comment: 'not today' }, { environment: 'migration-production', state: 'approved' as const, by: 'hubot', comment: '' }]);
  const summary = async (gate: 'failure' | 'success', reviews: () => Promise<readonly GateReview[]>): Promise<string> => (await run(aWorld(), status(toldNeeds({ gate })), keeper(reviews))).summary;

  it('is named where the gate was not passed', async () => {
    const told = await summary('failure', no);
    expect(told).toMatch(/Rejected in this workflow run[\s\S]*octocat[\s\S]*not today/u);
    expect(told).not.toContain('hubot');
    expect(await summary('success', no)).not.toContain('octocat');
  });

  it('costs only the name where GitHub cannot be asked', async () => {
    const told = await summary('failure', () => Promise.reject(new UserError('No.', 'w', 'f')));
    expect(told).toContain('The gate was not passed');
    expect(told).not.toContain('Rejected in');
  });
});
