"""mwaa-migrate in the source: preflight, drain, export, restore (protocol.ts).

Rendered by the action for one attempt; as it stands in the repository it defines nothing that can run.
Works on Python 3.7 to 3.12, Airflow 1.10.12 to 2.11; imports only the standard library, Airflow, boto3, psycopg2 and cryptography.
"""
import json  # noqa: F401  the rendered line needs it

from _parts.activity import preflight_data, set_paused
from _parts.dagfile import make_dag
from _parts.database import Database
from _parts.drain import drain
from _parts.export import export

RENDERED = None  # mwaa-migrate: rendered


def preflight(command):
    database = Database()
    try:
        return preflight_data(database, command)
    finally:
        database.close()


def restore(command):
    """Switch on again what was active before the drain."""
    wanted = [dag["dagId"] for dag in command.job["activeDags"]]
    database = Database()
    try:
        activated = set_paused(database, wanted, False)
        with database.transaction() as cursor:
            cursor.execute("SELECT dag_id FROM dag WHERE dag_id = ANY(%s) AND is_active AND NOT is_paused", (wanted,))
            active = {row[0] for row in cursor.fetchall()}
        return {"activated": activated, "missing": sorted(set(wanted) - active)}
    finally:
        database.close()


if RENDERED is not None:
    dag = make_dag(RENDERED, {"preflight": preflight, "drain": drain, "export": export, "restore": restore})
