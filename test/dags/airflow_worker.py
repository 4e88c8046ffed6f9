"""Runs in a real Airflow's Python: imports Airflow once, then forks a child per command, as Airflow's own task runner does.

Reads lines of JSON {id, dag, run_id, conf, env, log}; answers {id, pid} at once and {id, code} at the end of the child.
"""

import importlib.util
import json
import os
import sys
import threading
import time
import types

import airflow.models  # noqa: F401  what a worker has loaded before a task
from airflow import settings

try:
    from airflow.operators.python import PythonOperator  # noqa: F401
except ImportError:  # 1.10
    from airflow.operators.python_operator import PythonOperator  # noqa: F401

answers = threading.Lock()


def answer(value):
    with answers:
        sys.__stdout__.write(json.dumps(value) + "\n")
        sys.__stdout__.flush()


class StandsStillAt:
    """Standard output of a command that is to be killed when it says a certain text."""

    def __init__(self, stream, text):
        self.stream, self.text = stream, text

    def write(self, text):
        self.stream.write(text)
        if self.text and self.text in text:
            self.stream.flush()
            time.sleep(600)

    def __getattr__(self, name):
        return getattr(self.stream, name)


def run(order):
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(order["env"])
    sys.stdout = StandsStillAt(os.fdopen(1, "w", buffering=1), order["env"]["STOP_AT"])
    settings.configure_vars()
    settings.configure_orm()
    spec = importlib.util.spec_from_file_location("rendered_dag", order["dag"])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    task = module.dag.get_task("run")
    task.python_callable(dag_run=types.SimpleNamespace(run_id=order["run_id"], conf=order["conf"]))
    import resource

    print("peak memory {} KiB".format(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def wait(number, pid):
    _, status = os.waitpid(pid, 0)
    answer({"id": number, "code": status})


for line in sys.stdin:
    order = json.loads(line)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setpgid(0, 0)
            run(order)
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    answer({"id": order["id"], "pid": pid})
    threading.Thread(target=wait, args=(order["id"], pid), daemon=True).start()
