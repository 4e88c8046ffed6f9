/** What a key means that is not written. The numbers stand in the schema, so that editor, docs and code say the same. */
import type { DagPatterns, MigrationFile, OnConflict } from './migration-file.js';
import schema from './schema.json' with { type: 'json' };

type Values = Readonly<Record<string, unknown>>;
type Schema = Readonly<{ properties?: Readonly<Record<string, Schema>>; default?: unknown }>;

/** @param value has passed the schema */
export function withDefaults(value: Values): MigrationFile {
  const written = (section: string, key: string): unknown => (value[section] as Values | undefined)?.[key];
  const read = (section: string, key: string): unknown => written(section, key) ?? (schema as Schema).properties?.[section]?.properties?.[key]?.default;
  const source = { environment: written('source', 'environment') as string, region: written('source', 'region') as string, airflowVersion: written('source', 'airflow-version') as string | undefined };
  const environment = written('target', 'environment') as string;
  return {
    id: (value['id'] as string | undefined) ?? `${source.environment}-to-${environment}`,
    source,
    target: {
      environment,
      region: (written('target', 'region') as string | undefined) ?? source.region,
      airflowVersion: written('target', 'airflow-version') as string,
      configuration: read('target', 'configuration') as Readonly<Record<string, string | null>>,
      executionRole: read('target', 'execution-role') as string,
      environmentOverrides: read('target', 'environment-overrides') as Values,
      bucket: written('target', 'bucket') as string | undefined,
      prefix: (written('target', 'prefix') as string | undefined) ?? `${environment}/`,
      create: read('target', 'create') as MigrationFile['target']['create'],
    },
    resources: {
      from: read('resources', 'from') as 'source',
      dags: read('resources', 'dags') as string,
      isDagsNamed: written('resources', 'dags') !== undefined,
      requirements: written('resources', 'requirements') as string | undefined,
      plugins: written('resources', 'plugins') as string | undefined,
    },
    metadata: {
      historyDays: read('metadata', 'history-days') as number | 'all',
      auditLogDays: read('metadata', 'audit-log-days') as number | 'all',
      dags: { include: [], exclude: [], ...(written('metadata', 'dags') as Partial<DagPatterns> | undefined) },
      xcom: read('metadata', 'xcom') as boolean,
      xcomMaxBytes: (written('metadata', 'xcom-max-bytes') as number | undefined) ?? null,
      jobs: read('metadata', 'jobs') as boolean,
      taskReschedule: read('metadata', 'task-reschedule') as boolean,
      variables: read('metadata', 'variables') as boolean,
      connections: read('metadata', 'connections') as boolean,
      onConflict: onConflictOf(written('metadata', 'on-conflict') as Partial<OnConflict> | undefined),
    },
    // maxDays counts once logs are copied; until then the schema takes none.
    logs: { tasks: read('logs', 'tasks') as 'none', maxDays: 3 },
    drain: {
      timeoutMinutes: read('drain', 'timeout-minutes') as number,
      taskMinutes: read('drain', 'task-minutes') as number,
      leftover: read('drain', 'leftover') as MigrationFile['drain']['leftover'],
      resumeDeferred: read('drain', 'resume-deferred') as boolean,
    },
    cutover: {
      canary: read('cutover', 'canary') as readonly string[],
      canaryMinutes: read('cutover', 'canary-minutes') as number,
      batchSize: read('cutover', 'batch-size') as number,
      batchPauseSeconds: read('cutover', 'batch-pause-seconds') as number,
      missedIntervals: read('cutover', 'missed-intervals') as MigrationFile['cutover']['missedIntervals'],
    },
    approvers: (value['approvers'] as readonly string[] | undefined) ?? [],
    bucket: { name: read('bucket', 'name') as string, kmsKey: written('bucket', 'kms-key') as string | undefined },
  };
}

const onConflictOf = (written: Partial<OnConflict> = {}): OnConflict => {
  const { properties } = schema.properties.metadata.properties['on-conflict'];
  const of = (kind: keyof OnConflict) => written[kind] ?? (properties[kind].default as 'keep');
  return { variables: of('variables'), connections: of('connections'), pools: of('pools') };
};
