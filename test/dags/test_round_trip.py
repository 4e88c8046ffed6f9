"""What arrives is what was there: compared by SQL of the test's own."""

import gzip
import hashlib
import io
import subprocess

import conftest
import history
import pytest

CARRIED = {
    "dag_run": "dag_id, execution_date, run_id, run_type, state, external_trigger, conf, start_date, end_date, data_interval_start, "
    "data_interval_end, queued_at",
    "task_instance": "dag_id, task_id, run_id, map_index, state, try_number, max_tries, hostname, unixname, pool, pool_slots, queue, "
    "coalesce(priority_weight, 1), operator, start_date, end_date, duration, queued_dttm",
    "xcom": "dag_id, task_id, run_id, map_index, key, value, timestamp, (SELECT execution_date FROM dag_run r WHERE r.id = dag_run_id)",
    "rendered_task_instance_fields": "dag_id, task_id, run_id, map_index, rendered_fields::text, k8s_pod_yaml::text",
    "task_map": "dag_id, task_id, run_id, map_index, length, keys::text",
    "task_fail": "dag_id, task_id, run_id, map_index, start_date, end_date, duration",
    "log": "dttm, dag_id, task_id, event, execution_date, owner, extra, map_index",
}


def rows_of(environment, table):
    where = " WHERE dag_id IS DISTINCT FROM 'db_export'"
    found = environment.sql("SELECT {} FROM {}{}".format(CARRIED[table], table, where))
    return (
        sorted(tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in map(tuple, found))
        if table != "log"
        else sorted(map(repr, found))
    )


def test_every_table_arrives_as_it_was(migration):
    history.small_history(migration.source)
    manifest = migration.export()
    tables = {table["name"]: table for table in manifest["tables"]}
    data = migration.data("import")

    for table in CARRIED:
        expected = rows_of(migration.source, table)
        assert rows_of(migration.target, table) == expected, table
        assert tables[table]["rows"] == len(expected) > 0
        assert tables[table]["seconds"] >= 0
        assert data["tables"][table].pop("seconds") >= 0
        assert data["tables"][table] == {
            "rows": len(expected),
            "inserted": len(expected),
            "alreadyThere": 0,
            "rejected": 0,
            "reasons": {},
            "rejectedFile": None,
        }, table
    assert migration.target.sql("SELECT slots FROM slot_pool WHERE pool = 'default_pool'") == [(42,)]
    assert migration.target.sql("SELECT slots, description, include_deferred FROM slot_pool WHERE pool = 'narrow'") == [
        (3, history.HOSTILE, True)
    ]
    assert migration.target.variables() == {"plain": ("value é", "what it is for"), "hostile": (history.HOSTILE, None)}
    assert migration.target.one("SELECT count(*) FROM task_instance WHERE job_id IS NOT NULL OR pid IS NOT NULL") == 0
    assert (
        migration.target.one(
            "SELECT count(*) FROM dag_run WHERE creating_job_id IS NOT NULL OR log_template_id <> (SELECT max(id) FROM log_template)"
        )
        == 0
    )
    assert migration.target.staging_tables() == []


def test_the_object_is_one_gzip_file_of_csv_with_one_header(migration):
    history.add_runs(migration.source, "daily", 900)
    # Incompressible, for zlib gives nothing out before it has a block.
    migration.source.sql("UPDATE task_instance SET hostname = %s || md5(run_id || task_id)", (history.HOSTILE,))
    migration.constants["PART_BYTES = 16 * 1024 * 1024"] = "PART_BYTES = 64"
    migration.constants["BATCH_BYTES = 64 * 1024"] = "BATCH_BYTES = 64"
    manifest = migration.export()
    table = next(table for table in manifest["tables"] if table["name"] == "task_instance")
    assert len(table["parts"][0]["members"]) >= 3
    text = gzip.decompress(migration.read("export/task_instance.csv.gz")).decode("utf-8")
    migration.source.sql("CREATE TABLE copied (LIKE task_instance)")
    cursor = migration.source.connection.cursor()
    cursor.copy_expert("COPY copied ({}) FROM STDIN WITH (FORMAT csv, HEADER)".format(", ".join(table["columns"])), io.StringIO(text))
    assert cursor.rowcount == table["rows"] == 1800
    assert checksum_of(cursor, "copied", table["columns"]) == table["checksum"]
    assert (
        migration.source.one(
            "SELECT count(*) FROM (SELECT dag_id, task_id, run_id, hostname, queue, operator, duration FROM copied "
            "EXCEPT ALL SELECT dag_id, task_id, run_id, hostname, queue, operator, duration FROM task_instance) x"
        )
        == 0
    )
    migration.source.sql("UPDATE copied SET duration = duration + 1 WHERE run_id = (SELECT min(run_id) FROM copied)")
    assert checksum_of(cursor, "copied", table["columns"]) != table["checksum"]


