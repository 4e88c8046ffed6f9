import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../../src/errors.js';
import type { Inputs } from '../../../src/inputs.js';
import { rememberStep } from '../../../src/journal/transitions.js';
import type { MigrationFile } from '../../../src/migration-file/migration-file.js';
import { phases } from '../../../src/phases/index.js';
import { aMigrationFile, anEnvironment, anInFlightRun, aRanRun, aTargetEnvironment } from '../../builders/values.js';
import { World } from '../../builders/world.js';

type Given = Partial<Inputs> & Pick<Inputs, 'phase'>;
const run = async (world: World, inputs: Given, file: MigrationFile = aMigrationFile()) => {
  const phase = phases[inputs.phase];
  if (!phase) throw new Error(inputs.phase);
  return await phase(world.context(inputs, file));
};
/** One run of `hourly` is cut by the drain and goes on at the target; one of `nightly_load` is cut and does not. */
const after = async (...given: readonly Given[]) => {
  const world = new World();
  world.sides.inFlight = [anInFlightRun('hourly', 'cut', { ended: 2 }), anInFlightRun('nightly_load', 'submitted', { ended: 1, fate: 'deferred', deferred: ['wait'] })];
  for (const inputs of given) await run(world, inputs);
  return world;
};
const READY = [{ phase: 'resources' }, { phase: 'create' }] as const;
const EXPORTED = [...READY, { phase: 'export', mode: 'final' }] as const;
const IMPORTED = [...EXPORTED, { phase: 'import' }] as const;
const CUT_OVER = [...IMPORTED, { phase: 'cutover' }] as const;
const back = { phase: 'rollback' } as const;
const ACTIVE = [['nightly_load', false], ['hourly', false], ['old', true]];
const steps = (world: World, attempt = 1) => world.journalValue?.attempts.find(({ number }) => number === attempt)?.steps.map(({ name }) => name);
const plain = (summary: string) => summary.replace(/&#(\d+);/gu, (_, point: string) => String.fromCodePoint(Number(point))).replace(/<\/?code>/gu, '');

describe('rollback goes back from', () => {
  it('nothing, and says so: a chain that failed early may always call it', async () => {
    expect(plain((await run(new World(), back)).summary)).toMatch(/✅ Nothing to go back from[^]*This migration has not begun/);
    const world = await after(...READY, { phase: 'export', mode: 'rehearsal' });
    expect(plain((await run(world, back)).summary)).toMatch(/Nothing to go back from[^]*no final export that recorded what was active/);
    expect([...world.dags.source]).toEqual(ACTIVE);
  });

  it.each([{ of: 'the export', given: EXPORTED }, { of: 'the import', given: IMPORTED }])('$of: what the drain ended goes on, the target is not asked to do anything', async ({ given }) => {
    const world = await after(...given);
    const result = await run(world, back);
    expect(result.ok).toBe(true);
    expect([...world.dags.source]).toEqual(ACTIVE);
    expect(plain(result.summary)).toMatch(/2 of 2 DAGs are active again on analytics; 3 ended tasks were put back, 0 runs left failed/);
    expect(steps(world)).not.toContain('deactivated');
    expect(world.policySids.size).toBe(0);
  });

  it('a cutover: runs of the target become stand-ins, the run that went on there stays failed for a person', async () => {
    const world = await after(...CUT_OVER);
    world.sides.made = [aRanRun('nightly_load', 'next'), aRanRun('nightly_load', 'broken', { state: 'failed' }), aRanRun('old', 'by hand', { runType: 'manual', state: 'failed' })];
    const result = await run(world, back);
    const text = plain(result.summary);
    expect(result.ok).toBe(true);
    expect([[...world.dags.source], world.sides.active('target'), world.sides.accidents]).toEqual([ACTIVE, [], []]);
    expect([...world.sides.onSource]).toEqual([['nightly_load / next', 'stand-in'], ['nightly_load / broken', 'stand-in'], ['hourly / cut', 'left failed']]);
    expect(text).toMatch(/1 ended task was put back, 1 run left failed/);
    expect(text).toMatch(/\| hourly \| cut .*half done, stood there as running .*left failed on the source: see above/);
    expect(text).toMatch(/Left failed on the source: runs that went on at the target[^]*Mark as success[^]*from the top down[^]*Then clear[^]*\| hourly \| cut \| last \| up_for_retry \| clear, after the marks \|\n\| hourly \| cut \| slow\[2\] \| success \| mark success \|/);
    expect(text).toMatch(/\| nightly_load \| next .*nothing: it stands on the source as done/);
    expect(text).toMatch(/\| nightly_load \| broken .*set the run to queued there where it should run again/);
    expect(text).toMatch(/\| old \| by hand .*trigger it on the source/);
  });

  it('an earlier attempt too: what its drain ended is in the newest one\'s order', async () => {
    const world = await after(...EXPORTED, { phase: 'export', mode: 'final' });
    expect(plain((await run(world, back)).summary)).toMatch(/3 ended tasks were put back/);
    await run(world, { phase: 'export', mode: 'final' });
    expect((await run(world, back)).outputs.attempt).toBe('3');
    expect([...world.dags.source]).toEqual(ACTIVE);
  });

  it('an attempt whose drain never began: what a person has paused since stays paused', async () => {
    const world = await after(...READY);
    world.answers.failing = { drain: new UserError('no', 'why', 'fix.') };
    await expect(run(world, { phase: 'export', mode: 'final' })).rejects.toThrow('no');
    const attempts = world.journalValue?.attempts.map((attempt) => ({ ...attempt, steps: attempt.steps.filter(({ name }) => name === 'active-dags') })) ?? [];
    world.journalValue = world.journalValue && { ...world.journalValue, attempts };
    world.dags.source.set('hourly', true);
    expect((await run(world, back)).ok).toBe(true);
    expect(world.dags.source.get('hourly')).toBe(true);
    expect(steps(world)).toEqual(['active-dags', 'restored']);
  });

  it('an attempt that was put back before: it says when, and changes nothing', async () => {
    const world = await after(...CUT_OVER, back);
    world.dags.source.set('hourly', true); // by a person
    const result = await run(world, back);
    expect(plain(result.summary)).toMatch(/Attempt 1 was put back before, at .*1 of its 2 DAGs are active on analytics now[^]*paused now \(by a person, after the rollback\)/);
    expect([result.ok, world.dags.source.get('hourly')]).toEqual([true, true]);
  });

  it('a cutover whose resumed run succeeded there: nobody has to decide anything', async () => {
    const world = await after(...CUT_OVER);
    world.sides.resumedAs = 'success';
    const result = await run(world, back);
    const text = plain(result.summary);
    expect([[...world.sides.onSource], world.sides.accidents]).toEqual([[['hourly / cut', 'success']], []]);
    expect(text).toMatch(/0 runs left failed[^]*\| hourly \| cut .*nothing: it is success on the source too[^]*Runs that went on at the target and succeeded there \(1\)/);
    expect(text).not.toMatch(/clear on the source what has to run again/);
  });

  it('an attempt of which DAGs were missing: a rerun tries these, and leaves paused what a person has paused', async () => {
    const world = await after(...CUT_OVER);
    world.dags.source.delete('hourly');
    expect(await run(world, back)).toMatchObject({ failure: { fix: expect.stringMatching(/put back the files of the DAGs that are gone and run phase rollback again/) } });
    expect(await run(world, back)).toMatchObject({ ok: false, failure: { what: expect.stringMatching(/gone from the source since: hourly/) } });
    world.dags.source.set('hourly', true).set('nightly_load', true); // its file is back, and a person has paused the other
    const result = await run(world, back);
    expect([result.ok, result.outputs.changes, world.dags.source.get('hourly'), world.dags.source.get('nightly_load')]).toEqual([true, '1', false, true]);
    expect(world.sides.accidents).toEqual([]);
    // Airflow may have deleted its row then, so that nothing of what the target ran could be settled.
    const told = world.jobs.filter(({ command }) => command === 'restore').map(({ job: { ran } }) => ran);
    expect(told).toEqual([told[0], told[0], told[0]]);
    expect(told[0]?.key).toMatch(/deactivate\/ran\.json$/);
    world.dags.source.set('hourly', true);
    expect([(await run(world, back)).ok, world.dags.source.get('hourly')]).toEqual([true, true]);
  });

  it('an attempt of which a DAG was missing that has woken by itself', async () => {
    const world = await after(...EXPORTED);
    world.dags.source.delete('hourly');
    await run(world, back);
    world.dags.source.set('hourly', false);
    world.jobs.length = 0;
    expect([(await run(world, back)).ok, world.jobs]).toEqual([true, []]);
  });

  it('an export that aborted and put everything back itself', async () => {
    const world = await after(...READY);
    world.answers.failing = { drain: new UserError('drain failed (drain-aborted)', 'why', 'fix.') };
    await expect(run(world, { phase: 'export', mode: 'final' }, aMigrationFile({ drain: { leftover: 'abort' } }))).rejects.toThrow(/was put back/);
    const result = await run(world, back);
    expect([result.ok, [...world.dags.source]]).toEqual([true, ACTIVE]);
    expect(plain(result.summary)).toMatch(/Attempt 1 was put back before/);
  });

  it('a source that changed by hand meanwhile: what is gone ends red, what is more is named and left', async () => {
    const world = await after(...EXPORTED);
    world.dags.source.delete('hourly');
    world.dags.source.set('new', false);
    const result = await run(world, back);
    expect(result).toMatchObject({ ok: false, failure: { what: 'The source is not as it was before: gone from the source since: hourly.' } });
    expect(plain(result.summary)).toMatch(/1 of 2 DAGs are active again[^]*gone from the source since \(1\)[^]*- hourly[^]*not recorded: left as they are \(1\)[^]*- new/);
    expect(world.dags.source.get('nightly_load')).toBe(false);
  });

  it('a plan that is blocked by now', async () => {
    const world = await after(...EXPORTED);
    world.environments.set('analytics-v2', aTargetEnvironment({ Status: 'UNAVAILABLE' }));
    await expect(run(world, { phase: 'import' })).rejects.toThrow(/One thing blocks this migration/);
    const result = await run(world, back);
    expect([result.ok, [...world.dags.source]]).toEqual([true, ACTIVE]);
    expect(plain(result.summary)).toMatch(/Nothing was ever activated on analytics-v2, and it was left alone: it is UNAVAILABLE/);
  });
});

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

describe('after cutover', () => {
  it('no further final export is made: it would know nothing of what the target ran', async () => {
    const world = await after(...CUT_OVER);
    await expect(run(world, { phase: 'export', mode: 'final' })).rejects.toThrow(/Attempt 1 was cut over, at least in part\.[^]*run phase rollback first/);
    expect(world.journalValue?.attempts).toHaveLength(1);
  });

});

describe('drain.leftover: abort', () => {
  it('once the way back of an aborted export is ordered, nothing but rollback goes on: no older export is cut over', async () => {
    const world = await after(...IMPORTED);
    world.answers.failing = { drain: new UserError('drain failed (tasks-not-ended)', 'why', 'fix.'), restore: new UserError('no runner', 'why', 'fix.') };
    const abort = aMigrationFile({ drain: { leftover: 'abort' } });
    await expect(run(world, { phase: 'export', mode: 'final' }, abort)).rejects.toThrow(/no runner[^]*the export had failed: drain failed[^]*run phase rollback, which goes on with that/);
    world.answers.failing = {};
    for (const inputs of [{ phase: 'cutover', attempt: 1 }, { phase: 'export', mode: 'final' }] as const) await expect(run(world, inputs, abort)).rejects.toThrow(/A rollback of attempt 2 has begun and has not ended/);
    expect((await run(world, back, abort)).ok).toBe(true);
    expect([[...world.dags.source], world.sides.active('target'), world.sides.accidents]).toEqual([ACTIVE, [], []]);
  });

  it('an aborted export that ended tasks before puts them back although every DAG is active', async () => {
    const world = await after(...EXPORTED);
    world.answers.failing = { drain: new UserError('drain failed (drain-aborted)', 'why', 'fix.') };
    for (const dagId of ['hourly', 'nightly_load']) world.dags.source.set(dagId, false); // as an aborting drain leaves them
    await expect(run(world, { phase: 'export', mode: 'final' }, aMigrationFile({ drain: { leftover: 'abort' } }))).rejects.toThrow(/was put back: 2 of 2/);
    expect([...world.sides.ended]).toEqual([]);
  });
});

describe('run a second time, rollback tells of the target', () => {
  it.each([
    { of: 'nothing was imported into', given: EXPORTED, says: /Nothing was imported into analytics-v2, so it was left alone[^]*nothing of this migration was imported into it/ },
    { of: 'slept', given: IMPORTED, says: /analytics-v2 was left alone by the run of rollback that put the source back[^]*holds the imported history/ },
    { of: 'is gone', given: EXPORTED, isGone: true, says: /analytics-v2 does not exist; nothing ran there[^]*run phase create: there is no analytics-v2 any more/ },
  ])('that $of what the journal says', async ({ given, isGone = false, says }) => {
    const world = await after(...given);
    if (isGone) world.environments.delete('analytics-v2');
    const first = plain((await run(world, back)).summary);
    expect(/holds the imported history/.test(first)).toBe(given === IMPORTED);
    expect(plain((await run(world, back)).summary)).toMatch(says);
  });

  it('and of a run that was left failed as of then', async () => {
    const world = await after(...CUT_OVER, back);
    expect(plain((await run(world, back)).summary)).toMatch(/As recorded at 2026-11-22T.*; what somebody has done since is not seen here[^]*Unless it is done already, look at each run that was left failed at 2026/);
    expect(plain((await run(world, { ...back, dryRun: true })).summary)).toMatch(/Unless it is done already, look at the 1 run that was left failed then: hourly \/ cut\./);
  });
});

describe('a dry run of rollback', () => {
  it('foresees running tasks, runs that went on, and the ended tasks that are theirs', async () => {
    const world = await after(...CUT_OVER);
    world.runsSinceImport = [{ dag_id: 'hourly', dag_run_id: 'cut' }, { dag_id: 'nightly_load', dag_run_id: 'next' }];
    world.answers.stillRunning = 1;
    expect(plain((await run(world, { ...back, dryRun: true })).summary)).toMatch(
      /1 task runs or is queued there now \(hourly \/ cut \/ task_0\[3\] since 2026-11-22T09:58:00Z\)\. If one still does then, rollback ends red[^]*2 runs began there since the import, 1 of which was in flight on the source[^]*put 1 task back that the drain ended[^]*leave 2 other tasks that the drain ended[^]*hourly \/ cut/,
    );
  });

  it('foresees runs that went on from an attempt before, where this one stopped in its drain', async () => {
    const world = await after(...IMPORTED);
    world.answers.failing = { drain: new UserError('no runner', 'why', 'fix.') };
    await expect(run(world, { phase: 'export', mode: 'final' })).rejects.toThrow('no runner');
    world.runsSinceImport = [{ dag_id: 'hourly', dag_run_id: 'cut' }];
    expect(plain((await run(world, { ...back, dryRun: true })).summary)).toMatch(/1 run began there since the import, 1 of which was in flight on the source[^]*hourly \/ cut/);
  });

  it.each([
    { given: EXPORTED, says: /make 2 DAGs of analytics active again[^]*leave target analytics-v2 alone: nothing was imported into it[^]*put 3 tasks back/ },
    { given: IMPORTED, says: /nothing is active on analytics-v2 and nothing ran there since the import/ },
    { given: CUT_OVER, says: /pause 2 DAGs of analytics-v2[^]*end on the source what went on at the target: as success/ },
    { given: [...CUT_OVER, back], says: /attempt 1 was put back already/ },
  ])('after $given.length phases says what it would do and changes nothing', async ({ given, says }) => {
    const world = await after(...given);
    const traces = () => JSON.stringify([world.keys('mwaa-migrate-111122223333-eu-west-1'), [...world.dags.source], [...world.dags.target], [...world.policySids], world.journalValue, world.lockedBy ?? null]);
    const before = traces();
    expect(plain((await run(world, { ...back, dryRun: true })).summary)).toMatch(says);
    expect(traces()).toBe(before);
  });
});

it('counts as cut over what an older journal calls activated', async () => {
  const world = await after(...IMPORTED);
  world.journalValue = world.journalValue && rememberStep(world.journalValue, 1, { name: 'activated', at: '2026-11-22T10:00:00Z', by: 'somebody' });
  await expect(run(world, { phase: 'export', mode: 'final' })).rejects.toThrow(/was cut over/);
});
