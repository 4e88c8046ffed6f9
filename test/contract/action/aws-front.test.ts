/** The wiring as it ships, on the strict AWS front: OIDC tokens and trust policies checked, every call authorised by docs/iam/roles.yaml. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import path from 'node:path';
import { readInputs } from '../../../src/inputs.js';
import { withPlan } from '../../../src/journal/transitions.js';
import { readMigrationFile } from '../../../src/migration-file/read.js';
import type { Context } from '../../../src/ports.js';
import { wire } from '../../../src/wiring.js';
import { startFront, type Front } from '../../sandbox/front/server.js';
import { loadTemplate, type Stack } from '../../sandbox/iam/cloudformation.js';
import { createClock, createIdentityWorld, type SandboxWorld } from '../../sandbox/iam/world.js';
import { A_JOB } from '../../sandbox/oidc/claims.js';
import { GITHUB_ISSUER, startOidcIssuer, type OidcIssuer } from '../../sandbox/oidc/issuer.js';
import { createIamService } from '../../sandbox/services/iam/service.js';
import { createKmsService } from '../../sandbox/services/kms/service.js';
import { createS3Service, type S3Service } from '../../sandbox/services/s3/service.js';
import { createStsService } from '../../sandbox/services/sts/service.js';

const ACCOUNT = '111122223333', STRANGER = '999988887777', REGION = 'eu-west-1';
const MIGRATION = 'mwaa-migration-test', DAGS = 'mwaa-analytics';
const PREFIX = 'data/migration/2.7.2_to_2.10.3/analytics-to-analytics-v2/';
const TRUST = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Service: ['airflow.amazonaws.com', 'airflow-env.amazonaws.com'] }, Action: 'sts:AssumeRole' }] };

// A front and some twenty signed calls a test, on a machine that others use too.
jest.setTimeout(60_000);

let world: SandboxWorld, oidc: OidcIssuer, s3: S3Service, front: Front, stack: Stack, keyArn: string, executionRole: string;
const saved = { ...process.env };

beforeAll(async () => {
  // core.getIDToken masks every token by a workflow command; there is no runner here to swallow it.
  jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
  const clock = createClock();
  oidc = await startOidcIssuer({ clock, job: { ...A_JOB, repository: 'acme/airflow', environment: 'migration' } });
  world = createIdentityWorld({ accounts: [ACCOUNT, STRANGER], clock, oidcIssuers: { [GITHUB_ISSUER]: oidc.url } });
  keyArn = world.createKey({ account: ACCOUNT, region: REGION });
  stack = loadTemplate(world, path.join(process.cwd(), 'docs/iam/roles.yaml'), { account: ACCOUNT, region: REGION, parameters: { Repository: 'acme/airflow', GitHubEnvironment: 'migration', SourceEnvironment: 'analytics', TargetEnvironment: 'analytics-v2', SourceBucket: DAGS, KmsKeyArns: keyArn } });
  executionRole = world.createRole({ account: ACCOUNT, name: 'analytics-execution', trust: TRUST, policies: { inline: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }] } } });
  s3 = await createS3Service(world);
  front = await startFront({ world, services: [s3, createStsService(world), createIamService(world), createKmsService(world)] });
  s3.makeBucket({ name: DAGS, account: ACCOUNT, region: REGION, versioning: true });
  s3.makeBucket({ name: 'mwaa-migration-strangers', account: STRANGER, region: REGION, versioning: true });
  // The SDKs and core.getIDToken read the process's own environment, as they do on a runner.
  Object.assign(process.env, { AWS_ENDPOINT_URL: front.url, AWS_REGION: REGION, AWS_EC2_METADATA_DISABLED: 'true', ...oidc.env() });
}, 60_000);

afterAll(async () => {
  jest.restoreAllMocks();
  for (const name of Object.keys(process.env)) if (!(name in saved)) Reflect.deleteProperty(process.env, name);
  await front?.close();
  await oidc?.close();
});

beforeEach(() => {
  oidc.setJob({ environment: 'migration', eventName: 'workflow_dispatch', ref: 'refs/heads/main' });
  front.clearCalls();
});

/** As a runner of its own: new credentials, new clients. */
function aRunner(change: Readonly<Record<string, string>> = {}): Context {
  const roles = { 'plan-role': stack.outputs['PlanRole'] ?? '', 'source-role': stack.outputs['SourceRole'] ?? '', 'target-role': stack.outputs['TargetRole'] ?? '' };
  return wire({
    // Every call is asked of every role here, whatever the phase: contract/credentials narrows them.
    inputs: readInputs(JSON.stringify({ phase: 'status', 'session-policy': 'none', ...roles, ...change })),
    file: readMigrationFile(`source: { environment: analytics, region: ${REGION} }\ntarget: { environment: analytics-v2, airflow-version: 2.10.3 }\n`, 'm.yml'),
    env: process.env, home: process.cwd(), ticker: () => () => undefined,
    clock: { now: () => new Date(), sleep: async () => undefined },
    log: { info: () => undefined, warn: () => undefined, group: (_, work) => work() },
  }).context;
}
const keysIn = async (bucket: ReturnType<Context['source']['openBucket']>, prefix: string): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of bucket.list(prefix)) keys.push(key);
  return keys;
};

