"""mwaa-migrate in the target: preflight, keypair, import, verify, activate, deactivate (protocol.ts).

Rendered by the action for one attempt; as it stands in the repository it defines nothing that can run.
Works on Python 3.7 to 3.12, Airflow 1.10.12 to 2.11; imports only the standard library, Airflow, boto3, psycopg2 and cryptography.
"""
# Made by scripts/dags.mjs from src/dags: change it there.
import base64
import csv
import datetime
import gzip
import hashlib
import inspect
import io
import json
import logging
import os
import re
import struct
import subprocess
import sys
import threading
import time
import zlib
from airflow import DAG
from airflow import __version__ as airflow_version_text
from botocore.config import Config
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


# ---- activity: What moves in an environment: active DAGs, runs in flight. Used by both sides.

NEXT_RUN = ("next_dagrun", "next_dagrun_data_interval_start", "next_dagrun_data_interval_end", "next_dagrun_create_after")


def not_own(column="dag_id"):
    """SQL: the row is not of our own DAGs. A NULL dag_id is nobody's and stays."""
    return "({0} IS NULL OR {0} !~ {1})".format(column, literal(OWN_DAGS))


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


def runs_in_flight(cursor):
    """Runs that have not ended, with their unfinished task instances, as protocol.ts InFlightRun and `tasks`."""
    run_columns = names(columns_of(cursor, "dag_run"))
    task_columns = names(columns_of(cursor, "task_instance"))
    run_type = "run_type" if "run_type" in run_columns else "'unknown'"
    cursor.execute(
        "SELECT dag_id, run_id, {}, state, start_date, execution_date FROM dag_run WHERE coalesce(state, '') <> ALL(%s) AND {} "
        "ORDER BY dag_id, execution_date, run_id".format(run_type, not_own()), (list(FINISHED_RUNS),))
    runs = [{"dagId": row[0], "runId": row[1], "runType": row[2], "state": row[3] or "none", "startDate": iso(row[4]),
             "logicalDate": iso(row[5]), "unfinished": {}, "tasks": []} for row in cursor.fetchall()]
    by_key = {(run["dagId"], run["runId"]): run for run in runs}
    join = "r.run_id = t.run_id" if "run_id" in task_columns else "r.execution_date = t.execution_date"
    map_index = "t.map_index" if "map_index" in task_columns else "-1"
    cursor.execute(
        "SELECT r.dag_id, r.run_id, t.task_id, {}, t.state, t.try_number FROM task_instance t JOIN dag_run r ON r.dag_id = t.dag_id AND {} "
        "WHERE coalesce(r.state, '') <> ALL(%s) AND coalesce(t.state, '') <> ALL(%s) AND {} ORDER BY 1, 2, 3, 4".format(
            map_index, join, not_own("r.dag_id")), (list(FINISHED_RUNS), list(FINAL_STATES)))
    for dag_id, run_id, task_id, index, state, try_number in cursor.fetchall():
        run = by_key[(dag_id, run_id)]
        run["unfinished"][state or "none"] = run["unfinished"].get(state or "none", 0) + 1
        run["tasks"].append({"taskId": task_id, "mapIndex": index, "state": state, "tryNumber": try_number})
    return runs


def without_tasks(run):
    """InFlightRun of protocol.ts: without the single tasks, and without what only in-flight.json holds."""
    return {key: run[key] for key in ("dagId", "runId", "runType", "state", "startDate", "unfinished")}


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
    return boto3.client(service, region_name=region, endpoint_url=endpoint or None,
                        config=Config(retries={"mode": "standard", "max_attempts": 8}, connect_timeout=20, read_timeout=120))


def sha256_of(data):
    return hashlib.sha256(data).hexdigest()


