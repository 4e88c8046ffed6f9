"""activate: per DAG one transaction, only when the next run continues the source's history; then a real scheduler goes on."""

import datetime
import json

import pytest
from conftest import NEWEST, SOURCE, TARGET
from switching import Switching, iso, now

HOUR = datetime.timedelta(hours=1)
DAY = 24 * HOUR


@pytest.fixture
def make_switching(world, migration):
    made = []

    def make(version=TARGET):
        made.append(Switching(world, version, migration.bucket))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def switching(make_switching):
    return make_switching()


def midnight(days=0):
    return now().replace(hour=0, minute=0, second=0, microsecond=0) + days * DAY


TWO_STEPS = """
with DAG("{0}", schedule="@daily", start_date=START, catchup=True{1}) as dag:
    task("first") >> task("second")
"""


@pytest.mark.parametrize("version", [pytest.param(SOURCE, marks=pytest.mark.slow), TARGET, pytest.param(NEWEST, marks=pytest.mark.slow)])
def test_a_parked_run_goes_on_where_it_was_cut_and_the_next_interval_follows(make_switching, version):
    switching = make_switching(version)
    switching.add_file("cut", TWO_STEPS.format("cut", ', max_active_runs=1, default_args={"depends_on_past": True}'))
    switching.parse()
    done = switching.add_run("cut", midnight(-3), interval=DAY)
    switching.add_tasks("cut", done, first="success", second="success")
    # The source was at max_active_runs, where Airflow leaves the run it has made in next_dagrun.
    run_id = switching.park("cut", midnight(-2), tasks={"first": "success", "second": None}, interval=DAY)
    switching.parse()
    switching.want("cut", nextDagrun=iso(midnight(-2)), nextDagrunCreateAfter=None)

    found = switching.activate()
    assert (found["activated"], found["left"], found["stopped"]) == (["cut"], [], None)
    assert found["resumed"] == [{"dagId": "cut", "runId": run_id}] and found["notResumed"] == []
    assert found["next"][0]["nextDagrun"] == iso(midnight(-1))
    assert switching.sql("SELECT state, end_date FROM dag_run WHERE run_id = %s", (run_id,)) == [("queued", None)]

    with switching.scheduler():
        switching.wait_for(lambda: [run[2] for run in switching.runs("cut")] == ["success"] * 3, "the parked run and the one after it")
    assert [line.split()[1:] for line in switching.lines()] == [
        [run_id, "second[-1]"],
        ["scheduled__" + midnight(-1).isoformat(), "first[-1]"],
        ["scheduled__" + midnight(-1).isoformat(), "second[-1]"],
    ]
    again = switching.activate()
    assert (again["activated"], again["alreadyActive"], again["resumed"]) == ([], ["cut"], found["resumed"])
    assert [run[2] for run in switching.runs("cut")] == ["success"] * 3


@pytest.mark.slow
def test_a_resumed_run_that_fails_for_real_is_never_queued_again(switching):
    switching.add_file(
        "bad", 'with DAG("bad", schedule="@daily", start_date=START, catchup=True) as dag:\n    task("first") >> task("second", fail)\n'
    )
    switching.parse()
    run_id = switching.park("bad", midnight(-1), tasks={"first": "success", "second": None}, interval=DAY)
    switching.parse()
    switching.want("bad")
    switching.activate()
    with switching.scheduler():
        switching.wait_for(
            lambda: switching.one("SELECT state FROM dag_run WHERE run_id = %s", (run_id,)) == "failed", "the end of the run"
        )
    before = switching.sql("SELECT xmin::text, * FROM dag_run")
    again = switching.activate()
    assert again["resumed"] == [{"dagId": "bad", "runId": run_id}] and again["notResumed"] == []
    assert switching.sql("SELECT xmin::text, * FROM dag_run") == before
    # Also when somebody pauses the DAG in between.
    switching.sql("UPDATE dag SET is_paused = true")
    assert switching.activate()["resumed"] == [{"dagId": "bad", "runId": run_id}]
    assert switching.sql("SELECT xmin::text, * FROM dag_run") == before and not switching.paused()["bad"]


@pytest.mark.slow
def test_a_task_that_vanished_from_the_dag_does_not_hold_up_its_parked_run(switching):
    switching.add_file("moved", TWO_STEPS.format("moved", ""))
    switching.parse()
    run_id = switching.park("moved", midnight(-1), tasks={"first": None, "gone": None}, interval=DAY)
    switching.parse()
    switching.want("moved")
    switching.activate()
    with switching.scheduler():
        switching.wait_for(
            lambda: switching.one("SELECT state FROM dag_run WHERE run_id = %s", (run_id,)) == "success", "the end of the run"
        )
    assert switching.sql("SELECT task_id, state FROM task_instance ORDER BY 1") == [
        ("first", "success"),
        ("gone", "removed"),
        ("second", "success"),
    ]


