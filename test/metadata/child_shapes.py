"""Every shape of what hangs below a run or a task instance, and what has nothing to hang on."""

import datetime
import json

from hostile import ALL_BYTES, FOREIGN_OBJECT, HOSTILE, LOOKALIKES, UNICODE, long_id, pickled
from history_shapes import add_task, at
from introspected import Run

DAILY = Run("daily", "scheduled__2026-01-01T00:00:00+00:00", at(1))
LATER = Run("daily", "scheduled__2026-01-02T00:00:00+00:00", at(2))
MAPPED = Run("mapped", "scheduled__2026-01-01T00:00:00+00:00", at(1))
IN_FLIGHT = Run("mapped", "scheduled__2026-01-02T00:00:00+00:00", at(2))
LONGEST = Run(long_id("_dag"), "scheduled__2026-01-01T00:00:00+00:00", at(1))
OURS = Run("db_export", "export-1-1", at(25))
#: Rows that name it name no run.
NOWHERE = Run("daily", "scheduled__2019-01-01T00:00:00+00:00", at(1).replace(year=2019))


def add_children(filling):
    _xcoms(filling)
    _rendered(filling)
    _fails_and_reschedules(filling)
    _notes_and_tries(filling)
    _audit(filling)
    _misses(filling)
    if filling.version < (2, 3):
        add_dangling(filling)


def _xcom(filling, run, key, value, task_id="extract", map_index=-1, second=0):
    stamp = run.at + datetime.timedelta(hours=2, seconds=second, microseconds=7)
    filling.insert("xcom", run, task_id=task_id, key=key, value=value, map_index=map_index, timestamp=stamp)


def _xcoms(filling):
    json_of_2_mb = b'{"rows": [' + b", ".join(b'"%08d"' % number for number in range(180_000)) + b"]}"
    values = (
        ("return_value", b'{"text": "\\u00e9\\ud83d\\ude80", "n": [1, 2.5, null]}'),
        ("plain", json.dumps(UNICODE, ensure_ascii=False).encode()),
        ("none", b"null"),
        ("null", None),
        ("empty", b""),
        ("all bytes", ALL_BYTES),
        ("pickled", pickled({"when": at(1), "rows": [HOSTILE]})),
        ("pickled object", FOREIGN_OBJECT),
        ("not a number", b"[NaN, Infinity, -Infinity]"),
        ("null character", b'"\\u0000"'),
        ("2 MB", json_of_2_mb),
        (HOSTILE[:500], b"1"),
        ("k" * 512, b"2"),
    )
    for number, (key, value) in enumerate(values):
        _xcom(filling, DAILY, key, value, second=number)
    for text in LOOKALIKES:
        _xcom(filling, LATER, text, b'"lookalike"')
    _xcom(filling, DAILY, "return_value", b'"of another task"', "load")
    _xcom(filling, LONGEST, "return_value", b"3", long_id("_task"))
    _xcom(filling, IN_FLIGHT, "return_value", b"[1, 2]", "source")
    _xcom(filling, OURS, "return_value", b"4", "run")
    for index in range(3):
        _xcom(filling, MAPPED, "return_value", b"%d" % index, "each", index)


def _rendered(filling):
    fields = ({"op": HOSTILE, "n": None}, {}, {"": "a text"}, {"n": [1, 2.50, 1e300]}, {"a": {"b": ["\u00e9", ""]}})
    for day, field in enumerate(fields, 1):
        run = Run("daily", "scheduled__2026-01-0{}T00:00:00+00:00".format(day), at(day))
        pod = {"metadata": {"name": HOSTILE}} if day == 1 else None
        filling.insert("rendered_task_instance_fields", run, task_id="extract", map_index=-1, rendered_fields=field, k8s_pod_yaml=pod)
    filling.insert("rendered_task_instance_fields", MAPPED, task_id="each", map_index=1, rendered_fields={"n": 1})
    filling.insert("rendered_task_instance_fields", OURS, task_id="run", map_index=-1, rendered_fields={})
    for run, keys in ((MAPPED, None), (IN_FLIGHT, ["a", HOSTILE])):
        filling.insert("task_map", run, task_id="source", map_index=-1, length=3 if keys is None else 2, keys=keys)
    filling.insert("task_map", MAPPED, task_id="none", map_index=-1, length=0, keys=[])


def _fails_and_reschedules(filling):
    failed = Run("daily", "scheduled__2026-01-03T00:00:00+00:00", at(3))
    for hour in (1, 1, 2):  # Two are equal in every column.
        times = {"start_date": at(3, hour), "end_date": at(3, hour, 1), "duration": 60}
        filling.insert("task_fail", failed, task_id="load", map_index=-1, **times)
        filling.insert("task_reschedule", failed, task_id="load", map_index=-1, try_number=hour, reschedule_date=at(3, hour, 5), **times)
    filling.insert("task_fail", failed, task_id="load", map_index=-1, start_date=None, end_date=None, duration=None)
    filling.insert("task_fail", MAPPED, task_id="each", map_index=2, start_date=at(1, 1), end_date=None, duration=None)
    filling.insert("task_fail", OURS, task_id="run", map_index=-1, start_date=at(25))


