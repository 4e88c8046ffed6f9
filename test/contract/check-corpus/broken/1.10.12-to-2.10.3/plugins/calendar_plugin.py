"""Dates for templates."""

from datetime import timedelta

from airflow.plugins_manager import AirflowPlugin


def next_working_day(day):
    return day + timedelta(days=max(1, 7 - day.weekday()) if day.weekday() >= 4 else 1)


class CalendarPlugin(AirflowPlugin):
    name = "calendar_plugin"
    macros = [next_working_day]
