"""activate: a DAG is switched on only when its next run is the one the source would have made (design §5)."""
import json
import subprocess
import sys
import time

from _parts.activity import NEXT_RUN, next_run_columns, not_own, set_paused
from _parts.dagfile import AIRFLOW_VERSION
from _parts.database import Database, columns_of, iso, names, scalar

#: Minutes: MWAA scans its DAG folder every few minutes, and a large one takes a while.
PARSE_SECONDS = 900
POLL_SECONDS = 5
#: A DAG that the target sees for the first time gets its next run without a look at the history [ran, 2.10.3]; the second parse has it right.
PARSES = 2


def activate(command):
    """Result data: protocol.ts ActivateData."""
    wanted = _as_of_snapshot(command)
    database = Database()
    try:
        with database.transaction() as cursor:
            begun = scalar(cursor, "SELECT now()")
        states = _states(database, wanted, begun)
        already = [one["dagId"] for one in wanted if one["dagId"] in states and not states[one["dagId"]]["paused"]]
        todo = [one for one in wanted if one["dagId"] not in already]
        left, ready = [], []
        for _ in range(PARSES):
            if all(_obstacle(one, states.get(one["dagId"])) is None for one in todo):
                break
            if not _parse_now(command):
                _await_parse(command, database, todo, begun)
            states = _states(database, todo, begun)
        for one in todo:
            reason = _obstacle(one, states.get(one["dagId"]))
            if reason is None:
                ready.append(one["dagId"])
            else:
                left.append({"dagId": one["dagId"], "reason": reason})
        # Parked runs are to be queued here, before their DAG is unpaused: the other order can deadlock max_active_runs=1 with depends_on_past.
        activated = []
        for dag_id in ready:
            activated += set_paused(database, [dag_id], False)
            command.say("activated {} of {} DAGs".format(len(activated), len(wanted)), None, len(activated), len(wanted))
        return {"activated": activated, "alreadyActive": already, "left": left}
    finally:
        database.close()


def _as_of_snapshot(command):
    """The wanted DAGs with the next run that the source would have made at the snapshot: the job's own is of before the drain."""
    reference = command.rendered["manifest"]
    key = command.prefix + "export/manifest.json"
    body = command.storage.read_checked(reference, "the export manifest") if reference else command.storage.read_if_there(key)
    schedules = json.loads(body.decode("utf-8")).get("schedulesRef") if body else None
    if schedules is None:
        return command.job["activeDags"]
    known = {one["dagId"]: one for one in json.loads(command.storage.read_checked(schedules, "the source's schedules").decode("utf-8"))["dags"]}
    return [known.get(one["dagId"], one) for one in command.job["activeDags"]]


def deactivate(command):
    """Pause whatever is active on the target, without our own DAG. Result data: protocol.ts DeactivateData."""
    database = Database()
    try:
        with database.transaction() as cursor:
            cursor.execute("SELECT dag_id FROM dag WHERE NOT is_paused AND is_active AND {}".format(not_own()))
            active = [row[0] for row in cursor.fetchall()]
        return {"paused": set_paused(database, active, True)}
    finally:
        database.close()


def _states(database, wanted, begun):
    """dag_id → its state; `isFresh`: its file was parsed since `begun` (below 2.0, where nothing tells, taken as true)."""
    with database.transaction() as cursor:
        there = next_run_columns(cursor)
        parsed = "last_parsed_time" if "last_parsed_time" in names(columns_of(cursor, "dag")) else "now()"
        cursor.execute("SELECT dag_id, is_paused, {}, now(), coalesce({} >= %s, false) FROM dag WHERE is_active AND dag_id = ANY(%s)".format(
            ", ".join(name if name in there else "NULL::timestamptz" for name in NEXT_RUN), parsed), (begun, [one["dagId"] for one in wanted]))
        return {row[0]: {"paused": row[1], "next": iso(row[2]), "start": iso(row[3]), "end": iso(row[4]), "after": iso(row[5]), "now": iso(row[6]),
                         "isFresh": row[7]} for row in cursor.fetchall()}


def _awaits_parse(one, states):
    """The import has set the next run to NULL, or the DAG file has not been parsed at all."""
    state = states.get(one["dagId"])
    return state is None or (state["next"] is None and not state["isFresh"])


def _parse_now(command):
    """`airflow dags reserialize` parses the DAG folder at once (2.4+). False where it cannot: the processor's own turn must be waited for."""
    if AIRFLOW_VERSION < (2, 4):
        return False
    command.say("parsing the DAG files again")
    program = "import sys; from airflow.__main__ import main; sys.argv = ['airflow', 'dags', 'reserialize']; main()"
    try:
        done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PARSE_SECONDS, check=False)
        return done.returncode == 0
    except (OSError, subprocess.TimeoutExpired):  # The caller waits, and its progress says for what.
        return False


def _await_parse(command, database, todo, begun):
    deadline = time.time() + PARSE_SECONDS
    while True:
        states = _states(database, todo, begun)
        waiting = [one for one in todo if _awaits_parse(one, states)]
        if not waiting or time.time() >= deadline:
            return
        command.say("waiting until {} DAGs are parsed".format(len(waiting)))
        command.sleep(POLL_SECONDS)


def _obstacle(one, state):
    """Why this DAG may not be switched on; None when its next run continues the source's history."""
    if state is None:
        return "the target has no active DAG of this id: look for import errors, or for its file in the DAG folder"
    expected, found = one["nextDagrun"], state["next"]
    if found is None and not state["isFresh"]:  # Also where none is expected: NULL is what the import has left there.
        return "its DAG file has not been parsed since the import: wait for the scheduler and run cutover again"
    if expected == found:
        return None
    if expected is None:
        return "the source would run it no more, the target next at {}: compare the schedules of both DAG files".format(found)
    if found is None:
        return "the target would run it no more, the source next at {}: compare the schedules of both DAG files".format(expected)
    if one["catchup"] is not True and found > expected and (state["end"] or state["after"] or found) <= state["now"]:
        return None  # Without catchup the newest finished interval is right; what lies between is reported as missed.
    return "its next run would be {}, the source's {}: compare history, schedule and catchup of both".format(found, expected)