def _notes_and_tries(filling):
    user = None
    if filling.has("dag_run_note"):
        names = dict.fromkeys(("first_name", "last_name", "username", "email"), "writer")
        user = filling.insert("ab_user", active=True, password="x", **names)
    for run, content in ((DAILY, HOSTILE[:400]), (LATER, ""), (IN_FLIGHT, None), (LONGEST, "n" * 1000)):
        times = {"created_at": at(5), "updated_at": at(6, microsecond=1)}
        note = {"content": content, "user_id": user if run is DAILY else None, **times}
        if filling.has("dag_run_note"):
            filling.insert("dag_run_note", dag_run_id=filling.run_number(run), **note)
        task = {DAILY: "extract", LATER: "load", IN_FLIGHT: "source", LONGEST: long_id("_task")}[run]
        filling.insert("task_instance_note", run, task_id=task, map_index=-1, **note)
    filling.insert("task_instance_note", MAPPED, task_id="each", map_index=1, content="of one row", created_at=at(5), updated_at=at(5))
    old_tries = {"pool": "default_pool", "pool_slots": 1, "max_tries": 3, "executor_config": FOREIGN_OBJECT, "job_id": 41, "pid": 1}
    for number, state in ((1, "failed"), (2, "restarting"), (3, None)):
        run = Run("daily", "scheduled__2026-01-03T00:00:00+00:00", at(3))
        texts = {"hostname": HOSTILE[:300], "operator": "", "queue": None, "task_display_name": HOSTILE[:300]}
        tried = {"try_number": number, "state": state, "start_date": at(3, number), "end_date": at(3, number, 1), "duration": 0.1 + 0.2}
        filling.insert("task_instance_history", run, task_id="load", map_index=-1, updated_at=at(3, 5), **texts, **tried, **old_tries)
    filling.insert("task_instance_history", MAPPED, task_id="each", map_index=1, try_number=1, state="failed", **old_tries)
    filling.insert("task_instance_history", OURS, task_id="run", map_index=-1, try_number=1, state="failed", **old_tries)


def _audit(filling):
    for number, text in enumerate(LOOKALIKES):
        filling.insert(
            "log", DAILY, dttm=at(1, 1, number), task_id="extract", event="e{}".format(number), owner=text, extra=text, map_index=-1
        )
    same = {"dttm": at(2), "event": "cli_scheduler", "owner": "root", "extra": HOSTILE}
    for _ in range(3):  # Equal in every column but the id.
        filling.insert("log", dag_id=None, task_id=None, execution_date=None, **same)
    filling.insert("log", dttm=None, dag_id=None, event="", owner=None, extra=None)
    filling.insert("log", NOWHERE, dttm=at(3), task_id="gone", event="running", owner="airflow", extra=None)
    filling.insert("log", Run("never parsed", "no run", at(4)), dttm=at(4), task_id="t", event="x" * 30, owner="o" * 500, extra="{}")
    filling.insert("log", OURS, dttm=at(25), task_id="run", event="running", owner="mwaa-migrate", extra=None)
    names = {"owner_display_name": HOSTILE[:300], "try_number": 2, "map_index": 1}
    filling.insert("log", MAPPED, dttm=at(5), task_id="each", event="success", owner="airflow", extra=None, **names)
    for number, kind in enumerate(("SchedulerJob", "LocalTaskJob", "BackfillJob")):
        times = {"start_date": at(1), "end_date": None if number == 0 else at(2), "latest_heartbeat": at(2)}
        named = {"dag_id": None if number == 0 else "daily", "state": "running" if number == 0 else "success"}
        filling.insert("job", job_type=kind, executor_class="CeleryExecutor", hostname=HOSTILE[:300], unixname="", **times, **named)


def _misses(filling):
    said = {"timestamp": at(3), "email_sent": True, "notification_sent": False}
    filling.insert("sla_miss", task_id="load", dag_id="daily", execution_date=at(1), description=HOSTILE, **said)
    filling.insert("sla_miss", task_id="gone", dag_id="gone", execution_date=at(1), description=None, timestamp=None, email_sent=None)
    filling.insert("sla_miss", task_id="run", dag_id="db_export", execution_date=at(25), description="", **said)


def add_dangling(filling):
    """What older versions let stand: task instances whose run was deleted, and children without their task instance."""
    if filling.version < (2, 2):
        add_task(filling, NOWHERE, "dangling")
        filling.insert(
            "task_reschedule",
            NOWHERE,
            task_id="dangling",
            try_number=1,
            duration=1,
            **dict.fromkeys(("start_date", "end_date", "reschedule_date"), at(1)),
        )
        add_task(filling, Run("no such dag", "none", at(1)), HOSTILE[:200])
    for run, task_id in ((NOWHERE, "dangling"), (NOWHERE, "gone"), (DAILY, "cleared")):
        _xcom(filling, run, "return_value", b'"kept"', task_id)
        filling.insert("rendered_task_instance_fields", run, task_id=task_id, rendered_fields={"text": HOSTILE})
        filling.insert("task_fail", run, task_id=task_id, start_date=at(1), end_date=at(2), duration=1)
    if filling.version < (2, 0):
        for second, value in ((1, b'"older"'), (9, b'"newest, lower id"'), (9, b'"newest"'), (5, b'"between"')):
            _xcom(filling, LATER, "twice", value, second=second)
        _xcom(filling, LATER, None, b'"no key"')
        _xcom(filling, DAILY, "twice", b'"of a run of its own"')
    if filling.version < (2, 2):
        for number, missing in enumerate(("dag_id", "run_id", "execution_date")):
            named = {"dag_id": "halves", "run_id": "half {}".format(number), "execution_date": at(10 + number), missing: None}
            filling.insert("dag_run", state="success", run_type="manual", external_trigger=False, **named)
