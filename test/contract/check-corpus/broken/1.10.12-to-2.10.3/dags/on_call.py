"""Cleans the landing zone."""

from datetime import datetime

from airflow import DAG
from company_operators import CompanyBashOperator

dag = DAG("on_call", start_date=datetime(2024, 1, 1), schedule_interval="@daily")
CompanyBashOperator(task_id="clean", bash_command="true", dag=dag)
