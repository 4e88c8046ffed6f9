import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { GetRoleCommand, IAMClient, ListRolesCommand } from '@aws-sdk/client-iam';
import { KMSClient, ListAliasesCommand } from '@aws-sdk/client-kms';
import { ListEnvironmentsCommand, MWAAClient } from '@aws-sdk/client-mwaa';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ensureTools } from '../../../scripts/python.mjs';
import { type Front, startFront } from '../../sandbox/front/server.js';
import { createIdentityWorld, type SandboxWorld } from '../../sandbox/iam/world.js';
import { createIamService } from '../../sandbox/services/iam/service.js';
import { createKmsService } from '../../sandbox/services/kms/service.js';
import { createLogsService } from '../../sandbox/services/logs/service.js';
import { createMwaaService } from '../../sandbox/services/mwaa/service.js';
import { readServiceModel } from '../../sandbox/services/mwaa/service-model.js';
import { createS3Service, type S3Service } from '../../sandbox/services/s3/service.js';
import { createStsService } from '../../sandbox/services/sts/service.js';
import { type AccessKey, callByBotocore } from './foreign-client.js';

const ACCOUNT = '111122223333', REGION = 'eu-west-1';
const TRUST = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Service: 'airflow-env.amazonaws.com' }, Action: 'sts:AssumeRole' }] };

// botocore and the SDK start slowly on a busy machine.
jest.setTimeout(60_000);

let world: SandboxWorld;
let s3: S3Service;
let front: Front;
let folder: string;
let key: AccessKey;
const absent = (): never => { throw new Error('this test starts no Airflow'); };

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'front-'));
  world = createIdentityWorld({ accounts: [ACCOUNT] });
  key = world.identities.accessKeyFor(`arn:aws:iam::${ACCOUNT}:root`);
  s3 = await createS3Service(world);
  s3.makeBucket({ name: 'data', account: ACCOUNT, region: REGION });
  const mwaa = createMwaaService({
    world, model: readServiceModel(ensureTools()), networks: [], lookAtBucket: absent, createLogGroup: absent, machinery: { start: absent, close: () => Promise.resolve() },
  });
  front = await startFront({ world, callLogFile: path.join(folder, 'calls.jsonl'), services: [s3, mwaa, createLogsService(world), createStsService(world), createIamService(world), createKmsService(world)] });
}, 120_000);
afterAll(async () => {
  await front.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  world.faults.clear();
  front.clearCalls();
});
const config = () => ({ endpoint: front.url, region: REGION, credentials: key, maxAttempts: 1 });
const outcome = async (work: Promise<unknown>): Promise<string> => work.then(() => 'ok', (error: Error) => error.name);

