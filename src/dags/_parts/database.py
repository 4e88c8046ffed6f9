"""The environment's own metadata database, through the connection Airflow itself uses."""
import re

from _parts.failures import Refusal

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
