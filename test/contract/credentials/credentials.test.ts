/** Whose credentials a call carries, on STS and IAM as AWS has them: sessions that lead to the run, narrowed to the phase, of allowed accounts only; refusals that tell why. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { A_JOB, type OidcJob } from '../../sandbox/oidc/claims.js';
import { ACCOUNT, aStage, DAGS, ENVIRONMENT, messageOf, STRANGER, type Stage } from './a-runner.js';

jest.setTimeout(60_000);
let stage: Stage, roles: Readonly<Record<string, string>>;
const RUN = { GITHUB_RUN_ID: '19012345678', GITHUB_RUN_ATTEMPT: '2' };
const PREFIX = 'data/migration/2.7.2_to_2.10.3/analytics-to-analytics-v2/';

beforeAll(async () => {
  stage = await aStage();
  roles = stage.deploy('mwaa-migrate', {});
  stage.s3.makeBucket({ name: 'mwaa-migration-test', account: ACCOUNT, region: 'eu-west-1', versioning: true });
});
afterAll(async () => stage?.close());
afterEach(() => {
  stage.oidc.setJob({ ...A_JOB, repository: 'acme/airflow', environment: ENVIRONMENT });
  for (const name of [...Object.keys(RUN), 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_CREDENTIAL_EXPIRATION']) Reflect.deleteProperty(process.env, name);
  stage.front.clearCalls();
});

describe('a call', () => {
  it('leads to the attempt of the workflow run that made it, by the session\'s name', async () => {
    const { source } = stage.runner({ phase: 'export', ...roles }, RUN);
    expect((await source.identity()).arn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/mwaa-migrate-source/mwaa-migrate-export-19012345678-2`);
  });

  it('does so by its user agent too, whatever the session is called', async () => {
    const only = { Version: '2012-10-17', Statement: [{ Effect: 'Deny' as const, Action: '*', Resource: '*', Condition: { StringNotLike: { 'aws:UserAgent': 'aws-sdk-js/* mwaa-migrate/?* md/phase#export md/run#19012345678 md/run-attempt#2' } } }] };
    const guarded = stage.deploy('guarded', {});
    stage.world.putPolicy(guarded['source-role'] ?? '', 'only-this-run', only);
    expect(await stage.runner({ phase: 'export', ...guarded }, RUN).source.buckets.exists(DAGS)).toBe(true);
    expect(await messageOf(stage.runner({ phase: 'export', ...guarded }, { ...RUN, GITHUB_RUN_ID: '1' }).source.buckets.exists(DAGS))).toMatch(/is not ours, or may not be looked at|Access denied/u);
  });
});

describe('a session of one phase', () => {
  const clone = { name: 'mwaa-migrate-analytics-v2', trustPolicy: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Service: 'airflow.amazonaws.com' }, Action: 'sts:AssumeRole' }] }, inlinePolicies: {}, attached: [], boundary: undefined };

  it('may not do what its role may do in another one, and the message says whose defect that is', async () => {
    const { target, source } = stage.runner({ phase: 'import', ...roles });
    expect(await messageOf(target.roles.createClone(clone))).toMatch(/^Access denied: iam:CreateRole on [^]*narrowed to what this phase does[^]*no session policy allows the iam:CreateRole action[^]*session-policy to "none"/u);
    expect(await messageOf(target.openBucket(DAGS, ACCOUNT).write('analytics-v2/dags/report.py', 'x'))).toMatch(/^Access denied: s3:PutObject/u);
    expect(await messageOf(source.openBucket(DAGS, ACCOUNT).read('dags/report.py'))).toMatch(/^Access denied: s3:GetObject/u);
    expect(stage.world.identities.role(ACCOUNT, clone.name)).toBeUndefined();
  });

  it('may do it in that phase, and in any phase without session policies', async () => {
    await stage.runner({ phase: 'resources', ...roles }).target.openBucket(DAGS, ACCOUNT).write('analytics-v2/dags/report.py', 'x');
    expect(await stage.runner({ phase: 'create', ...roles }).target.roles.createClone(clone)).toBe(`arn:aws:iam::${ACCOUNT}:role/${clone.name}`);
    await stage.runner({ phase: 'import', 'session-policy': 'none', ...roles }).target.openBucket(DAGS, ACCOUNT).write('analytics-v2/dags/report.py', 'y');
  });

  it('writes nothing in a dry run, whatever the phase', async () => {
    for (const phase of ['resources', 'create', 'export', 'import', 'verify', 'cutover', 'rollback']) {
      const { source, target } = stage.runner({ phase, 'dry-run': 'true', ...roles });
      expect(await messageOf(source.openBucket('mwaa-migration-test', ACCOUNT).write(`${PREFIX}journal.json`, 'x'))).toMatch(/no session policy allows the s3:PutObject action/u);
      expect(await messageOf(target.openBucket(DAGS, ACCOUNT).write('analytics-v2/dags/mwaa_migrate/db_import.py', 'x'))).toMatch(/no session policy allows the s3:PutObject action/u);
      expect(await source.openBucket('mwaa-migration-test', ACCOUNT).read(`${PREFIX}none.json`)).toBeUndefined();
    }
  });

  it('reads and writes the journal whatever the phase', async () => {
    for (const phase of ['resources', 'create', 'export', 'import', 'verify', 'cutover', 'rollback', 'gate', 'watch']) {
      const bucket = stage.runner({ phase, ...roles }).source.openBucket('mwaa-migration-test', ACCOUNT);
      await bucket.write(`${PREFIX}journal.json`, phase);
      expect((await bucket.read(`${PREFIX}journal.json`))?.body.toString()).toBe(phase);
      expect(await bucket.read(`${PREFIX}none.json`)).toBeUndefined();
    }
  });

  it('is one for both sides where both inputs name one role, and does for both', async () => {
    const both = { 'source-role': roles['target-role'] ?? '', 'target-role': roles['target-role'] ?? '' };
    const before = stage.oidc.issued(), { source, target } = stage.runner({ phase: 'resources', ...both });
    expect((await source.identity()).arn).toBe((await target.identity()).arn);
    await target.openBucket(DAGS, ACCOUNT).write('analytics-v2/dags/both.py', 'x');
    expect(stage.oidc.issued() - before).toBe(1);
  });

  it('leaves the migration and the workflow run on the role that it makes', async () => {
    const run = { ...RUN, GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'acme/airflow' };
    await stage.runner({ phase: 'create', ...roles }, run).target.roles.createClone({ ...clone, name: 'mwaa-migrate-traced' });
    for (const name of Object.keys(run)) Reflect.deleteProperty(process.env, name);
    expect(Object.fromEntries(stage.world.identities.role(ACCOUNT, 'mwaa-migrate-traced')?.tags ?? [])).toEqual({
      'mwaa-migrate': 'clone', 'mwaa-migrate:migration': 'analytics-to-analytics-v2', 'mwaa-migrate:run': 'https://github.com/acme/airflow/actions/runs/19012345678/attempts/2',
    });
  });

  it('never widens what its role may', async () => expect(await messageOf(stage.runner({ phase: 'resources', ...roles }).target.openBucket(DAGS, ACCOUNT).write('dags/of-the-source.py', 'x'))).toMatch(/no identity-based policy allows the s3:PutObject action/u));
});

describe('the list of allowed accounts', () => {
  const ambient = (account: string): Record<string, string> => {
    const { accessKeyId, secretAccessKey } = stage.world.identities.accessKeyFor(`arn:aws:iam::${account}:root`);
    return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  };

  it('refuses the ARN of any other account before anything is called', () => {
    expect(() => stage.runner({ phase: 'export', ...roles, 'allowed-account-ids': STRANGER })).toThrow(new RegExp(`allowed-account-ids, source-role: arn:aws:iam::${ACCOUNT}:role/mwaa-migrate-source is not of account ${STRANGER}`, 'u'));
    expect(stage.front.calls).toEqual([]);
  });

  it('lets roles of its own in, at the price of one question to STS', async () => {
    const { source } = stage.runner({ phase: 'export', ...roles, 'allowed-account-ids': `${STRANGER}, ${ACCOUNT}` });
    expect(await source.buckets.exists(DAGS)).toBe(true);
    await source.identity();
    expect(stage.front.calls.filter(({ action }) => action === 'GetCallerIdentity')).toHaveLength(1);
  });

  it('refuses the job\'s own credentials of another account, having asked only who they are', async () => {
    const { source } = stage.runner({ phase: 'export', 'allowed-account-ids': ACCOUNT }, ambient(STRANGER));
    expect(await messageOf(source.buckets.exists(DAGS))).toMatch(new RegExp(`^The credentials of the job \\(input source-role is empty\\) are those of account ${STRANGER}: [^]*only in ${ACCOUNT}`, 'u'));
    expect(await messageOf(source.identity())).toMatch(/^The credentials of the job/u);
    expect(stage.front.calls.map(({ action }) => action)).toEqual(['GetCallerIdentity']);
  });

  it('lets the job\'s own credentials of an allowed account in', async () => expect(await stage.runner({ phase: 'export', 'allowed-account-ids': ACCOUNT }, ambient(ACCOUNT)).source.buckets.exists(DAGS)).toBe(true));
});

describe('the job\'s own credentials', () => {
  it('are missed by name where there are none', async () => expect(await messageOf(stage.runner({ phase: 'export' }).source.identity())).toMatch(/^No AWS credentials for sts:GetCallerIdentity[^]*source-role is empty and the job has no credentials of its own[^]*set source-role and the permission "id-token: write"/u));

  it('that end before the phase may are told once, before the first call', async () => {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = stage.world.identities.sessionForService(roles['source-role'] ?? '', 'test', 'given', 900);
    const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken, AWS_CREDENTIAL_EXPIRATION: expiration.toISOString() };
    const { source, warnings } = stage.runner({ phase: 'export' }, keys);
    await source.identity();
    await source.buckets.exists(DAGS);
    expect(warnings).toEqual([expect.stringMatching(/^Input source-role is empty, so the job's own credentials are used: they end at .*, in 1[45] minutes, and nothing renews them; the phase may last 300\. With source-role set/u)]);
  });
});

describe('a role that refuses the job says why', () => {
  const ROLE = 'source-role';
  const told = async (job: Partial<OidcJob>, change: Readonly<Record<string, string>> = {}, input = ROLE): Promise<string> => {
    stage.oidc.setJob(job);
    const context = stage.runner({ phase: 'export', ...roles, ...change });
    return await messageOf(input === 'plan-role' ? context.plan.source.identity() : context.source.identity());
  };
  const FIRST = (text: string) => new RegExp(`in this order:\\n {4}1\\. ${text}`, 'u');

  it.each([
    { what: 'the environment has another name', job: { environment: 'production' }, first: 'sub: the job has the environment "production"; parameter GitHubEnvironment' },
    { what: 'the job has no environment', job: { environment: undefined }, first: 'sub: the job has no "environment:"' },
    { what: 'it runs for a pull request', job: { environment: undefined, eventName: 'pull_request', ref: 'refs/pull/7/merge' }, first: 'sub: the job runs for a pull request' },
  ])('when $what', async ({ job, first }) => {
    const message = await told(job);
    expect(message).toMatch(FIRST(first));
    expect(message).toMatch(/^The role of input source-role cannot be assumed: arn:aws:iam::111122223333:role\/mwaa-migrate-source\.\n {2}Why: its trust policy does not accept this job, or there is no such role[^]*STS answered AccessDenied/u);
  });

  it('when the repository\'s subjects carry ids, with the lines that would do; and these do', async () => {
    const message = await told({ subject: 'immutable' });
    expect(message).toMatch(FIRST('sub: this repository\'s subjects carry ids [^\\n]*parameter RepositoryWithIds of docs/iam/roles.yaml must be "acme@65/airflow@74"'));
    const subjects = JSON.parse(/:sub": (\[.*\])/u.exec(message)?.[1] ?? '[]') as readonly string[];
    expect(subjects).toEqual(['repo:acme@65/airflow@74:environment:migration-production', 'repo:acme/airflow:environment:migration-production']);
    const trust = { Version: '2012-10-17', Statement: [{ Effect: 'Allow' as const, Action: 'sts:AssumeRoleWithWebIdentity', Principal: { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/token.actions.githubusercontent.com` }, Condition: { StringEquals: { 'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com', 'token.actions.githubusercontent.com:sub': subjects } } }] };
    const role = stage.world.createRole({ account: ACCOUNT, name: 'as-the-message-says', trust });
    for (const subject of ['immutable', 'legacy'] as const) expect(await told({ subject }, { [ROLE]: role })).toBe('it was allowed');
    expect(await told({ subject: 'legacy', environment: 'another' }, { [ROLE]: role })).toContain('cannot be assumed');
  });

  it('when only another branch may plan', async () => expect(await told({ environment: undefined, ref: 'refs/heads/feature' }, {}, 'plan-role')).toMatch(FIRST('sub: the job runs on "refs/heads/feature"')));

  it('when only the workflow of mwaa-migrate may use the role, which CalledWorkflows says', async () => {
    const guarded = stage.deploy('called', { CalledWorkflows: 'OWNER/mwaa-migrate/.github/workflows/*@refs/tags/v1*' });
    const ours = 'OWNER/mwaa-migrate/.github/workflows/migrate.yml@refs/tags/v1.2.0';
    for (const input of [ROLE, 'plan-role']) expect(await told({ jobWorkflowRef: ours }, guarded, input)).toBe('it was allowed');
    for (const jobWorkflowRef of [undefined, 'OWNER/mwaa-migrate/.github/workflows/migrate.yml@refs/heads/main', 'stranger/mwaa-migrate/.github/workflows/migrate.yml@refs/tags/v1']) {
      const message = await told({ jobWorkflowRef }, guarded);
      expect(message).toContain(`(parameter CalledWorkflows): this job's file is "${jobWorkflowRef ?? 'acme/airflow/.github/workflows/migrate.yml@refs/heads/main'}"`);
    }
    // The way of somebody who may push a branch: a workflow of his own, in a pull request.
    const pull = { environment: undefined, eventName: 'pull_request', ref: 'refs/pull/7/merge' };
    expect(await told({ ...pull, jobWorkflowRef: 'acme/airflow/.github/workflows/evil.yml@refs/pull/7/merge' }, guarded, 'plan-role')).toContain('cannot be assumed');
    expect(await told({ ...pull, jobWorkflowRef: 'OWNER/mwaa-migrate/.github/workflows/dry-run.yml@refs/tags/v1' }, guarded, 'plan-role')).toBe('it was allowed');
  });

  it('and never shows the token', async () => {
    const message = await told({ environment: 'production' }), token = stage.oidc.token('sts.amazonaws.com');
    for (const part of token.split('.').slice(0, 2)) expect(message).not.toContain(part.slice(0, 20));
    expect(message).not.toMatch(/eyJ[\w-]{10}/u);
    expect(message).not.toContain('octocat');
  });
});
