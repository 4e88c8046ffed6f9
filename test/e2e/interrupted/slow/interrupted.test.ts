/** The user story: runners and workers die in the middle of the work, and a re-run brings the migration to the same end. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { compareBySql } from '../../oracle/by-sql.js';
import { query } from '../../oracle/query.js';
import { ACTIVE_DAGS } from '../../source/expected.js';
import { MIGRATION_BUCKET, middleOf, openUploads, plantLongHistory, slowRead, slowUpload, stagingTables } from '../../support/middle.js';
import { until } from '../../support/patience.js';
import type { StartedRun } from '../../support/runner.js';
import { taskProcesses } from '../../support/task-processes.js';
import { ACCOUNT, type MigrationWorld, QUICK_OPTIONS, SOURCE, startMigrationWorld, TARGET } from '../../support/world.js';

const MINUTES = 60_000;
const TASK_INSTANCES = 40_000;
/** The migration's first attempt, for there is no rehearsal before. */
const ATTEMPT = `data/migration/2.7.2_to_2.10.3/${SOURCE}-to-${TARGET}/1/`;
const tell = (line: string) => void process.stderr.write(`${line}\n`);
const log = process.env['E2E_LOG'] ? tell : undefined;

const workflowRun = (id: number, attempt = 1) => ({ GITHUB_RUN_ID: String(id), GITHUB_RUN_ATTEMPT: String(attempt) });
const addressOf = (id: number, attempt: number) => `https://github.com/acme/airflow/actions/runs/${id}/attempts/${attempt}`;

