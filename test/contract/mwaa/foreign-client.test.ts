import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ensureTools } from '../../../scripts/python.mjs';
import { envFileText } from '../../sandbox/env-file.js';
import { parseSpec } from '../../sandbox/spec/read-spec.js';
import { type Sandbox, startSandbox } from '../../sandbox/world.js';
import { anAirflow, type AnAirflow } from './a-mwaa.js';

const SPEC = 'accounts: ["111122223333"]\nenvironments:\n  - { name: first, airflow-version: 2.6.3, dags: ../../sandbox/examples/dags, variables: { a: b } }\n' +
  '  - { name: keyed, airflow-version: 2.10.3, region: eu-central-1, kms-key: data, web-server: PRIVATE_ONLY, startup-script: foreign_client.py }\nkeys:\n  - { alias: data, region: eu-central-1 }\n';
let airflow: AnAirflow;
let sandbox: Sandbox;
/** What a person is told of environments that were made after the start: name, and sandbox.env as it is then. */
const told: (readonly [string, string])[] = [];
beforeAll(async () => {
  airflow = await anAirflow();
  airflow.script.rest = ({ path: asked }) => Promise.resolve(asked === '/missing' ? { status: 404, body: '{"detail":"no"}' } : { status: 200, body: '{"dags":[]}' });
  sandbox = await startSandbox(parseSpec(SPEC, import.meta.filename), {
    machinery: () => Promise.resolve(airflow.machinery), onAvailable: ({ name }) => void told.push([name, envFileText(sandbox)]),
  });
}, 60_000);
afterAll(async () => {
  await sandbox.close();
  await airflow.close();
});

/** A shell that has read sandbox.env, as the account's root. */
const aShell = () => ({
  ...Object.fromEntries([...envFileText(sandbox).matchAll(/^(\w+)='(.*)'$/gmu)].map(([, name = '', value = '']) => [name, value])),
  ...sandbox.env({ as: 'arn:aws:iam::111122223333:root' }), PATH: process.env.PATH,
});

it('has the spec’s environment, with bucket, execution role and variables, and a call log that begins empty', async () => {
  expect(sandbox.calls).toEqual([]);
  expect(sandbox.environment('first')).toMatchObject({ status: 'AVAILABLE', bucket: 'mwaa-first-111122223333', executionRoleArn: 'arn:aws:iam::111122223333:role/mwaa-first-execution' });
  expect(sandbox.s3.listObjects('mwaa-first-111122223333').map(({ key }) => key)).toEqual(['dags/nightly_load.py']);
  expect(airflow.rest).toMatchObject([{ role: 'Admin', method: 'POST', path: '/variables', body: '{"key":"a","value":"b"}' }]);
  expect(airflow.started.find(({ name }) => name === 'keyed')).toMatchObject({ region: 'eu-central-1', startupScriptPath: 'startup.sh', startupScriptVersion: expect.any(String) });
  expect(() => sandbox.environment('second')).toThrow(/no environment "second"; it has .*first/);
});

it('serves boto3 with every operation, over the front, with the bucket read as the execution role', async () => {
  const role = sandbox.environment('first').executionRoleArn;
  // The spec's role trusts MWAA for its own environment only; this one is created by hand, as a deployment would.
  const made = sandbox.world.createRole({
    account: '111122223333', name: 'by-hand', trust: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Service: ['airflow.amazonaws.com', 'airflow-env.amazonaws.com'] }, Action: 'sts:AssumeRole' }] },
    policies: { all: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: ['s3:GetObject*', 's3:GetBucket*', 's3:List*'], Resource: ['arn:aws:s3:::mwaa-first-111122223333', 'arn:aws:s3:::mwaa-first-111122223333/*'] }, { Effect: 'Allow', Action: ['airflow:PublishMetrics', 'logs:*', 'cloudwatch:PutMetricData', 'sqs:*'], Resource: '*' }] } },
  });
  expect(role).not.toBe(made);
  const creation = {
    Name: 'second', AirflowVersion: '2.10.3', ExecutionRoleArn: made, SourceBucketArn: 'arn:aws:s3:::mwaa-first-111122223333', DagS3Path: 'dags', WebserverAccessMode: 'PUBLIC_ONLY',
    NetworkConfiguration: { SubnetIds: ['subnet-sandbox-a', 'subnet-sandbox-b'], SecurityGroupIds: ['sg-sandbox'] }, Tags: { team: 'data' },
    LoggingConfiguration: { TaskLogs: { Enabled: true, LogLevel: 'INFO' } },
  };
  const python = path.join(ensureTools(), 'python');
  const { stdout } = await promisify(execFile)(python, [path.join(import.meta.dirname, 'foreign_client.py'), JSON.stringify(creation)], { env: aShell() });
  expect(JSON.parse(stdout)).toMatchObject({
    arn: 'arn:aws:airflow:eu-west-1:111122223333:environment/second',
    described: { Status: 'AVAILABLE', AirflowVersion: '2.10.3', DagS3Path: 'dags', Tags: { team: 'data' }, NetworkConfiguration: creation.NetworkConfiguration },
    'created-is-a-date': true, listed: ['first', 'second'], tags: { stage: 'test' },
    rest: [200, { dags: [] }], 'rest-refused': [400, 'RestApiClientException', 404],
    'cli-host': expect.stringMatching(/^127\.0\.0\.1:\d+$/), 'web-identity': 'root',
    unknown: [404, 'ResourceNotFoundException', null], version: [400, 'ValidationException', null], workers: 20, after: ['first'],
  });
  expect(told.map(([name]) => name)).toEqual(['second']);
  const login = /^# second: UI http:\/\/127\.0\.0\.1:\d+ user admin password none\n# second: database postgresql:\/\/127\.0\.0\.1\/none Fernet key none$/mu;
  expect(told[0]?.[1]).toMatch(login);
  expect(envFileText(sandbox)).not.toMatch(login); // deleted by the client
  const asRole = sandbox.calls.filter(({ principal }) => principal.includes(':assumed-role/by-hand/'));
  expect(new Set(asRole.map(({ service, action }) => `${service}:${action}`))).toEqual(new Set(['s3:ListObjectsV2', 's3:GetBucketVersioning', 's3:GetPublicAccessBlock', 's3:HeadObject']));
}, 60_000);

it('refuses a bucket that the execution role may not read, and one that is not as MWAA demands', async () => {
  const client = (name: string, bucket: string) => {
    const creation = { Name: name, ExecutionRoleArn: 'arn:aws:iam::111122223333:role/by-hand', SourceBucketArn: `arn:aws:s3:::${bucket}`, DagS3Path: 'dags', NetworkConfiguration: { SubnetIds: ['subnet-sandbox-a', 'subnet-sandbox-b'], SecurityGroupIds: ['sg-sandbox'] } };
    return promisify(execFile)(path.join(ensureTools(), 'python'), [path.join(import.meta.dirname, 'foreign_client.py'), JSON.stringify(creation)], { env: aShell() })
      .then(() => '', (error: unknown) => String((error as { stderr: string }).stderr));
  };
  sandbox.s3.makeBucket({ name: 'foreign', account: '111122223333', region: 'eu-west-1', versioning: true });
  expect(await client('third', 'foreign')).toMatch(/ValidationException.*sufficient permissions for s3 location foreign\/dags \(s3:ListBucket\)/);
  expect(await client('third', 'no-such-bucket')).toMatch(/ValidationException.*(does not exist|sufficient permissions)/);
}, 60_000);
