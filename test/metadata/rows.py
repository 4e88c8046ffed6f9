"""Reads the tables of a metadata database of a target's version as rows that can be compared between two databases.

A number that each database gives itself is replaced by what it stands for: `dag_run_id` by the run's ids, `dataset_id` by the URI,
`event_id` by the event's content. Variables and connections are decrypted. The rest stands as PostgreSQL gives it.
"""

import hashlib
import json

#: Table → what names one of its rows; None: nothing does, equal rows are numbered.
KEYS = {
    "slot_pool": ("pool",),
    "dag_run": ("dag_id", "run_id"),
    "task_instance": ("dag_id", "task_id", "run_id", "map_index"),
    "task_instance_history": ("dag_id", "task_id", "run_id", "map_index", "try_number"),
    "task_map": ("dag_id", "task_id", "run_id", "map_index"),
    "xcom": ("dag_id", "task_id", "run_id", "map_index", "key"),
    "rendered_task_instance_fields": ("dag_id", "task_id", "run_id", "map_index"),
    "task_fail": None,
    "task_reschedule": None,
    "dag_run_note": ("dag_run_id",),
    "task_instance_note": ("dag_id", "task_id", "run_id", "map_index"),
    "sla_miss": ("dag_id", "task_id", "execution_date"),
    "dataset_event": None,
    "dagrun_dataset_event": ("dag_run_id", "event_id"),
    "dataset_dag_run_queue": ("dataset_id", "target_dag_id"),
    "log": None,
    "job": None,
    "variable": ("key",),
    "connection": ("conn_id",),
}
#: Columns that Airflow encrypts, with the column that says whether it did.
SECRET = {"variable": {"val": "is_encrypted"}, "connection": {"password": "is_encrypted", "extra": "is_extra_encrypted"}}
#: Column → tables without a key in which it is compared between rows that are equal otherwise: it is written anew, by a rule.
WRITTEN_ANEW = {"id": set(KEYS), "state": {"job"}}


def rows_of(environment):
    """{table: {key: {column: value}}} of every table of KEYS that the database has."""
    told = {"dag_run_id": _runs(environment), "dataset_id": _uris(environment)}
    told["event_id"] = _events(environment, told["dataset_id"])
    there = {row[0] for row in environment.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")}
    return {table: _table(environment, table, key, told) for table, key in KEYS.items() if table in there}


def _table(environment, table, key, told):
    cursor = environment.connection.cursor()
    cursor.execute("SELECT {} FROM {} x".format(_selected(environment, table), table))
    names = [column.name for column in cursor.description]
    rows, seen = {}, {}
    for values in cursor:
        row = {name: _short(value) for name, value in zip(names, values, strict=True)}
        for column, told_by in told.items():
            if column in row:
                row[column] = told_by.get(row[column], "no row has the id {}".format(row[column]))
        for column, flag in SECRET.get(table, {}).items():
            row[column] = _readable(environment.fernet, row[column], row[flag])
        named = (
            tuple(row[column] for column in key)
            if key
            else tuple(repr(row[name]) for name in names if table not in WRITTEN_ANEW.get(name, ()))
        )
        if key is None:
            seen[named] = seen.get(named, 0) + 1
            named += (seen[named],)
        assert named not in rows, "{} has two rows {}".format(table, named)
        rows[named] = row
    return rows


def _short(value):
    """Megabytes are compared by their digest: rows are kept."""
    if not isinstance(value, memoryview):
        return value
    data = bytes(value)
    return data if len(data) < 10_000 else "{} bytes, SHA-256 {}".format(len(data), hashlib.sha256(data).hexdigest())


def _selected(environment, table):
    """Times as PostgreSQL's text, for Python has no year 10000 and no infinity; JSON by its value."""
    columns = environment.sql(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s ORDER BY 1",
        (table,),
    )
    as_text = ("timestamp with time zone", "timestamp without time zone", "json", "jsonb", "double precision")
    return ", ".join('"{0}"::text AS "{0}"'.format(name) if kind in as_text else '"{}"'.format(name) for name, kind in columns)


def _readable(fernet, value, is_encrypted):
    if not is_encrypted or value is None:
        return value
    try:
        return fernet.decrypt(value.encode()).decode()
    except Exception:  # noqa: B902  made to be unreadable
        return "unreadable"


def _runs(environment):
    return {row[0]: "run {} of {}".format(row[2], row[1]) for row in environment.sql("SELECT id, dag_id, run_id FROM dag_run")}


def _uris(environment):
    if not environment.one("SELECT count(*) FROM pg_class WHERE relname = 'dataset'"):
        return {}
    return dict(environment.sql("SELECT id, uri FROM dataset"))


def _events(environment, uris):
    """Equal events are numbered by id: nothing else tells them apart."""
    if not uris:
        return {}
    found, seen = {}, {}
    for number, dataset, *content in environment.sql(
        "SELECT id, dataset_id, timestamp::text, source_dag_id, extra::text FROM dataset_event ORDER BY id"
    ):
        told = json.dumps([uris[dataset], *content])
        seen[told] = seen.get(told, 0) + 1
        found[number] = "{} #{}".format(told, seen[told])
    return found
