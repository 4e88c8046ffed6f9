"""deactivate: no run goes on by itself afterwards, none is lost between both sides, and events that came go back to the source."""

import datetime
import time

import pytest
from conftest import TARGET
from switching import Switching, iso, now

A, B = "s3://bucket/a", "s3://bucket/b"
DAY = datetime.timedelta(days=1)
FILES = """
a, b = Dataset("s3://bucket/a"), Dataset("s3://bucket/b")
with DAG("works", schedule="@daily", start_date=START, catchup=True) as works:
    task("first") >> task("second") >> task("third")
with DAG("theirs", schedule="@daily", start_date=START, catchup=True) as theirs:
    task("first")
for name in ("consumer", "also", "ran"):
    with DAG(name, schedule=[a, b] if name == "also" else [a], start_date=START) as globals()[name]:
        task("only")
"""
ROWS = "SELECT run_id, state FROM dag_run WHERE dag_id = 'works' ORDER BY execution_date"
TASKS = "SELECT run_id, task_id, state FROM task_instance WHERE dag_id = 'works' ORDER BY run_id, task_id"


@pytest.fixture
def switching(world, migration):
    made = Switching(world, TARGET, migration.bucket)
    made.add_file("files", FILES)
    made.airflow("dags", "reserialize")
    yield made
    made.close()


def midnight(days=0):
    return now().replace(hour=0, minute=0, second=0, microsecond=0) + days * DAY


def activated(switching):
    """A parked run, that went on; begun.json is there."""
    switching.sql("UPDATE dag SET is_paused = true")
    parked = switching.park("works", midnight(-4), tasks={"first": "success", "second": None, "third": None}, interval=DAY)
    switching.parse()
    switching.want("works", "consumer", "also", "ran")
    assert switching.activate()["left"] == []
    return parked


def made(switching, days, dag_id="works", **tasks):
    """A run of the target's own scheduler."""
    run_id = switching.add_run(dag_id, midnight(days), state="running", interval=DAY, queued_at=now())
    switching.add_tasks(dag_id, run_id, **tasks)
    switching.sql("UPDATE task_instance SET start_date = NULL WHERE dag_id = %s AND run_id = %s", (dag_id, run_id))
    switching.sql("UPDATE task_instance SET start_date = now() WHERE dag_id = %s AND run_id = %s AND state <> 'queued'", (dag_id, run_id))
    return run_id


def began(switching, run_id, **tasks):
    switching.sql("UPDATE dag_run SET state = 'running', start_date = now() WHERE run_id = %s", (run_id,))
    for task_id, state in tasks.items():
        switching.sql(
            "UPDATE task_instance SET state = %s, start_date = now() WHERE run_id = %s AND task_id = %s", (state, run_id, task_id)
        )


def brief(runs):
    return [(run["runId"], run["kind"], run["state"], run["tasksEnded"], run.get("cut", False)) for run in runs]


@pytest.mark.parametrize("is_killed", [pytest.param(False, marks=pytest.mark.slow), True])
def test_what_was_cut_is_recorded_as_it_was_and_does_not_go_on_at_a_second_cutover(switching, is_killed):
    parked = activated(switching)
    began(switching, parked, second="success", third="up_for_retry")
    own = made(switching, -3, first="success", second="upstream_failed", third=None)
    done = made(switching, -2, first="success")
    switching.sql("UPDATE dag_run SET state = 'success' WHERE run_id = %s", (done,))
    told = [(parked, "resumed", "running", 1, True), (own, "new", "running", 2, True), (done, "new", "success", 1, False)]
    if is_killed:
        switching.put_export()
        switching.migration.kill_at("deactivate", "recorded 3 runs")
        assert switching.sql(ROWS) == [(parked, "running"), (own, "running"), (done, "success")]
    for _ in range(2):
        found, runs = switching.deactivate()
        assert brief(runs) == told and found["runs"] == 3
        # What ended before the snapshot is the source's, which knows it. The last comes first: so a person goes through them.
        assert [(task["taskId"], task["mapIndex"], task["state"]) for task in runs[0]["tasks"]] == [
            ("third", -1, "up_for_retry"),
            ("second", -1, "success"),
        ]
        assert "tasks" not in runs[1]
        assert switching.sql(ROWS) == [(parked, "failed"), (own, "failed"), (done, "success")]
    assert {row[2] for row in switching.sql(TASKS)} == {"success", "failed", "upstream_failed"}
    before = switching.sql("SELECT xmin::text, * FROM dag_run")
    switching.migration.attempt, switching.snapshot, switching.parked = 2, now(), []
    switching.parse()
    switching.want("works")
    assert "works" in switching.activate()["activated"]
    assert switching.sql("SELECT xmin::text, * FROM dag_run") == before


