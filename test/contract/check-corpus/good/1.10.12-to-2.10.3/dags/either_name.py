"""Imports the operators by the name that the release has."""

from datetime import datetime

from airflow import DAG

try:
    from airflow.operators.bash import BashOperator
    from airflow.operators.python import PythonOperator
except ImportError:
    from airflow.operators.bash_operator import BashOperator
    from airflow.operators.python_operator import PythonOperator


def count(ds, **context):
    return ds


# PythonOperator of 1.10 wants to be told; the one of 2.x has no such argument, and defaults that nobody takes are no error.
dag = DAG("either_name", default_args={"owner": "shop", "provide_context": True}, start_date=datetime(2024, 1, 1), catchup=False)
BashOperator(task_id="read", bash_command="echo {{ ds }}", dag=dag) >> PythonOperator(task_id="count", python_callable=count, dag=dag)
