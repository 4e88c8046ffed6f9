"""import: the manifest's tables into the target's live ones (design §5)."""
import json
import time

from _parts.database import Database, scalar
from _parts.failures import Refusal
from _parts.merge import merge_table
from _parts.on_conflict import policy_of
from _parts.replacing import Earlier
from _parts.secrets_in import import_secrets
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
