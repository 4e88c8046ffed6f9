/** Phase gate, mode ask: the page holds what a person needs to decide, and nobody is asked where the answer would not count. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { UserError } from '../../../src/errors.js';
import { plain, run } from '../../builders/rollback-story.js';
import { aMigrationFile, anEnvironment, anInFlightRun, HIDDEN_VALUE } from '../../builders/values.js';
import { startGithub, type GithubStandIn } from '../../sandbox/github/server.js';
import { AGate, aRun, GATE } from './a-gate.js';

jest.setTimeout(60_000); // for a busy machine

let github: GithubStandIn, gate: AGate, asked: number;
beforeAll(async () => { github = await startGithub(); });
afterAll(() => github.close());
beforeEach(() => {
  gate = new AGate(github);
  asked = github.requests().length;
});
afterEach(() => expect(github.violations()).toEqual([]));

const DISPATCH = { gate: { by: 'dispatch' } } as const;
const attempt = (number: number) => gate.world.journalValue?.attempts.find((one) => one.number === number);
const refused = async (work: Promise<unknown>, what: RegExp) => {
  const before = gate.traces();
  await expect(work).rejects.toMatchObject({ name: 'UserError', what: expect.stringMatching(what) });
  expect(gate.traces()).toBe(before);
};

describe('the page of a rehearsal', () => {
  beforeEach(async () => {
    gate.environment();
    gate.world.sides.inFlight = [anInFlightRun('hourly', 'now'), anInFlightRun('nightly_load', 'submitted', { fate: 'deferred', deferred: ['wait_for_spark'] })];
    gate.world.answers.manifest = (manifest) => ({
      ...manifest, inFlight: gate.world.sides.inFlight, notMoved: [{ table: 'job', reason: 'metadata.job is off', rows: 77 }, { table: 'ab_user', reason: 'fills itself' }],
      tables: manifest.tables.map((table) => (table.name !== 'dag_run' ? table : {
        ...table, rows: 1_234_567, seconds: 2, leftOut: { 'older than metadata.history-days': 4_321, 'row of mwaa-migrate itself': 5 }, filter: 'last 30 days',
        parts: table.parts.map((part) => ({ ...part, rows: 1_234_567, members: [{ offset: 0, length: part.bytes, rows: 1_234_567, sha256: part.sha256 }] })),
      })),
    });
    await gate.exported();
  });

  it('names what is asked: both digests and the attempt, as outputs too', async () => {
    const { summary, outputs, ok } = await gate.ask();
    expect(ok).toBe(true);
    expect(outputs).toMatchObject({ attempt: '1', 'plan-digest': gate.world.journalValue?.planDigest, 'manifest-digest': attempt(1)?.manifest?.scope, 'target-environment': 'analytics-v2' });
    for (const digest of [outputs['plan-digest'], outputs['manifest-digest']]) expect(plain(summary)).toContain(digest);
    expect(plain(summary)).toContain('analytics (eu-west-1, Airflow 2.7.2)');
    expect(plain(summary)).toContain('| Export started by | starter |');
    expect(JSON.parse(outputs['tables'] ?? '')).toMatchObject({ dag_run: { rows: 1_234_567, leftOut: 4_321 } });
  });

  it('shows every table, what is left out and why, what is in flight, and which DAGs will be paused', async () => {
    const text = plain((await gate.ask()).summary);
    expect(text).toContain('| Table | Rows | Left out | Bytes in S3 | Seconds | Which rows |');
    expect(text).toContain('| dag_run | 1,234,567 | 4,326 | 15 | 2 | last 30 days |');
    expect(text).toContain('5 rows of those left out are of mwaa-migrate itself.');
    expect(text).toContain('4,321 left out (and 5 of mwaa-migrate itself)');
    expect(text).toContain('| dag_run | 4,321 | older than metadata.history-days |');
    expect(text).toContain('| job | 77 | metadata.job is off |');
    for (const table of ['task_instance', 'xcom', 'variable']) expect(text).toMatch(new RegExp(`^\\| ${table} \\|`, 'mu'));
    expect(text).toContain('2 DAG runs were in flight');
    expect(text).toContain('nightly_load / submitted: wait_for_spark');
    expect(text).toContain('- nightly_load');
    expect(text).toContain('DAGs: 2 are active now and will be paused');
  });

  it('tells how long the source will stand still: the drain, the rehearsal\'s own time, the import of the rows that were counted', async () => {
    const text = plain((await gate.ask()).summary);
    expect(text).toContain('| Drain: running work may end | 0 to 90 minutes; it ends as soon as nothing runs any more |');
    expect(text).toContain('as attempt 1 took from its start to its end');
    // 1,234,567 rows and three of each of the others, at 18,000 to 4,000 rows a second, in whole minutes.
    expect(text).toMatch(/\| Import \| 2 to 6 minutes \|/u);
  });

  it('says who answers where, and what each answer does', async () => {
    const text = plain((await gate.ask()).summary);
    expect(text).toContain('One of mona, hubot answers on https://github.com/octo-org/workflows/actions/runs/7 ("Review deployments"), for environment migration-production.');
    expect(text).toMatch(/\| Approve \| The final export drains and pauses analytics/u);
    expect(text).toMatch(/\| Reject \| The workflow ends, and nothing reaches the target. analytics was never paused/u);
    expect(text).toContain('GitHub ends a run that waits for 30 days');
  });

  it('shows the plan\'s warnings and the environment\'s difference, and no hidden value', async () => {
    const { summary, html = '', outputs } = await gate.ask();
    expect(plain(summary)).toMatch(/Warnings of the plan \(\d+\)/u);
    expect(plain(summary)).toMatch(/What differs between the environments \(\d+\)/u);
    expect(summary + html + JSON.stringify(outputs)).not.toContain(HIDDEN_VALUE);
    expect(summary + html + gate.world.lines.join('\n')).not.toContain('canary-7f3a');
  });

  it('goes on where Airflow does not tell its DAGs: the rehearsal has counted them', async () => {
    const told = gate.world.sides.active;
    gate.world.sides.active = () => { throw new UserError('Access denied: airflow:InvokeRestApi.', 'policy', 'allow it'); };
    expect(plain((await gate.ask()).summary)).toContain('DAGs: 2 were active at the snapshot and will be paused');
    gate.world.sides.active = told;
  });

  it('changes nothing, and says the same when it is run again', async () => {
    const before = gate.traces();
    const first = await gate.ask();
    expect((await gate.ask()).summary).toBe(first.summary);
    expect(gate.traces()).toBe(before);
  });

  it('lets no text of a stranger become markup', async () => {
    gate.world.sides.dags.source.set('<img src=x onerror=alert(1)> | @octocat', false);
    const { summary, html = '' } = await gate.ask();
    expect(summary).not.toMatch(/<img|@octocat/u);
    expect(html).not.toContain('<img');
    expect(summary).toContain('<code>&#60;img'); // shown as a stranger's words, not as ours
  });

  it('warns of a gate that lets more through than it should', async () => {
    github.state.environments.clear();
    gate.environment({ preventSelfReview: false, branches: undefined });
    expect(plain((await gate.ask()).summary)).toContain('does not prevent self-review');
  });

  it('is the same page, with the one difference that somebody has approved', async () => {
    gate.reviews(['approved', 'mona']);
    await gate.record(await gate.shown());
    expect(plain((await gate.ask()).summary)).toContain('Approved before by mona: analytics to analytics-v2');
  });
});

describe('by dispatch', () => {
  beforeEach(() => gate.exported(['rehearsal'], ['hubot']));

  it('it says exactly how another person starts the second run', async () => {
    const { summary, outputs } = await gate.ask({}, DISPATCH);
    const fenced = /```sh\n([^]*?)\n```/u.exec(summary)?.[1] ?? '';
    expect(fenced.replaceAll(/ \\\n +/gu, ' ')).toBe(`gh workflow run mwaa-migrate.yml --repo octo-org/workflows -f from=gate -f attempt=1 -f approved-plan=${outputs['plan-digest']} -f approved-manifest=${outputs['manifest-digest']}`);
    const text = plain(summary);
    expect(text).toContain('To approve, one of mona starts this workflow again');
    expect(text).toContain('Not hubot: nobody approves an export that they started.');
    expect(text).toContain('| from | gate |');
    expect(github.requests().slice(asked).some(({ path }) => path.includes('/environments/'))).toBe(false);
  });

  it('it names the server where that is not github.com, and lets no address break out of the command', async () => {
    gate.run = aRun({ url: 'https://ghe.example.com/octo-org/workflows/actions/runs/7' });
    expect((await gate.ask({}, DISPATCH)).summary).toContain('--repo ghe.example.com/octo-org/workflows');
    gate.run = aRun({ url: 'https://evil;rm -rf/x/y/actions/runs/7', workflowFile: undefined });
    const { summary } = await gate.ask({}, DISPATCH);
    expect(/```sh\n([^]*?)\n```/u.exec(summary)?.[1]).toMatch(/^gh workflow run WORKFLOW\.yml \\/u);
  });

  it('needs a list of approvers', async () => {
    gate.file = aMigrationFile();
    await refused(gate.ask({}, DISPATCH), /^gate: dispatch needs "approvers"/u);
  });
});

describe('the page of a final export, with the source paused', () => {
  it('says since when it stands still, until when an answer counts, and what no answer does', async () => {
    gate.environment();
    await gate.exported(['final']);
    const text = plain((await gate.ask({}, { gate: { timeoutMinutes: 45 } })).summary);
    expect(text).toContain('1, a final export: the source is paused');
    expect(text).toContain('| Paused since | 2026-');
    expect(text).toContain('After 45 minutes job watch gives this export up');
    expect(text).toMatch(/\| Reject \| Job rollback makes the DAGs of analytics active again as they were/u);
    expect(text).toContain('DAGs: the source is paused');
  });
});

describe('the page of a rehearsal that was made while the source stood still', () => {
  it('does not say that nothing is paused', async () => {
    gate.environment();
    await gate.exported(['final', 'rehearsal']);
    for (const text of [plain((await gate.ask()).summary), plain((await gate.ask({}, DISPATCH)).summary)]) {
      expect(text).toContain('2, a rehearsal: the source is paused still, by attempt 1');
      expect(text).toContain('analytics stays paused by attempt 1; the workflow rollback.yml makes it active again.');
      expect(text).not.toMatch(/nothing is paused|never paused|Nothing stands still/u);
    }
  });
});

describe('nobody is asked', () => {
  it.each([
    ['where the environment is missing', (): void => undefined, new RegExp(`There is no GitHub environment "${GATE}"`, 'u')],
    ['where it has lost its reviewers', (): void => void gate.environment({ reviewers: undefined }), /has no required reviewers/u],
    ['where an administrator could pass unseen', (): void => void gate.environment({ reviewers: [{ slug: 'data-platform', members: [] }], adminsMayBypass: true }), /An administrator could pass/u],
    ['off the default branch', (): void => { gate.environment(); gate.run = aRun({ ref: 'refs/heads/feature' }); }, /not of the default branch/u],
    ['without a token', (): void => { gate.caller = undefined; }, /GitHub cannot be asked/u],
  ] as const)('%s', async (_, prepare, says) => {
    await gate.exported();
    prepare();
    await refused(gate.ask(), says);
  });

  it.each([
    ['before the migration has begun', [], {}, /^Migration "analytics-to-analytics-v2" has not begun/u],
    ['of an attempt that there is not', ['rehearsal'], { attempt: 7 }, /^There is no attempt 7/u],
    ['of an older attempt', ['rehearsal', 'rehearsal'], { attempt: 1 }, /^Attempt 1 is not the newest export: attempt 2, a rehearsal, came after it/u],
    ['of another plan than was shown before', ['rehearsal'], { approvedPlan: 'a'.repeat(64) }, /^The plan is not the one that was shown for approval/u],
    ['of another export than was shown before', ['rehearsal'], { approvedManifest: 'b'.repeat(64) }, /^The export is not the one that was shown for approval/u],
  ] as const)('%s', async (_, modes, inputs, says) => {
    gate.environment();
    if (modes.length > 0) await gate.exported(modes);
    await refused(gate.ask(inputs), says);
  });

  it('when the source has changed since the rehearsal, with what changed', async () => {
    gate.environment();
    await gate.exported();
    gate.world.environments.set('analytics', anEnvironment({ MaxWorkers: 25 }));
    await refused(gate.ask(), /^The plan has changed since attempt 1 was exported:[^]*MaxWorkers: 10 → 25/u);
  });

  it('when the migration file has changed since the rehearsal', async () => {
    gate.environment();
    await gate.exported();
    gate.file = aMigrationFile({ metadata: { historyDays: 7 } });
    await refused(gate.ask(), /^The plan has changed since attempt 1[^]*historyDays/u);
  });

  it('when something blocks: red, with what it is, and nothing to approve', async () => {
    gate.environment();
    await gate.exported();
    gate.world.environments.set('analytics', anEnvironment({ Status: 'UPDATING' }));
    const { ok, failure, summary } = await gate.ask();
    expect(ok).toBe(false);
    expect(failure).toMatchObject({ what: expect.stringContaining('UPDATING') });
    expect(plain(summary)).toContain('so there is nothing to approve');
    expect(plain(summary)).not.toContain('How to answer');
  });

  it('of an export that was put back', async () => {
    gate.environment();
    await gate.exported(['final']);
    await run(gate.world, { phase: 'rollback' }, gate.file);
    await refused(gate.ask(), /^Attempt 1 cannot be approved: it was given up, and the source is active again/u);
  });
});
