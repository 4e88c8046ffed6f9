"""Rows that do not move: each is counted by its reason, and what nobody chose to leave stands in a side file."""

import csv
import fnmatch
import gzip
import io
import sys

import conftest
import history
import old_history
import psycopg2
import pytest

sys.path.insert(0, str(conftest.ROOT / "src/dags"))
from _parts import patterns  # noqa: E402


def side_file(migration, entry):
    """The rows as (reason, {column: text or None for an empty field})."""
    reference = entry["leftOutFile"]
    assert reference["key"] == "{}export/left-out/{}.csv.gz".format(migration.prefix, entry["name"])
    body = migration.world.s3.get_object(Bucket=migration.bucket, Key=reference["key"], VersionId=reference["versionId"])["Body"].read()
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(body).decode("utf-8"), newline="")))
    assert reference["rows"] == len(rows)
    return [(row.pop("mwaa_reason"), row) for row in rows]


def test_what_airflows_own_upgrade_refuses_of_1_10(migrate):
    migration = migrate("1.10.12", conftest.TARGET)
    source = migration.source
    old_history.add_dag(source, "daily")
    old_history.add_run(source, "daily", "scheduled__2020-01-01T00:00:00+00:00", "2020-01-01", tasks=("t1",))
    # Of one key: the newest moves, of two as new the one that was written last.
    for value, time in ((b"older", "2020-01-02"), (b"newest", "2020-01-03"), (b"last", "2020-01-03"), (b"oldest", "2019-01-01")):
        source.sql(
            "INSERT INTO xcom (key, value, timestamp, execution_date, task_id, dag_id) VALUES ('k', %s, %s, '2020-01-01', 't1', 'daily')",
            (psycopg2.Binary(value), time),
        )
    # Nothing to belong to: no run, no task instance, no key.
    source.sql(
        "INSERT INTO task_instance (task_id, dag_id, execution_date, pool, state) VALUES ('lost', 'daily', '2021-01-01', 'p', 'success')"
    )
    for task, date, key in (("lost", "2021-01-01", "k"), ("never", "2020-01-01", "k"), ("t1", "2020-01-01", None)):
        source.sql(
            "INSERT INTO xcom (key, value, timestamp, execution_date, task_id, dag_id) VALUES (%s, %s, now(), %s, %s, 'daily')",
            (key, psycopg2.Binary(history.ALL_BYTES), date, task),
        )
    source.sql("INSERT INTO task_fail (task_id, dag_id, execution_date, duration) VALUES ('never', 'daily', '2020-01-01', 1)")
    source.sql("INSERT INTO dag_run (dag_id, execution_date, run_id, state) VALUES ('daily', '2020-02-02', NULL, 'success')")
    tables = {entry["name"]: entry for entry in migration.export()["tables"]}

    assert tables["dag_run"]["leftOut"] == {"has no run_id": 1}
    assert [(reason, row["execution_date"]) for reason, row in side_file(migration, tables["dag_run"])] == [
        ("has no run_id", "2020-02-02 00:00:00+00")
    ]
    assert tables["task_instance"]["leftOut"] == {"belongs to no DAG run": 1}
    assert tables["task_fail"]["leftOut"] == {"belongs to no task instance": 1}
    repeated = "a newer row of the same dag_id, task_id, key, execution_date moves"
    assert tables["xcom"]["leftOut"] == {"has no key": 1, "belongs to no DAG run": 1, "belongs to no task instance": 1, repeated: 3}
    lost = side_file(migration, tables["xcom"])
    assert sorted(bytes.fromhex(row["value"][2:]) for reason, row in lost if reason == repeated) == [b"newest", b"older", b"oldest"]
    assert {row["value"] for reason, row in lost if reason != repeated} == {"\\x" + history.ALL_BYTES.hex()}
    assert [name for name in tables if "leftOutFile" in tables[name]] == ["dag_run", "task_instance", "xcom", "task_fail"]

    reported = migration.data("import")["tables"]
    assert [reported[name]["rejected"] for name in ("dag_run", "task_instance", "xcom", "task_fail")] == [0, 0, 0, 0]
    assert [bytes(value) for (value,) in migration.target.sql("SELECT value FROM xcom WHERE key = 'k'")] == [b"last"]


