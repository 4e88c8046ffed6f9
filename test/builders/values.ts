/** One valid value per domain type; a test names only what it is about. */
import type { ActiveDag, ImportData, InFlightRun, PreflightData, RanOnTarget, VerifyData } from '../../src/airflow/protocol.js';
import type { Inputs } from '../../src/inputs.js';
import { TABLES } from '../../src/metadata/catalogue.js';
import type { Manifest, ManifestTable } from '../../src/metadata/manifest.js';
import type { MigrationFile } from '../../src/migration-file/migration-file.js';
import type { EnvironmentDescription, RoleDescription } from '../../src/ports.js';

export const ACCOUNT = '111122223333';

export const someWorkflowInputs = (given: Partial<Inputs['workflow']> = {}): Inputs['workflow'] => ({
  gate: { by: 'environment', environment: 'migration-production', timeoutMinutes: 60, allowUnprotected: false }, chain: { pause: 'after-gate', from: undefined, only: [] },
  requireApproval: false, jobs: undefined, allowedAccountIds: [], narrowsSessions: true, ...given,
});

export const someInputs = (given: Partial<Inputs> = {}): Inputs => ({
  phase: 'plan', config: '.github/mwaa-migration.yml', mode: 'rehearsal', attempt: undefined, planRole: undefined, targetPlanRole: undefined, sourceRole: undefined, targetRole: undefined,
  gateMode: 'ask', isAutomatic: false,
  approvedPlan: undefined, approvedManifest: undefined, dryRun: false, githubToken: undefined, pullRequest: undefined, checkReport: undefined, timeoutMinutes: 60, workflow: someWorkflowInputs(), ...given,
});

type FileChanges = Readonly<{ [K in keyof MigrationFile]?: MigrationFile[K] extends readonly unknown[] ? MigrationFile[K] : MigrationFile[K] extends object ? Partial<MigrationFile[K]> : MigrationFile[K] }>;
export const aMigrationFile = (given: FileChanges = {}): MigrationFile => ({
  id: given.id ?? 'analytics-to-analytics-v2',
  source: { environment: 'analytics', region: 'eu-west-1', airflowVersion: undefined, ...given.source },
  target: {
    environment: 'analytics-v2', region: 'eu-west-1', airflowVersion: '2.10.3', configuration: {}, executionRole: 'clone', environmentOverrides: {}, bucket: undefined, prefix: 'analytics-v2/', create: 'mwaa-migrate',
    ...given.target,
  },
  resources: { from: 'source', dags: 'dags', requirements: undefined, plugins: undefined, ...given.resources },
  metadata: { historyDays: 'all', auditLogDays: 30, dags: { include: [], exclude: [] }, xcom: true, xcomMaxBytes: null, jobs: false, taskReschedule: false, variables: true, connections: false, onConflict: { variables: 'keep', connections: 'keep', pools: 'keep' }, ...given.metadata },
  logs: { tasks: 'none', maxDays: 3, ...given.logs },
  drain: { timeoutMinutes: 60, taskMinutes: 30, leftover: 'resume', resumeDeferred: false, ...given.drain },
  cutover: { canary: [], canaryMinutes: 60, batchSize: 100, batchPauseSeconds: 15, missedIntervals: 'report', ...given.cutover },
  approvers: given.approvers ?? [],
  bucket: { name: 'mwaa-migrate-{account}-{region}', kmsKey: undefined, ...given.bucket },
});

/** A value of an option that nobody may ever see. */
export const HIDDEN_VALUE = 'postgresql://admin:canary-7f3a@db/prod';

