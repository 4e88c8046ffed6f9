/** Run histories of any length in the exact shape of the scheduler's own rows: copies of a run that it has made itself. */
import { query } from '../oracle/query.js';
import { lastDue, type Times } from './times.js';

/** Intervals one after another, the newest of which ended last before now. */
export type Planted = Readonly<{
  dagId: string;
  /** PostgreSQL interval. */
  every: string;
  newestEnd: Date;
  runs: number;
  /** Runs that are missing: from the n-th newest, so many older ones. */
  hole?: Readonly<{ behind: number; runs: number }>;
}>;

export function histories(times: Times, now: Date): readonly Planted[] {
  const five = { every: '5 minutes', newestEnd: lastDue(now, 5, times.minuteOfFive) };
  const midnight = lastDue(now, 24 * 60, 0);
  return [
    { dagId: 'five_minutes_few', ...five, runs: 20 },
    { dagId: 'five_minutes_many', ...five, runs: 5000 },
    { dagId: 'with_a_hole', ...five, runs: 60, hole: { behind: 5, runs: 12 } },
    { dagId: 'newest_only', ...five, runs: 20 },
    { dagId: 'each_minute', every: '1 minute', newestEnd: lastDue(now, 1, 0), runs: 30 },
    { dagId: 'by_timedelta', every: '1 minute', newestEnd: lastDue(now, 1, 0), runs: 30 },
    { dagId: 'by_timetable', every: '2 minutes', newestEnd: lastDue(now, 2, 1), runs: 30 },
    { dagId: 'daily', every: '1 day', newestEnd: midnight, runs: 90 },
    { dagId: 'monthly', every: '1 month', newestEnd: new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1)), runs: 3 },
  ];
}

/** The one run of `shape`, which the scheduler has made, is the pattern of them all; times are moved, everything else is as it wrote it. */
export async function plantHistory(databaseUrl: string, planted: readonly Planted[]): Promise<void> {
  const [runColumns, taskColumns] = [await columnsOf(databaseUrl, 'dag_run'), await columnsOf(databaseUrl, 'task_instance')];
  for (const one of planted) {
    const runId = "'scheduled__' || to_char(logical, 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+00:00'";
    const own: Readonly<Record<string, string>> = {
      dag_id: '%(dag)s', run_id: runId, execution_date: 'logical', data_interval_start: 'logical', data_interval_end: 'ends',
      dag_hash: '(SELECT dag_hash FROM serialized_dag WHERE dag_id = %(dag)s)',
    };
    const moved = (columns: readonly (readonly [string, string])[]) => columns.map(([name, type]) =>
      own[name] ?? (type === 'timestamp with time zone' ? `pattern."${name}" - shape.data_interval_end + ends + interval '1 second' - (shape.queued_at - shape.data_interval_end)` : `pattern."${name}"`));
    const insert = (table: string, columns: readonly (readonly [string, string])[]) => `
      INSERT INTO ${table} (${columns.map(([name]) => `"${name}"`).join(', ')})
      SELECT ${moved(columns).join(', ')}
      FROM dag_run AS shape JOIN ${table} AS pattern ON pattern.dag_id = shape.dag_id AND pattern.run_id = shape.run_id,
        generate_series(0, %(runs)s - 1) AS n,
        LATERAL (SELECT (%(end)s::timestamptz - n * interval '${one.every}') AS ends, (%(end)s::timestamptz - (n + 1) * interval '${one.every}') AS logical) AS times
      WHERE shape.dag_id = 'shape' AND NOT (n >= %(behind)s AND n < %(behind)s + %(hole)s)
      ORDER BY n DESC`;
    await query(databaseUrl, `${insert('dag_run', runColumns)}; ${insert('task_instance', taskColumns)}`, {
      dag: one.dagId, end: one.newestEnd.toISOString(), runs: one.runs, behind: one.hole?.behind ?? 0, hole: one.hole?.runs ?? 0,
    });
  }
}

/** Without `id`, which the database gives. */
const columnsOf = (databaseUrl: string, table: string) => query<[string, string]>(databaseUrl,
  "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %(table)s AND table_schema = 'public' AND column_name <> 'id' ORDER BY ordinal_position", { table });