describe('every service of the front', () => {
  it('answers botocore, each in its own protocol', async () => {
    const calls = [
      { service: 'sts', operation: 'get_caller_identity' },
      { service: 'iam', operation: 'create_role', parameters: { RoleName: 'made', AssumeRolePolicyDocument: JSON.stringify(TRUST), Tags: [{ Key: 'team', Value: 'a&b <c>' }] } },
      { service: 'iam', operation: 'put_role_policy', parameters: { RoleName: 'made', PolicyName: 'p', PolicyDocument: JSON.stringify({ ...TRUST, Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] }) } },
      { service: 'iam', operation: 'get_role', parameters: { RoleName: 'made' } },
      { service: 'iam', operation: 'get_role_policy', parameters: { RoleName: 'made', PolicyName: 'p' } },
      { service: 'iam', operation: 'list_attached_role_policies', parameters: { RoleName: 'made' } },
      { service: 'iam', operation: 'simulate_principal_policy', parameters: { PolicySourceArn: `arn:aws:iam::${ACCOUNT}:role/made`, ActionNames: ['s3:GetObject', 'iam:GetRole'] } },
      { service: 'iam', operation: 'delete_role', parameters: { RoleName: 'made' } },
      { service: 'kms', operation: 'create_key' },
      { service: 'logs', operation: 'describe_log_groups' },
      { service: 'mwaa', operation: 'list_environments' },
      { service: 's3', operation: 'put_object', parameters: { Bucket: 'data', Key: 'a b/ü=1+2:3', Body: 'content' } },
      { service: 's3', operation: 'get_object', parameters: { Bucket: 'data', Key: 'a b/ü=1+2:3' } },
    ];
    const answers = await callByBotocore(front.url, calls.map((call) => ({ ...call, key })));
    expect(answers.map(({ outcome: one }, index) => `${calls[index]?.operation ?? ''} ${one}`)).toEqual(calls.map(({ operation }) => `${operation} ${operation === 'delete_role' ? 'DeleteConflict' : 'allowed'}`));
    expect(answers[3]?.answer).toMatchObject({ Role: { Arn: `arn:aws:iam::${ACCOUNT}:role/made`, AssumeRolePolicyDocument: TRUST, Tags: [{ Key: 'team', Value: 'a&b <c>' }], MaxSessionDuration: 3600 } });
    expect(answers[4]?.answer).toMatchObject({ PolicyDocument: { Statement: [{ Action: 's3:*' }] } });
    expect(answers[5]?.answer).toMatchObject({ AttachedPolicies: [] });
    expect(answers[6]?.answer).toMatchObject({ EvaluationResults: [{ EvalDecision: 'allowed' }, { EvalDecision: 'implicitDeny' }] });
    expect(answers.at(-1)?.answer).toMatchObject({ Text: 'content' });
    expect(new Set(front.calls.map(({ service }) => service))).toEqual(new Set(['sts', 'iam', 'kms', 'logs', 'airflow', 's3']));
  });

  it('answers the JavaScript SDK, the old MWAA client and a streamed upload of unknown length included', async () => {
    const bucket = new S3Client({ ...config(), forcePathStyle: true });
    await bucket.send(new PutObjectCommand({ Bucket: 'data', Key: 'stream', Body: Readable.from(['hello ', 'world']), ContentLength: 11 }));
    expect(await (await bucket.send(new GetObjectCommand({ Bucket: 'data', Key: 'stream' }))).Body?.transformToString()).toBe('hello world');
    expect((await new KMSClient(config()).send(new ListAliasesCommand({}))).Aliases).toEqual([]);
    expect((await new MWAAClient({ ...config(), disableHostPrefix: true } as never).send(new ListEnvironmentsCommand({}))).Environments).toEqual([]);
  });

  it('pages IAM’s lists', async () => {
    for (const name of ['page-1', 'page-2', 'page-3']) world.createRole({ account: ACCOUNT, name, path: '/pages/', trust: TRUST as never });
    const iam = new IAMClient(config());
    const first = await iam.send(new ListRolesCommand({ PathPrefix: '/pages/', MaxItems: 2 }));
    const second = await iam.send(new ListRolesCommand({ PathPrefix: '/pages/', MaxItems: 2, Marker: first.Marker }));
    expect([first, second].map(({ Roles = [], IsTruncated }) => [Roles.map(({ RoleName }) => RoleName), IsTruncated])).toEqual([[['page-1', 'page-2'], true], [['page-3'], false]]);
  });
});

