"""A drain that died, or gave up, while it ended tasks: what it ended is put back, what ended by itself is not taken for it."""

import history
import pytest
from test_drain import add_run, add_task, soon
from test_orders import wait_until

ROWS = "SELECT task_id, state, try_number FROM task_instance ORDER BY 1"


def die_in_the_middle(migration, age="-1 hour"):
    """As a drain that was killed while it waited for processes; `age` of the heartbeat: negative is one that does not grow old."""
    source = migration.source
    history.add_dag(source, "works")
    add_run(source, "works")
    for task_id in ("clean", "stubborn"):
        add_task(source, "works", task_id, "running", "running", age)
    add_task(source, "works", "behind", None)
    soon(migration)
    migration.kill_at("drain", "waiting until 2 tasks have ended")
    migration.active_dags = [{"dagId": "works"}]


def a_late_loop_ends_the_run(source):
    source.sql("UPDATE task_instance SET state = 'up_for_retry', end_date = now() WHERE task_id = 'stubborn'")
    source.sql("UPDATE task_instance SET state = 'upstream_failed', end_date = now() WHERE task_id = 'behind'")
    source.sql("UPDATE dag_run SET state = 'failed', end_date = now()")


@pytest.mark.parametrize("by", ["restore", "abort"])
def test_what_a_dead_drain_had_set_to_failed_is_put_back(migration, by):
    source = migration.source
    die_in_the_middle(migration)
    a_late_loop_ends_the_run(source)
    if by == "abort":
        migration.drain["leftover"] = "abort"
    command = "restore" if by == "restore" else "drain"
    worker, job, _ = migration.start(command)
    wait_until(lambda: "2 tasks have ended" in (migration.read_json(command + "/progress.json") or {}).get("message", ""))
    assert source.sql("SELECT is_paused FROM dag WHERE dag_id = 'works'") == [(True,)]
    source.sql("UPDATE job SET state = 'success'")
    code = worker.wait(job)
    assert source.sql(ROWS) == [("behind", None, 2), ("clean", None, 1), ("stubborn", None, 1)]
    assert source.sql("SELECT state, end_date FROM dag_run") == [("running", None)]
    assert source.one("SELECT count(*) FROM task_instance WHERE end_date IS NOT NULL OR job_id IS NOT NULL AND task_id <> 'behind'") == 0
    assert source.sql("SELECT is_paused FROM dag WHERE dag_id = 'works'") == [(False,)]
    if by == "abort":
        assert migration.read_json("drain/result.json")["error"]["code"] == "drain-aborted"
        return
    assert code == 0, migration.log.read_text()
    data = migration.read_json("restore/result.json")["data"]
    assert (data["putBack"], data["leftFailed"], data["activated"]) == (2, [], ["works"])
    # They run again, and fail by themselves: that is nobody's business but their own.
    source.sql("UPDATE task_instance SET state = 'failed', try_number = 2, end_date = now()")
    before = source.dump(("task_instance", "dag_run", "dag"))
    assert migration.data("restore")["putBack"] == 2
    assert source.dump(("task_instance", "dag_run", "dag")) == before


def test_a_process_that_does_not_end_keeps_its_task_failed(migration):
    source = migration.source
    die_in_the_middle(migration)
    source.sql("UPDATE job SET state = 'success' WHERE id = (SELECT job_id FROM task_instance WHERE task_id = 'clean')")
    migration.constants["max(END_SECONDS, 3 * zombie_seconds())"] = "2"
    for _ in range(2):
        data = migration.data("restore")
        assert (data["putBack"], data["leftFailed"]) == (1, [{"dagId": "works", "runId": "m"}])
        assert source.sql(ROWS) == [("behind", None, 2), ("clean", None, 1), ("stubborn", "failed", 2)]


@pytest.mark.parametrize("then", ["drain", "restore"])
def test_a_task_that_fails_by_itself_while_it_is_recorded_is_not_ours(migration, then):
    """Its row has the process that was recorded; nothing else tells it from one that answers our signal with an error."""
    source = migration.source
    history.add_dag(source, "works")
    for run_id in ("m", "n"):
        source.sql(
            "INSERT INTO dag_run (dag_id, execution_date, run_id, run_type, state) VALUES ('works', %s, %s, 'manual', 'running')",
            ("2026-02-02" if run_id == "m" else "2026-02-03", run_id),
        )
    add_task(source, "works", "own", "running", "running", "-1 hour")
    add_task(source, "works", "ours", "running", "running", "1 hour", run_id="n")
    # The moment between record and order: as if it had ended there.
    source.sql(
        "CREATE FUNCTION own() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN IF NEW.task_id = 'own' THEN RETURN NULL; END IF; RETURN NEW; END$$"
    )
    source.sql("CREATE TRIGGER own BEFORE UPDATE ON task_instance FOR EACH ROW EXECUTE FUNCTION own()")
    soon(migration)
    migration.kill_at("drain", "waiting until 2 tasks have ended")
    source.sql("DROP TRIGGER own ON task_instance")
    recorded = {one["taskId"]: one.get("ordered", False) for one in migration.read_json("drain/ended.json")["instances"]}
    assert recorded == {"own": False, "ours": True}
    source.sql("UPDATE task_instance SET state = 'failed', end_date = now() WHERE task_id = 'own'")
    source.sql("UPDATE dag_run SET state = 'failed', end_date = now() WHERE run_id = 'm'")
    source.sql("UPDATE job SET state = 'failed'")
    migration.active_dags = [{"dagId": "works"}]
    data = migration.data(then)
    assert source.sql(ROWS) == [("ours", None, 1), ("own", "failed", 2)]
    assert source.sql("SELECT run_id, state FROM dag_run ORDER BY 1") == [("m", "failed"), ("n", "running")]
    assert data["ended" if then == "drain" else "putBack"] == 1
