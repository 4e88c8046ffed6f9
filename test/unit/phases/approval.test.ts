import { describe, expect, it } from '@jest/globals';
import { rememberStep } from '../../../src/journal/transitions.js';
import { run, type Given, READY } from '../../builders/rollback-story.js';
import { aMigrationFile, anEnvironment, aTargetEnvironment, someWorkflowInputs } from '../../builders/values.js';
import { World } from '../../builders/world.js';

const APPROVED = { workflow: someWorkflowInputs({ requireApproval: true }) } as const;
const REHEARSAL = { phase: 'export', mode: 'rehearsal' } as const;
const FINAL = { phase: 'export', mode: 'final', ...APPROVED } as const;
const IMPORT = { phase: 'import', ...APPROVED } as const;
const CUTOVER = { phase: 'cutover', ...APPROVED } as const;

const attemptOf = (world: World, number: number) => world.journalValue?.attempts.find((one) => one.number === number);
/** As the gate writes it, by itself: nothing of the product's code. */
const approve = (world: World, number: number, change: Readonly<Record<string, unknown>> = {}) => {
  const journal = world.journalValue;
  if (!journal) throw new Error('no journal');
  world.journalValue = rememberStep(journal, number, {
    name: 'approved', at: '2026-11-22T11:00:00Z', by: 'https://github.com/o/r/actions/runs/7/attempts/1',
    data: { by: ['mona'], how: 'environment', environment: 'migration-production', planDigest: journal.planDigest, scope: attemptOf(world, number)?.manifest?.scope, ...change },
  });
};
const after = async (...given: readonly (Given | number)[]) => {
  const world = new World();
  for (const one of given) if (typeof one === 'number') approve(world, one); else await run(world, one);
  return world;
};
/** Everything a person could see change; a refusal leaves all of it as it is. */
const traces = (world: World) => JSON.stringify({ keys: [...world.buckets.keys()].map((name) => [name, world.keys(name)]), dags: [[...world.dags.source], [...world.dags.target]], journal: world.journalValue, sids: [...world.policySids] });
const refused = async (world: World, given: Given, says: RegExp, file = aMigrationFile()) => {
  const before = traces(world);
  await expect(run(world, given, file)).rejects.toThrow(says);
  expect(traces(world)).toBe(before);
};

