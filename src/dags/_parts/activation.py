"""activate: a DAG is switched on only when its next run is the one the source would have made (design §5)."""
import datetime
import subprocess
import sys
import time

from _parts.activity import NEXT_RUN, next_run_columns, not_own, set_paused
from _parts.dagfile import AIRFLOW_VERSION
from _parts.database import Database, iso

#: Minutes: MWAA scans its DAG folder every few minutes, and a large one takes a while.
PARSE_SECONDS = 900
POLL_SECONDS = 5


def activate(command):
    """Result data: protocol.ts ActivateData."""
    wanted = command.job["activeDags"]
    database = Database()
    try:
        before = _states(database, wanted)
        already = [one["dagId"] for one in wanted if one["dagId"] in before and not before[one["dagId"]]["paused"]]
        todo = [one for one in wanted if one["dagId"] not in already]
        left, ready = [], []
        if any(_awaits_parse(one, before) for one in todo):
            _ask_for_parse(command)
        states = _await_parse(command, database, todo)
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


def _states(database, wanted):
    with database.transaction() as cursor:
        there = next_run_columns(cursor)
        cursor.execute("SELECT dag_id, is_paused, {}, now() FROM dag WHERE is_active AND dag_id = ANY(%s)".format(
            ", ".join(name if name in there else "NULL::timestamptz" for name in NEXT_RUN)), ([one["dagId"] for one in wanted],))
        return {row[0]: {"paused": row[1], "next": iso(row[2]), "start": iso(row[3]), "end": iso(row[4]), "after": iso(row[5]), "now": iso(row[6])}
                for row in cursor.fetchall()}


def _awaits_parse(one, states):
    """The import has set the next run to NULL, or the DAG file has not been parsed at all."""
    state = states.get(one["dagId"])
    return state is None or (one["nextDagrun"] is not None and state["next"] is None)


def _ask_for_parse(command):
    """`airflow dags reserialize` parses the DAG folder at once (2.4+). Where it cannot, the processor's own turn is waited for."""
    if AIRFLOW_VERSION < (2, 4):
        return
    command.say("parsing the DAG files again")
    program = "import sys; from airflow.__main__ import main; sys.argv = ['airflow', 'dags', 'reserialize']; main()"
    try:
        subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PARSE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):  # _await_parse sees whether it helped
        command.say("the DAG files are left to the scheduler's own turn")


def _await_parse(command, database, todo):
    deadline = time.time() + PARSE_SECONDS
    while True:
        states = _states(database, todo)
        waiting = [one for one in todo if _awaits_parse(one, states)]
        if not waiting or time.time() >= deadline:
            return states
        command.say("waiting until {} DAGs are parsed".format(len(waiting)))
        command.sleep(POLL_SECONDS)


def _obstacle(one, state):
    """Why this DAG may not be switched on; None when its next run continues the source's history."""
    if state is None:
        return "the target has no active DAG of this id: look for import errors, or for its file in the DAG folder"
    expected, found = one["nextDagrun"], state["next"]
    if expected == found:
        return None
    if expected is None:
        return "the source would run it no more, the target next at {}: compare the schedules of both DAG files".format(found)
    if found is None:
        return "its DAG file has not been parsed since the import: wait for the scheduler and run cutover again"
    if one["catchup"] is not True and found > expected and (state["end"] or state["after"] or found) <= state["now"]:
        return None  # Without catchup the newest finished interval is right; what lies between is reported as missed.
    return "its next run would be {}, the source's {}: compare history, schedule and catchup of both".format(found, expected)