describe('the plan role\'s look at a bucket of DAGs', () => {
  it('sees settings, and versions without reading one', async () => {
    const { source, plan: { source: looking } } = aRunner();
    const { versionId: first } = await s3.putObject(DAGS, 'plugins.zip', 'old'), { versionId: second } = await s3.putObject(DAGS, 'plugins.zip', 'newer');
    await s3.putObject(DAGS, 'plugins.zip.bak', 'another');
    expect(await looking.buckets.look(DAGS)).toEqual({ name: DAGS, exists: true, isVersioned: true, isClosedToPublic: s3.describeBucket(DAGS)?.publicAccessBlocked });
    expect(await looking.openBucket(DAGS, ACCOUNT).versions('plugins.zip')).toEqual([
      { versionId: second, bytes: 5, modified: expect.any(Date), isNewest: true }, { versionId: first, bytes: 3, modified: expect.any(Date), isNewest: false },
    ]);
    await expect(looking.openBucket(DAGS, ACCOUNT).read('plugins.zip')).rejects.toThrow(/Access denied: s3:GetObject on/u);
    expect(await looking.buckets.look('mwaa-migration-of-nobody')).toMatchObject({ exists: false });
    await expect(source.buckets.look('mwaa-migration-strangers')).rejects.toThrow(/is not ours, or may not be looked at/u);
  });
});

