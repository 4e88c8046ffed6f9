import tables from './tables.json' with { type: 'json' };

/** How rows of a table meet rows that the target has already. */
export type Merge =
  /** ON CONFLICT DO NOTHING on the natural key. */
  | 'keyed'
  /** No natural key: as many equal rows as the source has. */
  | 'multiset';

/** What becomes of one column. The first five are not exported at all: the target writes its own value. */
export type Rule =
  /** A serial number that the target gives itself. */
  | 'own-id'
  /** An id of the source's processes, triggers or jobs, which mean nothing elsewhere. */
  | 'null'
  /** Pickled `{}`: a class that the target lacks would break its pages. */
  | 'empty-pickle'
  /** The newest row of the target's log_template, which its own new runs follow too. */
  | 'current-template'
  /** `dag_run.id` on the target of the same (dag_id, run_id). */
  | 'new-run-id'
  /** Nothing arrives live: a run in flight becomes failed, a task instance without a final state loses its state … */
  | 'parked-run'
  | 'parked-task'
  /** … and its try number becomes the number of finished tries. */
  | 'finished-tries'
  /** A process of the source that still runs arrives as failed: nobody on the target is to wait for its heartbeat. */
  | 'ended-process'
  /** The id of a dataset, which travels as `dataset_uri`; a dataset that the target lacks is added there. */
  | 'by-uri'
  /** The id of a dataset event, which travels as `dataset_uri`, its time, its source, and its number among equals (`event_number`). */
  | 'by-event'
  /** The DAG that waits for the row: Airflow takes the row away when that DAG runs. Carried however old; rejected where the target has no such DAG. */
  | 'waiting-dag'
  /** Carried; the text after the colon where it is NULL, or where the source has no such column and the target requires one. */
  | `default:${string}`
  /**
   * A secret that Airflow encrypts with the environment's Fernet key; the column behind the colon says whether it is. Decrypted inside the source,
   * sealed on the way, and encrypted under the target's own key. Only in tables that are `secret`.
   */
  | `encrypted:${string}`;

/** One entry of tables.json, the only place that says how a table is moved; the DAGs receive it inside the job. In the order of writing. */
export type Table = Readonly<{
  name: string;
  merge: Merge;
  /** Natural key (design §5), in the table's own columns also where a rule translates them; empty for multisets. */
  key: readonly string[];
  /** Further unique keys: a row that meets another row of the target on one of them is rejected. */
  otherKeys: readonly (readonly string[])[];
  /** The table whose row must be there first, reached by `parentKey`. */
  parent: 'dag_run' | 'task_instance' | null;
  parentKey: readonly string[];
  /** The column that names a DAG, so that rows of our own DAGs are left out; null for settings. */
  dagColumn: string | null;
  /** The time by which rows are filtered, and by which a multiset sees quickly that the target has nothing alike. */
  timeColumn: string | null;
  /** Columns that the target changes by itself: written, but not compared. */
  volatile: readonly string[];
  /** Column → rule; every other column that both ends have is carried as it is. */
  rules: Readonly<Record<string, Rule>>;
  /** The one row that every environment has from the start: of it, `columns` are set to the source's. */
  adopt: Readonly<{ column: string; value: string; columns: readonly string[] }> | null;
  /** Which option of the migration file governs it. */
  option: 'history' | 'xcom' | 'audit-log' | 'jobs' | 'task-reschedule' | 'pools' | 'variables' | 'connections';
  /** Encrypted on the way, and not written at all in a rehearsal. */
  secret: boolean;
}>;

export const TABLES = tables as unknown as readonly Table[];
