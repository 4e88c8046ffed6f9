"""A further attempt into the same target: what the source has changed since is written anew, what the target has touched stays."""

import pickle

import history
import pytest
import test_datasets as datasets
from conftest import TARGET, Environment

PARKED = "scheduled__2026-01-04T00:00:00+00:00"  # in flight at the first snapshot, finished at the second
LONG = "scheduled__2026-01-05T00:00:00+00:00"  # in flight at both, and gone on in between


def first_attempt(migration):
    source, target = migration.source, migration.target
    history.small_history(source)
    for dag_id in ("daily", "consumer"):
        history.add_dag(target, dag_id, paused=True)
    history.add_dag(source, "consumer")
    for uri in ("s3://data/taken", "s3://data/newer", "s3://data/kept"):
        datasets.add_dataset(source, uri, ("consumer",))
        datasets.add_event(source, uri, "2026-01-01T00:00Z")
        datasets.queue(source, uri, "consumer", "2026-01-01T00:00Z")
    for run_id in (PARKED, LONG):
        source.sql("UPDATE dag_run SET state = 'running', end_date = NULL WHERE dag_id = 'daily' AND run_id = %s", (run_id,))
        source.sql("UPDATE task_instance SET state = 'running', end_date = NULL WHERE dag_id = 'daily' AND run_id = %s", (run_id,))
        for table in ("task_fail", "task_map", "xcom", "rendered_task_instance_fields"):
            source.sql("DELETE FROM {} WHERE dag_id = 'daily' AND run_id = %s AND task_id = 't2'".format(table), (run_id,))
    migration.export()
    assert migration.data("import")["replacedRuns"] == 0


def go_on(migration):
    """The source between both attempts: the parked run ends, the long one has one task more behind it, and a new one is made."""
    source = migration.source
    source.sql("UPDATE dag_run SET state = 'success', end_date = now() WHERE dag_id = 'daily' AND run_id = %s", (PARKED,))
    source.sql("UPDATE task_instance SET state = 'success', end_date = now() WHERE dag_id = 'daily' AND run_id = %s", (PARKED,))
    source.sql("UPDATE task_instance SET state = 'success' WHERE dag_id = 'daily' AND task_id = 't1' AND run_id = %s", (LONG,))
    source.sql("UPDATE xcom SET value = 'new' WHERE dag_id = 'daily' AND run_id = %s", (PARKED,))
    source.sql(
        "INSERT INTO xcom (dag_run_id, dag_id, task_id, run_id, map_index, key, value, timestamp) SELECT id, dag_id, 't1', run_id, -1, "
        "'later', '1', now() FROM dag_run WHERE dag_id = 'daily' AND run_id IN (%s, %s)",
        (PARKED, LONG),
    )
    history.add_runs(source, "more", 2)
    source.sql("UPDATE slot_pool SET slots = 9 WHERE pool = 'narrow'")
    source.sql("INSERT INTO log (dttm, event) VALUES ('2026-02-01', 'later')")
    source.sql("DELETE FROM dataset_dag_run_queue WHERE dataset_id = (SELECT id FROM dataset WHERE uri = 's3://data/taken')")
    source.sql("UPDATE dataset_dag_run_queue SET created_at = '2026-02-01' WHERE dataset_id = (SELECT id FROM dataset WHERE uri = 's3://data/newer')")


def second_export(migration):
    migration.next_attempt()
    migration.envelope = None
    return migration.export()


def on_a_fresh_target(migration):
    """The content of a target that only the newest attempt was imported into."""
    first, migration.target = migration.target, Environment(migration.world, TARGET)
    earlier, migration.earlier_manifests = migration.earlier_manifests, []
    try:
        for name in ("plain", "hostile"):
            migration.target.add_variable(name, "there")  # the one-time key is the first target's
        for dag_id in ("daily", "consumer"):
            history.add_dag(migration.target, dag_id, paused=True)
        migration.data("import")
        return migration.target.content(), datasets.rows(migration.target, datasets.QUEUE)
    finally:
        migration.target.close()
        migration.target, migration.earlier_manifests = first, earlier


def content(migration):
    return migration.target.content(), datasets.rows(migration.target, datasets.QUEUE)