class Storage(object):
    """One bucket through the environment's execution role."""

    def __init__(self, bucket, owner, region):
        self.client = aws_client("s3", region)
        self.here = {"Bucket": bucket, "ExpectedBucketOwner": owner}

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

    `checksum` is independent of the rows' order: the sum of the first 64 bits of SHA-256 over each row's line. Made here and
    not by the server, where it takes a second scan as long as COPY's own.
    """

    def __init__(self, writer, on_rows=None):
        self.writer = writer
        self.on_rows = on_rows
        self.parts = []
        self.rows = 0
        self.part = None
        self.header_seen = False
        self.batch = []
        self.batch_bytes = 0
        self.sum = 0

    @property
    def checksum(self):
        """16 hex digits."""
        return "{:016x}".format(self.sum % 2 ** 64)

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
        self.sum += int.from_bytes(hashlib.sha256(data).digest()[:8], "big")
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


# ---- activation: activate: a DAG is switched on only when its next run is the one the source would have made (design §5).

#: Minutes: MWAA scans its DAG folder every few minutes, and a large one takes a while.
PARSE_SECONDS = 900
POLL_SECONDS = 5
#: A DAG that the target sees for the first time gets its next run without a look at the history [ran, 2.10.3]; the second parse has it right.
PARSES = 2


def activate(command):
    """Result data: protocol.ts ActivateData."""
    wanted = _as_of_snapshot(command)
    database = Database()
    try:
        with database.transaction() as cursor:
            begun = scalar(cursor, "SELECT now()")
        states = _states(database, wanted, begun)
        already = [one["dagId"] for one in wanted if one["dagId"] in states and not states[one["dagId"]]["paused"]]
        todo = [one for one in wanted if one["dagId"] not in already]
        left, ready = [], []
        for _ in range(PARSES):
            if all(_obstacle(one, states.get(one["dagId"])) is None for one in todo):
                break
            if not _parse_now(command):
                _await_parse(command, database, todo, begun)
            states = _states(database, todo, begun)
        for one in todo:
            reason = _obstacle(one, states.get(one["dagId"]))
            if reason is None:
                ready.append(one["dagId"])
            else:
                left.append({"dagId": one["dagId"], "reason": reason})
        # Parked runs are to be queued here, before their DAG is unpaused: the other order can deadlock max_active_runs=1 with depends_on_past.
        activated = []
        for dag_id in ready:
            activated += set_paused(database, [dag_id], False)
            command.say("activated {} of {} DAGs".format(len(activated), len(wanted)), None, len(activated), len(wanted))
        return {"activated": activated, "alreadyActive": already, "left": left}
    finally:
        database.close()


def _as_of_snapshot(command):
    """The wanted DAGs with the next run that the source would have made at the snapshot: the job's own is of before the drain."""
    reference = command.rendered["manifest"]
    key = command.prefix + "export/manifest.json"
    body = command.storage.read_checked(reference, "the export manifest") if reference else command.storage.read_if_there(key)
    schedules = json.loads(body.decode("utf-8")).get("schedulesRef") if body else None
    if schedules is None:
        return command.job["activeDags"]
    known = {one["dagId"]: one for one in json.loads(command.storage.read_checked(schedules, "the source's schedules").decode("utf-8"))["dags"]}
    return [known.get(one["dagId"], one) for one in command.job["activeDags"]]


def deactivate(command):
    """Pause whatever is active on the target, without our own DAG. Result data: protocol.ts DeactivateData."""
    database = Database()
    try:
        with database.transaction() as cursor:
            cursor.execute("SELECT dag_id FROM dag WHERE NOT is_paused AND is_active AND {}".format(not_own()))
            active = [row[0] for row in cursor.fetchall()]
        return {"paused": set_paused(database, active, True)}
    finally:
        database.close()


def _states(database, wanted, begun):
    """dag_id → its state; `isFresh`: its file was parsed since `begun` (below 2.0, where nothing tells, taken as true)."""
    with database.transaction() as cursor:
        there = next_run_columns(cursor)
        parsed = "last_parsed_time" if "last_parsed_time" in names(columns_of(cursor, "dag")) else "now()"
        cursor.execute("SELECT dag_id, is_paused, {}, now(), coalesce({} >= %s, false) FROM dag WHERE is_active AND dag_id = ANY(%s)".format(
            ", ".join(name if name in there else "NULL::timestamptz" for name in NEXT_RUN), parsed), (begun, [one["dagId"] for one in wanted]))
        return {row[0]: {"paused": row[1], "next": iso(row[2]), "start": iso(row[3]), "end": iso(row[4]), "after": iso(row[5]), "now": iso(row[6]),
                         "isFresh": row[7]} for row in cursor.fetchall()}


