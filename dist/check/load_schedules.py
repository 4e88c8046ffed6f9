"""What a DAG's schedule means to the Airflow that loaded it: its words, and the runs it would make next. Airflow 1.10 to 3.3.

Two releases are compared by what they make of the same past: a migration carries the history over, so the target goes on from the last
data interval of the source. ``seeds`` of one load are given to the other for that.
"""

import datetime
import time

#: A day and more of a schedule by the quarter of an hour; around a change of the clocks that is enough to see it.
MAX_RUNS = 40
BEFORE_CHANGE, AFTER_CHANGE = datetime.timedelta(hours=3), datetime.timedelta(hours=30)
MAX_CHANGES = 2
#: Weekly runs of a Sunday night, when the clocks change, have one in them; the steps are more than one each quarter of an hour.
DAYS_BACK, MAX_STEPS = 8, 1000


def described(dag, reference, seeds, serializer, has_room):
    """Look at the first run after ``reference``, and at the runs around the next changes of the clocks in the DAG's time zone.

    :param str reference: ISO date
    :param seeds: list of ``{"at": ISO, "last": [ISO, ISO] or None}`` from the other release, or None
    :param bool has_room: whether to look at changes of the clocks too; a file of thousands of DAGs would say too much
    :returns: dict with ``schedule``, ``nextRun`` and ``interval`` (None: nothing is scheduled; "": could not be had), ``catchup``,
        ``seeds`` and, for each of them, ``runs``: lists of ``[run after, start, end]``
    """
    stored = _stored(dag, serializer)
    timetable = getattr(stored, "timetable", None)
    result = {"schedule": _words(dag, timetable)[:250], "catchup": dag.catchup if isinstance(getattr(dag, "catchup", None), bool) else None}
    result.update({"nextRun": "", "interval": "", "seeds": [], "runs": []})
    try:
        start = datetime.datetime.fromisoformat(reference)
        limits = _limits(stored)
        if type(timetable).__name__ == "ContinuousTimetable" or _begins_now(limits[0], start):
            # They ask the clock, so nothing that they say can be compared.
            return result
        probes = seeds or [{"at": at.isoformat(), "last": None} for at in [start] + (_changes(dag, start) if has_room else [])]
        for number, probe in enumerate(probes[: MAX_CHANGES + 1]):
            at = _instant(probe["at"])
            last = [_instant(one) for one in probe["last"]] if probe.get("last") else _last(dag, timetable, at, limits)
            runs = list(_runs(dag, timetable, last, at, limits, only_first=number == 0))
            result["seeds"].append({"at": _iso(at), "last": last and [_iso(one) for one in last]})
            result["runs"].append([[_iso(one) for one in run] for run in runs])
        first = result["runs"][0]
        result["nextRun"], result["interval"] = (first[0][0], "%s/%s" % (first[0][1], first[0][2])) if first else (None, None)
    except Exception:
        # A timetable of the user's may raise anything; what was had until then is not whole.
        result.update({"nextRun": "", "interval": "", "seeds": [], "runs": []})
    return result


def _begins_now(first, day):
    """``start_date=datetime.now()``, with or without a ``timedelta``: another one at every load. Nobody writes microseconds down."""
    return first is not None and day < first and (first.microsecond != 0 or first <= datetime.datetime.now(datetime.timezone.utc))


def _stored(dag, serializer):
    """The scheduler's own DAG: since Airflow 3.0 a file makes only a description, and what decides comes out of the stored form."""
    return dag if getattr(dag, "timetable", None) is None or hasattr(type(dag), "_time_restriction") else serializer().from_dict(serializer().to_dict(dag))


def _limits(stored):
    """Earliest and latest date of a run, as the scheduler has them: dates of ``default_args`` are the tasks', and count."""
    if hasattr(type(stored), "_time_restriction"):
        restriction = stored._time_restriction
        return restriction.earliest, restriction.latest
    # Before 2.2 no run begins after the first task's end, jobs/scheduler_job.py and DAG.next_dagrun_info.
    starts, ends = ([date for date in dates if date] for dates in zip(*((one.start_date, one.end_date) for one in [stored, *stored.tasks])))
    return stored.start_date or min(starts, default=None), min(ends, default=None)


def _words(dag, timetable):
    summary = getattr(timetable, "summary", None)
    if summary is not None:
        return str(summary)
    given = getattr(dag, "schedule_interval", None)
    # As releases with timetables say it: presets by their cron expression.
    return str(given if timetable is not None or given == "@once" else dag.normalized_schedule_interval)


