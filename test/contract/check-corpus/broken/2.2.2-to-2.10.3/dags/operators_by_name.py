"""Starts and ends a cluster; the operators' modules are named in a table."""

from datetime import datetime
from importlib import import_module

from airflow import DAG

STEPS = {"start": ("emr_create_job_flow", "EmrCreateJobFlowOperator"), "end": ("emr_terminate_job_flow", "EmrTerminateJobFlowOperator")}


def operator(step):
    module, name = STEPS[step]
    return getattr(import_module("airflow.providers.amazon.aws.operators." + module), name)


with DAG("operators_by_name", start_date=datetime(2024, 1, 1), schedule_interval="@daily") as dag:
    start = operator("start")(task_id="start", job_flow_overrides={"Name": "nightly"})
    start >> operator("end")(task_id="end", job_flow_id="{{ ti.xcom_pull('start') }}")
