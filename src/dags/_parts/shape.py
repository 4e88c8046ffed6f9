"""How a table of the source hangs on its runs and task instances: by date, by id, or by the database's own foreign keys (1.10.12 to 2.11)."""
from _parts.activity import not_own, own_filter
from _parts.database import columns_of, names, quoted
from _parts.datasets import KNOWN_EVENTS

#: Columns that name a run in one release or another: each stands for (dag_id, run_id) of the catalogue's keys.
RUN_COLUMNS = ("dag_id", "run_id", "execution_date", "dag_run_id")


class Shape(object):
    """One table `t` of the source. `joins` adds its run `j`, task instance `p`, dataset `d` and event `e`, where they are needed, each NULL where missing."""

    def __init__(self, cursor, table):
        self.table = table
        self.live = columns_of(cursor, table["name"])
        self.there = names(self.live)
        tied_to = _references(cursor, table["name"])
        if "task_instance" in tied_to:  # Which itself may have lost its run, below 2.2: a reschedule of 1.10 names the task alone.
            tied_to |= _references(cursor, "task_instance")
        is_child = bool(self.live) and "run_id" in table["parentKey"]
        hangs_on_task = is_child and table["parent"] == "task_instance"
        #: Whether rows may be there that belong to nothing: where the database itself sees to that, nobody need look.
        self.may_lack_task = hangs_on_task and "task_instance" not in tied_to
        self.may_lack_run = is_child and "dag_run" not in tied_to
        self.joins_run = is_child and (self.may_lack_run or not {"dag_id", "run_id"} <= set(self.there))
        self._task_columns = names(columns_of(cursor, "task_instance")) if self.may_lack_task else []
        self.has_unique_key = _has_unique_key(cursor, table)

    @property
    def dag(self):
        """SQL: the DAG of the row, None for settings."""
        if self.table["dagColumn"]:
            return "t." + quoted(self.table["dagColumn"])
        return ("t.dag_id" if "dag_id" in self.there else "j.dag_id") if self.table["parentKey"] else None

    @property
    def own(self):
        """SQL: the row is not of our own DAGs."""
        return not_own(self.dag) if self.dag else own_filter(self.table, "t.")

    @property
    def run_id(self):
        return "t.run_id" if "run_id" in self.there else "j.run_id"

    @property
    def map_index(self):
        return "t.map_index" if "map_index" in self.there else "-1"

    def run_link(self, run):
        """SQL: the row belongs to this alias of dag_run."""
        if self.table["name"] == "dag_run":
            return "{}.id = t.id".format(run)
        if "dag_id" not in self.there or ("dag_run_id" in self.there and "run_id" not in self.there):
            return "{}.id = t.dag_run_id".format(run)
        column = "run_id" if "run_id" in self.there else "execution_date"
        return "{0}.dag_id = t.dag_id AND {0}.{1} = t.{1}".format(run, column)

    @property
    def joins(self):
        found = ""
        if self.joins_run:
            found += " LEFT JOIN dag_run j ON " + self.run_link("j")
        if self.may_lack_task:
            found += " LEFT JOIN task_instance p ON " + self._task_link()
        for column in self.there:
            if self.table["rules"].get(column) == "by-uri":
                found += " LEFT JOIN dataset d ON d.id = t.{}".format(quoted(column))
            if self.table["rules"].get(column) == "by-event":
                found += " LEFT JOIN ({}) e ON e.id = t.{}".format(KNOWN_EVENTS, quoted(column))
        return found

    def _task_link(self):
        run = "p.run_id = " + self.run_id if "run_id" in self._task_columns else "p.execution_date = " + (
            "t.execution_date" if "execution_date" in self.there else "j.execution_date")
        index = " AND p.map_index = " + self.map_index if "map_index" in self._task_columns else ""
        return "p.dag_id = t.dag_id AND p.task_id = t.task_id AND {}{}".format(run, index)


def _references(cursor, table):
    """The tables that this one's foreign keys point at."""
    cursor.execute("SELECT f.relname FROM pg_constraint c JOIN pg_class f ON f.oid = c.confrelid "
                   "WHERE c.conrelid = to_regclass(%s) AND c.contype = 'f' AND c.convalidated", (quoted(table),))
    return {row[0] for row in cursor.fetchall()}


def _has_unique_key(cursor, table):
    """Whether the database itself lets no two rows have the same key, in whatever columns this release tells it."""
    if table["merge"] != "keyed":
        return True
    allowed = set(table["key"]) | (set(RUN_COLUMNS) if "run_id" in table["parentKey"] + table["key"] else set())
    cursor.execute("SELECT array_agg(a.attname::text) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) "
                   "WHERE i.indrelid = to_regclass(%s) AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL GROUP BY i.indexrelid",
                   (quoted(table["name"]),))
    return any(set(row[0]) <= allowed for row in cursor.fetchall())