def test_the_target_ends_as_if_only_the_newest_had_been_imported(migration):
    first_attempt(migration)
    unchanged = "SELECT xmin::text, run_id FROM {} WHERE dag_id = 'daily' AND run_id NOT IN (%s, %s) ORDER BY 2, 1"
    before = [migration.target.sql(unchanged.format(table), (PARKED, LONG)) for table in ("dag_run", "task_instance", "xcom")]
    go_on(migration)
    second_export(migration)
    data = migration.data("import")
    assert data["replacedRuns"] == 2
    assert {name: table["reasons"] for name, table in data["tables"].items() if table["rejected"]} == {}
    assert content(migration) == on_a_fresh_target(migration)
    assert [migration.target.sql(unchanged.format(table), (PARKED, LONG)) for table in ("dag_run", "task_instance", "xcom")] == before
    assert migration.target.one("SELECT state FROM dag_run WHERE run_id = %s", (PARKED,)) == "success"
    for name, table in migration.data("verify")["tables"].items():
        assert table["equal"] == table["rows"], name
    dump = migration.target.dump()
    assert migration.data("import")["replacedRuns"] == 0
    assert migration.target.dump() == dump
    assert migration.target.staging_tables() == []


@pytest.mark.parametrize("touch", ["active", "queued", "changed", "by nobody"])
def test_what_the_target_has_touched_stays(migration, touch):
    first_attempt(migration)
    target = migration.target
    change = {
        "active": "UPDATE dag SET is_paused = false WHERE dag_id IN ('daily', 'consumer')",
        "queued": "UPDATE dag_run SET state = 'queued', queued_at = now() WHERE dag_id = 'daily'",
        "changed": "UPDATE dag_run SET state = 'success', conf = NULL WHERE dag_id = 'daily'",
        "by nobody": "SELECT 1",
    }[touch]
    target.sql(change)
    before = target.sql("SELECT xmin, r::text FROM dag_run r WHERE dag_id = 'daily' ORDER BY 2")
    tasks = target.sql("SELECT xmin, t::text FROM task_instance t WHERE dag_id = 'daily' ORDER BY 2")
    go_on(migration)
    second_export(migration)
    data = migration.data("import")
    is_kept = touch != "by nobody"
    assert (target.sql("SELECT xmin, r::text FROM dag_run r WHERE dag_id = 'daily' ORDER BY 2") == before) == is_kept
    assert (target.sql("SELECT xmin, t::text FROM task_instance t WHERE dag_id = 'daily' ORDER BY 2") == tasks) == is_kept
    assert data["replacedRuns"] == (0 if is_kept else 2)
    reasons = data["tables"]["dag_run"]["reasons"]
    assert reasons == ({"the target has a different row of the same dag_id, run_id": 1 if touch == "active" else 5} if is_kept else {})
    if touch == "active":  # Its queue is Airflow's own now.
        assert len(datasets.rows(target, datasets.QUEUE)) == 3


@pytest.mark.parametrize(
    "moment",
    [pytest.param("dag_run: ", marks=pytest.mark.slow), pytest.param("reading task_map", marks=pytest.mark.slow), "merging xcom"],
)
def test_killed_it_leaves_the_old_run_or_the_new(migration, moment):
    first_attempt(migration)
    before = migration.target.content()
    go_on(migration)
    second_export(migration)
    migration.kill_at("import", moment)
    if moment == "dag_run: ":  # said before the commit
        after = migration.target.content()
        assert [after[table] for table in ("dag_run", "task_instance", "xcom", "task_fail")] == [
            before[table] for table in ("dag_run", "task_instance", "xcom", "task_fail")
        ]
    else:
        assert migration.target.one("SELECT state FROM dag_run WHERE run_id = %s", (PARKED,)) == "success"
        xcoms = migration.target.one("SELECT count(*) FROM xcom WHERE run_id = %s", (PARKED,))
        assert xcoms == 0, "the kill came too late to prove anything"
    migration.data("import")
    assert content(migration) == on_a_fresh_target(migration)


def test_a_run_made_again_for_the_same_date_takes_the_place_of_the_first(migration):
    history.add_runs(migration.source, "daily", 2)
    migration.export()
    migration.data("import")
    for table in ("task_instance", "xcom", "rendered_task_instance_fields"):
        migration.source.sql("DELETE FROM {}".format(table))
    migration.source.sql("UPDATE dag_run SET run_id = 'again', run_type = 'manual' WHERE run_id LIKE '%01-02%'")
    second_export(migration)
    data = migration.data("import")
    assert (data["replacedRuns"], data["tables"]["dag_run"]["rejected"]) == (2, 0)
    runs = migration.target.sql("SELECT run_id FROM dag_run ORDER BY execution_date")
    assert runs == [("scheduled__2026-01-01T00:00:00+00:00",), ("again",)]
    assert migration.target.one("SELECT count(*) FROM task_instance") == 0


def test_a_third_attempt_knows_what_the_first_and_the_second_brought(migration):
    first_attempt(migration)
    second_export(migration)
    migration.data("import")
    go_on(migration)
    second_export(migration)
    assert len(migration.earlier_manifests) == 2
    assert migration.data("import")["replacedRuns"] == 2
    assert content(migration) == on_a_fresh_target(migration)


