"""Counts the orders of yesterday."""

from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.utils.dates import days_ago

with DAG("start_days_ago", start_date=days_ago(2), schedule="@daily") as dag:
    BashOperator(task_id="count", bash_command="true")
