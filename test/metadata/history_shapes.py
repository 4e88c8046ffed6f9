"""Every shape of a run and its task instances. All times are fixed, so that two fillings are equal row by row."""

import datetime

from hostile import BLANKS, EMPTY_PICKLE, FOREIGN_OBJECT, HOSTILE, LOOKALIKES, long_id, pickled
from introspected import Run

FINISHED = ("success", "failed", "skipped", "upstream_failed", "removed")
#: Live state → (first version that has it, first that has it no more); None: a task instance that nobody has looked at yet.
LIVE = {
    None: ((1, 10), (3,)),
    "scheduled": ((1, 10), (3,)),
    "queued": ((1, 10), (3,)),
    "running": ((1, 10), (3,)),
    "up_for_retry": ((1, 10), (3,)),
    "up_for_reschedule": ((1, 10), (3,)),
    "shutdown": ((1, 10), (2, 10)),
    "sensing": ((2, 0), (2, 3)),
    "deferred": ((2, 2), (3,)),
    "restarting": ((2, 2), (3,)),
}


def at(day, hour=0, minute=0, microsecond=0):
    return datetime.datetime(2026, 1, day, hour, minute, 0, microsecond, tzinfo=datetime.timezone.utc)


def add_run(filling, dag_id, run_id, when, **values):
    """A run that succeeded, unless `values` say otherwise."""
    run = Run(dag_id, run_id, when)
    filling.insert(
        "dag_run",
        **{
            "dag_id": dag_id,
            "run_id": run_id,
            "execution_date": when,
            "run_type": "scheduled",
            "state": "success",
            "external_trigger": False,
            "start_date": when + datetime.timedelta(hours=1, microseconds=1),
            "end_date": when + datetime.timedelta(hours=2, microseconds=999999),
            "data_interval_start": when,
            "data_interval_end": when + datetime.timedelta(days=1),
            "queued_at": when + datetime.timedelta(minutes=59),
            "last_scheduling_decision": when + datetime.timedelta(hours=2),
            "dag_hash": "f" * 32,
            "creating_job_id": 77,
            "updated_at": when + datetime.timedelta(hours=2),
            "conf": EMPTY_PICKLE,
            "clear_number": 0,
            "log_template_id": filling.environment.one("SELECT max(id) FROM log_template") if filling.has("log_template") else None,
            **values,
        },
    )
    return run


def add_task(filling, run, task_id, map_index=-1, **values):
    """A task instance that succeeded, with a process, a job and every other column that an environment fills."""
    filling.insert(
        "task_instance",
        run,
        **{
            "task_id": task_id,
            "map_index": map_index,
            "state": "success",
            "start_date": run.at + datetime.timedelta(hours=1),
            "end_date": run.at + datetime.timedelta(hours=1, seconds=10),
            "duration": 10.000000000000002,
            "try_number": 1,
            "max_tries": 3,
            "hostname": "ip-10-0-0-1.eu-west-1.compute.internal",
            "unixname": "airflow",
            "job_id": 41,
            "pool": "default_pool",
            "pool_slots": 1,
            "queue": "default",
            "priority_weight": 2,
            "operator": "PythonOperator",
            "queued_dttm": run.at + datetime.timedelta(minutes=59),
            "queued_by_job_id": 40,
            "pid": 4711,
            "executor_config": EMPTY_PICKLE,
            "external_executor_id": "5f0c6c1e-celery",
            "updated_at": run.at + datetime.timedelta(hours=2),
            "custom_operator_name": "@task",
            "task_display_name": task_id,
            "executor": "CeleryExecutor",
            **values,
        },
    )


def add_history(filling):
    _daily(filling)
    _states(filling)
    _ids(filling)
    _values(filling)
    _mapped(filling)
    _ours(filling)


