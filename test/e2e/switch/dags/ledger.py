"""What every task of these workflows did, in one file that both sides (and the clone) write; and the gates that tasks wait for."""
import json
import os
import time

from switch_world import FOLDER

SIDE = os.environ["AIRFLOW_ENV_NAME"]


def note(ti, event, **more):
    """One line, one write: lines of several processes do not mix in a file opened for appending."""
    where = {"side": SIDE, "dag": ti.dag_id, "run": ti.run_id, "task": ti.task_id, "map": ti.map_index}
    line = json.dumps(dict(more, tries=ti.try_number, event=event, **where)) + "\n"
    descriptor = os.open(os.path.join(FOLDER, "ledger.jsonl"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def is_open(gate):
    return os.path.exists(os.path.join(FOLDER, "open-" + gate))


def work(ti, gate=None, failing_tries=(), told=None):
    """A task's work: waits for its gate, fails in the tries that are to fail, and tells the ledger of all of it.

    :param dict told: what else the ledger is to hold of its success.
    """
    note(ti, "begin")
    while gate and not is_open(gate):
        time.sleep(0.2)
    is_broken = os.path.exists(os.path.join(FOLDER, "broken-{}-{}".format(SIDE, ti.dag_id)))
    if is_broken or ti.try_number in failing_tries:
        note(ti, "fail")
        raise ValueError("this try is to fail")
    note(ti, "ok", **(told or {}))
