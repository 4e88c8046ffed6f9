from airflow import DAG
from airflow.operators.nowhere import NowhereOperator

with DAG("broken_honestly"):
    NowhereOperator(task_id="work")
