"""The DAG runs of the target that this migration brought: what hangs on them must be what was exported."""
from _parts.database import columns_of, names, quoted


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