def _daily(filling):
    for day in range(1, 6):
        run = add_run(
            filling, "daily", "scheduled__2026-01-0{}T00:00:00+00:00".format(day), at(day), state="failed" if day == 3 else "success"
        )
        for task in ("extract", "load"):
            add_task(filling, run, task, state="failed" if day == 3 and task == "load" else "success", try_number=4 if day == 3 else 1)


def _states(filling):
    """A finished run with each final state, and runs in flight with every state."""
    run = add_run(filling, "states", "scheduled__2026-01-01T00:00:00+00:00", at(1))
    for state in FINISHED:
        add_task(filling, run, state, state=state)
    for day, state in ((2, "running"), (3, "queued"), (4, None)):
        run = add_run(filling, "states", "scheduled__2026-01-0{}T00:00:00+00:00".format(day), at(day), state=state, end_date=None)
        for live, (since, until) in LIVE.items():
            if since <= filling.version < until:
                for tries in (0, 1, 2):
                    add_task(filling, run, "{}_{}".format(live, tries), state=live, try_number=tries, end_date=None)
        add_task(filling, run, "done", state="success", try_number=2)
        add_task(filling, run, "no_numbers", state=None, try_number=None, max_tries=None, priority_weight=None)
    if filling.has("trigger"):
        _deferred(filling, run)


def _deferred(filling, run):
    kwargs = {"__var": {"delta": 5}, "__type": "dict"}
    if filling.columns["trigger"]["kwargs"] == "text":  # from 2.9 on
        kwargs = filling.encrypted('{"delta": 5}')
    trigger = filling.insert(
        "trigger", classpath="airflow.triggers.temporal.TimeDeltaTrigger", kwargs=kwargs, created_date=at(4, 1), triggerer_id=None
    )
    filling.environment.sql("UPDATE task_instance SET trigger_id = %s WHERE state = 'deferred'", (trigger,))
    add_task(
        filling,
        run,
        "waits",
        state="deferred",
        trigger_id=trigger,
        trigger_timeout=at(9).replace(tzinfo=None),
        next_method="execute_complete",
        next_kwargs={"__var": {"event": HOSTILE.replace("\u0000", "")}, "__type": "dict"},
        end_date=None,
    )


def _ids(filling):
    """Types of runs by id and by column, the longest ids, ids that look like something else."""
    of_type = (
        ("backfill", "backfill_2026-01-01T00:00:00+00:00", 1),
        ("backfill", "backfill__2026-01-02T00:00:00+00:00", 2),
        ("manual", "manual__2026-01-03T04:05:06.789012+00:00", 3),
        ("manual", "trig__2026-01-04T00:00:00+00:00", 4),
        ("manual", "backfil", 5),
        ("scheduled", "scheduled by hand", 6),
        ("backfill", "backfilled once", 7),
        ("manual", "scheduled_", 8),
        ("manual", HOSTILE[:200], 9),
        ("manual", "", 10),
        ("manual", BLANKS, 11),
        ("manual", long_id("_run"), 12),
    )
    for kind, run_id, day in of_type:
        run = add_run(filling, "types", run_id, at(day, 4, 5, day), run_type=kind, external_trigger=kind == "manual")
        add_task(filling, run, "only")
    if filling.version >= (2, 4):
        add_run(filling, "types", "dataset_triggered__2026-01-20T00:00:00+00:00", at(20), run_type="dataset_triggered")
    for dag_id, task_id in (
        (long_id("_dag"), long_id("_task")),
        (HOSTILE[:200], HOSTILE[:190]),
        ("daily.sub\u00e9", "group.inner.t"),
        ("NULL", "\\N"),
    ):
        # The same id and date as a run of another DAG.
        run = add_run(filling, dag_id, "scheduled__2026-01-01T00:00:00+00:00", at(1))
        add_task(filling, run, task_id)
        add_task(filling, run, " " + task_id[:200])


