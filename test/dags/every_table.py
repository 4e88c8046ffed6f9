"""Rows for any table of the catalogue, and one row of it changed, deleted or doubled, by what the database says of its columns."""

import conftest
import history

#: Runs of each DAG; the first is changed, the second deleted, the third doubled.
RUNS = 4
VALUES = {
    "integer": "7",
    "bigint": "7",
    "double precision": "7.5",
    "boolean": "false",
    "timestamp with time zone": "r.execution_date + interval '3 minutes'",
    "timestamp without time zone": "'2026-03-01'",
    "json": "'{\"a\": 1}'",
    "jsonb": "'{\"a\": 1}'",
    "bytea": "'\\x80047d942e'",
}
CHANGES = {
    "integer": "coalesce({0}, 0) + 1",
    "bigint": "coalesce({0}, 0) + 1",
    "double precision": "coalesce({0}, 0) + 1",
    "boolean": "NOT coalesce({0}, false)",
    "timestamp with time zone": "coalesce({0}, '2026-01-01') + interval '1 microsecond'",
    "json": "'{{\"a\": 2}}'",
    "bytea": "coalesce({0}, '') || '\\x00'",
    "text": "coalesce({0}, '') || '+'",
}


def dag_of(table):
    return "dag_of_" + table["name"]


def add_runs(environment, table):
    """Runs of the table's own DAG, each with a task instance that nothing hangs on beside those of history.py."""
    history.add_runs(environment, dag_of(table), RUNS)
    environment.sql(
        "INSERT INTO task_instance (dag_id, task_id, run_id, map_index, state, try_number, max_tries, pool, pool_slots, priority_weight) "
        "SELECT dag_id, 'bare', run_id, -1, 'success', 1, 0, 'default_pool', 1, 1 FROM dag_run WHERE dag_id = %s",
        (dag_of(table),),
    )


def columns(environment, table):
    """{column: type} without identity columns; limited texts count as text."""
    found = environment.sql(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s AND table_schema = 'public' "
        "AND coalesce(column_default, '') NOT LIKE 'nextval%%' ORDER BY ordinal_position",
        (table["name"],),
    )
    return {name: "text" if kind.startswith("character") else kind for name, kind in found}


def fill(environment, table):
    """Rows of a table that hangs on task instances or DAG runs: one for each run of its own DAG, of task t1 only.

    Where a row is known by its run alone, the second run has none, so that there is one to double a row into.
    """
    there, rules = columns(environment, table), table["rules"]
    parent = "task_instance p JOIN dag_run r USING (dag_id, run_id) WHERE p.dag_id = %s AND p.task_id = 't1'"
    if table["key"] == ["dag_run_id"]:
        parent += " AND r.execution_date <> '2026-01-02'"
    values = {}
    for name, kind in there.items():
        rule = rules.get(name, "")
        if rule in ("null", "own-id") or name == "user_id":
            continue
        if name in ("dag_id", "run_id") or name == table["dagColumn"]:
            values[name] = "p.run_id" if name == "run_id" else "p.dag_id"
        elif name in ("task_id", "map_index"):
            values[name] = "p." + name
        elif name == table["timeColumn"] or name == "execution_date":
            values[name] = "r.execution_date"
        elif rule == "new-run-id":
            values[name] = "r.id"
        else:
            values[name] = VALUES.get(kind, "'some text'")
    environment.sql(
        'INSERT INTO {} ("{}") SELECT {} FROM {}'.format(table["name"], '", "'.join(values), ", ".join(values.values()), parent),
        (dag_of(table),),
    )


