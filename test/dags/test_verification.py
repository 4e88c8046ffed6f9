"""verify: proved by checksums of both databases, and where they differ, which DAG, which runs, how many rows."""

import every_table
import history
import test_connections as connections
import test_datasets as datasets

SOURCE, TARGET = "2.10.3", "2.11.2"


def a_history_of_every_table(source, target):
    """A DAG for each table, whose runs have rows of it; a DAG `untouched` with all that history.py knows."""
    for environment in (source, target):
        for table in every_table.moved():
            history.add_dag(environment, every_table.dag_of(table), paused=True)
    history.small_history(source)
    for number in range(5):
        datasets.add_dataset(source, "s3://data/%d" % number)
    for table in every_table.moved():
        if table["dagColumn"] or table["parent"]:
            every_table.add_runs(source, table)
    for number in range(every_table.RUNS):
        at = "2026-01-0%dT00:00:00Z" % (number + 1)
        run = ("dag_of_dataset_event", "t1", "scheduled__2026-01-0%dT00:00:00+00:00" % (number + 1), -1)
        datasets.add_event(source, "s3://data/0", at, source=run)
        datasets.queue(source, "s3://data/%d" % number, "dag_of_dataset_dag_run_queue", at)
        event = datasets.add_event(source, "s3://data/1", at)
        source.sql(
            "INSERT INTO dagrun_dataset_event (dag_run_id, event_id) SELECT id, %s FROM dag_run WHERE dag_id = %s AND execution_date = %s",
            (event, "dag_of_dagrun_dataset_event", at),
        )
    datasets.add_dataset(target, "s3://data/free")
    for conn_id in ("changed", "deleted", "stays"):
        connections.add(source, conn_id, password="secret", host="old")
    source.add_variable("stays", "as it is")
    for number in range(3):
        source.sql("INSERT INTO slot_pool (pool, slots, include_deferred) VALUES (%s, 5, false)", ("pool %d" % number,))
    for table in every_table.moved():
        if every_table.columns(source, table) and not every_table.lines(source, table, every_table.dag_of(table)):
            every_table.fill(source, table)


def ready(migrate):
    migration = migrate(SOURCE, TARGET)
    a_history_of_every_table(migration.source, migration.target)
    migration.metadata.update(jobs=True, taskReschedule=True)
    migration.manifest_read = migration.export()
    assert all(table["rejected"] == 0 for table in migration.data("import")["tables"].values())
    return migration


def test_of_each_table_one_row_changed_one_deleted_one_doubled(migrate):
    migration = ready(migrate)
    clean = migration.data("verify")["tables"]
    for name, table in clean.items():
        assert (table["equal"], table["differences"], table["differentDags"]) == (table["rows"], [], 0), name
    # Both databases are proved the same without a look at any single row. Values of secrets have no checksum.
    assert {name for name, table in clean.items() if table["proved"] < table["rows"]} == {"variable", "connection"}

    exported = {table["name"]: table["columns"] for table in migration.manifest_read["tables"]}
    target, expected = migration.target, {}
    tables = [table for table in every_table.moved() if table["name"] in exported]
    for table in tables:
        dag_id = every_table.dag_of(table)
        lines = every_table.lines(target, table, dag_id)
        assert len(lines) >= 3, "{}: the history has no rows of it".format(table["name"])
        has_dag = table["dagColumn"] or table["parent"]
        # A pool under another name is another pool, which may well be the target's own.
        differs = every_table.change(target, table, lines[0], exported[table["name"]])
        if has_dag:
            every_table.double(target, table, lines[2])
        target.sql("DELETE FROM {} WHERE ctid = %s".format(table["name"]), (lines[1],))
        # A row without a key that has changed is another row; one too many is seen where rows hang on a run.
        is_own = not table["parent"]
        expected[table["name"]] = (1, 1, 1 if has_dag else 0) if differs else (2, 0, 1 if is_own else 2)
    target.add_variable("a further one", "of the target's own")
    target.sql("UPDATE variable SET val = %s WHERE key = 'plain'", (target.fernet.encrypt(b"another value").decode(),))
    target.sql("DELETE FROM variable WHERE key = 'hostile'")
    target.sql("UPDATE connection SET host = 'new' WHERE conn_id = 'changed'")
    target.sql("DELETE FROM connection WHERE conn_id = 'deleted'")
    migration.kill_at("verify", "comparing xcom row by row")
    assert migration.target.staging_tables() != []
    found = migration.data("verify")["tables"]
    for name, names in (("variable", ["hostile", "plain"]), ("connection", ["changed", "deleted"])):
        assert (found[name]["missing"], found[name]["different"], found[name]["differences"][0]["names"]) == (1, 1, names), found[name]
    named = {}
    for table in tables:
        name, dag_id = table["name"], every_table.dag_of(table)
        own = [one for one in found[name]["differences"] if one["dagId"] == (dag_id if table["dagColumn"] or table["parent"] else None)]
        assert len(own) == 1, (name, found[name])
        named[name] = (own[0]["missing"], own[0]["different"], own[0]["doubled"])
        if table["dagColumn"] or table["parent"]:
            assert own[0]["first"]["at"].startswith("2026-01-01T00:0") and own[0]["last"]["at"].startswith("2026-01-03T00:0"), own
            if "run_id" in exported[name] or "source_run_id" in exported[name]:
                assert own[0]["first"]["runId"] == "scheduled__2026-01-01T00:00:00+00:00", own
                assert own[0]["last"]["runId"].startswith("scheduled__2026-01-03T00:00:00+00:00"), own
        else:
            assert own[0]["names"] == ["narrow", "pool 0"], own
        # What was taken away with its run or task is missing too, in that DAG and no other.
        others = {one["dagId"] for one in found[name]["differences"]} - {own[0]["dagId"]}
        parents = {"dag_of_dag_run", "dag_of_task_instance", "dag_of_dataset_event"}
        assert others <= parents, (name, others)
        assert found[name]["differentDags"] == len(found[name]["differences"])
    assert named == expected
    assert migration.target.staging_tables() == []


