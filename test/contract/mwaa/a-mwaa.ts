/** A world with one account, a role for the caller, an execution role, a bucket that is as it should be, and an Airflow that only says what it was asked. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { ensureTools } from '../../../scripts/python.mjs';
import type { AirflowMachinery, AirflowRole, EnvironmentSettings, RunningEnvironment } from '../../sandbox/environments/contract.js';
import { AwsError, type FrontRequest, type PolicyDocument, type Principal } from '../../sandbox/front/contract.js';
import { createIdentityWorld } from '../../sandbox/iam/world.js';
import { createMwaaService, type MwaaOptions } from '../../sandbox/services/mwaa/service.js';
import { readServiceModel } from '../../sandbox/services/mwaa/service-model.js';
import type { BucketFindings } from '../../sandbox/services/mwaa/source-bucket.js';
import { executionRolePolicy, executionRoleTrust } from '../../sandbox/spec/execution-role.js';

export const ACCOUNT = '111122223333';
export const REGION = 'eu-west-1';
export const EXECUTION_ROLE = `arn:aws:iam::${ACCOUNT}:role/airflow-execution`;
export const ENVIRONMENT_ARN = `arn:aws:airflow:${REGION}:${ACCOUNT}:environment/analytics`;
const CALLER = 'deployer';

export const model = readServiceModel(ensureTools());

/** All that CreateEnvironment of `aCreation` needs, statement by statement, so that a test can take one away. */
export const NEEDED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  airflow: { Effect: 'Allow', Action: 'airflow:*Environment*', Resource: '*' },
  tag: { Effect: 'Allow', Action: ['airflow:TagResource', 'airflow:UntagResource', 'airflow:ListTagsForResource'], Resource: ENVIRONMENT_ARN },
  pass: { Effect: 'Allow', Action: 'iam:PassRole', Resource: EXECUTION_ROLE, Condition: { StringEquals: { 'iam:PassedToService': 'airflow.amazonaws.com' } } },
  bucket: { Effect: 'Allow', Action: 's3:GetEncryptionConfiguration', Resource: 'arn:aws:s3:::*' },
  describe: { Effect: 'Allow', Action: 'ec2:Describe*', Resource: '*' },
  endpoint: { Effect: 'Allow', Action: 'ec2:CreateVpcEndpoint', Resource: ['vpc-endpoint', 'vpc', 'subnet', 'security-group'].map((kind) => `arn:aws:ec2:*:*:${kind}/*`) },
  interface: { Effect: 'Allow', Action: 'ec2:CreateNetworkInterface', Resource: ['subnet', 'network-interface'].map((kind) => `arn:aws:ec2:*:*:${kind}/*`) },
  linked: { Effect: 'Allow', Action: 'iam:CreateServiceLinkedRole', Resource: 'arn:aws:iam::*:role/aws-service-role/airflow.amazonaws.com/AWSServiceRoleForAmazonMWAA' },
  rest: { Effect: 'Allow', Action: ['airflow:InvokeRestApi', 'airflow:CreateWebLoginToken'], Resource: `arn:aws:airflow:${REGION}:${ACCOUNT}:role/analytics/Op` },
  cli: { Effect: 'Allow', Action: 'airflow:CreateCliToken', Resource: ENVIRONMENT_ARN },
};

export const aCreation = (changes: Readonly<Record<string, unknown>> = {}) => ({
  ExecutionRoleArn: EXECUTION_ROLE, SourceBucketArn: 'arn:aws:s3:::analytics-bucket', DagS3Path: 'dags', AirflowVersion: '2.10.3', WebserverAccessMode: 'PUBLIC_ONLY',
  NetworkConfiguration: { SubnetIds: ['subnet-a', 'subnet-b'], SecurityGroupIds: ['sg-1'] },
  LoggingConfiguration: { TaskLogs: { Enabled: true, LogLevel: 'INFO' } },
  ...changes,
});

export const FINE: BucketFindings = { kind: 'found', region: REGION, versioned: true, publicAccessBlocked: true, absent: [] };

type Json = Readonly<Record<string, unknown>>;

type Overrides = Partial<Pick<MwaaOptions, 'delays' | 'lookAtBucket' | 'createLogGroup' | 'restCallsPerSecond'>> & {
  /** Keys of NEEDED that the caller does not have. */
  without?: readonly string[];
  /** Replaces the statements of NEEDED.rest. */
  rest?: Readonly<Record<string, unknown>>;
  executionPolicy?: PolicyDocument;
  trust?: PolicyDocument;
};

