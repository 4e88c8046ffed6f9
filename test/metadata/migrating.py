"""A migration of a filled source into a fresh target, by the DAG files as they ship."""

import contextlib

from dags_conftest import make_migration
from introspected import Filling
from setting_shapes import UNKNOWN_TO_TARGET, add_dag_row


@contextlib.contextmanager
def migrate_filled(databases, source, target):
    """A Migration (test/dags/conftest.py) of everything that can be moved; the source is filled, the target has parsed the DAGs."""
    migration = make_migration(databases.world, source, target)
    databases.drop(migration.source)
    migration.source = databases.copy_of_filled(source)
    migration.metadata.update(jobs=True, taskReschedule=True)
    try:
        filling = Filling(migration.target)
        for (dag_id,) in migration.source.sql("SELECT dag_id FROM dag WHERE dag_id NOT IN ('db_export', %s)", (UNKNOWN_TO_TARGET,)):
            add_dag_row(filling, dag_id)
        yield migration
    finally:
        databases.drop(migration.source)
        databases.drop(migration.target)
