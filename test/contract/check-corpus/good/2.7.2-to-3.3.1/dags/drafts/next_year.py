"""A DAG that nobody has finished."""

from airflow import DAG
from airflow.operators.not_yet import NotYetOperator

with DAG("next_year"):
    NotYetOperator(task_id="x")
