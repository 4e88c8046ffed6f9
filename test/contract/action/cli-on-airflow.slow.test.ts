/** The CLI transport on the oldest and the newest Airflow that it is for, with the real CLI: what no sandbox can make up. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import type { Job } from '../../../src/airflow/protocol.js';
import { systemClock } from '../../../src/clock.js';
import { openEnvironment } from '../../../src/gateways/airflow/transports/choose.js';
import { createCaller } from '../../../src/gateways/aws/call.js';
import { openBucket } from '../../../src/gateways/aws/s3-bucket.js';
import type { AirflowEnvironment, Bucket, EnvironmentDescription, Mwaa, Order } from '../../../src/ports.js';
import type { StartedEnvironment } from '../../sandbox/environments/environment.js';
import { createMachinery, type Machinery } from '../../sandbox/environments/machinery.js';
import { REGION, startStandIn } from '../environments/stand-in.js';

const MINUTES = 60_000;
const VERSIONS = ['1.10.12', '2.2.2'] as const;
const OWNER = '123456789012';
const PREFIX = 'data/migration/2.2.2_to_2.10.3/m/';
const log = { info: () => undefined, warn: () => undefined, group: <T>(_: string, work: () => Promise<T>) => work() };

/** The least DAG that keeps the protocol: `export` is killed in its first try, answers in its second. */
const DAG = `
import datetime, json, os, signal
import boto3
from airflow import DAG
try:
    from airflow.operators.python import PythonOperator
    more = {}
except ImportError:
    from airflow.operators.python_operator import PythonOperator
    more = {"provide_context": True}

RENDERED = None  # mwaa-migrate: rendered

def run(dag_run, **context):
    command, attempt, number = dag_run.run_id.split("-")
    if command == "export" and number == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    data = {"conf": dag_run.conf, "id": RENDERED["migrationId"]} if command != "look" else {"activeDags": ["a"], "began": [], "queued": []}
    result = {"schema": 1, "command": command, "attempt": int(attempt), "try": int(number), "startedAt": "a", "finishedAt": "b", "status": "done", "data": data}
    boto3.client("s3", endpoint_url=os.environ.get("AWS_ENDPOINT_URL"), region_name=RENDERED["bucketRegion"]).put_object(Bucket=RENDERED["bucket"], Key=RENDERED["prefix"] + command + "/result.json", Body=json.dumps(result))

if RENDERED:
    with DAG(RENDERED["dagId"], start_date=datetime.datetime(2020, 1, 1), schedule_interval=None, is_paused_upon_creation=True) as dag:
        PythonOperator(task_id="run", python_callable=run, **more)
`;

let folder: string, aws: Awaited<ReturnType<typeof startStandIn>>, machinery: Machinery, s3: S3Client;
const environments = new Map<string, StartedEnvironment>();

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-cli-'));
  aws = await startStandIn(folder);
  s3 = new S3Client({ endpoint: aws.endpointUrl, region: REGION, forcePathStyle: true, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } });
  await aws.createBucket('migration');
  machinery = await createMachinery({ workFolder: path.join(folder, 'work'), endpointUrl: aws.endpointUrl, credentialsEnv: async () => aws.credentials, log: () => undefined });
  await Promise.all(VERSIONS.map(async (version) => {
    const name = `cli-${version.replaceAll('.', '-')}`;
    await aws.createBucket(name);
    await aws.put(name, 'dags/users.py', 'broken = 1 / 0\n');
    environments.set(version, await machinery.start({
      name, account: OWNER, region: REGION, airflowVersion: version, bucket: name, dagPath: 'dags', executionRoleArn: `arn:aws:iam::${OWNER}:role/${name}`, logging: {}, syncSeconds: 1,
      options: { 'scheduler.dag_dir_list_interval': '2', 'scheduler.min_file_process_interval': '2' },
    }));
  }));
}, 15 * MINUTES); // a first run installs both releases

afterAll(async () => {
  await machinery?.close();
  s3?.destroy();
  await aws?.stop();
  rmSync(folder, { recursive: true, force: true });
}, MINUTES);

const bucketOf = (name: string): Bucket => openBucket(s3, createCaller(systemClock, log, 'test'), { name, region: REGION, ownerAccountId: OWNER });

function reach(version: string): Readonly<{ environment: AirflowEnvironment<'export' | 'preflight'>; asked: string[] }> {
  const running = environments.get(version) as StartedEnvironment, { name } = running.settings, asked: string[] = [];
  const cli: Mwaa['cli'] = async (_, words) => {
    asked.push(words.join(' '));
    const { stdout, stderr } = await running.cli(words);
    return { stdout, stderr };
  };
  const description: EnvironmentDescription = { Name: name, Arn: `arn:aws:airflow:${REGION}:${OWNER}:environment/${name}`, Status: 'AVAILABLE', AirflowVersion: version, ExecutionRoleArn: 'r', SourceBucketArn: `arn:aws:s3:::${name}`, DagS3Path: 'dags' };
  const mwaa = { cli, rest: () => Promise.reject(new Error('REST was called')) } as unknown as Mwaa;
  return { asked, environment: openEnvironment({ side: 'source', description, mwaa, dagBucket: bucketOf(name), migration: bucketOf('migration'), prefix: PREFIX.replace('/m/', `/${version}/`), readDag: async () => DAG, clock: systemClock, log }) };
}
const job = { schema: 1, migrationId: 'm-é😀', attempt: 1, side: 'source', mode: 'final', sourceVersion: '2.2.2', targetVersion: '2.10.3', tables: [] } as unknown as Job;
const order: Order = { attempt: 1, job, timeoutMinutes: 12 };
const rowsOf = (version: string) => machinery.postgres.psql((environments.get(version) as StartedEnvironment).databaseUrl, "SELECT run_id FROM dag_run WHERE dag_id = 'db_export' ORDER BY 1");

describe.each(VERSIONS)('Airflow %s', (version) => {
  it('runs a command: a killed task is started again, a second call finds the result without asking', async () => {
    const { environment, asked } = reach(version);
    expect(await environment.run('export', order)).toMatchObject({ id: 'm-é😀' });
    expect((await rowsOf(version)).map(({ run_id }) => run_id)).toEqual(['export-1-1', 'export-1-2']);
    const before = asked.length;
    expect(await environment.run('export', order)).toMatchObject({ id: 'm-é😀' });
    expect(asked.length).toBe(before);
  }, 15 * MINUTES);

  it('goes on with another job, whose file an older worker would refuse, and asks what moves without disturbing the attempt', async () => {
    const { environment } = reach(version);
    expect(await environment.run('preflight', { ...order, job: { ...job, mode: 'rehearsal' } })).toMatchObject({ id: 'm-é😀' });
    expect(await environment.listActiveDagIds()).toEqual(['a']);
    expect((await rowsOf(version)).map(({ run_id }) => run_id)).toEqual(['export-1-1', 'export-1-2', 'look-0-1', 'preflight-1-1']);
  }, 15 * MINUTES);

  it('leaves neither file nor row of ours, called twice', async () => {
    const { environment } = reach(version);
    await environment.removeDag();
    await environment.removeDag();
    expect([await environment.hasDag(), await rowsOf(version)]).toEqual([false, []]);
  }, 10 * MINUTES);
});
