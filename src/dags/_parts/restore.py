"""restore, and the drain's own way back: the source goes on as it was before, and runs nothing again that the target ran (design §5)."""
import json

from _parts.activity import IN_FLIGHT, next_run_columns
from _parts.database import Database
from _parts.drained import instance_key, read_active
from _parts.ended import ENDED_BY_US, MARKED, entries_joined, entries_sql, entries_that, still_ended
from _parts.events_back import queue_events_of_target
from _parts.missed_by_both import missed_by_both
from _parts.owed_events import has_datasets, owed_events, producers_of, queue_events
from _parts.overtaken import overtaken_runs, read_settled, write_settled
from _parts.resumed_runs import end_runs
from _parts.settling import settle_half_ended
from _parts.stand_ins import add_stand_ins, stand_ins_of, stands_in, tasks_awaited
from _parts.unbegun_runs import queue_unbegun


def restore(command):
    """Result data: protocol.ts RestoreData. Safe to repeat, and to be killed anywhere."""
    reference = command.job["ran"]
    record = json.loads(command.storage.read_checked(reference, "what the target ran").decode("utf-8")) if reference else {"runs": []}
    database = Database()
    try:
        database.alone(command.job["migrationId"] + " drain", 600, command.sleep)
        data = put_back(command, database, [dag["dagId"] for dag in command.job["activeDags"]], record["runs"], record.get("events", []))
        return dict(data, **missed_by_both(command, command.job["activeDags"]))
    finally:
        database.close()


def put_back(command, database, wanted, ran, events=()):
    """Each DAG in one transaction that ends with its unpausing: a DAG that is unpaused has been put back, or a person was there before.

    :param wanted: ids of the DAGs that were active before the drain; no other is unpaused.
    :param ran: runs of protocol.ts RanOnTarget.
    :param events: its events.
    """
    ended, active = settle_half_ended(command, database)["instances"], set(wanted)
    before = read_settled(command) if ran else {"dagIds": [], "overtaken": []}
    work = Work(command, _by_dag(ended), _by_dag(ran), _by_dag(events), set(before["dagIds"]))
    with database.transaction() as cursor:
        order = _consumers_first(active, producers_of(cursor))
    order += sorted({one["dagId"] for one in ended + ran} - active)
    activated, queued, unknown, settled, overtaken = [], 0, [], set(work.settled), before["overtaken"]
    for number, dag_id in enumerate(order, 1):
        done = database.settle(lambda cursor, dag_id=dag_id: _put_back_dag(cursor, dag_id, dag_id in active, work))
        if done["isUnpaused"]:
            activated.append(dag_id)
        if done["unknownEvents"]:
            unknown.append(dag_id)
        if done["isKnown"]:
            settled.add(dag_id)
        overtaken = overtaken + done["overtaken"]
        queued += done["queuedEvents"]
        command.say("put back {} of {} DAGs".format(number, len(order)), None, number, len(order))
    if ran:
        write_settled(command, settled, overtaken)
    with database.transaction() as cursor:
        cursor.execute("SELECT dag_id FROM dag WHERE dag_id = ANY(%s) AND is_active", (list(active),))
        missing = active - {row[0] for row in cursor.fetchall()}
        left, succeeded = _ended_here(cursor, ran, "failed"), _ended_here(cursor, [run for run in ran if run["state"] == "success"], "success")
        with_us = {(one["dagId"], one["runId"]) for one in left + succeeded}
        not_back = {instance_key(one) for one in entries_that(cursor, ended, "{} OR {}".format(MARKED, ENDED_BY_US))}
        failed = _runs_of(entries_that(cursor, ended, "t.state = 'failed' AND {}".format(ENDED_BY_US)))
        left += [run for run in failed if (run["dagId"], run["runId"]) not in with_us]
        # The record lists what has ended by us alone: whatever bears the mark no more was put back, now or by a try before.
        return {"activated": sorted(activated), "missing": sorted(missing), "standIns": stand_ins_of(cursor, ran), "leftFailed": left,
                "succeeded": succeeded, "overtaken": overtaken, "queuedEvents": queued, "unknownEvents": sorted(unknown),
                "putBack": len([one for one in ended if instance_key(one) not in not_back and (one["dagId"], one["runId"]) not in with_us])}


class Work(object):
    """What there is to put back, by DAG: thousands of DAGs with thousands of runs are looked through once."""

    def __init__(self, command, ended, ran, events, settled):
        self.ended, self.ran, self.events, self.settled = ended, ran, events, settled
        self.paused_at, self.resume_deferred = read_active(command)["pausedAt"], command.job["drain"]["resumeDeferred"]


def _by_dag(entries):
    found = {}
    for one in entries:
        found.setdefault(one["dagId"], []).append(one)
    return found


