import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../../src/errors.js';
import { rollBack } from '../../../src/phases/rollback.js';
import { ACTIVE, CUT_OVER, EXPORTED, IMPORTED, READY, after, back, plain, run, steps } from '../../builders/rollback-story.js';
import { anEnvironment, aRanRun, aTargetEnvironment } from '../../builders/values.js';
import type { World } from '../../builders/world.js';

describe('while the target may still run something, rollback leaves the source alone:', () => {
  it.each([
    { because: 'tasks still run', change: (world: World) => { world.answers.stillRunning = 3; }, says: /3 tasks still run on analytics-v2[^]*source was not touched[^]*mark them failed/ },
    { because: 'the target is UNAVAILABLE, which says nothing of its scheduler', change: (world: World) => void world.environments.set('analytics-v2', aTargetEnvironment({ Status: 'UNAVAILABLE' })), says: /Target analytics-v2 is UNAVAILABLE[^]*may still run them[^]*delete the environment/ },
    { because: 'the target cannot be asked', change: (world: World) => { world.answers.deafTarget = new UserError('GET /dags fails.', 'its web server answered 503.', 'look.'); }, says: /GET \/dags fails[^]*source was not touched[^]*delete the environment/ },
    { because: 'the target does not take the order', change: (world: World) => { world.answers.failing = { deactivate: new UserError('died 3 times', 'why.', 'fix.') }; }, says: /died 3 times[^]*source was not touched/ },
    { because: 'the source is UPDATING', change: (world: World) => void world.environments.set('analytics', anEnvironment({ Status: 'UPDATING' })), says: /Source analytics is UPDATING/ },
  ])('$because', async ({ change, says }) => {
    const world = await after(...CUT_OVER);
    const { environments, answers } = world;
    const before = new Map(environments);
    change(world);
    await expect(run(world, back)).rejects.toThrow(says);
    expect([...world.dags.source.values()]).toEqual([true, true, true]);
    for (const [name, environment] of before) environments.set(name, environment);
    Object.assign(answers, { stillRunning: 0, deafTarget: undefined, failing: {} });
    await run(world, back);
    expect([[...world.dags.source], world.sides.active('target'), world.sides.accidents]).toEqual([ACTIVE, [], []]);
  });

  describe('where the target\'s role or account cannot be used,', () => {
    const deaf = async (world: World, given: Parameters<World['context']>[0]) => {
      const context = world.context(given), { target } = context;
      const refuse = (): Promise<never> => Promise.reject(new UserError('The role of the target cannot be assumed.', 'AccessDenied', 'repair its trust policy.'));
      return await rollBack({ ...context, target: { ...target, identity: refuse, mwaa: { ...target.mwaa, get: refuse } } });
    };

    it('goes back where nothing was imported, for then the target does not matter', async () => {
      const world = await after(...EXPORTED);
      expect(plain((await deaf(world, { ...back, dryRun: true })).summary)).toMatch(/leave target analytics-v2 alone: it cannot be asked, and nothing was imported into it/);
      const { ok, summary } = await deaf(world, { ...back, isAutomatic: true });
      expect([ok, [...world.dags.source]]).toEqual([true, ACTIVE]);
      expect(plain(summary)).toMatch(/was left alone: it cannot be asked: The role of the target cannot be assumed\./);
      expect((await deaf(world, back)).ok).toBe(true);
    });

    it.each([['an import', IMPORTED], ['a cutover', CUT_OVER]] as const)('refuses after %s: what runs there would run twice', async (_, given) => {
      const world = await after(...given);
      expect(plain((await deaf(world, { ...back, dryRun: true })).summary)).toMatch(/refuse: target analytics-v2 cannot be asked/);
      await expect(deaf(world, back)).rejects.toThrow(/role of the target cannot be assumed[^]*source was not touched/);
      expect([...world.dags.source.values()]).toEqual([true, true, true]);
    });
  });

  it('but a target that is gone does not hold it up, and what is not known is said in red', async () => {
    const world = await after(...CUT_OVER);
    world.environments.delete('analytics-v2');
    for (const dagId of world.dags.target.keys()) world.dags.target.set(dagId, true);
    const result = await run(world, back);
    expect([result.ok, [...world.dags.source]]).toEqual([false, ACTIVE]);
    expect(plain(result.summary)).toMatch(/is gone, though its DAGs had been activated/);
  });

  it('and DAGs that somebody activated by hand there after the import are paused and named', async () => {
    const world = await after(...IMPORTED);
    world.dags.target.set('hourly', false);
    const { summary } = await run(world, back);
    expect(plain(summary)).toMatch(/Cutover had not begun, but hourly of analytics-v2 was active: somebody activated it by hand/);
    expect(world.sides.accidents).toEqual([]);
  });

  it('and what DAGs ran there that somebody had activated by hand, and paused again, is carried back', async () => {
    const world = await after(...IMPORTED);
    world.sides.madeByHand = [aRanRun('hourly', 'by their scheduler')];
    const dry = await run(world, { ...back, dryRun: true });
    expect(plain(dry.summary)).toMatch(/pause 0 DAGs of analytics-v2, and wait up to .*\n.*record what analytics-v2 ran: 1 run began there since the import, 0 of which/);
    const result = await run(world, back);
    expect(plain(result.summary)).toMatch(/nothing is active on analytics-v2 now, but DAGs ran there since the import: somebody had activated or started them by hand\. What ran there stands below/);
    expect([result.ok, [...world.sides.onSource], world.sides.accidents]).toEqual([true, [['hourly / by their scheduler', 'stand-in']], []]);
  });

  it('and a sleeping target that does not say what ran is left alone, and that is said', async () => {
    const world = await after(...IMPORTED);
    world.deniedPaths.add('/dags/~/dagRuns/list');
    const { summary } = await run(world, back);
    expect(plain(summary)).toMatch(/left alone: nothing is active there, but what ran there since the import cannot be told: Airflow of analytics-v2 answered 403/);
  });
});

