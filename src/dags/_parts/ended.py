"""Task instances that the drain has ended at its deadline, as the record (drained.py) and the database know them (design §5).

They stand without state, as what has not begun. They do not stay failed: every minute the scheduler looks at the running runs of paused
DAGs too, and would fail those runs, with callbacks and all, as soon as nothing in them is unfinished [ran, 2.10.3].
`end_date` is the mark by which they are known.
"""
from _parts.activity import IN_FLIGHT, task_link
from _parts.dagfile import AIRFLOW_VERSION
from _parts.database import text_list
from _parts.drained import instance_key

#: Temporary table of the export's session: what stands on the target in place of the mark.
ENDED_TABLE = "mwaa_migrate_ended"
#: SQL over `t` and the entry `e`: it bears the mark.
MARKED = "t.end_date = e.ended_at"
#: SQL: the end that the drain has ordered. Code that answers SIGTERM with an error of its own makes Airflow write failed or up_for_retry,
#: and another end_date, over ours; then the process is the one that was ended. A later process, with an end of its own, is another job.
#: Of an entry that was never ordered (it ended by itself just then) the process says nothing; so too in a record of an earlier release.
ENDED_BY_US = "t.state IN ('failed', 'up_for_retry') AND ({} OR e.ordered AND t.job_id = e.job)".format(MARKED)


def begun_states(version):
    """States whose current try is in `try_number` already though it has not ended: 2.10 counts when it schedules, older versions when a task starts."""
    return ("scheduled", "queued", "running", "restarting", "up_for_reschedule", "deferred") if version >= (2, 10) else ("running",)


def entries_sql(entries):
    """`e` (dag_id, run_id, task_id, map_index, state, ended_at, tries, job, ordered) as SQL, and its values."""
    return ("unnest(%s::text[], %s::text[], %s::text[], %s::int[], %s::text[], %s::timestamptz[], %s::int[], %s::bigint[], %s::bool[]) "
            "AS e(dag_id, run_id, task_id, map_index, state, ended_at, tries, job, ordered)"), tuple(
                [entry.get(name) for entry in entries]
                for name in ("dagId", "runId", "taskId", "mapIndex", "state", "endedAt", "tryNumber", "jobId", "ordered"))


def entries_joined(cursor):
    """SQL: the row `t` with its run `r` is that of entry `e`."""
    link, index = task_link(cursor)
    return "{} AND e.dag_id = r.dag_id AND e.run_id = r.run_id AND e.task_id = t.task_id AND e.map_index = {}".format(link, index)


def entries_that(cursor, entries, condition):
    """Those of the entries `e` whose row `t`, with its run `r`, meets an SQL condition."""
    if not entries:
        return []
    source, values = entries_sql(entries)
    cursor.execute("SELECT e.dag_id, e.run_id, e.task_id, e.map_index FROM task_instance t JOIN dag_run r ON r.dag_id = t.dag_id JOIN {} ON {} "
                   "WHERE {}".format(source, entries_joined(cursor), condition), values)
    found = set(cursor.fetchall())
    return [entry for entry in entries if instance_key(entry) in found]


def still_ended(cursor, entries, is_ours="t.state IS NULL AND " + IN_FLIGHT):
    """Those that stand as the drain has left them, in a run that has not ended; or that bear its mark and fit another condition on `t` and `r`."""
    return entries_that(cursor, entries, "{} AND {}".format(MARKED, is_ours))


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
