"""The drain's deadline under a real scheduler: what runs is ended, stays so, and runs once more after restore, tries unchanged."""

import json
import time

import conftest
import pytest
from live_airflow import LiveAirflow, is_alive

#: Minutes of a real scheduler: `npm run test:slow`.
pytestmark = pytest.mark.slow

HEAD = """
import datetime, os, time
from airflow import DAG
from airflow.models.baseoperator import BaseOperator
from airflow.operators.python import PythonOperator
from airflow.sensors.python import PythonSensor
from airflow.triggers.file import FileTrigger

def line(text):
    with open(LINES, "a") as file:
        file.write("{}|{}\\n".format(text, os.getpid()))

def wait_for_go():
    for _ in range(3000):
        if os.path.exists(GO):
            return
        time.sleep(0.1)

def work(name):
    line(name + " begins")
    wait_for_go()
    line(name + " ends")

def dag(dag_id, **options):
    return DAG(dag_id, start_date=datetime.datetime(2026, 1, 1), **dict({"schedule": "@once", "catchup": True}, **options))
"""

DAGS = (
    HEAD
    + """
def stubborn():
    line("stubborn begins")
    try:
        wait_for_go()
    except BaseException as error:
        raise ValueError("an error of its own")
    line("stubborn ends")

def fails_once(ti):
    line("fails_once begins")
    if not os.path.exists(GO):
        raise ValueError("the first try")

def part(number):
    line("part {} begins".format(number))
    if number > 1:
        wait_for_go()
    line("part {} ends".format(number))

class Waits(BaseOperator):
    def execute(self, context):
        line("waits begins")
        self.defer(trigger=FileTrigger(LINES + ".fire"), method_name="done")

    def done(self, context, event=None):
        line("waits ends")

two = {"retries": 2, "retry_delay": datetime.timedelta(seconds=5)}
with dag("cut"):
    before = PythonOperator(task_id="before", python_callable=line, op_args=["before"])
    cut = PythonOperator(task_id="cut", python_callable=work, op_args=["cut"], **two)
    after = PythonOperator(task_id="after", python_callable=line, op_args=["after"])
    before >> cut >> after
with dag("stubborn"):
    PythonOperator(task_id="stubborn", python_callable=stubborn, **two)
with dag("stubborn_last"):
    PythonOperator(task_id="stubborn", python_callable=stubborn, retries=0)
with dag("retry"):
    PythonOperator(task_id="fails_once", python_callable=fails_once, retries=1, retry_delay=datetime.timedelta(hours=1))
with dag("sensor"):
    PythonSensor(task_id="sensor", python_callable=lambda: os.path.exists(GO), mode="reschedule", poke_interval=60, retries=1)
with dag("deferred"):
    Waits(task_id="waits")
with dag("mapped"):
    PythonOperator.partial(task_id="part", python_callable=part, **two).expand(op_args=[[0], [1], [2], [3]])
with dag("queued"):
    PythonOperator(task_id="queued", python_callable=line, op_args=["queued"], pool="closed")
with dag("rests", schedule=None):
    PythonOperator(task_id="rests", python_callable=line, op_args=["rests"])
"""
)

IN_FLIGHT = {
    "cut/before": "success",
    "cut/cut": "running",
    "cut/after": None,
    "stubborn/stubborn": "running",
    "stubborn_last/stubborn": "running",
    "retry/fails_once": "up_for_retry",
    "sensor/sensor": "up_for_reschedule",
    "deferred/waits": "deferred",
    "mapped/part[0]": "success",
    "mapped/part[1]": "success",
    "mapped/part[2]": "running",
    "mapped/part[3]": "running",
}
ENDED = ["cut/cut", "mapped/part[2]", "mapped/part[3]", "stubborn/stubborn", "stubborn_last/stubborn"]


def tries(live):
    return {
        "{}/{}".format(dag, task): (tries, most)
        for dag, task, tries, most in live.environment.sql(
            "SELECT dag_id, task_id, try_number, max_tries FROM task_instance WHERE map_index <> 2"
        )
    }


