"""A target that is not empty: equal rows stay, others are rejected with all that hangs on them, and every row is accounted for."""

import csv
import gzip
import io
import time

import history
import psycopg2
import pytest


def side_file(migration, table):
    return list(csv.DictReader(io.StringIO(gzip.decompress(migration.read("import/rejected/{}.csv.gz".format(table))).decode())))


def fates(verified):
    """What verify counted of a table, without zeros."""
    return {fate: count for fate, count in verified.items() if count and fate not in ("proved", "differences", "differentDags")}


def test_runs_that_clash_on_either_key_are_rejected_with_their_descendants(migration):
    history.add_runs(migration.source, "daily", 4)
    target = migration.target
    insert = "INSERT INTO dag_run (dag_id, execution_date, run_id, run_type, state) VALUES ('daily', %s, %s, 'manual', 'success')"
    target.sql(insert, ("2026-06-06", "scheduled__2026-01-01T00:00:00+00:00"))  # same run id, other date
    target.sql(insert, ("2026-01-02", "mine"))  # same date, other run id
    target.sql(
        "INSERT INTO task_instance (dag_id, task_id, run_id, map_index, pool, pool_slots, state) VALUES ('daily', 't9', "
        "'scheduled__2026-01-01T00:00:00+00:00', -1, 'default_pool', 1, 'success')"
    )
    before = target.sql("SELECT * FROM task_instance")
    migration.export()
    tables = migration.data("import")["tables"]

    assert {name: tables["dag_run"][name] for name in ("rows", "inserted", "alreadyThere", "rejected")} == {
        "rows": 4,
        "inserted": 2,
        "alreadyThere": 0,
        "rejected": 2,
    }
    assert tables["dag_run"]["reasons"] == {
        "the target has a different row of the same dag_id, run_id": 1,
        "the target has another row of the same dag_id, execution_date": 1,
    }
    assert tables["dag_run"]["rejectedRuns"] == [
        {"dagId": "daily", "runId": row["run_id"], "reason": row["mwaa_reason"]} for row in side_file(migration, "dag_run")
    ]
    assert [run["runId"][:21] for run in tables["dag_run"]["rejectedRuns"]] == ["scheduled__2026-01-01", "scheduled__2026-01-02"]
    assert [name for name, table in tables.items() if "rejectedRuns" in table] == ["dag_run"]
    for name in ("task_instance", "xcom", "rendered_task_instance_fields"):
        assert (tables[name]["rows"], tables[name]["inserted"], tables[name]["rejected"]) == (8, 4, 4), name
        assert {row["run_id"] for row in side_file(migration, name)} == {
            "scheduled__2026-01-01T00:00:00+00:00",
            "scheduled__2026-01-02T00:00:00+00:00",
        }
    assert target.sql("SELECT * FROM task_instance WHERE task_id = 't9'") == before
    assert target.sql("SELECT run_id, count(*) FROM task_instance GROUP BY 1 ORDER BY 1") == [
        ("scheduled__2026-01-01T00:00:00+00:00", 1),
        ("scheduled__2026-01-03T00:00:00+00:00", 2),
        ("scheduled__2026-01-04T00:00:00+00:00", 2),
    ]
    verified = migration.data("verify")["tables"]
    assert fates(verified["dag_run"]) == {"rows": 4, "equal": 2, "rejected": 2}
    assert fates(verified["xcom"]) == {"rows": 8, "equal": 4, "rejected": 4}


def test_of_many_rejected_runs_the_first_ten_are_named(migration):
    history.add_runs(migration.source, "daily", 12)
    migration.target.sql(
        "INSERT INTO dag_run (dag_id, execution_date, run_id, run_type, state) "
        "SELECT 'daily', '2025-01-01'::timestamptz + n * interval '1 day', "
        "'scheduled__' || to_char('2026-01-01'::date + n, 'YYYY-MM-DD') || 'T00:00:00+00:00', 'manual', 'success' "
        "FROM generate_series(0, 11) n"
    )
    migration.export()
    runs = migration.data("import")["tables"]["dag_run"]
    assert runs["rejected"] == 12
    assert [run["runId"] for run in runs["rejectedRuns"]] == [row["run_id"] for row in side_file(migration, "dag_run")[:10]]


def test_equal_rows_without_a_key_arrive_as_often_as_they_were(migration):
    entry = "INSERT INTO log (dttm, event, extra) SELECT '2026-01-01', 'same', 'x' FROM generate_series(1, %s)"
    migration.source.sql(entry, (3,))
    migration.source.sql(
        "INSERT INTO log (dttm, event, extra) VALUES ('2026-01-01', 'same', ''), ('2026-01-01', 'same', NULL), ('2026-01-01', "
        "'single', NULL)"
    )
    migration.target.sql(entry, (1,))
    migration.target.sql("INSERT INTO log (dttm, event, extra) VALUES ('2026-01-01', 'same', NULL), ('2026-01-01', 'foreign', NULL)")
    migration.export()
    tables = migration.data("import")["tables"]
    assert (tables["log"]["inserted"], tables["log"]["alreadyThere"]) == (4, 2)
    assert migration.target.sql("SELECT event, extra, count(*) FROM log GROUP BY 1, 2 ORDER BY 1, 2") == [
        ("foreign", None, 1),
        ("same", "", 1),
        ("same", "x", 3),
        ("same", None, 1),
        ("single", None, 1),
    ]


