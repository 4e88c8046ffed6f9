"""Exported parts in unlogged tables beside the live ones; dropped whatever happens."""
from _parts.chosen_rows import ChosenRows
from _parts.database import columns_of, names, quoted
from _parts.datasets import EVENT_IDENTITY, KNOWN_EVENTS, add_datasets, name_uris, same_event
from _parts.failures import Refusal
from _parts.stand_ins import STAND_IN_CONF, stand_in_bytes
from _parts.storage import PartReader, damaged, sha256_of

#: Rule → the row of `StagedTable.source` whose id is written.
ROWS_JOINED = {"new-run-id": "r", "by-uri": "d", "by-event": "e"}
EMPTY_PICKLE = "'\\x80047d942e'::bytea"  # pickle.dumps({}, protocol=4), as Airflow itself writes it


class Staging(object):
    """All staging tables of one migration. The prefix keeps names below PostgreSQL's 63 bytes."""

    def __init__(self, command, database):
        self.command = command
        self.database = database
        self.prefix = "mwaa_migrate_{}_".format(command.short_hash)

    def name(self, table):
        return quoted(self.prefix + table)

    def drop(self, table):
        with self.database.transaction() as cursor:
            cursor.execute("DROP TABLE IF EXISTS {}".format(self.name(table)))

    def drop_all(self):
        """Also what a killed try left behind."""
        with self.database.transaction() as cursor:
            cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND left(relname, length(%s)) = %s "
                           "AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('dag_run'))", (self.prefix, self.prefix))
            for name in [row[0] for row in cursor.fetchall()]:
                cursor.execute("DROP TABLE IF EXISTS {}".format(quoted(name)))

    def load(self, table, entry, name=None, only=None):
        """Stage one table of the manifest; returns its StagedTable. Every part's SHA-256 is checked before its rows are committed.

        :param str name: of the staging table, where it is not the table's own.
        :param only: {DAG id or None: rows}: nothing but the rows of these, for a table whose rows begin with their DAG's id.
        """
        name = name or table["name"]
        with self.database.transaction() as cursor:
            staged = StagedTable(cursor, self.name(name), table, entry, self.name(name + "_uris"))
            self._fill(cursor, staged, name, [dict(part, rows=part["rows"]) for part in entry["parts"]], entry["columns"],
                       entry["rows"] if only is None else sum(only.values()), only)
            if staged.names_datasets:
                name_uris(cursor, staged.stage, staged.uris)
        with self.database.transaction() as cursor:
            cursor.execute("ANALYZE {}".format(staged.stage))
        return staged

    def load_rejected(self, cursor, staged, reference, rows):
        """Stage a side file of `import` as table `rejected`: its reason, then the staged columns."""
        columns = ["mwaa_reason"] + staged.entry["columns"]
        self._fill(cursor, staged, "rejected", [reference], columns, rows)
        return self.name("rejected")

    def _fill(self, cursor, staged, name, parts, columns, total, only=None):
        stage = self.name(name)
        cursor.execute("DROP TABLE IF EXISTS {}".format(stage))
        cursor.execute("CREATE UNLOGGED TABLE {} ({})".format(stage, ", ".join("{} {}".format(quoted(one), staged.stage_type(one)) for one in columns)))
        loaded, header = 0, True
        for part in parts:
            at = 0
            for member in part["members"]:
                if member["offset"] != at:
                    raise damaged("the part list of {}".format(name), part["key"])
                data = self.command.storage.read_range(part["key"], part["versionId"], at, member["length"])
                if len(data) != member["length"] or sha256_of(data) != member["sha256"]:
                    raise damaged("a part of {}".format(name), part["key"])
                reader = PartReader(data) if only is None else ChosenRows(PartReader(data), only, header)
                cursor.copy_expert("COPY {} ({}) FROM STDIN WITH (FORMAT csv{})".format(
                    stage, ", ".join(map(quoted, columns)), ", HEADER" if header else ""), reader, 131072)
                loaded, at, header = loaded + cursor.rowcount, at + member["length"], False
                self.command.say("reading {}".format(name), name, loaded, total)
            if at != part["bytes"]:
                raise damaged("the part list of {}".format(name), part["key"])
        if loaded != total:
            raise damaged("{}, which holds {} rows instead of {},".format(name, loaded, total), parts[0]["key"] if parts else "no part")