PATTERNS = ["etl_*", "x.?", "[ab]_[!0-9]*", "[]x]*", "[!a]*", "no[bracket", "a+b", "*", "[^a]b", "a|b"]
DAG_IDS = [
    "etl_",
    "etl_a",
    "betl_a",
    "x.1",
    "xy1",
    "x.12",
    "a_b",
    "b_1",
    "c_x",
    "]q",
    "xq",
    "no[bracket",
    "a+b",
    "aab",
    "^b",
    "ab",
    "a|b",
    "a",
    "b",
]


def test_patterns_mean_the_same_in_the_database_and_in_python(migration):
    """DAG ids that no Airflow takes are among them: what a pattern means must not hang on that."""
    for include, exclude in [([pattern], []) for pattern in PATTERNS] + [(["etl_*", "a*"], ["*b"]), ([], ["a*", "x.?"]), ([], [])]:
        dags = {"include": include, "exclude": exclude}
        expected = [
            one
            for one in DAG_IDS
            if (not include or any(fnmatch.fnmatchcase(one, pattern) for pattern in include))
            and not any(fnmatch.fnmatchcase(one, pattern) for pattern in exclude)
        ]
        taken = "SELECT d FROM unnest(%s::text[]) WITH ORDINALITY AS x(d, n) WHERE {} ORDER BY n".format(patterns.taken_sql("d", dags))
        assert [row[0] for row in migration.source.sql(taken, (DAG_IDS,))] == expected, dags
        assert [one for one in DAG_IDS if patterns.is_taken(one, dags)] == expected, dags
        # A row of no DAG is nobody's to leave.
        assert migration.source.one("SELECT " + patterns.taken_sql("NULL::text", dags)) is True


def test_dags_and_large_xcoms_stay_behind_by_the_migration_file(migration):
    source = migration.source
    for dag_id in ("etl_a", "etl_tmp", "other"):
        history.add_dag(source, dag_id)
        history.add_runs(source, dag_id, 3, tasks=1)
    source.sql("UPDATE dag_run SET state = 'running', end_date = NULL WHERE dag_id IN ('etl_a', 'other') AND run_id LIKE '%2026-01-03%'")
    source.sql("UPDATE xcom SET value = convert_to(repeat('x', 1001), 'UTF8') WHERE run_id NOT LIKE '%2026-01-01%'")
    source.sql("UPDATE xcom SET value = convert_to(repeat('x', 1000), 'UTF8') WHERE run_id LIKE '%2026-01-01%'")
    source.sql("INSERT INTO dag_run_note (dag_run_id, content, created_at, updated_at) SELECT id, dag_id, now(), now() FROM dag_run")
    migration.metadata.update(dags={"include": ["etl_*"], "exclude": ["*tmp"]}, xcomMaxBytes=1000)
    manifest = migration.export()
    tables = {entry["name"]: entry for entry in manifest["tables"]}
    migration.data("import")

    other = "of a DAG that metadata.dags leaves out"
    assert [tables[name]["leftOut"] for name in ("dag_run", "task_instance", "dag_run_note")] == [{other: 6}] * 3
    # The parked run keeps its large XCom: it could not go on without.
    assert tables["xcom"]["leftOut"] == {other: 6, "larger than metadata.xcom-max-bytes": 1}
    assert migration.target.sql("SELECT DISTINCT dag_id FROM task_instance") == [("etl_a",)]
    assert migration.target.sql("SELECT left(run_id, 21), octet_length(value) FROM xcom ORDER BY 1") == [
        ("scheduled__2026-01-01", 1000),
        ("scheduled__2026-01-03", 1001),
    ]
    assert migration.target.sql("SELECT DISTINCT content FROM dag_run_note") == [("etl_a",)]
    # A run of a DAG whose history stays behind is in nobody's hands on the target.
    assert [(run["dagId"], run["fate"]) for run in manifest["inFlight"]] == [("etl_a", "resume"), ("other", "stays")]
    assert manifest["filters"]["dags"] == {"include": ["etl_*"], "exclude": ["*tmp"]}


