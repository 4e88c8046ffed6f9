import type { RunningEnvironment } from '../../sandbox/environments/contract.js';
import { query } from '../oracle/query.js';
import { asAdmin, waitUntilNothingMissing } from './admin.js';
import { ACTIVE_DAGS, BACKFILL, EXPECTED, LEAST_TASK_INSTANCES, MANUAL_RUNS } from './expected.js';
import { plantHostileRows } from './plant.js';
import { DEFAULT_POOL_SLOTS, makeConnections, makeVariables, plainCanary, POOLS, type Canary } from './settings.js';

/** What the tests need to know of a finished history. */
export type HistoryFacts = Readonly<{
  airflowVersion: string;
  /** ISO 8601 UTC. */
  madeAt: string;
  /** Unpaused DAGs, ordered. */
  activeDags: readonly string[];
  /** Rows of every moved table, planted ones included. */
  rows: Readonly<Record<string, number>>;
  /** Task instances made by the real scheduler, so without planted ones. */
  taskInstancesOfScheduler: number;
  canaries: readonly Canary[];
}>;

export const MOVED_TABLES = ['dag_run', 'task_instance', 'task_fail', 'xcom', 'rendered_task_instance_fields', 'task_map', 'log', 'slot_pool', 'variable', 'connection'] as const;

/**
 * Lets the environment's own scheduler make the history that `expected.ts` describes, then plants what no scheduler writes.
 * The environment must have the DAG folder, the plugins and the options of `folder.ts`. To be called once per database.
 * @throws Error that names what was still missing when the time was over
 */
export async function makeHistory(environment: RunningEnvironment, log: (line: string) => void): Promise<HistoryFacts> {
  await waitUntilNothingMissing(() => missingDags(environment), { minutes: 5, everyMs: 1000, log });
  const { variables, canaries } = makeVariables(), { connections, canaries: ofConnections } = makeConnections();
  // Before anything runs: daily_sales needs the pool and the Variable.
  for (const pool of POOLS) await asAdmin(environment, 'POST', '/pools', pool);
  await asAdmin(environment, 'PATCH', '/pools/default_pool', { name: 'default_pool', slots: DEFAULT_POOL_SLOTS }, { update_mask: 'slots' });
  for (const variable of variables) await asAdmin(environment, 'POST', '/variables', variable);
  for (const connection of connections) await asAdmin(environment, 'POST', '/connections', connection);

  const started = EXPECTED.filter(({ runs }) => 'scheduled' in runs || 'manual' in runs);
  log(`Unpausing ${started.length} DAGs; the scheduler makes their history.`);
  for (const { dagId } of started) await asAdmin(environment, 'PATCH', `/dags/${dagId}`, { is_paused: false });
  for (const { runId, conf } of MANUAL_RUNS) await asAdmin(environment, 'POST', '/dags/manual_reports/dagRuns', { dag_run_id: runId, conf });
  const backfill = await environment.cli(['dags', 'backfill', '--start-date', BACKFILL.from, '--end-date', BACKFILL.to, BACKFILL.dagId]);
  if (backfill.code !== 0) throw new Error(`airflow dags backfill ended with code ${backfill.code}: ${backfill.stderr.slice(-2000)}`);
  await waitUntilNothingMissing(() => missingRuns(environment), { minutes: 15, everyMs: 2000, log });

  await writeNotes(environment);
  for (const { dagId } of started.filter(({ active }) => !active)) await asAdmin(environment, 'PATCH', `/dags/${dagId}`, { is_paused: true });
  const taskInstancesOfScheduler = Number((await query<[number]>(environment.databaseUrl, 'SELECT count(*) FROM task_instance'))[0]?.[0]);
  if (taskInstancesOfScheduler < LEAST_TASK_INSTANCES) throw new Error(`The scheduler made ${taskInstancesOfScheduler} task instances, and at least ${LEAST_TASK_INSTANCES} are needed.`);
  const plain = plainCanary();
  await plantHostileRows(environment.databaseUrl, plain);
  return {
    airflowVersion: environment.settings.airflowVersion, madeAt: new Date().toISOString(), activeDags: ACTIVE_DAGS,
    rows: await countRows(environment.databaseUrl), taskInstancesOfScheduler, canaries: [...canaries, ...ofConnections, plain],
  };
}

async function missingDags(environment: RunningEnvironment): Promise<string | undefined> {
  const { import_errors: errors } = await asAdmin<{ import_errors: readonly { filename: string; stack_trace: string }[] }>(environment, 'GET', '/importErrors');
  if (errors[0]) throw new Error(`${errors[0].filename} cannot be imported: ${errors[0].stack_trace}`);
  const { dags } = await asAdmin<{ dags: readonly { dag_id: string }[] }>(environment, 'GET', '/dags');
  const missing = EXPECTED.filter(({ dagId }) => !dags.some((dag) => dag.dag_id === dagId)).map(({ dagId }) => dagId);
  return missing.length === 0 ? undefined : `the DAGs ${missing.join(', ')} to be parsed`;
}

/** Counts exactly: one run too many (an interval that should not be due) is an error, not a success. */
async function missingRuns(environment: RunningEnvironment): Promise<string | undefined> {
  const rows = await query<[dagId: string, runType: string, finished: number, all: number]>(environment.databaseUrl,
    "SELECT dag_id, run_type, count(*) FILTER (WHERE state IN ('success', 'failed')), count(*) FROM dag_run GROUP BY 1, 2");
  const missing: string[] = [];
  for (const { dagId, runs } of EXPECTED) {
    for (const [runType, wanted] of Object.entries(runs)) {
      const [, , finished = 0, all = 0] = rows.find((row) => row[0] === dagId && row[1] === runType) ?? [];
      if (all > wanted) throw new Error(`${dagId} has ${all} ${runType} runs, and ${wanted} were expected.`);
      if (finished < wanted) missing.push(`${wanted - finished} ${runType} runs of ${dagId}`);
    }
  }
  return missing.length === 0 ? undefined : missing.join(', ');
}

async function writeNotes(environment: RunningEnvironment): Promise<void> {
  const run = encodeURIComponent(MANUAL_RUNS[0]?.runId ?? '');
  await asAdmin(environment, 'PATCH', `/dags/manual_reports/dagRuns/${run}/setNote`, { note: 'Checked by hand:\n"größe" is right' });
  await asAdmin(environment, 'PATCH', `/dags/manual_reports/dagRuns/${run}/taskInstances/shell/setNote`, { note: 'A task has a note, too' });
}

export async function countRows(databaseUrl: string): Promise<Readonly<Record<string, number>>> {
  const rows = await query<[string, number]>(databaseUrl, MOVED_TABLES.map((table) => `SELECT '${table}', count(*) FROM ${table}`).join(' UNION ALL '));
  return Object.fromEntries(rows);
}
