/** What the summaries have to say, counted by SQL of the tests' own. */
import { query } from '../../oracle/query.js';

/** Tables whose rows a migration counts, as the source's Airflow 2.7.2 has them. */
export const COUNTED = ['slot_pool', 'dag_run', 'task_instance', 'task_map', 'xcom', 'rendered_task_instance_fields', 'task_fail', 'dataset_event', 'dagrun_dataset_event', 'dataset_dag_run_queue', 'log', 'sla_miss', 'dag_run_note', 'task_instance_note', 'variable', 'connection'] as const;
/** Their values are sealed, and gone when the import is done. */
export const SECRET: readonly string[] = ['variable', 'connection'];
/** Hold rows of somebody's, and stay unless the migration file asks for them. */
export const STAYING = ['job', 'task_reschedule'] as const;

const HAS_DAG: readonly string[] = ['dag_run', 'task_instance', 'task_map', 'xcom', 'rendered_task_instance_fields', 'task_fail', 'log', 'sla_miss', 'task_instance_note', 'job', 'task_reschedule'];
const isOurs = String.raw`dag_id ~ '^db_(export|import)(_\d+)?$'`;

/** Rows by table, without those of the migration's own DAGs. */
export async function rowsOf(databaseUrl: string, tables: readonly string[] = COUNTED): Promise<Readonly<Record<string, number>>> {
  const counted = await query<[string, number]>(databaseUrl, tables.map((table) => `SELECT '${table}', count(*) FROM ${table}${HAS_DAG.includes(table) ? ` WHERE dag_id IS NULL OR NOT ${isOurs}` : ''}`).join(' UNION ALL '));
  return Object.fromEntries(counted);
}

/** Rows that the migration's own DAGs have left. */
export async function ownRowsOf(databaseUrl: string): Promise<Readonly<Record<string, number>>> {
  const counted = await query<[string, number]>(databaseUrl, HAS_DAG.map((table) => `SELECT '${table}', count(*) FROM ${table} WHERE ${isOurs}`).join(' UNION ALL '));
  return Object.fromEntries(counted);
}

export const sum = (rows: Readonly<Record<string, number>>): number => Object.values(rows).reduce((total, one) => total + one, 0);
