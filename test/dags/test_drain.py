"""What the drain remembers, says and ends; without a scheduler, so that every moment is exact."""

import time

import history
import pytest
from test_orders import connect_by_dataset, wait_until


def add_run(source, dag_id, run_id="m", state="running"):
    source.sql(
        "INSERT INTO dag_run (dag_id, execution_date, run_id, run_type, state, start_date, last_scheduling_decision) "
        "VALUES (%s, '2026-02-02', %s, 'manual', %s, '2026-02-02', now())",
        (dag_id, run_id, state),
    )


def add_task(source, dag_id, task_id, state, job_state=None, age="0 s", run_id="m"):
    """With a job of that state whose heartbeat is that old, if any."""
    job = job_state and source.one(
        "INSERT INTO job (job_type, state, latest_heartbeat) VALUES ('LocalTaskJob', %s, now() - %s::interval) RETURNING id",
        (job_state, age),
    )
    source.sql(
        "INSERT INTO task_instance (dag_id, task_id, run_id, map_index, pool, pool_slots, state, try_number, max_tries, job_id, "
        "start_date) "
        "VALUES (%s, %s, %s, -1, 'default_pool', 1, %s, 2, 3, %s, '2026-02-02')",
        (dag_id, task_id, run_id, state, job),
    )


def soon(migration, **order):
    migration.drain.update(timeoutMinutes=0.01, taskMinutes=0.01, **order)
    migration.constants["LOOP_SECONDS = 30"] = "LOOP_SECONDS = 1"


def said(migration):
    return (migration.read_json("drain/progress.json") or {}).get("message", "")


def test_a_second_try_knows_what_the_first_paused_and_when(migration):
    source = migration.source
    for dag_id in ("rests", "works", "woken"):
        history.add_dag(source, dag_id)
    add_run(source, "works")
    add_task(source, "works", "t", "running")
    migration.kill_at("drain", "2 of 3 DAGs are paused; in flight: works / m since 2026-02-02T00:00:00")
    first = migration.read_json("drain/active.json")
    assert (first["dagIds"], sorted(first["pausedAt"])) == (["rests", "woken", "works"], ["rests", "woken"])
    source.sql("UPDATE dag SET is_paused = false WHERE dag_id = 'woken'")
    soon(migration)
    assert migration.data("drain")["paused"] == ["rests", "woken", "works"]
    second = migration.read_json("drain/active.json")["pausedAt"]
    assert second["rests"] == first["pausedAt"]["rests"] and second["woken"] > first["pausedAt"]["woken"] and "works" in second


def test_a_consumer_rests_after_its_producer(migration):
    source = migration.source
    for dag_id in ("consumer", "producer"):
        history.add_dag(source, dag_id)
    connect_by_dataset(source, "producer", "consumer", "s3://a")
    add_run(source, "producer")
    worker, job, _ = migration.start("drain")
    wait_until(lambda: "producer / m" in said(migration))
    assert source.sql("SELECT DISTINCT is_paused FROM dag") == [(False,)]
    assert migration.read_json("drain/active.json")["pausedAt"] == {}
    source.sql("UPDATE dag_run SET state = 'success'")
    assert worker.wait(job) == 0
    at = migration.read_json("drain/active.json")["pausedAt"]
    assert at["producer"] < at["consumer"]


def test_the_wait_names_what_runs_since_when(migration):
    source = migration.source
    history.add_dag(source, "works")
    add_run(source, "works")
    for number in range(40):
        add_task(source, "works", "task_{:02}".format(number), "running")
    migration.drain["timeoutMinutes"] = 0.01
    worker, job, _ = migration.start("drain")
    wait_until(lambda: "running tasks" in said(migration))
    message = said(migration)
    assert message.startswith("waiting for 40 running tasks: works / m / task_00 since 2026-02-02T00:00:00, works / m / task_01 since")
    assert message.endswith(" more") and len(message) <= 300
    named = message.count("works / m")
    assert int(message.split()[-2]) + named == 40
    source.sql("UPDATE task_instance SET state = 'success'")
    source.sql("UPDATE dag_run SET state = 'success'")
    assert worker.wait(job) == 0


def test_a_task_whose_worker_is_lost_is_not_waited_for(migration):
    source = migration.source
    history.add_dag(source, "works", paused=True)
    add_run(source, "works")
    add_run(source, "old", state="failed")
    add_task(source, "works", "lost", "running", "running", "1 hour")
    add_task(source, "works", "crashed", "running", "failed")
    add_task(source, "old", "forgotten", "queued")
    migration.constants["LOOP_SECONDS = 30"] = "LOOP_SECONDS = 1"
    data = migration.data("drain")  # with 30 minutes for tasks
    assert data["ended"] == 2
    assert source.sql("SELECT task_id, state, try_number FROM task_instance ORDER BY 1") == [
        ("crashed", None, 1),
        ("forgotten", "queued", 2),
        ("lost", None, 1),
    ]


