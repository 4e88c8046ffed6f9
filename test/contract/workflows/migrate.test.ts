/**
 * migrate.yml as a caller runs it, from the example of the documentation, through act: what runs, what is skipped, what is said. Airflow is scripted
 * here, so no run gets as far as an export; test/e2e/workflow goes the whole way. What act does not do as GitHub does is in migrate-graph.test.ts
 * (cancel, time-outs) and migrate-file.test.ts (rights, environments, groups).
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { MIGRATION_FILE } from './a-dry-run.js';
import { aMigrationWorld, GATE, type MigrationWorld, REVIEWER } from './a-migration.js';

/** An environment that nobody protects. */
const OPEN = 'migration-open';
let world: MigrationWorld;
beforeAll(async () => {
  world = await aMigrationWorld();
  world.github.addEnvironment({ name: GATE, branches: ['main'], reviewers: [{ login: REVIEWER, type: 'User' }], preventSelfReview: true });
  world.github.addEnvironment({ name: OPEN, branches: ['main'] });
}, 120_000);
afterAll(async () => { await world.close(); });

const LIMIT = 300_000;

describe('a run of job plan alone', () => {
  it('makes the plan, changes nothing, says at the end what to do next, and hands its outputs on', async () => {
    const run = await world.run({ inputs: { only: 'plan' } });
    expect([run.ran, run.code]).toEqual([['start', 'plan', 'finish', 'after'], 0]);
    expect([run.changes, world.tokens.jobs()]).toEqual([[], ['plan', 'finish']]);
    expect(JSON.parse(/\{[\s\S]*\}/u.exec(run.logs['after'] ?? '')?.[0] ?? 'null')).toEqual({
      'migration-id': 'analytics-to-analytics-v2', 'target-environment': 'analytics-v2', 'plan-digest': run.outputs['plan.plan.plan-digest'], 'manifest-digest': '', attempt: '', 'approved-by': '', 'target-webserver-url': '', tables: '',
    });
    expect(run.outputs['plan.plan.plan-digest']).toMatch(/^[0-9a-f]{64}$/u);
    for (const job of ['start', 'plan', 'finish']) expect([job, run.summaries[job]]).toEqual([job, expect.stringMatching(/^## /u)]);
    // The last job tells of every other one.
    for (const id of Object.keys(run.results)) if (id !== 'finish' && id !== 'after') expect(run.summaries['finish']).toContain(`<code>${id}</code>`);
    expect(world.artifacts()).toEqual({
      'mwaa-migrate-page-analytics-to-analytics-v2': ['mwaa-migrate-page.html', 'mwaa-migrate-status.html', 'mwaa-migrate-status.md'],
      'mwaa-migrate-plan-analytics-to-analytics-v2': ['mwaa-migrate-plan.html', 'mwaa-migrate-plan.json', 'mwaa-migrate-plan.md'],
    });
  }, LIMIT);
});

describe('a run that cannot be', () => {
  it('with a job that there is not: nothing but the last word', async () => {
    const run = await world.run({ inputs: { from: 'exprt' } });
    expect([run.ran, run.code, run.changes]).toEqual([['start: failure', 'finish'], 1, []]);
    expect(run.annotations).toContainEqual(expect.objectContaining({ job: 'start', level: 'error', text: expect.stringContaining('did you mean "export"') }));
  }, LIMIT);

  it('with a gate that lets everybody through: it stops before anything is changed (one that is not there: test/contract/examples)', async () => {
    const run = await world.run({ inputs: { 'gate-environment': OPEN } });
    expect([run.ran, run.changes]).toEqual([['start: failure', 'finish'], []]);
    expect(run.annotations).toContainEqual(expect.objectContaining({ job: 'start', level: 'error', text: expect.stringContaining('has no required reviewers') }));
  }, LIMIT);

  it('with a phase that would outlive its job', async () => {
    const run = await world.run({ inputs: { 'timeout-minutes': '360' } });
    expect([run.ran, run.changes]).toEqual([['start: failure', 'finish'], []]);
    expect(run.annotations).toContainEqual(expect.objectContaining({ job: 'start', level: 'error', title: 'The timeouts of the workflow do not fit' }));
  }, LIMIT);
});

describe('a job that fails', () => {
  it('plan, for there is no such source: nothing after it runs, and the last word says what to do', async () => {
    const run = await world.run({ inputs: { check: 'false' }, migrationFile: MIGRATION_FILE.replace('environment: analytics,', 'environment: analitics,') });
    expect([run.ran, run.code, run.changes]).toEqual([['start', 'plan: failure', 'finish'], 1, []]);
    expect(run.summaries['finish']).toContain('job <code>plan</code> failed');
  }, LIMIT);

  it('export, for nobody has approved: the way back runs, finds that nothing was paused, and stays green', async () => {
    const run = await world.run({ inputs: { from: 'export' } });
    expect([run.ran, run.code, run.changes]).toEqual([['start', 'export: failure', 'rollback', 'finish'], 1, []]);
    expect(run.summaries['rollback']).toMatch(/^## /u);
    expect(run.summaries['finish']).toContain('job <code>export</code> failed');
  }, LIMIT);
});

it('jobs that change something have a token that names their environment', async () => {
  const run = await world.run({ inputs: { only: 'plan,resources' } });
  expect(run.ran).toEqual(['start', 'plan', 'resources', 'finish', 'after']);
  expect(run.changes).toContain('PutObject');
  // The source and the target role trust no job without that environment.
  expect(world.tokens.jobs()).toContain('resources');
}, LIMIT);

it('nobody who may read the repository finds a token: not in logs, summaries, artifacts', () => {
  const kept = readdirSync(world.caller.artifacts, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'utf8'));
  const everything = [...world.runs.map(({ raw }) => raw), ...kept];
  expect(everything.length).toBeGreaterThan(10);
  const { ACTIONS_ID_TOKEN_REQUEST_TOKEN: request } = world.sandbox.oidc.env();
  for (const secret of [world.token, request]) expect(everything.filter((text) => text.includes(secret))).toEqual([]);
  expect(world.github.violations()).toEqual([]);
});
