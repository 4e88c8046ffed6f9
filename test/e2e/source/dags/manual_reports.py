"""Started by hand, with a configuration; makes XComs of many kinds, and rendered fields with hostile text."""
from datetime import timedelta

import pendulum
from airflow.decorators import dag, task
from airflow.operators.bash import BashOperator
from airflow.operators.python import PythonOperator
from hostile import HOSTILE


@dag(schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False, tags=["manual", "größe"])
def manual_reports():
    @task(multiple_outputs=True)
    def many_kinds(ti=None, dag_run=None):
        kinds = {
            "text": "plain", "empty": "", "hostile": HOSTILE, "whole": 42, "fraction": 0.1, "truth": True, "nothing": None,
            "list": [1, "two", [3.0, None]], "nested": {"a": {"ключ": ["ü", {"b": []}]}}, "not_a_number": float("nan"),
            "moment": pendulum.datetime(2026, 1, 2, 3, 4, 5, tz="Europe/Berlin"), "large": "x" * 100_000, "conf": dag_run.conf,
            'key "with"\r\n\\N': "hostile key",
        }
        for key, value in kinds.items():
            ti.xcom_push(key=key, value=value)
        return {"kinds": len(kinds), "run": dag_run.run_id}

    def look(text, items):
        return len(text) + len(items)

    hostile_fields = PythonOperator(
        task_id="hostile_fields", python_callable=look, execution_timeout=timedelta(minutes=5),
        op_kwargs={"text": HOSTILE + " {{ dag_run.conf }}", "items": ["", "\u0000", HOSTILE]})
    many_kinds() >> hostile_fields >> BashOperator(task_id="shell", bash_command="cat <<'END'\n{{ run_id }}\n" + "\\N\n\\.\nEND")


manual_reports()
