"""Runs on days on which the exchange is open."""

from datetime import datetime

from airflow import DAG
from airflow.operators.bash import BashOperator
from trading_calendar import TradingDayTimetable

with DAG("trading_days", start_date=datetime(2024, 1, 1), schedule=TradingDayTimetable()) as dag:
    BashOperator(task_id="settle", bash_command="true")