describe('the call log', () => {
  it('tells reads from writes, and names caller, resource and refusal, in memory and in the file', async () => {
    const nobody = world.createRole({ account: ACCOUNT, name: 'nobody', trust: TRUST as never });
    const session = world.identities.sessionForService(nobody, 'airflow.amazonaws.com', 'run', 900);
    await outcome(new IAMClient({ ...config(), credentials: session }).send(new GetRoleCommand({ RoleName: 'nobody' })));
    await new S3Client({ ...config(), forcePathStyle: true }).send(new PutObjectCommand({ Bucket: 'data', Key: 'k', Body: 'secret-in-body' }));
    expect(front.calls).toMatchObject([
      { service: 'iam', action: 'GetRole', readOnly: true, principal: `arn:aws:sts::${ACCOUNT}:assumed-role/nobody/run`, resource: nobody, status: 403, error: 'AccessDenied' },
      { service: 's3', action: 'PutObject', readOnly: false, resource: 'arn:aws:s3:::data/k', status: 200 },
    ]);
    const file = readFileSync(path.join(folder, 'calls.jsonl'), 'utf8');
    expect(file.trimEnd().split('\n').slice(-2).map((line) => JSON.parse(line) as unknown)).toEqual([...front.calls]);
    expect([file.includes('secret-in-body'), file.includes(session.sessionToken)]).toEqual([false, false]);
  });
});

describe('faults', () => {
  const listAliases = () => outcome(new KMSClient(config()).send(new ListAliasesCommand({})));
  const put = () => outcome(new S3Client({ ...config(), forcePathStyle: true }).send(new PutObjectCommand({ Bucket: 'data', Key: 'k', Body: 'x' })));

  it.each([
    { kind: 'throttle', kms: 'ThrottlingException', bucket: 'SlowDown' },
    { kind: '500', kms: 'InternalFailure', bucket: 'InternalError' },
    { kind: 'expired-token', kms: 'ExpiredTokenException', bucket: 'ExpiredToken' },
    { kind: 'drop', kms: 'Error', bucket: 'Error' },
  ] as const)('$kind, as often as asked and in the service’s own words', async ({ kind, kms, bucket }) => {
    world.faults.add({ service: 'kms', kind, times: 2 });
    world.faults.add({ service: 's3', action: 'PutObject', kind, times: 1 });
    const before = (await s3.readObject('data', 'k'))?.versionId;
    expect([await listAliases(), await listAliases(), await listAliases(), await put()]).toEqual([kms, kms, 'ok', bucket]);
    // What was refused was not done.
    expect((await s3.readObject('data', 'k'))?.versionId).toBe(before);
    expect(await put()).toBe('ok');
  });

  it('hit only the caller, and only after the calls, that a rule names', async () => {
    world.faults.add({ principalContains: 'role/other', kind: '500', times: 9 });
    world.faults.add({ service: 'kms', after: 1, kind: 'throttle', times: 1 });
    expect([await listAliases(), await listAliases(), await listAliases()]).toEqual(['ok', 'ThrottlingException', 'ok']);
  });

  it('are set from another process over HTTP, and a wrong rule is said to be wrong', async () => {
    const post = (rule: object) => fetch(`${front.url}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(rule) });
    expect((await post({ service: 'kms', kind: 'throttle', times: 1 })).status).toBe(200);
    expect(await listAliases()).toBe('ThrottlingException');
    expect(await (await post({ service: 'kms', kind: 'explode', times: 1 })).json()).toEqual({ error: 'fault rule: kind "explode" is none of throttle, 500, drop, delay, expired-token' });
    expect(await (await fetch(`${front.url}/_sandbox/faults`)).json()).toEqual([]);
  });
});

describe('what is not signed', () => {
  it.each([
    { path: '/data/k', headers: {}, body: undefined, is: /<Code>AccessDenied<\/Code>/u },
    { path: '/', headers: { 'x-amz-target': 'TrentService.ListAliases' }, body: '{}', is: /MissingAuthenticationTokenException/u },
    { path: '/', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'Action=GetCallerIdentity&Version=2011-06-15', is: /<Code>MissingAuthenticationToken<\/Code>/u },
  ])('$path $headers is refused in the protocol it seems to be of', async ({ path: target, headers, body, is }) => {
    const answer = await fetch(`${front.url}${target}`, { headers: headers as Record<string, string>, ...(body !== undefined && { method: 'POST', body }) });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(await answer.text()).toMatch(is);
  });
});
