"""Command look: what moves in an environment whose REST API nobody reaches. And the user's DAGs that are called as ours are."""
from _parts.activity import active_dags, not_own
from _parts.database import OWN_DAGS, literal

#: Runs that are told of each kind: nobody reads more.
SHOWN_RUNS = 500


def look_data(database, command):
    """Answer of `look` (protocol.ts LookData). Reads only."""
    with database.snapshot() as cursor:
        return {
            "activeDags": [dag["dagId"] for dag in active_dags(cursor)],
            "began": _runs(cursor, "start_date >= %s::timestamptz", (command.job["since"],)),
            "queued": _runs(cursor, "state = 'queued'", ()),
        }


def _runs(cursor, condition, values):
    cursor.execute("SELECT dag_id, run_id FROM dag_run WHERE {} AND {} ORDER BY dag_id, run_id LIMIT {}".format(condition, not_own(), SHOWN_RUNS), values)
    return [{"dagId": dag_id, "runId": run_id} for dag_id, run_id in cursor.fetchall()]


def namesakes(cursor):
    """Ids of the user's DAGs that are called as ours are, in order: by the file they stand in, or by a run that is none of our commands'."""
    cursor.execute(
        "SELECT dag_id FROM dag WHERE dag_id ~ {own} AND coalesce(fileloc, '') !~ '/mwaa_migrate/db_(export|import)[.]py$' "
        "UNION SELECT dag_id FROM dag_run WHERE dag_id ~ {own} AND coalesce(run_id, '') !~ '^[a-z]+-[0-9]+-[0-9]+$' ORDER BY 1".format(own=literal(OWN_DAGS)))
    return [row[0] for row in cursor.fetchall()]
