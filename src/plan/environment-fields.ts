/** What of a source environment goes into CreateEnvironment. Field lists: service model mwaa 2020-07-01 (CreateEnvironmentInput, Environment). */
import { visibleOptions } from '../airflow/visible-options.js';
import type { MigrationFile } from '../migration-file/migration-file.js';
import type { EnvironmentDescription } from '../ports.js';
import { withSchedulers } from './environment-limits.js';
import { roadOf } from './road.js';
import { planLandingOptions, sentOptions } from './target-options.js';

/** Carried over as they are. An allow-list: a field that MWAA adds one day is shown, and sent only when the file names it. */
export const CARRIED = [
  'EnvironmentClass', 'MinWorkers', 'MaxWorkers', 'MinWebservers', 'MaxWebservers', 'Schedulers', 'NetworkConfiguration',
  'WebserverAccessMode', 'EndpointManagement', 'KmsKey', 'WeeklyMaintenanceWindowStart',
] as const;

/** Made by the migration itself; the file has a key of its own for each. */
export const OURS = [
  'Name', 'AirflowVersion', 'ExecutionRoleArn', 'SourceBucketArn', 'DagS3Path', 'PluginsS3Path', 'PluginsS3ObjectVersion', 'RequirementsS3Path',
  'RequirementsS3ObjectVersion', 'StartupScriptS3Path', 'StartupScriptS3ObjectVersion', 'AirflowConfigurationOptions',
] as const;

/** Carried over in another form. */
const REWRITTEN = ['LoggingConfiguration', 'Tags'] as const;

/** What GetEnvironment adds and CreateEnvironment refuses. */
export const OUTPUT_ONLY = [
  'Arn', 'Status', 'CreatedAt', 'LastUpdate', 'WebserverUrl', 'ServiceRoleArn', 'CeleryExecutorQueue', 'DatabaseVpcEndpointService',
  'WebserverVpcEndpointService',
] as const;

/** Where the target's resources lie; a version is absent until phase resources has written the object. */
export type Placed = Readonly<{ path: string; version?: string | undefined }>;
export type Placement = Readonly<{
  bucket: string;
  partition: string;
  dags: string;
  plugins?: Placed | undefined;
  requirements?: Placed | undefined;
  startupScript?: Placed | undefined;
}>;

/**
 * The fields of CreateEnvironment with their real values. They hold values of options, so they are never stored, shown or digested:
 * `shownFields` is for that.
 */
export function createFields(source: EnvironmentDescription, file: MigrationFile, placement: Placement, executionRoleArn: string): Readonly<Record<string, unknown>> {
  const logging = loggingInput(source.LoggingConfiguration);
  const tags = ownTags(source.Tags ?? {});
  const carried = {
    ...Object.fromEntries(CARRIED.filter((name) => isPresent(source[name])).map((name) => [name, source[name]])),
    ...(logging ? { LoggingConfiguration: logging } : {}),
    ...(Object.keys(tags).length > 0 ? { Tags: tags } : {}),
    // The others are blockers in the plan.
    ...Object.fromEntries(Object.entries(file.target.environmentOverrides).filter(([name]) => !isOurs(name) && !isOutputOnly(name))),
  };
  const fields = withSchedulers(Object.fromEntries(Object.entries(carried).filter(([, value]) => value !== null)), 'Schedulers' in file.target.environmentOverrides);
  const options = sentOptions(planLandingOptions(source, file));
  return {
    ...fields,
    ...(Object.keys(options).length > 0 ? { AirflowConfigurationOptions: options } : {}),
    Name: file.target.environment,
    AirflowVersion: roadOf(source.AirflowVersion, file.target.airflowVersion).landing,
    ExecutionRoleArn: executionRoleArn,
    SourceBucketArn: `arn:${placement.partition}:s3:::${placement.bucket}`,
    DagS3Path: placement.dags,
    ...placed('Plugins', placement.plugins),
    ...placed('Requirements', placement.requirements),
    ...placed('StartupScript', placement.startupScript),
  };
}

