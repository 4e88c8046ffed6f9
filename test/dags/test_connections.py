"""Connections: readable in the target under its own key, nowhere else, and told by name where they did not simply land."""

import base64
import gzip

import conftest
import history
import pytest
from test_secrets import CANARY, every_byte

FIELDS = ("conn_type", "description", "host", "schema", "login", "password", "port", "extra")
#: Texts that an encoder, a CSV or a shell would change.
NASTY = "\x01\t\r\n\\N \\. \"'%s {} ü 🦊 \u2028 " + CANARY


def add(environment, conn_id, is_encrypted=True, **given):
    """One row as Airflow stores it; password and extra encrypted under the environment's key unless told otherwise."""
    there = {row[0] for row in environment.sql("SELECT column_name FROM information_schema.columns WHERE table_name = 'connection'")}
    row = dict({"conn_type": "postgres"}, **given)
    for column, flag in (("password", "is_encrypted"), ("extra", "is_extra_encrypted")):
        row[flag] = is_encrypted and row.get(column) is not None
        if row[flag]:
            row[column] = environment.fernet.encrypt(row[column].encode()).decode()
    row = {name: value for name, value in row.items() if name in there}
    columns, values = ", ".join('"%s"' % name for name in row), ", ".join(["%s"] * len(row))
    environment.sql("INSERT INTO connection (conn_id, {}) VALUES (%s, {})".format(columns, values), [conn_id] + list(row.values()))


def connections(environment):
    """conn_id → fields, opened by the environment's own key."""
    found, columns = {}, ", ".join('"%s"' % one for one in FIELDS)
    for row in environment.sql("SELECT conn_id, is_encrypted, is_extra_encrypted, {} FROM connection".format(columns)):
        fields = dict(zip(FIELDS, row[3:], strict=True))
        for column, is_encrypted in (("password", row[1]), ("extra", row[2])):
            if is_encrypted:
                fields[column] = environment.fernet.decrypt(fields[column].encode()).decode()
        found[row[0]] = fields
    return found


def fields(**given):
    return dict(dict.fromkeys(FIELDS), **dict({"conn_type": "postgres"}, **given))


def entry_of(manifest):
    return next(table for table in manifest["tables"] if table["name"] == "connection")


def settled(report):
    return {row["name"]: (row["outcome"], row["why"]) for row in report["settled"]}


def names_in(migration, kind, table="connection"):
    body = migration.read("import/{}/{}.csv.gz".format(kind, table))
    return None if body is None else gzip.decompress(body).decode()


def test_every_field_arrives_and_no_value_is_seen_on_the_way(migration):
    given = {
        "all": dict(
            conn_type="aws",
            description="d " + NASTY,
            host="h-" + CANARY,
            schema="s",
            login="l " + NASTY,
            password=NASTY,
            port=5432,
            extra='{"k": "%s"}' % CANARY,
        ),
        "bare": {},
        "empty": dict(host="", schema="", login="", extra=""),
        "long": dict(password="p" * 3000 + CANARY, extra="e" * 100_000 + CANARY),
        "name " + NASTY.replace(CANARY, ""): dict(login="x", port=0),
    }
    for conn_id, row in given.items():
        add(migration.source, conn_id, **row)
    add(migration.source, "open", is_encrypted=False, password=CANARY, extra=CANARY)
    migration.source.sql("ALTER TABLE connection ADD COLUMN plugins_own text DEFAULT 'x'")
    add(migration.source, "lost", password=CANARY)
    migration.source.sql("UPDATE connection SET extra = 'gAAAAABrubbish', is_extra_encrypted = true WHERE conn_id = 'lost'")
    history.add_runs(migration.source, "daily", 1)

    entry = entry_of(migration.export())
    imported = migration.data("import")
    report = imported["tables"]["connection"]

    assert imported["columnsLeft"]["connection"] == ["plugins_own"]
    assert (entry["rows"], entry["leftOut"], entry["unreadable"]) == (6, {"cannot be decrypted with the source's Fernet key": 1}, ["lost"])
    assert (report["rows"], report["inserted"], report["settled"], report["replaced"]) == (6, 6, [], 0)
    expected = {conn_id: fields(**row) for conn_id, row in given.items()}
    expected["open"] = fields(password=CANARY, extra=CANARY)
    assert connections(migration.target) == expected
    assert migration.target.one("SELECT count(*) FROM connection WHERE password LIKE %s OR extra LIKE %s", ("%canary%",) * 2) == 0
    found = every_byte(migration)
    assert CANARY.encode() not in found and base64.b64encode(CANARY.encode())[4:-4] not in found
    found = migration.data("verify")["tables"]["connection"].items()
    assert {
        "rows": 6,
        "equal": 6,
        "missing": 0,
        "different": 0,
        "rejected": 0,
        "resumed": 0,
    }.items() <= found


