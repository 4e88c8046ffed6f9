"""preflight, drain, final export, import and restore of sources whose tables name runs by date; without a scheduler."""

import conftest
import old_history
import pytest


@pytest.mark.parametrize(
    "version", ["1.10.12", pytest.param("2.0.2", marks=pytest.mark.slow), pytest.param("2.2.2", marks=pytest.mark.slow)]
)
def test_an_old_source_comes_to_rest_moves_and_can_be_put_back(migrate, version):
    migration = migrate(version, conftest.TARGET)
    source = migration.source
    for dag_id in ("rests", "works", "sleeps"):
        old_history.add_dag(source, dag_id, paused=dag_id == "sleeps")
    old_history.add_run(source, "rests", "scheduled__2020-01-01T00:00:00+00:00", "2020-01-01")
    cut = "scheduled__2020-01-02T00:00:00+00:00"
    old_history.add_run(source, "works", cut, "2020-01-02", state="running", tasks=("done", "runs", "waits", "behind"))
    source.sql("UPDATE task_instance SET state = 'running', end_date = NULL, try_number = 2 WHERE task_id = 'runs'")
    source.sql("UPDATE task_instance SET state = 'queued' WHERE task_id = 'waits'")
    source.sql("UPDATE task_instance SET state = NULL WHERE task_id = 'behind'")
    migration.drain.update(timeoutMinutes=0.01, taskMinutes=0.01)
    migration.constants.update({"LOOP_SECONDS = 30": "LOOP_SECONDS = 1"})

    seen = migration.data("preflight", "source")
    assert seen["airflowVersion"] == version and [one["dagId"] for one in seen["activeDags"]] == ["rests", "works"]
    before = source.sql("SELECT dag_id, is_paused FROM dag ORDER BY 1")
    drained = migration.data("drain")
    assert (drained["paused"], drained["ended"]) == (["rests", "works"], 1)
    assert source.sql("SELECT DISTINCT is_paused FROM dag") == [(True,)]
    states = "SELECT task_id, state, try_number FROM task_instance WHERE dag_id = 'works' ORDER BY 1"
    # What was queued waits for the scheduler again, what ran waits as if it had not begun.
    assert source.sql(states) == [("behind", None, 1), ("done", "success", 1), ("runs", None, 1), ("waits", "scheduled", 1)]

    manifest = migration.export()
    assert [(run["runId"], run["fate"], run["ended"], run["runType"]) for run in manifest["inFlight"]] == [(cut, "resume", 1, "scheduled")]
    data = migration.data("import")
    assert data["parkedRuns"] == 1
    assert migration.target.sql("SELECT run_id, state FROM dag_run WHERE dag_id = 'works'") == [(cut, "failed")]
    assert migration.target.sql(states) == [("behind", None, 1), ("done", "success", 1), ("runs", None, 1), ("waits", None, 1)]
    schedules = {one["dagId"]: one for one in migration.read_json("schedules.json")["dags"]}
    assert sorted(schedules) == ["rests", "sleeps", "works"]

    migration.active_dags = [dict(schedules[dag_id]) for dag_id in drained["paused"]]
    restored = migration.data("restore")
    assert restored["activated"] == ["rests", "works"]
    assert source.sql("SELECT dag_id, is_paused FROM dag ORDER BY 1") == before
    assert source.one("SELECT end_date FROM task_instance WHERE task_id = 'runs'") is None
