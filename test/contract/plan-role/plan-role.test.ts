/** The plan role of docs/iam/roles.yaml on its own: it writes nothing and reads no secret, whatever is tried, and phase plan needs no more than it has. */
import { CreateGrantCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { ensureTools } from '../../../scripts/python.mjs';
import { readInputs } from '../../../src/inputs.js';
import { readMigrationFile } from '../../../src/migration-file/read.js';
import { planMigration } from '../../../src/phases/plan.js';
import { wire } from '../../../src/wiring.js';
import { ensureAirflow } from '../../sandbox/environments/airflow-installation.js';
import { loadTemplate } from '../../sandbox/iam/cloudformation.js';
import { ACCOUNT_OPERATIONS } from '../../sandbox/services/iam/account-details.js';
import { POLICY_OPERATIONS } from '../../sandbox/services/iam/policies.js';
import { PROVIDER_OPERATIONS } from '../../sandbox/services/iam/providers.js';
import { ROLE_POLICY_OPERATIONS } from '../../sandbox/services/iam/role-policies.js';
import { ROLE_OPERATIONS } from '../../sandbox/services/iam/roles.js';
import { CRYPTOGRAPHY } from '../../sandbox/services/kms/cryptography.js';
import { GRANT_OPERATIONS } from '../../sandbox/services/kms/grant-operations.js';
import { KEY_OPERATIONS } from '../../sandbox/services/kms/key-operations.js';
import { OPERATIONS as LOGS } from '../../sandbox/services/logs/service.js';
import { readServiceModel } from '../../sandbox/services/mwaa/service-model.js';
import { OPERATIONS as S3 } from '../../sandbox/services/s3/operations.js';
import { readSpec } from '../../sandbox/spec/read-spec.js';
import { startSandbox, type Sandbox } from '../../sandbox/world.js';
import { ALLOWED, everyCall, wordsOf, type Call, type There } from './calls.js';

jest.setTimeout(240_000);
const ACCOUNT = '111122223333', REGION = 'eu-west-1', VERSION = '2.7.2', SECRET = 'swordfish-77c1';
const THERE: There = {
  account: ACCOUNT, region: REGION, source: 'analytics', target: 'analytics-v2', dagBucket: 'acme-dags', migrationBucket: 'mwaa-migration-test', prefix: 'data/migration/2.7.2_to_2.10.3/analytics-to-analytics-v2/',
  executionRole: `arn:aws:iam::${ACCOUNT}:role/mwaa-analytics-execution`, policy: `arn:aws:iam::${ACCOUNT}:policy/mwaa-migrate-clone-boundary`,
  provider: `arn:aws:iam::${ACCOUNT}:oidc-provider/token.actions.githubusercontent.com`, key: '', ciphertext: '', grant: '',
};
const saved = { ...process.env };
let folder: string, sandbox: Sandbox, planRole: string, there: There = THERE;

beforeAll(async () => {
  jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
  folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-plan-role-'));
  mkdirSync(path.join(folder, 'dags'));
  writeFileSync(path.join(folder, 'dags', 'report.py'), `import datetime\nfrom airflow import DAG\nwith DAG("report", start_date=datetime.datetime(2026, 1, 1), schedule=None) as dag:\n    pass  # ${SECRET}\n`);
  writeFileSync(path.join(folder, 'requirements.txt'), 'attrs==23.1.0\n');
  const spec = path.join(folder, 'sandbox.yaml');
  writeFileSync(spec, stringify({
    github: { repository: 'acme/airflow', environment: 'migration' },
    iam: [{ template: path.resolve('docs/iam/roles.yaml'), parameters: { Repository: 'acme/airflow', GitHubEnvironment: 'migration', SourceEnvironment: 'analytics', TargetEnvironment: 'analytics-v2', SourceBucket: 'acme-dags' } }],
    environments: [{ name: 'analytics', 'airflow-version': VERSION, bucket: 'acme-dags', dags: 'dags', requirements: 'requirements.txt', variables: { api_key: SECRET }, connections: { warehouse: `postgres://u:${SECRET}@db/x` } }],
  }));
  sandbox = await startSandbox(readSpec(spec));
  planRole = sandbox.stacks[0]?.outputs['PlanRole'] ?? '';
  const key = sandbox.world.createKey({ account: ACCOUNT, region: REGION }), kms = new KMSClient(sandbox.rootClient(ACCOUNT));
  const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: key, Plaintext: Buffer.from(SECRET) }));
  const { GrantId } = await kms.send(new CreateGrantCommand({ KeyId: key, GranteePrincipal: THERE.executionRole, Operations: ['Decrypt'] }));
  there = { ...THERE, key, ciphertext: Buffer.from(CiphertextBlob ?? []).toString('base64'), grant: GrantId ?? '' };
  sandbox.world.putPolicy(THERE.executionRole, 'own', { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:ListBucket', Resource: 'arn:aws:s3:::acme-dags' }] });
  sandbox.s3.makeBucket({ name: THERE.migrationBucket, account: ACCOUNT, region: REGION, versioning: true });
  const root = boto(sandbox.rootCredentials(ACCOUNT));
  expect(await root([
    ['s3', 'PutObject', { Bucket: THERE.migrationBucket, Key: `${THERE.prefix}journal.json`, Body: '{}' }], ['s3', 'PutObject', { Bucket: THERE.migrationBucket, Key: `${THERE.prefix}1/export/variable.csv.gz`, Body: SECRET }],
    ['logs', 'CreateLogStream', { logGroupName: 'airflow-analytics-Task', logStreamName: 'dag_id=a/run_id=b/task_id=c/attempt=1.log' }],
  ])).toEqual(['ok', 'ok', 'ok']);
  Object.assign(process.env, sandbox.env());
});

