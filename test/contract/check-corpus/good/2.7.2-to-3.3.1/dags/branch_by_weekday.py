"""Two ways that meet again."""

from datetime import datetime

try:
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.providers.standard.operators.python import BranchPythonOperator
    from airflow.sdk import DAG
except ImportError:
    from airflow import DAG
    from airflow.operators.empty import EmptyOperator
    from airflow.operators.python import BranchPythonOperator


def way(**context):
    return "weekend" if context["data_interval_start"].weekday() > 4 else "workday"


DEFAULTS = {"owner": "shop", "team": "returns"}

with DAG("branch_by_weekday", start_date=datetime(2024, 1, 1), schedule="30 5 * * *", catchup=True, default_args=DEFAULTS):
    join = EmptyOperator(task_id="join", trigger_rule="none_failed_min_one_success")
    BranchPythonOperator(task_id="way", python_callable=way) >> [EmptyOperator(task_id=name) for name in ("weekend", "workday")] >> join
