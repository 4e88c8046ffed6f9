"""Dataset events, who consumed them and who waits for them: by URI, whatever ids the target has given."""

import history
import pytest

HOSTILE_URI = "s3://bucket/a b?c=\"d\"&e='f',\\x41é漢"
EVENTS = (
    "SELECT d.uri, e.timestamp, e.extra::text, e.source_dag_id, e.source_task_id, e.source_run_id, e.source_map_index "
    "FROM dataset_event e JOIN dataset d ON d.id = e.dataset_id"
)
CONSUMED = (
    "SELECT r.dag_id, r.run_id, d.uri, e.timestamp, e.extra::text FROM dagrun_dataset_event l JOIN dag_run r ON r.id = l.dag_run_id "
    "JOIN dataset_event e ON e.id = l.event_id JOIN dataset d ON d.id = e.dataset_id"
)
QUEUE = "SELECT d.uri, q.target_dag_id, q.created_at FROM dataset_dag_run_queue q JOIN dataset d ON d.id = q.dataset_id"
TABLES = ("dataset_event", "dagrun_dataset_event", "dataset_dag_run_queue")


def add_dataset(environment, uri, consumers=()):
    environment.sql("INSERT INTO dataset (uri, extra, created_at, updated_at) VALUES (%s, '{}', '2026-01-01', '2026-01-01')", (uri,))
    for dag_id in consumers:
        environment.sql(
            "INSERT INTO dag_schedule_dataset_reference (dataset_id, dag_id, created_at, updated_at) "
            "SELECT id, %s, '2026-01-01', '2026-01-01' FROM dataset WHERE uri = %s",
            (dag_id, uri),
        )


def add_event(environment, uri, at, extra="{}", source=("producer", "make", "p1", -1)):
    return environment.one(
        "INSERT INTO dataset_event (dataset_id, extra, source_dag_id, source_task_id, source_run_id, source_map_index, timestamp) "
        "SELECT id, %s, %s, %s, %s, %s, %s FROM dataset WHERE uri = %s RETURNING id",
        (extra, *source, at, uri),
    )


def add_consumer_run(environment, dag_id, at, events=(), state="success"):
    run_id = "dataset_triggered__" + at
    number = environment.one(
        "INSERT INTO dag_run (dag_id, execution_date, run_id, run_type, state) VALUES (%s, %s, %s, 'dataset_triggered', %s) RETURNING id",
        (dag_id, at, run_id, state),
    )
    for event in events:
        environment.sql("INSERT INTO dagrun_dataset_event (dag_run_id, event_id) VALUES (%s, %s)", (number, event))
    return run_id


def queue(environment, uri, dag_id, at):
    environment.sql(
        "INSERT INTO dataset_dag_run_queue (dataset_id, target_dag_id, created_at) SELECT id, %s, %s FROM dataset WHERE uri = %s",
        (dag_id, at, uri),
    )


def rows(environment, select):
    return sorted(map(repr, environment.sql(select)))


def a_history(environment):
    """Two events that differ only in what they carry, one of them consumed; one from outside, consumed twice; two that are waited for."""
    history.add_dag(environment, "consumer")
    for uri in ("s3://data/a", HOSTILE_URI, "s3://data/c"):
        add_dataset(environment, uri, ("consumer",))
    twins = [add_event(environment, "s3://data/a", "2026-01-01T01:00:00.000001Z", extra) for extra in ('{"n": 1}', '{"n":2 }')]
    outside = add_event(environment, HOSTILE_URI, "2026-01-01T02:00Z", '{"x": "é\\u0000"}', (None, None, None, None))
    add_consumer_run(environment, "consumer", "2026-01-01T03:00:00+00:00", [twins[1], outside])
    add_consumer_run(environment, "consumer", "2026-01-01T04:00:00+00:00", [outside], "running")
    add_event(environment, "s3://data/c", "2026-01-01T05:00Z", source=("producer", "mapped", "p2", 3))
    queue(environment, "s3://data/c", "consumer", "2026-01-01T05:00Z")
    queue(environment, HOSTILE_URI, "consumer", "2026-01-01T06:00:00.123456Z")


