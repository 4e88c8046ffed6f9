/** Plugins, requirements and startup script reach a real environment as MWAA installs them, and a change of settings takes effect. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensureTools } from '../../../scripts/python.mjs';
import { runOrFail } from '../../sandbox/environments/command.js';
import type { EnvironmentSettings } from '../../sandbox/environments/contract.js';
import type { StartedEnvironment } from '../../sandbox/environments/environment.js';
import { createMachinery, type Machinery } from '../../sandbox/environments/machinery.js';
import { REGION, startStandIn } from './stand-in.js';
import { eventually } from './waiting.js';

const PROBE = `
import datetime, json, os
from airflow import DAG
from airflow.operators.python import PythonOperator
import greeting_plugin

def look():
    try:
        import pyjokes
        jokes = "installed"
    except ImportError:
        jokes = "missing"
    names = ["FROM_SCRIPT", "AIRFLOW_ENV_NAME", "AWS_EXECUTION_ENV", "AIRFLOW__CORE__EXECUTOR", "AIRFLOW__CORE__DAG_CONCURRENCY", "JEST_WORKER_ID"]
    return json.dumps(dict({name: os.environ.get(name) for name in names}, jokes=jokes, plugin=greeting_plugin.GREETING))

with DAG("probe", start_date=datetime.datetime(2026, 1, 1), schedule="@once", is_paused_upon_creation=False) as dag:
    PythonOperator(task_id="look", python_callable=look)
`;
const STARTUP = `echo "not for the log of anybody"
export FROM_SCRIPT="a 'quoted' value"
export AIRFLOW_ENV_NAME=forged AIRFLOW__CORE__EXECUTOR=DebugExecutor AIRFLOW__CORE__DAG_CONCURRENCY=5
`;

let folder: string;
let aws: Awaited<ReturnType<typeof startStandIn>>;
let machinery: Machinery;
let environment: StartedEnvironment;
const lines: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-resources-'));
  aws = await startStandIn(folder);
  machinery = await createMachinery({ workFolder: path.join(folder, 'work'), endpointUrl: aws.endpointUrl, credentialsEnv: async () => aws.credentials, log: (line) => lines.push(line) });
  await aws.createBucket('resources');
  writeFileSync(path.join(folder, 'greeting_plugin.py'), 'GREETING = "from the plugin"\n');
  const archive = path.join(folder, 'plugins.zip');
  await runOrFail(path.join(ensureTools(), 'python'), ['-m', 'zipfile', '-c', archive, 'greeting_plugin.py'], { env: {}, folder });
  await aws.put('resources', 'dags/probe.py', PROBE);
  const pluginsVersion = await aws.put('resources', 'plugins.zip', readFileSync(archive));
  await aws.put('resources', 'plugins.zip', 'a newer version that is no archive: only the pinned one may be read');
  await aws.put('resources', 'requirements.txt', '--constraint "https://raw.githubusercontent.com/apache/airflow/constraints-2.10.3/constraints-3.11.txt"\npyjokes==0.8.3\n');
  await aws.put('resources', 'startup.sh', STARTUP);
  environment = await machinery.start({ ...plain(), pluginsPath: 'plugins.zip', pluginsVersion, requirementsPath: 'requirements.txt', startupScriptPath: 'startup.sh', options: { 'core.dag_concurrency': '7', 'core.executor': 'SequentialExecutor' } });
}, 300_000);

afterAll(async () => {
  await machinery?.close();
  await aws?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const plain = (): EnvironmentSettings => ({
  name: 'resources', account: '111122223333', region: REGION, airflowVersion: '2.10.3', bucket: 'resources', dagPath: 'dags',
  executionRoleArn: 'arn:aws:iam::111122223333:role/resources', options: {}, logging: {}, syncSeconds: 5,
});

it('gives tasks the plugin of the pinned version, the requirement, and variables in MWAA’s order of precedence', async () => {
  const [row] = await eventually('the XCom', async () => {
    const rows = await machinery.postgres.psql(environment.databaseUrl, `SELECT convert_from(value, 'UTF8') AS value FROM xcom WHERE key = 'return_value'`);
    return rows.length > 0 ? rows : undefined;
  }, 90);

  expect(JSON.parse(JSON.parse(String(row?.value)) as string)).toEqual({
    FROM_SCRIPT: "a 'quoted' value", AIRFLOW_ENV_NAME: 'resources', AWS_EXECUTION_ENV: 'Amazon_MWAA_2103', AIRFLOW__CORE__EXECUTOR: 'LocalExecutor',
    AIRFLOW__CORE__DAG_CONCURRENCY: '7', JEST_WORKER_ID: null, jokes: 'installed', plugin: 'from the plugin',
  });
  expect(lines.join('\n')).not.toContain('not for the log');
  await eventually('the end of the run', async () => (await machinery.postgres.psql(environment.databaseUrl, `SELECT 1 AS done FROM dag_run WHERE state = 'success'`))[0], 30);
}, 120_000);

it('applies new settings to the same database, and logs that unusable requirements were left out', async () => {
  await aws.put('resources', 'requirements.txt', 'no-such-package-of-ours==1.2.3\n');
  await aws.remove('resources', 'dags/probe.py');

  await environment.applySettings({ ...plain(), requirementsPath: 'requirements.txt', options: { 'core.default_timezone': 'Asia/Tokyo' } });

  expect((await environment.cli(['config', 'get-value', 'core', 'default_timezone'])).stdout).toBe('Asia/Tokyo\n');
  expect(await machinery.postgres.psql(environment.databaseUrl, 'SELECT dag_id, state FROM dag_run')).toEqual([{ dag_id: 'probe', state: 'success' }]);
  expect(lines.join('\n')).toMatch(/resources: the requirements could not be installed[^]*no-such-package-of-ours/);
}, 120_000);
