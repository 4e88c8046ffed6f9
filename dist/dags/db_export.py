"""mwaa-migrate in the source: preflight, drain, export, restore, look (protocol.ts).

Rendered by the action for one attempt; as it stands in the repository it defines nothing that can run.
Works on Python 3.7 to 3.12, Airflow 1.10.12 to 2.11; imports only the standard library, Airflow, boto3, psycopg2 and cryptography.
"""
# Made by scripts/dags.mjs from src/dags: change it there.
import base64
import datetime
import fnmatch
import hashlib
import inspect
import json
import logging
import os
import pickle
import re
import struct
import sys
import threading
import time
import urllib.parse
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


# ---- drained: What the drain writes down before it does it (S3, `<attempt>/drain/`), so that a later try, export and restore know what is ours.

def instance_key(entry):
    return entry["dagId"], entry["runId"], entry["taskId"], entry["mapIndex"]


def run_key(entry):
    return entry["dagId"], entry["runId"]


def read_active(command):
    """As active.json, with what earlier attempts paused that was not put back; of two times the first."""
    dag_ids, paused_at = set(), {}
    for record in _records(command, "active.json"):
        dag_ids.update(record["dagIds"])
        for dag_id, moment in record.get("pausedAt", {}).items():
            paused_at.setdefault(dag_id, moment)
    return {"dagIds": sorted(dag_ids), "pausedAt": paused_at}


def write_active(command, active):
    command.storage.write_json(command.prefix + "drain/active.json", active)


def read_ended(command):
    """As ended.json, with what earlier attempts ended; an instance that was ended twice as the later one has it."""
    instances, runs, is_settled = {}, {}, False
    for record in _records(command, "ended.json"):
        is_settled = record.get("settled", False)
        if is_settled:
            instances, runs = {}, {}
        for entry in record["instances"]:
            instances[instance_key(entry)] = entry
        for run in record["runs"]:
            runs.setdefault((run["dagId"], run["runId"]), run)
    return {"instances": [instances[key] for key in sorted(instances)], "runs": [runs[key] for key in sorted(runs)], "settled": is_settled}


def write_ended(command, ended):
    command.storage.write_json(command.prefix + "drain/ended.json", ended)


def is_ordered_back(command):
    """The action writes this before rollback's DAG run, which waits in the queue behind ours."""
    return command.storage.read_if_there(command.prefix + "restore/ordered.json") is not None


def stop_if_ordered_back(command):
    """:raises Refusal: once rollback is ordered. Nothing is put back here: restore does so."""
    if is_ordered_back(command):
        raise Refusal("ordered-back", "Rollback of this attempt has been ordered.", "it puts back what the drain has paused and ended so far.",
                      "run phase rollback until it has ended; after it, phase export begins a new attempt.")


def _records(command, name):
    """The record of every attempt that is still in force, oldest first, this one last."""
    of_migration = command.prefix[:-len("{}/".format(command.job["attempt"]))]
    for attempt in sorted(command.job["earlierAttempts"]) + [command.job["attempt"]]:
        body = command.storage.read_if_there("{}{}/drain/{}".format(of_migration, attempt, name))
        if body is not None:
            yield json.loads(body.decode("utf-8"))


# ---- ended: Task instances that the drain has ended at its deadline, as the record (drained.py) and the database know them (design §5).

#: Temporary table of the export's session: what stands on the target in place of the mark.
ENDED_TABLE = "mwaa_migrate_ended"
#: SQL over `t` and the entry `e`: it bears the mark.
MARKED = "t.end_date = e.ended_at"
#: SQL: the end that the drain has ordered. Code that answers SIGTERM with an error of its own makes Airflow write failed or up_for_retry,
#: and another end_date, over ours; then the process is the one that was ended. A later process, with an end of its own, is another job.
#: Of an entry that was never ordered (it ended by itself just then) the process says nothing; so too in a record of an earlier release.
ENDED_BY_US = "t.state IN ('failed', 'up_for_retry') AND ({} OR e.ordered AND t.job_id = e.job)".format(MARKED)


def begun_states(version):
    """States whose current try is in `try_number` already though it has not ended: 2.10 counts when it schedules, older versions when a task starts."""
    return ("scheduled", "queued", "running", "restarting", "up_for_reschedule", "deferred") if version >= (2, 10) else ("running",)


def entries_sql(entries):
    """`e` (dag_id, run_id, task_id, map_index, state, ended_at, tries, job, ordered) as SQL, and its values."""
    return ("unnest(%s::text[], %s::text[], %s::text[], %s::int[], %s::text[], %s::timestamptz[], %s::int[], %s::bigint[], %s::bool[]) "
            "AS e(dag_id, run_id, task_id, map_index, state, ended_at, tries, job, ordered)"), tuple(
                [entry.get(name) for entry in entries]
                for name in ("dagId", "runId", "taskId", "mapIndex", "state", "endedAt", "tryNumber", "jobId", "ordered"))


def entries_joined(cursor):
    """SQL: the row `t` with its run `r` is that of entry `e`."""
    link, index = task_link(cursor)
    return "{} AND e.dag_id = r.dag_id AND e.run_id = r.run_id AND e.task_id = t.task_id AND e.map_index = {}".format(link, index)


def entries_that(cursor, entries, condition):
    """Those of the entries `e` whose row `t`, with its run `r`, meets an SQL condition."""
    if not entries:
        return []
    source, values = entries_sql(entries)
    cursor.execute("SELECT e.dag_id, e.run_id, e.task_id, e.map_index FROM task_instance t JOIN dag_run r ON r.dag_id = t.dag_id JOIN {} ON {} "
                   "WHERE {}".format(source, entries_joined(cursor), condition), values)
    found = set(cursor.fetchall())
    return [entry for entry in entries if instance_key(entry) in found]


def still_ended(cursor, entries, is_ours="t.state IS NULL AND " + IN_FLIGHT):
    """Those that stand as the drain has left them, in a run that has not ended; or that bear its mark and fit another condition on `t` and `r`."""
    return entries_that(cursor, entries, "{} AND {}".format(MARKED, is_ours))


def keep_ended(cursor, entries, as_failed):
    """Make ENDED_TABLE: a snapshot that only reads cannot. `as_failed`: they do not go on at the target."""
    cursor.execute("CREATE TEMP TABLE {} (dag_id text, run_id text, task_id text, map_index int, mark timestamptz, state text, end_date timestamptz, "
                   "try_number int, PRIMARY KEY (dag_id, run_id, task_id, map_index))".format(ENDED_TABLE))
    source, values = entries_sql(entries)
    moves = "'failed', e.ended_at, e.tries" if as_failed else "NULL, NULL, " + finished_tries()
    cursor.execute("INSERT INTO {} SELECT e.dag_id, e.run_id, e.task_id, e.map_index, e.ended_at, {} FROM {}".format(ENDED_TABLE, moves, source), values)


def finished_tries():
    """SQL: tries of the entry `e` that had ended before the drain."""
    return "CASE WHEN e.state IN ({}) THEN greatest(e.tries - 1, 0) ELSE e.tries END".format(text_list(begun_states(AIRFLOW_VERSION)))


# ---- moving: What goes on in a paused DAG: task instances that run or are queued, and how a progress message names them.

#: The states that go on in a paused DAG; every other unfinished one stands still there [ran, 2.7.2, 2.10.3].
MOVING = ("running", "queued", "restarting")
#: More than a display can hold is a count.
SHOWN_CHARACTERS = 300


def moving_tasks(cursor, only_in_flight=False):
    """Task instances that go on in a paused DAG, oldest first, without those whose process is known to be gone (a lost worker leaves them `running`).

    With `only_in_flight` those too, but none of a run that has ended: nobody would go on with such a run.
    """
    link, index = task_link(cursor)
    trigger = "t.next_method IS NOT NULL" if "next_method" in names(columns_of(cursor, "task_instance")) else "false"
    state = "AND {}".format(IN_FLIGHT) if only_in_flight else (
        "AND ({} OR t.state <> 'queued') AND NOT coalesce(t.state <> 'queued' AND NOT {}, false)".format(IN_FLIGHT, lives("j")))
    cursor.execute(
        "SELECT r.dag_id, r.run_id, t.task_id, {}, t.state, t.try_number, {}, t.job_id, {}, coalesce(t.start_date, t.queued_dttm) AS since "
        "FROM task_instance t JOIN dag_run r ON {} LEFT JOIN job j ON j.id = t.job_id WHERE t.state = ANY(%s) AND {} {} "
        "ORDER BY since, 1, 2, 3, 4".format(index, trigger, _waits(cursor), link, not_own("t.dag_id"), state), (list(MOVING),))
    return [{"dagId": row[0], "runId": row[1], "taskId": row[2], "mapIndex": row[3], "state": row[4], "tryNumber": row[5], "hasTrigger": row[6],
             "jobId": row[7], "waits": row[8], "since": iso(row[9])} for row in cursor.fetchall()]