export const anEnvironment = (given: Readonly<Record<string, unknown>> = {}): EnvironmentDescription => ({
  Name: 'analytics',
  Arn: `arn:aws:airflow:eu-west-1:${ACCOUNT}:environment/analytics`,
  Status: 'AVAILABLE',
  AirflowVersion: '2.7.2',
  ExecutionRoleArn: `arn:aws:iam::${ACCOUNT}:role/service-role/analytics-execution`,
  SourceBucketArn: 'arn:aws:s3:::analytics-bucket',
  DagS3Path: 'dags',
  RequirementsS3Path: 'requirements.txt', RequirementsS3ObjectVersion: 'requirements-1',
  PluginsS3Path: 'plugins.zip', PluginsS3ObjectVersion: 'plugins-1',
  WebserverUrl: 'analytics.airflow.example', WebserverAccessMode: 'PUBLIC_ONLY',
  EnvironmentClass: 'mw1.small', MinWorkers: 1, MaxWorkers: 10, MinWebservers: 2, MaxWebservers: 2, Schedulers: 2,
  NetworkConfiguration: { SubnetIds: ['subnet-1', 'subnet-2'], SecurityGroupIds: ['sg-1'] },
  LoggingConfiguration: { TaskLogs: { Enabled: true, LogLevel: 'INFO', CloudWatchLogGroupArn: `arn:aws:logs:eu-west-1:${ACCOUNT}:log-group:airflow-analytics-Task` } },
  AirflowConfigurationOptions: { 'core.parallelism': '32', 'secrets.backend_kwargs': HIDDEN_VALUE },
  Tags: { team: 'data', 'aws:cloudformation:stack-name': 'analytics' },
  WeeklyMaintenanceWindowStart: 'SUN:03:30', EndpointManagement: 'SERVICE',
  ServiceRoleArn: `arn:aws:iam::${ACCOUNT}:role/aws-service-role/airflow.amazonaws.com/AWSServiceRoleForAmazonMWAA`,
  CeleryExecutorQueue: `arn:aws:sqs:eu-west-1:${ACCOUNT}:airflow-celery-x`,
  ...given,
});

export const aTargetEnvironment = (given: Readonly<Record<string, unknown>> = {}): EnvironmentDescription => anEnvironment({
  Name: 'analytics-v2', Arn: `arn:aws:airflow:eu-west-1:${ACCOUNT}:environment/analytics-v2`, AirflowVersion: '2.10.3', ExecutionRoleArn: `arn:aws:iam::${ACCOUNT}:role/mwaa-migrate-analytics-v2`,
  DagS3Path: 'analytics-v2/dags', WebserverUrl: 'analytics-v2.airflow.example', ...given,
});

export const aRole = (given: Partial<RoleDescription> = {}): RoleDescription => ({
  arn: `arn:aws:iam::${ACCOUNT}:role/service-role/analytics-execution`, name: 'analytics-execution',
  trustPolicy: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Service: ['airflow.amazonaws.com', 'airflow-env.amazonaws.com'] }, Action: 'sts:AssumeRole', Condition: { StringEquals: { 'aws:SourceAccount': ACCOUNT }, ArnLike: { 'aws:SourceArn': `arn:aws:airflow:eu-west-1:${ACCOUNT}:environment/analytics` } } }] },
  inlinePolicies: {
    execution: {
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: 'airflow:PublishMetrics', Resource: `arn:aws:airflow:eu-west-1:${ACCOUNT}:environment/analytics` },
        { Effect: 'Allow', Action: ['s3:GetObject*', 's3:List*'], Resource: ['arn:aws:s3:::analytics-bucket', 'arn:aws:s3:::analytics-bucket/*'] },
        { Effect: 'Allow', Action: 'logs:*', Resource: `arn:aws:logs:eu-west-1:${ACCOUNT}:log-group:airflow-analytics-*` },
        { Effect: 'Allow', Action: 'sqs:*', Resource: 'arn:aws:sqs:eu-west-1:*:airflow-celery-*' },
      ],
    },
  },
  attached: [], boundary: undefined, ...given,
});

export const anActiveDag = (dagId: string, given: Partial<ActiveDag> = {}): ActiveDag => ({ dagId, nextDagrun: '2026-11-22T00:00:00Z', nextDagrunDataIntervalStart: '2026-11-22T00:00:00Z', nextDagrunDataIntervalEnd: '2026-11-23T00:00:00Z', nextDagrunCreateAfter: '2026-11-23T00:00:00Z', catchup: true, ...given });

export const anInFlightRun = (dagId: string, runId: string, given: Partial<InFlightRun> = {}): InFlightRun => ({
  dagId, runId, runType: 'scheduled', state: 'running', startDate: '2026-11-22T11:00:00Z', logicalDate: '2026-11-21T00:00:00Z', unfinished: { running: 1, none: 2 }, ended: 0, deferred: [], fate: 'resume', ...given,
});

