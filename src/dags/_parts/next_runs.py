"""The run that the target's scheduler would make next, parsed afresh, against the one the source would have made (design §5)."""
import subprocess
import sys
import time

from _parts.activity import NEXT_RUN, next_run_columns
from _parts.dagfile import AIRFLOW_VERSION
from _parts.database import columns_of, iso, names
from _parts.handover import moment

#: Minutes: MWAA scans its DAG folder every few minutes, and a large one takes a while.
PARSE_SECONDS = 900
POLL_SECONDS = 5
#: A DAG that the target sees for the first time gets its next run without a look at the history [ran, 2.10.3]; the second parse has it right.
PARSES = 2


def parse_until_ready(command, database, todo, begun, ordered_back):
    """Have the DAG files parsed until every DAG of `todo` may be switched on, or parsing helps no more.

    :param begun: the database's time at which this try began: what was parsed since knows the imported history.
    :param ordered_back: function() → True once rollback has been ordered, which ends the wait.
    """
    at_once = True
    for _ in range(PARSES):
        with database.transaction() as cursor:
            states = states_of(cursor, todo, begun)
        if ordered_back() or all(obstacle(one, states.get(one["dagId"])) is None for one in todo):
            return
        # Thousands of files may take longer than the time for it, and would the second time too.
        began_at = time.time()
        is_parsed = at_once and _parse_now(command, ordered_back)
        at_once = time.time() - began_at < PARSE_SECONDS
        if not is_parsed:
            _await_parse(command, database, todo, begun, ordered_back)


def states_of(cursor, wanted, begun):
    """dag_id → its state as plain values, of the DAGs that have a file.

    `isFresh`: the file was parsed since `begun` (below 2.0, where nothing tells, taken as true). `ran`: a run of the source's next date is there.
    """
    live, there = names(columns_of(cursor, "dag")), next_run_columns(cursor)
    broken = "coalesce(d.has_import_errors, false)" if "has_import_errors" in live else "false"
    cursor.execute(
        "SELECT d.dag_id, d.is_paused, {}, now(), coalesce({} >= %s, false), {}, "
        "EXISTS (SELECT 1 FROM dag_run r WHERE r.dag_id = d.dag_id AND r.execution_date = w.next) "
        "FROM dag d JOIN unnest(%s::text[], %s::timestamptz[]) AS w(dag_id, next) ON w.dag_id = d.dag_id WHERE d.is_active".format(
            ", ".join("d." + name if name in there else "NULL::timestamptz" for name in NEXT_RUN),
            "d.last_parsed_time" if "last_parsed_time" in live else "now()", broken),
        (begun, [one["dagId"] for one in wanted], [one["nextDagrun"] for one in wanted]))
    return {row[0]: {"paused": row[1], "next": iso(row[2]), "start": iso(row[3]), "end": iso(row[4]), "after": iso(row[5]), "now": iso(row[6]),
                     "isFresh": row[7], "isBroken": row[8], "ran": row[9]} for row in cursor.fetchall()}


def obstacle(one, state):
    """Why this DAG may not be switched on; None when its next run continues the source's history."""
    if state is None:
        return "the target has no active DAG of this id: look for import errors, or for its file in the DAG folder"
    if state["isBroken"]:
        return "its DAG file has an import error on the target, so its scheduler would make no run: repair the file and run cutover again"
    expected, found = one["nextDagrun"], state["next"]
    if found is None and not state["isFresh"]:  # Also where none is expected: NULL is what the import has left there.
        return "its DAG file has not been parsed since the import: wait for the scheduler and run cutover again"
    if expected == found or one.get("isNextUnknown"):
        return None
    if expected is None:
        return "the source would run it no more, the target next at {}: compare the schedules of both DAG files".format(found)
    if found is None:
        if state["ran"]:
            return None
        return "the target would run it no more, the source next at {}: compare the schedules of both DAG files".format(expected)
    if state["ran"] and moment(found) > moment(expected):
        # At max_active_runs the source leaves the run it has just made in `next_dagrun`; any scheduler skips a date that has a run.
        return None
    if one["catchup"] is not True and _is_newest_finished(state) and moment(state["end"] or found) > moment(expected):
        # Without catchup the newest finished interval is right; what lies between is reported as missed. It may begin before the source's:
        # below 2.8 a timedelta's interval ended at the moment of the parse, since then at a multiple of the timedelta.
        return None
    return "its next run would be {}, the source's {}: compare history, schedule and catchup of both".format(found, expected)


