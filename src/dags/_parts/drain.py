"""drain: every DAG comes to rest before the snapshot (design §5)."""
import json
import time

from _parts.activity import IN_FLIGHT, LOOP_SECONDS, is_at_rest, not_own, runs_in_flight, set_paused, without_tasks
from _parts.database import Database, columns_of, iso, names, scalar
from _parts.drained import read_active, read_ended, stop_if_ordered_back, write_active
from _parts.ended import still_ended
from _parts.ending import end_tasks
from _parts.failures import Refusal
from _parts.moving import moving_tasks, shown, tasks_shown
from _parts.owed_events import producers_of
from _parts.restore import put_back
from _parts.settling import settle_half_ended

POLL_SECONDS = 3


def drain(command):
    """Pause each DAG once it has no active run, consumers of datasets after their producers; at the deadline the rest.

    Then wait for tasks that run, and end what runs still (ending.py), or put all back. Result data: protocol.ts DrainData.

    :raises Refusal: also once rollback is ordered, which waits until this has ended. (The export, which changes nothing, is let end.)
    """
    if command.job["mode"] == "rehearsal":
        raise Refusal("rehearsal", "This attempt is a rehearsal, which pauses nothing.", "somebody else than the action started this DAG run.",
                      "delete this DAG run; to pause the source, run export with mode: final.")
    order, database = command.job["drain"], Database()
    begun = time.time()
    try:
        database.alone(command.job["migrationId"] + " drain", 600, command.sleep)
        stop_if_ordered_back(command)
        active = _remember(command, database)
        _pause_as_they_rest(command, database, active, begun + 60 * order["timeoutMinutes"])
        _await_tasks(command, database, 60 * order["taskMinutes"])
        if order["leftover"] == "abort":
            _abort_unless_at_rest(command, database, active)
        else:
            end_tasks(command, database)
            stop_if_ordered_back(command)
        with database.snapshot() as cursor:
            ended = still_ended(cursor, read_ended(command)["instances"])
            leftover = runs_in_flight(cursor, order, ended, command.job["metadata"]["dags"])
        return {"paused": active["dagIds"], "leftover": [without_tasks(run) for run in leftover], "waitedSeconds": int(time.time() - begun),
                "ended": len(ended)}
    finally:
        database.close()


def _abort_unless_at_rest(command, database, active):
    order = command.job["drain"]
    settle_half_ended(command, database)  # Of a try with another leftover: set to failed, it may have ended its run, which is ours to put back.
    with database.snapshot() as cursor:
        leftover = len(runs_in_flight(cursor, order))
    if not leftover:
        return
    put_back(command, database, active["dagIds"], [])
    raise Refusal("drain-aborted", "{} DAG runs were still in flight after {} minutes.".format(leftover, order["timeoutMinutes"] + order["taskMinutes"]),
                  "drain.leftover is abort, so every DAG that was active is active again.",
                  "give drain.timeout-minutes more time, or choose drain.leftover: resume.")


def _remember(command, database):
    """The DAGs that are active, with those that an earlier try or attempt has paused already; written before anything is paused."""
    active = read_active(command)
    with database.transaction() as cursor:
        unpaused = _unpaused(cursor)
    for dag_id in unpaused:
        active["pausedAt"].pop(dag_id, None)
    active["dagIds"] = sorted(set(active["dagIds"]) | set(unpaused))
    write_active(command, active)
    return active


def _unpaused(cursor):
    cursor.execute("SELECT dag_id FROM dag WHERE NOT is_paused AND is_active AND {}".format(not_own()))
    return [row[0] for row in cursor.fetchall()]


def _busy(cursor):
    """dag_id → [(run id, since)] of its runs in flight."""
    cursor.execute("SELECT dag_id, run_id, coalesce(start_date, execution_date) FROM dag_run r WHERE {} ORDER BY 3, 1, 2".format(IN_FLIGHT))
    found = {}
    for dag_id, run_id, since in cursor.fetchall():
        found.setdefault(dag_id, []).append((run_id, iso(since)))
    return found


