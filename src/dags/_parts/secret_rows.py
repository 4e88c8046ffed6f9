"""Rows of a table whose values are secrets (catalogue: `secret`): which columns travel, and what a row says once it is decrypted."""
from _parts.database import columns_of, names, quoted

#: Rule of a column that Airflow encrypts with its Fernet key; behind the colon the column that says whether it has.
ENCRYPTED = "encrypted:"


class SecretTable(object):
    """One secret table of this environment. A record is {column: text or None} of the columns that travel, every value as PostgreSQL's text form."""

    def __init__(self, cursor, table):
        self.name = table["name"]
        self.key = table["key"][0]
        self.rules = table["rules"]
        self.live = columns_of(cursor, self.name)
        there = names(self.live)
        self.flags = {column: rule[len(ENCRYPTED):] for column, rule in self.rules.items() if rule.startswith(ENCRYPTED) and column in there}
        stays = set(self.flags.values()) | {column for column, rule in self.rules.items() if rule == "own-id"}
        self.columns = [self.key] + [column for column in there if column not in stays and column != self.key]
        self.quoted_name, self.quoted_key = quoted(self.name), quoted(self.key)

    def select(self, extra=()):
        """SELECT … FROM: texts of `columns`, then for each flag whether the value is encrypted, then `extra`; the row is `t`."""
        return "SELECT {} FROM {} t".format(", ".join(
            ["t.{}::text".format(quoted(column)) for column in self.columns]
            + ["coalesce(t.{}, false)".format(quoted(self.flags[column])) for column in sorted(self.flags)] + list(extra)), self.quoted_name)

    def read(self, fernet, row):
        """(record, encrypted columns that this environment's key does not open) of one row of `select`."""
        record, closed = dict(zip(self.columns, row)), []
        for column, is_encrypted in zip(sorted(self.flags), row[len(self.columns):len(self.columns) + len(self.flags)]):
            if is_encrypted and record[column]:  # Airflow takes neither NULL nor an empty text for a token.
                record[column] = decrypted(fernet, record[column])
                if record[column] is None:
                    closed.append(column)
        return record, closed

    def filled(self, record):
        """Columns that the record leaves NULL and that a rule fills on the target."""
        return [column for column, rule in sorted(self.rules.items()) if rule.startswith("default:") and column in record and record[column] is None]

    def filled_in(self, record):
        return dict(record, **{column: self.rules[column][len("default:"):] for column in self.filled(record)})

    def written(self, fernet, record):
        """{column: value} as a row of this table, encrypted under its own key; columns that it does not have are left away."""
        values, full = {}, self.filled_in(record)
        for column in self.columns:
            if column not in full:
                continue
            value = full[column]
            if column in self.flags:
                values[self.flags[column]] = value is not None
                value = None if value is None else fernet.encrypt(value.encode("utf-8")).decode("ascii")
            values[column] = value
        return values

    def unfit(self, values):
        """Why the table cannot take the row, None when it can."""
        for column in self.live:
            value = values.get(column.name)
            if value is None and column.required and not column.has_default and self.rules.get(column.name) != "own-id":
                return "{} is NULL, which the target does not allow".format(column.name)
            if column.length is not None and value is not None and len(value) > column.length:
                return "{} is longer than the target's {} characters".format(column.name, column.length)
        return None

    def repeated_keys(self, cursor):
        """Keys of more than one row: 1.10 allows several connections of one name."""
        cursor.execute("SELECT {0} FROM {1} WHERE {0} IS NOT NULL GROUP BY 1 HAVING count(*) > 1".format(self.quoted_key, self.quoted_name))
        return {row[0] for row in cursor.fetchall()}

    def has_id(self):
        return "id" in names(self.live)


def decrypted(fernet, value):
    """None where the key is not the one it was encrypted with, or the value is no text."""
    if not getattr(fernet, "is_encrypted", False):
        return None
    try:
        return fernet.decrypt(value.encode("utf-8")).decode("utf-8")
    except Exception:  # InvalidToken, or bytes that are no text, which Airflow cannot read either: whoever asked names the row
        return None
