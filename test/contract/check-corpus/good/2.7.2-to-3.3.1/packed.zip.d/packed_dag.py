"""A DAG that comes in a zip file with its helper."""

from datetime import datetime

from airflow import DAG
from pack.names import TASK

try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:
    from airflow.operators.bash import BashOperator

with DAG("packed_dag", start_date=datetime(2024, 1, 1), schedule="@daily", catchup=False):
    BashOperator(task_id=TASK, bash_command="true")
