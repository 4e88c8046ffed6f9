from datetime import datetime

import pendulum
from airflow import DAG
from airflow.operators.empty import EmptyOperator

BERLIN = pendulum.timezone("Europe/Berlin")

with DAG("meters_by_the_hour", schedule="0 */3 * * *", start_date=datetime(2024, 1, 1, tzinfo=BERLIN), catchup=False):
    EmptyOperator(task_id="read")