def test_everything_arrives_under_the_ids_of_the_target(migration):
    source, target = migration.source, migration.target
    a_history(source)
    # The target knows two of the datasets by other ids, and lacks one.
    history.add_dag(target, "consumer", paused=True)
    for uri in ("s3://data/its-own", "s3://data/c", "s3://data/a"):
        add_dataset(target, uri)
    add_event(target, "s3://data/its-own", "2026-01-01T01:00Z")
    its_own = rows(target, EVENTS)
    add_event(target, "s3://data/a", "2026-01-01T01:00:00.000001Z", '{"n":2 }')  # one of the twins, so that they come in another order
    migration.export()
    data = migration.data("import")

    assert rows(target, EVENTS) == sorted(rows(source, EVENTS) + its_own) and len(rows(source, EVENTS)) == 4
    assert data["tables"]["dataset_event"]["alreadyThere"] == 1
    assert rows(target, CONSUMED) == rows(source, CONSUMED) and len(rows(source, CONSUMED)) == 3
    assert rows(target, QUEUE) == rows(source, QUEUE) and len(rows(source, QUEUE)) == 2
    assert target.sql("SELECT uri FROM dataset ORDER BY id") == [("s3://data/its-own",), ("s3://data/c",), ("s3://data/a",), (HOSTILE_URI,)]
    assert data["columnsLeft"] == {}
    for name, table in migration.data("verify")["tables"].items():
        assert table["equal"] == table["rows"], name
    before = target.dump()
    for name, table in migration.data("import")["tables"].items():
        assert table["alreadyThere"] == table["rows"], name
    assert target.dump() == before


def test_datasets_arrive_under_the_names_that_the_target_writes(migration):
    """Since 2.9 Airflow normalises the URIs of DAG files, so it would never look at one as 2.7.2 wrote it."""
    source, target = migration.source, migration.target
    written = ("s3://Bucket/a/", "s3://Bucket/a", "S3://me:password@bucket/b?z=1&a=2#part", "plain name/", "x-own://A/b/")
    history.add_dag(source, "consumer")
    history.add_dag(target, "consumer", paused=True)
    add_dataset(target, "s3://Bucket/a")
    for number, uri in enumerate(written):
        add_dataset(source, uri)
        event = add_event(source, uri, "2026-01-0%dT00:00Z" % (number + 1))
        add_consumer_run(source, "consumer", "2026-02-0%dT00:00:00+00:00" % (number + 1), [event])
        queue(source, uri, "consumer", "2026-01-0%dT00:00Z" % (number + 1))
    migration.export()
    tables = migration.data("import")["tables"]
    here = ["s3://Bucket/a", "s3://Bucket/a", "s3://bucket/b?a=2&z=1", "plain name/", "x-own://A/b/"]
    assert [row[0] for row in target.sql(EVENTS + " ORDER BY e.timestamp")] == here
    assert [row[2] for row in target.sql(CONSUMED + " ORDER BY e.timestamp")] == here
    assert [row[0] for row in target.sql(QUEUE + " ORDER BY q.created_at")] == here[1:]
    assert target.one("SELECT count(*) FROM dataset") == 4
    assert tables["dataset_dag_run_queue"]["reasons"] == {"another row of the export means the same dataset on the target": 1}
    assert "password" not in migration.log.read_text()
    verified = migration.data("verify")["tables"]
    assert [verified[name]["equal"] for name in TABLES] == [5, 5, 4] and verified["dataset_dag_run_queue"]["rejected"] == 1
    assert "password" not in migration.log.read_text()
    before = target.dump()
    migration.data("import")
    assert target.dump() == before


