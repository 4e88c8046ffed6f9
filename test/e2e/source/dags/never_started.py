"""Paused from the first day, without any run: activating it would start thirty intervals."""
import pendulum
from airflow import DAG
from airflow.operators.empty import EmptyOperator

with DAG(
    dag_id="never_started",
    schedule="@daily",
    start_date=pendulum.datetime(2026, 5, 1, tz="UTC"),
    end_date=pendulum.datetime(2026, 5, 30, tz="UTC"),
    catchup=True,
    is_paused_upon_creation=True,
    tags=["paused"],
):
    EmptyOperator(task_id="surprise")