def test_the_drain_waits_until_what_it_ends_is_seen_ended(migration):
    source = migration.source
    history.add_dag(source, "works")
    add_run(source, "works")
    for task_id in ("clean", "stubborn", "finishes", "restarting"):
        add_task(source, "works", task_id, "restarting" if task_id == "restarting" else "running", "running")
    add_task(source, "works", "behind", None)
    add_task(source, "works", "failed_before", "upstream_failed")
    soon(migration)
    worker, job, _ = migration.start("drain")
    wait_until(lambda: source.one("SELECT count(*) FROM task_instance WHERE state = 'failed'") == 4)
    recorded = migration.read_json("drain/ended.json")
    assert {one["taskId"]: one["state"] for one in recorded["instances"]} == {
        "clean": "running",
        "stubborn": "running",
        "finishes": "running",
        "restarting": "restarting",
    }
    wait_until(lambda: "have ended" in said(migration))
    # As their processes do it: one's code answers with an error of its own, one succeeds just now; another of the run sees a failed one.
    source.sql("UPDATE task_instance SET state = 'up_for_retry', end_date = now() WHERE task_id = 'stubborn'")
    source.sql("UPDATE task_instance SET state = 'success', end_date = now() WHERE task_id = 'finishes'")
    source.sql("UPDATE task_instance SET state = 'upstream_failed', start_date = now(), end_date = now() WHERE task_id = 'behind'")
    source.sql("UPDATE dag_run SET state = 'failed', end_date = now()")  # a loop of the scheduler that began before the pause
    time.sleep(1)
    assert migration.read("drain/result.json") is None
    source.sql("UPDATE job SET state = 'success'")
    assert worker.wait(job) == 0, migration.log.read_text()
    data = migration.read_json("drain/result.json")["data"]
    assert (data["ended"], data["leftover"][0]["ended"], data["leftover"][0]["unfinished"]) == (
        3,
        3,
        {"running": 2, "restarting": 1, "none": 1},
    )
    assert source.sql("SELECT task_id, state, try_number, max_tries FROM task_instance ORDER BY 1") == [
        ("behind", None, 2, 3),
        ("clean", None, 1, 3),
        ("failed_before", "upstream_failed", 2, 3),
        ("finishes", "success", 2, 3),
        ("restarting", None, 2, 3),
        ("stubborn", None, 1, 3),
    ]
    assert source.sql("SELECT state, last_scheduling_decision FROM dag_run") == [("running", None)]
    # Again: nothing is ended a second time, and the count stays.
    before = source.dump(("task_instance", "dag_run"))
    assert migration.data("drain")["ended"] == 3
    assert source.dump(("task_instance", "dag_run")) == before


def test_a_drain_that_was_killed_while_it_ended_tasks_is_taken_up(migration):
    source = migration.source
    history.add_dag(source, "works")
    add_run(source, "works")
    add_task(source, "works", "t", "running", "running")
    soon(migration)
    migration.kill_at("drain", "waiting until 1 tasks have ended")
    assert source.sql("SELECT state, try_number FROM task_instance") == [("failed", 2)], "the kill came at the wrong time to prove anything"
    source.sql("UPDATE job SET state = 'success'")
    source.sql("UPDATE dag_run SET state = 'failed', end_date = now()")
    migration.attempt, migration.earlier_attempts = 2, [1]
    data = migration.data("drain")
    assert (data["ended"], data["paused"], data["leftover"][0]["unfinished"]) == (1, ["works"], {"running": 1})
    assert source.sql("SELECT state, try_number FROM task_instance") == [(None, 1)]


