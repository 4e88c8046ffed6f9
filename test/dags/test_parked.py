"""Nothing arrives live, and a filter never takes what the scheduler or a parked run needs."""

import history


def add_run_in_flight(environment, dag_id, run_id, state, date="2025-02-01"):
    environment.sql(
        "INSERT INTO dag_run (dag_id, execution_date, run_id, run_type, state, start_date) VALUES (%s, %s, %s, 'manual', %s, %s)",
        (dag_id, date, run_id, state, date),
    )
    for number, task_state in enumerate(
        (
            "success",
            "failed",
            "skipped",
            "upstream_failed",
            "removed",
            "scheduled",
            "queued",
            "running",
            "restarting",
            "up_for_retry",
            "up_for_reschedule",
            "deferred",
            None,
        )
    ):
        environment.sql(
            "INSERT INTO task_instance (dag_id, task_id, run_id, map_index, state, try_number, max_tries, pool, pool_slots, "
            "next_method, next_kwargs) "
            "VALUES (%s, %s, %s, -1, %s, 2, 3, 'default_pool', 1, 'go', '{\"secret\": 1}')",
            (dag_id, "k%02d" % number, run_id, task_state),
        )
    environment.sql(
        "INSERT INTO xcom (dag_run_id, dag_id, task_id, run_id, map_index, key, value, timestamp) SELECT id, dag_id, 'k00', run_id, "
        "-1, 'x', '1', now() FROM dag_run WHERE run_id = %s",
        (run_id,),
    )


def test_runs_in_flight_arrive_parked_and_are_listed(migration):
    history.add_dag(migration.source, "live")
    add_run_in_flight(migration.source, "live", "r e1", "running")
    add_run_in_flight(migration.source, "live", "r2", "queued", "2025-02-02")
    manifest = migration.export()
    assert migration.data("import")["parkedRuns"] == 2

    assert migration.target.sql("SELECT DISTINCT state FROM dag_run") == [("failed",)]
    states = migration.target.sql("SELECT state, try_number FROM task_instance WHERE run_id = 'r2' ORDER BY task_id")
    assert (
        states
        == [("success", 2), ("failed", 2), ("skipped", 2), ("upstream_failed", 2), ("removed", 2), (None, 2), (None, 2), (None, 1)]
        + [(None, 2)] * 5
    )
    assert (
        migration.target.one(
            "SELECT count(*) FROM task_instance WHERE next_method IS NOT NULL OR next_kwargs IS NOT NULL OR max_tries <> 3"
        )
        == 0
    )
    run = manifest["inFlight"][0]
    assert (run["dagId"], run["runId"], run["state"]) == ("live", "r e1", "running")
    assert run["unfinished"] == {
        "scheduled": 1,
        "queued": 1,
        "running": 1,
        "restarting": 1,
        "up_for_retry": 1,
        "up_for_reschedule": 1,
        "deferred": 1,
        "none": 1,
    }
    listed = migration.read_json("in-flight.json")["runs"][1]
    assert (listed["runId"], len(listed["tasks"])) == ("r2", 8)
    assert {"taskId": "k07", "mapIndex": -1, "state": "running", "tryNumber": 2} in listed["tasks"]


def test_filters_keep_the_newest_automated_run_and_runs_in_flight(migration):
    history.add_dag(migration.source, "old")
    history.add_runs(migration.source, "old", 3, first="2020-01-01")
    history.add_runs(migration.source, "older", 2, first="2019-01-01", run_type="manual")
    history.add_runs(migration.source, "recent", 1, first="2999-01-01", run_type="manual")
    add_run_in_flight(migration.source, "live", "r1", "running", "2020-05-05")
    migration.metadata.update(historyDays=30, xcom=False)
    manifest = migration.export()
    migration.data("import")
    assert migration.target.sql("SELECT dag_id, execution_date::date::text FROM dag_run ORDER BY 1") == [
        ("live", "2020-05-05"),
        ("old", "2020-01-03"),
        ("recent", "2999-01-01"),
    ]
    assert migration.target.sql("SELECT dag_id, count(*) FROM task_instance GROUP BY 1 ORDER BY 1") == [
        ("live", 13),
        ("old", 2),
        ("recent", 2),
    ]
    assert migration.target.sql("SELECT dag_id FROM xcom") == [("live",)]
    left = {table["name"]: table["leftOut"] for table in manifest["tables"]}
    assert left["dag_run"] == {"older than metadata.history-days": 4}
    assert left["xcom"] == {"older than metadata.history-days": 8, "metadata.xcom is false": 4}


def test_filters_keep_everything_of_a_run_that_moves(migration):
    """Of every type the newest, whatever is in flight, the run before that; with XComs, lengths, rendered fields and failures of each."""
    source = migration.source
    newest = set()
    for number, run_type in enumerate(("scheduled", "backfill", "dataset_triggered", "manual")):
        dag_id = "of_" + run_type
        history.add_runs(source, dag_id, 3, run_type=run_type, first="2019-0%d-01" % (number + 1))
        source.sql("UPDATE dag_run SET state = 'running' WHERE dag_id = %s AND run_id LIKE '%%-02T%%'", (dag_id,))
        newest |= {(dag_id, "01"), (dag_id, "02")} | ({(dag_id, "03")} if run_type != "manual" else set())
    source.sql("UPDATE task_instance SET state = 'queued' WHERE run_id LIKE '%-02T%' AND task_id = 't2'")
    for table, column, value in (("task_map", "length", "3"), ("task_fail", "duration", "1")):
        source.sql(
            "INSERT INTO {0} (dag_id, task_id, run_id, map_index, {1}) "
            "SELECT dag_id, task_id, run_id, map_index, {2} FROM task_instance".format(table, column, value)
        )
    migration.metadata.update(historyDays=30)
    migration.export()
    migration.data("import")
    for table in ("dag_run", "task_instance", "xcom", "task_map", "rendered_task_instance_fields", "task_fail"):
        found = migration.target.sql("SELECT dag_id, run_id FROM {}".format(table))
        assert {(dag_id, run_id.split("T00")[0][-2:]) for dag_id, run_id in found} == newest, table
        assert len(found) == len(newest) * (1 if table == "dag_run" else 2), table


def test_next_runs_are_forgotten_only_for_dags_that_got_runs(migration):
    history.add_runs(migration.source, "one", 2)
    for dag_id in ("one", "other"):
        history.add_dag(migration.target, dag_id, paused=True)
    migration.export()
    migration.data("import")
    assert migration.target.sql(
        "SELECT dag_id, next_dagrun IS NULL AND next_dagrun_data_interval_start IS NULL AND next_dagrun_data_interval_end IS NULL "
        "AND next_dagrun_create_after IS NULL FROM dag ORDER BY 1"
    ) == [("one", True), ("other", False)]
    migration.target.sql("UPDATE dag SET next_dagrun = '2026-01-03'")
    migration.data("import")
    assert migration.target.one("SELECT count(*) FROM dag WHERE next_dagrun IS NULL") == 0
