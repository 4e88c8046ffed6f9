"""Many task instances at little cost: the scheduler ends EmptyOperators itself, without a process for each."""
import pendulum
from airflow import DAG
from airflow.operators.empty import EmptyOperator

ACCOUNTS = 25
LEVELS = ("open", "post", "balance", "close")

with DAG(
    dag_id="wide_ledger",
    schedule="@daily",
    start_date=pendulum.datetime(2026, 4, 1, tz="UTC"),
    end_date=pendulum.datetime(2026, 4, 30, tz="UTC"),
    catchup=True,
    max_active_runs=30,
    tags=["ledger", "catchup"],
):
    for account in range(ACCOUNTS):
        previous = None
        for level in LEVELS:
            step = EmptyOperator(task_id=f"{level}_{account:02d}")
            if previous is not None:
                previous >> step
            previous = step
