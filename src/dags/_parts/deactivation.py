"""deactivate: the target stands still again, and says what it ran, so that the source runs none of it twice (rollback)."""
import json
import time

from _parts.activity import not_own, task_link
from _parts.database import Database, iso
from _parts.handover import Handover
from _parts.next_runs import POLL_SECONDS, few
from _parts.own_events import events_left
from _parts.parked_runs import read_begun
from _parts.ran_here import is_over, joined, read_record, runs_since, write_record
from _parts.taking_back import end_cut, take_back, without_others

#: Looks in a row that find nothing, POLL_SECONDS apart, so half a minute: a scheduler's loop that began before the pause may still queue a task
#: (seen under load; the drain grants the source's as much, drain.py LOOP_SECONDS).
QUIET_LOOKS = 7
#: Tasks that the result names; of more there is the count.
SHOWN_BUSY = 20


def deactivate(command):
    """Result data: protocol.ts DeactivateData. Safe to repeat: runs that went back are not there any more."""
    database = Database()
    try:
        database.alone(command.job["migrationId"] + " switch", 600, command.sleep)
        handover, begun = Handover(command), read_begun(command)
        wanted = [one["dagId"] for one in handover.wanted]
        paused = _pause(command, database, wanted)
        busy = _await_tasks_to_end(command, database, 60 * command.job["drain"]["taskMinutes"])
        runs, events = [], []
        if handover.snapshot is not None:
            runs, events = _settle_runs(command, database, handover, begun, wanted, not busy)
        reference = write_record(command, runs, events) if begun or runs or events else None
        command.say("recorded {} runs of the target".format(len(runs)))
        end_cut(database, runs)
        busy = busy or _busy_tasks(database)
        return {"paused": paused, "stillRunning": len(busy), "busy": busy[:SHOWN_BUSY], "ran": reference, "runs": len(runs)}
    finally:
        database.close()


def _pause(command, database, wanted):
    """Whatever is active, and every DAG that we may have activated, also where its file is gone for the moment.

    Returns the ids that this attempt has paused here, by any try: they are written down first, for a retry finds them paused.
    """
    key = command.prefix + "deactivate/paused.json"
    body = command.storage.read_if_there(key)
    paused = set(json.loads(body.decode("utf-8"))["dagIds"]) if body else set()
    awake = "is_paused IS NOT TRUE AND (is_active OR dag_id = ANY(%s)) AND {}".format(not_own())
    with database.transaction() as cursor:
        cursor.execute("SELECT dag_id FROM dag WHERE " + awake, (wanted,))
        paused.update(row[0] for row in cursor.fetchall())
    command.storage.write_json(key, {"dagIds": sorted(paused)})

    def switch_off(cursor):
        cursor.execute("UPDATE dag SET is_paused = true WHERE {} RETURNING dag_id".format(awake), (wanted,))
        return [row[0] for row in cursor.fetchall()]
    return sorted(paused.union(database.settle(switch_off)))


def _await_tasks_to_end(command, database, seconds):
    """Tasks that run or are queued go on in a paused DAG; returns those that still did when the time was up."""
    deadline, quiet = time.time() + seconds, 0
    while True:
        busy = _busy_tasks(database)
        quiet = 0 if busy else quiet + 1
        if quiet >= QUIET_LOOKS or (busy and time.time() >= deadline):
            return busy
        if busy:
            command.say("waiting for {} running tasks of the target: {}".format(len(busy), few([_words(task) for task in busy])))
        command.sleep(POLL_SECONDS)


def _busy_tasks(database):
    with database.transaction() as cursor:
        link, index = task_link(cursor)
        cursor.execute("SELECT t.dag_id, r.run_id, t.task_id, {}, CASE WHEN t.state = 'queued' THEN t.queued_dttm ELSE t.start_date END "
                       "FROM task_instance t JOIN dag_run r ON {} WHERE t.state IN ('running', 'queued', 'restarting') AND {} "
                       "ORDER BY 5 NULLS LAST, 1, 2, 3, 4".format(index, link, not_own("t.dag_id")))
        return [{"dagId": row[0], "runId": row[1], "taskId": row[2], "mapIndex": row[3], "since": iso(row[4])} for row in cursor.fetchall()]


def _words(task):
    return "{} / {} / {}{} since {}".format(task["dagId"], task["runId"], task["taskId"], "" if task["mapIndex"] < 0 else "[{}]".format(task["mapIndex"]),
                                            task["since"] or "?")


def _settle_runs(command, database, handover, begun, wanted, is_quiet):
    """(protocol.ts RanOnTarget.runs, its events) after everything that did not begin was taken back; what is to be failed is marked `cut`."""
    record = read_record(command)
    with database.transaction() as cursor:
        found = runs_since(cursor, handover)
    take_back(command, database, handover, begun, found, record)
    with database.transaction() as cursor:
        runs = joined(record, without_others(cursor, runs_since(cursor, handover), handover))
        events = events_left(cursor, wanted, handover.snapshot)
    return [dict(run, cut=True) if is_quiet and run["kind"] != "unbegun" and not is_over(run) else run for run in runs], events
