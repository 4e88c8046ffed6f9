import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { activeDags, compareBySql, fingerprint } from '../../e2e/oracle/by-sql.js';
import { query } from '../../e2e/oracle/query.js';
import { historyDatabases, SECRET } from './history-databases.js';

let databases: Awaited<ReturnType<typeof historyDatabases>>;
// The first time on a machine, Airflow 2.7.2 is installed and its schema made.
beforeAll(async () => {
  databases = await historyDatabases();
}, 300_000);
afterAll(() => databases.close());

it('finds nothing in a right import, and counts every table', async () => {
  const { counts, differences, more } = await compareBySql(databases.source, databases.target);
  expect({ differences, more }).toEqual({ differences: [], more: 0 });
  expect(counts).toMatchObject({
    dag_run: { source: 7, target: 7 }, task_instance: { source: 254, target: 254 }, task_fail: { source: 4, target: 4 }, xcom: { source: 266, target: 266 },
    rendered_task_instance_fields: { source: 254, target: 254 }, task_map: { source: 4, target: 4 },
    dataset_event: { source: 3, target: 3 }, dagrun_dataset_event: { source: 2, target: 2 }, dataset_dag_run_queue: { source: 1, target: 1 }, log: { source: 256, target: 257, own: 1 },
    slot_pool: { source: 4, target: 4 }, variable: { source: 4, target: 4 }, connection: { source: 4, target: 4 },
  });
}, 60_000);

const HOSTILE_RUN = `dag_id = 'manual_reports' AND run_id LIKE 'first%'`;

