"""Looks at the release before it imports."""

from datetime import datetime

import airflow
from airflow import DAG

MAJOR = int(airflow.__version__.split(".")[0])

if MAJOR < 2:
    from airflow.operators.dummy_operator import DummyOperator as Nothing
    from airflow.utils.helpers import chain
else:
    from airflow.models.baseoperator import chain
    from airflow.operators.empty import EmptyOperator as Nothing

SCHEDULE = {"schedule_interval" if MAJOR < 2 else "schedule": "0 4 * * 1"}
dag = DAG("asks_the_release", start_date=datetime(2024, 1, 1), catchup=False, **SCHEDULE)
chain(*[Nothing(task_id="part_{}".format(number), dag=dag) for number in range(3)])