def test_a_rehearsal_counts_and_names_and_writes_no_value(migration):
    add(migration.source, "one", password=CANARY)
    add(migration.source, "lost", password="x")
    migration.source.sql("UPDATE connection SET password = 'rubbish' WHERE conn_id = 'lost'")
    migration.mode = "rehearsal"
    entry = entry_of(migration.export())
    assert (entry["rows"], entry["parts"], entry["unreadable"], entry.get("names")) == (1, [], ["lost"], None)
    assert migration.read("export/connection.sealed") is None and CANARY.encode() not in every_byte(migration)


def clash(migration):
    for environment, secret in ((migration.source, CANARY), (migration.target, "other")):
        add(environment, "clash", password=secret, host="same")
        add(environment, "equal", password=CANARY, extra="{}", port=1)
        environment.add_variable("clash", secret)
        environment.add_variable("described", CANARY, secret)
        environment.sql("INSERT INTO slot_pool (pool, slots, include_deferred) VALUES ('clash', %s, false)", (len(secret),))
    add(migration.target, "own", password="own")
    migration.target.add_variable("own", "own")


KEPT = {
    "connection": {"clash": ("kept", "differs in password")},
    "variable": {"clash": ("kept", "differs in val"), "described": ("kept", "differs in description")},
    "slot_pool": {"clash": ("kept", "differs in slots")},
}


def test_what_differs_stays_and_is_named_without_being_shown(migration):
    clash(migration)
    before = {table: migration.target.sql("SELECT xmin::text, x::text FROM {} x ORDER BY 2".format(table)) for table in KEPT}
    migration.export()
    report = migration.data("import")["tables"]
    for table, expected in KEPT.items():
        assert (settled(report[table]), report[table]["replaced"], report[table]["rejected"]) == (expected, 0, len(expected)), table
        assert names_in(migration, "replaced", table) is None
    after = {table: migration.target.sql("SELECT xmin::text, x::text FROM {} x ORDER BY 2".format(table)) for table in KEPT}
    assert {table: [row for row in rows if "mwaa_migrate" not in row[1]] for table, rows in after.items()} == before
    assert CANARY.encode() not in every_byte(migration)


def test_replace_writes_the_source_over_it_once_and_takes_nothing_away(migration):
    clash(migration)
    migration.metadata["onConflict"] = dict.fromkeys(("variables", "connections", "pools"), "replace")
    migration.export()
    report = migration.data("import")["tables"]
    for table, expected in KEPT.items():
        named = {name: ("replaced", why) for name, (_, why) in expected.items()}
        assert (settled(report[table]), report[table]["replaced"], report[table]["rejected"]) == (named, len(expected), 0), table
        assert all(name in names_in(migration, "replaced", table) for name in expected)
    target = connections(migration.target)
    assert (target["clash"], target["own"]["password"]) == (fields(password=CANARY, host="same"), "own")
    assert migration.target.variables() == {"clash": (CANARY, None), "described": (CANARY, CANARY), "own": ("own", None)}
    assert migration.target.one("SELECT slots FROM slot_pool WHERE pool = 'clash'") == len(CANARY)
    assert CANARY.encode() not in every_byte(migration)

    before = migration.target.dump()
    second = migration.data("import")["tables"]
    assert migration.target.dump() == before, "a second import changes nothing"
    for table in KEPT:
        again = (settled(second[table]), second[table]["inserted"])
        assert again == (settled(report[table]), 0), "what an earlier try has replaced is told again"


def test_killed_between_the_tables_the_next_try_tells_the_same(migration):
    clash(migration)
    migration.envelope = {"wrap": "kms", "keyArn": migration.world.kms.create_key()["KeyMetadata"]["Arn"]}
    migration.metadata["onConflict"] = dict.fromkeys(("variables", "connections", "pools"), "replace")
    migration.export()
    migration.kill_at("import", "variable: 2 written")
    report = migration.data("import")["tables"]
    for table, expected in KEPT.items():
        assert settled(report[table]) == {name: ("replaced", why) for name, (_, why) in expected.items()}
    assert (report["variable"]["inserted"], report["connection"]["inserted"]) == (0, 1)
    assert connections(migration.target)["clash"]["password"] == CANARY


def test_a_connection_as_airflow_makes_it_gives_way_and_one_that_was_touched_does_not(migration):
    migration.target.make_default_connections()
    add(migration.source, "aws_default", conn_type="aws", extra='{"region_name": "eu-west-1"}')
    add(migration.source, "http_default", conn_type="http", host="https://intern")
    migration.target.sql("UPDATE connection SET host = 'https://decided/' WHERE conn_id = 'http_default'")
    number = migration.target.one("SELECT count(*) FROM connection")
    migration.export()
    report = migration.data("import")["tables"]["connection"]
    assert settled(report) == {"aws_default": ("adopted", "differs in extra"), "http_default": ("kept", "differs in host")}
    assert (report["inserted"], report["rejected"], report["replaced"]) == (1, 1, 1)
    target = connections(migration.target)
    assert (target["aws_default"]["extra"], target["http_default"]["host"]) == ('{"region_name": "eu-west-1"}', "https://decided/")
    assert migration.target.one("SELECT count(*) FROM connection") == number


