"""The checksums that the export stores beside the manifest: counted here from what it wrote, by Python's own csv reader."""

import csv
import gzip
import hashlib
import io
import json

import history


def stored(migration):
    """{table: {DAG or None: (rows, sum)}}"""
    lines = gzip.decompress(migration.read("export/checksums.jsonl.gz")).decode().split("\n")
    assert json.loads(lines[0]) == {"format": 1, "migrationId": migration.id, "attempt": migration.attempt}
    found = {}
    for line in lines[1:-1]:
        one = json.loads(line)
        assert found.setdefault(one["table"], {}).setdefault(one["dag"], (one["rows"], one["sum"])) == (one["rows"], one["sum"])
    return found


def written(migration, table):
    """[(DAG, the row as the file has it)]; Python's reader only says how many lines a row has."""
    text = gzip.decompress(migration.read("export/{}.csv.gz".format(table["name"]))).decode("utf-8")
    reader = csv.reader(io.StringIO(text, newline=""), lineterminator="\n")
    lines, header, at = text.split("\n"), next(reader), 1
    dag = {"dataset_event": "source_dag_id", "dataset_dag_run_queue": "target_dag_id"}.get(table["name"], "dag_id")
    # Python's reader gives NULL and the empty string alike: the field's own text tells them apart.
    found = []
    for row in reader:
        own, quotes = [lines[at]], lines[at].count('"')
        while quotes % 2:
            own.append(lines[at + len(own)])
            quotes += own[-1].count('"')
        at += len(own)
        raw = "\n".join(own) + "\n"
        value = None if dag not in header or (header.index(dag) == 0 and raw.startswith(",")) else row[header.index(dag)]
        assert dag not in header or header.index(dag) == 0
        found.append((value, raw))
    return found


def sums(rows):
    found = {}
    for dag, raw in rows:
        count, total = found.get(dag, (0, 0))
        found[dag] = (count + 1, total + int(hashlib.sha256(raw.encode("utf-8")).hexdigest()[:16], 16))
    return {dag: (count, "{:016x}".format(total % 2**64)) for dag, (count, total) in found.items()}


def test_they_are_sums_over_the_rows_of_each_dag(migration):
    history.small_history(migration.source)
    # Neighbours in the table are of different DAGs; ids that CSV has to quote, for the log takes any text.
    for dag_id in ('a,"b"', '"', '""', "a\nb", "", "daily,", "é"):
        migration.source.sql(
            "INSERT INTO log (dttm, dag_id, event, extra) SELECT '2026-01-01', d, 'e', md5(n || d) "
            "FROM generate_series(1, 3) n, unnest(ARRAY[%s, 'daily']) d",
            (dag_id,),
        )
    manifest = migration.export()
    found = stored(migration)
    for table in manifest["tables"]:
        if table["secret"]:
            assert table["name"] not in found and table["checksum"] is None
            continue
        expected = sums(written(migration, table))
        assert found.get(table["name"], {}) == expected, table["name"]
        assert sum(rows for rows, _ in expected.values()) == table["rows"]
        assert "{:016x}".format(sum(int(total, 16) for _, total in expected.values()) % 2**64) == table["checksum"]
    assert set(found["log"]) == {None, "", 'a,"b"', '"', '""', "a\nb", "daily,", "é", "daily"}
    assert set(found["task_instance"]) == {"daily"} and set(found["slot_pool"]) == {None}
    assert not set(found) - {table["name"] for table in manifest["tables"]}
