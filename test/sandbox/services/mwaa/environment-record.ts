/** One environment as the service keeps it, and its two views: GetEnvironment's answer and the settings real Airflow runs with. */
import { randomUUID } from 'node:crypto';
import type { EnvironmentSettings, RunningEnvironment } from '../../environments/contract.js';
import { latestVersion } from './versions.js';
import type { WebServerHost } from './web-server-host.js';

export type Status =
  | 'CREATING' | 'CREATE_FAILED' | 'AVAILABLE' | 'UPDATING' | 'DELETING' | 'DELETED' | 'UNAVAILABLE'
  | 'UPDATE_FAILED' | 'ROLLING_BACK' | 'CREATING_SNAPSHOT' | 'PENDING' | 'MAINTENANCE';
export type Problem = Readonly<{ code: string; message: string }>;
export type LastUpdate = Readonly<{ status: 'SUCCESS' | 'PENDING' | 'FAILED'; at: Date; error?: Problem | undefined }>;

type Logging = Readonly<Record<string, Readonly<{ Enabled?: boolean; LogLevel?: string }>>>;
/** CreateEnvironment's fields with the service's defaults filled in. */
export type Fields = Readonly<{
  AirflowVersion: string;
  ExecutionRoleArn: string;
  SourceBucketArn: string;
  DagS3Path: string;
  NetworkConfiguration: Readonly<{ SubnetIds: readonly string[]; SecurityGroupIds: readonly string[] }>;
  PluginsS3Path?: string; PluginsS3ObjectVersion?: string;
  RequirementsS3Path?: string; RequirementsS3ObjectVersion?: string;
  StartupScriptS3Path?: string; StartupScriptS3ObjectVersion?: string;
  AirflowConfigurationOptions: Readonly<Record<string, string>>;
  EnvironmentClass: string;
  MinWorkers: number; MaxWorkers: number; Schedulers: number; MinWebservers: number; MaxWebservers: number;
  KmsKey?: string;
  LoggingConfiguration: Logging;
  WebserverAccessMode: 'PRIVATE_ONLY' | 'PUBLIC_ONLY' | 'PUBLIC_AND_PRIVATE';
  EndpointManagement: 'SERVICE' | 'CUSTOMER';
  WeeklyMaintenanceWindowStart: string;
}>;

export type EnvironmentRecord = {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly arn: string;
  readonly createdAt: Date;
  /** Names queue and endpoint services, as AWS does with an id nobody can guess. */
  readonly id: string;
  fields: Fields;
  tags: Readonly<Record<string, string>>;
  status: Status;
  lastUpdate: LastUpdate;
  running: RunningEnvironment | undefined;
  host: WebServerHost | undefined;
  /** The work that runs behind the status; ends without throwing. */
  work: Promise<void>;
};

/** The five log modules, with the word that ends their group's name. */
export const LOG_MODULES = { DagProcessingLogs: 'DAGProcessing', SchedulerLogs: 'Scheduler', WebserverLogs: 'WebServer', WorkerLogs: 'Worker', TaskLogs: 'Task' } as const;

export const environmentArn = (account: string, region: string, name: string) => `arn:aws:airflow:${region}:${account}:environment/${name}`;
export const logGroupName = (environment: string, module: keyof typeof LOG_MODULES) => `airflow-${environment}-${LOG_MODULES[module]}`;
export const serviceRoleArn = (account: string) => `arn:aws:iam::${account}:role/aws-service-role/airflow.amazonaws.com/AWSServiceRoleForAmazonMWAA`;
/** arn:aws:s3:::bucket → bucket */
export const bucketOf = (fields: Pick<Fields, 'SourceBucketArn'>) => fields.SourceBucketArn.split(':::')[1] ?? '';

/** @param input CreateEnvironment's, already held against the model */
export function withDefaults(input: Readonly<Record<string, unknown>>): Fields {
  const micro = input.EnvironmentClass === 'mw1.micro';
  // Name and Tags are kept beside the fields: neither is among what an update changes.
  const given = Object.fromEntries(Object.entries(input).filter(([field]) => field !== 'Name' && field !== 'Tags'));
  return {
    AirflowVersion: latestVersion,
    EnvironmentClass: 'mw1.small',
    MinWorkers: 1, MaxWorkers: micro ? 1 : 10, Schedulers: micro ? 1 : 2, MinWebservers: micro ? 1 : 2, MaxWebservers: micro ? 1 : 2,
    WebserverAccessMode: 'PRIVATE_ONLY',
    EndpointManagement: 'SERVICE',
    WeeklyMaintenanceWindowStart: 'SUN:03:00',
    AirflowConfigurationOptions: {},
    LoggingConfiguration: {},
    // The model has checked that what has no default above is there.
    ...(given as unknown as Pick<Fields, 'ExecutionRoleArn' | 'SourceBucketArn' | 'DagS3Path' | 'NetworkConfiguration'>),
  };
}

