import { describe, expect, it } from '@jest/globals';
import type { Inputs } from '../../../src/inputs.js';
import { phases } from '../../../src/phases/index.js';
import { anInFlightRun, aRanRun } from '../../builders/values.js';
import { Killed, World } from '../../builders/world.js';

type Run = Partial<Inputs> & Pick<Inputs, 'phase'>;
const CHAIN: readonly Run[] = [
  { phase: 'resources' }, { phase: 'create' }, { phase: 'export', mode: 'rehearsal' }, { phase: 'export', mode: 'final' }, { phase: 'import' }, { phase: 'verify' }, { phase: 'cutover' }, { phase: 'rollback' },
];
const MIGRATION_BUCKET = 'mwaa-migrate-111122223333-eu-west-1';

const run = async (world: World, given: Run) => {
  const phase = phases[given.phase];
  if (!phase) throw new Error(given.phase);
  return await phase(world.context(given));
};
const aWorld = () => {
  const world = new World();
  world.sides.inFlight = [anInFlightRun('hourly', 'cut', { ended: 1 }), anInFlightRun('nightly_load', 'deferred', { fate: 'deferred', deferred: ['wait'] })];
  world.sides.made = [aRanRun('hourly', 'made')];
  return world;
};
const upTo = async (given: Run) => {
  const world = aWorld();
  for (const before of CHAIN.slice(0, CHAIN.indexOf(given))) await run(world, before);
  return world;
};

/** What a person would find afterwards; version ids and times are left out. */
const endState = (world: World) => ({
  keys: Object.fromEntries(['analytics-bucket', MIGRATION_BUCKET].map((name) => [name, world.keys(name)])),
  dags: { source: [...world.dags.source], target: [...world.dags.target] },
  environments: [...world.environments.keys()],
  created: world.createCalls,
  roles: [...world.roles.keys()],
  dagFiles: [...world.dagFiles],
  finished: world.journalValue?.finished.map(({ phase }) => phase),
  attempts: world.journalValue?.attempts.map(({ number, mode, steps, manifest }) => ({ number, mode, steps: steps.map(({ name }) => name), scope: manifest?.scope })),
  active: [1, 2].map((attempt) => world.text(MIGRATION_BUCKET, `data/migration/2.7.2_to_2.10.3/analytics-to-analytics-v2/${attempt}/active-dags.json`)),
  lock: world.lockedBy,
  parked: [...world.sides.parked], onSource: [...world.sides.onSource], ended: [...world.sides.ended.values()].map((runs) => [...runs]), sids: [...world.policySids.keys()], variables: [...world.publicKeys.keys()],
  accidents: world.sides.accidents,
});

describe('a runner that is killed at any of its calls', () => {
  it.each(CHAIN)('leaves $phase $mode so that the next run ends as an undisturbed one', async (given) => {
    const before = await upTo(given);
    const undisturbed = before.copy();
    await run(undisturbed, given);
    const expected = endState(undisturbed);
    expect(expected.dagFiles).toEqual([]);

    let kills = 0;
    for (let call = 1; ; call++) {
      const world = before.copy();
      world.killAtCall(call);
      try {
        await run(world, given);
        break; // it needs fewer calls than that
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
      }
      kills += 1;
      world.revive();
      const attempt = world.journalValue?.attempts.at(-1);
      // Dead with the last step recorded: that export has ended, and another one is another attempt.
      if (given.phase === 'export' && attempt?.mode === given.mode && attempt?.steps.some(({ name }) => name === 'exported')) {
        expect({ call, ...endState(world), lock: undefined }).toEqual({ call, ...expected });
        continue;
      }
      await run(world, given);
      expect({ call, ...endState(world) }).toEqual({ call, ...expected });
    }
    expect(kills).toBeGreaterThan(10);
  });

  it.each(CHAIN)('and $phase $mode run twice changes nothing the second time', async (given) => {
    const world = await upTo(given);
    await run(world, given);
    const first = endState(world);
    await run(world, given);
    const second = endState(world);
    // An export that has ended is not resumed: the next one takes the next attempt.
    if (given.phase === 'export') expect(second.attempts?.length).toBe((first.attempts?.length ?? 0) + 1);
    else expect(second).toEqual(first);
  });
});

