"""Day after day, each only behind the one before: a run that is lost or doubled stops all that follow, or shows in their order."""
import pendulum
from airflow import DAG
from airflow.operators.python import PythonOperator
from ledger import work
from switch_world import DAYS_FROM


def day(ti, data_interval_start):
    first = pendulum.parse(DAYS_FROM)
    work(ti, gate=None if data_interval_start == first else "days")


with DAG(dag_id="ordered_days", schedule="@daily", start_date=pendulum.parse(DAYS_FROM), catchup=True, max_active_runs=1):
    PythonOperator(task_id="day", python_callable=day, depends_on_past=True)
