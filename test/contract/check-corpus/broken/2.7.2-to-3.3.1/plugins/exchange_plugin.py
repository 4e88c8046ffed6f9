"""The exchange's calendar for the scheduler, and a page about it for the web server."""

from airflow.plugins_manager import AirflowPlugin
from airflow.www.app import csrf
from flask import Blueprint
from trading_calendar import TradingDayTimetable

page = Blueprint("exchange", __name__, url_prefix="/exchange")
csrf.exempt(page)


class ExchangePlugin(AirflowPlugin):
    name = "exchange"
    timetables = [TradingDayTimetable]
    flask_blueprints = [page]
