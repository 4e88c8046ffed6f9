/**
 * Every example as it stands, run by act in a repository that has nothing else: to the end of a plan, or to the refusal that the example is about. The whole way through
 * migrate.yml, with real Airflow, is test/e2e/workflow; dry-run.yml is run by test/contract/workflows.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { WorkflowRun } from '../../sandbox/act/records.js';
import { aCallerWorld, type CallerWorld } from './a-caller.js';
import { MIGRATION_FILE, OTHER_ACCOUNT_FILE, SOURCE_ACCOUNT, TARGET_ACCOUNT } from './two-accounts.js';

let world: CallerWorld;
beforeAll(async () => { world = await aCallerWorld(); }, 120_000);
afterAll(async () => { await world.close(); });

const errorsOf = ({ annotations }: WorkflowRun, job: string): string => annotations.filter((one) => one.job === job && one.level === 'error').map((one) => one.text).join('\n');
const PLANNED = { start: 'success', plan: 'success', finish: 'success' };
const DIGEST = /^[0-9a-f]{64}$/u;

describe('only: plan', () => {
  it.each(['migrate.yml', 'pause-before-gate.yml', 'self-hosted-vpc.yml'])('%s plans, says where it stands, and changes nothing', async (example) => {
    world.sandbox.clearCalls();
    const run = await world.run(example, { only: 'plan' });
    expect([run.jobs, run.code]).toEqual([PLANNED, 0]);
    expect(run.outputs['plan.plan.plan-digest']).toMatch(DIGEST);
    expect(run.summaries['plan']).toContain('<code>analytics-v2</code>');
    expect(world.sandbox.calls.filter(({ action }) => /^(?:Create|Put|Delete|Update|Attach|Tag)/u.test(action))).toEqual([]);
  }, 120_000);

  it('monorepo.yml plans the migration that was chosen, with its own file and roles', async () => {
    world.sandbox.clearCalls();
    const run = await world.run('monorepo.yml', { migration: 'analytics', only: 'plan' }, {}, { migration: 'analytics' });
    expect([run.jobs, run.code]).toEqual([PLANNED, 0]);
    expect(run.outputs['plan.plan.plan-digest']).toMatch(DIGEST);
    expect(new Set(world.sandbox.calls.map(({ principal }) => /assumed-role\/([\w-]+)/u.exec(principal)?.[1]).filter(Boolean))).toEqual(new Set(['mwaa-migrate-analytics-plan']));
  }, 120_000);

  it('several-accounts.yml looks at each side in its own account, and plans for the account of the target', async () => {
    world.caller.commit({ '.github/mwaa-migration.yml': OTHER_ACCOUNT_FILE });
    world.sandbox.clearCalls();
    const run = await world.run('several-accounts.yml', { only: 'plan' }, { ...world.variables, ...world.elsewhere });
    world.caller.commit({ '.github/mwaa-migration.yml': MIGRATION_FILE });
    expect([run.jobs, run.code]).toEqual([PLANNED, 0]);
    const looked = world.sandbox.calls.filter(({ action }) => action === 'GetEnvironment').map(({ principal, resource }) => [/sts::(\d+):/u.exec(principal)?.[1], /:(\d{12}):environment\/([\w-]+)/u.exec(resource ?? '')?.slice(1).join(' ')]);
    expect(looked).toContainEqual([SOURCE_ACCOUNT, `${SOURCE_ACCOUNT} analytics`]);
    expect(looked).toContainEqual([TARGET_ACCOUNT, `${TARGET_ACCOUNT} analytics-v2`]);
    expect(run.summaries['plan']).toContain(TARGET_ACCOUNT);
  }, 120_000);
});

describe('what an example is about', () => {
  it('several-accounts.yml refuses a role of a third account before it is used', async () => {
    world.sandbox.clearCalls();
    const run = await world.run('several-accounts.yml', { only: 'plan' }, { ...world.variables, ...world.elsewhere, MWAA_PLAN_ROLE: 'arn:aws:iam::777788889999:role/mwaa-migrate-plan' });
    expect(run.jobs).toEqual({ start: 'success', plan: 'failure', finish: 'failure' });
    // In the summary, for act cannot read an error command with "::" in its text.
    expect(run.summaries['plan']).toMatch(/allowed-account-ids, plan-role: arn:aws:iam::777788889999:/u);
    expect(world.sandbox.calls).toEqual([]);
  }, 120_000);

  it('migrate.yml stops at its start while GitHub lets everybody through the gate', async () => {
    const gate = world.github.state.environments.get('migration-production');
    world.github.state.environments.delete('migration-production');
    const run = await world.run('migrate.yml', {});
    if (gate) world.github.state.environments.set(gate.name, gate);
    expect(run.jobs['start']).toBe('failure');
    expect(Object.keys(run.jobs).sort()).toEqual(['finish', 'start']);
    expect(errorsOf(run, 'start')).toContain('There is no GitHub environment "migration-production".');
  }, 120_000);

  it('dispatch-gate.yml refuses a second start by somebody who is not among the approvers', async () => {
    const run = await world.run('dispatch-gate.yml', { from: 'gate', 'approved-plan': 'a'.repeat(64), 'approved-manifest': 'b'.repeat(64), attempt: '1' });
    expect(Object.keys(run.jobs).sort()).toEqual(['finish', 'start']);
    expect(errorsOf(run, 'start')).toContain('olga may not approve: not in the list "approvers" of the migration file.');
  }, 120_000);

  it('own-workflow.yml pauses nothing behind a job that failed', async () => {
    const run = await world.run('own-workflow.yml', {}, { ...world.variables, MWAA_TARGET_ROLE: `arn:aws:iam::${SOURCE_ACCOUNT}:role/misspelt` });
    expect([run.jobs, run.code]).toEqual([{ plan: 'success', prepare: 'failure' }, 1]);
    expect(run.summaries['prepare']).toContain('The role of input target-role cannot be assumed');
  }, 120_000);

  it('rollback.yml ends green where nothing was paused', async () => {
    const run = await world.run('rollback.yml', { 'dry-run': 'true' });
    expect([run.jobs, run.code]).toEqual([{ rollback: 'success' }, 0]);
  }, 120_000);
});
