"""export: one snapshot, every table as one object, and the manifest that names them (design §5)."""
import time

from airflow import __version__ as airflow_version_text

from _parts.activity import active_dags, runs_in_flight, without_tasks
from _parts.checksums import ChecksumsWriter, group_column, hex_sum
from _parts.dagfile import AIRFLOW_VERSION
from _parts.database import Database, iso, names, scalar
from _parts.datasets import uri_that_moves
from _parts.drained import read_active, read_ended
from _parts.ended import keep_ended, still_ended
from _parts.failures import Refusal
from _parts.kept_runs import find_kept_runs, has_run_filter, make_kept_runs
from _parts.left_out import SWITCHES
from _parts.normal_form import NormalForm
from _parts.owed_events import owed_events
from _parts.patterns import chooses
from _parts.secrets_out import export_secrets
from _parts.side_files import write_lost
from _parts.staying import tables_that_stay
from _parts.storage import ObjectWriter, TableWriter

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
