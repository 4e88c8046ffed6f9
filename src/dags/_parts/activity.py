"""What moves in an environment: active DAGs, runs in flight. Used by both sides."""
import json
import zlib

from _parts.database import FINAL_STATES, FINISHED_RUNS, OWN_DAGS, OWN_VARIABLES, columns_of, iso, literal, names, quoted, scalar, text_list
from _parts.patterns import ALL_DAGS, is_taken

#: SQL: the run `r` has not ended.
IN_FLIGHT = "coalesce(r.state, '') NOT IN ({})".format(text_list(FINISHED_RUNS))
#: A scheduler's loop that began before a pause looks at the DAG's runs once more; until it is over, what stands still may yet be queued.
LOOP_SECONDS = 30
#: Names of deferred tasks that a run in flight lists.
SHOWN_DEFERRED = 20

#: SQL: what 1.10 has no column for. By the run id, as Airflow's own upgrade does it, in whose LIKE an underscore is any character.
RUN_TYPE = ("CASE WHEN {0}.run_id ~ '^backfill..' THEN 'backfill' WHEN {0}.run_id ~ '^scheduled..' THEN 'scheduled' "
            "WHEN {0}.run_id ~ '^dataset.triggered..' THEN 'dataset_triggered' ELSE 'manual' END")

NEXT_RUN = ("next_dagrun", "next_dagrun_data_interval_start", "next_dagrun_data_interval_end", "next_dagrun_create_after")


def not_own(column="dag_id"):
    """SQL: the row is not of our own DAGs. A NULL dag_id is nobody's and stays."""
    return "({0} IS NULL OR {0} !~ {1})".format(column, literal(OWN_DAGS))


def is_at_rest(cursor):
    """No run is in flight."""
    return not scalar(cursor, "SELECT EXISTS (SELECT 1 FROM dag_run r WHERE {} AND {})".format(IN_FLIGHT, not_own()))


def next_run_columns(cursor):
    """Those of NEXT_RUN that the environment has (none below 2.0, two below 2.2)."""
    there = names(columns_of(cursor, "dag"))
    return [name for name in NEXT_RUN if name in there]


def active_dags(cursor, paused_too=False):
    """Unpaused and active DAGs without ours as protocol.ts ActiveDag, ordered by id. `paused_too`: all that are active, that is, have a file."""
    there = next_run_columns(cursor)
    picked = ", ".join(name if name in there else "NULL::timestamptz" for name in NEXT_RUN)
    cursor.execute("SELECT dag_id, {} FROM dag WHERE is_active AND {} AND {} ORDER BY dag_id".format(
        picked, "true" if paused_too else "NOT is_paused", not_own()))
    rows = cursor.fetchall()
    catchup = catchup_of(cursor, [row[0] for row in rows])
    return [{"dagId": row[0], "nextDagrun": iso(row[1]), "nextDagrunDataIntervalStart": iso(row[2]),
             "nextDagrunDataIntervalEnd": iso(row[3]), "nextDagrunCreateAfter": iso(row[4]), "catchup": catchup.get(row[0])} for row in rows]


def catchup_of(cursor, dag_ids):
    """dag_id → catchup, as the serialized DAG says. Airflow leaves the value out where it is the environment's default."""
    serialized = names(columns_of(cursor, "serialized_dag"))
    if not serialized:
        return {}
    from airflow.configuration import conf
    default = conf.getboolean("scheduler", "catchup_by_default")
    found = {}
    compressed = "data_compressed" if "data_compressed" in serialized else "NULL"
    for dag_id in dag_ids:  # One at a time: a serialized DAG may have megabytes.
        # Taken apart here: a DAG may hold \\u0000, which PostgreSQL's own JSON functions refuse.
        cursor.execute("SELECT data::text, {} FROM serialized_dag WHERE dag_id = %s".format(compressed), (dag_id,))
        row = cursor.fetchone()
        text = row and (row[0] or (row[1] and zlib.decompress(bytes(row[1])).decode("utf-8")))
        if text:
            found[dag_id] = bool(json.loads(text)["dag"].get("catchup", default))
    return found


def run_type_of(cursor, run):
    """SQL: the type of this alias of dag_run."""
    return run + ".run_type" if "run_type" in names(columns_of(cursor, "dag_run")) else "({})".format(RUN_TYPE.format(run))


def task_link(cursor):
    """SQL that ties the task instance `t` to its run `r`, and of its map index: below 2.2 a task names its run by date, below 2.3 none is mapped."""
    there = names(columns_of(cursor, "task_instance"))
    return ("r.dag_id = t.dag_id AND " + ("r.run_id = t.run_id" if "run_id" in there else "r.execution_date = t.execution_date"),
            "t.map_index" if "map_index" in there else "-1")


