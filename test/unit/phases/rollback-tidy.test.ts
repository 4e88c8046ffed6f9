import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../../src/errors.js';
import { ACTIVE, after, back, CUT_OVER, EXPORTED, IMPORTED, plain, READY, run, steps, type Given } from '../../builders/rollback-story.js';
import { aMigrationFile, aTargetEnvironment } from '../../builders/values.js';
import type { World } from '../../builders/world.js';

const MIGRATION_BUCKET = 'mwaa-migrate-111122223333-eu-west-1';
const REHEARSAL = { phase: 'export', mode: 'rehearsal' } as const;
const FINAL = { phase: 'export', mode: 'final' } as const;
const KEYED = aMigrationFile({ bucket: { kmsKey: 'arn:aws:kms:eu-west-1:111122223333:key/one' } });

/** Everything of ours that must not stay; what a person would look for, by hand. */
const left = (world: World) => ({
  dags: [...world.dagFiles], files: world.keys('analytics-bucket').filter((key) => /analytics-v2\/dags\/mwaa_migrate/.test(key)), sids: [...world.policySids.keys()], keyGrants: [...world.keyGrants.keys()],
  variables: [...world.publicKeys.keys()], secrets: world.keys(MIGRATION_BUCKET).filter((key) => /\/export\/(variable|connection)\./.test(key)),
});
const NOTHING = { dags: [], files: [], sids: [], keyGrants: [], variables: [], secrets: [] };
/** Names of the calls that a run makes. */
const callsOf = async (world: World, given: Given, file = aMigrationFile()) => {
  const calls: string[] = [], { tick } = world;
  (world as { tick: World['tick'] }).tick = (what) => { calls.push(what); tick(what); };
  await run(world, given, file);
  (world as { tick: World['tick'] }).tick = tick;
  return calls.filter((what) => what.endsWith('(before)')).map((what) => what.replace(' (before)', ''));
};
const CHANGES = /^(lock|journal|write|writeOnce|replace|remove|purge|revoke|grant|key grant|source removeDag|target removeDag|remove variable|create|ensure|(source|target) (preflight|drain|restore|deactivate))/;

describe('rollback leaves nothing of ours behind', () => {
  it.each([
    { of: 'a rehearsal', given: [...READY, REHEARSAL] }, { of: 'two rehearsals', given: [...READY, REHEARSAL, REHEARSAL] }, { of: 'the final export', given: EXPORTED }, { of: 'two final exports', given: [...EXPORTED, FINAL] },
    { of: 'the import', given: IMPORTED }, { of: 'the cutover', given: CUT_OVER }, { of: 'create, before any export', given: READY },
  ])('after $of, and run again it only reads', async ({ given }) => {
    const world = await after(...given);
    const { ok, summary } = await run(world, back);
    expect([ok, left(world), [...world.dags.source]]).toEqual([true, NOTHING, ACTIVE]);
    const journal = JSON.stringify(world.journalValue);
    const calls = await callsOf(world, back);
    expect(calls.filter((what) => CHANGES.test(what))).toEqual([]);
    expect([calls.length > 5, JSON.stringify(world.journalValue), left(world)]).toEqual([true, journal, NOTHING]);
    if (given !== READY) expect(plain(summary)).toMatch(/Cleared away[^]*the statements of the migration bucket's policy/);
  });

  it('the grants of the bucket\'s key too', async () => {
    const world = await after();
    for (const given of EXPORTED) await run(world, given, KEYED);
    expect(left(world).keyGrants).toHaveLength(2);
    expect(plain((await run(world, back, KEYED)).summary)).toMatch(/2 KMS grants/);
    expect(left(world)).toEqual(NOTHING);
  });

  it('the values of every final export, which the journal says and the summary', async () => {
    const world = await after(...EXPORTED, FINAL);
    expect(left(world)).toMatchObject({ secrets: [1, 2].flatMap((attempt) => ['connection', 'variable'].map((table) => expect.stringContaining(`/${attempt}/export/${table}.sealed`))), variables: [expect.stringMatching(/public_key/), expect.stringMatching(/private_key/)] });
    expect(plain((await run(world, back)).summary)).toMatch(/the exported secrets: 4 object versions[^]*the one-time key pair in two variables/);
    expect(steps(world, 2)).toContain('secrets-removed');
    expect(world.keys(MIGRATION_BUCKET).filter((key) => key.includes('/export/dag_run.'))).toHaveLength(2);
  });

  it('what a killed rehearsal has left: DAG files on both sides', async () => {
    const world = await after(...READY);
    world.answers.failing = { export: new UserError('export died', 'why', 'fix.') };
    await expect(run(world, REHEARSAL)).rejects.toThrow('export died');
    world.answers.failing = {};
    expect(left(world).dags.length).toBeGreaterThan(0);
    const dry = plain((await run(world, { ...back, dryRun: true })).summary);
    expect(dry).toMatch(/would only clear away what lies around[^]*It would clear away[^]*db_export of the source/);
    expect(left(world).dags.length).toBeGreaterThan(0);
    await run(world, back);
    expect(left(world)).toEqual(NOTHING);
  });

  it.each([
    { what: 'gone', change: (world: World) => void world.environments.delete('analytics-v2') },
    { what: 'broken', change: (world: World) => void world.environments.set('analytics-v2', aTargetEnvironment({ Status: 'UNAVAILABLE' })) },
  ])('the DAG file of a target that is $what', async ({ what, change }) => {
    const world = await after(...EXPORTED);
    world.put('analytics-bucket', 'analytics-v2/dags/mwaa_migrate/db_import.py', 'ours');
    change(world);
    const result = await run(world, back);
    expect([result.ok, left(world).files, left(world).secrets, [...world.dags.source]]).toEqual([true, [], [], ACTIVE]);
    if (what === 'broken') expect(plain(result.summary)).toMatch(/Of the target only the DAG file could be seen to: analytics-v2 is UNAVAILABLE/);
    expect((await callsOf(world, back)).filter((call) => CHANGES.test(call))).toEqual([]);
  });

  it('puts the source back although the bucket of the target\'s DAGs cannot be asked, and says so', async () => {
    const world = await after(...EXPORTED);
    const context = world.context(back), { rollBack } = await import('../../../src/phases/rollback.js');
    const denied = () => Promise.reject(new UserError('Access denied: s3:GetObject on s3://analytics-bucket/analytics-v2/dags.', 'why', 'fix.'));
    const result = await rollBack({ ...context, target: { ...context.target, openBucket: (name, account) => ({ ...context.target.openBucket(name, account), head: denied }) } });
    expect([result.ok, [...world.dags.source], world.policySids.size]).toEqual([true, ACTIVE, 0]);
    expect(plain(result.summary)).toMatch(/could be seen to: Access denied: s3:GetObject/);
  });

  it('needs no plan role', async () => {
    const world = await after(...EXPORTED);
    const context = world.context({ ...back, planRole: 'arn:aws:iam::111122223333:role/gone' });
    const broken = { ...context, plan: new Proxy({}, { get: () => { throw new Error('the plan role was used'); } }) as typeof context.plan };
    const { rollBack } = await import('../../../src/phases/rollback.js');
    expect((await rollBack(broken)).ok).toBe(true);
  });

  it('says for how long the source was paused', async () => {
    const world = await after(...EXPORTED);
    world.now += 3 * 3_600_000;
    expect(plain((await run(world, back)).summary)).toMatch(/the source was paused for 3 h[^]*Time for which the source was paused \| 3 h[^|]*, from 2026-11-22T.*Z to 2026-11-22T.*Z/);
  });
});
