import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../../src/errors.js';
import { rememberStep } from '../../../src/journal/transitions.js';
import { ACTIVE, CUT_OVER, EXPORTED, IMPORTED, READY, after, back, plain, run, steps } from '../../builders/rollback-story.js';
import { aMigrationFile, aRanRun, aTargetEnvironment } from '../../builders/values.js';
import { World } from '../../builders/world.js';

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

  it.each(['import', 'cutover'] as const)('while the drain of a newer export has not ended, %s of an older one is refused, until that one is rolled back', async (phase) => {
    const world = await after(...IMPORTED);
    world.answers.failing = { drain: new UserError('no runner', 'why', 'fix.') };
    await expect(run(world, { phase: 'export', mode: 'final' })).rejects.toThrow('no runner');
    expect(world.journalValue?.attempts.map(({ number }) => number)).toEqual([1, 2]);
    await expect(run(world, { phase, attempt: 1 })).rejects.toThrow(/Attempt 2, which is newer than attempt 1, has begun to drain the source and has not ended\.[^]*or phase rollback/);
    expect(world.sides.active('target')).toEqual([]);
  });

  it('an aborted export that ended tasks before puts them back although every DAG is active', async () => {
    const world = await after(...EXPORTED);
    world.answers.failing = { drain: new UserError('drain failed (drain-aborted)', 'why', 'fix.') };
    for (const dagId of ['hourly', 'nightly_load']) world.dags.source.set(dagId, false); // as an aborting drain leaves them
    await expect(run(world, { phase: 'export', mode: 'final' }, aMigrationFile({ drain: { leftover: 'abort' } }))).rejects.toThrow(/was put back: 2 of 2/);
    expect([...world.sides.ended]).toEqual([]);
  });
});

it('counts as cut over what an older journal calls activated', async () => {
  const world = await after(...IMPORTED);
  world.journalValue = world.journalValue && rememberStep(world.journalValue, 1, { name: 'activated', at: '2026-11-22T10:00:00Z', by: 'somebody' });
  await expect(run(world, { phase: 'export', mode: 'final' })).rejects.toThrow(/was cut over/);
});
