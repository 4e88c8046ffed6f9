"""When the exchange is open."""

from airflow.timetables.interval import CronDataIntervalTimetable


class TradingDayTimetable(CronDataIntervalTimetable):
    def __init__(self):
        super().__init__("0 18 * * 1-5", timezone="UTC")

    def serialize(self):
        return {}

    @classmethod
    def deserialize(cls, data):
        return cls()
