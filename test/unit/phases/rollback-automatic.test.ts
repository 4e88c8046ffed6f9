import { describe, expect, it } from '@jest/globals';
import { rememberStep, replaceStep } from '../../../src/journal/transitions.js';
import { ACTIVE, after, CUT_OVER, EXPORTED, IMPORTED, plain, READY, run, type Given } from '../../builders/rollback-story.js';
import { World } from '../../builders/world.js';

const RUN = 'https://github.com/acme/airflow/actions/runs';
const automatic = { phase: 'rollback', isAutomatic: true } as const;
const by = async (owner: string, ...given: readonly Given[]) => {
  const world = await after();
  world.owner = owner;
  for (const one of given) await run(world, one);
  return world;
};
const told = async (world: World) => {
  const result = await run(world, automatic);
  return { ok: result.ok, text: plain(result.summary) };
};

describe('a rollback that no person has asked for', () => {
  it.each([
    { of: 'the export', given: EXPORTED, at: `${RUN}/7/attempts/1` }, { of: 'the import', given: IMPORTED, at: `${RUN}/7/attempts/1` }, { of: 'an earlier attempt of the run', given: EXPORTED, at: `${RUN}/7/attempts/3` },
  ])('puts back what its own run has paused: after $of', async ({ given, at }) => {
    const world = await by(`${RUN}/7/attempts/1`, ...given);
    world.owner = at;
    expect((await told(world)).text).toMatch(/2 of 2 DAGs are active again on analytics/);
    expect([...world.dags.source]).toEqual(ACTIVE);
  });

  it('goes back from a cutover that a red canary has stopped: what was left behind runs on neither side', async () => {
    const world = await by(`${RUN}/7/attempts/1`, ...IMPORTED);
    world.answers.left = [{ dagId: 'hourly', reason: 'behind a red canary' }];
    await run(world, { phase: 'cutover' });
    expect((await told(world)).ok).toBe(true);
    expect([world.sides.active('source'), world.sides.active('target')]).toEqual([['hourly', 'nightly_load'], []]);
  });

  it('goes back from a cutover that was killed half-way', async () => {
    const world = await by(`${RUN}/7/attempts/1`, ...CUT_OVER);
    world.journalValue = world.journalValue && { ...world.journalValue, attempts: world.journalValue.attempts.map((attempt) => ({ ...attempt, steps: attempt.steps.filter(({ name }) => name !== 'activated') })) };
    expect((await told(world)).ok).toBe(true);
    expect(world.sides.active('target')).toEqual([]);
  });

  it.each([
    { what: 'a finished cutover', given: CUT_OVER, owner: `${RUN}/7/attempts/1`, says: /Nothing was rolled back[^]*attempt 1, .*, was cut over at .*: the target has the schedule/ },
    { what: 'what another run has paused', given: EXPORTED, owner: `${RUN}/8/attempts/1`, says: /belongs to another workflow run \(https:\/\/github\.com\/acme\/airflow\/actions\/runs\/7\/attempts\/1\)/ },
    { what: 'what a run with a longer number has paused', given: EXPORTED, owner: `${RUN}/77/attempts/1`, says: /belongs to another workflow run/ },
    { what: 'what a person has paused by hand', given: EXPORTED, owner: 'process 4 on laptop', says: /belongs to another workflow run/ },
  ])('leaves $what alone, green, and changes nothing', async ({ given, owner, says }) => {
    const world = await by(`${RUN}/7/attempts/1`, ...given);
    world.owner = owner;
    const before = JSON.stringify([world.journalValue, [...world.dags.source], [...world.dags.target], [...world.policySids], world.keys('mwaa-migrate-111122223333-eu-west-1')]);
    const { ok, text } = await told(world);
    expect([ok, JSON.stringify([world.journalValue, [...world.dags.source], [...world.dags.target], [...world.policySids], world.keys('mwaa-migrate-111122223333-eu-west-1')])]).toEqual([true, before]);
    expect(text).toMatch(says);
  });

  it('leaves what another run has paused alone, also when its own approval of it was refused', async () => {
    const world = await by(`${RUN}/7/attempts/1`, ...EXPORTED);
    world.owner = `${RUN}/8/attempts/1`;
    world.journalValue = world.journalValue && rememberStep(world.journalValue, 1, { name: 'approval-refused', at: '2026-11-22T12:00:00Z', by: world.owner, data: {} });
    expect([(await told(world)).text, world.sides.active('source')]).toEqual([expect.stringMatching(/belongs to another workflow run/), []]);
  });

  it.each<{ what: string; works: readonly (readonly [run: 7 | 8, given: Given, isRed?: boolean])[]; goes: readonly (7 | 8)[] }>([
    { what: 'one paused, the other verified', works: [[7, { phase: 'import' }], [8, { phase: 'verify' }]], goes: [7] },
    { what: 'one paused, the other imported: nothing is active yet', works: [[8, { phase: 'import' }]], goes: [7, 8] },
    { what: 'one paused and began to cut over, the other verified', works: [[7, { phase: 'import' }], [7, { phase: 'cutover' }, true], [8, { phase: 'verify' }]], goes: [7] },
    { what: 'one paused, the other began to cut over', works: [[7, { phase: 'import' }], [8, { phase: 'cutover' }, true]], goes: [8] },
    { what: 'one began to cut over, the other went on with it', works: [[7, { phase: 'import' }], [7, { phase: 'cutover' }, true], [8, { phase: 'cutover' }, true]], goes: [8] },
    { what: 'one began to cut over, the other ended it', works: [[7, { phase: 'import' }], [7, { phase: 'cutover' }, true], [8, { phase: 'cutover' }]], goes: [] },
  ])('of two runs goes back for those that have to answer for it: $what', async ({ works, goes }) => {
    const world = await by(`${RUN}/7/attempts/1`, ...EXPORTED);
    for (const [at, given, isRed] of works) {
      world.owner = `${RUN}/${at}/attempts/1`;
      world.answers.left = isRed ? [{ dagId: 'hourly', reason: 'behind a red canary' }] : [];
      await run(world, given).catch((error: unknown) => { if (given.phase !== 'verify') throw error; });
      if (given.phase === 'verify') world.journalValue = world.journalValue && replaceStep(world.journalValue, 1, { name: 'verified', at: '2026-11-22T12:00:00Z', by: world.owner, data: {} });
    }
    for (const at of [7, 8] as const) {
      const copy = world.copy();
      copy.owner = `${RUN}/${at}/attempts/2`;
      const before = JSON.stringify([copy.journalValue, [...copy.dags.source], [...copy.dags.target]]);
      expect({ at, ok: (await told(copy)).ok, isLeft: JSON.stringify([copy.journalValue, [...copy.dags.source], [...copy.dags.target]]) === before }).toEqual({ at, ok: true, isLeft: !goes.includes(at) });
      if (goes.includes(at)) expect([copy.sides.active('source'), copy.sides.active('target')]).toEqual([['hourly', 'nightly_load'], []]);
    }
  });

  it('is green where nothing has begun, where nothing was paused, and where it was put back before', async () => {
    expect((await told(new World())).text).toMatch(/This migration has not begun/);
    const world = await by(`${RUN}/7/attempts/1`, ...READY, { phase: 'export', mode: 'rehearsal' });
    expect((await told(world)).text).toMatch(/has no final export that recorded what was active[^]*Cleared away/);
    expect(world.policySids.size).toBe(0);
    await run(world, { phase: 'export', mode: 'final' });
    expect((await told(world)).ok).toBe(true);
    expect((await told(world)).text).toMatch(/attempt 2 was put back before/);
  });

  it('waits for another run that holds the lock: nobody else puts the source back', async () => {
    const world = await by(`${RUN}/7/attempts/1`, ...EXPORTED);
    world.lockedBy = `${RUN}/9/attempts/1`;
    const until = world.now + 100 * 60_000, { tick } = world;
    (world as { tick: typeof tick }).tick = (what) => {
      tick(what);
      if (world.now >= until && world.lockedBy?.includes('/9/')) world.lockedBy = undefined;
    };
    expect((await run(world, { ...automatic, timeoutMinutes: 330 })).ok).toBe(true);
    expect([...world.dags.source]).toEqual(ACTIVE);
    expect(world.lines.filter((line) => line.includes('/runs/9/'))).toHaveLength(1);
  });

  it('leaves itself time for the way back when it waits, and a person is told at once', async () => {
    const world = await by(`${RUN}/7/attempts/1`, ...EXPORTED);
    world.lockedBy = `${RUN}/9/attempts/1`;
    const begun = world.now;
    await expect(run(world, { ...automatic, timeoutMinutes: 330 })).rejects.toThrow(/runs\/9/);
    expect(world.now - begun).toBe(300 * 60_000);
    await expect(run(world, { phase: 'rollback', timeoutMinutes: 330 })).rejects.toThrow(/runs\/9/);
    expect(world.now - begun).toBe(300 * 60_000);
  });

  it('does not take the lock from a run that works there, when nothing is left to put back', async () => {
    const world = await by(`${RUN}/7/attempts/1`, ...READY, { phase: 'export', mode: 'rehearsal' });
    world.lockedBy = `${RUN}/9/attempts/1`;
    const { ok, text } = await told(world);
    expect([ok, world.lockedBy, world.policySids.size]).toEqual([true, `${RUN}/9/attempts/1`, 1]);
    expect(text).toMatch(/another runner works on this migration: https:\/\/github\.com\/acme\/airflow\/actions\/runs\/9/);
  });
});
