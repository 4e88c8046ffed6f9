"""Stays paused; three of its days were filled by ``airflow dags backfill``."""
import pendulum
from airflow.decorators import dag, task
from airflow.operators.empty import EmptyOperator


@dag(
    schedule="@daily",
    start_date=pendulum.datetime(2026, 3, 1, tz="UTC"),
    end_date=pendulum.datetime(2026, 3, 10, tz="UTC"),
    catchup=True,
    tags=["backfill"],
)
def backfilled():
    @task
    def rebuild(ds=None):
        return ds

    rebuild() >> EmptyOperator(task_id="done")


backfilled()
