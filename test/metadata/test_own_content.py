"""A target that is in use: nothing of it changes, what cannot stand beside it is rejected with all that hangs on it, and told."""

import csv
import gzip
import io
import sys

import pytest
from child_shapes import DAILY, LATER
from history_shapes import add_run, add_task, at
from introspected import Filling, Run
from migrating import migrate_filled

csv.field_size_limit(sys.maxsize)
SAME_DATE = Run("daily", "manual__of the target", at(1))
OTHER_TIME = Run("daily", LATER.run_id, at(28))
OF_TASKS = (
    "task_instance",
    "task_instance_history",
    "task_map",
    "xcom",
    "rendered_task_instance_fields",
    "task_fail",
    "task_instance_note",
)


def use(target):
    """Runs, settings and an audit log of the target's own, some of which the source has too, and otherwise."""
    filling = Filling(target)
    for run in (SAME_DATE, OTHER_TIME, Run("own", "manual__1", at(1))):
        add_run(filling, run.dag_id, run.run_id, run.at, run_type="manual", external_trigger=True, state="running")
        add_task(filling, run, "extract", pool="narrow", state="running")
        filling.insert("xcom", run, task_id="extract", key="return_value", value=b'"the target\'s"', map_index=-1, timestamp=at(28))
        filling.insert("rendered_task_instance_fields", run, task_id="extract", map_index=-1, rendered_fields={"of": "the target"})
    # Differ from the source's, equal the source's, only here.
    for key, text in (("plain", "the target's"), ("empty", ""), ("own", "x")):
        filling.insert("variable", key=key, val=filling.encrypted(text), is_encrypted=True)
    filling.insert("connection", conn_id="warehouse", conn_type="mysql", password=filling.encrypted("the target's"), is_encrypted=True)
    filling.insert("connection", conn_id="own", conn_type="http", is_encrypted=False, is_extra_encrypted=False)
    filling.insert("slot_pool", pool="narrow", slots=9, description="in use", include_deferred=False)
    filling.insert("log", dttm=at(28), dag_id="own", event="paused", owner="a person")
    target.sql("UPDATE slot_pool SET slots = 42 WHERE pool = 'default_pool'")


def everything(target):
    """{table: {row as text with its xmin}} of every table but `dag`, whose next runs an import forgets."""
    tables = [row[0] for row in target.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")]
    return {name: {row[0] for row in target.sql('SELECT x.xmin || x::text FROM "{}" x'.format(name))} for name in tables if name != "dag"}


def rejected(migration, table):
    body = migration.read("import/rejected/{}.csv.gz".format(table))
    return [] if body is None else list(csv.DictReader(io.StringIO(gzip.decompress(body).decode(), newline="")))


@pytest.mark.parametrize("source,target", [("1.10.12", "2.11.2"), ("2.7.2", "2.10.3"), ("2.10.3", "2.11.2")])
def test_nothing_of_a_target_in_use_changes(databases, source, target):
    with migrate_filled(databases, source, target) as migration:
        use(migration.target)
        before = everything(migration.target)
        migration.export()
        tables = migration.data("import")["tables"]
        after = everything(migration.target)

        for table, rows in before.items():
            # Two variables of the migration's own come and go: the one-time key pair.
            assert rows <= after[table], (table, rows - after[table])
        assert [(row["run_id"], row["mwaa_reason"]) for row in rejected(migration, "dag_run")] == [
            (DAILY.run_id, "the target has another row of the same dag_id, execution_date"),
            (LATER.run_id, "the target has a different row of the same dag_id, run_id"),
        ]
        for table in OF_TASKS:
            if table not in tables:
                continue
            expected = children_of_both(migration.source, table)
            assert len(rejected(migration, table)) == tables[table]["rejected"] == expected, table
            assert {row["run_id"] for row in rejected(migration, table)} <= {DAILY.run_id, LATER.run_id}, table
        assert tables["task_instance"]["rejected"] == 4 and tables["xcom"]["rejected"] > 20
        assert children_of_both(migration.target, "task_instance") == 1, "only the target's own task instance under these ids"
        assert [row["key"] for row in rejected(migration, "variable")] == ["plain"]
        assert [row["conn_id"] for row in rejected(migration, "connection")] == ["warehouse"]
        assert [row["pool"] for row in rejected(migration, "slot_pool")] == ["narrow"]
        told = [(run["dagId"], run["runId"]) for run in tables["dag_run"]["rejectedRuns"]]
        assert told == [("daily", DAILY.run_id), ("daily", LATER.run_id)]


def children_of_both(environment, table):
    """Rows below the two runs; what has no task instance in an old source is not rejected here, but left out there."""
    columns = {row[0] for row in environment.sql("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", (table,))}
    by_run = "run_id" in columns
    where = "dag_id = 'daily' AND {} IN (%s, %s) AND task_id IN ('extract', 'load')".format("run_id" if by_run else "execution_date")
    counted = "DISTINCT (dag_id, task_id, execution_date, key)" if table == "xcom" and not by_run else "*"
    more = " AND key IS NOT NULL" if table == "xcom" else ""
    values = (DAILY.run_id, LATER.run_id) if by_run else (DAILY.at, LATER.at)
    return environment.one("SELECT count({}) FROM {} WHERE {}{}".format(counted, table, where, more), values)
