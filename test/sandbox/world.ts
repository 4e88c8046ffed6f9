/** Puts the sandbox together: accounts, AWS front, OIDC issuer and real Airflow environments, as a spec describes them. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CloudWatchLogsClient, CreateLogGroupCommand, ResourceAlreadyExistsException } from '@aws-sdk/client-cloudwatch-logs';
import { ensureTools } from '../../scripts/python.mjs';
import type { AirflowMachinery, RunningEnvironment } from './environments/contract.js';
import { createMachinery } from './environments/machinery.js';
import type { CallRecord } from './front/contract.js';
import { startFront } from './front/server.js';
import { loadTemplate, type Stack } from './iam/cloudformation.js';
import { createClock, createIdentityWorld, type SandboxWorld } from './iam/world.js';
import { A_JOB } from './oidc/claims.js';
import { GITHUB_ISSUER, type OidcIssuer, startOidcIssuer } from './oidc/issuer.js';
import { createIamService } from './services/iam/service.js';
import { createKmsService } from './services/kms/service.js';
import { createLogsService } from './services/logs/service.js';
import { type ContainerCredentials, startContainerCredentials } from './services/mwaa/container-credentials.js';
import type { EnvironmentControl } from './services/mwaa/control.js';
import type { EnvironmentRecord } from './services/mwaa/environment-record.js';
import { createMwaaService } from './services/mwaa/service.js';
import { readServiceModel } from './services/mwaa/service-model.js';
import { bucketLooker } from './services/mwaa/source-bucket.js';
import { createS3Service, type S3Service } from './services/s3/service.js';
import { createStsService } from './services/sts/service.js';
import { adoptEnvironment } from './spec/adopt-environment.js';
import { logsKeyStatement } from './spec/execution-role.js';
import { networksOf } from './spec/read-spec.js';
import type { Spec } from './spec/spec.js';

export type SandboxOptions = Readonly<{
  /** One fact per line. Default: silence. */
  log?: (line: string) => void;
  /** Told of every environment that was made after the sandbox stood, once its Airflow runs. */
  onAvailable?: (environment: SandboxEnvironment) => void;
  /** JSON lines of every call of the front. */
  callLogFile?: string;
  /** Lifetime of the execution roles' sessions. Default: 3600. */
  sessionSeconds?: number;
  /** Another Airflow than the real one, for tests of the sandbox itself. */
  machinery?: (front: Readonly<{ endpointUrl: string }>) => Promise<AirflowMachinery>;
}>;

export type SandboxEnvironment = Readonly<{
  name: string; account: string; region: string; arn: string;
  status: EnvironmentRecord['status'];
  executionRoleArn: string;
  bucket: string;
  /** http://127.0.0.1:<port>: what GetEnvironment answers as WebserverUrl; Airflow's UI is there too. */
  webserverUrl: string | undefined;
  /** Real Airflow. @throws Error while there is none (creating, failed, deleted) */
  readonly running: RunningEnvironment;
}>;

/** A variable of the world for a child process, e.g. the action. */
export type ChildEnvironment = Readonly<{
  region?: string;
  /** Credentials of a user, an account's root, or a session of a role. Default: none, the child has to get them by OIDC. */
  as?: string;
  /** Default: true. */
  oidc?: boolean;
}>;

export type Sandbox = Readonly<{
  spec: Spec;
  /** The AWS front, for AWS_ENDPOINT_URL. */
  endpoint: string;
  world: SandboxWorld;
  oidc: OidcIssuer;
  /** Every call since the sandbox stood (or clearCalls), oldest first. */
  calls: readonly CallRecord[];
  clearCalls(): void;
  faults: SandboxWorld['faults'];
  /** By name; looked up afresh each time, so environments made later are there too. */
  readonly environments: ReadonlyMap<string, SandboxEnvironment>;
  /** @throws Error naming the environments there are */
  environment(name: string): SandboxEnvironment;
  /**
   * Starts real Airflow on a copy of the environment's database as it is now: same version, options, DAG folder and role, a life of its own.
   * AWS knows nothing of it. It ends with the sandbox. @throws Error when the environment does not run
   */
  cloneOf(name: string, cloneName: string): Promise<RunningEnvironment>;
  /** Forces failures and statuses. */
  control: EnvironmentControl;
  /** What the spec's templates made, in their order: roles' ARNs stand in the outputs. */
  stacks: readonly Stack[];
  /** S3 from the inside: no request, no permission. */
  s3: S3Service;
  rootCredentials(account: string): Readonly<{ accessKeyId: string; secretAccessKey: string }>;
  /** Configuration of any SDK client that acts as the account's root. */
  rootClient(account: string, region?: string): Readonly<{ endpoint: string; region: string; credentials: Readonly<{ accessKeyId: string; secretAccessKey: string }>; forcePathStyle: true }>;
  env(options?: ChildEnvironment): Readonly<Record<string, string>>;
  /** Ends every process and server. May be called twice. */
  close(): Promise<void>;
}>;

