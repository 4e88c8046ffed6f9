"""Waits for a file, deferred, and for another DAG."""

from datetime import datetime, timedelta

from airflow import DAG
from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor

try:
    from airflow.providers.standard.sensors.external_task import ExternalTaskSensor
except ImportError:
    from airflow.sensors.external_task import ExternalTaskSensor

with DAG("waits_for_files", start_date=datetime(2024, 1, 1), schedule=timedelta(hours=6), catchup=False):
    S3KeySensor(task_id="file", bucket_name="landing", bucket_key="{{ ds }}/orders.csv", deferrable=True)
    ExternalTaskSensor(task_id="totals", external_dag_id="taskflow_totals", mode="reschedule", timeout=3600)
