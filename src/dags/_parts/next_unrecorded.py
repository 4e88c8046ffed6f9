"""The next run of a source below 2.0, which keeps none on record: the newest automated run that came from it says which (design §5)."""
from _parts.database import iso
from _parts.schedule import in_utc, schedule_of


def with_next_run(cursor, session, one, handover):
    """ActiveDag (protocol.ts) `one` with the run that the target's own reading of the schedule puts behind that run.

    `isNextUnknown` where nothing says: no automated run, or a serialized DAG that cannot be read here. Both sides begin such a DAG by its file.
    """
    schedule = schedule_of(one["dagId"], session)
    # What came from the source, or was made before the snapshot.
    last = schedule and schedule.newest_interval(cursor, one["dagId"], "(queued_at IS NULL OR queued_at <= %s::timestamptz)", (handover.snapshot,))
    if last is None:
        return dict(one, isNextUnknown=True)
    following, found = schedule.after(last), dict(one, catchup=schedule.dag.catchup)
    if following is not None:
        start, end = following.data_interval
        found.update(nextDagrun=iso(in_utc(following.logical_date)), nextDagrunDataIntervalStart=iso(in_utc(start)),
                     nextDagrunDataIntervalEnd=iso(in_utc(end)), nextDagrunCreateAfter=iso(in_utc(following.run_after)))
    return found
