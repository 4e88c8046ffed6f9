"""The target's own rows in the form of the export's lines, and their checksums: both databases are compared by one definition."""
from _parts.checksums import RowSums, group_column
from _parts.database import columns_of, literal, names, quoted
from _parts.datasets import EVENT_IDENTITY, KNOWN_EVENTS


class SumSink(object):
    """File object for COPY … TO STDOUT, which calls `write` once per row: keeps nothing but the sums."""

    def __init__(self, sums, on_rows):
        self.sums = sums
        self.rows = 0
        self.on_rows = on_rows

    def write(self, data):
        self.sums.add(data.encode("utf-8") if isinstance(data, str) else data)
        self.rows += 1
        if self.rows % 1000 == 0:
            self.on_rows(self.rows)


def live_sums(command, cursor, table, entry, brought, until):
    """{DAG id or None: (rows, sum)} of the target's rows; None where they cannot be written as the export's, for it lacks one of its columns.

    Of a table below dag_run only what hangs on the runs `brought` counts; elsewhere also rows of the target's own.

    :param str brought: quoted name of brought_runs.py's table.
    :param until: the snapshot's time. Rows of an unkeyed table with a time were written then: later ones are the target's own.
    """
    select = live_lines(cursor, table, entry, brought)
    if select is None:
        return None
    if table["merge"] == "multiset" and table["parent"] is None and table["timeColumn"]:
        select += " WHERE " + written_until(table, until)
    name, total = table["name"], entry["rows"]
    sums = RowSums(group_column(table, entry["columns"]) is not None)
    sink = SumSink(sums, lambda done: command.say("checking {}".format(name), name, done, total))
    cursor.copy_expert("COPY ({}) TO STDOUT WITH (FORMAT csv)".format(select), sink)
    return sums.groups()


def written_until(table, until):
    """SQL: the live row `t` of an unkeyed table was not written after that time (ISO 8601)."""
    return "coalesce(t.{} <= {}::timestamptz, true)".format(quoted(table["timeColumn"]), literal(until))


def run_links(table, live):
    """SQL: the live row `t` hangs on the run `b` of brought_runs."""
    if "run_id" in live:
        return "b.dag_id = t.dag_id AND b.run_id = t.run_id"
    return " AND ".join("b.id = t." + quoted(column) for column in live if table["rules"].get(column) == "new-run-id")


def live_lines(cursor, table, entry, brought):
    """SELECT of the target's rows as the export's lines, without a WHERE; None where it lacks a column."""
    live, rules = names(columns_of(cursor, table["name"])), table["rules"]
    expressions = dict({name: "t." + quoted(name) for name in live})
    joins = ""
    if "run_id" in table["parentKey"]:
        # A row under the wrong id of a run is not what was exported: it is left out here, so that the sums differ.
        links = [run_links(table, live)] + ["b.id = t." + quoted(column) for column in live if rules.get(column) == "new-run-id"]
        joins += " JOIN {} b ON {}".format(brought, " AND ".join(links))
        expressions = dict({"dag_id": "b.dag_id", "run_id": "b.run_id"}, **expressions)
    for column in live:
        if rules.get(column) == "by-uri":
            joins += " JOIN dataset d ON d.id = t." + quoted(column)
            expressions["dataset_uri"] = "d.uri"
        if rules.get(column) == "by-event":
            joins += " JOIN ({}) e ON e.id = t.{}".format(KNOWN_EVENTS, quoted(column))
            expressions.update({name: "e." + quoted(name) for name in EVENT_IDENTITY}, dataset_uri="e.uri", event_number="e.number")
    if not live or not set(entry["columns"]) <= set(expressions):
        return None
    return "SELECT {} FROM {} t{}".format(", ".join(expressions[name] for name in entry["columns"]), quoted(table["name"]), joins)
