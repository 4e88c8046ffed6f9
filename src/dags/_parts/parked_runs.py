"""Runs that were in flight at the snapshot and stand failed on the target, to be queued in the moment their DAG is activated (design §5)."""
import json

from _parts.database import iso

#: SQL over dag_run `r`: still as the import has parked it. What was queued once has a newer queued_at, so a run that goes on and
#: fails for real is never queued a second time.
STILL_PARKED = "r.state = 'failed' AND (r.queued_at IS NULL OR r.queued_at <= %s::timestamptz)"


def _begun_key(command):
    return command.prefix + "activate/begun.json"


def read_begun(command):
    """dag_id → [`still_parked`] of the DAGs that this attempt set out to activate; of those without a parked run some may be absent, but {} means none."""
    body = command.storage.read_if_there(_begun_key(command))
    return json.loads(body.decode("utf-8"))["runs"] if body else {}


def write_begun(command, runs):
    """Before the first statement that changes one of them."""
    command.storage.write_json(_begun_key(command), {"runs": runs})


def still_parked(cursor, dag_id, run_ids, snapshot):
    """Those of the runs that nobody has touched since the import, with the times that queueing will overwrite.

    :return: [{"runId", "queuedAt", "startDate", "endDate"}], oldest first, dates as ISO 8601 or None.
    """
    cursor.execute("SELECT r.run_id, r.queued_at, r.start_date, r.end_date FROM dag_run r WHERE r.dag_id = %s AND r.run_id = ANY(%s) AND {} "
                   "ORDER BY r.execution_date".format(STILL_PARKED), (dag_id, list(run_ids), snapshot))
    return [{"runId": row[0], "queuedAt": iso(row[1]), "startDate": iso(row[2]), "endDate": iso(row[3])} for row in cursor.fetchall()]


def queue_parked(cursor, dag_id, run_ids, snapshot):
    """Queue those that are still parked, as clearing a run does; the scheduler goes on with their unfinished task instances."""
    # The target's clock may be behind the source's: queued_at must be newer than the snapshot all the same.
    cursor.execute("UPDATE dag_run r SET state = 'queued', queued_at = greatest(now(), %s::timestamptz + interval '1 millisecond'), end_date = NULL, "
                   "last_scheduling_decision = NULL WHERE r.dag_id = %s AND r.run_id = ANY(%s) AND {} RETURNING r.run_id".format(STILL_PARKED),
                   (snapshot, dag_id, list(run_ids), snapshot))
    return [row[0] for row in cursor.fetchall()]


def gone_on(cursor, dag_id, run_ids, snapshot):
    """[(run_id, state)] of parked runs that were queued since the snapshot, whatever became of them; oldest first."""
    cursor.execute("SELECT run_id, state FROM dag_run WHERE dag_id = %s AND run_id = ANY(%s) AND queued_at > %s::timestamptz ORDER BY execution_date",
                   (dag_id, list(run_ids), snapshot))
    return cursor.fetchall()


def fates_of(cursor, handover, queued, active):
    """(resumed, notResumed) of protocol.ts ActivateData.

    :param dict queued: dag_id → ids of the runs that this attempt was about to queue.
    :param active: ids of the wanted DAGs that are active; of the others nothing is decided yet.
    """
    resumed, stayed = [], []
    for dag_id in sorted(active):
        runs = handover.parked.get(dag_id, [])
        if not runs:
            continue
        there = {run_id for run_id, _ in gone_on(cursor, dag_id, [run["runId"] for run in runs], handover.snapshot)}
        for run in runs:
            name = {"dagId": dag_id, "runId": run["runId"]}
            if run["fate"] != "resume":
                stayed.append(dict(name, fate=run["fate"], command=_command(run)))
            elif run["runId"] in there and run["runId"] in queued.get(dag_id, ()):
                resumed.append(name)
            else:
                stayed.append(dict(name, fate="changed", command=None))
    return resumed, stayed


def _command(run):
    """What a person types to finish a backfill run: the scheduler leaves such runs alone, and what is finished does not run again."""
    if run["fate"] != "backfill" or not run["logicalDate"]:
        return None
    at = run["logicalDate"].replace("Z", "+00:00")
    return "airflow dags backfill --start-date {0} --end-date {0} {1}".format(at, run["dagId"])


def began(cursor, dag_id, run_id, snapshot):
    """Whether anything of a run was executed on the target since the snapshot: what only waits, or was decided without running, does not count."""
    cursor.execute("SELECT EXISTS (SELECT 1 FROM task_instance WHERE dag_id = %s AND run_id = %s AND (state IN ('queued', 'running', 'restarting') OR "
                   "(start_date > %s::timestamptz AND coalesce(state, '') NOT IN ('skipped', 'upstream_failed', 'removed'))))", (dag_id, run_id, snapshot))
    return cursor.fetchone()[0]


def park_again(cursor, dag_id, before):
    """Undo `queue_parked` for one run of which nothing began; `before` as `still_parked` gave it, so that the row is as the import wrote it."""
    cursor.execute("UPDATE task_instance SET state = NULL WHERE dag_id = %s AND run_id = %s AND state = 'scheduled'", (dag_id, before["runId"]))
    cursor.execute("UPDATE dag_run SET state = 'failed', queued_at = %s::timestamptz, start_date = %s::timestamptz, end_date = %s::timestamptz, "
                   "last_scheduling_decision = NULL WHERE dag_id = %s AND run_id = %s",
                   (before["queuedAt"], before["startDate"], before["endDate"], dag_id, before["runId"]))