describe('finds', () => {
  it.each<[what: string, spoil: string, table: string, column: string | null, differences: number]>([
    ['a changed configuration', `UPDATE dag_run SET conf = '\\x80047d942e' WHERE ${HOSTILE_RUN}`, 'dag_run', 'conf', 1],
    ['a changed state of a run', `UPDATE dag_run SET state = 'failed' WHERE ${HOSTILE_RUN}`, 'dag_run', 'state', 1],
    ['a date off by a microsecond', `UPDATE dag_run SET end_date = end_date + interval '1 microsecond' WHERE ${HOSTILE_RUN}`, 'dag_run', 'end_date', 1],
    ['an old log template', `UPDATE dag_run SET log_template_id = NULL WHERE ${HOSTILE_RUN}`, 'dag_run', 'log_template_id', 1],
    ['a run nobody brought', `INSERT INTO dag_run (dag_id, run_id, run_type, execution_date) VALUES ('x', 'x', 'manual', now())`, 'dag_run', null, 1],
    ['an empty text that became NULL', `UPDATE task_instance SET hostname = NULL WHERE hostname = ''`, 'task_instance', 'hostname', 1],
    ['NULL that became an empty text', `UPDATE task_instance SET queue = '' WHERE queue IS NULL`, 'task_instance', 'queue', 1],
    ['a line end that lost its return', `UPDATE task_instance SET operator = replace(operator, E'\\r\\n', E'\\n') WHERE ${HOSTILE_RUN}`, 'task_instance', 'operator', 1],
    ['a rounded duration', `UPDATE task_instance SET duration = 0.3 WHERE duration = 0.1::float8 + 0.2::float8`, 'task_instance', 'duration', 1],
    ['a task instance nobody brought', `INSERT INTO task_instance (dag_id, task_id, run_id, pool, pool_slots, map_index) SELECT dag_id, task_id, run_id, 'p', 1, 99 FROM task_instance WHERE task_id = 'task_07' LIMIT 1`, 'task_instance', null, 1],
    ['a job of the old database', `UPDATE task_instance SET job_id = 1 WHERE ${HOSTILE_RUN}`, 'task_instance', 'job_id', 1],
    ['a process of the old environment', `UPDATE task_instance SET pid = 1 WHERE ${HOSTILE_RUN}`, 'task_instance', 'pid', 1],
    ['a pickle that is not empty', `UPDATE task_instance SET executor_config = '\\x80047d94730a2e' WHERE ${HOSTILE_RUN}`, 'task_instance', 'executor_config', 1],
    ['a task instance that came alive', `UPDATE task_instance SET state = 'queued' WHERE ${HOSTILE_RUN}`, 'task_instance', 'state', 1],
    ['a lost try', `UPDATE task_instance SET try_number = 6 WHERE ${HOSTILE_RUN}`, 'task_instance', 'try_number', 1],
    ['one of two equal failures lost', `DELETE FROM task_fail WHERE id = (SELECT max(id) FROM task_fail WHERE ${HOSTILE_RUN})`, 'task_fail', null, 1],
    ['a failure nobody brought', `INSERT INTO task_fail (dag_id, task_id, run_id, map_index) SELECT dag_id, task_id, run_id, map_index FROM task_instance WHERE task_id = 'task_01' LIMIT 1`, 'task_fail', null, 1],
    ['one byte of an XCom', `UPDATE xcom SET value = set_byte(value, 0, 1) WHERE ${HOSTILE_RUN} AND key = 'raw bytes'`, 'xcom', 'value', 1],
    ['an empty XCom that became NULL', `UPDATE xcom SET value = NULL WHERE ${HOSTILE_RUN} AND value = ''`, 'xcom', 'value', 1],
    ['an XCom tied to another run', `UPDATE xcom SET dag_run_id = dag_run_id - 1000 WHERE ${HOSTILE_RUN} AND key = ''`, 'xcom', 'dag_run_id', 1],
    ['a missing XCom', `DELETE FROM xcom WHERE ${HOSTILE_RUN} AND key = ''`, 'xcom', null, 1],
    ['rewritten JSON', `UPDATE rendered_task_instance_fields SET rendered_fields = '{"text":1}' WHERE ${HOSTILE_RUN}`, 'rendered_task_instance_fields', 'rendered_fields', 1],
    ['JSON null in the place of NULL', `UPDATE rendered_task_instance_fields SET k8s_pod_yaml = 'null' WHERE run_id = 'planted__empty'`, 'rendered_task_instance_fields', 'k8s_pod_yaml', 1],
    ['a changed task map', `UPDATE task_map SET keys = '[]' WHERE ${HOSTILE_RUN}`, 'task_map', 'keys', 1],
    ['a dataset event of another time', `UPDATE dataset_event SET timestamp = timestamp + interval '1 microsecond' WHERE source_task_id = 'two'`, 'dataset_event', null, 2],
    ['a run tied to another event', `UPDATE dagrun_dataset_event SET event_id = (SELECT id FROM dataset_event WHERE source_task_id = 'two') WHERE event_id = (SELECT id FROM dataset_event WHERE source_task_id = 'one')`, 'dagrun_dataset_event', null, 2],
    ['a DAG that waits for another dataset', `UPDATE dataset_dag_run_queue SET dataset_id = (SELECT id FROM dataset WHERE uri = 's3://a')`, 'dataset_dag_run_queue', null, 2],
    ['a DAG that waits since another time', `UPDATE dataset_dag_run_queue SET created_at = '2026-01-03'`, 'dataset_dag_run_queue', 'created_at', 1],
    ['an audit log row too many', `INSERT INTO log (dttm, dag_id, task_id, event, execution_date, owner, extra, map_index) SELECT dttm, dag_id, task_id, event, execution_date, owner, extra, map_index FROM log WHERE event = 'planted'`, 'log', null, 1],
    ['one of three equal audit log rows lost', `DELETE FROM log WHERE id = (SELECT min(id) FROM log WHERE dag_id LIKE 'first%')`, 'log', null, 1],
    ['the audit log row of NULLs lost', `DELETE FROM log WHERE dttm IS NULL AND extra IS NULL AND event = ''`, 'log', null, 1],
    ['other slots of default_pool', `UPDATE slot_pool SET slots = 1 WHERE pool = 'default_pool'`, 'slot_pool', 'slots', 1],
    ['a pool without its description', `UPDATE slot_pool SET description = NULL WHERE pool = 'planted_empty'`, 'slot_pool', 'description', 1],
    ['a missing pool', `DELETE FROM slot_pool WHERE pool = 'planted_null'`, 'slot_pool', null, 1],
    ['an unencrypted Variable', `UPDATE variable SET val = '${SECRET.value}', is_encrypted = false WHERE key = 'encrypted'`, 'variable', 'is_encrypted', 1],
    ['a Variable without its description', `UPDATE variable SET description = NULL WHERE key = 'planted_empty'`, 'variable', 'description', 1],
    ['another Variable’s value', `UPDATE variable SET val = (SELECT val FROM variable WHERE key = 'planted_empty') WHERE key = 'encrypted'`, 'variable', 'val', 1],
    ['an unencrypted password', `UPDATE connection SET password = '${SECRET.value}', is_encrypted = false WHERE conn_id = 'encrypted'`, 'connection', 'is_encrypted', 1],
    ['another password', `UPDATE connection SET password = (SELECT password FROM connection WHERE conn_id = 'planted_empty') WHERE conn_id = 'encrypted'`, 'connection', 'password', 1],
    ['another port', `UPDATE connection SET port = NULL WHERE conn_id = 'encrypted'`, 'connection', 'port', 1],
    ['an empty host that became NULL', `UPDATE connection SET host = NULL WHERE conn_id = 'planted_empty'`, 'connection', 'host', 1],
    ['a missing connection', `DELETE FROM connection WHERE conn_id = 'encrypted'`, 'connection', null, 1],
    ['a missing Variable', `DELETE FROM variable WHERE key = 'encrypted'`, 'variable', null, 1],
  ])('%s', async (_what, spoil, table, column, count) => {
    const { differences } = await compareBySql(databases.source, await databases.broken(spoil));
    expect(differences.map((each) => ({ table: each.table, column: each.column }))).toEqual(Array(count).fill({ table, column }));
  }, 60_000);

  it('a missing task instance with all that hung on it', async () => {
    const target = await databases.broken(`DELETE FROM task_instance WHERE task_id = 'task_07' AND run_id = (SELECT min(run_id) FROM dag_run WHERE dag_id = 'planted_bulk')`);
    const { differences } = await compareBySql(databases.source, target);
    expect(differences.map(({ table, column, target: found }) => [table, column, found])).toEqual([['task_instance', null, null], ['xcom', null, null], ['rendered_task_instance_fields', null, null]]);
  }, 60_000);

  it('Variables and connections that the target cannot read, without telling any value', async () => {
    const { differences } = await compareBySql(databases.source, { ...databases.target, fernetKey: databases.source.fernetKey });
    expect(differences.map(({ table, column, target }) => `${table} ${column} ${target}`)).toEqual([...Array(4).fill('variable val (unreadable)'), ...Array(3).fill(['connection password (unreadable)', 'connection extra (unreadable)']).flat()]);
    const changed = await compareBySql({ ...databases.source }, await databases.broken(`UPDATE variable SET val = (SELECT val FROM variable WHERE key = 'planted_empty') WHERE key = 'encrypted'`));
    expect(JSON.stringify(changed)).not.toContain(SECRET.value);
  }, 60_000);

  it('a table with which nothing is proved', async () => {
    const empty = 'DELETE FROM task_map';
    const source = await databases.otherSource(empty), target = await databases.broken(empty);
    expect((await compareBySql(source, target)).differences).toMatchObject([{ table: 'task_map', key: null, column: null }]);
    expect((await compareBySql(source, target, { mayBeEmpty: ['task_map'] })).differences).toEqual([]);
  }, 60_000);

  it('a run in flight that did not arrive parked', async () => {
    const run = `dag_id = 'planted_bulk' AND run_id = (SELECT min(run_id) FROM dag_run WHERE dag_id = 'planted_bulk')`;
    const source = await databases.otherSource(`UPDATE dag_run SET state = 'running' WHERE ${run};
      UPDATE task_instance SET state = 'running', try_number = 2 WHERE ${run} AND task_id = 'task_01'; UPDATE task_instance SET state = 'up_for_retry' WHERE ${run} AND task_id = 'task_02'`);
    const parked = await databases.broken(`UPDATE dag_run SET state = 'failed' WHERE ${run}; UPDATE task_instance SET state = NULL WHERE ${run} AND task_id IN ('task_01', 'task_02')`);
    expect((await compareBySql(source, parked)).differences).toEqual([]);
    const { differences } = await compareBySql(source, databases.target);
    expect(differences.map(({ column }) => column).sort()).toEqual(['state', 'state', 'state']);
    const recounted = await databases.broken(`UPDATE dag_run SET state = 'failed' WHERE ${run}; UPDATE task_instance SET state = NULL, try_number = 2 WHERE ${run} AND task_id IN ('task_01', 'task_02')`);
    expect((await compareBySql(source, recounted)).differences.map(({ column }) => column)).toEqual(['try_number', 'try_number']);
  }, 60_000);
});

