"""The oracle: a copy of the filled source, upgraded in place by the target's own `airflow db migrate`, as comparable rows.

Airflow refuses some old databases as they are. What it names then is taken out of the copy first, by rules said here; what it moves aside
itself stands in tables `_airflow_moved__*`. Both are `aside`: rows that must be in our side files.
"""

import collections
import hashlib
import os
import pathlib
import pickle
import re

from rows import rows_of

#: Rows that Airflow 2.0 cannot have, one DELETE per rule. The newest of several stays, by time and then by id.
REFUSED_BELOW_2 = (
    ("xcom", "DELETE FROM xcom WHERE key IS NULL"),
    (
        "xcom",
        "DELETE FROM xcom x USING xcom y "
        "WHERE (x.dag_id, x.task_id, x.key, x.execution_date) = (y.dag_id, y.task_id, y.key, y.execution_date) "
        "AND (x.timestamp, x.id) < (y.timestamp, y.id)",
    ),
    ("connection", "DELETE FROM connection WHERE conn_id IS NULL"),
    ("connection", "DELETE FROM connection x USING connection y WHERE x.conn_id = y.conn_id AND x.id < y.id"),
)
#: What an oracle is made from, besides the releases themselves.
MADE_FROM = "hostile introspected history_shapes child_shapes setting_shapes shapes databases rows oracle".split()
#: What a row that is set aside is known by, of the columns that its table has in the source.
KNOWN_BY = ("dag_id", "task_id", "run_id", "execution_date", "key", "timestamp", "start_date", "try_number")

Oracle = collections.namedtuple("Oracle", "rows aside")


class Oracles:
    """Made once per pair of versions; kept in the cache folder of the tests under a digest of all that it is made from."""

    def __init__(self, databases):
        self.databases = databases
        self.folder = pathlib.Path(
            os.environ.get("MWAA_MIGRATE_CACHE")
            or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "mwaa-migrate"
        )

    def of(self, source, target):
        file = self.folder / "oracle-{}-to-{}-{}.pickle".format(source, target, self._digest(source, target))
        if not file.exists():
            for old in self.folder.glob("oracle-{}-to-{}-*".format(source, target)):
                old.unlink()
            made = self._make(source, target)
            half = file.with_suffix(".{}".format(os.getpid()))
            half.write_bytes(pickle.dumps(made))
            half.rename(file)
        return pickle.loads(file.read_bytes())

    def _make(self, source, target):
        environment = self.databases.copy_of_filled(source)
        try:
            _number_permissions(environment)
            aside = collections.Counter(self._refused(environment, source))
            cascading = _children_by_cascade(environment)
            newest = environment.one("SELECT max(id) FROM log")
            self.databases.call(environment, target, "upgrade")
            environment.sql("DELETE FROM log WHERE id > %s", (newest,))  # the command's own line
            aside.update(_moved(environment))
            aside.update(cascading)
            return Oracle(rows_of(environment), aside)
        finally:
            self.databases.drop(environment)

    def _refused(self, environment, source):
        if int(source.split(".")[0]) >= 2:
            return
        # Airflow asks the user for it; ours gives the same type (see tolerated.py).
        environment.sql("UPDATE connection SET conn_type = '' WHERE conn_type IS NULL")
        for table, statement in REFUSED_BELOW_2:
            for row in environment.sql("{} RETURNING to_jsonb({})".format(statement, "x" if " x " in statement else table)):
                yield known_by(table, row[0])

    def _digest(self, source, target):
        parts = [(pathlib.Path(__file__).parent / (name + ".py")).read_bytes() for name in MADE_FROM]
        parts += [self.databases.world.pythons[version].encode() for version in (source, target) if not self.databases.world.need(version)]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def known_by(table, row):
    """A row as the side files are compared: (table, ((column, text), …)); a connection only by its table, for a manifest counts secrets."""
    if table == "connection":
        return (table, ())
    # A CSV file does not tell NULL from empty, and writes times otherwise than JSON.
    told = ((column, re.sub(r"^(\d{4}-\d\d-\d\d)T(\S+)\+00:00$", r"\1 \2+00", str(row[column]))) for column in KNOWN_BY if row.get(column))
    return (table, tuple(told))


def _number_permissions(environment):
    """1.10.12's own library numbered its roles and permissions itself; Airflow's migrations expect the database to do it, and stop."""
    for (table,) in environment.sql(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'id' AND column_default IS NULL "
        "AND to_regclass(table_name || '_id_seq') IS NOT NULL"
    ):
        environment.sql("ALTER TABLE {0} ALTER COLUMN id SET DEFAULT nextval('{0}_id_seq')".format(table))


def _moved(environment):
    tables = environment.sql("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE '\\_airflow\\_moved\\_\\_%' ORDER BY 1")
    for (name,) in tables:
        for (row,) in environment.sql('SELECT to_jsonb(x) FROM "{}" x'.format(name)):
            yield known_by(name.rsplit("__", 1)[1], row)


def _children_by_cascade(environment):
    """Reschedules of task instances without a run: Airflow moves those aside, and the foreign key takes these away without a word."""
    there = "SELECT 1 FROM pg_attribute WHERE attrelid = 'task_reschedule'::regclass AND attname = 'execution_date' AND NOT attisdropped"
    if not environment.sql(there):
        return []
    runs = "SELECT 1 FROM dag_run r WHERE r.dag_id = x.dag_id AND r.execution_date = x.execution_date"
    rows = environment.sql("SELECT to_jsonb(x) FROM task_reschedule x WHERE NOT EXISTS ({})".format(runs))
    return [known_by("task_reschedule", row[0]) for row in rows]
