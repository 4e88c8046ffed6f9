/** Makes a command last long enough to be killed in its middle, and sees from outside how far it is. */
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import type { Progress } from '../../../src/airflow/protocol.js';
import type { RunningEnvironment } from '../../sandbox/environments/contract.js';
import { query } from '../oracle/query.js';
import { BULK_DAG_ID, plantRows } from '../source/plant.js';
import { until } from './patience.js';
import { ACCOUNT, type MigrationWorld, REGION } from './world.js';

/** Default of bucket.name in the migration file. */
export const MIGRATION_BUCKET = `mwaa-migration-${ACCOUNT}-${REGION}`;
/** Table whose export takes several multipart uploads, and whose import several reads. */
export const LONG_TABLE = 'xcom';
/** Milliseconds that one request takes: several progress objects are written in it. */
const SLOW_MS = 9_000;

/**
 * Adds task instances with all that belongs to them, and makes every tenth XCom 8 KiB that no gzip makes small: some 40 MB of export.
 * @param taskInstances one row each in task_instance, xcom, rendered_task_instance_fields and log
 */
export async function plantLongHistory(databaseUrl: string, taskInstances: number): Promise<void> {
  await plantRows(databaseUrl, { taskInstances });
  await query(databaseUrl, `
    UPDATE xcom SET value = (SELECT string_agg(sha512(convert_to(xcom.run_id || xcom.task_id || n, 'UTF8')), '') FROM generate_series(1, 128) AS n)
    WHERE dag_id = '${BULK_DAG_ID}' AND task_id LIKE 'task\\__0';
    -- Updated rows stand behind all others; large and small ones are to come in turns.
    CLUSTER xcom USING xcom_pkey`);
}

/** Progress of a command as it stands in the migration bucket, seen without a request. */
export async function progressOf({ sandbox }: MigrationWorld, prefix: string, command: string): Promise<Progress | undefined> {
  if (!sandbox.s3.describeBucket(MIGRATION_BUCKET)) return undefined;
  const object = await sandbox.s3.readObject(MIGRATION_BUCKET, `${prefix}${command}/progress.json`);
  return object && (JSON.parse(object.body.toString('utf8')) as Progress);
}

/** Holds up the next multipart part that this environment sends: only the long table has any. */
export function slowUpload({ sandbox }: MigrationWorld, environment: string): void {
  sandbox.faults.add({ service: 's3', action: 'UploadPart', principalContains: executionRoleOf(environment), times: 1, kind: 'delay', delayMs: SLOW_MS });
}

/** Holds up the read that follows the first one that this try of import makes of the long table's export. */
export async function slowRead(world: MigrationWorld, environment: string, prefix: string, tryNumber: number): Promise<void> {
  const { calls, faults } = world.sandbox;
  // A read of the killed try may be answered long after its death: only those since this try's first word count.
  await until(`try ${tryNumber} of import to begin`, async () => (await progressOf(world, prefix, 'import'))?.try === tryNumber, { seconds: 180, everyMs: 20 });
  const before = calls.length;
  await until(`${environment} to read ${LONG_TABLE}`, () => Promise.resolve(calls.slice(before).some(({ action, principal, resource, status }) =>
    action === 'GetObject' && status < 300 && principal.includes(executionRoleOf(environment)) && resource.endsWith(`${LONG_TABLE}.csv.gz`))), { seconds: 180, everyMs: 20 });
  faults.add({ service: 's3', action: 'GetObject', principalContains: executionRoleOf(environment), times: 1, kind: 'delay', delayMs: SLOW_MS });
}

/** Waits until this try of the command is in the middle of the long table: some of its rows are done, and not all. */
export function middleOf(world: MigrationWorld, prefix: string, command: string, tryNumber: number): Promise<Progress & { readonly table: string; readonly rowsTotal: number }> {
  return until(`try ${tryNumber} of ${command} to be in the middle of ${LONG_TABLE}`, async () => {
    const progress = await progressOf(world, prefix, command);
    if (progress?.try !== tryNumber || progress.table !== LONG_TABLE || progress.rowsTotal === null) return undefined;
    return progress.rowsDone > 0 && progress.rowsDone < progress.rowsTotal ? { ...progress, table: progress.table, rowsTotal: progress.rowsTotal } : undefined;
  }, { seconds: 180, everyMs: 50 });
}

/** Keys of multipart uploads that were neither completed nor aborted. */
export async function openUploads({ sandbox }: MigrationWorld): Promise<readonly string[]> {
  if (!sandbox.s3.describeBucket(MIGRATION_BUCKET)) return [];
  const client = new S3Client(sandbox.rootClient(ACCOUNT));
  try {
    return ((await client.send(new ListMultipartUploadsCommand({ Bucket: MIGRATION_BUCKET }))).Uploads ?? []).map(({ Key = '' }) => Key);
  } finally {
    client.destroy();
  }
}

export async function stagingTables({ databaseUrl }: Pick<RunningEnvironment, 'databaseUrl'>): Promise<readonly string[]> {
  return (await query<[string]>(databaseUrl, String.raw`SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'mwaa\_migrate\_%' ORDER BY 1`)).map(([name]) => name);
}

/** As the sandbox names it for an environment of its spec. */
const executionRoleOf = (environment: string): string => `role/mwaa-${environment}-execution/`;
