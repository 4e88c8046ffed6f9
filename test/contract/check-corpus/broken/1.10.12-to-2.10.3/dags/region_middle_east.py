"""A DAG per country of the region."""

from datetime import datetime

from airflow import DAG
from airflow.operators.bash_operator import BashOperator

for country in ("ae", "il", "tr"):
    dag = DAG("country_" + country, start_date=datetime(2024, 1, 1), schedule_interval="@daily")
    BashOperator(task_id="load", bash_command="echo " + country, dag=dag)
    globals()[dag.dag_id] = dag
