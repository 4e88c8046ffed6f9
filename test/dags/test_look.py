"""What moves in an environment that no REST API reaches, asked from inside; and the user's DAGs that are called as ours are."""

import conftest
import old_history
import pytest

SINCE = "2026-11-20T12:00:00Z"


@pytest.fixture(params=["1.10.12", "2.2.2"])
def looked_at(migrate, request):
    migration = migrate(request.param, conftest.TARGET)
    for dag_id, paused in (("a_active", False), ("b_paused", True), ("db_export", False)):
        old_history.add_dag(migration.source, dag_id, paused)
    old_history.add_dag(migration.source, "c_gone")
    migration.source.sql("UPDATE dag SET is_active = false WHERE dag_id = 'c_gone'")
    migration.source.sql("UPDATE dag SET fileloc = '/dags/mwaa_migrate/db_export.py' WHERE dag_id = 'db_export'")
    old_history.add_run(migration.source, "b_paused", "before", "2026-11-20T11:59:59Z")
    old_history.add_run(migration.source, "b_paused", "after", "2026-11-20T12:00:00Z")
    old_history.add_run(migration.source, "b_paused", "waits", "2026-11-19T00:00:00Z", state="queued", tasks=())
    migration.source.sql("UPDATE dag_run SET start_date = NULL WHERE run_id = 'waits'")
    old_history.add_run(migration.source, "db_export", "look-0-9", "2026-11-20T13:00:00Z", tasks=())
    return migration


def test_look_tells_what_is_active_and_what_began_or_waits_but_nothing_of_ours(looked_at):
    looked_at.since = SINCE
    assert looked_at.data("look") == {
        "activeDags": ["a_active"],
        "began": [{"dagId": "b_paused", "runId": "after"}],
        "queued": [{"dagId": "b_paused", "runId": "waits"}],
    }


def test_preflight_names_the_users_dags_that_are_called_as_ours(looked_at):
    assert looked_at.data("preflight")["namesakes"] == []
    # By its file, and by a run that is none of our commands'.
    old_history.add_dag(looked_at.source, "db_import")
    old_history.add_run(looked_at.source, "db_export", "scheduled__2026-11-18T00:00:00+00:00", "2026-11-18T00:00:00Z", tasks=())
    assert looked_at.data("preflight")["namesakes"] == ["db_export", "db_import"]