def checksum_of(cursor, table, columns):
    """As manifest.ts words it, over the rows in another order."""

    class Lines(list):
        write = list.append

    lines = Lines()
    select = "SELECT {} FROM {} ORDER BY md5(run_id || task_id)".format(", ".join(columns), table)
    cursor.copy_expert("COPY ({}) TO STDOUT WITH (FORMAT csv)".format(select), lines)
    return "{:016x}".format(sum(int(hashlib.sha256(line).hexdigest()[:16], 16) for line in lines) % 2**64)


def test_a_hundred_thousand_rows_in_small_parts_in_flat_memory(migration):
    history.add_dag(migration.source, "big")
    migration.source.sql(
        "INSERT INTO log (dttm, dag_id, event, extra) SELECT '2026-01-01'::timestamptz + n * interval '1 second', 'big', 'e', "
        "md5(n::text) || %s FROM generate_series(1, 100000) n",
        (history.HOSTILE,),
    )
    migration.source.sql(
        "INSERT INTO log (dttm, dag_id, event, extra) SELECT '2026-01-01', 'big', 'wide', (SELECT string_agg(md5(i::text || n), '') "
        "FROM generate_series(1, 500000) i) FROM generate_series(1, 2) n"
    )
    migration.constants["PART_BYTES = 16 * 1024 * 1024"] = "PART_BYTES = 100000"
    manifest = migration.export()
    peaks = [peak_of(migration)]
    log = next(table for table in manifest["tables"] if table["name"] == "log")
    assert len(log["parts"][0]["members"]) > 10 and log["rows"] == 100002
    assert migration.data("import")["tables"]["log"]["inserted"] == 100002
    peaks.append(peak_of(migration))
    fingerprint = "SELECT count(*), sum(hashtext(dttm::text || extra)::bigint) FROM log"
    assert migration.target.sql(fingerprint) == migration.source.sql(fingerprint)
    # KiB. design §10 promises 150 MiB for the whole task of rows up to 16 MiB; Airflow's own share is what `restore` takes.
    migration.data("restore")
    assert max(peaks) - peak_of(migration) < 150 * 1024, peaks


def peak_of(migration):
    return int(migration.log.read_text().rsplit("peak memory ", 1)[1].split()[0])


@pytest.mark.parametrize("mode", ["rehearsal", "final"])
def test_the_action_reads_the_manifest(world, migration, mode):
    history.small_history(migration.source)
    migration.mode = mode
    migration.export()
    file = world.folder / (migration.id + ".json")
    file.write_bytes(migration.read("export/manifest.json"))
    program = (
        "import { readFileSync } from 'node:fs'; import { parseManifest } from './src/metadata/manifest.ts';"
        "console.log(parseManifest(readFileSync(process.argv[1], 'utf8'), 'here').tables.length);"
    )
    command = ["node", "--import", "tsx", "--input-type=module", "--eval", program, str(file)]
    done = subprocess.run(command, cwd=conftest.ROOT, capture_output=True, text=True)
    assert done.stdout == "16\n", done.stderr


def test_a_rehearsal_counts_variables_and_writes_none(migration):
    history.small_history(migration.source)
    migration.mode = "rehearsal"
    manifest = migration.export()
    variable = next(table for table in manifest["tables"] if table["name"] == "variable")
    assert (variable["rows"], variable["parts"]) == (2, [])
    listing = [item["Key"] for item in migration.world.s3.list_objects_v2(Bucket=migration.bucket)["Contents"]]
    assert not [key for key in listing if "sealed" in key]
    assert migration.run("import")["error"]["code"] == "rehearsal"
