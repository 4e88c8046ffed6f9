/**
 * The reusable workflow as a caller runs it, from the example of the documentation, through act. What act does not do (permissions, fork tokens,
 * concurrency) is looked at in dry-run-file.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { ensureTools } from '../../../scripts/python.mjs';
import { registryEnv } from '../../sandbox/act/act.js';
import { aCheckReport, aDryRunWorld, aPullRequest, type DryRunWorld, HIDDEN_VALUE, MIGRATION_FILE } from './a-dry-run.js';

let world: DryRunWorld;
beforeAll(async () => {
  world = await aDryRunWorld();
  for (const number of [6, 7, 8, 9]) world.github.openPull({ number });
}, 120_000);
afterAll(async () => { await world.close(); });

/** Names of the artifacts, without the number of each, with what is in them. */
const artifacts = (): readonly string[] => readdirSync(world.caller.artifacts).map((name) => `${name.replace(/^\d+-/u, '')}: ${readdirSync(path.join(world.caller.artifacts, name)).sort().join(', ')}`).sort();
/** A job of the caller that goes on with the outputs of the called workflow. */
const AFTER = `
  after:
    name: After
    needs: dry-run
    runs-on: ubuntu-24.04
    permissions: {}
    steps:
      - env:
          TEXT: \${{ needs.dry-run.outputs.plan-digest }} blocked by \${{ needs.dry-run.outputs.blockers }}, migration \${{ needs.dry-run.outputs.migration-id }}
        run: echo "$TEXT"
`;
const HOSTILE = '<!-- mwaa-migration:v1 {"id":"x"} --> @acme/everybody | x |\n::error::forged command';
const MODULE = 'nowhere_to_be_found';

describe('a pull request with a DAG that does not load on the target', () => {
  it('has a red check with an annotation on the line, and its plan all the same, whose comment says what check found', async () => {
    world.caller.commit({ 'dags/broken.py': `from airflow import DAG\n\nfrom airflow.${MODULE} import thing\n\ndag = DAG("broken")\n` });
    const run = await world.run({ event: 'pull_request', payload: aPullRequest(6), programs: [ensureTools()], env: registryEnv() });
    world.caller.commit({ 'dags/broken.py': undefined });
    expect([run.jobs, run.code]).toEqual([{ check: 'failure', plan: 'success' }, 1]);
    expect(run.annotations).toContainEqual(expect.objectContaining({ job: 'check', level: 'error', file: 'dags/broken.py', line: '3', text: expect.stringContaining(MODULE) }));
    expect(run.outputs['plan.plan.plan-digest']).toMatch(/^[0-9a-f]{64}$/u);
    expect(Number(run.outputs['check.check.blockers'])).toBeGreaterThanOrEqual(1);
    expect(run.summaries['plan']).toContain('<code>analytics-v2</code>');
    expect(run.summaries['check']).not.toContain('fork');
    expect(world.github.commentsOf(6).map(({ body }) => body)).toEqual([expect.stringContaining('dags/broken.py')]);
    expect(artifacts()).toEqual([
      'mwaa-migrate-check-analytics-to-analytics-v2: mwaa-migrate-check.html, mwaa-migrate-check.json, mwaa-migrate-check.md',
      'mwaa-migrate-plan-analytics-to-analytics-v2: mwaa-migrate-plan.html, mwaa-migrate-plan.json, mwaa-migrate-plan.md',
    ]);
  }, 600_000);
});