describe('a rollback after a runner that was killed at any call', () => {
  /** Every step of the switch; what is before it pauses nothing. */
  const SWITCH = CHAIN.filter(({ phase, mode }) => mode === 'final' || ['import', 'verify', 'cutover', 'rollback'].includes(phase));

  it.each(SWITCH)('of $phase puts the source back as it was, with the target quiet and nothing run twice', async (given) => {
    const before = await upTo(given);
    for (let call = 1; ; call++) {
      const world = before.copy();
      world.killAtCall(call);
      const isOver = await run(world, given).then(() => true, (error: unknown) => { if (error instanceof Killed) return false; throw error; });
      world.revive();
      const back = await run(world, { phase: 'rollback' });
      const steps = world.journalValue?.attempts.flatMap(({ steps: done }) => done.map(({ name }) => name)) ?? [];
      const wasCut = world.sides.switched.size > 0;
      expect({
        call, ok: back.ok, source: [...world.dags.source], target: world.sides.active('target'), accidents: world.sides.accidents, dagFiles: [...world.dagFiles], stillEnded: [...world.sides.ended.values()], sids: [...world.policySids.keys()],
        secrets: [...world.publicKeys.keys(), ...world.keys(MIGRATION_BUCKET).filter((key) => key.endsWith('.sealed'))],
        // Nothing was recorded, nothing was paused: then there is nothing to go back from, and nothing to remember.
        restored: steps.includes('restored') || !steps.includes('active-dags'), onSource: [...world.sides.onSource.values()].sort(),
      }).toEqual({
        call, ok: true, source: [['nightly_load', false], ['hourly', false], ['old', true]], target: [], accidents: [], dagFiles: [], stillEnded: [], sids: [], secrets: [],
        restored: true, onSource: wasCut ? ['left failed', 'stand-in'] : [],
      });
      if (isOver) break;
    }
  });
});

describe('between a rollback that was killed and its retry', () => {
  const late: readonly Run[] = [{ phase: 'cutover' }, { phase: 'import' }, { phase: 'export', mode: 'final' }];

  // Before the cutover the target sleeps, so that rollback has nothing to pause there: only the source is at work by itself.
  it.each(late)('a late $phase is refused wherever the source may go on by itself', async (given) => {
    const before = await upTo(CHAIN[CHAIN.length - 2] as Run);
    let refused = 0;
    for (let call = 1; ; call++) {
      const world = before.copy();
      world.killAtCall(call);
      const isOver = await run(world, { phase: 'rollback' }).then(() => true, (error: unknown) => { if (error instanceof Killed) return false; throw error; });
      world.revive();
      const steps = world.journalValue?.attempts.at(-1)?.steps.map(({ name }) => name) ?? [];
      if (isOver || steps.includes('restored')) break;
      const wasOrdered = world.keys(MIGRATION_BUCKET).some((key) => key.endsWith('/restore/ordered.json')) || world.jobs.some(({ command }) => command === 'restore');
      const said = await run(world, given).then(() => 'done', (error: unknown) => String(error));
      if (wasOrdered) {
        expect({ call, said }).toEqual({ call, said: expect.stringMatching(/A rollback of attempt 2 has begun and has not ended/) });
        refused += 1;
      }
      expect((await run(world, { phase: 'rollback' })).ok).toBe(true);
      expect({ call, source: world.sides.active('source'), target: world.sides.active('target'), accidents: world.sides.accidents }).toEqual({ call, source: ['hourly', 'nightly_load'], target: [], accidents: [] });
    }
    expect(refused).toBeGreaterThan(2);
  });
});