afterAll(async () => {
  jest.restoreAllMocks();
  for (const name of Object.keys(process.env)) if (!(name in saved)) Reflect.deleteProperty(process.env, name);
  await sandbox?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

type Keys = Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }>;

/** Calls by boto3 with these credentials alone. */
const boto = ({ accessKeyId, secretAccessKey, sessionToken }: Keys) => (calls: readonly Call[]): Promise<readonly string[]> => new Promise((resolve, reject) => {
  const env = { PATH: '/usr/bin:/bin', AWS_ENDPOINT_URL: sandbox.endpoint, AWS_REGION: REGION, AWS_DEFAULT_REGION: REGION, AWS_EC2_METADATA_DISABLED: 'true', AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, ...(sessionToken ? { AWS_SESSION_TOKEN: sessionToken } : {}) };
  const child = spawn(path.join(ensureTools(), 'python'), [path.join(import.meta.dirname, 'every_call.py')], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const out: Buffer[] = [], err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  child.on('error', reject);
  child.on('close', (code) => (code === 0 ? resolve(JSON.parse(Buffer.concat(out).toString()) as string[]) : reject(new Error(Buffer.concat(err).toString()))));
  child.stdin.end(JSON.stringify(calls));
});
const session = (role: string): Keys => sandbox.world.identities.sessionForService(role, 'test', 'plan', 3600);

/** How each service says that it is not allowed; HEAD has no body. */
const DENIED = ['AccessDenied', 'AccessDeniedException', '403'];

async function refused(role: string): Promise<Readonly<{ allowed: readonly string[]; odd: readonly string[] }>> {
  const calls = everyCall(there);
  const outcomes = await boto(session(role))(calls);
  const told = calls.map((call, at) => [wordsOf(call, THERE.prefix), outcomes[at] ?? 'nothing'] as const);
  return { allowed: told.filter(([, outcome]) => outcome === 'ok').map(([words]) => words), odd: told.filter(([, outcome]) => outcome !== 'ok' && !DENIED.includes(outcome)).map((one) => one.join(': ')) };
}

/** Every version of every object, and what the buckets are. */
async function everything(): Promise<readonly unknown[]> {
  const found: unknown[] = [THERE.dagBucket, THERE.migrationBucket].map((name) => sandbox.s3.describeBucket(name));
  for await (const { bucket, key: name, versionId } of sandbox.s3.everyByte()) found.push([bucket, name, versionId]);
  return found;
}

describe('with the credentials of the plan role', () => {
  it('every operation that the front knows is tried', () => {
    const known = {
      s3: Object.keys(S3), iam: [ROLE_OPERATIONS, ROLE_POLICY_OPERATIONS, POLICY_OPERATIONS, PROVIDER_OPERATIONS, ACCOUNT_OPERATIONS, { SimulatePrincipalPolicy: 0 }].flatMap((operations) => Object.keys(operations)),
      kms: [KEY_OPERATIONS, GRANT_OPERATIONS, CRYPTOGRAPHY].flatMap((operations) => Object.keys(operations)), logs: Object.keys(LOGS),
      mwaa: Object.values(readServiceModel(ensureTools()).operations).filter(({ deprecated }) => !deprecated).map(({ name }) => name),
    };
    for (const [service, operations] of Object.entries(known)) expect([...new Set(everyCall(THERE).filter(([of]) => of === service).map(([, operation]) => operation))].sort()).toEqual([...operations].sort());
  });

  it('only what the plan looks at is answered, and nothing has changed afterwards', async () => {
    const before = await everything();
    const { allowed, odd } = await refused(planRole);
    expect(odd).toEqual([]);
    expect([...allowed].sort()).toEqual([...ALLOWED].sort());
    expect(await everything()).toEqual(before);
    expect(sandbox.environment('analytics').status).toBe('AVAILABLE');
  });

  it('no more is answered when somebody attaches a policy that allows everything', async () => {
    sandbox.world.putPolicy(planRole, 'by-mistake', { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] });
    try {
      const { allowed } = await refused(planRole);
      expect(allowed.filter((words) => !ALLOWED.includes(words) && !MERELY_LOOKS.includes(words))).toEqual([]);
      // Services that the front does not have, where secrets lie or things can be started.
      const principal = { kind: 'role-session' as const, account: ACCOUNT, arn: `arn:aws:sts::${ACCOUNT}:assumed-role/mwaa-migrate-plan/plan`, roleArn: planRole, roleName: 'mwaa-migrate-plan', sessionName: 'plan', sessionPolicies: [], keys: {} };
      const may = (action: string) => sandbox.world.authorizer.allows({ principal, action, resource: '*', resourceAccount: ACCOUNT });
      expect(['secretsmanager:GetSecretValue', 'ssm:GetParameter', 'ssm:GetParametersByPath', 'sqs:SendMessage', 'lambda:InvokeFunction', 'ec2:RunInstances', 'cloudformation:CreateStack', 'dynamodb:GetItem', 'iam:PassRole', 'sts:AssumeRole'].filter(may)).toEqual([]);
      expect(may('iam:GetRole')).toBe(true);
    } finally {
      const role = sandbox.world.identities.role(ACCOUNT, 'mwaa-migrate-plan');
      if (role) sandbox.world.identities.replace({ ...role, inline: new Map([...role.inline].filter(([name]) => name !== 'by-mistake')) });
    }
  });

  it('the policies allow actions by name only, and each of them reads', () => {
    const { inline = new Map<string, string>(), attached } = sandbox.world.identities.role(ACCOUNT, 'mwaa-migrate-plan') ?? {};
    const actions = [...inline.values()].flatMap((text) => (JSON.parse(text) as { Statement: readonly { Effect: string; Action?: string | readonly string[] }[] }).Statement).filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action }) => Action ?? '*');
    expect([...new Set(actions)].sort()).toEqual([
      'airflow:GetEnvironment', 'airflow:InvokeRestApi', 'airflow:ListEnvironments', 'iam:GetPolicy', 'iam:GetPolicyVersion', 'iam:GetRole', 'iam:GetRolePolicy', 'iam:ListAttachedRolePolicies', 'iam:ListRolePolicies',
      'logs:DescribeLogGroups', 'logs:DescribeMetricFilters', 'logs:DescribeSubscriptionFilters', 's3:GetBucketPublicAccessBlock', 's3:GetBucketVersioning', 's3:GetObject', 's3:GetObjectVersion', 's3:ListBucket', 's3:ListBucketVersions',
    ]);
    expect(attached).toEqual([]);
  });
});

