"""Says much while it is parsed, none of which is an error."""

import logging
import sys
import warnings
from datetime import datetime

from airflow import DAG
from conventions import OWNERS, dag_name

try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:
    from airflow.operators.bash import BashOperator

print("Traceback (most recent call last): this is only a text")
print("ERROR: so is this", file=sys.stderr)
logging.getLogger("airflow.task").error("Broken DAG: no, it is not")
warnings.warn("the stock's API will change next year", UserWarning, stacklevel=1)

with DAG(dag_name("noisy", "settings"), start_date=datetime(2024, 1, 1), schedule="@daily", catchup=False):
    BashOperator(task_id="stock", bash_command="true", owner=OWNERS["stock"])
