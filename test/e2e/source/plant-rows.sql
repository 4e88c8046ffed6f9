-- Parameters: dag, runs, rows. Values vary by row, so that compression and comparisons have real work to do.
INSERT INTO dag_run (dag_id, execution_date, state, run_id, external_trigger, conf, start_date, end_date, run_type, queued_at, data_interval_start, data_interval_end,
                     log_template_id, updated_at)
SELECT %(dag)s, at, 'success', 'manual__' || to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'), true, '\x80057d942e', at, at + interval '7 minutes', 'manual', at, at, at,
       (SELECT max(id) FROM log_template), at
FROM (SELECT timestamptz '2020-01-01 00:00:00+00' + n * interval '10 minutes' AS at FROM generate_series(1, %(runs)s) AS n) AS t;

INSERT INTO task_instance (task_id, dag_id, run_id, map_index, start_date, end_date, duration, state, try_number, max_tries, hostname, unixname, job_id, pool, pool_slots,
                           queue, priority_weight, operator, queued_dttm, queued_by_job_id, pid, executor_config, updated_at)
SELECT 'task_' || lpad((n %% 100)::text, 2, '0'), %(dag)s, r.run_id, -1, r.start_date, r.end_date, (n * 7919 %% 100003) / 1000.0, 'success', 1, 0,
       'ip-10-0-' || n %% 7 || '-' || n %% 251 || '.internal', 'airflow', n, 'default_pool', 1, 'default', 1, 'PythonOperator', r.start_date, 1, n, '\x80057d942e', r.end_date
FROM generate_series(0, %(rows)s - 1) AS n
JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS position FROM dag_run WHERE dag_id = %(dag)s) AS r ON r.position = n / 100;

INSERT INTO xcom (dag_run_id, dag_id, run_id, task_id, map_index, key, value, timestamp)
SELECT r.id, i.dag_id, i.run_id, i.task_id, -1, 'return_value', convert_to('"' || md5(i.run_id || i.task_id) || '"', 'UTF8'), i.end_date
FROM task_instance i JOIN dag_run r USING (dag_id, run_id) WHERE i.dag_id = %(dag)s;

INSERT INTO rendered_task_instance_fields (dag_id, task_id, run_id, map_index, rendered_fields)
SELECT dag_id, task_id, run_id, map_index, json_build_object('op_kwargs', json_build_object('day', md5(run_id || task_id)))
FROM task_instance WHERE dag_id = %(dag)s;

INSERT INTO log (dttm, dag_id, task_id, event, execution_date, owner, extra, map_index)
SELECT end_date, dag_id, task_id, 'success', start_date, 'airflow', NULL, -1 FROM task_instance WHERE dag_id = %(dag)s;
