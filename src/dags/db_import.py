"""mwaa-migrate in the target: preflight, keypair, import, verify, activate, deactivate (protocol.ts).

Rendered by the action for one attempt; as it stands in the repository it defines nothing that can run.
Works on Python 3.7 to 3.12, Airflow 1.10.12 to 2.11; imports only the standard library, Airflow, boto3, psycopg2 and cryptography.
"""
import json  # noqa: F401  the rendered line needs it

from _parts.activation import activate
from _parts.activity import preflight_data
from _parts.dagfile import make_dag
from _parts.database import Database
from _parts.deactivation import deactivate
from _parts.importing import import_tables
from _parts.one_time_key import make_key_pair
from _parts.verifying import verify_tables

RENDERED = None  # mwaa-migrate: rendered


def preflight(command):
    database = Database()
    try:
        return preflight_data(database, command)
    finally:
        database.close()


def keypair(command):
    database = Database()
    try:
        return make_key_pair(command, database)
    finally:
        database.close()


if RENDERED is not None:
    dag = make_dag(RENDERED, {"preflight": preflight, "keypair": keypair, "import": import_tables, "verify": verify_tables,
                              "activate": activate, "deactivate": deactivate})
