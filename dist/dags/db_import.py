"""mwaa-migrate in the target: preflight, keypair, import, verify, activate, deactivate (protocol.ts).

Rendered by the action for one attempt; as it stands in the repository it defines nothing that can run.
Works on Python 3.7 to 3.12, Airflow 1.10.12 to 2.11; imports only the standard library, Airflow, boto3, psycopg2 and cryptography.
"""
# Made by scripts/dags.mjs from src/dags: change it there.
import base64
import csv
import datetime
import fnmatch
import gzip
import hashlib
import hmac
import inspect
import io
import json
import logging
import os
import pickle
import re
import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib
from airflow import DAG
from airflow import __version__ as airflow_version_text
from botocore.config import Config
from botocore.exceptions import InvalidRetryConfigurationError
from cryptography.hazmat.backends import default_backend
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
import boto3

RENDERED = None  # mwaa-migrate: rendered


# ---- failures: Failures that people may see: they say what, why and how to fix, and never carry a value of a row.

class Refusal(Exception):
    """The command cannot go on. Every text is safe to show.

    :param str code: stable, documented in docs/reference/errors.md.
    """

    def __init__(self, code, what, why, fix):
        Exception.__init__(self, "{}: {}\n  Why: {}\n  Fix: {}".format(code, what, why, fix))
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix

    def as_json(self):
        return {"code": self.code, "what": self.what, "why": self.why, "fix": self.fix}


class CommandFailed(Exception):
    """What Airflow logs when a command fails: the text of a Refusal, without any cause that could carry values."""


def as_refusal(error):
    """Turn any exception into a Refusal without the exception's own text, which may quote rows.

    PostgreSQL puts values into message, DETAIL and CONTEXT; only its code and the names of objects are taken.
    """
    if isinstance(error, Refusal):
        return error
    name = type(error).__name__
    where = _place(error)
    if name in ("AirflowTaskTerminated", "AirflowTaskTimeout", "KeyboardInterrupt", "SystemExit") or (
            name == "AirflowException" and "SIGTERM" in str(error)):
        return Refusal("task-ended", "Airflow ended the task from outside ({}).".format(name),
                       "a worker was replaced, or somebody changed the task's state; nothing half-done was committed.",
                       "run the phase again: it goes on from what is there.")
    diagnosis = getattr(error, "diag", None)
    if diagnosis is not None:
        parts = ["SQLSTATE {}".format(getattr(error, "pgcode", None) or "unknown")]
        for label in ("table_name", "column_name", "constraint_name"):
            value = getattr(diagnosis, label, None)
            if value:
                parts.append("{} {}".format(label.replace("_name", ""), value))
        return Refusal("database-error", "PostgreSQL refused a statement ({}: {}) at {}.".format(name, ", ".join(parts), where),
                       "the transaction was rolled back. Its message is left out, for it can quote rows.",
                       "look the SQLSTATE up in PostgreSQL's documentation (disk full, permission, lost connection), repair it and run the phase again.")
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        return Refusal("aws-error", "AWS refused {} with {}: {} (at {}).".format(
            getattr(error, "operation_name", "a call"), response["Error"].get("Code"), response["Error"].get("Message"), where),
            "the task works with the environment's execution role, and what it needs lies in the migration bucket.",
            "give the execution role what the message names on the migration's prefix (docs/iam), and run the phase again.")
    if name in ("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "NoCredentialsError", "ConnectionClosedError"):
        return Refusal("aws-unreachable", "No answer from AWS: {} at {}.".format(name, where),
                       "the worker has no way to the endpoint, or no credentials.",
                       "check the environment's network (S3 and KMS endpoints) and execution role, and run the phase again.")
    return Refusal("defect", "{} at {}.".format(name, where),
                   "this is a defect of mwaa-migrate; its message is left out, for it could quote rows.",
                   "report it with this text and the Airflow version, and run the phase again.")


def _place(error):
    """File, line and function of the innermost frame of this file, else of the innermost frame."""
    traceback = getattr(error, "__traceback__", None) or sys.exc_info()[2]
    found = "an unknown place"
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == __file__ or found == "an unknown place":
            found = "{}:{} {}".format(os.path.basename(code.co_filename), traceback.tb_lineno, code.co_name)
        traceback = traceback.tb_next
    return found


# ---- database: The environment's own metadata database, through the connection Airflow itself uses.

#: What text forms depend on, fixed so that both ends write and read the same (design §5); and no limit of the environment ends a long statement.
SESSION = (
    "SET LOCAL TimeZone = 'UTC'", "SET LOCAL DateStyle = 'ISO, YMD'", "SET LOCAL IntervalStyle = 'postgres'", "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL extra_float_digits = 3", "SET LOCAL client_encoding = 'UTF8'", "SET LOCAL standard_conforming_strings = on",
    "SET LOCAL statement_timeout = 0", "SET LOCAL lock_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0",
)

#: The DAGs of this product: db_export, db_import and their numbered twins. Not every name that begins so: it could be a user's.
OWN_DAGS = "^db_(export|import)(_[0-9]+)?$"
OWN_VARIABLES = "^mwaa_migrate_[0-9a-f]{8}_(private|public)_key$"

#: https://www.postgresql.org/docs/current/errcodes-appendix.html
DEADLOCK_DETECTED = "40P01"
DEADLOCKS = 5

FINAL_STATES = ("success", "failed", "skipped", "upstream_failed", "removed")
FINISHED_RUNS = ("success", "failed")


def quoted(name):
    """An identifier as SQL: a plugin may have added a column called "user"."""
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def text_list(values):
    return ", ".join(literal(value) for value in values)


class Column(object):
    """One column of a live table. `type` is PostgreSQL's full name of it, e.g. `character varying(250)`."""

    def __init__(self, name, type_name, required, has_default):
        self.name = name
        self.type = type_name
        self.required = required
        self.has_default = has_default

    @property
    def length(self):
        """Most characters it takes, None without a limit."""
        found = re.match(r"character varying\((\d+)\)$", self.type)
        return int(found.group(1)) if found else None


class Database(object):
    """One connection that belongs to this task alone: its session settings never reach Airflow's pool."""

    def __init__(self):
        from airflow import settings  # At run time only: while the file is parsed, no connection may be made.
        if settings.engine.dialect.name != "postgresql":
            raise Refusal("database-not-postgresql", "The metadata database is {}.".format(settings.engine.dialect.name),
                          "this release moves rows by PostgreSQL's COPY.", "move an environment whose metadata database is PostgreSQL.")
        connection = settings.engine.raw_connection()
        connection.detach()
        # Whatever SQLAlchemy calls it in this version; the fairy itself would hide some attributes of psycopg2.
        self.connection = getattr(connection, "driver_connection", None) or connection.connection
        self._fairy = connection
        self.connection.rollback()

    def close(self):
        self.connection.close()

    def transaction(self, mode="READ COMMITTED"):
        """`with database.transaction() as cursor:` commits at the end, rolls back on any error."""
        return Transaction(self.connection, mode)

    def settle(self, work):
        """`work(cursor)` in a transaction that counts when it commits; done again where PostgreSQL ended it for a deadlock.

        Airflow's processors lock rows of `dag` file by file, in an order of their own, all the time.
        """
        for left in reversed(range(DEADLOCKS)):
            try:
                with self.transaction() as cursor:
                    return work(cursor)
            except Exception as error:
                if not left or getattr(error, "pgcode", None) != DEADLOCK_DETECTED:
                    raise

    def snapshot(self):
        return self.transaction("REPEATABLE READ READ ONLY")

    def alone(self, name, wait_seconds, sleep):
        """Hold the session's advisory lock `name`, so that two commands cannot interleave.

        A killed try's backend may still finish its statement before it notices, so the lock is waited for.
        """
        for waited in range(0, wait_seconds + 1, 2):
            with self.transaction() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s), hashtext(%s))", ("mwaa-migrate", name))
                if cursor.fetchone()[0]:
                    return
            if waited < wait_seconds:
                sleep(2)
        raise Refusal("already-running", "Another command of migration {} is at work in this database.".format(name),
                      "two at once could count rows twice.", "wait until the other DAG run has ended, then run the phase again.")


class Transaction(object):
    def __init__(self, connection, mode):
        self.connection = connection
        self.mode = mode

    def __enter__(self):
        self.cursor = self.connection.cursor()
        self.cursor.execute("SET TRANSACTION ISOLATION LEVEL " + self.mode)
        for statement in SESSION:
            self.cursor.execute(statement)
        return self.cursor

    def __exit__(self, kind, error, traceback):
        if kind is None:
            self.connection.commit()
        elif not self.connection.closed:
            self.connection.rollback()
        self.cursor.close()
        return False


def columns_of(cursor, table):
    """The live columns of a table in their order; an empty list when there is no such table."""
    cursor.execute(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef FROM pg_attribute a "
        "WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum", (quoted(table),))
    return [Column(*row) for row in cursor.fetchall()]


def names(columns):
    return [column.name for column in columns]


def scalar(cursor, statement, values=None):
    cursor.execute(statement, values)
    return cursor.fetchone()[0]


def iso(moment):
    """ISO 8601 UTC of a timestamptz read under TimeZone=UTC; None stays None."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


# ---- airflow_session: Airflow's own objects and SQL in one transaction: runs are made by Airflow's code, everything else by statements beside it.

def settle_with_session(work):
    """`work(cursor, session)` in one transaction that counts when it commits; done again where PostgreSQL ended it for a deadlock.

    `cursor` is psycopg2's, on the very connection that the SQLAlchemy session uses.
    """
    from airflow import settings
    for left in reversed(range(DEADLOCKS)):
        session = settings.Session.session_factory()
        try:
            cursor = session.connection().connection.cursor()
            for statement in SESSION:
                cursor.execute(statement)
            answer = work(cursor, session)
            session.commit()
            return answer
        except Exception as error:
            session.rollback()
            cause = getattr(error, "orig", None) or error  # SQLAlchemy wraps what psycopg2 says.
            if not left or getattr(cause, "pgcode", None) != DEADLOCK_DETECTED:
                raise cause
        finally:
            session.close()


# ---- patterns: `metadata.dags` of the migration file: which DAGs' history moves, by patterns as fnmatch knows them.

ALL_DAGS = {"include": (), "exclude": ()}


def is_taken(dag_id, dags):
    """`dags`: {"include": [patterns], "exclude": [patterns]}; no include takes all."""
    included = not dags["include"] or any(fnmatch.fnmatchcase(dag_id, pattern) for pattern in dags["include"])
    return included and not any(fnmatch.fnmatchcase(dag_id, pattern) for pattern in dags["exclude"])


def chooses(dags):
    return bool(dags["include"] or dags["exclude"])


def taken_sql(column, dags):
    """SQL: the same of a column; true for a row of no DAG."""
    tests = ["{} ~ {}".format(column, literal(_any_of(dags["include"])))] if dags["include"] else []
    tests += ["{} !~ {}".format(column, literal(_any_of(dags["exclude"])))] if dags["exclude"] else []
    return "coalesce({}, true)".format(" AND ".join(tests)) if tests else "true"


def _any_of(patterns):
    return "^(?:{})$".format("|".join(map(_regex, patterns)))


def _regex(pattern):
    """A pattern as a regular expression of PostgreSQL: https://docs.python.org/3/library/fnmatch.html"""
    found, at = "", 0
    while at < len(pattern):
        end = pattern.find("]", at + (3 if pattern[at + 1:at + 2] == "!" else 2)) if pattern[at] == "[" else -1
        if end > 0:
            inside = pattern[at + 1:end].replace("\\", "\\\\").replace("[", "\\[")
            found += "[^{}]".format(inside[1:]) if inside.startswith("!") else "[{}]".format("\\" + inside if inside.startswith("^") else inside)
            at = end
        else:
            found += {"*": ".*", "?": "."}.get(pattern[at]) or (pattern[at] if pattern[at].isalnum() else "\\" + pattern[at])
        at += 1
    return found


# ---- activity: What moves in an environment: active DAGs, runs in flight. Used by both sides.

#: SQL: the run `r` has not ended.
IN_FLIGHT = "coalesce(r.state, '') NOT IN ({})".format(text_list(FINISHED_RUNS))
#: A scheduler's loop that began before a pause looks at the DAG's runs once more; until it is over, what stands still may yet be queued.
LOOP_SECONDS = 30
#: Names of deferred tasks that a run in flight lists.
SHOWN_DEFERRED = 20

#: SQL: what 1.10 has no column for. By the run id, as Airflow's own upgrade does it, in whose LIKE an underscore is any character.
RUN_TYPE = ("CASE WHEN {0}.run_id ~ '^backfill..' THEN 'backfill' WHEN {0}.run_id ~ '^scheduled..' THEN 'scheduled' "
            "WHEN {0}.run_id ~ '^dataset.triggered..' THEN 'dataset_triggered' ELSE 'manual' END")

NEXT_RUN = ("next_dagrun", "next_dagrun_data_interval_start", "next_dagrun_data_interval_end", "next_dagrun_create_after")


def not_own(column="dag_id"):
    """SQL: the row is not of our own DAGs. A NULL dag_id is nobody's and stays."""
    return "({0} IS NULL OR {0} !~ {1})".format(column, literal(OWN_DAGS))


def is_at_rest(cursor):
    """No run is in flight."""
    return not scalar(cursor, "SELECT EXISTS (SELECT 1 FROM dag_run r WHERE {} AND {})".format(IN_FLIGHT, not_own()))


def next_run_columns(cursor):
    """Those of NEXT_RUN that the environment has (none below 2.0, two below 2.2)."""
    there = names(columns_of(cursor, "dag"))
    return [name for name in NEXT_RUN if name in there]


def active_dags(cursor, paused_too=False):
    """Unpaused and active DAGs without ours as protocol.ts ActiveDag, ordered by id. `paused_too`: all that are active, that is, have a file."""
    there = next_run_columns(cursor)
    picked = ", ".join(name if name in there else "NULL::timestamptz" for name in NEXT_RUN)
    cursor.execute("SELECT dag_id, {} FROM dag WHERE is_active AND {} AND {} ORDER BY dag_id".format(
        picked, "true" if paused_too else "NOT is_paused", not_own()))
    rows = cursor.fetchall()
    catchup = catchup_of(cursor, [row[0] for row in rows])
    return [{"dagId": row[0], "nextDagrun": iso(row[1]), "nextDagrunDataIntervalStart": iso(row[2]),
             "nextDagrunDataIntervalEnd": iso(row[3]), "nextDagrunCreateAfter": iso(row[4]), "catchup": catchup.get(row[0])} for row in rows]


def catchup_of(cursor, dag_ids):
    """dag_id → catchup, as the serialized DAG says. Airflow leaves the value out where it is the environment's default."""
    serialized = names(columns_of(cursor, "serialized_dag"))
    if not serialized:
        return {}
    from airflow.configuration import conf
    default = conf.getboolean("scheduler", "catchup_by_default")
    found = {}
    compressed = "data_compressed" if "data_compressed" in serialized else "NULL"
    for dag_id in dag_ids:  # One at a time: a serialized DAG may have megabytes.
        # Taken apart here: a DAG may hold \\u0000, which PostgreSQL's own JSON functions refuse.
        cursor.execute("SELECT data::text, {} FROM serialized_dag WHERE dag_id = %s".format(compressed), (dag_id,))
        row = cursor.fetchone()
        text = row and (row[0] or (row[1] and zlib.decompress(bytes(row[1])).decode("utf-8")))
        if text:
            found[dag_id] = bool(json.loads(text)["dag"].get("catchup", default))
    return found


def run_type_of(cursor, run):
    """SQL: the type of this alias of dag_run."""
    return run + ".run_type" if "run_type" in names(columns_of(cursor, "dag_run")) else "({})".format(RUN_TYPE.format(run))


def task_link(cursor):
    """SQL that ties the task instance `t` to its run `r`, and of its map index: below 2.2 a task names its run by date, below 2.3 none is mapped."""
    there = names(columns_of(cursor, "task_instance"))
    return ("r.dag_id = t.dag_id AND " + ("r.run_id = t.run_id" if "run_id" in there else "r.execution_date = t.execution_date"),
            "t.map_index" if "map_index" in there else "-1")


def runs_in_flight(cursor, order, ended=(), dags=ALL_DAGS):
    """Runs that have not ended, as protocol.ts InFlightRun and `tasks`: their unfinished task instances.

    :param dict order: the job's `drain`.
    :param ended: what the drain has ended and still stands so (ended.py); listed with their state before.
    :param dags: as patterns.py has them; runs of other DAGs stay behind.
    """
    cursor.execute(
        "SELECT dag_id, run_id, {}, state, start_date, execution_date FROM dag_run r WHERE {} AND {} "
        "ORDER BY dag_id, execution_date, run_id".format(run_type_of(cursor, "r"), IN_FLIGHT, not_own()))
    runs = [{"dagId": row[0], "runId": row[1], "runType": row[2], "state": row[3] or "none", "startDate": iso(row[4]),
             "logicalDate": iso(row[5]), "unfinished": {}, "ended": 0, "deferred": [], "tasks": []} for row in cursor.fetchall()]
    by_key = {(run["dagId"], run["runId"]): run for run in runs}
    link, index = task_link(cursor)
    trigger = "t.next_method IS NOT NULL" if "next_method" in names(columns_of(cursor, "task_instance")) else "false"
    cursor.execute(
        "SELECT r.dag_id, r.run_id, t.task_id, {}, t.state, t.try_number, {} FROM task_instance t JOIN dag_run r ON {} "
        "WHERE {} AND coalesce(t.state, '') <> ALL(%s) AND {}".format(index, trigger, link, IN_FLIGHT, not_own("r.dag_id")), (list(FINAL_STATES),))
    found = {row[:4]: row[4:] + (False,) for row in cursor.fetchall()}
    found.update({(one["dagId"], one["runId"], one["taskId"], one["mapIndex"]): (one["state"], one["tryNumber"], one["hasTrigger"], True) for one in ended})
    for dag_id, run_id, task_id, map_index in sorted(found):
        state, try_number, has_trigger, is_ended = found[dag_id, run_id, task_id, map_index]
        run = by_key[(dag_id, run_id)]
        run["unfinished"][state or "none"] = run["unfinished"].get(state or "none", 0) + 1
        run["ended"] += is_ended
        # One that came back from its trigger was not run since: on the target it would begin anew all the same.
        if (has_trigger or state == "deferred") and len(run["deferred"]) < SHOWN_DEFERRED:
            run["deferred"].append(task_id if map_index < 0 else "{}[{}]".format(task_id, map_index))
        run["tasks"].append({"taskId": task_id, "mapIndex": map_index, "state": state, "tryNumber": try_number})
    for run in runs:
        run["fate"] = _fate(run, order) if is_taken(run["dagId"], dags) else "stays"
    return runs


def _fate(run, order):
    """protocol.ts Fate."""
    if run["runType"] == "backfill":
        return "backfill"
    if order["leftover"] == "fail":
        return "left"
    return "deferred" if run["deferred"] and not order["resumeDeferred"] else "resume"


def without_tasks(run):
    """InFlightRun of protocol.ts: without the single tasks, which only in-flight.json holds."""
    return {key: value for key, value in run.items() if key != "tasks"}


def set_paused(database, dag_ids, paused):
    """Switch DAGs; returns the ids that changed, ordered. DAGs that are gone or inactive do not change."""
    def switch(cursor):
        cursor.execute("UPDATE dag SET is_paused = %s WHERE dag_id = ANY(%s) AND is_active AND is_paused IS DISTINCT FROM %s RETURNING dag_id",
                       (paused, list(dag_ids), paused))
        return sorted(row[0] for row in cursor.fetchall())
    return database.settle(switch)


def preflight_data(database, command):
    """Answer of `preflight` on either side; proves the way to the bucket with one byte first."""
    from airflow import __version__
    import platform
    storage, key = command.storage, command.prefix + "preflight/probe"
    probe = storage.write(key, b"x", "text/plain")
    storage.read_checked(probe, "the probe")
    storage.read_range(key, probe["versionId"], 0, 1)
    storage.remove(key)
    storage.abort_uploads(command.prefix + "preflight/")
    rows = {}
    with database.snapshot() as cursor:
        for table in command.job["tables"]:
            there = names(columns_of(cursor, table["name"]))
            if there:
                rows[table["name"]] = scalar(cursor, "SELECT count(*) FROM {} WHERE {}".format(table["name"], own_filter(table)))
                command.say("counted {}".format(table["name"]), table["name"])
        data = {
            "airflowVersion": __version__, "pythonVersion": platform.python_version(),
            "databaseVersion": scalar(cursor, "SHOW server_version"),
            "alembicHead": scalar(cursor, "SELECT min(version_num) FROM alembic_version"),
            "activeDags": active_dags(cursor),
            "pausedDags": scalar(cursor, "SELECT count(*) FROM dag WHERE is_paused AND is_active AND {}".format(not_own())),
            "importErrors": scalar(cursor, "SELECT count(*) FROM import_error"),
            "rows": rows,
            "runsInFlight": scalar(cursor, "SELECT count(*) FROM dag_run WHERE (state IS NULL OR state NOT IN ({})) AND {}".format(
                text_list(FINISHED_RUNS), not_own())),
        }
        cursor.execute("SELECT pool FROM slot_pool ORDER BY pool")
        data["pools"] = [row[0] for row in cursor.fetchall()]
    return data


def own_filter(table, alias=""):
    """SQL: a row of this catalogue table is not ours."""
    if table["dagColumn"]:
        return not_own(alias + quoted(table["dagColumn"]))
    if table["name"] == "variable":
        return "{}key !~ {}".format(alias, literal(OWN_VARIABLES))
    return "true"


# ---- checksums: What both databases are compared by first: for every table and DAG how many rows, and a sum over them that no order of rows changes.

CHECKSUMS_FORMAT = 1
#: The first 64 bits of a digest.
FIRST_BITS = struct.Struct(">Q")


class RowSums(object):
    """Rows and sum of each group of lines: those that begin with the same field, or all of them.

    A line's share is the first 64 bits of its SHA-256; shares are added modulo 2 ** 64, so a row too many counts as much as one too few.
    """

    def __init__(self, is_grouped):
        self.is_grouped = is_grouped
        self._groups = {}
        self._group = None if is_grouped else self._groups.setdefault(b"", [0, 0])
        self._begin = None if is_grouped else b""

    def add(self, line):
        """:param bytes line: of CSV, with its line end. Neighbours are mostly of one DAG, so the last one is tried first."""
        if self._begin is None or not line.startswith(self._begin):
            field = first_field(line)
            self._begin, self._group = field + b",", self._groups.setdefault(field, [0, 0])
        self._group[0] += 1
        self._group[1] += FIRST_BITS.unpack_from(hashlib.sha256(line).digest())[0]

    @property
    def total(self):
        """The sum over all groups."""
        return sum(group[1] for group in self._groups.values())

    def groups(self):
        """{DAG id, None for rows of no DAG or where they are not grouped: (rows, sum as 16 hex digits)}, without groups that have no row."""
        return {field_text(field): (rows, hex_sum(total)) for field, (rows, total) in self._groups.items() if rows}


def hex_sum(total):
    return "{:016x}".format(total % 2 ** 64)


def first_field(line):
    """The first field of a CSV line as it stands there, its quotes included."""
    if not line.startswith(b'"'):
        return line[:line.index(b",")]
    end = line.index(b'"', 1)
    while line[end + 1:end + 2] == b'"':  # a quote within
        end = line.index(b'"', end + 2)
    return line[:end + 1]


def field_text(field):
    """What COPY wrote as this field: None for NULL."""
    if field.startswith(b'"'):
        return field[1:-1].replace(b'""', b'"').decode("utf-8")
    return field.decode("utf-8") or None


def group_column(table, columns):
    """The column that the lines of a table are grouped by, None where its rows belong to no DAG. NormalForm puts it first."""
    name = table["dagColumn"] or "dag_id"
    return name if name in columns else None


class ChecksumsWriter(object):
    """The object with the checksums of all tables: gzip of one line of JSON per table and DAG. Compressed as they come, for 5,000 DAGs have 90,000."""

    def __init__(self, migration_id, attempt):
        self.compressor = zlib.compressobj(6, zlib.DEFLATED, 31)
        self.packed = []
        self._write({"format": CHECKSUMS_FORMAT, "migrationId": migration_id, "attempt": attempt})

    def add(self, table, sums):
        for dag_id, (rows, total) in sorted(sums.groups().items(), key=lambda group: group[0] or ""):
            self._write({"table": table, "dag": dag_id, "rows": rows, "sum": total})

    def close(self):
        """The object's bytes."""
        return b"".join(self.packed + [self.compressor.flush()])

    def _write(self, value):
        self.packed.append(self.compressor.compress(json.dumps(value, sort_keys=True).encode("utf-8") + b"\n"))


def read_checksums(command, manifest):
    """{table: {DAG id or None: (rows, sum)}} as the export found them in its snapshot; tables without a row are absent."""
    lines = zlib.decompress(command.storage.read_checked(manifest["checksumsRef"], "the export's checksums"), 31).splitlines()
    head = json.loads(lines[0].decode("utf-8"))
    if head != {"format": CHECKSUMS_FORMAT, "migrationId": manifest["migrationId"], "attempt": manifest["attempt"]}:
        raise Refusal("foreign-manifest", "The export's checksums are of another format or export.", "they would say nothing about its rows.",
                      "export again with this release.")
    found = {}
    for line in lines[1:]:
        one = json.loads(line.decode("utf-8"))
        found.setdefault(one["table"], {})[one["dag"]] = (one["rows"], one["sum"])
    return found


# ---- storage: The migration bucket seen from inside an environment. Every request names the bucket's owner: a stranger's bucket gets nothing.

# S3 takes parts of 5 MiB to 5 GiB, 10,000 of them: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
UPLOAD_BYTES = 8 * 1024 * 1024
#: Compressed size at which a table's gzip member ends. A reader holds one member in memory.
PART_BYTES = 16 * 1024 * 1024
#: Rows are compressed together up to this size: one call per row would cost more than the compression.
BATCH_BYTES = 64 * 1024


def aws_client(service, region):
    """boto3 before 1.28 does not know AWS_ENDPOINT_URL, so it is passed on."""
    for name in ("botocore", "urllib3"):  # At DEBUG, a level that an environment may log tasks at, botocore quotes bodies: KMS's plain data key, rows.
        logging.getLogger(name).setLevel(logging.INFO)
    endpoint = os.environ.get("AWS_ENDPOINT_URL_" + service.upper()) or os.environ.get("AWS_ENDPOINT_URL")
    try:
        config = Config(retries={"mode": "standard", "max_attempts": 8}, connect_timeout=20, read_timeout=120)
    except InvalidRetryConfigurationError:  # botocore before 1.15, as in the constraints of Airflow 1.10.15, knows one mode only
        config = Config(retries={"max_attempts": 8}, connect_timeout=20, read_timeout=120)
    return boto3.client(service, region_name=region, endpoint_url=endpoint or None, config=config)


