"""Ships on the next working day."""

from datetime import date, datetime

from airflow import DAG
from airflow.operators.bash_operator import BashOperator

FIRST = date(2024, 1, 1)


def shipping_day():
    from airflow.macros.calendar_plugin import next_working_day

    return next_working_day(FIRST)


with DAG("working_days", start_date=datetime(2024, 1, 1), schedule_interval="@daily") as dag:
    BashOperator(task_id="ship", bash_command="echo " + str(shipping_day()))
