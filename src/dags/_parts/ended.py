"""Task instances that still run at the drain's deadline: set to failed, seen ended, and left without state, as what has not begun (design §5).

They do not stay failed: every minute the scheduler looks at the running runs of paused DAGs too, and would fail those runs, with callbacks
and all, as soon as nothing in them is unfinished [ran, 2.10.3]. `end_date` is the mark by which they are known.
"""
import time

from _parts.activity import IN_FLIGHT, not_own, task_link
from _parts.dagfile import AIRFLOW_VERSION
from _parts.database import columns_of, iso, names, scalar, text_list
from _parts.drained import instance_key, read_ended, write_ended
from _parts.failures import Refusal

#: The states that go on in a paused DAG; every other unfinished one stands still there [ran, 2.7.2, 2.10.3].
MOVING = ("running", "queued", "restarting")
#: A process hears of its end by its heartbeat, has killed_task_cleanup_time (60 s by default) to go, and MWAA may be slow.
END_SECONDS = 900
END_POLL_SECONDS = 3
#: A scheduler's loop that began before the pause may still queue a task: that many looks in a row must find nothing.
QUIET_LOOKS = 2
#: More than a display can hold is a count.
SHOWN_CHARACTERS = 300
#: Temporary table of the export's session: what stands on the target in place of the mark.
ENDED_TABLE = "mwaa_migrate_ended"


def begun_states(version):
    """States whose current try is in `try_number` already though it has not ended: 2.10 counts when it schedules, older versions when a task starts."""
    return ("scheduled", "queued", "running", "restarting", "up_for_reschedule", "deferred") if version >= (2, 10) else ("running",)


def moving_tasks(cursor, only_in_flight=False):
    """Task instances that go on in a paused DAG, oldest first, without those whose process is known to be gone (a lost worker leaves them `running`).

    With `only_in_flight` those too, but none of a run that has ended: nobody would go on with such a run.
    """
    link, index = task_link(cursor)
    trigger = "t.next_method IS NOT NULL" if "next_method" in names(columns_of(cursor, "task_instance")) else "false"
    state = "AND {}".format(IN_FLIGHT) if only_in_flight else (
        "AND ({} OR t.state <> 'queued') AND NOT coalesce(t.state <> 'queued' AND NOT {}, false)".format(IN_FLIGHT, _lives("j")))
    cursor.execute(
        "SELECT r.dag_id, r.run_id, t.task_id, {}, t.state, t.try_number, {}, coalesce(t.start_date, t.queued_dttm) AS since FROM task_instance t "
        "JOIN dag_run r ON {} LEFT JOIN job j ON j.id = t.job_id WHERE t.state = ANY(%s) AND {} {} ORDER BY since, 1, 2, 3, 4".format(
            index, trigger, link, not_own("t.dag_id"), state), (list(MOVING),))
    return [{"dagId": row[0], "runId": row[1], "taskId": row[2], "mapIndex": row[3], "state": row[4], "tryNumber": row[5], "hasTrigger": row[6],
             "since": iso(row[7])} for row in cursor.fetchall()]


def _lives(job):
    return "({0}.state = 'running' AND {0}.latest_heartbeat > now() - interval '{1} seconds')".format(job, zombie_seconds())


def zombie_seconds():
    from airflow.configuration import conf
    return conf.getint("scheduler", "scheduler_zombie_task_threshold", fallback=300)


def shown(beginning, found):
    """`beginning` and as many (name, since) as a progress message holds, then a count."""
    text = beginning
    for number, (name, since) in enumerate(found):
        part = "{}{} since {}".format(": " if number == 0 else ", ", name if len(name) <= 90 else name[:89] + "…", (since or "?")[:19])
        if len(text) + len(part) > SHOWN_CHARACTERS - len(" and 1000000 more"):
            return "{} and {} more".format(text, len(found) - number)
        text += part
    return text


def task_name(entry):
    return entry["taskId"] if entry["mapIndex"] < 0 else "{}[{}]".format(entry["taskId"], entry["mapIndex"])


def tasks_shown(beginning, tasks):
    return shown(beginning, [("{} / {} / {}".format(task["dagId"], task["runId"], task_name(task)), task.get("since")) for task in tasks])


