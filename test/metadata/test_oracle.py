"""An import gives what Airflow's own upgrade of the same database gives, but for what tolerated.py allows."""

import os

import comparing
import dags_conftest
import pairs
import pytest
import tolerated
from migrating import migrate_filled
from rows import rows_of

CHOSEN = [tuple(one.split("-")) for one in os.environ.get("PAIRS", "2.7.2-2.10.3 2.2.2-2.10.3").split()]


@pytest.fixture(scope="module")
def used():
    """Names of the entries of tolerated.py that have explained a difference."""
    return set()


@pytest.mark.parametrize("source,target", CHOSEN)
def test_what_arrives_is_what_airflows_own_upgrade_gives(databases, oracles, used, source, target):
    expected = oracles.of(source, target)
    with migrate_filled(databases, source, target) as migration:
        migration.export()
        migration.data("import")
        template = migration.target.one("SELECT max(id) FROM log_template")
        pair = tolerated.Pair(pairs.number(source), pairs.number(target), template)
        ours, moved = rows_of(migration.target), {table["name"] for table in dags_conftest.TABLES}
        ours, oracle = ({table: rows[table] for table in rows if table in moved} for rows in (ours, expected.rows))
        left = comparing.unexplained(ours, oracle, pair, tolerated.ENTRIES, used)
    assert not left, "{} differences:\n{}".format(len(left), "\n".join(left[:60]))
