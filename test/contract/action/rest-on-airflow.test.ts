/** The REST transport on real Airflow, under the Airflow roles that docs/iam/roles.yaml names: Op commands, Viewer counts. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import type { Job } from '../../../src/airflow/protocol.js';
import { systemClock } from '../../../src/clock.js';
import { openEnvironment } from '../../../src/gateways/airflow/transports/choose.js';
import { createCaller } from '../../../src/gateways/aws/call.js';
import { MAX_REST_PATH } from '../../../src/gateways/aws/mwaa.js';
import { openBucket } from '../../../src/gateways/aws/s3-bucket.js';
import type { AirflowEnvironment, Bucket, EnvironmentDescription, Mwaa, Order } from '../../../src/ports.js';
import type { AirflowRole } from '../../sandbox/environments/contract.js';
import type { StartedEnvironment } from '../../sandbox/environments/environment.js';
import { createMachinery, type Machinery } from '../../sandbox/environments/machinery.js';
import { REGION, startStandIn } from '../environments/stand-in.js';

jest.setTimeout(180_000);
const VERSIONS = ['2.7.2', '2.10.3'] as const;
const OWNER = '123456789012';
const PREFIX = 'data/migration/2.7.2_to_2.10.3/m/';
const log = { info: () => undefined, warn: () => undefined, group: <T>(_: string, work: () => Promise<T>) => work() };

/** The least DAG that keeps the protocol: `export` is killed in its first try, answers in its second. */
const DAG = `
import datetime, json, os, signal
import boto3
from airflow import DAG
from airflow.operators.python import PythonOperator

RENDERED = None  # mwaa-migrate: rendered

def run(dag_run, **context):
    command, attempt, number = dag_run.run_id.split("-")
    if command == "export" and number == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    result = {"schema": 1, "command": command, "attempt": int(attempt), "try": int(number), "startedAt": "a", "finishedAt": "b", "status": "done", "data": {"conf": dag_run.conf, "id": RENDERED["migrationId"]}}
    boto3.client("s3", endpoint_url=os.environ.get("AWS_ENDPOINT_URL"), region_name=RENDERED["bucketRegion"]).put_object(Bucket=RENDERED["bucket"], Key=RENDERED["prefix"] + command + "/result.json", Body=json.dumps(result))

if RENDERED:
    tags = ["mwaa-migrate", "attempt-%d" % RENDERED["attempt"], "job-" + RENDERED["job"]["sha256"][:12]]
    with DAG(RENDERED["dagId"], start_date=datetime.datetime(2026, 1, 1), schedule=None, tags=tags, is_paused_upon_creation=True) as dag:
        PythonOperator(task_id="run", python_callable=run)
`;
const USERS = `
import datetime
from airflow import DAG
from airflow.operators.empty import EmptyOperator
for name, paused in (("active", False), ("paused", True)):
    with DAG(name, start_date=datetime.datetime(2026, 1, 1), schedule=None, is_paused_upon_creation=paused) as globals()[name]:
        EmptyOperator(task_id="t")
# Called as ours, and not ours.
with DAG("db_import_7", start_date=datetime.datetime(2026, 1, 1), schedule=None, is_paused_upon_creation=True) as namesake:
    EmptyOperator(task_id="t")
`;

let folder: string, aws: Awaited<ReturnType<typeof startStandIn>>, machinery: Machinery, s3: S3Client;
const environments = new Map<string, StartedEnvironment>();

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-rest-'));
  aws = await startStandIn(folder);
  s3 = new S3Client({ endpoint: aws.endpointUrl, region: REGION, forcePathStyle: true, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } });
  await aws.createBucket('migration');
  machinery = await createMachinery({ workFolder: path.join(folder, 'work'), endpointUrl: aws.endpointUrl, credentialsEnv: async () => aws.credentials, log: () => undefined });
  await Promise.all(VERSIONS.map(async (version) => {
    const name = `rest-${version.replaceAll('.', '-')}`;
    await aws.createBucket(name);
    await aws.put(name, 'dags/users.py', USERS);
    environments.set(version, await machinery.start({
      name, account: OWNER, region: REGION, airflowVersion: version, bucket: name, dagPath: 'dags', executionRoleArn: `arn:aws:iam::${OWNER}:role/${name}`, logging: {}, syncSeconds: 1,
      options: { 'scheduler.dag_dir_list_interval': '2', 'scheduler.min_file_process_interval': '2' },
    }));
  }));
}, 300_000);

