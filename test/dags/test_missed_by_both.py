"""After a rollback: intervals that ended while the source was paused and that neither side runs are told, and nothing is started."""

import datetime

import pytest
from conftest import SOURCE, TARGET
from switching import Switching, iso
from test_missed import MINUTE, five_minutes, late_dag


@pytest.fixture
def make_source(world, migration):
    made = []

    def make(version=SOURCE):
        made.append(Switching(world, version, migration.bucket))
        return made[-1]

    yield make
    for one in made:
        one.close()


def restore(source, *target_ran):
    """Behind a drain that has paused the DAGs; `target_ran`: logical dates of the five-minute runs that the target made."""
    migration = source.migration
    migration.write_json("drain/active.json", {"dagIds": sorted(source.paused_at), "pausedAt": source.paused_at})
    runs = [
        {
            "dagId": "late",
            "runId": "scheduled__" + date.isoformat(),
            "kind": "new",
            "runType": "scheduled",
            "state": "success",
            "logicalDate": iso(date),
            "intervalStart": iso(date),
            "intervalEnd": iso(date + 5 * MINUTE),
            "tasksEnded": 1,
        }
        for date in target_ran
    ]
    migration.ran = migration.write_json("deactivate/ran.json", {"runs": runs})
    return migration.data("restore")


def left(source, ended, *target_ran):
    """What neither side runs, at a moment when the newest interval ended at `ended`: that one the scheduler makes."""
    first = source.first_missed  # Ended before the pause, and the source would have run it.
    dates = [first + count * 5 * MINUTE for count in range((ended - first) // (5 * MINUTE) - 1)]
    dates = [date for date in dates if date not in target_ran]
    return [{"dagId": "late", "count": len(dates), "first": iso(dates[0]), "last": iso(dates[-1])}]


def told(source, *target_ran):
    """Restore's data, proven right whichever boundary of the schedule the clock passed while it worked."""
    begun, data = five_minutes(0), restore(source, *target_ran)
    assert data["missed"] in [left(source, ended, *target_ran) for ended in (begun, five_minutes(0))] and data["missedUnknown"] == []
    return data


@pytest.mark.parametrize("version", [SOURCE, pytest.param(TARGET, marks=pytest.mark.slow)])
def test_what_neither_side_runs_is_told_and_nothing_is_started(make_source, version):
    source = make_source(version)
    late_dag(source)
    on_target = source.first_missed + 10 * MINUTE
    data = told(source, on_target)
    assert data["activated"] == ["late"] and data["missed"][0]["count"] >= 4
    assert [run[0] for run in source.runs("late")] == [source.first_missed - 10 * MINUTE, on_target]
    # A try again finds the DAG active, and tells the same.
    assert told(source, on_target)["activated"] == []
    source.migration.constants["MOST_INTERVALS = 10080"] = "MOST_INTERVALS = 3"
    assert [(one["count"], one["isMore"]) for one in restore(source, on_target)["missed"]] == [(2, True)]


@pytest.mark.slow
def test_the_sources_scheduler_runs_all_but_what_was_told(make_source):
    source = make_source()
    late_dag(source)
    told(source)
    with source.scheduler():
        source.wait_for(lambda: len(source.runs("late")) == 2, "the newest interval's run")
    newest = source.runs("late")[1][0]
    again = restore(source)["missed"][0]
    assert datetime.datetime.fromisoformat(again["last"].replace("Z", "+00:00")) == newest - 5 * MINUTE
    assert again["count"] == (newest - source.first_missed) // (5 * MINUTE)


def test_of_a_dag_that_cannot_be_read_it_says_so_and_with_catchup_there_is_nothing_to_say(make_source):
    source = make_source()
    late_dag(source)
    source.sql("DELETE FROM serialized_dag")
    data = restore(source)
    assert (data["activated"], data["missed"], data["missedUnknown"]) == (["late"], [], ["late"])
    source.want("late", catchup=True)
    assert restore(source)["missedUnknown"] == []


@pytest.mark.slow
def test_a_timetable_that_fails_does_not_fail_the_restore(make_source):
    source = make_source()
    late_dag(source)
    source.migration.constants["info.run_after <= now"] = "info.run_afterwards <= now"
    data = restore(source)
    assert (data["activated"], data["missed"], data["missedUnknown"]) == (["late"], [], ["late"])
