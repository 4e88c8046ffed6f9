from datetime import datetime

import airflow
from airflow import DAG
from airflow.operators.empty import EmptyOperator

RELEASE = tuple(int(part) for part in airflow.__version__.split(".")[:2])
IS_OLD = RELEASE < (3, 0)
REGIONS = ["north", "south"] if IS_OLD else ["north"]

for region in REGIONS:
    with DAG(f"closing_{region}", schedule="@monthly" if IS_OLD else "@weekly", start_date=datetime(2024, 1, 1), catchup=IS_OLD):
        EmptyOperator(task_id="close")