def test_verify_sees_what_is_lost_or_hangs_on_the_wrong_event(migration):
    a_history(migration.source)
    history.add_dag(migration.target, "consumer", paused=True)
    migration.export()
    migration.data("import")
    migration.target.sql("UPDATE dataset_event SET extra = '[]' WHERE source_map_index = 3")
    migration.target.sql(
        "UPDATE dagrun_dataset_event SET event_id = (SELECT id FROM dataset_event WHERE source_map_index = 3) "
        "WHERE event_id = (SELECT id FROM dataset_event WHERE source_dag_id IS NULL)"
    )
    migration.target.sql("UPDATE dataset_dag_run_queue SET created_at = '2026-01-07' WHERE created_at > '2026-01-01 05:30Z'")
    found = migration.data("verify")["tables"]
    assert [(found[name]["missing"], found[name]["different"]) for name in TABLES] == [(1, 0), (2, 0), (0, 1)]


def test_nobody_waits_on_the_target_for_a_dag_that_is_not_there(migration):
    a_history(migration.source)
    migration.export()
    tables = migration.data("import")["tables"]
    assert tables["dataset_dag_run_queue"]["reasons"] == {"the target has no DAG of this id": 2}
    assert tables["dataset_event"]["inserted"] == 4
    verified = migration.data("verify")["tables"]["dataset_dag_run_queue"]
    assert (verified["equal"], verified["missing"], verified["rejected"]) == (0, 0, 2)


def test_a_filter_takes_no_event_that_a_run_was_made_for_or_that_is_waited_for(migration):
    source = migration.source
    for dag_id in ("consumer", "never_ran"):
        history.add_dag(source, dag_id)
        history.add_dag(migration.target, dag_id, paused=True)
    add_dataset(source, "s3://data/a", ("consumer",))
    add_dataset(source, "s3://data/n", ("never_ran",))
    old = [add_event(source, "s3://data/a", "2019-0%d-01T00:00Z" % month) for month in (1, 2, 3, 4, 5)]
    older = add_event(source, "s3://data/a", "2018-12-01T00:00Z")
    add_consumer_run(source, "consumer", "2018-12-02T00:00:00+00:00", [older])
    add_consumer_run(source, "consumer", "2019-01-02T00:00:00+00:00", old[:1])
    add_consumer_run(source, "consumer", "2019-02-02T00:00:00+00:00", old[1:2], "running")
    add_consumer_run(source, "consumer", "2019-03-02T00:00:00+00:00", old[2:3])
    add_event(source, "s3://data/n", "2018-01-01T00:00Z")
    add_event(source, "s3://data/n", "2999-01-01T00:00Z")
    queue(source, "s3://data/a", "consumer", "2019-05-01T00:00Z")
    migration.metadata.update(historyDays=30)
    manifest = migration.export()
    left = {table["name"]: table["leftOut"] for table in manifest["tables"]}
    migration.data("import")
    target = migration.target
    assert target.sql("SELECT execution_date::date::text FROM dag_run ORDER BY 1") == [("2019-01-02",), ("2019-02-02",), ("2019-03-02",)]
    # Left out is only the oldest: it was given to a run that does not move, and every consumer has run since.
    assert target.sql("SELECT timestamp::date::text FROM dataset_event ORDER BY 1") == [
        ("2018-01-01",),
        ("2019-01-01",),
        ("2019-02-01",),
        ("2019-03-01",),
        ("2019-04-01",),
        ("2019-05-01",),
        ("2999-01-01",),
    ]
    assert rows(target, QUEUE) == rows(source, QUEUE)
    assert [left[name] for name in TABLES] == [{"older than metadata.history-days": 1}, {"older than metadata.history-days": 1}, {}]
    assert [row[1] for row in target.sql(CONSUMED + " ORDER BY 2")] == [
        "dataset_triggered__2019-01-02T00:00:00+00:00",
        "dataset_triggered__2019-02-02T00:00:00+00:00",
        "dataset_triggered__2019-03-02T00:00:00+00:00",
    ]


