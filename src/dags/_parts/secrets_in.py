"""Variables out of the envelope and, in one transaction, into the target under its own Fernet key."""
import csv
import gzip
import io

from _parts.envelope import context_of, fingerprint_of, load_private, new_key_pair, open_data_key, opened, sealed_for
from _parts.failures import Refusal

CONFLICT = "exists with another value"
OTHER_DESCRIPTION = "exists with the same value and another description"
USED_UP = "not on the target, and the one-time key was used up by an earlier import"


def key_names(command):
    return tuple("mwaa_migrate_{}_{}_key".format(command.short_hash, half) for half in ("private", "public"))


def target_fernet():
    from airflow.models.crypto import get_fernet
    fernet = get_fernet()
    if not getattr(fernet, "is_encrypted", False):
        raise Refusal("no-fernet-key", "The target has no Fernet key.", "a private key and the variables would lie in its database as plain text.",
                      "set core.fernet_key on the target (MWAA always does) and run the phase again.")
    return fernet


def make_key_pair(command, database):
    """Result data of `keypair`. The same attempt keeps its pair: an export may have used it already."""
    fernet, (private_name, public_name) = target_fernet(), key_names(command)
    mark = "mwaa-migrate attempt {}".format(command.rendered["attempt"])
    with database.transaction() as cursor:
        cursor.execute("SELECT val FROM variable WHERE key = %s AND description = %s FOR UPDATE", (private_name, mark))
        row = cursor.fetchone()
        if row is not None:
            return {"fingerprint": fingerprint_of(_private_key(fernet, row[0]).public_key()), "variable": public_name}
        private, public, fingerprint = new_key_pair()
        for name, value in ((private_name, private), (public_name, public)):
            cursor.execute("INSERT INTO variable (key, val, is_encrypted, description) VALUES (%s, %s, true, %s) "
                           "ON CONFLICT (key) DO UPDATE SET val = EXCLUDED.val, is_encrypted = true, description = EXCLUDED.description",
                           (name, fernet.encrypt(value.encode("ascii")).decode("ascii"), mark))
    return {"fingerprint": fingerprint, "variable": public_name}


def _private_key(fernet, value):
    return load_private(fernet.decrypt(value.encode("ascii")).decode("ascii"))


def import_variables(command, database, entry):
    """Report as protocol.ts ImportedTable. No value is shown, whatever happens; a rejected row is named by its key."""
    if not entry["parts"]:
        raise Refusal("rehearsal", "This export is a rehearsal: it holds no values of variables.", "only a final export can be imported.",
                      "run export with mode: final, and import its result.")
    part = entry["parts"][0]
    data = command.storage.read_checked(part, "the encrypted variables")
    fernet, seal = target_fernet(), entry["seal"]
    with database.transaction() as cursor:
        private = _one_time_key(cursor, command, fernet) if seal["wrap"] == "rsa" else None
        if seal["wrap"] == "rsa" and private is None:
            there, rejected = _after_use(command, cursor, entry)
            inserted = 0
        else:
            key = open_data_key(seal, context_of(command.rendered, "variable"), private)
            inserted, there, rejected = _write(cursor, fernet, opened(key, sealed_for(command.rendered, "variable"), data))
        if inserted + there + len(rejected) != entry["rows"]:
            raise Refusal("damaged", "The encrypted variables are {} rows instead of {}.".format(inserted + there + len(rejected), entry["rows"]),
                          "so none was imported.", "run export (final) again and import its result.")
        # Before the commit that ends the key: a later try can then still say what was rejected.
        side_file = _write_rejected_keys(command, rejected)
        cursor.execute("DELETE FROM variable WHERE key = ANY(%s)", (list(key_names(command)),))
    reasons = {}
    for _, reason in rejected:
        reasons[reason] = reasons.get(reason, 0) + 1
    command.say("variable: {} written, {} there already, {} rejected".format(inserted, there, len(rejected)), "variable", entry["rows"], entry["rows"])
    return {"rows": entry["rows"], "inserted": inserted, "alreadyThere": there, "rejected": len(rejected), "reasons": reasons, "rejectedFile": side_file}


