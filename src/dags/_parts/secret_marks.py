"""What variables and connections were right after the import, kept so that verify sees what has changed since. Marks, never values."""
import hashlib
import hmac
import json

from _parts.secret_rows import SecretTable

#: Of HMAC-SHA256, in hex digits.
MARK_LENGTH = 32


def keep_marks(cursor, command, table, entry, fernet):
    """Write the marks of the rows that this export names, as they are now. Before the commit that ends the one-time key."""
    command.storage.write_json(_key_of(command, table), _marks(cursor, table, entry, fernet, _keys()[0]))


def changed_since(cursor, command, table, entry, fernet):
    """Names of rows that are there and no longer what the import left; empty where it has kept no marks."""
    kept = command.storage.read_if_there(_key_of(command, table))
    before = json.loads(kept.decode("utf-8")) if kept else {}
    # Any of them: while Airflow's key is being rotated there are two, and the one that the import used may be either.
    seen = [_marks(cursor, table, entry, fernet, key) for key in _keys()] if before else []
    return {name for name in before if all(name in marks and marks[name] != before[name] for marks in seen)} if seen else set()


def _key_of(command, table):
    return "{}import/marks/{}.json".format(command.prefix, table["name"])


def _keys():
    """Keys that only this environment can make, from those that its secrets are encrypted with: nobody can try guesses on a mark."""
    from airflow.configuration import conf
    return [hmac.new(key.strip().encode("ascii"), b"mwaa-migrate: marks of imported secrets", hashlib.sha256).digest()
            for key in conf.get("core", "fernet_key").split(",")]


def _marks(cursor, table, entry, fernet, key):
    secrets, found = SecretTable(cursor, table), {}
    cursor.execute("{} WHERE t.{} = ANY(%s)".format(secrets.select(), secrets.quoted_key), (entry["names"],))
    for row in cursor.fetchall():
        record, closed = secrets.read(fernet, row)
        if not closed:
            text = json.dumps([table["name"], record], sort_keys=True)
            found[record[secrets.key]] = hmac.new(key, text.encode("utf-8"), hashlib.sha256).hexdigest()[:MARK_LENGTH]
    return found
