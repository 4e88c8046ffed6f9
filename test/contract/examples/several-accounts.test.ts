/** docs/how-to/several-accounts.md: two accounts, the shipped roles in both, as that page has them deployed; phases that look, copy and create. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { readInputs } from '../../../src/inputs.js';
import { readMigrationFile } from '../../../src/migration-file/read.js';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { createEnvironment } from '../../../src/phases/create.js';
import { grantAccess } from '../../../src/phases/grants.js';
import { planMigration } from '../../../src/phases/plan.js';
import { copyResources } from '../../../src/phases/resources.js';
import { survey } from '../../../src/phases/survey.js';
import type { Context } from '../../../src/ports.js';
import { wire } from '../../../src/wiring.js';
import { executionRolePolicy, executionRoleTrust } from '../../sandbox/spec/execution-role.js';
import { parseSpec } from '../../sandbox/spec/read-spec.js';
import { startSandbox, type Sandbox } from '../../sandbox/world.js';
import { anAirflow, type AnAirflow } from '../mwaa/a-mwaa.js';
import { fenced } from './documents.js';
import { OTHER_ACCOUNT_FILE, SOURCE_ACCOUNT, SPEC, TARGET_ACCOUNT, TARGET_BUCKET } from './two-accounts.js';

jest.setTimeout(120_000);
const saved = { ...process.env };
const log = { info: () => undefined, warn: () => undefined, group: <T>(_: string, work: () => Promise<T>) => work() };
let airflow: AnAirflow, sandbox: Sandbox;

beforeAll(async () => {
  jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
  airflow = await anAirflow();
  airflow.script.rest = () => Promise.resolve({ status: 200, body: '{"dags":[],"dag_runs":[],"task_instances":[],"total_entries":0}' });
  sandbox = await startSandbox(parseSpec(SPEC, import.meta.filename), { machinery: () => Promise.resolve(airflow.machinery) });
  sandbox.oidc.setJob({ environment: 'migration-prepare' });
  sandbox.world.createRole({ account: TARGET_ACCOUNT, name: 'analytics-v2-execution', trust: executionRoleTrust(TARGET_ACCOUNT, 'eu-west-1', 'analytics-v2'), policies: { mwaa: executionRolePolicy({ account: TARGET_ACCOUNT, region: 'eu-west-1', environment: 'analytics-v2', bucket: TARGET_BUCKET }) } });
  Object.assign(process.env, sandbox.env());
});
afterAll(async () => {
  jest.restoreAllMocks();
  for (const name of Object.keys(process.env)) if (!(name in saved)) Reflect.deleteProperty(process.env, name);
  await sandbox?.close();
  await airflow?.close();
});

function runner(phase: string, roles: Readonly<Record<string, string | undefined>>): Context {
  return wire({
    inputs: readInputs(JSON.stringify({ phase, 'allowed-account-ids': `${SOURCE_ACCOUNT},${TARGET_ACCOUNT}`, ...roles })), file: readMigrationFile(OTHER_ACCOUNT_FILE, 'm.yml'),
    env: process.env, home: process.cwd(), ticker: () => () => undefined, clock: { now: () => new Date(), sleep: () => new Promise((resolve) => setTimeout(resolve, 20)) }, log,
  }).context;
}
const outputs = (at: 0 | 1): Readonly<Record<string, string | undefined>> => sandbox.stacks[at]?.outputs ?? {};
const changing = () => ({ 'source-role': outputs(0).SourceRole, 'target-role': outputs(1).TargetRole });
const looking = () => ({ 'plan-role': outputs(0).PlanRole, 'target-plan-role': outputs(1).PlanRole });

it('the plan of two plan roles is the one that the changing phases act on', async () => {
  const plan = await planMigration(runner('plan', looking()));
  const digest = plan.outputs['plan-digest'];
  expect(digest).toMatch(/^[0-9a-f]{64}$/u);
  expect(plan.outputs.blockers).toBe('0');
  // With one plan role the target is taken for one of the source's account: what was approved would be refused by every changing phase.
  const short = await planMigration(runner('plan', { 'plan-role': outputs(0).PlanRole }));
  expect(short.outputs['plan-digest']).not.toBe(digest);
  const copied = await copyResources(runner('resources', { ...changing(), 'approved-plan': digest }));
  expect(copied.outputs['plan-digest']).toBe(digest);
});

it('resources come into the bucket of the other account, through the runner where S3 may not copy by itself', () => {
  const keys = sandbox.s3.listObjects(TARGET_BUCKET, 'analytics-v2/').map(({ key }) => key);
  expect(keys.filter((key) => key.endsWith('.py')).length).toBeGreaterThan(0);
});

it('the environment is made in the other account, by the target role', async () => {
  sandbox.clearCalls();
  const { outputs: made } = await createEnvironment(runner('create', changing()));
  expect(made['target-environment']).toBe('analytics-v2');
  const creators = sandbox.calls.filter(({ action }) => action === 'CreateEnvironment').map(({ principal }) => /sts::(\d+):assumed-role\/([\w-]+)/u.exec(principal)?.slice(1));
  expect(creators).toEqual([[TARGET_ACCOUNT, 'mwaa-migrate-target']]);
});

it('the execution role of the target reaches the migration bucket with the statements of the page, and not without them', async () => {
  const context = runner('export', changing()), seen = await survey(context);
  await grantAccess(context, seen);
  const role = `arn:aws:iam::${TARGET_ACCOUNT}:role/analytics-v2-execution`, keys = sandbox.env({ as: role, oidc: false });
  const client = new S3Client({
    endpoint: sandbox.endpoint, region: 'eu-west-1', forcePathStyle: true, maxAttempts: 1,
    credentials: { accessKeyId: keys['AWS_ACCESS_KEY_ID'] ?? '', secretAccessKey: keys['AWS_SECRET_ACCESS_KEY'] ?? '', ...(keys['AWS_SESSION_TOKEN'] ? { sessionToken: keys['AWS_SESSION_TOKEN'] } : {}) },
  });
  const object = { Bucket: seen.bucketName, Key: `${seen.prefix}1/import/report.json` };
  await expect(client.send(new PutObjectCommand({ ...object, Body: '{}' }))).rejects.toThrow('Access Denied');
  const [statements = ''] = fenced('docs/how-to/several-accounts.md', 'json');
  sandbox.world.putPolicy(role, 'migration', statements);
  await client.send(new PutObjectCommand({ ...object, Body: '{}' }));
  expect(await (await client.send(new GetObjectCommand(object))).Body?.transformToString()).toBe('{}');
  // The bucket's policy still says what: the journal is nobody's but the action's.
  await expect(client.send(new PutObjectCommand({ ...object, Key: `${seen.prefix}journal.json`, Body: '{}' }))).rejects.toThrow('Access Denied');
});