def _one_time_key(cursor, command, fernet):
    cursor.execute("SELECT val FROM variable WHERE key = %s", (key_names(command)[0],))
    row = cursor.fetchone()
    return None if row is None else _private_key(fernet, row[0])


def _write(cursor, fernet, records):
    inserted, there, rejected = 0, 0, []
    for record in records:
        value = None if record["val"] is None else fernet.encrypt(record["val"].encode("utf-8")).decode("ascii")
        cursor.execute("INSERT INTO variable (key, val, is_encrypted, description) VALUES (%s, %s, %s, %s) ON CONFLICT (key) DO NOTHING",
                       (record["key"], value, value is not None, record["description"]))
        if cursor.rowcount:
            inserted += 1
            continue
        cursor.execute("SELECT val, is_encrypted, description FROM variable WHERE key = %s", (record["key"],))
        known, is_encrypted, description = cursor.fetchone()
        if readable(fernet, known, is_encrypted) != (True, record["val"]):
            rejected.append((record["key"], CONFLICT))
        elif description != record["description"]:
            rejected.append((record["key"], OTHER_DESCRIPTION))
        else:
            there += 1
    return inserted, there, rejected


def readable(fernet, value, is_encrypted):
    """(can it be read, its value)."""
    if value is None or not is_encrypted:
        return True, value
    try:
        return True, fernet.decrypt(value.encode("utf-8")).decode("utf-8")
    except Exception:  # encrypted under a key that this environment no longer has
        return False, None


def _after_use(command, cursor, entry):
    """An earlier import committed these rows and ended its key: what it rejected stands in its side file, the rest is there."""
    known = command.storage.read_if_there(_side_key(command))
    rejected = [] if known is None else [tuple(row) for row in list(csv.reader(io.StringIO(gzip.decompress(known).decode("utf-8"), newline="")))[1:]]
    rejected = [(name, reason) for reason, name in rejected]
    cursor.execute("SELECT key FROM variable WHERE key = ANY(%s)", (entry["names"],))
    live = {row[0] for row in cursor.fetchall()}
    before = {name for name, _ in rejected}
    rejected += [(name, USED_UP) for name in entry["names"] if name not in live and name not in before]
    return entry["rows"] - len(rejected), rejected


def _side_key(command):
    return command.prefix + "import/rejected/variable.csv.gz"


def _write_rejected_keys(command, rejected):
    if not rejected:
        command.storage.remove(_side_key(command))
        return None
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("mwaa_reason", "key"))
    writer.writerows((reason, name) for name, reason in rejected)
    data = io.BytesIO()
    with gzip.GzipFile(fileobj=data, mode="wb", mtime=0) as packed:
        packed.write(text.getvalue().encode("utf-8"))
    return command.storage.write(_side_key(command), data.getvalue(), "application/gzip")


def verify_variables(cursor, command, entry):
    """By name: the values are gone from S3 by now. `different`: there, but not readable under the target's Fernet key."""
    fernet, rejected = target_fernet(), set()
    known = command.storage.read_if_there(_side_key(command))
    if known is not None:
        rejected = {row[1] for row in list(csv.reader(io.StringIO(gzip.decompress(known).decode("utf-8"), newline="")))[1:]}
    cursor.execute("SELECT key, val, is_encrypted FROM variable WHERE key = ANY(%s)", (entry["names"],))
    state = {name: readable(fernet, value, is_encrypted)[0] for name, value, is_encrypted in cursor}
    considered = [name for name in entry["names"] if name not in rejected]
    return {"rows": entry["rows"], "equal": sum(1 for name in considered if state.get(name)), "missing": sum(1 for name in considered if name not in state),
            "different": sum(1 for name in considered if state.get(name) is False), "rejected": len(entry["names"]) - len(considered), "resumed": 0}
