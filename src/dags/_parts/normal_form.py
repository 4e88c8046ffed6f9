"""The SELECT that gives a table in the normal form (design §5): runs by (dag_id, run_id), tasks by (dag_id, task_id, run_id, map_index)."""
from _parts.activity import IN_FLIGHT, own_filter
from _parts.checksums import group_column
from _parts.datasets import EVENT_IDENTITY, KNOWN_EVENTS, uri_that_moves_sql
from _parts.database import FINAL_STATES, FINISHED_RUNS, Column, columns_of, names, quoted, text_list
from _parts.ended import ENDED_TABLE, begun_states
from _parts.kept_runs import RUN_TYPE, awaited_event, consumed_event, of_kept_run

#: Rules whose value the target writes itself (catalogue.ts).
WRITTEN_BY_TARGET = ("own-id", "null", "empty-pickle", "current-template", "new-run-id")


class NormalForm(object):
    """One table of the source: `columns` of the CSV, `select` of all rows that move, `left_out` as [(reason, condition)]."""

    def __init__(self, cursor, table, metadata, airflow_version, target_version, has_ended=False):
        """:param has_ended: ENDED_TABLE is there (ended.py)."""
        self.table = table
        self.target_version = target_version
        self.live = columns_of(cursor, table["name"])
        self.dataset_columns = columns_of(cursor, "dataset")
        self.event_columns = columns_of(cursor, "dataset_event")
        self.airflow_version = airflow_version
        self.has_ended = has_ended
        self.own = own_filter(table, "t.")
        self.kept = self._kept(metadata)
        self.columns, expressions = self._dag_first(*self._columns())
        self.select = "SELECT {} FROM {} WHERE {} AND {}".format(", ".join(expressions), self._from(), self.own, self.kept)

    @property
    def exists(self):
        return bool(self.live)

    def _dag_first(self, columns, expressions):
        """The checksums of each DAG are made by a line's first field."""
        at = [index for index, column in enumerate(columns) if column.name == group_column(self.table, names(columns))]
        order = at + [index for index in range(len(columns)) if index not in at]
        return [columns[index] for index in order], [expressions[index] for index in order]

    def counts(self):
        """Rows that move, rows of our own DAGs, rows beyond the filter."""
        # OFFSET 0 keeps the planner from writing the conditions into each count, where they would be computed once more per row.
        return ("SELECT count(*) FILTER (WHERE own AND kept), count(*) FILTER (WHERE NOT own), count(*) FILTER (WHERE own AND NOT kept) "
                "FROM (SELECT {own} AS own, {kept} AS kept FROM {rows} OFFSET 0) x".format(own=self.own, kept=self.kept, rows=self._from()))

    def dangling(self):
        """(reason, SELECT of their number) for rows that have nothing to belong to; None where the database itself sees to that."""
        counted = "SELECT count(*) FROM {} t WHERE {} AND NOT EXISTS (SELECT 1 FROM ".format(quoted(self.table["name"]), self.own)
        if self._needs_join() and "dag_run_id" not in names(self.live):
            return "belongs to no DAG run", counted + "dag_run r WHERE r.dag_id = t.dag_id AND r.execution_date = t.execution_date)"
        if self.table["rules"].get("dataset_id") == "by-uri":
            return "belongs to no dataset", counted + "dataset d WHERE d.id = t.dataset_id)"
        return None

    def _needs_join(self):
        return "run_id" in self.table["parentKey"] and "run_id" not in names(self.live)

    def _from(self):
        joins = ""
        if self._needs_join():
            joins += " JOIN dag_run j ON " + (
                "j.id = t.dag_run_id" if "dag_run_id" in names(self.live) else "j.dag_id = t.dag_id AND j.execution_date = t.execution_date")
        for column in names(self.live):
            if self.table["rules"].get(column) == "by-uri":
                joins += " JOIN dataset d ON d.id = t.{}".format(quoted(column))
            if self.table["rules"].get(column) == "by-event":
                joins += " JOIN ({}) e ON e.id = t.{}".format(KNOWN_EVENTS, quoted(column))
        return "{} t{}".format(quoted(self.table["name"]), joins)

    def _columns(self):
        columns, expressions = [], []
        for column in self.live:
            rule = self.table["rules"].get(column.name, "")
            if rule in WRITTEN_BY_TARGET or (self._needs_join() and column.name == "execution_date"):
                continue
            for translated, expression in self._translated(column, rule):
                columns.append(translated)
                expressions.append("{} AS {}".format(expression, quoted(translated.name)))
        there = names(columns)
        for name in self.table["key"] + [column for column in self.table["parentKey"] if column not in self.table["key"]]:
            if name not in there and name == "dag_id":
                columns.append(Column(name, "character varying(250)", True, False))
                expressions.append("j.dag_id AS dag_id")
            if name not in there and name == "run_id":
                columns.append(Column(name, "character varying(250)", True, False))
                expressions.append("j.run_id AS run_id")
            if name not in there and name == "map_index":
                columns.append(Column(name, "integer", True, False))
                expressions.append("-1 AS map_index")
        if self.table["name"] == "dag_run" and "run_type" not in there:
            columns.append(Column("run_type", "character varying(50)", True, False))
            expressions.append(RUN_TYPE.format("t") + " AS run_type")
        return columns, expressions

    def _translated(self, column, rule):
        """The columns of the CSV that stand for one of the table, each with its expression."""
        moves = uri_that_moves_sql("{}.uri", self.target_version)
        uri = [(Column("dataset_uri", one.type, True, False), moves) for one in self.dataset_columns if one.name == "uri"]
        if rule == "by-uri":
            return [(named, expression.format("d")) for named, expression in uri]
        if rule == "by-event":
            identity = [(one, "e." + quoted(one.name)) for one in self.event_columns if one.name in EVENT_IDENTITY]
            return [(named, expression.format("e")) for named, expression in uri] + identity + [(Column("event_number", "bigint", True, False), "e.number")]
        return [(column, self._value(column, rule))]

    def _value(self, column, rule):
        name = "t." + quoted(column.name)
        if rule == "parked-run":
            return "CASE WHEN {0} IN ({1}) THEN {0} ELSE 'failed' END".format(name, text_list(FINISHED_RUNS))
        if rule == "parked-task":
            return "CASE WHEN {0} IN ({1}) THEN {0} ELSE {2} END".format(name, text_list(FINAL_STATES), self._ended("state") if self.has_ended else "NULL")
        if rule == "finished-tries":
            tries = "CASE WHEN t.state IN ({1}) THEN greatest({0} - 1, 0) ELSE {0} END".format(name, text_list(begun_states(self.airflow_version)))
            return "coalesce({}, {})".format(self._ended("try_number"), tries) if self.has_ended else tries
        if self.has_ended and self.table["name"] == "task_instance" and column.name == "end_date":
            return "CASE WHEN {} IS NULL THEN {} ELSE {} END".format(self._ended("mark"), name, self._ended("end_date"))
        return name

    def _ended(self, value):
        """SQL: a column of ENDED_TABLE, NULL for an instance that the drain has not ended."""
        run = "j.run_id" if self._needs_join() else "t.run_id"
        index = "t.map_index" if "map_index" in names(self.live) else "-1"
        return ("CASE WHEN t.state IS NULL THEN (SELECT m.{} FROM {} m WHERE m.dag_id = t.dag_id AND m.run_id = {} AND m.task_id = t.task_id "
                "AND m.map_index = {} AND m.mark = t.end_date) END").format(value, ENDED_TABLE, run, index)

    def _kept(self, metadata):
        """SQL over `t`: the row is within the filters of the migration file."""
        if self.table["option"] == "audit-log" and metadata["auditLogDays"] is not None:
            return "(t.{0} IS NULL OR t.{0} >= now() - interval '{1} days')".format(quoted(self.table["timeColumn"]), int(metadata["auditLogDays"]))
        if self.table["option"] == "xcom" and not metadata["xcom"]:
            return "EXISTS (SELECT 1 FROM dag_run r WHERE {} AND {})".format(self._run_link(), IN_FLIGHT)  # A parked run needs its XComs to go on.
        if self.table["option"] not in ("history", "xcom") or metadata["historyDays"] is None:
            return "true"
        rules = self.table["rules"].values()
        if "waiting-dag" in rules:
            return "true"  # However old: the DAG has not run since.
        if "by-uri" in rules:
            # A run that was made for an event names it, and the next run is given whatever came since the last one.
            return "(t.{} >= now() - interval '{} days' OR {} OR {})".format(
                quoted(self.table["timeColumn"]), int(metadata["historyDays"]), awaited_event(), consumed_event())
        return of_kept_run(self._run_link())

    def _run_link(self):
        """SQL: the row belongs to the run `r`."""
        there = names(self.live)
        if self.table["name"] == "dag_run":
            return "r.id = t.id"
        if "dag_id" not in there:
            return "r.id = t.dag_run_id"
        return "r.dag_id = t.dag_id AND " + ("r.run_id = t.run_id" if "run_id" in there else "r.execution_date = t.execution_date")
