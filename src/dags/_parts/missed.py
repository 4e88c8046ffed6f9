"""Intervals of DAGs without catchup that ended between pause and activation: no scheduler would run them by itself (design §5)."""
from _parts.activity import NEXT_RUN, next_run_columns
from _parts.handover import moment
from _parts.schedule import MOST_INTERVALS, has_run, intervals_told

#: Runs of one DAG that are made: all in one transaction, which holds the DAG's row; and hundreds of runs in a row keep a DAG from today's work.
MOST_STARTED = 500


class Missed(object):
    """DagRunInfo of each missed interval, oldest first; `is_more`: there are more than these."""

    def __init__(self, infos=(), is_more=False):
        self.infos, self.is_more = list(infos), is_more


class RunNotMade(Exception):
    """Runs of missed intervals cannot be made; the whole DAG stays as it was. The text is the reason that a person reads."""


def missed_intervals(cursor, schedule, one, handover, before):
    """The intervals that the source would have run, that nobody runs now (Missed).

    :param before: datetime, the logical date of the run that the target makes by itself; None where it makes none.
    """
    from airflow.utils import timezone
    if not schedule.skips or handover.snapshot is None:
        return Missed()
    dag_id, paused_at, now = one["dagId"], moment(handover.paused_at(one["dagId"])), timezone.utcnow()
    parked = [run["runId"] for run in handover.parked.get(dag_id, [])]
    last = schedule.newest_interval(cursor, dag_id, "(queued_at IS NULL OR queued_at <= %s::timestamptz OR run_id = ANY(%s))", (handover.snapshot, parked))
    first = schedule.after(last) if last is not None else schedule.recorded(one)
    last_before_pause, missed = None, []
    is_more = False
    for info in schedule.ended(first, now, before):
        if len(missed) >= MOST_INTERVALS:
            is_more = True
            break
        if info.run_after > paused_at:
            missed.append(info)
        else:
            last_before_pause = info
    # Of what had ended before the pause, the source would still have run the newest one.
    return Missed(([last_before_pause] if last_before_pause is not None else []) + missed, is_more)


def skip_to_now(cursor, schedule, dag_id):
    """Write the next run as a parse at this moment would, for without catchup it moves with the clock; returns its logical date, None where none follows."""
    return _write_next(cursor, dag_id, schedule.dag.next_dagrun_info(schedule.newest_interval(cursor, dag_id)))


def start_missed(cursor, session, schedule, dag_id, missed):
    """Make the runs as the scheduler makes them, queued; then write the next run anew, for it follows them.

    :raises RunNotMade: where there are too many, or Airflow refuses one.
    """
    if missed.is_more or len(missed.infos) > MOST_STARTED:
        raise RunNotMade(
            "{}{} intervals ended since its pause, and cutover.missed-intervals: run starts no more than {} of one DAG. Set it to report, and it goes on with "
            "the newest (what else you need: airflow dags backfill); or give it catchup=True on the target until it has caught up. Then run cutover again"
            .format("more than " if missed.is_more else "", len(missed.infos), MOST_STARTED))
    try:
        _make_runs(cursor, session, schedule, dag_id, missed.infos)
    except Exception as error:
        if getattr(error, "orig", None) is not None or hasattr(error, "pgcode"):
            raise  # The database's own failures are told, and deadlocks tried again, further up.
        raise RunNotMade("its missed intervals cannot be started ({}): repair the DAG, or set cutover.missed-intervals: report".format(type(error).__name__))
    skip_to_now(cursor, schedule, dag_id)


def _make_runs(cursor, session, schedule, dag_id, infos):
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunType
    for info in infos:
        if has_run(cursor, dag_id, info.logical_date):
            continue
        schedule.dag.create_dagrun(run_type=DagRunType.SCHEDULED, execution_date=info.logical_date, state=DagRunState.QUEUED, data_interval=info.data_interval,
                                   external_trigger=False, session=session, dag_hash=schedule.hash, creating_job_id=None)
        session.flush()


def report_missed(cursor, dag_id, missed):
    """protocol.ts ActivateData.missed of one DAG; [] where none was missed."""
    if not missed.infos:
        return []
    return [dict(intervals_told(dag_id, missed.infos, missed.is_more), started=all(has_run(cursor, dag_id, info.logical_date) for info in missed.infos))]


def first_own_run(cursor, dag_id, snapshot):
    """Logical date of the first run that the target's scheduler made since the snapshot, None before that; `start_missed` leaves creating_job_id NULL."""
    cursor.execute("SELECT min(execution_date) FROM dag_run WHERE dag_id = %s AND run_type = 'scheduled' AND creating_job_id IS NOT NULL "
                   "AND queued_at > %s::timestamptz", (dag_id, snapshot))
    return cursor.fetchone()[0]


def _write_next(cursor, dag_id, info):
    if info is None or len(next_run_columns(cursor)) < len(NEXT_RUN):
        cursor.execute("SELECT next_dagrun FROM dag WHERE dag_id = %s", (dag_id,))
        return cursor.fetchone()[0]
    interval = info.data_interval
    cursor.execute("UPDATE dag SET next_dagrun = %s, next_dagrun_data_interval_start = %s, next_dagrun_data_interval_end = %s, next_dagrun_create_after = %s "
                   "WHERE dag_id = %s", (info.logical_date, interval.start, interval.end, info.run_after, dag_id))
    return info.logical_date
