import time

from airflow import DAG  # noqa: F401

while True:
    try:
        time.sleep(3600)
    except BaseException:  # noqa: B036
        continue