export const aRanRun = (dagId: string, runId: string, given: Partial<RanOnTarget['runs'][number]> = {}): RanOnTarget['runs'][number] => ({
  dagId, runId, kind: 'new', runType: 'scheduled', state: 'success', logicalDate: '2026-11-22T00:00:00Z', intervalStart: '2026-11-22T00:00:00Z', intervalEnd: '2026-11-23T00:00:00Z', tasksEnded: 2, ...given,
});

export const preflightData = (given: Partial<PreflightData> = {}): PreflightData => ({ airflowVersion: '2.7.2', pythonVersion: '3.11.6', databaseVersion: '15.4', alembicHead: '405de8318b3a', activeDags: [], pausedDags: 0, importErrors: 0, rows: {}, runsInFlight: 0, pools: ['default_pool'], ...given });

const SHA = 'a'.repeat(64);
export const aManifestTable = (name: string, given: Partial<ManifestTable> = {}): ManifestTable => {
  const table = TABLES.find((known) => known.name === name);
  const columns = table && table.key.length > 0 ? table.key : ['id'];
  const rows = given.rows ?? 3, bytes = given.bytes ?? 100, isSecret = given.secret ?? table?.secret ?? false;
  return {
    name, columns, types: columns.map(() => 'text'), rows, bytes, checksum: isSecret ? null : '00000000000000ff', secret: isSecret, filter: 'all', leftOut: {},
    parts: [{ key: `p/1/export/${name}.${isSecret ? 'sealed' : 'csv.gz'}`, versionId: `v-${name}`, sha256: SHA, bytes, rows, ...(isSecret ? {} : { members: [{ offset: 0, length: bytes, rows, sha256: SHA }] }) }],
    ...given,
  };
};

export const aManifest = (given: Partial<Manifest> = {}): Manifest => ({
  format: 1, migrationId: 'analytics-to-analytics-v2', attempt: 1, mode: 'final', source: { airflowVersion: '2.7.2', alembicHead: '405de8318b3a', databaseVersion: '15.4' }, targetVersion: '2.10.3',
  snapshotAt: '2026-11-22T12:00:00Z', filters: { historyDays: null, auditLogDays: 30, dags: { include: [], exclude: [] }, xcom: true, xcomMaxBytes: null, jobs: false, taskReschedule: false, variables: true, connections: false, onConflict: { variables: 'keep', connections: 'keep', pools: 'keep' } }, envelope: { wrap: 'rsa', fingerprint: 'f'.repeat(64) },
  tables: TABLES.map(({ name }) => aManifestTable(name)), notMoved: [], activeDags: 0, inFlight: [], inFlightRef: { key: 'p/1/in-flight.json', versionId: 'v-in-flight', sha256: SHA, bytes: 10 },
  checksumsRef: { key: 'p/1/export/checksums.jsonl.gz', versionId: 'v-checksums', sha256: SHA, bytes: 10 }, ...given,
});

export const importData = (manifest: Manifest, given: Partial<ImportData> = {}): ImportData => ({
  tables: Object.fromEntries(manifest.tables.map(({ name, rows, secret }) => [name, {
    rows, inserted: rows, alreadyThere: 0, rejected: 0, reasons: {}, rejectedFile: null,
    ...(secret ? { settled: [], settledRows: 0, replaced: 0, replacedFile: null, broughtFile: { key: `p/analytics-v2/${manifest.attempt}/import/brought/${name}.json`, versionId: `v-brought-${name}`, sha256: SHA, bytes: 10 } } : {}),
  }])), parkedRuns: manifest.inFlight.length, replacedRuns: 0, ...given,
});

/** What verify says of a table of which nothing is there twice or proved. */
export const noneDoubled = { doubled: 0, proved: 0, differences: [], differentDags: 0 };
export const verifyData = (manifest: Manifest, given: Partial<VerifyData> = {}): VerifyData => ({
  tables: Object.fromEntries(manifest.tables.map(({ name, rows }) => [name, { rows, equal: rows, missing: 0, different: 0, rejected: 0, resumed: 0, doubled: 0, proved: rows, differences: [], differentDags: 0 }])), importErrors: [], unpausedDags: [], ...given,
});
