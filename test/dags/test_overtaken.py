"""A restore that finds what a person has done: a DAG activated before, a run queued again since; and one that comes a second time."""

import history
import pytest
from test_parked import add_run_in_flight
from test_restore import paused_at, put, ran, run_on_target, untouched


def test_runs_of_a_dag_that_somebody_has_activated_before_are_named(migration):
    source = migration.source
    for dag_id, paused in (("early", False), ("waits", True)):
        history.add_dag(source, dag_id, paused=paused)
        if dag_id == "early":
            history.add_runs(source, dag_id, 1, first="2026-02-05")  # somebody has run that interval
        for number in (1, 2):
            add_run_in_flight(source, dag_id, "{}_{}".format(dag_id, number), "running", "2025-02-0{}".format(number))
    source.sql("UPDATE dag_run SET state = 'success' WHERE run_id LIKE '%\\_2'")
    put(migration, "drain/ended.json", {"instances": [], "runs": []})
    paused_at(migration, "early", "waits")
    runs = []
    for dag_id in ("early", "waits"):
        runs += [dict(run_on_target(dag_id, day, kind="resumed"), runId="{}_{}".format(dag_id, day)) for day in (1, 2)]
        runs += [dict(run_on_target(dag_id, day, kind="unbegun", state="queued"), tasksEnded=0) for day in (3, 5)]
        runs.append(run_on_target(dag_id, 4))
    ran(migration, *runs)
    data = migration.data("restore")
    assert data["overtaken"] == [
        {"dagId": "early", "runId": "early_1", "kind": "resumed"},
        {"dagId": "early", "runId": "scheduled__2026-02-03T00:00:00Z", "kind": "unbegun"},
    ]
    # What it has put back itself is not taken for somebody's; and it says the same to whoever asks again.
    before = untouched(source)
    assert migration.data("restore")["overtaken"] == data["overtaken"]
    assert untouched(source) == before


def test_a_second_restore_leaves_what_a_person_has_queued_again(migration):
    source = migration.source
    for dag_id in ("live", "gone", "off"):
        history.add_dag(source, dag_id, paused=True)
        add_run_in_flight(source, dag_id, dag_id + "_1", "running")
    source.sql("UPDATE dag SET is_active = false WHERE dag_id = 'gone'")
    put(migration, "drain/ended.json", {"instances": [], "runs": []})
    paused_at(migration, "live", "gone")
    stand_in = run_on_target("gone", 4)
    ran(
        migration,
        *(dict(run_on_target(dag_id, 1, kind="resumed", state="failed"), runId=dag_id + "_1") for dag_id in ("live", "gone", "off")),
        dict(run_on_target("gone", 3, kind="unbegun", state="queued"), tasksEnded=0),
        stand_in,
    )
    assert len(migration.data("restore")["leftFailed"]) == 3
    # A person decides: what was left failed runs again, here; two rows that nobody wants go; the DAG waits for its file, paused.
    source.sql("UPDATE dag_run SET state = 'queued', queued_at = now(), end_date = NULL WHERE run_id LIKE '%\\_1'")
    source.sql("UPDATE task_instance SET state = NULL WHERE task_id = 'k07'")
    source.sql("DELETE FROM dag_run WHERE dag_id = 'gone' AND run_id <> 'gone_1'")
    source.sql("UPDATE dag SET is_paused = true WHERE dag_id = 'gone'")
    migration.active_dags = [{"dagId": "gone"}]
    before = source.dump(("dag_run", "task_instance"))
    assert migration.data("restore")["activated"] == ["gone"]
    assert source.dump(("dag_run", "task_instance")) == before


def test_a_dag_without_a_row_gets_what_the_target_ran_when_it_has_one(migration):
    source = migration.source
    put(migration, "drain/ended.json", {"instances": [], "runs": []})
    paused_at(migration, "late")
    unbegun, made = dict(run_on_target("late", 3, kind="unbegun", state="queued"), tasksEnded=0), run_on_target("late", 4)
    ran(migration, unbegun, made)
    assert migration.data("restore")["missing"] == ["late"]
    assert source.sql("SELECT * FROM dag_run") == []
    history.add_dag(source, "late", paused=True)
    migration.data("restore")
    assert source.sql("SELECT run_id, state FROM dag_run ORDER BY 1") == [(unbegun["runId"], "queued"), (made["runId"], "success")]


@pytest.mark.parametrize("is_old", [True, False])
def test_a_run_that_no_queue_waits_for_has_begun(migration, is_old):
    """1.10 has no queued_at, makes runs as running and takes start_date from end_date when they end."""
    source = migration.source
    history.add_dag(source, "daily", paused=True)
    if is_old:
        source.sql("ALTER TABLE dag_run DROP COLUMN queued_at")
    put(migration, "drain/ended.json", {"instances": [], "runs": []})
    paused_at(migration, "daily")
    ran(migration, dict(run_on_target("daily", 3, kind="unbegun", state="queued"), tasksEnded=0))
    migration.data("restore")
    assert source.sql("SELECT state, start_date IS NOT NULL FROM dag_run") == [("running" if is_old else "queued", is_old)]
