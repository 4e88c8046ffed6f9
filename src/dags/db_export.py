"""mwaa-migrate in the source: preflight, drain, export, restore, look (protocol.ts).

Rendered by the action for one attempt; as it stands in the repository it defines nothing that can run.
Works on Python 3.7 to 3.12, Airflow 1.10.12 to 2.11; imports only the standard library, Airflow, boto3, psycopg2 and cryptography.
"""
import json  # noqa: F401  the rendered line needs it

from _parts.activity import preflight_data
from _parts.dagfile import make_dag
from _parts.database import Database
from _parts.drain import drain
from _parts.export import export
from _parts.look import look_data, namesakes
from _parts.restore import restore

RENDERED = None  # mwaa-migrate: rendered


def preflight(command):
    database = Database()
    try:
        data = preflight_data(database, command)
        with database.snapshot() as cursor:
            data["namesakes"] = namesakes(cursor)
        return data
    finally:
        database.close()


def look(command):
    database = Database()
    try:
        return look_data(database, command)
    finally:
        database.close()


if RENDERED is not None:
    dag = make_dag(RENDERED, {"preflight": preflight, "drain": drain, "export": export, "restore": restore, "look": look})
