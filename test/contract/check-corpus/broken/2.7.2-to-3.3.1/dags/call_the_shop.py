"""Calls the shop's API."""

from datetime import datetime

from airflow import DAG
from airflow.providers.http.operators.http import SimpleHttpOperator

with DAG("call_the_shop", start_date=datetime(2024, 1, 1), schedule="@daily") as dag:
    SimpleHttpOperator(task_id="call", http_conn_id="shop", endpoint="orders")
