"""Left from the days when two Airflows read this folder."""

from datetime import datetime

import airflow
from airflow import DAG
from airflow.operators.bash_operator import BashOperator

if airflow.__version__.startswith("1.10"):
    dag = DAG("only_on_1_10", start_date=datetime(2024, 1, 1), schedule_interval="@daily")
    BashOperator(task_id="report", bash_command="true", dag=dag)
