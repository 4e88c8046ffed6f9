"""Waits for the warehouse's own load."""

from datetime import datetime

from airflow import DAG
from airflow.operators.sensors import ExternalTaskSensor

dag = DAG("warehouse_sensor", start_date=datetime(2024, 1, 1), schedule_interval="@daily")
ExternalTaskSensor(task_id="wait", external_dag_id="chained_helpers", external_task_id="load", dag=dag)