def test_runs_that_do_not_go_on_are_named_with_what_to_do(switching):
    switching.add_file("many", TWO_STEPS.format("many", ""))
    switching.parse()
    back = switching.park("many", midnight(-9), fate="backfill", run_type="backfill", interval=DAY)
    waits = switching.park("many", midnight(-8), fate="deferred", interval=DAY)
    left = switching.park("many", midnight(-7), fate="left", interval=DAY)
    cleared, deleted, marked = (switching.park("many", midnight(-days), interval=DAY) for days in (6, 5, 4))
    goes = switching.park("many", midnight(-3), interval=DAY)
    switching.parse()
    switching.want("many")
    switching.sql("UPDATE dag_run SET state = 'queued', queued_at = now() WHERE run_id = %s", (cleared,))
    switching.sql("DELETE FROM dag_run WHERE run_id = %s", (deleted,))
    switching.sql("UPDATE dag_run SET state = 'success' WHERE run_id = %s", (marked,))
    found = switching.activate()
    assert found["resumed"] == [{"dagId": "many", "runId": goes}]
    date = midnight(-9).isoformat()
    assert {run["runId"]: (run["fate"], run["command"]) for run in found["notResumed"]} == {
        back: ("backfill", "airflow dags backfill --start-date {0} --end-date {0} many".format(date)),
        waits: ("deferred", None),
        left: ("left", None),
        cleared: ("changed", None),
        deleted: ("changed", None),
        marked: ("changed", None),
    }
    assert dict(switching.sql("SELECT run_id, state FROM dag_run WHERE run_id = ANY(%s)", ([back, waits, left, marked],))) == {
        back: "failed",
        waits: "failed",
        left: "failed",
        marked: "success",
    }
    again = switching.activate()
    assert (again["resumed"], again["notResumed"]) == (found["resumed"], found["notResumed"])


@pytest.mark.slow
def test_the_command_of_a_backfill_run_finishes_it_and_runs_nothing_twice(switching):
    switching.add_file("back", TWO_STEPS.format("back", ""))
    switching.parse()
    run_id = switching.park(
        "back", midnight(-2), fate="backfill", run_type="backfill", tasks={"first": "success", "second": None}, interval=DAY
    )
    switching.parse()
    switching.want("back")
    command = switching.activate()["notResumed"][0]["command"]
    switching.airflow(*command.split()[1:])
    assert switching.one("SELECT state FROM dag_run WHERE run_id = %s", (run_id,)) == "success"
    assert switching.lines() == ["back {} second[-1]".format(run_id)]


def test_a_dag_whose_next_run_is_not_the_sources_is_left_with_its_reason(switching):
    switching.add_file(
        "files",
        "\n".join(TWO_STEPS.format(name, "").replace("as dag", "as " + name) for name in ("same", "other", "broken", "idle"))
        + """
with DAG("manual", schedule=None, start_date=START) as manual:
    task("only")
with DAG("once_done", schedule="@once", start_date=START) as once_done:
    task("only")
with DAG("once_open", schedule="@once", start_date=START) as once_open:
    task("only")
""",
    )
    switching.parse()
    for dag_id in ("same", "other", "broken"):
        switching.add_run(dag_id, midnight(-1), interval=DAY)
    switching.add_run("once_done", midnight(-30))
    switching.parse()
    switching.want("same", "manual", "once_done", "once_open", "broken", "gone")
    switching.want("other", nextDagrun=iso(midnight(-4)))
    switching.want("idle", nextDagrun=None)
    switching.sql("UPDATE dag SET has_import_errors = true WHERE dag_id = 'broken'")
    switching.add_file("broken", "raise ValueError()")
    switching.sql("CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.has_import_errors := true; RETURN NEW; END'")
    switching.sql("CREATE TRIGGER keep BEFORE UPDATE ON dag FOR EACH ROW WHEN (NEW.dag_id = 'broken') EXECUTE FUNCTION keep()")
    found = switching.activate()
    assert sorted(found["activated"]) == ["manual", "once_done", "once_open", "same"]
    reasons = {one["dagId"]: one["reason"] for one in found["left"]}
    assert sorted(reasons) == ["broken", "gone", "idle", "other"]
    assert "import error" in reasons["broken"] and "no active DAG" in reasons["gone"]
    assert "its next run would be {}, the source's {}".format(iso(midnight()), iso(midnight(-4))) in reasons["other"]
    assert "run it no more" in reasons["idle"]
    assert sorted(dag_id for dag_id, paused in switching.paused().items() if not paused) == sorted(found["activated"])
    why = {one["dagId"]: (one["nextDagrun"], one["why"]) for one in found["next"]}
    assert why["same"] == (iso(midnight()), "it follows its newest automated run, of {}".format(iso(midnight(-1))))
    assert why["manual"] == (None, "it has no schedule: somebody, or another DAG, starts it")
    assert why["once_done"] == (None, "its schedule gives no further run after that of {}".format(iso(midnight(-30))))
    assert why["once_open"][0] == "2026-01-01T00:00:00Z"