def _awaits_parse(one, states):
    """The import has set the next run to NULL, or the DAG file has not been parsed at all."""
    state = states.get(one["dagId"])
    return state is None or (state["next"] is None and not state["isFresh"])


def _parse_now(command):
    """`airflow dags reserialize` parses the DAG folder at once (2.4+). False where it cannot: the processor's own turn must be waited for."""
    if AIRFLOW_VERSION < (2, 4):
        return False
    command.say("parsing the DAG files again")
    program = "import sys; from airflow.__main__ import main; sys.argv = ['airflow', 'dags', 'reserialize']; main()"
    try:
        done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PARSE_SECONDS, check=False)
        return done.returncode == 0
    except (OSError, subprocess.TimeoutExpired):  # The caller waits, and its progress says for what.
        return False


def _await_parse(command, database, todo, begun):
    deadline = time.time() + PARSE_SECONDS
    while True:
        states = _states(database, todo, begun)
        waiting = [one for one in todo if _awaits_parse(one, states)]
        if not waiting or time.time() >= deadline:
            return
        command.say("waiting until {} DAGs are parsed".format(len(waiting)))
        command.sleep(POLL_SECONDS)


def _obstacle(one, state):
    """Why this DAG may not be switched on; None when its next run continues the source's history."""
    if state is None:
        return "the target has no active DAG of this id: look for import errors, or for its file in the DAG folder"
    expected, found = one["nextDagrun"], state["next"]
    if found is None and not state["isFresh"]:  # Also where none is expected: NULL is what the import has left there.
        return "its DAG file has not been parsed since the import: wait for the scheduler and run cutover again"
    if expected == found:
        return None
    if expected is None:
        return "the source would run it no more, the target next at {}: compare the schedules of both DAG files".format(found)
    if found is None:
        return "the target would run it no more, the source next at {}: compare the schedules of both DAG files".format(expected)
    if one["catchup"] is not True and found > expected and (state["end"] or state["after"] or found) <= state["now"]:
        return None  # Without catchup the newest finished interval is right; what lies between is reported as missed.
    return "its next run would be {}, the source's {}: compare history, schedule and catchup of both".format(found, expected)


# ---- merge: One staged table into the live one, in one transaction: what is equal stays, what conflicts goes to the side file, the rest is written.

RACES = 3


class Raced(Exception):
    """The target's own processes wrote a row of the same key in between."""


def merge_table(command, database, staged, runs):
    """Merge and report as protocol.ts ImportedTable.

    :param str runs: quoted name of the table (dag_id, run_id, id) of the runs whose children may land; made here by dag_run.
    """
    for _ in range(RACES):
        try:
            return database.settle(lambda cursor: _merge(command, cursor, staged, runs))
        except Raced:
            command.say("{} changed meanwhile, looking again".format(staged.table["name"]), staged.table["name"])
    raise Refusal("target-busy", "Rows of {} appeared on the target while its history was written, {} times.".format(staged.table["name"], RACES),
                  "a DAG runs there that should be paused; nothing of this table was committed.", "pause the target's DAGs and run import again.")


