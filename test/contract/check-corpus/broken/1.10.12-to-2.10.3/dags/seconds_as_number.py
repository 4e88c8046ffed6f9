"""Times out after an hour."""

from datetime import datetime

from airflow import DAG
from airflow.operators.bash_operator import BashOperator

HOUR = 60 * 60
defaults = {"owner": "finance", "start_date": datetime(2024, 1, 1), "execution_timeout": HOUR}

dag = DAG("seconds_as_number", default_args=defaults, schedule_interval="@daily")
BashOperator(task_id="close_books", bash_command="true", dag=dag)