def test_what_is_only_queued_waits_for_the_scheduler_again(migration):
    source = migration.source
    history.add_dag(source, "works")
    history.add_dag(source, "filled", paused=True)
    for dag_id in ("works", "filled"):
        add_run(source, dag_id)
    source.sql("UPDATE dag_run SET run_type = 'backfill' WHERE dag_id = 'filled'")
    add_task(source, "works", "runs", "running", "running")
    add_task(source, "works", "waits", "queued")
    add_task(source, "works", "begins", "queued")
    add_task(source, "filled", "waits", "queued")
    soon(migration)
    worker, job, _ = migration.start("drain")
    wait_until(lambda: "have ended" in said(migration))
    # A scheduler's loop that began before the pause queues one again, a worker takes up the other's message just then.
    source.sql("UPDATE task_instance SET state = 'queued' WHERE task_id = 'waits' AND dag_id = 'works'")
    source.sql("UPDATE task_instance SET state = 'running', try_number = 3 WHERE task_id = 'begins'")
    wait_until(lambda: source.one("SELECT state FROM task_instance WHERE task_id = 'begins'") == "failed")
    source.sql("UPDATE job SET state = 'success'")
    assert worker.wait(job) == 0, migration.log.read_text()
    data = migration.read_json("drain/result.json")["data"]
    assert data["ended"] == 2
    assert {run["dagId"]: run["unfinished"] for run in data["leftover"]} == {
        "filled": {"scheduled": 1},
        "works": {"running": 2, "scheduled": 1},
    }
    assert [one["taskId"] for one in migration.read_json("drain/ended.json")["instances"]] == ["begins", "runs"]
    assert source.sql("SELECT dag_id, task_id, state, try_number, end_date IS NULL FROM task_instance ORDER BY 1, 2") == [
        ("filled", "waits", "scheduled", 2, True),
        ("works", "begins", None, 2, False),
        ("works", "runs", None, 1, False),
        ("works", "waits", "scheduled", 2, True),
    ]


def test_a_task_that_failed_after_it_was_put_back_keeps_its_try(migration):
    source = migration.source
    history.add_dag(source, "works")
    add_run(source, "works")
    for task_id in ("cut", "cut_again"):
        add_task(source, "works", task_id, "running", "running", "1 hour")
    add_task(source, "works", "behind", None)
    soon(migration)
    assert migration.data("drain")["ended"] == 2
    # Both ran again with the same number; one has failed by itself and made another upstream_failed, the other runs still.
    source.sql("UPDATE dag SET is_paused = false")
    for task_id, state in (("cut", "failed"), ("cut_again", "running")):
        process = source.one("INSERT INTO job (job_type, state, latest_heartbeat) VALUES ('LocalTaskJob', 'failed', now()) RETURNING id")
        source.sql(
            "UPDATE task_instance SET state = %s, try_number = 2, job_id = %s, end_date = CASE WHEN %s = 'failed' THEN now() END "
            "WHERE task_id = %s",
            (state, process, state, task_id),
        )
    source.sql("UPDATE task_instance SET state = 'upstream_failed', end_date = now() WHERE task_id = 'behind'")
    migration.attempt, migration.earlier_attempts = 2, [1]
    assert migration.data("drain")["ended"] == 1
    assert source.sql("SELECT task_id, state, try_number FROM task_instance ORDER BY 1") == [
        ("behind", "upstream_failed", 2),
        ("cut", "failed", 2),
        ("cut_again", None, 1),
    ]


@pytest.mark.parametrize("ended", [False, True])
def test_a_drain_that_was_killed_knows_its_end_by_the_process(migration, ended):
    """Code that answers SIGTERM with an error of its own: its row says nothing of us any more."""
    source = migration.source
    history.add_dag(source, "works")
    add_run(source, "works")
    add_task(source, "works", "stubborn", "running", "running")
    soon(migration)
    migration.kill_at("drain", "waiting until 1 tasks have ended")
    source.sql("UPDATE task_instance SET state = 'up_for_retry', end_date = now()")
    if ended:
        source.sql("UPDATE job SET state = 'success'")
    worker, job, _ = migration.start("drain")
    if not ended:
        wait_until(lambda: "have ended" in said(migration))
        source.sql("UPDATE job SET state = 'success'")
    assert worker.wait(job) == 0, migration.log.read_text()
    assert source.sql("SELECT state, try_number FROM task_instance") == [(None, 1)]


def order_back(migration):
    migration.world.s3.put_object(Bucket=migration.bucket, Key=migration.prefix + "restore/ordered.json", Body=b"{}")


def test_a_drain_stops_where_it_is_once_rollback_is_ordered(migration):
    source = migration.source
    for dag_id in ("rests", "works"):
        history.add_dag(source, dag_id)
    add_run(source, "works")
    add_task(source, "works", "t", "running", "running", "-1 hour")

    def stops_at(message):
        worker, job, _ = migration.start("drain")
        wait_until(lambda: message in said(migration))
        order_back(migration)
        assert worker.wait(job) != 0
        assert migration.read_json("drain/result.json")["error"]["code"] == "ordered-back"
        state = source.sql("SELECT is_paused FROM dag ORDER BY dag_id"), source.sql("SELECT state, try_number FROM task_instance")
        # The one that was queued behind it does nothing at all.
        record = migration.read("drain/active.json")
        assert migration.run("drain")["error"]["code"] == "ordered-back"
        assert migration.read("drain/active.json") == record
        migration.world.s3.delete_object(Bucket=migration.bucket, Key=migration.prefix + "restore/ordered.json")
        return state

    assert stops_at("1 of 2 DAGs are paused") == ([(True,), (False,)], [("running", 2)])
    migration.drain["timeoutMinutes"] = 0.01
    assert stops_at("waiting for 1 running tasks") == ([(True,), (True,)], [("running", 2)])


