"""Intervals that neither side runs after a restore: of a DAG without catchup the source goes on with the newest that is over (design §5)."""
from _parts.activity import next_run_columns
from _parts.airflow_session import settle_with_session
from _parts.database import columns_of, names
from _parts.drained import read_active
from _parts.schedule import MOST_INTERVALS, aware, intervals_told, schedule_of


def missed_by_both(command, wanted):
    """`missed` and `missedUnknown` of protocol.ts RestoreData.

    Asked when everything is put back, starts nothing and never fails: what is only told must not hold production up, nor turn a restore red.

    :param wanted: protocol.ts ActiveDag of the DAGs that were put back.
    """
    paused_at, missed, unknown = read_active(command)["pausedAt"], [], []
    paused = [one for one in wanted if one["dagId"] in paused_at]
    for number, one in enumerate(paused, 1):
        dag_id = one["dagId"]
        try:
            found = settle_with_session(lambda cursor, session, one=one: _of_dag(cursor, session, one, paused_at[one["dagId"]]))
        except Exception as error:  # Whatever a timetable of the user raises; the answer says that this DAG's are not known.
            print("mwaa-migrate: missed intervals of {} cannot be told ({})".format(dag_id, type(error).__name__))
            found = None
        if found is None:
            unknown.append(dag_id)
        else:
            missed += found
        command.say("looked for missed intervals of {} of {} DAGs".format(number, len(paused)), None, number, len(paused))
    return {"missed": missed, "missedUnknown": sorted(unknown)}


def _of_dag(cursor, session, one, paused_at):
    """protocol.ts MissedIntervals of one DAG, at most one; None where they are not known.

    What stands on the source as a run was run, there or on the target; the newest that is over the scheduler makes by itself, or has made.
    """
    from airflow.utils import timezone
    dag_id = one["dagId"]
    # Below 2.2 no serialized DAG can be asked for the intervals of its schedule.
    schedule = schedule_of(dag_id, session) if "data_interval_start" in names(columns_of(cursor, "dag_run")) else None
    if schedule is None:
        is_without_schedule = bool(next_run_columns(cursor)) and not one.get("nextDagrun")
        return [] if one.get("catchup") or is_without_schedule else None
    if not schedule.skips:
        return []
    last = schedule.newest_interval(cursor, dag_id, "(queued_at IS NULL OR queued_at <= %s::timestamptz)", (paused_at,))
    following = schedule.dag.next_dagrun_info(schedule.newest_interval(cursor, dag_id))
    first = schedule.after(last) if last is not None else schedule.recorded(one)
    if first is None:
        return []
    cursor.execute("SELECT execution_date FROM dag_run WHERE dag_id = %s AND execution_date >= %s", (dag_id, first.logical_date))
    there, pause = {row[0] for row in cursor.fetchall()}, aware(paused_at)
    before_pause, missed, is_more = [], [], False
    for number, info in enumerate(schedule.ended(first, timezone.utcnow(), following and following.logical_date)):
        if number >= MOST_INTERVALS:
            is_more = True
            break
        if info.run_after <= pause:
            before_pause = [info]  # Of these the source would still have run the newest one.
        else:
            missed.append(info)
    missed = [info for info in before_pause + missed if info.logical_date not in there]
    return [intervals_told(dag_id, missed, is_more)] if missed else []
