"""Asks for a variable while it is parsed; a DAG per currency, each with an id of its own."""

from datetime import datetime

from airflow import DAG
from airflow.models import Variable

try:
    from airflow.operators.bash import BashOperator
except ImportError:
    from airflow.operators.bash_operator import BashOperator

for currency in Variable.get("currencies", default_var="eur,sek").split(","):
    dag = DAG("rates_" + currency, start_date=datetime(2024, 1, 1), catchup=False)
    BashOperator(task_id="fetch", bash_command="echo " + currency, dag=dag)
    globals()[dag.dag_id] = dag
