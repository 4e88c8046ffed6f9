"""Writes rows into the metadata database of any Airflow version: each row is said once, a version takes the columns that it has."""

import datetime
from typing import NamedTuple

from psycopg2.extras import Json


class Run(NamedTuple):
    """A DAG run as rows below it name it: by `run_id` from Airflow 2.2 or 2.3 on, by logical date before."""

    dag_id: str
    run_id: str
    at: datetime.datetime


class Filling:
    """One database while it is filled. `version` is Airflow's, as a tuple."""

    def __init__(self, environment):
        self.environment = environment
        self.version = tuple(map(int, environment.version.split(".")))
        self.columns = {}
        for table, column, kind in environment.sql(
            "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
        ):
            self.columns.setdefault(table, {})[column] = kind

    def has(self, table, column=None):
        return table in self.columns and (column is None or column in self.columns[table])

    def insert(self, table, run=None, **values):
        """One row, without the columns that the version lacks; nothing at all of a mapped task where nothing is mapped.

        :return: its id, if the table has one
        """
        there = self.columns.get(table, {})
        if not there or ("map_index" not in there and values.get("map_index", -1) not in (-1, None)):
            return None
        if run is not None:
            values = {"dag_id": run.dag_id, "run_id": run.run_id, "execution_date": run.at, **values}
            if "dag_run_id" in there:
                values["dag_run_id"] = self.run_number(run)
        values = {name: self._adapted(there[name], value) for name, value in values.items() if name in there}
        names = ", ".join('"{}"'.format(name) for name in values)
        marks = ", ".join(["%s"] * len(values))
        back = " RETURNING id" if "id" in there else ""
        found = self.environment.sql("INSERT INTO {} ({}) VALUES ({}){}".format(table, names, marks, back), list(values.values()))
        return found[0][0] if back else None

    def run_number(self, run):
        found = self.environment.sql("SELECT id FROM dag_run WHERE dag_id = %s AND run_id = %s", (run.dag_id, run.run_id))
        return found[0][0] if found else None

    def encrypted(self, text):
        return self.environment.fernet.encrypt(text.encode()).decode()

    @staticmethod
    def _adapted(kind, value):
        return Json(value) if kind in ("json", "jsonb") and value is not None else value