def test_a_second_import_changes_nothing(migration):
    history.small_history(migration.source)
    history.add_dag(migration.target, "daily", paused=True)
    migration.export()
    first = migration.data("import")["tables"]
    before = migration.target.dump()
    second = migration.data("import")["tables"]
    assert migration.target.dump() == before
    for name, table in second.items():
        assert (table["inserted"], table["alreadyThere"], table["rejected"]) == (0, first[name]["rows"], 0), name


def test_what_does_not_fit_or_has_no_parent_goes_to_the_side_file(migration):
    history.add_runs(migration.source, "daily", 1)
    migration.source.sql("ALTER TABLE task_instance ALTER hostname TYPE varchar(2000)")
    migration.source.sql("UPDATE task_instance SET hostname = repeat('é', 1001) WHERE task_id = 't1'")
    migration.export()
    tables = migration.data("import")["tables"]
    assert tables["task_instance"]["reasons"] == {"hostname is longer than the target's 1000 characters": 1}
    assert tables["xcom"]["reasons"] == {"its task instance is not on the target": 1}
    assert side_file(migration, "task_instance")[0]["hostname"] == "é" * 1001
    verified = migration.data("verify")["tables"]["task_instance"]
    assert fates(verified) == {"rows": 2, "equal": 1, "rejected": 1}


def test_verify_sees_a_lost_a_changed_and_a_doubled_row(migration):
    history.small_history(migration.source)
    migration.export()
    migration.data("import")
    clean = migration.data("verify")["tables"]
    for name, table in clean.items():
        assert (table["equal"], table["missing"], table["different"]) == (table["rows"], 0, 0), name
    migration.target.sql("UPDATE task_instance SET duration = duration + 1 WHERE task_id = 't2' AND run_id LIKE '%01-02%'")
    migration.target.sql("DELETE FROM xcom WHERE task_id = 't1' AND run_id LIKE '%01-03%'")
    migration.target.sql("UPDATE xcom SET dag_run_id = dag_run_id + 1000 WHERE task_id = 't2' AND run_id LIKE '%01-04%'")
    migration.target.sql("DELETE FROM log WHERE id = (SELECT min(id) FROM log WHERE event = 'cli_run')")
    migration.target.sql("DELETE FROM variable WHERE key = 'plain'")
    migration.target.sql("INSERT INTO import_error (filename, stacktrace) VALUES ('/dags/broken.py', 'secret')")
    history.add_dag(migration.target, "awake")
    found = migration.data("verify")
    assert (found["importErrors"], found["unpausedDags"]) == (["/dags/broken.py"], ["awake"])
    changed = {
        name: (table["missing"], table["different"]) for name, table in found["tables"].items() if table["missing"] or table["different"]
    }
    assert changed == {"task_instance": (0, 1), "xcom": (1, 1), "log": (1, 0), "variable": (1, 0)}
    assert migration.target.staging_tables() == []


def test_two_imports_cannot_interleave(migration):
    history.add_runs(migration.source, "daily", 1)
    migration.export()
    migration.constants['" import", 600,'] = '" import", 0,'
    migration.target.sql("SELECT pg_advisory_lock(hashtext('mwaa-migrate'), hashtext(%s))", (migration.id + " import",))
    assert migration.run("import")["error"]["code"] == "already-running"
    assert migration.target.one("SELECT count(*) FROM dag_run") == 0
    migration.target.sql("SELECT pg_advisory_unlock_all()")
    assert migration.data("import")["tables"]["dag_run"]["inserted"] == 1


@pytest.mark.parametrize("command", ["import", "deactivate"])
def test_a_deadlock_with_the_dag_processor_is_no_failure(migration, command):
    for dag_id in ("first", "second"):
        history.add_runs(migration.source, dag_id, 1)
        history.add_dag(migration.target, dag_id, paused=command == "import")
    migration.export()
    processor = psycopg2.connect(migration.target.url.replace("+psycopg2", ""))
    cursor = processor.cursor()
    cursor.execute("SET deadlock_timeout = '1h'")  # so that PostgreSQL ends our side
    cursor.execute("UPDATE dag SET last_parsed_time = now() WHERE dag_id = 'second'")
    worker, job, _ = migration.start(command)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while not migration.target.one(waiting):
        time.sleep(0.02)
    cursor.execute("UPDATE dag SET last_parsed_time = now() WHERE dag_id = 'first'")
    processor.commit()
    processor.close()
    assert worker.wait(job) == 0, migration.log.read_text()
    done = "next_dagrun IS NULL" if command == "import" else "is_paused"
    assert migration.target.one("SELECT count(*) FROM dag WHERE {}".format(done)) == 2


def test_rows_that_vanish_while_they_are_written_end_the_import(migration):
    """Every row is accounted for, or nothing of the table is committed."""
    history.add_runs(migration.source, "daily", 3)
    migration.export()
    migration.target.sql("CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    migration.target.sql("CREATE TRIGGER swallow BEFORE INSERT ON xcom FOR EACH ROW WHEN (NEW.task_id = 't2') EXECUTE FUNCTION swallow()")
    assert migration.run("import")["error"]["code"] == "target-busy"
    assert migration.target.one("SELECT count(*) FROM xcom") == 0
    migration.target.sql("DROP TRIGGER swallow ON xcom")
    assert migration.data("import")["tables"]["xcom"]["inserted"] == 6