def take_back_queued(cursor):
    """What only waits for a worker waits for the scheduler again, which queues nothing of a paused DAG.

    The message that starts it lies on in the executor's queue. A worker that takes it up refuses an instance that is `scheduled` (without state
    it would run), and what the executor then says of that end is heard only for one that is `queued` [source, 1.10.12 to 2.11; ran, 2.7.2,
    2.10.3]. Its tries are right as they are: an instance that is scheduled is queued without being counted once more.
    queued_by_job_id stays: 2.0 takes its state from an instance that is scheduled and names no scheduler.
    """
    link, _ = task_link(cursor)
    cursor.execute("UPDATE task_instance t SET state = 'scheduled' FROM dag_run r WHERE {} AND {} AND {} AND {}".format(
        link, IN_FLIGHT, _waits(cursor), not_own("t.dag_id")))


def _waits(cursor):
    """SQL over `t` and `r`: it is queued, and a scheduler is all that could queue it again: no process of a backfill, no DAG that is not paused."""
    return "(t.state = 'queued' AND NOT {} AND EXISTS (SELECT 1 FROM dag d WHERE d.dag_id = t.dag_id AND d.is_paused))".format(of_backfill(cursor))


def of_backfill(cursor):
    """SQL: the run `r` is a backfill's."""
    return "({} = 'backfill')".format(run_type_of(cursor, "r"))


def lives(job):
    """SQL: the process of this alias of table `job` says that it runs, and has said so lately."""
    return "({0}.state = 'running' AND {0}.latest_heartbeat > now() - interval '{1} seconds')".format(job, zombie_seconds())


def zombie_seconds():
    from airflow.configuration import conf
    return conf.getint("scheduler", "scheduler_zombie_task_threshold", fallback=300)


def shown(beginning, found):
    """`beginning` and as many (name, since) as a progress message holds, then a count."""
    text = beginning
    for number, (name, since) in enumerate(found):
        part = "{}{} since {}".format(": " if number == 0 else ", ", name if len(name) <= 90 else name[:89] + "…", (since or "?")[:19])
        if len(text) + len(part) > SHOWN_CHARACTERS - len(" and 1000000 more"):
            return "{} and {} more".format(text, len(found) - number)
        text += part
    return text


def task_name(entry):
    return entry["taskId"] if entry["mapIndex"] < 0 else "{}[{}]".format(entry["taskId"], entry["mapIndex"])


def tasks_shown(beginning, tasks):
    return shown(beginning, [("{} / {} / {}".format(task["dagId"], task["runId"], task_name(task)), task.get("since")) for task in tasks])


# ---- settling: The end of what the drain has set to failed: its processes are awaited, then it is left without state. Also done by restore, where a drain died.

#: A process hears of its end by its heartbeat, has killed_task_cleanup_time (60 s by default) to go, and MWAA may be slow.
END_SECONDS = 900
END_POLL_SECONDS = 3
#: SQL over the run `r`: its DAG is not unpaused. Nobody but a person unpauses it in between, and decides of its tasks then.
STILL_PAUSED = "NOT EXISTS (SELECT 1 FROM dag d WHERE d.dag_id = r.dag_id AND NOT d.is_paused)"


def seconds_to_end():
    return max(END_SECONDS, 3 * zombie_seconds())


def half_ended(cursor, ended):
    """Entries that a drain has set to failed and, killed or at its wits' end, has not left without state."""
    return [] if ended["settled"] else entries_that(cursor, ended["instances"], ENDED_BY_US)


def settle_half_ended(command, database):
    """Finish what a drain has begun to end, before it is put back. Returns the record (drained.py) as it is then, with what did end by us alone.

    A process that does not end keeps its task failed: a second one beside it would do its work twice.
    """
    ended, deadline = read_ended(command), time.time() + seconds_to_end()
    if ended["settled"] or not ended["instances"]:
        return ended
    while True:
        with database.transaction() as cursor:
            half = entries_that(cursor, ended["instances"], "{} AND {}".format(ENDED_BY_US, STILL_PAUSED))
            living = living_tasks(cursor, half) if half else []
        if not living or time.time() >= deadline:
            break
        command.say(tasks_shown("waiting until {} tasks have ended".format(len(living)), living))
        command.sleep(END_POLL_SECONDS)
    alive = {instance_key(one) for one in living}
    gone = [entry for entry in half if instance_key(entry) not in alive]
    if gone:
        database.settle(lambda cursor: settle_ended(cursor, dict(ended, instances=gone), {run_key(entry) for entry in gone}))
    with database.transaction() as cursor:
        keys = {instance_key(entry) for entry in still_ended(cursor, ended["instances"]) + half_ended(cursor, ended)}
    ended.update(instances=[entry for entry in ended["instances"] if instance_key(entry) in keys], settled=True)
    write_ended(command, ended)
    return ended


def run_columns(run_keys):
    """Two arrays for unnest."""
    run_keys = sorted(run_keys)
    return [key[0] for key in run_keys], [key[1] for key in run_keys]


def living_tasks(cursor, entries):
    """Those whose process is still there; one that was killed cannot say so, but its heartbeat grows old."""
    source, values = entries_sql(entries)
    cursor.execute("SELECT r.dag_id, r.run_id, t.task_id, e.map_index, t.start_date FROM task_instance t JOIN dag_run r ON r.dag_id = t.dag_id "
                   "JOIN {} ON {} JOIN job j ON j.id = t.job_id WHERE {} ORDER BY 5, 1, 2, 3, 4".format(
                       source, entries_joined(cursor), lives("j")), values)
    return [{"dagId": row[0], "runId": row[1], "taskId": row[2], "mapIndex": row[3], "since": iso(row[4])} for row in cursor.fetchall()]


def settle_ended(cursor, ended, touched):
    """What has ended is left without state, marked, with the tries that had ended before, and without its process: its next end is its own.

    What has succeeded, deferred or rescheduled itself in its last moment is no longer ours. Something that ended just then may have made
    what stands behind an ended task upstream_failed; without state it waits again. And a scheduler's loop that began before the pause,
    or a backfill's process, may have ended the run for it. A backfill's queued instance waits as scheduled (moving.py says why).
    """
    cursor.execute("UPDATE dag_run r SET state = 'running', end_date = NULL WHERE r.state = 'failed' "
                   "AND (r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))", run_columns(touched))
    source, values = entries_sql(ended["instances"])
    only_queued = "e.state = 'queued' AND " + of_backfill(cursor)
    cursor.execute("UPDATE task_instance t SET state = CASE WHEN {0} THEN 'scheduled' END, end_date = CASE WHEN {0} THEN NULL ELSE e.ended_at END, "
                   "try_number = CASE WHEN {0} THEN e.tries ELSE {1} END, duration = NULL, job_id = NULL FROM dag_run r, {2} WHERE {3} "
                   "AND {4} AND t.try_number IS NOT DISTINCT FROM e.tries AND {5}".format(
                       only_queued, finished_tries(), source, entries_joined(cursor), ENDED_BY_US, IN_FLIGHT), values)
    link, index = task_link(cursor)
    before = [run_key(run) + tuple(one) for run in ended["runs"] for one in run["upstreamFailed"]]
    cursor.execute(
        "UPDATE task_instance t SET state = NULL, start_date = NULL, end_date = NULL, duration = NULL FROM dag_run r "
        "WHERE {} AND t.state = 'upstream_failed' AND {} AND (r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[])) "
        "AND (r.dag_id, r.run_id, t.task_id, {}) NOT IN (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::int[]))".format(
            link, IN_FLIGHT, index),
        run_columns(touched) + tuple([one[place] for one in before] for place in range(4)))


# ---- ending: The drain's deadline: what runs still is set to failed, seen ended, and left without state; what is only queued waits again (design §5).

#: A scheduler's loop that began before the pause may still queue a task: that many looks in a row must find nothing.
QUIET_LOOKS = 2


def end_tasks(command, database):
    """End what moves and wait until its processes are gone; the record (drained.py) is written before.

    Once rollback is ordered it ends nothing more, but waits for what it has ended: half ended, it would be left failed.

    :raises Refusal: when processes do not end; then nothing may be exported, for they would run on both sides.
    """
    deadline = time.time() + seconds_to_end()
    ended, quiet = read_ended(command), 0
    with database.transaction() as cursor:
        touched = {run_key(entry) for entry in half_ended(cursor, ended)}
    while quiet < QUIET_LOOKS:
        is_over = is_ordered_back(command)
        moving = [] if is_over else _end_what_moves(command, database, ended, touched)
        with database.transaction() as cursor:
            living = living_tasks(cursor, [entry for entry in ended["instances"] if run_key(entry) in touched])
            living += [] if is_over else _backfills(cursor)
            is_over = is_over or is_at_rest(cursor)
        if is_over and not living:
            break
        quiet = 0 if moving or living else quiet + 1
        if quiet:
            command.sleep(END_POLL_SECONDS)
            continue
        if time.time() >= deadline:
            raise Refusal("tasks-not-ended", tasks_shown("{} tasks do not end".format(len(living or moving)), living or moving),
                          "they would run on both sides; the DAGs stay paused, nothing was exported.",
                          "end them by hand (a backfill starts new ones until its own process ends) and run the phase again, or run rollback.")
        command.say(tasks_shown("waiting until {} tasks have ended".format(len(living or moving)), living or moving))
        command.sleep(END_POLL_SECONDS)
    if ended["instances"]:
        database.settle(lambda cursor: settle_ended(cursor, ended, touched))
        with database.transaction() as cursor:
            ended["instances"] = still_ended(cursor, ended["instances"])
        write_ended(command, dict(ended, settled=True))


