"""A task that its executor has taken and that has not begun, as a message in Celery's queue: until its gate opens, it loads this file."""
import time

import pendulum
from airflow import DAG
from airflow.operators.python import PythonOperator
from ledger import is_open, work
from setproctitle import getproctitle

TITLE = getproctitle()
#: The process of LocalExecutor that is to run the task; it loads the file first, and only then says that the task runs.
IS_WORKER = TITLE.startswith("airflow task supervisor") and "'only_queued'" in TITLE

while IS_WORKER and not is_open("queued"):
    time.sleep(0.2)

with DAG(dag_id="only_queued", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False):
    PythonOperator(task_id="go", python_callable=work)
