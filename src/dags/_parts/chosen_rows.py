"""Of a CSV as COPY writes it, the rows of some DAGs only: what both databases agree on need not be staged."""
from _parts.checksums import field_text, first_field

READ_BYTES = 65536


class ChosenRows(object):
    """File object for COPY … FROM STDIN over another one, whose rows begin with their DAG's id."""

    def __init__(self, reader, dag_ids, has_header):
        """:param dag_ids: a set; None in it stands for rows of no DAG."""
        self.reader = reader
        self.dag_ids = dag_ids
        self.keeps_next = has_header
        self.ready = bytearray()
        self.rest = b""
        self.row = []
        self.is_quoted = False
        self.begin = None
        self.is_chosen = False
        self.is_over = False

    def read(self, size=-1):
        wanted = size if size and size > 0 else READ_BYTES
        while len(self.ready) < wanted and not self.is_over:
            data = self.reader.read(READ_BYTES)
            self.is_over = not data
            self._take(data)
        out = bytes(self.ready[:wanted])
        del self.ready[:wanted]
        return out

    def _take(self, data):
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        for line in lines:
            # A line break within quotes ends no row; quotes within are doubled, so an odd number of them opens or closes.
            self.is_quoted ^= line.count(b'"') % 2 == 1
            if self.is_quoted or self.row:
                self.row.append(line)
                if self.is_quoted:
                    continue
                line, self.row = b"\n".join(self.row), []
            if self._chooses(line):
                self.ready += line
                self.ready += b"\n"

    def _chooses(self, line):
        if self.keeps_next:  # the header
            self.keeps_next = False
            return True
        if self.begin is None or not line.startswith(self.begin):
            field = first_field(line)
            self.begin, self.is_chosen = field + b",", field_text(field) in self.dag_ids
        return self.is_chosen
