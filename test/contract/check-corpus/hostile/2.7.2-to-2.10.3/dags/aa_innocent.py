from datetime import datetime

from airflow import DAG
from airflow.operators.bash import BashOperator

with DAG("innocent_first", start_date=datetime(2024, 1, 1), schedule="@daily", catchup=False):
    BashOperator(task_id="work", bash_command="true")
