"""A dataset's URI may hold a user and a password: they stay on the source where the target's Airflow drops them anyway (2.9 and newer)."""

import gzip
import json

import history
import pytest
from test_datasets import EVENTS, QUEUE, add_consumer_run, add_dataset, add_event, queue

CANARIES = ("canary-1", "canary-2", "canary-3")
URIS = ("postgres://me:canary-1@h:5432/d/s/t", "s3://canary-2@Bucket/a/", "https://me:x@canary-3@h/b")


def every_object(migration):
    """Name → text of every version of every object of the bucket, unpacked."""
    s3, found = migration.world.s3, {}
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=migration.bucket):
        for one in page["Versions"]:
            body = s3.get_object(Bucket=migration.bucket, Key=one["Key"], VersionId=one["VersionId"])["Body"].read()
            found[one["Key"]] = (gzip.decompress(body) if one["Key"].endswith(".gz") else body).decode("utf-8", "replace")
    return found


def holding(migration):
    return sorted(key.rsplit("/", 1)[1] for key, text in every_object(migration).items() if any(canary in text for canary in CANARIES))


@pytest.fixture
def given(migration):
    """Each event consumed; of the first another is queued, of the second one is owed. On the target the third's queue row is rejected."""
    for dag_id in ("consumer", "told"):
        history.add_dag(migration.source, dag_id)
    history.add_dag(migration.target, "consumer", paused=True)
    for uri in URIS:
        add_dataset(migration.source, uri, ("consumer",))
        add_consumer_run(
            migration.source,
            "consumer",
            "2026-01-0%dT01:00:00+00:00" % (URIS.index(uri) + 1),
            [add_event(migration.source, uri, "2026-01-0%dT00:00Z" % (URIS.index(uri) + 1))],
        )
    queue(migration.source, URIS[0], "consumer", "2026-02-01T00:00Z")
    queue(migration.source, URIS[2], "told", "2026-02-01T00:00Z")
    add_event(migration.source, URIS[1], "2026-02-02T00:00Z")
    body = json.dumps({"dagIds": ["consumer"], "pausedAt": {"consumer": "2026-02-01T00:00:00Z"}}).encode()
    migration.world.s3.put_object(Bucket=migration.bucket, Key=migration.prefix + "drain/active.json", Body=body)
    return migration


def test_they_stay_on_the_source(given):
    given.export()
    tables = given.data("import")["tables"]
    given.data("verify")
    assert holding(given) == []
    assert [one["uri"] for one in given.read_json("schedules.json")["owedEvents"]] == ["s3://Bucket/a/"]
    here = ["postgres://h:5432/d/s/t", "s3://Bucket/a", "https://h/b", "s3://Bucket/a"]
    assert [row[0] for row in given.target.sql(EVENTS + " ORDER BY e.timestamp")] == here
    assert given.target.sql(QUEUE.replace("q.created_at", "1")) == [("postgres://h:5432/d/s/t", "consumer", 1)]
    assert tables["dataset_dag_run_queue"]["rejected"] == 1
    given.data("import")
    assert given.target.one("SELECT count(*) FROM dataset_event") == 4


def test_an_older_target_knows_its_datasets_by_them(given, monkeypatch):
    given.make_key()
    active = given.read("drain/active.json")
    # The export runs on the source and knows the target by the job alone.
    monkeypatch.setattr(given.target, "version", "2.8.1")
    given.world.s3.put_object(Bucket=given.bucket, Key=given.prefix + "drain/active.json", Body=active)
    given.export()
    assert holding(given) == ["dagrun_dataset_event.csv.gz", "dataset_dag_run_queue.csv.gz", "dataset_event.csv.gz", "schedules.json"]


def test_two_that_differ_by_them_alone_are_one_dataset_there(migration):
    history.add_dag(migration.source, "consumer")
    history.add_dag(migration.target, "consumer", paused=True)
    for number, uri in enumerate(("s3://one@b/k", "s3://two@b/k")):
        add_dataset(migration.source, uri)
        add_event(migration.source, uri, "2026-01-0%dT00:00Z" % (number + 1))
        queue(migration.source, uri, "consumer", "2026-02-01T00:00Z")
    migration.export()
    tables = migration.data("import")["tables"]
    assert tables["dataset_dag_run_queue"]["reasons"] == {"another row of the export means the same dataset on the target": 1}
    assert migration.target.sql(QUEUE.replace("q.created_at", "1")) == [("s3://b/k", "consumer", 1)]
    assert [row[0] for row in migration.target.sql(EVENTS)] == ["s3://b/k", "s3://b/k"]
    assert [migration.data("verify")["tables"][name]["equal"] for name in ("dataset_event", "dataset_dag_run_queue")] == [2, 1]