/** Allowed by "everything", and let through by the role's own denial: they show no more than names and numbers, or the key has another account's policy anyway. */
const MERELY_LOOKS = ['iam GetAccountAuthorizationDetails', 'kms DescribeKey'];

describe('Airflow\'s role Viewer, which the plan role gets', () => {
  const rest = (calls: readonly (readonly [method: string, path: string, body?: unknown, query?: unknown])[]) =>
    boto(session(planRole))(calls.map(([Method, Path, Body, QueryParameters]) => ['mwaa', 'InvokeRestApi', { Name: 'analytics', Method, Path, ...(Body === undefined ? {} : { Body }), ...(QueryParameters === undefined ? {} : { QueryParameters }) }]));

  it('reads no variable, connection, configuration or user', async () => {
    const paths = ['/variables', '/variables/api_key', '/connections', '/connections/warehouse', '/config', '/users', '/roles', '/permissions', '/providers', '/pools'];
    const outcomes = await rest(paths.map((one) => ['GET', one] as const));
    expect(Object.fromEntries(paths.map((one, at) => [one, outcomes[at]]))).toEqual(Object.fromEntries(paths.map((one) => [one, 'RestApiClientException 403'])));
    expect(await rest([['GET', '/dags'], ['GET', '/importErrors'], ['POST', '/dags/~/dagRuns/list', {}]])).toEqual(['ok', 'ok', 'ok']);
  });

  it('changes nothing: every operation of Airflow\'s own description that is no GET is refused, but for lists that take their filter as a body', async () => {
    const { folder: venv } = await ensureAirflow(VERSION, () => undefined);
    const description = parse(readFileSync(path.join(venv, 'lib/python3.11/site-packages/airflow/api_connexion/openapi/v1.yaml'), 'utf8')) as { paths: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
    const value = (name: string) => ({ dag_id: 'report', dag_run_id: 'r', task_id: 't', variable_key: 'api_key', connection_id: 'warehouse', pool_name: 'default_pool', map_index: '0' })[name] ?? 'x';
    // Airflow looks at the form of a request first: these would be refused for it, whoever asks.
    const body = (one: string) => (one.endsWith('setNote') ? { note: 'x' } : {}), query = (one: string) => (one === '/dags' ? { dag_id_pattern: '%' } : undefined);
    const calls = Object.entries(description.paths).flatMap(([one, methods]) => Object.keys(methods).filter((method) => ['post', 'put', 'patch', 'delete'].includes(method)).map((method) => [method.toUpperCase(), one.replace(/\{(\w+)\}/gu, (_, name: string) => value(name)), body(one), query(one)] as const));
    expect(calls.length).toBeGreaterThan(20);
    const outcomes = await rest(calls);
    const answered = calls.flatMap(([method, one], at) => (outcomes[at] === 'RestApiClientException 403' ? [] : [`${method} ${one} ${outcomes[at] ?? ''}`]));
    expect(answered.filter((words) => !/^POST \S+\/list ok$/u.test(words))).toEqual([]);
  });
});

describe('phase plan', () => {
  it('runs whole under the role, and every call that it makes is one that the role is for', async () => {
    writeFileSync(path.join(folder, 'migration.yml'), 'x');
    sandbox.clearCalls();
    const lines: string[] = [];
    const { context } = wire({
      inputs: readInputs(JSON.stringify({ phase: 'plan', 'plan-role': planRole, config: 'migration.yml' })),
      file: readMigrationFile(`source: { environment: analytics, region: ${REGION} }\ntarget: { environment: analytics-v2, airflow-version: 2.10.3 }\nbucket: { name: ${THERE.migrationBucket} }\n`, 'migration.yml'),
      env: { ...process.env, GITHUB_WORKSPACE: folder }, home: process.cwd(), ticker: () => () => undefined,
      clock: { now: () => new Date(), sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)) }, log: { info: (line) => lines.push(line), warn: (line) => lines.push(line), group: (_, work) => work() },
    });
    const result = await planMigration(context);
    const denied = sandbox.calls.filter(({ status }) => status === 403 || status === 401).map(({ service, action }) => `${service} ${action}`);
    // The one permission that is not given unless asked for; the report says so. Viewer reads no pools before Airflow 2.8.1.
    expect([...new Set(denied)]).toEqual(['iam GetAccountAuthorizationDetails']);
    expect(result.summary).toContain('PlanReadsPolicies');
    expect(sandbox.calls.every(({ readOnly, service, action }) => readOnly || (service === 'sts' && action === 'AssumeRoleWithWebIdentity'))).toBe(true);
    const made = [...new Set(sandbox.calls.map(({ service, action }) => `${service === 'airflow' ? 'mwaa' : service} ${action}`))].sort();
    const may = new Set([...ALLOWED.map((words) => words.split(' ').slice(0, 2).join(' ')), 'iam GetAccountAuthorizationDetails', 'sts AssumeRoleWithWebIdentity']);
    expect(made.filter((words) => !may.has(words))).toEqual([]);
    for (const text of [result.summary, result.html ?? '', JSON.stringify(result.outputs), lines.join('\n')]) expect(text).not.toContain(SECRET);
  });

  it('goes on without Airflow\'s numbers where the role may not ask Airflow', async () => {
    const parameters = { Repository: 'acme/airflow', GitHubEnvironment: 'migration', SourceEnvironment: 'analytics', TargetEnvironment: 'analytics-v2', SourceBucket: 'acme-dags', NamePrefix: 'deaf', CreateOidcProvider: 'no', CloneBoundaryArn: THERE.policy, PlanAsksAirflow: 'no' };
    const deaf = loadTemplate(sandbox.world, path.resolve('docs/iam/roles.yaml'), { account: ACCOUNT, region: REGION, parameters }).outputs['PlanRole'] ?? '';
    const { context } = wire({
      inputs: readInputs(JSON.stringify({ phase: 'plan', 'plan-role': deaf, config: 'migration.yml' })),
      file: readMigrationFile(`source: { environment: analytics, region: ${REGION} }\ntarget: { environment: analytics-v2, airflow-version: 2.10.3 }\nbucket: { name: ${THERE.migrationBucket} }\n`, 'migration.yml'),
      env: { ...process.env, GITHUB_WORKSPACE: folder }, home: process.cwd(), ticker: () => () => undefined,
      clock: { now: () => new Date(), sleep: async () => undefined }, log: { info: () => undefined, warn: () => undefined, group: (_, work) => work() },
    });
    const result = await planMigration(context);
    expect(result.outputs).toMatchObject({ blockers: '0' });
    expect(await boto(session(deaf))([['mwaa', 'InvokeRestApi', { Name: 'analytics', Method: 'GET', Path: '/dags' }]])).toEqual(['AccessDeniedException']);
  });
});
