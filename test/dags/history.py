"""Rows of a source, written by SQL alone."""

import psycopg2

#: What breaks readers that cut by lines, guess at NULL or re-quote.
HOSTILE = "a\r\nb \"quoted\" 'single' \\N \\. \\x41 , ; \t é 漢字 🚀 %s {} $$"
#: Every byte but NUL's text form, in a bytea.
ALL_BYTES = bytes(range(256))


def add_dag(environment, dag_id, paused=False, next_dagrun="2026-01-10", active=True):
    environment.sql(
        "INSERT INTO dag (dag_id, is_paused, is_subdag, is_active, fileloc, max_active_tasks, has_task_concurrency_limits, "
        "next_dagrun, next_dagrun_data_interval_start, "
        "next_dagrun_data_interval_end, next_dagrun_create_after{}) VALUES (%s, %s, false, %s, '/x.py', 16, false, %s, %s, "
        "%s::timestamptz + interval '1 day', %s::timestamptz + interval '1 day'{})".format(
            *(
                (", max_consecutive_failed_dag_runs", ", 0")
                if environment.version >= "2.9" or environment.version.startswith("2.1")
                else ("", "")
            )
        ),
        (dag_id, paused, active, next_dagrun, next_dagrun, next_dagrun, next_dagrun),
    )


def add_runs(environment, dag_id, runs, tasks=2, run_type="scheduled", first="2026-01-01", state="success"):
    """`runs` daily runs with `tasks` tasks each, and for every task an XCom and rendered fields."""
    environment.sql(
        "INSERT INTO dag_run (dag_id, execution_date, run_id, run_type, state, external_trigger, conf, start_date, end_date, "
        "data_interval_start, data_interval_end, log_template_id, creating_job_id) "
        "SELECT %s, d, %s || '__' || to_char(d, 'YYYY-MM-DD') || 'T00:00:00+00:00', %s, %s, false, '\\x80047d942e', d, d + interval "
        "'1 hour', d, d + interval '1 day', (SELECT max(id) FROM log_template), 77 "
        "FROM generate_series(0, %s) n, LATERAL (SELECT %s::timestamptz + n * interval '1 day') x(d)",
        (dag_id, run_type, run_type, state, runs - 1, first),
    )
    environment.sql(
        "INSERT INTO task_instance (dag_id, task_id, run_id, map_index, state, try_number, max_tries, hostname, unixname, job_id, "
        "pool, pool_slots, queue, priority_weight, operator, pid, executor_config, start_date, end_date, duration) "
        "SELECT dag_id, 't' || k, run_id, -1, 'success', 1, 0, 'host', 'unix', 99, 'default_pool', 1, 'default', 1, "
        "'PythonOperator', 4711, '\\x80047d942e', start_date, end_date, 0.1 + k / 3.0 "
        "FROM dag_run, generate_series(1, %s) k WHERE dag_id = %s",
        (tasks, dag_id),
    )
    environment.sql(
        "INSERT INTO xcom (dag_run_id, dag_id, task_id, run_id, map_index, key, value, timestamp) SELECT r.id, r.dag_id, t.task_id, "
        "r.run_id, t.map_index, 'return_value', "
        "convert_to('\"' || t.task_id || '\"', 'UTF8'), r.end_date FROM dag_run r JOIN task_instance t USING (dag_id, run_id) WHERE "
        "r.dag_id = %s",
        (dag_id,),
    )
    environment.sql(
        "INSERT INTO rendered_task_instance_fields (dag_id, task_id, run_id, map_index, rendered_fields) SELECT dag_id, task_id, "
        "run_id, map_index, json_build_object('op', task_id) "
        "FROM task_instance WHERE dag_id = %s",
        (dag_id,),
    )


def small_history(environment):
    """Something in every table, hostile values among it."""
    add_dag(environment, "daily")
    add_runs(environment, "daily", 5)
    add_dag(environment, "db_export")
    add_runs(environment, "db_export", 1, run_type="manual")
    environment.sql(
        "UPDATE task_instance SET hostname = %s, operator = '', queue = NULL, priority_weight = NULL WHERE task_id = 't1' AND dag_id "
        "= 'daily'",
        (HOSTILE,),
    )
    environment.sql("UPDATE xcom SET value = %s WHERE task_id = 't1'", (psycopg2.Binary(ALL_BYTES),))
    environment.sql("UPDATE xcom SET key = %s WHERE task_id = 't2' AND dag_id = 'daily'", (HOSTILE,))
    environment.sql(
        "UPDATE rendered_task_instance_fields SET rendered_fields = to_json(%s::text), k8s_pod_yaml = NULL WHERE dag_id = 'daily'",
        (HOSTILE,),
    )
    environment.sql(
        "INSERT INTO task_map (dag_id, task_id, run_id, map_index, length, keys) SELECT dag_id, task_id, run_id, -1, 3, "
        "to_json(%s::text) FROM task_instance WHERE task_id = 't1' AND dag_id = 'daily'",
        (HOSTILE,),
    )
    environment.sql(
        "INSERT INTO task_fail (dag_id, task_id, run_id, map_index, start_date, duration) SELECT dag_id, task_id, run_id, -1, "
        "start_date, 3 FROM task_instance, generate_series(1, 2) WHERE task_id = 't2' AND dag_id = 'daily'"
    )
    environment.sql(
        "INSERT INTO log (dttm, dag_id, task_id, event, owner, extra) SELECT '2026-01-01', 'daily', 't1', 'cli_run', '', %s FROM "
        "generate_series(1, 3)",
        (HOSTILE,),
    )
    environment.sql(
        "INSERT INTO log (dttm, dag_id, event, extra) VALUES ('2026-01-02', NULL, 'cli_sync', NULL), (NULL, NULL, '', ''), "
        "('2026-01-03', 'db_export', 'trigger', 'ours')"
    )
    environment.sql("INSERT INTO slot_pool (pool, slots, description, include_deferred) VALUES ('narrow', 3, %s, true)", (HOSTILE,))
    environment.sql("UPDATE slot_pool SET slots = 42 WHERE pool = 'default_pool'")
    environment.add_variable("plain", "value é", "what it is for")
    environment.add_variable("hostile", HOSTILE)
