/** The user story: a production environment with its history moves to a newer version, and nobody is surprised. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describeLeaks, scanForCanaries } from './leaks/scan.js';
import { watchProcesses, type ProcessWatch } from './leaks/processes.js';
import { compareByRest } from './oracle/by-rest.js';
import { activeDags, compareBySql, type Fingerprint, fingerprint } from './oracle/by-sql.js';
import { query } from './oracle/query.js';
import { ACTIVE_DAGS, LEAST_TASK_INSTANCES, NEXT_INTERVAL } from './source/expected.js';
import { dailySalesUntil } from './source/folder.js';
import { logEventsOf, objectsOf, runsOf } from './support/everything-written.js';
import { until } from './support/patience.js';
import type { Run } from './support/runner.js';
import { ACCOUNT, type MigrationWorld, SOURCE, startMigrationWorld, TARGET } from './support/world.js';

const MINUTES = 60_000;
const log = process.env['E2E_LOG'] ? (line: string) => void process.stderr.write(`${line}\n`) : undefined;

describe('a whole migration from Airflow 2.7.2 to 2.10.3', () => {
  let world: MigrationWorld;
  let watch: ProcessWatch;
  /** By name; a phase that fails ends the story there, and says why. */
  const done: Record<string, Run> = {};
  let activeBefore: readonly string[];
  let activeAfterRehearsal: readonly string[];
  let activeAfterFinal: readonly string[];
  let targetActiveBeforeCutover: readonly string[];
  let beforeSecondImport: Fingerprint;
  let afterSecondImport: Fingerprint;

  const source = () => world.sandbox.environment(SOURCE).running;
  const target = () => world.sandbox.environment(TARGET).running;
  const phase = async (name: string, of: string, inputs: Record<string, string> = {}) => {
    const run = await world.run(of, inputs);
    done[name] = run;
    if (run.code !== 0) throw new Error(`Phase ${name} ended with code ${run.code}:\n${run.log.slice(-6000)}`);
  };

  beforeAll(async () => {
    world = await startMigrationWorld(log ? { log } : {});
    watch = watchProcesses(world.history?.facts.canaries ?? [], () => [process.pid], 100);
    activeBefore = await activeDags(source().databaseUrl);
    await phase('plan', 'plan');
    const approved = { 'approved-plan': done['plan']?.outputs['plan-digest'] ?? 'none' };
    await phase('resources', 'resources', approved);
    await phase('create', 'create', approved);
    await phase('rehearsal', 'export', { ...approved, mode: 'rehearsal' });
    activeAfterRehearsal = await activeDags(source().databaseUrl);
    await phase('final', 'export', { ...approved, mode: 'final' });
    activeAfterFinal = await activeDags(source().databaseUrl);
    await phase('import', 'import', { ...approved, 'approved-manifest': done['rehearsal']?.outputs['manifest-digest'] ?? 'none' });
    await phase('verify', 'verify');
    beforeSecondImport = await fingerprint(target().databaseUrl);
    // An import of the same attempt knows that it is done; one of a further export does all of its work again.
    await phase('repeated import', 'import', approved);
    await phase('second final', 'export', { ...approved, mode: 'final' });
    await phase('second import', 'import', approved);
    afterSecondImport = await fingerprint(target().databaseUrl);
  }, 15 * MINUTES);
  afterAll(async () => {
    await world?.close();
  }, MINUTES);

  it('starts from a history that a real scheduler made', () => {
    expect(world.history?.facts.taskInstancesOfScheduler).toBeGreaterThanOrEqual(LEAST_TASK_INSTANCES);
  });

  it('pauses nothing in the rehearsal, and everything in the final export', () => {
    expect(activeBefore).toEqual(ACTIVE_DAGS);
    expect(activeAfterRehearsal).toEqual(ACTIVE_DAGS);
    expect(activeAfterFinal).toEqual([]);
  });

  it('creates the target as the plan said, of the version that was asked for', async () => {
    expect(world.sandbox.environment(TARGET).status).toBe('AVAILABLE');
    expect(target().settings.airflowVersion).toBe('2.10.3');
    expect(done['create']?.outputs['target-environment']).toBe(TARGET);
  });

  it('brings the same history to the target, row by row, by SQL of our own', async () => {
    const comparison = await compareBySql(source(), target());
    expect(comparison.differences).toEqual([]);
    expect(comparison.more).toBe(0);
    expect(comparison.counts['task_instance']?.target).toBeGreaterThanOrEqual(LEAST_TASK_INSTANCES);
  }, 2 * MINUTES);

  it("shows the same history in the target's own REST API, all pages of it", async () => {
    const comparison = await compareByRest(target());
    expect(comparison.differences).toEqual([]);
    expect(comparison.runs + comparison.invisibleRuns).toBe(world.history?.facts.rows['dag_run']);
    expect(comparison.taskInstances + comparison.invisibleTaskInstances).toBe(world.history?.facts.rows['task_instance']);
  }, 5 * MINUTES);

  it('reports the numbers that are there, table by table', () => {
    const tables = JSON.parse(done['import']?.outputs['tables'] ?? '{}') as Record<string, { rows: number }>;
    for (const table of ['dag_run', 'task_instance', 'task_fail', 'xcom', 'rendered_task_instance_fields', 'task_map']) {
      expect({ table, rows: tables[table]?.rows }).toEqual({ table, rows: world.history?.facts.rows[table] });
      expect(done['import']?.summary).toContain(table.replaceAll('_', '&#95;'));
    }
  });

  it('lets the target read every variable through its own Airflow', async () => {
    const variables = await query<[string]>(source().databaseUrl, "SELECT key FROM variable ORDER BY 1");
    const read = await target().cli(['variables', 'list', '-o', 'json']);
    const listed = (JSON.parse(read.stdout.slice(read.stdout.indexOf('['))) as { key: string }[]).map(({ key }) => key);
    expect(listed.sort()).toEqual(variables.map(([key]) => key).sort());
    const canary = world.history?.facts.canaries.find(({ name }) => name === 'sales_region');
    const value = await target().cli(['variables', 'get', 'sales_region']);
    expect(value.stdout.trim() === canary?.value).toBe(true); // not toBe(value): a failure would print it
  }, 2 * MINUTES);

  it('lets the target read every connection through its own Airflow', async () => {
    const connections = await query<[string]>(source().databaseUrl, 'SELECT conn_id FROM connection ORDER BY 1');
    expect(connections.length).toBeGreaterThan(4);
    const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-connections-'));
    try {
      const file = path.join(folder, 'connections.json');
      expect((await target().cli(['connections', 'export', file])).code).toBe(0);
      const read = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, { password: string | null }>>;
      expect(Object.keys(read).sort()).toEqual(connections.map(([id]) => id).sort());
      const canary = world.history?.facts.canaries.find(({ name }) => name === 'connection password');
      expect(read['sales_warehouse']?.password === canary?.value).toBe(true); // not toBe(value): a failure would print it
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 2 * MINUTES);

  it('changes nothing when it imports a second time: not a row, not its xmin', () => {
    const tables = JSON.parse(done['second import']?.outputs['tables'] ?? '{}') as Record<string, { inserted: number; alreadyThere: number }>;
    expect(done['second import']?.outputs['attempt']).not.toBe(done['import']?.outputs['attempt']);
    expect(tables['task_instance']).toMatchObject({ inserted: 0, alreadyThere: world.history?.facts.rows['task_instance'] });
    expect(afterSecondImport).toEqual(beforeSecondImport);
  });

  it('leaves no DAG file and no DAG of its own behind', async () => {
    for (const environment of [source(), target()])
      expect(await query(environment.databaseUrl, String.raw`SELECT dag_id FROM dag WHERE dag_id LIKE 'db\_export%' OR dag_id LIKE 'db\_import%'`)).toEqual([]);
  });

  it('activates on the target exactly what was active on the source, which stays paused', async () => {
    targetActiveBeforeCutover = await activeDags(target().databaseUrl);
    await phase('cutover', 'cutover');
    expect(targetActiveBeforeCutover).toEqual([]);
    expect(await activeDags(target().databaseUrl)).toEqual(ACTIVE_DAGS);
    expect(await activeDags(source().databaseUrl)).toEqual([]);
  }, 5 * MINUTES);

  it('goes on with the next interval, and with no other', async () => {
    const before = await runIds();
    // The team opens its books for another day, on the target.
    const s3 = new S3Client(world.sandbox.rootClient(ACCOUNT));
    const file = dailySalesUntil(NEXT_INTERVAL.lastDay);
    await s3.send(new PutObjectCommand({ Bucket: target().settings.bucket, Key: `${target().settings.dagPath.replace(/\/$/u, '')}/${file.path}`, Body: file.body }));
    s3.destroy();
    await until(`${NEXT_INTERVAL.runId} to succeed on the target`, async () => {
      const [row] = await query<[string]>(target().databaseUrl, `SELECT state FROM dag_run WHERE dag_id = '${NEXT_INTERVAL.dagId}' AND run_id = '${NEXT_INTERVAL.runId}'`);
      return row?.[0] === 'success';
    }, { seconds: 180 });
    const after = await runIds();
    expect(after.filter((id) => !before.includes(id))).toEqual([`${NEXT_INTERVAL.dagId} ${NEXT_INTERVAL.runId}`]);
    expect(await query(source().databaseUrl, `SELECT 1 FROM dag_run WHERE run_id = '${NEXT_INTERVAL.runId}'`)).toEqual([]);
  }, 5 * MINUTES);

  it('tells where it stands', async () => {
    await phase('status', 'status');
    expect(done['status']?.summary).toContain('cut over');
  }, MINUTES);

  it('let no value of a variable or connection into any byte outside the two databases, nor into a process', async () => {
    const canaries = world.history?.facts.canaries ?? [];
    const processes = await watch.stop();
    const written = await scanForCanaries(canaries, runsOf(world), objectsOf(world), logEventsOf(world), path.join(source().airflowHome, 'logs'), path.join(target().airflowHome, 'logs'));
    expect(describeLeaks([...written.leaks, ...processes.leaks])).toBe(describeLeaks([]));
    // What was not looked at cannot be clean.
    expect(written.sources).toBeGreaterThan(50);
    expect(processes.processes).toBeGreaterThan(20);
    expect(processes.samples).toBeGreaterThan(100);
  }, 5 * MINUTES);

  it('would have found one: a planted leak is seen in the same search', async () => {
    const [canary] = world.history?.facts.canaries ?? [];
    const s3 = new S3Client(world.sandbox.rootClient(ACCOUNT));
    await s3.send(new PutObjectCommand({ Bucket: target().settings.bucket, Key: 'notes/debug.txt', Body: gzipSync(JSON.stringify({ seen: canary?.value })).toString('base64') }));
    s3.destroy();
    const found = await scanForCanaries(world.history?.facts.canaries ?? [], objectsOf(world));
    expect(found.leaks.map(({ source }) => source.includes('notes/debug.txt'))).toContain(true);
  }, MINUTES);

  const runIds = async () => (await query<[string]>(target().databaseUrl, "SELECT dag_id || ' ' || run_id FROM dag_run WHERE dag_id !~ '^db_(export|import)'")).map(([id]) => id).sort();
});