/**
 * Takes 15 to 60 s with two environments whose versions are in the cache.
 * @throws Error when something of the spec cannot be made; everything is ended then
 */
export async function startSandbox(spec: Spec, { log = () => undefined, onAvailable = () => undefined, callLogFile, sessionSeconds, machinery: otherMachinery }: SandboxOptions = {}): Promise<Sandbox> {
  const ending: (() => Promise<void> | void)[] = [];
  let closed: Promise<void> | undefined;
  /** Ends in the opposite order of starting; all of it, even when one part fails. */
  const close = () => (closed ??= (async () => {
    const failures: unknown[] = [];
    for (const end of ending.reverse()) await Promise.resolve().then(end).catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, `The sandbox did not end cleanly: ${failures.map(String).join('; ')}`);
  })());

  try {
    const tools = ensureTools();
    const workFolder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-sandbox-'));
    ending.push(() => rmSync(workFolder, { recursive: true, force: true }));

    const clock = createClock();
    const oidc = await startOidcIssuer({ clock, job: jobOf(spec) });
    ending.push(() => oidc.close());
    const world = createIdentityWorld({ accounts: spec.accounts, clock, oidcIssuers: { [GITHUB_ISSUER]: oidc.url } });
    const root = (account: string) => `arn:aws:iam::${account}:root`;
    const rootCredentials = (account: string) => world.identities.accessKeyFor(root(account));
    for (const { account, region, alias } of spec.keys) world.createKey({ account, region, alias: `alias/${alias.replace(/^alias\//, '')}`, policy: keyPolicy(account, region) });
    const stacks = spec.iam.map(({ template, ...options }) => loadTemplate(world, template, options));

    const credentials = await startContainerCredentials(world.identities, sessionSeconds);
    ending.push(() => credentials.close());
    const s3 = await createS3Service(world);
    // Front and Airflow need each other's address: the MWAA service gets both by functions that are called when all stands.
    const late: { machinery?: AirflowMachinery; endpoint?: string; stands?: boolean } = {};
    const endpoint = () => late.endpoint ?? '';
    const rootClient = (account: string, region = spec.region) => ({ endpoint: endpoint(), region, credentials: rootCredentials(account), forcePathStyle: true as const });
    const networks = networksOf(spec, regionsOf(spec));
    const mwaa = createMwaaService({
      world, model: readServiceModel(tools), networks, delays: spec.delays, report: log,
      onAvailable: (record) => { if (late.stands) onAvailable(viewOf(record)); },
      machinery: { start: (settings) => (late.machinery ?? unready()).start(settings), close: () => Promise.resolve() },
      lookAtBucket: (look) => bucketLooker(endpoint())(look),
      createLogGroup: ({ account, region, name, kmsKey }) => createLogGroup(rootClient(account, region), name, kmsKey),
      extras: ({ name }) => {
        const { database, syncSeconds = spec.syncSeconds, triggerer = false } = spec.environments.find((environment) => environment.name === name) ?? {};
        return { syncSeconds, triggerer, ...(database ? { database } : {}) };
      },
    });
    const front = await startFront({ world, callLogFile, services: [s3, createStsService(world), createIamService(world), createKmsService(world), createLogsService(world), mwaa] });
    late.endpoint = front.url;
    ending.push(() => front.close());
    const machinery = await (otherMachinery?.({ endpointUrl: front.url }) ?? realMachinery(path.join(workFolder, 'airflow'), front.url, credentials, log));
    late.machinery = machinery;
    ending.push(() => machinery.close());
    ending.push(() => mwaa.close());

    log(`AWS front: ${front.url}`);
    await Promise.all(spec.environments.map((environment) => adoptEnvironment({ environment, networks, world, s3, mwaa, python: path.join(tools, 'python'), log })));
    front.clearCalls();
    late.stands = true;

    const environments = () => new Map(mwaa.environments().map((record) => [record.name, viewOf(record)]));
    return {
      spec, endpoint: front.url, world, oidc, calls: front.calls, clearCalls: () => front.clearCalls(), faults: world.faults, control: mwaa.control, stacks, s3, rootCredentials, rootClient, close,
      get environments() { return environments(); },
      environment(name) {
        const found = environments().get(name);
        if (!found) throw new Error(`The sandbox has no environment "${name}"; it has ${[...environments().keys()].join(', ') || 'none'}.`);
        return found;
      },
      async cloneOf(name, cloneName) {
        const running = environments().get(name)?.running;
        if (!running || !machinery.clone) throw new Error(`"${name}" cannot be cloned: ${running ? 'this machinery makes no copies' : 'it does not run'}.`);
        return machinery.clone(running, cloneName);
      },
      env: ({ region = spec.region, as, oidc: withOidc = true } = {}) => ({
        AWS_ENDPOINT_URL: endpoint(), AWS_REGION: region, AWS_DEFAULT_REGION: region, AWS_EC2_METADATA_DISABLED: 'true',
        ...(withOidc ? oidc.env() : {}),
        ...(as ? keysOf(world, as) : {}),
      }),
    };
  } catch (error) {
    await close().catch((problem: unknown) => log(String(problem)));
    throw error;
  }
}