def test_a_source_without_datasets_says_so(migration):
    history.add_runs(migration.source, "daily", 1)
    migration.source.sql(
        "DROP TABLE dataset_dag_run_queue, dagrun_dataset_event, dataset_event, dag_schedule_dataset_reference, "
        "task_outlet_dataset_reference, dataset"
    )
    manifest = migration.export()
    assert {"table": "dataset_event", "reason": "Airflow 2.7.2 has no such table"} in manifest["notMoved"]
    tables = migration.data("import")["tables"]
    assert tables["dag_run"]["inserted"] == 1 and not set(TABLES) & set(tables)


def test_events_without_a_dataset_are_counted(migration):
    add_dataset(migration.source, "s3://data/a")
    add_event(migration.source, "s3://data/a", "2026-01-01T00:00Z")
    migration.source.sql("UPDATE dataset_event SET dataset_id = 99")
    manifest = migration.export()
    table = next(table for table in manifest["tables"] if table["name"] == "dataset_event")
    assert (table["rows"], table["leftOut"]) == (0, {"belongs to no dataset": 1})
    migration.data("import")


@pytest.mark.parametrize("since", ["its run", "nothing"])
def test_what_a_dag_has_run_for_since_cutover_is_not_missing(migration, since):
    a_history(migration.source)
    history.add_dag(migration.target, "consumer", paused=True)
    migration.export()
    migration.data("import")
    if since == "its run":
        add_consumer_run(migration.target, "consumer", "2026-01-01T06:00:00.123456+00:00")
    migration.target.sql("DELETE FROM dataset_dag_run_queue")
    found = migration.data("verify")["tables"]["dataset_dag_run_queue"]
    assert (found["resumed"], found["missing"]) == ((2, 0) if since == "its run" else (0, 2))


def test_rows_of_a_run_that_goes_on_are_counted_apart(migration):
    source, target = migration.source, migration.target
    history.small_history(source)
    for date, state in (("2026-01-04", "running"), ("2026-01-05", "running")):
        source.sql("UPDATE dag_run SET state = %s, end_date = NULL, queued_at = '2026-01-05' WHERE execution_date = %s", (state, date))
        source.sql("UPDATE task_instance SET state = 'running' WHERE task_id = 't2' AND run_id LIKE %s", ("%" + date + "%",))
    migration.export()
    migration.data("import")
    untouched = migration.data("verify")["tables"]
    assert all(table["equal"] == table["rows"] and table["resumed"] == 0 for table in untouched.values())
    # As Airflow does: the run is queued, its task starts anew and its XComs go; nothing of the other run changes by itself.
    for date in ("2026-01-04", "2026-01-05"):
        if date == "2026-01-04":
            target.sql("UPDATE dag_run SET state = 'running', queued_at = now(), start_date = now() WHERE execution_date = %s", (date,))
        target.sql("UPDATE task_instance SET state = 'running', start_date = now() WHERE task_id = 't2' AND run_id LIKE %s", (f"%{date}%",))
        target.sql("DELETE FROM xcom WHERE task_id = 't2' AND run_id LIKE %s", (f"%{date}%",))
        target.sql("DELETE FROM task_fail WHERE task_id = 't2' AND run_id LIKE %s", (f"%{date}%",))
    found = migration.data("verify")["tables"]
    unequal = {name: table for name, table in found.items() if table["equal"] < table["rows"]}
    assert {name: (table["missing"], table["different"], table["resumed"]) for name, table in unequal.items()} == {
        "dag_run": (0, 0, 1),
        "task_instance": (0, 1, 1),
        "xcom": (1, 0, 1),
        "task_fail": (2, 0, 2),
    }
    fates = ("equal", "missing", "different", "rejected", "resumed")
    assert all(sum(table[fate] for fate in fates) == table["rows"] and table["doubled"] == 0 for table in found.values())