def _end_what_moves(command, database, ended, touched):
    """Returns what was found. What starts between look and change is found at the next look."""
    with database.transaction() as cursor:
        moving = moving_tasks(cursor, only_in_flight=True)
        running = [task for task in moving if not task["waits"]]
        if running:
            _add(cursor, ended, running, touched)
    if running:
        write_ended(command, ended)
        keys = {instance_key(task) for task in running}
        entries = [entry for entry in ended["instances"] if instance_key(entry) in keys]
        keys = database.settle(lambda cursor: _fail(cursor, entries))
        ordered = [entry for entry in entries if instance_key(entry) in keys]
        # A kill before it is on record leaves the mark alone to know them by; what ended by itself meanwhile is not taken for ours.
        for entry in ordered:
            entry["ordered"] = True
        if ordered:
            write_ended(command, ended)
        touched.update(run_key(entry) for entry in ordered)
    if len(running) < len(moving):
        database.settle(take_back_queued)
    return moving


def _add(cursor, ended, running, touched):
    """Into the record, with the runs' instances that are upstream_failed for another reason: as they are when this drain first ends something there."""
    moment = iso(scalar(cursor, "SELECT now()"))
    known = {instance_key(entry): entry for entry in ended["instances"]}
    for task in running:
        known[instance_key(task)] = dict({name: value for name, value in task.items() if name not in ("since", "waits")}, endedAt=moment)
    ended.update(instances=[known[key] for key in sorted(known)], settled=False)
    runs = {run_key(task): [] for task in running if run_key(task) not in touched}
    link, index = task_link(cursor)
    cursor.execute("SELECT r.dag_id, r.run_id, t.task_id, {} FROM task_instance t JOIN dag_run r ON {} "
                   "WHERE t.state = 'upstream_failed' AND (r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))".format(index, link),
                   run_columns(runs))
    for dag_id, run_id, task_id, map_index in cursor.fetchall():
        runs[dag_id, run_id].append([task_id, map_index])
    ended["runs"] = [run for run in ended["runs"] if run_key(run) not in runs] + [
        {"dagId": key[0], "runId": key[1], "upstreamFailed": runs[key]} for key in sorted(runs)]


def _fail(cursor, entries):
    """Only where the instance is still as it was recorded; what has started or ended meanwhile is seen at the next look. Returns the keys of those."""
    source, values = entries_sql(entries)
    cursor.execute("UPDATE task_instance t SET state = 'failed', end_date = e.ended_at FROM dag_run r, {} WHERE {} AND t.state = e.state "
                   "AND t.try_number IS NOT DISTINCT FROM e.tries RETURNING e.dag_id, e.run_id, e.task_id, e.map_index".format(
                       source, entries_joined(cursor)), values)
    keys = set(cursor.fetchall())
    if "last_scheduling_decision" in names(columns_of(cursor, "dag_run")):
        # The scheduler's look at paused DAGs passes over runs without one, and the first look after unpausing takes them first.
        cursor.execute("UPDATE dag_run r SET last_scheduling_decision = NULL WHERE (r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))",
                       run_columns({key[:2] for key in keys}))
    return keys


def _backfills(cursor):
    """Processes of backfills: they start tasks, in a paused DAG too."""
    cursor.execute("SELECT coalesce(b.dag_id, '?'), b.start_date FROM job b WHERE b.job_type = 'BackfillJob' AND {} AND {} ORDER BY 2, 1".format(
        lives("b"), not_own("b.dag_id")))
    return [{"dagId": row[0], "runId": "backfill", "taskId": "all tasks", "mapIndex": -1, "since": iso(row[1])} for row in cursor.fetchall()]


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


# ---- events_back: Dataset events that the target made no run of: after a rollback the source's consumers are told of them, or they would wait for ever.

#: The port that Airflow's provider writes where the URI names none.
POSTGRES_PORT = ":5432"


def queue_events_of_target(cursor, dag_id, events, consumed):
    """Tell one consumer of what the target still owes it. Returns how many events are queued now, and how many are of a dataset it does not wait for here.

    As Airflow does it, a dataset that is queued already stays as it is. The event's own row is the target's: the run that comes of it is
    made at the event's time, and is given no event.

    :param events: those of this DAG, of protocol.ts RanOnTarget.
    :param consumed: ISO 8601 or None: logical date of the newest run that the target made of the DAG's events.
    """
    cursor.execute("SELECT s.uri, s.id FROM dag_schedule_dataset_reference c JOIN dataset s ON s.id = c.dataset_id WHERE c.dag_id = %s", (dag_id,))
    here = {}
    for uri, dataset_id in cursor.fetchall():
        here.setdefault(normal_uri(uri), []).append(dataset_id)
    known = [(dataset_id, event["at"]) for event in events for dataset_id in here.get(normal_uri(event["uri"]), ())]
    cursor.execute(
        "INSERT INTO dataset_dag_run_queue (dataset_id, target_dag_id, created_at) SELECT e.dataset_id, %s, e.at "
        "FROM unnest(%s::int[], %s::timestamptz[]) AS e(dataset_id, at) WHERE e.at > greatest(%s::timestamptz, (SELECT coalesce(max(r.execution_date), "
        "'-infinity') FROM dag_run r WHERE r.dag_id = %s AND r.run_type = 'dataset_triggered')) ON CONFLICT DO NOTHING",
        (dag_id, [one[0] for one in known], [one[1] for one in known], consumed, dag_id))
    return cursor.rowcount, len([event for event in events if normal_uri(event["uri"]) not in here])


def normal_uri(uri):
    """What two spellings of a dataset's URI have in common: Airflow 2.9 and newer write it otherwise than an older one does [source, 2.10.3]."""
    try:
        parts = urllib.parse.urlsplit(uri)
    except ValueError:
        return uri
    scheme = parts.scheme.lower()
    if not scheme or scheme.startswith("x-"):
        return uri
    place, path = parts.netloc.rpartition("@")[2], parts.path.rstrip("/") or "/"
    if scheme in ("postgres", "postgresql"):
        scheme, place = "postgres", place.rstrip(":")
        place = place[:-len(POSTGRES_PORT)] if place.endswith(POSTGRES_PORT) else place
        words = path.split("/")
        path = "/".join(words[:2] + ["default"] + words[3:]) if len(words) == 4 and not words[2] else path
    return scheme, place, path, tuple(sorted(urllib.parse.parse_qsl(parts.query)))


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


# ---- missed_by_both: Intervals that neither side runs after a restore: of a DAG without catchup the source goes on with the newest that is over (design §5).

def missed_by_both(command, wanted):
    """`missed` and `missedUnknown` of protocol.ts RestoreData.

    Asked when everything is put back, starts nothing and never fails: what is only told must not hold production up, nor turn a restore red.

    :param wanted: protocol.ts ActiveDag of the DAGs that were put back.
    """
    paused_at, missed, unknown = read_active(command)["pausedAt"], [], []
    paused = [one for one in wanted if one["dagId"] in paused_at]
    for number, one in enumerate(paused, 1):
        dag_id = one["dagId"]
        try:
            found = settle_with_session(lambda cursor, session, one=one: _of_dag(cursor, session, one, paused_at[one["dagId"]]))
        except Exception as error:  # Whatever a timetable of the user raises; the answer says that this DAG's are not known.
            print("mwaa-migrate: missed intervals of {} cannot be told ({})".format(dag_id, type(error).__name__))
            found = None
        if found is None:
            unknown.append(dag_id)
        else:
            missed += found
        command.say("looked for missed intervals of {} of {} DAGs".format(number, len(paused)), None, number, len(paused))
    return {"missed": missed, "missedUnknown": sorted(unknown)}


def _of_dag(cursor, session, one, paused_at):
    """protocol.ts MissedIntervals of one DAG, at most one; None where they are not known.

    What stands on the source as a run was run, there or on the target; the newest that is over the scheduler makes by itself, or has made.
    """
    from airflow.utils import timezone
    dag_id = one["dagId"]
    # Below 2.2 no serialized DAG can be asked for the intervals of its schedule.
    schedule = schedule_of(dag_id, session) if "data_interval_start" in names(columns_of(cursor, "dag_run")) else None
    if schedule is None:
        is_without_schedule = bool(next_run_columns(cursor)) and not one.get("nextDagrun")
        return [] if one.get("catchup") or is_without_schedule else None
    if not schedule.skips:
        return []
    last = schedule.newest_interval(cursor, dag_id, "(queued_at IS NULL OR queued_at <= %s::timestamptz)", (paused_at,))
    following = schedule.dag.next_dagrun_info(schedule.newest_interval(cursor, dag_id))
    first = schedule.after(last) if last is not None else schedule.recorded(one)
    if first is None:
        return []
    cursor.execute("SELECT execution_date FROM dag_run WHERE dag_id = %s AND execution_date >= %s", (dag_id, first.logical_date))
    there, pause = {row[0] for row in cursor.fetchall()}, aware(paused_at)
    before_pause, missed, is_more = [], [], False
    for number, info in enumerate(schedule.ended(first, timezone.utcnow(), following and following.logical_date)):
        if number >= MOST_INTERVALS:
            is_more = True
            break
        if info.run_after <= pause:
            before_pause = [info]  # Of these the source would still have run the newest one.
        else:
            missed.append(info)
    missed = [info for info in before_pause + missed if info.logical_date not in there]
    return [intervals_told(dag_id, missed, is_more)] if missed else []


