"""Fills the mart by statements in files."""

import os
from datetime import datetime

from airflow import DAG
from mart.operators import MartOperator

STATEMENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mart")

with DAG("mart_of_orders", start_date=datetime(2024, 1, 1), schedule="@daily", catchup=False, template_searchpath=[STATEMENTS]):
    MartOperator(task_id="orders", statement="orders")
