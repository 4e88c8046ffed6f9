"""Variables and connections out of the envelope and, each table in one transaction, into the target under its own Fernet key."""
from _parts.brought import Brought
from _parts.comparing import NAMED_ROWS
from _parts.database import quoted
from _parts.default_rows import default_rows
from _parts.envelope import context_of, open_data_key, opened, sealed_for
from _parts.failures import Refusal
from _parts.named_rows import NamedRows
from _parts.on_conflict import ADOPTED, KEPT, REFUSED, RENEWED, REPLACED, Settled, differs_in
from _parts.one_time_key import end_key_pair, one_time_key, target_fernet
from _parts.secret_marks import changed_since, keep_marks
from _parts.secret_rows import SecretTable

CONFLICT = "exists with another value"
OTHER_DESCRIPTION = "exists with the same value and another description"
USED_UP = "not on the target, and the one-time key was used up by an earlier import"


class SettledSecrets(Settled):
    """All rows of a secret table: what landed is counted, what did not is named."""

    def __init__(self, command, table):
        super(SettledSecrets, self).__init__(command, table)
        self.side_file = NamedRows(command, "rejected", table)
        self.brought = Brought(command, table)
        self.written, self.there, self.rejected = [], 0, []

    @property
    def accounted(self):
        return len(self.written) + self.there + len(self.rejected)

    def reject(self, name, reason, outcome=REFUSED, why=None):
        self.tell(name, outcome, why or reason)
        self.rejected.append((reason, name))

    def is_there(self, name):
        super(SettledSecrets, self).is_there(name)
        self.there += 1

    def report(self, key):
        reasons = {}
        for reason, _ in self.rejected:
            reasons[reason] = reasons.get(reason, 0) + 1
        return dict(super(SettledSecrets, self).report(key), inserted=len(self.written), alreadyThere=self.there, rejected=len(self.rejected),
                    reasons=reasons, rejectedFile=self.side_file.write(key, self.rejected))


def import_secrets(command, database, table, entry, policy, is_last):
    """(report as protocol.ts ImportedTable, exported columns that the target does not have). No value is shown, whatever happens; rows are told by name.

    :param str policy: keep or replace, for rows of the target that say something else.
    :param bool is_last: no table of this export needs the one-time key any more.
    """
    name = table["name"]
    if not entry["parts"]:
        raise Refusal("rehearsal", "This export is a rehearsal: it holds no values of {}.".format(name), "only a final export can be imported.",
                      "run export with mode: final, and import its result.")
    data = command.storage.read_checked(entry["parts"][0], "the encrypted rows of {}".format(name))
    fernet, seal = target_fernet(), entry["seal"]
    settled = SettledSecrets(command, name)
    with database.transaction() as cursor:
        private = one_time_key(cursor, command, fernet) if seal["wrap"] == "rsa" else None
        if seal["wrap"] == "rsa" and private is None:
            _after_use(cursor, table, entry, settled)
        else:
            key = open_data_key(seal, context_of(command.rendered, name), private)
            _write(cursor, table, fernet, opened(key, sealed_for(command.rendered, name), data), policy, settled)
            keep_marks(cursor, command, table, entry, fernet)
        if settled.accounted != entry["rows"]:
            raise Refusal("damaged", "The encrypted rows of {} are {} instead of {}.".format(name, settled.accounted, entry["rows"]),
                          "so none was imported.", "run export (final) again and import its result.")
        # Before the commit that ends the key: a later try can then still say what was rejected and what was replaced.
        report = settled.report(table["key"][0])
        secrets = SecretTable(cursor, table)
        report["broughtFile"] = settled.brought.write(cursor, secrets, settled.written)
        if is_last:
            end_key_pair(cursor, command)
    command.say("{}: {} written, {} there already, {} rejected".format(
        name, len(settled.written), settled.there, len(settled.rejected)), name, entry["rows"], entry["rows"])
    return dict(report, rows=entry["rows"]), [column for column in entry["columns"] if column not in secrets.columns]


