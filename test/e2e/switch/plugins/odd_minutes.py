"""A timetable of the team's own: without the plugin ``by_timetable`` has no schedule."""
from datetime import timedelta

from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.base import DagRunInfo, DataInterval, Timetable
from pendulum import DateTime, instance

LENGTH = timedelta(minutes=2)


class OddMinutes(Timetable):
    """Intervals of two minutes from one odd minute to the next; each runs as soon as it has ended."""

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        end = _odd_minute_before(run_after)
        return DataInterval(start=end - LENGTH, end=end)

    def next_dagrun_info(self, *, last_automated_data_interval, restriction):
        if last_automated_data_interval is not None:
            start = last_automated_data_interval.end
        elif restriction.earliest is not None:
            start = _odd_minute_before(restriction.earliest) + LENGTH
        else:
            return None
        return DagRunInfo.interval(start=start, end=start + LENGTH)


def _odd_minute_before(moment):
    whole = instance(moment).replace(second=0, microsecond=0)
    return whole if whole.minute % 2 else whole - timedelta(minutes=1)


class OddMinutesPlugin(AirflowPlugin):
    name = "odd_minutes"
    timetables = [OddMinutes]
