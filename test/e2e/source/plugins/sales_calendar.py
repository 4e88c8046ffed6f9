"""A plugin the workflows need: without it ``daily_sales`` cannot render its templates."""
from datetime import date

from airflow.plugins_manager import AirflowPlugin


def week_of(day):
    """ISO week, e.g. ``2026-W23``, of a date written as ``2026-06-01``."""
    year, week, _ = date.fromisoformat(day).isocalendar()
    return f"{year}-W{week:02d}"


class SalesCalendar(AirflowPlugin):
    name = "sales_calendar"
    macros = [week_of]
