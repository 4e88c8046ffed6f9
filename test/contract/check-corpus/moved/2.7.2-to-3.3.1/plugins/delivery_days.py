from datetime import timedelta

import airflow
from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.base import DagRunInfo, DataInterval, Timetable


class DeliveryDays(Timetable):
    """Every evening; since the new planning in the morning."""

    @property
    def summary(self):
        return "every delivery day"

    def infer_manual_data_interval(self, *, run_after):
        end = run_after.start_of("day").add(hours=self.hour())
        end = end if end <= run_after else end.subtract(days=1)
        return DataInterval(start=end.subtract(days=1), end=end)

    def next_dagrun_info(self, *, last_automated_data_interval, restriction):
        if last_automated_data_interval is None:
            return None
        start = last_automated_data_interval.end
        end = (start + timedelta(days=1)).start_of("day").add(hours=self.hour())
        return DagRunInfo.interval(start=start, end=end)

    def hour(self):
        return 20 if airflow.__version__.startswith("2.") else 6


class DeliveryDaysPlugin(AirflowPlugin):
    name = "delivery_days"
    timetables = [DeliveryDays]
