/** The source as its users see it: what is active, and every run and task instance with all of its columns. */
import { query } from '../../oracle/query.js';

export type Life = Readonly<{ dags: readonly (readonly [dagId: string, isPaused: boolean])[]; rows: Readonly<Record<string, readonly [count: number, hash: string]>> }>;

const isTheirs = String.raw`dag_id !~ '^db_(export|import)'`;

export async function lifeOf(databaseUrl: string): Promise<Life> {
  const dags = await query<[string, boolean]>(databaseUrl, `SELECT dag_id, is_paused FROM dag WHERE is_active AND ${isTheirs} ORDER BY 1`);
  const rows = await query<[string, number, string]>(databaseUrl, ['dag_run', 'task_instance', 'xcom', 'task_fail'].map((table) =>
    `SELECT '${table}', count(*), md5(coalesce(string_agg(row_hash, '' ORDER BY row_hash), '')) FROM (SELECT md5(t::text) AS row_hash FROM ${table} t WHERE ${isTheirs}) AS hashed`).join(' UNION ALL '));
  return { dags, rows: Object.fromEntries(rows.map(([table, count, hash]) => [table, [count, hash] as const])) };
}
