"""A DAG for trying things out: two tasks a day, since the first of the month before last."""
import datetime

from airflow import DAG
from airflow.operators.bash import BashOperator

with DAG(
    "nightly_load",
    start_date=datetime.datetime(2026, 10, 1),
    schedule="@daily",
    catchup=True,
    max_active_runs=2,
) as dag:
    extract = BashOperator(task_id="extract", bash_command="echo {{ ds }}")
    load = BashOperator(task_id="load", bash_command="sleep 1", pool="default_pool")
    extract >> load
