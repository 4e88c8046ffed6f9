/** Table by table what becomes of the metadata, before anything is exported. The reasons are those of the export itself (src/dags/_parts/staying.py). */
import { isAtLeast } from '../airflow/versions.js';
import type { Table } from '../metadata/catalogue.js';
import type { MigrationFile } from '../migration-file/migration-file.js';

/** moves: its rows arrive. fills itself: the target makes its own. stays: left out, and `why` says so. */
export type Movement = Readonly<{ tables: readonly string[]; fate: 'moves' | 'fills itself' | 'stays'; why: string }>;

/** What a table is, for whoever does not know Airflow's schema by heart. */
const HOLDS: Readonly<Record<string, string>> = {
  slot_pool: 'pools', dag_run: 'DAG runs; work in flight arrives parked and goes on at cutover', task_instance: 'task instances', task_map: 'lengths of mapped tasks', xcom: 'XComs',
  task_instance_history: 'earlier tries of task instances', rendered_task_instance_fields: 'rendered templates', task_fail: 'failed tries', task_reschedule: 'when sensors gave their place back', sla_miss: 'missed SLAs',
  dag_run_note: 'notes on DAG runs, without their writer', task_instance_note: 'notes on task instances, without their writer', job: 'processes of the source',  dataset_event: 'dataset events, by the dataset\'s URI', dagrun_dataset_event: 'which run was made for which dataset events',
  dataset_dag_run_queue: 'datasets that a DAG has already and waits with', log: 'the audit log', variable: 'variables, encrypted on the way', connection: 'connections, encrypted on the way',
};
/** Catalogue options that the migration file turns off. */
const isOn = ({ option }: Pick<Table, 'option'>, metadata: MigrationFile['metadata']): boolean =>
  option === 'xcom' ? metadata.xcom : option === 'variables' ? metadata.variables : option === 'connections' ? metadata.connections : option === 'audit-log' ? metadata.auditLogDays !== 0 : option === 'jobs' ? metadata.jobs : option === 'task-reschedule' ? metadata.taskReschedule : true;

/** First release with the table; what the source lacks is not worth a line. */
const SINCE: Readonly<Record<string, string>> = { task_map: '2.3', dag_run_note: '2.5', task_instance_note: '2.5', task_instance_history: '2.10', dataset_event: '2.4', dagrun_dataset_event: '2.4', dataset_dag_run_queue: '2.4', rendered_task_instance_fields: '1.10.10' };

type Stays = Readonly<{ tables: readonly string[]; fate: 'fills itself' | 'stays'; why: string; since?: string }>;
const STAYS: readonly Stays[] = [
  { tables: ['dag', 'dag_tag', 'dag_code', 'serialized_dag'], fate: 'fills itself', why: 'the target fills it from its DAG files; which DAGs were active is remembered and put back at cutover' },
  { tables: ['dataset', 'dag_schedule_dataset_reference', 'task_outlet_dataset_reference'], fate: 'fills itself', why: 'the target fills it from its DAG files', since: '2.4' },
  { tables: ['log_template'], fate: 'fills itself', why: 'runs get the target\'s own template: a further row would redirect its new logs', since: '2.3' },
  { tables: ['ab_user', 'ab_role', 'ab_permission'], fate: 'fills itself', why: 'users and roles: MWAA makes the target\'s from IAM' },
  { tables: ['import_error', 'session'], fate: 'stays', why: 'belongs to the source\'s processes and files' },
  { tables: ['trigger', 'callback_request'], fate: 'stays', why: 'deferred work begins anew where the migration file allows it', since: '2.2' },
];

/** @param from Airflow of the source */
export function movementOf(catalogue: readonly Pick<Table, 'name' | 'option'>[], metadata: MigrationFile['metadata'], from: string): readonly Movement[] {
  const has = (since: string | undefined) => since === undefined || isAtLeast(from, since);
  const moved = catalogue.filter(({ name }) => has(SINCE[name])).map((table): Movement =>
    isOn(table, metadata) ? { tables: [table.name], fate: 'moves', why: `${HOLDS[table.name] ?? table.name}${filterOf(table, metadata)}` }
      : { tables: [table.name], fate: 'stays', why: `the migration file says so (metadata.${table.option === 'audit-log' ? 'audit-log-days: 0' : `${table.option}: false`})` });
  const names = new Set(catalogue.map(({ name }) => name));
  return [...moved, ...STAYS.filter(({ since, tables }) => has(since) && !tables.some((name) => names.has(name))).map(({ tables, fate, why }) => ({ tables, fate, why }))];
}

function filterOf({ name, option }: Pick<Table, 'name' | 'option'>, metadata: MigrationFile['metadata']): string {
  const { historyDays, auditLogDays, dags, xcomMaxBytes } = metadata;
  const list = (patterns: readonly string[]) => patterns.join(', ');
  if (name === 'dag_run' && dags.include.length + dags.exclude.length > 0)
    return `; of DAGs ${[dags.include.length > 0 ? `that fit ${list(dags.include)}` : '', dags.exclude.length > 0 ? `that do not fit ${list(dags.exclude)}` : ''].filter(Boolean).join(' and ')}${filterOf({ name, option }, { ...metadata, dags: { include: [], exclude: [] } })}`;
  if (option === 'xcom' && xcomMaxBytes !== null) return `; values up to ${xcomMaxBytes} bytes, and all of runs in flight`;
  if (name === 'dag_run' && historyDays !== 'all') return `; of the last ${historyDays} days, and what the next runs need`;
  return option === 'audit-log' && auditLogDays !== 'all' ? `; of the last ${auditLogDays} days` : '';
}
