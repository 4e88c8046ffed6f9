import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../../src/errors.js';
import { CUT_OVER, EXPORTED, IMPORTED, after, back, plain, run } from '../../builders/rollback-story.js';

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
