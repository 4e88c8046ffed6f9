"""The way back: the source goes on as it was, once, and runs nothing that the target ran."""

import hashlib
import json
import pickle

import history
import pytest
from test_orders import connect_by_dataset
from test_parked import add_run_in_flight

AT = "2026-02-01T00:00:00+00:00"


def put(migration, name, value):
    """An object below the attempt's prefix and its reference."""
    body = json.dumps(value).encode()
    answer = migration.world.s3.put_object(Bucket=migration.bucket, Key=migration.prefix + name, Body=body)
    sha256 = hashlib.sha256(body).hexdigest()
    return {"key": migration.prefix + name, "versionId": answer["VersionId"], "sha256": sha256, "bytes": len(body)}


def ran(migration, *runs, **more):
    migration.ran = put(migration, "deactivate/ran.json", dict({"runs": list(runs)}, **more))


def run_on_target(dag_id, day, kind="new", run_type="scheduled", state="success"):
    date = "2026-02-{:02}T00:00:00Z".format(day)
    return {
        "dagId": dag_id,
        "runId": "{}__{}".format(run_type, date),
        "kind": kind,
        "runType": run_type,
        "state": state,
        "logicalDate": date,
        "intervalStart": date,
        "intervalEnd": "2026-02-{:02}T00:00:00Z".format(day + 1),
        "tasksEnded": 1,
    }


def paused_at(migration, *dag_ids):
    """As a drain leaves it that has paused these DAGs."""
    put(migration, "drain/active.json", {"dagIds": sorted(dag_ids), "pausedAt": dict.fromkeys(dag_ids, AT)})
    migration.active_dags = [{"dagId": dag_id} for dag_id in dag_ids]


def ended_task(task_id, state="running", tries=2, has_trigger=False, run_id="r1"):
    return {
        "dagId": "live",
        "runId": run_id,
        "taskId": task_id,
        "mapIndex": -1,
        "state": state,
        "tryNumber": tries,
        "endedAt": AT,
        "hasTrigger": has_trigger,
    }


def untouched(source):
    """What a second restore must not change."""
    return source.dump(("dag", "dag_run", "task_instance", "dataset_dag_run_queue"))


def test_what_the_target_ran_stands_on_the_source_and_is_not_run_again(migration):
    source = migration.source
    history.add_dag(source, "daily", paused=True)
    history.add_runs(source, "daily", 2, first="2026-01-31")
    history.add_dag(source, "other", paused=True)
    source.sql(
        "INSERT INTO serialized_dag (dag_id, fileloc, fileloc_hash, data, last_updated, dag_hash) VALUES ('daily', 'x', 1, %s, now(), 'h')",
        (
            json.dumps(
                {
                    "dag": {
                        "tasks": [
                            {"task_id": "free"},
                            {"task_id": "past", "depends_on_past": True},
                            {"__type": "operator", "__var": {"task_id": "wrapped", "depends_on_past": True}},
                            {"task_id": "mapped", "partial_kwargs": {"depends_on_past": True}},
                        ]
                    }
                }
            ),
        ),
    )
    paused_at(migration, "daily", "other")
    ran(
        migration,
        run_on_target("daily", 1),
        run_on_target("daily", 2),
        run_on_target("daily", 3, state="running"),
        run_on_target("daily", 4, run_type="manual"),
    )
    data = migration.data("restore")
    made = ["scheduled__2026-02-02T00:00:00Z", "scheduled__2026-02-03T00:00:00Z"]
    assert data["standIns"] == [{"dagId": "daily", "runId": run_id} for run_id in made]
    assert (data["activated"], data["leftFailed"], data["putBack"]) == (["daily", "other"], [], 0)
    rows = source.sql(
        "SELECT run_id, state, run_type, data_interval_start::date::text, data_interval_end::date::text, external_trigger, "
        "log_template_id = (SELECT max(id) FROM log_template), conf FROM dag_run WHERE run_id = ANY(%s) ORDER BY 1",
        (made,),
    )
    assert [row[:-1] for row in rows] == [
        (made[0], "success", "scheduled", "2026-02-02", "2026-02-03", False, True),
        (made[1], "failed", "scheduled", "2026-02-03", "2026-02-04", False, True),
    ]
    assert "target" in pickle.loads(rows[0][-1])["mwaa-migrate"]
    # Without a row of the run before, a task with depends_on_past would wait for ever; behind a failed run it has to.
    assert source.sql("SELECT task_id, run_id, state FROM task_instance WHERE run_id = ANY(%s) ORDER BY 1, 2", (made,)) == [
        (task, made[0], "success") for task in ("mapped", "past", "wrapped")
    ]
    # One of them exists under another id already: it is left.
    assert source.one("SELECT count(*) FROM dag_run WHERE execution_date = '2026-02-01'") == 1
    assert source.sql("SELECT dag_id, is_paused, next_dagrun IS NULL FROM dag ORDER BY 1") == [
        ("daily", False, True),
        ("other", False, False),
    ]
    source.sql("UPDATE dag SET next_dagrun = '2026-02-04' WHERE dag_id = 'daily'")
    before = untouched(source)
    assert migration.data("restore")["standIns"] == data["standIns"]
    assert untouched(source) == before


