"""Tasks from functions: their parameters become the environment of the command."""

from datetime import datetime

from airflow import DAG
from airflow.operators.bash_operator import BashOperator


def names_of(function):
    from inspect import getargspec

    return getargspec(function).args


def orders(country, currency):
    return country + currency


dag = DAG("old_inspection", start_date=datetime(2024, 1, 1), schedule_interval="@daily")
BashOperator(task_id="orders", bash_command="env", env=dict.fromkeys(names_of(orders), "x"), dag=dag)