def end_tasks(command, database):
    """Set what moves to failed, wait until its processes are gone; the record (drained.py) is written before.

    :raises Refusal: when processes do not end; then nothing may be exported, for they would run on both sides.
    """
    deadline = time.time() + max(END_SECONDS, 3 * zombie_seconds())
    ended, quiet = read_ended(command), 0
    with database.transaction() as cursor:  # A try that was killed in between may have left them so.
        touched = {(entry["dagId"], entry["runId"]) for entry in still_ended(cursor, ended["instances"], "t.state = 'failed'")}
    while quiet < QUIET_LOOKS:
        with database.transaction() as cursor:
            moving = moving_tasks(cursor, only_in_flight=True)
            if moving:
                _add(cursor, ended, moving)
                touched.update((task["dagId"], task["runId"]) for task in moving)
        if moving:
            write_ended(command, ended)
            database.settle(lambda cursor: _fail(cursor, ended["instances"]))
        with database.transaction() as cursor:
            living = _living(cursor, ended["instances"])
            is_at_rest = not scalar(cursor, "SELECT EXISTS (SELECT 1 FROM dag_run r WHERE {} AND {})".format(IN_FLIGHT, not_own()))
        if is_at_rest and not living:
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
        database.settle(lambda cursor: _settle_ended(cursor, ended, touched))
        with database.transaction() as cursor:
            ended["instances"] = still_ended(cursor, ended["instances"])
        write_ended(command, ended)
    return ended["instances"]


def _add(cursor, ended, moving):
    """Into the record, with the runs' instances that are upstream_failed for another reason."""
    moment = iso(scalar(cursor, "SELECT now()"))
    known = {instance_key(entry): entry for entry in ended["instances"]}
    for task in moving:
        known[instance_key(task)] = dict({name: value for name, value in task.items() if name != "since"}, endedAt=moment)
    ended["instances"] = [known[key] for key in sorted(known)]
    recorded = {(run["dagId"], run["runId"]) for run in ended["runs"]}
    runs = {(task["dagId"], task["runId"]): [] for task in moving if (task["dagId"], task["runId"]) not in recorded}
    link, index = task_link(cursor)
    cursor.execute("SELECT r.dag_id, r.run_id, t.task_id, {} FROM task_instance t JOIN dag_run r ON {} "
                   "WHERE t.state = 'upstream_failed' AND (r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))".format(index, link),
                   ([key[0] for key in runs], [key[1] for key in runs]))
    for dag_id, run_id, task_id, map_index in cursor.fetchall():
        runs[dag_id, run_id].append([task_id, map_index])
    ended["runs"] += [{"dagId": key[0], "runId": key[1], "upstreamFailed": runs[key]} for key in sorted(runs)]


def entries_sql(entries):
    """`e` (dag_id, run_id, task_id, map_index, state, ended_at, tries) as SQL, and its values."""
    return ("unnest(%s::text[], %s::text[], %s::text[], %s::int[], %s::text[], %s::timestamptz[], %s::int[]) "
            "AS e(dag_id, run_id, task_id, map_index, state, ended_at, tries)"), tuple(
                [entry[name] for entry in entries] for name in ("dagId", "runId", "taskId", "mapIndex", "state", "endedAt", "tryNumber"))


def entries_joined(cursor):
    """SQL: the row `t` with its run `r` is that of entry `e`."""
    link, index = task_link(cursor)
    return "{} AND e.dag_id = r.dag_id AND e.run_id = r.run_id AND e.task_id = t.task_id AND e.map_index = {}".format(link, index)


def _fail(cursor, entries):
    """Only where the instance is still as it was recorded; what has started or ended meanwhile is seen at the next look."""
    source, values = entries_sql(entries)
    cursor.execute("UPDATE task_instance t SET state = 'failed', end_date = e.ended_at FROM dag_run r, {} WHERE {} AND t.state = e.state "
                   "AND t.try_number IS NOT DISTINCT FROM e.tries".format(source, entries_joined(cursor)), values)
    if "last_scheduling_decision" in names(columns_of(cursor, "dag_run")):
        # The scheduler's look at paused DAGs passes over runs without one, and the first look after unpausing takes them first.
        cursor.execute("UPDATE dag_run r SET last_scheduling_decision = NULL WHERE (r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))",
                       ([entry["dagId"] for entry in entries], [entry["runId"] for entry in entries]))


