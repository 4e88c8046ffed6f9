"""One task instance per file that has arrived."""

from datetime import datetime

try:
    from airflow.sdk import DAG, task
except ImportError:
    from airflow import DAG
    from airflow.decorators import task

with DAG("mapped_files", start_date=datetime(2024, 1, 1), schedule="0 * * * *", catchup=False, max_active_runs=1):

    @task
    def arrived():
        return ["a.csv", "b.csv"]

    @task(max_active_tis_per_dag=4)
    def load(folder, name):
        return folder + name

    @task
    def count(loaded):
        return len(list(loaded))

    count(load.partial(folder="landing/").expand(name=arrived()))