STAND_IN = "scheduled__2026-03-01T00:00:00+00:00"


def rolled_back(migration):
    """As after a rollback past cutover: the target made a run and went on with LONG, which failed; the source has a stand-in."""
    source, target = migration.source, migration.target
    mark = pickle.dumps({"mwaa-migrate": "this interval ran on the target environment, between cutover and rollback"}, 4)
    for environment, conf, end in ((source, mark, "now()"), (target, None, "now() + interval '1 minute'")):
        environment.sql(
            "INSERT INTO dag_run (dag_id, run_id, execution_date, run_type, state, conf, start_date, end_date, external_trigger) "
            "VALUES ('daily', %s, '2026-03-01', 'scheduled', 'success', %s, now(), {}, false)".format(end),
            (STAND_IN, conf),
        )
        environment.sql(
            "INSERT INTO task_instance (dag_id, run_id, task_id, map_index, state, try_number, start_date, end_date, pool, pool_slots) "
            "VALUES ('daily', %s, 't1', -1, 'success', %s, now(), now(), 'default_pool', 1)",
            (STAND_IN, 1 if environment is source else 3),
        )
    target.sql("UPDATE dag_run SET queued_at = now(), start_date = now() WHERE run_id = %s", (LONG,))
    target.sql("UPDATE task_instance SET state = 'failed', start_date = now(), end_date = now() WHERE run_id = %s", (LONG,))
    source.sql("UPDATE dag_run SET state = 'failed', end_date = now() WHERE run_id = %s", (LONG,))
    verdict = "UPDATE task_instance SET state = CASE task_id WHEN 't1' THEN 'success' ELSE 'failed' END, end_date = now() WHERE run_id = %s"
    source.sql(verdict, (LONG,))
    runs = [{"dagId": "daily", "runId": LONG, "kind": "resumed"}, {"dagId": "daily", "runId": STAND_IN, "kind": "new"}]
    migration.earlier_ran = [migration.write_json("deactivate/ran.json", {"runs": runs})]


def test_after_a_rollback_past_cutover_everything_lands_again(migration):
    first_attempt(migration)
    rolled_back(migration)
    second_export(migration)
    own = (
        "SELECT r.state, r.conf IS NULL, t.task_id, t.state, t.try_number "
        "FROM dag_run r JOIN task_instance t ON t.run_id = r.run_id WHERE r.run_id = %s"
    )
    before = migration.target.sql(own, (STAND_IN,))
    data = migration.data("import")
    assert {name: table["reasons"] for name, table in data["tables"].items() if table["rejected"]} == {}
    assert before == [("success", True, "t1", "success", 3)]
    assert migration.target.sql(own, (STAND_IN,)) == before, "the target's own run is the real one"
    states = "SELECT task_id, state FROM task_instance WHERE run_id = %s ORDER BY 1"
    assert migration.target.sql(states, (LONG,)) == migration.source.sql(states, (LONG,)), "what became of it was decided on the source"
    for name, table in migration.data("verify")["tables"].items():
        assert table["equal"] + table["resumed"] == table["rows"], name
        assert table["resumed"] == (1 if name == "task_instance" else 0), name
    dump = migration.target.dump()
    assert migration.data("import")["replacedRuns"] == 0
    assert migration.target.dump() == dump


def test_without_the_record_of_the_rollback_the_target_keeps_what_went_on_there(migration):
    first_attempt(migration)
    rolled_back(migration)
    migration.earlier_ran = []
    second_export(migration)
    assert migration.data("import")["tables"]["dag_run"]["rejected"] == 1


def test_a_stand_in_that_ran_on_the_source_is_the_real_run(migration):
    """Somebody set it to queued after the rollback, because it had failed on the target."""
    first_attempt(migration)
    rolled_back(migration)
    migration.source.sql("UPDATE dag_run SET end_date = start_date + interval '5 minutes' WHERE run_id = %s", (STAND_IN,))
    migration.source.sql("UPDATE task_instance SET try_number = 2 WHERE run_id = %s", (STAND_IN,))
    second_export(migration)
    assert migration.data("import")["replacedRuns"] == 2
    assert migration.target.one("SELECT try_number FROM task_instance WHERE run_id = %s", (STAND_IN,)) == 2
    for name, table in migration.data("verify")["tables"].items():
        assert table["equal"] == table["rows"], name


def test_stand_ins_and_their_tasks_land_in_a_new_target(migration):
    """Where the target's own run is not, the scheduler needs them; a second import must not take them for it."""
    first_attempt(migration)
    rolled_back(migration)
    second_export(migration)
    expected, _ = on_a_fresh_target(migration)
    assert any(STAND_IN in str(row) for row in expected["task_instance"])
