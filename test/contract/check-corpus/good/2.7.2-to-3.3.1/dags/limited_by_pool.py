"""Weights, pools and limits."""

from datetime import datetime, timedelta

from airflow import DAG

try:
    from airflow.providers.standard.operators.python import PythonOperator
except ImportError:
    from airflow.operators.python import PythonOperator

RETRIES = {"retries": 3, "retry_delay": timedelta(minutes=5), "retry_exponential_backoff": True}
DEFAULTS = {"owner": "shop", "pool": "warehouse", "priority_weight": 5, **RETRIES}


def load(ds, name, **context):
    context["ti"].xcom_push(key="loaded", value=name + ds)


with DAG("limited_by_pool", default_args=DEFAULTS, start_date=datetime(2024, 1, 1), schedule="0 2 * * 1-5", max_active_tasks=3):
    PythonOperator(task_id="load", python_callable=load, op_kwargs={"name": "orders"}, execution_timeout=timedelta(hours=1), pool_slots=2)
