"""activate after a source of 1.10, whose `dag` says no next run; and of DAGs whose history stayed behind."""

import pytest
from switching import iso
from test_activate import DAY, TWO_STEPS, make_switching, midnight, switching  # noqa: F401


@pytest.fixture(autouse=True)
def files(switching):  # noqa: F811
    names = ("caught_up", "newest_only", "rejected", "new", "once", "left", "named")
    switching.add_file(
        "files",
        "\n".join(TWO_STEPS.format(name, "").replace("as dag", "as " + name) for name in names if name != "once").replace(
            '"newest_only", schedule="@daily", start_date=START, catchup=True',
            '"newest_only", schedule="@daily", start_date=START, catchup=False',
        )
        + '\nwith DAG("once", schedule="@once", start_date=START) as once:\n    task("only")\n',
    )
    switching.parse()


def test_the_run_behind_the_newest_imported_one_is_expected(switching):  # noqa: F811
    switching.source_version = "1.10.12"
    nothing = {"nextDagrun": None, "nextDagrunDataIntervalStart": None, "nextDagrunDataIntervalEnd": None, "nextDagrunCreateAfter": None}
    for dag_id in ("caught_up", "newest_only", "rejected"):
        switching.add_run(dag_id, midnight(-4), interval=DAY)
    switching.add_run("once", midnight(-4))
    # As imported from 1.10: without interval, never queued.
    switching.sql("UPDATE dag_run SET queued_at = NULL, data_interval_start = NULL, data_interval_end = NULL")
    switching.parse()
    switching.parse()
    switching.want("caught_up", "newest_only", "rejected", "new", "once", catchup=None, **nothing)
    # What nobody knows why: the target would begin at the wrong end.
    switching.sql("UPDATE dag SET next_dagrun = %s WHERE dag_id = 'rejected'", (midnight(-10),))
    switching.sql("CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.next_dagrun := OLD.next_dagrun; RETURN NEW; END'")
    switching.sql("CREATE TRIGGER keep BEFORE UPDATE ON dag FOR EACH ROW WHEN (NEW.dag_id = 'rejected') EXECUTE FUNCTION keep()")
    found = switching.activate()
    assert sorted(found["activated"]) == ["caught_up", "new", "newest_only", "once"]
    reasons = {one["dagId"]: one["reason"] for one in found["left"]}
    assert "its next run would be {}, the source's {}".format(iso(midnight(-10)), iso(midnight(-3))) in reasons["rejected"]
    assert {one["dagId"]: one["nextDagrun"] for one in found["next"]} == {
        "caught_up": iso(midnight(-3)),
        "newest_only": iso(midnight(-1)),
        "new": "2026-01-01T00:00:00Z",
        "once": None,
    }
    assert [(one["dagId"], one["count"]) for one in found["missed"]] == [("newest_only", 1)]


def test_a_dag_without_its_history_is_activated_only_when_named(switching):  # noqa: F811
    switching.dags = {"include": [], "exclude": ["left", "name*"]}
    switching.migration.cutover["canary"] = ["named"]
    switching.migration.cutover["canaryMinutes"] = 0
    switching.want("left", "named", "new")
    found = switching.activate()
    assert "named" in switching.activate()["alreadyActive"]
    reasons = {one["dagId"]: one["reason"] for one in found["left"]}
    assert reasons["left"].startswith("metadata.dags leaves its history behind") and "named" not in reasons
    assert not switching.paused()["named"] and switching.paused()["left"]
