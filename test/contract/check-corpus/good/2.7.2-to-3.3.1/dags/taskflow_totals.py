"""Totals of the day, written with the TaskFlow API."""

from datetime import datetime

try:
    from airflow.sdk import dag, task
except ImportError:
    from airflow.decorators import dag, task


@dag(schedule="@daily", start_date=datetime(2024, 1, 1), catchup=False, tags=["totals"])
def taskflow_totals():
    @task(multiple_outputs=True)
    def read() -> dict:
        return {"orders": 3, "returns": 1}

    @task(retries=2)
    def add(orders, returns):
        return orders - returns

    both = read()
    add(both["orders"], both["returns"])


taskflow_totals()