def name_owner(client, owner):
    """The parameter by which each request to S3 names the bucket's owner; botocore before 1.18 has none, so its requests get the header."""
    if "ExpectedBucketOwner" in client.meta.service_model.operation_model("PutObject").input_shape.members:
        return {"ExpectedBucketOwner": owner}
    client.meta.events.register("before-call.s3", lambda params, **_: params["headers"].update({"x-amz-expected-bucket-owner": owner}))
    return {}


def sha256_of(data):
    return hashlib.sha256(data).hexdigest()


class Storage(object):
    """One bucket through the environment's execution role."""

    def __init__(self, bucket, owner, region):
        self.client = aws_client("s3", region)
        self.here = dict(name_owner(self.client, owner), Bucket=bucket)

    def read(self, key, version=None):
        """The bytes of an object, None when there is none."""
        try:
            extra = {"VersionId": version} if version else {}
            return self.client.get_object(Key=key, **self._with(extra))["Body"].read()
        except self.client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchVersion", "404"):
                return None
            raise

    def read_if_there(self, key):
        """As `read`, for an object that may rightly be missing: under a policy that limits listing to a prefix, S3 answers 403 for it, not 404."""
        listed = self.client.list_objects_v2(Prefix=key, MaxKeys=1, **self.here).get("Contents", [])
        return self.read(key) if listed and listed[0]["Key"] == key else None

    def read_checked(self, ref, what):
        """The bytes of one version, refused unless their SHA-256 is the expected one."""
        data = self.read(ref["key"], ref.get("versionId"))
        if data is None or sha256_of(data) != ref["sha256"]:
            raise damaged(what, ref["key"])
        return data

    def read_range(self, key, version, offset, length):
        span = "bytes={}-{}".format(offset, offset + length - 1)
        return self.client.get_object(Key=key, VersionId=version, Range=span, **self.here)["Body"].read()

    def write(self, key, data, content_type="application/json"):
        """Write an object and return its reference (protocol.ts ObjectRef)."""
        answer = self.client.put_object(Key=key, Body=data, ContentType=content_type, **self.here)
        return {"key": key, "versionId": version_of(answer), "sha256": sha256_of(data), "bytes": len(data)}

    def write_json(self, key, value):
        return self.write(key, json.dumps(value, sort_keys=True, indent=1).encode("utf-8"))

    def remove(self, key):
        self.client.delete_object(Key=key, **self.here)

    def abort_uploads(self, prefix):
        """End multipart uploads that a killed try left behind: their parts cost money and hold data for ever. Returns how many."""
        ended = 0
        markers = {}
        while True:
            answer = self.client.list_multipart_uploads(Prefix=prefix, **self._with(markers))
            for upload in answer.get("Uploads", []):
                self.client.abort_multipart_upload(Key=upload["Key"], UploadId=upload["UploadId"], **self.here)
                ended += 1
            if not answer.get("IsTruncated"):
                return ended
            markers = {"KeyMarker": answer["NextKeyMarker"], "UploadIdMarker": answer["NextUploadIdMarker"]}

    def _with(self, extra):
        return dict(self.here, **extra)


def version_of(answer):
    version = answer.get("VersionId")
    if not version or version == "null":
        raise Refusal("bucket-not-versioned", "The migration bucket keeps no versions.",
                      "what was approved and checked is named by its version; without one it could be replaced unseen.",
                      "switch versioning on for the bucket and run the phase again.")
    return version


def damaged(what, key):
    return Refusal("damaged", "{} ({}) is missing, or not the bytes that were exported.".format(what, key),
                   "its SHA-256 does not match, so none of its rows was committed.",
                   "run export again and import its result; somebody else may be writing to the migration's prefix.")


class ObjectWriter(object):
    """One object written front to back with flat memory. `close` makes it visible; without it nothing appears."""

    def __init__(self, storage, key, content_type):
        self.storage = storage
        self.key = key
        self.content_type = content_type
        self.upload = None
        self.uploaded = []
        self.buffer = bytearray()
        self.bytes = 0
        self.digest = hashlib.sha256()

    def write(self, data):
        self.digest.update(data)
        self.bytes += len(data)
        self.buffer += data
        if len(self.buffer) >= UPLOAD_BYTES:
            self._send()

    def close(self):
        client, here = self.storage.client, self.storage.here
        if self.upload is None:
            answer = client.put_object(Key=self.key, Body=bytes(self.buffer), ContentType=self.content_type, **here)
        else:
            if self.buffer:
                self._send()
            answer = client.complete_multipart_upload(Key=self.key, UploadId=self.upload, MultipartUpload={"Parts": self.uploaded}, **here)
        return {"key": self.key, "versionId": version_of(answer), "sha256": self.digest.hexdigest(), "bytes": self.bytes}

    def abort(self):
        if self.upload is not None:
            self.storage.client.abort_multipart_upload(Key=self.key, UploadId=self.upload, **self.storage.here)

    def _send(self):
        client, here = self.storage.client, self.storage.here
        if self.upload is None:
            self.upload = client.create_multipart_upload(Key=self.key, ContentType=self.content_type, **here)["UploadId"]
        number = len(self.uploaded) + 1
        answer = client.upload_part(Key=self.key, UploadId=self.upload, PartNumber=number, Body=bytes(self.buffer), **here)
        self.uploaded.append({"PartNumber": number, "ETag": answer["ETag"]})
        self.buffer = bytearray()


class TableWriter(object):
    """File object for COPY … TO STDOUT: gzip members of about PART_BYTES, cut only between rows.

    psycopg2 calls `write` once per row, the header being a call of its own. The header stands once, at the start of the
    first member, so that the whole object is one gzip file with one CSV in it.

    `sums` are those of checksums.py. Made here and not by the server, where they take a second scan as long as COPY's own.
    """

    def __init__(self, writer, on_rows=None, is_grouped=False):
        """:param is_grouped: the first column is the DAG's."""
        self.writer = writer
        self.on_rows = on_rows
        self.sums = RowSums(is_grouped)
        self.parts = []
        self.rows = 0
        self.part = None
        self.header_seen = False
        self.batch = []
        self.batch_bytes = 0

    def write(self, data):
        if self.part is None:
            self._begin()
        if isinstance(data, str):
            data = data.encode("utf-8")
        self.batch.append(data)
        self.batch_bytes += len(data)
        if not self.header_seen:
            self.header_seen = True
            return
        self.sums.add(data)
        self.rows += 1
        self.part["rows"] += 1
        if self.on_rows is not None and self.rows % 1000 == 0:
            self.on_rows(self.rows)
        if self.batch_bytes >= BATCH_BYTES:
            self._compress()
            if self.part["length"] >= PART_BYTES:
                self._end()

    def close(self):
        if self.part is not None:
            self._end()
        return self.writer.close()

    def _begin(self):
        self.part = {"offset": self.writer.bytes, "length": 0, "rows": 0}
        self.digest = hashlib.sha256()
        # Level 1: the network is slower than PostgreSQL only until gzip becomes the slowest. 31 = gzip header, no time stamp.
        self.compressor = zlib.compressobj(1, zlib.DEFLATED, 31)

    def _add(self, data):
        if data:
            self.digest.update(data)
            self.part["length"] += len(data)
            self.writer.write(data)

    def _compress(self):
        self._add(self.compressor.compress(b"".join(self.batch)))
        self.batch, self.batch_bytes = [], 0

    def _end(self):
        self._compress()
        self._add(self.compressor.flush())
        self.part["sha256"] = self.digest.hexdigest()
        self.parts.append(self.part)
        self.part = None


class PartReader(object):
    """File object for COPY … FROM STDIN over one gzip member that is in memory, inflated as it is read."""

    def __init__(self, data):
        self.data = memoryview(data)
        self.at = 0
        self.inflater = zlib.decompressobj(31)

    def read(self, size=-1):
        wanted = size if size and size > 0 else 65536
        while True:
            out = self.inflater.decompress(self.inflater.unconsumed_tail or self._next(), wanted)
            if out or (self.at >= len(self.data) and not self.inflater.unconsumed_tail):
                return out

    def _next(self):
        chunk = self.data[self.at:self.at + 65536]
        self.at += len(chunk)
        return chunk


# ---- command: One command of one try: who may run it, its job, its progress, its one result (protocol.ts).

PROTOCOL_SCHEMA = 1
PROGRESS_SECONDS = 3


def now_text():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Command(object):
    """What a command's function gets: rendered constants, job, bucket, and a way to tell how far it is."""

    def __init__(self, rendered, name, number):
        self.rendered = rendered
        self.name = name
        self.number = number
        self.prefix = rendered["prefix"]
        self.short_hash = rendered["shortHash"]
        self.storage = Storage(rendered["bucket"], rendered["bucketOwner"], rendered["bucketRegion"])
        self.job = None
        self.started = now_text()
        self._state = {"message": "started", "table": None, "rowsDone": 0, "rowsTotal": None}
        self._ended = threading.Event()
        self._thread = None

    def say(self, message, table=None, done=0, total=None):
        """Tell the progress: one fact, never a value of a row."""
        if message != self._state["message"]:
            print("mwaa-migrate: {}".format(message))
        self._state = {"message": message, "table": table, "rowsDone": done, "rowsTotal": total}

    def sleep(self, seconds):
        time.sleep(seconds)

    def read_job(self):
        reference = self.rendered["job"]
        data = self.storage.read(reference["key"])
        if data is None or sha256_of(data) != reference["sha256"]:
            raise Refusal("job-changed", "The job {} is missing, or not the one this file was made for.".format(reference["key"]),
                          "only the job whose SHA-256 stands in the DAG file may run.", "run the phase again, which writes job and DAG file anew.")
        self.job = json.loads(data.decode("utf-8"))
        for field in ("migrationId", "attempt", "side"):
            if self.job[field] != self.rendered[field]:
                raise Refusal("job-changed", "The job's {} is not the DAG file's.".format(field),
                              "job and DAG file belong to different attempts.", "run the phase again, which writes both anew.")

    def start_progress(self):
        self._write_progress()
        self._thread = threading.Thread(target=self._keep_writing)
        self._thread.daemon = True
        self._thread.start()

    def finish(self, data=None, refusal=None):
        """Write the one result object of this try, after the last progress object."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(30)
        result = {"schema": PROTOCOL_SCHEMA, "command": self.name, "attempt": self.rendered["attempt"], "try": self.number,
                  "startedAt": self.started, "finishedAt": now_text()}
        result.update({"status": "done", "data": data} if refusal is None else {"status": "failed", "error": refusal.as_json()})
        self.storage.write_json(self.prefix + self.name + "/result.json", result)

    def _write_progress(self):
        body = {"schema": PROTOCOL_SCHEMA, "command": self.name, "try": self.number, "at": now_text()}
        body.update(self._state)
        self.storage.write_json(self.prefix + self.name + "/progress.json", body)

    def _keep_writing(self):
        while not self._ended.wait(PROGRESS_SECONDS):
            try:
                self._write_progress()
            except Exception as error:  # Only the display suffers: the command's own requests fail loudly if the bucket is gone.
                print("mwaa-migrate: a progress object was not written ({})".format(type(error).__name__))


def parse_run_id(run_id, attempt, allowed):
    """`<command>-<attempt>-<try>` → (command, try).

    :raises Refusal: when it is none of this file's; there is no result object then, for no command is known.
    """
    found = re.match(r"^([a-z]+)-([0-9]{1,6})-([0-9]{1,6})$", run_id or "")
    if not found or found.group(1) not in allowed or int(found.group(2)) != attempt:
        raise Refusal("unknown-command", "This DAG run's id names no command of this file.",
                      "it must be <command>-{}-<try> with a command of {}; a scheduled or manual run has nothing to do here.".format(
                          attempt, ", ".join(sorted(allowed))),
                      "start commands by the action; delete this DAG run.")
    return found.group(1), int(found.group(3))


def refuse_foreign_orders(rendered, conf):
    """A conf can only name the attempt, and the file lives until `expiresAt`."""
    if conf and conf != {"attempt": rendered["attempt"]}:
        raise Refusal("foreign-conf", "The DAG run's conf holds something other than this attempt.",
                      "everything a command does is fixed in the DAG file and its job; nothing may be passed in beside them.",
                      "start commands by the action.")
    if now_text() > rendered["expiresAt"][:19] + "Z":
        raise Refusal("expired", "This DAG file expired at {}.".format(rendered["expiresAt"]),
                      "an old file must not start work that nobody waits for.", "run the phase again, which writes a new file.")


def run_command(rendered, commands, dag_run):
    """Run the command that the DAG run's id names.

    :param dict commands: name → function(command) that returns the result's data.
    :raises CommandFailed: with a text that is safe to log; the original error is not chained, for it could quote rows.
    """
    command, refusal, data = None, None, None
    try:
        name, number = parse_run_id(dag_run.run_id, rendered["attempt"], commands)
        command = Command(rendered, name, number)
        refuse_foreign_orders(rendered, dag_run.conf)
        command.read_job()
        command.start_progress()
        data = commands[name](command)
        command.finish(data=data)
    except BaseException as error:  # Airflow ends tasks by exceptions that are no Exception; the waiting action must hear of those too.
        refusal = as_refusal(error)
    if refusal is None:
        return
    if command is not None:
        try:
            command.finish(refusal=refusal)
        except Exception as error:  # The task log is all that is left to tell it.
            print("mwaa-migrate: the result object was not written ({})".format(type(error).__name__))
    raise CommandFailed(str(refusal))


# ---- dagfile: Makes the DAG object in the words of the Airflow that parses the file, 1.10.12 to 2.11.

try:
    from airflow.operators.python import PythonOperator
except ImportError:  # 1.10
    from airflow.operators.python_operator import PythonOperator


AIRFLOW_VERSION = tuple(int(number) for number in airflow_version_text.split(".")[:2])


def make_dag(rendered, commands):
    """One DAG with one task `run`.

    Whatever an environment's configuration may have changed by default is said here, but for the queue: on MWAA
    `operators.default_queue` names the queue that its workers listen to, and "default" would be heard by nobody.
    """
    def run(**context):
        run_command(rendered, commands, context["dag_run"])

    arguments = {
        "dag_id": rendered["dagId"], "description": "mwaa-migrate, migration {}, attempt {}".format(rendered["migrationId"], rendered["attempt"]),
        "start_date": datetime.datetime(2020, 1, 1), "catchup": False, "max_active_runs": 1, "max_active_tasks": 1, "is_paused_upon_creation": False,
        "dagrun_timeout": None, "on_failure_callback": None, "on_success_callback": None, "sla_miss_callback": None, "default_args": {},
        "tags": ["mwaa-migrate", "attempt-{}".format(rendered["attempt"]), "job-{}".format(rendered["job"]["sha256"][:12])],
        "schedule": None, "schedule_interval": None,
    }
    known = inspect.signature(DAG.__init__).parameters
    if "max_active_tasks" not in known:
        arguments["concurrency"] = 1  # its name below 2.2, where a started run is at once running: our commands follow each other all the same
    if "schedule" in known:
        del arguments["schedule_interval"]  # 2.4 to 2.11 warn about the old word
    dag = DAG(**{name: value for name, value in arguments.items() if name in known})
    more = {"provide_context": True} if AIRFLOW_VERSION < (2, 0) else {}
    PythonOperator(
        task_id="run", python_callable=run, dag=dag, owner="mwaa-migrate", retries=0, retry_delay=datetime.timedelta(minutes=5), execution_timeout=None,
        pool="default_pool", pool_slots=1, depends_on_past=False, wait_for_downstream=False, priority_weight=1000, weight_rule="absolute",
        trigger_rule="all_success", email=None, email_on_failure=False, email_on_retry=False, do_xcom_push=False, sla=None,
        on_failure_callback=None, on_success_callback=None, on_retry_callback=None, **more)
    return dag


# ---- handover: What the export says of the moment at which the source stood still, for the commands that switch the target on and off.

def moment(text):
    """A datetime with time zone of ISO 8601 text (Python 3.7 cannot read the letter Z); None stays None."""
    return None if text is None else datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Handover(object):
    """Read once from the manifest, its schedules and the job.

    `wanted`: ActiveDag (protocol.ts) of every DAG to activate, with the next run that the source would have made at the snapshot.
    `is_next_recorded`: False for a source below 2.0, whose `dag` has no next run. `dags`: whose history moved, as patterns.py has it.
    `parked`: dag_id → its runs in flight as protocol.ts InFlightRun. `snapshot`: ISO 8601, None where nothing was exported yet.
    """

    def __init__(self, command):
        self._manifest = _manifest(command)
        schedules = self._schedules(command)
        known = {one["dagId"]: one for one in schedules.get("dags", [])}
        # What the job says of a DAG is of before the drain: old by the runs that were made until the pause.
        self.wanted = [known.get(one["dagId"], one) for one in command.job["activeDags"]]
        self.is_next_recorded = not self._manifest.get("source", {}).get("airflowVersion", "").startswith("1.")
        self.dags = self._manifest.get("filters", {}).get("dags", ALL_DAGS)
        self.snapshot = self._manifest.get("snapshotAt")
        self.parked = {}
        for run in self._manifest.get("inFlight", []):
            self.parked.setdefault(run["dagId"], []).append(run)
        self._paused_at = schedules.get("pausedAt", {})
        self._owed = {}
        for event in schedules.get("owedEvents", []):
            self._owed.setdefault(event["dagId"], []).append((event["uri"], event["at"]))

    def paused_at(self, dag_id):
        """ISO 8601: when the source stopped making runs of this DAG."""
        return self._paused_at.get(dag_id) or self.snapshot

    def owed(self, dag_id):
        """[(dataset URI, ISO 8601)]: events that came while this DAG was paused on the source, which queued them for nobody."""
        return self._owed.get(dag_id, [])

    def is_parked(self, dag_id, run_id):
        """Whether this run was in flight at the snapshot."""
        return any(run["runId"] == run_id for run in self.parked.get(dag_id, []))

    def to_resume(self, dag_id):
        """Ids of the parked runs that go on when their DAG is activated."""
        return [run["runId"] for run in self.parked.get(dag_id, []) if run["fate"] == "resume"]

    def _schedules(self, command):
        reference = self._manifest.get("schedulesRef")
        return json.loads(command.storage.read_checked(reference, "the source's schedules").decode("utf-8")) if reference else {}


def _manifest(command):
    """The manifest this file was rendered for; else the attempt's newest; {} before there is any."""
    reference = command.rendered["manifest"]
    if reference:
        body = command.storage.read_checked(reference, "the export manifest")
    else:
        body = command.storage.read_if_there(command.prefix + "export/manifest.json")
    return json.loads(body.decode("utf-8")) if body else {}


# ---- next_runs: The run that the target's scheduler would make next, parsed afresh, against the one the source would have made (design §5).

#: Minutes: MWAA scans its DAG folder every few minutes, and a large one takes a while.
PARSE_SECONDS = 900
POLL_SECONDS = 5
#: A DAG that the target sees for the first time gets its next run without a look at the history [ran, 2.10.3]; the second parse has it right.
PARSES = 2


def parse_until_ready(command, database, todo, begun, ordered_back):
    """Have the DAG files parsed until every DAG of `todo` may be switched on, or parsing helps no more.

    :param begun: the database's time at which this try began: what was parsed since knows the imported history.
    :param ordered_back: function() → True once rollback has been ordered, which ends the wait.
    """
    at_once = True
    for _ in range(PARSES):
        with database.transaction() as cursor:
            states = states_of(cursor, todo, begun)
        if ordered_back() or all(obstacle(one, states.get(one["dagId"])) is None for one in todo):
            return
        # Thousands of files may take longer than the time for it, and would the second time too.
        began_at = time.time()
        is_parsed = at_once and _parse_now(command, ordered_back)
        at_once = time.time() - began_at < PARSE_SECONDS
        if not is_parsed:
            _await_parse(command, database, todo, begun, ordered_back)


def states_of(cursor, wanted, begun):
    """dag_id → its state as plain values, of the DAGs that have a file.

    `isFresh`: the file was parsed since `begun` (below 2.0, where nothing tells, taken as true). `ran`: a run of the source's next date is there.
    """
    live, there = names(columns_of(cursor, "dag")), next_run_columns(cursor)
    broken = "coalesce(d.has_import_errors, false)" if "has_import_errors" in live else "false"
    cursor.execute(
        "SELECT d.dag_id, d.is_paused, {}, now(), coalesce({} >= %s, false), {}, "
        "EXISTS (SELECT 1 FROM dag_run r WHERE r.dag_id = d.dag_id AND r.execution_date = w.next) "
        "FROM dag d JOIN unnest(%s::text[], %s::timestamptz[]) AS w(dag_id, next) ON w.dag_id = d.dag_id WHERE d.is_active".format(
            ", ".join("d." + name if name in there else "NULL::timestamptz" for name in NEXT_RUN),
            "d.last_parsed_time" if "last_parsed_time" in live else "now()", broken),
        (begun, [one["dagId"] for one in wanted], [one["nextDagrun"] for one in wanted]))
    return {row[0]: {"paused": row[1], "next": iso(row[2]), "start": iso(row[3]), "end": iso(row[4]), "after": iso(row[5]), "now": iso(row[6]),
                     "isFresh": row[7], "isBroken": row[8], "ran": row[9]} for row in cursor.fetchall()}


def obstacle(one, state):
    """Why this DAG may not be switched on; None when its next run continues the source's history."""
    if state is None:
        return "the target has no active DAG of this id: look for import errors, or for its file in the DAG folder"
    if state["isBroken"]:
        return "its DAG file has an import error on the target, so its scheduler would make no run: repair the file and run cutover again"
    expected, found = one["nextDagrun"], state["next"]
    if found is None and not state["isFresh"]:  # Also where none is expected: NULL is what the import has left there.
        return "its DAG file has not been parsed since the import: wait for the scheduler and run cutover again"
    if expected == found or one.get("isNextUnknown"):
        return None
    if expected is None:
        return "the source would run it no more, the target next at {}: compare the schedules of both DAG files".format(found)
    if found is None:
        if state["ran"]:
            return None
        return "the target would run it no more, the source next at {}: compare the schedules of both DAG files".format(expected)
    if state["ran"] and moment(found) > moment(expected):
        # At max_active_runs the source leaves the run it has just made in `next_dagrun`; any scheduler skips a date that has a run.
        return None
    if one["catchup"] is not True and _is_newest_finished(state) and moment(state["end"] or found) > moment(expected):
        # Without catchup the newest finished interval is right; what lies between is reported as missed. It may begin before the source's:
        # below 2.8 a timedelta's interval ended at the moment of the parse, since then at a multiple of the timedelta.
        return None
    return "its next run would be {}, the source's {}: compare history, schedule and catchup of both".format(found, expected)


def _is_newest_finished(state):
    return moment(state["end"] or state["after"] or state["next"]) <= moment(state["now"])


def _parse_now(command, ordered_back):
    """`airflow dags reserialize` parses the DAG folder at once (2.4+). False where it cannot: the processor's own turn must be waited for.

    It works file by file in one process, and its one transaction holds rows of `dag` only while they are written, at the end [source, 2.10.3].
    """
    if AIRFLOW_VERSION < (2, 4):
        return False
    command.say("parsing the DAG files again")
    program = "import sys; from airflow.__main__ import main; sys.argv = ['airflow', 'dags', 'reserialize']; main()"
    deadline = time.time() + PARSE_SECONDS
    try:
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:  # The caller waits, and its progress says for what.
        return False
    while True:
        try:
            return process.wait(POLL_SECONDS) == 0
        except subprocess.TimeoutExpired:
            if time.time() >= deadline or ordered_back():
                process.kill()
                process.wait()
                return False


def _await_parse(command, database, todo, begun, ordered_back):
    deadline = time.time() + PARSE_SECONDS
    while True:
        with database.transaction() as cursor:
            states = states_of(cursor, todo, begun)
        # NULL is what the import has left where the file has not been parsed since.
        waiting = [one["dagId"] for one in todo if one["dagId"] not in states
                   or (states[one["dagId"]]["next"] is None and not states[one["dagId"]]["isFresh"])]
        if not waiting or time.time() >= deadline or ordered_back():
            return
        command.say("waiting until {} DAGs are parsed: {}".format(len(waiting), few(waiting)))
        command.sleep(POLL_SECONDS)


def few(texts, most=3):
    """The first of many names, for a progress line."""
    return ", ".join(texts[:most]) + (" and {} more".format(len(texts) - most) if len(texts) > most else "")


def what_follows(cursor, dag_ids):
    """protocol.ts ActivateData.next: the run that follows in each DAG, as its row says now, with a sentence that says why."""
    there = next_run_columns(cursor)
    if len(there) < len(NEXT_RUN):
        return []
    consumers = "EXISTS (SELECT 1 FROM dag_schedule_dataset_reference c WHERE c.dag_id = d.dag_id)" if columns_of(
        cursor, "dag_schedule_dataset_reference") else "false"
    cursor.execute(
        "SELECT d.dag_id, d.next_dagrun, d.next_dagrun_create_after, coalesce(d.schedule_interval::text, 'null'), {}, "
        "(SELECT max(r.execution_date) FROM dag_run r WHERE r.dag_id = d.dag_id AND r.run_type IN ('scheduled', 'backfill')) "
        "FROM dag d WHERE d.dag_id = ANY(%s) ORDER BY d.dag_id".format(consumers), (list(dag_ids),))
    found = []
    for dag_id, logical, after, schedule, is_consumer, newest in cursor.fetchall():
        found.append({"dagId": dag_id, "nextDagrun": iso(logical), "createAfter": iso(after),
                      "why": _why(logical, after, schedule, is_consumer, iso(newest))})
    return found


def _why(logical, after, schedule, is_consumer, newest):
    if is_consumer:
        return "it runs when the datasets it waits for have been updated"
    if logical is None:
        if schedule == "null":
            return "it has no schedule: somebody, or another DAG, starts it"
        return "its schedule gives no further run" + (" after that of {}".format(newest) if newest else "")
    reason = "it follows its newest automated run, of {}".format(newest) if newest else "it is the first of its schedule, for no automated run is there"
    return reason + (", once a run of it has ended: as many as allowed are active" if after is None else "")


# ---- owed_queue: Dataset events that came while their consumer was paused: Airflow queues an event only for consumers that are active at that moment.

