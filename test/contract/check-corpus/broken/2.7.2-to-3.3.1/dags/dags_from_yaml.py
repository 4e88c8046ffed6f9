"""The DAGs that the analysts describe in YAML."""

from datetime import datetime
from pathlib import Path

import yaml
from airflow import DAG
from airflow.operators.bash import BashOperator

for dag_id, described in yaml.safe_load(Path(__file__).with_name("analysts.yaml").read_text()).items():
    with DAG(dag_id, start_date=datetime(2024, 1, 1), **described["dag"]) as dag:
        for task_id, command in described["tasks"].items():
            BashOperator(task_id=task_id, bash_command=command)
    globals()[dag_id] = dag