def test_only_dags_that_differ_are_looked_at_whatever_they_are_called(migration):
    names = ["plain", 'a,"b"', '"', "a\nb", "a\n", "", "a,", None]
    for name in names:
        migration.source.sql(
            "INSERT INTO log (dttm, dag_id, event, extra) SELECT '2026-01-01'::timestamptz + n * interval '1 day', %s, 'e', %s "
            "FROM generate_series(0, 9) n",
            (name, history.HOSTILE),
        )
    migration.export()
    migration.data("import")
    days = "dttm::date IN ('2026-01-02', '2026-01-05')"
    for name in ('a,"b"', "a\nb", None):
        assert migration.target.sql("DELETE FROM log WHERE dag_id IS NOT DISTINCT FROM %s AND " + days, (name,)) == 2
    migration.target.sql("INSERT INTO log (dttm, dag_id, event) VALUES ('2026-01-01', 'plain', 'of the target itself')")
    found = migration.data("verify")["tables"]["log"]
    assert (found["rows"], found["equal"], found["proved"], found["missing"], found["doubled"]) == (80, 74, 40, 6, 0)
    day = [{"at": "2026-01-0%dT00:00:00Z" % day, "runId": None} for day in (2, 5)]
    assert {one["dagId"]: (one["missing"], one["first"], one["last"]) for one in found["differences"]} == {
        name: (2, *day) for name in ('a,"b"', "a\nb", None)
    }


def test_what_an_earlier_attempt_brought_is_not_doubled(migration):
    """Airflow keeps the rendered fields of the newest runs only: the source has lost some since."""
    migration.metadata.update(variables=False, connections=False)
    history.add_runs(migration.source, "daily", 3)
    migration.export()
    migration.data("import")
    migration.source.sql("DELETE FROM rendered_task_instance_fields WHERE run_id LIKE '%2026-01-01%'")
    migration.next_attempt()
    migration.export()
    migration.data("import")
    found = migration.data("verify")["tables"]["rendered_task_instance_fields"]
    assert (found["rows"], found["equal"], found["doubled"], found["differences"]) == (4, 4, 0, [])
    touched = "run_id LIKE '%2026-01-01%' AND task_id = 't1'"
    migration.target.sql("UPDATE rendered_task_instance_fields SET rendered_fields = '{}' WHERE " + touched)
    found = migration.data("verify")["tables"]["rendered_task_instance_fields"]
    assert (found["equal"], found["doubled"], found["differences"][0]["first"]["runId"]) == (4, 1, "scheduled__2026-01-01T00:00:00+00:00")