def _consumers_first(dag_ids, producers):
    """A producer that is unpaused before its consumer could write an event that is queued for nobody."""
    order, waiting = [], set(dag_ids)
    while waiting:
        needed = {producer for consumer in waiting for producer in producers.get(consumer, ())}
        ready = sorted(waiting - needed) or sorted(waiting)  # They wait for each other in a circle.
        order += ready
        waiting -= set(ready)
    return order


def _put_back_dag(cursor, dag_id, is_wanted, work):
    """A DAG whose file is gone for the moment too: unpaused, it goes on by itself when Airflow has parsed it again."""
    done = {"isUnpaused": False, "queuedEvents": 0, "unknownEvents": 0, "overtaken": []}
    ran = work.ran.get(dag_id, [])
    unsettled = [] if dag_id in work.settled else ran
    made = [run for run in unsettled if stands_in(run)]
    awaited = tasks_awaited(cursor, dag_id) if made else []  # Before the row is locked: a serialized DAG may have megabytes.
    cursor.execute("SELECT is_paused FROM dag WHERE dag_id = %s FOR UPDATE", (dag_id,))
    row = cursor.fetchone()
    done["isKnown"] = row is not None
    # A DAG of the target alone has no intervals here: a row of it would be a DAG run that nothing explains.
    if row and add_stand_ins(cursor, dag_id, made, awaited):
        columns = next_run_columns(cursor)
        if columns:  # As after an import: not scheduled until its file is parsed with the stand-ins in view.
            cursor.execute("UPDATE dag SET {} WHERE dag_id = %s".format(", ".join("{} = NULL".format(column) for column in columns)), (dag_id,))
    if is_wanted and row and not row[0]:
        done["overtaken"] = overtaken_runs(cursor, dag_id, unsettled) if unsettled else []
        return done
    queue_unbegun(cursor, dag_id, [run for run in unsettled if run["kind"] == "unbegun"] if is_wanted and row else [])
    resumed = [run for run in unsettled if run["kind"] == "resumed"]
    end_runs(cursor, [run for run in resumed if run["state"] == "success"], "success")
    end_runs(cursor, [run for run in resumed if run["state"] != "success"], "failed")
    _run_again(cursor, work.ended.get(dag_id, []), work.resume_deferred)
    if not is_wanted:
        return done
    taken = [run["logicalDate"] for run in ran if run["kind"] == "new" and run["runType"] == "dataset_triggered"]
    consumed = max(taken, key=lambda date: date.rstrip("Z")) if taken else None  # ISO 8601 with and without a fraction
    if has_datasets(cursor):
        if consumed is not None:
            cursor.execute("DELETE FROM dataset_dag_run_queue WHERE target_dag_id = %s AND created_at <= %s", (dag_id, consumed))
        if dag_id in work.paused_at:
            queue_events(cursor, owed_events(cursor, {dag_id: work.paused_at[dag_id]}, {dag_id: consumed}))
        if dag_id in work.events:
            done["queuedEvents"], done["unknownEvents"] = queue_events_of_target(cursor, dag_id, work.events[dag_id], consumed)
    cursor.execute("UPDATE dag SET is_paused = false WHERE dag_id = %s AND is_paused", (dag_id,))
    done["isUnpaused"] = cursor.rowcount == 1
    return done


def _run_again(cursor, entries, resume_deferred):
    """What the drain has ended loses its mark, and so waits like what has not begun; its tries were set then."""
    forgotten = [] if resume_deferred else _without_trigger(cursor, still_ended(cursor, entries))
    _change(cursor, forgotten, "state = 'failed'")
    keys = {instance_key(one) for one in forgotten}
    _change(cursor, [one for one in entries if instance_key(one) not in keys], "end_date = NULL")


def _change(cursor, entries, change):
    if entries:
        source, values = entries_sql(entries)
        cursor.execute("UPDATE task_instance t SET {} FROM dag_run r, {} WHERE {} AND t.state IS NULL AND t.end_date = e.ended_at AND {}".format(
            change, source, entries_joined(cursor), IN_FLIGHT), values)


def _without_trigger(cursor, entries):
    """Ended while they went on after their trigger, which Airflow forgets when it ends them: they would begin anew, as deferred tasks would elsewhere."""
    suspects = [one for one in entries if one["hasTrigger"]]
    return still_ended(cursor, suspects, "t.next_method IS NULL") if suspects else []


def _ended_here(cursor, ran, state):
    """Runs of kind `resumed` that have this state on the source."""
    resumed = [one for one in ran if one["kind"] == "resumed"]
    cursor.execute("SELECT r.dag_id, r.run_id FROM dag_run r WHERE r.state = %s AND (r.dag_id, r.run_id) IN "
                   "(SELECT * FROM unnest(%s::text[], %s::text[])) ORDER BY 1, 2",
                   (state, [one["dagId"] for one in resumed], [one["runId"] for one in resumed]))
    return [{"dagId": row[0], "runId": row[1]} for row in cursor.fetchall()]


def _runs_of(entries):
    return [{"dagId": key[0], "runId": key[1]} for key in sorted({(one["dagId"], one["runId"]) for one in entries})]
