"""One staged table into the live one, in one transaction: what is equal stays, what conflicts goes to the side file, the rest is written."""
from _parts.activity import next_run_columns
from _parts.database import literal, quoted, scalar
from _parts.failures import Refusal
from _parts.on_conflict import settle
from _parts.storage import ObjectWriter, TableWriter

RACES = 3
#: Refused DAG runs that the result names; the side file has them all.
NAMED_RUNS = 10


class Raced(Exception):
    """The target's own processes wrote a row of the same key in between."""


def merge_table(command, database, staged, runs, make_room=None, policy=None):
    """Merge and report as protocol.ts ImportedTable.

    :param str runs: quoted name of the table (dag_id, run_id, id) of the runs whose children may land; made here by dag_run.
    :param make_room: called with the cursor first, in the same transaction: removes rows of the target that are to be written anew.
    :param policy: keep or replace, for settings of the target that say something else; None for history, where the target's rows always stay.
    """
    for _ in range(RACES):
        try:
            return database.settle(lambda cursor: _merge(command, cursor, staged, runs, make_room, policy))
        except Raced:
            command.say("{} changed meanwhile, looking again".format(staged.table["name"]), staged.table["name"])
    raise Refusal("target-busy", "Rows of {} appeared on the target while its history was written, {} times.".format(staged.table["name"], RACES),
                  "a DAG runs there that should be paused; nothing of this table was committed.", "pause the target's DAGs and run import again.")


def _merge(command, cursor, staged, runs, make_room, policy):
    name, rows = staged.table["name"], staged.entry["rows"]
    command.say("merging {}".format(name), name, 0, rows)
    if staged.exists and staged.table["adopt"] is not None:
        _adopt(cursor, staged)
    staged.prepare(cursor)
    if make_room is not None:
        make_room(cursor)
    more = settle(command, cursor, staged, policy) if staged.exists and policy is not None else {}
    _judge(cursor, staged, runs)
    if name == "dag_run":
        _forget_next_runs(cursor, staged)
    cursor.execute("SELECT count(*) FILTER (WHERE reason IS NULL), count(*) FILTER (WHERE reason IS NOT NULL) FROM mwaa_verdict")
    there, rejected = cursor.fetchone()
    inserted = 0
    if staged.exists and rows > there + rejected:
        cursor.execute("INSERT INTO {} ({}) SELECT {} FROM {}{} ON CONFLICT DO NOTHING".format(
            staged.target, ", ".join(map(quoted, staged.columns)), ", ".join(expression for _, expression in staged.expressions),
            staged.source(runs), " WHERE NOT EXISTS (SELECT 1 FROM mwaa_verdict v WHERE v.line = s.ctid)" if there + rejected else ""))
        inserted = cursor.rowcount
    if inserted + there + rejected != rows:
        raise Raced()
    reasons, side_file = {}, None
    if rejected:
        cursor.execute("SELECT reason, count(*) FROM mwaa_verdict WHERE reason IS NOT NULL GROUP BY 1 ORDER BY 1")
        reasons = dict(cursor.fetchall())
        side_file = _write_rejected(command, cursor, staged)
        if name == "dag_run":
            more["rejectedRuns"] = _rejected_runs(cursor, staged)
    if name == "dag_run":
        _remember_runs(cursor, staged, runs)
    command.say("{}: {} written, {} there already, {} rejected".format(name, inserted, there, rejected), name, rows, rows)
    return dict({"rows": rows, "inserted": inserted, "alreadyThere": there, "rejected": rejected, "reasons": reasons, "rejectedFile": side_file}, **more)


def _judge(cursor, staged, runs):
    """Fill mwaa_verdict (line, reason): a row with a reason is rejected, one without is there already, one that is missing gets written."""
    table = staged.table
    cases, joins = [], ""
    if not staged.exists:
        cases.append(("true", "the target has no table {}".format(table["name"])))
    else:
        cases += staged.unfit()
        if "run_id" in table["parentKey"]:
            cases.append(("r.id IS NULL", "its DAG run is not among those that landed"))
            cases.append(("r.is_own", None))
        if table["parent"] == "task_instance":
            joins += " LEFT JOIN task_instance p ON {}".format(staged.same(table["parentKey"], "p"))
            cases.append(("p.dag_id IS NULL", "its task instance is not on the target"))
        if table["merge"] == "keyed":
            joins += " LEFT JOIN {} t0 ON {}".format(staged.target, staged.same(table["key"], "t0"))
            there = "t0.{} IS NOT NULL".format(quoted(table["key"][0]))
            cases.append(("{} AND {}".format(there, staged.differs()), "the target has a different row of the same {}".format(", ".join(table["key"]))))
            cases.append((there, None))
            for number, key in enumerate(table["otherKeys"], 1):
                joins += " LEFT JOIN {} t{} ON {}".format(staged.target, number, staged.same(key, "t{}".format(number)))
                cases.append(("t{}.{} IS NOT NULL".format(number, quoted(key[0])), "the target has another row of the same {}".format(", ".join(key))))
    cursor.execute("DROP TABLE IF EXISTS pg_temp.mwaa_verdict")
    if not cases:
        cursor.execute("CREATE TEMP TABLE mwaa_verdict (line tid, reason text) ON COMMIT DROP")
    else:
        cursor.execute("CREATE TEMP TABLE mwaa_verdict ON COMMIT DROP AS SELECT s.ctid AS line, CASE {} END AS reason FROM {}{} WHERE {}".format(
            " ".join("WHEN {} THEN {}".format(test, "NULL" if reason is None else literal(reason)) for test, reason in cases),
            staged.source(runs), joins, " OR ".join("({})".format(test) for test, _ in cases)))
    cursor.execute("ANALYZE mwaa_verdict")
    if staged.exists and table["merge"] == "multiset" and could_match(cursor, staged):
        cursor.execute("INSERT INTO mwaa_verdict (line, reason) SELECT line, NULL FROM ({}) known".format(
            known_rows(staged, staged.source(runs) + " WHERE NOT EXISTS (SELECT 1 FROM mwaa_verdict v WHERE v.line = s.ctid)")))
        cursor.execute("ANALYZE mwaa_verdict")


