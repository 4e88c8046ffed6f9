"""What rollback carries back: runs that succeeded at the target, events it owes; also to DAGs whose file is gone for a moment."""

import json
import pathlib
import subprocess
import sys

import history
import pytest
from conftest import ROOT, TARGET
from live_airflow import LiveAirflow
from test_orders import connect_by_dataset
from test_parked import add_run_in_flight
from test_restore import AT, add_to_queue, ended_task, paused_at, put, queue, ran, run_on_target, untouched


def serialize(source, dag_id, *tasks):
    source.sql(
        "INSERT INTO serialized_dag (dag_id, fileloc, fileloc_hash, data, last_updated, dag_hash) VALUES (%s, 'x', 1, %s, now(), 'h')",
        (dag_id, json.dumps({"dag": {"tasks": list(tasks)}})),
    )


def tasks_of(source, run_id):
    return source.sql("SELECT task_id, state FROM task_instance WHERE run_id = %s ORDER BY 1", (run_id,))


def test_a_run_that_succeeded_at_the_target_is_success_on_the_source(migration):
    source = migration.source
    history.add_dag(source, "live", paused=True)
    for number in (1, 2):
        add_run_in_flight(source, "live", "r{}".format(number), "running", "2025-02-0{}".format(number))
    source.sql("UPDATE task_instance SET state = NULL, end_date = %s, try_number = 1 WHERE task_id = 'k07'", (AT,))
    put(migration, "drain/ended.json", {"instances": [ended_task("k07", run_id=run) for run in ("r1", "r2")], "runs": []})
    paused_at(migration, "live")
    resumed = [dict(run_on_target("live", day, kind="resumed"), runId="r{}".format(day)) for day in (1, 2)]
    ran(migration, resumed[0], dict(resumed[1], state="failed"))
    finished = source.sql("SELECT task_id, state FROM task_instance WHERE run_id = 'r1' AND task_id < 'k05' ORDER BY 1")
    data = migration.data("restore")
    assert data["succeeded"] == [{"dagId": "live", "runId": "r1"}]
    assert (data["leftFailed"], data["putBack"]) == ([{"dagId": "live", "runId": "r2"}], 0)
    assert source.sql("SELECT run_id, state, end_date IS NOT NULL FROM dag_run ORDER BY 1") == [
        ("r1", "success", True),
        ("r2", "failed", True),
    ]
    # What had ended keeps its state: only what was unfinished here was done there.
    assert tasks_of(source, "r1")[:5] == finished
    assert {state for _, state in tasks_of(source, "r1")[5:]} == {"success"}
    notes = source.sql("SELECT r.run_id, n.content FROM dag_run_note n JOIN dag_run r ON r.id = n.dag_run_id ORDER BY 1")
    assert [run_id for run_id, _ in notes] == ["r1", "r2"] and "succeeded there" in notes[0][1]
    before = untouched(source)
    again = migration.data("restore")
    assert [again[name] for name in ("succeeded", "leftFailed", "putBack")] == [
        data[name] for name in ("succeeded", "leftFailed", "putBack")
    ]
    assert untouched(source) == before


@pytest.mark.parametrize("downstream", ["downstream_task_ids", "_downstream_task_ids"])
def test_a_task_that_waits_for_downstream_finds_it_in_the_stand_in(migration, downstream):
    source = migration.source
    history.add_dag(source, "daily", paused=True)
    serialize(
        source,
        "daily",
        {"task_id": "load", "depends_on_past": True, "wait_for_downstream": True, downstream: ["check", "tell"]},
        {"task_id": "part", "partial_kwargs": {"depends_on_past": True, "wait_for_downstream": True}, downstream: ["sum"]},
        *({"task_id": task_id} for task_id in ("check", "tell", "sum", "free")),
    )
    paused_at(migration, "daily")
    made = run_on_target("daily", 1)
    ran(migration, made)
    migration.data("restore")
    assert tasks_of(source, made["runId"]) == [(task, "success") for task in ("check", "load", "part", "sum", "tell")]


DAG_FILE = """
import datetime
from airflow import DAG
from airflow.operators.empty import EmptyOperator
with DAG("daily", schedule="@daily", start_date=datetime.datetime(2026, 1, 1), catchup=True):
    EmptyOperator(task_id="t1", depends_on_past=True)
"""