# ---- overtaken: What restore did not do: runs of a DAG that somebody had unpaused before it came there. And its record, by which a second restore knows the first.

def read_settled(command):
    """As settled.json, empty where no restore has come to its end."""
    body = command.storage.read_if_there(command.prefix + "restore/settled.json")
    return json.loads(body.decode("utf-8")) if body is not None else {"dagIds": [], "overtaken": []}


def write_settled(command, dag_ids, overtaken):
    command.storage.write_json(command.prefix + "restore/settled.json", {"dagIds": sorted(dag_ids), "overtaken": overtaken})


def overtaken_runs(cursor, dag_id, ran):
    """Of a DAG that is unpaused: runs that go on here though they went on at the target, and unbegun ones that nobody has queued here.

    None of a DAG that a try before has put back, for that has ended the former and queued the latter.

    :param ran: runs of protocol.ts RanOnTarget, of this DAG.
    """
    resumed = [run["runId"] for run in ran if run["kind"] == "resumed"]
    unbegun = [run for run in ran if run["kind"] == "unbegun"]
    cursor.execute(
        "SELECT r.run_id, 'resumed' FROM dag_run r WHERE r.dag_id = %s AND r.run_id = ANY(%s) AND {} UNION ALL "
        "SELECT n.run_id, 'unbegun' FROM unnest(%s::text[], %s::timestamptz[]) AS n(run_id, logical_date) WHERE NOT EXISTS (SELECT 1 FROM dag_run r "
        "WHERE r.dag_id = %s AND (r.run_id = n.run_id OR r.execution_date = n.logical_date)) ORDER BY 2, 1".format(IN_FLIGHT),
        (dag_id, resumed, [run["runId"] for run in unbegun], [run["logicalDate"] for run in unbegun], dag_id))
    return [{"dagId": dag_id, "runId": row[0], "kind": row[1]} for row in cursor.fetchall()]


# ---- resumed_runs: Runs in flight at the snapshot that went on at the target: the source must not run what is unfinished of them by itself (rollback).

#: Airflow shows it at the run (2.5 and newer).
NOTES = {
    "success": "mwaa-migrate: this run went on at the target environment and succeeded there. What was unfinished here was marked success at the rollback.",
    "failed": "mwaa-migrate: this run went on at the target environment and did not succeed there. What was unfinished here was marked failed at the rollback.",
}


def end_runs(cursor, runs, state):
    """End those that have not ended here, with their unfinished tasks, as `state`.

    Success where the target has succeeded: the next run's tasks that depend on their past go on, and nobody has to decide anything.
    """
    if not runs:
        return
    link, _ = task_link(cursor)
    values = ([one["dagId"] for one in runs], [one["runId"] for one in runs])
    listed = "(r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))"
    cursor.execute("UPDATE task_instance t SET state = %s, end_date = now() FROM dag_run r WHERE {} AND {} AND {} "
                   "AND coalesce(t.state, '') <> ALL(%s)".format(link, IN_FLIGHT, listed), (state,) + values + (list(FINAL_STATES),))
    cursor.execute("UPDATE dag_run r SET state = %s, end_date = now() WHERE {} AND {} RETURNING r.id".format(IN_FLIGHT, listed), (state,) + values)
    ids = [row[0] for row in cursor.fetchall()]
    if ids and columns_of(cursor, "dag_run_note"):
        cursor.execute("INSERT INTO dag_run_note (dag_run_id, content, created_at, updated_at) SELECT i, %s, now(), now() FROM unnest(%s::int[]) AS i "
                       "ON CONFLICT DO NOTHING", (NOTES[state], ids))


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


# ---- unbegun_runs: Runs that the target had made and not begun, before one that began: the source goes on behind that one's stand-in, so these are queued on it.

def queue_unbegun(cursor, dag_id, runs):
    """Queued runs without tasks: the scheduler makes a run's tasks where it does not carry the DAG's newest hash [ran, 2.7.2].

    A run of the source of the same id or logical date is left as it is, also one that a restore before has queued.

    :param runs: of protocol.ts RanOnTarget, of this DAG and of kind `unbegun`.
    """
    if not runs:
        return
    there = names(columns_of(cursor, "dag_run"))
    expressions = dict(dag_id="c.dag_id", run_id="n.run_id", execution_date="n.logical_date", run_type="n.run_type", external_trigger="false", conf="c.conf",
                       state="'queued'" if "queued_at" in there else "'running'", queued_at="now()", updated_at="now()", clear_number="0",
                       data_interval_start="n.interval_start", data_interval_end="n.interval_end", log_template_id="(SELECT max(id) FROM log_template)")
    if "queued_at" not in there:  # 1.10 takes one from the other when the run ends, and ends with an error where there is none [source, 1.10.12].
        expressions["start_date"] = "now()"
    columns, values = columns_and_values(expressions, there)
    cursor.execute(
        "INSERT INTO dag_run ({}) SELECT {} FROM (SELECT %s::text AS dag_id, %s::bytea AS conf) AS c CROSS JOIN unnest(%s::text[], %s::text[], "
        "%s::timestamptz[], %s::timestamptz[], %s::timestamptz[]) AS n(run_id, run_type, logical_date, interval_start, interval_end) "
        "ON CONFLICT DO NOTHING".format(columns, values),
        (dag_id, stand_in_bytes({}), [run["runId"] for run in runs], [run["runType"] for run in runs], [run["logicalDate"] for run in runs],
         [run["intervalStart"] for run in runs], [run["intervalEnd"] for run in runs]))


# ---- restore: restore, and the drain's own way back: the source goes on as it was before, and runs nothing again that the target ran (design §5).

def restore(command):
    """Result data: protocol.ts RestoreData. Safe to repeat, and to be killed anywhere."""
    reference = command.job["ran"]
    record = json.loads(command.storage.read_checked(reference, "what the target ran").decode("utf-8")) if reference else {"runs": []}
    database = Database()
    try:
        database.alone(command.job["migrationId"] + " drain", 600, command.sleep)
        data = put_back(command, database, [dag["dagId"] for dag in command.job["activeDags"]], record["runs"], record.get("events", []))
        return dict(data, **missed_by_both(command, command.job["activeDags"]))
    finally:
        database.close()


def put_back(command, database, wanted, ran, events=()):
    """Each DAG in one transaction that ends with its unpausing: a DAG that is unpaused has been put back, or a person was there before.

    :param wanted: ids of the DAGs that were active before the drain; no other is unpaused.
    :param ran: runs of protocol.ts RanOnTarget.
    :param events: its events.
    """
    ended, active = settle_half_ended(command, database)["instances"], set(wanted)
    before = read_settled(command) if ran else {"dagIds": [], "overtaken": []}
    work = Work(command, _by_dag(ended), _by_dag(ran), _by_dag(events), set(before["dagIds"]))
    with database.transaction() as cursor:
        order = _consumers_first(active, producers_of(cursor))
    order += sorted({one["dagId"] for one in ended + ran} - active)
    activated, queued, unknown, settled, overtaken = [], 0, [], set(work.settled), before["overtaken"]
    for number, dag_id in enumerate(order, 1):
        done = database.settle(lambda cursor, dag_id=dag_id: _put_back_dag(cursor, dag_id, dag_id in active, work))
        if done["isUnpaused"]:
            activated.append(dag_id)
        if done["unknownEvents"]:
            unknown.append(dag_id)
        if done["isKnown"]:
            settled.add(dag_id)
        overtaken = overtaken + done["overtaken"]
        queued += done["queuedEvents"]
        command.say("put back {} of {} DAGs".format(number, len(order)), None, number, len(order))
    if ran:
        write_settled(command, settled, overtaken)
    with database.transaction() as cursor:
        cursor.execute("SELECT dag_id FROM dag WHERE dag_id = ANY(%s) AND is_active", (list(active),))
        missing = active - {row[0] for row in cursor.fetchall()}
        left, succeeded = _ended_here(cursor, ran, "failed"), _ended_here(cursor, [run for run in ran if run["state"] == "success"], "success")
        with_us = {(one["dagId"], one["runId"]) for one in left + succeeded}
        not_back = {instance_key(one) for one in entries_that(cursor, ended, "{} OR {}".format(MARKED, ENDED_BY_US))}
        failed = _runs_of(entries_that(cursor, ended, "t.state = 'failed' AND {}".format(ENDED_BY_US)))
        left += [run for run in failed if (run["dagId"], run["runId"]) not in with_us]
        # The record lists what has ended by us alone: whatever bears the mark no more was put back, now or by a try before.
        return {"activated": sorted(activated), "missing": sorted(missing), "standIns": stand_ins_of(cursor, ran), "leftFailed": left,
                "succeeded": succeeded, "overtaken": overtaken, "queuedEvents": queued, "unknownEvents": sorted(unknown),
                "putBack": len([one for one in ended if instance_key(one) not in not_back and (one["dagId"], one["runId"]) not in with_us])}


