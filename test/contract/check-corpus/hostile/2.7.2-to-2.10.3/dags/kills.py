"""Ends the process that watches over it, and that one's whole group."""

import os
import signal
import time

from airflow import DAG  # noqa: F401
from talk import dag_named

parent = os.getppid()
for signal_number in (signal.SIGTERM, signal.SIGKILL):
    try:
        os.kill(parent, signal_number)
        os.killpg(os.getpgid(parent), signal_number)
    except OSError:
        pass
time.sleep(0.5)
dag = dag_named("killed_its_parent")