def runs_in_flight(cursor, order, ended=(), dags=ALL_DAGS):
    """Runs that have not ended, as protocol.ts InFlightRun and `tasks`: their unfinished task instances.

    :param dict order: the job's `drain`.
    :param ended: what the drain has ended and still stands so (ended.py); listed with their state before.
    :param dags: as patterns.py has them; runs of other DAGs stay behind.
    """
    cursor.execute(
        "SELECT dag_id, run_id, {}, state, start_date, execution_date FROM dag_run r WHERE {} AND {} "
        "ORDER BY dag_id, execution_date, run_id".format(run_type_of(cursor, "r"), IN_FLIGHT, not_own()))
    runs = [{"dagId": row[0], "runId": row[1], "runType": row[2], "state": row[3] or "none", "startDate": iso(row[4]),
             "logicalDate": iso(row[5]), "unfinished": {}, "ended": 0, "deferred": [], "tasks": []} for row in cursor.fetchall()]
    by_key = {(run["dagId"], run["runId"]): run for run in runs}
    link, index = task_link(cursor)
    trigger = "t.next_method IS NOT NULL" if "next_method" in names(columns_of(cursor, "task_instance")) else "false"
    cursor.execute(
        "SELECT r.dag_id, r.run_id, t.task_id, {}, t.state, t.try_number, {} FROM task_instance t JOIN dag_run r ON {} "
        "WHERE {} AND coalesce(t.state, '') <> ALL(%s) AND {}".format(index, trigger, link, IN_FLIGHT, not_own("r.dag_id")), (list(FINAL_STATES),))
    found = {row[:4]: row[4:] + (False,) for row in cursor.fetchall()}
    found.update({(one["dagId"], one["runId"], one["taskId"], one["mapIndex"]): (one["state"], one["tryNumber"], one["hasTrigger"], True) for one in ended})
    for dag_id, run_id, task_id, map_index in sorted(found):
        state, try_number, has_trigger, is_ended = found[dag_id, run_id, task_id, map_index]
        run = by_key[(dag_id, run_id)]
        run["unfinished"][state or "none"] = run["unfinished"].get(state or "none", 0) + 1
        run["ended"] += is_ended
        # One that came back from its trigger was not run since: on the target it would begin anew all the same.
        if (has_trigger or state == "deferred") and len(run["deferred"]) < SHOWN_DEFERRED:
            run["deferred"].append(task_id if map_index < 0 else "{}[{}]".format(task_id, map_index))
        run["tasks"].append({"taskId": task_id, "mapIndex": map_index, "state": state, "tryNumber": try_number})
    for run in runs:
        run["fate"] = _fate(run, order) if is_taken(run["dagId"], dags) else "stays"
    return runs


def _fate(run, order):
    """protocol.ts Fate."""
    if run["runType"] == "backfill":
        return "backfill"
    if order["leftover"] == "fail":
        return "left"
    return "deferred" if run["deferred"] and not order["resumeDeferred"] else "resume"


def without_tasks(run):
    """InFlightRun of protocol.ts: without the single tasks, which only in-flight.json holds."""
    return {key: value for key, value in run.items() if key != "tasks"}


def set_paused(database, dag_ids, paused):
    """Switch DAGs; returns the ids that changed, ordered. DAGs that are gone or inactive do not change."""
    def switch(cursor):
        cursor.execute("UPDATE dag SET is_paused = %s WHERE dag_id = ANY(%s) AND is_active AND is_paused IS DISTINCT FROM %s RETURNING dag_id",
                       (paused, list(dag_ids), paused))
        return sorted(row[0] for row in cursor.fetchall())
    return database.settle(switch)


def preflight_data(database, command):
    """Answer of `preflight` on either side; proves the way to the bucket with one byte first."""
    from airflow import __version__
    import platform
    storage, key = command.storage, command.prefix + "preflight/probe"
    probe = storage.write(key, b"x", "text/plain")
    storage.read_checked(probe, "the probe")
    storage.read_range(key, probe["versionId"], 0, 1)
    storage.remove(key)
    storage.abort_uploads(command.prefix + "preflight/")
    rows = {}
    with database.snapshot() as cursor:
        for table in command.job["tables"]:
            there = names(columns_of(cursor, table["name"]))
            if there:
                rows[table["name"]] = scalar(cursor, "SELECT count(*) FROM {} WHERE {}".format(table["name"], own_filter(table)))
                command.say("counted {}".format(table["name"]), table["name"])
        data = {
            "airflowVersion": __version__, "pythonVersion": platform.python_version(),
            "databaseVersion": scalar(cursor, "SHOW server_version"),
            "alembicHead": scalar(cursor, "SELECT min(version_num) FROM alembic_version"),
            "activeDags": active_dags(cursor),
            "pausedDags": scalar(cursor, "SELECT count(*) FROM dag WHERE is_paused AND is_active AND {}".format(not_own())),
            "importErrors": scalar(cursor, "SELECT count(*) FROM import_error"),
            "rows": rows,
            "runsInFlight": scalar(cursor, "SELECT count(*) FROM dag_run WHERE (state IS NULL OR state NOT IN ({})) AND {}".format(
                text_list(FINISHED_RUNS), not_own())),
        }
        cursor.execute("SELECT pool FROM slot_pool ORDER BY pool")
        data["pools"] = [row[0] for row in cursor.fetchall()]
    return data


def own_filter(table, alias=""):
    """SQL: a row of this catalogue table is not ours."""
    if table["dagColumn"]:
        return not_own(alias + quoted(table["dagColumn"]))
    if table["name"] == "variable":
        return "{}key !~ {}".format(alias, literal(OWN_VARIABLES))
    return "true"