describe('a target that was never imported into', () => {
  it.each([{ of: 'before the export', fails: true }, { of: 'after the export', fails: false }])('keeps its own DAGs active: $of', async ({ fails }) => {
    const world = await after(...READY);
    world.dags.target.set('theirs', false);
    world.sides.madeByHand = fails ? [] : [aRanRun('theirs', 'of today')];
    if (fails) world.answers.failing = { export: new UserError('no', 'why', 'fix.') };
    await run(world, { phase: 'export', mode: 'final' }).catch(() => undefined);
    expect(plain((await run(world, { ...back, dryRun: true })).summary)).toMatch(/leave target analytics-v2 alone: nothing was imported into it/);
    world.jobs.length = 0;
    const result = await run(world, back);
    expect(plain(result.summary)).toMatch(/Nothing was imported into analytics-v2, so it was left alone/);
    expect([result.ok, world.dags.target.get('theirs'), [...world.dags.source], world.jobs.map(({ command }) => command)]).toEqual([true, false, ACTIVE, ['restore']]);
  });

  it.each([{ of: 'is exported', fails: {} }, { of: 'stopped in its drain', fails: { drain: new UserError('no runner', 'why', 'fix.') } }])('is asked by the snapshot of an attempt before that was imported and not put back, where this one $of', async ({ fails }) => {
    const world = await after(...IMPORTED);
    world.answers.failing = fails;
    await run(world, { phase: 'export', mode: 'final' }).catch(() => undefined);
    world.sides.madeByHand = [aRanRun('hourly', 'by hand')];
    await run(world, back);
    expect([[...world.sides.onSource.keys()], world.sides.accidents]).toEqual([['hourly / by hand'], []]);
    expect(world.jobs.filter(({ command }) => command === 'deactivate').map(({ job, manifest }) => [job.attempt, manifest?.key.replace(/^.*analytics-v2\//, '')])).toEqual([[2, '1/export/manifest.json']]);
  });
});

describe('once rollback has begun', () => {
  it.each([{ phase: 'cutover' }, { phase: 'import' }, { phase: 'export', mode: 'final' }] as const)('$phase is refused until it has ended', async (inputs) => {
    const world = await after(...CUT_OVER);
    world.answers.failing = { restore: new UserError('no disk', 'why', 'fix.') };
    await expect(run(world, back)).rejects.toThrow('no disk');
    await expect(run(world, inputs)).rejects.toThrow(/A rollback of attempt 1 has begun and has not ended/);
    expect([...world.dagFiles]).toContain('target'); // the rollback's own
    expect(plain((await run(world, { phase: 'status' })).summary)).toMatch(/a rollback is under way or was stopped/);
    world.answers.failing = {};
    await run(world, back);
    expect([...world.dags.source]).toEqual(ACTIVE);
  });

  it('an older export is not cut over either, while the newest is put back from', async () => {
    const world = await after(...IMPORTED, { phase: 'export', mode: 'final' });
    world.answers.failing = { restore: new UserError('no disk', 'why', 'fix.') };
    await expect(run(world, back)).rejects.toThrow('no disk');
    for (const phase of ['import', 'cutover'] as const) await expect(run(world, { phase, attempt: 1 })).rejects.toThrow(/A rollback of attempt 2 has begun and has not ended/);
    expect(plain((await run(world, { ...back, dryRun: true })).summary)).toMatch(/nothing is active on analytics-v2/);
  });

  it('a target that was left alone is left alone again: that the source is being put back says nothing of it', async () => {
    const world = await after(...EXPORTED);
    world.dags.target.set('theirs', false);
    world.answers.failing = { restore: new UserError('no disk', 'why', 'fix.') };
    await expect(run(world, back)).rejects.toThrow('no disk');
    expect(steps(world)?.slice(-1)).toEqual(['restore-begun']);
    expect(plain((await run(world, { phase: 'status' })).summary)).toMatch(/## ⚠️.*a rollback is under way or was stopped: DAGs of the source may be active again[^]*Run phase rollback again/);
    world.answers.failing = {};
    expect([(await run(world, back)).ok, world.dags.target.get('theirs'), steps(world)?.includes('rollback-begun')]).toEqual([true, false, false]);
  });

  it('waits again for a target that a person had activated, also when the first try has paused it already', async () => {
    const world = await after(...IMPORTED);
    world.dags.target.set('hourly', false);
    world.answers.stillRunning = 2;
    await expect(run(world, back)).rejects.toThrow(/2 tasks still run/);
    expect(world.sides.active('target')).toEqual([]);
    await expect(run(world, back)).rejects.toThrow(/2 tasks still run/);
    expect([...world.dags.source.values()]).toEqual([true, true, true]);
    world.answers.stillRunning = 0;
    await run(world, back);
    expect([...world.dags.source]).toEqual(ACTIVE);
  });

  it('a drain that is still at work without its runner finds the order to stop, before restore is started', async () => {
    const world = await after(...READY);
    world.answers.failing = { drain: new UserError('no runner', 'why', 'fix.') };
    await expect(run(world, { phase: 'export', mode: 'final' })).rejects.toThrow('no runner');
    const marks = () => world.keys('mwaa-migrate-111122223333-eu-west-1').filter((key) => key.endsWith('/restore/ordered.json'));
    expect(marks()).toEqual([]);
    world.answers.failing = { restore: new UserError('no disk', 'why', 'fix.') };
    await expect(run(world, back)).rejects.toThrow('no disk');
    expect(marks()).toEqual(['data/migration/2.7.2_to_2.10.3/analytics-to-analytics-v2/1/restore/ordered.json']);
    world.answers.failing = {};
    for (const inputs of [back, { phase: 'export', mode: 'final' }] as const) await run(world, inputs);
    expect([world.journalValue?.attempts.length, marks()]).toEqual([2, ['data/migration/2.7.2_to_2.10.3/analytics-to-analytics-v2/1/restore/ordered.json']]);
  });

  it('an activation that is still at work without its runner finds the order to stop', async () => {
    const world = await after(...CUT_OVER);
    world.answers.stillRunning = 1;
    await expect(run(world, back)).rejects.toThrow(/1 task still runs on analytics-v2, whose DAGs are paused now:\n {2}- hourly \/ cut \/ task_0\[3\] since 2026-11-22T09:58:00Z\n {2}Why: .*rollback has paused 2 DAGs of analytics-v2, and of analytics 2 DAGs that were active before the drain are paused\./);
    expect(world.keys('mwaa-migrate-111122223333-eu-west-1')).toContain('data/migration/2.7.2_to_2.10.3/analytics-to-analytics-v2/1/deactivate/job.json');
  });

  it('and ended, a whole further attempt is made, which may replace what the first one brought', async () => {
    const world = await after(...CUT_OVER, back);
    expect(plain((await run(world, { phase: 'status' })).summary)).toMatch(/cut over and rolled back, the source is active again/);
    for (const inputs of [{ phase: 'export', mode: 'final' }, { phase: 'import' }, { phase: 'verify' }, { phase: 'cutover' }] as const) expect((await run(world, inputs)).outputs.attempt).toBe('2');
    expect(world.jobs.filter(({ command }) => command === 'import').map(({ job }) => job.earlierManifests.map(({ key }) => key.replace(/^.*analytics-v2\//, '')))).toEqual([[], ['1/export/manifest.json']]);
    expect(world.jobs.filter(({ command }) => command === 'import').map(({ job }) => job.earlierRan.map(({ key }) => key.replace(/^.*analytics-v2\//, '')))).toEqual([[], ['1/deactivate/ran.json']]);
    expect(world.jobs.filter(({ command }) => command === 'import').map(({ job }) => job.earlierBrought?.map(({ key }) => key.replace(/^.*analytics-v2\//, '')))).toEqual([undefined, ['1/import/brought/variable.json', '1/import/brought/connection.json']]);
    expect(world.jobs.filter(({ command }) => command === 'drain').map(({ job }) => job.earlierAttempts)).toEqual([[], []]);
  });

  it('refuses an attempt that is not the newest to have paused the source', async () => {
    const world = await after(...EXPORTED, { phase: 'export', mode: 'final' });
    await expect(run(world, { ...back, attempt: 1 })).rejects.toThrow(/Rollback cannot go back from attempt 1\.[^]*had paused is in the record of the one after it; attempt 2 is the newest/);
  });

  it.each([
    { of: 'a rehearsal', attempt: 1, says: /attempt 1 is a rehearsal, which pauses nothing; attempt 3 is the newest one that paused the source/ },
    { of: 'one that was put back', attempt: 2, says: /the source was put back from attempt 2 at 2026.*, and paused again since; attempt 3/ },
    { of: 'one that is not there', attempt: 7, says: /there is no attempt 7; attempt 3/ },
  ])('says why it does not go back from $of', async ({ attempt, says }) => {
    const final = { phase: 'export', mode: 'final' } as const;
    const world = await after(...READY, { phase: 'export', mode: 'rehearsal' }, final, back, final);
    await expect(run(world, { ...back, attempt })).rejects.toThrow(says);
  });

  it('names at most ten tasks that still run, each on its line', async () => {
    const world = await after(...CUT_OVER);
    world.answers.stillRunning = 31;
    await expect(run(world, back)).rejects.toThrow(/31 tasks still run on analytics-v2, whose DAGs are paused now:(\n {2}- hourly \/ cut \/ task_\d.*){10}\n {2}- and 21 more\n {2}Why/);
  });

  it('tells of DAGs that a try before has paused', async () => {
    const world = await after(...CUT_OVER);
    world.answers.stillRunning = 1;
    await expect(run(world, back)).rejects.toThrow(/1 task still runs/);
    world.answers.stillRunning = 0;
    expect(plain((await run(world, back)).summary)).toMatch(/analytics-v2 is paused: 2 DAGs switched off/);
    expect(plain((await run(world, { phase: 'status' })).summary)).toMatch(/2 DAGs paused on the target/);
    expect(plain((await run(world, back)).summary)).toMatch(/analytics-v2 was paused by an earlier run of rollback: 2 DAGs switched off/);
  });
});
