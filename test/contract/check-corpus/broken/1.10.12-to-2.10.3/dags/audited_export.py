"""Exports orders and leaves a line in the audit log."""

from datetime import datetime

from airflow import DAG
from airflow.operators.audit_plugin import AuditOperator

dag = DAG("audited_export", start_date=datetime(2024, 1, 1), schedule_interval="@daily")
AuditOperator(task_id="audit", message="orders exported", dag=dag)