class Work(object):
    """What there is to put back, by DAG: thousands of DAGs with thousands of runs are looked through once."""

    def __init__(self, command, ended, ran, events, settled):
        self.ended, self.ran, self.events, self.settled = ended, ran, events, settled
        self.paused_at, self.resume_deferred = read_active(command)["pausedAt"], command.job["drain"]["resumeDeferred"]


def _by_dag(entries):
    found = {}
    for one in entries:
        found.setdefault(one["dagId"], []).append(one)
    return found


def _consumers_first(dag_ids, producers):
    """A producer that is unpaused before its consumer could write an event that is queued for nobody."""
    order, waiting = [], set(dag_ids)
    while waiting:
        needed = {producer for consumer in waiting for producer in producers.get(consumer, ())}
        ready = sorted(waiting - needed) or sorted(waiting)  # They wait for each other in a circle.
        order += ready
        waiting -= set(ready)
    return order


def _put_back_dag(cursor, dag_id, is_wanted, work):
    """A DAG whose file is gone for the moment too: unpaused, it goes on by itself when Airflow has parsed it again."""
    done = {"isUnpaused": False, "queuedEvents": 0, "unknownEvents": 0, "overtaken": []}
    ran = work.ran.get(dag_id, [])
    unsettled = [] if dag_id in work.settled else ran
    made = [run for run in unsettled if stands_in(run)]
    awaited = tasks_awaited(cursor, dag_id) if made else []  # Before the row is locked: a serialized DAG may have megabytes.
    cursor.execute("SELECT is_paused FROM dag WHERE dag_id = %s FOR UPDATE", (dag_id,))
    row = cursor.fetchone()
    done["isKnown"] = row is not None
    # A DAG of the target alone has no intervals here: a row of it would be a DAG run that nothing explains.
    if row and add_stand_ins(cursor, dag_id, made, awaited):
        columns = next_run_columns(cursor)
        if columns:  # As after an import: not scheduled until its file is parsed with the stand-ins in view.
            cursor.execute("UPDATE dag SET {} WHERE dag_id = %s".format(", ".join("{} = NULL".format(column) for column in columns)), (dag_id,))
    if is_wanted and row and not row[0]:
        done["overtaken"] = overtaken_runs(cursor, dag_id, unsettled) if unsettled else []
        return done
    queue_unbegun(cursor, dag_id, [run for run in unsettled if run["kind"] == "unbegun"] if is_wanted and row else [])
    resumed = [run for run in unsettled if run["kind"] == "resumed"]
    end_runs(cursor, [run for run in resumed if run["state"] == "success"], "success")
    end_runs(cursor, [run for run in resumed if run["state"] != "success"], "failed")
    _run_again(cursor, work.ended.get(dag_id, []), work.resume_deferred)
    if not is_wanted:
        return done
    taken = [run["logicalDate"] for run in ran if run["kind"] == "new" and run["runType"] == "dataset_triggered"]
    consumed = max(taken, key=lambda date: date.rstrip("Z")) if taken else None  # ISO 8601 with and without a fraction
    if has_datasets(cursor):
        if consumed is not None:
            cursor.execute("DELETE FROM dataset_dag_run_queue WHERE target_dag_id = %s AND created_at <= %s", (dag_id, consumed))
        if dag_id in work.paused_at:
            queue_events(cursor, owed_events(cursor, {dag_id: work.paused_at[dag_id]}, {dag_id: consumed}))
        if dag_id in work.events:
            done["queuedEvents"], done["unknownEvents"] = queue_events_of_target(cursor, dag_id, work.events[dag_id], consumed)
    cursor.execute("UPDATE dag SET is_paused = false WHERE dag_id = %s AND is_paused", (dag_id,))
    done["isUnpaused"] = cursor.rowcount == 1
    return done


def _run_again(cursor, entries, resume_deferred):
    """What the drain has ended loses its mark, and so waits like what has not begun; its tries were set then."""
    forgotten = [] if resume_deferred else _without_trigger(cursor, still_ended(cursor, entries))
    _change(cursor, forgotten, "state = 'failed'")
    keys = {instance_key(one) for one in forgotten}
    _change(cursor, [one for one in entries if instance_key(one) not in keys], "end_date = NULL")


def _change(cursor, entries, change):
    if entries:
        source, values = entries_sql(entries)
        cursor.execute("UPDATE task_instance t SET {} FROM dag_run r, {} WHERE {} AND t.state IS NULL AND t.end_date = e.ended_at AND {}".format(
            change, source, entries_joined(cursor), IN_FLIGHT), values)


def _without_trigger(cursor, entries):
    """Ended while they went on after their trigger, which Airflow forgets when it ends them: they would begin anew, as deferred tasks would elsewhere."""
    suspects = [one for one in entries if one["hasTrigger"]]
    return still_ended(cursor, suspects, "t.next_method IS NULL") if suspects else []


def _ended_here(cursor, ran, state):
    """Runs of kind `resumed` that have this state on the source."""
    resumed = [one for one in ran if one["kind"] == "resumed"]
    cursor.execute("SELECT r.dag_id, r.run_id FROM dag_run r WHERE r.state = %s AND (r.dag_id, r.run_id) IN "
                   "(SELECT * FROM unnest(%s::text[], %s::text[])) ORDER BY 1, 2",
                   (state, [one["dagId"] for one in resumed], [one["runId"] for one in resumed]))
    return [{"dagId": row[0], "runId": row[1]} for row in cursor.fetchall()]


def _runs_of(entries):
    return [{"dagId": key[0], "runId": key[1]} for key in sorted({(one["dagId"], one["runId"]) for one in entries})]


# ---- drain: drain: every DAG comes to rest before the snapshot (design §5).

POLL_SECONDS = 3


def drain(command):
    """Pause each DAG once it has no active run, consumers of datasets after their producers; at the deadline the rest.

    Then wait for tasks that run, and end what runs still (ending.py), or put all back. Result data: protocol.ts DrainData.

    :raises Refusal: also once rollback is ordered, which waits until this has ended. (The export, which changes nothing, is let end.)
    """
    if command.job["mode"] == "rehearsal":
        raise Refusal("rehearsal", "This attempt is a rehearsal, which pauses nothing.", "somebody else than the action started this DAG run.",
                      "delete this DAG run; to pause the source, run export with mode: final.")
    order, database = command.job["drain"], Database()
    begun = time.time()
    try:
        database.alone(command.job["migrationId"] + " drain", 600, command.sleep)
        stop_if_ordered_back(command)
        active = _remember(command, database)
        _pause_as_they_rest(command, database, active, begun + 60 * order["timeoutMinutes"])
        _await_tasks(command, database, 60 * order["taskMinutes"])
        if order["leftover"] == "abort":
            _abort_unless_at_rest(command, database, active)
        else:
            end_tasks(command, database)
            stop_if_ordered_back(command)
        with database.snapshot() as cursor:
            ended = still_ended(cursor, read_ended(command)["instances"])
            leftover = runs_in_flight(cursor, order, ended, command.job["metadata"]["dags"])
        return {"paused": active["dagIds"], "leftover": [without_tasks(run) for run in leftover], "waitedSeconds": int(time.time() - begun),
                "ended": len(ended)}
    finally:
        database.close()


def _abort_unless_at_rest(command, database, active):
    order = command.job["drain"]
    settle_half_ended(command, database)  # Of a try with another leftover: set to failed, it may have ended its run, which is ours to put back.
    with database.snapshot() as cursor:
        leftover = len(runs_in_flight(cursor, order))
    if not leftover:
        return
    put_back(command, database, active["dagIds"], [])
    raise Refusal("drain-aborted", "{} DAG runs were still in flight after {} minutes.".format(leftover, order["timeoutMinutes"] + order["taskMinutes"]),
                  "drain.leftover is abort, so every DAG that was active is active again.",
                  "give drain.timeout-minutes more time, or choose drain.leftover: resume.")


def _remember(command, database):
    """The DAGs that are active, with those that an earlier try or attempt has paused already; written before anything is paused."""
    active = read_active(command)
    with database.transaction() as cursor:
        unpaused = _unpaused(cursor)
    for dag_id in unpaused:
        active["pausedAt"].pop(dag_id, None)
    active["dagIds"] = sorted(set(active["dagIds"]) | set(unpaused))
    write_active(command, active)
    return active


def _unpaused(cursor):
    cursor.execute("SELECT dag_id FROM dag WHERE NOT is_paused AND is_active AND {}".format(not_own()))
    return [row[0] for row in cursor.fetchall()]


def _busy(cursor):
    """dag_id → [(run id, since)] of its runs in flight."""
    cursor.execute("SELECT dag_id, run_id, coalesce(start_date, execution_date) FROM dag_run r WHERE {} ORDER BY 3, 1, 2".format(IN_FLIGHT))
    found = {}
    for dag_id, run_id, since in cursor.fetchall():
        found.setdefault(dag_id, []).append((run_id, iso(since)))
    return found


