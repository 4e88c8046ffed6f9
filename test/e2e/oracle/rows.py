"""Rows as texts, the way PostgreSQL writes them; the same settings on both sides make equal values equal texts."""
from psycopg2 import sql

from tables import OWN_DAGS, OWN_VARIABLES

SETTINGS = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET bytea_output = 'hex'; SET extra_float_digits = 3; SET client_encoding = 'UTF8'"


def columns_of(connection, table):
    """Names in the table's order; none where this version has no such table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (table,))
        if not cursor.fetchone()[0]:
            return []
        if table in MEANT:
            cursor.execute("SELECT * FROM ({}) t LIMIT 0".format(MEANT[table]))
            return [column.name for column in cursor.description]
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum", (table,))
        return [name for (name,) in cursor.fetchall()]


def read_rows(connection, table, columns, snapshot):
    """All rows but those of the migration's own DAGs and Variables, each a dictionary of texts (or None).

    Columns are added where they are needed to judge another one: ``newest_log_template`` (highest id here), ``right_dag_run_id``
    (id of an XCom's run here), ``counts_when_scheduled`` (whether a try counts from the moment it is scheduled, as since 2.10).

    :param snapshot: rows of the audit log written later than this ISO time are left out; None: none are
    """
    selected = [sql.SQL("t.{}::text").format(sql.Identifier(column)) for column in columns]
    extra = EXTRA.get(table, {})
    selected += [sql.SQL(expression) for expression in extra.values()]
    where, parameters = [sql.SQL("true")], []
    if "dag_id" in columns:
        for pattern in OWN_DAGS:
            where.append(sql.SQL("(t.dag_id IS NULL OR t.dag_id NOT LIKE %s)"))
            parameters.append(pattern)
    if table == "variable":
        where.append(sql.SQL("t.key NOT LIKE %s"))
        parameters.append(OWN_VARIABLES)
    if table == "log" and snapshot is not None:
        where.append(sql.SQL("(t.dttm IS NULL OR t.dttm <= %s::timestamptz)"))
        parameters.append(snapshot)
    relation = sql.SQL("(" + MEANT[table] + ")") if table in MEANT else sql.Identifier(table)
    with connection.cursor() as cursor:
        cursor.execute(SETTINGS)
        cursor.execute(sql.SQL("SELECT {} FROM {} t {} WHERE {}").format(
            sql.SQL(", ").join(selected), relation, sql.SQL(JOINS.get(table, "")), sql.SQL(" AND ").join(where)), parameters)
        names = columns + list(extra)
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    connection.rollback()
    return rows


# Tables of ids alone: the same rows by what the ids mean in this database. Airflow 2.9 took to ending URIs in its own way: with one slash
# where nothing but a bucket is named, else with none.
URI = "rtrim(d.uri, '/') AS uri"
EVENT = URI + ", e.timestamp, e.extra, e.source_dag_id, e.source_task_id, e.source_run_id, e.source_map_index"
MEANT = {
    "dataset_event": f"SELECT {EVENT} FROM dataset_event e LEFT JOIN dataset d ON d.id = e.dataset_id",
    "dagrun_dataset_event": f"SELECT r.dag_id, r.run_id, {EVENT} FROM dagrun_dataset_event l LEFT JOIN dag_run r ON r.id = l.dag_run_id "
                            "LEFT JOIN dataset_event e ON e.id = l.event_id LEFT JOIN dataset d ON d.id = e.dataset_id",
    "dataset_dag_run_queue": f"SELECT {URI}, q.target_dag_id, q.created_at FROM dataset_dag_run_queue q "
                             "LEFT JOIN dataset d ON d.id = q.dataset_id",
}
EXTRA = {
    "dag_run": {"newest_log_template": "(SELECT max(id) FROM log_template)::text"},
    "task_instance": {"counts_when_scheduled": "(to_regclass('task_instance_history') IS NOT NULL)::text"},
    "xcom": {"right_dag_run_id": "r.id::text"},
}
JOINS = {
    "xcom": "LEFT JOIN dag_run r ON r.dag_id = t.dag_id AND r.run_id = t.run_id",
}
