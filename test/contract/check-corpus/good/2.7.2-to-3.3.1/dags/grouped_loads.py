"""Task groups in each other, with edges that have names."""

from datetime import datetime

try:
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.sdk import DAG, Label, TaskGroup
except ImportError:
    from airflow import DAG
    from airflow.operators.empty import EmptyOperator
    from airflow.utils.edgemodifier import Label
    from airflow.utils.task_group import TaskGroup

with DAG("grouped_loads", start_date=datetime(2024, 1, 1), schedule=None):
    begin = EmptyOperator(task_id="begin")
    for country in ("de", "fr"):
        with TaskGroup(country) as group:
            with TaskGroup("files", tooltip="what has arrived"):
                EmptyOperator(task_id="orders")
            EmptyOperator(task_id="check")
        begin >> Label(country) >> group