def _owed(cursor):
    """DAGs for which the scheduler will make a run as soon as it looks: the datasets they wait for are all in the queue (2.4+)."""
    if not columns_of(cursor, "dataset_dag_run_queue"):
        return set()
    expression = "d.dataset_expression::text" if "dataset_expression" in names(columns_of(cursor, "dag")) else "NULL"  # 2.9+
    cursor.execute("SELECT r.dag_id, {}, array_agg(s.uri), coalesce(array_agg(s.uri) FILTER (WHERE q.target_dag_id IS NOT NULL), '{{}}') "
                   "FROM dag_schedule_dataset_reference r JOIN dag d ON d.dag_id = r.dag_id AND NOT coalesce(d.has_import_errors, false) "
                   "JOIN dataset s ON s.id = r.dataset_id "
                   "LEFT JOIN dataset_dag_run_queue q ON q.dataset_id = r.dataset_id AND q.target_dag_id = r.dag_id GROUP BY 1, 2".format(expression))
    return {dag_id for dag_id, text, wanted, there in cursor.fetchall() if _is_met(json.loads(text) if text else {"all": wanted}, there)}


def _is_met(condition, there):
    """A condition over datasets as `dag.dataset_expression` says it: a URI, {"all": […]} or {"any": […]}."""
    if not isinstance(condition, dict):
        return condition in there
    if "any" in condition:
        return any(_is_met(one, there) for one in condition["any"])
    return "all" in condition and all(_is_met(one, there) for one in condition["all"])  # An alias names no dataset here.


def _pause_as_they_rest(command, database, active, deadline):
    while True:
        stop_if_ordered_back(command)
        with database.transaction() as cursor:
            waiting = set(_unpaused(cursor)) & set(active["dagIds"])
            runs, owed, producers = _busy(cursor), _owed(cursor), producers_of(cursor)
        busy = set(runs) | owed
        if not waiting:
            return
        if time.time() >= deadline:
            command.say("the deadline has come: pausing {} DAGs with runs in flight".format(len(waiting)))
            _pause(command, database, active, waiting)
            return
        resting = [dag_id for dag_id in waiting if dag_id not in busy and not (producers.get(dag_id, set()) & waiting)]
        if not resting and not waiting & busy:
            resting = list(waiting)  # They wait for each other's datasets in a circle, and nothing moves in it.
        caught = set()
        if resting:
            _pause(command, database, active, resting)
            caught = _unpause_caught(command, database, active, resting)
        left = len(waiting) - len(resting) + len(caught)
        in_flight = sorted(((dag_id + " / " + run_id, since) for dag_id in (waiting - set(resting)) | caught for run_id, since in runs.get(dag_id, ())),
                           key=lambda named: (named[1], named[0]))
        beginning = "{} of {} DAGs are paused".format(len(active["dagIds"]) - left, len(active["dagIds"]))
        command.say(shown(beginning + "; in flight", in_flight) if in_flight else beginning)
        if left:
            command.sleep(POLL_SECONDS)


def _pause(command, database, active, dag_ids):
    """The time is on record before: an event that comes from then on is made up for (owed_events.py)."""
    with database.transaction() as cursor:
        moment = iso(scalar(cursor, "SELECT now()"))
    active["pausedAt"].update({dag_id: moment for dag_id in dag_ids})
    write_active(command, active)
    set_paused(database, dag_ids, True)


def _unpause_caught(command, database, active, dag_ids):
    """The scheduler may have made a run between the look and the pause, or come to owe one; in a paused DAG it would never end."""
    with database.transaction() as cursor:
        caught = (set(_busy(cursor)) | _owed(cursor)) & set(dag_ids)
    if caught:
        set_paused(database, caught, False)
        for dag_id in caught:
            del active["pausedAt"][dag_id]
        write_active(command, active)
    return caught


def _await_tasks(command, database, seconds):
    """Tasks that run or are queued go on in a paused DAG, and a late loop of the scheduler may queue more."""
    begun = time.time()
    while True:
        stop_if_ordered_back(command)
        with database.transaction() as cursor:
            tasks, rests = moving_tasks(cursor), is_at_rest(cursor)
        waited = time.time() - begun
        if not tasks and (rests or waited >= LOOP_SECONDS) or waited >= max(seconds, LOOP_SECONDS):
            return
        command.say(tasks_shown("waiting for {} running tasks".format(len(tasks)), tasks) if tasks else "waiting until the scheduler has seen the pause")
        command.sleep(POLL_SECONDS)


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


# ---- shape: How a table of the source hangs on its runs and task instances: by date, by id, or by the database's own foreign keys (1.10.12 to 2.11).

#: Columns that name a run in one release or another: each stands for (dag_id, run_id) of the catalogue's keys.
RUN_COLUMNS = ("dag_id", "run_id", "execution_date", "dag_run_id")


class Shape(object):
    """One table `t` of the source. `joins` adds its run `j`, task instance `p`, dataset `d` and event `e`, where they are needed, each NULL where missing."""

    def __init__(self, cursor, table):
        self.table = table
        self.live = columns_of(cursor, table["name"])
        self.there = names(self.live)
        tied_to = _references(cursor, table["name"])
        if "task_instance" in tied_to:  # Which itself may have lost its run, below 2.2: a reschedule of 1.10 names the task alone.
            tied_to |= _references(cursor, "task_instance")
        is_child = bool(self.live) and "run_id" in table["parentKey"]
        hangs_on_task = is_child and table["parent"] == "task_instance"
        #: Whether rows may be there that belong to nothing: where the database itself sees to that, nobody need look.
        self.may_lack_task = hangs_on_task and "task_instance" not in tied_to
        self.may_lack_run = is_child and "dag_run" not in tied_to
        self.joins_run = is_child and (self.may_lack_run or not {"dag_id", "run_id"} <= set(self.there))
        self._task_columns = names(columns_of(cursor, "task_instance")) if self.may_lack_task else []
        self.has_unique_key = _has_unique_key(cursor, table)

    @property
    def dag(self):
        """SQL: the DAG of the row, None for settings."""
        if self.table["dagColumn"]:
            return "t." + quoted(self.table["dagColumn"])
        return ("t.dag_id" if "dag_id" in self.there else "j.dag_id") if self.table["parentKey"] else None

    @property
    def own(self):
        """SQL: the row is not of our own DAGs."""
        return not_own(self.dag) if self.dag else own_filter(self.table, "t.")

    @property
    def run_id(self):
        return "t.run_id" if "run_id" in self.there else "j.run_id"

    @property
    def map_index(self):
        return "t.map_index" if "map_index" in self.there else "-1"

    def run_link(self, run):
        """SQL: the row belongs to this alias of dag_run."""
        if self.table["name"] == "dag_run":
            return "{}.id = t.id".format(run)
        if "dag_id" not in self.there or ("dag_run_id" in self.there and "run_id" not in self.there):
            return "{}.id = t.dag_run_id".format(run)
        column = "run_id" if "run_id" in self.there else "execution_date"
        return "{0}.dag_id = t.dag_id AND {0}.{1} = t.{1}".format(run, column)

    @property
    def joins(self):
        found = ""
        if self.joins_run:
            found += " LEFT JOIN dag_run j ON " + self.run_link("j")
        if self.may_lack_task:
            found += " LEFT JOIN task_instance p ON " + self._task_link()
        for column in self.there:
            if self.table["rules"].get(column) == "by-uri":
                found += " LEFT JOIN dataset d ON d.id = t.{}".format(quoted(column))
            if self.table["rules"].get(column) == "by-event":
                found += " LEFT JOIN ({}) e ON e.id = t.{}".format(KNOWN_EVENTS, quoted(column))
        return found

    def _task_link(self):
        run = "p.run_id = " + self.run_id if "run_id" in self._task_columns else "p.execution_date = " + (
            "t.execution_date" if "execution_date" in self.there else "j.execution_date")
        index = " AND p.map_index = " + self.map_index if "map_index" in self._task_columns else ""
        return "p.dag_id = t.dag_id AND p.task_id = t.task_id AND {}{}".format(run, index)


def _references(cursor, table):
    """The tables that this one's foreign keys point at."""
    cursor.execute("SELECT f.relname FROM pg_constraint c JOIN pg_class f ON f.oid = c.confrelid "
                   "WHERE c.conrelid = to_regclass(%s) AND c.contype = 'f' AND c.convalidated", (quoted(table),))
    return {row[0] for row in cursor.fetchall()}


def _has_unique_key(cursor, table):
    """Whether the database itself lets no two rows have the same key, in whatever columns this release tells it."""
    if table["merge"] != "keyed":
        return True
    allowed = set(table["key"]) | (set(RUN_COLUMNS) if "run_id" in table["parentKey"] + table["key"] else set())
    cursor.execute("SELECT array_agg(a.attname::text) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) "
                   "WHERE i.indrelid = to_regclass(%s) AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL GROUP BY i.indexrelid",
                   (quoted(table["name"]),))
    return any(set(row[0]) <= allowed for row in cursor.fetchall())


# ---- normal_form: The SELECT that gives a table in the normal form (design §5): runs by (dag_id, run_id), tasks by (dag_id, task_id, run_id, map_index).

#: Rules whose value the target writes itself (catalogue.ts).
WRITTEN_BY_TARGET = ("own-id", "null", "empty-pickle", "current-template", "new-run-id")


