"""Cleans what the settings name."""

from datetime import datetime

from airflow import DAG
from airflow.operators.bash import BashOperator
from shared.settings import settings

with DAG("cached_settings", start_date=datetime(2024, 1, 1), schedule_interval="@daily") as dag:
    BashOperator(task_id="clean", bash_command="echo " + settings().folder)