def test_a_dag_whose_file_is_gone_for_a_moment_is_put_back_and_wakes_by_itself(migration, world):
    source = migration.source
    live = LiveAirflow(world, source, DAG_FILE)
    live.env["AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION"] = "True"
    assert live.run("dags", "reserialize").returncode == 0
    history.add_runs(source, "daily", 1, first="2026-01-31")
    # As Airflow leaves a DAG of a file that it does not find, or cannot parse in time.
    source.sql("UPDATE dag SET is_active = false")
    source.sql("DELETE FROM serialized_dag")
    add_run_in_flight(source, "daily", "r1", "running")
    source.sql("UPDATE task_instance SET state = NULL, end_date = %s WHERE task_id = 'k07'", (AT,))
    put(migration, "drain/ended.json", {"instances": [dict(ended_task("k07"), dagId="daily")], "runs": []})
    paused_at(migration, "daily", "deleted")
    made = run_on_target("daily", 1)
    ran(migration, made)
    data = migration.data("restore")
    assert (data["activated"], data["missing"], data["putBack"]) == (["daily"], ["daily", "deleted"], 1)
    assert source.one("SELECT end_date IS NULL FROM task_instance WHERE task_id = 'k07'")
    # Airflow has forgotten what the DAG looks like; its newest run has not.
    assert tasks_of(source, made["runId"]) == [("t1", "success"), ("t2", "success")]
    before = untouched(source)
    assert migration.data("restore")["missing"] == ["daily", "deleted"]
    assert untouched(source) == before
    assert live.run("dags", "reserialize").returncode == 0
    assert source.sql("SELECT is_active, is_paused, next_dagrun::date::text FROM dag WHERE dag_id = 'daily'") == [
        (True, False, "2026-02-02")
    ]
    assert migration.data("restore")["missing"] == ["deleted"]


def event(dag_id, uri, at="2026-02-03T00:05:00.123456Z"):
    return {"dagId": dag_id, "uri": uri, "at": at}


@pytest.fixture
def consumers(migration):
    source = migration.source
    for dag_id in ("producer", "waits", "ran_since", "asleep", "gone"):
        history.add_dag(source, dag_id, paused=True, next_dagrun=None)
    for consumer, uri in (("waits", "s3://Bucket/key/"), ("ran_since", "s3://b"), ("asleep", "s3://c"), ("gone", "s3://d")):
        connect_by_dataset(source, "producer", consumer, uri)
    source.sql("UPDATE dag SET is_active = false WHERE dag_id = 'gone'")
    connect_by_dataset(source, "producer", "waits", "s3://queued")
    add_to_queue(source, "waits", "s3://queued", AT)
    history.add_runs(source, "ran_since", 1, run_type="dataset_triggered", first="2026-02-04 00:00+00")
    paused_at(migration, "waits", "ran_since", "gone")
    return source


def test_an_event_that_the_target_owes_is_queued_for_the_consumer(migration, consumers):
    ran(
        migration,
        events=[
            event("waits", "s3://Bucket/key"),  # as 2.9 and newer write it
            event("waits", "s3://queued"),  # Airflow keeps the older too
            event("waits", "s3://unknown"),
            event("ran_since", "s3://b/"),
            event("asleep", "s3://c/"),
            event("gone", "s3://d/"),
        ],
    )
    data = migration.data("restore")
    assert (data["queuedEvents"], data["unknownEvents"]) == (2, ["waits"])
    assert queue(consumers) == [
        ("gone", "s3://d", "2026-02-03 00:05:00.123456+00"),
        ("waits", "s3://Bucket/key/", "2026-02-03 00:05:00.123456+00"),
        ("waits", "s3://queued", "2026-02-01 00:00:00+00"),
    ]
    consumers.sql("DELETE FROM dataset_dag_run_queue")  # the scheduler has made the run
    assert migration.data("restore")["queuedEvents"] == 0
    assert queue(consumers) == []


def test_an_event_up_to_a_run_that_the_target_made_is_not_owed(migration, consumers):
    made = dict(run_on_target("waits", 3, run_type="dataset_triggered"), logicalDate="2026-02-03T00:05:00.123456Z")
    ran(migration, made, events=[event("waits", "s3://Bucket/key"), event("gone", "s3://d/")])
    assert migration.data("restore")["queuedEvents"] == 1
    assert [row[0] for row in queue(consumers)] == ["gone"]


URIS = (
    "s3://Bucket/key/ s3://a s3://a/b/#f https://user:pass@h/a?b=1&a=2 HTTPS://h/a/?a=2&b=1 file:///x/y/ /x/y name x-mine://a/ "
    "postgres://h/d/s/t postgresql://h:5432/d/s/t postgres://h/d//t postgres://h:5433/d/s/t/"
).split()


def test_every_spelling_of_a_uri_means_what_the_target_makes_of_it(world):
    """The target's Airflow itself says how it writes each."""
    text = "from airflow.datasets import Dataset; print('|'.join(Dataset(uri).uri for uri in sys.argv[1:]))"
    found = subprocess.run(
        [world.pythons[TARGET], "-c", "import sys; " + text, *URIS],
        capture_output=True,
        text=True,
        env={"AIRFLOW_HOME": str(world.folder / TARGET), "PATH": "/usr/bin:/bin", "PYTHONWARNINGS": "ignore"},
    )
    there = found.stdout.strip().splitlines()[-1].split("|")
    ours = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from _parts.events_back import normal_uri as n; print('|'.join(repr(n(u)) for u in sys.argv[1:]))",
            *URIS,
            *there,
        ],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(pathlib.Path(ROOT) / "src/dags"), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    values = ours.stdout.strip().split("|")
    assert values[: len(URIS)] == values[len(URIS) :], found.stderr
    assert len(set(there)) == len(set(values)) < len(URIS)
