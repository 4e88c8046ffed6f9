import tables from './tables.json' with { type: 'json' };

/** How rows of a table meet rows that the target has already. */
export type Merge =
  /** ON CONFLICT DO NOTHING on the natural key. */
  | 'keyed'
  /** No natural key: as many equal rows as the source has. */
  | 'multiset';

/** One entry of tables.json, the only place that says how a table is moved; the DAGs receive it inside the job. */
export type Table = Readonly<{
  name: string;
  merge: Merge;
  /** Natural key in the normal form (design §5); empty for multisets. */
  key: readonly string[];
  /** The table whose row must be there first, reached by `parentKey`. */
  parent: 'dag_run' | 'task_instance' | null;
  parentKey: readonly string[];
  /** The column that names a DAG, so that rows of our own DAGs are left out; null for settings. */
  dagColumn: string | null;
  /** Column → rule; every other column that both ends have is carried as it is. */
  rules: Readonly<Record<string, string>>;
  /** Which option of the migration file governs it. */
  option: 'history' | 'xcom' | 'audit-log' | 'pools' | 'variables' | 'connections';
  /** Encrypted on the way, and not written at all in a rehearsal. */
  secret: boolean;
}>;

export const TABLES = tables as unknown as readonly Table[];
