/** What still points at the old environment, and would go on pointing there after the switch. Observations: no part of the digest. */
import type { FileSearch, LogGroup } from '../reference-sources.js';
import type { MigrationFile } from '../migration-file/migration-file.js';
import type { EnvironmentDescription } from '../ports.js';
import { executionRoleArn } from './build.js';
import { accountOf, bucketOf, partitionOf } from './naming.js';
import { folderOf, pathOf, placementOf } from './placement.js';
import type { Place, PolicyReferences } from './references-policies.js';

/** Not looked at; `why` is AWS's refusal in our words. */
export type Unseen = Readonly<{ unseen: string }>;

export type References = Readonly<{
  source: Place;
  target: Place;
  lines: FileSearch;
  policies: PolicyReferences | Unseen;
  /** Of the source, where they exist. */
  logGroups: readonly LogGroup[] | Unseen;
}>;

export const isUnseen = <T extends object>(value: T | Unseen): value is Unseen => 'unseen' in value;

/** What policies, logs and files call an environment by. */
export function placeOfSource(source: EnvironmentDescription, region: string): Place {
  return {
    partition: partitionOf(source.Arn), region, account: accountOf(source.Arn), environment: source.Name, bucket: bucketOf(source.SourceBucketArn), dags: folderOf(source.DagS3Path),
    files: (['Plugins', 'Requirements', 'StartupScript'] as const).flatMap((kind) => pathOf(source, kind) ?? []), executionRole: source.ExecutionRoleArn,
  };
}

/** The target as it is or will be. */
export function placeOfTarget(source: EnvironmentDescription, target: EnvironmentDescription | undefined, file: MigrationFile, account: string): Place {
  const { partition, bucket, dags, plugins, requirements, startupScript } = placementOf(source, file);
  const role = target?.ExecutionRoleArn ?? executionRoleArn({ file, source, targetAccount: account });
  return {
    partition, region: file.target.region, account, environment: file.target.environment, bucket, dags: folderOf(dags),
    files: [plugins, requirements, startupScript].flatMap((placed) => placed?.path ?? []), executionRole: role.startsWith('arn:') ? role : undefined,
  };
}

const LOG_MODULES: readonly string[] = ['DAGProcessing', 'Scheduler', 'Task', 'WebServer', 'Worker'];

/** MWAA's groups of an environment; those of "analytics-v2" begin with "airflow-analytics-" too. */
export const logGroupPrefix = ({ environment }: Place): string => `airflow-${environment}-`;
export const isLogGroupOf = (place: Place, name: string): boolean => LOG_MODULES.includes(name.slice(logGroupPrefix(place).length)) && name.startsWith(logGroupPrefix(place));
