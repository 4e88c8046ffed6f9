"""More DAGs than anybody wants to read of."""

from airflow import DAG  # noqa: F401
from talk import dag_named

for number in range(6000):
    globals()[f"dag_{number}"] = dag_named(f"many_{number}")
