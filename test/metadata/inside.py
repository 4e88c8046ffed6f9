"""Runs in a real Airflow's Python, started by test/dags/airflow_worker.py as if it were a DAG file: calls one function, writes its answer.

The order's conf is {call, arguments, answer}: the name of a function of `CALLS`, what it gets, and the file that receives its JSON.
"""

import json
import os

#: Of the account that asks Airflow's REST API; made here, in a database that lives for one test.
READER, PASSWORD = "reader", "reads"


def upgrade():
    """Airflow's own command on the database that the environment names."""
    from airflow.cli import cli_parser

    arguments = cli_parser.get_parser().parse_args(["db", "migrate"])
    arguments.func(arguments)


def read_objects(xcoms, variables, connections):
    """[value or the error's class] of XComs by (dag_id, task_id, run_id, map_index, key), variables by key, connections by id."""
    from airflow.models import Connection, Variable, XCom

    def xcom(dag_id, task_id, run_id, map_index, key):
        return XCom.get_one(dag_id=dag_id, task_id=task_id, run_id=run_id, map_index=map_index, key=key)

    def connection(conn_id):
        found = Connection.get_connection_from_secrets(conn_id)
        names = ("conn_type", "host", "schema", "login", "port", "description")
        return {"password": found.get_password(), "extra": found.get_extra(), **{name: getattr(found, name) for name in names}}

    return {
        "xcoms": [tried(xcom, *key) for key in xcoms],
        "variables": [tried(Variable.get, key) for key in variables],
        "connections": [tried(connection, conn_id) for conn_id in connections],
    }


def tried(function, *arguments):
    try:
        return function(*arguments)
    except Exception as error:
        return "raises " + type(error).__name__


def pages(dag_id, tasks, requests):
    """[(status, JSON)] of GET and POST requests [(path, body or None)] to the real web application, once the DAG is put there."""
    put_dag(dag_id, tasks)
    os.environ["AIRFLOW__API__AUTH_BACKENDS"] = "airflow.api.auth.backend.basic_auth,airflow.api.auth.backend.session"
    from airflow.www.app import create_app

    app = create_app(testing=True)
    app.config["WTF_CSRF_ENABLED"] = False
    app.config["PROPAGATE_EXCEPTIONS"] = app.testing = False  # a page that fails is an answer
    manager = app.appbuilder.sm
    if not manager.find_user(READER):
        manager.add_user(READER, READER, READER, READER + "@example.com", manager.find_role("Admin"), PASSWORD)
    client = app.test_client()
    client.post("/login/", data={"username": READER, "password": PASSWORD})
    answers = []
    for path, body in requests:
        answer = client.get(path, auth=(READER, PASSWORD)) if body is None else client.post(path, json=body, auth=(READER, PASSWORD))
        answers.append([answer.status_code, answer.get_json(silent=True)])
    return answers


def put_dag(dag_id, tasks):
    """As if the DAG file had been parsed."""
    dag = make_dag(dag_id, tasks)
    from airflow.models.serialized_dag import SerializedDagModel

    dag.sync_to_db()
    SerializedDagModel.write_dag(dag)


def make_dag(dag_id, tasks):
    import datetime

    from airflow import DAG
    from airflow.operators.empty import EmptyOperator

    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    dag = DAG(dag_id=dag_id, start_date=start, schedule="@daily", catchup=False)
    for task_id in tasks:
        EmptyOperator(task_id=task_id, dag=dag)
    return dag


def write_beside(dag_id, tasks):
    """A new run, its task instances and an XCom for each, by Airflow's own code; the run's id and what the XComs say when read again."""
    from airflow.models import XCom
    from airflow.utils import timezone
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunType

    put_dag(dag_id, tasks)
    dag, moment = make_dag(dag_id, tasks), timezone.utcnow()
    with create_session() as session:
        run = dag.create_dagrun(
            run_type=DagRunType.MANUAL,
            execution_date=moment,
            data_interval=(moment, moment),
            state=DagRunState.SUCCESS,
            external_trigger=True,
            session=session,
        )
        run_id = run.run_id
    for task_id in tasks:
        XCom.set(key="return_value", value={"new": task_id}, task_id=task_id, dag_id=dag_id, run_id=run_id)
    found = [XCom.get_one(dag_id=dag_id, task_id=task_id, run_id=run_id, key="return_value") for task_id in tasks]
    return {"run_id": run_id, "found": found}


CALLS = {function.__name__: function for function in (upgrade, read_objects, pages, write_beside)}


class dag:
    """What the worker asks a DAG file for."""

    @classmethod
    def get_task(cls, _task_id):
        return cls

    @staticmethod
    def python_callable(dag_run):
        answer = CALLS[dag_run.conf["call"]](**dag_run.conf["arguments"])
        with open(dag_run.conf["answer"], "w") as file:
            json.dump(answer, file, default=str)