def test_a_task_that_still_runs_keeps_its_run(switching):
    parked = activated(switching)
    began(switching, parked, second="running")
    switching.migration.drain["taskMinutes"] = 0
    found, runs = switching.deactivate()
    assert found["stillRunning"] == 1 and brief(runs) == [(parked, "resumed", "running", 0, False)]
    assert switching.sql(ROWS) == [(parked, "running")]
    began(switching, parked, second="success")
    found, runs = switching.deactivate()
    assert found["stillRunning"] == 0 and brief(runs) == [(parked, "resumed", "running", 1, True)]
    assert switching.sql(ROWS) == [(parked, "failed")]


@pytest.mark.parametrize("is_killed", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_run_that_waits_before_one_that_began_is_told_and_never_lost(switching, is_killed):
    parked = activated(switching)
    began(switching, parked, second="success", third="success")
    waits = [made(switching, days, first=None) for days in (-3, -2)]
    began_too = made(switching, -1, first="success")
    newest = made(switching, 0, first=None)
    if is_killed:
        switching.put_export()
        switching.migration.kill_at("deactivate", "deleted 3 runs")
        assert switching.sql(ROWS) == [(parked, "running"), (began_too, "running")]
        assert writes(switching) == 1  # of all that goes, before the first of it does
    for _ in range(2):
        _, runs = switching.deactivate()
        assert [(run["runId"], run["kind"]) for run in runs] == [
            (parked, "resumed"),
            *[(run_id, "unbegun") for run_id in waits],
            (began_too, "new"),
        ]
        assert (runs[1]["state"], runs[1]["logicalDate"], runs[1]["intervalEnd"]) == ("running", iso(midnight(-3)), iso(midnight(-2)))
        # The newest goes without a word: the source makes it behind the other's stand-in.
        assert switching.sql(ROWS) == [(parked, "failed"), (began_too, "failed")] and newest not in str(runs)


def writes(switching):
    key = switching.migration.prefix + "deactivate/ran.json"
    return len(switching.world.s3.list_object_versions(Bucket=switching.migration.bucket, Prefix=key)["Versions"])


@pytest.mark.parametrize("is_killed", [pytest.param(False, marks=pytest.mark.slow), True])
def test_what_only_looked_begun_at_a_first_try_is_not_told_by_the_next(switching, is_killed):
    parked = activated(switching)
    began(switching, parked, second="queued")
    switching.sql("UPDATE task_instance SET start_date = NULL WHERE run_id = %s AND task_id = 'second'", (parked,))
    older, newer = made(switching, -3, first=None), made(switching, -2, first="queued")
    switching.migration.drain["taskMinutes"] = 0
    found, runs = switching.deactivate()
    assert found["stillRunning"] == 2
    assert [(run["runId"], run["kind"]) for run in runs] == [(parked, "resumed"), (older, "unbegun"), (newer, "new")]
    # As Airflow does when a task was queued for longer than scheduler.task_queued_timeout.
    switching.sql("UPDATE task_instance SET state = 'scheduled' WHERE state = 'queued'")
    if is_killed:
        switching.put_export()
        switching.migration.kill_at("deactivate", "deleted 1 runs")
    for _ in range(2):
        found, runs = switching.deactivate()
        assert found["stillRunning"] == 0 and [(run["runId"], run["kind"]) for run in runs] == [(older, "unbegun")]
        assert switching.sql(ROWS) == [(parked, "failed")]


def test_what_waits_of_a_dag_that_the_source_had_not_active_stays_the_target_s(switching):
    parked = activated(switching)
    began(switching, parked, second="success", third="success")
    waits = [made(switching, days, "theirs", first=None) for days in (-3, -1)]
    began_too = made(switching, -2, "theirs", first="success")
    goes = made(switching, -1, first=None)
    for _ in range(2):
        _, runs = switching.deactivate()
        assert [(run["dagId"], run["runId"], run["kind"]) for run in runs] == [("theirs", began_too, "new"), ("works", parked, "resumed")]
        assert switching.sql(ROWS.replace("works", "theirs")) == [(waits[0], "running"), (began_too, "failed"), (waits[1], "running")]
        assert (goes,) not in switching.sql("SELECT run_id FROM dag_run WHERE dag_id = 'works'")


def add_event(switching, at, uri=A):
    switching.sql(
        "INSERT INTO dataset_event (dataset_id, extra, timestamp, source_map_index) SELECT id, '{}', %s, -1 FROM dataset WHERE uri = %s",
        (at, uri),
    )


def queue(switching, dag_id, at, uri=A):
    switching.sql(
        "INSERT INTO dataset_dag_run_queue (dataset_id, target_dag_id, created_at) SELECT id, %s, %s FROM dataset WHERE uri = %s",
        (dag_id, at, uri),
    )


def test_events_without_a_run_go_back_to_the_source(switching):
    activated(switching)
    first, second = now() - datetime.timedelta(minutes=5), now() - datetime.timedelta(minutes=4)
    for uri in (A, B):
        add_event(switching, switching.snapshot - DAY, uri)  # the source's, who knows of it
    queue(switching, "also", switching.snapshot - DAY, B)
    add_event(switching, first)
    queue(switching, "also", first)
    # One consumer was given the event and began, the other's run did not.
    for dag_id in ("consumer", "ran"):
        run_id = switching.add_run(dag_id, first, state="running", run_type="dataset_triggered", queued_at=first)
        switching.add_tasks(dag_id, run_id, only=None if dag_id == "consumer" else "success")
        switching.sql("UPDATE task_instance SET start_date = %s WHERE dag_id = 'ran'", (first,))
    told = [{"dagId": "also", "uri": A, "at": iso(first)}, {"dagId": "consumer", "uri": A, "at": iso(first)}]
    for _ in range(2):
        switching.deactivate()
        assert switching.migration.read_json("deactivate/ran.json")["events"] == told
    add_event(switching, second)
    switching.deactivate()
    assert switching.migration.read_json("deactivate/ran.json")["events"] == [
        {"dagId": dag_id, "uri": A, "at": iso(second)} for dag_id in ("also", "consumer", "ran")
    ]


@pytest.mark.slow
def test_a_task_that_a_late_loop_of_the_scheduler_queues_is_seen(switching):
    parked = activated(switching)
    began(switching, parked, second="success")
    switching.migration.constants["POLL_SECONDS = 5"] = "POLL_SECONDS = 1"
    switching.put_export()
    worker, job, _ = switching.migration.start("deactivate")
    switching.wait_for(lambda: all(switching.paused().values()), "the pause")
    time.sleep(3)
    began(switching, parked, third="queued")
    switching.wait_for(lambda: "waiting for 1 running tasks" in switching.migration.log.read_text(), "a look at the late task")
    began(switching, parked, third="success")
    assert worker.wait(job) == 0
    assert brief(switching.migration.read_json("deactivate/ran.json")["runs"]) == [(parked, "resumed", "running", 2, True)]