afterAll(async () => {
  await machinery?.close();
  s3?.destroy();
  await aws?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const bucketOf = (name: string): Bucket => openBucket(s3, createCaller(systemClock, log, 'test'), { name, region: REGION, ownerAccountId: OWNER });

function reach(version: string, role: AirflowRole): AirflowEnvironment<'export' | 'preflight'> {
  const running = environments.get(version) as StartedEnvironment;
  const rest: Mwaa['rest'] = async (_, { path: requested, method, query, body }) => {
    expect(requested.length).toBeLessThanOrEqual(MAX_REST_PATH);
    const parameters = new URLSearchParams(Object.entries(query ?? {}).map(([key, value]): [string, string] => [key, String(value)]));
    const answer = await running.rest(role, { method, path: requested, query: parameters, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    return { status: answer.status, body: answer.body === '' ? undefined : JSON.parse(answer.body) };
  };
  const { name } = running.settings;
  const description: EnvironmentDescription = { Name: name, Arn: `arn:aws:airflow:${REGION}:${OWNER}:environment/${name}`, Status: 'AVAILABLE', AirflowVersion: version, ExecutionRoleArn: 'r', SourceBucketArn: `arn:aws:s3:::${name}`, DagS3Path: 'dags' };
  return openEnvironment({ side: 'source', description, mwaa: { rest } as Mwaa, dagBucket: bucketOf(name), migration: bucketOf('migration'), prefix: `${PREFIX}${version}/`, readDag: async () => DAG, clock: systemClock, log });
}
const job: Job = {
  schema: 1, migrationId: 'm-é😀', attempt: 1, side: 'source', mode: 'final', sourceVersion: '2.7.2', targetVersion: '2.10.3', tables: [],
  metadata: { historyDays: null, auditLogDays: null, dags: { include: [], exclude: [] }, xcom: true, xcomMaxBytes: null, jobs: false, taskReschedule: false, variables: true, connections: true, onConflict: { variables: 'keep', connections: 'keep', pools: 'keep' } }, drain: { timeoutMinutes: 1, taskMinutes: 1, leftover: 'resume', resumeDeferred: false }, cutover: { canary: [], canaryMinutes: 1, batchSize: 0, batchPauseSeconds: 0, missedIntervals: 'report' }, envelope: null, activeDags: [], earlierAttempts: [], earlierManifests: [], earlierRan: [], ran: null,
};
const order: Order = { attempt: 1, job, timeoutMinutes: 3 };

describe.each(VERSIONS)('Airflow %s', (version) => {
  it('runs commands as Op: a killed task is started again, a second call finds the result', async () => {
    const environment = reach(version, 'Op');
    expect(await environment.run('export', order)).toEqual({ conf: { attempt: 1 }, id: 'm-é😀' });
    expect(await environment.run('export', order)).toEqual({ conf: { attempt: 1 }, id: 'm-é😀' });
  });

  it('takes a new job only once the scheduler has parsed its rendering', async () => {
    expect(await reach(version, 'Op').run('preflight', { ...order, job: { ...job, mode: 'rehearsal' } })).toMatchObject({ conf: { attempt: 1 } });
  });

  it('counts and lists as Viewer, without our DAG among the active ones', async () => {
    const viewer = reach(version, 'Viewer');
    expect(await viewer.listActiveDagIds()).toEqual(['active']);
    // A Viewer of 2.7 may not read pools: then there is no number, and no failure.
    expect([await viewer.count('dags'), await viewer.count('pools'), await viewer.count('importErrors')]).toEqual([4, version === '2.7.2' ? undefined : 1, 0]);
    expect(await reach(version, 'Op').count('pools')).toBe(1);
    expect(await viewer.count('dagRuns')).toBeGreaterThanOrEqual(3);
    expect(await viewer.count('taskInstances')).toBeGreaterThanOrEqual(3);
  });

  it('tells, as Viewer, a DAG of the user that is called as ours from ours', async () => {
    const viewer = reach(version, 'Viewer');
    // Both have been parsed: ours by the tests above.
    expect(await viewer.listActiveDagIds()).not.toContain('db_import_7');
    expect(await viewer.listNamesakes()).toEqual(['db_import_7']);
  });

  it('reads a variable as Op, undefined where there is none', async () => {
    await environments.get(version)?.cli(['variables', 'set', 'mwaa_migrate_0123abcd_public_key', 'PEM']);
    expect(await reach(version, 'Op').readVariable('mwaa_migrate_0123abcd_public_key')).toBe('PEM');
    expect(await reach(version, 'Op').readVariable('none')).toBeUndefined();
  });

  it('is refused as Viewer, in words that name the role', async () => {
    await expect(reach(version, 'Viewer').run('export', { ...order, fresh: true })).rejects.toThrow(/the Airflow role of these credentials is too small/u);
  });

  it('leaves neither file nor row of ours, called twice', async () => {
    const environment = reach(version, 'Op');
    await environment.removeDag();
    await environment.removeDag();
    expect(await environment.count('dags')).toBe(3);
  });
});
