"""The way back of a run that the target had made but not begun, while a later one of its DAG began there: the source runs it, once."""

import pytest
from conftest import SOURCE
from switching import Switching
from test_restore import paused_at, put, ran, run_on_target

FILE = """
DATES = [datetime.datetime(2026, 2, day, tzinfo=datetime.timezone.utc) for day in (1, 4)]
with DAG("daily", schedule="@daily", start_date=DATES[0], end_date=DATES[1], catchup=True) as dag:
    task("only")
"""


@pytest.mark.slow
def test_the_source_runs_what_waited_before_a_run_that_began(world, migration):
    live = Switching(world, SOURCE, migration.bucket)
    live.add_file("daily", FILE)
    live.parse()
    migration.source.close()
    migration.source = live.target
    paused_at(migration, "daily")
    put(migration, "drain/ended.json", {"instances": [], "runs": []})
    ran(
        migration,
        run_on_target("daily", 1),
        dict(run_on_target("daily", 2, kind="unbegun", state="queued"), tasksEnded=0),
        run_on_target("daily", 3),
    )
    for _ in range(2):
        migration.data("restore")
        assert live.sql("SELECT state, dag_hash FROM dag_run ORDER BY execution_date") == [
            ("success", None),
            ("queued", None),
            ("success", None),
        ]
    with live.scheduler():
        live.airflow("dags", "reserialize")
        live.wait_for(lambda: [run[2] for run in live.runs("daily")] == ["success"] * 4, "the run that had waited and the one behind")
    assert sorted(line.split()[1] for line in live.lines()) == ["scheduled__2026-02-02T00:00:00Z", "scheduled__2026-02-04T00:00:00+00:00"]