def _time_range(staged):
    """SQL: the live row `t` lies within the staged rows' time, or has none."""
    time = staged.table["timeColumn"]
    if time is None:
        return "true"
    return "(t.{0} IS NULL OR t.{0} BETWEEN (SELECT min({0}) FROM {1}) AND (SELECT max({0}) FROM {1}))".format(quoted(time), staged.stage)


def could_match(cursor, staged):
    """False when the target certainly has no row like a staged one: then nothing need be compared."""
    return scalar(cursor, "SELECT EXISTS (SELECT 1 FROM {} t WHERE {})".format(staged.target, _time_range(staged)))


def known_rows(staged, source):
    """SELECT of `line`: staged rows that the target has already, each live row answering for one of them."""
    shared = staged.expressions
    return ("SELECT line FROM (SELECT m.line, l.n, row_number() OVER (PARTITION BY m.h ORDER BY m.line) AS k "
            "FROM (SELECT s.ctid AS line, {mine} AS h FROM {source}) m "
            "JOIN (SELECT {live} AS h, count(*) AS n FROM {target} t WHERE {span} GROUP BY 1) l ON l.h = m.h) x WHERE k <= n").format(
                mine=staged.row_hash([expression for _, expression in shared]), source=source,
                live=staged.row_hash(["t." + quoted(name) for name, _ in shared]), target=staged.target, span=_time_range(staged))


def _adopt(cursor, staged):
    """Set the settings of the row that every environment has from the start, where they differ."""
    adopt = staged.table["adopt"]
    expressions = dict(staged.expressions)
    for column in adopt["columns"]:
        cursor.execute("UPDATE {target} t SET {column} = {value} FROM {stage} s "
                       "WHERE s.{key} = %s AND t.{key} = s.{key} AND t.{column} IS DISTINCT FROM {value}".format(
                           target=staged.target, column=quoted(column), value=expressions[column], stage=staged.stage, key=quoted(adopt["column"])),
                       (adopt["value"],))


def _forget_next_runs(cursor, staged):
    """The scheduler must not use a next run that was computed without this history: NULL until the DAG file is parsed again.

    Only DAGs that get runs now: a second import changes nothing.
    """
    columns = next_run_columns(cursor)
    if not columns:
        return
    cursor.execute("UPDATE dag SET {} WHERE dag_id IN (SELECT s.dag_id FROM {} s "
                   "WHERE NOT EXISTS (SELECT 1 FROM mwaa_verdict v WHERE v.line = s.ctid)) AND ({})".format(
        ", ".join("{} = NULL".format(column) for column in columns), staged.stage, " OR ".join("{} IS NOT NULL".format(column) for column in columns)))


def _remember_runs(cursor, staged, runs):
    """The runs under which children may land, brought now or equal before, with the target's id of each.

    `is_own`: a run that the target made itself between cutover and rollback, for which the source has a stand-in: its own children are the real ones.
    """
    cursor.execute("DROP TABLE IF EXISTS {}".format(runs))
    cursor.execute("CREATE UNLOGGED TABLE {} AS SELECT s.dag_id, s.run_id, t.id, {} AND NOT {} AS is_own FROM {} s "
                   "JOIN dag_run t ON t.dag_id = s.dag_id AND t.run_id = s.run_id "
                   "WHERE NOT EXISTS (SELECT 1 FROM mwaa_verdict v WHERE v.line = s.ctid AND v.reason IS NOT NULL)".format(
                       runs, staged.stands_in("s"), staged.stands_in("t"), staged.stage))
    cursor.execute("ALTER TABLE {} ADD PRIMARY KEY (dag_id, run_id)".format(runs))
    cursor.execute("ANALYZE {}".format(runs))


def _rejected_runs(cursor, staged):
    """protocol.ts ImportedTable.rejectedRuns, in the order of the side file."""
    cursor.execute("SELECT s.dag_id, s.run_id, v.reason FROM {} s JOIN mwaa_verdict v ON v.line = s.ctid WHERE v.reason IS NOT NULL "
                   "ORDER BY s.ctid LIMIT %s".format(staged.stage), (NAMED_RUNS,))
    return [{"dagId": row[0], "runId": row[1], "reason": row[2]} for row in cursor.fetchall()]


def _write_rejected(command, cursor, staged):
    name = staged.table["name"]
    writer = ObjectWriter(command.storage, "{}import/rejected/{}.csv.gz".format(command.prefix, name), "application/gzip")
    sink = TableWriter(writer)
    columns = ", ".join("s." + quoted(column) for column in staged.entry["columns"])
    try:
        cursor.copy_expert("COPY (SELECT v.reason AS mwaa_reason, {} FROM {} s JOIN mwaa_verdict v ON v.line = s.ctid "
                           "WHERE v.reason IS NOT NULL ORDER BY s.ctid) TO STDOUT WITH (FORMAT csv, HEADER)".format(columns, staged.stage), sink)
        return dict(sink.close(), members=sink.parts)
    except BaseException:
        writer.abort()
        raise