def _is_newest_finished(state):
    return moment(state["end"] or state["after"] or state["next"]) <= moment(state["now"])


def _parse_now(command, ordered_back):
    """`airflow dags reserialize` parses the DAG folder at once (2.4+). False where it cannot: the processor's own turn must be waited for.

    It works file by file in one process, and its one transaction holds rows of `dag` only while they are written, at the end [source, 2.10.3].
    """
    if AIRFLOW_VERSION < (2, 4):
        return False
    command.say("parsing the DAG files again")
    program = "import sys; from airflow.__main__ import main; sys.argv = ['airflow', 'dags', 'reserialize']; main()"
    deadline = time.time() + PARSE_SECONDS
    try:
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:  # The caller waits, and its progress says for what.
        return False
    while True:
        try:
            return process.wait(POLL_SECONDS) == 0
        except subprocess.TimeoutExpired:
            if time.time() >= deadline or ordered_back():
                process.kill()
                process.wait()
                return False


def _await_parse(command, database, todo, begun, ordered_back):
    deadline = time.time() + PARSE_SECONDS
    while True:
        with database.transaction() as cursor:
            states = states_of(cursor, todo, begun)
        # NULL is what the import has left where the file has not been parsed since.
        waiting = [one["dagId"] for one in todo if one["dagId"] not in states
                   or (states[one["dagId"]]["next"] is None and not states[one["dagId"]]["isFresh"])]
        if not waiting or time.time() >= deadline or ordered_back():
            return
        command.say("waiting until {} DAGs are parsed: {}".format(len(waiting), few(waiting)))
        command.sleep(POLL_SECONDS)


def few(texts, most=3):
    """The first of many names, for a progress line."""
    return ", ".join(texts[:most]) + (" and {} more".format(len(texts) - most) if len(texts) > most else "")


def what_follows(cursor, dag_ids):
    """protocol.ts ActivateData.next: the run that follows in each DAG, as its row says now, with a sentence that says why."""
    there = next_run_columns(cursor)
    if len(there) < len(NEXT_RUN):
        return []
    consumers = "EXISTS (SELECT 1 FROM dag_schedule_dataset_reference c WHERE c.dag_id = d.dag_id)" if columns_of(
        cursor, "dag_schedule_dataset_reference") else "false"
    cursor.execute(
        "SELECT d.dag_id, d.next_dagrun, d.next_dagrun_create_after, coalesce(d.schedule_interval::text, 'null'), {}, "
        "(SELECT max(r.execution_date) FROM dag_run r WHERE r.dag_id = d.dag_id AND r.run_type IN ('scheduled', 'backfill')) "
        "FROM dag d WHERE d.dag_id = ANY(%s) ORDER BY d.dag_id".format(consumers), (list(dag_ids),))
    found = []
    for dag_id, logical, after, schedule, is_consumer, newest in cursor.fetchall():
        found.append({"dagId": dag_id, "nextDagrun": iso(logical), "createAfter": iso(after),
                      "why": _why(logical, after, schedule, is_consumer, iso(newest))})
    return found


def _why(logical, after, schedule, is_consumer, newest):
    if is_consumer:
        return "it runs when the datasets it waits for have been updated"
    if logical is None:
        if schedule == "null":
            return "it has no schedule: somebody, or another DAG, starts it"
        return "its schedule gives no further run" + (" after that of {}".format(newest) if newest else "")
    reason = "it follows its newest automated run, of {}".format(newest) if newest else "it is the first of its schedule, for no automated run is there"
    return reason + (", once a run of it has ended: as many as allowed are active" if after is None else "")
