"""Without catchup: runs only the newest interval, whatever lies before it."""
import pendulum
from airflow import DAG
from airflow.operators.empty import EmptyOperator

# Monthly, so that a history some days old seldom has a further interval due on the source.
with DAG(
    dag_id="monthly_snapshot",
    schedule="@monthly",
    start_date=pendulum.datetime(2025, 1, 1, tz="UTC"),
    catchup=False,
    tags=["no-catchup"],
):
    EmptyOperator(task_id="begin") >> EmptyOperator(task_id="snapshot")
