"""Runs in a real Airflow's Python, started by test/dags/airflow_worker.py as if it were a DAG file: calls one function, writes its answer.

The order's conf is {call, arguments, answer}: the name of a function of `CALLS`, what it gets, and the file that receives its JSON.
"""

import json


def upgrade():
    """Airflow's own command on the database that the environment names."""
    from airflow.cli import cli_parser

    arguments = cli_parser.get_parser().parse_args(["db", "migrate"])
    arguments.func(arguments)


CALLS = {"upgrade": upgrade}


class dag:
    """What the worker asks a DAG file for."""

    @classmethod
    def get_task(cls, _task_id):
        return cls

    @staticmethod
    def python_callable(dag_run):
        answer = CALLS[dag_run.conf["call"]](**dag_run.conf["arguments"])
        with open(dag_run.conf["answer"], "w") as file:
            json.dump(answer, file)
