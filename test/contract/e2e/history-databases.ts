import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Side } from '../../e2e/oracle/by-sql.js';
import { query } from '../../e2e/oracle/query.js';
import { plantHostileRows, plantRows } from '../../e2e/source/plant.js';
import { ensureAirflow } from '../../sandbox/environments/airflow-installation.js';
import { startPostgres } from '../../sandbox/environments/postgres.js';
import { templatesOf } from '../../sandbox/environments/template-database.js';
import { encrypt, newFernetKey } from './fernet.js';

export const SECRET = { name: 'planted_plain', value: 'canary0123456789abcdef' };

/** Events, a run that was made for two of them, and a DAG that waits; `uris` in the order of their ids. */
const withDatasets = (uris: readonly string[]) => `
  INSERT INTO dataset (uri, extra, created_at, updated_at) VALUES ${uris.map((uri) => `('${uri}', '{}', '2026-01-01', '2026-01-01')`).join(', ')};
  INSERT INTO dataset_event (dataset_id, extra, source_dag_id, source_task_id, source_run_id, timestamp)
    SELECT d.id, '{"n": 1}', 'manual_reports', e.task_id, 'r', '2026-01-01' FROM dataset d JOIN (VALUES ('s3://a', 'one'), ('s3://a', 'two'), ('s3://b', NULL)) AS e(uri, task_id) ON rtrim(d.uri, '/') = e.uri;
  INSERT INTO dagrun_dataset_event (dag_run_id, event_id)
    SELECT r.id, e.id FROM dag_run r, dataset_event e WHERE r.dag_id = 'manual_reports' AND r.run_id LIKE 'first%%' AND e.source_task_id IS DISTINCT FROM 'two';
  INSERT INTO dataset_dag_run_queue (dataset_id, target_dag_id, created_at) SELECT id, 'manual_reports', '2026-01-02' FROM dataset WHERE rtrim(uri, '/') = 's3://b';`;

/**
 * A source of Airflow 2.7.2 with planted rows, and a target that holds the same as an import would have left it: other ids, another Fernet key,
 * nothing of the old environment's processes. `broken` gives a copy of the target that one statement has spoilt.
 */
export async function historyDatabases() {
  const log = (): void => undefined;
  const workFolder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-oracle-'));
  const postgres = await startPostgres(log);
  const template = await templatesOf(postgres, workFolder, log).of(await ensureAirflow('2.7.2', log));

  const source: Side = { databaseUrl: await postgres.createDatabase('source', template.name), fernetKey: newFernetKey() };
  await plantHostileRows(source.databaseUrl, SECRET);
  await plantRows(source.databaseUrl, { taskInstances: 250 });
  await query(source.databaseUrl, `
    INSERT INTO variable (key, val, is_encrypted, description) VALUES ('encrypted', %(token)s, true, NULL), ('mwaa_migrate_own', 'x', false, NULL);
    INSERT INTO connection (conn_id, conn_type, password, extra, port, is_encrypted, is_extra_encrypted) VALUES ('encrypted', 'postgres', %(token)s, %(token)s, 5432, true, true);
    INSERT INTO dag (dag_id, is_paused, is_active, max_active_tasks, has_task_concurrency_limits) VALUES
      ('manual_reports', false, true, 16, false), ('planted_bulk', true, true, 16, false), ('gone', false, false, 16, false), ('db_export', false, true, 16, false);
    INSERT INTO log (event, dag_id) VALUES ('of our own', 'db_export'); ${withDatasets(['s3://a', 's3://b'])}`, { token: encrypt(source.fernetKey, SECRET.value) });

  const target: Side = { databaseUrl: await postgres.createDatabase('target', 'source'), fernetKey: newFernetKey() };
  await query(target.databaseUrl, `
    DELETE FROM dagrun_dataset_event; DELETE FROM dataset_dag_run_queue; DELETE FROM dataset_event; DELETE FROM dataset;
    UPDATE task_instance SET job_id = NULL, queued_by_job_id = NULL, pid = NULL, external_executor_id = NULL, next_method = NULL, next_kwargs = NULL;
    UPDATE dag_run SET id = id + 1000, log_template_id = (SELECT max(id) FROM log_template);
    UPDATE xcom SET dag_run_id = dag_run_id + 1000;
    UPDATE log SET id = id + 1000, event = coalesce(event, '');
    DELETE FROM log WHERE dag_id = 'db_export';
    DELETE FROM variable WHERE key = 'mwaa_migrate_own';
    INSERT INTO log (event, extra) VALUES ('of the target''s own', 'a login');
    ${withDatasets(['s3://target', 's3://b/', 's3://a']).replaceAll('%%', '%')}`);
  for (const [id, value] of await query<[number, string]>(source.databaseUrl, `SELECT id, CASE WHEN is_encrypted THEN %(secret)s ELSE val END FROM variable WHERE key <> 'mwaa_migrate_own'`, { secret: SECRET.value }))
    await query(target.databaseUrl, 'UPDATE variable SET val = %(token)s, is_encrypted = true WHERE id = %(id)s', { id, token: encrypt(target.fernetKey, value) });
  for (const [column, flag] of [['password', 'is_encrypted'], ['extra', 'is_extra_encrypted']] as const)
    for (const [id, value] of await query<[number, string]>(source.databaseUrl, `SELECT id, CASE WHEN ${flag} THEN %(secret)s ELSE ${column} END FROM connection WHERE ${column} IS NOT NULL`, { secret: SECRET.value }))
      await query(target.databaseUrl, `UPDATE connection SET ${column} = %(token)s, ${flag} = true WHERE id = %(id)s`, { id, token: encrypt(target.fernetKey, value) });

  let copies = 0;
  const copyOf = async (side: Side, template: string, sql: string): Promise<Side> => {
    const copy = { ...side, databaseUrl: await postgres.createDatabase(`copy_${++copies}`, template) };
    await postgres.psql(copy.databaseUrl, sql);
    return copy;
  };
  return {
    source, target,
    broken: (sql: string) => copyOf(target, 'target', sql),
    otherSource: (sql: string) => copyOf(source, 'source', sql),
    async close() {
      await postgres.stop();
      rmSync(workFolder, { recursive: true, force: true });
    },
  };
}