def _merge(command, cursor, staged, runs):
    name, rows = staged.table["name"], staged.entry["rows"]
    command.say("merging {}".format(name), name, 0, rows)
    if staged.exists and staged.table["adopt"] is not None:
        _adopt(cursor, staged)
    _judge(cursor, staged, runs)
    if name == "dag_run":
        _forget_next_runs(cursor, staged)
    cursor.execute("SELECT count(*) FILTER (WHERE reason IS NULL), count(*) FILTER (WHERE reason IS NOT NULL) FROM mwaa_verdict")
    there, rejected = cursor.fetchone()
    inserted = 0
    if staged.exists and rows > there + rejected:
        cursor.execute("INSERT INTO {} ({}) SELECT {} FROM {}{} ON CONFLICT DO NOTHING".format(
            staged.target, ", ".join(map(quoted, staged.columns)), ", ".join(expression for _, expression in staged.expressions),
            _source(staged, runs), " WHERE NOT EXISTS (SELECT 1 FROM mwaa_verdict v WHERE v.line = s.ctid)" if there + rejected else ""))
        inserted = cursor.rowcount
    if inserted + there + rejected != rows:
        raise Raced()
    reasons, side_file = {}, None
    if rejected:
        cursor.execute("SELECT reason, count(*) FROM mwaa_verdict WHERE reason IS NOT NULL GROUP BY 1 ORDER BY 1")
        reasons = dict(cursor.fetchall())
        side_file = _write_rejected(command, cursor, staged)
    if name == "dag_run":
        _remember_runs(cursor, staged, runs)
    command.say("{}: {} written, {} there already, {} rejected".format(name, inserted, there, rejected), name, rows, rows)
    return {"rows": rows, "inserted": inserted, "alreadyThere": there, "rejected": rejected, "reasons": reasons, "rejectedFile": side_file}


def _source(staged, runs):
    """Staged rows `s`, with their run `r` where there is a parent."""
    if "run_id" not in staged.table["parentKey"]:
        return "{} s".format(staged.stage)
    return "{} s LEFT JOIN {} r ON r.dag_id = s.dag_id AND r.run_id = s.run_id".format(staged.stage, runs)


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
        if table["parent"] == "task_instance":
            joins += " LEFT JOIN task_instance p ON {}".format(_same(table["parentKey"], "p"))
            cases.append(("p.dag_id IS NULL", "its task instance is not on the target"))
        if table["merge"] == "keyed":
            joins += " LEFT JOIN {} t0 ON {}".format(staged.target, _same(table["key"], "t0"))
            there = "t0.{} IS NOT NULL".format(quoted(table["key"][0]))
            cases.append(("{} AND {}".format(there, staged.differs()), "the target has a different row of the same {}".format(", ".join(table["key"]))))
            cases.append((there, None))
            for number, key in enumerate(table["otherKeys"], 1):
                joins += " LEFT JOIN {} t{} ON {}".format(staged.target, number, _same(key, "t{}".format(number)))
                cases.append(("t{}.{} IS NOT NULL".format(number, quoted(key[0])), "the target has another row of the same {}".format(", ".join(key))))
    cursor.execute("DROP TABLE IF EXISTS pg_temp.mwaa_verdict")
    if not cases:
        cursor.execute("CREATE TEMP TABLE mwaa_verdict (line tid, reason text) ON COMMIT DROP")
    else:
        cursor.execute("CREATE TEMP TABLE mwaa_verdict ON COMMIT DROP AS SELECT s.ctid AS line, CASE {} END AS reason FROM {}{} WHERE {}".format(
            " ".join("WHEN {} THEN {}".format(test, "NULL" if reason is None else literal(reason)) for test, reason in cases),
            _source(staged, runs), joins, " OR ".join("({})".format(test) for test, _ in cases)))
    cursor.execute("ANALYZE mwaa_verdict")
    if staged.exists and table["merge"] == "multiset" and could_match(cursor, staged):
        cursor.execute("INSERT INTO mwaa_verdict (line, reason) SELECT line, NULL FROM ({}) known".format(
            known_rows(staged, _source(staged, runs) + " WHERE NOT EXISTS (SELECT 1 FROM mwaa_verdict v WHERE v.line = s.ctid)")))
        cursor.execute("ANALYZE mwaa_verdict")


