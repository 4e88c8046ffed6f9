"""Settings (pools, variables, connections) that meet another row of the target under their name: kept or replaced, each told by name."""
from _parts.database import literal, quoted
from _parts.named_rows import NamedRows

#: Options of the migration file whose tables hold settings.
SETTINGS = ("pools", "variables", "connections")
#: Outcomes of protocol.ts SettledRow. ADOPTED: the target's row was one that Airflow makes in every environment. RENEWED: an earlier attempt
#: of this migration brought it, and nobody has touched it since.
KEPT, REPLACED, ADOPTED, RENEWED, REFUSED = "kept", "replaced", "adopted", "renewed", "refused"
#: Rows that a result names; the side files have them all.
NAMED_SETTINGS = 200


def policy_of(manifest, table):
    """keep or replace, as it was approved with the export; None for tables that hold no settings."""
    return manifest["filters"]["onConflict"][table["option"]] if table["option"] in SETTINGS else None


def differs_in(columns):
    """Which columns differ, never in what."""
    return "differs in {}".format(", ".join(columns))


class Settled(object):
    """What became of the rows of one table that did not simply land. A later try of the attempt finds again what an earlier one has replaced."""

    def __init__(self, command, table):
        self.file = NamedRows(command, "replaced", table)
        self.before = {name: reason for reason, name in self.file.known}
        self.rows, self.overwritten = [], []

    def tell(self, name, outcome, why):
        self.rows.append({"name": name, "outcome": outcome, "why": why})

    def replace(self, name, outcome, why):
        self.tell(name, outcome, why)
        self.overwritten.append(("{}: {}".format(outcome, why), name))

    def is_there(self, name):
        if name in self.before:
            self.replace(name, *self.before[name].split(": ", 1))

    def report(self, key):
        """Fields of protocol.ts ImportedTable; writes the side file first. :param str key: the column that names a row."""
        reference = self.file.write(key, self.overwritten)
        replaced = [row for row in self.rows if row["outcome"] in (REPLACED, ADOPTED)]
        return {"settled": self.rows[:NAMED_SETTINGS], "settledRows": len(self.rows), "replaced": len(replaced), "replacedFile": reference}


def settle(command, cursor, staged, policy):
    """The staged settings that differ from the target's row of their key: written over it, or named. In the transaction of the merge, before it judges."""
    settled, key = Settled(command, staged.table["name"]), staged.table["key"][0]
    compared = [(name, expression) for name, expression in staged.expressions if name in staged.entry["columns"] and name not in staged.table["key"]]
    same, differs = staged.same([key], "t0"), staged.differs()
    fit = " AND ".join(["NOT ({})".format(condition) for condition, _ in staged.unfit()] or ["true"])
    differing = ", ".join("CASE WHEN {} IS DISTINCT FROM t0.{} THEN {} END".format(expression, quoted(name), literal(name)) for name, expression in compared)
    cursor.execute("SELECT s.{key}, array_remove(ARRAY[{differing}]::text[], NULL) FROM {stage} s JOIN {target} t0 ON {same} "
                   "WHERE {differs} AND {fit} ORDER BY 1".format(
                       key=quoted(key), differing=differing, stage=staged.stage, target=staged.target, same=same, differs=differs, fit=fit))
    different = cursor.fetchall()
    if policy == "replace" and different:
        cursor.execute("UPDATE {target} t0 SET {values} FROM {stage} s WHERE {same} AND {differs} AND {fit}".format(
            values=", ".join("{} = {}".format(quoted(name), expression) for name, expression in compared),
            stage=staged.stage, target=staged.target, same=same, differs=differs, fit=fit))
    for name, columns in different:
        if policy == "replace":
            settled.replace(name, REPLACED, differs_in(columns))
        else:
            settled.tell(name, KEPT, differs_in(columns))
    changed = {row[0] for row in different}
    for name in sorted(settled.before):
        if name not in changed:
            settled.is_there(name)
    return settled.report(key)
