"""What goes on in a paused DAG: task instances that run or are queued, and how a progress message names them."""
from _parts.activity import IN_FLIGHT, not_own, run_type_of, task_link
from _parts.database import columns_of, iso, names

#: The states that go on in a paused DAG; every other unfinished one stands still there [ran, 2.7.2, 2.10.3].
MOVING = ("running", "queued", "restarting")
#: More than a display can hold is a count.
SHOWN_CHARACTERS = 300


def moving_tasks(cursor, only_in_flight=False):
    """Task instances that go on in a paused DAG, oldest first, without those whose process is known to be gone (a lost worker leaves them `running`).

    With `only_in_flight` those too, but none of a run that has ended: nobody would go on with such a run.
    """
    link, index = task_link(cursor)
    trigger = "t.next_method IS NOT NULL" if "next_method" in names(columns_of(cursor, "task_instance")) else "false"
    state = "AND {}".format(IN_FLIGHT) if only_in_flight else (
        "AND ({} OR t.state <> 'queued') AND NOT coalesce(t.state <> 'queued' AND NOT {}, false)".format(IN_FLIGHT, lives("j")))
    cursor.execute(
        "SELECT r.dag_id, r.run_id, t.task_id, {}, t.state, t.try_number, {}, t.job_id, {}, coalesce(t.start_date, t.queued_dttm) AS since "
        "FROM task_instance t JOIN dag_run r ON {} LEFT JOIN job j ON j.id = t.job_id WHERE t.state = ANY(%s) AND {} {} "
        "ORDER BY since, 1, 2, 3, 4".format(index, trigger, _waits(cursor), link, not_own("t.dag_id"), state), (list(MOVING),))
    return [{"dagId": row[0], "runId": row[1], "taskId": row[2], "mapIndex": row[3], "state": row[4], "tryNumber": row[5], "hasTrigger": row[6],
             "jobId": row[7], "waits": row[8], "since": iso(row[9])} for row in cursor.fetchall()]


def take_back_queued(cursor):
    """What only waits for a worker waits for the scheduler again, which queues nothing of a paused DAG.

    The message that starts it lies on in the executor's queue. A worker that takes it up refuses an instance that is `scheduled` (without state
    it would run), and what the executor then says of that end is heard only for one that is `queued` [source, 1.10.12 to 2.11; ran, 2.7.2,
    2.10.3]. Its tries are right as they are: an instance that is scheduled is queued without being counted once more.
    queued_by_job_id stays: 2.0 takes its state from an instance that is scheduled and names no scheduler.
    """
    link, _ = task_link(cursor)
    cursor.execute("UPDATE task_instance t SET state = 'scheduled' FROM dag_run r WHERE {} AND {} AND {} AND {}".format(
        link, IN_FLIGHT, _waits(cursor), not_own("t.dag_id")))


def _waits(cursor):
    """SQL over `t` and `r`: it is queued, and a scheduler is all that could queue it again: no process of a backfill, no DAG that is not paused."""
    return "(t.state = 'queued' AND NOT {} AND EXISTS (SELECT 1 FROM dag d WHERE d.dag_id = t.dag_id AND d.is_paused))".format(of_backfill(cursor))


def of_backfill(cursor):
    """SQL: the run `r` is a backfill's."""
    return "({} = 'backfill')".format(run_type_of(cursor, "r"))


def lives(job):
    """SQL: the process of this alias of table `job` says that it runs, and has said so lately."""
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