class NormalForm(object):
    """One table of the source: `columns` of the CSV, `select` of all rows that move, and of the others their `reasons`."""

    def __init__(self, cursor, table, metadata, airflow_version, target_version, has_ended=False):
        """:param has_ended: ENDED_TABLE is there (ended.py)."""
        self.table = table
        self.target_version = target_version
        self.shape = Shape(cursor, table)
        self.live = self.shape.live
        self.dataset_columns = columns_of(cursor, "dataset")
        self.event_columns = columns_of(cursor, "dataset_event")
        self.airflow_version = airflow_version
        self.has_ended = has_ended
        self.reasons = reasons_of(self.shape, metadata)
        self.source = "{} t{}{}".format(quoted(table["name"]), self.shape.joins, joins_of(self.shape))
        self.columns, expressions = self._dag_first(*self._columns())
        self.select = "SELECT {} FROM {} WHERE {}".format(
            ", ".join(expressions), self.source, " AND ".join(reason.keeps for reason in self.reasons))

    @property
    def exists(self):
        return bool(self.live)

    def count(self, cursor):
        """(rows that move, {reason: rows that do not})."""
        # OFFSET 0 keeps the planner from writing the conditions out once more.
        cursor.execute("SELECT number, count(*) FROM (SELECT {} AS number FROM {} OFFSET 0) x GROUP BY 1 ORDER BY 1".format(self._number(), self.source))
        found = dict(cursor.fetchall())
        return found.pop(None, 0), {self.reasons[number].text: count for number, count in sorted(found.items())}

    @property
    def lost(self):
        """SELECT of the rows that cannot move whatever anybody chose, as the source has them, behind the reason of each."""
        numbers = [str(number) for number, reason in enumerate(self.reasons) if reason.is_lost]
        texts = " ".join("WHEN {} THEN {}".format(number, literal(self.reasons[int(number)].text)) for number in numbers)
        return "SELECT CASE {0} {1} END AS mwaa_reason, t.* FROM {2} WHERE {0} IN ({3})".format(
            self._number(), texts, self.source, ", ".join(numbers)) if numbers else None

    def _number(self):
        """SQL: which reason the row has, NULL for one that moves."""
        return "CASE {} END".format(" ".join("WHEN NOT {} THEN {}".format(reason.keeps, number) for number, reason in enumerate(self.reasons)))

    def _dag_first(self, columns, expressions):
        """The checksums of each DAG are made by a line's first field."""
        at = [index for index, column in enumerate(columns) if column.name == group_column(self.table, names(columns))]
        order = at + [index for index in range(len(columns)) if index not in at]
        return [columns[index] for index in order], [expressions[index] for index in order]

    def _columns(self):
        columns, expressions = [], []
        for column in self.live:
            rule = self.table["rules"].get(column.name, "")
            if rule in WRITTEN_BY_TARGET or (column.name == "execution_date" and self.table["parentKey"] and "run_id" not in self.shape.there):
                continue
            for translated, expression in self._translated(column, rule):
                columns.append(translated)
                expressions.append("{} AS {}".format(expression, quoted(translated.name)))
        there = names(columns)
        for name in self.table["key"] + [column for column in self.table["parentKey"] if column not in self.table["key"]]:
            if name not in there and name == "dag_id":
                columns.append(Column(name, "character varying(250)", True, False))
                expressions.append("j.dag_id AS dag_id")
            if name not in there and name == "run_id":
                columns.append(Column(name, "character varying(250)", True, False))
                expressions.append("j.run_id AS run_id")
            if name not in there and name == "map_index":
                columns.append(Column(name, "integer", True, False))
                expressions.append("-1 AS map_index")
        if self.table["name"] == "dag_run" and "run_type" not in there:
            columns.append(Column("run_type", "character varying(50)", True, False))
            expressions.append(RUN_TYPE.format("t") + " AS run_type")
        return columns, expressions

    def _translated(self, column, rule):
        """The columns of the CSV that stand for one of the table, each with its expression."""
        moves = uri_that_moves_sql("{}.uri", self.target_version)
        uri = [(Column("dataset_uri", one.type, True, False), moves) for one in self.dataset_columns if one.name == "uri"]
        if rule == "by-uri":
            return [(named, expression.format("d")) for named, expression in uri]
        if rule == "by-event":
            identity = [(one, "e." + quoted(one.name)) for one in self.event_columns if one.name in EVENT_IDENTITY]
            return [(named, expression.format("e")) for named, expression in uri] + identity + [(Column("event_number", "bigint", True, False), "e.number")]
        return [(column, self._value(column, rule))]

    def _value(self, column, rule):
        name = "t." + quoted(column.name)
        if rule.startswith("default:"):
            # What the target writes in the place of NULL, so that its row is the exported one to the letter.
            return "coalesce({}, {}::{})".format(name, literal(rule[len("default:"):]), column.type)
        if rule == "parked-run":
            return "CASE WHEN {0} IN ({1}) THEN {0} ELSE 'failed' END".format(name, text_list(FINISHED_RUNS))
        if rule == "parked-task":
            return "CASE WHEN {0} IN ({1}) THEN {0} ELSE {2} END".format(name, text_list(FINAL_STATES), self._ended("state") if self.has_ended else "NULL")
        if rule == "ended-process":
            return "CASE WHEN {0} IN ({1}) THEN {0} ELSE 'failed' END".format(name, text_list(FINISHED_RUNS))
        if rule == "finished-tries":
            tries = "CASE WHEN t.state IN ({1}) THEN greatest({0} - 1, 0) ELSE coalesce({0}, 0) END".format(name, text_list(begun_states(self.airflow_version)))
            return "coalesce({}, {})".format(self._ended("try_number"), tries) if self.has_ended else tries
        if self.has_ended and self.table["name"] == "task_instance" and column.name == "end_date":
            return "CASE WHEN {} IS NULL THEN {} ELSE {} END".format(self._ended("mark"), name, self._ended("end_date"))
        return name

    def _ended(self, value):
        """SQL: a column of ENDED_TABLE, NULL for an instance that the drain has not ended."""
        return ("CASE WHEN t.state IS NULL THEN (SELECT m.{} FROM {} m WHERE m.dag_id = t.dag_id AND m.run_id = {} AND m.task_id = t.task_id "
                "AND m.map_index = {} AND m.mark = t.end_date) END").format(value, ENDED_TABLE, self.shape.run_id, self.shape.map_index)


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


# ---- secrets_out: Variables and connections of the source into the envelope; a rehearsal reads them too, and writes none.

UNREADABLE = "cannot be decrypted with the source's Fernet key"
NO_NAME = "has no {}"
#: 1.10 takes any of them at random, so where all work it is no matter which one moves; where one is out of date, it is rather the older.
REPEATED = "a newer row of the same {} moves"


def export_secrets(command, cursor, table, entry):
    """Values are decrypted and at once sealed for the target. `entry` of the manifest is completed: names, and what stays behind, by name."""
    name = table["name"]
    if command.job["mode"] == "rehearsal":
        found = _read(cursor, table, lambda record: None)
        entry["rows"] = len(found.names)
        found.tell(entry)
        return
    key, entry["seal"] = new_data_key(command.job["envelope"], context_of(command.rendered, name))
    writer = ObjectWriter(command.storage, "{}export/{}.sealed".format(command.prefix, name), "application/octet-stream")
    sealer = Sealer(key, sealed_for(command.rendered, name), writer)
    try:
        found = _read(cursor, table, sealer.add)
        sealer.close()
        reference = writer.close()
    except BaseException:
        writer.abort()
        raise
    entry.update({"rows": len(found.names), "names": found.names, "columns": found.columns, "types": ["text"] * len(found.columns),
                  "bytes": reference["bytes"], "parts": [dict(reference, rows=len(found.names))]})
    found.tell(entry)
    command.say("exported {}: {} rows, encrypted".format(name, len(found.names)), name, len(found.names), len(found.names))


class Found(object):
    """What reading a secret table has shown: names, never values."""

    def __init__(self, secrets):
        self.columns, self.key = secrets.columns, secrets.key
        self.names, self.unreadable, self.repeated, self.nameless, self.filled = [], [], [], 0, {}

    def tell(self, entry):
        for reason, count in ((UNREADABLE, len(self.unreadable)), (REPEATED.format(self.key), len(self.repeated)), (NO_NAME.format(self.key), self.nameless)):
            if count:
                entry["leftOut"][reason] = count
        for field, value in (("unreadable", self.unreadable), ("repeated", self.repeated), ("filled", self.filled)):
            if value:
                entry[field] = value


def _read(cursor, table, take):
    """Call `take` with each record that moves, in the order of the keys; of several rows of one key the newest that can be read."""
    from airflow.models.crypto import get_fernet
    fernet, secrets = get_fernet(), SecretTable(cursor, table)
    found, several = Found(secrets), secrets.repeated_keys(cursor)
    number = "t.id" if secrets.has_id() else "NULL"
    rows = cursor.connection.cursor("mwaa_migrate_" + table["name"])  # on the server: values may be megabytes each
    rows.itersize = 50
    # coalesce: a row without a name is told too, though no name says whose it is.
    rows.execute("{} WHERE coalesce({}, true) ORDER BY t.{} COLLATE \"C\", {} DESC".format(
        secrets.select((number,)), own_filter(table, "t."), quoted(secrets.key), number))
    for row in rows:
        record, closed = secrets.read(fernet, row)
        name = record[secrets.key]
        shown = "{} (id {})".format(name, row[-1]) if name in several else name
        if name is None:
            found.nameless += 1
        elif closed:
            found.unreadable.append(shown)
        elif found.names and found.names[-1] == name:
            found.repeated.append(shown)
        else:
            take(record)
            found.names.append(name)
            for column in secrets.filled(record):
                found.filled.setdefault(column, []).append(name)
    rows.close()
    return found


