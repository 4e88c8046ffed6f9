/** What CreateEnvironment and UpdateEnvironment refuse at once, beyond the service model. */
import { AwsError, type World } from '../../front/contract.js';
import type { Network } from './caller-permissions.js';
import { bucketOf, type EnvironmentRecord, type Fields } from './environment-record.js';
import { SESSION_NAME, untrustedService } from './execution-role.js';
import type { LookAtBucket, WantedObject } from './source-bucket.js';
import { compareVersions, creatableVersions, soldVersions } from './versions.js';

const CLASSES = ['mw1.micro', 'mw1.small', 'mw1.medium', 'mw1.large', 'mw1.xlarge', 'mw1.2xlarge'];
/** Paths whose object version has to be given with them ("If specified, then a version is required"); the startup script takes the latest without. */
const VERSIONED_PATHS = [['PluginsS3Path', 'PluginsS3ObjectVersion'], ['RequirementsS3Path', 'RequirementsS3ObjectVersion']] as const;

const invalid = (message: string) => new AwsError('ValidationException', message);

/** Rules that need nothing but the fields. @throws AwsError ValidationException */
export function checkFields(fields: Fields, given: Readonly<Record<string, unknown>>): void {
  const { AirflowVersion, EnvironmentClass, MinWorkers, MaxWorkers, MinWebservers, MaxWebservers, Schedulers, WebserverAccessMode, DagS3Path } = fields;
  if (!CLASSES.includes(EnvironmentClass)) throw invalid(`Invalid EnvironmentClass ${EnvironmentClass}. Valid values: ${CLASSES.join(', ')}`);
  if (MinWorkers > MaxWorkers) throw invalid(`MinWorkers (${MinWorkers}) must not be greater than MaxWorkers (${MaxWorkers})`);
  if (MaxWorkers > 25) throw invalid(`MaxWorkers (${MaxWorkers}) must not be greater than 25`);
  if (MinWebservers > MaxWebservers) throw invalid(`MinWebservers (${MinWebservers}) must not be greater than MaxWebservers (${MaxWebservers})`);
  // "v2: for environments larger than mw1.micro, accepts values from 2 to 5 …; v1 accepts 1."
  const schedulers = AirflowVersion.startsWith('1.') || EnvironmentClass === 'mw1.micro' ? [1, 1] as const : [2, 5] as const;
  if (given.Schedulers !== undefined && (Schedulers < schedulers[0] || Schedulers > schedulers[1])) throw invalid(`Schedulers must be between ${schedulers[0]} and ${schedulers[1]} for ${EnvironmentClass}`);
  if (WebserverAccessMode === 'PUBLIC_AND_PRIVATE' && compareVersions(AirflowVersion, '3.2.0') < 0) throw invalid('WebserverAccessMode PUBLIC_AND_PRIVATE is only available for Apache Airflow version 3.2 and later');
  if (DagS3Path.replaceAll('/', '') === '' || DagS3Path.startsWith('/')) throw invalid(`DagS3Path "${DagS3Path}" is not a relative path to a folder`);
  for (const [pathField, versionField] of VERSIONED_PATHS) {
    if (given[pathField] && !given[versionField]) throw invalid(`${versionField} is required when ${pathField} is specified`);
    if (given[versionField] && !fields[pathField]) throw invalid(`${pathField} is required when ${versionField} is specified`);
  }
}

/** @throws AwsError ValidationException */
export function checkCreatable(version: string): void {
  if (!creatableVersions.includes(version)) throw invalid(`Apache Airflow version ${version} is not supported. Supported versions: ${creatableVersions.join(', ')}`);
}

/** For environments that exist from the start: every version that was ever sold still runs. @throws AwsError ValidationException */
export function checkSold(version: string): void {
  if (!soldVersions.includes(version)) throw invalid(`Apache Airflow version ${version} was never sold. Sold versions: ${soldVersions.join(', ')}`);
}

/** Subnets and security groups must be the account's, in this region, of one VPC. @throws AwsError ValidationException */
export function checkNetwork(networks: readonly Network[], account: string, region: string, configuration: Readonly<{ SubnetIds?: readonly string[]; SecurityGroupIds?: readonly string[] }>): void {
  const here = networks.filter((network) => network.account === account && network.region === region);
  const { SubnetIds = [], SecurityGroupIds = [] } = configuration;
  const network = here.find(({ subnets, securityGroups }) => subnets.includes(SubnetIds[0] ?? '') || (SubnetIds.length === 0 && securityGroups.includes(SecurityGroupIds[0] ?? '')));
  const unknownSubnet = SubnetIds.find((id) => !network?.subnets.includes(id));
  if (unknownSubnet) throw invalid(`The subnet ID '${unknownSubnet}' does not exist in ${region}`);
  if (SubnetIds.length > 0 && new Set(SubnetIds).size !== SubnetIds.length) throw invalid('The two subnets must be in different Availability Zones');
  const unknownGroup = SecurityGroupIds.find((id) => !network?.securityGroups.includes(id));
  if (unknownGroup) throw invalid(`The security group '${unknownGroup}' does not exist in the VPC of the subnets`);
}

/** The sentence is AWS's (idealo/terraform-aws-mwaa issue 156). @throws AwsError ValidationException */
export function checkTrust(world: World, environment: Pick<EnvironmentRecord, 'account' | 'arn'>, roleArn: string): void {
  const untrusted = untrustedService(world.authorizer, world.identities, roleArn, environment);
  if (!untrusted) return;
  const service = untrusted === 'missing' ? 'airflow-env.amazonaws.com' : untrusted;
  throw invalid(`Failed to assume role ${roleArn}. This could be due to the role's trust policy. Please ensure your role is assumable by '${service}' Service Principal and try again.`);
}

/**
 * The bucket as the execution role sees it. The sentences about public access and permissions are AWS's (094459/innovateaiml-airflow issue 1);
 * the others are ours.
 * @throws AwsError ValidationException
 */
export async function checkBucket(world: World, look: LookAtBucket, environment: Pick<EnvironmentRecord, 'account' | 'region'>, fields: Fields): Promise<void> {
  const bucket = bucketOf(fields);
  const objects: WantedObject[] = [
    { path: fields.PluginsS3Path, version: fields.PluginsS3ObjectVersion },
    { path: fields.RequirementsS3Path, version: fields.RequirementsS3ObjectVersion },
    { path: fields.StartupScriptS3Path, version: fields.StartupScriptS3ObjectVersion },
  ].flatMap(({ path, version }) => (path ? [{ path, version }] : []));
  const credentials = world.identities.sessionForService(fields.ExecutionRoleArn, 'airflow.amazonaws.com', SESSION_NAME, 900);
  const findings = await look({ credentials, region: environment.region, account: environment.account, bucket, dagPath: fields.DagS3Path, objects });
  if (findings.kind === 'missing') throw invalid(`Provided bucket ${bucket} does not exist`);
  if (findings.kind === 'denied') throw invalid(`Provided role does not have sufficient permissions for s3 location ${findings.location} (${findings.action})`);
  if (findings.region !== environment.region) throw invalid(`Provided bucket ${bucket} is in ${findings.region}, the environment in ${environment.region}`);
  if (!findings.publicAccessBlocked) throw invalid(`Provided bucket does not have BlockPublicAccess set for s3 bucket ${bucket}`);
  if (!findings.versioned) throw invalid(`Provided bucket does not have versioning enabled for s3 bucket ${bucket}`);
  const [absent] = findings.absent;
  if (absent) throw invalid(`Unable to read ${absent.version ? `version ${absent.version} of ` : ''}s3://${bucket}/${absent.path}`);
}
