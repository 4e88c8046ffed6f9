"""Rows of a source of any release from 1.10.12 on, written by SQL alone: what hangs on a run has its date, its id, or both."""

import psycopg2
from history import ALL_BYTES, HOSTILE


def add_dag(environment, dag_id, paused=False):
    insert(
        environment,
        "dag",
        dag_id=dag_id,
        is_paused=paused,
        is_subdag=False,
        is_active=True,
        fileloc="/x.py",
        max_active_tasks=16,
        concurrency=16,
        has_task_concurrency_limits=False,
        max_consecutive_failed_dag_runs=0,
    )


def columns(environment, table):
    return {row[0] for row in environment.sql("SELECT column_name FROM information_schema.columns WHERE table_name = %s", (table,))}


def insert(environment, table, **values):
    """One row; values for columns that the release does not have are dropped."""
    there = columns(environment, table)
    kept = {name: value for name, value in values.items() if name in there}
    environment.sql(
        "INSERT INTO {} ({}) VALUES ({})".format(table, ", ".join('"%s"' % name for name in kept), ", ".join(["%s"] * len(kept))),
        list(kept.values()),
    )


def add_run(environment, dag_id, run_id, date, state="success", tasks=("t1", "t2"), task_state="success", run_type="scheduled", tries=1):
    """One run with its tasks, each with an XCom, rendered fields and a failure."""
    insert(
        environment,
        "dag_run",
        dag_id=dag_id,
        run_id=run_id,
        run_type=run_type,
        execution_date=date,
        state=state,
        external_trigger=run_type == "manual",
        start_date=date,
        end_date=date if state in ("success", "failed") else None,
        conf=psycopg2.Binary(b"\x80\x04}\x94."),
    )
    number = environment.one("SELECT id FROM dag_run WHERE dag_id = %s AND run_id = %s", (dag_id, run_id))
    for task_id in tasks:
        of = {"dag_id": dag_id, "task_id": task_id, "execution_date": date, "run_id": run_id, "dag_run_id": number, "map_index": -1}
        insert(
            environment,
            "task_instance",
            state=task_state,
            try_number=tries,
            max_tries=0,
            start_date=date,
            end_date=date,
            duration=1 / 3,
            hostname=HOSTILE,
            unixname="airflow",
            job_id=4711,
            pid=12,
            pool="default_pool",
            pool_slots=1,
            queue="",
            priority_weight=None,
            operator="BashOperator",
            executor_config=psycopg2.Binary(b"\x80\x04}\x94."),
            **of,
        )
        insert(environment, "xcom", key="return_value", value=psycopg2.Binary(ALL_BYTES), timestamp=date, **of)
        insert(environment, "rendered_task_instance_fields", rendered_fields='{"command": "echo \\"a\\""}', **of)
        insert(environment, "task_fail", start_date=date, end_date=date, duration=3, **of)


def add_history(environment):
    """A few runs of every kind, and something in every table."""
    for dag_id in ("daily", "db_export"):
        add_dag(environment, dag_id)
    for day in (1, 2, 3):
        add_run(environment, "daily", "scheduled__2020-01-0{}T00:00:00+00:00".format(day), "2020-01-0{}".format(day))
    add_run(environment, "daily", "manual__2020-01-05T01:02:03+00:00", "2020-01-05T01:02:03.456789Z", run_type="manual")
    add_run(environment, "daily", "backfill_2020-01-04T00:00:00+00:00", "2020-01-04", run_type="backfill")
    add_run(environment, "daily", HOSTILE, "2020-01-06", run_type="manual")
    add_run(environment, "db_export", "export-1-1", "2020-01-07", run_type="manual")
    environment.sql(
        "INSERT INTO log (dttm, dag_id, task_id, event, execution_date, owner, extra) VALUES "
        "('2020-01-01', 'daily', 't1', 'cli_run', '2020-01-01', 'me', %s), (NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
        (HOSTILE,),
    )
    insert(environment, "slot_pool", pool="narrow", slots=3, description=HOSTILE, include_deferred=True)
    environment.sql(
        "INSERT INTO variable (key, val, is_encrypted) VALUES ('plain', %s, true)", (environment.fernet.encrypt(b"secret value").decode(),)
    )
