"""Moves a day of orders into the mart."""

from datetime import datetime

from airflow import DAG
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator

with DAG("statement_in_file", start_date=datetime(2024, 1, 1), schedule="@daily") as dag:
    SQLExecuteQueryOperator(task_id="move", conn_id="warehouse", sql="sql/move_orders.sql")
