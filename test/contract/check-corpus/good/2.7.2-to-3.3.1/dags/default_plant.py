"""A variable is asked for while the file is parsed; it need not exist."""

from datetime import datetime

from airflow import DAG

try:
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.sdk import Variable

    plant = Variable.get("plant", default="north")
except ImportError:
    from airflow.models import Variable
    from airflow.operators.bash import BashOperator

    plant = Variable.get("plant", default_var="north")

with DAG("default_plant", start_date=datetime(2024, 1, 1), schedule="@weekly", catchup=False):
    BashOperator(task_id="plant", bash_command="echo " + plant)
