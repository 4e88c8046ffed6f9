"""history-days: which runs move all the same, and that finding them takes no search per run."""

import history


def moved(migration, days=30):
    migration.metadata.update(historyDays=days)
    manifest = migration.export()
    migration.data("import")
    return manifest, migration.target.sql("SELECT dag_id, execution_date::date::text FROM dag_run ORDER BY 1, 2")


def set_state(source, dag_id, date, state="running", run_type=None):
    assert source.sql(
        "UPDATE dag_run SET state = %s, run_type = coalesce(%s, run_type) WHERE dag_id = %s AND execution_date = %s",
        (state, run_type, dag_id, date),
    )


def test_what_lies_behind_a_run_in_flight_moves_and_the_one_before_it(migration):
    """Before: tasks with depends_on_past look there. Behind a scheduled one: the scheduler would make again what the filter left out."""
    source = migration.source
    for dag_id, run_type in (("cut", "scheduled"), ("by_hand", "manual"), ("quiet", "scheduled")):
        history.add_runs(source, dag_id, 7, first="2020-01-01", run_type=run_type)
    set_state(source, "cut", "2020-01-03")
    set_state(source, "cut", "2020-01-06", "queued")
    set_state(source, "by_hand", "2020-01-03")
    _, found = moved(migration)
    assert found == [
        ("by_hand", "2020-01-02"),
        ("by_hand", "2020-01-03"),
        ("cut", "2020-01-02"),
        ("cut", "2020-01-03"),
        ("cut", "2020-01-04"),
        ("cut", "2020-01-05"),
        ("cut", "2020-01-06"),
        ("cut", "2020-01-07"),
        ("quiet", "2020-01-07"),
    ]
    assert migration.target.one("SELECT count(*) FROM task_instance") == 2 * len(found)


def test_the_one_before_is_the_automated_one_too(migration):
    """With catchup Airflow asks the automated run before, without the one before of any type."""
    source = migration.source
    history.add_runs(source, "mixed", 9, first="2020-01-01")
    for day in ("03", "04", "06", "08"):
        set_state(source, "mixed", "2020-01-" + day, "success", "manual")
    set_state(source, "mixed", "2020-01-08", "running")
    set_state(source, "mixed", "2020-01-04", "running")
    # Newest automated: 9. Of 8: 7, automated. Of 4: 3, and the automated 2.
    assert [date[-1] for _, date in moved(migration)[1]] == ["2", "3", "4", "7", "8", "9"]


def test_the_first_run_ever_has_none_before_it(migration):
    history.add_runs(migration.source, "young", 2, first="2020-01-01")
    history.add_runs(migration.source, "older", 1, first="2019-01-01", run_type="manual")
    set_state(migration.source, "young", "2020-01-01")
    manifest, found = moved(migration)
    assert found == [("young", "2020-01-01"), ("young", "2020-01-02")]
    assert next(table["leftOut"] for table in manifest["tables"] if table["name"] == "dag_run") == {"older than metadata.history-days": 1}


#: Runs of one DAG; every search per run would pass over half of them.
MANY = 3000


def test_no_run_searches_its_dags_history(migration):
    """PostgreSQL's own count of the rows it looked at, of a DAG whose newest run is in flight, and another that never has one."""
    source = migration.source
    for dag_id in ("busy", "calm"):
        source.sql(
            "INSERT INTO dag_run (dag_id, execution_date, run_id, run_type, state, external_trigger) SELECT %s, d, 'r' || n, 'scheduled', "
            "'success', false FROM generate_series(1, %s) n, LATERAL (SELECT '2000-01-01'::timestamptz + n * interval '5 minutes') x(d)",
            (dag_id, MANY),
        )
    source.sql("UPDATE dag_run SET state = 'running' WHERE dag_id = 'busy' AND run_id = %s", ("r%d" % MANY,))
    source.sql(
        "INSERT INTO task_instance (dag_id, task_id, run_id, map_index, state, try_number, max_tries, pool, pool_slots) "
        "SELECT dag_id, 't', run_id, -1, 'success', 1, 0, 'default_pool', 1 FROM dag_run"
    )
    before = looked_at(source)
    migration.metadata.update(historyDays=30)
    manifest = migration.export()
    assert next(table["rows"] for table in manifest["tables"] if table["name"] == "task_instance") == 3
    # Each table is read a few times (counting, counting of what dangles, writing), each run looked up once per row at most.
    assert looked_at(source) - before < 20 * 2 * MANY


def looked_at(environment):
    """Rows of dag_run that any plan has read, by scans and by indexes; statistics come when a backend ends or idles."""
    environment.sql("SELECT pg_stat_force_next_flush()")
    environment.sql("SELECT pg_stat_clear_snapshot()")
    return environment.one(
        "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables WHERE relname = 'dag_run'"
    )
