/** DAG runs, tasks and DAGs of one environment by Airflow's REST API, all pages of a list; without ours. */
import { isOwnDagId } from '../airflow/own-dags.js';
import type { BusyTask } from '../airflow/protocol.js';
import { UserError } from '../errors.js';
import type { Mwaa, RestRequest } from '../ports.js';

/** Largest page Airflow gives by default (api.maximum_page_limit); an environment may have set a smaller one. */
const PAGE = 100;

type Rest = Pick<Mwaa, 'rest'>;
export type RunSeen = Readonly<{ dagId: string; runId: string }>;
/** `nextDagrun` and the rest: ISO 8601, null where nothing is scheduled, undefined where this Airflow does not say. */
export type DagSeen = Readonly<{
  dagId: string;
  isPaused: boolean;
  nextDagrun: string | null | undefined;
  nextDagrunDataIntervalStart: string | null | undefined;
  nextDagrunDataIntervalEnd: string | null | undefined;
  nextDagrunCreateAfter: string | null | undefined;
}>;

/**
 * POST, because a list over all DAGs by GET cannot be filtered within 64 characters of path.
 * @param filter of /dags/~/dagRuns/list, such as `states` or `start_date_gte`
 * @param atMost ends the listing there: a queue may hold more runs than anybody reads
 * @returns `isWhole`: false when the listing ended at `atMost`
 * @throws {UserError} when Airflow does not give the list
 */
export async function listRuns(mwaa: Rest, environment: string, filter: Readonly<Record<string, unknown>>, atMost = Infinity): Promise<Readonly<{ runs: readonly RunSeen[]; isWhole: boolean }>> {
  const { rows, isWhole } = await listAll(mwaa, environment, 'DAG runs', 'dag_runs', (offset) => ({ path: '/dags/~/dagRuns/list', method: 'POST', body: { ...filter, page_limit: PAGE, page_offset: offset } }), atMost);
  return { isWhole, runs: rows.flatMap((run) => (typeof run.dag_id === 'string' && !isOwnDagId(run.dag_id) ? [{ dagId: run.dag_id, runId: String(run.dag_run_id) }] : [])) };
}

/**
 * Task instances in these states, all pages.
 * @throws {UserError} when Airflow does not give the list
 */
export async function listTasks(mwaa: Rest, environment: string, states: readonly string[]): Promise<readonly BusyTask[]> {
  const { rows } = await listAll(mwaa, environment, 'task instances', 'task_instances', (offset) => ({ path: '/dags/~/dagRuns/~/taskInstances/list', method: 'POST', body: { state: states, page_limit: PAGE, page_offset: offset } }), Infinity);
  const date = (value: unknown) => (typeof value === 'string' ? value : null);
  return rows.flatMap((row) => (typeof row.dag_id !== 'string' || isOwnDagId(row.dag_id) ? [] : [{
    dagId: row.dag_id, runId: String(row.dag_run_id), taskId: String(row.task_id), mapIndex: typeof row.map_index === 'number' ? row.map_index : -1, since: date(row.state === 'queued' ? row.queued_when : row.start_date),
  }]));
}

/** Every DAG that has a file, paused ones too, ordered by id. @throws {UserError} when Airflow does not give the list */
export async function listDags(mwaa: Rest, environment: string): Promise<readonly DagSeen[]> {
  const { rows } = await listAll(mwaa, environment, 'DAGs', 'dags', (offset) => ({ path: '/dags', method: 'GET', query: { only_active: true, order_by: 'dag_id', limit: PAGE, offset } }), Infinity);
  const date = (value: unknown) => (typeof value === 'string' || value === null ? value : undefined);
  return rows.flatMap((row) => (typeof row.dag_id !== 'string' || isOwnDagId(row.dag_id) ? [] : [{
    dagId: row.dag_id, isPaused: row.is_paused !== false, nextDagrun: date(row.next_dagrun), nextDagrunDataIntervalStart: date(row.next_dagrun_data_interval_start),
    nextDagrunDataIntervalEnd: date(row.next_dagrun_data_interval_end), nextDagrunCreateAfter: date(row.next_dagrun_create_after),
  }]));
}

type Row = Readonly<Record<string, unknown>>;

async function listAll(mwaa: Rest, environment: string, what: string, member: string, page: (offset: number) => RestRequest, atMost: number): Promise<Readonly<{ rows: readonly Row[]; isWhole: boolean }>> {
  const rows: Row[] = [];
  for (;;) {
    const { status, body } = await mwaa.rest(environment, page(rows.length));
    if (status !== 200)
      throw new UserError(`Airflow of ${environment} answered ${status} when asked for its ${what}.`, 'what runs there cannot be told.', 'look whether the environment is healthy and the role\'s Airflow role may read DAGs and DAG runs, then run this phase again.');
    const found = isRecord(body) && Array.isArray(body[member]) ? (body[member] as readonly unknown[]).filter(isRecord) : [];
    rows.push(...found);
    const total = isRecord(body) ? Number(body.total_entries ?? 0) : 0;
    if (found.length === 0 || rows.length >= total) return { rows, isWhole: true };
    if (rows.length >= atMost) return { rows, isWhole: false };
  }
}

const isRecord = (value: unknown): value is Row => typeof value === 'object' && value !== null;