def test_a_dag_activated_by_hand_before_cutover_is_left_while_its_parked_runs_stand(switching):
    switching.add_file("files", TWO_STEPS.format("hand", "") + TWO_STEPS.format("free", "").replace("as dag", "as free"))
    switching.parse()
    run_id = switching.park("hand", midnight(-1), interval=DAY)
    switching.add_run("free", midnight(-1), interval=DAY)
    switching.parse()
    switching.want("hand", "free")
    switching.sql("UPDATE dag SET is_paused = false")
    found = switching.activate()
    assert found["alreadyActive"] == ["free"]
    assert [one["dagId"] for one in found["left"]] == ["hand"] and "somebody activated it" in found["left"][0]["reason"]
    assert switching.one("SELECT state FROM dag_run WHERE run_id = %s", (run_id,)) == "failed"
    switching.sql("UPDATE dag SET is_paused = true WHERE dag_id = 'hand'")
    assert switching.activate()["resumed"] == [{"dagId": "hand", "runId": run_id}]


@pytest.mark.slow
def test_killed_between_two_dags_and_run_again_ends_as_if_never_killed(switching):
    names = ["d1", "d2", "d3"]
    switching.add_file("files", "".join(TWO_STEPS.format(name, "").replace("as dag", "as " + name) for name in names))
    switching.parse()
    runs = [switching.park(name, midnight(-1), tasks={"first": "success", "second": None}, interval=DAY) for name in names]
    switching.parse()
    switching.want(*names)
    switching.put_export()
    switching.migration.kill_at("activate", "1 of 3 DAGs are active")
    assert sorted(switching.paused().values()) == [False, True, True]
    # Paused or queued, never the one without the other.
    assert switching.sql("SELECT count(*) FROM dag d JOIN dag_run r USING (dag_id) WHERE d.is_paused = (r.state = 'queued')") == [(0,)]
    found = switching.activate()
    assert len(found["alreadyActive"]) == 1 and len(found["activated"]) == 2
    assert sorted(run["runId"] for run in found["resumed"]) == sorted(runs)
    with switching.scheduler():
        switching.wait_for(lambda: {run[2] for name in names for run in switching.runs(name)} == {"success"}, "the end of all runs")
    assert sorted(line.split()[0::2] for line in switching.lines()) == [[name, "second[-1]"] for name in names]