it('leaves out what the options name: later audit log rows, new runs, columns', async () => {
  const source = await databases.otherSource(`INSERT INTO log (event, dttm) VALUES ('after the export', '2026-03-01'); UPDATE dag_run SET updated_at = now()`);
  const target = await databases.broken(`INSERT INTO dag_run (dag_id, run_id, run_type, execution_date) VALUES ('x', 'next', 'scheduled', now())`);
  const options = { snapshot: new Date('2026-02-28T00:00:00Z'), newRuns: [['x', 'next']], ignore: { dag_run: ['updated_at'] } } as const;
  expect((await compareBySql(source, target, options)).differences).toEqual([]);
  expect((await compareBySql(source, target)).differences).toHaveLength(7 + 1 + 1);
}, 60_000);

it('tells a limited number of differences, and how many more there are', async () => {
  const { differences, more } = await compareBySql(databases.source, await databases.broken(`UPDATE task_instance SET unixname = 'x'`), { limit: 3 });
  expect({ told: differences.length, more }).toEqual({ told: 3, more: 251 });
}, 60_000);

describe('a fingerprint', () => {
  it('changes when a row is rewritten with the values it had, and not when it is read', async () => {
    const before = await fingerprint(databases.target.databaseUrl);
    expect(await fingerprint(databases.target.databaseUrl)).toEqual(before);
    const touched = await databases.broken(`UPDATE slot_pool SET slots = slots WHERE pool = 'planted_null'`);
    const after = await fingerprint(touched.databaseUrl);
    expect(Object.keys(before).filter((table) => before[table]?.hash !== after[table]?.hash)).toEqual(['slot_pool']);
  }, 60_000);

  it('does not heed the migration’s own rows', async () => {
    const own = await databases.broken(`INSERT INTO dag_run (dag_id, run_id, run_type, execution_date) VALUES ('db_import', 'import-1', 'manual', now()); INSERT INTO variable (key, val, is_encrypted) VALUES ('mwaa_migrate_1_public_key', '', false)`);
    expect(await fingerprint(own.databaseUrl)).toEqual(await fingerprint(databases.target.databaseUrl));
  }, 60_000);
});

it('lists the DAGs that the scheduler would run', async () => {
  expect(await activeDags(databases.source.databaseUrl)).toEqual(['manual_reports']);
  expect(await query(databases.source.databaseUrl, 'SELECT count(*) FROM dag')).toEqual([[4]]);
}, 60_000);