const unready = (): never => { throw new Error('The machinery of Airflow does not stand yet.'); };

const realMachinery = (workFolder: string, endpointUrl: string, credentials: ContainerCredentials, log: (line: string) => void): Promise<AirflowMachinery> =>
  createMachinery({ workFolder, endpointUrl, log, credentialsEnv: (settings) => Promise.resolve(credentials.variablesFor(settings)) });

const regionsOf = (spec: Spec) => [...new Set([spec.region, ...spec.environments.map(({ region }) => region)])];

function jobOf({ github: { repository, ref, environment, event, workflowRef } }: Spec): typeof A_JOB {
  return {
    ...A_JOB, ...(repository ? { repository } : {}), ...(ref ? { ref } : {}), ...(environment ? { environment } : {}), ...(event ? { eventName: event } : {}),
    ...(workflowRef ? { jobWorkflowRef: workflowRef } : {}),
  };
}

/** IAM of the account decides, and the log groups of the region may use the key: what AWS asks of an MWAA environment's key. */
function keyPolicy(account: string, region: string) {
  const own = { Sid: 'IAM of the account', Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'kms:*', Resource: '*' };
  return { Version: '2012-10-17', Statement: [own, logsKeyStatement(account, region)] };
}

async function createLogGroup(config: Readonly<{ endpoint: string; region: string; credentials: Readonly<{ accessKeyId: string; secretAccessKey: string }> }>, name: string, kmsKey: string | undefined): Promise<void> {
  const client = new CloudWatchLogsClient({ endpoint: config.endpoint, region: config.region, credentials: config.credentials });
  try {
    await client.send(new CreateLogGroupCommand({ logGroupName: name, ...(kmsKey ? { kmsKeyId: kmsKey } : {}) }));
  } catch (error) {
    if (!(error instanceof ResourceAlreadyExistsException)) throw error;
  } finally {
    client.destroy();
  }
}

function viewOf(record: EnvironmentRecord): SandboxEnvironment {
  return {
    name: record.name, account: record.account, region: record.region, arn: record.arn, status: record.status, executionRoleArn: record.fields.ExecutionRoleArn,
    bucket: record.fields.SourceBucketArn.split(':::')[1] ?? '', webserverUrl: record.host?.url,
    get running() {
      if (!record.running) throw new Error(`The environment ${record.name} is ${record.status}: ${record.lastUpdate.error?.message ?? 'no Airflow runs'}`);
      return record.running;
    },
  };
}

function keysOf({ identities }: SandboxWorld, arn: string): Readonly<Record<string, string>> {
  const { accessKeyId, secretAccessKey, ...more } = arn.includes(':role/') ? identities.sessionForService(arn, 'the sandbox', 'by-hand', 3600) : identities.accessKeyFor(arn);
  return {
    AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...('sessionToken' in more && typeof more.sessionToken === 'string' ? { AWS_SESSION_TOKEN: more.sessionToken } : {}),
  };
}
