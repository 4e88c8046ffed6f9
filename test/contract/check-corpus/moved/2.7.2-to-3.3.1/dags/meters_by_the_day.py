from datetime import datetime

import pendulum
from airflow import DAG
from airflow.operators.empty import EmptyOperator

BERLIN = pendulum.timezone("Europe/Berlin")

with DAG("meters_by_the_day", schedule="30 2 * * *", start_date=datetime(2024, 1, 1, tzinfo=BERLIN), catchup=False):
    EmptyOperator(task_id="read")

with DAG("meters_by_the_shift", schedule=pendulum.duration(hours=8), start_date=datetime(2024, 1, 1, tzinfo=BERLIN)):
    EmptyOperator(task_id="read")
