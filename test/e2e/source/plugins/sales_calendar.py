"""A plugin the workflows need: without it ``daily_sales`` has no schedule and cannot render its templates."""
from datetime import date

from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.interval import CronDataIntervalTimetable


def week_of(day):
    """ISO week, e.g. ``2026-W23``, of a date written as ``2026-06-01``."""
    year, week, _ = date.fromisoformat(day).isocalendar()
    return f"{year}-W{week:02d}"


class DailyWhileBooksAreOpen(CronDataIntervalTimetable):
    """Daily, up to and including the day ``last_day`` (``2026-06-20``).

    Not the DAG's ``end_date``: tasks inherit that one, and a scheduler that still holds the DAG as it was before a change of its end makes
    a run without any task instance.
    """

    def __init__(self, last_day):
        super().__init__("0 0 * * *", timezone="UTC")
        self.last_day = last_day

    def next_dagrun_info(self, *, last_automated_data_interval, restriction):
        info = super().next_dagrun_info(last_automated_data_interval=last_automated_data_interval, restriction=restriction)
        return info if info is not None and info.logical_date.date() <= date.fromisoformat(self.last_day) else None

    def serialize(self):
        return {"last_day": self.last_day}

    @classmethod
    def deserialize(cls, data):
        return cls(data["last_day"])


class SalesCalendar(AirflowPlugin):
    name = "sales_calendar"
    macros = [week_of]
    timetables = [DailyWhileBooksAreOpen]