describe('credentials', () => {
  it('are bought with the token of the job, one session for a role', async () => {
    const before = oidc.issued();
    const { source } = aRunner();
    expect((await source.identity()).arn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/mwaa-migrate-source/mwaa-migrate-status-local`);
    await source.buckets.exists(DAGS);
    expect(oidc.issued() - before).toBe(1);
  });

  it('of source and target are not to be had from a pull request, and the message tells its sub', async () => {
    oidc.setJob({ environment: undefined, eventName: 'pull_request', ref: 'refs/pull/7/merge' });
    const { source, plan } = aRunner();
    await expect(source.identity()).rejects.toThrow(/input source-role cannot be assumed[\s\S]*sub="repo:acme\/airflow:pull_request"/u);
    expect((await plan.source.identity()).arn).toContain('mwaa-migrate-plan');
  });

  it('of a role that does not exist are refused alike', async () => {
    await expect(aRunner({ 'source-role': `arn:aws:iam::${ACCOUNT}:role/none` }).source.identity()).rejects.toThrow(/there is no such role/u);
  });
});

describe('the migration bucket', () => {
  it('is made once: versioned, encrypted with the key, closed', async () => {
    const { source } = aRunner();
    expect(await source.buckets.exists(MIGRATION)).toBe(false);
    expect(await source.buckets.ensure(MIGRATION, keyArn)).toBe('created');
    front.clearCalls();
    expect(await source.buckets.ensure(MIGRATION, keyArn)).toBe('there');
    expect(front.calls.filter(({ readOnly }) => !readOnly)).toEqual([]);
    expect(await source.buckets.exists(MIGRATION)).toBe(true);
  });

  it('of somebody else is refused by name', async () => {
    await expect(aRunner().source.buckets.ensure('mwaa-migration-strangers', undefined)).rejects.toThrow(/mwaa-migration-strangers is not ours/u);
  });

  it('lets roles in by statements of ours and keeps everybody else\'s', async () => {
    const { source } = aRunner();
    const statement = (Sid: string, Action: string) => ({ Sid, Effect: 'Allow', Principal: { AWS: executionRole }, Action, Resource: `arn:aws:s3:::${MIGRATION}/${PREFIX}*` });
    await source.buckets.grant(MIGRATION, [statement('Stranger', 's3:GetObject')]);
    expect(await source.buckets.grant(MIGRATION, [statement('MwaaMigrate1Read', 's3:GetObject')])).toBe('changed');
    expect(await source.buckets.grant(MIGRATION, [statement('MwaaMigrate1Read', 's3:GetObject')])).toBe('there');
    expect(await source.buckets.grant(MIGRATION, [statement('MwaaMigrate1Read', 's3:PutObject')])).toBe('changed');
    expect(await source.buckets.revoke(MIGRATION, 'MwaaMigrate1')).toBe('changed');
    expect(await source.buckets.revoke(MIGRATION, 'MwaaMigrate1')).toBe('there');
    expect(await source.buckets.revoke(MIGRATION, 'Stranger')).toBe('changed');
  });
});

describe('objects', () => {
  it('are written, read by version, listed over pages, and purged with every version', async () => {
    const bucket = aRunner().source.openBucket(MIGRATION, ACCOUNT);
    const key = `${PREFIX}1/ä b+c=d/x.json`;
    const first = await bucket.write(key, 'one', { metadata: { who: 'me' } });
    const second = await bucket.write(key, 'two');
    expect(first).toMatchObject({ key, bytes: 3, sha256: '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed' });
    expect(second.versionId).not.toBe(first.versionId);
    expect((await bucket.read(key, first.versionId))?.body.toString()).toBe('one');
    expect((await bucket.read(key))?.body.toString()).toBe('two');
    expect((await bucket.head(key, first.versionId))?.metadata).toEqual({ who: 'me' });
    expect(await bucket.read(`${key}.none`)).toBeUndefined();
    expect(await bucket.head(`${key}.none`)).toBeUndefined();
    expect(await keysIn(bucket, `${PREFIX}1/`)).toEqual([key]);
    await bucket.remove(key);
    expect(await keysIn(bucket, `${PREFIX}1/`)).toEqual([]);
    expect(await bucket.purge(`${PREFIX}1/`)).toBe(3);
    expect(await bucket.read(key, first.versionId)).toBeUndefined();
  });

  it('are written under conditions by exactly one of many', async () => {
    const bucket = aRunner().source.openBucket(MIGRATION, ACCOUNT);
    const outcomes = await Promise.all(Array.from({ length: 6 }, (_, n) => bucket.writeOnce(`${PREFIX}2/once`, `by ${n}`)));
    expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(1);
    const { etag } = (await bucket.read(`${PREFIX}2/once`)) ?? { etag: '' };
    expect(await bucket.replace(`${PREFIX}2/once`, 'a', etag)).toBe('written');
    expect(await bucket.replace(`${PREFIX}2/once`, 'b', etag)).toBe('changed');
    expect(await bucket.replace(`${PREFIX}2/none`, 'b', etag)).toBe('changed');
    await bucket.purge(`${PREFIX}2/`);
  });

  it('of a bucket that changed hands are refused', async () => {
    await expect(aRunner().source.openBucket(MIGRATION, STRANGER).write('x', 'y')).rejects.toThrow(/Access denied: s3:PutObject on s3:\/\/mwaa-migration-test\/x/u);
  });

  it('outside the migration\'s prefix are refused, and the plan role reads no rows', async () => {
    const { source, plan } = aRunner();
    await expect(source.openBucket(MIGRATION, ACCOUNT).write('elsewhere', 'y')).rejects.toThrow(/Access denied: s3:PutObject/u);
    await source.openBucket(MIGRATION, ACCOUNT).write(`${PREFIX}3/export/dag_run.csv.gz`, 'rows');
    await expect(plan.source.openBucket(MIGRATION, ACCOUNT).read(`${PREFIX}3/export/dag_run.csv.gz`)).rejects.toThrow(/Access denied: s3:GetObject[\s\S]*plan-role/u);
    await source.openBucket(MIGRATION, ACCOUNT).write(`${PREFIX}journal.json`, '{}');
    expect((await plan.source.openBucket(MIGRATION, ACCOUNT).read(`${PREFIX}journal.json`))?.body.toString()).toBe('{}');
    await source.openBucket(MIGRATION, ACCOUNT).purge(PREFIX);
  });

  it('are copied by S3 from the source\'s folder to the target\'s', async () => {
    const { target, source } = aRunner();
    const version = (await s3.putObject(DAGS, 'dags/ü b+c.py', Buffer.from('dag'))).versionId;
    await s3.putObject(DAGS, 'dags/ü b+c.py', Buffer.from('newer'));
    const to = target.openBucket(DAGS, ACCOUNT);
    await to.copyFrom({ bucket: DAGS, ownerAccountId: ACCOUNT, key: 'dags/ü b+c.py', versionId: version, bytes: 3 }, 'analytics-v2/dags/ü b+c.py', { origin: 'x' });
    const head = await to.head('analytics-v2/dags/ü b+c.py');
    expect([head?.bytes, head?.metadata]).toEqual([3, { origin: 'x' }]);
    await expect(to.write('dags/x.py', 'no')).rejects.toThrow(/Access denied/u);
    const from = source.openBucket(DAGS, ACCOUNT);
    await from.write('dags/mwaa_migrate/db_export.py', '#');
    await from.remove('dags/mwaa_migrate/db_export.py');
    await expect(from.write('dags/mine.py', '#')).rejects.toThrow(/Access denied/u);
  });
});

describe('the journal', () => {
  it('has one holder', async () => {
    const [one, two] = [aRunner(), aRunner()];
    const store = (runner: Context) => runner.journal(runner.source.openBucket(MIGRATION, ACCOUNT), PREFIX);
    const open = await store(one).open('run 1');
    await expect(store(two).open('run 2')).rejects.toThrow('Another runner works on this migration: run 1');
    await open.update((journal) => withPlan(journal, 'd'));
    await open.close();
    const next = await store(two).open('run 2');
    expect(next.current).toMatchObject({ migrationId: 'analytics-to-analytics-v2', source: { airflowVersion: '2.7.2' }, planDigest: 'd', lock: { owner: 'run 2' } });
    await next.close();
    await one.source.openBucket(MIGRATION, ACCOUNT).purge(PREFIX);
  });
});

describe('roles and keys', () => {
  const clone = { name: 'mwaa-migrate-analytics-v2', trustPolicy: TRUST, inlinePolicies: { a: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] } }, attached: [], boundary: undefined };

  it('reads a role whole and makes a clone with the boundary, twice alike', async () => {
    const { source, target } = aRunner();
    expect(await source.roles.get(executionRole)).toMatchObject({ name: 'analytics-execution', trustPolicy: TRUST, boundary: undefined, inlinePolicies: { inline: { Version: '2012-10-17' } } });
    const arn = await target.roles.createClone(clone);
    expect(await target.roles.createClone(clone)).toBe(arn);
    expect(await target.roles.get(arn)).toMatchObject({ arn, boundary: `arn:aws:iam::${ACCOUNT}:policy/mwaa-migrate-clone-boundary`, inlinePolicies: clone.inlinePolicies });
    expect(await target.roles.get(`arn:aws:iam::${ACCOUNT}:role/mwaa-migrate-none`)).toBeUndefined();
  });

  it('finds the boundary of a clone or misses it, as the plan role too', async () => {
    const { plan, target } = aRunner();
    for (const { roles } of [plan.target, target]) {
      expect(await roles.boundary(undefined)).toEqual({ arn: `arn:aws:iam::${ACCOUNT}:policy/mwaa-migrate-clone-boundary`, exists: true });
      expect(await roles.boundary(`arn:aws:iam::${ACCOUNT}:policy/none`)).toEqual({ arn: `arn:aws:iam::${ACCOUNT}:policy/none`, exists: false });
    }
  });

  it('does not touch a role of that name which is not a clone: the action\'s own, for one', async () => {
    await expect(aRunner().target.roles.createClone({ ...clone, name: 'mwaa-migrate-source' })).rejects.toThrow(/mwaa-migrate-source (exists already|.*denied)|Access denied/u);
  });

  it('opens the key to an execution role by one grant, and takes it back', async () => {
    const { source } = aRunner();
    expect(await source.keys.describe(keyArn)).toEqual({ arn: keyArn, isEnabled: true, isSymmetric: true });
    expect(await source.keys.grant(keyArn, executionRole, 'MwaaMigrate1Source')).toBe('created');
    expect(await source.keys.grant(keyArn, executionRole, 'MwaaMigrate1Source')).toBe('there');
    expect(await source.keys.revoke(keyArn, 'MwaaMigrate1')).toBe(1);
    expect(await source.keys.revoke(keyArn, 'MwaaMigrate1')).toBe(0);
  });
});