def test_what_is_being_ended_is_ended_before_rollback_has_its_turn(migration):
    source = migration.source
    history.add_dag(source, "works")
    add_run(source, "works")
    add_task(source, "works", "t", "running", "running", "-1 hour")
    source.sql(
        "INSERT INTO job (job_type, state, dag_id, latest_heartbeat) VALUES ('BackfillJob', 'running', 'x', now() + interval '1 hour')"
    )
    soon(migration)
    worker, job, _ = migration.start("drain")
    wait_until(lambda: "have ended" in said(migration))
    order_back(migration)
    add_task(source, "works", "late", "running", "running", "-1 hour")
    time.sleep(1)
    assert migration.read("drain/result.json") is None
    source.sql("UPDATE job SET state = 'success' WHERE id = (SELECT job_id FROM task_instance WHERE task_id = 't')")
    assert worker.wait(job) != 0
    assert migration.read_json("drain/result.json")["error"]["code"] == "ordered-back"
    assert source.sql("SELECT task_id, state, try_number FROM task_instance ORDER BY 1") == [("late", "running", 2), ("t", None, 1)]
    migration.active_dags = [{"dagId": "works"}]
    restored = migration.data("restore")
    assert (restored["activated"], restored["putBack"], restored["leftFailed"]) == (["works"], 1, [])


def test_nothing_is_exported_while_a_process_does_not_end(migration):
    source = migration.source
    history.add_dag(source, "works")
    add_run(source, "works")
    add_task(source, "works", "t", "running", "running", "-1 hour")
    soon(migration)
    migration.constants["max(END_SECONDS, 3 * zombie_seconds())"] = "2"
    error = migration.run("drain")["error"]
    assert error["code"] == "tasks-not-ended" and "works / m / t" in error["what"]
    source.sql("UPDATE job SET state = 'failed'")
    assert migration.data("drain")["ended"] == 1
    assert source.sql("SELECT state, try_number FROM task_instance") == [(None, 1)]


@pytest.mark.parametrize("leftover", ["resume", "fail"])
def test_what_was_ended_moves_without_state_or_failed(migration, leftover):
    source = migration.source
    history.add_dag(source, "works")
    history.add_dag(migration.target, "works", paused=True)
    add_run(source, "works")
    add_task(source, "works", "cut", "running")
    add_task(source, "works", "failed", "failed")
    add_task(source, "works", "none", None)
    source.sql("UPDATE task_instance SET end_date = '2026-02-03' WHERE task_id <> 'cut'")
    soon(migration, leftover=leftover)
    drained = migration.data("drain")
    assert [(run["fate"], run["ended"], run["unfinished"]) for run in drained["leftover"]] == [
        ("resume" if leftover == "resume" else "left", 1, {"running": 1, "none": 1})
    ]
    migration.export()
    listed = migration.read_json("in-flight.json")["runs"][0]["tasks"]
    assert [(task["taskId"], task["state"], task["tryNumber"]) for task in listed] == [("cut", "running", 2), ("none", None, 2)]
    migration.data("import")
    cut = (None, 1, False) if leftover == "resume" else ("failed", 2, True)
    assert migration.target.sql("SELECT task_id, state, try_number, end_date IS NOT NULL FROM task_instance ORDER BY 1") == [
        ("cut",) + cut,
        ("failed", "failed", 2, True),
        ("none", None, 2, True),
    ]
    table = migration.data("verify")["tables"]["task_instance"]
    assert (table["equal"], table["different"], table["missing"]) == (3, 0, 0)


def test_abort_puts_all_back_as_it_was(migration):
    source = migration.source
    for dag_id, paused in (("works", False), ("rests", False), ("asleep", True)):
        history.add_dag(source, dag_id, paused=paused)
    add_run(source, "works")
    add_task(source, "works", "t", "running", "running")
    before = source.sql("SELECT * FROM task_instance"), source.sql("SELECT * FROM dag_run"), source.sql("SELECT * FROM dag ORDER BY dag_id")
    soon(migration, leftover="abort")
    assert migration.run("drain")["error"]["code"] == "drain-aborted"
    assert (
        source.sql("SELECT * FROM task_instance"),
        source.sql("SELECT * FROM dag_run"),
        source.sql("SELECT * FROM dag ORDER BY dag_id"),
    ) == before