# ---- side_files: Rows that stay behind though nobody chose so, written beside the export as the source has them: `<n>/export/left-out/<table>.csv.gz`.

def write_lost(command, cursor, form):
    """Returns the object's reference (protocol.ts ObjectRef) with `rows`; its first column `mwaa_reason` says why, the others are the source's own."""
    name = form.table["name"]
    writer = ObjectWriter(command.storage, "{}export/left-out/{}.csv.gz".format(command.prefix, name), "application/gzip")
    sink = TableWriter(writer, lambda done: command.say("writing what cannot move of {}".format(name), name, done))
    try:
        cursor.copy_expert("COPY ({}) TO STDOUT WITH (FORMAT csv, HEADER)".format(form.lost), sink)
        return dict(sink.close(), rows=sink.rows)
    except BaseException:
        writer.abort()
        raise


# ---- staying: Tables of the source that do not move, each with its reason: nothing is left behind unsaid.

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


# ---- export: export: one snapshot, every table as one object, and the manifest that names them (design §5).

MANIFEST_FORMAT = 1


def export(command):
    """Result data: the manifest's reference. A second try of the attempt writes every object anew."""
    job = command.job
    ended = command.storage.abort_uploads(command.prefix + "export/")
    if ended:
        command.say("ended {} multipart uploads of an earlier try".format(ended))
    database = Database()
    try:
        database.alone(job["migrationId"] + " export", 600, command.sleep)
        ended = read_ended(command)["instances"]
        if ended:
            with database.transaction() as cursor:
                keep_ended(cursor, still_ended(cursor, ended), job["drain"]["leftover"] == "fail")
        days, dags, is_filtered = job["metadata"]["historyDays"], job["metadata"]["dags"], has_run_filter(job["metadata"])
        if is_filtered:
            with database.transaction() as cursor:
                make_kept_runs(cursor)
        with database.snapshot() as cursor:
            manifest = _manifest_head(command, cursor)
            if is_filtered:
                command.say("finding the runs that move")
                find_kept_runs(cursor, days, dags)
            checksums = ChecksumsWriter(job["migrationId"], job["attempt"])
            for table in job["tables"]:
                _add_table(command, cursor, table, manifest, bool(ended), checksums)
            manifest["checksumsRef"] = command.storage.write(command.prefix + "export/checksums.jsonl.gz", checksums.close(), "application/gzip")
            manifest["notMoved"] += tables_that_stay(cursor, job["tables"])
            runs = runs_in_flight(cursor, job["drain"], still_ended(cursor, ended), dags)
            reference = command.storage.write_json(command.prefix + "in-flight.json", {
                "format": MANIFEST_FORMAT, "migrationId": job["migrationId"], "attempt": job["attempt"], "snapshotAt": manifest["snapshotAt"], "runs": runs})
            paused_at = read_active(command)["pausedAt"]
            # cutover compares with these: what was recorded before the drain is old by the runs that were made until the pause.
            manifest["schedulesRef"] = command.storage.write_json(command.prefix + "schedules.json", {
                "format": MANIFEST_FORMAT, "snapshotAt": manifest["snapshotAt"], "dags": active_dags(cursor, paused_too=True),
                "pausedAt": paused_at, "owedEvents": _owed_to_consumers(cursor, paused_at, job["targetVersion"])})
            manifest["inFlight"] = [without_tasks(run) for run in runs]
            manifest["inFlightRef"] = reference
    finally:
        database.close()
    command.say("writing the manifest")
    return {"manifest": command.storage.write_json(command.prefix + "export/manifest.json", manifest)}


def _owed_to_consumers(cursor, paused_at, target_version):
    return [{"dagId": one["dagId"], "uri": uri_that_moves(one["uri"], target_version), "at": one["at"]} for one in owed_events(cursor, paused_at)]


def _manifest_head(command, cursor):
    job = command.job
    if job["mode"] == "final" and job["envelope"] is None and any(table["secret"] for table in job["tables"]) and (
            job["metadata"]["variables"] or job["metadata"]["connections"]):
        raise Refusal("no-envelope", "A final export has no key to encrypt variables and connections for.", "their values never leave the source unencrypted.",
                      "run the phase again: it makes a key pair in the target first.")
    return {
        "format": MANIFEST_FORMAT, "migrationId": job["migrationId"], "attempt": job["attempt"], "mode": job["mode"], "targetVersion": job["targetVersion"],
        "filters": {name: job["metadata"][name] for name in (
            "historyDays", "auditLogDays", "dags", "xcom", "xcomMaxBytes", "jobs", "taskReschedule", "variables", "connections", "onConflict")},
        "envelope": None if job["envelope"] is None or job["mode"] == "rehearsal" else {
            name: value for name, value in job["envelope"].items() if name in ("wrap", "keyArn", "fingerprint")},
        "source": {"airflowVersion": airflow_version_text, "alembicHead": scalar(cursor, "SELECT min(version_num) FROM alembic_version"),
                   "databaseVersion": scalar(cursor, "SHOW server_version")},
        "snapshotAt": iso(scalar(cursor, "SELECT now()")), "tables": [], "notMoved": [], "activeDags": len(active_dags(cursor)),
    }


def _add_table(command, cursor, table, manifest, has_ended, checksums):
    name, metadata = table["name"], command.job["metadata"]
    form = NormalForm(cursor, table, metadata, AIRFLOW_VERSION, command.job["targetVersion"], has_ended)
    if not form.exists:
        manifest["notMoved"].append({"table": name, "reason": "Airflow {} has no such table".format(airflow_version_text)})
        return
    switch = SWITCHES.get(table["option"])
    if switch is not None and not metadata[switch]:
        manifest["notMoved"].append({"table": name, "reason": "metadata.{}: false in the migration file".format(table["option"]),
                                     "rows": scalar(cursor, "SELECT count(*) FROM {} WHERE {}".format(form.source, form.shape.own))})
        return
    command.say("counting {}".format(name), name)
    begun = time.monotonic()
    rows, left_out = form.count(cursor)
    entry = {
        "name": name, "columns": names(form.columns), "types": [column.type for column in form.columns], "rows": rows, "bytes": 0, "checksum": None,
        "parts": [], "secret": table["secret"], "filter": _filter_text(table, metadata), "leftOut": left_out,
    }
    if any(reason.is_lost and reason.text in left_out for reason in form.reasons):
        entry["leftOutFile"] = write_lost(command, cursor, form)
    if table["secret"]:
        export_secrets(command, cursor, table, entry)
    else:
        checksums.add(name, _export_rows(command, cursor, form, entry))
    entry["seconds"] = round(time.monotonic() - begun, 1)
    manifest["tables"].append(entry)


def _filter_text(table, metadata):
    """What was asked for, in words."""
    option, found = table["option"], []
    if option == "audit-log" and metadata["auditLogDays"] is not None:
        found.append("newest {} days".format(metadata["auditLogDays"]))
    if option in ("history", "xcom", "jobs", "task-reschedule") and metadata["historyDays"] is not None:
        found.append("newest {} days by logical date, runs in flight with what is before and behind, and the newest automated run of every DAG".format(
            metadata["historyDays"]))
    if option == "xcom" and not metadata["xcom"]:
        found = ["runs in flight only"]
    elif option == "xcom" and metadata["xcomMaxBytes"] is not None:
        found.append("up to {} bytes each, but all of runs in flight".format(metadata["xcomMaxBytes"]))
    if chooses(metadata["dags"]) and (table["dagColumn"] or table["parentKey"]):
        found.append("of the DAGs that metadata.dags takes")
    return "; ".join(found) or "all"


def _export_rows(command, cursor, form, entry):
    """Write the table's object; returns the sums over its rows."""
    name, total = form.table["name"], entry["rows"]
    writer = ObjectWriter(command.storage, "{}export/{}.csv.gz".format(command.prefix, name), "application/gzip")
    sink = TableWriter(writer, lambda done: command.say("exporting {}".format(name), name, done, total),
                       group_column(form.table, entry["columns"]) is not None)
    try:
        cursor.copy_expert("COPY ({}) TO STDOUT WITH (FORMAT csv, HEADER)".format(form.select), sink)
        reference = sink.close()
    except BaseException:
        writer.abort()
        raise
    if sink.rows != total:
        raise Refusal("defect", "{} gave {} rows, but {} were counted in the same snapshot.".format(name, sink.rows, total),
                      "this is a defect of mwaa-migrate.", "report it with the Airflow and PostgreSQL versions.")
    entry["bytes"] = reference["bytes"]
    entry["checksum"] = hex_sum(sink.sums.total)
    entry["parts"] = [dict(reference, rows=total, members=sink.parts)]
    command.say("exported {}: {} rows".format(name, total), name, total, total)
    return sink.sums


# ---- look: Command look: what moves in an environment whose REST API nobody reaches. And the user's DAGs that are called as ours are.

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
