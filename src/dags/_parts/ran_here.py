"""deactivate/ran.json (protocol.ts RanOnTarget): what the target ran since the snapshot, and how a repeated deactivate still knows it."""
import json

from _parts.activity import not_own
from _parts.database import FINAL_STATES, FINISHED_RUNS, columns_of, iso, names

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