describe('with require-approval', () => {
  it('what a person approved goes all the way: the final export says which rehearsal it was made from', async () => {
    const world = await after(...READY, REHEARSAL, 1, FINAL, IMPORT, CUTOVER);
    expect(attemptOf(world, 2)?.steps.find(({ name }) => name === 'made-from')?.data).toEqual({ from: 1 });
    expect(world.sides.active('target')).toEqual(['hourly', 'nightly_load']);
  });

  it('a final export that was approved itself, before the gate, is imported', async () => {
    const world = await after(...READY, { phase: 'export', mode: 'final' });
    await refused(world, IMPORT, /Attempt 1, a final export, was not approved\.[^]*what a person has approved/);
    approve(world, 1);
    expect((await run(world, IMPORT)).ok).toBe(true);
  });

  it.each([
    { given: READY, says: /Nothing of migration .* was approved: it has no rehearsal/, because: 'nothing was exported' },
    { given: [...READY, REHEARSAL], says: /Attempt 1, a rehearsal, was not approved\./, because: 'nobody answered' },
    { given: [...READY, REHEARSAL, 1, REHEARSAL], says: /Attempt 2, a rehearsal, was not approved; approved was attempt 1, .* which is older/, because: 'the digest of an older attempt is equal, and counts for nothing' },
    { given: [...READY, REHEARSAL, 1, { phase: 'export', mode: 'final' }], says: /Attempt 2, a final export, was made at .*, and no rehearsal was approved since/, because: 'somebody exported without approval' },
    { given: [...READY, REHEARSAL, 1, FINAL, { phase: 'rollback' }], says: /The approval of attempt 1 is used up: the final export made from it, attempt 2, was put back at/, because: 'one approval, one final export' },
  ] as const)('a final export is refused and changes nothing: $because', async ({ given, says }) => {
    await refused(await after(...given), { ...FINAL, dryRun: true }, says);
    await refused(await after(...given), FINAL, says);
  });

  it('a final export is refused before the migration has begun, and makes no bucket', async () => {
    const world = new World();
    world.environments.set('analytics-v2', aTargetEnvironment());
    await refused(world, FINAL, /Nothing of migration "analytics-to-analytics-v2" was approved: it has no rehearsal/);
  });

  it.each([
    { what: 'another filter', file: aMigrationFile({ metadata: { historyDays: 7 } }), says: /The plan is not the approved one[^]*historyDays/ },
    { what: 'secrets that were not shown', file: aMigrationFile({ metadata: { connections: true } }), says: /The plan is not the approved one[^]*connections/ },
  ])('$what than approved is refused before anything is paused', async ({ file, says }) => {
    await refused(await after(...READY, REHEARSAL, 1), FINAL, says, file);
  });

  it('a source that changed since is refused, with what changed', async () => {
    const world = await after(...READY, REHEARSAL, 1);
    world.environments.set('analytics', anEnvironment({ MaxWorkers: 25 }));
    await refused(world, FINAL, /The plan is not the approved one[^]*environment\.fields\.MaxWorkers: 10 → 25/);
  });

  it('filters are compared with the rehearsal itself, whatever plan was approved', async () => {
    const world = await after(...READY, REHEARSAL);
    const file = aMigrationFile({ metadata: { xcom: false } });
    const { outputs } = await run(world, { phase: 'export', mode: 'rehearsal', dryRun: true }, file);
    approve(world, 1, { planDigest: outputs['plan-digest'] });
    await refused(world, FINAL, /The export is not what was approved[^]*filters\.xcom: true → false[^]*Approved was attempt 1[^]*nothing was paused/, file);
  });

  it('a table with another column in the final export gives it up, with the difference, and it cannot be imported', async () => {
    const world = await after(...READY, REHEARSAL, 1);
    world.answers.manifest = (manifest) => ({ ...manifest, tables: manifest.tables.map((table) => (table.name === 'dag_run' ? { ...table, columns: [...table.columns, 'added'], types: [...table.types, 'text'] } : table)) });
    await expect(run(world, FINAL)).rejects.toThrow(/The export is not what was approved[^]*tables\[dag_run\]\.columns[^]*what was exported is given up/);
    await expect(run(world, IMPORT)).rejects.toThrow(/The export of attempt 2 has not finished/);
    await expect(run(world, FINAL)).rejects.toThrow(/The approval of attempt 1 is used up: .* attempt 2, was given up at/);
  });

  it.each([{ phase: IMPORT }, { phase: CUTOVER }])('$phase.phase of an export whose scope is not the approved one names the difference', async ({ phase }) => {
    const world = await after(...READY, REHEARSAL, { phase: 'export', mode: 'final' }, ...(phase === CUTOVER ? [{ phase: 'import' }] as const : []));
    approve(world, 2, { scope: '0'.repeat(64) });
    await refused(world, phase, /The export is not what was approved: its manifest digest is [0-9a-f]{64}, approved is 0{64}[^]*Approved was attempt 2/);
  });

  it.each([{ given: IMPORT, name: 'import' }, { given: CUTOVER, name: 'cutover' }])('$name is refused once a further export was begun', async ({ given }) => {
    const world = await after(...READY, REHEARSAL, 1, FINAL, ...(given === CUTOVER ? [IMPORT] : []), REHEARSAL);
    await refused(world, given, /The approval of attempt 1 is void for attempt 2: attempt 3, a rehearsal, was begun at/);
  });

  it('but a cutover that has begun goes on, whatever was rehearsed since', async () => {
    const world = await after(...READY, REHEARSAL, 1, FINAL, IMPORT);
    world.answers.left = [{ dagId: 'hourly', reason: 'its file is missing' }];
    await run(world, CUTOVER);
    await run(world, REHEARSAL);
    world.answers.left = [];
    expect((await run(world, CUTOVER)).ok).toBe(true);
  });

  it('an export that is asked for again gives back the one its approval was used for', async () => {
    const world = await after(...READY, REHEARSAL, 1, FINAL);
    const first = world.journalValue?.attempts.length, before = traces(world);
    const again = await run(world, FINAL);
    expect([world.journalValue?.attempts.length, again.outputs.attempt, traces(world)]).toEqual([first, '2', before]);
    expect(again.summary).toMatch(/Exported .* rows of .* tables/);
  });

  it.each(['import', 'verify', 'cutover'] as const)('%s refuses an attempt that has expired, also without require-approval', async (phase) => {
    const world = await after(...READY, { phase: 'export', mode: 'final' }, { phase: 'import' });
    if (!world.journalValue) throw new Error('no journal');
    world.journalValue = rememberStep(world.journalValue, 1, { name: 'expired', at: '2026-11-22T12:00:00Z', by: 'watch' });
    await refused(world, { phase }, /Attempt 1 has expired at 2026-11-22T12:00:00Z: its gate was not answered in time/);
  });
});

describe('who started an export', () => {
  const startedBy = (world: World, ...people: readonly string[]) => void (world.people = people);
  it('stands in the journal; whoever goes on with it is added, and nobody is taken off', async () => {
    const world = await after(...READY);
    startedBy(world, 'mona');
    world.answers.failing = { drain: Object.assign(new Error('killed'), { name: 'Killed' }) as never };
    await expect(run(world, { phase: 'export', mode: 'final' })).rejects.toThrow('killed');
    world.answers.failing = {};
    world.revive();
    startedBy(world, 'hubot', 'mona');
    await run(world, { phase: 'export', mode: 'final' });
    expect(attemptOf(world, 1)?.steps.find(({ name }) => name === 'started')?.data).toEqual({ startedBy: ['mona', 'hubot'] });
  });
});
