"""Has a way for each of the two Airflows that read this folder."""

from datetime import datetime

import airflow
from airflow import DAG

if airflow.__version__.startswith("2."):
    from airflow.operators.dummy import DummyOperator as Nothing
    from airflow.utils.dates import days_ago

    START = days_ago(1)
else:
    from airflow.providers.standard.operators.empty import EmptyOperator as Nothing

    START = datetime(2024, 1, 1)

with DAG("both_releases", start_date=START, schedule="@daily", catchup=False):
    Nothing(task_id="nothing")
