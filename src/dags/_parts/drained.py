"""What the drain writes down before it does it (S3, `<attempt>/drain/`), so that a later try, export and restore know what is ours.

`active.json`: {"dagIds": [...], "pausedAt": {dag_id: ISO 8601 UTC}}.
`ended.json`: {"instances": [...], "runs": [...], "settled"}; an instance is {dagId, runId, taskId, mapIndex, state, tryNumber, jobId, endedAt,
hasTrigger, ordered}: state, tryNumber (the column's value) and jobId (its process) are of before; endedAt is its end_date since, the mark by
which it is known (ended.py); hasTrigger: it had come back from the triggerer; ordered (absent: no): it was set to failed. A run is {dagId,
runId, upstreamFailed: [[taskId, mapIndex]]}: what was so before. settled (absent: no): whatever was set to failed, by earlier attempts too,
stands without state since (settling.py), and only that is listed.
"""
import json

from _parts.failures import Refusal


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
