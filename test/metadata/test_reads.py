"""The target's real Airflow reads what arrived, in its own code and by its REST API and grid, and writes beside it."""

from urllib.parse import quote

import pytest
from child_shapes import DAILY
from hostile import HOSTILE, QUOTING, UNICODE
from migrating import migrate_filled

PAIRS = [("2.2.2", "2.7.2"), ("1.10.12", "2.10.3"), ("2.7.2", "2.11.2")]
TASKS = ["extract", "load"]


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def arrived(request, databases):
    """A migration after its import; as the pages need Airflow's roles, the target's templates have them."""
    source, target = request.param
    with migrate_filled(databases, source, target) as migration:
        migration.export()
        migration.data("import")
        yield migration


def call(migration, databases, name, **arguments):
    return databases.call(migration.target, migration.target.version, name, **arguments)


def test_airflows_own_code_reads_each_kind_of_value(arrived, databases):
    def of(key):
        return [DAILY.dag_id, "extract", DAILY.run_id, -1, key]

    keys = ["return_value", "plain", "none", "pickled", "2 MB", "no such key", "not a number", HOSTILE[:500]]
    variables = ["plain", "hostile", "empty", "never encrypted"]
    found = call(
        arrived, databases, "read_objects", xcoms=[of(key) for key in keys], variables=variables, connections=["warehouse", "bare"]
    )
    values = dict(zip(keys, found["xcoms"], strict=True))
    assert values["return_value"] == {"text": "\u00e9\U0001f680", "n": [1, 2.5, None]}
    assert values["plain"] == UNICODE
    assert (values["none"], values["no such key"], values[HOSTILE[:500]]) == (None, None, 1)
    assert len(values["2 MB"]["rows"]) == 180_000
    # Airflow 2.7 tries to unpickle what is no JSON; from 2.8 on only where core.enable_xcom_pickling is set, which is off by default.
    unpickles = arrived.target.version == "2.7.2"
    assert values["pickled"] == ({"when": "2026-01-01 00:00:00+00:00", "rows": [HOSTILE]} if unpickles else "raises UnicodeDecodeError")
    assert found["variables"] == ["value \u00e9", HOSTILE, "", HOSTILE]
    whole = {"conn_type": "postgres", "host": "db.example.com", "schema": "public", "login": "user", "port": 5432}
    warehouse, bare = found["connections"]
    assert {name: warehouse[name] for name in whole} == whole
    assert (warehouse["password"], warehouse["extra"]) == ("pa:ss/w@rd \u00e9", '{"sslmode": "require"}')
    assert (bare["password"], bare["extra"], bare["host"]) == (None, None, None)


def test_the_rest_api_and_the_grid_show_every_row(arrived, databases):
    run = "/api/v1/dags/daily/dagRuns/{}".format(quote(DAILY.run_id, safe=""))
    failed = "/api/v1/dags/daily/dagRuns/{}".format(quote("scheduled__2026-01-03T00:00:00+00:00", safe=""))
    hostile = arrived.target.one("SELECT id FROM log WHERE dag_id = 'daily' AND extra = %s", (QUOTING,))
    asked = {
        "runs": ("/api/v1/dags/daily/dagRuns?limit=100", None),
        "all runs": ("/api/v1/dags/~/dagRuns?limit=100", None),
        "listed": ("/api/v1/dags/~/dagRuns/list", {"page_limit": 100}),
        "tasks": (run + "/taskInstances", None),
        "all tasks": ("/api/v1/dags/~/dagRuns/~/taskInstances/list", {"page_limit": 100}),
        "one": (failed + "/taskInstances/load", None),
        "tries": (failed + "/taskInstances/load/tries", None),
        "xcoms": ("/api/v1/dags/mapped/dagRuns/~/taskInstances/~/xcomEntries?limit=100", None),
        "audit log": ("/api/v1/eventLogs/{}".format(hostile), None),
        "pool": ("/api/v1/pools/narrow", None),  # the list of 2.7.2 fails where a pool has no limit, which is its own fault
        "variables": ("/api/v1/variables", None),
        "connections": ("/api/v1/connections", None),
        "grid": ("/object/grid_data?dag_id=daily&num_runs=25", None),
    }
    answers = call(arrived, databases, "pages", dag_id="daily", tasks=TASKS, requests=list(asked.values()))
    refused = {name: answer for name, answer in zip(asked, answers, strict=True) if answer[0] != 200}
    keeps_tries = not arrived.target.version.startswith(("2.7", "2.8", "2.9"))
    if not keeps_tries:
        assert refused.pop("tries")[0] == 404  # a page of 2.10
    assert not refused
    pages = {name: answer[1] for name, answer in zip(asked, answers, strict=True)}
    count = arrived.target.one
    shown = "WHERE dag_id IN (SELECT dag_id FROM dag)"  # The pages of all DAGs are of those that have a file.
    days = ["scheduled__2026-01-0{}T00:00:00+00:00".format(day) for day in range(1, 6)]
    assert sorted(one["dag_run_id"] for one in pages["runs"]["dag_runs"]) == days
    assert pages["all runs"]["total_entries"] == pages["listed"]["total_entries"] == count("SELECT count(*) FROM dag_run " + shown)
    assert sorted(one["task_id"] for one in pages["tasks"]["task_instances"]) == TASKS
    assert pages["all tasks"]["total_entries"] == count("SELECT count(*) FROM task_instance " + shown)
    assert (pages["one"]["state"], pages["one"]["try_number"], pages["one"]["max_tries"]) == ("failed", 4, 3)
    if keeps_tries:
        tries = count("SELECT count(*) FROM task_instance_history WHERE task_id = 'load' AND run_id LIKE 'scheduled__2026-01-03%%'")
        assert pages["tries"]["total_entries"] == tries + 1
    assert pages["xcoms"]["total_entries"] == count("SELECT count(*) FROM xcom WHERE dag_id = 'mapped'") > 0
    assert (pages["audit log"]["extra"], pages["audit log"]["owner"]) == (QUOTING, QUOTING)
    assert (pages["pool"]["slots"], pages["pool"]["description"]) == (3, HOSTILE)
    for name, table in (("variables", "variable"), ("connections", "connection")):
        assert pages[name]["total_entries"] == count("SELECT count(*) FROM " + table) > 0, name
    states = {run["run_id"]: run["state"] for run in pages["grid"]["dag_runs"]}
    assert states == {run_id: "failed" if "01-03" in run_id else "success" for run_id in days}
    instances = {child["id"]: {one["run_id"]: one["state"] for one in child["instances"]} for child in pages["grid"]["groups"]["children"]}
    assert instances["extract"] == dict.fromkeys(days, "success")
    assert instances["load"] == states


def test_new_runs_and_xcoms_are_written_beside_it(arrived, databases):
    before = arrived.target.dump(("dag_run", "task_instance", "xcom"))
    made = call(arrived, databases, "write_beside", dag_id="daily", tasks=TASKS)
    assert made["found"] == [{"new": "extract"}, {"new": "load"}]
    after = arrived.target.dump(("dag_run", "task_instance", "xcom"))
    for table, new in (("dag_run", 1), ("task_instance", 2), ("xcom", 2)):
        assert set(before[table]) <= set(after[table]) and len(after[table]) == len(before[table]) + new, table
