"""Events that the target emits between the activation of a producer and that of its consumer: Airflow 2.10 queues them for nobody."""

import datetime
import subprocess

import pytest
from conftest import SOURCE, TARGET
from switching import Switching, iso, now

A, B = "s3://bucket/a", "s3://bucket/b"
FILES = """
a, b = Dataset("s3://bucket/a"), Dataset("s3://bucket/b")
with DAG("consumer", schedule=[a], start_date=START) as consumer:
    task("only")
with DAG("both", schedule=[a, b], start_date=START) as both:
    task("only")
with DAG("a_producer", schedule="@daily", start_date=START, catchup=True) as producer:
    task("one", outlets=[a])
"""
# As a worker does at the end of a task with an outlet.
EMIT = """
import sys, types
from airflow.datasets import Dataset
from airflow.datasets.manager import DatasetManager
from airflow.utils.session import create_session
ti = types.SimpleNamespace(task_id="one", dag_id="a_producer", run_id="p", map_index=-1)
with create_session() as session:
    DatasetManager().register_dataset_change(task_instance=ti, dataset=Dataset(sys.argv[1]), session=session)
"""
QUEUE = "SELECT q.target_dag_id, d.uri, q.created_at FROM dataset_dag_run_queue q JOIN dataset d ON d.id = q.dataset_id ORDER BY 1, 2"


@pytest.fixture
def make_switching(world, migration):
    made = []

    def make(version=TARGET):
        made.append(Switching(world, version, migration.bucket))
        made[-1].add_file("data", FILES)
        made[-1].parse()
        return made[-1]

    yield make
    for one in made:
        one.close()


def emit(switching, uri=A):
    """The time of the event."""
    python = switching.world.pythons[switching.version]
    subprocess.run([python, "-c", EMIT, uri], env=switching._environ(), check=True, stdout=subprocess.DEVNULL, timeout=120)
    return switching.one("SELECT max(e.timestamp) FROM dataset_event e JOIN dataset d ON d.id = e.dataset_id WHERE d.uri = %s", (uri,))


def add_event(switching, at, uri=A):
    """As an import leaves it."""
    switching.sql(
        "INSERT INTO dataset_event (dataset_id, extra, timestamp, source_map_index) SELECT id, '{}', %s, -1 FROM dataset WHERE uri = %s",
        (at, uri),
    )


def queue(switching, dag_id, at, uri=A):
    switching.sql(
        "INSERT INTO dataset_dag_run_queue (dataset_id, target_dag_id, created_at) SELECT id, %s, %s FROM dataset WHERE uri = %s",
        (dag_id, at, uri),
    )


@pytest.mark.parametrize("version", [pytest.param(SOURCE, marks=pytest.mark.slow), TARGET])
def test_an_event_that_came_while_the_consumer_was_paused_is_queued_once(make_switching, version):
    switching = make_switching(version)
    add_event(switching, switching.snapshot - (now() - switching.snapshot))  # imported, and owed to nobody
    switching.want("consumer", catchup=None)
    at = emit(switching)
    before = switching.sql(QUEUE)  # 2.7.2 queues for paused DAGs too
    assert len(before) == (2 if version == SOURCE else 0)
    found = switching.activate()
    assert found["queuedEvents"] == (0 if version == SOURCE else 1)
    rows = [row for row in switching.sql(QUEUE) if row[0] == "consumer"]
    assert rows == ([row for row in before if row[0] == "consumer"] if version == SOURCE else [("consumer", A, at)])
    # Consumed, and paused by somebody: nothing is owed any more.
    switching.add_run("consumer", rows[0][2], run_type="dataset_triggered")
    switching.sql("DELETE FROM dataset_dag_run_queue")
    switching.sql("UPDATE dag SET is_paused = true")
    assert switching.activate()["queuedEvents"] == 0 and switching.sql(QUEUE) == []


def test_the_run_of_an_event_that_the_source_owed_reaches_a_newer_one_of_the_target(make_switching):
    switching = make_switching()
    old = switching.snapshot - (now() - switching.snapshot)
    add_event(switching, old)
    switching.owed = [{"dagId": dag_id, "uri": A, "at": iso(old)} for dag_id in ("consumer", "both")]
    switching.want("consumer", "both", catchup=None)
    at = emit(switching)
    assert switching.activate()["queuedEvents"] == 2
    # The one that still waits for B takes both events of A by B's time.
    assert switching.sql(QUEUE) == [("both", A, old), ("consumer", A, at)]


def test_an_event_of_the_last_moment_before_the_activation_is_not_lost(make_switching):
    switching = make_switching()
    switching.want("consumer", catchup=None)
    # A task asks whether its consumer is paused and commits later: here in the moment in which the DAG is unpaused.
    switching.sql(
        "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
        "INSERT INTO dataset_event (dataset_id, extra, timestamp, source_map_index) "
        "SELECT id, ''{}'', clock_timestamp(), -1 FROM dataset WHERE uri = ''s3://bucket/a''; RETURN NEW; END'"
    )
    switching.sql("CREATE TRIGGER late AFTER UPDATE ON dag FOR EACH ROW WHEN (OLD.is_paused AND NOT NEW.is_paused) EXECUTE FUNCTION late()")
    assert switching.activate()["queuedEvents"] == 1
    assert [row[0] for row in switching.sql(QUEUE)] == ["consumer"]
    assert switching.activate()["queuedEvents"] == 0


@pytest.mark.slow
def test_a_consumer_behind_a_canary_that_emits_runs_once(make_switching):
    switching = make_switching()
    midnight = now().replace(hour=0, minute=0, second=0, microsecond=0)
    switching.sql("DELETE FROM dag_run")
    day = datetime.timedelta(days=1)
    switching.add_run("a_producer", midnight - 3 * day, interval=day)
    switching.park("a_producer", midnight - 2 * day, tasks={"one": None}, interval=day)
    switching.parse()
    switching.want("consumer", "a_producer", catchup=True)
    switching.migration.cutover.update(canary=["a_producer"], canaryMinutes=2)
    with switching.scheduler():
        found = switching.activate()
        assert found["activated"] == ["a_producer", "consumer"] and found["queuedEvents"] == 1, found
        switching.wait_for(lambda: [run[2] for run in switching.runs("consumer")] == ["success"], "the consumer's run")
    # The parked run and the one that was due have each emitted; one run was given both.
    assert switching.one("SELECT count(*) FROM dataset_event") == 2 == switching.one("SELECT count(*) FROM dagrun_dataset_event")
    assert sorted(line.split()[0] for line in switching.lines()) == ["a_producer", "a_producer", "consumer"]
