/** Makes one environment of the spec with all that belongs to it: bucket, execution role, log groups, Airflow, its variables. */
import type { SandboxWorld } from '../iam/world.js';
import type { Network } from '../services/mwaa/caller-permissions.js';
import { type EnvironmentRecord, LOG_MODULES } from '../services/mwaa/environment-record.js';
import type { MwaaService } from '../services/mwaa/service.js';
import type { S3Inside } from '../services/s3/service.js';
import { executionRolePolicy, executionRoleTrust } from './execution-role.js';
import { seedAirflow } from './seed-airflow.js';
import { seedBucket } from './seed-bucket.js';
import { DEFAULT_NETWORK, type EnvironmentSpec } from './spec.js';

export type Adoption = Readonly<{
  environment: EnvironmentSpec;
  networks: readonly Network[];
  world: SandboxWorld;
  s3: S3Inside;
  mwaa: MwaaService;
  /** Python interpreter, for zips. */
  python: string;
  log: (line: string) => void;
}>;

/** @throws Error that names the environment and why it did not become AVAILABLE */
export async function adoptEnvironment({ environment, networks, world, s3, mwaa, python, log }: Adoption): Promise<void> {
  const { name, account, region, bucket } = environment;
  const resources = await seedBucket(s3, environment, python);
  const kmsKey = environment.kmsKey && keyArn(world, environment.kmsKey, account, region);
  const executionRole = world.createRole({
    account, name: `mwaa-${name}-execution`.slice(0, 64),
    trust: executionRoleTrust(account, region, name),
    policies: { mwaa: executionRolePolicy({ account, region, environment: name, bucket, kmsKey }) },
  });
  const network = networks.find((one) => one.account === account && one.region === region) ?? DEFAULT_NETWORK;
  const logging = Object.fromEntries(Object.keys(LOG_MODULES).map((module) => [module, { Enabled: true, LogLevel: 'INFO' }]));
  log(`${name}: starting Airflow ${environment.airflowVersion} …`);
  const caller = { principal: { kind: 'root' as const, account, arn: `arn:aws:iam::${account}:root` }, account, region };
  const record = await mwaa.adopt(caller, {
    Name: name, AirflowVersion: environment.airflowVersion, ExecutionRoleArn: executionRole, SourceBucketArn: `arn:aws:s3:::${bucket}`, DagS3Path: environment.dagsPath,
    NetworkConfiguration: { SubnetIds: network.subnets.slice(0, 2), SecurityGroupIds: network.securityGroups.slice(0, 1) },
    LoggingConfiguration: logging, WebserverAccessMode: environment.webServer, AirflowConfigurationOptions: environment.options, ...resources,
    ...(environment.class ? { EnvironmentClass: environment.class } : {}), ...(kmsKey ? { KmsKey: kmsKey } : {}),
    ...(Object.keys(environment.tags).length > 0 ? { Tags: environment.tags } : {}),
  });
  await record.work;
  const airflow = started(record);
  await seedAirflow(airflow, environment);
  log(`${name}: AVAILABLE, ${record.host?.url ?? ''}`);
}

function started({ name, status, running, lastUpdate }: EnvironmentRecord): NonNullable<EnvironmentRecord['running']> {
  if (running && status === 'AVAILABLE') return running;
  throw new Error(`The environment "${name}" of the spec is ${status}: ${lastUpdate.error?.message ?? 'no reason was given'}`);
}

/** @param key ARN, or alias with or without "alias/" */
function keyArn(world: SandboxWorld, key: string, account: string, region: string): string {
  if (key.startsWith('arn:')) return key;
  const alias = `arn:aws:kms:${region}:${account}:alias/${key.replace(/^alias\//, '')}`;
  const found = world.kms.aliases.get(alias);
  if (!found) throw new Error(`kms-key "${key}": ${alias} is none of the spec's "keys".`);
  return found;
}