def _write(cursor, table, fernet, records, policy, settled):
    secrets, defaults = SecretTable(cursor, table), None
    for record in records:
        name, values = record[secrets.key], secrets.written(fernet, record)
        reason = secrets.unfit(values)
        if reason is not None:
            settled.reject(name, reason)
            continue
        columns = sorted(values)
        cursor.execute("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO NOTHING".format(
            secrets.quoted_name, ", ".join(map(quoted, columns)), ", ".join(["%s"] * len(columns)), secrets.quoted_key), [values[one] for one in columns])
        if cursor.rowcount:
            settled.written.append(name)
            continue
        cursor.execute("{} WHERE t.{} = %s FOR UPDATE".format(secrets.select(("t.xmin::text",)), secrets.quoted_key), (name,))
        row = cursor.fetchone()
        live, closed = secrets.read(fernet, row)
        differing = [column for column in secrets.columns if column in record and (column in closed or live[column] != secrets.filled_in(record)[column])]
        if not differing:
            settled.is_there(name)
            continue
        if defaults is None:
            defaults = default_rows(table)
        outcome = None
        if settled.brought.is_untouched(name, row[-1]):
            outcome = RENEWED
        elif policy == "replace":
            outcome = REPLACED
        elif not closed and _is_default(live, defaults.get(name)):
            outcome = ADOPTED
        if outcome is None:
            settled.reject(name, OTHER_DESCRIPTION if differing == ["description"] else CONFLICT, KEPT, differs_in(differing))
            continue
        cursor.execute("UPDATE {} SET {} WHERE {} = %s".format(
            secrets.quoted_name, ", ".join(quoted(one) + " = %s" for one in columns), secrets.quoted_key), [values[one] for one in columns] + [name])
        settled.replace(name, outcome, differs_in(differing))
        settled.written.append(name)


def _is_default(live, default):
    """The row is as this release of Airflow makes it in every new database: nobody has decided anything by it."""
    return default is not None and all((live[column] or None) == (default.get(column) or None) for column in live if column in default)


def _after_use(cursor, table, entry, settled):
    """An earlier import committed these rows and ended its key: what became of them stands in its side files, the rest is there."""
    for reason, name in settled.side_file.known:
        settled.reject(name, reason, KEPT if reason in (CONFLICT, OTHER_DESCRIPTION) else REFUSED)
    rejected = {name for _, name in settled.rejected}
    live = _live_names(cursor, table, entry["names"])
    for name in entry["names"]:
        if name in rejected:
            continue
        if name in live:
            settled.is_there(name)
        else:
            settled.reject(name, USED_UP)


def _live_names(cursor, table, wanted):
    secrets = SecretTable(cursor, table)
    cursor.execute("SELECT {0} FROM {1} WHERE {0} = ANY(%s)".format(secrets.quoted_key, secrets.quoted_name), (wanted,))
    return {row[0] for row in cursor.fetchall()}


def verify_secrets(cursor, command, table, entry):
    """protocol.ts VerifiedTable, by name: the values are gone from S3 by now.

    `different`: there, but not readable under the target's Fernet key, or not what the import left.
    """
    fernet, secrets = target_fernet(), SecretTable(cursor, table)
    rejected = {name for _, name in NamedRows(command, "rejected", table["name"]).known}
    cursor.execute("{} WHERE t.{} = ANY(%s)".format(secrets.select(), secrets.quoted_key), (entry["names"],))
    state = {}
    for row in cursor:
        record, closed = secrets.read(fernet, row)
        state[record[secrets.key]] = not closed
    changed = changed_since(cursor, command, table, entry, fernet) | {name for name in state if not state[name]}
    considered = [name for name in entry["names"] if name not in rejected]
    missing, different = ([name for name in considered if name not in state], [name for name in considered if name in state and name in changed])
    place = {"at": None, "runId": None}
    named = {"dagId": None, "missing": len(missing), "different": len(different), "doubled": 0, "first": place, "last": place,
             "names": sorted(missing + different)[:NAMED_ROWS]}
    return {"rows": entry["rows"], "equal": len(considered) - len(missing) - len(different), "missing": len(missing), "different": len(different),
            "rejected": len(entry["names"]) - len(considered), "resumed": 0, "doubled": 0, "proved": 0,
            "differences": [named] if missing or different else [], "differentDags": 1 if missing or different else 0}
