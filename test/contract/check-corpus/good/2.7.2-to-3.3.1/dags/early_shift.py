"""Runs by the factory's calendar, a timetable that a plugin registers."""

from datetime import datetime

from airflow import DAG
from factory_calendar import EarlyShiftTimetable

try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:
    from airflow.operators.bash import BashOperator

with DAG("early_shift", start_date=datetime(2024, 1, 1), schedule=EarlyShiftTimetable(), catchup=False):
    BashOperator(task_id="count", bash_command="true")
