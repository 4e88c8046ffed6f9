"""The drain's deadline: what runs still is set to failed, seen ended, and left without state; what is only queued waits again (design §5)."""
import time

from _parts.activity import is_at_rest, not_own, task_link
from _parts.database import columns_of, iso, names, scalar
from _parts.drained import instance_key, is_ordered_back, read_ended, run_key, write_ended
from _parts.ended import entries_joined, entries_sql, still_ended
from _parts.failures import Refusal
from _parts.moving import lives, moving_tasks, take_back_queued, tasks_shown
from _parts.settling import END_POLL_SECONDS, half_ended, living_tasks, run_columns, seconds_to_end, settle_ended

#: A scheduler's loop that began before the pause may still queue a task: that many looks in a row must find nothing.
QUIET_LOOKS = 2


def end_tasks(command, database):
    """End what moves and wait until its processes are gone; the record (drained.py) is written before.

    Once rollback is ordered it ends nothing more, but waits for what it has ended: half ended, it would be left failed.

    :raises Refusal: when processes do not end; then nothing may be exported, for they would run on both sides.
    """
    deadline = time.time() + seconds_to_end()
    ended, quiet = read_ended(command), 0
    with database.transaction() as cursor:
        touched = {run_key(entry) for entry in half_ended(cursor, ended)}
    while quiet < QUIET_LOOKS:
        is_over = is_ordered_back(command)
        moving = [] if is_over else _end_what_moves(command, database, ended, touched)
        with database.transaction() as cursor:
            living = living_tasks(cursor, [entry for entry in ended["instances"] if run_key(entry) in touched])
            living += [] if is_over else _backfills(cursor)
            is_over = is_over or is_at_rest(cursor)
        if is_over and not living:
            break
        quiet = 0 if moving or living else quiet + 1
        if quiet:
            command.sleep(END_POLL_SECONDS)
            continue
        if time.time() >= deadline:
            raise Refusal("tasks-not-ended", tasks_shown("{} tasks do not end".format(len(living or moving)), living or moving),
                          "they would run on both sides; the DAGs stay paused, nothing was exported.",
                          "end them by hand (a backfill starts new ones until its own process ends) and run the phase again, or run rollback.")
        command.say(tasks_shown("waiting until {} tasks have ended".format(len(living or moving)), living or moving))
        command.sleep(END_POLL_SECONDS)
    if ended["instances"]:
        database.settle(lambda cursor: settle_ended(cursor, ended, touched))
        with database.transaction() as cursor:
            ended["instances"] = still_ended(cursor, ended["instances"])
        write_ended(command, dict(ended, settled=True))


def _end_what_moves(command, database, ended, touched):
    """Returns what was found. What starts between look and change is found at the next look."""
    with database.transaction() as cursor:
        moving = moving_tasks(cursor, only_in_flight=True)
        running = [task for task in moving if not task["waits"]]
        if running:
            _add(cursor, ended, running, touched)
    if running:
        write_ended(command, ended)
        keys = {instance_key(task) for task in running}
        entries = [entry for entry in ended["instances"] if instance_key(entry) in keys]
        keys = database.settle(lambda cursor: _fail(cursor, entries))
        ordered = [entry for entry in entries if instance_key(entry) in keys]
        # A kill before it is on record leaves the mark alone to know them by; what ended by itself meanwhile is not taken for ours.
        for entry in ordered:
            entry["ordered"] = True
        if ordered:
            write_ended(command, ended)
        touched.update(run_key(entry) for entry in ordered)
    if len(running) < len(moving):
        database.settle(take_back_queued)
    return moving


def _add(cursor, ended, running, touched):
    """Into the record, with the runs' instances that are upstream_failed for another reason: as they are when this drain first ends something there."""
    moment = iso(scalar(cursor, "SELECT now()"))
    known = {instance_key(entry): entry for entry in ended["instances"]}
    for task in running:
        known[instance_key(task)] = dict({name: value for name, value in task.items() if name not in ("since", "waits")}, endedAt=moment)
    ended.update(instances=[known[key] for key in sorted(known)], settled=False)
    runs = {run_key(task): [] for task in running if run_key(task) not in touched}
    link, index = task_link(cursor)
    cursor.execute("SELECT r.dag_id, r.run_id, t.task_id, {} FROM task_instance t JOIN dag_run r ON {} "
                   "WHERE t.state = 'upstream_failed' AND (r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))".format(index, link),
                   run_columns(runs))
    for dag_id, run_id, task_id, map_index in cursor.fetchall():
        runs[dag_id, run_id].append([task_id, map_index])
    ended["runs"] = [run for run in ended["runs"] if run_key(run) not in runs] + [
        {"dagId": key[0], "runId": key[1], "upstreamFailed": runs[key]} for key in sorted(runs)]


def _fail(cursor, entries):
    """Only where the instance is still as it was recorded; what has started or ended meanwhile is seen at the next look. Returns the keys of those."""
    source, values = entries_sql(entries)
    cursor.execute("UPDATE task_instance t SET state = 'failed', end_date = e.ended_at FROM dag_run r, {} WHERE {} AND t.state = e.state "
                   "AND t.try_number IS NOT DISTINCT FROM e.tries RETURNING e.dag_id, e.run_id, e.task_id, e.map_index".format(
                       source, entries_joined(cursor)), values)
    keys = set(cursor.fetchall())
    if "last_scheduling_decision" in names(columns_of(cursor, "dag_run")):
        # The scheduler's look at paused DAGs passes over runs without one, and the first look after unpausing takes them first.
        cursor.execute("UPDATE dag_run r SET last_scheduling_decision = NULL WHERE (r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))",
                       run_columns({key[:2] for key in keys}))
    return keys


def _backfills(cursor):
    """Processes of backfills: they start tasks, in a paused DAG too."""
    cursor.execute("SELECT coalesce(b.dag_id, '?'), b.start_date FROM job b WHERE b.job_type = 'BackfillJob' AND {} AND {} ORDER BY 2, 1".format(
        lives("b"), not_own("b.dag_id")))
    return [{"dagId": row[0], "runId": "backfill", "taskId": "all tasks", "mapIndex": -1, "since": iso(row[1])} for row in cursor.fetchall()]
