/** Where a rollback leaves the two sides, by SQL of the tests' own. */
import { query } from '../oracle/query.js';
import type { RunningEnvironment } from '../../sandbox/environments/contract.js';

/** Logical dates of a DAG's runs that have a finished task instance here: what really ran, not what only stands in for it. */
export async function datesThatRan({ databaseUrl }: Pick<RunningEnvironment, 'databaseUrl'>, dagId: string): Promise<readonly string[]> {
  const rows = await query<[string]>(databaseUrl, `
    SELECT DISTINCT to_char(r.execution_date, 'YYYY-MM-DD"T"HH24:MI') FROM dag_run r JOIN task_instance t ON t.dag_id = r.dag_id AND t.run_id = r.run_id
    WHERE r.dag_id = '${dagId}' AND r.run_type = 'scheduled' AND t.state = 'success' ORDER BY 1`);
  return rows.map(([date]) => date);
}

/** Switches one DAG by hand, as somebody does who does not know of the migration. */
export const switchByHand = ({ databaseUrl }: Pick<RunningEnvironment, 'databaseUrl'>, dagId: string, isPaused: boolean) =>
  query(databaseUrl, 'UPDATE dag SET is_paused = %(isPaused)s WHERE dag_id = %(dagId)s', { dagId, isPaused });
