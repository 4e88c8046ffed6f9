"""DAGs without catchup: the intervals that nobody would run are told, or run in order; under a real scheduler none is run twice."""

import datetime

import pytest
from conftest import NEWEST, SOURCE, TARGET
from switching import Switching, iso, now

MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def make_switching(world, migration):
    made = []

    def make(version=TARGET):
        made.append(Switching(world, version, migration.bucket))
        return made[-1]

    yield make
    for one in made:
        one.close()


def five_minutes(count):
    """The boundary of a five-minute schedule, `count` of them from now."""
    here = now().replace(second=0, microsecond=0)
    return here - here.minute % 5 * MINUTE + 5 * count * MINUTE


def late_dag(switching, schedule='"*/5 * * * *"', more="", before=""):
    """Last run: the interval of 40 to 35 minutes ago. The source paused it before it made that of 30 to 25 minutes ago."""
    base = five_minutes(0)  # once, for the clock goes on while DAG files are parsed
    switching.add_file(
        "late",
        before + 'with DAG("late", schedule={}, start_date=START, catchup=False{}) as dag:\n    task("only")\n'.format(schedule, more),
    )
    switching.parse()
    switching.add_run("late", base - 40 * MINUTE, interval=5 * MINUTE)
    switching.parse()
    switching.want(
        "late",
        catchup=False,
        nextDagrun=iso(base - 30 * MINUTE),
        nextDagrunDataIntervalStart=iso(base - 30 * MINUTE),
        nextDagrunDataIntervalEnd=iso(base - 25 * MINUTE),
        nextDagrunCreateAfter=iso(base - 25 * MINUTE),
    )
    switching.paused_at = {"late": iso(base - 24 * MINUTE)}
    switching.snapshot, switching.first_missed = base - 20 * MINUTE, base - 30 * MINUTE


