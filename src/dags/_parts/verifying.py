"""verify: every exported row must be on the target, once, and this changes nothing there (design §5).

What both databases give the same count and checksum of is equal. Only DAGs of which they do not are compared row by row.
"""
import json

from _parts.activity import not_own
from _parts.brought_runs import BroughtRuns
from _parts.checksums import group_column, read_checksums
from _parts.comparing import Comparison
from _parts.database import Database, quoted, scalar
from _parts.datasets import DATASET_TRIGGERED
from _parts.importing import read_manifest
from _parts.left_out import LARGE_XCOM, NO_XCOM
from _parts.live_sums import live_sums
from _parts.secrets_in import verify_secrets
from _parts.staging import Staging


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
