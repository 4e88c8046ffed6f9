"""restore, and the drain's own way back: the source goes on as it was before, and runs nothing again that the target ran (design §5)."""
import json

from _parts.activity import IN_FLIGHT, next_run_columns, task_link
from _parts.database import FINAL_STATES, Database
from _parts.drained import read_active, read_ended
from _parts.ended import entries_joined, entries_sql, still_ended
from _parts.owed_events import has_datasets, owed_events, producers_of, queue_events
from _parts.stand_ins import add_stand_ins, stand_ins_of


def restore(command):
    """Result data: protocol.ts RestoreData. Safe to repeat, and to be killed anywhere."""
    reference = command.job["ran"]
    ran = json.loads(command.storage.read_checked(reference, "what the target ran").decode("utf-8"))["runs"] if reference else []
    database = Database()
    try:
        database.alone(command.job["migrationId"] + " drain", 600, command.sleep)
        return put_back(command, database, [dag["dagId"] for dag in command.job["activeDags"]], ran)
    finally:
        database.close()


def put_back(command, database, wanted, ran):
    """Each DAG in one transaction that ends with its unpausing: a DAG that is unpaused has been put back.

    :param wanted: ids of the DAGs that were active before the drain; no other is unpaused.
    :param ran: runs of protocol.ts RanOnTarget.
    """
    ended, paused_at = read_ended(command)["instances"], read_active(command)["pausedAt"]
    with database.transaction() as cursor:
        order = _consumers_first(set(wanted), producers_of(cursor))
    order += sorted({one["dagId"] for one in ended + ran} - set(order))
    activated = []
    for number, dag_id in enumerate(order, 1):
        of_dag = [[one for one in found if one["dagId"] == dag_id] for found in (ended, ran)]
        if database.settle(lambda cursor, dag_id=dag_id, of_dag=of_dag: _put_back_dag(
                cursor, dag_id, dag_id in wanted, of_dag[0], of_dag[1], paused_at, command.job["drain"]["resumeDeferred"])):
            activated.append(dag_id)
        command.say("put back {} of {} DAGs".format(number, len(order)), None, number, len(order))
    with database.transaction() as cursor:
        cursor.execute("SELECT dag_id FROM dag WHERE dag_id = ANY(%s) AND is_active AND NOT is_paused", (list(wanted),))
        missing = set(wanted) - {row[0] for row in cursor.fetchall()}
        left = _left_failed(cursor, ran)
        with_us = {(one["dagId"], one["runId"]) for one in left}
        marked = still_ended(cursor, ended, "true")
        left += [run for run in _runs_of(still_ended(cursor, ended, "t.state = 'failed'")) if (run["dagId"], run["runId"]) not in with_us]
        # Whatever bears the mark no more was put back, now or by a try before.
        return {"activated": sorted(activated), "missing": sorted(missing), "standIns": stand_ins_of(cursor, ran), "leftFailed": left,
                "putBack": len([one for one in ended if one not in marked and (one["dagId"], one["runId"]) not in with_us])}


def _consumers_first(dag_ids, producers):
    """A producer that is unpaused before its consumer could write an event that is queued for nobody."""
    order, waiting = [], set(dag_ids)
    while waiting:
        needed = {producer for consumer in waiting for producer in producers.get(consumer, ())}
        ready = sorted(waiting - needed) or sorted(waiting)  # They wait for each other in a circle.
        order += ready
        waiting -= set(ready)
    return order


def _put_back_dag(cursor, dag_id, is_wanted, ended, ran, paused_at, resume_deferred):
    """True when the DAG was unpaused now."""
    cursor.execute("SELECT is_paused AND is_active FROM dag WHERE dag_id = %s FOR UPDATE", (dag_id,))
    row = cursor.fetchone()
    if add_stand_ins(cursor, dag_id, ran):
        columns = next_run_columns(cursor)
        if columns:  # As after an import: not scheduled until its file is parsed with the stand-ins in view.
            cursor.execute("UPDATE dag SET {} WHERE dag_id = %s".format(", ".join("{} = NULL".format(column) for column in columns)), (dag_id,))
    if is_wanted and not (row and row[0]):
        return False
    _leave_failed(cursor, [one for one in ran if one["kind"] == "resumed"])
    _run_again(cursor, ended, resume_deferred)
    if not is_wanted:
        return False
    made = [one["logicalDate"] for one in ran if one["kind"] == "new" and one["runType"] == "dataset_triggered"]
    consumed = max(made, key=lambda date: date.rstrip("Z")) if made else None  # ISO 8601 with and without a fraction
    if has_datasets(cursor):
        if consumed is not None:
            cursor.execute("DELETE FROM dataset_dag_run_queue WHERE target_dag_id = %s AND created_at <= %s", (dag_id, consumed))
        if dag_id in paused_at:
            queue_events(cursor, owed_events(cursor, {dag_id: paused_at[dag_id]}, {dag_id: consumed}))
    cursor.execute("UPDATE dag SET is_paused = false WHERE dag_id = %s AND is_active AND is_paused", (dag_id,))
    return cursor.rowcount == 1


def _leave_failed(cursor, runs):
    """Runs that went on at the target: what is unfinished here must not run a second time by itself."""
    link, _ = task_link(cursor)
    values = ([one["dagId"] for one in runs], [one["runId"] for one in runs])
    listed = "(r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))"
    cursor.execute("UPDATE task_instance t SET state = 'failed', end_date = now() FROM dag_run r WHERE {} AND {} AND {} "
                   "AND coalesce(t.state, '') <> ALL(%s)".format(link, IN_FLIGHT, listed), values + (list(FINAL_STATES),))
    cursor.execute("UPDATE dag_run r SET state = 'failed', end_date = now() WHERE {} AND {}".format(IN_FLIGHT, listed), values)


def _run_again(cursor, entries, resume_deferred):
    """What the drain has ended loses its mark, and so waits like what has not begun; its tries were set then."""
    forgotten = [] if resume_deferred else _without_trigger(cursor, still_ended(cursor, entries))
    _change(cursor, forgotten, "state = 'failed'")
    _change(cursor, [one for one in entries if one not in forgotten], "end_date = NULL")


def _change(cursor, entries, change):
    if entries:
        source, values = entries_sql(entries)
        cursor.execute("UPDATE task_instance t SET {} FROM dag_run r, {} WHERE {} AND t.state IS NULL AND t.end_date = e.ended_at AND {}".format(
            change, source, entries_joined(cursor), IN_FLIGHT), values)


def _without_trigger(cursor, entries):
    """Ended while they went on after their trigger, which Airflow forgets when it ends them: they would begin anew, as deferred tasks would elsewhere."""
    suspects = [one for one in entries if one["hasTrigger"]]
    return still_ended(cursor, suspects, "t.next_method IS NULL") if suspects else []


def _left_failed(cursor, ran):
    """Runs of kind `resumed` that have failed on the source."""
    resumed = [one for one in ran if one["kind"] == "resumed"]
    cursor.execute("SELECT r.dag_id, r.run_id FROM dag_run r WHERE r.state = 'failed' AND (r.dag_id, r.run_id) IN "
                   "(SELECT * FROM unnest(%s::text[], %s::text[])) ORDER BY 1, 2", ([one["dagId"] for one in resumed], [one["runId"] for one in resumed]))
    return [{"dagId": row[0], "runId": row[1]} for row in cursor.fetchall()]


def _runs_of(entries):
    return [{"dagId": key[0], "runId": key[1]} for key in sorted({(one["dagId"], one["runId"]) for one in entries})]