def test_a_dag_of_the_target_alone_leaves_nothing_on_the_source(migration):
    history.add_dag(migration.source, "daily", paused=True)
    paused_at(migration, "daily")
    ran(migration, run_on_target("daily", 1), run_on_target("theirs", 1))
    data = migration.data("restore")
    assert data["standIns"] == [{"dagId": "daily", "runId": "scheduled__2026-02-01T00:00:00Z"}]
    assert migration.source.sql("SELECT dag_id FROM dag_run") == [("daily",)]


@pytest.mark.parametrize("resume_deferred", [False, True])
def test_a_run_that_went_on_at_the_target_stays_failed_and_the_others_go_on(migration, resume_deferred):
    source = migration.source
    history.add_dag(source, "live", paused=True)
    for number in (1, 2, 3):
        add_run_in_flight(source, "live", "r{}".format(number), "running", "2025-02-0{}".format(number))
    source.sql("UPDATE task_instance SET next_method = NULL WHERE task_id <> 'k06'")
    # As the drain leaves what it has ended.
    source.sql("UPDATE task_instance SET state = NULL, end_date = %s, try_number = 1 WHERE task_id IN ('k06', 'k07', 'k08')", (AT,))
    tasks = [ended_task(task, run_id=run, has_trigger=run == "r3") for run in ("r1", "r2", "r3") for task in ("k06", "k07")]
    put(migration, "drain/ended.json", {"instances": tasks, "runs": []})
    paused_at(migration, "live")
    migration.drain["resumeDeferred"] = resume_deferred
    ran(migration, dict(run_on_target("live", 1, kind="resumed", state="running"), runId="r1"))
    data = migration.data("restore")
    left = [{"dagId": "live", "runId": run} for run in (["r1"] if resume_deferred else ["r1", "r3"])]
    assert (data["leftFailed"], data["putBack"]) == (left, 4 if resume_deferred else 3)
    assert source.sql("SELECT run_id, state FROM dag_run ORDER BY 1") == [("r1", "failed"), ("r2", "running"), ("r3", "running")]
    assert (
        source.one("SELECT count(*) FROM task_instance WHERE run_id = 'r1' AND state IS DISTINCT FROM 'failed'") == 4
    )  # the finished ones
    assert (
        source.sql("SELECT state, end_date, try_number FROM task_instance WHERE run_id = 'r2' AND task_id IN ('k06', 'k07')")
        == [(None, None, 1)] * 2
    )
    # One that had come back from its trigger: k06 still knows what it waited for, k07 would begin anew.
    k07 = "failed" if not resume_deferred else None
    assert source.sql("SELECT task_id, state FROM task_instance WHERE run_id = 'r3' AND task_id IN ('k06', 'k07') ORDER BY 1") == [
        ("k06", None),
        ("k07", k07),
    ]
    # Both run again and one fails by itself: that is nobody's business but its own.
    source.sql("UPDATE task_instance SET state = 'failed', end_date = now(), try_number = 2 WHERE run_id = 'r2' AND task_id = 'k06'")
    before = untouched(source)
    again = migration.data("restore")
    assert (again["leftFailed"], again["putBack"], again["activated"]) == (left, data["putBack"], [])
    assert untouched(source) == before