@pytest.mark.parametrize("version", [conftest.SOURCE, conftest.TARGET])
def test_what_runs_at_the_deadline_is_ended_and_runs_once_more_after_restore(world, migration, version):
    source = migration.source = migration.source if version == conftest.SOURCE else conftest.Environment(world, version)
    source.sql("INSERT INTO slot_pool (pool, slots, include_deferred) VALUES ('closed', 0, false)")
    with LiveAirflow(world, source, DAGS) as live:
        live.wait_for(lambda: {name: live.states().get(name, "missing") for name in IN_FLIGHT} == IN_FLIGHT, "not all in flight")
        live.wait_for(lambda: live.states().get("queued/queued") == "scheduled", "not scheduled")
        # As if a worker had not taken it up yet.
        source.sql(
            "UPDATE task_instance SET state = 'queued', queued_by_job_id = (SELECT max(id) FROM job WHERE job_type = 'SchedulerJob'), "
            "queued_dttm = now() WHERE dag_id = 'queued'"
        )
        before = tries(live)
        migration.drain.update(timeoutMinutes=0.01, taskMinutes=0.01)
        migration.constants["LOOP_SECONDS = 30"] = "LOOP_SECONDS = 5"
        drained = migration.data("drain")
        pids = live.pids()
        assert [pid for pid in pids if is_alive(pid)] == []
        assert drained["paused"] == sorted({name.split("/")[0] for name in IN_FLIGHT} | {"queued", "rests"})
        assert drained["ended"] == len(ENDED)
        fates = {run["dagId"]: (run["fate"], run["ended"], run["deferred"]) for run in drained["leftover"]}
        assert fates == {
            "cut": ("resume", 1, []),
            "stubborn": ("resume", 1, []),
            "stubborn_last": ("resume", 1, []),
            "retry": ("resume", 0, []),
            "sensor": ("resume", 0, []),
            "deferred": ("deferred", 0, ["waits"]),
            "mapped": ("resume", 2, []),
            "queued": ("resume", 0, []),
        }
        (live.home / "lines.txt.fire").write_text("")
        live.wait_for(lambda: live.states()["deferred/waits"] == "scheduled", "its trigger has not fired")
        # Longer than heartbeats, the retry delay, scheduler loops, and (once) its look at the runs of paused DAGs every minute.
        time.sleep(75 if version == conftest.TARGET else 10)
        assert live.states() == dict(IN_FLIGHT, **dict.fromkeys(ENDED), **dict.fromkeys(["queued/queued", "deferred/waits"], "scheduled"))
        assert live.pids() == pids
        assert dict(source.sql("SELECT dag_id, state FROM dag_run")) == {dag: "running" for dag in fates}
        migration.attempt, migration.earlier_attempts = 2, [1]
        again = migration.data("drain")
        assert (again["paused"], again["ended"]) == (drained["paused"], drained["ended"])
        assert {run["dagId"]: (run["fate"], run["ended"], run["deferred"]) for run in again["leftover"]} == fates
        manifest = migration.export()
        listed = {run["dagId"]: run["unfinished"] for run in manifest["inFlight"]}
        assert (listed["cut"], listed["mapped"], listed["deferred"]) == ({"running": 1, "none": 1}, {"running": 2}, {"scheduled": 1})
        migration.active_dags = [{"dagId": dag_id} for dag_id in drained["paused"]]

        live.go.write_text("")
        source.sql("UPDATE task_instance SET end_date = end_date - interval '2 hours' WHERE dag_id = 'retry'")  # its delay is over
        source.sql("UPDATE slot_pool SET slots = 4 WHERE pool = 'closed'")
        restored = migration.data("restore")
        assert (restored["activated"], restored["missing"], restored["putBack"]) == (drained["paused"], [], drained["ended"])
        live.wait_for(lambda: set(source.sql("SELECT state FROM dag_run")) == {("success",)}, "not all runs have succeeded")
        assert live.counted() == {
            "before": 1,
            "cut begins": 2,
            "cut ends": 1,
            "after": 1,
            "stubborn begins": 4,
            "stubborn ends": 2,
            "fails_once begins": 2,
            "waits begins": 1,
            "waits ends": 1,
            "queued": 1,
            "part 0 begins": 1,
            "part 0 ends": 1,
            "part 1 begins": 1,
            "part 1 ends": 1,
            "part 2 begins": 2,
            "part 2 ends": 1,
            "part 3 begins": 2,
            "part 3 ends": 1,
        }
        after = tries(live)
        assert {name: number for name, (number, _) in after.items()} == {name: 2 if name == "retry/fails_once" else 1 for name in after}
        assert {name: most for name, (_, most) in after.items()} == {name: before[name][1] for name in after}
        state, again = live.states(), migration.data("restore")
        assert (again["activated"], again["putBack"], live.states()) == ([], drained["ended"], state)
        assert live.complaints() == []
    assert json.loads(migration.read("in-flight.json"))["attempt"] == 2


BACKFILLED = (
    HEAD
    + """
with dag("filled", schedule="@daily", catchup=False, is_paused_upon_creation=True, max_active_runs=1):
    PythonOperator(task_id="filled", python_callable=work, op_args=["filled"], retries=2)
"""
)


@pytest.mark.parametrize("version", [conftest.SOURCE, conftest.TARGET])
def test_a_backfill_is_ended_with_its_process_and_named(world, migration, version):
    source = migration.source = migration.source if version == conftest.SOURCE else conftest.Environment(world, version)
    with LiveAirflow(world, source, BACKFILLED) as live:
        live.wait_for(lambda: source.sql("SELECT dag_id FROM dag") == [("filled",)], "not parsed")
        backfill = live.start("dags", "backfill", "filled", "-s", "2026-01-02", "-e", "2026-01-03")
        live.wait_for(lambda: "filled begins" in live.counted(), "has not begun")
        migration.drain.update(timeoutMinutes=0.01, taskMinutes=0.01)
        migration.constants["LOOP_SECONDS = 30"] = "LOOP_SECONDS = 5"
        drained = migration.data("drain")
        assert [pid for pid in live.pids() if is_alive(pid)] == []
        backfill.wait(60)
        assert {run["fate"] for run in drained["leftover"]} == {"backfill"}
        assert [run["ended"] for run in drained["leftover"]] == [1] * drained["ended"]
        assert set(live.states().values()) == {None}
        assert set(live.counted()) == {"filled begins"}
        assert set(source.sql("SELECT run_type, state FROM dag_run")) == {("backfill", "running")}


