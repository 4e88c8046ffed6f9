"""SIGKILL in the middle, then again: the same end state as undisturbed. Damage is refused with nothing changed."""
import json

import history
import pytest


def big_history(environment):
    history.small_history(environment)
    history.add_runs(environment, "long", 4000)


def test_a_killed_export_is_repeated_whole(migration):
    big_history(migration.source)
    # Small uploads, so that the kill leaves an open multipart upload behind.
    migration.constants["UPLOAD_BYTES = 8 * 1024 * 1024"] = "UPLOAD_BYTES = 10000"
    migration.data("keypair")
    with open_uploads_allowed(migration):
        migration.kill_when("export", "exporting xcom")
        assert migration.read("export/manifest.json") is None
        left = migration.world.s3.list_multipart_uploads(Bucket=migration.bucket).get("Uploads", [])
        assert len(left) == 1, "the kill came too late to prove anything"
        manifest = migration.export()
    assert not migration.world.s3.list_multipart_uploads(Bucket=migration.bucket).get("Uploads")
    assert {table["name"]: table["rows"] for table in manifest["tables"]}["xcom"] == 8010
    assert migration.data("import")["tables"]["xcom"]["inserted"] == 8010


@pytest.mark.parametrize("moment", ["reading task_instance", "merging xcom", "reading log"])
def test_a_killed_import_ends_in_the_same_state(migration, moment):
    big_history(migration.source)
    history.add_dag(migration.target, "daily", paused=True)
    migration.export()
    migration.kill_when("import", moment)
    done = migration.target.one("SELECT count(*) FROM dag_run"), migration.target.one("SELECT count(*) FROM log WHERE event = 'cli_run'")
    assert done == (4005, 0), "the kill came at the wrong time to prove anything"
    tables = migration.data("import")["tables"]
    assert tables["dag_run"]["alreadyThere"] == 4005
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
        migration.target.sql("INSERT INTO variable (key, val, is_encrypted) VALUES ('x', 'y', false)")
        for name in ("plain", "hostile"):  # the one-time key ended with the first target
            migration.target.add_variable(name, "there")
        migration.data("import")
        return migration.target.content()
    finally:
        migration.target.close()
        migration.target = first


class open_uploads_allowed:
    """moto refuses parts below 5 MiB, as S3 does; the constant is the server's."""

    def __init__(self, migration):
        self.migration = migration

    def __enter__(self):
        import moto.s3.models as models
        self.models, self.before = models, models.settings.S3_UPLOAD_PART_MIN_SIZE if hasattr(models, "settings") else None
        import moto.settings
        self.settings, self.size = moto.settings, moto.settings.S3_UPLOAD_PART_MIN_SIZE
        self.settings.S3_UPLOAD_PART_MIN_SIZE = 1

    def __exit__(self, *_):
        self.settings.S3_UPLOAD_PART_MIN_SIZE = self.size


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
        tables["slot_pool"]["parts"][0]["versionId"] = s3.put_object(Bucket=migration.bucket, Key=key, Body=b"x" * tables["slot_pool"]["bytes"])["VersionId"]

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
