"""Who may order what; the DAG object; and the grammar of the shipped files."""

import ast
import subprocess
import sys
import time

import conftest
import history
import pytest


def shipped(world):
    return [world.folder / "shipped" / name for name in ("db_export.py", "db_import.py")]


def test_the_shipped_files_are_python_3_7_and_import_nothing_else(world):
    allowed = {"airflow", "boto3", "botocore", "psycopg2", "cryptography"} | set(sys.stdlib_module_names)
    for path in shipped(world):
        tree = ast.parse(path.read_text(), feature_version=(3, 7))
        for node in ast.walk(tree):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert {name.split(".")[0] for name in names} <= allowed, path


@pytest.mark.parametrize("version", [conftest.SOURCE, conftest.TARGET])
def test_parsing_makes_the_dag_and_nothing_else(world, migration, version):
    paths = [migration.render("export"), migration.render("import")] + shipped(world)
    program = (
        "import importlib.util, sys, time, socket\n"
        "from airflow import DAG; import airflow.models, airflow.operators.python\n"
        "def refuse(*_): raise AssertionError('network while parsing')\n"
        "socket.socket.connect = refuse\n"
        "for number, path in enumerate(sys.argv[1:]):\n"
        "    begun = time.process_time()\n"
        "    spec = importlib.util.spec_from_file_location('m%d' % number, path); module = importlib.util.module_from_spec(spec); "
        "spec.loader.exec_module(module)\n"
        "    assert time.process_time() - begun < 1, time.process_time() - begun\n"
        "    dags = [value for value in vars(module).values() if isinstance(value, DAG)]\n"
        "    if number >= 2:\n"
        "        assert not dags; continue\n"
        "    (dag,) = dags; (task,) = dag.tasks\n"
        "    print(dag.dag_id, dag.schedule_interval, dag.is_paused_upon_creation, dag.catchup, dag.max_active_runs, "
        "sorted(dag.tags)[0], task.task_id, task.retries, task.execution_timeout, task.pool, task.depends_on_past)\n"
    )
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(world.folder / version),
        "AIRFLOW_HOME": str(world.folder / version),
        "PYTHONWARNINGS": "ignore",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://nobody@127.0.0.1:1/none",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRIES": "7",
        "AIRFLOW__CORE__DEFAULT_TASK_EXECUTION_TIMEOUT": "60",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
    }
    done = subprocess.run([world.pythons[version], "-c", program] + [str(path) for path in paths], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # Airflow 2 answers attempt-1 first: tags are a list or a set.
    assert done.stdout.splitlines()[-2:] == [
        "{} None False False 1 attempt-1 run 0 None default_pool False".format(name) for name in ("db_export", "db_import")
    ]


def test_only_this_attempts_commands_run(migration):
    worker, job, _ = migration.start("export", run_id="manual__2026-01-01T00:00:00+00:00")
    assert worker.wait(job) != 0 and "unknown-command" in migration.log.read_text()
    for run_id in ("export-2-1", "import-1-1", "exec-1-1"):
        worker, job, _ = migration.start("export", run_id=run_id)
        assert worker.wait(job) != 0 and "unknown-command" in migration.log.read_text(), run_id
    assert migration.read("export/result.json") is None
    assert migration.run("restore", conf={"attempt": 1, "bucket": "other"})["error"]["code"] == "foreign-conf"
    migration.expires_at = "2020-01-01T00:00:00Z"
    assert migration.run("restore")["error"]["code"] == "expired"


def test_a_job_that_was_replaced_is_refused(migration):
    path = migration.render("restore")
    migration.world.s3.put_object(Bucket=migration.bucket, Key=migration.prefix + "restore/job.json", Body=b"{}")
    migration.render = lambda *_: path
    assert migration.run("restore")["error"]["code"] == "job-changed"


def test_preflight_sees_both_sides(migration):
    history.small_history(migration.source)
    history.add_dag(migration.source, "asleep", paused=True)
    migration.source.sql(
        "INSERT INTO dag_run (dag_id, execution_date, run_id, run_type, state) VALUES ('daily', '2026-02-02', 'm', 'manual', 'running')"
    )
    migration.source.sql(
        "INSERT INTO serialized_dag (dag_id, fileloc, fileloc_hash, data, last_updated, dag_hash) VALUES ('daily', 'x', 1, "
        "'{\"dag\": {\"catchup\": false}}', now(), 'h')"
    )
    data = migration.data("preflight")
    assert (data["airflowVersion"], data["pausedDags"], data["importErrors"], data["runsInFlight"], data["alembicHead"]) == (
        "2.7.2",
        1,
        0,
        1,
        "405de8318b3a",
    )
    assert data["pools"] == ["default_pool", "narrow"]
    assert data["rows"]["task_instance"] == 10 and data["rows"]["variable"] == 2 and data["rows"]["log"] == 5
    assert data["activeDags"] == [
        {
            "dagId": "daily",
            "nextDagrun": "2026-01-10T00:00:00Z",
            "nextDagrunDataIntervalStart": "2026-01-10T00:00:00Z",
            "nextDagrunDataIntervalEnd": "2026-01-11T00:00:00Z",
            "nextDagrunCreateAfter": "2026-01-11T00:00:00Z",
            "catchup": False,
        }
    ]
    assert migration.data("preflight", side="target")["airflowVersion"] == "2.10.3"
    assert migration.read("preflight/probe") is None


def test_drain_pauses_what_rests_and_restore_wakes_it(migration):
    source = migration.source
    for dag_id, paused in (("rests", False), ("works", False), ("asleep", True), ("db_export", False)):
        history.add_dag(source, dag_id, paused=paused)
    source.sql(
        "INSERT INTO dag_run (dag_id, execution_date, run_id, run_type, state) VALUES ('works', '2026-02-02', 'm', 'manual', 'running')"
    )
    worker, job, _ = migration.start("drain")
    wait_until(lambda: source.one("SELECT is_paused FROM dag WHERE dag_id = 'rests'"))
    assert not source.one("SELECT is_paused FROM dag WHERE dag_id = 'works'")
    source.sql("UPDATE dag_run SET state = 'success'")
    assert worker.wait(job) == 0
    data = migration.read_json("drain/result.json")["data"]
    assert (data["paused"], data["leftover"]) == (["rests", "works"], [])
    assert source.sql("SELECT dag_id FROM dag WHERE NOT is_paused") == [("db_export",)]
    migration.active_dags = [{"dagId": dag_id} for dag_id in ("rests", "works", "vanished")]
    restored = migration.data("restore")
    assert (restored["activated"], restored["missing"]) == (["rests", "works"], ["vanished"])
    assert source.sql("SELECT dag_id FROM dag WHERE is_paused") == [("asleep",)]


@pytest.mark.parametrize("leftover", ["resume", "abort"])
def test_at_the_deadline_the_rest_is_paused_or_all_is_put_back(migration, leftover):
    history.add_dag(migration.source, "rests")
    history.add_dag(migration.source, "works")
    migration.source.sql(
        "INSERT INTO dag_run (dag_id, execution_date, run_id, run_type, state) VALUES ('works', '2026-02-02', 'm', 'manual', 'running')"
    )
    migration.source.sql(
        "INSERT INTO task_instance (dag_id, task_id, run_id, map_index, pool, pool_slots, state) VALUES ('works', 't', 'm', -1, "
        "'default_pool', 1, 'running')"
    )
    migration.drain.update(timeoutMinutes=0.02, taskMinutes=0.02, leftover=leftover)
    migration.constants["LOOP_SECONDS = 30"] = "LOOP_SECONDS = 1"
    result = migration.run("drain")
    unpaused = migration.source.one("SELECT count(*) FROM dag WHERE NOT is_paused")
    if leftover == "abort":
        assert (result["error"]["code"], unpaused) == ("drain-aborted", 2)
    else:
        assert unpaused == 0
        assert [(run["runId"], run["unfinished"]) for run in result["data"]["leftover"]] == [("m", {"running": 1})]


def connect_by_dataset(source, producer, consumer, uri):
    source.sql("INSERT INTO dataset (uri, extra, created_at, updated_at, is_orphaned) VALUES (%s, '{}', now(), now(), false)", (uri,))
    source.sql(
        "INSERT INTO task_outlet_dataset_reference (dataset_id, dag_id, task_id, created_at, updated_at) "
        "SELECT id, %s, 't', now(), now() FROM dataset WHERE uri = %s",
        (producer, uri),
    )
    source.sql(
        "INSERT INTO dag_schedule_dataset_reference (dataset_id, dag_id, created_at, updated_at) SELECT id, %s, now(), now() "
        "FROM dataset WHERE uri = %s",
        (consumer, uri),
    )


def test_a_consumer_that_the_scheduler_owes_a_run_is_not_paused_before_it(migration):
    """A dataset's event waits in the queue until the scheduler makes the run; in a paused DAG it would wait for ever."""
    source = migration.source
    for dag_id in ("producer", "owed", "half"):
        history.add_dag(source, dag_id)
    history.add_dag(source, "asleep", paused=True)
    connect_by_dataset(source, "producer", "owed", "s3://a")
    connect_by_dataset(source, "asleep", "half", "s3://b")
    source.sql(
        "INSERT INTO dag_schedule_dataset_reference (dataset_id, dag_id, created_at, updated_at) SELECT id, 'half', now(), now() "
        "FROM dataset WHERE uri = 's3://a'"
    )
    source.sql(
        "INSERT INTO dataset_dag_run_queue (dataset_id, target_dag_id, created_at) SELECT id, dag_id, now() FROM dataset, "
        "unnest(ARRAY['owed', 'half']) dag_id WHERE uri = 's3://a'"
    )
    worker, job, _ = migration.start("drain")
    wait_until(lambda: source.one("SELECT is_paused FROM dag WHERE dag_id = 'half'"))
    time.sleep(1)
    assert not source.one("SELECT is_paused FROM dag WHERE dag_id = 'owed'")
    source.sql(
        "INSERT INTO dag_run (dag_id, execution_date, run_id, run_type, state) VALUES ('owed', now(), 'd', 'dataset_triggered', 'running')"
    )
    source.sql("DELETE FROM dataset_dag_run_queue WHERE target_dag_id = 'owed'")
    time.sleep(1)
    assert not source.one("SELECT is_paused FROM dag WHERE dag_id = 'owed'")
    source.sql("UPDATE dag_run SET state = 'success'")
    assert worker.wait(job) == 0
    assert migration.read_json("drain/result.json")["data"]["leftover"] == []


def test_dags_that_wait_for_each_others_datasets_rest_together(migration):
    for dag_id in ("one", "other"):
        history.add_dag(migration.source, dag_id)
    connect_by_dataset(migration.source, "one", "other", "s3://a")
    connect_by_dataset(migration.source, "other", "one", "s3://b")
    begun = time.time()
    migration.drain["timeoutMinutes"] = 0.5
    assert migration.data("drain")["paused"] == ["one", "other"]
    assert time.time() - begun < 20


def test_a_rehearsal_pauses_nothing_whoever_starts_a_drain(migration):
    history.add_dag(migration.source, "daily")
    migration.mode = "rehearsal"
    assert migration.run("drain")["error"]["code"] == "rehearsal"
    assert migration.source.one("SELECT count(*) FROM dag WHERE is_paused") == 0


def test_only_dags_that_go_on_where_the_source_stopped_are_activated(migration):
    target = migration.target
    for dag_id, following in (
        ("right", "2026-01-10"),
        ("behind", "2026-01-01"),
        ("ahead", "2026-01-20"),
        ("skips", "2026-01-20"),
        ("once", None),
        ("again", "2026-01-01"),
    ):
        history.add_dag(target, dag_id, paused=True, next_dagrun=following)
    history.add_dag(target, "on", next_dagrun="2026-01-10")
    target.sql("UPDATE dag SET last_parsed_time = now() + interval '1 hour' WHERE dag_id = 'once'")  # no file is here to be parsed
    one = {
        "nextDagrun": "2026-01-10T00:00:00Z",
        "nextDagrunDataIntervalStart": None,
        "nextDagrunDataIntervalEnd": None,
        "nextDagrunCreateAfter": None,
        "catchup": True,
    }
    migration.active_dags = [dict(one, dagId=dag_id) for dag_id in ("right", "behind", "ahead", "on")] + [
        dict(one, dagId="skips", catchup=False),
        dict(one, dagId="once", nextDagrun=None),
        dict(one, dagId="again", nextDagrun=None),
    ]
    data = migration.data("activate")
    assert (data["activated"], data["alreadyActive"], [left["dagId"] for left in data["left"]]) == (
        ["right", "skips", "once"],
        ["on"],
        ["behind", "ahead", "again"],
    )
    assert target.sql("SELECT dag_id FROM dag WHERE NOT is_paused ORDER BY 1") == [("on",), ("once",), ("right",), ("skips",)]
    paused = migration.data("deactivate")
    assert (paused["paused"], paused["stillRunning"], paused["runs"]) == (["on", "once", "right", "skips"], 0, 0)


DAILY = """
import datetime
from airflow import DAG
from airflow.operators.python import PythonOperator
with DAG("daily", schedule="@daily", start_date=datetime.datetime(2026, 1, 1), catchup=True) as dag:
    PythonOperator(task_id="t1", python_callable=print)
"""


def test_the_next_run_of_the_snapshot_is_what_the_target_must_go_on_with(world, migration):
    history.add_dag(migration.source, "daily", paused=True, next_dagrun="2026-01-06")
    history.add_runs(migration.source, "daily", 5)
    migration.export()
    migration.data("import")
    migration.active_dags = [
        {
            "dagId": "daily",
            "nextDagrun": "2026-01-04T00:00:00Z",
            "nextDagrunDataIntervalStart": None,
            "nextDagrunDataIntervalEnd": None,
            "nextDagrunCreateAfter": None,
            "catchup": True,
        }
    ]  # as it was before the drain
    file = world.folder / conftest.TARGET / "dags" / "daily.py"
    file.write_text(DAILY)
    try:
        # `dags reserialize` alone brings the DAG row and its next run: no scheduler is here.
        data = migration.data("activate")
        assert (data["activated"], data["alreadyActive"], data["left"]) == (["daily"], [], [])
    finally:
        file.unlink()
    assert migration.target.sql("SELECT is_paused, next_dagrun::date::text FROM dag") == [(False, "2026-01-06")]


def test_a_dag_without_a_next_run_is_activated_only_when_its_file_says_so(world, migration):
    """The import has set its next run to NULL, which looks like "no more runs" until the file is parsed again."""
    history.add_dag(migration.source, "daily", paused=True, next_dagrun=None)
    history.add_runs(migration.source, "daily", 2, run_type="manual")
    migration.export()
    history.add_dag(migration.target, "daily", paused=True, next_dagrun="2026-01-01")
    history.add_dag(migration.target, "gone", paused=True, next_dagrun=None)
    migration.data("import")
    one = {"nextDagrun": None, "nextDagrunDataIntervalStart": None, "nextDagrunDataIntervalEnd": None, "nextDagrunCreateAfter": None}
    migration.active_dags = [dict(one, dagId=dag_id, catchup=None) for dag_id in ("daily", "gone")]
    migration.constants["PARSE_SECONDS = 900"] = "PARSE_SECONDS = 20"
    file = world.folder / conftest.TARGET / "dags" / "daily.py"
    file.write_text(DAILY)
    try:
        data = migration.data("activate")
    finally:
        file.unlink()
    assert data["activated"] == []
    assert {left["dagId"]: left["reason"].split(":")[0] for left in data["left"]} == {
        "daily": "the source would run it no more, the target next at 2026-01-01T00",
        "gone": "its DAG file has not been parsed since the import",
    }


def wait_until(condition):
    deadline = time.time() + 20
    while not condition():
        assert time.time() < deadline
        time.sleep(0.02)