def _owed(cursor):
    """DAGs for which the scheduler will make a run as soon as it looks: the datasets they wait for are all in the queue (2.4+)."""
    if not columns_of(cursor, "dataset_dag_run_queue"):
        return set()
    expression = "d.dataset_expression::text" if "dataset_expression" in names(columns_of(cursor, "dag")) else "NULL"  # 2.9+
    cursor.execute("SELECT r.dag_id, {}, array_agg(s.uri), coalesce(array_agg(s.uri) FILTER (WHERE q.target_dag_id IS NOT NULL), '{{}}') "
                   "FROM dag_schedule_dataset_reference r JOIN dag d ON d.dag_id = r.dag_id AND NOT coalesce(d.has_import_errors, false) "
                   "JOIN dataset s ON s.id = r.dataset_id "
                   "LEFT JOIN dataset_dag_run_queue q ON q.dataset_id = r.dataset_id AND q.target_dag_id = r.dag_id GROUP BY 1, 2".format(expression))
    return {dag_id for dag_id, text, wanted, there in cursor.fetchall() if _is_met(json.loads(text) if text else {"all": wanted}, there)}


def _is_met(condition, there):
    """A condition over datasets as `dag.dataset_expression` says it: a URI, {"all": […]} or {"any": […]}."""
    if not isinstance(condition, dict):
        return condition in there
    if "any" in condition:
        return any(_is_met(one, there) for one in condition["any"])
    return "all" in condition and all(_is_met(one, there) for one in condition["all"])  # An alias names no dataset here.


def _pause_as_they_rest(command, database, active, deadline):
    while True:
        stop_if_ordered_back(command)
        with database.transaction() as cursor:
            waiting = set(_unpaused(cursor)) & set(active["dagIds"])
            runs, owed, producers = _busy(cursor), _owed(cursor), producers_of(cursor)
        busy = set(runs) | owed
        if not waiting:
            return
        if time.time() >= deadline:
            command.say("the deadline has come: pausing {} DAGs with runs in flight".format(len(waiting)))
            _pause(command, database, active, waiting)
            return
        resting = [dag_id for dag_id in waiting if dag_id not in busy and not (producers.get(dag_id, set()) & waiting)]
        if not resting and not waiting & busy:
            resting = list(waiting)  # They wait for each other's datasets in a circle, and nothing moves in it.
        caught = set()
        if resting:
            _pause(command, database, active, resting)
            caught = _unpause_caught(command, database, active, resting)
        left = len(waiting) - len(resting) + len(caught)
        in_flight = sorted(((dag_id + " / " + run_id, since) for dag_id in (waiting - set(resting)) | caught for run_id, since in runs.get(dag_id, ())),
                           key=lambda named: (named[1], named[0]))
        beginning = "{} of {} DAGs are paused".format(len(active["dagIds"]) - left, len(active["dagIds"]))
        command.say(shown(beginning + "; in flight", in_flight) if in_flight else beginning)
        if left:
            command.sleep(POLL_SECONDS)


def _pause(command, database, active, dag_ids):
    """The time is on record before: an event that comes from then on is made up for (owed_events.py)."""
    with database.transaction() as cursor:
        moment = iso(scalar(cursor, "SELECT now()"))
    active["pausedAt"].update({dag_id: moment for dag_id in dag_ids})
    write_active(command, active)
    set_paused(database, dag_ids, True)


def _unpause_caught(command, database, active, dag_ids):
    """The scheduler may have made a run between the look and the pause, or come to owe one; in a paused DAG it would never end."""
    with database.transaction() as cursor:
        caught = (set(_busy(cursor)) | _owed(cursor)) & set(dag_ids)
    if caught:
        set_paused(database, caught, False)
        for dag_id in caught:
            del active["pausedAt"][dag_id]
        write_active(command, active)
    return caught


def _await_tasks(command, database, seconds):
    """Tasks that run or are queued go on in a paused DAG, and a late loop of the scheduler may queue more."""
    begun = time.time()
    while True:
        stop_if_ordered_back(command)
        with database.transaction() as cursor:
            tasks, rests = moving_tasks(cursor), is_at_rest(cursor)
        waited = time.time() - begun
        if not tasks and (rests or waited >= LOOP_SECONDS) or waited >= max(seconds, LOOP_SECONDS):
            return
        command.say(tasks_shown("waiting for {} running tasks".format(len(tasks)), tasks) if tasks else "waiting until the scheduler has seen the pause")
        command.sleep(POLL_SECONDS)
