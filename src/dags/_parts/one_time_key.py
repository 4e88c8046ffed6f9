"""The key pair that an export without KMS is sealed for: two variables of the target, made before the export and ended by the import."""
from _parts.envelope import fingerprint_of, load_private, new_key_pair
from _parts.failures import Refusal


def key_names(command):
    return tuple("mwaa_migrate_{}_{}_key".format(command.short_hash, half) for half in ("private", "public"))


def target_fernet():
    from airflow.models.crypto import get_fernet
    fernet = get_fernet()
    if not getattr(fernet, "is_encrypted", False):
        raise Refusal("no-fernet-key", "The target has no Fernet key.", "a private key, variables and passwords would lie in its database as plain text.",
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


def one_time_key(cursor, command, fernet):
    """The private half; None once an import has ended it."""
    cursor.execute("SELECT val FROM variable WHERE key = %s", (key_names(command)[0],))
    row = cursor.fetchone()
    return None if row is None else _private_key(fernet, row[0])


def end_key_pair(cursor, command):
    cursor.execute("DELETE FROM variable WHERE key = ANY(%s)", (list(key_names(command)),))


def _private_key(fernet, value):
    return load_private(fernet.decrypt(value.encode("ascii")).decode("ascii"))
