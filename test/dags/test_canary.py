"""Canaries under a real scheduler: the rest follows when all are green, and stays when one failed, is late or was not activated."""

import contextlib
import datetime

import psycopg2
import pytest
from conftest import TARGET
from switching import Switching, now

DAY = datetime.timedelta(days=1)
FILES = """
with DAG("canary", schedule="@daily", start_date=START, catchup=True) as canary:
    task("first") >> task("second", {})
with DAG("behind", schedule="@daily", start_date=START, catchup=True) as behind:
    task("only")
"""


@pytest.fixture
def switching(world, migration):
    made = Switching(world, TARGET, migration.bucket)
    yield made
    made.close()


def midnight(days=0):
    return now().replace(hour=0, minute=0, second=0, microsecond=0) + days * DAY


def prepare(switching, function="line", newest=-1):
    """A canary with a parked run of `newest` days ago: -1 leaves nothing due today, -2 leaves one run due."""
    switching.add_file("files", FILES.format(function))
    switching.airflow("dags", "reserialize")
    switching.sql("UPDATE dag SET is_paused = true")
    switching.add_run("behind", midnight(-1), interval=DAY)
    run_id = switching.park("canary", midnight(newest), tasks={"first": "success", "second": None}, interval=DAY)
    switching.parse()
    switching.want("behind", "canary")
    switching.migration.cutover.update(canary=["canary", "unknown"], canaryMinutes=2)
    return run_id


@pytest.mark.slow
def test_a_green_canary_lets_the_rest_follow(switching):
    run_id = prepare(switching, newest=-2)
    with switching.scheduler():
        found = switching.activate()
    assert found["activated"] == ["canary", "behind"] and found["stopped"] is None and found["left"] == []
    canary = found["canaries"][0]
    assert len(found["canaries"]) == 1 and canary["state"] == "green", found
    # The parked run and the one that was due; the next is due tomorrow.
    assert run_id in canary["proof"] and "scheduled__" + midnight(-1).isoformat() in canary["proof"]
    assert [run[2] for run in switching.runs("canary")] == ["success"] * 2


def test_a_canary_with_nothing_to_watch_is_green_and_says_so(switching):
    prepare(switching)
    switching.parked.clear()
    found = switching.activate()
    assert found["canaries"][0]["state"] == "green" and "which is not waited for" in found["canaries"][0]["proof"]
    assert found["activated"] == ["canary", "behind"]


def test_a_failed_canary_stops_everything_behind_also_the_second_time_until_it_is_repaired(switching):
    run_id = prepare(switching, "fail")
    with switching.scheduler():
        found = switching.activate()
        assert found["canaries"] == [{"dagId": "canary", "state": "failed", "proof": "parked run {} went on and failed".format(run_id)}]
        assert found["activated"] == ["canary"] and run_id in found["stopped"]
        assert [one["dagId"] for one in found["left"]] == ["behind"] and run_id in found["left"][0]["reason"]
        assert switching.paused() == {"canary": False, "behind": True}
        again = switching.activate()
        assert (again["alreadyActive"], again["left"]) == (["canary"], found["left"])
    # Somebody repairs it: here by saying that the task is done.
    switching.sql("UPDATE task_instance SET state = 'success'")
    switching.sql("UPDATE dag_run SET state = 'success' WHERE run_id = %s", (run_id,))
    third = switching.activate()
    assert (third["activated"], third["stopped"]) == (["behind"], None)


@pytest.mark.slow
def test_a_next_run_that_fails_is_a_failed_canary(switching):
    prepare(switching, "fail", newest=-2)
    switching.sql("DELETE FROM dag_run WHERE dag_id = 'canary'")
    switching.parked.clear()
    switching.add_run("canary", midnight(-2), interval=DAY)
    with switching.scheduler():
        found = switching.activate()
    assert found["canaries"][0]["proof"] == "run scheduled__{} failed".format(midnight(-1).isoformat())
    assert [one["dagId"] for one in found["left"]] == ["behind"]


@pytest.mark.slow
def test_a_canary_that_is_not_over_in_time_or_not_activated_stops_everything_behind(switching):
    run_id = prepare(switching)
    switching.migration.constants["60 * minutes"] = "minutes"
    found = switching.activate()  # no scheduler works here
    assert found["canaries"] == [{"dagId": "canary", "state": "late", "proof": "after 2 minutes it still waited for run {}".format(run_id)}]
    assert [one["dagId"] for one in found["left"]] == ["behind"]
    switching.sql("UPDATE dag SET is_paused = true, has_import_errors = true WHERE dag_id = 'canary'")
    (switching.folder / "dags" / "files.py").write_text("raise ValueError()")
    second = switching.activate()
    assert second["canaries"][0]["state"] == "failed" and "import error" in second["canaries"][0]["proof"]
    assert [one["dagId"] for one in second["left"]] == ["canary", "behind"] and switching.paused()["behind"]


def test_nothing_is_activated_once_rollback_is_ordered(switching):
    prepare(switching)
    switching.world.s3.put_object(Bucket=switching.migration.bucket, Key=switching.migration.prefix + "deactivate/job.json", Body=b"{}")
    found = switching.activate()
    assert (
        found["activated"] == [] and set(switching.paused().values()) == {True} and switching.migration.read("activate/begun.json") is None
    )
    assert "rollback" in found["stopped"] and [one["dagId"] for one in found["left"]] == ["behind", "canary"]


def test_a_rollback_that_is_ordered_between_two_canaries_stops_the_second(switching):
    prepare(switching)
    switching.migration.cutover["canary"] = ["canary", "behind"]
    switching.put_export()
    # The first one's activation waits for its row, and rollback is ordered meanwhile.
    with contextlib.closing(psycopg2.connect(switching.target.url.replace("+psycopg2", ""))) as held, held.cursor() as cursor:
        cursor.execute("SELECT 1 FROM dag WHERE dag_id = 'canary' FOR UPDATE")
        worker, job, _ = switching.migration.start("activate")
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        switching.wait_for(lambda: switching.one(waiting), "the activation of the first canary")
        switching.world.s3.put_object(Bucket=switching.migration.bucket, Key=switching.migration.prefix + "deactivate/job.json", Body=b"{}")
        held.rollback()
    assert worker.wait(job) == 0
    assert switching.migration.read_json("activate/result.json")["data"]["activated"] == ["canary"]
    assert switching.paused() == {"canary": False, "behind": True}