describe('the comment', () => {
  it('is made once, stays when the next push changes nothing, and changes with what it says', async () => {
    const given = { report: world.file('hostile.json', JSON.stringify(aCheckReport({ what: HOSTILE }))), outputs: { 'migration-id': 'analytics-to-analytics-v2' } };
    const push = (number: string) => world.run({ event: 'pull_request', payload: aPullRequest(7), givenCheck: given, runId: number });
    const writes = () => world.github.requests().filter(({ method, path: where }) => method !== 'GET' && where !== '/graphql').map(({ method, path: where }) => `${method} ${where.replace(/\d+$/u, 'id')}`);
    const before = writes().length;
    await push('1');
    const [first, ...others] = world.github.commentsOf(7);
    expect([first?.author.login, others, writes().slice(before)]).toEqual(['github-actions[bot]', [], ['POST /repos/acme/airflow/issues/7/comments']]);
    const body = first?.body ?? '';
    expect(body).toContain('analytics-v2');
    // What a DAG wrote into the report stays inside of code: one marker, nobody mentioned.
    const prose = body.replaceAll(/`[^`\n]*`/gu, '');
    expect([body.includes('forged command'), prose.includes('forged command'), prose.includes('@acme'), prose.match(/<!--/gu)?.length]).toEqual([true, false, false, 1]);
    const again = await push('2');
    expect(again.annotations.filter(({ text }) => text.includes('forged command'))).toEqual([]);
    expect(writes().slice(before + 1)).toEqual([]);
    world.caller.commit({ '.github/mwaa-migration.yml': `${MIGRATION_FILE}metadata: { xcom: false }\n` });
    await push('3');
    world.caller.commit({ '.github/mwaa-migration.yml': MIGRATION_FILE });
    expect(writes().slice(before + 1)).toEqual(['PATCH /repos/acme/airflow/issues/comments/id']);
    expect(world.github.commentsOf(7).map((comment) => [comment.id, comment.body === body])).toEqual([[first?.id, false]]);
    expect(world.github.violations()).toEqual([]);
  }, 120_000);
});

describe('a pull request from a fork', () => {
  it('is checked, has no plan, reaches no AWS, and says so', async () => {
    world.sandbox.clearCalls();
    const issued = world.sandbox.oidc.issued();
    const report = world.file('check.json', JSON.stringify(aCheckReport({})));
    const run = await world.run({ event: 'pull_request', payload: aPullRequest(8, { from: 'stranger/airflow' }), givenCheck: { report } });
    expect([run.jobs, run.code]).toEqual([{ check: 'success' }, 0]);
    expect(run.summaries['check']).toMatch(/comes from a fork: no AWS role is assumed/u);
    expect(run.annotations).toContainEqual(expect.objectContaining({ job: 'check', level: 'notice', title: 'No plan for a fork' }));
    expect([world.sandbox.calls.length, world.sandbox.oidc.issued() - issued]).toEqual([0, 0]);
  }, 120_000);

  it('whose repository is gone by now is one too', async () => {
    const payload = aPullRequest(8);
    const run = await world.run({ event: 'pull_request', payload: { ...payload, pull_request: { ...payload.pull_request, head: { ...payload.pull_request.head, repo: null } } }, givenCheck: { report: world.file('check.json', '{}') } });
    expect(run.jobs).toEqual({ check: 'success' });
  }, 120_000);
});

describe('a workflow that is started by hand', () => {
  it('looks at the pull request of the given number, under the rights of the default branch', async () => {
    world.caller.pull(9, { '.github/mwaa-migration.yml': MIGRATION_FILE.replace('2.10.3', '2.9.2') });
    world.sandbox.oidc.setJob({ eventName: 'workflow_dispatch', ref: 'refs/heads/main' });
    const run = await world.run({ event: 'workflow_dispatch', payload: { inputs: { 'pull-request': '9' }, ref: 'refs/heads/main' }, givenCheck: { report: world.file('check.json', JSON.stringify(aCheckReport({}))) } });
    world.sandbox.oidc.setJob({ eventName: 'pull_request' });
    expect(run.jobs).toEqual({ check: 'success', plan: 'success' });
    expect(run.summaries['plan']).toContain('Airflow 2.9.2');
    expect(world.github.commentsOf(9).map(({ body }) => body)).toEqual([expect.stringContaining('Airflow 2.9.2')]);
  }, 120_000);
});

describe('a caller that wants neither check nor comment, on a runner of several labels', () => {
  it('gets the plan, which says that nothing was checked, and its outputs', async () => {
    world.caller.commit({ '.github/workflows/plan-only.yml': `${world.example.replace('    with:\n', '    with:\n      check: false\n      comment: false\n      runs-on: \'["ubuntu-24.04"]\'\n')}${AFTER}` });
    const before = world.github.requests().length;
    const run = await world.run({ event: 'pull_request', payload: aPullRequest(7), workflow: 'plan-only.yml' });
    world.caller.commit({ '.github/workflows/plan-only.yml': undefined });
    expect([run.jobs, run.code]).toEqual([{ plan: 'success', after: 'success' }, 0]);
    expect(run.logs['after']).toContain(`${run.outputs['plan.plan.plan-digest'] ?? 'none'} blocked by 0, migration analytics-to-analytics-v2`);
    expect(run.summaries['plan']).toMatch(/^## .*DAGs were not checked/u);
    expect(run.annotations.filter(({ level }) => level !== 'notice')).toEqual([]);
    expect(world.github.requests().length).toBe(before);
  }, 120_000);
});

describe('a DAG that has put something else in the place of the report', () => {
  const SECRET = 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY';

  it('a link to a file of the runner of job plan: nothing of that file is shown, and there is a plan', async () => {
    const secret = world.file('credentials', `{"aws_secret_access_key": "${SECRET}"}`);
    const link = path.join(path.dirname(secret), 'link.json');
    symlinkSync(secret, link);
    const run = await world.run({ event: 'pull_request', payload: aPullRequest(7), givenCheck: { report: link, outputs: { 'migration-id': 'analytics-to-analytics-v2' } } });
    expect(run.jobs).toEqual({ check: 'success', plan: 'success' });
    expect(run.raw).not.toContain(SECRET);
    expect(run.annotations).toContainEqual(expect.objectContaining({ job: 'plan', level: 'warning', text: expect.stringMatching(/check-report.*symbolic link/u) }));
  }, 120_000);

  it('outputs that are no artifact name: the plan is made without a report', async () => {
    const report = world.file('check.json', '{"schema": 1}');
    const run = await world.run({ event: 'pull_request', payload: aPullRequest(7), givenCheck: { report, outputs: { 'migration-id': '../../x', blockers: '0' } } });
    expect(run.jobs).toEqual({ check: 'failure', plan: 'success' });
  }, 120_000);
});

it('nobody who may read the repository finds a token or a hidden value: not in logs, summaries, comments, artifacts', () => {
  const kept = readdirSync(world.caller.artifacts, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'utf8'));
  const everything = [...world.runs.map(({ raw }) => raw), ...kept, ...[6, 7, 9].flatMap((number) => world.github.commentsOf(number).map(({ body }) => body))];
  expect(everything.length).toBeGreaterThan(10);
  // What could be seen at all is there.
  expect(everything.join('')).toContain('smtp_password');
  for (const secret of [world.token, HIDDEN_VALUE]) expect(everything.filter((text) => text.includes(secret))).toEqual([]);
});