def _same(key, alias):
    return " AND ".join("{0}.{1} = s.{1}".format(alias, quoted(column)) for column in key)


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
    """The runs under which children may land, brought now or equal before, with the target's id of each."""
    cursor.execute("DROP TABLE IF EXISTS {}".format(runs))
    cursor.execute("CREATE UNLOGGED TABLE {} AS SELECT s.dag_id, s.run_id, t.id FROM {} s JOIN dag_run t ON t.dag_id = s.dag_id AND t.run_id = s.run_id "
                   "WHERE NOT EXISTS (SELECT 1 FROM mwaa_verdict v WHERE v.line = s.ctid AND v.reason IS NOT NULL)".format(runs, staged.stage))
    cursor.execute("ALTER TABLE {} ADD PRIMARY KEY (dag_id, run_id)".format(runs))
    cursor.execute("ANALYZE {}".format(runs))


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


# ---- envelope: Variables on their way: chunks of AES-256-GCM under a data key that only KMS or the target's one-time key can unwrap.

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
                      "variables would be readable by the holder of another key.", "run export again, which makes a new key pair in the target.")
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
            raise Refusal("damaged", "The encrypted variables cannot be opened.", "they were changed after the export, so none was imported.",
                          "run export (final) again and import its result.")
        number += 1
        lines = waiting.split(b"\n")
        waiting = lines.pop()
        for line in lines:
            yield json.loads(line.decode("ascii"))


def _frame_names(name, number, last):
    return number.to_bytes(12, "big"), "{}|{}|{}".format(name, number, "last" if last else "more").encode("utf-8")


# ---- secrets_in: Variables out of the envelope and, in one transaction, into the target under its own Fernet key.

CONFLICT = "exists with another value"
OTHER_DESCRIPTION = "exists with the same value and another description"
USED_UP = "not on the target, and the one-time key was used up by an earlier import"


def key_names(command):
    return tuple("mwaa_migrate_{}_{}_key".format(command.short_hash, half) for half in ("private", "public"))


