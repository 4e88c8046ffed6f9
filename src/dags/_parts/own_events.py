"""Dataset events that the target itself emitted since the snapshot, and that a consumer has had no run for: Airflow 2.10 queues none for a paused DAG."""
import datetime

from _parts.database import iso
from _parts.owed_events import CLOCKS_APART, has_datasets
from _parts.owed_queue import is_run_due

# What tells an event of our own from an imported one is the snapshot: the import and the first activation lie between, minutes for two clocks to
# differ by. An imported event that bears a later time all the same is no harm: consumed means "not newer than the newest dataset-triggered run",
# which came with it, and what the source still owed stands in the queue before this looks. A target that was rolled back has handed its
# events to the source (ran.json), and a second cutover has a second, later snapshot.


def own_events(cursor, dag_ids, snapshot, until=None):
    """[(dag_id, dataset_id, URI, time)]: for each consumer of `dag_ids` the newest event of a dataset that no run of it was made for.

    :param snapshot: ISO 8601. `until`: datetime, None for no end.
    """
    if not has_datasets(cursor):
        return []
    cursor.execute(
        "SELECT c.dag_id, s.id, s.uri, max(v.timestamp) FROM dag_schedule_dataset_reference c JOIN dataset s ON s.id = c.dataset_id "
        "JOIN dataset_event v ON v.dataset_id = s.id AND v.timestamp > %s::timestamptz AND v.timestamp <= coalesce(%s::timestamptz, 'infinity') "
        "WHERE c.dag_id = ANY(%s) AND v.timestamp > (SELECT coalesce(max(r.execution_date), '-infinity') FROM dag_run r "
        "WHERE r.dag_id = c.dag_id AND r.run_type = 'dataset_triggered') GROUP BY 1, 2, 3 ORDER BY 1, 3", (snapshot, until, list(dag_ids)))
    return cursor.fetchall()


def queue_own(cursor, dag_id, snapshot, until=None):
    """Queue for one consumer what this target emitted while it was paused; returns how many events. The caller holds the DAG's row."""
    found, queued = own_events(cursor, [dag_id], snapshot, until), 0
    for _, dataset_id, _, at in found:
        cursor.execute("INSERT INTO dataset_dag_run_queue (dataset_id, target_dag_id, created_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                       (dataset_id, dag_id, at))
        queued += cursor.rowcount
    if found and is_run_due(cursor, dag_id):
        # The run is given the events up to the newest time in the queue: of a dataset that was queued before, it must reach the newer event too.
        for _, dataset_id, _, at in found:
            cursor.execute("UPDATE dataset_dag_run_queue SET created_at = %s WHERE dataset_id = %s AND target_dag_id = %s AND created_at < %s",
                           (at, dataset_id, dag_id, at))
    return queued


def queue_in_between(database, unpaused, snapshot):
    """A task that asked whether its consumer is paused just before it was activated has queued nothing; returns how many events.

    :param dict unpaused: dag_id → datetime at which this try activated it. Later events are Airflow's own business.
    """
    with database.transaction() as cursor:
        consumers = _consumers(cursor, sorted(unpaused))
    return sum(database.settle(lambda cursor, dag_id=dag_id: _queue_one(cursor, dag_id, snapshot, unpaused[dag_id])) for dag_id in consumers)


def _consumers(cursor, dag_ids):
    if not has_datasets(cursor):
        return []
    cursor.execute("SELECT DISTINCT dag_id FROM dag_schedule_dataset_reference WHERE dag_id = ANY(%s) ORDER BY 1", (dag_ids,))
    return [row[0] for row in cursor.fetchall()]


def _queue_one(cursor, dag_id, snapshot, unpaused):
    # The scheduler holds this row while it makes a run of the queue: without it an event that is being consumed would be queued again.
    cursor.execute("SELECT 1 FROM dag WHERE dag_id = %s AND NOT is_paused FOR NO KEY UPDATE", (dag_id,))
    if cursor.fetchone() is None:
        return 0
    return queue_own(cursor, dag_id, snapshot, unpaused + datetime.timedelta(seconds=CLOCKS_APART))


def events_left(cursor, dag_ids, snapshot):
    """protocol.ts RanOnTarget.events: what came since the snapshot and stands in the queue, or was queued for nobody.

    What is older the source knows by itself: its own queue was not touched.
    """
    if not has_datasets(cursor):
        return []
    newest = {(row[0], row[2]): row[3] for row in own_events(cursor, dag_ids, snapshot)}
    cursor.execute("SELECT q.target_dag_id, s.uri, q.created_at FROM dataset_dag_run_queue q JOIN dataset s ON s.id = q.dataset_id "
                   "WHERE q.target_dag_id = ANY(%s) AND q.created_at > %s::timestamptz", (list(dag_ids), snapshot))
    for dag_id, uri, at in cursor.fetchall():
        newest[(dag_id, uri)] = max(at, newest.get((dag_id, uri), at))
    return [{"dagId": dag_id, "uri": uri, "at": iso(newest[(dag_id, uri)])} for dag_id, uri in sorted(newest)]
