"""A name of ten megabytes."""

from airflow import DAG  # noqa: F401
from talk import dag_named

dag = dag_named("much " * 2_000_000)
