"""Settings that Airflow itself makes in every new database, as `airflow db init` does, which MWAA runs up to 2.8."""


def default_rows(table):
    """Key → {column: text or None}; {} for a table without such rows, or where this Airflow does not say."""
    if table["option"] != "connections":
        return {}
    try:
        return {conn.conn_id: {
            "conn_type": conn.conn_type, "description": conn.description, "host": conn.host, "schema": conn.schema, "login": conn.login,
            "password": conn.get_password(), "port": None if conn.port is None else str(conn.port), "extra": conn.get_extra(),
        } for conn in _default_connections()}
    except Exception:  # Another Airflow than those we know: its defaults then count as decided by somebody, and are reported as conflicts.
        return {}


def _default_connections():
    from airflow.utils import db
    made, merge = [], db.merge_conn
    # The list stands in the code of one function only, which writes each row by this other one.
    db.merge_conn = lambda conn, session=None: made.append(conn)
    try:
        db.create_default_connections(session=None)
    finally:
        db.merge_conn = merge
    return made