export function newRecord(account: string, region: string, name: string, fields: Fields, tags: Readonly<Record<string, string>>, now: Date): EnvironmentRecord {
  return {
    name, account, region, arn: environmentArn(account, region, name), createdAt: now, id: randomUUID(),
    fields, tags, status: 'CREATING', lastUpdate: { status: 'PENDING', at: now }, running: undefined, host: undefined, work: Promise.resolve(),
  };
}

/** GetEnvironment's `Environment`. What exists only later (web server, queue, endpoints) is absent while AWS makes it. */
export function describe(record: EnvironmentRecord): Readonly<Record<string, unknown>> {
  const { fields, status, lastUpdate } = record;
  const made = !['CREATING', 'CREATE_FAILED'].includes(status);
  const isPrivate = fields.WebserverAccessMode !== 'PUBLIC_ONLY';
  const endpoint = (kind: string) => `com.amazonaws.vpce.${record.region}.vpce-svc-${record.id.replaceAll('-', '').slice(0, 17)}${kind}`;
  return defined({
    ...fields,
    Name: record.name,
    Arn: record.arn,
    Status: status,
    CreatedAt: seconds(record.createdAt),
    ServiceRoleArn: serviceRoleArn(record.account),
    Tags: Object.keys(record.tags).length > 0 ? record.tags : undefined,
    LoggingConfiguration: describeLogging(record),
    WebserverUrl: record.host?.url,
    CeleryExecutorQueue: made ? `arn:aws:sqs:${record.region}:${record.account}:airflow-celery-${record.id}` : undefined,
    DatabaseVpcEndpointService: made ? endpoint('d') : undefined,
    WebserverVpcEndpointService: made && isPrivate ? endpoint('w') : undefined,
    LastUpdate: defined({
      Status: lastUpdate.status,
      CreatedAt: seconds(lastUpdate.at),
      Error: lastUpdate.error && { ErrorCode: lastUpdate.error.code, ErrorMessage: lastUpdate.error.message.slice(0, 1024) },
    }),
  });
}

function describeLogging(record: EnvironmentRecord): Readonly<Record<string, unknown>> {
  const modules = Object.keys(LOG_MODULES) as (keyof typeof LOG_MODULES)[];
  return Object.fromEntries(modules.map((module) => [module, {
    Enabled: false, LogLevel: 'INFO',
    ...record.fields.LoggingConfiguration[module],
    CloudWatchLogGroupArn: `arn:aws:logs:${record.region}:${record.account}:log-group:${logGroupName(record.name, module)}`,
  }]));
}

/** What the API does not know and only the sandbox's spec says. */
export type Extras = Partial<Pick<EnvironmentSettings, 'database' | 'syncSeconds' | 'triggerer'>>;

export function settingsOf(record: EnvironmentRecord, extras: Extras): EnvironmentSettings {
  const { fields } = record;
  return {
    name: record.name, account: record.account, region: record.region, airflowVersion: fields.AirflowVersion,
    bucket: bucketOf(fields), dagPath: fields.DagS3Path,
    pluginsPath: fields.PluginsS3Path, pluginsVersion: fields.PluginsS3ObjectVersion,
    requirementsPath: fields.RequirementsS3Path, requirementsVersion: fields.RequirementsS3ObjectVersion,
    startupScriptPath: fields.StartupScriptS3Path, startupScriptVersion: fields.StartupScriptS3ObjectVersion,
    executionRoleArn: fields.ExecutionRoleArn,
    options: fields.AirflowConfigurationOptions,
    logging: fields.LoggingConfiguration,
    syncSeconds: 30,
    ...extras,
  };
}

const seconds = (date: Date) => date.getTime() / 1000;
const defined = (value: Readonly<Record<string, unknown>>) => Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined));