def queue_owed(cursor, dag_id, owed):
    """Queue for one consumer what the source owes it; returns how many events. `owed`: [(dataset URI, ISO 8601 of the event)].

    The queue's time is the event's: the run that it makes is given events up to that time, by Airflow's own rule.
    """
    if not owed or not columns_of(cursor, "dataset_dag_run_queue"):
        return 0
    queued = 0
    for uri, at in ((uri_here(uri), at) for uri, at in owed):
        cursor.execute(
            "INSERT INTO dataset_dag_run_queue (dataset_id, target_dag_id, created_at) SELECT d.id, %s, %s::timestamptz FROM dataset d "
            "JOIN dag_schedule_dataset_reference c ON c.dataset_id = d.id AND c.dag_id = %s WHERE d.uri = %s AND NOT EXISTS "
            "(SELECT 1 FROM dag_run n WHERE n.dag_id = %s AND n.run_type = 'dataset_triggered' AND n.execution_date >= %s::timestamptz) "
            "ON CONFLICT DO NOTHING", (dag_id, at, dag_id, uri, dag_id, at))
        queued += cursor.rowcount
    return queued


def uri_here(uri):
    """A dataset's URI as this Airflow writes it: 2.9 and later normalise what a DAG file says, so `s3://bucket/key/` has become `s3://bucket/key`."""
    try:
        from airflow.datasets import Dataset
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # They quote the URI, which may hold a password.
            return Dataset(uri).uri
    except Exception:  # Below 2.4, or a text that no DAG file of this version could name: there is nothing to find then.
        return uri


def is_run_due(cursor, dag_id):
    """Whether the queue holds all that the DAG waits for, so that the scheduler will make a run of it when it looks."""
    if not columns_of(cursor, "dataset_dag_run_queue"):
        return False
    expression = "d.dataset_expression::text" if "dataset_expression" in names(columns_of(cursor, "dag")) else "NULL"  # 2.9+
    cursor.execute(
        "SELECT {}, array_agg(s.uri), array_agg(s.uri) FILTER (WHERE q.target_dag_id IS NOT NULL) FROM dag_schedule_dataset_reference c "
        "JOIN dag d ON d.dag_id = c.dag_id JOIN dataset s ON s.id = c.dataset_id LEFT JOIN dataset_dag_run_queue q ON q.dataset_id = c.dataset_id "
        "AND q.target_dag_id = c.dag_id WHERE c.dag_id = %s GROUP BY 1".format(expression), (dag_id,))
    row = cursor.fetchone()
    if row is None or not row[2]:
        return False
    return _holds(json.loads(row[0]) if row[0] else {"all": row[1]}, row[2])


def _holds(condition, there):
    """`dag.dataset_expression`: a URI, {"all": […]} or {"any": […]}; an alias names no dataset here."""
    if not isinstance(condition, dict):
        return condition in there
    if "any" in condition:
        return any(_holds(one, there) for one in condition["any"])
    return "all" in condition and all(_holds(one, there) for one in condition["all"])


# ---- parked_runs: Runs that were in flight at the snapshot and stand failed on the target, to be queued in the moment their DAG is activated (design §5).

#: SQL over dag_run `r`: still as the import has parked it. What was queued once has a newer queued_at, so a run that goes on and
#: fails for real is never queued a second time.
STILL_PARKED = "r.state = 'failed' AND (r.queued_at IS NULL OR r.queued_at <= %s::timestamptz)"


def _begun_key(command):
    return command.prefix + "activate/begun.json"


def read_begun(command):
    """dag_id → [`still_parked`] of the DAGs that this attempt set out to activate; of those without a parked run some may be absent, but {} means none."""
    body = command.storage.read_if_there(_begun_key(command))
    return json.loads(body.decode("utf-8"))["runs"] if body else {}


def write_begun(command, runs):
    """Before the first statement that changes one of them."""
    command.storage.write_json(_begun_key(command), {"runs": runs})


def still_parked(cursor, dag_id, run_ids, snapshot):
    """Those of the runs that nobody has touched since the import, with the times that queueing will overwrite.

    :return: [{"runId", "queuedAt", "startDate", "endDate"}], oldest first, dates as ISO 8601 or None.
    """
    cursor.execute("SELECT r.run_id, r.queued_at, r.start_date, r.end_date FROM dag_run r WHERE r.dag_id = %s AND r.run_id = ANY(%s) AND {} "
                   "ORDER BY r.execution_date".format(STILL_PARKED), (dag_id, list(run_ids), snapshot))
    return [{"runId": row[0], "queuedAt": iso(row[1]), "startDate": iso(row[2]), "endDate": iso(row[3])} for row in cursor.fetchall()]


def queue_parked(cursor, dag_id, run_ids, snapshot):
    """Queue those that are still parked, as clearing a run does; the scheduler goes on with their unfinished task instances."""
    # The target's clock may be behind the source's: queued_at must be newer than the snapshot all the same.
    cursor.execute("UPDATE dag_run r SET state = 'queued', queued_at = greatest(now(), %s::timestamptz + interval '1 millisecond'), end_date = NULL, "
                   "last_scheduling_decision = NULL WHERE r.dag_id = %s AND r.run_id = ANY(%s) AND {} RETURNING r.run_id".format(STILL_PARKED),
                   (snapshot, dag_id, list(run_ids), snapshot))
    return [row[0] for row in cursor.fetchall()]


def gone_on(cursor, dag_id, run_ids, snapshot):
    """[(run_id, state)] of parked runs that were queued since the snapshot, whatever became of them; oldest first."""
    cursor.execute("SELECT run_id, state FROM dag_run WHERE dag_id = %s AND run_id = ANY(%s) AND queued_at > %s::timestamptz ORDER BY execution_date",
                   (dag_id, list(run_ids), snapshot))
    return cursor.fetchall()


def fates_of(cursor, handover, queued, active):
    """(resumed, notResumed) of protocol.ts ActivateData.

    :param dict queued: dag_id → ids of the runs that this attempt was about to queue.
    :param active: ids of the wanted DAGs that are active; of the others nothing is decided yet.
    """
    resumed, stayed = [], []
    for dag_id in sorted(active):
        runs = handover.parked.get(dag_id, [])
        if not runs:
            continue
        there = {run_id for run_id, _ in gone_on(cursor, dag_id, [run["runId"] for run in runs], handover.snapshot)}
        for run in runs:
            name = {"dagId": dag_id, "runId": run["runId"]}
            if run["fate"] != "resume":
                stayed.append(dict(name, fate=run["fate"], command=_command(run)))
            elif run["runId"] in there and run["runId"] in queued.get(dag_id, ()):
                resumed.append(name)
            else:
                stayed.append(dict(name, fate="changed", command=None))
    return resumed, stayed


def _command(run):
    """What a person types to finish a backfill run: the scheduler leaves such runs alone, and what is finished does not run again."""
    if run["fate"] != "backfill" or not run["logicalDate"]:
        return None
    at = run["logicalDate"].replace("Z", "+00:00")
    return "airflow dags backfill --start-date {0} --end-date {0} {1}".format(at, run["dagId"])


def began(cursor, dag_id, run_id, snapshot):
    """Whether anything of a run was executed on the target since the snapshot: what only waits, or was decided without running, does not count."""
    cursor.execute("SELECT EXISTS (SELECT 1 FROM task_instance WHERE dag_id = %s AND run_id = %s AND (state IN ('queued', 'running', 'restarting') OR "
                   "(start_date > %s::timestamptz AND coalesce(state, '') NOT IN ('skipped', 'upstream_failed', 'removed'))))", (dag_id, run_id, snapshot))
    return cursor.fetchone()[0]


def park_again(cursor, dag_id, before):
    """Undo `queue_parked` for one run of which nothing began; `before` as `still_parked` gave it, so that the row is as the import wrote it."""
    cursor.execute("UPDATE task_instance SET state = NULL WHERE dag_id = %s AND run_id = %s AND state = 'scheduled'", (dag_id, before["runId"]))
    cursor.execute("UPDATE dag_run SET state = 'failed', queued_at = %s::timestamptz, start_date = %s::timestamptz, end_date = %s::timestamptz, "
                   "last_scheduling_decision = NULL WHERE dag_id = %s AND run_id = %s",
                   (before["queuedAt"], before["startDate"], before["endDate"], dag_id, before["runId"]))


# ---- canaries: Canaries: the DAGs that show on the target itself whether it can go on, before everything else follows (protocol.ts Canary).

def watch(command, database, handover, dag_ids, ordered_back):
    """Wait until every canary is green or one has failed; [protocol.ts Canary] in the order of `dag_ids`.

    :param ordered_back: function() → True once rollback has been ordered, which ends the wait.
    """
    minutes = command.job["cutover"]["canaryMinutes"]
    until = time.time() + 60 * minutes
    with database.transaction() as cursor:
        cursor.execute("SELECT now() + %s * interval '1 minute'", (minutes,))
        deadline = cursor.fetchone()[0]
    watched = [_Watched(handover, dag_id, deadline) for dag_id in dag_ids]
    while True:
        with database.transaction() as cursor:
            for one in watched:
                one.look(cursor)
        waiting = [one for one in watched if one.state is None]
        if not waiting or any(one.state == "failed" for one in watched) or time.time() >= until or ordered_back():
            break
        command.say("canaries: {}".format(few(["{} waits for {}".format(one.dag_id, one.awaits) for one in waiting])))
        command.sleep(POLL_SECONDS)
    return [one.verdict(minutes) for one in watched]


class _Watched(object):
    """One canary: its parked runs, and the first automated run that the target makes of it."""

    def __init__(self, handover, dag_id, deadline):
        self.dag_id = dag_id
        self.state = None
        self.proof = self.awaits = ""
        self._handover = handover
        self._deadline = deadline
        self._next = None

    def verdict(self, minutes):
        if self.state is None:
            return {"dagId": self.dag_id, "state": "late", "proof": "after {} minutes it still waited for {}".format(minutes, self.awaits)}
        return {"dagId": self.dag_id, "state": self.state, "proof": self.proof}

    def look(self, cursor):
        if self.state is not None:
            return
        parked = [run["runId"] for run in self._handover.parked.get(self.dag_id, [])]
        resumed = gone_on(cursor, self.dag_id, parked, self._handover.snapshot)
        for run_id, state in resumed:
            if state == "failed":
                return self._judge("failed", "parked run {} went on and failed".format(run_id))
        made, broken = self._next_run(cursor, parked)
        if broken is not None:
            return self._judge("failed", "run {} failed".format(broken))
        open_runs = [run_id for run_id, state in resumed if state != "success"]
        if made is not None and made[1] != "success":
            open_runs.append(made[0])
        if open_runs:
            self.awaits = "run " + few(open_runs)
            return None
        due, said = self._is_due(cursor) if made is None else (False, "")
        if due:
            self.awaits = said
            return None
        done = [run_id for run_id, _ in resumed] + ([made[0]] if made is not None else [])
        return self._judge("green", "; ".join(([few(done) + (" has succeeded" if len(done) == 1 else " have succeeded")] if done else []) + (
            [said] if said else [])))

    def _judge(self, state, proof):
        self.state, self.proof = state, proof

    def _next_run(self, cursor, parked):
        """((run_id, state) of the run to watch or None, run_id of one that failed or None)."""
        cursor.execute("SELECT run_id, state FROM dag_run WHERE dag_id = %s AND run_type IN ('scheduled', 'dataset_triggered') "
                       "AND queued_at > %s::timestamptz AND run_id <> ALL(%s) ORDER BY execution_date", (self.dag_id, self._handover.snapshot, parked))
        runs = cursor.fetchall()
        if self._next is None:
            # A failure of an earlier cutover counts until a later run has succeeded: else a second cutover would pass it by.
            ended = [run for run in runs if run[1] in ("success", "failed")]
            if ended and ended[-1][1] == "failed":
                return None, ended[-1][0]
            self._next = next((run[0] for run in runs if run[1] != "failed"), None)
        found = next((run for run in runs if run[0] == self._next), None)
        return (None, found[0]) if found is not None and found[1] == "failed" else (found, None)

    def _is_due(self, cursor):
        """(whether a run is still to come before the deadline, what is said of it)."""
        cursor.execute("SELECT next_dagrun, next_dagrun_create_after FROM dag WHERE dag_id = %s AND NOT is_paused", (self.dag_id,))
        row = cursor.fetchone()
        if row is None:
            return True, "somebody to activate it again: it has been paused"
        if is_run_due(cursor, self.dag_id):
            return True, "the run that its datasets call for"
        logical, after = row
        if after is None:
            return False, "nothing is scheduled that could be waited for"
        if after > self._deadline:
            return False, "its next run is due at {}, which is not waited for".format(iso(after))
        return True, "its next run, of {}, due at {}".format(iso(logical), iso(after))


# ---- schedule: One DAG's schedule as its serialized DAG tells it, walked through interval by interval.

#: Intervals of one DAG that are looked at: a week of a schedule that runs every minute. Where there are more, the answer says so.
MOST_INTERVALS = 10080


class Schedule(object):
    """This Airflow's own idea of one DAG's schedule: the serialized DAG that its scheduler reads too (2.2 and later)."""

    def __init__(self, dag, dag_hash):
        self.dag = dag
        self.hash = dag_hash

    @property
    def skips(self):
        """Whether intervals that nobody has run in time are left out."""
        return not self.dag.catchup and getattr(self.dag.timetable, "can_be_scheduled", True)

    def newest_interval(self, cursor, dag_id, only="true", values=()):
        """Data interval of the newest automated run, None without one; `only`: SQL over dag_run."""
        from airflow.timetables.base import DataInterval
        cursor.execute("SELECT execution_date, data_interval_start, data_interval_end FROM dag_run WHERE dag_id = %s AND run_type IN ('scheduled', 'backfill') "
                       "AND {} ORDER BY execution_date DESC LIMIT 1".format(only), (dag_id,) + tuple(values))
        row = cursor.fetchone()
        if row is None:
            return None
        if row[1] is None or row[2] is None:  # A run of Airflow below 2.2
            return self.dag.infer_automated_data_interval(aware(row[0]))
        return DataInterval(aware(row[1]), aware(row[2]))

    def after(self, interval):
        """The run that follows `interval` if none is skipped, None at the schedule's end."""
        found = self.dag.next_dagrun_info(interval, restricted=False)
        latest = self.dag._time_restriction.latest
        return None if found is None or (latest is not None and found.logical_date > latest) else found

    def ended(self, info, now, before):
        """`info` and what follows it, oldest first: what is over at `now`, and earlier than the logical date `before` (None: no such end)."""
        while info is not None and info.run_after <= now and (before is None or info.logical_date < before):
            yield info
            following = self.after(info.data_interval)
            info = following if following is not None and following.logical_date > info.logical_date else None

    def recorded(self, one):
        """DagRunInfo of the next run that protocol.ts ActiveDag tells, for a DAG without any automated run; None where it tells none."""
        from airflow.timetables.base import DagRunInfo, DataInterval
        logical, start, end, after = [aware(one.get(name)) for name in (
            "nextDagrun", "nextDagrunDataIntervalStart", "nextDagrunDataIntervalEnd", "nextDagrunCreateAfter")]
        if logical is None:
            return None
        interval = DataInterval(start, end) if start and end else self.dag.infer_automated_data_interval(logical)
        return DagRunInfo(run_after=after or interval.end, data_interval=interval)


def schedule_of(dag_id, session):
    """None where this worker cannot read the serialized DAG, as with a timetable of a plugin that it does not have."""
    from airflow.models.serialized_dag import SerializedDagModel
    try:
        row = SerializedDagModel.get(dag_id, session=session)
        return None if row is None else Schedule(row.dag, row.dag_hash)
    except Exception as error:  # Whatever a plugin raises; the DAG's row still says its next run, and the caller says what is not known.
        print("mwaa-migrate: the serialized DAG {} cannot be read here ({})".format(dag_id, type(error).__name__))
        return None


def intervals_told(dag_id, infos, is_more):
    """protocol.ts MissedIntervals of some DagRunInfo, oldest first."""
    found = {"dagId": dag_id, "count": len(infos), "first": iso(in_utc(infos[0].logical_date)), "last": iso(in_utc(infos[-1].logical_date))}
    return dict(found, isMore=True) if is_more else found


def has_run(cursor, dag_id, logical_date):
    cursor.execute("SELECT EXISTS (SELECT 1 FROM dag_run WHERE dag_id = %s AND execution_date = %s)", (dag_id, logical_date))
    return cursor.fetchone()[0]


def in_utc(value):
    """A plugin's timetable may reckon in the DAG's own time zone."""
    return value.astimezone(datetime.timezone.utc)


def aware(value):
    """Airflow's timetables reckon with pendulum's datetimes. `value`: a datetime, ISO 8601 or None."""
    from airflow.utils import timezone
    return timezone.parse(value) if isinstance(value, str) else timezone.coerce_datetime(value)


# ---- missed: Intervals of DAGs without catchup that ended between pause and activation: no scheduler would run them by itself (design §5).

#: Runs of one DAG that are made: all in one transaction, which holds the DAG's row; and hundreds of runs in a row keep a DAG from today's work.
MOST_STARTED = 500


class Missed(object):
    """DagRunInfo of each missed interval, oldest first; `is_more`: there are more than these."""

    def __init__(self, infos=(), is_more=False):
        self.infos, self.is_more = list(infos), is_more


class RunNotMade(Exception):
    """Runs of missed intervals cannot be made; the whole DAG stays as it was. The text is the reason that a person reads."""


def missed_intervals(cursor, schedule, one, handover, before):
    """The intervals that the source would have run, that nobody runs now (Missed).

    :param before: datetime, the logical date of the run that the target makes by itself; None where it makes none.
    """
    from airflow.utils import timezone
    if not schedule.skips or handover.snapshot is None:
        return Missed()
    dag_id, paused_at, now = one["dagId"], moment(handover.paused_at(one["dagId"])), timezone.utcnow()
    parked = [run["runId"] for run in handover.parked.get(dag_id, [])]
    last = schedule.newest_interval(cursor, dag_id, "(queued_at IS NULL OR queued_at <= %s::timestamptz OR run_id = ANY(%s))", (handover.snapshot, parked))
    first = schedule.after(last) if last is not None else schedule.recorded(one)
    last_before_pause, missed = None, []
    is_more = False
    for info in schedule.ended(first, now, before):
        if len(missed) >= MOST_INTERVALS:
            is_more = True
            break
        if info.run_after > paused_at:
            missed.append(info)
        else:
            last_before_pause = info
    # Of what had ended before the pause, the source would still have run the newest one.
    return Missed(([last_before_pause] if last_before_pause is not None else []) + missed, is_more)


def skip_to_now(cursor, schedule, dag_id):
    """Write the next run as a parse at this moment would, for without catchup it moves with the clock; returns its logical date, None where none follows."""
    return _write_next(cursor, dag_id, schedule.dag.next_dagrun_info(schedule.newest_interval(cursor, dag_id)))


def start_missed(cursor, session, schedule, dag_id, missed):
    """Make the runs as the scheduler makes them, queued; then write the next run anew, for it follows them.

    :raises RunNotMade: where there are too many, or Airflow refuses one.
    """
    if missed.is_more or len(missed.infos) > MOST_STARTED:
        raise RunNotMade(
            "{}{} intervals ended since its pause, and cutover.missed-intervals: run starts no more than {} of one DAG. Set it to report, and it goes on with "
            "the newest (what else you need: airflow dags backfill); or give it catchup=True on the target until it has caught up. Then run cutover again"
            .format("more than " if missed.is_more else "", len(missed.infos), MOST_STARTED))
    try:
        _make_runs(cursor, session, schedule, dag_id, missed.infos)
    except Exception as error:
        if getattr(error, "orig", None) is not None or hasattr(error, "pgcode"):
            raise  # The database's own failures are told, and deadlocks tried again, further up.
        raise RunNotMade("its missed intervals cannot be started ({}): repair the DAG, or set cutover.missed-intervals: report".format(type(error).__name__))
    skip_to_now(cursor, schedule, dag_id)


def _make_runs(cursor, session, schedule, dag_id, infos):
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunType
    for info in infos:
        if has_run(cursor, dag_id, info.logical_date):
            continue
        schedule.dag.create_dagrun(run_type=DagRunType.SCHEDULED, execution_date=info.logical_date, state=DagRunState.QUEUED, data_interval=info.data_interval,
                                   external_trigger=False, session=session, dag_hash=schedule.hash, creating_job_id=None)
        session.flush()


def report_missed(cursor, dag_id, missed):
    """protocol.ts ActivateData.missed of one DAG; [] where none was missed."""
    if not missed.infos:
        return []
    return [dict(intervals_told(dag_id, missed.infos, missed.is_more), started=all(has_run(cursor, dag_id, info.logical_date) for info in missed.infos))]


def first_own_run(cursor, dag_id, snapshot):
    """Logical date of the first run that the target's scheduler made since the snapshot, None before that; `start_missed` leaves creating_job_id NULL."""
    cursor.execute("SELECT min(execution_date) FROM dag_run WHERE dag_id = %s AND run_type = 'scheduled' AND creating_job_id IS NOT NULL "
                   "AND queued_at > %s::timestamptz", (dag_id, snapshot))
    return cursor.fetchone()[0]


def _write_next(cursor, dag_id, info):
    if info is None or len(next_run_columns(cursor)) < len(NEXT_RUN):
        cursor.execute("SELECT next_dagrun FROM dag WHERE dag_id = %s", (dag_id,))
        return cursor.fetchone()[0]
    interval = info.data_interval
    cursor.execute("UPDATE dag SET next_dagrun = %s, next_dagrun_data_interval_start = %s, next_dagrun_data_interval_end = %s, next_dagrun_create_after = %s "
                   "WHERE dag_id = %s", (info.logical_date, interval.start, interval.end, info.run_after, dag_id))
    return info.logical_date


# ---- next_unrecorded: The next run of a source below 2.0, which keeps none on record: the newest automated run that came from it says which (design §5).

def with_next_run(cursor, session, one, handover):
    """ActiveDag (protocol.ts) `one` with the run that the target's own reading of the schedule puts behind that run.

    `isNextUnknown` where nothing says: no automated run, or a serialized DAG that cannot be read here. Both sides begin such a DAG by its file.
    """
    schedule = schedule_of(one["dagId"], session)
    # What came from the source, or was made before the snapshot.
    last = schedule and schedule.newest_interval(cursor, one["dagId"], "(queued_at IS NULL OR queued_at <= %s::timestamptz)", (handover.snapshot,))
    if last is None:
        return dict(one, isNextUnknown=True)
    following, found = schedule.after(last), dict(one, catchup=schedule.dag.catchup)
    if following is not None:
        start, end = following.data_interval
        found.update(nextDagrun=iso(in_utc(following.logical_date)), nextDagrunDataIntervalStart=iso(in_utc(start)),
                     nextDagrunDataIntervalEnd=iso(in_utc(end)), nextDagrunCreateAfter=iso(in_utc(following.run_after)))
    return found


# ---- owed_events: Dataset events that came while their consumer was paused: Airflow 2.10 queues none for a paused DAG [ran; 2.7.2 does].

#: Seconds: an event's time is its worker's clock, a pause's the database's. What is older than the newest run is not owed anyway.
CLOCKS_APART = 60


def has_datasets(cursor):
    return bool(columns_of(cursor, "dataset_dag_run_queue") and columns_of(cursor, "dag_schedule_dataset_reference") and columns_of(cursor, "dataset_event"))


def owed_events(cursor, paused_at, consumed=None):
    """The newest event of each dataset that a DAG waits for and was not told of: [{dagId, uri, at, datasetId}], ordered.

    :param dict paused_at: dag_id → ISO 8601: when the drain paused it. Other DAGs were paused by somebody else, and are owed nothing.
    :param dict consumed: dag_id → ISO 8601: logical date of the newest run that the target made of its events.
    """
    if not paused_at or not has_datasets(cursor):
        return []
    dag_ids = sorted(paused_at)
    cursor.execute(
        "SELECT c.dag_id, s.uri, s.id, max(v.timestamp) FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[]) AS p(dag_id, paused_at, consumed) "
        "JOIN dag_schedule_dataset_reference c ON c.dag_id = p.dag_id JOIN dataset s ON s.id = c.dataset_id "
        "JOIN dataset_event v ON v.dataset_id = s.id AND v.timestamp > p.paused_at - interval '{} seconds' "
        "WHERE NOT EXISTS (SELECT 1 FROM dataset_dag_run_queue q WHERE q.dataset_id = s.id AND q.target_dag_id = c.dag_id) "
        "AND v.timestamp > greatest(p.consumed, (SELECT coalesce(max(r.execution_date), '-infinity') FROM dag_run r "
        "WHERE r.dag_id = c.dag_id AND r.run_type = 'dataset_triggered')) GROUP BY 1, 2, 3 ORDER BY 1, 2".format(CLOCKS_APART),
        (dag_ids, [paused_at[dag_id] for dag_id in dag_ids], [(consumed or {}).get(dag_id) for dag_id in dag_ids]))
    return [{"dagId": row[0], "uri": row[1], "datasetId": row[2], "at": iso(row[3])} for row in cursor.fetchall()]


