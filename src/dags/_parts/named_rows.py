"""Side files of settings: rows by name with an outcome and a reason, never a value. Written before the commit that they tell of."""
import csv
import gzip
import io


class NamedRows(object):
    """One side file of this attempt's import, `kind` of rejected or replaced. `known`: what an earlier try of the attempt has written, [(reason, name)]."""

    def __init__(self, command, kind, table):
        self.storage = command.storage
        self.key = "{}import/{}/{}.csv.gz".format(command.prefix, kind, table)
        data = self.storage.read_if_there(self.key)
        self.is_there = data is not None
        text = "" if data is None else gzip.decompress(data).decode("utf-8")
        self.known = [tuple(row) for row in list(csv.reader(io.StringIO(text, newline="")))[1:]]

    def write(self, column, rows):
        """`rows`: [(reason, name)]. Returns the file's ObjectRef, None where there is nothing to tell: then there is no file either."""
        if not rows:
            if self.is_there:
                self.storage.remove(self.key)
            return None
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(("mwaa_reason", column))
        writer.writerows(rows)
        data = io.BytesIO()
        with gzip.GzipFile(fileobj=data, mode="wb", mtime=0) as packed:
            packed.write(text.getvalue().encode("utf-8"))
        return self.storage.write(self.key, data.getvalue(), "application/gzip")
