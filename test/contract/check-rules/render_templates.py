"""Render templates on Airflow 3 with the context that a task gets there, in a run with a logical date and in one without.

Reads {"templates": [...], "functions": ["lambda context: ..."]} on stdin, prints {"dated": {text: result}, "undated": {...},
"called": {...}}; a result that begins with "!" is what went wrong.
"""

import datetime
import json
import os
import sys
import tempfile
import uuid

ANSWER = sys.stdout
sys.stdout = sys.stderr
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp()

from airflow.providers.standard.operators.empty import EmptyOperator  # noqa: E402
from airflow.sdk import DAG  # noqa: E402
from airflow.sdk.api.datamodels._generated import DagRun, TIRunContext  # noqa: E402
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance  # noqa: E402

NOW = datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc)
with DAG("tried", schedule=None, start_date=NOW):
    TASK = EmptyOperator(task_id="tried")


def context(date):
    run = DagRun.model_construct(
        dag_id="tried", run_id="r", logical_date=date, data_interval_start=date, data_interval_end=date, run_after=NOW, start_date=NOW,
        end_date=None, clear_number=0, run_type="scheduled", state="running", conf={}, consumed_asset_events=[], partition_key=None,
        partition_date=None,
    )
    server = TIRunContext.model_construct(dag_run=run, max_tries=1, task_reschedule_count=0, variables=[], connections=[])
    ti = RuntimeTaskInstance.model_construct(
        id=uuid.uuid4(), task=TASK, task_id="tried", dag_id="tried", run_id="r", try_number=1, map_index=-1, start_date=NOW,
        _ti_context_from_server=server,
    )
    return ti.get_template_context()


def attempt(function, *given):
    try:
        return str(function(*given))
    except Exception as error:
        return f"!{type(error).__name__}: {error}"


QUESTION = json.load(sys.stdin)
DATED, UNDATED = context(NOW), context(None)
json.dump({
    "dated": {text: attempt(TASK.render_template, text, DATED) for text in QUESTION["templates"]},
    "undated": {text: attempt(TASK.render_template, text, UNDATED) for text in QUESTION["templates"]},
    "called": {text: attempt(eval(text), DATED) for text in QUESTION["functions"]},
}, ANSWER)
