"""Sources whose tables look otherwise: tasks named by date (below 2.2, and 2.3 for what hangs on tasks), runs without a type (1.10)."""

import conftest
import old_history
import pytest

#: What must arrive of each table, as an expression over the old database and one over the new. `r` is the row's run.
ON_BOTH = {
    "dag_run": "x.dag_id, x.run_id, x.execution_date, x.state, x.external_trigger, x.conf, x.start_date, x.end_date",
    "task_instance": "x.dag_id, x.task_id, r.run_id, x.state, x.try_number, x.max_tries, x.hostname, x.unixname, x.pool, x.pool_slots, "
    "x.queue, coalesce(x.priority_weight, 1), x.operator, x.start_date, x.end_date, x.duration",
    "xcom": "x.dag_id, x.task_id, r.run_id, x.key, x.value, x.timestamp",
    "rendered_task_instance_fields": "x.dag_id, x.task_id, r.run_id, x.rendered_fields::text",
    "task_fail": "x.dag_id, x.task_id, r.run_id, x.start_date, x.end_date, x.duration",
    "log": "x.dttm, x.dag_id, x.task_id, coalesce(x.event, ''), x.execution_date, x.owner, x.extra",
    "slot_pool": "x.pool, x.slots, x.description",
}


def rows_of(environment, table):
    there = old_history.columns(environment, table)
    run = ""
    if "r." in ON_BOTH[table]:
        run = " JOIN dag_run r ON r.dag_id = x.dag_id AND " + (
            "r.run_id = x.run_id" if "run_id" in there else "r.execution_date = x.execution_date"
        )
    mine = "" if table == "slot_pool" else " WHERE x.dag_id IS DISTINCT FROM 'db_export'"
    found = environment.sql("SELECT {} FROM {} x{}{}".format(ON_BOTH[table], table, run, mine))
    return sorted(repr([bytes(value) if isinstance(value, memoryview) else value for value in row]) for row in found)


@pytest.mark.parametrize(
    "source", ["1.10.12", pytest.param("2.0.2", marks=pytest.mark.slow), "2.2.2", pytest.param("2.4.3", marks=pytest.mark.slow)]
)
def test_every_table_of_an_old_source_arrives(migrate, source):
    migration = migrate(source, conftest.TARGET)
    old_history.add_history(migration.source)
    migration.export()
    reported = migration.data("import")["tables"]

    for table in ON_BOTH:
        expected = rows_of(migration.source, table)
        assert rows_of(migration.target, table) == expected != [], table
        assert (reported[table]["rejected"], reported[table]["inserted"] + reported[table]["alreadyThere"]) == (0, len(expected)), table
    assert dict(migration.target.sql("SELECT run_type, count(*) FROM dag_run GROUP BY 1")) == {"scheduled": 3, "backfill": 1, "manual": 2}
    assert {name: value for name, (value, _) in migration.target.variables().items()} == {"plain": "secret value"}
    assert [found for found in migration.data("verify")["tables"].items() if found[1]["missing"] or found[1]["different"]] == []
