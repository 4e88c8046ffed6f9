"""Every way a task can end: success, failure after retries, skip, branch not taken, failure upstream."""
from datetime import timedelta

import pendulum
from airflow.decorators import dag, task
from airflow.exceptions import AirflowSkipException
from airflow.operators.empty import EmptyOperator


@dag(
    schedule="@daily",
    start_date=pendulum.datetime(2026, 5, 1, tz="UTC"),
    end_date=pendulum.datetime(2026, 5, 2, tz="UTC"),
    catchup=True,
    tags=["outcomes"],
)
def task_outcomes():
    @task(retries=1, retry_delay=timedelta(seconds=1))
    def fails_twice():
        raise ValueError("this task fails on every try")

    @task
    def skips_itself():
        raise AirflowSkipException("nothing to do")

    @task.branch
    def choose():
        return "taken"

    fails_twice() >> EmptyOperator(task_id="never_reached")
    skips_itself() >> EmptyOperator(task_id="skipped_with_it")
    choose() >> [EmptyOperator(task_id="taken"), EmptyOperator(task_id="not_taken")]


task_outcomes()