@pytest.mark.slow
def test_an_event_that_came_during_the_pause_makes_its_consumer_run_once(switching):
    switching.add_file(
        "data",
        """
a, b = Dataset("s3://bucket/a"), Dataset("s3://bucket/b/")
with DAG("consumer", schedule=[a, b], start_date=START) as consumer:
    task("only")
with DAG("sated", schedule=[b], start_date=START) as sated:
    task("only")
with DAG("producer", schedule=None, start_date=START) as producer:
    task("one", outlets=[a])
    task("two", outlets=[b])
""",
    )
    switching.parse()
    at = {uri: switching.snapshot - datetime.timedelta(minutes=minutes) for uri, minutes in (("s3://bucket/a", 9), ("s3://bucket/b", 5))}
    for uri, moment in at.items():
        switching.sql(
            "INSERT INTO dataset_event (dataset_id, extra, timestamp, source_map_index) "
            "SELECT id, '{}', %s, -1 FROM dataset WHERE uri = %s",
            (moment, uri),
        )
    # Airflow 2.9 and later write the second URI without its slash; the source, which is older, names it with one.
    # A was queued before the pause and the queue was moved; B came after it. The other consumer has had a run of B already.
    switching.sql(
        "INSERT INTO dataset_dag_run_queue (dataset_id, target_dag_id, created_at) SELECT id, 'consumer', %s FROM dataset WHERE uri = 's3://bucket/a'",
        (at["s3://bucket/a"],),
    )
    switching.add_run("sated", at["s3://bucket/b"], run_type="dataset_triggered")
    switching.want("consumer", "sated", catchup=None)
    switching.owed = [{"dagId": dag_id, "uri": "s3://bucket/b/", "at": iso(at["s3://bucket/b"])} for dag_id in ("consumer", "sated")]
    switching.owed.append({"dagId": "consumer", "uri": "s3://unknown", "at": iso(at["s3://bucket/b"])})
    found = switching.activate()
    assert found["left"] == [] and found["queuedEvents"] == 1
    assert switching.activate()["queuedEvents"] == 0
    with switching.scheduler():
        switching.wait_for(lambda: [run[2] for run in switching.runs("consumer")] == ["success"], "the consumer's run")
        switching.wait_for(lambda: switching.one("SELECT count(*) FROM dataset_dag_run_queue") == 0, "an empty queue")
    assert switching.runs("consumer") == [(at["s3://bucket/b"], "dataset_triggered", "success")]
    assert switching.one("SELECT count(*) FROM dagrun_dataset_event") == 2
    assert [line.split()[0] for line in switching.lines()] == ["consumer"]
    # Run a third time: what has been consumed is not owed any more.
    switching.sql("UPDATE dag SET is_paused = true")
    assert switching.activate()["queuedEvents"] == 0 and switching.one("SELECT count(*) FROM dataset_dag_run_queue") == 0


def test_batches_wait_for_each_other_and_stop_when_rollback_is_ordered(switching):
    names = ["b1", "b2", "b3"]
    switching.add_file("files", "".join(TWO_STEPS.format(name, "").replace("as dag", "as " + name) for name in names))
    switching.parse()
    for name in names:
        switching.add_run(name, midnight(-1), interval=DAY)
    switching.parse()
    switching.want(*names)
    switching.put_export()
    switching.migration.cutover.update(batchSize=2, batchPauseSeconds=600)
    worker, job, _ = switching.migration.start("activate")
    switching.wait_for(
        lambda: switching.migration.log.exists() and "the next batch follows" in switching.migration.log.read_text(),
        "the pause after the first batch",
    )
    assert sorted(switching.paused().values()) == [False, False, True]
    switching.world.s3.put_object(Bucket=switching.migration.bucket, Key=switching.migration.prefix + "deactivate/job.json", Body=b"{}")
    assert worker.wait(job) == 0
    data = json.loads(switching.migration.read("activate/result.json"))["data"]
    assert data["activated"] == ["b1", "b2"] and "rollback" in data["stopped"]
    assert [one["dagId"] for one in data["left"]] == ["b3"]


def test_a_timetable_of_a_plugin_decides_the_next_run(switching):
    (switching.folder / "plugins").mkdir()
    (switching.folder / "plugins" / "odd.py").write_text(ODD_HOURS)
    switching.migration.env["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(switching.folder / "plugins")
    switching.add_file(
        "odd_dag",
        "import sys\nsys.path.insert(0, {!r})\nfrom odd import OddHours\n".format(str(switching.folder / "plugins"))
        + 'with DAG("odd_dag", schedule=OddHours(), start_date=START, catchup=True) as dag:\n    task("only")\n',
    )
    switching.parse()
    last = now().replace(minute=0, second=0, microsecond=0) - 6 * HOUR
    last = last if last.hour % 2 else last - HOUR
    switching.add_run("odd_dag", last, interval=2 * HOUR)
    switching.parse()
    switching.want("odd_dag")
    assert switching.schedules["odd_dag"]["nextDagrun"] == iso(last + 2 * HOUR)
    found = switching.activate()
    assert found["activated"] == ["odd_dag"], found
    assert found["next"][0]["nextDagrun"] == iso(last + 2 * HOUR)


ODD_HOURS = """
import datetime
from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.base import DagRunInfo, DataInterval, Timetable

class OddHours(Timetable):
    def infer_manual_data_interval(self, *, run_after):
        return DataInterval(run_after, run_after)

    def next_dagrun_info(self, *, last_automated_data_interval, restriction):
        start = last_automated_data_interval.end if last_automated_data_interval else restriction.earliest + datetime.timedelta(hours=1)
        return DagRunInfo.interval(start=start, end=start + datetime.timedelta(hours=2))

class OddPlugin(AirflowPlugin):
    name = "odd_plugin"
    timetables = [OddHours]
"""