class StagedTable(object):
    """One staged table and how its rows are written: `columns` of the target with an `expression` each, over what `source` joins."""

    def __init__(self, cursor, stage, table, entry, uris):
        self.table = table
        self.uris = uris
        self.entry = entry
        self.stage = stage
        self.target = quoted(table["name"])
        self.live = columns_of(cursor, table["name"])
        self.exists = bool(self.live)
        self._types = {column.name: column.type for column in self.live}
        self.expressions = []
        for column in self.live:
            expression = self._expression(column)
            if expression is not None:
                self.expressions.append((column.name, expression))
            elif column.required and not column.has_default and table["rules"].get(column.name) != "own-id":
                raise Refusal("no-rule", "{}.{} must have a value, the export has none, and no rule says which.".format(table["name"], column.name),
                              "rows without it cannot be written; nothing was changed.",
                              "report it with both Airflow versions: the table catalogue lacks a rule.")

    @property
    def columns(self):
        return [name for name, _ in self.expressions]

    @property
    def columns_left(self):
        """Exported columns that the target does not have."""
        there = names(self.live) + self.table["parentKey"]
        if self.names_datasets:
            there += ("dataset_uri", "event_number") + EVENT_IDENTITY
        return [name for name in self.entry["columns"] if name not in there]

    @property
    def names_datasets(self):
        rules = self.table["rules"].values()
        return self.exists and ("by-uri" in rules or "by-event" in rules)

    def source(self, runs):
        """FROM of the staged rows `s`, with their run `r` where there is a parent, and where a rule asks their URI `u` with dataset `d` or event `e`.

        :param str runs: quoted name of a table of runs with dag_id, run_id and the target's id.
        """
        joins = ""
        if "run_id" in self.table["parentKey"]:
            joins += " LEFT JOIN {} r ON r.dag_id = s.dag_id AND r.run_id = s.run_id".format(runs)
        if self.names_datasets:
            joins += " LEFT JOIN {} u ON u.uri = s.dataset_uri".format(self.uris)
            if "by-uri" in self.table["rules"].values():
                joins += " LEFT JOIN dataset d ON d.uri = u.here"
            else:
                joins += " LEFT JOIN ({}) e ON {}".format(KNOWN_EVENTS, same_event("e"))
        return "{} s{}".format(self.stage, joins)

    def same(self, key, alias):
        """SQL: the staged row and the row `alias` of another table have the same key."""
        expressions = dict(self.expressions)
        return " AND ".join("{}.{} = {}".format(alias, quoted(column), expressions.get(column, "s." + quoted(column))) for column in key)

    def prepare(self, cursor):
        """What must be on the target before the rows can be judged."""
        if self.names_datasets:
            add_datasets(cursor, self.uris)

    def type_of(self, column):
        """PostgreSQL's name of the type of a column of the target."""
        return self._types[column]

    def stage_type(self, column):
        """The target's type, but text for limited texts: what is too long is rejected row by row, not table by table."""
        live = self._types.get(column, "text")
        return "text" if live.startswith("character varying") else live

    def _expression(self, column):
        rule, name = self.table["rules"].get(column.name, ""), quoted(column.name)
        if rule in ("own-id", "null"):
            return None
        if rule == "empty-pickle":
            return EMPTY_PICKLE
        if rule == "current-template":
            return "(SELECT max(id) FROM log_template)"
        if rule in ROWS_JOINED:
            return ROWS_JOINED[rule] + ".id"
        if rule.startswith("default:"):
            value = "'{}'::{}".format(rule[len("default:"):].replace("'", "''"), column.type)
            return "coalesce(s.{}, {})".format(name, value) if column.name in self.entry["columns"] else value
        return "s." + name if column.name in self.entry["columns"] else None

    def compared(self):
        """[(column, expression)] outside the key that must be equal, without what the target changes by itself."""
        rules, unlike = self.table["rules"], set(self.table["key"]) | set(self.table["volatile"])
        return [(name, expression) for name, expression in self.expressions
                if name not in unlike and rules.get(name) not in ("empty-pickle", "current-template")
                and (name in self.entry["columns"] or rules.get(name) in ROWS_JOINED)]

    def differs(self, live="t0"):
        """SQL: the staged row and the live row of the same key are not equal."""
        compared, adopt = self.compared(), self.table["adopt"]
        if adopt is None:
            differs = self.any_differs(compared, live)
            # A stand-in on the source is there for a run that the target made itself: that run is the real one.
            return "(NOT {} AND {})".format(self.stands_in(), differs)
        adopted = [pair for pair in compared if pair[0] in adopt["columns"]]
        return "CASE WHEN s.{} = '{}' THEN {} ELSE {} END".format(
            quoted(adopt["column"]), adopt["value"], self.any_differs(adopted, live), self.any_differs(compared, live))

    def stands_in(self, alias="s"):
        """SQL: the run is a stand-in (stand_ins.py) on which nobody has run anything since: both its times are of one moment."""
        if self.table["name"] != "dag_run" or not {"conf", "start_date", "end_date"} <= set(self.columns) or self._types["conf"] != "bytea":
            return "false"
        return "coalesce({0}.conf = '\\x{1}'::bytea AND {0}.start_date = {0}.end_date, false)".format(alias, stand_in_bytes(STAND_IN_CONF).hex())

    def any_differs(self, compared, live):
        """SQL: the staged row and the live one differ in one of these columns."""
        # json has no equality; its text has.
        tests = ["({})::text IS DISTINCT FROM {}.{}::text".format(expression, live, quoted(name)) if self._types[name] == "json"
                 else "{} IS DISTINCT FROM {}.{}".format(expression, live, quoted(name)) for name, expression in compared]
        return "({})".format(" OR ".join(tests) or "false")

    def unfit(self):
        """[(condition, reason)] for rows that the target's columns cannot take, or that name something the target lacks."""
        found = []
        for column, rule in sorted(self.table["rules"].items()):
            if rule == "waiting-dag":
                found.append(("NOT EXISTS (SELECT 1 FROM dag g WHERE g.dag_id = s.{})".format(quoted(column)), "the target has no DAG of this id"))
            if rule == "by-event":
                found.append(("e.id IS NULL", "its dataset event is not on the target"))
            if rule == "by-uri" and column in self.table["key"]:
                # Two URIs of the source that the target's Airflow takes for one: the newer row counts.
                time = quoted(self.table["timeColumn"])
                found.append(("EXISTS (SELECT 1 FROM {} o JOIN {} w ON w.uri = o.dataset_uri WHERE w.here = u.here AND {} "
                              "AND (o.{time}, o.dataset_uri, o.ctid) > (s.{time}, s.dataset_uri, s.ctid))".format(
                                  self.stage, self.uris, " AND ".join("o.{0} = s.{0}".format(quoted(other)) for other in self.table["key"] if other != column),
                                  time=time), "another row of the export means the same dataset on the target"))
        for position, column in enumerate(self.entry["columns"]):
            live = next((one for one in self.live if one.name == column), None)
            if live is None or column not in self.columns:
                continue
            if live.required and not self.table["rules"].get(column, "").startswith("default:"):
                found.append(("s.{} IS NULL".format(quoted(column)), "{} is NULL, which the target does not allow".format(column)))
            if live.length is not None and self.entry["types"][position] != live.type:
                found.append(("length(s.{}) > {}".format(quoted(column), live.length),
                              "{} is longer than the target's {} characters".format(column, live.length)))
        return found

    def row_hash(self, alias_expressions):
        return "md5(ROW({})::text)".format(", ".join(alias_expressions))
