"""The end of what the drain has set to failed: its processes are awaited, then it is left without state. Also done by restore, where a drain died."""
import time

from _parts.activity import IN_FLIGHT, task_link
from _parts.database import iso
from _parts.drained import instance_key, read_ended, run_key, write_ended
from _parts.ended import ENDED_BY_US, entries_joined, entries_sql, entries_that, finished_tries, still_ended
from _parts.moving import lives, of_backfill, tasks_shown, zombie_seconds

#: A process hears of its end by its heartbeat, has killed_task_cleanup_time (60 s by default) to go, and MWAA may be slow.
END_SECONDS = 900
END_POLL_SECONDS = 3
#: SQL over the run `r`: its DAG is not unpaused. Nobody but a person unpauses it in between, and decides of its tasks then.
STILL_PAUSED = "NOT EXISTS (SELECT 1 FROM dag d WHERE d.dag_id = r.dag_id AND NOT d.is_paused)"


def seconds_to_end():
    return max(END_SECONDS, 3 * zombie_seconds())


def half_ended(cursor, ended):
    """Entries that a drain has set to failed and, killed or at its wits' end, has not left without state."""
    return [] if ended["settled"] else entries_that(cursor, ended["instances"], ENDED_BY_US)


def settle_half_ended(command, database):
    """Finish what a drain has begun to end, before it is put back. Returns the record (drained.py) as it is then, with what did end by us alone.

    A process that does not end keeps its task failed: a second one beside it would do its work twice.
    """
    ended, deadline = read_ended(command), time.time() + seconds_to_end()
    if ended["settled"] or not ended["instances"]:
        return ended
    while True:
        with database.transaction() as cursor:
            half = entries_that(cursor, ended["instances"], "{} AND {}".format(ENDED_BY_US, STILL_PAUSED))
            living = living_tasks(cursor, half) if half else []
        if not living or time.time() >= deadline:
            break
        command.say(tasks_shown("waiting until {} tasks have ended".format(len(living)), living))
        command.sleep(END_POLL_SECONDS)
    alive = {instance_key(one) for one in living}
    gone = [entry for entry in half if instance_key(entry) not in alive]
    if gone:
        database.settle(lambda cursor: settle_ended(cursor, dict(ended, instances=gone), {run_key(entry) for entry in gone}))
    with database.transaction() as cursor:
        keys = {instance_key(entry) for entry in still_ended(cursor, ended["instances"]) + half_ended(cursor, ended)}
    ended.update(instances=[entry for entry in ended["instances"] if instance_key(entry) in keys], settled=True)
    write_ended(command, ended)
    return ended


def run_columns(run_keys):
    """Two arrays for unnest."""
    run_keys = sorted(run_keys)
    return [key[0] for key in run_keys], [key[1] for key in run_keys]


def living_tasks(cursor, entries):
    """Those whose process is still there; one that was killed cannot say so, but its heartbeat grows old."""
    source, values = entries_sql(entries)
    cursor.execute("SELECT r.dag_id, r.run_id, t.task_id, e.map_index, t.start_date FROM task_instance t JOIN dag_run r ON r.dag_id = t.dag_id "
                   "JOIN {} ON {} JOIN job j ON j.id = t.job_id WHERE {} ORDER BY 5, 1, 2, 3, 4".format(
                       source, entries_joined(cursor), lives("j")), values)
    return [{"dagId": row[0], "runId": row[1], "taskId": row[2], "mapIndex": row[3], "since": iso(row[4])} for row in cursor.fetchall()]


def settle_ended(cursor, ended, touched):
    """What has ended is left without state, marked, with the tries that had ended before, and without its process: its next end is its own.

    What has succeeded, deferred or rescheduled itself in its last moment is no longer ours. Something that ended just then may have made
    what stands behind an ended task upstream_failed; without state it waits again. And a scheduler's loop that began before the pause,
    or a backfill's process, may have ended the run for it. A backfill's queued instance waits as scheduled (moving.py says why).
    """
    cursor.execute("UPDATE dag_run r SET state = 'running', end_date = NULL WHERE r.state = 'failed' "
                   "AND (r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))", run_columns(touched))
    source, values = entries_sql(ended["instances"])
    only_queued = "e.state = 'queued' AND " + of_backfill(cursor)
    cursor.execute("UPDATE task_instance t SET state = CASE WHEN {0} THEN 'scheduled' END, end_date = CASE WHEN {0} THEN NULL ELSE e.ended_at END, "
                   "try_number = CASE WHEN {0} THEN e.tries ELSE {1} END, duration = NULL, job_id = NULL FROM dag_run r, {2} WHERE {3} "
                   "AND {4} AND t.try_number IS NOT DISTINCT FROM e.tries AND {5}".format(
                       only_queued, finished_tries(), source, entries_joined(cursor), ENDED_BY_US, IN_FLIGHT), values)
    link, index = task_link(cursor)
    before = [run_key(run) + tuple(one) for run in ended["runs"] for one in run["upstreamFailed"]]
    cursor.execute(
        "UPDATE task_instance t SET state = NULL, start_date = NULL, end_date = NULL, duration = NULL FROM dag_run r "
        "WHERE {} AND t.state = 'upstream_failed' AND {} AND (r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[])) "
        "AND (r.dag_id, r.run_id, t.task_id, {}) NOT IN (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::int[]))".format(
            link, IN_FLIGHT, index),
        run_columns(touched) + tuple([one[place] for one in before] for place in range(4)))
