"""Forks until it is stopped, or to a number that a machine without limits survives."""

import os
import time

from airflow import DAG  # noqa: F401

for _ in range(150):
    try:
        if os.fork() == 0:
            os.setsid()
            time.sleep(120)
            os._exit(0)
    except OSError:
        break
time.sleep(120)
