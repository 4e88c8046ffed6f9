"""Variables are readable in the target and nowhere else."""

import base64
import gzip

import history

CANARY = "canary-4f1d7a2e-secret"


def every_byte(migration):
    """All versions of all objects, gunzipped where they are gzip, and all task logs."""
    s3, found = migration.world.s3, b""
    for version in s3.list_object_versions(Bucket=migration.bucket).get("Versions", []):
        body = s3.get_object(Bucket=migration.bucket, Key=version["Key"], VersionId=version["VersionId"])["Body"].read()
        found += gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    for log in migration.world.folder.glob(migration.id + "*.txt"):
        found += log.read_bytes()
    return found


def fill(migration):
    migration.source.add_variable("secret", CANARY, "description " + CANARY)
    migration.source.add_variable("kept", CANARY)
    migration.source.add_variable("clash", CANARY)
    migration.source.sql(
        "INSERT INTO variable (key, val, is_encrypted) VALUES ('open', %s, false), ('lost', 'gAAAAABrubbish', true), "
        "('mwaa_migrate_0123abcd_private_key', 'x', false)",
        (CANARY,),
    )
    migration.target.add_variable("kept", CANARY)
    migration.target.add_variable("clash", "other")


def check(migration, manifest):
    table = next(table for table in manifest["tables"] if table["name"] == "variable")
    assert table["leftOut"] == {"row of mwaa-migrate itself": 1, "cannot be decrypted with the source's Fernet key": 1}
    assert table["unreadable"] == ["lost"]
    report = migration.data("import")["tables"]["variable"]
    assert (report["rows"], report["inserted"], report["alreadyThere"], report["rejected"]) == (4, 2, 1, 1)
    assert report["reasons"] == {"exists with another value": 1}
    assert b"clash" in gzip.decompress(migration.read("import/rejected/variable.csv.gz"))
    assert migration.target.variables() == {
        "secret": (CANARY, "description " + CANARY),
        "kept": (CANARY, None),
        "clash": ("other", None),
        "open": (CANARY, None),
    }
    assert migration.target.one("SELECT count(*) FROM variable WHERE NOT is_encrypted OR val LIKE %s", ("%canary%",)) == 0
    assert CANARY.encode() not in every_byte(migration)
    verified = migration.data("verify")["tables"]["variable"].items()
    assert {"rows": 4, "equal": 3, "missing": 0, "different": 0, "rejected": 1, "resumed": 0}.items() <= verified


def test_by_a_one_time_key_that_ends_with_the_import(migration):
    fill(migration)
    manifest = migration.export()
    again = migration.data("keypair")
    assert again["fingerprint"] == migration.envelope["fingerprint"], "the key an export may have used must not be replaced"
    check(migration, manifest)
    before = migration.target.dump()
    second = migration.data("import")["tables"]["variable"]
    assert (second["inserted"], second["alreadyThere"], second["rejected"], second["reasons"]) == (
        0,
        3,
        1,
        {"exists with another value": 1},
    )
    assert migration.target.dump() == before


def test_by_kms_with_an_encryption_context(migration):
    fill(migration)
    key = migration.world.kms.create_key()["KeyMetadata"]["Arn"]
    migration.envelope = {"wrap": "kms", "keyArn": key}
    check(migration, migration.export())


def test_a_task_log_at_debug_level_quotes_no_request_or_answer(migration):
    history.add_runs(migration.source, "daily", 1)
    fill(migration)
    key = migration.world.kms.create_key()["KeyMetadata"]["Arn"]
    migration.envelope = {"wrap": "kms", "keyArn": key}
    migration.constants["PROGRESS_SECONDS = 3"] = "PROGRESS_SECONDS = 0.2; logging.basicConfig(level=logging.DEBUG, force=True)"
    manifest = migration.export()
    seal = next(table["seal"] for table in manifest["tables"] if table["name"] == "variable")
    plain = migration.world.kms.decrypt(
        CiphertextBlob=base64.b64decode(seal["wrappedKey"]),
        EncryptionContext={"mwaa-migrate": migration.id, "attempt": "1", "table": "variable"},
    )["Plaintext"]
    logs = [migration.log.read_text()]
    migration.data("import")
    logs.append(migration.log.read_text())
    for log in logs:
        assert base64.b64encode(plain).decode() not in log and repr(plain)[2:-1] not in log
        assert "body" not in log.lower()


def test_a_key_that_is_not_the_announced_one_is_refused(migration):
    fill(migration)
    made = migration.data("keypair")
    migration.envelope = {"wrap": "rsa", "publicKeyPem": migration.target.variables()[made["variable"]][0], "fingerprint": "0" * 64}
    assert migration.run("export")["error"]["code"] == "wrong-public-key"
    assert migration.read("export/manifest.json") is None


def test_no_row_value_reaches_result_or_log_when_the_database_fails(migration):
    history.add_runs(migration.source, "daily", 1)
    migration.source.sql("UPDATE task_instance SET hostname = %s", (CANARY,))
    migration.export()
    migration.target.sql("ALTER TABLE task_instance ADD CONSTRAINT no_canary CHECK (hostname <> %s)", (CANARY,))
    error = migration.run("import")["error"]
    assert error["code"] == "database-error" and "23514" in error["what"] and "no_canary" in error["what"]
    assert CANARY not in str(error) + migration.log.read_text()
    assert migration.target.staging_tables() == []
