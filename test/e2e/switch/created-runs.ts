/** Which runs an environment has, and which it has made since a moment; by SQL of the tests' own. */
import type { RunningEnvironment } from '../../sandbox/environments/contract.js';
import { query } from '../oracle/query.js';

export type MadeRun = Readonly<{ dagId: string; runId: string; type: string; logicalDate: string; intervalEnd: string | null; state: string }>;
type Database = Pick<RunningEnvironment, 'databaseUrl'>;

/** Dates are ISO 8601 UTC, whole seconds where Airflow's are. Ours are left out. */
export async function runsOf({ databaseUrl }: Database, dagIds?: readonly string[]): Promise<readonly MadeRun[]> {
  const rows = await query<[string, string, string, string, string | null, string]>(databaseUrl, String.raw`
    SELECT dag_id, run_id, run_type, to_char(execution_date, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), to_char(data_interval_end, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), state
    FROM dag_run WHERE dag_id !~ '^db_(export|import)' ORDER BY dag_id COLLATE "C", execution_date, run_id`);
  return rows.map(([dagId, runId, type, logicalDate, intervalEnd, state]) => ({ dagId, runId, type, logicalDate, intervalEnd, state })).filter(({ dagId }) => dagIds?.includes(dagId) ?? true);
}

export const nameOf = ({ dagId, logicalDate, type }: MadeRun): string => `${dagId} ${logicalDate} ${type}`;

/** Runs that were not there before, as (dag_id, logical date, run type); of intervals that ended before `end`. */
export function made(now: readonly MadeRun[], before: readonly MadeRun[], end: Date): readonly string[] {
  const known = new Set(before.map(({ dagId, runId }) => `${dagId} ${runId}`));
  return now.filter(({ dagId, runId, intervalEnd, logicalDate }) => !known.has(`${dagId} ${runId}`) && new Date(intervalEnd ?? logicalDate) <= end).map(nameOf).sort();
}

/** Neighbours of one DAG that are not exactly `minutes` apart, so also the same date twice: `dag first → second`. */
export function gapsIn(runs: readonly Pick<MadeRun, 'dagId' | 'type' | 'logicalDate'>[], minutes: number): readonly string[] {
  const dates = runs.filter(({ type }) => type === 'scheduled').map(({ logicalDate }) => logicalDate).sort();
  return dates.slice(1).flatMap((date, at) => (Date.parse(date) - Date.parse(dates[at] ?? '') === minutes * 60_000 ? [] : [`${runs[0]?.dagId} ${dates[at]} → ${date}`]));
}
