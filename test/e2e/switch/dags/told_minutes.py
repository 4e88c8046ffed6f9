"""Every minute of the clock, told to the ledger: what ran where, and whether any minute ran twice or never."""
import pendulum
from airflow import DAG
from airflow.operators.python import PythonOperator
from ledger import work
from switch_world import TOLD_FROM


def each_minute(dag_id, catchup):
    with DAG(dag_id=dag_id, schedule="* * * * *", start_date=pendulum.parse(TOLD_FROM), catchup=catchup) as dag:
        PythonOperator(task_id="tell", python_callable=work)
    return dag


told_minutes = each_minute("told_minutes", catchup=True)
told_newest_minute = each_minute("told_newest_minute", catchup=False)