NARROW = """
from airflow.executors.local_executor import LocalExecutor

class NarrowExecutor(LocalExecutor):
    \"\"\"One worker with a queue before it, as Celery's when all its slots are taken.\"\"\"

    def __init__(self):
        super().__init__(parallelism=1)

    def start(self):
        super().start()
        self.parallelism = 16
"""

IN_A_QUEUE = (
    HEAD
    + """
def sensed():
    line("sensed")
    return os.path.exists(GO + ".sensor")

class Fires(BaseOperator):
    def execute(self, context):
        line("fires begins")
        self.defer(trigger=FileTrigger(LINES + ".fire"), method_name="done")

    def done(self, context, event=None):
        line("fires ends")

def fails_once(ti):
    line("retried begins")
    if ti.try_number == 1:
        raise ValueError("the first try")

once = {"retries": 1, "retry_delay": datetime.timedelta(seconds=1)}
with dag("before"):
    PythonSensor(task_id="sensed", python_callable=sensed, mode="reschedule", poke_interval=4, **once)
with dag("fired"):
    Fires(task_id="fires", **once)
with dag("long", schedule=None):
    PythonOperator(task_id="long", python_callable=work, op_args=["long"], **once)
with dag("short", schedule=None):
    PythonOperator(task_id="short", python_callable=line, op_args=["short"], **once)
with dag("retried", schedule=None):
    PythonOperator(task_id="retried", python_callable=fails_once, **once)
"""
)
QUEUED = ["before/sensed", "fired/fires", "retried/retried", "short/short"]


@pytest.mark.parametrize("version", [conftest.SOURCE, conftest.TARGET])
def test_what_lies_in_the_executors_queue_starts_only_after_restore(world, migration, version):
    source = migration.source = migration.source if version == conftest.SOURCE else conftest.Environment(world, version)
    with LiveAirflow(world, source, IN_A_QUEUE, {"AIRFLOW__CORE__EXECUTOR": "narrow.NarrowExecutor"}, {"narrow.py": NARROW}) as live:
        live.wait_for(lambda: live.counted().get("fires begins") and live.counted().get("sensed"), "not begun")
        assert live.run("dags", "trigger", "long").returncode == 0
        live.wait_for(lambda: "long begins" in live.counted(), "the long one has not begun")
        for dag_id in ("short", "retried"):
            assert live.run("dags", "trigger", dag_id).returncode == 0
        (live.home / "lines.txt.fire").write_text("")
        live.wait_for(lambda: [live.states().get(name) for name in QUEUED] == ["queued"] * 4, "not all queued behind it")
        before, lines = tries(live), live.counted()
        migration.drain.update(timeoutMinutes=0.01, taskMinutes=0.01)
        migration.constants["LOOP_SECONDS = 30"] = "LOOP_SECONDS = 5"
        drained = migration.data("drain")
        assert drained["ended"] == 1
        assert {run["dagId"]: (run["unfinished"], run["deferred"]) for run in drained["leftover"]} == {
            "long": ({"running": 1}, []),
            "before": ({"scheduled": 1}, []),
            "fired": ({"scheduled": 1}, ["fires"]),
            "retried": ({"scheduled": 1}, []),
            "short": ({"scheduled": 1}, []),
        }
        # The worker is free now, and takes up one message after the other.
        live.wait_for(
            lambda: all("'Task Instance State' FAILED" in live.task_logs(name.split("/")[0]) for name in QUEUED), "messages are left"
        )
        time.sleep(5)
        assert live.counted() == lines
        assert live.states() == dict({name: "scheduled" for name in QUEUED}, **{"long/long": None})
        assert {name: number for name, number in tries(live).items() if name in QUEUED} == {name: before[name] for name in QUEUED}

        live.go.write_text("")
        (live.home / "go.sensor").write_text("")
        migration.active_dags = [{"dagId": dag_id} for dag_id in drained["paused"]]
        assert migration.data("restore")["putBack"] == 1
        live.wait_for(lambda: set(source.sql("SELECT state FROM dag_run")) == {("success",)}, "not all runs have succeeded")
        assert live.counted() == {
            "sensed": lines["sensed"] + 1,
            "fires begins": 1,
            "fires ends": 1,
            "long begins": 2,
            "long ends": 1,
            "short": 1,
            "retried begins": 2,
        }
        assert {name: number for name, (number, _) in tries(live).items()} == dict(
            dict.fromkeys(QUEUED + ["long/long"], 1), **{"retried/retried": 2}
        )
        assert live.complaints() == [] and "killed externally" not in live.tail() and "state mismatch" not in live.tail()