def target_fernet():
    from airflow.models.crypto import get_fernet
    fernet = get_fernet()
    if not getattr(fernet, "is_encrypted", False):
        raise Refusal("no-fernet-key", "The target has no Fernet key.", "a private key and the variables would lie in its database as plain text.",
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


def _private_key(fernet, value):
    return load_private(fernet.decrypt(value.encode("ascii")).decode("ascii"))


def import_variables(command, database, entry):
    """Report as protocol.ts ImportedTable. No value is shown, whatever happens; a rejected row is named by its key."""
    if not entry["parts"]:
        raise Refusal("rehearsal", "This export is a rehearsal: it holds no values of variables.", "only a final export can be imported.",
                      "run export with mode: final, and import its result.")
    part = entry["parts"][0]
    data = command.storage.read_checked(part, "the encrypted variables")
    fernet, seal = target_fernet(), entry["seal"]
    with database.transaction() as cursor:
        private = _one_time_key(cursor, command, fernet) if seal["wrap"] == "rsa" else None
        if seal["wrap"] == "rsa" and private is None:
            there, rejected = _after_use(command, cursor, entry)
            inserted = 0
        else:
            key = open_data_key(seal, context_of(command.rendered, "variable"), private)
            inserted, there, rejected = _write(cursor, fernet, opened(key, sealed_for(command.rendered, "variable"), data))
        if inserted + there + len(rejected) != entry["rows"]:
            raise Refusal("damaged", "The encrypted variables are {} rows instead of {}.".format(inserted + there + len(rejected), entry["rows"]),
                          "so none was imported.", "run export (final) again and import its result.")
        # Before the commit that ends the key: a later try can then still say what was rejected.
        side_file = _write_rejected_keys(command, rejected)
        cursor.execute("DELETE FROM variable WHERE key = ANY(%s)", (list(key_names(command)),))
    reasons = {}
    for _, reason in rejected:
        reasons[reason] = reasons.get(reason, 0) + 1
    command.say("variable: {} written, {} there already, {} rejected".format(inserted, there, len(rejected)), "variable", entry["rows"], entry["rows"])
    return {"rows": entry["rows"], "inserted": inserted, "alreadyThere": there, "rejected": len(rejected), "reasons": reasons, "rejectedFile": side_file}


def _one_time_key(cursor, command, fernet):
    cursor.execute("SELECT val FROM variable WHERE key = %s", (key_names(command)[0],))
    row = cursor.fetchone()
    return None if row is None else _private_key(fernet, row[0])


def _write(cursor, fernet, records):
    inserted, there, rejected = 0, 0, []
    for record in records:
        value = None if record["val"] is None else fernet.encrypt(record["val"].encode("utf-8")).decode("ascii")
        cursor.execute("INSERT INTO variable (key, val, is_encrypted, description) VALUES (%s, %s, %s, %s) ON CONFLICT (key) DO NOTHING",
                       (record["key"], value, value is not None, record["description"]))
        if cursor.rowcount:
            inserted += 1
            continue
        cursor.execute("SELECT val, is_encrypted, description FROM variable WHERE key = %s", (record["key"],))
        known, is_encrypted, description = cursor.fetchone()
        if readable(fernet, known, is_encrypted) != (True, record["val"]):
            rejected.append((record["key"], CONFLICT))
        elif description != record["description"]:
            rejected.append((record["key"], OTHER_DESCRIPTION))
        else:
            there += 1
    return inserted, there, rejected


def readable(fernet, value, is_encrypted):
    """(can it be read, its value)."""
    if value is None or not is_encrypted:
        return True, value
    try:
        return True, fernet.decrypt(value.encode("utf-8")).decode("utf-8")
    except Exception:  # encrypted under a key that this environment no longer has
        return False, None


def _after_use(command, cursor, entry):
    """An earlier import committed these rows and ended its key: what it rejected stands in its side file, the rest is there."""
    known = command.storage.read_if_there(_side_key(command))
    rejected = [] if known is None else [tuple(row) for row in list(csv.reader(io.StringIO(gzip.decompress(known).decode("utf-8"), newline="")))[1:]]
    rejected = [(name, reason) for reason, name in rejected]
    cursor.execute("SELECT key FROM variable WHERE key = ANY(%s)", (entry["names"],))
    live = {row[0] for row in cursor.fetchall()}
    before = {name for name, _ in rejected}
    rejected += [(name, USED_UP) for name in entry["names"] if name not in live and name not in before]
    return entry["rows"] - len(rejected), rejected


def _side_key(command):
    return command.prefix + "import/rejected/variable.csv.gz"


def _write_rejected_keys(command, rejected):
    if not rejected:
        command.storage.remove(_side_key(command))
        return None
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("mwaa_reason", "key"))
    writer.writerows((reason, name) for name, reason in rejected)
    data = io.BytesIO()
    with gzip.GzipFile(fileobj=data, mode="wb", mtime=0) as packed:
        packed.write(text.getvalue().encode("utf-8"))
    return command.storage.write(_side_key(command), data.getvalue(), "application/gzip")


def verify_variables(cursor, command, entry):
    """By name: the values are gone from S3 by now. `different`: there, but not readable under the target's Fernet key."""
    fernet, rejected = target_fernet(), set()
    known = command.storage.read_if_there(_side_key(command))
    if known is not None:
        rejected = {row[1] for row in list(csv.reader(io.StringIO(gzip.decompress(known).decode("utf-8"), newline="")))[1:]}
    cursor.execute("SELECT key, val, is_encrypted FROM variable WHERE key = ANY(%s)", (entry["names"],))
    state = {name: readable(fernet, value, is_encrypted)[0] for name, value, is_encrypted in cursor}
    considered = [name for name in entry["names"] if name not in rejected]
    return {"rows": entry["rows"], "equal": sum(1 for name in considered if state.get(name)), "missing": sum(1 for name in considered if name not in state),
            "different": sum(1 for name in considered if state.get(name) is False), "rejected": len(entry["names"]) - len(considered)}


