"""SIGKILL in the middle, then again: the same end state as undisturbed. Damage is refused with nothing changed."""

import json

import history
import pytest


def big_history(environment):
    history.small_history(environment)
    history.add_runs(environment, "long", 700)


def test_a_killed_export_is_repeated_whole(migration):
    big_history(migration.source)
    # Small uploads, so that the kill leaves an open one behind. S3 and moto take no part below 5 MiB, so it is opened and never ended.
    migration.constants["UPLOAD_BYTES = 8 * 1024 * 1024"] = "UPLOAD_BYTES = 1000"
    migration.source.sql(
        "UPDATE xcom SET value = convert_to(md5(run_id) || md5(task_id || run_id), 'UTF8')"
    )  # zlib holds back what it can squeeze
    migration.make_key()
    migration.kill_at("export", "exporting xcom")
    assert migration.read("export/manifest.json") is None
    assert len(migration.world.s3.list_multipart_uploads(Bucket=migration.bucket).get("Uploads", [])) == 1, "the kill proves nothing"
    del migration.constants["UPLOAD_BYTES = 8 * 1024 * 1024"]
    manifest = migration.export()
    assert not migration.world.s3.list_multipart_uploads(Bucket=migration.bucket).get("Uploads")
    assert {table["name"]: table["rows"] for table in manifest["tables"]}["xcom"] == 1410
    assert migration.data("import")["tables"]["xcom"]["inserted"] == 1410


@pytest.mark.parametrize("moment", ["reading task_instance", "merging xcom", "reading log"])
def test_a_killed_import_ends_in_the_same_state(migration, moment):
    big_history(migration.source)
    history.add_dag(migration.target, "daily", paused=True)
    migration.constants["PART_BYTES = 16 * 1024 * 1024"] = "PART_BYTES = 1000"
    migration.export()
    migration.kill_at("import", moment)
    done = migration.target.one("SELECT count(*) FROM dag_run"), migration.target.one("SELECT count(*) FROM log WHERE event = 'cli_run'")
    assert done == (705, 0), "the kill came at the wrong time to prove anything"
    tables = migration.data("import")["tables"]
    assert tables["dag_run"]["alreadyThere"] == 705
    assert all(table["rejected"] == 0 for table in tables.values())
    killed = migration.target.content()
    assert migration.target.staging_tables() == []
    assert migration.target.one("SELECT count(*) FROM dag WHERE next_dagrun IS NOT NULL") == 0
    assert killed == undisturbed(migration)
    assert migration.target.variables() == {"plain": ("value é", "what it is for"), "hostile": (history.HOSTILE, None)}


def undisturbed(migration):
    """The content of a fresh target after one import of the same export."""
    from conftest import TARGET, Environment

    first, migration.target = migration.target, Environment(migration.world, TARGET)
    try:
        for name in ("plain", "hostile"):  # the one-time key ended with the first target
            migration.target.add_variable(name, "there")
        migration.data("import")
        return migration.target.content()
    finally:
        migration.target.close()
        migration.target = first


def test_damage_is_refused_and_nothing_is_changed(migration):
    history.small_history(migration.source)
    manifest = migration.export()
    good, before = dict(migration.manifest), migration.target.dump()
    s3 = migration.world.s3

    def forged(change):
        changed = json.loads(json.dumps(manifest))
        change({table["name"]: table for table in changed["tables"]})
        body = json.dumps(changed).encode()
        answer = s3.put_object(Bucket=migration.bucket, Key=good["key"], Body=body)
        import hashlib

        return dict(good, versionId=answer["VersionId"], sha256=hashlib.sha256(body).hexdigest())

    def member(tables):
        tables["slot_pool"]["parts"][0]["members"][0]["sha256"] = "0" * 64

    def version(tables):
        key = tables["slot_pool"]["parts"][0]["key"]
        tables["slot_pool"]["parts"][0]["versionId"] = s3.put_object(
            Bucket=migration.bucket, Key=key, Body=b"x" * tables["slot_pool"]["bytes"]
        )["VersionId"]

    def count(tables):
        tables["slot_pool"]["rows"] += 1

    wrong_digest = dict(good, sha256="0" * 64)
    gone = dict(good, versionId="00000000-0000-0000-0000-000000000000")
    for manifest_reference in (wrong_digest, gone, forged(member), forged(version), forged(count)):
        migration.manifest = manifest_reference
        assert migration.run("import")["error"]["code"] == "damaged"
        assert migration.target.dump() == before
        assert migration.target.staging_tables() == []
    migration.manifest = good
    assert migration.data("import")["tables"]["slot_pool"]["rejected"] == 0