def _living(cursor, entries):
    """Those whose process is still there; one that was killed cannot say so, but its heartbeat grows old. And processes of backfills, which start tasks."""
    source, values = entries_sql(entries)
    cursor.execute("SELECT r.dag_id, r.run_id, t.task_id, e.map_index, t.start_date FROM task_instance t JOIN dag_run r ON r.dag_id = t.dag_id "
                   "JOIN {} ON {} JOIN job j ON j.id = t.job_id WHERE {} UNION ALL "
                   "SELECT coalesce(b.dag_id, '?'), 'backfill', 'all tasks', -1, b.start_date FROM job b WHERE b.job_type = 'BackfillJob' AND {} AND {} "
                   "ORDER BY 5, 1, 2, 3, 4".format(source, entries_joined(cursor), _lives("j"), _lives("b"), not_own("b.dag_id")), values)
    return [{"dagId": row[0], "runId": row[1], "taskId": row[2], "mapIndex": row[3], "since": iso(row[4])} for row in cursor.fetchall()]


def _settle_ended(cursor, ended, touched):
    """What has ended is left without state, marked, with the tries that had ended before.

    Code that answers SIGTERM with an error of its own makes Airflow write failed or up_for_retry over ours: the end was ours all the same.
    What has succeeded, deferred or rescheduled itself in its last moment is no longer ours. Something that ended just then may have made
    what stands behind an ended task upstream_failed; without state it waits again. And a scheduler's loop that began before the pause,
    or a backfill's process, may have ended the run for it.
    """
    cursor.execute("UPDATE dag_run r SET state = 'running', end_date = NULL WHERE r.state = 'failed' "
                   "AND (r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))", ([key[0] for key in touched], [key[1] for key in touched]))
    source, values = entries_sql(ended["instances"])
    cursor.execute("UPDATE task_instance t SET state = NULL, end_date = e.ended_at, duration = NULL, try_number = {} FROM dag_run r, {} WHERE {} "
                   "AND t.state IN ('failed', 'up_for_retry') AND t.try_number IS NOT DISTINCT FROM e.tries AND {}".format(
                       finished_tries(), source, entries_joined(cursor), IN_FLIGHT), values)
    link, index = task_link(cursor)
    before = [(run["dagId"], run["runId"]) + tuple(one) for run in ended["runs"] for one in run["upstreamFailed"]]
    cursor.execute(
        "UPDATE task_instance t SET state = NULL, start_date = NULL, end_date = NULL, duration = NULL FROM dag_run r "
        "WHERE {} AND t.state = 'upstream_failed' AND {} AND (r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[])) "
        "AND (r.dag_id, r.run_id, t.task_id, {}) NOT IN (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::int[]))".format(
            link, IN_FLIGHT, index),
        ([run["dagId"] for run in ended["runs"]], [run["runId"] for run in ended["runs"]]) + tuple([one[place] for one in before] for place in range(4)))


def still_ended(cursor, entries, is_ours="t.state IS NULL AND " + IN_FLIGHT):
    """Those that stand as the drain has left them, in a run that has not ended; or that bear its mark and fit another condition on `t` and `r`."""
    if not entries:
        return []
    source, values = entries_sql(entries)
    cursor.execute("SELECT e.dag_id, e.run_id, e.task_id, e.map_index FROM task_instance t JOIN dag_run r ON r.dag_id = t.dag_id JOIN {} ON {} "
                   "WHERE t.end_date = e.ended_at AND {}".format(source, entries_joined(cursor), is_ours), values)
    ours = set(cursor.fetchall())
    return [entry for entry in entries if instance_key(entry) in ours]


def keep_ended(cursor, entries, as_failed):
    """Make ENDED_TABLE: a snapshot that only reads cannot. `as_failed`: they do not go on at the target."""
    cursor.execute("CREATE TEMP TABLE {} (dag_id text, run_id text, task_id text, map_index int, mark timestamptz, state text, end_date timestamptz, "
                   "try_number int, PRIMARY KEY (dag_id, run_id, task_id, map_index))".format(ENDED_TABLE))
    source, values = entries_sql(entries)
    moves = "'failed', e.ended_at, e.tries" if as_failed else "NULL, NULL, " + finished_tries()
    cursor.execute("INSERT INTO {} SELECT e.dag_id, e.run_id, e.task_id, e.map_index, e.ended_at, {} FROM {}".format(ENDED_TABLE, moves, source), values)


def finished_tries():
    """SQL: tries of the entry `e` that had ended before the drain."""
    return "CASE WHEN e.state IN ({}) THEN greatest(e.tries - 1, 0) ELSE e.tries END".format(text_list(begun_states(AIRFLOW_VERSION)))
