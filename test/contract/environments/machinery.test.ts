/** The sandbox's environments are real: Airflow 2.7.2 and 2.10.3 side by side on one PostgreSQL. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { EnvironmentSettings } from '../../sandbox/environments/contract.js';
import type { StartedEnvironment } from '../../sandbox/environments/environment.js';
import { createMachinery, type Machinery } from '../../sandbox/environments/machinery.js';
import { REGION, startStandIn } from './stand-in.js';
import { eventually } from './waiting.js';

const VERSIONS = ['2.7.2', '2.10.3'] as const;
const NO_QUERY = new URLSearchParams();

/** Runs once by itself as soon as it is parsed. */
const HELLO = `
import datetime
from airflow import DAG
from airflow.operators.python import PythonOperator
with DAG("hello", start_date=datetime.datetime(2026, 1, 1), schedule="@once", is_paused_upon_creation=False) as dag:
    PythonOperator(task_id="greet", python_callable=lambda: print("good morning"))
`;
const SLEEPER = `
import datetime
from airflow import DAG
from airflow.operators.bash import BashOperator
with DAG("sleeper", start_date=datetime.datetime(2026, 1, 1), schedule=None, is_paused_upon_creation=False) as dag:
    BashOperator(task_id="sleep", bash_command="exec sleep 4321")
`;

let folder: string;
let aws: Awaited<ReturnType<typeof startStandIn>>;
let machinery: Machinery;
let environments: Readonly<Record<(typeof VERSIONS)[number], StartedEnvironment>>;

const settings = (name: string, airflowVersion: string, more: Partial<EnvironmentSettings> = {}): EnvironmentSettings => ({
  name, account: '111122223333', region: REGION, airflowVersion, bucket: name, dagPath: 'dags', executionRoleArn: `arn:aws:iam::111122223333:role/${name}`,
  options: {}, logging: {}, syncSeconds: 1, ...more,
});

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-machinery-'));
  aws = await startStandIn(folder);
  machinery = await createMachinery({ workFolder: path.join(folder, 'work'), endpointUrl: aws.endpointUrl, credentialsEnv: async () => aws.credentials, log: () => undefined });
  const start = async (version: string) => {
    const name = `env-${version.replaceAll('.', '-')}`;
    await aws.createBucket(name);
    await aws.put(name, 'dags/hello.py', HELLO);
    return machinery.start(settings(name, version));
  };
  const [older, newer] = await Promise.all([start('2.7.2'), start('2.10.3')]);
  environments = { '2.7.2': older, '2.10.3': newer };
}, 300_000); // a first run installs both releases