@pytest.mark.parametrize("is_on", [True, False])
def test_processes_and_reschedules_move_when_asked_for(migration, is_on):
    source = migration.source
    history.add_dag(source, "daily")
    history.add_runs(source, "daily", 2, tasks=1)
    source.sql(
        "INSERT INTO job (dag_id, state, job_type, start_date, latest_heartbeat, hostname) VALUES ('daily', 'running', 'LocalTaskJob', "
        "'2026-01-01', '2026-01-01', 'h'), (NULL, 'success', 'SchedulerJob', '2026-01-01', NULL, 'h'), "
        "('db_export', 'success', 'x', NULL, NULL, 'h')"
    )
    source.sql(
        "INSERT INTO task_reschedule (dag_id, task_id, run_id, map_index, try_number, start_date, end_date, duration, reschedule_date) "
        "SELECT dag_id, task_id, run_id, map_index, 1, start_date, end_date, 3, end_date FROM task_instance"
    )
    migration.metadata.update(jobs=is_on, taskReschedule=is_on)
    manifest = migration.export()
    if not is_on:
        left = {one["table"]: (one["reason"], one["rows"]) for one in manifest["notMoved"] if "metadata" in one["reason"]}
        assert left == {
            "job": ("metadata.jobs: false in the migration file", 2),
            "task_reschedule": ("metadata.task-reschedule: false in the migration file", 2),
        }
        return
    data = migration.data("import")
    assert migration.target.sql("SELECT dag_id, state FROM job ORDER BY 1") == [("daily", "failed"), (None, "success")]
    assert (data["tables"]["task_reschedule"]["inserted"], data["tables"]["job"]["inserted"]) == (2, 2)
    again = migration.data("import")["tables"]
    assert [again[name]["alreadyThere"] for name in ("job", "task_reschedule")] == [2, 2]


def test_tries_notes_and_missed_slas_arrive(migrate):
    """2.10.3 to 2.11.2: tables that the older sources do not have."""
    migration = migrate(conftest.TARGET, conftest.NEWEST)
    source = migration.source
    for dag_id in ("daily", "db_export"):
        history.add_dag(source, dag_id)
        history.add_runs(source, dag_id, 2, tasks=1)
    source.sql(
        "INSERT INTO task_instance_history (dag_id, task_id, run_id, map_index, try_number, state, pool, pool_slots, hostname, "
        "executor_config, pid, job_id, trigger_timeout) SELECT dag_id, task_id, run_id, map_index, n, 'failed', 'p', 1, %s, "
        "'\\x8004', 7, 8, now() FROM task_instance, generate_series(1, 2) n",
        (history.HOSTILE,),
    )
    source.sql(
        "INSERT INTO sla_miss (task_id, dag_id, execution_date, email_sent, description) VALUES ('t1', 'daily', '2026-01-01', true, '')"
    )
    source.sql("INSERT INTO ab_user (id, first_name, last_name, username, email) VALUES (9, 'a', 'b', 'c', 'd')")
    source.sql(
        "INSERT INTO dag_run_note (dag_run_id, user_id, content, created_at, updated_at) SELECT id, 9, %s, '2026-01-05', '2026-01-06' "
        "FROM dag_run",
        (history.HOSTILE,),
    )
    source.sql(
        "INSERT INTO task_instance_note (dag_id, task_id, run_id, map_index, user_id, content, created_at, updated_at) SELECT dag_id, "
        "task_id, run_id, map_index, 9, %s, '2026-01-05', '2026-01-06' FROM task_instance",
        (history.HOSTILE,),
    )
    migration.export()
    migration.data("import")
    target = migration.target
    tries = "SELECT dag_id, task_id, run_id, map_index, try_number, state, hostname FROM task_instance_history WHERE dag_id = 'daily'"
    assert sorted(target.sql(tries)) == sorted(source.sql(tries)) and target.one("SELECT count(*) FROM task_instance_history") == 4
    assert target.sql("SELECT DISTINCT pid, job_id, trigger_timeout, executor_config = '\\x80047d942e' FROM task_instance_history") == [
        (None, None, None, True)
    ]
    missed = "SELECT task_id, dag_id, execution_date, email_sent, timestamp, description FROM sla_miss"
    assert target.sql(missed) == source.sql(missed) != []
    of_runs = (
        "SELECT dag_id, run_id, content, n.created_at, n.updated_at FROM dag_run_note n JOIN dag_run ON id = dag_run_id "
        "WHERE dag_id = 'daily'"
    )
    assert sorted(target.sql(of_runs)) == sorted(source.sql(of_runs)) and target.one("SELECT count(*) FROM dag_run_note") == 2
    of_tasks = "SELECT dag_id, task_id, run_id, content, created_at FROM task_instance_note WHERE dag_id = 'daily'"
    assert sorted(target.sql(of_tasks)) == sorted(source.sql(of_tasks)) and target.one("SELECT count(*) FROM task_instance_note") == 2
    assert target.one("SELECT count(*) FROM dag_run_note WHERE user_id IS NOT NULL") == 0
    dump = target.dump()
    assert {name: told["inserted"] for name, told in migration.data("import")["tables"].items() if told["inserted"]} == {}
    assert target.dump() == dump
