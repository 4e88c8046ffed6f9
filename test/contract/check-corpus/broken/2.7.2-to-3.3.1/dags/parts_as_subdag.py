"""Loads in parts, one sub-DAG for all of them."""

from datetime import datetime

from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.operators.subdag import SubDagOperator

START = datetime(2024, 1, 1)


def parts(name):
    with DAG(name, start_date=START, schedule="@daily") as inner:
        for part in ("a", "b"):
            BashOperator(task_id=part, bash_command="true")
    return inner


with DAG("parts_as_subdag", start_date=START, schedule="@daily") as dag:
    SubDagOperator(task_id="parts", subdag=parts("parts_as_subdag.parts"))
