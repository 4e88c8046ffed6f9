"""Makes the DAG object in the words of the Airflow that parses the file, 1.10.12 to 2.11."""
import datetime
import inspect

from airflow import DAG
from airflow import __version__ as airflow_version_text

try:
    from airflow.operators.python import PythonOperator
except ImportError:  # 1.10
    from airflow.operators.python_operator import PythonOperator

from _parts.command import run_command

AIRFLOW_VERSION = tuple(int(number) for number in airflow_version_text.split(".")[:2])


def make_dag(rendered, commands):
    """One DAG with one task `run`.

    Whatever an environment's configuration may have changed by default is said here, but for the queue: on MWAA
    `operators.default_queue` names the queue that its workers listen to, and "default" would be heard by nobody.
    """
    def run(**context):
        run_command(rendered, commands, context["dag_run"])

    arguments = {
        "dag_id": rendered["dagId"], "description": "mwaa-migrate, migration {}, attempt {}".format(rendered["migrationId"], rendered["attempt"]),
        "start_date": datetime.datetime(2020, 1, 1), "catchup": False, "max_active_runs": 1, "max_active_tasks": 1, "is_paused_upon_creation": False,
        "dagrun_timeout": None, "on_failure_callback": None, "on_success_callback": None, "sla_miss_callback": None, "default_args": {},
        "tags": ["mwaa-migrate", "attempt-{}".format(rendered["attempt"]), "job-{}".format(rendered["job"]["sha256"][:12])],
        "schedule": None, "schedule_interval": None,
    }
    known = inspect.signature(DAG.__init__).parameters
    if "max_active_tasks" not in known:
        arguments["concurrency"] = 1  # its name below 2.2, where a started run is at once running: our commands follow each other all the same
    if "schedule" in known:
        del arguments["schedule_interval"]  # 2.4 to 2.11 warn about the old word
    dag = DAG(**{name: value for name, value in arguments.items() if name in known})
    more = {"provide_context": True} if AIRFLOW_VERSION < (2, 0) else {}
    PythonOperator(
        task_id="run", python_callable=run, dag=dag, owner="mwaa-migrate", retries=0, retry_delay=datetime.timedelta(minutes=5), execution_timeout=None,
        pool="default_pool", pool_slots=1, depends_on_past=False, wait_for_downstream=False, priority_weight=1000, weight_rule="absolute",
        trigger_rule="all_success", email=None, email_on_failure=False, email_on_retry=False, do_xcom_push=False, sla=None,
        on_failure_callback=None, on_success_callback=None, on_retry_callback=None, **more)
    return dag
