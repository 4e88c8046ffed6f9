"""When the early shift begins."""

from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.interval import CronDataIntervalTimetable


class EarlyShiftTimetable(CronDataIntervalTimetable):
    def __init__(self):
        super().__init__("0 6 * * 1-6", timezone="UTC")

    def serialize(self):
        return {}

    @classmethod
    def deserialize(cls, data):
        return cls()


def shift_name(hour):
    return "early" if hour < 14 else "late"


class FactoryPlugin(AirflowPlugin):
    name = "factory"
    timetables = [EarlyShiftTimetable]
    macros = [shift_name]