def renew(migration, value, names=("changed", "touched")):
    """The source goes on between two attempts."""
    for name in names:
        token = migration.source.fernet.encrypt(value.encode()).decode()
        migration.source.sql("UPDATE connection SET password = %s WHERE conn_id = %s", (token, name))
        migration.source.sql("UPDATE variable SET val = %s WHERE key = %s", (token, name))


def test_a_further_attempt_renews_what_an_earlier_one_brought_and_nobody_touched(migration):
    migration.envelope = {"wrap": "kms", "keyArn": migration.world.kms.create_key()["KeyMetadata"]["Arn"]}
    for name in ("changed", "touched", "same"):
        add(migration.source, name, password="first")
        migration.source.add_variable(name, "first")

    def attempt():
        migration.export()
        report = migration.data("import")["tables"]
        return [report[table] for table in ("connection", "variable")]

    def values(name):
        return connections(migration.target)[name]["password"], migration.target.variables()[name][0]

    migration.earlier_brought = [report["broughtFile"] for report in attempt()]
    for table, key in (("connection", "conn_id"), ("variable", "key")):
        migration.target.sql("UPDATE {0} SET is_encrypted = is_encrypted WHERE {1} = 'touched'".format(table, key))
        migration.target.sql("VACUUM FREEZE {}".format(table))
    renew(migration, "second")
    migration.next_attempt()
    second = attempt()
    for report, column in zip(second, ("password", "val"), strict=True):
        assert settled(report) == {"changed": ("renewed", "differs in " + column), "touched": ("kept", "differs in " + column)}
        assert (report["inserted"], report["alreadyThere"], report["rejected"], report["replaced"]) == (1, 1, 1, 0)
    assert (values("changed"), values("touched")) == (("second",) * 2, ("first",) * 2)
    before = migration.target.dump()
    again = migration.data("import")["tables"]
    assert migration.target.dump() == before and settled(again["connection"]) == settled(second[0])

    migration.earlier_brought += [again[table]["broughtFile"] for table in ("connection", "variable")]
    renew(migration, "third", ("changed", "same"))
    migration.next_attempt()
    assert [settled(report)["same"][0] for report in attempt()] == ["renewed"] * 2, "what the first attempt brought is still known"
    assert (values("changed"), values("same")) == (("third",) * 2,) * 2

    migration.earlier_brought = []
    renew(migration, "fourth", ("changed",))
    migration.next_attempt()
    assert [settled(report)["changed"][0] for report in attempt()] == ["kept"] * 2, "without the record it counts as the target's"


def test_of_several_with_one_name_the_newest_that_can_be_read_moves_and_an_empty_type_is_told(migrate):
    migration = migrate("1.10.12", conftest.TARGET)
    source = migration.source
    source.sql("DELETE FROM connection")
    for number in range(3):
        add(source, "twice", login="number %d" % number)
    add(source, "hidden", password="older")
    add(source, "hidden", password="newer")
    source.sql("UPDATE connection SET password = 'rubbish' WHERE id = (SELECT max(id) FROM connection)")
    add(source, "untyped", conn_type=None, login="me")
    add(source, None, login="nobody")
    ids = {row[1]: row[0] for row in source.sql("SELECT id, coalesce(conn_id, '') || coalesce(login, password) FROM connection")}

    entry = entry_of(migration.export())
    report = migration.data("import")["tables"]["connection"]

    assert entry["repeated"] == ["twice (id {})".format(ids["twicenumber 1"]), "twice (id {})".format(ids["twicenumber 0"])]
    assert entry["unreadable"] == ["hidden (id {})".format(ids["hiddenrubbish"])]
    assert entry["filled"] == {"conn_type": ["untyped"]}
    assert entry["leftOut"] == {
        "a newer row of the same conn_id moves": 2,
        "cannot be decrypted with the source's Fernet key": 1,
        "has no conn_id": 1,
    }
    assert (entry["rows"], report["inserted"]) == (3, 3)
    assert connections(migration.target) == {
        "twice": fields(login="number 2"),
        "hidden": fields(password="older"),
        "untyped": dict(fields(login="me"), conn_type=""),
    }


@pytest.mark.parametrize("target", ["2.7.2"])
def test_what_the_target_cannot_take_is_refused_by_name(migrate, target):
    migration = migrate("2.7.2", target)
    add(migration.source, "fits", password="short")
    add(migration.source, "plain", is_encrypted=False, password="p" * 4900)
    migration.export()
    report = migration.data("import")["tables"]["connection"]
    assert settled(report) == {"plain": ("refused", "password is longer than the target's 5000 characters")}
    assert "plain" in names_in(migration, "rejected") and list(connections(migration.target)) == ["fits"]
    found = migration.data("verify")["tables"]["connection"].items()
    assert {
        "rows": 2,
        "equal": 1,
        "missing": 0,
        "different": 0,
        "rejected": 1,
        "resumed": 0,
    }.items() <= found
