"""One DAG's schedule as its serialized DAG tells it, walked through interval by interval."""
import datetime

from _parts.database import iso

#: Intervals of one DAG that are looked at: a week of a schedule that runs every minute. Where there are more, the answer says so.
MOST_INTERVALS = 10080


class Schedule(object):
    """This Airflow's own idea of one DAG's schedule: the serialized DAG that its scheduler reads too (2.2 and later)."""

    def __init__(self, dag, dag_hash):
        self.dag = dag
        self.hash = dag_hash

    @property
    def skips(self):
        """Whether intervals that nobody has run in time are left out."""
        return not self.dag.catchup and getattr(self.dag.timetable, "can_be_scheduled", True)

    def newest_interval(self, cursor, dag_id, only="true", values=()):
        """Data interval of the newest automated run, None without one; `only`: SQL over dag_run."""
        from airflow.timetables.base import DataInterval
        cursor.execute("SELECT execution_date, data_interval_start, data_interval_end FROM dag_run WHERE dag_id = %s AND run_type IN ('scheduled', 'backfill') "
                       "AND {} ORDER BY execution_date DESC LIMIT 1".format(only), (dag_id,) + tuple(values))
        row = cursor.fetchone()
        if row is None:
            return None
        if row[1] is None or row[2] is None:  # A run of Airflow below 2.2
            return self.dag.infer_automated_data_interval(aware(row[0]))
        return DataInterval(aware(row[1]), aware(row[2]))

    def after(self, interval):
        """The run that follows `interval` if none is skipped, None at the schedule's end."""
        found = self.dag.next_dagrun_info(interval, restricted=False)
        latest = self.dag._time_restriction.latest
        return None if found is None or (latest is not None and found.logical_date > latest) else found

    def ended(self, info, now, before):
        """`info` and what follows it, oldest first: what is over at `now`, and earlier than the logical date `before` (None: no such end)."""
        while info is not None and info.run_after <= now and (before is None or info.logical_date < before):
            yield info
            following = self.after(info.data_interval)
            info = following if following is not None and following.logical_date > info.logical_date else None

    def recorded(self, one):
        """DagRunInfo of the next run that protocol.ts ActiveDag tells, for a DAG without any automated run; None where it tells none."""
        from airflow.timetables.base import DagRunInfo, DataInterval
        logical, start, end, after = [aware(one.get(name)) for name in (
            "nextDagrun", "nextDagrunDataIntervalStart", "nextDagrunDataIntervalEnd", "nextDagrunCreateAfter")]
        if logical is None:
            return None
        interval = DataInterval(start, end) if start and end else self.dag.infer_automated_data_interval(logical)
        return DagRunInfo(run_after=after or interval.end, data_interval=interval)


def schedule_of(dag_id, session):
    """None where this worker cannot read the serialized DAG, as with a timetable of a plugin that it does not have."""
    from airflow.models.serialized_dag import SerializedDagModel
    try:
        row = SerializedDagModel.get(dag_id, session=session)
        return None if row is None else Schedule(row.dag, row.dag_hash)
    except Exception as error:  # Whatever a plugin raises; the DAG's row still says its next run, and the caller says what is not known.
        print("mwaa-migrate: the serialized DAG {} cannot be read here ({})".format(dag_id, type(error).__name__))
        return None


def intervals_told(dag_id, infos, is_more):
    """protocol.ts MissedIntervals of some DagRunInfo, oldest first."""
    found = {"dagId": dag_id, "count": len(infos), "first": iso(in_utc(infos[0].logical_date)), "last": iso(in_utc(infos[-1].logical_date))}
    return dict(found, isMore=True) if is_more else found


def has_run(cursor, dag_id, logical_date):
    cursor.execute("SELECT EXISTS (SELECT 1 FROM dag_run WHERE dag_id = %s AND execution_date = %s)", (dag_id, logical_date))
    return cursor.fetchone()[0]


def in_utc(value):
    """A plugin's timetable may reckon in the DAG's own time zone."""
    return value.astimezone(datetime.timezone.utc)


def aware(value):
    """Airflow's timetables reckon with pendulum's datetimes. `value`: a datetime, ISO 8601 or None."""
    from airflow.utils import timezone
    return timezone.parse(value) if isinstance(value, str) else timezone.coerce_datetime(value)
