"""The slow comparison: staged rows beside the live ones, row by row, for the DAGs whose checksums differ. It names what it finds."""
from _parts.checksums import group_column
from _parts.database import columns_of, names, quoted
from _parts.live_sums import run_links, written_until

#: DAGs with differences that the result names for each table, and rows of tables without DAGs.
NAMED_DAGS, NAMED_ROWS = 50, 10
#: Columns that name a row's run. A dataset event's is the run that emitted it.
RUN_COLUMNS = ("run_id", "source_run_id")
STAMP = "coalesce(to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), '') || ' ' || coalesce({}, '')"


class Comparison(object):
    """Fills the temporary table mwaa_found with a row for each that is not equal on both sides, in one transaction."""

    def __init__(self, cursor, staged, dag_ids, brought, until):
        """:param dag_ids: the staged DAGs, None among them for rows of no DAG; `brought`: brought_runs' table; `until`: the snapshot's time."""
        self.cursor = cursor
        self.staged = staged
        self.table = staged.table
        self.brought = brought
        self.until = until
        self.live = names(columns_of(cursor, self.table["name"]))
        self.group = group_column(self.table, staged.entry["columns"])
        self.dag_ids = dag_ids
        self.hangs_on_runs = "run_id" in self.table["parentKey"]
        cursor.execute("CREATE TEMP TABLE mwaa_out (line tid) ON COMMIT DROP")
        cursor.execute("CREATE TEMP TABLE mwaa_found (dag text, run text, at timestamptz, named text, fate text) ON COMMIT DROP")

    def set_aside(self, side):
        """The staged rows that import's side file holds (staged as table `side`): they are no loss, each is in it with its reason."""
        columns = self.staged.entry["columns"]
        self.cursor.execute(
            "INSERT INTO mwaa_out SELECT line FROM (SELECT m.line, l.n, row_number() OVER (PARTITION BY m.h ORDER BY m.line) AS k "
            "FROM (SELECT s.ctid AS line, {mine} AS h FROM {stage} s) m "
            "JOIN (SELECT {theirs} AS h, count(*) AS n FROM {side} j GROUP BY 1) l ON l.h = m.h) x WHERE k <= n".format(
                stage=self.staged.stage, side=side, mine=self.staged.row_hash(["s." + quoted(column) for column in columns]),
                theirs=self.staged.row_hash(["j." + quoted(column) for column in columns])))
        self.cursor.execute("ANALYZE mwaa_out")

    def look_for_exported(self, goes_on):
        """Every staged row that is not on the target as it was exported. `goes_on`: SQL, Airflow itself may have changed the staged row."""
        source, found, absent, differs = self.staged.source(self.brought), "", "true", "true"
        if self.staged.exists and self.table["merge"] == "multiset":
            found = " LEFT JOIN ({}) k ON k.line = s.ctid".format(self._known(source))
            absent = differs = "k.line IS NULL"
        elif self.staged.exists:
            found = " LEFT JOIN {} t0 ON {}".format(self.staged.target, self.staged.same(self.table["key"], "t0"))
            absent = "t0.{} IS NULL".format(quoted(self.table["key"][0]))
            differs = "({} OR {})".format(absent, self.staged.differs())
        self._add("SELECT {}, CASE WHEN o.line IS NOT NULL THEN 'rejected' WHEN {} THEN 'resumed' WHEN {} THEN 'missing' ELSE 'different' END "
                  "FROM {}{} LEFT JOIN mwaa_out o ON o.line = s.ctid WHERE o.line IS NOT NULL OR {}".format(
                      ", ".join(self._place("s", "r")), goes_on, absent, source, found, differs))

    def look_for_more(self, earlier=()):
        """Rows of the target that were not exported and have no business there: doubled ones, and what hangs on a run that was brought.

        :param earlier: the table as earlier attempts exported it: what those brought may stay.
        """
        if not self.staged.exists:
            return
        if self.table["merge"] == "multiset":
            self._look_for_doubles(earlier)
        elif self.hangs_on_runs:
            self._look_for_children(earlier)
        else:
            self._look_for_copies()

    def _look_for_children(self, earlier):
        known = "EXISTS (SELECT 1 FROM {} WHERE {})".format(self.staged.source(self.brought), self.staged.same(self.table["key"], "t"))
        before = "".join(" AND NOT EXISTS (SELECT 1 FROM {} WHERE {} AND NOT {})".format(
            one.source(self.brought), one.same(self.table["key"], "t"), one.differs("t")) for one in earlier)
        self._add("SELECT {}, 'doubled' FROM {} WHERE NOT {}{}".format(", ".join(self._place("t", "b")), self._live_rows(), known, before))

    def _look_for_doubles(self, earlier):
        """Each live row answers for one staged row of its content. Where rows hang on no run, others of the target's own may lie beside them."""
        columns = self.staged.columns
        live = self.staged.row_hash(["t." + quoted(name) for name in columns])
        before = "".join(" AND NOT EXISTS (SELECT 1 FROM {} WHERE {} = x.h)".format(one.source(self.brought), self._staged_hash(one)) for one in earlier)
        self._add("SELECT x.dag, x.run, x.at, x.named, 'doubled' "
                  "FROM (SELECT {place}, {live} AS h, row_number() OVER (PARTITION BY {live}) AS k FROM {rows}) x "
                  "{join} JOIN (SELECT {mine} AS h, count(*) AS n FROM {source} GROUP BY 1) m ON m.h = x.h "
                  "WHERE x.k > coalesce(m.n, 0){before}".format(
                      place=", ".join(self._place("t", "b")), live=live, rows=self._live_rows(), join="LEFT" if self.hangs_on_runs else "",
                      mine=self._staged_hash(self.staged), source=self.staged.source(self.brought), before=before))

    def _look_for_copies(self):
        """Rows of a DAG that are an exported one under another key, to the microsecond. The target's own rows are of another time."""
        keys = set(self.table["key"]).union(*self.table["otherKeys"])
        compared = [pair for pair in self.staged.compared() if pair[0] not in keys]
        times = [(name, expression) for name, expression in compared if self.staged.type_of(name) == "timestamp with time zone"]
        if self.group is None or not times:
            return
        self._add("SELECT DISTINCT {}, 'doubled' FROM {} JOIN {} ON s.{} = t.{} AND coalesce({}) = coalesce({}) "
                  "WHERE NOT {} AND NOT EXISTS (SELECT 1 FROM {} WHERE {})".format(
                      ", ".join(self._place("t", "b")), self._live_rows(), self.staged.source(self.brought), quoted(self.group), quoted(self.group),
                      ", ".join(expression for _, expression in times), ", ".join("t." + quoted(name) for name, _ in times),
                      self.staged.any_differs(compared, "t"), self.staged.source(self.brought), self.staged.same(self.table["key"], "t")))

    def _known(self, source):
        """SELECT of `line`: staged rows that the target has, each live row answering for one of them."""
        return ("SELECT line FROM (SELECT m.line, l.n, row_number() OVER (PARTITION BY m.h ORDER BY m.line) AS k "
                "FROM (SELECT s.ctid AS line, {mine} AS h FROM {source} WHERE NOT EXISTS (SELECT 1 FROM mwaa_out o WHERE o.line = s.ctid)) m "
                "JOIN (SELECT {live} AS h, count(*) AS n FROM {target} t WHERE {chosen} GROUP BY 1) l ON l.h = m.h) x WHERE k <= n").format(
                    mine=self._staged_hash(self.staged), source=source, target=self.staged.target, chosen=self._chosen(),
                    live=self.staged.row_hash(["t." + quoted(name) for name in self.staged.columns]))

    def _staged_hash(self, staged):
        return staged.row_hash([expression for _, expression in staged.expressions])

    def _live_rows(self):
        """FROM … of the live rows `t` that could be one too many, with their run `b` where they hang on one."""
        if self.hangs_on_runs:
            return "{} t JOIN {} b ON {} AND NOT b.goes_on AND {}".format(
                self.staged.target, self.brought, run_links(self.table, self.live), self._chosen("b.dag_id"))
        until = self.table["merge"] == "multiset" and self.table["timeColumn"]
        return "(SELECT * FROM {} t WHERE {}{}) t".format(self.staged.target, self._chosen(), " AND " + written_until(self.table, self.until) if until else "")

    def _chosen(self, column=None):
        """SQL: the live row is of a DAG in question."""
        if self.group is None or (column is None and self.group not in self.live):
            return "true"
        column = column or "t." + quoted(self.group)
        ids = self.cursor.mogrify("%s::text[]", (sorted(dag_id for dag_id in self.dag_ids if dag_id is not None),)).decode("utf-8")
        return "({0} = ANY({1}){2})".format(column, ids, " OR {} IS NULL".format(column) if None in self.dag_ids else "")

    def _place(self, row, run):
        """SQL expressions dag, run, at, named of a row; `run` is the alias of its run in brought_runs, where it hangs on one."""
        there = self.staged.entry["columns"] if row == "s" else self.live
        time = self.table["timeColumn"]
        dag = "NULL" if self.group is None else row + "." + quoted(self.group) if self.group in there else run + ".dag_id"
        runs = [row + "." + quoted(name) for name in RUN_COLUMNS if name in there] or ([run + ".run_id"] if self.hangs_on_runs else ["NULL"])
        at = run + ".logical_date" if self.hangs_on_runs else row + "." + quoted(time) if time in there else "NULL"
        named = "concat_ws(', ', {})".format(", ".join(row + "." + quoted(name) for name in self.table["key"])) if self.group is None and set(
            self.table["key"]) <= set(there) else "NULL"
        return ["({})::text AS dag".format(dag), "({})::text AS run".format(runs[0]), "({})::timestamptz AS at".format(at), "({})::text AS named".format(named)]

    def _add(self, select):
        self.cursor.execute("INSERT INTO mwaa_found " + select)

    def counts(self):
        """{fate: rows}"""
        self.cursor.execute("SELECT fate, count(*) FROM mwaa_found GROUP BY 1")
        return dict(self.cursor.fetchall())

    def differences(self):
        """protocol.ts VerifiedTable.differences, and how many DAGs have some."""
        self.cursor.execute(
            "SELECT dag, count(*) FILTER (WHERE fate = 'missing'), count(*) FILTER (WHERE fate = 'different'), count(*) FILTER (WHERE fate = 'doubled'), "
            "min({stamp} COLLATE \"C\"), max({stamp} COLLATE \"C\"), (array_agg(DISTINCT named) FILTER (WHERE named IS NOT NULL))[1:{rows}], count(*) OVER () "
            "FROM mwaa_found WHERE fate IN ('missing', 'different', 'doubled') GROUP BY dag ORDER BY count(*) DESC, dag LIMIT {dags}".format(
                stamp=STAMP.format("at", "run"), rows=NAMED_ROWS, dags=NAMED_DAGS))
        rows = self.cursor.fetchall()
        return [{"dagId": row[0], "missing": row[1], "different": row[2], "doubled": row[3], "first": _place_of(row[4]), "last": _place_of(row[5]),
                 "names": row[6] or []} for row in rows], (rows[0][7] if rows else 0)


def _place_of(stamp):
    at, run = stamp.split(" ", 1)
    return {"at": at.replace(".000000Z", "Z") or None, "runId": run or None}