# ---- staging: Exported parts in unlogged tables beside the live ones; dropped whatever happens.

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

    def load(self, table, entry):
        """Stage one table of the manifest; returns its StagedTable. Every part's SHA-256 is checked before its rows are committed."""
        with self.database.transaction() as cursor:
            staged = StagedTable(cursor, self, table, entry)
            self._fill(cursor, staged, table["name"], [dict(part, rows=part["rows"]) for part in entry["parts"]], entry["columns"], entry["rows"])
        with self.database.transaction() as cursor:
            cursor.execute("ANALYZE {}".format(staged.stage))
        return staged

    def load_rejected(self, cursor, staged, reference, rows):
        """Stage a side file of `import` as table `rejected`: its reason, then the staged columns."""
        columns = ["mwaa_reason"] + staged.entry["columns"]
        self._fill(cursor, staged, "rejected", [reference], columns, rows)
        return self.name("rejected")

    def _fill(self, cursor, staged, name, parts, columns, total):
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
                cursor.copy_expert("COPY {} ({}) FROM STDIN WITH (FORMAT csv{})".format(
                    stage, ", ".join(map(quoted, columns)), ", HEADER" if header else ""), PartReader(data), 131072)
                loaded, at, header = loaded + cursor.rowcount, at + member["length"], False
                self.command.say("reading {}".format(name), name, loaded, total)
            if at != part["bytes"]:
                raise damaged("the part list of {}".format(name), part["key"])
        if loaded != total:
            raise damaged("{}, which holds {} rows instead of {},".format(name, loaded, total), parts[0]["key"] if parts else "no part")


class StagedTable(object):
    """One staged table and how its rows are written: `columns` of the target with an `expression` each, over `s` and its run `r`."""

    def __init__(self, cursor, staging, table, entry):
        self.table = table
        self.entry = entry
        self.stage = staging.name(table["name"])
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
        there = names(self.live)
        return [name for name in self.entry["columns"] if name not in there]

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
        if rule == "new-run-id":
            return "r.id"
        if rule.startswith("default:"):
            value = "'{}'::{}".format(rule[len("default:"):].replace("'", "''"), column.type)
            return "coalesce(s.{}, {})".format(name, value) if column.name in self.entry["columns"] else value
        return "s." + name if column.name in self.entry["columns"] else None

    def differs(self, live="t0"):
        """SQL: the staged row and the live row of the same key are not equal, but for what the target changes by itself."""
        rules, unlike = self.table["rules"], set(self.table["key"]) | set(self.table["volatile"])
        compared = [(name, expression) for name, expression in self.expressions
                    if name not in unlike and rules.get(name) not in ("empty-pickle", "current-template")
                    and (name in self.entry["columns"] or rules.get(name) == "new-run-id")]
        adopt = self.table["adopt"]
        if adopt is None:
            return self._any_differs(compared, live)
        adopted = [pair for pair in compared if pair[0] in adopt["columns"]]
        return "CASE WHEN s.{} = '{}' THEN {} ELSE {} END".format(
            quoted(adopt["column"]), adopt["value"], self._any_differs(adopted, live), self._any_differs(compared, live))

    def _any_differs(self, compared, live):
        # json has no equality; its text has.
        tests = ["({})::text IS DISTINCT FROM {}.{}::text".format(expression, live, quoted(name)) if self._types[name] == "json"
                 else "{} IS DISTINCT FROM {}.{}".format(expression, live, quoted(name)) for name, expression in compared]
        return "({})".format(" OR ".join(tests) or "false")

    def unfit(self):
        """[(condition, reason)] for rows that the target's columns cannot take."""
        found = []
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