def dates_of(switching, activated):
    """What `activate` must find: (missed, next), whichever boundary of the schedule the clock passed while it worked."""
    before, begun, found, ended = five_minutes(-6), activated[0], activated[1], activated[2]
    follows = datetime.datetime.fromisoformat(found["next"][0]["nextDagrun"].replace("Z", "+00:00"))
    assert begun - 5 * MINUTE <= follows <= ended - 5 * MINUTE
    first = switching.first_missed
    assert first <= before
    return [first + count * 5 * MINUTE for count in range((follows - first) // (5 * MINUTE))], follows


def timed(switching):
    begun = five_minutes(0)
    return begun, switching.activate(), five_minutes(0)


@pytest.mark.parametrize("version", [pytest.param(SOURCE, marks=pytest.mark.slow), TARGET, pytest.param(NEWEST, marks=pytest.mark.slow)])
def test_missed_intervals_run_once_each_and_the_scheduler_goes_on_behind_them(make_switching, version):
    switching = make_switching(version)
    late_dag(switching, more=", max_active_runs=1")
    last = switching.runs("late")[0][0]
    switching.migration.cutover["missedIntervals"] = "run"
    activated = timed(switching)
    missed, follows = dates_of(switching, activated)
    told = [{"dagId": "late", "count": len(missed), "first": iso(missed[0]), "last": iso(missed[-1]), "started": True}]
    # Of those that ended before the pause only the newest: the source would not have run the others either.
    assert activated[1]["missed"] == told and missed[0] == last + 10 * MINUTE and len(missed) >= 5
    again = switching.activate()
    assert (again["alreadyActive"], again["missed"]) == (["late"], told)
    count = len(missed) + 2
    with switching.scheduler():
        switching.wait_for(
            lambda: [run[2] for run in switching.runs("late")][:count] == ["success"] * count, "the missed runs and the next"
        )
    assert [run[:2] for run in switching.runs("late")][:count] == [(moment, "scheduled") for moment in [last] + missed + [follows]]
    assert [line.split()[1] for line in switching.lines()][: count - 1] == [
        "scheduled__" + moment.isoformat() for moment in missed + [follows]
    ]
    assert len(set(switching.lines())) == len(switching.lines())
    assert switching.activate()["missed"] == told


@pytest.mark.slow
def test_missed_intervals_are_only_told_unless_they_are_to_run(make_switching):
    switching = make_switching()
    late_dag(switching)
    activated = timed(switching)
    missed, follows = dates_of(switching, activated)
    told = [{"dagId": "late", "count": len(missed), "first": iso(missed[0]), "last": iso(missed[-1]), "started": False}]
    assert activated[1]["missed"] == told and len(switching.runs("late")) == 1
    with switching.scheduler():
        switching.wait_for(lambda: len(switching.runs("late")) == 2, "the newest interval's run")
    assert switching.runs("late")[1][0] == follows
    assert switching.activate()["missed"] == told


def test_a_timedelta_goes_on_from_its_last_interval(make_switching):
    switching = make_switching()
    switching.add_file(
        "steps", 'with DAG("steps", schedule=datetime.timedelta(minutes=7), start_date=START, catchup=False) as dag:\n    task("only")\n'
    )
    switching.parse()
    step, last = 7 * MINUTE, now().replace(microsecond=0) - 31 * MINUTE
    switching.add_run("steps", last - step, interval=step)
    switching.parse()
    switching.want(
        "steps",
        catchup=False,
        nextDagrun=iso(last),
        nextDagrunDataIntervalStart=iso(last),
        nextDagrunDataIntervalEnd=iso(last + step),
        nextDagrunCreateAfter=iso(last + step),
    )
    switching.snapshot = last + 5 * MINUTE
    switching.paused_at = {"steps": iso(last + MINUTE)}
    switching.migration.cutover["missedIntervals"] = "run"
    found = switching.activate()
    runs = [run[0] for run in switching.runs("steps")]
    assert runs == [last - step + count * step for count in range(len(runs))] and len(runs) >= 3
    assert found["missed"][0]["count"] == len(runs) - 1
    # Without the missed runs it would go on at a multiple of seven minutes, and leave a gap.
    assert found["next"][0]["nextDagrun"] == iso(runs[-1] + step)


def test_with_catchup_nothing_is_missed_and_nothing_is_made(make_switching):
    switching, base = make_switching(), five_minutes(0)
    switching.add_file("full", 'with DAG("full", schedule="*/5 * * * *", start_date=START, catchup=True) as dag:\n    task("only")\n')
    switching.parse()
    switching.add_run("full", base - 40 * MINUTE, interval=5 * MINUTE)
    switching.parse()
    switching.want("full")
    switching.migration.cutover["missedIntervals"] = "run"
    found = switching.activate()
    assert found["missed"] == [] and len(switching.runs("full")) == 1
    assert found["next"][0]["nextDagrun"] == iso(base - 35 * MINUTE)


def test_more_intervals_than_are_started_leave_the_dag_paused_with_both_cures(make_switching):
    switching = make_switching()
    late_dag(switching)
    run_id = switching.park("late", switching.first_missed - 15 * MINUTE, interval=5 * MINUTE)
    switching.migration.cutover["missedIntervals"] = "run"
    switching.migration.constants["MOST_STARTED = 500"] = "MOST_STARTED = 3"
    found = switching.activate()
    reason = found["left"][0]["reason"]
    assert found["activated"] == [] and switching.paused()["late"] and found["missed"] == []
    assert reason.split()[0].isdigit() and "no more than 3" in reason and "report" in reason and "catchup=True" in reason
    assert len(switching.runs("late")) == 2 and switching.one("SELECT state FROM dag_run WHERE run_id = %s", (run_id,)) == "failed"
    switching.migration.cutover["missedIntervals"] = "report"
    switching.migration.constants["MOST_INTERVALS = 10080"] = "MOST_INTERVALS = 2"
    found = switching.activate()
    assert found["activated"] == ["late"] and found["missed"][0]["isMore"] and found["missed"][0]["count"] == 3


def test_a_dag_whose_missed_runs_airflow_refuses_stays_as_it_was(make_switching):
    switching = make_switching()
    plugins = switching.folder / "plugins"
    plugins.mkdir()
    (plugins / "nameless.py").write_text(NAMELESS)
    switching.migration.env["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(plugins)
    late_dag(
        switching,
        '__import__("nameless").Nameless("*/5 * * * *", "UTC")',
        before="import sys\nsys.path.insert(0, {!r})\n".format(str(plugins)),
    )
    run_id = switching.park("late", switching.first_missed - 15 * MINUTE, interval=5 * MINUTE)
    switching.migration.cutover["missedIntervals"] = "run"
    found = switching.activate()
    assert [one["dagId"] for one in found["left"]] == ["late"] and "cannot be started (RuntimeError)" in found["left"][0]["reason"], found
    assert switching.paused()["late"] and len(switching.runs("late")) == 2
    assert switching.one("SELECT state FROM dag_run WHERE run_id = %s", (run_id,)) == "failed"


@pytest.mark.slow
def test_a_dag_that_never_ran_begins_with_the_sources_next_run(make_switching):
    switching = make_switching()
    late_dag(switching)
    switching.sql("DELETE FROM dag_run")
    switching.parse()
    switching.migration.cutover["missedIntervals"] = "run"
    activated = timed(switching)
    missed, _ = dates_of(switching, activated)
    assert [run[0] for run in switching.runs("late")] == missed


NAMELESS = """
from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.interval import CronDataIntervalTimetable

class Nameless(CronDataIntervalTimetable):
    def generate_run_id(self, **context):
        raise RuntimeError("a value that no log may hold")

class NamelessPlugin(AirflowPlugin):
    name = "nameless_plugin"
    timetables = [Nameless]
"""
