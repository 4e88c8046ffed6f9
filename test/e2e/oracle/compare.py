"""Compares the moved tables of two Airflow metadata databases row by row: what an import must have done, written for the tests alone.

It shares no code with the product. Its rules come from Airflow itself (models, migrations) and from the project's facts:
values are compared as PostgreSQL writes them as text; a column counts when both databases have it; ids of the old database
(jobs, triggers, processes) must be gone; what was alive on the source must not be alive on the target.

Standard input: ``{"source": {"url", "fernetKey"}, "target": {"url", "fernetKey"}, "snapshot": ISO time | null,
"newRuns": [[dag_id, run_id], …], "mayBeEmpty": [table, …], "ignore": {table: [column, …]}, "limit": n}``.
Standard output: ``{"counts": {table: {"source", "target", "own"}},
"differences": [{"table", "key", "column", "source", "target"}], "more": n}``.
Values of variables and connections are never printed.
"""
import json
import sys
from collections import Counter

import psycopg2
from cryptography.fernet import Fernet, InvalidToken

from rows import columns_of, read_rows
from tables import COMPARISONS, SEALED, TABLES


class Report:
    """Collects differences up to a limit, and counts the rest: a broken import has as many as it has rows."""

    def __init__(self, limit):
        self.limit = limit
        self.counts = {}
        self.differences = []
        self.more = 0

    def add(self, table, key, column, source, target):
        if len(self.differences) >= self.limit:
            self.more += 1
            return
        self.differences.append({"table": table, "key": key, "column": column, "source": source, "target": target})


def main():
    order = json.load(sys.stdin)
    source, target = (psycopg2.connect(order[side]["url"]) for side in ("source", "target"))
    report = Report(order["limit"])
    try:
        for table in TABLES:
            compare_table(table, source, target, order, report)
    finally:
        source.close()
        target.close()
    json.dump({"counts": report.counts, "differences": report.differences, "more": report.more}, sys.stdout)


def compare_table(table, source, target, order, report):
    comparison = COMPARISONS[table]
    on_target, ignored = columns_of(target, table), order["ignore"].get(table, [])
    columns = [name for name in columns_of(source, table) if name in on_target and name not in ignored]
    if not columns:
        report.counts[table] = {"source": 0, "target": 0, "own": 0}
        return
    ours = read_rows(source, table, columns, order["snapshot"])
    theirs = [row for row in read_rows(target, table, columns, None) if not new_runs(order) & runs_of(row)]
    report.counts[table] = {"source": len(ours), "target": len(theirs), "own": 0}
    if not ours and not comparison.may_be_empty and table not in order["mayBeEmpty"]:
        report.add(table, None, None, "(the source has no row, so nothing is proved)", None)
    for column, flag in SEALED.get(table, {}).items():
        open_values(ours, column, flag, order["source"]["fernetKey"])
        open_values(theirs, column, flag, order["target"]["fernetKey"])
    if comparison.key is None:
        compare_multisets(table, comparison, columns, ours, theirs, report)
    else:
        compare_keyed(table, comparison, columns, ours, theirs, report)


def new_runs(order):
    return {tuple(pair) for pair in order["newRuns"]}


def runs_of(row):
    """The run that a row belongs to, and the one that an event comes from."""
    return {(row.get("dag_id"), row.get("run_id")), (row.get("source_dag_id"), row.get("source_run_id"))}


def compare_keyed(table, comparison, columns, ours, theirs, report):
    """Every source row once on the target, equal in every column or by its rule; nothing else there, but for what Airflow brings itself."""
    on_target = {comparison.key_of(row): row for row in theirs}
    for row in ours:
        key = comparison.key_of(row)
        other = on_target.pop(key, None)
        if other is None:
            report.add(table, key, None, "(row)", None)
            continue
        for column in columns:
            rule = comparison.rules.get(column)
            if not (rule(row, other) if rule else row[column] == other[column]):
                show = comparison.show(column)
                report.add(table, key, column, shown(row[column], show), shown(other[column], show))
    for key in on_target:
        report.add(table, key, None, None, "(row)")


def compare_multisets(table, comparison, columns, ours, theirs, report):
    """Rows without a key: as many equal ones as the source has. The target's other rows are its own (it keeps a log, too)."""
    compared = [column for column in columns if column not in comparison.rules]

    def contents(rows):
        return Counter(tuple(comparison.fillers.get(column) if row[column] is None else row[column] for column in compared) for row in rows)

    wanted, there = contents(ours), contents(theirs)
    for content, count in wanted.items():
        if there[content] != count:
            report.add(table, dict(zip(compared, content, strict=True)), None, f"{count} equal rows", f"{there[content]} equal rows")
    own = sum(count for content, count in there.items() if content not in wanted)
    report.counts[table]["own"] = own
    if own and not comparison.target_has_own:
        for content in there:
            if content not in wanted:
                report.add(table, dict(zip(compared, content, strict=True)), None, None, "(row)")


def open_values(rows, column, flag, fernet_key):
    """Puts the readable value in the place of the encrypted one. An unreadable one becomes a mark that equals nothing."""
    fernet = Fernet(fernet_key.encode())
    for number, row in enumerate(rows):
        if row[flag] == "true" and row[column] is not None:
            try:
                row[column] = fernet.decrypt(row[column].encode()).decode()
            except InvalidToken:
                row[column] = ("unreadable with this environment's Fernet key", id(rows), number)


def shown(value, show):
    """The value for a message, short; a secret only as what can be said without telling it."""
    if value is None:
        return None
    if not show:
        return "(unreadable)" if isinstance(value, tuple) else f"(hidden, {len(value)} characters)"
    return value if len(value) <= 200 else f"{value[:200]}… ({len(value)} characters)"


main()
