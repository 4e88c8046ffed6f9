"""verify: every exported row is looked for on the target, and changes nothing there (design §5)."""
import json

from _parts.activity import not_own
from _parts.database import Database, columns_of, names, quoted, scalar
from _parts.datasets import DATASET_TRIGGERED
from _parts.importing import read_manifest
from _parts.merge import could_match, known_rows
from _parts.secrets_in import verify_secrets
from _parts.staging import Staging


def verify_tables(command):
    """Result data: protocol.ts VerifyData. Stages the exported rows again and looks for each on the target; changes nothing that lasts."""
    manifest, tables = read_manifest(command)
    imported = command.storage.read_if_there(command.prefix + "import/result.json")
    reported = (json.loads(imported.decode("utf-8")).get("data") or {}).get("tables", {}) if imported else {}
    database = Database()
    try:
        database.alone(command.job["migrationId"] + " import", 600, command.sleep)
        staging = Staging(command, database)
        staging.drop_all()
        try:
            found = {}
            _stage_resumed(database, staging, manifest)
            for table, entry in tables:
                if table["secret"]:
                    if entry["parts"]:
                        with database.transaction() as cursor:
                            found[table["name"]] = verify_secrets(cursor, command, table, entry)
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


def _stage_resumed(database, staging, manifest):
    """The parked runs that were queued since the snapshot: they go on here, and what becomes of their rows is no loss."""
    with database.transaction() as cursor:
        queued = "r.queued_at > %s::timestamptz" if "queued_at" in names(columns_of(cursor, "dag_run")) else "%s IS NULL"
        cursor.execute("CREATE UNLOGGED TABLE {} AS SELECT r.dag_id, r.run_id FROM dag_run r JOIN unnest(%s::text[], %s::text[]) AS p(dag_id, run_id) "
                       "ON p.dag_id = r.dag_id AND p.run_id = r.run_id WHERE {}".format(staging.name("resumed"), queued),
                       ([run["dagId"] for run in manifest["inFlight"]], [run["runId"] for run in manifest["inFlight"]], manifest["snapshotAt"]))


def _add_own_runs(cursor, staging, staged):
    """Runs that the target made itself, for which the source only has a stand-in: what the source says of their tasks is no second opinion."""
    cursor.execute("INSERT INTO {} SELECT s.dag_id, s.run_id FROM {} s JOIN {} t ON t.dag_id = s.dag_id AND t.run_id = s.run_id WHERE {} AND NOT {}".format(
        staging.name("resumed"), staged.stage, staged.target, staged.stands_in("s"), staged.stands_in("t")))


def _goes_on(staging, staged):
    """SQL: Airflow itself has changed or taken the staged row since cutover, or may have."""
    waiting = [column for column, rule in staged.table["rules"].items() if rule == "waiting-dag"]
    if waiting:
        # Its run is as new as the newest row that it was made for, and takes all rows of its DAG away.
        return "EXISTS (SELECT 1 FROM dag_run z WHERE z.dag_id = s.{} AND z.run_type = '{}' AND z.execution_date >= s.{})".format(
            quoted(waiting[0]), DATASET_TRIGGERED, quoted(staged.table["timeColumn"]))
    if "run_id" in staged.entry["columns"] and "dag_id" in staged.entry["columns"]:
        return "(s.dag_id, s.run_id) IN (SELECT dag_id, run_id FROM {})".format(staging.name("resumed"))
    return "false"


def _verify(command, database, staging, staged, report):
    name, rows, rejected, equal, different, resumed = staged.table["name"], staged.entry["rows"], 0, 0, 0, 0
    command.say("verifying {}".format(name), name, 0, rows)
    goes_on, lost = _goes_on(staging, staged), None
    with database.transaction() as cursor:
        if staged.exists and name == "dag_run":
            _add_own_runs(cursor, staging, staged)
        if report and report["rejectedFile"]:
            rejected = _take_out(cursor, staging, staged, report)
        if staged.exists and staged.table["merge"] == "multiset":
            # A join, for more lines than fit into work_mem make NOT IN look through all of them for each row.
            known = known_rows(staged, staged.source("dag_run")) if could_match(cursor, staged) else "SELECT NULL::tid AS line WHERE false"
            cursor.execute("SELECT count(k.line), count(*) FILTER (WHERE k.line IS NULL AND {}) FROM {} s LEFT JOIN ({}) k ON k.line = s.ctid".format(
                goes_on, staged.stage, known))
            equal, resumed = cursor.fetchone()
        elif staged.exists:
            same = staged.same(staged.table["key"], "t0")
            cursor.execute("SELECT count(*) FILTER (WHERE NOT {0}), count(*) FILTER (WHERE {0} AND NOT {1}), count(*) FILTER (WHERE {1} AND {0}) "
                           "FROM {2} JOIN {3} t0 ON {4}".format(staged.differs(), goes_on, staged.source("dag_run"), staged.target, same))
            equal, different, resumed = cursor.fetchone()
            lost = "SELECT count(*) FROM {} WHERE {} AND NOT EXISTS (SELECT 1 FROM {} t0 WHERE {})".format(
                staged.source("dag_run"), goes_on, staged.target, same)
        if lost is not None and equal + different + resumed + rejected < rows:
            resumed += scalar(cursor, lost)
    missing = rows - rejected - equal - different - resumed
    command.say("{}: {} equal, {} missing, {} different, {} rejected, {} resumed of {}".format(
        name, equal, missing, different, rejected, resumed, rows), name, rows, rows)
    return {"rows": rows, "equal": equal, "missing": missing, "different": different, "rejected": rejected, "resumed": resumed}


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
