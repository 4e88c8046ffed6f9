"""Which version of a row an import has written, so that a further attempt knows what nobody has touched since. It tells nothing of what is in it."""
import json


class Brought(object):
    """Secret rows by name and `xmin`, PostgreSQL's number of the transaction that wrote them. Values are gone from the bucket by then, and
    a hash of one could be guessed; whatever else writes the row gives it another number.
    """

    def __init__(self, command, table):
        self.storage = command.storage
        self.table = table
        self.key = "{}import/brought/{}.json".format(command.prefix, table)
        self.earlier = {}
        for reference in command.job.get("earlierBrought", []):
            told = json.loads(self.storage.read_checked(reference, "what an earlier attempt brought").decode("utf-8"))
            if told["table"] == table:
                for name, version in told["rows"].items():
                    self.earlier.setdefault(name, set()).add(version)

    def is_untouched(self, name, version):
        return version in self.earlier.get(name, ())

    def write(self, cursor, secrets, names):
        """Remember the rows that were written now, beside those of an earlier try of this attempt.

        Before the commit: a number that never counts harms nobody.
        """
        known = self.storage.read_if_there(self.key)
        rows = {} if known is None else json.loads(known.decode("utf-8"))["rows"]
        cursor.execute("SELECT {0}, xmin::text FROM {1} WHERE {0} = ANY(%s)".format(secrets.quoted_key, secrets.quoted_name), (names,))
        rows.update(cursor.fetchall())
        return self.storage.write_json(self.key, {"table": self.table, "rows": rows}) if rows else None
