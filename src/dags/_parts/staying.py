"""Tables of the source that do not move, each with its reason: nothing is left behind unsaid."""
from _parts.activity import not_own
from _parts.database import columns_of, names, quoted, scalar

#: Why tables that are not in the catalogue stay behind.
FILLS_ITSELF = "the target fills it itself from its DAG files"
STAYS = {
    "dag": FILLS_ITSELF, "dag_tag": FILLS_ITSELF, "dag_code": FILLS_ITSELF, "dag_owner_attributes": FILLS_ITSELF, "dag_warning": FILLS_ITSELF,
    "serialized_dag": FILLS_ITSELF, "dag_pickle": FILLS_ITSELF, "import_error": "describes the source's DAG files",
    "log_template": "runs follow the target's own template", "alembic_version": "the schema's own", "session": "logins to the source",
    "trigger": "deferred work is not carried", "callback_request": "work of the source's processes",
    "dataset": "named by URI in events and queue; the target fills the rest from its DAG files", "dag_schedule_dataset_reference": FILLS_ITSELF,
    "task_outlet_dataset_reference": FILLS_ITSELF, "dag_schedule_dataset_alias_reference": FILLS_ITSELF, "dataset_alias": FILLS_ITSELF,
    "dataset_alias_dataset": "known again when a task writes to the alias", "dataset_alias_dataset_event": "runs know their events themselves",
}
STAYS_MOVED = "rows that an earlier upgrade of Airflow itself has set aside"
STAYS_AB = "users, roles and permissions of the source; MWAA makes the target's from IAM"


def tables_that_stay(cursor, tables):
    """Every table of the source with rows that no catalogue entry moves: nothing is left behind unsaid."""
    moved = {table["name"] for table in tables}
    cursor.execute("SELECT c.relname FROM pg_class c WHERE c.oid = to_regclass(quote_ident(c.relname)) AND c.relkind = 'r' "
                   "AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('dag_run')) ORDER BY 1")
    found = []
    for name in [row[0] for row in cursor.fetchall()]:
        if name in moved or name.startswith("mwaa_migrate_") or not scalar(cursor, "SELECT EXISTS (SELECT 1 FROM {})".format(quoted(name))):
            continue
        reason = STAYS.get(name) or (STAYS_AB if name.startswith("ab_") else STAYS_MOVED if name.startswith("_airflow_moved") else None)
        if reason is not None:
            found.append({"table": name, "reason": reason})
            continue
        rows = _users_rows(cursor, name)  # Only these are a loss that somebody may want to count.
        if rows:
            found.append({"table": name, "reason": "not moved by this release", "rows": rows})
    return found


def _users_rows(cursor, name):
    dag_column = "dag_id" if "dag_id" in names(columns_of(cursor, name)) else None
    return scalar(cursor, "SELECT count(*) FROM {} WHERE {}".format(quoted(name), not_own(dag_column) if dag_column else "true"))