export async function aMwaa({ without = [], rest, executionPolicy, trust, ...options }: Overrides = {}) {
  const world = createIdentityWorld({ accounts: [ACCOUNT] });
  const statements = Object.entries({ ...NEEDED, ...(rest ? { rest } : {}) }).filter(([key]) => !without.includes(key)).map(([, statement]) => statement);
  const caller = world.createRole({
    account: ACCOUNT, name: CALLER, trust: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: 'sts:AssumeRole' }] },
    policies: { all: { Version: '2012-10-17', Statement: statements } },
  });
  world.createRole({
    account: ACCOUNT, name: 'airflow-execution', trust: trust ?? executionRoleTrust(ACCOUNT, REGION, '*'),
    policies: { mwaa: executionPolicy ?? executionRolePolicy({ account: ACCOUNT, region: REGION, environment: 'analytics', bucket: 'analytics-bucket' }) },
  });
  const principal: Principal = { kind: 'role-session', account: ACCOUNT, arn: `arn:aws:sts::${ACCOUNT}:assumed-role/${CALLER}/test`, roleArn: caller, roleName: CALLER, sessionName: 'test', sessionPolicies: [], keys: {} };
  const airflow = await anAirflow();
  const service = createMwaaService({
    world, model, machinery: airflow.machinery,
    networks: [{ account: ACCOUNT, region: REGION, vpc: 'vpc-1', subnets: ['subnet-a', 'subnet-b', 'subnet-c'], securityGroups: ['sg-1', 'sg-2'] }],
    lookAtBucket: () => Promise.resolve(FINE), createLogGroup: () => Promise.resolve(), ...options,
  });

  /** One call as the front would hand it over; an error comes back as the answer it renders to. */
  const call = async (method: string, path: string, body?: unknown, as: Principal = principal) => {
    const [rawPath = '', rawQuery = ''] = path.split('?');
    const request: FrontRequest = {
      id: 'test', method, rawPath, rawQuery, query: new URLSearchParams(rawQuery), host: '127.0.0.1', headers: {},
      body: Buffer.from(body === undefined ? '' : JSON.stringify(body)), service: 'airflow', region: REGION, principal: as,
    };
    const response = await service.handle(request).catch((error: unknown) => {
      if (error instanceof AwsError) return service.renderError(error, request);
      throw error;
    });
    return { status: response.status, type: response.headers?.['x-amzn-errortype'], body: JSON.parse(String(response.body)) as Json };
  };
  const create = async (changes: Readonly<Record<string, unknown>> = {}, name = 'analytics') => {
    const answer = await call('PUT', `/environments/${name}`, aCreation(changes));
    await service.control.settled(name);
    return answer;
  };
  const get = async (name = 'analytics') => (await call('GET', `/environments/${name}`)).body.Environment as Json;
  const restApi = (input: Readonly<Record<string, unknown>>, as?: Principal) => call('POST', '/restapi/analytics', input, as);
  return { world, service, call, create, get, restApi, airflow, close: async () => { await service.close(); await airflow.close(); } };
}
export type AMwaa = Awaited<ReturnType<typeof aMwaa>>;

export type RestCall = Readonly<{ role: AirflowRole; method: string; path: string; query: string; body: string | undefined }>;

/** A web server of our own in Airflow's place; it answers what a test puts into `answers` and keeps what it was asked. */
export async function anAirflow() {
  const rest: RestCall[] = [];
  const cli: (readonly string[])[] = [];
  const started: EnvironmentSettings[] = [];
  const applied: EnvironmentSettings[] = [];
  const stopped: string[] = [];
  const script: { rest: (call: RestCall) => Promise<Readonly<{ status: number; body: string }>>; start: () => Promise<void>; apply: () => Promise<void> } = {
    rest: () => Promise.resolve({ status: 200, body: '{"dags":[]}' }), start: () => Promise.resolve(), apply: () => Promise.resolve(),
  };
  const server = http.createServer((request, response) => response.writeHead(200, { 'x-seen-path': request.url ?? '' }).end('the real web server'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const machinery: AirflowMachinery = {
    async start(settings): Promise<RunningEnvironment> {
      await script.start();
      started.push(settings);
      return {
        settings, webserverUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, databaseUrl: 'postgresql://127.0.0.1/none', fernetKey: 'none', processGroups: [], airflowHome: '/nowhere',
        login: { username: 'admin', password: 'none' },
        rest: (role, { method, path, query, body }) => {
          const call = { role, method, path, query: query.toString(), body };
          rest.push(call);
          return script.rest(call);
        },
        cli: async (args) => {
          cli.push(args);
          await made.hold;
          return { code: 1, stdout: 'out', stderr: 'err' };
        },
        syncNow: () => Promise.resolve(),
        applySettings: async (changed) => {
          await script.apply();
          applied.push(changed);
        },
        stop: () => Promise.resolve(void stopped.push(settings.name)),
      };
    },
    close: () => Promise.resolve(),
  };
  const made = {
    machinery, rest, cli, started, applied, stopped, script, /** A command of the CLI ends when this does. */ hold: undefined as Promise<undefined> | undefined,
    close: () => new Promise<void>((resolve) => { server.close(() => resolve()); server.closeAllConnections(); }),
  };
  return made;
}
export type AnAirflow = Awaited<ReturnType<typeof anAirflow>>;