describe('a migration whose runners and workers are killed', () => {
  let world: MigrationWorld;
  /** Every action that was started and may still run. */
  const started: StartedRun[] = [];
  /** Phases that came to their end; after a failure the tests that build on them say so at once. */
  const ended = new Set<string>();
  const requireEnded = (phase: string) => {
    if (!ended.has(phase)) throw new Error(`Phase ${phase} did not come to its end in a test before.`);
  };

  const source = () => world.sandbox.environment(SOURCE).running;
  const target = () => world.sandbox.environment(TARGET).running;

  /** An action in the background, with the lines it has said so far. */
  const start = (phase: string, inputs: Readonly<Record<string, string>>, env: Readonly<Record<string, string>>) => {
    const lines: string[] = [];
    const run = world.start(phase, inputs, { env, onLine: (line) => { lines.push(line); log?.(line); } });
    started.push(run);
    const said = (text: string) => until(`the action to say "${text}"`, () => {
      if (run.child.exitCode !== null) throw new Error(`Phase ${phase} ended with code ${run.child.exitCode} before it said "${text}":\n${lines.slice(-40).join('\n')}`);
      return Promise.resolve(lines.some((line) => line.includes(text)));
    }, { seconds: 180 });
    return { ...run, said };
  };
  /** SIGKILL for everything of the action at once: nothing of it can clean up. */
  const killAction = (run: StartedRun) => process.kill(-(run.child.pid ?? 0), 'SIGKILL');

  /** The middle of a try: says how far it is, and refuses a kill that would prove nothing. */
  const middle = async (who: string, command: string, tryNumber: number) => {
    const { table, rowsDone, rowsTotal } = await middleOf(world, ATTEMPT, command, tryNumber);
    tell(`SIGKILL for ${who} in try ${tryNumber} of ${command}: table ${table}, ${rowsDone} of ${rowsTotal} rows done`);
    expect(rowsDone).toBeGreaterThan(0);
    expect(rowsDone).toBeLessThan(rowsTotal);
    return { table, rowsDone, rowsTotal };
  };
  const runsOf = (databaseUrl: string, dagId: string, command: string) =>
    query<[string, string]>(databaseUrl, `SELECT run_id, state FROM dag_run WHERE dag_id = '${dagId}' AND run_id LIKE '${command}-%' ORDER BY id`);
  const readJson = async (key: string) => {
    const object = await world.sandbox.s3.readObject(MIGRATION_BUCKET, key);
    return object && (JSON.parse(object.body.toString('utf8')) as Readonly<Record<string, unknown>>);
  };
  const journal = () => readJson(ATTEMPT.replace(/1\/$/u, 'journal.json'));

  beforeAll(async () => {
    world = await startMigrationWorld({
      ...(log ? { log } : {}),
      // As phase create would have made it: in the source's bucket, below its own prefix.
      environments: [{
        name: TARGET, 'airflow-version': '2.10.3', bucket: `mwaa-${SOURCE}-${ACCOUNT}`, 'dags-path': `${TARGET}/dags`, 'sync-seconds': 2,
        // A worker that is gone with its supervisor shows only by heartbeats that do not come: 300 s by default.
        options: { ...QUICK_OPTIONS, 'scheduler.scheduler_zombie_task_threshold': '15' },
      }],
    });
    await plantLongHistory(source().databaseUrl, TASK_INSTANCES);
  }, 5 * MINUTES);
  afterAll(async () => {
    for (const { child } of started) if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), 'SIGKILL');
    await world?.close();
  }, MINUTES);

  it('exports the same after SIGKILL of the task, then of the action, in the middle', async () => {
    const final = { mode: 'final' };
    slowUpload(world, SOURCE);
    const first = start('export', final, workflowRun(1001));

    // With an upload under way, which the next try has to end.
    await until('the export to begin an upload', async () => (await openUploads(world)).length === 1, { seconds: 180 });
    await middle('the Airflow task', 'export', 1);
    process.kill((await taskProcesses(source(), 'db_export', 'export-1-1')).runner, 'SIGKILL');
    expect(await openUploads(world)).toHaveLength(1);

    // Somebody else at the same time is told who is at work, and changes nothing.
    const second = await world.run('export', final, { env: workflowRun(1002) });
    expect(second.code).toBe(1);
    const lock = (await journal())?.['lock'] as Readonly<{ owner: string; since: string }>;
    expect(lock.owner).toBe(addressOf(1001, 1));
    expect(second.log).toContain(`Another runner works on this migration: ${lock.owner}.`);
    expect(second.log).toContain(`since ${lock.since}; its lease ends at `);
    const calls = world.sandbox.calls.filter(({ principal }) => principal.endsWith('/mwaa-migrate-export-1002'));
    expect(calls.length).toBeGreaterThan(5);
    expect(calls.filter(({ readOnly }) => !readOnly)).toEqual([]);

    slowUpload(world, SOURCE);
    await middle('the action', 'export', 2);
    const { runner } = await taskProcesses(source(), 'db_export', 'export-1-2');
    // The task stands still while nobody waits for it, so that the re-run surely finds it at work.
    process.kill(runner, 'SIGSTOP');
    killAction(first);
    expect((await first.done).signal).toBe('SIGKILL');
    const again = start('export', final, workflowRun(1001, 2));
    await again.said(`${addressOf(1001, 1)}, holds the lock; waiting for its lease to end`);
    await again.said('DAG run export-1-2 is at work');
    expect(await runsOf(source().databaseUrl, 'db_export', 'export')).toEqual([['export-1-1', 'failed'], ['export-1-2', 'running']]);
    process.kill(runner, 'SIGCONT');

    const done = await again.done;
    expect({ code: done.code, end: done.code === 0 ? '' : done.log.slice(-4000) }).toEqual({ code: 0, end: '' });
    expect(await readJson(`${ATTEMPT}export/result.json`)).toMatchObject({ status: 'done', try: 2 });
    expect(done.log).not.toContain('export started in');
    expect(((await journal())?.['attempts'] as readonly unknown[]).length).toBe(1);
    expect(((await readJson(`${ATTEMPT}active-dags.json`))?.['dags'] as readonly { dagId: string }[]).map(({ dagId }) => dagId)).toEqual(ACTIVE_DAGS);
    expect(await openUploads(world)).toEqual([]);
    ended.add('export');
  }, 6 * MINUTES);

  it('imports the same after SIGKILL of the task with its supervisor, then of the action, in the middle', async () => {
    requireEnded('export');
    const first = start('import', {}, workflowRun(2001));
    await slowRead(world, TARGET, ATTEMPT, 1);
    await middle('the Airflow task and its supervisor', 'import', 1);
    const { runner, supervisor } = await taskProcesses(target(), 'db_import', 'import-1-1');
    // The supervisor first: it must not see how its task ended.
    process.kill(supervisor, 'SIGKILL');
    process.kill(runner, 'SIGKILL');

    await slowRead(world, TARGET, ATTEMPT, 2);
    await middle('the action', 'import', 2);
    const next = await taskProcesses(target(), 'db_import', 'import-1-2');
    process.kill(next.runner, 'SIGSTOP');
    killAction(first);
    expect((await first.done).signal).toBe('SIGKILL');
    expect(await stagingTables(target())).not.toEqual([]);
    const again = start('import', {}, workflowRun(2001, 2));
    await again.said('(DAG run import-1-2); waiting for it');
    expect(await runsOf(target().databaseUrl, 'db_import', 'import')).toEqual([['import-1-1', 'failed'], ['import-1-2', 'running']]);
    process.kill(next.runner, 'SIGCONT');

    const done = await again.done;
    expect({ code: done.code, end: done.code === 0 ? '' : done.log.slice(-4000) }).toEqual({ code: 0, end: '' });
    expect(await readJson(`${ATTEMPT}import/result.json`)).toMatchObject({ status: 'done', try: 2 });
    ended.add('import');
  }, 6 * MINUTES);

  it('ends in the state of an undisturbed migration', async () => {
    requireEnded('import');
    const { differences, more, counts } = await compareBySql(source(), target());
    expect(differences).toEqual([]);
    expect(more).toBe(0);
    for (const table of ['dag_run', 'task_instance', 'task_fail', 'xcom', 'rendered_task_instance_fields', 'task_map', 'slot_pool', 'variable'])
      expect({ table, rows: counts[table]?.target }).toEqual({ table, rows: counts[table]?.source });
    expect(counts['log'] && counts['log'].target - counts['log'].own).toBe(counts['log']?.source);
    expect(counts['task_instance']?.target).toBeGreaterThan(TASK_INSTANCES);
  }, 3 * MINUTES);

  it('leaves nothing of the killed tries behind', async () => {
    requireEnded('import');
    for (const environment of [source(), target()]) {
      expect(await stagingTables(environment)).toEqual([]);
      expect(await query(environment.databaseUrl, String.raw`SELECT dag_id FROM dag WHERE dag_id ~ '^db_(export|import)'`)).toEqual([]);
    }
    expect(await openUploads(world)).toEqual([]);
    const secrets: string[] = [];
    for await (const { key } of world.sandbox.s3.everyByte()) if (key.endsWith('.sealed')) secrets.push(key);
    expect(secrets).toEqual([]);
    expect((await journal())?.['lock']).toBeUndefined();
  }, MINUTES);
});
