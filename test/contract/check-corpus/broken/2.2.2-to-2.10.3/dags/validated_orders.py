"""Looks whether the orders have the form that was agreed."""

from datetime import datetime

from airflow import DAG
from airflow.operators.bash import BashOperator

with DAG("validated_orders", start_date=datetime(2024, 1, 1), schedule_interval="@daily") as dag:
    BashOperator(task_id="validate", bash_command="python -m jsonschema orders.schema.json -i orders.json")
