/**
 * docs/examples/several-accounts.yml on real Airflow: source and target in accounts of their own, every role assumed with GitHub's token in its own account,
 * the export read by the other account's execution role. Made ready as docs/how-to/several-accounts.md says, with its own listings.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { WorkflowRun } from '../../../sandbox/act/records.js';
import { activeDags, compareBySql } from '../../oracle/by-sql.js';
import { ACTIVE_DAGS, LEAST_TASK_INSTANCES } from '../../source/expected.js';
import { ACCOUNT, SOURCE, TARGET } from '../../support/world.js';
import { resultsOf } from '../support/attempts.js';
import { log, troubles, untilAsked } from '../support/halves.js';
import { attemptsOf } from '../support/journal.js';
import { leaksOf } from '../support/left-behind.js';
import { oursOn, secretObjects } from '../support/nothing-of-ours.js';
import { allowMigrationBucket, prepareSecondAccount, SECOND_ACCOUNT_FILE, SECOND_ACCOUNT_PARAMETERS, TARGET_ACCOUNT } from '../support/second-account.js';
import { startWorkflowWorld, type WorkflowWorld } from '../support/world.js';

const MINUTES = 60_000;

describe('a migration into another account', () => {
  let world: WorkflowWorld;
  let run: WorkflowRun;
  const source = () => world.migration.sandbox.environment(SOURCE).running;
  const target = () => world.migration.sandbox.environment(TARGET).running;

  beforeAll(async () => {
    world = await startWorkflowWorld({
      ...(log ? { log } : {}), example: 'several-accounts.yml', with: { check: 'false' }, targetAccount: TARGET_ACCOUNT, roleParameters: SECOND_ACCOUNT_PARAMETERS,
      migration: SECOND_ACCOUNT_FILE,
    });
    allowMigrationBucket(world.migration, prepareSecondAccount(world.migration));
    const started = world.start();
    await untilAsked(world, started);
    expect(await world.review('approved')).toBe(200);
    run = await started.done;
    if (run.code !== 0) throw new Error(troubles(run));
  }, 60 * MINUTES);
  afterAll(async () => {
    await world?.close();
  }, MINUTES);

  it('ends with every job of the chain green', () => expect(resultsOf(world.jobs, run)).toEqual({
    start: 'success', check: 'skipped', plan: 'success', resources: 'success', create: 'success', 'pause-first': 'skipped', rehearse: 'success', ask: 'success', gate: 'success', watch: 'skipped',
    export: 'success', import: 'success', verify: 'success', 'cutover-gate': 'skipped', 'cutover-watch': 'skipped', cutover: 'success', 'watch-rollback': 'skipped', 'cutover-watch-rollback': 'skipped', rollback: 'skipped', finish: 'success',
  }));

  it('brought the history into the other account, row by row, and the schedule with it', async () => {
    expect(world.migration.sandbox.environment(TARGET).account).toBe(TARGET_ACCOUNT);
    const comparison = await compareBySql(source(), target());
    expect(comparison.differences).toEqual([]);
    expect(comparison.more).toBe(0);
    expect(comparison.counts['task_instance']?.target).toBeGreaterThanOrEqual(LEAST_TASK_INSTANCES);
    expect(await activeDags(target().databaseUrl)).toEqual(ACTIVE_DAGS);
    expect(await activeDags(source().databaseUrl)).toEqual([]);
    expect(await oursOn(world.migration, SOURCE)).toEqual([]);
    expect(await oursOn(world.migration, TARGET)).toEqual([]);
    expect(await secretObjects(world.migration)).toEqual([]);
    expect((await attemptsOf(world.migration)).map(({ mode }) => mode)).toEqual(['rehearsal', 'final']);
  }, 5 * MINUTES);

  it('used in each account the roles of that account that the page names, and no other', () => {
    const used = new Set(world.migration.sandbox.calls.flatMap(({ principal }) => /^arn:aws:sts::(\d+:assumed-role\/mwaa-migrate-[a-z]+)\//u.exec(principal)?.[1] ?? []));
    expect([...used].sort()).toEqual([
      `${ACCOUNT}:assumed-role/mwaa-migrate-plan`, `${ACCOUNT}:assumed-role/mwaa-migrate-source`, `${TARGET_ACCOUNT}:assumed-role/mwaa-migrate-plan`, `${TARGET_ACCOUNT}:assumed-role/mwaa-migrate-target`,
    ]);
  });

  it('read the export with the execution role of the other account', () => {
    const { calls } = world.migration.sandbox;
    const reads = calls.filter(({ service, action, principal, resource, status }) => service === 's3' && action === 'GetObject' && status < 300 && principal.includes(`${TARGET_ACCOUNT}:assumed-role/`) && principal.includes('execution') && /\/export\/task_instance\.csv/u.test(resource));
    expect(reads.length).toBeGreaterThan(0);
  });

  it('let no value of a variable out, in either account', async () => expect(await leaksOf(world)).toBe(''), 5 * MINUTES);
});