# ---- importing: import and verify: the manifest's tables against the target's live ones (design §5).

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
    for table, entry in tables:
        if table["secret"]:
            report[table["name"]] = import_variables(command, database, entry)
            continue
        staged = staging.load(table, entry)
        report[table["name"]] = merge_table(command, database, staged, runs)
        if staged.columns_left:
            left[table["name"]] = staged.columns_left
        staging.drop(table["name"])
    parked = [(run["dagId"], run["runId"]) for run in manifest["inFlight"]]
    landed = 0
    if parked and "dag_run" in report:
        with database.transaction() as cursor:
            landed = scalar(cursor, "SELECT count(*) FROM {} r JOIN unnest(%s::text[], %s::text[]) AS p(dag_id, run_id) "
                            "ON p.dag_id = r.dag_id AND p.run_id = r.run_id".format(runs),
                            ([run[0] for run in parked], [run[1] for run in parked]))
    return {"tables": report, "parkedRuns": landed, "columnsLeft": left}


def verify_tables(command):
    """Result data: protocol.ts VerifyData. Stages the exported rows again and looks for each on the target; changes nothing that lasts."""
    _, tables = read_manifest(command)
    imported = command.storage.read_if_there(command.prefix + "import/result.json")
    reported = (json.loads(imported.decode("utf-8")).get("data") or {}).get("tables", {}) if imported else {}
    database = Database()
    try:
        database.alone(command.job["migrationId"] + " import", 600, command.sleep)
        staging = Staging(command, database)
        staging.drop_all()
        try:
            found = {}
            for table, entry in tables:
                if table["secret"]:
                    if entry["parts"]:
                        with database.transaction() as cursor:
                            found[table["name"]] = verify_variables(cursor, command, entry)
                    continue
                staged = staging.load(table, entry)
                found[table["name"]] = _verify(command, database, staging, staged, reported.get(table["name"]))
                staging.drop(table["name"])
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


def _verify(command, database, staging, staged, report):
    name, rows, rejected = staged.table["name"], staged.entry["rows"], 0
    command.say("verifying {}".format(name), name, 0, rows)
    with database.transaction() as cursor:
        if report and report["rejectedFile"]:
            rejected = _take_out(cursor, staging, staged, report)
        if not staged.exists:
            equal, different = 0, 0
        elif staged.table["merge"] == "multiset":
            equal, different = 0, 0
            if could_match(cursor, staged):
                equal = scalar(cursor, "SELECT count(*) FROM ({}) known".format(known_rows(staged, "{} s".format(staged.stage))))
        else:
            key = " AND ".join("t0.{0} = s.{0}".format(quoted(column)) for column in staged.table["key"])
            run = " LEFT JOIN dag_run r ON r.dag_id = s.dag_id AND r.run_id = s.run_id" if "run_id" in staged.table["parentKey"] else ""
            cursor.execute("SELECT count(*) FILTER (WHERE NOT {0}), count(*) FILTER (WHERE {0}) FROM {1} s JOIN {2} t0 ON {3}{4}".format(
                staged.differs(), staged.stage, staged.target, key, run))
            equal, different = cursor.fetchone()
    command.say("{}: {} equal, {} different, {} rejected of {}".format(name, equal, different, rejected, rows), name, rows, rows)
    return {"rows": rows, "equal": equal, "missing": rows - rejected - equal - different, "different": different, "rejected": rejected}


def _take_out(cursor, staging, staged, report):
    """Remove from the stage the rows that import's side file holds; returns how many."""
    side = staging.load_rejected(cursor, staged, report["rejectedFile"], report["rejected"])
    mine = staged.row_hash(["s." + quoted(column) for column in staged.entry["columns"]])
    theirs = staged.row_hash(["j." + quoted(column) for column in staged.entry["columns"]])
    cursor.execute("DELETE FROM {stage} WHERE ctid IN (SELECT line FROM (SELECT m.line, l.n, row_number() OVER (PARTITION BY m.h ORDER BY m.line) AS k "
                   "FROM (SELECT s.ctid AS line, {mine} AS h FROM {stage} s) m "
                   "JOIN (SELECT {theirs} AS h, count(*) AS n FROM {side} j GROUP BY 1) l ON l.h = m.h) x "
                   "WHERE k <= n)".format(stage=staged.stage, mine=mine, theirs=theirs, side=side))
    removed = cursor.rowcount
    cursor.execute("DROP TABLE {}".format(side))
    return removed


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
