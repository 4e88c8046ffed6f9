"""Rows on the source for runs that the target made between cutover and rollback: without them their intervals would run twice."""
import json
import pickle
import zlib

from _parts.activity import task_link
from _parts.database import columns_of, names, quoted

#: What the UI shows as the run's conf, so that a run without tasks explains itself.
STAND_IN_CONF = {"mwaa-migrate": "this interval ran on the target environment, between cutover and rollback"}
#: Protocol 4: every Python from 3.4 on reads it.
PICKLE_PROTOCOL = 4


def stand_in_bytes(value):
    return pickle.dumps(value, protocol=PICKLE_PROTOCOL)


def stands_in(run):
    """Whether this run of protocol.ts RanOnTarget has to stand on the source: what its scheduler would make itself."""
    return run["kind"] == "new" and run["runType"] == "scheduled"


def add_stand_ins(cursor, dag_id, runs, task_ids):
    """A finished run for each; the scheduler computes the next run from the newest. Returns how many are new.

    A run of the source of the same id or logical date is left as it is. A failed one has no task at all: it holds up tasks that depend on
    their past as a failed task would, and the scheduler makes its tasks when somebody queues it [ran, 2.7.2, 2.10.3].

    :param runs: of this DAG, that stand in.
    :param task_ids: tasks_awaited(): they stand in the successful ones.
    """
    if not runs:
        return 0
    there = names(columns_of(cursor, "dag_run"))
    expressions = dict({name: "now()" for name in ("queued_at", "start_date", "end_date", "updated_at")}, dag_id="c.dag_id", run_id="n.run_id",
                       execution_date="n.logical_date", run_type="'scheduled'", state="n.state", external_trigger="false", conf="c.conf", clear_number="0",
                       data_interval_start="n.interval_start", data_interval_end="n.interval_end", log_template_id="(SELECT max(id) FROM log_template)")
    cursor.execute(
        "INSERT INTO dag_run ({}) SELECT {} FROM (SELECT %s::text AS dag_id, %s::bytea AS conf) AS c CROSS JOIN unnest(%s::text[], %s::timestamptz[], "
        "%s::text[], %s::timestamptz[], %s::timestamptz[]) AS n(run_id, logical_date, state, interval_start, interval_end) "
        "ON CONFLICT DO NOTHING RETURNING run_id".format(*columns_and_values(expressions, there)),
        (dag_id, stand_in_bytes(STAND_IN_CONF), [run["runId"] for run in runs], [run["logicalDate"] for run in runs],
         ["success" if run["state"] == "success" else "failed" for run in runs], [run["intervalStart"] for run in runs],
         [run["intervalEnd"] for run in runs]))
    added = {row[0] for row in cursor.fetchall()}
    _add_tasks(cursor, dag_id, [run for run in runs if run["runId"] in added and run["state"] == "success"], task_ids)
    return len(added)


def _add_tasks(cursor, dag_id, runs, task_ids):
    if not runs or not task_ids:
        return
    there = names(columns_of(cursor, "task_instance"))
    expressions = dict({name: "now()" for name in ("start_date", "end_date", "updated_at")}, dag_id="c.dag_id", task_id="i.task_id",
                       run_id="n.run_id", execution_date="n.logical_date", map_index="-1", state="'success'", try_number="1", max_tries="0",
                       pool="'default_pool'", pool_slots="1", priority_weight="1", hostname="''", unixname="''", duration="0", executor_config="c.config")
    cursor.execute("INSERT INTO task_instance ({}) SELECT {} FROM (SELECT %s::text AS dag_id, %s::bytea AS config) AS c "
                   "CROSS JOIN unnest(%s::text[], %s::timestamptz[]) AS n(run_id, logical_date) CROSS JOIN unnest(%s::text[]) AS i(task_id) "
                   "ON CONFLICT DO NOTHING".format(*columns_and_values(expressions, there)), (
                       dag_id, stand_in_bytes({}), [run["runId"] for run in runs], [run["logicalDate"] for run in runs], task_ids))


def columns_and_values(expressions, there):
    """Both as SQL, of those columns that this Airflow has."""
    picked = [name for name in sorted(expressions) if name in there]
    return ", ".join(quoted(name) for name in picked), ", ".join(expressions[name] for name in picked)


def tasks_awaited(cursor, dag_id):
    """Ids of the tasks of a run that the next run looks for: those with depends_on_past, and what is downstream of those with wait_for_downstream.

    Without rows of them, the next run's tasks would wait for ever (those with wait_for_downstream so in 2.2.2, not in 2.7.2 [source]).
    """
    text = _serialized(cursor, dag_id)
    if not text:
        return _tasks_of_newest_run(cursor, dag_id)
    found = set()
    for task in (_unwrapped(task) for task in json.loads(text)["dag"]["tasks"]):  # 2.9 and newer wrap each
        options = dict(_unwrapped(task.get("partial_kwargs", {})), **task)  # of a mapped task
        if options.get("depends_on_past"):  # Airflow leaves out what is false.
            found.add(task["task_id"])
        if options.get("wait_for_downstream"):
            found.update(_unwrapped(task.get("downstream_task_ids") or task.get("_downstream_task_ids") or ()))
    return sorted(found)


def _serialized(cursor, dag_id):
    there = names(columns_of(cursor, "serialized_dag"))
    if not there:
        return None
    cursor.execute("SELECT data::text, {} FROM serialized_dag WHERE dag_id = %s".format("data_compressed" if "data_compressed" in there else "NULL"), (dag_id,))
    row = cursor.fetchone()
    return row and (row[0] or (row[1] and zlib.decompress(bytes(row[1])).decode("utf-8")))


def _tasks_of_newest_run(cursor, dag_id):
    """All of them, for Airflow forgets what a DAG looks like when its file is gone, if only for a moment."""
    link, _ = task_link(cursor)
    cursor.execute("SELECT DISTINCT t.task_id FROM task_instance t JOIN dag_run r ON {0} WHERE r.id = (SELECT r.id FROM dag_run r WHERE r.dag_id = %s "
                   "AND EXISTS (SELECT 1 FROM task_instance t WHERE {0}) ORDER BY r.execution_date DESC LIMIT 1) "
                   "AND coalesce(t.state, '') <> 'removed' ORDER BY 1".format(link), (dag_id,))
    return [row[0] for row in cursor.fetchall()]


def _unwrapped(value):
    return value.get("__var", value) if isinstance(value, dict) else value


def stand_ins_of(cursor, ran):
    """RunName of those that stand now."""
    made = [one for one in ran if stands_in(one)]
    if not made:
        return []
    cursor.execute("SELECT r.dag_id, r.run_id FROM dag_run r WHERE r.conf = %s AND (r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[])) "
                   "ORDER BY r.dag_id, r.execution_date", (stand_in_bytes(STAND_IN_CONF), [one["dagId"] for one in made], [one["runId"] for one in made]))
    return [{"dagId": row[0], "runId": row[1]} for row in cursor.fetchall()]
