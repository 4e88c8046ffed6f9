"""Work that the drain finds in the middle: running, waiting for a retry, waiting for its next look, queued, half gone from the file."""
from datetime import timedelta

import pendulum
from airflow import DAG
from airflow.operators.python import PythonOperator
from airflow.sensors.python import PythonSensor
from ledger import is_open, note, work
from switch_world import HAS_ALL_TASKS, RETRY_SECONDS

START = pendulum.datetime(2026, 1, 1, tz="UTC")
SOON = {"retries": 1, "retry_delay": timedelta(seconds=1)}


def workflow(dag_id, **more):
    return DAG(dag_id=dag_id, schedule=None, start_date=START, catchup=False, **more)


def task(task_id, more=None, **work_arguments):
    return PythonOperator(task_id=task_id, python_callable=work, op_kwargs=work_arguments, **(more or {}))


def look(ti):
    """Fails in the first try that finds the gate open; what it saw before is no try."""
    if not is_open("sensor"):
        return False
    if ti.try_number == 1:
        note(ti, "fail")
        raise ValueError("this try is to fail")
    note(ti, "ok")
    return True


def work_with_conf(ti, dag_run):
    work(ti, gate="conf", told={"conf": dag_run.conf})


with workflow("cut_midway"):
    # Whoever passes the gate in the first try fails: only who still has its one retry comes to an end.
    task("first") >> task("middle", SOON, gate="cut", failing_tries=[1]) >> task("last")

with workflow("waits_for_retry"):
    task("first") >> task("flaky", {"retries": 1, "retry_delay": timedelta(seconds=RETRY_SECONDS)}, failing_tries=[1]) >> task("last")

with workflow("looks_again"):
    PythonSensor(task_id="look", python_callable=look, mode="reschedule", poke_interval=2, timeout=3600, **SOON) >> task("last")

with workflow("one_after_another", max_active_runs=1):
    PythonOperator(task_id="use_conf", python_callable=work_with_conf)

with workflow("loses_a_task"):
    first, last = task("first"), task("last")
    middle = task("middle", gate="cut")
    if HAS_ALL_TASKS:
        task("was_done") >> middle
        first >> middle >> task("never_done") >> last
    else:
        first >> middle >> last
