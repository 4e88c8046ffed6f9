"""Every shape of a pool, variable, connection, DAG and dataset."""

from hostile import BLANKS, HOSTILE, long_id
from history_shapes import at
from introspected import Run

#: A DAG of the source whose file the target does not have (migrating.py); a dataset waits for it.
UNKNOWN_TO_TARGET = "not on the target"


def add_settings(filling):
    filling.environment.sql("UPDATE slot_pool SET slots = 42 WHERE pool = 'default_pool'")
    for pool, slots, description in (("narrow", 3, HOSTILE), ("p" * 50, 0, None), (HOSTILE[:50], -1, ""), ("unsaid", None, None)):
        filling.insert("slot_pool", pool=pool, slots=slots, description=description, include_deferred=slots == 3)
    if filling.version >= (2, 1):
        filling.insert("slot_pool", pool="w" * 256, slots=1, include_deferred=True)
    _variables(filling)
    _connections(filling)
    for dag_id in ("daily", "states", "mapped", long_id("_dag"), "db_export", "consumer", UNKNOWN_TO_TARGET):
        add_dag_row(filling, dag_id)


def _variables(filling):
    for key, text in (("plain", "value \u00e9"), ("hostile", HOSTILE), ("empty", ""), (HOSTILE[:250], "k"), ("v" * 250, "w" * 100_000)):
        filling.insert(
            "variable", key=key, val=filling.encrypted(text), is_encrypted=True, description=HOSTILE if key == "hostile" else None
        )
    filling.insert("variable", key="never encrypted", val=HOSTILE, is_encrypted=False, description="")
    filling.insert("variable", key="null", val=None, is_encrypted=False)
    filling.insert("variable", key="of an older key", val="gAAAAABmadeelsewhere", is_encrypted=True)


def _connections(filling):
    whole = {"host": "db.example.com", "schema": "public", "login": "user", "port": 5432, "description": HOSTILE}

    def add(conn_id, secret, more, **values):
        sealed = {"password": secret and filling.encrypted(secret), "extra": more and filling.encrypted(more)}
        flags = {"is_encrypted": bool(secret), "is_extra_encrypted": bool(more)}
        filling.insert("connection", conn_id=conn_id, **{"conn_type": "postgres", **sealed, **flags, **values})

    add("warehouse", "pa:ss/w@rd \u00e9", '{"sslmode": "require"}', **whole)
    add("hostile", HOSTILE, HOSTILE, host=HOSTILE[:400], schema=HOSTILE[:400], login=HOSTILE[:400])
    add("bare", None, None)
    add("empties", "", "", host="", schema="", login="", port=0)
    add("never encrypted", None, None, password="in clear", extra='{"a": 1}')
    add(HOSTILE[:250], "x", None, conn_type="")
    if filling.version < (2, 0):
        for number in range(3):  # 1.10 takes one of them by chance
            add("twice", "password {}".format(number), None, host="host-{}".format(number))
        add("untyped", "x", None, conn_type=None)
        add(None, "x", None)


def add_dag_row(filling, dag_id):
    times = {"next_dagrun": at(6), "next_dagrun_create_after": at(7), "next_dagrun_data_interval_start": at(6)}
    limits = {"concurrency": 16, "max_active_tasks": 16, "max_active_runs": 16, "has_task_concurrency_limits": False}
    limits["max_consecutive_failed_dag_runs"] = 0
    flags = {"is_paused": False, "is_active": True, "is_subdag": False, "has_import_errors": False, "scheduler_lock": False}
    filling.insert("dag", dag_id=dag_id, fileloc="/x.py", owners="o", next_dagrun_data_interval_end=at(7), **times, **limits, **flags)


def add_datasets(filling):
    """After the runs: those of a dataset name their events."""
    if not filling.has("dataset"):
        return
    event_of = {}
    made = {"created_at": at(1), "updated_at": at(1)}
    for uri in ("s3://bucket/a", "s3://bucket/\u00e9 b", "s3://bucket/" + "u" * 2900, "never-produced"):
        dataset = filling.insert("dataset", uri=uri, extra={"x": 1} if uri.endswith("a") else {}, is_orphaned=False, **made)
        filling.insert("dag_schedule_dataset_reference", dataset_id=dataset, dag_id="consumer", **made)
        for queue in ("consumer", UNKNOWN_TO_TARGET):
            if uri.endswith(("a", " b")):
                filling.insert("dataset_dag_run_queue", dataset_id=dataset, target_dag_id=queue, created_at=at(4, microsecond=len(uri)))
        if uri == "never-produced":
            continue
        for number in range(3):  # The last two are equal in every column.
            source = {"source_dag_id": "daily", "source_task_id": "load", "source_run_id": BLANKS, "source_map_index": -1}
            moment = at(3, min(number, 1))
            event_of[uri, number] = filling.insert("dataset_event", dataset_id=dataset, extra={"n": HOSTILE}, timestamp=moment, **source)
        filling.insert("dataset_event", dataset_id=dataset, extra={}, timestamp=at(3), source_map_index=-1)
    run = Run("types", "dataset_triggered__2026-01-20T00:00:00+00:00", at(20))
    for (_, number), event in event_of.items():
        if number != 1:
            filling.insert("dagrun_dataset_event", dag_run_id=filling.run_number(run), event_id=event)
