"""A task that submits an external job and leaves the waiting to the triggerer."""
import pendulum
from airflow import DAG
from airflow.models.baseoperator import BaseOperator
from gate_trigger import GateTrigger
from ledger import note


class SubmitAndWait(BaseOperator):
    def execute(self, context):
        note(context["ti"], "begin")
        self.defer(trigger=GateTrigger("deferred"), method_name="done")

    def done(self, context, event=None):
        note(context["ti"], "ok")


with DAG(dag_id="deferred_work", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False):
    SubmitAndWait(task_id="submit")
