"""Rows on the source for runs that the target made between cutover and rollback: without them their intervals would run twice."""
import json
import pickle
import zlib

from _parts.database import columns_of, names, quoted

#: What the UI shows as the run's conf, so that a run without tasks explains itself.
STAND_IN_CONF = {"mwaa-migrate": "this interval ran on the target environment, between cutover and rollback"}
#: Protocol 4: every Python from 3.4 on reads it.
PICKLE_PROTOCOL = 4


def stand_in_bytes(value):
    return pickle.dumps(value, protocol=PICKLE_PROTOCOL)


def add_stand_ins(cursor, dag_id, ran):
    """A finished run for each scheduled one that the target made; the scheduler computes the next run from the newest. Returns how many are new.

    A run of the source of the same id or logical date is left as it is.
    """
    there = names(columns_of(cursor, "dag_run"))
    added = 0
    for run in ran:
        if run["kind"] != "new" or run["runType"] != "scheduled":
            continue
        state = "success" if run["state"] == "success" else "failed"
        values = {"dag_id": dag_id, "run_id": run["runId"], "execution_date": run["logicalDate"], "run_type": "scheduled", "state": state,
                  "external_trigger": False, "data_interval_start": run["intervalStart"], "data_interval_end": run["intervalEnd"],
                  "conf": stand_in_bytes(STAND_IN_CONF), "clear_number": 0}
        times = ("queued_at", "start_date", "end_date", "updated_at")
        columns = [name for name in values if name in there]
        expressions = ["%s"] * len(columns) + ["now()" for name in times if name in there]
        if "log_template_id" in there:
            expressions.append("(SELECT max(id) FROM log_template)")
        cursor.execute("INSERT INTO dag_run ({}) VALUES ({}) ON CONFLICT DO NOTHING".format(
            ", ".join(columns + [name for name in times + ("log_template_id",) if name in there]), ", ".join(expressions)),
            [values[name] for name in columns])
        if cursor.rowcount:
            added += 1
            _add_tasks(cursor, dag_id, run, state)
    return added


def _add_tasks(cursor, dag_id, run, state):
    """Only for tasks that depend on their past: the next run's would wait for ever for one that the run before has no row of."""
    there = names(columns_of(cursor, "task_instance"))
    for task_id in _tasks_of_the_past(cursor, dag_id):
        values = {"dag_id": dag_id, "task_id": task_id, "run_id": run["runId"], "execution_date": run["logicalDate"], "map_index": -1, "state": state,
                  "try_number": 1, "max_tries": 0, "pool": "default_pool", "pool_slots": 1, "priority_weight": 1, "hostname": "", "unixname": "",
                  "duration": 0, "executor_config": stand_in_bytes({})}
        times = ("start_date", "end_date", "updated_at")
        columns = [name for name in values if name in there]
        cursor.execute("INSERT INTO task_instance ({}) VALUES ({}) ON CONFLICT DO NOTHING".format(
            ", ".join(quoted(name) for name in columns + [name for name in times if name in there]),
            ", ".join(["%s"] * len(columns) + ["now()" for name in times if name in there])), [values[name] for name in columns])


def _tasks_of_the_past(cursor, dag_id):
    """Ids of the tasks with depends_on_past, as the serialized DAG says; Airflow leaves the value out where it is false."""
    there = names(columns_of(cursor, "serialized_dag"))
    if not there:
        return []
    cursor.execute("SELECT data::text, {} FROM serialized_dag WHERE dag_id = %s".format("data_compressed" if "data_compressed" in there else "NULL"), (dag_id,))
    row = cursor.fetchone()
    text = row and (row[0] or (row[1] and zlib.decompress(bytes(row[1])).decode("utf-8")))
    if not text:
        return []
    tasks = [task.get("__var", task) for task in json.loads(text)["dag"]["tasks"]]  # 2.9 and newer wrap each
    return sorted(task["task_id"] for task in tasks if task.get("depends_on_past") or _unwrapped(task.get("partial_kwargs", {})).get("depends_on_past"))


def _unwrapped(value):
    return value.get("__var", value)


def stand_ins_of(cursor, ran):
    """RunName of those that stand now."""
    made = [one for one in ran if one["kind"] == "new" and one["runType"] == "scheduled"]
    if not made:
        return []
    cursor.execute("SELECT r.dag_id, r.run_id FROM dag_run r WHERE r.conf = %s AND (r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[])) "
                   "ORDER BY r.dag_id, r.execution_date", (stand_in_bytes(STAND_IN_CONF), [one["dagId"] for one in made], [one["runId"] for one in made]))
    return [{"dagId": row[0], "runId": row[1]} for row in cursor.fetchall()]
