from datetime import datetime

from airflow import DAG
from airflow.operators.empty import EmptyOperator
from delivery_days import DeliveryDays

with DAG("deliveries", schedule=DeliveryDays(), start_date=datetime(2024, 1, 1), catchup=False):
    EmptyOperator(task_id="deliver")
