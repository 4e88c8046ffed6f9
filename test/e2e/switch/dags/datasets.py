"""Two consumers of two datasets each: A has come before the pause, the others come while the source comes to rest, or later still."""
import time

import pendulum
from airflow import DAG
from airflow.datasets import Dataset
from airflow.models import DagModel
from airflow.operators.python import PythonOperator
from ledger import work

A, B, LATE = (Dataset("s3://switch/" + name) for name in ("a", "b", "late"))
START = pendulum.datetime(2026, 1, 1, tz="UTC")


def when_paused(dag_id, ti):
    """Works as soon as this DAG is paused."""
    while not DagModel.get_dagmodel(dag_id).is_paused:
        time.sleep(0.5)
    time.sleep(3)
    work(ti)


def producer(dag_id, dataset, **task):
    with DAG(dag_id=dag_id, schedule=None, start_date=START, catchup=False) as dag:
        PythonOperator(task_id="make", outlets=[dataset], **task)
    return dag


def consumer(dag_id, datasets):
    with DAG(dag_id=dag_id, schedule=datasets, start_date=START, catchup=False) as dag:
        PythonOperator(task_id="use", python_callable=work)
    return dag


make_a = producer("make_a", A, python_callable=work)
make_b = producer("make_b", B, python_callable=when_paused, op_args=["make_a"])
make_late = producer("make_late", LATE, python_callable=when_paused, op_args=["make_late"])
needs_a_and_b = consumer("needs_a_and_b", [A, B])
needs_a_and_late = consumer("needs_a_and_late", [A, LATE])
