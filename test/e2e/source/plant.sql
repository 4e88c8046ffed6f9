-- Rows with text that Airflow itself rarely writes: each text column of the moved tables holds the hostile text in one row, the empty
-- string in another and NULL in a third, where the column allows it. Planted by SQL, clearly not made by the scheduler; run by plant.ts
-- in one transaction with the parameters hostile, short (for narrow columns) and plain (a secret value).
-- Columns left alone: `state` and `run_type` hold Airflow's own words, and another one would be no data of Airflow's.

-- Runs: two of a DAG that exists, so that the REST API shows them, and two whose very DAG id is hostile (that DAG is long gone). NULLs stand
-- in the latter: Airflow's API checks its own answers, and fails where a column is NULL that its description calls a boolean or a number.
INSERT INTO dag_run (dag_id, execution_date, state, run_id, external_trigger, conf, end_date, start_date, run_type, last_scheduling_decision,
                     dag_hash, queued_at, data_interval_start, data_interval_end, log_template_id, updated_at)
VALUES
  ('manual_reports', '2026-02-01 00:00:00.000001+00', 'success', %(hostile)s, true, '\x80057d942e', '2026-02-01 01:02:03.456789+00', '2026-02-01 00:00:01+00',
   'manual', '2026-02-01 01:02:03.5+00', %(short)s, '2026-02-01 00:00:00.5+00', '2026-01-31 00:00:00+00', '2026-02-01 00:00:00+00',
   (SELECT max(id) FROM log_template), '2026-02-01 01:02:03.456789+00'),
  ('manual_reports', '1970-01-01 00:00:00+00', 'failed', 'planted__empty', false, '\x80057d942e', '1970-01-01 00:00:00+00', '1969-12-31 23:59:59.999999+00',
   'manual', NULL, '', '1969-12-31 23:59:59+00', '1969-12-31 00:00:00+00', '1970-01-01 00:00:00+00', (SELECT max(id) FROM log_template), '1970-01-01 00:00:00+00'),
  (%(hostile)s, '2038-01-19 03:14:08+00', 'success', 'planted__null', NULL, NULL, NULL, NULL, 'manual', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (%(hostile)s, '2026-02-02 00:00:00+00', 'success', %(hostile)s, true, NULL, '2026-02-02 00:00:02+00', '2026-02-02 00:00:01+00', 'manual', NULL,
   %(short)s, NULL, NULL, NULL, NULL, NULL);

-- Task instances; durations that show a rounding, columns that name things of the old environment (ids of jobs, processes, executors).
INSERT INTO task_instance (task_id, dag_id, run_id, map_index, start_date, end_date, duration, state, try_number, max_tries, hostname, unixname, job_id,
                           pool, pool_slots, queue, priority_weight, operator, custom_operator_name, queued_dttm, queued_by_job_id, pid, executor_config,
                           external_executor_id, next_method, next_kwargs, updated_at)
VALUES
  (%(hostile)s, 'manual_reports', %(hostile)s, -1, '2026-02-01 00:00:01.000001+00', '2026-02-01 01:02:03+00', 0.1::float8 + 0.2::float8, 'success', 7, 9,
   %(hostile)s, %(hostile)s, 4711, %(hostile)s, 3, %(hostile)s, 2147483647, %(hostile)s, %(hostile)s, '2026-02-01 00:00:00+00', 4712, 4713, '\x80057d942e',
   %(hostile)s, %(hostile)s, '{"__var": {}, "__type": "dict"}', '2026-02-01 01:02:03+00'),
  ('planted', 'manual_reports', 'planted__empty', 0, '1969-12-31 23:59:59.999999+00', '1970-01-01 00:00:00+00', 1e-6, 'failed', 1, 0,
   '', '', NULL, '', 1, '', -5, '', '', NULL, NULL, NULL, '\x80057d942e', '', '', NULL, '1970-01-01 00:00:00+00'),
  ('planted', %(hostile)s, 'planted__null', -1, NULL, NULL, NULL, 'removed', 0, -1,
   NULL, NULL, NULL, 'default_pool', 1, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (%(hostile)s, %(hostile)s, %(hostile)s, 0, '2026-02-02 00:00:01+00', '2026-02-02 00:00:02+00', 1, 'success', 1, 0,
   'host', 'user', NULL, 'default_pool', 1, 'default', 1, 'EmptyOperator', NULL, NULL, NULL, NULL, '\x80057d942e', NULL, NULL, NULL, NULL);

-- Equal rows are history too: a table without a natural key keeps both.
INSERT INTO task_fail (task_id, dag_id, run_id, map_index, start_date, end_date, duration)
SELECT %(hostile)s, 'manual_reports', %(hostile)s, -1, '2026-02-01 00:00:01+00', '2026-02-01 00:00:02+00', 1 FROM generate_series(1, 2)
UNION ALL SELECT 'planted', 'manual_reports', 'planted__empty', 0, NULL::timestamptz, NULL::timestamptz, NULL::int
UNION ALL SELECT %(hostile)s, %(hostile)s, %(hostile)s, 0, '2026-02-02 00:00:01+00', NULL, 0;

INSERT INTO xcom (dag_run_id, dag_id, run_id, task_id, map_index, key, value, timestamp)
SELECT r.id, i.dag_id, i.run_id, i.task_id, i.map_index, x.key, x.value, '2026-02-01 00:00:01.000001+00'
FROM task_instance i JOIN dag_run r USING (dag_id, run_id)
CROSS JOIN (VALUES
  (%(hostile)s, convert_to(to_json(%(hostile)s::text)::text, 'UTF8')),
  ('raw bytes', '\x000d0a225c4e0a5c2eff'::bytea || convert_to(%(hostile)s, 'UTF8')),
  ('', ''::bytea),
  ('null', NULL)) AS x (key, value)
WHERE i.task_id = %(hostile)s OR i.run_id LIKE 'planted!_!_%%' ESCAPE '!';

-- json keeps its text as it was written: spaces, doubled keys and escapes included.
INSERT INTO rendered_task_instance_fields (dag_id, task_id, run_id, map_index, rendered_fields, k8s_pod_yaml)
SELECT dag_id, task_id, run_id, map_index, r.fields::json, r.pod::json
FROM task_instance JOIN (VALUES
  (true, '{"text" : ' || to_json(%(hostile)s::text) || ',  "twice":1, "twice":2.50, "nul": "\u0000", "ü": "\u00fc"}', '{"metadata": {"name": ' || to_json(%(hostile)s::text) || '}}'),
  (false, '""', NULL)) AS r (hostile, fields, pod) ON r.hostile = (task_id = %(hostile)s)
WHERE task_id = %(hostile)s OR run_id LIKE 'planted!_!_%%' ESCAPE '!';

INSERT INTO task_map (dag_id, task_id, run_id, map_index, length, keys)
SELECT dag_id, task_id, run_id, map_index, m.length, m.keys::json
FROM task_instance JOIN (VALUES (true, 2, '[' || to_json(%(hostile)s::text) || ',  ""]'), (false, 0, NULL)) AS m (hostile, length, keys) ON m.hostile = (task_id = %(hostile)s)
WHERE task_id = %(hostile)s OR run_id LIKE 'planted!_!_%%' ESCAPE '!';

-- The audit log has no key at all: equal rows, and a row of nothing but NULL.
INSERT INTO log (dttm, dag_id, task_id, event, execution_date, owner, extra, map_index)
SELECT '2026-02-01 00:00:01.000001+00'::timestamptz, %(hostile)s, %(hostile)s, %(short)s, '2026-02-01 00:00:00+00'::timestamptz, %(hostile)s, %(hostile)s, -1
FROM generate_series(1, 3)
UNION ALL SELECT '2026-02-01 00:00:02+00', '', '', '', NULL, '', '', NULL
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
UNION ALL SELECT '2026-02-01 00:00:03+00', NULL, NULL, 'planted', NULL, NULL, %(hostile)s, NULL;

INSERT INTO slot_pool (pool, slots, description, include_deferred)
VALUES (%(hostile)s, -1, %(hostile)s, true), ('planted_empty', 0, '', false), ('planted_null', 2147483647, NULL, false);

-- Unencrypted, as Airflow wrote them before it had a Fernet key.
INSERT INTO variable (key, val, is_encrypted, description)
VALUES (%(hostile)s, %(plain)s || %(hostile)s, false, %(hostile)s), ('planted_empty', '', false, ''), ('planted_null', %(plain)s, false, NULL);
INSERT INTO connection (conn_id, conn_type, description, host, schema, login, password, port, extra, is_encrypted, is_extra_encrypted)
VALUES (%(hostile)s, %(short)s, %(hostile)s, %(hostile)s, %(hostile)s, %(hostile)s, %(plain)s || %(hostile)s, 0, %(hostile)s, false, false),
       ('planted_empty', '', '', '', '', '', '', NULL, '', false, false), ('planted_null', '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
