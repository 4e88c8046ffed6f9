"""deactivate: the target stands still again, and says what it ran, so that the source runs none of it twice (rollback)."""
import time

from _parts.activity import not_own
from _parts.database import Database
from _parts.handover import Handover
from _parts.next_runs import POLL_SECONDS, few
from _parts.own_events import events_left
from _parts.parked_runs import read_begun
from _parts.ran_here import is_over, joined, read_record, runs_since, write_record
from _parts.taking_back import end_cut, take_back

#: Looks in a row that find nothing, POLL_SECONDS apart, so half a minute: a scheduler's loop that began before the pause may still queue a task
#: (seen under load; the drain grants the source's as much, drain.py LOOP_SECONDS).
QUIET_LOOKS = 7


def deactivate(command):
    """Result data: protocol.ts DeactivateData. Safe to repeat: runs that went back are not there any more."""
    database = Database()
    try:
        database.alone(command.job["migrationId"] + " switch", 600, command.sleep)
        handover, begun = Handover(command), read_begun(command)
        wanted = [one["dagId"] for one in handover.wanted]
        paused = database.settle(lambda cursor: _pause(cursor, wanted))
        running = _await_tasks_to_end(command, database, 60 * command.job["drain"]["taskMinutes"])
        runs, events = [], []
        if handover.snapshot is not None:
            runs, events = _settle_runs(command, database, handover, begun, wanted, running == 0)
        reference = write_record(command, runs, events) if begun or runs or events else None
        command.say("recorded {} runs of the target".format(len(runs)))
        end_cut(database, runs)
        return {"paused": paused, "stillRunning": running or len(_busy_tasks(database)), "ran": reference, "runs": len(runs)}
    finally:
        database.close()


def _pause(cursor, wanted):
    """Whatever is active, and every DAG that we may have activated, also where its file is gone for the moment; returns the ids that changed."""
    cursor.execute("UPDATE dag SET is_paused = true WHERE is_paused IS NOT TRUE AND (is_active OR dag_id = ANY(%s)) AND {} RETURNING dag_id".format(not_own()),
                   (wanted,))
    return sorted(row[0] for row in cursor.fetchall())


def _await_tasks_to_end(command, database, seconds):
    """Tasks that run or are queued go on in a paused DAG; returns how many still did when the time was up."""
    deadline, quiet = time.time() + seconds, 0
    while True:
        busy = _busy_tasks(database)
        quiet = 0 if busy else quiet + 1
        if quiet >= QUIET_LOOKS or (busy and time.time() >= deadline):
            return len(busy)
        if busy:
            command.say("waiting for {} running tasks of the target: {}".format(len(busy), few(busy)))
        command.sleep(POLL_SECONDS)


def _busy_tasks(database):
    with database.transaction() as cursor:
        cursor.execute("SELECT dag_id, task_id FROM task_instance WHERE state IN ('running', 'queued', 'restarting') AND {} ORDER BY 1, 2".format(not_own()))
        return ["{}.{}".format(*row) for row in cursor.fetchall()]


def _settle_runs(command, database, handover, begun, wanted, is_quiet):
    """(protocol.ts RanOnTarget.runs, its events) after everything that did not begin was taken back; what is to be failed is marked `cut`."""
    record = read_record(command)

    def remember(run):
        known = [one for one in record if (one["dagId"], one["runId"]) != (run["dagId"], run["runId"])]
        record[:] = known + [run]
        write_record(command, record, [])

    with database.transaction() as cursor:
        found = runs_since(cursor, handover)
    take_back(command, database, handover, begun, found, remember)
    with database.transaction() as cursor:
        runs = joined(record, runs_since(cursor, handover))
        events = events_left(cursor, wanted, handover.snapshot)
    return [dict(run, cut=True) if is_quiet and run["kind"] != "unbegun" and not is_over(run) else run for run in runs], events