afterAll(async () => {
  await machinery?.close();
  await aws?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const get = (environment: StartedEnvironment, requested: string) => environment.rest('Viewer', { method: 'GET', path: requested, query: NO_QUERY });
const dagIds = async (environment: StartedEnvironment): Promise<readonly string[]> =>
  (JSON.parse((await get(environment, '/dags')).body) as { dags: readonly { dag_id: string }[] }).dags.map(({ dag_id }) => dag_id);
const runsOf = async (environment: StartedEnvironment, dagId: string) =>
  (JSON.parse((await get(environment, `/dags/${dagId}/dagRuns`)).body) as { dag_runs: readonly { dag_run_id: string; state: string }[] }).dag_runs;

describe.each(VERSIONS)('Airflow %s', (version) => {
  let environment: StartedEnvironment;
  beforeAll(() => { environment = environments[version]; });

  it('runs a DAG that lies in its bucket', async () => {
    const run = await eventually('a successful run', async () => (await runsOf(environment, 'hello').catch(() => [])).find(({ state }) => state === 'success'));

    const rows = await machinery.postgres.psql(environment.databaseUrl, `SELECT run_id, state FROM task_instance WHERE task_id = 'greet'`);
    expect(rows).toEqual([{ run_id: run.dag_run_id, state: 'success' }]);
  }, 90_000);

  it('delivers the task log to CloudWatch under the name that MWAA gives, and shows it through REST', async () => {
    const [run] = await runsOf(environment, 'hello');
    const runId = run?.dag_run_id ?? '';

    const streams = await eventually('a log stream', async () => (await aws.logStreams(`airflow-${environment.settings.name}-Task`)).length > 0 ? aws.logStreams(`airflow-${environment.settings.name}-Task`) : undefined);
    const log = await environment.rest('Viewer', { method: 'GET', path: `/dags/hello/dagRuns/${encodeURIComponent(runId)}/taskInstances/greet/logs/1`, query: new URLSearchParams({ full_content: 'true' }) });

    expect(streams).toEqual([`dag_id=hello/run_id=${runId.replaceAll(':', '_')}/task_id=greet/attempt=1.log`]);
    expect(log.body).toContain('good morning');
    expect(log.body).toContain('Reading remote log from Cloudwatch');
  }, 60_000);

  it.each([
    { role: 'Viewer', method: 'GET', path: '/dags', status: 200 },
    { role: 'Viewer', method: 'POST', path: '/dags/hello/dagRuns', body: '{}', status: 403 },
    { role: 'Viewer', method: 'PATCH', path: '/dags/hello', body: '{"is_paused":false}', status: 403 },
    { role: 'User', method: 'GET', path: '/variables', status: 403 },
    { role: 'Op', method: 'PATCH', path: '/dags/hello', body: '{"is_paused":false}', status: 200 },
    { role: 'Op', method: 'GET', path: '/users', status: 403 },
    { role: 'Admin', method: 'GET', path: '/users', status: 200 },
    { role: 'Public', method: 'GET', path: '/dags', status: 403 },
  ] as const)('answers $status to $method $path as $role', async ({ status, role, ...request }) => {
    expect((await environment.rest(role, { query: NO_QUERY, ...request })).status).toBe(status);
  });

  it('runs the CLI', async () => {
    expect(await environment.cli(['version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
    expect((await environment.cli(['dags', 'no-such-command'])).code).not.toBe(0);
  }, 60_000);

  it('follows its bucket, also when an object goes', async () => {
    const file = path.join(environment.airflowHome, 'dags', 'deep', 'data.txt');
    await aws.put(environment.settings.bucket, 'dags/deep/data.txt', 'one');
    await environment.syncNow();
    expect(readFileSync(file, 'utf8')).toBe('one');

    await aws.put(environment.settings.bucket, 'dags/deep/data.txt', 'two');
    await eventually('the new content, by itself', () => (readFileSync(file, 'utf8') === 'two' ? true : undefined), 10);

    await aws.remove(environment.settings.bucket, 'dags/deep/data.txt');
    await environment.syncNow();
    expect(existsSync(path.dirname(file))).toBe(false);
    expect(existsSync(path.join(environment.airflowHome, 'dags', 'hello.py'))).toBe(true);
  }, 30_000);

  it('shows no secret in any command line', () => {
    const { fernetKey, login, databaseUrl } = environment;
    const secrets = [fernetKey, login.password, machinery.postgres.password, databaseUrl, aws.credentials.AWS_SECRET_ACCESS_KEY].filter((secret) => secret !== 'dummy');
    const lines = processes().map(({ commandLine }) => commandLine);

    expect(lines.join('\n')).toContain('airflow scheduler');
    expect(lines.filter((line) => secrets.some((secret) => line.includes(secret)))).toEqual([]);
  });
});

it('keeps two environments apart', async () => {
  const { '2.7.2': older, '2.10.3': newer } = environments;
  await aws.put(older.settings.bucket, 'dags/only_here.py', HELLO.replace('"hello"', '"only_here"'));
  await older.rest('Admin', { method: 'POST', path: '/variables', query: NO_QUERY, body: '{"key":"only_here","value":"x"}' });
  await eventually('the new DAG', async () => (await dagIds(older)).includes('only_here') || undefined);

  expect(await dagIds(newer)).toEqual(['hello']);
  expect((await newer.rest('Admin', { method: 'GET', path: '/variables/only_here', query: NO_QUERY })).status).toBe(404);
  expect(newer.fernetKey).not.toBe(older.fernetKey);
  expect(newer.databaseUrl).not.toBe(older.databaseUrl);
}, 60_000);

it('goes on from an older version’s dump under its Fernet key, with user options that win over ours', async () => {
  const older = environments['2.7.2'], dump = path.join(folder, 'dump.sql');
  await machinery.postgres.dump(older.databaseUrl, dump);
  await aws.createBucket('from-dump');

  const copy = await machinery.start(settings('from-dump', '2.10.3', { database: { kind: 'dump', file: dump, fernetKey: older.fernetKey }, options: { 'core.parallelism': '3' } }));
  try {
    const variable = await copy.rest('Admin', { method: 'GET', path: '/variables/only_here', query: NO_QUERY });
    expect(JSON.parse(variable.body)).toMatchObject({ value: 'x' });
    expect((await runsOf(copy, 'hello')).map(({ state }) => state)).toEqual(['success']);
    expect((await copy.cli(['config', 'get-value', 'core', 'parallelism'])).stdout).toBe('3\n');
  } finally {
    await copy.stop();
  }
}, 120_000);

it('leaves no process, folder or database behind, also after the scheduler was killed in the middle of a task', async () => {
  const environment = environments['2.10.3'];
  await aws.put(environment.settings.bucket, 'dags/sleeper.py', SLEEPER);
  await eventually('the DAG', async () => (await dagIds(environment)).includes('sleeper') || undefined);
  await environment.rest('Admin', { method: 'POST', path: '/dags/sleeper/dagRuns', query: NO_QUERY, body: '{}' });
  const task = await eventually('the task', () => processes().find(({ commandLine, environ }) => commandLine.startsWith('sleep 4321') && environ.includes(environment.airflowHome)));
  const scheduler = processes().find(({ pid, commandLine }) => environment.processGroups.includes(pid) && commandLine.includes('airflow scheduler'))?.pid ?? 0;
  const family = withDescendants(environment.processGroups);
  expect(family).toContain(task.pid);

  process.kill(scheduler, 'SIGKILL');
  // Only then its children hang below process 1, where no walk from the scheduler finds them.
  await eventually('the end of the scheduler', () => (processes().some(({ pid }) => pid === scheduler) ? undefined : true), 10);
  expect(processes().map(({ pid }) => pid)).toContain(task.pid);
  await environment.stop();

  const left = processes().filter(({ pid, environ }) => family.includes(pid) || environ.includes(environment.airflowHome));
  expect(left.map(({ pid, commandLine }) => ({ pid, commandLine }))).toEqual([]); // their variables are secret
  expect(existsSync(environment.airflowHome)).toBe(false);
  expect(await machinery.postgres.hasDatabase(new URL(environment.databaseUrl).pathname.slice(1))).toBe(false);
}, 90_000);

/** Read here once more, on purpose not with the code under test. */
function processes(): readonly Readonly<{ pid: number; parent: number; commandLine: string; environ: string }>[] {
  const read = (file: string) => {
    try {
      return readFileSync(file, 'utf8').replaceAll('\0', ' ').trim();
    } catch {
      return ''; // ended, or a kernel thread
    }
  };
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => ({
    pid: Number(name), parent: Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${name}/status`))?.[1] ?? 0),
    commandLine: read(`/proc/${name}/cmdline`), environ: read(`/proc/${name}/environ`),
  })).filter(({ commandLine }) => commandLine !== '');
}

function withDescendants(pids: readonly number[]): readonly number[] {
  const children = processes().filter(({ parent }) => pids.includes(parent)).map(({ pid }) => pid);
  return children.length === 0 ? pids : [...pids, ...withDescendants(children)];
}
