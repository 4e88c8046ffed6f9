"""deactivate: what the target ran is told, what it only queued goes back, and the source is told of nothing that it has to run itself."""

import datetime

import pytest
from conftest import TARGET
from switching import Switching, iso, now

DAY = datetime.timedelta(days=1)
FILES = """
import time

def slow(**context):
    line(**context)
    time.sleep(8)

with DAG("works", schedule="@daily", start_date=START, catchup=True) as works:
    task("first") >> task("second", slow) >> task("third")
with DAG("waits", schedule="@daily", start_date=START, catchup=True) as waits:
    task("first", pool="none") >> task("second")
"""


@pytest.fixture
def switching(world, migration):
    made = Switching(world, TARGET, migration.bucket)
    yield made
    made.close()


def midnight(days=0):
    return now().replace(hour=0, minute=0, second=0, microsecond=0) + days * DAY


def prepare(switching):
    switching.add_file("files", FILES)
    switching.sql("INSERT INTO slot_pool (pool, slots, include_deferred) VALUES ('none', 0, false)")
    switching.airflow("dags", "reserialize")
    switching.sql("UPDATE dag SET is_paused = true")
    made = {}
    for dag_id in ("works", "waits"):
        switching.add_run(dag_id, midnight(-3), interval=DAY)
        made[dag_id] = switching.park(dag_id, midnight(-2), tasks={"first": None if dag_id == "waits" else "success"}, interval=DAY)
    switching.sql("UPDATE task_instance SET pool = 'none' WHERE dag_id = 'waits'")
    switching.parse()
    switching.want("works", "waits")
    return made


RUN = "SELECT dag_id, run_id, state, queued_at, start_date, end_date, clear_number FROM dag_run WHERE dag_id = 'waits' ORDER BY 2"


@pytest.mark.slow
def test_what_began_is_told_and_what_was_only_queued_goes_back(switching):
    parked = prepare(switching)
    before = switching.sql(RUN)
    with switching.scheduler():
        assert sorted(switching.activate()["activated"]) == ["waits", "works"]
        switching.wait_for(lambda: len([line for line in switching.lines() if "second" in line]) == 2, "both runs at their slow task")
        switching.wait_for(lambda: [run[2] for run in switching.runs("waits")] == ["success", "running", "running"], "runs without a slot")
        found, runs = switching.deactivate()
        assert found["paused"] == ["waits", "works"] and found["stillRunning"] == 0
        # A paused DAG does not go on: the slow tasks have ended, the third ones never begin.
        assert switching.one("SELECT count(*) FROM task_instance WHERE state IN ('running', 'queued')") == 0
    assert set(switching.paused().values()) == {True}
    made = "scheduled__" + midnight(-1).isoformat()
    assert [(run["dagId"], run["runId"], run["kind"], run["tasksEnded"]) for run in runs] == [
        ("works", parked["works"], "resumed", 1),
        ("works", made, "new", 2),
    ]
    assert runs[1]["runType"] == "scheduled" and runs[1]["state"] == "running"
    assert [runs[1][name] for name in ("logicalDate", "intervalStart", "intervalEnd")] == [
        iso(midnight(-1)),
        iso(midnight(-1)),
        iso(midnight()),
    ]
    assert found["runs"] == 2 and found["ran"]["key"].endswith("deactivate/ran.json")
    # As the import wrote them: a further attempt finds its own rows, and the run that was made but not begun is the source's again.
    assert switching.sql(RUN) == before
    assert switching.sql("SELECT DISTINCT state FROM task_instance WHERE dag_id = 'waits'") == [(None,)]
    assert switching.one("SELECT next_dagrun FROM dag WHERE dag_id = 'waits'") is None
    again, same = switching.deactivate()
    assert (again["paused"], same) == (["waits", "works"], runs) and switching.sql(RUN) == before


def test_before_any_activation_it_pauses_and_tells_nothing(switching):
    prepare(switching)
    switching.sql("UPDATE dag SET is_paused = false WHERE dag_id = 'works'")
    found, runs = switching.deactivate()
    assert found == {"paused": ["works"], "stillRunning": 0, "busy": [], "ran": None, "runs": 0} and runs is None
    switching.migration.world.s3.delete_object(Bucket=switching.migration.bucket, Key=switching.migration.prefix + "export/manifest.json")
    # What it paused itself is told by every try.
    assert switching.migration.data("deactivate") == {"paused": ["works"], "stillRunning": 0, "busy": [], "ran": None, "runs": 0}


@pytest.mark.slow
def test_a_cleared_parked_run_goes_back_and_somebodys_own_run_is_told(switching):
    parked = prepare(switching)
    switching.sql("UPDATE dag_run SET state = 'queued', queued_at = now() WHERE run_id = %s AND dag_id = 'works'", (parked["works"],))
    switching.sql(
        "INSERT INTO dag_run (dag_id, execution_date, run_id, run_type, state, queued_at) "
        "VALUES ('works', now(), 'by hand', 'manual', 'queued', now())"
    )
    found, runs = switching.deactivate()
    assert [(run["runId"], run["kind"], run["runType"]) for run in runs] == [("by hand", "new", "manual")]
    assert switching.one("SELECT state FROM dag_run WHERE run_id = %s AND dag_id = 'works'", (parked["works"],)) == "failed"
    assert found["runs"] == 1


def test_a_task_that_does_not_end_is_named(switching):
    parked = prepare(switching)
    switching.add_tasks("works", parked["works"], second="running")
    switching.sql("UPDATE dag_run SET state = 'running', queued_at = now() WHERE run_id = %s AND dag_id = 'works'", (parked["works"],))
    since = now() - datetime.timedelta(minutes=5)
    switching.sql("UPDATE task_instance SET start_date = %s WHERE dag_id = 'works' AND state = 'running'", (since,))
    switching.migration.drain["taskMinutes"] = 0
    found, runs = switching.deactivate()
    assert found["stillRunning"] == 1 and [(run["runId"], run["kind"], run["state"]) for run in runs] == [
        (parked["works"], "resumed", "running")
    ]
    assert found["busy"] == [{"dagId": "works", "runId": parked["works"], "taskId": "second", "mapIndex": -1, "since": iso(since)}]
