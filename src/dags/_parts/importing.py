"""import and verify: the manifest's tables against the target's live ones (design §5)."""
import json

from _parts.database import Database, quoted, scalar
from _parts.failures import Refusal
from _parts.merge import could_match, known_rows, merge_table
from _parts.activity import not_own
from _parts.secrets_in import import_variables, verify_variables
from _parts.staging import Staging


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
