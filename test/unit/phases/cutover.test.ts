import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../../src/errors.js';
import type { Inputs } from '../../../src/inputs.js';
import type { MigrationFile } from '../../../src/migration-file/migration-file.js';
import { phases } from '../../../src/phases/index.js';
import { aMigrationFile, anInFlightRun } from '../../builders/values.js';
import { World } from '../../builders/world.js';

type Given = Partial<Inputs> & Pick<Inputs, 'phase'>;
const run = async (world: World, inputs: Given, file: MigrationFile = aMigrationFile()) => {
  const phase = phases[inputs.phase];
  if (!phase) throw new Error(inputs.phase);
  return await phase(world.context(inputs, file));
};
const imported = async () => {
  const world = new World();
  world.sides.inFlight = [
    anInFlightRun('hourly', 'cut', { ended: 2 }), anInFlightRun('nightly_load', 'submitted', { fate: 'deferred', deferred: ['wait[3]'] }), anInFlightRun('nightly_load', 'old days', { fate: 'backfill', runType: 'backfill' }),
  ];
  for (const inputs of [{ phase: 'resources' }, { phase: 'create' }, { phase: 'export', mode: 'final' }, { phase: 'import' }] as const) await run(world, inputs);
  return world;
};
const cutover = { phase: 'cutover' } as const;
const steps = (world: World) => world.journalValue?.attempts[0]?.steps.map(({ name }) => name) ?? [];
const plain = (summary: string) => summary.replace(/&#(\d+);/gu, (_, point: string) => String.fromCodePoint(Number(point))).replace(/<\/?code>/gu, '');
const withCanary = aMigrationFile({ cutover: { canary: ['nightly_load'] } });

describe('cutover', () => {
  it('reports what goes on, what does not and why, and what runs next', async () => {
    const result = await run(await imported(), cutover);
    const text = plain(result.summary);
    expect(result.ok).toBe(true);
    expect(text).toMatch(/2 of 2 DAGs are active on analytics-v2; 1 run goes on, 0 DAGs were left paused/);
    expect(text).toMatch(/Runs in flight that do not go on \(2\)[^]*\| nightly_load \| submitted \| stays failed \(deferred\) \| – \|[^]*\| old days \| backfill, by hand \| airflow dags backfill nightly_load \|/);
    expect(text).toMatch(/What runs next \(2\)[^]*continues the source's history/);
  });

  it('refuses a target where somebody has activated a DAG by hand, by its name', async () => {
    const world = await imported();
    world.dags.target.set('hourly', false);
    for (const dryRun of [true, false]) await expect(run(world, { ...cutover, dryRun })).rejects.toThrow(/1 DAG of analytics-v2 is active: hourly\.[^]*activated them by hand/);
    expect(steps(world)).not.toContain('activation-begun');
  });

  it('names runs that began on the target by hand, and goes on', async () => {
    const world = await imported();
    world.runsSinceImport = [{ dag_id: 'hourly', dag_run_id: 'tried' }, { dag_id: 'db_import', dag_run_id: 'verify-1-1' }];
    const result = await run(world, cutover);
    expect(result.ok).toBe(true);
    expect(plain(result.summary)).toMatch(/Runs that began on the target before cutover \(1\)[^]*\| hourly \| tried \|/);
  });

  it('takes up an interrupted activation: what it made active is not by hand', async () => {
    const world = await imported();
    world.answers.failing = { activate: new UserError('activate in "analytics-v2" did not end within 60 minutes.', 'why', 'fix.') };
    await expect(run(world, cutover)).rejects.toThrow(/did not end/);
    expect(steps(world)).toContain('activation-begun');
    expect(plain((await run(world, { phase: 'status' })).summary)).toMatch(/a cutover is under way or was stopped/);
    world.dags.target.set('hourly', false); // as the activation went on by itself
    world.answers.failing = {};
    expect((await run(world, cutover)).ok).toBe(true);
  });

  it.each([
    { state: 'failed', says: /canary nightly_load failed/ }, { state: 'late', says: /canary nightly_load was not over in time/ },
  ] as const)('ends red when a canary is $state, leaves everything behind it, and goes on once it is green', async ({ state, says }) => {
    const world = await imported();
    world.answers.canaries = [{ dagId: 'nightly_load', state, proof: 'run submitted: task load ended as failed' }];
    const result = await run(world, cutover, withCanary);
    expect(result).toMatchObject({ ok: false, failure: { what: expect.stringMatching(says), fix: expect.stringMatching(/run phase cutover again[^]*rollback/) } });
    expect(world.sides.active('target')).toEqual(['nightly_load']);
    expect(plain(result.summary)).toMatch(/because a canary stopped the rest[^]*Canaries \(1\)[^]*task load ended as failed[^]*Left paused, and why \(1\)/);
    expect(plain((await run(world, { phase: 'status' })).summary)).toMatch(/1 DAG left paused behind a canary/);
    world.answers.canaries = [{ dagId: 'nightly_load', state: 'green', proof: '2 runs succeeded' }];
    expect((await run(world, cutover, withCanary)).ok).toBe(true);
    expect(world.sides.active('target')).toEqual(['hourly', 'nightly_load']);
  });

  it('warns beforehand when canaries and batches may take longer than the step', async () => {
    const world = await imported();
    await run(world, { ...cutover, timeoutMinutes: 30 }, withCanary);
    expect(world.lines.join('\n')).toMatch(/may take up to 60 minutes, longer than timeout-minutes \(30\)\. When the time is up, the cutover goes on inside analytics-v2; run phase cutover again/);
  });

  it('shows in a dry run each DAG\'s next run, and what becomes of parked runs', async () => {
    const world = await imported();
    world.now = Date.parse('2026-11-24T06:00:00Z');
    const text = plain((await run(world, { ...cutover, dryRun: true }, withCanary)).summary);
    expect(text).toMatch(/would activate 2 DAGs on analytics-v2[^]*activate 1 canary first[^]*nightly_load/);
    expect(text).toMatch(/1 goes on; 1 stays failed \(deferred\); 1 backfill, by hand/);
    expect(text).toMatch(/\| hourly \| active \| 1: 1 goes on \| 2026-11-22T00:00:00Z \| 2026-11-23T00:00:00Z \| its runs in flight go on, then runs what is due, in order \| none \|/);
    expect(steps(world)).not.toContain('activation-begun');
  });

  it('refuses schedules that are not the exported ones', async () => {
    const world = await imported();
    const key = world.keys('mwaa-migrate-111122223333-eu-west-1').find((one) => one.endsWith('1/schedules.json')) ?? '';
    const [first] = world.objects('mwaa-migrate-111122223333-eu-west-1').get(key) ?? [];
    if (first) world.objects('mwaa-migrate-111122223333-eu-west-1').set(key, [{ ...first, body: Buffer.from('{"dags": []}') }]);
    await expect(run(world, cutover)).rejects.toThrow(/schedules\.json is damaged/);
    expect(steps(world)).not.toContain('activation-begun');
  });
});

describe('what plan and exports list per DAG', () => {
  it('plan: active or not, in flight, next run; unknown where the REST API does not say', async () => {
    const world = new World();
    world.sides.inFlight = [anInFlightRun('hourly', 'one')];
    const text = plain((await run(world, { phase: 'plan' })).summary);
    expect(text).toMatch(/DAGs of the source \(3\)[^]*\| hourly \| active \| 1 \| 2026-11-22T00:00:00\+00:00 \|[^]*\| old \| paused \| 0 \|.*stays paused/);
    world.deniedPaths.add('/dags/~/dagRuns/list');
    expect(plain((await run(world, { phase: 'plan' })).summary)).toMatch(/\| hourly \| active \| unknown \|/);
    world.deniedPaths.add('/dags');
    const { ok, summary } = await run(world, { phase: 'plan' });
    expect([ok, /DAGs of the source/.test(summary), /\| Active DAGs \| unknown \|/.test(summary)]).toEqual([true, false, true]);
    expect(world.lines.join('\n')).toMatch(/DAGs could not be read: Airflow of analytics answered 403/);
  });

  it('plan: none of it changes the digest', async () => {
    const world = new World();
    const before = (await run(world, { phase: 'plan' })).outputs['plan-digest'];
    world.sides.inFlight = [anInFlightRun('hourly', 'one')];
    world.dags.source.set('new', false);
    expect((await run(world, { phase: 'plan' })).outputs['plan-digest']).toBe(before);
  });

  it.each(['rehearsal', 'final'] as const)('%s: what is in flight, what becomes of it, which deferred tasks would begin anew', async (mode) => {
    const world = new World();
    world.sides.inFlight = [anInFlightRun('hourly', 'cut', { ended: 2 }), anInFlightRun('nightly_load', 'submitted', { fate: 'deferred', deferred: ['wait[3]'] })];
    for (const phase of ['resources', 'create'] as const) await run(world, { phase });
    const text = plain((await run(world, { phase: 'export', mode })).summary);
    expect(text).toMatch(/\| hourly \| active \| 1: 1 goes on \| 2026-11-22T00:00:00Z \|/);
    expect(text).toMatch(/\| nightly_load \| submitted \| .* \| stays failed \(deferred\) \|/);
    expect(text).toMatch(/submit their external job a second time:[^]*- nightly_load \/ submitted: wait\[3\]/);
    expect(/At the deadline of the drain 2 tasks that were still running were ended/.test(text)).toBe(mode === 'final');
  });
});
