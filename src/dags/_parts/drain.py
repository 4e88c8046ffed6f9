"""drain: every DAG comes to rest before the snapshot (design §5)."""
import json
import time

from _parts.activity import not_own, runs_in_flight, set_paused, without_tasks
from _parts.database import FINISHED_RUNS, Database, columns_of, names
from _parts.failures import Refusal

POLL_SECONDS = 3


def drain(command):
    """Pause each DAG once it has no active run, consumers of datasets after their producers; at the deadline the rest; then wait for running tasks."""
    if command.job["mode"] == "rehearsal":
        raise Refusal("rehearsal", "This attempt is a rehearsal, which pauses nothing.", "somebody else than the action started this DAG run.",
                      "delete this DAG run; to pause the source, run export with mode: final.")
    order, database = command.job["drain"], Database()
    begun = time.time()
    try:
        database.alone(command.job["migrationId"] + " drain", 600, command.sleep)
        recorded = _remember(command, database)
        _pause_as_they_rest(command, database, recorded, begun + 60 * order["timeoutMinutes"])
        _await_tasks(command, database, 60 * order["taskMinutes"])
        with database.snapshot() as cursor:
            leftover = runs_in_flight(cursor)
        if leftover and order["leftover"] == "abort":
            set_paused(database, recorded, False)
            minutes = order["timeoutMinutes"] + order["taskMinutes"]
            raise Refusal("drain-aborted", "{} DAG runs were still in flight after {} minutes.".format(len(leftover), minutes),
                          "drain.leftover is abort, so every DAG that was active is active again.",
                          "give drain.timeout-minutes more time, or choose drain.leftover: resume.")
        return {"paused": sorted(recorded), "leftover": [without_tasks(run) for run in leftover], "waitedSeconds": int(time.time() - begun)}
    finally:
        database.close()


def _remember(command, database):
    """The DAGs that are active, with those that an earlier try of this attempt has paused already; written before anything is paused."""
    key = command.prefix + "drain/active.json"
    earlier = command.storage.read_if_there(key)
    known = set(json.loads(earlier.decode("utf-8"))["dagIds"]) if earlier else set()
    with database.transaction() as cursor:
        known.update(_unpaused(cursor))
    command.storage.write_json(key, {"dagIds": sorted(known)})
    return sorted(known)


def _unpaused(cursor):
    cursor.execute("SELECT dag_id FROM dag WHERE NOT is_paused AND is_active AND {}".format(not_own()))
    return [row[0] for row in cursor.fetchall()]


def _busy(cursor):
    cursor.execute("SELECT DISTINCT dag_id FROM dag_run WHERE coalesce(state, '') <> ALL(%s)", (list(FINISHED_RUNS),))
    return {row[0] for row in cursor.fetchall()}


def _producers(cursor):
    """consumer dag_id → dag_ids that write a dataset it waits for (2.4+). A paused consumer never gets the event."""
    if not columns_of(cursor, "task_outlet_dataset_reference") or not columns_of(cursor, "dag_schedule_dataset_reference"):
        return {}
    cursor.execute("SELECT c.dag_id, p.dag_id FROM dag_schedule_dataset_reference c JOIN task_outlet_dataset_reference p "
                   "ON p.dataset_id = c.dataset_id WHERE c.dag_id <> p.dag_id")
    found = {}
    for consumer, producer in cursor.fetchall():
        found.setdefault(consumer, set()).add(producer)
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


def _pause_as_they_rest(command, database, dag_ids, deadline):
    while True:
        with database.transaction() as cursor:
            waiting = set(_unpaused(cursor)) & set(dag_ids)
            busy, producers = _busy(cursor) | _owed(cursor), _producers(cursor)
        if not waiting:
            return
        if time.time() >= deadline:
            command.say("the deadline has come: pausing {} DAGs with runs in flight".format(len(waiting)))
            set_paused(database, waiting, True)
            return
        resting = [dag_id for dag_id in waiting if dag_id not in busy and not (producers.get(dag_id, set()) & waiting)]
        if not resting and not waiting & busy:
            resting = list(waiting)  # They wait for each other's datasets in a circle, and nothing moves in it.
        set_paused(database, resting, True)
        with database.transaction() as cursor:
            # The scheduler may have made a run between the look and the pause, or come to owe one; in a paused DAG it would never end.
            caught = (_busy(cursor) | _owed(cursor)) & set(resting)
        set_paused(database, caught, False)
        command.say("{} of {} DAGs are paused".format(len(dag_ids) - len(waiting) + len(resting) - len(caught), len(dag_ids)))
        if len(waiting) > len(resting) - len(caught):
            command.sleep(POLL_SECONDS)


def _await_tasks(command, database, seconds):
    """Tasks that run or are queued go on in a paused DAG."""
    deadline = time.time() + seconds
    while True:
        with database.transaction() as cursor:
            cursor.execute("SELECT count(*) FROM task_instance WHERE state IN ('running', 'queued') AND {}".format(not_own()))
            running = cursor.fetchone()[0]
        if not running or time.time() >= deadline:
            return
        command.say("waiting for {} running tasks".format(running))
        command.sleep(POLL_SECONDS)
