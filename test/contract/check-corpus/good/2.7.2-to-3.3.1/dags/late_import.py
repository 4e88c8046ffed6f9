"""What a task imports is the worker's affair, and guarded."""

from datetime import datetime
from importlib import import_module

try:
    from airflow.sdk import dag, task
except ImportError:
    from airflow.decorators import dag, task

json_module = import_module("json")


@task
def fetch():
    try:
        from airflow.providers.common.sql.hooks.sql import DbApiHook as hook
    except ImportError:
        from airflow.hooks.dbapi import DbApiHook as hook
    return json_module.dumps({"hook": hook.__name__})


@dag(schedule="@once", start_date=datetime(2024, 1, 1), catchup=False)
def late_import():
    fetch()


late_import()