def lines(environment, table, dag_id):
    """ctid of the rows of a DAG in the order of their runs, or of their time; of all rows where they belong to no DAG."""
    there = columns(environment, table)
    if table["dagColumn"] is None and "dag_run_id" not in there:
        # The row that every environment has from the start is compared by its settings alone.
        select = "SELECT t.ctid::text FROM {0} t WHERE {1} <> %s ORDER BY {1}".format(table["name"], table["key"][0])
        return [row[0] for row in environment.sql(select, (table["adopt"]["value"] if table["adopt"] else "",))]
    link = "r.id = t.dag_run_id" if "dag_run_id" in there else "r.dag_id = t.dag_id AND r.run_id = t.run_id"
    join = "JOIN dag_run r ON " + link if table["parent"] else ""
    order = "r.execution_date" if table["parent"] else "t." + table["timeColumn"]
    dag = "r.dag_id" if table["parent"] else "t." + table["dagColumn"]
    select = "SELECT t.ctid::text FROM {} t {} WHERE {} = %s ORDER BY {}, t.ctid".format(table["name"], join, dag, order)
    found = environment.sql(select, (dag_id,))
    # One of each run: the first of them.
    step = max(1, len(found) // RUNS)
    return [row[0] for row in found[::step]]


def changeable(environment, table, exported):
    """The last column that no rule, key or bookkeeping concerns; None where the whole row is its key."""
    apart = {table["dagColumn"], table["timeColumn"]}.union(table["rules"], table["volatile"])
    apart = apart.union(table["key"], table["parentKey"], *table["otherKeys"])
    found = [name for name, kind in columns(environment, table).items() if name not in apart and name in exported and kind in CHANGES]
    return found[-1] if found else None


def change(environment, table, line, exported):
    """Returns whether a row can differ under its key; otherwise the row becomes another one."""
    name = changeable(environment, table, exported)
    if name is None and table["timeColumn"] and table["timeColumn"] not in table["key"]:
        name = table["timeColumn"]
    if name is not None:
        new = CHANGES[columns(environment, table)[name]].format('"{}"'.format(name))
        assert environment.sql('UPDATE {} SET "{}" = {} WHERE ctid = %s'.format(table["name"], name, new), (line,)) == 1
        return table["merge"] == "keyed"
    environment.sql("UPDATE {} SET {} WHERE ctid = %s".format(table["name"], _other_key(environment, table)), (line,))
    return False


def double(environment, table, line):
    there = columns(environment, table)
    environment.sql("CREATE TEMP TABLE doubled AS SELECT * FROM {} WHERE ctid = %s".format(table["name"]), (line,))
    if table["merge"] == "keyed":
        environment.sql("UPDATE doubled SET " + _other_key(environment, table))
    names = '"' + '", "'.join(there) + '"'
    assert environment.sql("INSERT INTO {0} ({1}) SELECT {1} FROM doubled".format(table["name"], names)) == 1
    environment.sql("DROP TABLE doubled")


def _other_key(environment, table):
    """SET list that gives the row a key that is free, within the same DAG and where it can be within the same run."""
    there, rules = columns(environment, table), table["rules"]
    for name in table["key"]:
        if rules.get(name) in ("by-uri", "by-event", "new-run-id"):
            source = {"by-uri": "dataset", "by-event": "dataset_event", "new-run-id": "dag_run"}[rules[name]]
            if rules[name] == "new-run-id" and any(rules.get(other) == "by-event" for other in table["key"]):
                continue
            where = "WHERE x.dag_id = '{}'".format(dag_of(table)) if source == "dag_run" else ""
            free = "SELECT id FROM {1} x {2} EXCEPT SELECT {0} FROM {3}".format(name, source, where, table["name"])
            return "{} = (SELECT max(x.id) FROM ({}) x)".format(name, free)
    if set(table["key"]) <= set(table["parentKey"]):
        return "task_id = 'bare'"
    within_run = ["run_id"] if table["parent"] else []
    own = [name for name in table["key"] if name not in ["dag_id", table["dagColumn"]] + within_run][-1:]
    others = [name for key in table["otherKeys"] for name in key if name != table["dagColumn"]]
    return ", ".join("{} = {}".format(name, CHANGES[there[name]].format(name)) for name in sorted(set(own + others)))


def moved():
    """The tables of the catalogue whose values are not sealed."""
    return [table for table in conftest.TABLES if not table["secret"]]
