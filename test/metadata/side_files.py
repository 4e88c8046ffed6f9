"""What an export has left out because it cannot move: its side files, and what the manifest says of connections."""

import collections
import csv
import gzip
import io
import sys

from oracle import known_by

UNREADABLE = "cannot be decrypted with the source's Fernet key"
csv.field_size_limit(sys.maxsize)


def lost_rows(migration, manifest):
    """Counter of rows as oracle.known_by names them. Each has a reason, and each reason as many rows as the manifest says."""
    found = collections.Counter()
    for table in manifest["tables"]:
        if table["name"] == "connection":
            found[known_by("connection", {})] += sum(count for reason, count in table["leftOut"].items() if reason != UNREADABLE)
        elif table.get("leftOutFile"):
            rows = list(csv.DictReader(io.StringIO(_text(migration, table["name"]), newline="")))
            reasons = collections.Counter(row["mwaa_reason"] for row in rows)
            assert reasons.items() <= table["leftOut"].items() and all(reasons), (table["name"], reasons, table["leftOut"])
            found.update(known_by(table["name"], row) for row in rows)
    return +found


def _text(migration, table):
    return gzip.decompress(migration.read("export/left-out/{}.csv.gz".format(table))).decode()
