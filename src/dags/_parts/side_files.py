"""Rows that stay behind though nobody chose so, written beside the export as the source has them: `<n>/export/left-out/<table>.csv.gz`."""
from _parts.storage import ObjectWriter, TableWriter


def write_lost(command, cursor, form):
    """Returns the object's reference (protocol.ts ObjectRef) with `rows`; its first column `mwaa_reason` says why, the others are the source's own."""
    name = form.table["name"]
    writer = ObjectWriter(command.storage, "{}export/left-out/{}.csv.gz".format(command.prefix, name), "application/gzip")
    sink = TableWriter(writer, lambda done: command.say("writing what cannot move of {}".format(name), name, done))
    try:
        cursor.copy_expert("COPY ({}) TO STDOUT WITH (FORMAT csv, HEADER)".format(form.lost), sink)
        return dict(sink.close(), rows=sink.rows)
    except BaseException:
        writer.abort()
        raise