/** The same fields as they may be stored, shown and digested. */
export function shownFields(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const options = fields.AirflowConfigurationOptions;
  return options ? { ...fields, AirflowConfigurationOptions: visibleOptions(options as Readonly<Record<string, string>>) } : fields;
}

export type FieldChange = Readonly<{
  field: string;
  source: string | undefined;
  target: string | undefined;
  kind: 'kept' | 'changed' | 'added' | 'removed' | 'not sent';
}>;

/** Field by field; what GetEnvironment alone knows is "not sent". Options are told apart from fields: target-options.ts. */
export function environmentDifference(source: EnvironmentDescription, fields: Readonly<Record<string, unknown>>): readonly FieldChange[] {
  const names = [...new Set([...Object.keys(source), ...Object.keys(fields)])].filter((name) => name !== 'AirflowConfigurationOptions').sort();
  return names.map((field): FieldChange => {
    const before = show(field === 'LoggingConfiguration' ? loggingInput(source[field]) : source[field]);
    const after = show(fields[field]) ?? (isVersionToCome(field, fields) ? TO_COME : undefined);
    if (!(field in fields) && !isSendable(field)) return { field, source: before, target: undefined, kind: 'not sent' };
    return { field, source: before, target: after, kind: kindOf(before, after) };
  });
}

const TO_COME = '(the version that phase resources writes)';
const isVersionToCome = (field: string, fields: Readonly<Record<string, unknown>>) => field.endsWith('S3ObjectVersion') && field.replace('S3ObjectVersion', 'S3Path') in fields;

/** Fields that GetEnvironment returned and this release does not know: never sent, so a person has to look. */
export const unknownFields = (source: EnvironmentDescription): readonly string[] =>
  Object.keys(source).filter((name) => !isSendable(name) && !isOutputOnly(name)).sort();

/** LoggingConfiguration as the input takes it: the answer's CloudWatchLogGroupArn is refused there. */
export function loggingInput(logging: unknown): Readonly<Record<string, unknown>> | undefined {
  if (!isRecord(logging)) return undefined;
  const modules = Object.entries(logging).filter(([, module]) => isRecord(module)).map(([name, module]) => {
    const { Enabled, LogLevel } = module as Readonly<Record<string, unknown>>;
    return [name, { ...(Enabled === undefined ? {} : { Enabled }), ...(LogLevel === undefined ? {} : { LogLevel }) }] as const;
  });
  return modules.length > 0 ? Object.fromEntries(modules) : undefined;
}

/** `aws:` is reserved for AWS: a tag of that name (CloudFormation sets some) cannot be created. */
export const ownTags = (tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(tags).filter(([name]) => !name.toLowerCase().startsWith('aws:')));

export const isOurs = (name: string): boolean => (OURS as readonly string[]).includes(name);
export const isOutputOnly = (name: string): boolean => (OUTPUT_ONLY as readonly string[]).includes(name);
const isSendable = (name: string) => isOurs(name) || (CARRIED as readonly string[]).includes(name) || (REWRITTEN as readonly string[]).includes(name);
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isPresent = (value: unknown) => value !== undefined && value !== null && value !== '';

function placed(kind: 'Plugins' | 'Requirements' | 'StartupScript', object: Placed | undefined): Readonly<Record<string, unknown>> {
  return object ? { [`${kind}S3Path`]: object.path, ...(object.version ? { [`${kind}S3ObjectVersion`]: object.version } : {}) } : {};
}

function kindOf(before: string | undefined, after: string | undefined): FieldChange['kind'] {
  if (before === after) return 'kept';
  if (before === undefined) return 'added';
  return after === undefined ? 'removed' : 'changed';
}

const show = (value: unknown): string | undefined =>
  !isPresent(value) ? undefined : typeof value === 'string' ? value : value instanceof Date ? value.toISOString() : JSON.stringify(value);
