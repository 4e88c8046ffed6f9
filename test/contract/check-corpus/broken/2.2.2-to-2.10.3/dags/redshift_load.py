"""Loads the day's files into Redshift, in place of what is there."""

from datetime import datetime

from airflow import DAG
from airflow.providers.amazon.aws.transfers.s3_to_redshift import S3ToRedshiftOperator

COPY = {"schema": "sales", "s3_bucket": "landing", "copy_options": ["csv"]}
COPY["truncate_table"] = True

with DAG("redshift_load", start_date=datetime(2024, 1, 1), schedule_interval="@daily") as dag:
    for table in ("orders", "customers"):
        S3ToRedshiftOperator(task_id=table, table=table, s3_key=table + ".csv", **COPY)