def _values(filling):
    """NULL against empty, and values at their limits, in each column that takes them."""
    big = {"rows": ["{:08d}".format(number) for number in range(95_000)]}  # 1 MB as a pickle
    confs = (None, EMPTY_PICKLE, pickled({}), pickled({"text": HOSTILE, "when": at(1)}), pickled(big), b"\x80\x02K\x00.")
    for day, conf in enumerate(confs, 1):
        run = add_run(filling, "values", "manual__{}".format(day), at(day, 6), conf=conf, run_type="manual", external_trigger=True)
        for name, value in (("null", None), ("empty", ""), ("hostile", HOSTILE[:240])):
            texts = dict.fromkeys(("hostname", "unixname", "queue", "operator", "custom_operator_name", "task_display_name"), value)
            add_task(filling, run, name, executor=value, external_executor_id=value, rendered_map_index=value, **texts)
    bare = (
        "start_date",
        "end_date",
        "queued_at",
        "last_scheduling_decision",
        "dag_hash",
        "creating_job_id",
        "updated_at",
        "external_trigger",
    )
    run = add_run(
        filling, "values", "bare", at(20, 6), run_type="manual", **dict.fromkeys(bare + ("data_interval_start", "data_interval_end"))
    )
    nothing = (
        "start_date",
        "end_date",
        "duration",
        "try_number",
        "max_tries",
        "job_id",
        "pid",
        "queued_dttm",
        "queued_by_job_id",
        "updated_at",
    )
    add_task(filling, run, "nothing", **dict.fromkeys(nothing + ("priority_weight", "executor_config")))
    for number, duration in enumerate((0.0, -0.0, 0.1 + 0.2, 1e-308, 1.7976931348623157e308, float("nan"), float("inf"), -1.5)):
        add_task(filling, run, "duration_{}".format(number), duration=duration)
    for number, moment in enumerate(
        (
            datetime.datetime(1, 1, 1, tzinfo=datetime.timezone.utc),
            datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=datetime.timezone.utc),
        )
    ):
        add_task(filling, run, "moment_{}".format(number), start_date=moment, end_date=moment)
    add_task(filling, run, "pickles", executor_config=pickled({"KubernetesExecutor": {"image": HOSTILE, "request_cpu": 0.5}}))
    add_task(filling, run, "foreign", executor_config=FOREIGN_OBJECT)
    for number, text in enumerate(LOOKALIKES):
        add_task(filling, run, "lookalike_{}".format(number), hostname=text, operator=text)
    if filling.has("dag_run", "clear_number"):
        add_run(filling, "values", "cleared", at(21, 6), clear_number=3)
    if filling.has("log_template"):
        old = filling.insert("log_template", filename="{{ ti.dag_id }}/old.log", elasticsearch_id="old", created_at=at(1))
        add_run(filling, "values", "old template", at(22, 6), log_template_id=old)
        filling.environment.sql("UPDATE log_template SET created_at = '2025-01-01' WHERE id <> %s", (old,))


def _mapped(filling):
    """Expanded, unexpanded, expanded to nothing, and with labels."""
    run = add_run(filling, "mapped", "scheduled__2026-01-01T00:00:00+00:00", at(1))
    add_task(filling, run, "source")
    for index in range(3):
        add_task(filling, run, "each", index, rendered_map_index="row {}".format(index) if index else None)
    add_task(filling, run, "none", state="skipped")
    run = add_run(filling, "mapped", "scheduled__2026-01-02T00:00:00+00:00", at(2), state="running", end_date=None)
    add_task(filling, run, "source")
    add_task(filling, run, "each", state=None, try_number=0)


def _ours(filling):
    """What a migration leaves of itself in the source: it stays there."""
    for number, dag_id in enumerate(("db_export", "db_import", "db_export_12")):
        run = add_run(filling, dag_id, "export-1-1", at(25, number), run_type="manual", state="running" if number == 0 else "success")
        add_task(filling, run, "run", state="running" if number == 0 else "success")
    # Not ours: only named alike.
    run = add_run(filling, "db_export_all", "export-1-1", at(25, 5), run_type="manual")
    add_task(filling, run, "run")
