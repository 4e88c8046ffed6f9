"""Writes the totals of the mart."""

from datetime import datetime

from airflow import DAG
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from statements import sum_of_orders

with DAG("mart_totals", start_date=datetime(2024, 1, 1), schedule="@daily") as dag:
    SQLExecuteQueryOperator(task_id="total", conn_id="warehouse", sql=sum_of_orders())
