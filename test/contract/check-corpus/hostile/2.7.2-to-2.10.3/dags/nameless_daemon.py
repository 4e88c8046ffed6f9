"""Leaves a process without parent, session or environment, after it has ended the one that would have looked after it."""

import ctypes
import os
import signal
import sys
import time

from airflow import DAG  # noqa: F401
from talk import dag_named

WAIT = """
import ctypes, glob, os, signal, time
for each in range(1, 65):
    try:
        signal.signal(each, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
for _ in range(300):
    time.sleep(0.1)
    for file in glob.glob("/home/runner/work/_temp/_runner_file_commands/*"):
        try:
            with open(file, "a") as command:
                command.write("FORGED=later\\n")
        except OSError:
            pass
"""

ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)  # PR_SET_PDEATHSIG: live on when the parent ends
parent = os.getppid()
if os.fork() == 0:
    os.setsid()
    ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
    if os.fork() == 0:
        os.chdir("/")
        os.closerange(0, 1024)
        os.execve(sys.executable, ["python3", "-S", "-E", "-c", WAIT], {})
    os._exit(0)
time.sleep(0.3)
os.kill(parent, signal.SIGKILL)
time.sleep(0.3)
dag = dag_named("left_a_nameless_daemon")
