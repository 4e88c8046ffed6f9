"""Stand-ins under a real scheduler: intervals of the target do not run again, and one that failed there runs when somebody queues it."""

import datetime
import subprocess

import conftest
import pytest
from live_airflow import LiveAirflow
from test_restore import paused_at, ran

#: Minutes of a real scheduler: `npm run test:slow`.
pytestmark = pytest.mark.slow

DAY = datetime.timedelta(days=1)
DAG_FILE = """
import datetime
from airflow import DAG
from airflow.operators.python import PythonOperator

def line(dag_run, ti):
    with open(LINES, "a") as file:
        file.write("{} {}|{}\\n".format(ti.task_id, dag_run.execution_date.date(), ti.pool))

today = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
with DAG("daily", schedule="@daily", start_date=today - datetime.timedelta(days=4), catchup=True):
    first = PythonOperator(task_id="first", python_callable=line, depends_on_past=True, wait_for_downstream=True, pool="narrow")
    first >> PythonOperator(task_id="second", python_callable=line)
"""
#: What the REST API does for PATCH /dags/daily/dagRuns/<id> {"state": "queued"}.
SET_QUEUED = """
import sys
from airflow.api.common.mark_tasks import set_dag_run_state_to_queued
from airflow.models import DagBag
set_dag_run_state_to_queued(dag=DagBag(read_dags_from_db=True).get_dag("daily"), run_id=sys.argv[1], commit=True)
"""


WAITING = (
    "SELECT count(*) FROM task_instance t JOIN dag_run r USING (dag_id, run_id) "
    "WHERE r.execution_date = %s AND r.state = 'running' AND t.state IS NULL"
)


def looked_at(source, logical_date):
    return source.one("SELECT last_scheduling_decision FROM dag_run WHERE execution_date = %s", (logical_date,))


def run_at_target(moment, state):
    date = moment.isoformat().replace("+00:00", "Z")
    return {
        "dagId": "daily",
        "runId": "scheduled__" + moment.isoformat(),
        "kind": "new",
        "runType": "scheduled",
        "state": state,
        "logicalDate": date,
        "intervalStart": date,
        "intervalEnd": (moment + DAY).isoformat().replace("+00:00", "Z"),
        "tasksEnded": 2,
    }


@pytest.mark.parametrize("version", [conftest.SOURCE, conftest.TARGET])
def test_a_failed_stand_in_holds_up_the_next_run_until_somebody_queues_it(world, migration, version):
    source = conftest.Environment(world, version)
    migration.source = source
    source.sql("INSERT INTO slot_pool (pool, slots, include_deferred) VALUES ('narrow', 1, false)")
    live = LiveAirflow(world, source, DAG_FILE)
    live.env["AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION"] = "True"
    assert live.run("dags", "reserialize").returncode == 0
    today = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - number * DAY for number in (4, 3, 2, 1)]
    paused_at(migration, "daily")
    made = [run_at_target(days[0], "success"), run_at_target(days[1], "success"), run_at_target(days[2], "failed")]
    ran(migration, *made)
    assert len(migration.data("restore")["standIns"]) == 3
    date = str(days[3].date())
    with live:
        live.wait_for(lambda: source.one(WAITING, (days[3],)) == 2, "the next run")
        live.wait_for(lambda: looked_at(source, days[3]), "the scheduler's look")
        first = looked_at(source, days[3])
        live.wait_for(lambda: looked_at(source, days[3]) > first, "a further look")
        assert live.counted() == {}
        made_runs = source.sql("SELECT run_id, state FROM dag_run ORDER BY execution_date")
        assert made_runs[:3] == [(one["runId"], one["state"]) for one in made] and len(made_runs) == 4
        done = subprocess.run([world.pythons[version], "-c", SET_QUEUED, made[2]["runId"]], env=live.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        live.wait_for(lambda: live.counted().get("second " + date) == 1, "the next run's end")
        assert live.complaints() == [], live.tail()
    failed = str(days[2].date())
    assert live.counted() == dict.fromkeys(["first " + failed, "second " + failed, "first " + date, "second " + date], 1)
    assert "first {}|narrow".format(failed) in live.lines.read_text()
    assert source.sql("SELECT state FROM dag_run WHERE run_id = %s", (made[2]["runId"],)) == [("success",)]
    source.close()
