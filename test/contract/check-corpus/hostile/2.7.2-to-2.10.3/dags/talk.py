"""What all these files have in common: a way to say something by a DAG id, for the report shows those."""

import re
from datetime import datetime

from airflow import DAG


def dag_named(text, **more):
    """A DAG with that id, whatever Airflow thinks of its characters."""
    dag = DAG("named", start_date=datetime(2024, 1, 1), schedule=None, **more)
    dag._dag_id = text
    return dag


def letters(text):
    return re.sub(r"[^A-Za-z0-9_.-]", "_", str(text))[:200]
