"""Writes the orders, and a second DAG that follows them."""

from datetime import datetime

try:
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.sdk import DAG, Asset
except ImportError:
    from airflow import DAG
    from airflow.datasets import Dataset as Asset
    from airflow.operators.bash import BashOperator

ORDERS = Asset("s3://landing/orders.csv")

with DAG("orders_arrive", start_date=datetime(2024, 1, 1), schedule="@hourly", catchup=False):
    BashOperator(task_id="write", bash_command="true", outlets=[ORDERS])

with DAG("orders_follow", start_date=datetime(2024, 1, 1), schedule=[ORDERS], catchup=False):
    BashOperator(task_id="read", bash_command="true")
