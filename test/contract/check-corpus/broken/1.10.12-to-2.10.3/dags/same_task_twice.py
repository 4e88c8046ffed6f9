"""One check per table, named after the table's last part."""

from datetime import datetime

from airflow import DAG
from airflow.operators.bash_operator import BashOperator

TABLES = ("raw.orders", "raw.customers", "mart.orders")

dag = DAG("same_task_twice", start_date=datetime(2024, 1, 1), schedule_interval="@daily")
for table in TABLES:
    BashOperator(task_id="check_" + table.split(".")[-1], bash_command="echo " + table, dag=dag)
