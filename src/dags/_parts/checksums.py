"""What both databases are compared by first: for every table and DAG how many rows, and a sum over them that no order of rows changes.

Made from COPY's own lines on either side, so that one definition holds for both: a row is the line that the export writes for it.
"""
import hashlib
import json
import struct
import zlib

from _parts.failures import Refusal

CHECKSUMS_FORMAT = 1
#: The first 64 bits of a digest.
FIRST_BITS = struct.Struct(">Q")


class RowSums(object):
    """Rows and sum of each group of lines: those that begin with the same field, or all of them.

    A line's share is the first 64 bits of its SHA-256; shares are added modulo 2 ** 64, so a row too many counts as much as one too few.
    """

    def __init__(self, is_grouped):
        self.is_grouped = is_grouped
        self._groups = {}
        self._group = None if is_grouped else self._groups.setdefault(b"", [0, 0])
        self._begin = None if is_grouped else b""

    def add(self, line):
        """:param bytes line: of CSV, with its line end. Neighbours are mostly of one DAG, so the last one is tried first."""
        if self._begin is None or not line.startswith(self._begin):
            field = first_field(line)
            self._begin, self._group = field + b",", self._groups.setdefault(field, [0, 0])
        self._group[0] += 1
        self._group[1] += FIRST_BITS.unpack_from(hashlib.sha256(line).digest())[0]

    @property
    def total(self):
        """The sum over all groups."""
        return sum(group[1] for group in self._groups.values())

    def groups(self):
        """{DAG id, None for rows of no DAG or where they are not grouped: (rows, sum as 16 hex digits)}, without groups that have no row."""
        return {field_text(field): (rows, hex_sum(total)) for field, (rows, total) in self._groups.items() if rows}


def hex_sum(total):
    return "{:016x}".format(total % 2 ** 64)


def first_field(line):
    """The first field of a CSV line as it stands there, its quotes included."""
    if not line.startswith(b'"'):
        return line[:line.index(b",")]
    end = line.index(b'"', 1)
    while line[end + 1:end + 2] == b'"':  # a quote within
        end = line.index(b'"', end + 2)
    return line[:end + 1]


def field_text(field):
    """What COPY wrote as this field: None for NULL."""
    if field.startswith(b'"'):
        return field[1:-1].replace(b'""', b'"').decode("utf-8")
    return field.decode("utf-8") or None


def group_column(table, columns):
    """The column that the lines of a table are grouped by, None where its rows belong to no DAG. NormalForm puts it first."""
    name = table["dagColumn"] or "dag_id"
    return name if name in columns else None


class ChecksumsWriter(object):
    """The object with the checksums of all tables: gzip of one line of JSON per table and DAG. Compressed as they come, for 5,000 DAGs have 90,000."""

    def __init__(self, migration_id, attempt):
        self.compressor = zlib.compressobj(6, zlib.DEFLATED, 31)
        self.packed = []
        self._write({"format": CHECKSUMS_FORMAT, "migrationId": migration_id, "attempt": attempt})

    def add(self, table, sums):
        for dag_id, (rows, total) in sorted(sums.groups().items(), key=lambda group: group[0] or ""):
            self._write({"table": table, "dag": dag_id, "rows": rows, "sum": total})

    def close(self):
        """The object's bytes."""
        return b"".join(self.packed + [self.compressor.flush()])

    def _write(self, value):
        self.packed.append(self.compressor.compress(json.dumps(value, sort_keys=True).encode("utf-8") + b"\n"))


def read_checksums(command, manifest):
    """{table: {DAG id or None: (rows, sum)}} as the export found them in its snapshot; tables without a row are absent."""
    lines = zlib.decompress(command.storage.read_checked(manifest["checksumsRef"], "the export's checksums"), 31).splitlines()
    head = json.loads(lines[0].decode("utf-8"))
    if head != {"format": CHECKSUMS_FORMAT, "migrationId": manifest["migrationId"], "attempt": manifest["attempt"]}:
        raise Refusal("foreign-manifest", "The export's checksums are of another format or export.", "they would say nothing about its rows.",
                      "export again with this release.")
    found = {}
    for line in lines[1:]:
        one = json.loads(line.decode("utf-8"))
        found.setdefault(one["table"], {})[one["dag"]] = (one["rows"], one["sum"])
    return found
