"""The SELECT that gives a table in the normal form (design §5): runs by (dag_id, run_id), tasks by (dag_id, task_id, run_id, map_index)."""
from _parts.activity import RUN_TYPE
from _parts.checksums import group_column
from _parts.datasets import EVENT_IDENTITY, uri_that_moves_sql
from _parts.database import FINAL_STATES, FINISHED_RUNS, Column, columns_of, literal, names, quoted, text_list
from _parts.ended import ENDED_TABLE, begun_states
from _parts.left_out import joins_of, reasons_of
from _parts.shape import Shape

#: Rules whose value the target writes itself (catalogue.ts).
WRITTEN_BY_TARGET = ("own-id", "null", "empty-pickle", "current-template", "new-run-id")


class NormalForm(object):
    """One table of the source: `columns` of the CSV, `select` of all rows that move, and of the others their `reasons`."""

    def __init__(self, cursor, table, metadata, airflow_version, target_version, has_ended=False):
        """:param has_ended: ENDED_TABLE is there (ended.py)."""
        self.table = table
        self.target_version = target_version
        self.shape = Shape(cursor, table)
        self.live = self.shape.live
        self.dataset_columns = columns_of(cursor, "dataset")
        self.event_columns = columns_of(cursor, "dataset_event")
        self.airflow_version = airflow_version
        self.has_ended = has_ended
        self.reasons = reasons_of(self.shape, metadata)
        self.source = "{} t{}{}".format(quoted(table["name"]), self.shape.joins, joins_of(self.shape))
        self.columns, expressions = self._dag_first(*self._columns())
        self.select = "SELECT {} FROM {} WHERE {}".format(
            ", ".join(expressions), self.source, " AND ".join(reason.keeps for reason in self.reasons))

    @property
    def exists(self):
        return bool(self.live)

    def count(self, cursor):
        """(rows that move, {reason: rows that do not})."""
        # OFFSET 0 keeps the planner from writing the conditions out once more.
        cursor.execute("SELECT number, count(*) FROM (SELECT {} AS number FROM {} OFFSET 0) x GROUP BY 1 ORDER BY 1".format(self._number(), self.source))
        found = dict(cursor.fetchall())
        return found.pop(None, 0), {self.reasons[number].text: count for number, count in sorted(found.items())}

    @property
    def lost(self):
        """SELECT of the rows that cannot move whatever anybody chose, as the source has them, behind the reason of each."""
        numbers = [str(number) for number, reason in enumerate(self.reasons) if reason.is_lost]
        texts = " ".join("WHEN {} THEN {}".format(number, literal(self.reasons[int(number)].text)) for number in numbers)
        return "SELECT CASE {0} {1} END AS mwaa_reason, t.* FROM {2} WHERE {0} IN ({3})".format(
            self._number(), texts, self.source, ", ".join(numbers)) if numbers else None

    def _number(self):
        """SQL: which reason the row has, NULL for one that moves."""
        return "CASE {} END".format(" ".join("WHEN NOT {} THEN {}".format(reason.keeps, number) for number, reason in enumerate(self.reasons)))

    def _dag_first(self, columns, expressions):
        """The checksums of each DAG are made by a line's first field."""
        at = [index for index, column in enumerate(columns) if column.name == group_column(self.table, names(columns))]
        order = at + [index for index in range(len(columns)) if index not in at]
        return [columns[index] for index in order], [expressions[index] for index in order]

    def _columns(self):
        columns, expressions = [], []
        for column in self.live:
            rule = self.table["rules"].get(column.name, "")
            if rule in WRITTEN_BY_TARGET or (column.name == "execution_date" and self.table["parentKey"] and "run_id" not in self.shape.there):
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
        if rule.startswith("default:"):
            # What the target writes in the place of NULL, so that its row is the exported one to the letter.
            return "coalesce({}, {}::{})".format(name, literal(rule[len("default:"):]), column.type)
        if rule == "parked-run":
            return "CASE WHEN {0} IN ({1}) THEN {0} ELSE 'failed' END".format(name, text_list(FINISHED_RUNS))
        if rule == "parked-task":
            return "CASE WHEN {0} IN ({1}) THEN {0} ELSE {2} END".format(name, text_list(FINAL_STATES), self._ended("state") if self.has_ended else "NULL")
        if rule == "ended-process":
            return "CASE WHEN {0} IN ({1}) THEN {0} ELSE 'failed' END".format(name, text_list(FINISHED_RUNS))
        if rule == "finished-tries":
            tries = "CASE WHEN t.state IN ({1}) THEN greatest({0} - 1, 0) ELSE coalesce({0}, 0) END".format(name, text_list(begun_states(self.airflow_version)))
            return "coalesce({}, {})".format(self._ended("try_number"), tries) if self.has_ended else tries
        if self.has_ended and self.table["name"] == "task_instance" and column.name == "end_date":
            return "CASE WHEN {} IS NULL THEN {} ELSE {} END".format(self._ended("mark"), name, self._ended("end_date"))
        return name

    def _ended(self, value):
        """SQL: a column of ENDED_TABLE, NULL for an instance that the drain has not ended."""
        return ("CASE WHEN t.state IS NULL THEN (SELECT m.{} FROM {} m WHERE m.dag_id = t.dag_id AND m.run_id = {} AND m.task_id = t.task_id "
                "AND m.map_index = {} AND m.mark = t.end_date) END").format(value, ENDED_TABLE, self.shape.run_id, self.shape.map_index)