def _changes(dag, start):
    """When the clocks of the DAG's time zone change within the year from ``start``, each a little before."""
    zone = getattr(dag, "timezone", None)
    if zone is None or getattr(zone, "name", None) in ("UTC", None):
        return []
    found, hour = [], datetime.timedelta(hours=1)
    day, offset = start, start.astimezone(zone).utcoffset()
    for _ in range(366):
        following = day + datetime.timedelta(days=1)
        if following.astimezone(zone).utcoffset() != offset:
            while (day + hour).astimezone(zone).utcoffset() == offset:
                day += hour
            found.append(day + hour - BEFORE_CHANGE)
            offset = following.astimezone(zone).utcoffset()
        day = following
    return found[:MAX_CHANGES]


def _last(dag, timetable, at, limits):
    """Data interval of the run that had been the last one at ``at``, of a DAG that had run until then; None: it begins later."""
    if limits[0] is not None and limits[0] > at:
        return None
    # A schedule that is due at that very second has had its run.
    soon = at.add(seconds=30)
    if timetable is None:
        end = dag.previous_schedule(soon)
        if end is None or not isinstance(dag.normalized_schedule_interval, str):
            end = at
        start = dag.previous_schedule(end)
        return (at.subtract(days=1), at) if start is None else (start, end)
    fallback = at.subtract(days=1), at
    try:
        last = timetable.infer_manual_data_interval(run_after=soon)
        if last is not None and last.end == soon:
            last = timetable.infer_manual_data_interval(run_after=at)
        if last is not None and last.start == last.end:
            # So says 2.2.2 where the next run falls into an hour that the clocks skip.
            earlier = timetable.infer_manual_data_interval(run_after=at.subtract(days=DAYS_BACK))
            return _carried_on(timetable, (earlier.start, earlier.end), at, limits) or fallback
    except Exception:
        # Timetables that nobody starts by hand need not know it.
        return fallback
    return fallback if last is None else (last.start, last.end)


def _carried_on(timetable, last, at, limits):
    """The last data interval at ``at``, from an earlier one. None: they have no length, and Airflow 3.3 goes a whole one further from such."""
    for _ in range(MAX_STEPS):
        if last[0] == last[1]:
            return None
        run = _next(timetable, last, limits)
        if run is None or run[0] > at:
            return last
        last = run[1:]
    return None


def _runs(dag, timetable, last, at, limits, only_first):
    """Yield (run after, start, end) from the first run after ``last`` on."""
    until, before = at + BEFORE_CHANGE + AFTER_CHANGE, None
    for _ in range(1 if only_first else MAX_RUNS):
        run = _following(dag, last, limits) if timetable is None else _next(timetable, last, limits)
        # Some releases do not get over a change of the clocks, and make the same run again and again.
        if run is None or (before is not None and run[0] <= before):
            return
        yield run
        before, last = run[0], run[1:]
        if before > until:
            return


def _next(timetable, last, limits):
    import pendulum
    from airflow.timetables.base import DataInterval, TimeRestriction

    earliest, latest = (date and pendulum.instance(date) for date in limits)
    # Without catching up timetables ask the clock.
    restriction = TimeRestriction(earliest=earliest, latest=latest, catchup=True)
    info = timetable.next_dagrun_info(last_automated_data_interval=last and DataInterval(*last), restriction=restriction)
    if info is None:
        return None
    interval = info.data_interval or DataInterval(info.run_after, info.run_after)
    return info.run_after, interval.start, interval.end


def _following(dag, last, limits):
    """Before 2.2: a run has the date at which its interval starts, and is due when the next one starts."""
    import pendulum

    first, latest = (date and pendulum.instance(date) for date in limits)
    if dag.schedule_interval == "@once":
        return None if last else (first, first, first)
    if dag.normalized_schedule_interval is None:
        return None
    date = dag.following_schedule(pendulum.instance(last[0])) if last else dag.normalize_schedule(first)
    if last and first:
        date = max(date, dag.normalize_schedule(first))
    if latest is not None and date > latest:
        return None
    due = dag.following_schedule(pendulum.instance(date))
    return due, date, due


def _instant(text):
    import pendulum

    return pendulum.instance(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")))


def _iso(instant):
    # pendulum 1, which 1.10 has, knows no other way that all have.
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", instant.utctimetuple())
