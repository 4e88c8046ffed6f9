import glob
import os
from datetime import datetime

from airflow import DAG
from airflow.operators.empty import EmptyOperator

HOMES = glob.glob(os.path.join(os.environ["AIRFLOW_HOME"], "..", "..", "*", "dags", "looks_around.py"))

with DAG(f"folders_seen_{len(HOMES)}", schedule=None, start_date=datetime(2024, 1, 1)):
    EmptyOperator(task_id="look")