def add_event(source, uri, at):
    source.sql("INSERT INTO dataset_event (dataset_id, extra, timestamp) SELECT id, '{}', %s FROM dataset WHERE uri = %s", (at, uri))


def add_to_queue(source, consumer, uri, at):
    source.sql(
        "INSERT INTO dataset_dag_run_queue (dataset_id, target_dag_id, created_at) SELECT id, %s, %s FROM dataset WHERE uri = %s",
        (consumer, at, uri),
    )


def queue(source):
    return source.sql(
        "SELECT q.target_dag_id, d.uri, q.created_at::text FROM dataset_dag_run_queue q JOIN dataset d ON d.id = q.dataset_id ORDER BY 1, 2"
    )


@pytest.fixture
def datasets(migration):
    """`both` waits for a and b: a was seen before the pause, b came during it. `had_it` has run for b since; `asleep` is not ours."""
    source = migration.source
    for dag_id in ("a_producer", "both", "had_it", "asleep"):
        history.add_dag(source, dag_id, paused=True, next_dagrun=None)
    connect_by_dataset(source, "a_producer", "both", "s3://a")
    connect_by_dataset(source, "a_producer", "both", "s3://b")
    for dag_id in ("had_it", "asleep"):
        source.sql(
            "INSERT INTO dag_schedule_dataset_reference (dataset_id, dag_id, created_at, updated_at) "
            "SELECT id, %s, now(), now() FROM dataset "
            "WHERE uri = 's3://b'",
            (dag_id,),
        )
    add_event(source, "s3://a", "2026-01-31 23:00+00")
    add_to_queue(source, "both", "s3://a", "2026-01-31 23:00+00")
    add_event(source, "s3://b", "2026-01-20 00:00+00")  # before the pause: Airflow's own business
    add_event(source, "s3://b", "2026-01-31 23:59:30+00")
    add_event(source, "s3://b", "2026-02-01 00:05:00.123456+00")
    history.add_runs(source, "had_it", 1, run_type="dataset_triggered", first="2026-02-01 00:05:01+00")
    paused_at(migration, "a_producer", "both", "had_it")
    return source


def test_an_event_that_came_during_the_pause_reaches_its_consumer(migration, datasets):
    migration.export()
    schedules = migration.read_json("schedules.json")
    assert schedules["owedEvents"] == [{"dagId": "both", "uri": "s3://b", "at": "2026-02-01T00:05:00.123456Z"}]
    assert schedules["pausedAt"] == dict.fromkeys(["a_producer", "both", "had_it"], AT)
    assert migration.data("restore")["activated"] == ["a_producer", "both", "had_it"]
    assert queue(datasets) == [("both", "s3://a", "2026-01-31 23:00:00+00"), ("both", "s3://b", "2026-02-01 00:05:00.123456+00")]
    datasets.sql("DELETE FROM dataset_dag_run_queue")  # the scheduler has made the run
    migration.data("restore")
    assert queue(datasets) == []


def test_an_event_that_the_target_made_a_run_of_is_not_used_again(migration, datasets):
    made = dict(run_on_target("both", 1, run_type="dataset_triggered"), logicalDate="2026-02-01T00:05:00.123456Z")
    ran(migration, dict(made, logicalDate="2026-02-01T00:05:00Z", runId="x"), made)
    data = migration.data("restore")
    assert (queue(datasets), data["standIns"]) == ([], [])


def test_a_consumer_is_unpaused_before_its_producers(migration, datasets):
    datasets.sql("CREATE TABLE seen (dag_id text, at serial)")
    datasets.sql(
        "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO seen (dag_id) VALUES (NEW.dag_id); RETURN NEW; END$$"
    )
    datasets.sql("CREATE TRIGGER see AFTER UPDATE OF is_paused ON dag FOR EACH ROW EXECUTE FUNCTION see()")
    migration.data("restore")
    assert [row[0] for row in datasets.sql("SELECT dag_id FROM seen ORDER BY at")] == ["both", "had_it", "a_producer"]
