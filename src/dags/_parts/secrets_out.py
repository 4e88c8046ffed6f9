"""Variables and connections of the source into the envelope; a rehearsal reads them too, and writes none."""
from _parts.activity import own_filter
from _parts.database import quoted
from _parts.envelope import Sealer, context_of, new_data_key, sealed_for
from _parts.secret_rows import SecretTable
from _parts.storage import ObjectWriter

UNREADABLE = "cannot be decrypted with the source's Fernet key"
NO_NAME = "has no {}"
#: 1.10 takes any of them at random, so where all work it is no matter which one moves; where one is out of date, it is rather the older.
REPEATED = "a newer row of the same {} moves"


def export_secrets(command, cursor, table, entry):
    """Values are decrypted and at once sealed for the target. `entry` of the manifest is completed: names, and what stays behind, by name."""
    name = table["name"]
    if command.job["mode"] == "rehearsal":
        found = _read(cursor, table, lambda record: None)
        entry["rows"] = len(found.names)
        found.tell(entry)
        return
    key, entry["seal"] = new_data_key(command.job["envelope"], context_of(command.rendered, name))
    writer = ObjectWriter(command.storage, "{}export/{}.sealed".format(command.prefix, name), "application/octet-stream")
    sealer = Sealer(key, sealed_for(command.rendered, name), writer)
    try:
        found = _read(cursor, table, sealer.add)
        sealer.close()
        reference = writer.close()
    except BaseException:
        writer.abort()
        raise
    entry.update({"rows": len(found.names), "names": found.names, "columns": found.columns, "types": ["text"] * len(found.columns),
                  "bytes": reference["bytes"], "parts": [dict(reference, rows=len(found.names))]})
    found.tell(entry)
    command.say("exported {}: {} rows, encrypted".format(name, len(found.names)), name, len(found.names), len(found.names))


class Found(object):
    """What reading a secret table has shown: names, never values."""

    def __init__(self, secrets):
        self.columns, self.key = secrets.columns, secrets.key
        self.names, self.unreadable, self.repeated, self.nameless, self.filled = [], [], [], 0, {}

    def tell(self, entry):
        for reason, count in ((UNREADABLE, len(self.unreadable)), (REPEATED.format(self.key), len(self.repeated)), (NO_NAME.format(self.key), self.nameless)):
            if count:
                entry["leftOut"][reason] = count
        for field, value in (("unreadable", self.unreadable), ("repeated", self.repeated), ("filled", self.filled)):
            if value:
                entry[field] = value


def _read(cursor, table, take):
    """Call `take` with each record that moves, in the order of the keys; of several rows of one key the newest that can be read."""
    from airflow.models.crypto import get_fernet
    fernet, secrets = get_fernet(), SecretTable(cursor, table)
    found, several = Found(secrets), secrets.repeated_keys(cursor)
    number = "t.id" if secrets.has_id() else "NULL"
    rows = cursor.connection.cursor("mwaa_migrate_" + table["name"])  # on the server: values may be megabytes each
    rows.itersize = 50
    # coalesce: a row without a name is told too, though no name says whose it is.
    rows.execute("{} WHERE coalesce({}, true) ORDER BY t.{} COLLATE \"C\", {} DESC".format(
        secrets.select((number,)), own_filter(table, "t."), quoted(secrets.key), number))
    for row in rows:
        record, closed = secrets.read(fernet, row)
        name = record[secrets.key]
        shown = "{} (id {})".format(name, row[-1]) if name in several else name
        if name is None:
            found.nameless += 1
        elif closed:
            found.unreadable.append(shown)
        elif found.names and found.names[-1] == name:
            found.repeated.append(shown)
        else:
            take(record)
            found.names.append(name)
            for column in secrets.filled(record):
                found.filled.setdefault(column, []).append(name)
    rows.close()
    return found