def queue_events(cursor, owed):
    """Tell each DAG of its event, as Airflow would have. The next run's logical date is the newest of these times."""
    for one in owed:
        cursor.execute("INSERT INTO dataset_dag_run_queue (dataset_id, target_dag_id, created_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                       (one["datasetId"], one["dagId"], one["at"]))


def producers_of(cursor):
    """consumer dag_id → dag_ids that write a dataset it waits for (2.4+)."""
    if not columns_of(cursor, "task_outlet_dataset_reference") or not columns_of(cursor, "dag_schedule_dataset_reference"):
        return {}
    cursor.execute("SELECT c.dag_id, p.dag_id FROM dag_schedule_dataset_reference c JOIN task_outlet_dataset_reference p "
                   "ON p.dataset_id = c.dataset_id WHERE c.dag_id <> p.dag_id")
    found = {}
    for consumer, producer in cursor.fetchall():
        found.setdefault(consumer, set()).add(producer)
    return found


# ---- own_events: Dataset events that the target itself emitted since the snapshot, and that a consumer has had no run for: Airflow 2.10 queues none for a paused DAG.

# What tells an event of our own from an imported one is the snapshot: the import and the first activation lie between, minutes for two clocks to
# differ by. An imported event that bears a later time all the same is no harm: consumed means "not newer than the newest dataset-triggered run",
# which came with it, and what the source still owed stands in the queue before this looks. A target that was rolled back has handed its
# events to the source (ran.json), and a second cutover has a second, later snapshot.


def own_events(cursor, dag_ids, snapshot, until=None):
    """[(dag_id, dataset_id, URI, time)]: for each consumer of `dag_ids` the newest event of a dataset that no run of it was made for.

    :param snapshot: ISO 8601. `until`: datetime, None for no end.
    """
    if not has_datasets(cursor):
        return []
    cursor.execute(
        "SELECT c.dag_id, s.id, s.uri, max(v.timestamp) FROM dag_schedule_dataset_reference c JOIN dataset s ON s.id = c.dataset_id "
        "JOIN dataset_event v ON v.dataset_id = s.id AND v.timestamp > %s::timestamptz AND v.timestamp <= coalesce(%s::timestamptz, 'infinity') "
        "WHERE c.dag_id = ANY(%s) AND v.timestamp > (SELECT coalesce(max(r.execution_date), '-infinity') FROM dag_run r "
        "WHERE r.dag_id = c.dag_id AND r.run_type = 'dataset_triggered') GROUP BY 1, 2, 3 ORDER BY 1, 3", (snapshot, until, list(dag_ids)))
    return cursor.fetchall()


def queue_own(cursor, dag_id, snapshot, until=None):
    """Queue for one consumer what this target emitted while it was paused; returns how many events. The caller holds the DAG's row."""
    found, queued = own_events(cursor, [dag_id], snapshot, until), 0
    for _, dataset_id, _, at in found:
        cursor.execute("INSERT INTO dataset_dag_run_queue (dataset_id, target_dag_id, created_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                       (dataset_id, dag_id, at))
        queued += cursor.rowcount
    if found and is_run_due(cursor, dag_id):
        # The run is given the events up to the newest time in the queue: of a dataset that was queued before, it must reach the newer event too.
        for _, dataset_id, _, at in found:
            cursor.execute("UPDATE dataset_dag_run_queue SET created_at = %s WHERE dataset_id = %s AND target_dag_id = %s AND created_at < %s",
                           (at, dataset_id, dag_id, at))
    return queued


def queue_in_between(database, unpaused, snapshot):
    """A task that asked whether its consumer is paused just before it was activated has queued nothing; returns how many events.

    :param dict unpaused: dag_id → datetime at which this try activated it. Later events are Airflow's own business.
    """
    with database.transaction() as cursor:
        consumers = _consumers(cursor, sorted(unpaused))
    return sum(database.settle(lambda cursor, dag_id=dag_id: _queue_one(cursor, dag_id, snapshot, unpaused[dag_id])) for dag_id in consumers)


def _consumers(cursor, dag_ids):
    if not has_datasets(cursor):
        return []
    cursor.execute("SELECT DISTINCT dag_id FROM dag_schedule_dataset_reference WHERE dag_id = ANY(%s) ORDER BY 1", (dag_ids,))
    return [row[0] for row in cursor.fetchall()]


def _queue_one(cursor, dag_id, snapshot, unpaused):
    # The scheduler holds this row while it makes a run of the queue: without it an event that is being consumed would be queued again.
    cursor.execute("SELECT 1 FROM dag WHERE dag_id = %s AND NOT is_paused FOR NO KEY UPDATE", (dag_id,))
    if cursor.fetchone() is None:
        return 0
    return queue_own(cursor, dag_id, snapshot, unpaused + datetime.timedelta(seconds=CLOCKS_APART))


def events_left(cursor, dag_ids, snapshot):
    """protocol.ts RanOnTarget.events: what came since the snapshot and stands in the queue, or was queued for nobody.

    What is older the source knows by itself: its own queue was not touched.
    """
    if not has_datasets(cursor):
        return []
    newest = {(row[0], row[2]): row[3] for row in own_events(cursor, dag_ids, snapshot)}
    cursor.execute("SELECT q.target_dag_id, s.uri, q.created_at FROM dataset_dag_run_queue q JOIN dataset s ON s.id = q.dataset_id "
                   "WHERE q.target_dag_id = ANY(%s) AND q.created_at > %s::timestamptz", (list(dag_ids), snapshot))
    for dag_id, uri, at in cursor.fetchall():
        newest[(dag_id, uri)] = max(at, newest.get((dag_id, uri), at))
    return [{"dagId": dag_id, "uri": uri, "at": iso(newest[(dag_id, uri)])} for dag_id, uri in sorted(newest)]


# ---- activation: activate: the target takes over, DAG by DAG, each in one transaction and only when its next run is the one the source would have made.

WITHOUT_HISTORY = ("metadata.dags leaves its history behind, so it would run everything from its start date: look at what it would run, "
                   "then activate it by hand, or name it in cutover.canary")
ORDERED_BACK = "rollback of this attempt has been ordered"


def activate(command):
    """Result data: protocol.ts ActivateData. Safe to repeat, and to be killed anywhere: what is done stands in the database itself."""
    database = Database()
    try:
        database.alone(command.job["migrationId"] + " switch", 600, command.sleep)
        return Activation(command, database, Handover(command)).run()
    finally:
        database.close()


class Activation(object):
    """One try. `left` holds reasons by DAG id; whatever is in neither `active` nor `left` has not been tried."""

    def __init__(self, command, database, handover):
        self.command, self.database, self.handover = command, database, handover
        self.switch = command.job["cutover"]
        self.wanted = {one["dagId"]: one for one in handover.wanted}
        self.begun = read_begun(command)
        self.activated, self.already, self.left, self.missed, self.next = [], [], {}, [], []
        self.unpaused, self.queued_events = {}, 0
        with database.transaction() as cursor:
            self.started = scalar(cursor, "SELECT now()")

    def run(self):
        self._note_active()
        self._leave_without_history()
        todo = self._todo(self.wanted)
        ready = [self.wanted[dag_id] if self.handover.is_next_recorded else dict(self.wanted[dag_id], isNextUnknown=True) for dag_id in todo]
        parse_until_ready(self.command, self.database, ready, self.started, self._is_ordered_back)
        shown, stopped = self._canaries([dag_id for dag_id in self.switch["canary"] if dag_id in self.wanted])
        if stopped is None:
            stopped = self._batches(self._todo(self.wanted))
        for dag_id in self._todo(self.wanted):
            self.left[dag_id] = "everything behind was stopped: {}".format(stopped)
        active = self.activated + self.already
        if self.handover.snapshot is not None and not self._is_ordered_back():
            self.queued_events += queue_in_between(self.database, {dag_id: self.unpaused[dag_id] for dag_id in self.activated}, self.handover.snapshot)
        with self.database.transaction() as cursor:
            resumed, stayed = fates_of(cursor, self.handover, {dag_id: [run["runId"] for run in runs] for dag_id, runs in self.begun.items()}, active)
            following = self.next + what_follows(cursor, self.already)
        return {"activated": self.activated, "alreadyActive": self.already, "left": [{"dagId": dag_id, "reason": self.left[dag_id]} for dag_id in self.left],
                "canaries": shown, "stopped": stopped, "resumed": resumed, "notResumed": stayed, "missed": self.missed,
                "queuedEvents": self.queued_events, "next": following}

    def _todo(self, dag_ids):
        decided = set(self.left) | set(self.activated) | set(self.already)
        return [dag_id for dag_id in dag_ids if dag_id not in decided]

    def _note_active(self):
        """DAGs that are active before this try has done anything: by an earlier try, or by somebody's hand."""
        with self.database.transaction() as cursor:
            states = states_of(cursor, list(self.wanted.values()), self.started)
        for dag_id in self.wanted:
            if dag_id in states and not states[dag_id]["paused"]:
                self._settle(dag_id, self._look_at_active)

    def _leave_without_history(self):
        """Without its history a DAG would run everything from its start date: only a person may want that."""
        for dag_id in self._todo(self.wanted):
            if not is_taken(dag_id, self.handover.dags) and dag_id not in self.switch["canary"]:
                self.left[dag_id] = WITHOUT_HISTORY

    def _canaries(self, dag_ids):
        """([protocol.ts Canary], why everything behind is stopped or None)."""
        if self._is_ordered_back():
            return [], ORDERED_BACK
        if not dag_ids:
            return [], None
        todo = self._todo(dag_ids)
        self._remember(todo)
        for dag_id in todo:
            if self._is_ordered_back():
                return [], ORDERED_BACK
            self._activate(dag_id)
        shown = {one["dagId"]: one for one in watch(self.command, self.database, self.handover,
                                                    [dag_id for dag_id in dag_ids if dag_id not in self.left], self._is_ordered_back)}
        for dag_id in dag_ids:
            if dag_id in self.left:
                shown[dag_id] = {"dagId": dag_id, "state": "failed", "proof": "it was not activated: {}".format(self.left[dag_id])}
        if self._is_ordered_back():
            return list(shown.values()), ORDERED_BACK
        bad = [dag_id for dag_id in dag_ids if shown[dag_id]["state"] != "green"]
        return [shown[dag_id] for dag_id in dag_ids], (
            "canary {} is not green: {}".format(few(bad), shown[bad[0]]["proof"]) if bad else None)

    def _batches(self, dag_ids):
        """Activate the rest; returns why it stopped, None where it did not."""
        size = self.switch["batchSize"] or len(dag_ids) or 1
        for first in range(0, len(dag_ids), size):
            batch = dag_ids[first:first + size]
            self._remember(batch)
            for dag_id in batch:
                if self._is_ordered_back():
                    return ORDERED_BACK
                self._activate(dag_id)
            if first + size < len(dag_ids) and not self._settles():
                return ORDERED_BACK
        return None

    def _settles(self):
        """Give a batch its time before the next; False where rollback was ordered meanwhile."""
        until = time.time() + self.switch["batchPauseSeconds"]
        while time.time() < until:
            if self._is_ordered_back():
                return False
            self.command.say("{} of {} DAGs are active; the next batch follows after a pause".format(
                len(self.activated) + len(self.already), len(self.wanted)))
            self.command.sleep(max(0, min(POLL_SECONDS, until - time.time())))
        return True

    def _is_ordered_back(self):
        """The action writes rollback's job before its DAG run, which waits in the queue behind this one."""
        return self.command.storage.read_if_there(self.command.prefix + "deactivate/job.json") is not None

    def _remember(self, dag_ids):
        """Before anything of these DAGs changes: which parked runs will be queued, as they are. The first record of a run stays."""
        is_news = bool(dag_ids) and not self.begun
        with self.database.transaction() as cursor:
            for dag_id in dag_ids:
                runs = self.begun.setdefault(dag_id, [])
                known = {run["runId"] for run in runs}
                parked = still_parked(cursor, dag_id, self.handover.to_resume(dag_id), self.handover.snapshot)
                runs += [run for run in parked if run["runId"] not in known]
                is_news = is_news or any(run["runId"] not in known for run in parked)
        if is_news:  # Not for every batch of DAGs that have nothing to record: there may be thousands.
            write_begun(self.command, self.begun)

    def _activate(self, dag_id):
        self._settle(dag_id, self._activate_in)
        self.command.say("{} of {} DAGs are active".format(len(self.activated) + len(self.already), len(self.wanted)), None,
                         len(self.activated) + len(self.already), len(self.wanted))

    def _settle(self, dag_id, work):
        try:
            outcome = settle_with_session(lambda cursor, session: work(cursor, session, self.wanted[dag_id]))
        except RunNotMade as error:
            outcome = {"left": str(error)}
        if "left" in outcome:
            self.left[dag_id] = outcome["left"]
            return
        (self.already if outcome["already"] else self.activated).append(dag_id)
        self.missed += outcome["missed"]
        self.next += outcome["next"]
        self.queued_events += outcome["events"]

    def _activate_in(self, cursor, session, one):
        """Everything of one DAG, in this order: unpausing before queueing can deadlock max_active_runs=1 with depends_on_past [ran, 2.10.3]."""
        dag_id, snapshot = one["dagId"], self.handover.snapshot
        # As the processor and the scheduler do, before anything else of the DAG: nobody computes or makes its next run meanwhile.
        cursor.execute("SELECT is_paused FROM dag WHERE dag_id = %s AND is_active FOR NO KEY UPDATE", (dag_id,))
        row = cursor.fetchone()
        if row is not None and not row[0]:
            return self._look_at_active(cursor, session, one)
        if not self.handover.is_next_recorded:
            one = with_next_run(cursor, session, one, self.handover)
        reason = obstacle(one, states_of(cursor, [one], self.started).get(dag_id))
        if reason is not None:
            return {"left": reason}
        if snapshot is not None:
            queue_parked(cursor, dag_id, self.handover.to_resume(dag_id), snapshot)
        events = queue_owed(cursor, dag_id, self.handover.owed(dag_id))
        if snapshot is not None:
            events += queue_own(cursor, dag_id, snapshot)
        schedule, missed = schedule_of(dag_id, session), Missed()
        if schedule is not None and schedule.skips:
            missed = missed_intervals(cursor, schedule, one, self.handover, skip_to_now(cursor, schedule, dag_id))
            if self.switch["missedIntervals"] == "run":
                start_missed(cursor, session, schedule, dag_id, missed)
        reported, following = report_missed(cursor, dag_id, missed), what_follows(cursor, [dag_id])
        cursor.execute("UPDATE dag SET is_paused = false WHERE dag_id = %s RETURNING now()", (dag_id,))
        self.unpaused[dag_id] = cursor.fetchone()[0]
        return {"already": False, "missed": reported, "next": following, "events": events}

    def _look_at_active(self, cursor, session, one):
        dag_id, snapshot = one["dagId"], self.handover.snapshot
        if snapshot is None:
            return {"already": True, "missed": [], "next": [], "events": 0}
        parked = still_parked(cursor, dag_id, self.handover.to_resume(dag_id), snapshot)
        if parked:
            return {"left": "somebody activated it before cutover did, and {} of its parked runs still stand failed: pause it and run cutover again".format(
                len(parked))}
        schedule = schedule_of(dag_id, session)
        missed = Missed()
        if schedule is not None and schedule.skips:
            before = first_own_run(cursor, dag_id, snapshot) or scalar(cursor, "SELECT next_dagrun FROM dag WHERE dag_id = %s", (dag_id,))
            missed = missed_intervals(cursor, schedule, one, self.handover, before)
        return {"already": True, "missed": report_missed(cursor, dag_id, missed), "next": [], "events": 0}


# ---- ran_here: deactivate/ran.json (protocol.ts RanOnTarget): what the target ran since the snapshot, and how a repeated deactivate still knows it.

#: Task instances that a run lists.
LISTED_TASKS = 100


def runs_since(cursor, handover):
    """protocol.ts RanOnTarget.runs as the target's rows say now, by DAG and date.

    The target's scheduler writes `queued_at` by its clock, the source's database the snapshot by its own. No run here is mistaken for an older one
    unless they differ by more than lies between the two: the export, an import and a parse, so minutes. Hosts of MWAA are milliseconds apart.
    """
    there = names(columns_of(cursor, "dag_run"))
    cursor.execute(
        "SELECT r.dag_id, r.run_id, r.run_type, coalesce(r.state, 'none'), r.execution_date, r.data_interval_start, r.data_interval_end, "
        "(SELECT count(*) FROM task_instance t WHERE t.dag_id = r.dag_id AND t.run_id = r.run_id AND t.start_date > %s::timestamptz AND t.state = ANY(%s)) "
        "FROM dag_run r WHERE greatest({}) > %s::timestamptz AND {} ORDER BY r.dag_id, r.execution_date".format(
            ", ".join("r." + name for name in ("queued_at", "start_date") if name in there), not_own("r.dag_id")),
        (handover.snapshot, list(FINAL_STATES), handover.snapshot))
    runs = [{"dagId": row[0], "runId": row[1], "kind": "resumed" if handover.is_parked(row[0], row[1]) else "new", "runType": row[2], "state": row[3],
             "logicalDate": iso(row[4]), "intervalStart": iso(row[5]), "intervalEnd": iso(row[6]), "tasksEnded": row[7]} for row in cursor.fetchall()]
    tasks = _tasks_since(cursor, [run for run in runs if run["kind"] == "resumed"], handover.snapshot)
    return [dict(run, tasks=tasks.get((run["dagId"], run["runId"]), [])) if run["kind"] == "resumed" else run for run in runs]


def _tasks_since(cursor, runs, snapshot):
    """(dag_id, run_id) → its tasks that began or were skipped here, the last to end first: in that order a person marks them on the source."""
    found = {}
    cursor.execute(
        "SELECT dag_id, run_id, task_id, map_index, state FROM (SELECT t.dag_id, t.run_id, t.task_id, t.map_index, coalesce(t.state, 'none') AS state, "
        "row_number() OVER (PARTITION BY t.dag_id, t.run_id ORDER BY t.end_date DESC NULLS FIRST, t.start_date DESC, t.task_id, t.map_index) AS place "
        "FROM task_instance t WHERE (t.dag_id, t.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[])) AND t.start_date > %s::timestamptz "
        "AND coalesce(t.state, '') NOT IN ('upstream_failed', 'removed')) AS x WHERE place <= %s ORDER BY place",
        ([run["dagId"] for run in runs], [run["runId"] for run in runs], snapshot, LISTED_TASKS))
    for dag_id, run_id, task_id, map_index, state in cursor.fetchall():
        found.setdefault((dag_id, run_id), []).append({"taskId": task_id, "mapIndex": map_index, "state": state})
    return found


def is_over(run):
    return run["state"] in FINISHED_RUNS


def _key(command):
    return command.prefix + "deactivate/ran.json"


def read_record(command):
    """The runs that an earlier try has recorded."""
    body = command.storage.read_if_there(_key(command))
    return json.loads(body.decode("utf-8"))["runs"] if body else []


def write_record(command, runs, events):
    """Reference of the new version."""
    return command.storage.write_json(_key(command), {"runs": runs, "events": events})


def name_of(run):
    return run["dagId"], run["runId"]


def when(run):
    """Its logical date in a form that sorts: ISO 8601 with and without a fraction."""
    return run["logicalDate"].rstrip("Z")


def joined(before, found):
    """What was recorded, with what the rows say now: of a run that this command has cut or deleted since, only the record still knows how it was."""
    now = {name_of(run): run for run in found}
    for run in before:
        live = now.get(name_of(run))
        if live is None or (run.get("cut") and live["state"] == "failed"):
            now[name_of(run)] = run
    return sorted(now.values(), key=lambda run: (run["dagId"], when(run), run["runId"]))


# ---- taking_back: Rollback's half on the target: what was only queued goes back, what was cut does not go on by itself at a second cutover.

AUTOMATED = ("scheduled", "dataset_triggered")


def take_back(command, database, handover, begun, runs, record):
    """Runs of which nothing began: parked ones are parked again; automated ones that the target made are deleted, for the source makes them itself.

    It makes what follows its newest run. One that lies before a run that stands there would never be made: it is recorded before it goes.
    What an earlier try has recorded of a run that goes now is taken out before, too: nothing of it ran, though it looked so then.

    :param dict begun: parked_runs.py `read_begun`. :param list runs: ran_here.py `runs_since`.
    :param list record: ran_here.py `read_record`; it is changed, and written before any row is.
    """
    wanted = {one["dagId"] for one in handover.wanted}
    with database.transaction() as cursor:
        unbegun = [run for run in runs if is_unbegun(cursor, run, handover.snapshot)]
    ids = {name_of(run) for run in unbegun}
    kept = [one for one in record if one["kind"] == "unbegun" or name_of(one) not in ids]
    newest = {}
    for run in kept + [run for run in runs if name_of(run) not in ids]:  # These stand on the source, or will, whichever try has seen them.
        if run["kind"] != "resumed":
            newest[_line(run)] = max(when(run), newest.get(_line(run), ""))
    goes = [run for run in reversed(unbegun) if run["kind"] == "resumed" or run["dagId"] in wanted]
    told = [run for run in goes if run["kind"] == "new" and when(run) < newest.get(_line(run), "")]
    _note(command, record, kept, told)
    before, deleted = {(dag_id, run["runId"]): run for dag_id, parked in begun.items() for run in parked}, 0
    for at, run in enumerate(goes):  # Newest first: whether a run may go without a word is known once all behind it are decided.
        outcome = database.settle(lambda cursor, run=run: _take(cursor, run, handover.snapshot, before))
        deleted += outcome == "deleted"
        if outcome == "stays" and run["kind"] == "new":  # It began after the look above.
            _note(command, record, record, [one for one in goes[at + 1:] if one["kind"] == "new" and _line(one) == _line(run)])
    if deleted:
        command.say("deleted {} runs that the target had made but not begun".format(deleted))


def is_unbegun(cursor, run, snapshot):
    """Whether nothing of it began, so that it can go back as if it had never been."""
    is_ours = run["kind"] == "resumed" or (run["runType"] in AUTOMATED and run["state"] in ("queued", "running"))
    return is_ours and not began(cursor, run["dagId"], run["runId"], snapshot)


def without_others(cursor, runs, handover):
    """Without the unbegun automated runs of DAGs that the source had not active: nobody there would make them, so they stay the target's own."""
    wanted = {one["dagId"] for one in handover.wanted}
    return [run for run in runs if run["kind"] == "resumed" or run["dagId"] in wanted or not is_unbegun(cursor, run, handover.snapshot)]


def _line(run):
    return run["dagId"], run["runType"]


def _note(command, record, kept, told):
    """Changes `record` to `kept` and `told` as kind `unbegun`; one write for all of them, for there may be thousands."""
    known = {name_of(one) for one in kept}
    changed = kept + [dict(run, kind="unbegun") for run in told if name_of(run) not in known]
    if changed != record:
        write_record(command, changed, [])
        record[:] = changed


def _take(cursor, run, snapshot, before):
    dag_id, run_id = run["dagId"], run["runId"]
    cursor.execute("SELECT 1 FROM dag WHERE dag_id = %s FOR NO KEY UPDATE", (dag_id,))
    cursor.execute("SELECT state FROM dag_run WHERE dag_id = %s AND run_id = %s FOR UPDATE", (dag_id, run_id))
    row = cursor.fetchone()
    if row is None:
        return "gone"
    if began(cursor, dag_id, run_id, snapshot):
        return "stays"
    if run["kind"] == "resumed":
        # Without a record somebody else queued it, and what its row was before is not known.
        park_again(cursor, dag_id, before.get((dag_id, run_id), {"runId": run_id, "queuedAt": None, "startDate": None, "endDate": None}))
        return "parked"
    if row[0] not in ("queued", "running"):
        return "stays"  # It had nothing to do.
    cursor.execute("DELETE FROM dag_run WHERE dag_id = %s AND run_id = %s", (dag_id, run_id))
    columns = next_run_columns(cursor)
    if len(columns) == len(NEXT_RUN):  # It points behind the deleted run until the file is parsed again.
        cursor.execute("UPDATE dag SET {} WHERE dag_id = %s".format(", ".join("{} = NULL".format(column) for column in columns)), (dag_id,))
    return "deleted"


def end_cut(database, runs):
    """Fail the runs that have not ended, and what is unfinished of them: left as they are they would go on as soon as their DAG is activated again.

    Only after they are on record as they were. A run of which a task moves is left to it.
    """
    by_dag = {}
    for run in runs:
        if run.get("cut"):
            by_dag.setdefault(run["dagId"], []).append(run["runId"])
    for dag_id in sorted(by_dag):
        database.settle(lambda cursor, dag_id=dag_id: _end(cursor, dag_id, by_dag[dag_id]))


def _end(cursor, dag_id, run_ids):
    cursor.execute("SELECT 1 FROM dag WHERE dag_id = %s FOR NO KEY UPDATE", (dag_id,))
    cursor.execute("UPDATE dag_run r SET state = 'failed', end_date = now() WHERE r.dag_id = %s AND r.run_id = ANY(%s) AND coalesce(r.state, '') <> ALL(%s) "
                   "AND NOT EXISTS (SELECT 1 FROM task_instance t WHERE t.dag_id = r.dag_id AND t.run_id = r.run_id "
                   "AND t.state IN ('running', 'queued', 'restarting')) RETURNING r.run_id", (dag_id, run_ids, list(FINISHED_RUNS)))
    ended = [row[0] for row in cursor.fetchall()]
    cursor.execute("UPDATE task_instance SET state = 'failed', end_date = coalesce(end_date, now()) WHERE dag_id = %s AND run_id = ANY(%s) "
                   "AND coalesce(state, '') <> ALL(%s)", (dag_id, ended, list(FINAL_STATES)))


# ---- deactivation: deactivate: the target stands still again, and says what it ran, so that the source runs none of it twice (rollback).

#: Looks in a row that find nothing, POLL_SECONDS apart, so half a minute: a scheduler's loop that began before the pause may still queue a task
#: (seen under load; the drain grants the source's as much, drain.py LOOP_SECONDS).
QUIET_LOOKS = 7
#: Tasks that the result names; of more there is the count.
SHOWN_BUSY = 20


def deactivate(command):
    """Result data: protocol.ts DeactivateData. Safe to repeat: runs that went back are not there any more."""
    database = Database()
    try:
        database.alone(command.job["migrationId"] + " switch", 600, command.sleep)
        handover, begun = Handover(command), read_begun(command)
        wanted = [one["dagId"] for one in handover.wanted]
        paused = _pause(command, database, wanted)
        busy = _await_tasks_to_end(command, database, 60 * command.job["drain"]["taskMinutes"])
        runs, events = [], []
        if handover.snapshot is not None:
            runs, events = _settle_runs(command, database, handover, begun, wanted, not busy)
        reference = write_record(command, runs, events) if begun or runs or events else None
        command.say("recorded {} runs of the target".format(len(runs)))
        end_cut(database, runs)
        busy = busy or _busy_tasks(database)
        return {"paused": paused, "stillRunning": len(busy), "busy": busy[:SHOWN_BUSY], "ran": reference, "runs": len(runs)}
    finally:
        database.close()


def _pause(command, database, wanted):
    """Whatever is active, and every DAG that we may have activated, also where its file is gone for the moment.

    Returns the ids that this attempt has paused here, by any try: they are written down first, for a retry finds them paused.
    """
    key = command.prefix + "deactivate/paused.json"
    body = command.storage.read_if_there(key)
    paused = set(json.loads(body.decode("utf-8"))["dagIds"]) if body else set()
    awake = "is_paused IS NOT TRUE AND (is_active OR dag_id = ANY(%s)) AND {}".format(not_own())
    with database.transaction() as cursor:
        cursor.execute("SELECT dag_id FROM dag WHERE " + awake, (wanted,))
        paused.update(row[0] for row in cursor.fetchall())
    command.storage.write_json(key, {"dagIds": sorted(paused)})

    def switch_off(cursor):
        cursor.execute("UPDATE dag SET is_paused = true WHERE {} RETURNING dag_id".format(awake), (wanted,))
        return [row[0] for row in cursor.fetchall()]
    return sorted(paused.union(database.settle(switch_off)))


def _await_tasks_to_end(command, database, seconds):
    """Tasks that run or are queued go on in a paused DAG; returns those that still did when the time was up."""
    deadline, quiet = time.time() + seconds, 0
    while True:
        busy = _busy_tasks(database)
        quiet = 0 if busy else quiet + 1
        if quiet >= QUIET_LOOKS or (busy and time.time() >= deadline):
            return busy
        if busy:
            command.say("waiting for {} running tasks of the target: {}".format(len(busy), few([_words(task) for task in busy])))
        command.sleep(POLL_SECONDS)


def _busy_tasks(database):
    with database.transaction() as cursor:
        link, index = task_link(cursor)
        cursor.execute("SELECT t.dag_id, r.run_id, t.task_id, {}, CASE WHEN t.state = 'queued' THEN t.queued_dttm ELSE t.start_date END "
                       "FROM task_instance t JOIN dag_run r ON {} WHERE t.state IN ('running', 'queued', 'restarting') AND {} "
                       "ORDER BY 5 NULLS LAST, 1, 2, 3, 4".format(index, link, not_own("t.dag_id")))
        return [{"dagId": row[0], "runId": row[1], "taskId": row[2], "mapIndex": row[3], "since": iso(row[4])} for row in cursor.fetchall()]


def _words(task):
    return "{} / {} / {}{} since {}".format(task["dagId"], task["runId"], task["taskId"], "" if task["mapIndex"] < 0 else "[{}]".format(task["mapIndex"]),
                                            task["since"] or "?")


def _settle_runs(command, database, handover, begun, wanted, is_quiet):
    """(protocol.ts RanOnTarget.runs, its events) after everything that did not begin was taken back; what is to be failed is marked `cut`."""
    record = read_record(command)
    with database.transaction() as cursor:
        found = runs_since(cursor, handover)
    take_back(command, database, handover, begun, found, record)
    with database.transaction() as cursor:
        runs = joined(record, without_others(cursor, runs_since(cursor, handover), handover))
        events = events_left(cursor, wanted, handover.snapshot)
    return [dict(run, cut=True) if is_quiet and run["kind"] != "unbegun" and not is_over(run) else run for run in runs], events


# ---- named_rows: Side files of settings: rows by name with an outcome and a reason, never a value. Written before the commit that they tell of.

class NamedRows(object):
    """One side file of this attempt's import, `kind` of rejected or replaced. `known`: what an earlier try of the attempt has written, [(reason, name)]."""

    def __init__(self, command, kind, table):
        self.storage = command.storage
        self.key = "{}import/{}/{}.csv.gz".format(command.prefix, kind, table)
        data = self.storage.read_if_there(self.key)
        self.is_there = data is not None
        text = "" if data is None else gzip.decompress(data).decode("utf-8")
        self.known = [tuple(row) for row in list(csv.reader(io.StringIO(text, newline="")))[1:]]

    def write(self, column, rows):
        """`rows`: [(reason, name)]. Returns the file's ObjectRef, None where there is nothing to tell: then there is no file either."""
        if not rows:
            if self.is_there:
                self.storage.remove(self.key)
            return None
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(("mwaa_reason", column))
        writer.writerows(rows)
        data = io.BytesIO()
        with gzip.GzipFile(fileobj=data, mode="wb", mtime=0) as packed:
            packed.write(text.getvalue().encode("utf-8"))
        return self.storage.write(self.key, data.getvalue(), "application/gzip")


# ---- on_conflict: Settings (pools, variables, connections) that meet another row of the target under their name: kept or replaced, each told by name.

#: Options of the migration file whose tables hold settings.
SETTINGS = ("pools", "variables", "connections")
#: Outcomes of protocol.ts SettledRow. ADOPTED: the target's row was one that Airflow makes in every environment. RENEWED: an earlier attempt
#: of this migration brought it, and nobody has touched it since.
KEPT, REPLACED, ADOPTED, RENEWED, REFUSED = "kept", "replaced", "adopted", "renewed", "refused"
#: Rows that a result names; the side files have them all.
NAMED_SETTINGS = 200


def policy_of(manifest, table):
    """keep or replace, as it was approved with the export; None for tables that hold no settings."""
    return manifest["filters"]["onConflict"][table["option"]] if table["option"] in SETTINGS else None


def differs_in(columns):
    """Which columns differ, never in what."""
    return "differs in {}".format(", ".join(columns))


class Settled(object):
    """What became of the rows of one table that did not simply land. A later try of the attempt finds again what an earlier one has replaced."""

    def __init__(self, command, table):
        self.file = NamedRows(command, "replaced", table)
        self.before = {name: reason for reason, name in self.file.known}
        self.rows, self.overwritten = [], []

    def tell(self, name, outcome, why):
        self.rows.append({"name": name, "outcome": outcome, "why": why})

    def replace(self, name, outcome, why):
        self.tell(name, outcome, why)
        self.overwritten.append(("{}: {}".format(outcome, why), name))

    def is_there(self, name):
        if name in self.before:
            self.replace(name, *self.before[name].split(": ", 1))

    def report(self, key):
        """Fields of protocol.ts ImportedTable; writes the side file first. :param str key: the column that names a row."""
        reference = self.file.write(key, self.overwritten)
        replaced = [row for row in self.rows if row["outcome"] in (REPLACED, ADOPTED)]
        return {"settled": self.rows[:NAMED_SETTINGS], "settledRows": len(self.rows), "replaced": len(replaced), "replacedFile": reference}


def settle(command, cursor, staged, policy):
    """The staged settings that differ from the target's row of their key: written over it, or named. In the transaction of the merge, before it judges."""
    settled, key = Settled(command, staged.table["name"]), staged.table["key"][0]
    compared = [(name, expression) for name, expression in staged.expressions if name in staged.entry["columns"] and name not in staged.table["key"]]
    same, differs = staged.same([key], "t0"), staged.differs()
    fit = " AND ".join(["NOT ({})".format(condition) for condition, _ in staged.unfit()] or ["true"])
    differing = ", ".join("CASE WHEN {} IS DISTINCT FROM t0.{} THEN {} END".format(expression, quoted(name), literal(name)) for name, expression in compared)
    cursor.execute("SELECT s.{key}, array_remove(ARRAY[{differing}]::text[], NULL) FROM {stage} s JOIN {target} t0 ON {same} "
                   "WHERE {differs} AND {fit} ORDER BY 1".format(
                       key=quoted(key), differing=differing, stage=staged.stage, target=staged.target, same=same, differs=differs, fit=fit))
    different = cursor.fetchall()
    if policy == "replace" and different:
        cursor.execute("UPDATE {target} t0 SET {values} FROM {stage} s WHERE {same} AND {differs} AND {fit}".format(
            values=", ".join("{} = {}".format(quoted(name), expression) for name, expression in compared),
            stage=staged.stage, target=staged.target, same=same, differs=differs, fit=fit))
    for name, columns in different:
        if policy == "replace":
            settled.replace(name, REPLACED, differs_in(columns))
        else:
            settled.tell(name, KEPT, differs_in(columns))
    changed = {row[0] for row in different}
    for name in sorted(settled.before):
        if name not in changed:
            settled.is_there(name)
    return settled.report(key)


# ---- merge: One staged table into the live one, in one transaction: what is equal stays, what conflicts goes to the side file, the rest is written.

RACES = 3
#: Refused DAG runs that the result names; the side file has them all.
NAMED_RUNS = 10


class Raced(Exception):
    """The target's own processes wrote a row of the same key in between."""


def merge_table(command, database, staged, runs, make_room=None, policy=None):
    """Merge and report as protocol.ts ImportedTable.

    :param str runs: quoted name of the table (dag_id, run_id, id) of the runs whose children may land; made here by dag_run.
    :param make_room: called with the cursor first, in the same transaction: removes rows of the target that are to be written anew.
    :param policy: keep or replace, for settings of the target that say something else; None for history, where the target's rows always stay.
    """
    for _ in range(RACES):
        try:
            return database.settle(lambda cursor: _merge(command, cursor, staged, runs, make_room, policy))
        except Raced:
            command.say("{} changed meanwhile, looking again".format(staged.table["name"]), staged.table["name"])
    raise Refusal("target-busy", "Rows of {} appeared on the target while its history was written, {} times.".format(staged.table["name"], RACES),
                  "a DAG runs there that should be paused; nothing of this table was committed.", "pause the target's DAGs and run import again.")


def _merge(command, cursor, staged, runs, make_room, policy):
    name, rows = staged.table["name"], staged.entry["rows"]
    command.say("merging {}".format(name), name, 0, rows)
    if staged.exists and staged.table["adopt"] is not None:
        _adopt(cursor, staged)
    staged.prepare(cursor)
    if make_room is not None:
        make_room(cursor)
    more = settle(command, cursor, staged, policy) if staged.exists and policy is not None else {}
    _judge(cursor, staged, runs)
    if name == "dag_run":
        _forget_next_runs(cursor, staged)
    cursor.execute("SELECT count(*) FILTER (WHERE reason IS NULL), count(*) FILTER (WHERE reason IS NOT NULL) FROM mwaa_verdict")
    there, rejected = cursor.fetchone()
    inserted = 0
    if staged.exists and rows > there + rejected:
        cursor.execute("INSERT INTO {} ({}) SELECT {} FROM {}{} ON CONFLICT DO NOTHING".format(
            staged.target, ", ".join(map(quoted, staged.columns)), ", ".join(expression for _, expression in staged.expressions),
            staged.source(runs), " WHERE NOT EXISTS (SELECT 1 FROM mwaa_verdict v WHERE v.line = s.ctid)" if there + rejected else ""))
        inserted = cursor.rowcount
    if inserted + there + rejected != rows:
        raise Raced()
    reasons, side_file = {}, None
    if rejected:
        cursor.execute("SELECT reason, count(*) FROM mwaa_verdict WHERE reason IS NOT NULL GROUP BY 1 ORDER BY 1")
        reasons = dict(cursor.fetchall())
        side_file = _write_rejected(command, cursor, staged)
        if name == "dag_run":
            more["rejectedRuns"] = _rejected_runs(cursor, staged)
    if name == "dag_run":
        _remember_runs(cursor, staged, runs)
    command.say("{}: {} written, {} there already, {} rejected".format(name, inserted, there, rejected), name, rows, rows)
    return dict({"rows": rows, "inserted": inserted, "alreadyThere": there, "rejected": rejected, "reasons": reasons, "rejectedFile": side_file}, **more)


def _judge(cursor, staged, runs):
    """Fill mwaa_verdict (line, reason): a row with a reason is rejected, one without is there already, one that is missing gets written."""
    table = staged.table
    cases, joins = [], ""
    if not staged.exists:
        cases.append(("true", "the target has no table {}".format(table["name"])))
    else:
        cases += staged.unfit()
        if "run_id" in table["parentKey"]:
            cases.append(("r.id IS NULL", "its DAG run is not among those that landed"))
            cases.append(("r.is_own", None))
        if table["parent"] == "task_instance":
            joins += " LEFT JOIN task_instance p ON {}".format(staged.same(table["parentKey"], "p"))
            cases.append(("p.dag_id IS NULL", "its task instance is not on the target"))
        if table["merge"] == "keyed":
            joins += " LEFT JOIN {} t0 ON {}".format(staged.target, staged.same(table["key"], "t0"))
            there = "t0.{} IS NOT NULL".format(quoted(table["key"][0]))
            cases.append(("{} AND {}".format(there, staged.differs()), "the target has a different row of the same {}".format(", ".join(table["key"]))))
            cases.append((there, None))
            for number, key in enumerate(table["otherKeys"], 1):
                joins += " LEFT JOIN {} t{} ON {}".format(staged.target, number, staged.same(key, "t{}".format(number)))
                cases.append(("t{}.{} IS NOT NULL".format(number, quoted(key[0])), "the target has another row of the same {}".format(", ".join(key))))
    cursor.execute("DROP TABLE IF EXISTS pg_temp.mwaa_verdict")
    if not cases:
        cursor.execute("CREATE TEMP TABLE mwaa_verdict (line tid, reason text) ON COMMIT DROP")
    else:
        cursor.execute("CREATE TEMP TABLE mwaa_verdict ON COMMIT DROP AS SELECT s.ctid AS line, CASE {} END AS reason FROM {}{} WHERE {}".format(
            " ".join("WHEN {} THEN {}".format(test, "NULL" if reason is None else literal(reason)) for test, reason in cases),
            staged.source(runs), joins, " OR ".join("({})".format(test) for test, _ in cases)))
    cursor.execute("ANALYZE mwaa_verdict")
    if staged.exists and table["merge"] == "multiset" and could_match(cursor, staged):
        cursor.execute("INSERT INTO mwaa_verdict (line, reason) SELECT line, NULL FROM ({}) known".format(
            known_rows(staged, staged.source(runs) + " WHERE NOT EXISTS (SELECT 1 FROM mwaa_verdict v WHERE v.line = s.ctid)")))
        cursor.execute("ANALYZE mwaa_verdict")


def _time_range(staged):
    """SQL: the live row `t` lies within the staged rows' time, or has none."""
    time = staged.table["timeColumn"]
    if time is None:
        return "true"
    return "(t.{0} IS NULL OR t.{0} BETWEEN (SELECT min({0}) FROM {1}) AND (SELECT max({0}) FROM {1}))".format(quoted(time), staged.stage)


def could_match(cursor, staged):
    """False when the target certainly has no row like a staged one: then nothing need be compared."""
    return scalar(cursor, "SELECT EXISTS (SELECT 1 FROM {} t WHERE {})".format(staged.target, _time_range(staged)))


def known_rows(staged, source):
    """SELECT of `line`: staged rows that the target has already, each live row answering for one of them."""
    shared = staged.expressions
    return ("SELECT line FROM (SELECT m.line, l.n, row_number() OVER (PARTITION BY m.h ORDER BY m.line) AS k "
            "FROM (SELECT s.ctid AS line, {mine} AS h FROM {source}) m "
            "JOIN (SELECT {live} AS h, count(*) AS n FROM {target} t WHERE {span} GROUP BY 1) l ON l.h = m.h) x WHERE k <= n").format(
                mine=staged.row_hash([expression for _, expression in shared]), source=source,
                live=staged.row_hash(["t." + quoted(name) for name, _ in shared]), target=staged.target, span=_time_range(staged))


def _adopt(cursor, staged):
    """Set the settings of the row that every environment has from the start, where they differ."""
    adopt = staged.table["adopt"]
    expressions = dict(staged.expressions)
    for column in adopt["columns"]:
        cursor.execute("UPDATE {target} t SET {column} = {value} FROM {stage} s "
                       "WHERE s.{key} = %s AND t.{key} = s.{key} AND t.{column} IS DISTINCT FROM {value}".format(
                           target=staged.target, column=quoted(column), value=expressions[column], stage=staged.stage, key=quoted(adopt["column"])),
                       (adopt["value"],))


def _forget_next_runs(cursor, staged):
    """The scheduler must not use a next run that was computed without this history: NULL until the DAG file is parsed again.

    Only DAGs that get runs now: a second import changes nothing.
    """
    columns = next_run_columns(cursor)
    if not columns:
        return
    cursor.execute("UPDATE dag SET {} WHERE dag_id IN (SELECT s.dag_id FROM {} s "
                   "WHERE NOT EXISTS (SELECT 1 FROM mwaa_verdict v WHERE v.line = s.ctid)) AND ({})".format(
        ", ".join("{} = NULL".format(column) for column in columns), staged.stage, " OR ".join("{} IS NOT NULL".format(column) for column in columns)))


def _remember_runs(cursor, staged, runs):
    """The runs under which children may land, brought now or equal before, with the target's id of each.

    `is_own`: a run that the target made itself between cutover and rollback, for which the source has a stand-in: its own children are the real ones.
    """
    cursor.execute("DROP TABLE IF EXISTS {}".format(runs))
    cursor.execute("CREATE UNLOGGED TABLE {} AS SELECT s.dag_id, s.run_id, t.id, {} AND NOT {} AS is_own FROM {} s "
                   "JOIN dag_run t ON t.dag_id = s.dag_id AND t.run_id = s.run_id "
                   "WHERE NOT EXISTS (SELECT 1 FROM mwaa_verdict v WHERE v.line = s.ctid AND v.reason IS NOT NULL)".format(
                       runs, staged.stands_in("s"), staged.stands_in("t"), staged.stage))
    cursor.execute("ALTER TABLE {} ADD PRIMARY KEY (dag_id, run_id)".format(runs))
    cursor.execute("ANALYZE {}".format(runs))


def _rejected_runs(cursor, staged):
    """protocol.ts ImportedTable.rejectedRuns, in the order of the side file."""
    cursor.execute("SELECT s.dag_id, s.run_id, v.reason FROM {} s JOIN mwaa_verdict v ON v.line = s.ctid WHERE v.reason IS NOT NULL "
                   "ORDER BY s.ctid LIMIT %s".format(staged.stage), (NAMED_RUNS,))
    return [{"dagId": row[0], "runId": row[1], "reason": row[2]} for row in cursor.fetchall()]


def _write_rejected(command, cursor, staged):
    name = staged.table["name"]
    writer = ObjectWriter(command.storage, "{}import/rejected/{}.csv.gz".format(command.prefix, name), "application/gzip")
    sink = TableWriter(writer)
    columns = ", ".join("s." + quoted(column) for column in staged.entry["columns"])
    try:
        cursor.copy_expert("COPY (SELECT v.reason AS mwaa_reason, {} FROM {} s JOIN mwaa_verdict v ON v.line = s.ctid "
                           "WHERE v.reason IS NOT NULL ORDER BY s.ctid) TO STDOUT WITH (FORMAT csv, HEADER)".format(columns, staged.stage), sink)
        return dict(sink.close(), members=sink.parts)
    except BaseException:
        writer.abort()
        raise


# ---- replacing: A further attempt into the same target: what an earlier one brought, and nobody touched since, makes room for what the source has now.

class Earlier(object):
    """The exports that were imported into this target before. Rows of it are judged by them, never by a mark that could be lost."""

    def __init__(self, command, staging):
        self.staging = staging
        self.tables = command.job["tables"]
        self.manifests = [json.loads(command.storage.read_checked(reference, "the manifest of an earlier attempt").decode("utf-8"))
                          for reference in command.job["earlierManifests"]]
        self.went_on = sorted({(run["dagId"], run["runId"]) for reference in command.job["earlierRan"]
                               for run in json.loads(command.storage.read_checked(reference, "what the target ran").decode("utf-8"))["runs"]})
        self.replaced_runs = 0

    def room_for(self, staged, tasks):
        """What merge_table is to call before it judges rows of `staged`; None where nothing was brought before.

        :param tasks: the staged task instances, for a table of runs: a run that was in flight twice may look the same and have gone on.
        """
        table = staged.table
        if table["merge"] != "keyed" or table["parent"] is not None or not staged.exists:
            return None
        before = []
        for number, manifest in enumerate(self.manifests, 1):
            for entry in manifest["tables"]:
                if entry["name"] == table["name"]:
                    before.append(self.staging.load(table, entry, "before{}_{}".format(number, table["name"])))
        return (lambda cursor: self._make_room(cursor, staged, before, tasks)) if before else None

    def _make_room(self, cursor, staged, before, tasks):
        cursor.execute("CREATE TEMP TABLE mwaa_replaced (line tid) ON COMMIT DROP")
        for one in before:
            for changed in _changes(cursor, staged, tasks):
                # Locked, so that nobody queues a run between this look and its end.
                cursor.execute("INSERT INTO mwaa_replaced SELECT t0.ctid FROM {} t0 WHERE {} AND {} AND {} FOR UPDATE OF t0".format(
                    staged.target, _exists(one, "{} AND NOT {}".format(one.same(staged.table["key"], "t0"), one.differs())), _resting(staged.table), changed))
        if staged.table["name"] == "dag_run" and self.went_on:
            self._make_room_for_decided(cursor, staged, tasks)
        lines = "ctid = ANY (ARRAY(SELECT DISTINCT line FROM mwaa_replaced))"
        if staged.table["name"] == "dag_run":
            cursor.execute("CREATE TEMP TABLE mwaa_replaced_runs ON COMMIT DROP AS SELECT id, dag_id, run_id FROM dag_run WHERE {}".format(lines))
            self.replaced_runs = cursor.rowcount
            self._remove_children(cursor)
        cursor.execute("DELETE FROM {} WHERE {}".format(staged.target, lines))
        cursor.execute("DROP TABLE IF EXISTS pg_temp.mwaa_replaced_runs, pg_temp.mwaa_replaced")

    def _make_room_for_decided(self, cursor, staged, tasks):
        """Runs that rollback took back, where the source has more of them than a stand-in."""
        decided = _exists(staged, "{} AND NOT {}".format(staged.same(staged.table["key"], "t0"), staged.stands_in()))
        for changed in _changes(cursor, staged, tasks):
            cursor.execute("INSERT INTO mwaa_replaced SELECT t0.ctid FROM {} t0 WHERE (t0.dag_id, t0.run_id) IN "
                           "(SELECT * FROM unnest(%s::text[], %s::text[])) AND {} AND {} AND {} FOR UPDATE OF t0".format(
                               staged.target, decided, _resting(staged.table), changed),
                           ([run[0] for run in self.went_on], [run[1] for run in self.went_on]))

    def _remove_children(self, cursor):
        """Those that this migration brings; Airflow's own foreign keys take the rest (notes, history of tries) with the run."""
        for table in reversed(self.tables):
            there = names(columns_of(cursor, table["name"]))
            if table["parent"] is None or not there:
                continue
            link = "c.dag_id = x.dag_id AND c.run_id = x.run_id" if "run_id" in there else "c.dag_run_id = x.id"
            cursor.execute("DELETE FROM {} c USING mwaa_replaced_runs x WHERE {}".format(quoted(table["name"]), link))


def _exists(staged, condition):
    return "EXISTS (SELECT 1 FROM {} WHERE {})".format(staged.source("dag_run"), condition)


def _resting(table):
    """SQL: the row `t0` is of no DAG that is active here. A run that was queued here differs from what was brought, and stays."""
    if table["dagColumn"] is None:
        return "true"
    return "NOT EXISTS (SELECT 1 FROM dag a WHERE a.dag_id = t0.{} AND a.is_active AND NOT a.is_paused)".format(quoted(table["dagColumn"]))


def _changes(cursor, staged, tasks):
    """SQL conditions on the live row `t0`, each a way in which the source has something else now."""
    table = staged.table
    same = staged.same(table["key"], "t0")
    found = [_exists(staged, "{} AND {}".format(same, staged.differs()))]
    found += [_exists(staged, "{} AND NOT ({})".format(staged.same(key, "t0"), same)) for key in table["otherKeys"]]
    if "waiting-dag" in table["rules"].values():
        found.append("NOT " + _exists(staged, same))  # Airflow has taken it away: the DAG must not run for it again.
    if table["name"] == "dag_run" and tasks is not None:
        found.append("{} AND (t0.dag_id, t0.run_id) IN ({})".format(_exists(staged, same), _gone_on(tasks)))
    return found


def _gone_on(tasks):
    """SELECT of (dag_id, run_id): runs whose task instances are not what was exported now. Rows that cannot land say nothing."""
    same = tasks.same(tasks.table["key"], "t0")
    unfit = "".join(" AND NOT ({})".format(condition) for condition, _ in tasks.unfit())
    return ("SELECT s.dag_id, s.run_id FROM {stage} s LEFT JOIN task_instance t0 ON {same} WHERE (t0.dag_id IS NULL OR {differs}){unfit} "
            "UNION ALL SELECT t0.dag_id, t0.run_id FROM task_instance t0 WHERE NOT EXISTS (SELECT 1 FROM {stage} s WHERE {same})").format(
                stage=tasks.stage, same=same, differs=tasks.differs(), unfit=unfit)


# ---- brought: Which version of a row an import has written, so that a further attempt knows what nobody has touched since. It tells nothing of what is in it.

class Brought(object):
    """Secret rows by name and `xmin`, PostgreSQL's number of the transaction that wrote them. Values are gone from the bucket by then, and
    a hash of one could be guessed; whatever else writes the row gives it another number.
    """

    def __init__(self, command, table):
        self.storage = command.storage
        self.table = table
        self.key = "{}import/brought/{}.json".format(command.prefix, table)
        self.earlier = {}
        for reference in command.job.get("earlierBrought", []):
            told = json.loads(self.storage.read_checked(reference, "what an earlier attempt brought").decode("utf-8"))
            if told["table"] == table:
                for name, version in told["rows"].items():
                    self.earlier.setdefault(name, set()).add(version)

    def is_untouched(self, name, version):
        return version in self.earlier.get(name, ())

    def write(self, cursor, secrets, names):
        """Remember the rows that were written now, beside those of an earlier try of this attempt.

        Before the commit: a number that never counts harms nobody.
        """
        known = self.storage.read_if_there(self.key)
        rows = {} if known is None else json.loads(known.decode("utf-8"))["rows"]
        cursor.execute("SELECT {0}, xmin::text FROM {1} WHERE {0} = ANY(%s)".format(secrets.quoted_key, secrets.quoted_name), (names,))
        rows.update(cursor.fetchall())
        return self.storage.write_json(self.key, {"table": self.table, "rows": rows}) if rows else None


# ---- datasets: Dataset events by what they are, for the ids of datasets and events mean nothing in another database (Airflow 2.4 to 2.11).

#: What tells one event of a dataset from another; where even that is equal, their number in the order of what they carry.
EVENT_IDENTITY = ("timestamp", "source_dag_id", "source_task_id", "source_run_id", "source_map_index")

#: SQL: every event of an environment with its dataset's URI and its number among equals.
KNOWN_EVENTS = (
    "SELECT x.id, u.uri, {0}, row_number() OVER (PARTITION BY x.dataset_id, {0} ORDER BY md5(x.extra::text) COLLATE \"C\", x.id) AS number "
    "FROM dataset_event x JOIN dataset u ON u.id = x.dataset_id").format(", ".join("x." + column for column in EVENT_IDENTITY))

#: Airflow 3 calls it asset_triggered.
DATASET_TRIGGERED = "dataset_triggered"

#: The user and password of a URI, as Airflow 2.9 and later find them when they drop them: in any scheme but the user's own (x-…).
CREDENTIALS = "^((?![Xx]-)[A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@"


def drops_credentials(target_version):
    """Whether the target's Airflow knows its datasets without them: then they need not leave the source. `target_version`: e.g. "2.10.3"."""
    return tuple(int(number) for number in target_version.split(".")[:2]) >= (2, 9)


def uri_that_moves(uri, target_version):
    return re.sub(CREDENTIALS, r"\1", uri) if drops_credentials(target_version) else uri


def uri_that_moves_sql(expression, target_version):
    """SQL: the same of a column."""
    return "regexp_replace({}, {}, '\\1')".format(expression, literal(CREDENTIALS)) if drops_credentials(target_version) else expression


def same_event(alias):
    """SQL: the staged row `s`, its URI as in `u`, means the event `alias` of KNOWN_EVENTS. Staged as texts: the target's table has no such columns."""
    types = {"timestamp": "timestamptz", "source_map_index": "integer"}
    tests = ["{0}.uri = u.here".format(alias), "{0}.timestamp = s.timestamp::timestamptz".format(alias),
             "{0}.number = s.event_number::bigint".format(alias)]
    return " AND ".join(tests + ["{0}.{1} IS NOT DISTINCT FROM s.{1}::{2}".format(alias, column, types.get(column, "text"))
                                 for column in EVENT_IDENTITY[1:]])


def name_uris(cursor, stage, uris):
    """Make table `uris` (uri, here): what each URI of the staged rows is on the target, whose Airflow may write it otherwise."""
    cursor.execute("SELECT DISTINCT dataset_uri FROM {}".format(stage))
    found = [row[0] for row in cursor.fetchall()]
    cursor.execute("DROP TABLE IF EXISTS {}".format(uris))
    cursor.execute("CREATE UNLOGGED TABLE {} AS SELECT * FROM unnest(%s::text[], %s::text[]) AS n(uri, here)".format(uris),
                   (found, [uri_here(uri) for uri in found]))


def add_datasets(cursor, uris):
    """Datasets that no DAG file of the target has named yet. Airflow finds them by their URI when it parses one that does."""
    cursor.execute("INSERT INTO dataset (uri, extra, created_at, updated_at) SELECT n.here, '{{}}', now(), now() FROM "
                   "(SELECT DISTINCT here FROM {}) n WHERE NOT EXISTS (SELECT 1 FROM dataset d WHERE d.uri = n.here) "
                   "ON CONFLICT DO NOTHING".format(uris))


# ---- live_sums: The target's own rows in the form of the export's lines, and their checksums: both databases are compared by one definition.

class SumSink(object):
    """File object for COPY … TO STDOUT, which calls `write` once per row: keeps nothing but the sums."""

    def __init__(self, sums, on_rows):
        self.sums = sums
        self.rows = 0
        self.on_rows = on_rows

    def write(self, data):
        self.sums.add(data.encode("utf-8") if isinstance(data, str) else data)
        self.rows += 1
        if self.rows % 1000 == 0:
            self.on_rows(self.rows)


def live_sums(command, cursor, table, entry, brought, until):
    """{DAG id or None: (rows, sum)} of the target's rows; None where they cannot be written as the export's, for it lacks one of its columns.

    Of a table below dag_run only what hangs on the runs `brought` counts; elsewhere also rows of the target's own.

    :param str brought: quoted name of brought_runs.py's table.
    :param until: the snapshot's time. Rows of an unkeyed table with a time were written then: later ones are the target's own.
    """
    select = live_lines(cursor, table, entry, brought)
    if select is None:
        return None
    if table["merge"] == "multiset" and table["parent"] is None and table["timeColumn"]:
        select += " WHERE " + written_until(table, until)
    name, total = table["name"], entry["rows"]
    sums = RowSums(group_column(table, entry["columns"]) is not None)
    sink = SumSink(sums, lambda done: command.say("checking {}".format(name), name, done, total))
    cursor.copy_expert("COPY ({}) TO STDOUT WITH (FORMAT csv)".format(select), sink)
    return sums.groups()


def written_until(table, until):
    """SQL: the live row `t` of an unkeyed table was not written after that time (ISO 8601)."""
    return "coalesce(t.{} <= {}::timestamptz, true)".format(quoted(table["timeColumn"]), literal(until))


def run_links(table, live):
    """SQL: the live row `t` hangs on the run `b` of brought_runs."""
    if "run_id" in live:
        return "b.dag_id = t.dag_id AND b.run_id = t.run_id"
    return " AND ".join("b.id = t." + quoted(column) for column in live if table["rules"].get(column) == "new-run-id")


def live_lines(cursor, table, entry, brought):
    """SELECT of the target's rows as the export's lines, without a WHERE; None where it lacks a column."""
    live, rules = names(columns_of(cursor, table["name"])), table["rules"]
    expressions = dict({name: "t." + quoted(name) for name in live})
    joins = ""
    if "run_id" in table["parentKey"]:
        # A row under the wrong id of a run is not what was exported: it is left out here, so that the sums differ.
        links = [run_links(table, live)] + ["b.id = t." + quoted(column) for column in live if rules.get(column) == "new-run-id"]
        joins += " JOIN {} b ON {}".format(brought, " AND ".join(links))
        expressions = dict({"dag_id": "b.dag_id", "run_id": "b.run_id"}, **expressions)
    for column in live:
        if rules.get(column) == "by-uri":
            joins += " JOIN dataset d ON d.id = t." + quoted(column)
            expressions["dataset_uri"] = "d.uri"
        if rules.get(column) == "by-event":
            joins += " JOIN ({}) e ON e.id = t.{}".format(KNOWN_EVENTS, quoted(column))
            expressions.update({name: "e." + quoted(name) for name in EVENT_IDENTITY}, dataset_uri="e.uri", event_number="e.number")
    if not live or not set(entry["columns"]) <= set(expressions):
        return None
    return "SELECT {} FROM {} t{}".format(", ".join(expressions[name] for name in entry["columns"]), quoted(table["name"]), joins)


# ---- comparing: The slow comparison: staged rows beside the live ones, row by row, for the DAGs whose checksums differ. It names what it finds.

#: DAGs with differences that the result names for each table, and rows of tables without DAGs.
NAMED_DAGS, NAMED_ROWS = 50, 10
#: Columns that name a row's run. A dataset event's is the run that emitted it.
RUN_COLUMNS = ("run_id", "source_run_id")
STAMP = "coalesce(to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), '') || ' ' || coalesce({}, '')"


class Comparison(object):
    """Fills the temporary table mwaa_found with a row for each that is not equal on both sides, in one transaction."""

    def __init__(self, cursor, staged, dag_ids, brought, until):
        """:param dag_ids: the staged DAGs, None among them for rows of no DAG; `brought`: brought_runs' table; `until`: the snapshot's time."""
        self.cursor = cursor
        self.staged = staged
        self.table = staged.table
        self.brought = brought
        self.until = until
        self.live = names(columns_of(cursor, self.table["name"]))
        self.group = group_column(self.table, staged.entry["columns"])
        self.dag_ids = dag_ids
        self.hangs_on_runs = "run_id" in self.table["parentKey"]
        cursor.execute("CREATE TEMP TABLE mwaa_out (line tid) ON COMMIT DROP")
        cursor.execute("CREATE TEMP TABLE mwaa_found (dag text, run text, at timestamptz, named text, fate text) ON COMMIT DROP")

    def set_aside(self, side):
        """The staged rows that import's side file holds (staged as table `side`): they are no loss, each is in it with its reason."""
        columns = self.staged.entry["columns"]
        self.cursor.execute(
            "INSERT INTO mwaa_out SELECT line FROM (SELECT m.line, l.n, row_number() OVER (PARTITION BY m.h ORDER BY m.line) AS k "
            "FROM (SELECT s.ctid AS line, {mine} AS h FROM {stage} s) m "
            "JOIN (SELECT {theirs} AS h, count(*) AS n FROM {side} j GROUP BY 1) l ON l.h = m.h) x WHERE k <= n".format(
                stage=self.staged.stage, side=side, mine=self.staged.row_hash(["s." + quoted(column) for column in columns]),
                theirs=self.staged.row_hash(["j." + quoted(column) for column in columns])))
        self.cursor.execute("ANALYZE mwaa_out")

    def look_for_exported(self, goes_on):
        """Every staged row that is not on the target as it was exported. `goes_on`: SQL, Airflow itself may have changed the staged row."""
        source, found, absent, differs = self.staged.source(self.brought), "", "true", "true"
        if self.staged.exists and self.table["merge"] == "multiset":
            found = " LEFT JOIN ({}) k ON k.line = s.ctid".format(self._known(source))
            absent = differs = "k.line IS NULL"
        elif self.staged.exists:
            found = " LEFT JOIN {} t0 ON {}".format(self.staged.target, self.staged.same(self.table["key"], "t0"))
            absent = "t0.{} IS NULL".format(quoted(self.table["key"][0]))
            differs = "({} OR {})".format(absent, self.staged.differs())
        self._add("SELECT {}, CASE WHEN o.line IS NOT NULL THEN 'rejected' WHEN {} THEN 'resumed' WHEN {} THEN 'missing' ELSE 'different' END "
                  "FROM {}{} LEFT JOIN mwaa_out o ON o.line = s.ctid WHERE o.line IS NOT NULL OR {}".format(
                      ", ".join(self._place("s", "r")), goes_on, absent, source, found, differs))

    def look_for_more(self, earlier=()):
        """Rows of the target that were not exported and have no business there: doubled ones, and what hangs on a run that was brought.

        :param earlier: the table as earlier attempts exported it: what those brought may stay.
        """
        if not self.staged.exists:
            return
        if self.table["merge"] == "multiset":
            self._look_for_doubles(earlier)
        elif self.hangs_on_runs:
            self._look_for_children(earlier)
        else:
            self._look_for_copies()

    def _look_for_children(self, earlier):
        known = "EXISTS (SELECT 1 FROM {} WHERE {})".format(self.staged.source(self.brought), self.staged.same(self.table["key"], "t"))
        before = "".join(" AND NOT EXISTS (SELECT 1 FROM {} WHERE {} AND NOT {})".format(
            one.source(self.brought), one.same(self.table["key"], "t"), one.differs("t")) for one in earlier)
        self._add("SELECT {}, 'doubled' FROM {} WHERE NOT {}{}".format(", ".join(self._place("t", "b")), self._live_rows(), known, before))

    def _look_for_doubles(self, earlier):
        """Each live row answers for one staged row of its content. Where rows hang on no run, others of the target's own may lie beside them."""
        columns = self.staged.columns
        live = self.staged.row_hash(["t." + quoted(name) for name in columns])
        before = "".join(" AND NOT EXISTS (SELECT 1 FROM {} WHERE {} = x.h)".format(one.source(self.brought), self._staged_hash(one)) for one in earlier)
        self._add("SELECT x.dag, x.run, x.at, x.named, 'doubled' "
                  "FROM (SELECT {place}, {live} AS h, row_number() OVER (PARTITION BY {live}) AS k FROM {rows}) x "
                  "{join} JOIN (SELECT {mine} AS h, count(*) AS n FROM {source} GROUP BY 1) m ON m.h = x.h "
                  "WHERE x.k > coalesce(m.n, 0){before}".format(
                      place=", ".join(self._place("t", "b")), live=live, rows=self._live_rows(), join="LEFT" if self.hangs_on_runs else "",
                      mine=self._staged_hash(self.staged), source=self.staged.source(self.brought), before=before))

    def _look_for_copies(self):
        """Rows of a DAG that are an exported one under another key, to the microsecond. The target's own rows are of another time."""
        keys = set(self.table["key"]).union(*self.table["otherKeys"])
        compared = [pair for pair in self.staged.compared() if pair[0] not in keys]
        times = [(name, expression) for name, expression in compared if self.staged.type_of(name) == "timestamp with time zone"]
        if self.group is None or not times:
            return
        self._add("SELECT DISTINCT {}, 'doubled' FROM {} JOIN {} ON s.{} = t.{} AND coalesce({}) = coalesce({}) "
                  "WHERE NOT {} AND NOT EXISTS (SELECT 1 FROM {} WHERE {})".format(
                      ", ".join(self._place("t", "b")), self._live_rows(), self.staged.source(self.brought), quoted(self.group), quoted(self.group),
                      ", ".join(expression for _, expression in times), ", ".join("t." + quoted(name) for name, _ in times),
                      self.staged.any_differs(compared, "t"), self.staged.source(self.brought), self.staged.same(self.table["key"], "t")))

    def _known(self, source):
        """SELECT of `line`: staged rows that the target has, each live row answering for one of them."""
        return ("SELECT line FROM (SELECT m.line, l.n, row_number() OVER (PARTITION BY m.h ORDER BY m.line) AS k "
                "FROM (SELECT s.ctid AS line, {mine} AS h FROM {source} WHERE NOT EXISTS (SELECT 1 FROM mwaa_out o WHERE o.line = s.ctid)) m "
                "JOIN (SELECT {live} AS h, count(*) AS n FROM {target} t WHERE {chosen} GROUP BY 1) l ON l.h = m.h) x WHERE k <= n").format(
                    mine=self._staged_hash(self.staged), source=source, target=self.staged.target, chosen=self._chosen(),
                    live=self.staged.row_hash(["t." + quoted(name) for name in self.staged.columns]))

    def _staged_hash(self, staged):
        return staged.row_hash([expression for _, expression in staged.expressions])

    def _live_rows(self):
        """FROM … of the live rows `t` that could be one too many, with their run `b` where they hang on one."""
        if self.hangs_on_runs:
            return "{} t JOIN {} b ON {} AND NOT b.goes_on AND {}".format(
                self.staged.target, self.brought, run_links(self.table, self.live), self._chosen("b.dag_id"))
        until = self.table["merge"] == "multiset" and self.table["timeColumn"]
        return "(SELECT * FROM {} t WHERE {}{}) t".format(self.staged.target, self._chosen(), " AND " + written_until(self.table, self.until) if until else "")

    def _chosen(self, column=None):
        """SQL: the live row is of a DAG in question."""
        if self.group is None or (column is None and self.group not in self.live):
            return "true"
        column = column or "t." + quoted(self.group)
        ids = self.cursor.mogrify("%s::text[]", (sorted(dag_id for dag_id in self.dag_ids if dag_id is not None),)).decode("utf-8")
        return "({0} = ANY({1}){2})".format(column, ids, " OR {} IS NULL".format(column) if None in self.dag_ids else "")

    def _place(self, row, run):
        """SQL expressions dag, run, at, named of a row; `run` is the alias of its run in brought_runs, where it hangs on one."""
        there = self.staged.entry["columns"] if row == "s" else self.live
        time = self.table["timeColumn"]
        dag = "NULL" if self.group is None else row + "." + quoted(self.group) if self.group in there else run + ".dag_id"
        runs = [row + "." + quoted(name) for name in RUN_COLUMNS if name in there] or ([run + ".run_id"] if self.hangs_on_runs else ["NULL"])
        at = run + ".logical_date" if self.hangs_on_runs else row + "." + quoted(time) if time in there else "NULL"
        named = "concat_ws(', ', {})".format(", ".join(row + "." + quoted(name) for name in self.table["key"])) if self.group is None and set(
            self.table["key"]) <= set(there) else "NULL"
        return ["({})::text AS dag".format(dag), "({})::text AS run".format(runs[0]), "({})::timestamptz AS at".format(at), "({})::text AS named".format(named)]

    def _add(self, select):
        self.cursor.execute("INSERT INTO mwaa_found " + select)

    def counts(self):
        """{fate: rows}"""
        self.cursor.execute("SELECT fate, count(*) FROM mwaa_found GROUP BY 1")
        return dict(self.cursor.fetchall())

    def differences(self):
        """protocol.ts VerifiedTable.differences, and how many DAGs have some."""
        self.cursor.execute(
            "SELECT dag, count(*) FILTER (WHERE fate = 'missing'), count(*) FILTER (WHERE fate = 'different'), count(*) FILTER (WHERE fate = 'doubled'), "
            "min({stamp} COLLATE \"C\"), max({stamp} COLLATE \"C\"), (array_agg(DISTINCT named) FILTER (WHERE named IS NOT NULL))[1:{rows}], count(*) OVER () "
            "FROM mwaa_found WHERE fate IN ('missing', 'different', 'doubled') GROUP BY dag ORDER BY count(*) DESC, dag LIMIT {dags}".format(
                stamp=STAMP.format("at", "run"), rows=NAMED_ROWS, dags=NAMED_DAGS))
        rows = self.cursor.fetchall()
        return [{"dagId": row[0], "missing": row[1], "different": row[2], "doubled": row[3], "first": _place_of(row[4]), "last": _place_of(row[5]),
                 "names": row[6] or []} for row in rows], (rows[0][7] if rows else 0)


def _place_of(stamp):
    at, run = stamp.split(" ", 1)
    return {"at": at.replace(".000000Z", "Z") or None, "runId": run or None}


# ---- default_rows: Settings that Airflow itself makes in every new database, as `airflow db init` does, which MWAA runs up to 2.8.

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


# ---- envelope: Variables and connections on their way: chunks of AES-256-GCM under a data key that only KMS or the target's one-time key can unwrap.

CHUNK_BYTES = 64 * 1024


def fingerprint_of(public_key):
    """SHA-256 of the DER SubjectPublicKeyInfo, 64 hex digits."""
    return hashlib.sha256(public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def new_key_pair():
    """(private PEM, public PEM, fingerprint); RSA-3072."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=3072, backend=default_backend())
    public = private.public_key()
    return (
        private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode("ascii"),
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode("ascii"),
        fingerprint_of(public),
    )


def load_private(pem):
    return serialization.load_pem_private_key(pem.encode("ascii"), None, backend=default_backend())


def _oaep():
    return padding.OAEP(mgf=padding.MGF1(algorithm=hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


def _region_of(key_arn):
    return key_arn.split(":")[3]


def context_of(rendered, table):
    """KMS encryption context, which also stands in CloudTrail: names only."""
    return {"mwaa-migrate": rendered["migrationId"], "attempt": str(rendered["attempt"]), "table": table}


def sealed_for(rendered, table):
    return "|".join(("mwaa-migrate", rendered["migrationId"], str(rendered["attempt"]), table))


def new_data_key(envelope, context):
    """(data key, what the manifest says about it)."""
    if envelope["wrap"] == "kms":
        answer = aws_client("kms", _region_of(envelope["keyArn"])).generate_data_key(KeyId=envelope["keyArn"], KeySpec="AES_256", EncryptionContext=context)
        return answer["Plaintext"], {"wrap": "kms", "keyArn": envelope["keyArn"], "wrappedKey": base64.b64encode(answer["CiphertextBlob"]).decode("ascii")}
    public = serialization.load_pem_public_key(envelope["publicKeyPem"].encode("ascii"), backend=default_backend())
    if fingerprint_of(public) != envelope["fingerprint"]:
        raise Refusal("wrong-public-key", "The public key in the job does not have the fingerprint in the job.",
                      "variables and passwords would be readable by the holder of another key.", "run export again, which makes a new key pair in the target.")
    key = os.urandom(32)
    return key, {"wrap": "rsa", "fingerprint": envelope["fingerprint"], "wrappedKey": base64.b64encode(public.encrypt(key, _oaep())).decode("ascii")}


def open_data_key(secret, context, private):
    """The data key of a manifest's `secret`. `private`: the one-time private key, None for KMS."""
    wrapped = base64.b64decode(secret["wrappedKey"])
    if secret["wrap"] == "kms":
        return aws_client("kms", _region_of(secret["keyArn"])).decrypt(
            CiphertextBlob=wrapped, KeyId=secret["keyArn"], EncryptionContext=context)["Plaintext"]
    if fingerprint_of(private.public_key()) != secret["fingerprint"]:
        raise Refusal("wrong-private-key", "The export was encrypted for another key than the one this environment holds.",
                      "a newer key pair was made after that export.", "run export (final) again and import its result.")
    return private.decrypt(wrapped, _oaep())


class Sealer(object):
    """Takes records, writes frames to `sink`. Nothing of a record leaves unencrypted."""

    def __init__(self, key, name, sink):
        self.cipher = AESGCM(key)
        self.name = name
        self.sink = sink
        self.number = 0
        self.waiting = b""

    def add(self, record):
        self.waiting += json.dumps(record).encode("ascii") + b"\n"
        while len(self.waiting) > CHUNK_BYTES:
            self._frame(self.waiting[:CHUNK_BYTES], False)
            self.waiting = self.waiting[CHUNK_BYTES:]

    def close(self):
        self._frame(self.waiting, True)

    def _frame(self, data, last):
        nonce, extra = _frame_names(self.name, self.number, last)
        sealed = self.cipher.encrypt(nonce, data, extra)
        self.sink.write(struct.pack(">I", len(sealed)) + sealed)
        self.number += 1


def opened(key, name, data):
    """The records of a sealed object. :raises Refusal: when a frame was changed, moved or cut off."""
    cipher, at, number, waiting = AESGCM(key), 0, 0, b""
    while at < len(data):
        length = struct.unpack(">I", data[at:at + 4])[0]
        frame, at = data[at + 4:at + 4 + length], at + 4 + length
        nonce, extra = _frame_names(name, number, at >= len(data))
        try:
            waiting += cipher.decrypt(nonce, frame, extra)
        except Exception:  # cryptography says nothing but InvalidTag
            raise Refusal("damaged", "The encrypted rows of {} cannot be opened.".format(name.split("|")[-1]),
                          "they were changed after the export, so none was imported.",
                          "run export (final) again and import its result.")
        number += 1
        lines = waiting.split(b"\n")
        waiting = lines.pop()
        for line in lines:
            yield json.loads(line.decode("ascii"))


def _frame_names(name, number, last):
    return number.to_bytes(12, "big"), "{}|{}|{}".format(name, number, "last" if last else "more").encode("utf-8")


# ---- one_time_key: The key pair that an export without KMS is sealed for: two variables of the target, made before the export and ended by the import.

def key_names(command):
    return tuple("mwaa_migrate_{}_{}_key".format(command.short_hash, half) for half in ("private", "public"))


def target_fernet():
    from airflow.models.crypto import get_fernet
    fernet = get_fernet()
    if not getattr(fernet, "is_encrypted", False):
        raise Refusal("no-fernet-key", "The target has no Fernet key.", "a private key, variables and passwords would lie in its database as plain text.",
                      "set core.fernet_key on the target (MWAA always does) and run the phase again.")
    return fernet


def make_key_pair(command, database):
    """Result data of `keypair`. The same attempt keeps its pair: an export may have used it already."""
    fernet, (private_name, public_name) = target_fernet(), key_names(command)
    mark = "mwaa-migrate attempt {}".format(command.rendered["attempt"])
    with database.transaction() as cursor:
        cursor.execute("SELECT val FROM variable WHERE key = %s AND description = %s FOR UPDATE", (private_name, mark))
        row = cursor.fetchone()
        if row is not None:
            return {"fingerprint": fingerprint_of(_private_key(fernet, row[0]).public_key()), "variable": public_name}
        private, public, fingerprint = new_key_pair()
        for name, value in ((private_name, private), (public_name, public)):
            cursor.execute("INSERT INTO variable (key, val, is_encrypted, description) VALUES (%s, %s, true, %s) "
                           "ON CONFLICT (key) DO UPDATE SET val = EXCLUDED.val, is_encrypted = true, description = EXCLUDED.description",
                           (name, fernet.encrypt(value.encode("ascii")).decode("ascii"), mark))
    return {"fingerprint": fingerprint, "variable": public_name}


def one_time_key(cursor, command, fernet):
    """The private half; None once an import has ended it."""
    cursor.execute("SELECT val FROM variable WHERE key = %s", (key_names(command)[0],))
    row = cursor.fetchone()
    return None if row is None else _private_key(fernet, row[0])


def end_key_pair(cursor, command):
    cursor.execute("DELETE FROM variable WHERE key = ANY(%s)", (list(key_names(command)),))


def _private_key(fernet, value):
    return load_private(fernet.decrypt(value.encode("ascii")).decode("ascii"))


# ---- secret_rows: Rows of a table whose values are secrets (catalogue: `secret`): which columns travel, and what a row says once it is decrypted.

#: Rule of a column that Airflow encrypts with its Fernet key; behind the colon the column that says whether it has.
ENCRYPTED = "encrypted:"


class SecretTable(object):
    """One secret table of this environment. A record is {column: text or None} of the columns that travel, every value as PostgreSQL's text form."""

    def __init__(self, cursor, table):
        self.name = table["name"]
        self.key = table["key"][0]
        self.rules = table["rules"]
        self.live = columns_of(cursor, self.name)
        there = names(self.live)
        self.flags = {column: rule[len(ENCRYPTED):] for column, rule in self.rules.items() if rule.startswith(ENCRYPTED) and column in there}
        stays = set(self.flags.values()) | {column for column, rule in self.rules.items() if rule == "own-id"}
        self.columns = [self.key] + [column for column in there if column not in stays and column != self.key]
        self.quoted_name, self.quoted_key = quoted(self.name), quoted(self.key)

    def select(self, extra=()):
        """SELECT … FROM: texts of `columns`, then for each flag whether the value is encrypted, then `extra`; the row is `t`."""
        return "SELECT {} FROM {} t".format(", ".join(
            ["t.{}::text".format(quoted(column)) for column in self.columns]
            + ["coalesce(t.{}, false)".format(quoted(self.flags[column])) for column in sorted(self.flags)] + list(extra)), self.quoted_name)

    def read(self, fernet, row):
        """(record, encrypted columns that this environment's key does not open) of one row of `select`."""
        record, closed = dict(zip(self.columns, row)), []
        for column, is_encrypted in zip(sorted(self.flags), row[len(self.columns):len(self.columns) + len(self.flags)]):
            if is_encrypted and record[column]:  # Airflow takes neither NULL nor an empty text for a token.
                record[column] = decrypted(fernet, record[column])
                if record[column] is None:
                    closed.append(column)
        return record, closed

    def filled(self, record):
        """Columns that the record leaves NULL and that a rule fills on the target."""
        return [column for column, rule in sorted(self.rules.items()) if rule.startswith("default:") and column in record and record[column] is None]

    def filled_in(self, record):
        return dict(record, **{column: self.rules[column][len("default:"):] for column in self.filled(record)})

    def written(self, fernet, record):
        """{column: value} as a row of this table, encrypted under its own key; columns that it does not have are left away."""
        values, full = {}, self.filled_in(record)
        for column in self.columns:
            if column not in full:
                continue
            value = full[column]
            if column in self.flags:
                values[self.flags[column]] = value is not None
                value = None if value is None else fernet.encrypt(value.encode("utf-8")).decode("ascii")
            values[column] = value
        return values

    def unfit(self, values):
        """Why the table cannot take the row, None when it can."""
        for column in self.live:
            value = values.get(column.name)
            if value is None and column.required and not column.has_default and self.rules.get(column.name) != "own-id":
                return "{} is NULL, which the target does not allow".format(column.name)
            if column.length is not None and value is not None and len(value) > column.length:
                return "{} is longer than the target's {} characters".format(column.name, column.length)
        return None

    def repeated_keys(self, cursor):
        """Keys of more than one row: 1.10 allows several connections of one name."""
        cursor.execute("SELECT {0} FROM {1} WHERE {0} IS NOT NULL GROUP BY 1 HAVING count(*) > 1".format(self.quoted_key, self.quoted_name))
        return {row[0] for row in cursor.fetchall()}

    def has_id(self):
        return "id" in names(self.live)


def decrypted(fernet, value):
    """None where the key is not the one it was encrypted with, or the value is no text."""
    if not getattr(fernet, "is_encrypted", False):
        return None
    try:
        return fernet.decrypt(value.encode("utf-8")).decode("utf-8")
    except Exception:  # InvalidToken, or bytes that are no text, which Airflow cannot read either: whoever asked names the row
        return None


# ---- secret_marks: What variables and connections were right after the import, kept so that verify sees what has changed since. Marks, never values.

#: Of HMAC-SHA256, in hex digits.
MARK_LENGTH = 32


def keep_marks(cursor, command, table, entry, fernet):
    """Write the marks of the rows that this export names, as they are now. Before the commit that ends the one-time key."""
    command.storage.write_json(_key_of(command, table), _marks(cursor, table, entry, fernet, _keys()[0]))


def changed_since(cursor, command, table, entry, fernet):
    """Names of rows that are there and no longer what the import left; empty where it has kept no marks."""
    kept = command.storage.read_if_there(_key_of(command, table))
    before = json.loads(kept.decode("utf-8")) if kept else {}
    # Any of them: while Airflow's key is being rotated there are two, and the one that the import used may be either.
    seen = [_marks(cursor, table, entry, fernet, key) for key in _keys()] if before else []
    return {name for name in before if all(name in marks and marks[name] != before[name] for marks in seen)} if seen else set()


def _key_of(command, table):
    return "{}import/marks/{}.json".format(command.prefix, table["name"])


def _keys():
    """Keys that only this environment can make, from those that its secrets are encrypted with: nobody can try guesses on a mark."""
    from airflow.configuration import conf
    return [hmac.new(key.strip().encode("ascii"), b"mwaa-migrate: marks of imported secrets", hashlib.sha256).digest()
            for key in conf.get("core", "fernet_key").split(",")]


def _marks(cursor, table, entry, fernet, key):
    secrets, found = SecretTable(cursor, table), {}
    cursor.execute("{} WHERE t.{} = ANY(%s)".format(secrets.select(), secrets.quoted_key), (entry["names"],))
    for row in cursor.fetchall():
        record, closed = secrets.read(fernet, row)
        if not closed:
            text = json.dumps([table["name"], record], sort_keys=True)
            found[record[secrets.key]] = hmac.new(key, text.encode("utf-8"), hashlib.sha256).hexdigest()[:MARK_LENGTH]
    return found


# ---- secrets_in: Variables and connections out of the envelope and, each table in one transaction, into the target under its own Fernet key.

CONFLICT = "exists with another value"
OTHER_DESCRIPTION = "exists with the same value and another description"
USED_UP = "not on the target, and the one-time key was used up by an earlier import"


class SettledSecrets(Settled):
    """All rows of a secret table: what landed is counted, what did not is named."""

    def __init__(self, command, table):
        super(SettledSecrets, self).__init__(command, table)
        self.side_file = NamedRows(command, "rejected", table)
        self.brought = Brought(command, table)
        self.written, self.there, self.rejected = [], 0, []

    @property
    def accounted(self):
        return len(self.written) + self.there + len(self.rejected)

    def reject(self, name, reason, outcome=REFUSED, why=None):
        self.tell(name, outcome, why or reason)
        self.rejected.append((reason, name))

    def is_there(self, name):
        super(SettledSecrets, self).is_there(name)
        self.there += 1

    def report(self, key):
        reasons = {}
        for reason, _ in self.rejected:
            reasons[reason] = reasons.get(reason, 0) + 1
        return dict(super(SettledSecrets, self).report(key), inserted=len(self.written), alreadyThere=self.there, rejected=len(self.rejected),
                    reasons=reasons, rejectedFile=self.side_file.write(key, self.rejected))


def import_secrets(command, database, table, entry, policy, is_last):
    """(report as protocol.ts ImportedTable, exported columns that the target does not have). No value is shown, whatever happens; rows are told by name.

    :param str policy: keep or replace, for rows of the target that say something else.
    :param bool is_last: no table of this export needs the one-time key any more.
    """
    name = table["name"]
    if not entry["parts"]:
        raise Refusal("rehearsal", "This export is a rehearsal: it holds no values of {}.".format(name), "only a final export can be imported.",
                      "run export with mode: final, and import its result.")
    data = command.storage.read_checked(entry["parts"][0], "the encrypted rows of {}".format(name))
    fernet, seal = target_fernet(), entry["seal"]
    settled = SettledSecrets(command, name)
    with database.transaction() as cursor:
        private = one_time_key(cursor, command, fernet) if seal["wrap"] == "rsa" else None
        if seal["wrap"] == "rsa" and private is None:
            _after_use(cursor, table, entry, settled)
        else:
            key = open_data_key(seal, context_of(command.rendered, name), private)
            _write(cursor, table, fernet, opened(key, sealed_for(command.rendered, name), data), policy, settled)
            keep_marks(cursor, command, table, entry, fernet)
        if settled.accounted != entry["rows"]:
            raise Refusal("damaged", "The encrypted rows of {} are {} instead of {}.".format(name, settled.accounted, entry["rows"]),
                          "so none was imported.", "run export (final) again and import its result.")
        # Before the commit that ends the key: a later try can then still say what was rejected and what was replaced.
        report = settled.report(table["key"][0])
        secrets = SecretTable(cursor, table)
        report["broughtFile"] = settled.brought.write(cursor, secrets, settled.written)
        if is_last:
            end_key_pair(cursor, command)
    command.say("{}: {} written, {} there already, {} rejected".format(
        name, len(settled.written), settled.there, len(settled.rejected)), name, entry["rows"], entry["rows"])
    return dict(report, rows=entry["rows"]), [column for column in entry["columns"] if column not in secrets.columns]


def _write(cursor, table, fernet, records, policy, settled):
    secrets, defaults = SecretTable(cursor, table), None
    for record in records:
        name, values = record[secrets.key], secrets.written(fernet, record)
        reason = secrets.unfit(values)
        if reason is not None:
            settled.reject(name, reason)
            continue
        columns = sorted(values)
        cursor.execute("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO NOTHING".format(
            secrets.quoted_name, ", ".join(map(quoted, columns)), ", ".join(["%s"] * len(columns)), secrets.quoted_key), [values[one] for one in columns])
        if cursor.rowcount:
            settled.written.append(name)
            continue
        cursor.execute("{} WHERE t.{} = %s FOR UPDATE".format(secrets.select(("t.xmin::text",)), secrets.quoted_key), (name,))
        row = cursor.fetchone()
        live, closed = secrets.read(fernet, row)
        differing = [column for column in secrets.columns if column in record and (column in closed or live[column] != secrets.filled_in(record)[column])]
        if not differing:
            settled.is_there(name)
            continue
        if defaults is None:
            defaults = default_rows(table)
        outcome = None
        if settled.brought.is_untouched(name, row[-1]):
            outcome = RENEWED
        elif policy == "replace":
            outcome = REPLACED
        elif not closed and _is_default(live, defaults.get(name)):
            outcome = ADOPTED
        if outcome is None:
            settled.reject(name, OTHER_DESCRIPTION if differing == ["description"] else CONFLICT, KEPT, differs_in(differing))
            continue
        cursor.execute("UPDATE {} SET {} WHERE {} = %s".format(
            secrets.quoted_name, ", ".join(quoted(one) + " = %s" for one in columns), secrets.quoted_key), [values[one] for one in columns] + [name])
        settled.replace(name, outcome, differs_in(differing))
        settled.written.append(name)


def _is_default(live, default):
    """The row is as this release of Airflow makes it in every new database: nobody has decided anything by it."""
    return default is not None and all((live[column] or None) == (default.get(column) or None) for column in live if column in default)


def _after_use(cursor, table, entry, settled):
    """An earlier import committed these rows and ended its key: what became of them stands in its side files, the rest is there."""
    for reason, name in settled.side_file.known:
        settled.reject(name, reason, KEPT if reason in (CONFLICT, OTHER_DESCRIPTION) else REFUSED)
    rejected = {name for _, name in settled.rejected}
    live = _live_names(cursor, table, entry["names"])
    for name in entry["names"]:
        if name in rejected:
            continue
        if name in live:
            settled.is_there(name)
        else:
            settled.reject(name, USED_UP)


def _live_names(cursor, table, wanted):
    secrets = SecretTable(cursor, table)
    cursor.execute("SELECT {0} FROM {1} WHERE {0} = ANY(%s)".format(secrets.quoted_key, secrets.quoted_name), (wanted,))
    return {row[0] for row in cursor.fetchall()}


def verify_secrets(cursor, command, table, entry):
    """protocol.ts VerifiedTable, by name: the values are gone from S3 by now.

    `different`: there, but not readable under the target's Fernet key, or not what the import left.
    """
    fernet, secrets = target_fernet(), SecretTable(cursor, table)
    rejected = {name for _, name in NamedRows(command, "rejected", table["name"]).known}
    cursor.execute("{} WHERE t.{} = ANY(%s)".format(secrets.select(), secrets.quoted_key), (entry["names"],))
    state = {}
    for row in cursor:
        record, closed = secrets.read(fernet, row)
        state[record[secrets.key]] = not closed
    changed = changed_since(cursor, command, table, entry, fernet) | {name for name in state if not state[name]}
    considered = [name for name in entry["names"] if name not in rejected]
    missing, different = ([name for name in considered if name not in state], [name for name in considered if name in state and name in changed])
    place = {"at": None, "runId": None}
    named = {"dagId": None, "missing": len(missing), "different": len(different), "doubled": 0, "first": place, "last": place,
             "names": sorted(missing + different)[:NAMED_ROWS]}
    return {"rows": entry["rows"], "equal": len(considered) - len(missing) - len(different), "missing": len(missing), "different": len(different),
            "rejected": len(entry["names"]) - len(considered), "resumed": 0, "doubled": 0, "proved": 0,
            "differences": [named] if missing or different else [], "differentDags": 1 if missing or different else 0}


# ---- chosen_rows: Of a CSV as COPY writes it, the rows of some DAGs only: what both databases agree on need not be staged.

READ_BYTES = 65536


class ChosenRows(object):
    """File object for COPY … FROM STDIN over another one, whose rows begin with their DAG's id."""

    def __init__(self, reader, dag_ids, has_header):
        """:param dag_ids: a set; None in it stands for rows of no DAG."""
        self.reader = reader
        self.dag_ids = dag_ids
        self.keeps_next = has_header
        self.ready = bytearray()
        self.rest = b""
        self.row = []
        self.is_quoted = False
        self.begin = None
        self.is_chosen = False
        self.is_over = False

    def read(self, size=-1):
        wanted = size if size and size > 0 else READ_BYTES
        while len(self.ready) < wanted and not self.is_over:
            data = self.reader.read(READ_BYTES)
            self.is_over = not data
            self._take(data)
        out = bytes(self.ready[:wanted])
        del self.ready[:wanted]
        return out

    def _take(self, data):
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        for line in lines:
            # A line break within quotes ends no row; quotes within are doubled, so an odd number of them opens or closes.
            self.is_quoted ^= line.count(b'"') % 2 == 1
            if self.is_quoted or self.row:
                self.row.append(line)
                if self.is_quoted:
                    continue
                line, self.row = b"\n".join(self.row), []
            if self._chooses(line):
                self.ready += line
                self.ready += b"\n"

    def _chooses(self, line):
        if self.keeps_next:  # the header
            self.keeps_next = False
            return True
        if self.begin is None or not line.startswith(self.begin):
            field = first_field(line)
            self.begin, self.is_chosen = field + b",", field_text(field) in self.dag_ids
        return self.is_chosen


# ---- stand_ins: Rows on the source for runs that the target made between cutover and rollback: without them their intervals would run twice.

#: What the UI shows as the run's conf, so that a run without tasks explains itself.
STAND_IN_CONF = {"mwaa-migrate": "this interval ran on the target environment, between cutover and rollback"}
#: Protocol 4: every Python from 3.4 on reads it.
PICKLE_PROTOCOL = 4


def stand_in_bytes(value):
    return pickle.dumps(value, protocol=PICKLE_PROTOCOL)


def stands_in(run):
    """Whether this run of protocol.ts RanOnTarget has to stand on the source: what its scheduler would make itself."""
    return run["kind"] == "new" and run["runType"] == "scheduled"


def add_stand_ins(cursor, dag_id, runs, task_ids):
    """A finished run for each; the scheduler computes the next run from the newest. Returns how many are new.

    A run of the source of the same id or logical date is left as it is. A failed one has no task at all: it holds up tasks that depend on
    their past as a failed task would, and the scheduler makes its tasks when somebody queues it [ran, 2.7.2, 2.10.3].

    :param runs: of this DAG, that stand in.
    :param task_ids: tasks_awaited(): they stand in the successful ones.
    """
    if not runs:
        return 0
    there = names(columns_of(cursor, "dag_run"))
    expressions = dict({name: "now()" for name in ("queued_at", "start_date", "end_date", "updated_at")}, dag_id="c.dag_id", run_id="n.run_id",
                       execution_date="n.logical_date", run_type="'scheduled'", state="n.state", external_trigger="false", conf="c.conf", clear_number="0",
                       data_interval_start="n.interval_start", data_interval_end="n.interval_end", log_template_id="(SELECT max(id) FROM log_template)")
    cursor.execute(
        "INSERT INTO dag_run ({}) SELECT {} FROM (SELECT %s::text AS dag_id, %s::bytea AS conf) AS c CROSS JOIN unnest(%s::text[], %s::timestamptz[], "
        "%s::text[], %s::timestamptz[], %s::timestamptz[]) AS n(run_id, logical_date, state, interval_start, interval_end) "
        "ON CONFLICT DO NOTHING RETURNING run_id".format(*columns_and_values(expressions, there)),
        (dag_id, stand_in_bytes(STAND_IN_CONF), [run["runId"] for run in runs], [run["logicalDate"] for run in runs],
         ["success" if run["state"] == "success" else "failed" for run in runs], [run["intervalStart"] for run in runs],
         [run["intervalEnd"] for run in runs]))
    added = {row[0] for row in cursor.fetchall()}
    _add_tasks(cursor, dag_id, [run for run in runs if run["runId"] in added and run["state"] == "success"], task_ids)
    return len(added)


def _add_tasks(cursor, dag_id, runs, task_ids):
    if not runs or not task_ids:
        return
    there = names(columns_of(cursor, "task_instance"))
    expressions = dict({name: "now()" for name in ("start_date", "end_date", "updated_at")}, dag_id="c.dag_id", task_id="i.task_id",
                       run_id="n.run_id", execution_date="n.logical_date", map_index="-1", state="'success'", try_number="1", max_tries="0",
                       pool="'default_pool'", pool_slots="1", priority_weight="1", hostname="''", unixname="''", duration="0", executor_config="c.config")
    cursor.execute("INSERT INTO task_instance ({}) SELECT {} FROM (SELECT %s::text AS dag_id, %s::bytea AS config) AS c "
                   "CROSS JOIN unnest(%s::text[], %s::timestamptz[]) AS n(run_id, logical_date) CROSS JOIN unnest(%s::text[]) AS i(task_id) "
                   "ON CONFLICT DO NOTHING".format(*columns_and_values(expressions, there)), (
                       dag_id, stand_in_bytes({}), [run["runId"] for run in runs], [run["logicalDate"] for run in runs], task_ids))


def columns_and_values(expressions, there):
    """Both as SQL, of those columns that this Airflow has."""
    picked = [name for name in sorted(expressions) if name in there]
    return ", ".join(quoted(name) for name in picked), ", ".join(expressions[name] for name in picked)


def tasks_awaited(cursor, dag_id):
    """Ids of the tasks of a run that the next run looks for: those with depends_on_past, and what is downstream of those with wait_for_downstream.

    Without rows of them, the next run's tasks would wait for ever (those with wait_for_downstream so in 2.2.2, not in 2.7.2 [source]).
    """
    text = _serialized(cursor, dag_id)
    if not text:
        return _tasks_of_newest_run(cursor, dag_id)
    found = set()
    for task in (_unwrapped(task) for task in json.loads(text)["dag"]["tasks"]):  # 2.9 and newer wrap each
        options = dict(_unwrapped(task.get("partial_kwargs", {})), **task)  # of a mapped task
        if options.get("depends_on_past"):  # Airflow leaves out what is false.
            found.add(task["task_id"])
        if options.get("wait_for_downstream"):
            found.update(_unwrapped(task.get("downstream_task_ids") or task.get("_downstream_task_ids") or ()))
    return sorted(found)


def _serialized(cursor, dag_id):
    there = names(columns_of(cursor, "serialized_dag"))
    if not there:
        return None
    cursor.execute("SELECT data::text, {} FROM serialized_dag WHERE dag_id = %s".format("data_compressed" if "data_compressed" in there else "NULL"), (dag_id,))
    row = cursor.fetchone()
    return row and (row[0] or (row[1] and zlib.decompress(bytes(row[1])).decode("utf-8")))


def _tasks_of_newest_run(cursor, dag_id):
    """All of them, for Airflow forgets what a DAG looks like when its file is gone, if only for a moment."""
    link, _ = task_link(cursor)
    cursor.execute("SELECT DISTINCT t.task_id FROM task_instance t JOIN dag_run r ON {0} WHERE r.id = (SELECT r.id FROM dag_run r WHERE r.dag_id = %s "
                   "AND EXISTS (SELECT 1 FROM task_instance t WHERE {0}) ORDER BY r.execution_date DESC LIMIT 1) "
                   "AND coalesce(t.state, '') <> 'removed' ORDER BY 1".format(link), (dag_id,))
    return [row[0] for row in cursor.fetchall()]


def _unwrapped(value):
    return value.get("__var", value) if isinstance(value, dict) else value


def stand_ins_of(cursor, ran):
    """RunName of those that stand now."""
    made = [one for one in ran if stands_in(one)]
    if not made:
        return []
    cursor.execute("SELECT r.dag_id, r.run_id FROM dag_run r WHERE r.conf = %s AND (r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[])) "
                   "ORDER BY r.dag_id, r.execution_date", (stand_in_bytes(STAND_IN_CONF), [one["dagId"] for one in made], [one["runId"] for one in made]))
    return [{"dagId": row[0], "runId": row[1]} for row in cursor.fetchall()]


# ---- staging: Exported parts in unlogged tables beside the live ones; dropped whatever happens.

#: Rule → the row of `StagedTable.source` whose id is written.
ROWS_JOINED = {"new-run-id": "r", "by-uri": "d", "by-event": "e"}
EMPTY_PICKLE = "'\\x80047d942e'::bytea"  # pickle.dumps({}, protocol=4), as Airflow itself writes it


class Staging(object):
    """All staging tables of one migration. The prefix keeps names below PostgreSQL's 63 bytes."""

    def __init__(self, command, database):
        self.command = command
        self.database = database
        self.prefix = "mwaa_migrate_{}_".format(command.short_hash)

    def name(self, table):
        return quoted(self.prefix + table)

    def drop(self, table):
        with self.database.transaction() as cursor:
            cursor.execute("DROP TABLE IF EXISTS {}".format(self.name(table)))

    def drop_all(self):
        """Also what a killed try left behind."""
        with self.database.transaction() as cursor:
            cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND left(relname, length(%s)) = %s "
                           "AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('dag_run'))", (self.prefix, self.prefix))
            for name in [row[0] for row in cursor.fetchall()]:
                cursor.execute("DROP TABLE IF EXISTS {}".format(quoted(name)))

    def load(self, table, entry, name=None, only=None):
        """Stage one table of the manifest; returns its StagedTable. Every part's SHA-256 is checked before its rows are committed.

        :param str name: of the staging table, where it is not the table's own.
        :param only: {DAG id or None: rows}: nothing but the rows of these, for a table whose rows begin with their DAG's id.
        """
        name = name or table["name"]
        with self.database.transaction() as cursor:
            staged = StagedTable(cursor, self.name(name), table, entry, self.name(name + "_uris"))
            self._fill(cursor, staged, name, [dict(part, rows=part["rows"]) for part in entry["parts"]], entry["columns"],
                       entry["rows"] if only is None else sum(only.values()), only)
            if staged.names_datasets:
                name_uris(cursor, staged.stage, staged.uris)
        with self.database.transaction() as cursor:
            cursor.execute("ANALYZE {}".format(staged.stage))
        return staged

    def load_rejected(self, cursor, staged, reference, rows):
        """Stage a side file of `import` as table `rejected`: its reason, then the staged columns."""
        columns = ["mwaa_reason"] + staged.entry["columns"]
        self._fill(cursor, staged, "rejected", [reference], columns, rows)
        return self.name("rejected")

    def _fill(self, cursor, staged, name, parts, columns, total, only=None):
        stage = self.name(name)
        cursor.execute("DROP TABLE IF EXISTS {}".format(stage))
        cursor.execute("CREATE UNLOGGED TABLE {} ({})".format(stage, ", ".join("{} {}".format(quoted(one), staged.stage_type(one)) for one in columns)))
        loaded, header = 0, True
        for part in parts:
            at = 0
            for member in part["members"]:
                if member["offset"] != at:
                    raise damaged("the part list of {}".format(name), part["key"])
                data = self.command.storage.read_range(part["key"], part["versionId"], at, member["length"])
                if len(data) != member["length"] or sha256_of(data) != member["sha256"]:
                    raise damaged("a part of {}".format(name), part["key"])
                reader = PartReader(data) if only is None else ChosenRows(PartReader(data), only, header)
                cursor.copy_expert("COPY {} ({}) FROM STDIN WITH (FORMAT csv{})".format(
                    stage, ", ".join(map(quoted, columns)), ", HEADER" if header else ""), reader, 131072)
                loaded, at, header = loaded + cursor.rowcount, at + member["length"], False
                self.command.say("reading {}".format(name), name, loaded, total)
            if at != part["bytes"]:
                raise damaged("the part list of {}".format(name), part["key"])
        if loaded != total:
            raise damaged("{}, which holds {} rows instead of {},".format(name, loaded, total), parts[0]["key"] if parts else "no part")


class StagedTable(object):
    """One staged table and how its rows are written: `columns` of the target with an `expression` each, over what `source` joins."""

    def __init__(self, cursor, stage, table, entry, uris):
        self.table = table
        self.uris = uris
        self.entry = entry
        self.stage = stage
        self.target = quoted(table["name"])
        self.live = columns_of(cursor, table["name"])
        self.exists = bool(self.live)
        self._types = {column.name: column.type for column in self.live}
        self.expressions = []
        for column in self.live:
            expression = self._expression(column)
            if expression is not None:
                self.expressions.append((column.name, expression))
            elif column.required and not column.has_default and table["rules"].get(column.name) != "own-id":
                raise Refusal("no-rule", "{}.{} must have a value, the export has none, and no rule says which.".format(table["name"], column.name),
                              "rows without it cannot be written; nothing was changed.",
                              "report it with both Airflow versions: the table catalogue lacks a rule.")

    @property
    def columns(self):
        return [name for name, _ in self.expressions]

    @property
    def columns_left(self):
        """Exported columns that the target does not have."""
        there = names(self.live) + self.table["parentKey"]
        if self.names_datasets:
            there += ("dataset_uri", "event_number") + EVENT_IDENTITY
        return [name for name in self.entry["columns"] if name not in there]

    @property
    def names_datasets(self):
        rules = self.table["rules"].values()
        return self.exists and ("by-uri" in rules or "by-event" in rules)

    def source(self, runs):
        """FROM of the staged rows `s`, with their run `r` where there is a parent, and where a rule asks their URI `u` with dataset `d` or event `e`.

        :param str runs: quoted name of a table of runs with dag_id, run_id and the target's id.
        """
        joins = ""
        if "run_id" in self.table["parentKey"]:
            joins += " LEFT JOIN {} r ON r.dag_id = s.dag_id AND r.run_id = s.run_id".format(runs)
        if self.names_datasets:
            joins += " LEFT JOIN {} u ON u.uri = s.dataset_uri".format(self.uris)
            if "by-uri" in self.table["rules"].values():
                joins += " LEFT JOIN dataset d ON d.uri = u.here"
            else:
                joins += " LEFT JOIN ({}) e ON {}".format(KNOWN_EVENTS, same_event("e"))
        return "{} s{}".format(self.stage, joins)

    def same(self, key, alias):
        """SQL: the staged row and the row `alias` of another table have the same key."""
        expressions = dict(self.expressions)
        return " AND ".join("{}.{} = {}".format(alias, quoted(column), expressions.get(column, "s." + quoted(column))) for column in key)

    def prepare(self, cursor):
        """What must be on the target before the rows can be judged."""
        if self.names_datasets:
            add_datasets(cursor, self.uris)

    def type_of(self, column):
        """PostgreSQL's name of the type of a column of the target."""
        return self._types[column]

    def stage_type(self, column):
        """The target's type, but text for limited texts: what is too long is rejected row by row, not table by table."""
        live = self._types.get(column, "text")
        return "text" if live.startswith("character varying") else live

    def _expression(self, column):
        rule, name = self.table["rules"].get(column.name, ""), quoted(column.name)
        if rule in ("own-id", "null"):
            return None
        if rule == "empty-pickle":
            return EMPTY_PICKLE
        if rule == "current-template":
            return "(SELECT max(id) FROM log_template)"
        if rule in ROWS_JOINED:
            return ROWS_JOINED[rule] + ".id"
        if rule.startswith("default:"):
            value = "'{}'::{}".format(rule[len("default:"):].replace("'", "''"), column.type)
            return "coalesce(s.{}, {})".format(name, value) if column.name in self.entry["columns"] else value
        return "s." + name if column.name in self.entry["columns"] else None

    def compared(self):
        """[(column, expression)] outside the key that must be equal, without what the target changes by itself."""
        rules, unlike = self.table["rules"], set(self.table["key"]) | set(self.table["volatile"])
        return [(name, expression) for name, expression in self.expressions
                if name not in unlike and rules.get(name) not in ("empty-pickle", "current-template")
                and (name in self.entry["columns"] or rules.get(name) in ROWS_JOINED)]

    def differs(self, live="t0"):
        """SQL: the staged row and the live row of the same key are not equal."""
        compared, adopt = self.compared(), self.table["adopt"]
        if adopt is None:
            differs = self.any_differs(compared, live)
            # A stand-in on the source is there for a run that the target made itself: that run is the real one.
            return "(NOT {} AND {})".format(self.stands_in(), differs)
        adopted = [pair for pair in compared if pair[0] in adopt["columns"]]
        return "CASE WHEN s.{} = '{}' THEN {} ELSE {} END".format(
            quoted(adopt["column"]), adopt["value"], self.any_differs(adopted, live), self.any_differs(compared, live))

    def stands_in(self, alias="s"):
        """SQL: the run is a stand-in (stand_ins.py) on which nobody has run anything since: both its times are of one moment."""
        if self.table["name"] != "dag_run" or not {"conf", "start_date", "end_date"} <= set(self.columns) or self._types["conf"] != "bytea":
            return "false"
        return "coalesce({0}.conf = '\\x{1}'::bytea AND {0}.start_date = {0}.end_date, false)".format(alias, stand_in_bytes(STAND_IN_CONF).hex())

    def any_differs(self, compared, live):
        """SQL: the staged row and the live one differ in one of these columns."""
        # json has no equality; its text has.
        tests = ["({})::text IS DISTINCT FROM {}.{}::text".format(expression, live, quoted(name)) if self._types[name] == "json"
                 else "{} IS DISTINCT FROM {}.{}".format(expression, live, quoted(name)) for name, expression in compared]
        return "({})".format(" OR ".join(tests) or "false")

    def unfit(self):
        """[(condition, reason)] for rows that the target's columns cannot take, or that name something the target lacks."""
        found = []
        for column, rule in sorted(self.table["rules"].items()):
            if rule == "waiting-dag":
                found.append(("NOT EXISTS (SELECT 1 FROM dag g WHERE g.dag_id = s.{})".format(quoted(column)), "the target has no DAG of this id"))
            if rule == "by-event":
                found.append(("e.id IS NULL", "its dataset event is not on the target"))
            if rule == "by-uri" and column in self.table["key"]:
                # Two URIs of the source that the target's Airflow takes for one: the newer row counts.
                time = quoted(self.table["timeColumn"])
                found.append(("EXISTS (SELECT 1 FROM {} o JOIN {} w ON w.uri = o.dataset_uri WHERE w.here = u.here AND {} "
                              "AND (o.{time}, o.dataset_uri, o.ctid) > (s.{time}, s.dataset_uri, s.ctid))".format(
                                  self.stage, self.uris, " AND ".join("o.{0} = s.{0}".format(quoted(other)) for other in self.table["key"] if other != column),
                                  time=time), "another row of the export means the same dataset on the target"))
        for position, column in enumerate(self.entry["columns"]):
            live = next((one for one in self.live if one.name == column), None)
            if live is None or column not in self.columns:
                continue
            if live.required and not self.table["rules"].get(column, "").startswith("default:"):
                found.append(("s.{} IS NULL".format(quoted(column)), "{} is NULL, which the target does not allow".format(column)))
            if live.length is not None and self.entry["types"][position] != live.type:
                found.append(("length(s.{}) > {}".format(quoted(column), live.length),
                              "{} is longer than the target's {} characters".format(column, live.length)))
        return found

    def row_hash(self, alias_expressions):
        return "md5(ROW({})::text)".format(", ".join(alias_expressions))


# ---- importing: import: the manifest's tables into the target's live ones (design §5).

def read_manifest(command):
    """The one manifest this file was rendered for."""
    reference = command.rendered["manifest"]
    if reference is None:
        raise Refusal("no-manifest", "This DAG file names no manifest.", "what may be read must be fixed before.", "start the command by the action.")
    manifest = json.loads(command.storage.read_checked(reference, "the export manifest").decode("utf-8"))
    if manifest["format"] != 1 or manifest["migrationId"] != command.job["migrationId"]:
        raise Refusal("foreign-manifest", "The manifest is of another format or migration.", "its rows would be misread.", "export again with this release.")
    known = {table["name"]: table for table in command.job["tables"]}
    unknown = [entry["name"] for entry in manifest["tables"] if entry["name"] not in known]
    if unknown:
        raise Refusal("unknown-table", "The manifest holds tables that the job does not: {}.".format(", ".join(unknown)),
                      "they would be lost without a word.", "import with the release that made the export.")
    entries = {entry["name"]: entry for entry in manifest["tables"]}
    return manifest, [(table, entries[name]) for name, table in known.items() if name in entries]


def import_tables(command):
    """Result data: protocol.ts ImportData, and `columnsLeft` for exported columns that the target does not have. Safe to repeat."""
    manifest, tables = read_manifest(command)
    if manifest["mode"] != "final":
        raise Refusal("rehearsal", "This export is a rehearsal.", "the source went on since; its runs in flight would be parked while they run.",
                      "run export with mode: final, and import its result.")
    database = Database()
    try:
        database.alone(command.job["migrationId"] + " import", 600, command.sleep)
        staging = Staging(command, database)
        staging.drop_all()
        try:
            return _import_tables(command, database, staging, manifest, tables)
        finally:
            if not database.connection.closed:
                staging.drop_all()
    finally:
        database.close()


def _import_tables(command, database, staging, manifest, tables):
    runs, report, left = staging.name("runs"), {}, {}
    earlier, ahead = Earlier(command, staging), {}
    sealed = [table["name"] for table, _ in tables if table["secret"]]
    for table, entry in tables:
        begun = time.monotonic()
        if table["secret"]:
            report[table["name"]], gone = import_secrets(command, database, table, entry, policy_of(manifest, table), table["name"] == sealed[-1])
            if gone:
                left[table["name"]] = gone
            report[table["name"]]["seconds"] = round(time.monotonic() - begun, 1)
            continue
        if table["name"] == "dag_run" and earlier.manifests:
            ahead = {one["name"]: staging.load(one, of) for one, of in tables if one["name"] == "task_instance"}
        staged = ahead.get(table["name"]) or staging.load(table, entry)
        report[table["name"]] = merge_table(
            command, database, staged, runs, earlier.room_for(staged, ahead.get("task_instance")), policy_of(manifest, table))
        if staged.columns_left:
            left[table["name"]] = staged.columns_left
        staging.drop(table["name"])
        report[table["name"]]["seconds"] = round(time.monotonic() - begun, 1)
    parked = [(run["dagId"], run["runId"]) for run in manifest["inFlight"]]
    landed = 0
    if parked and "dag_run" in report:
        with database.transaction() as cursor:
            landed = scalar(cursor, "SELECT count(*) FROM {} r JOIN unnest(%s::text[], %s::text[]) AS p(dag_id, run_id) "
                            "ON p.dag_id = r.dag_id AND p.run_id = r.run_id".format(runs),
                            ([run[0] for run in parked], [run[1] for run in parked]))
    return {"tables": report, "parkedRuns": landed, "replacedRuns": earlier.replaced_runs, "columnsLeft": left}


# ---- brought_runs: The DAG runs of the target that this migration brought: what hangs on them must be what was exported.

class BroughtRuns(object):
    """A staging table (dag_id, run_id, id, logical_date, goes_on), where runs that were rejected have no row, and those that are gone no id.

    goes_on: Airflow has worked on the run here since the snapshot, so what has become of its rows is no loss.
    """

    def __init__(self, database, staging):
        self.database = database
        self.table = staging.name("brought")
        self.going_on = staging.name("resumed")

    def make(self, manifest):
        """Both tables, without rows but for the parked runs that were queued since the snapshot. Returns the DAGs of those."""
        with self.database.transaction() as cursor:
            queued = "r.queued_at > %s::timestamptz" if "queued_at" in names(columns_of(cursor, "dag_run")) else "%s IS NULL"
            cursor.execute(
                "CREATE UNLOGGED TABLE {} AS SELECT r.dag_id, r.run_id FROM dag_run r JOIN unnest(%s::text[], %s::text[]) AS p(dag_id, run_id) "
                "ON p.dag_id = r.dag_id AND p.run_id = r.run_id WHERE {}".format(self.going_on, queued),
                ([run["dagId"] for run in manifest["inFlight"]], [run["runId"] for run in manifest["inFlight"]], manifest["snapshotAt"]))
            cursor.execute("CREATE UNLOGGED TABLE {} (dag_id text, run_id text, id integer, logical_date timestamptz, goes_on boolean)".format(self.table))
            cursor.execute("SELECT DISTINCT dag_id FROM {}".format(self.going_on))
            return {row[0] for row in cursor.fetchall()}

    def goes_on(self, columns):
        """SQL: the staged row `s` with these columns is of a run that goes on here."""
        if {"dag_id", "run_id"} <= set(columns):
            return "(s.dag_id, s.run_id) IN (SELECT dag_id, run_id FROM {})".format(self.going_on)
        return "false"

    def add_own(self, cursor, staged):
        """Runs that the target made itself, for which the source only has a stand-in: what the source says of their tasks is no second opinion."""
        cursor.execute("INSERT INTO {} SELECT s.dag_id, s.run_id FROM {} s JOIN {} t ON t.dag_id = s.dag_id AND t.run_id = s.run_id "
                       "WHERE {} AND NOT {}".format(self.going_on, staged.stage, staged.target, staged.stands_in("s"), staged.stands_in("t")))

    def add_all_of(self, dag_ids):
        """DAGs whose runs have the same checksum on both sides: every run they have here was brought."""
        with self.database.transaction() as cursor:
            cursor.execute("INSERT INTO {} SELECT dag_id, run_id, id, execution_date, false FROM dag_run WHERE dag_id = ANY(%s)".format(self.table),
                           (sorted(dag_ids),))

    def add_staged(self, cursor, staged):
        """The staged runs but for the rejected ones (mwaa_out of comparing.py)."""
        cursor.execute("INSERT INTO {} SELECT s.dag_id, s.run_id, t.id, s.execution_date, {} FROM {} s "
                       "LEFT JOIN {} t ON t.dag_id = s.dag_id AND t.run_id = s.run_id WHERE NOT EXISTS (SELECT 1 FROM mwaa_out o WHERE o.line = s.ctid)".format(
                           self.table, self.goes_on(("dag_id", "run_id")), staged.stage, quoted("dag_run")))

    def settle(self):
        """All are in it: children may be looked up."""
        with self.database.transaction() as cursor:
            cursor.execute("CREATE INDEX ON {} (dag_id, run_id)".format(self.table))
            cursor.execute("ANALYZE {}".format(self.table))


# ---- kept_runs: Which DAG runs an export moves under `history-days` and `dags`, found once per snapshot: whatever belongs to a run looks it up (design §5).

#: Temporary tables of the export's session.
KEPT_RUNS = "mwaa_migrate_kept_runs"
AWAITED = "mwaa_migrate_awaited"


def has_run_filter(metadata):
    """Whether find_kept_runs has anything to find."""
    return metadata["historyDays"] is not None or chooses(metadata["dags"])


def make_kept_runs(cursor):
    """The empty tables: a snapshot that only reads may fill a temporary table, but not make one."""
    cursor.execute("CREATE TEMP TABLE {} AS SELECT id, dag_id, run_id, execution_date FROM dag_run WITH NO DATA".format(KEPT_RUNS))
    for number, key in enumerate(("id", "dag_id, run_id", "dag_id, execution_date")):
        cursor.execute("CREATE UNIQUE INDEX {0}_{1} ON {0} ({2})".format(KEPT_RUNS, number, key))
    cursor.execute("CREATE TEMP TABLE {} (dataset_id integer PRIMARY KEY, since timestamptz NOT NULL)".format(AWAITED))


def find_kept_runs(cursor, days, dags):
    """Fill both, in the snapshot. A run of a DAG that `dags` takes (patterns.py) moves when any of these is so:

    - its logical date is within `days` (None: whenever it was);
    - it is in flight;
    - it is the newest automated one of its type: the scheduler computes the next run from it, and everything from start_date would run again;
    - it lies behind a scheduled run in flight: when that ends, the scheduler goes on from *its* interval and makes every later one that
      has no run [ran, 2.10.3];
    - it is the one before a run in flight, of any type or of the automated ones: a task with depends_on_past looks for itself there
      (prev_dagrun_dep.py: DAGs with catchup ask for the second, others for the first).
    """
    run_type = run_type_of(cursor, "r")
    # Sorted and passed through once: no row searches among the others, and no plan depends on what the planner believes of them.
    cursor.execute(
        "INSERT INTO {kept} SELECT id, dag_id, run_id, execution_date FROM (SELECT w.*, "
        "min(execution_date) FILTER (WHERE flies AND run_type = 'scheduled') OVER (PARTITION BY dag_id) AS flies_since, "
        "row_number() OVER (PARTITION BY dag_id, run_type ORDER BY execution_date DESC) AS place, "
        "lag(flies) OVER (PARTITION BY dag_id ORDER BY execution_date DESC) AS next_flies, "
        "min(execution_date) FILTER (WHERE flies) OVER later AS next_flying, "
        "min(execution_date) FILTER (WHERE is_automated) OVER later AS next_automated "
        "FROM (SELECT r.id, r.dag_id, r.run_id, r.execution_date, {type} AS run_type, {type} <> 'manual' AS is_automated, {flies} AS flies "
        "FROM dag_run r WHERE {taken}) w "
        "WINDOW later AS (PARTITION BY dag_id ORDER BY execution_date DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) x "
        "WHERE flies OR next_flies OR {recent} OR execution_date > flies_since "
        "OR (is_automated AND (place = 1 OR next_flying <= coalesce(next_automated, 'infinity')))".format(
            kept=KEPT_RUNS, type=run_type, flies=IN_FLIGHT, taken=taken_sql("r.dag_id", dags),
            recent="true" if days is None else "execution_date >= now() - interval '{} days'".format(int(days))))
    cursor.execute("ANALYZE {}".format(KEPT_RUNS))
    if columns_of(cursor, "dag_schedule_dataset_reference"):
        # Airflow's own rule: the next dataset-triggered run of a DAG is given the events since its newest one.
        cursor.execute(
            "INSERT INTO {} SELECT c.dataset_id, min(coalesce(n.newest, '-infinity')) FROM dag_schedule_dataset_reference c LEFT JOIN "
            "(SELECT dag_id, max(execution_date) AS newest FROM dag_run WHERE run_type = '{}' GROUP BY dag_id) n ON n.dag_id = c.dag_id "
            "WHERE {} GROUP BY c.dataset_id".format(AWAITED, DATASET_TRIGGERED, taken_sql("c.dag_id", dags)))
        cursor.execute("ANALYZE {}".format(AWAITED))


def of_kept_run(link):
    """SQL: the row belongs to a run that moves; `link` ties it to that run `r`."""
    return "EXISTS (SELECT 1 FROM {} r WHERE {})".format(KEPT_RUNS, link)


def awaited_event():
    """SQL over dataset_event `t`: a run that is still to be made will be given it."""
    return "t.timestamp > (SELECT a.since FROM {} a WHERE a.dataset_id = t.dataset_id)".format(AWAITED)


def consumed_event():
    """SQL over dataset_event `t`: a run that moves was made for it."""
    return "EXISTS (SELECT 1 FROM dagrun_dataset_event l JOIN {} r ON r.id = l.dag_run_id WHERE l.event_id = t.id)".format(KEPT_RUNS)


# ---- left_out: Which rows of a table do not move, and why: each is counted by its reason, and those that nobody chose to leave stand in a side file (design §5).

OWN_ROW = "row of mwaa-migrate itself"
#: By `metadata` of the migration file.
BEYOND_HISTORY = "older than metadata.history-days"
BEYOND_AUDIT_LOG = "older than metadata.audit-log-days"
OTHER_DAG = "of a DAG that metadata.dags leaves out"
NO_XCOM = "metadata.xcom is false"
LARGE_XCOM = "larger than metadata.xcom-max-bytes"
#: By what the rows are.
NO_VALUE = "has no {}"
NO_RUN = "belongs to no DAG run"
NO_TASK = "belongs to no task instance"
NO_DATASET = "belongs to no dataset"
NO_EVENT = "belongs to no dataset event"
REPEATED_ROW = "a newer row of the same {} moves"

#: Catalogue option → key of the job's `metadata` that switches its tables off as a whole.
SWITCHES = {"variables": "variables", "connections": "connections", "jobs": "jobs", "task-reschedule": "taskReschedule"}


class Reason(object):
    """`keeps`: SQL, true or false and never NULL, of the rows that it does not concern. `is_lost`: the row cannot move, whatever anybody chose."""

    def __init__(self, text, keeps, is_lost=False):
        self.text, self.keeps, self.is_lost = text, keeps, is_lost


def reasons_of(shape, metadata):
    """Every reason that rows of this table can have, the first that holds being the row's."""
    found = [Reason(OWN_ROW, shape.own)]
    if shape.table["secret"]:
        return found  # Read row by row (secrets_out.py).
    if shape.dag and chooses(metadata["dags"]) and not _by_dataset(shape.table):
        found.append(Reason(OTHER_DAG, taken_sql(shape.dag, metadata["dags"])))
    return found + _of_broken_rows(shape) + _of_filters(shape, metadata)


def joins_of(shape):
    """What the reasons look at beside the shape's own joins: `o` is there for a row whose key a newer one has."""
    if shape.has_unique_key or shape.table["secret"]:
        return ""
    newest = ["{} DESC NULLS LAST".format(quoted(name)) for name in (shape.table["timeColumn"], "id") if name in shape.there]
    return (" LEFT JOIN (SELECT line FROM (SELECT ctid AS line, row_number() OVER (PARTITION BY {} ORDER BY {}) AS place FROM {}) n WHERE place > 1) o "
            "ON o.line = t.ctid").format(", ".join(map(quoted, _key_here(shape))), ", ".join(newest + ["ctid DESC"]), quoted(shape.table["name"]))


def _key_here(shape):
    """The table's key in the columns that this release has for it."""
    key = [name for name in shape.table["key"] if name in shape.there]
    if "run_id" in shape.table["key"] and "run_id" not in shape.there:
        key.append("execution_date" if "execution_date" in shape.there else "dag_run_id")
    return key


def _of_broken_rows(shape):
    table, rules = shape.table, shape.table["rules"]
    needed = set(table["key"]).union(*table["otherKeys"]) if table["merge"] == "keyed" else set()
    found = [Reason(NO_VALUE.format(column.name), "t.{} IS NOT NULL".format(quoted(column.name)), True)
             for column in shape.live if column.name in needed and not column.required]
    if shape.may_lack_run:
        found.append(Reason(NO_RUN, "j.id IS NOT NULL", True))
    if shape.may_lack_task:
        found.append(Reason(NO_TASK, "p.task_id IS NOT NULL", True))
    if "by-uri" in rules.values():
        found.append(Reason(NO_DATASET, "d.id IS NOT NULL", True))
    if "by-event" in rules.values():
        found.append(Reason(NO_EVENT, "e.id IS NOT NULL", True))
    if not shape.has_unique_key:
        found.append(Reason(REPEATED_ROW.format(", ".join(_key_here(shape))), "o.line IS NULL", True))
    return found


def _of_filters(shape, metadata):
    table, option, found = shape.table, shape.table["option"], []
    time = "t." + quoted(table["timeColumn"]) if table["timeColumn"] else None
    days = metadata["auditLogDays"] if option == "audit-log" else metadata["historyDays"]
    if option == "audit-log":
        if days is not None:
            found.append(Reason(BEYOND_AUDIT_LOG, _within(time, days)))
    elif _by_dataset(table):
        found += _of_dataset_rows(shape, metadata)
    elif option in ("history", "xcom", "jobs", "task-reschedule") and days is not None:
        is_of_run = table["parentKey"] or table["name"] == "dag_run"
        found.append(Reason(BEYOND_HISTORY, of_kept_run(shape.run_link("r")) if is_of_run else _within(time, days)))
    if option == "xcom":
        parked = "EXISTS (SELECT 1 FROM dag_run r WHERE {} AND {})".format(shape.run_link("r"), IN_FLIGHT)  # It needs its XComs to go on.
        if not metadata["xcom"]:
            found.append(Reason(NO_XCOM, parked))
        elif metadata["xcomMaxBytes"] is not None:
            found.append(Reason(LARGE_XCOM, "(coalesce(octet_length(t.value), 0) <= {} OR {})".format(int(metadata["xcomMaxBytes"]), parked)))
    return found


def _by_dataset(table):
    return "by-uri" in table["rules"].values()


def _of_dataset_rows(shape, metadata):
    """A run that was made for an event names it, and the next run is given whatever came since the last one: then neither age nor DAG counts."""
    table, dags, days = shape.table, metadata["dags"], metadata["historyDays"]
    if "waiting-dag" in table["rules"].values():  # However old: the DAG has not run since.
        return [Reason(OTHER_DAG, taken_sql(shape.dag, dags))] if chooses(dags) else []
    wanted = "({{}} OR {} OR {})".format(awaited_event(), consumed_event())
    found = [Reason(OTHER_DAG, wanted.format(taken_sql(shape.dag, dags)))] if chooses(dags) else []
    if days is not None:
        found.append(Reason(BEYOND_HISTORY, wanted.format(_within("t." + quoted(table["timeColumn"]), days))))
    return found


def _within(column, days):
    """SQL: no older than so many days, or of no known time."""
    return "({0} IS NULL OR {0} >= now() - interval '{1} days')".format(column, int(days))


# ---- verifying: verify: every exported row must be on the target, once, and this changes nothing there (design §5).

def verify_tables(command):
    """Result data: protocol.ts VerifyData. Changes nothing that lasts."""
    manifest, tables = read_manifest(command)
    imported = command.storage.read_if_there(command.prefix + "import/result.json")
    reported = (json.loads(imported.decode("utf-8")).get("data") or {}).get("tables", {}) if imported else {}
    database = Database()
    try:
        database.alone(command.job["migrationId"] + " import", 600, command.sleep)
        staging = Staging(command, database)
        staging.drop_all()
        try:
            found, verification = {}, Verification(command, database, staging, manifest, reported)
            for table, entry in tables:
                if not table["secret"]:
                    found[table["name"]] = verification.verify(table, entry)
                elif entry["parts"]:
                    with database.transaction() as cursor:
                        found[table["name"]] = verify_secrets(cursor, command, table, entry)
        finally:
            if not database.connection.closed:
                staging.drop_all()
        with database.transaction() as cursor:
            cursor.execute("SELECT DISTINCT filename FROM import_error WHERE filename IS NOT NULL ORDER BY 1")
            errors = [row[0] for row in cursor.fetchall()]
            cursor.execute("SELECT dag_id FROM dag WHERE NOT is_paused AND is_active AND {} ORDER BY 1".format(not_own()))
            unpaused = [row[0] for row in cursor.fetchall()]
        return {"tables": found, "importErrors": errors, "unpausedDags": unpaused}
    finally:
        database.close()


class Verification(object):
    """What the tables of one export share while they are looked at, parents first."""

    def __init__(self, command, database, staging, manifest, reported):
        """:param reported: import's own report, {table: protocol.ts ImportedTable}."""
        self.command = command
        self.database = database
        self.staging = staging
        self.manifest = manifest
        self.reported = reported
        self.checksums = read_checksums(command, manifest)
        self.runs = BroughtRuns(database, staging)
        self.dags_going_on = self.runs.make(manifest)

    def verify(self, table, entry):
        """protocol.ts VerifiedTable."""
        name, rows = table["name"], entry["rows"]
        self.command.say("checking {}".format(name), name, 0, rows)
        expected = self.checksums.get(name, {})
        doubtful = self._doubtful(table, entry, expected)
        proved = sum(expected[dag_id][0] for dag_id in expected if dag_id not in doubtful)
        counts, differences, dags, compared = {}, [], 0, 0
        if name == "dag_run":
            self.runs.add_all_of(dag_id for dag_id in expected if dag_id not in doubtful)
        if doubtful:
            compared, counts, differences, dags = self._compare(table, entry, {dag_id: expected.get(dag_id, (0,))[0] for dag_id in doubtful})
        if name == "dag_run":
            self.runs.settle()
        missing, different, rejected, resumed, doubled = (counts.get(fate, 0) for fate in ("missing", "different", "rejected", "resumed", "doubled"))
        equal = proved + compared - missing - different - rejected - resumed
        self.command.say("{}: {} equal ({} by checksum), {} missing, {} different, {} doubled, {} rejected, {} resumed of {}".format(
            name, equal, proved, missing, different, doubled, rejected, resumed, rows), name, rows, rows)
        return {"rows": rows, "equal": equal, "missing": missing, "different": different, "rejected": rejected, "resumed": resumed,
                "doubled": doubled, "proved": proved, "differences": differences, "differentDags": dags}

    def _doubtful(self, table, entry, expected):
        """DAGs (None: rows of no DAG) of which the two databases do not say the same."""
        with self.database.transaction() as cursor:
            live = live_sums(self.command, cursor, table, entry, self.runs.table, self.manifest["snapshotAt"])
        if live is None:
            return set(expected)
        # What the target has beyond the exported DAGs is its own, but not where only rows of brought runs were looked at.
        known = set(expected) | (set(live) if "run_id" in table["parentKey"] else set())
        doubtful = {dag_id for dag_id in known if live.get(dag_id) != expected.get(dag_id)}
        return doubtful | self.dags_going_on if table["name"] == "dag_run" else doubtful

    def _compare(self, table, entry, dags):
        """(rows staged, of them by fate, differences, DAGs with some) of these DAGs ({DAG id: exported rows})."""
        name = table["name"]
        self.command.say("comparing {} row by row, {} of its DAGs".format(name, len(dags)), name, 0, sum(dags.values()))
        only = dags if group_column(table, entry["columns"]) is not None else None
        staged = self.staging.load(table, entry, only=only)
        try:
            found = self._look(staged, dags, ())
            if found[1].get("doubled") and self.command.job["earlierManifests"]:
                earlier = [self._earlier(table, number, reference, dags) for number, reference in enumerate(self.command.job["earlierManifests"], 1)]
                found = self._look(staged, dags, [one for one in earlier if one is not None])
            return found
        finally:
            if not self.database.connection.closed:
                self.staging.drop(name)

    def _earlier(self, table, number, reference, dags):
        """The table as an earlier attempt brought it; None where it had no such table."""
        manifest = json.loads(self.command.storage.read_checked(reference, "the manifest of an earlier attempt").decode("utf-8"))
        entry = next((one for one in manifest["tables"] if one["name"] == table["name"]), None)
        return entry and self.staging.load(table, entry, "before{}_{}".format(number, table["name"]))

    def _look(self, staged, dags, earlier):
        report, is_runs = self.reported.get(staged.table["name"]), staged.table["name"] == "dag_run"
        with self.database.transaction() as cursor:
            if staged.exists and is_runs:
                self.runs.add_own(cursor, staged)
            comparison = Comparison(cursor, staged, dags, self.runs.table, self.manifest["snapshotAt"])
            if report and report["rejectedFile"]:
                comparison.set_aside(self.staging.load_rejected(cursor, staged, report["rejectedFile"], report["rejected"]))
            comparison.look_for_exported(self._goes_on(staged))
            if not self._left_some_out(staged):
                comparison.look_for_more(earlier)
            if is_runs and not earlier:
                self.runs.add_staged(cursor, staged)
            return (scalar(cursor, "SELECT count(*) FROM {}".format(staged.stage)), comparison.counts()) + comparison.differences()

    def _left_some_out(self, staged):
        """XComs that this export did not take may have come with an earlier attempt."""
        return any(reason in staged.entry["leftOut"] for reason in (NO_XCOM, LARGE_XCOM))

    def _goes_on(self, staged):
        """SQL: Airflow itself has changed or taken the staged row `s` since cutover, or may have."""
        waiting = [column for column, rule in staged.table["rules"].items() if rule == "waiting-dag"]
        if waiting:
            # Its run is as new as the newest row that it was made for, and takes all rows of its DAG away.
            return "EXISTS (SELECT 1 FROM dag_run z WHERE z.dag_id = s.{} AND z.run_type = '{}' AND z.execution_date >= s.{})".format(
                quoted(waiting[0]), DATASET_TRIGGERED, quoted(staged.table["timeColumn"]))
        return self.runs.goes_on(staged.entry["columns"])


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
