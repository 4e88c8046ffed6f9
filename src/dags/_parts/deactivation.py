"""deactivate: the target stands still again, and says what it ran, so that the source runs none of it twice (rollback)."""
import time

from _parts.activation import read_begun
from _parts.activity import NEXT_RUN, next_run_columns, not_own
from _parts.database import Database, columns_of, iso
from _parts.handover import Handover
from _parts.next_runs import POLL_SECONDS, few
from _parts.parked_runs import began, park_again, tasks_ended

#: A scheduler's loop that began before the pause may still queue a task: two quiet looks in a row count.
QUIET_LOOKS = 2


def deactivate(command):
    """Result data: protocol.ts DeactivateData. Safe to repeat: runs that went back are not there any more."""
    database = Database()
    try:
        database.alone(command.job["migrationId"] + " switch", 600, command.sleep)
        handover, begun = Handover(command), read_begun(command)
        paused = database.settle(lambda cursor: _pause(cursor, [one["dagId"] for one in handover.wanted]))
        running = _await_tasks_to_end(command, database, 60 * command.job["drain"]["taskMinutes"])
        runs = []
        if handover.snapshot is not None:
            _take_back(command, database, handover, begun)
            with database.transaction() as cursor:
                runs = _ran(cursor, handover)
        reference = command.storage.write_json(command.prefix + "deactivate/ran.json", {"runs": runs}) if begun or runs else None
        return {"paused": paused, "stillRunning": running, "ran": reference, "runs": len(runs)}
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
        with database.transaction() as cursor:
            cursor.execute("SELECT dag_id, task_id FROM task_instance WHERE state IN ('running', 'queued', 'restarting') AND {} "
                           "ORDER BY 1, 2".format(not_own()))
            busy = ["{}.{}".format(*row) for row in cursor.fetchall()]
        quiet = 0 if busy else quiet + 1
        if quiet >= QUIET_LOOKS or (busy and time.time() >= deadline):
            return len(busy)
        if busy:
            command.say("waiting for {} running tasks of the target: {}".format(len(busy), few(busy)))
        command.sleep(POLL_SECONDS)


def _take_back(command, database, handover, begun):
    """Runs of which nothing began: parked ones are parked again; automated ones that the target made are deleted, for the source makes them itself."""
    before = {(dag_id, run["runId"]): run for dag_id, runs in begun.items() for run in runs}
    deleted = 0
    for dag_id, run_id, run_type in _queued_since(database, handover):
        def take(cursor, dag_id=dag_id, run_id=run_id, run_type=run_type):
            cursor.execute("SELECT 1 FROM dag WHERE dag_id = %s FOR NO KEY UPDATE", (dag_id,))
            cursor.execute("SELECT state FROM dag_run WHERE dag_id = %s AND run_id = %s FOR UPDATE", (dag_id, run_id))
            row = cursor.fetchone()
            if row is None or began(cursor, dag_id, run_id, handover.snapshot):
                return 0
            if _is_parked(handover, dag_id, run_id):
                # Without a record somebody else queued it, and what its row was before is not known.
                park_again(cursor, dag_id, before.get((dag_id, run_id), {"runId": run_id, "queuedAt": None, "startDate": None, "endDate": None}))
                return 0
            if run_type not in ("scheduled", "dataset_triggered") or row[0] not in ("queued", "running"):
                return 0  # Somebody's own run, or one that had nothing to do.
            cursor.execute("DELETE FROM dag_run WHERE dag_id = %s AND run_id = %s", (dag_id, run_id))
            columns = next_run_columns(cursor)
            if len(columns) == len(NEXT_RUN):  # It points behind the deleted run until the file is parsed again.
                cursor.execute("UPDATE dag SET {} WHERE dag_id = %s".format(", ".join("{} = NULL".format(column) for column in columns)), (dag_id,))
            return 1
        deleted += database.settle(take)
    if deleted:
        command.say("deleted {} runs that the target had made but not begun".format(deleted))


def _is_parked(handover, dag_id, run_id):
    return any(run["runId"] == run_id for run in handover.parked.get(dag_id, []))


def _since(cursor):
    """SQL over dag_run: the target queued or started it after the snapshot."""
    there = [column.name for column in columns_of(cursor, "dag_run")]
    return "greatest({}) > %s::timestamptz".format(", ".join(name for name in ("queued_at", "start_date") if name in there))


def _queued_since(database, handover):
    with database.transaction() as cursor:
        cursor.execute("SELECT dag_id, run_id, run_type FROM dag_run WHERE {} AND {} ORDER BY dag_id, execution_date".format(
            _since(cursor), not_own()), (handover.snapshot,))
        return cursor.fetchall()


def _ran(cursor, handover):
    """protocol.ts RanOnTarget.runs"""
    cursor.execute(
        "SELECT dag_id, run_id, run_type, coalesce(state, 'none'), execution_date, data_interval_start, data_interval_end FROM dag_run "
        "WHERE {} AND {} ORDER BY dag_id, execution_date".format(_since(cursor), not_own()), (handover.snapshot,))
    return [{"dagId": row[0], "runId": row[1], "kind": "resumed" if _is_parked(handover, row[0], row[1]) else "new", "runType": row[2], "state": row[3],
             "logicalDate": iso(row[4]), "intervalStart": iso(row[5]), "intervalEnd": iso(row[6]),
             "tasksEnded": tasks_ended(cursor, row[0], row[1], handover.snapshot)} for row in cursor.fetchall()]
