"""Dataset events that came while their consumer was paused: Airflow 2.10 queues none for a paused DAG [ran; 2.7.2 does]."""
from _parts.database import columns_of, iso

#: Seconds: an event's time is its worker's clock, a pause's the database's. What is older than the newest run is not owed anyway.
CLOCKS_APART = 60


def has_datasets(cursor):
    return bool(columns_of(cursor, "dataset_dag_run_queue") and columns_of(cursor, "dag_schedule_dataset_reference") and columns_of(cursor, "dataset_event"))


def owed_events(cursor, paused_at, consumed=None):
    """The newest event of each dataset that a DAG waits for and was not told of: [{dagId, uri, at, datasetId}], ordered.

    :param dict paused_at: dag_id → ISO 8601: when the drain paused it. Other DAGs were paused by somebody else, and are owed nothing.
    :param dict consumed: dag_id → ISO 8601: logical date of the newest run that the target made of its events.
    """
    if not paused_at or not has_datasets(cursor):
        return []
    dag_ids = sorted(paused_at)
    cursor.execute(
        "SELECT c.dag_id, s.uri, s.id, max(v.timestamp) FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[]) AS p(dag_id, paused_at, consumed) "
        "JOIN dag_schedule_dataset_reference c ON c.dag_id = p.dag_id JOIN dataset s ON s.id = c.dataset_id "
        "JOIN dataset_event v ON v.dataset_id = s.id AND v.timestamp > p.paused_at - interval '{} seconds' "
        "WHERE NOT EXISTS (SELECT 1 FROM dataset_dag_run_queue q WHERE q.dataset_id = s.id AND q.target_dag_id = c.dag_id) "
        "AND v.timestamp > greatest(p.consumed, (SELECT coalesce(max(r.execution_date), '-infinity') FROM dag_run r "
        "WHERE r.dag_id = c.dag_id AND r.run_type = 'dataset_triggered')) GROUP BY 1, 2, 3 ORDER BY 1, 2".format(CLOCKS_APART),
        (dag_ids, [paused_at[dag_id] for dag_id in dag_ids], [(consumed or {}).get(dag_id) for dag_id in dag_ids]))
    return [{"dagId": row[0], "uri": row[1], "datasetId": row[2], "at": iso(row[3])} for row in cursor.fetchall()]


def queue_events(cursor, owed):
    """Tell each DAG of its event, as Airflow would have. The next run's logical date is the newest of these times."""
    for one in owed:
        cursor.execute("INSERT INTO dataset_dag_run_queue (dataset_id, target_dag_id, created_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                       (one["datasetId"], one["dagId"], one["at"]))


def producers_of(cursor):
    """consumer dag_id → dag_ids that write a dataset it waits for (2.4+)."""
    if not columns_of(cursor, "task_outlet_dataset_reference") or not columns_of(cursor, "dag_schedule_dataset_reference"):
        return {}
    cursor.execute("SELECT c.dag_id, p.dag_id FROM dag_schedule_dataset_reference c JOIN task_outlet_dataset_reference p "
                   "ON p.dataset_id = c.dataset_id WHERE c.dag_id <> p.dag_id")
    found = {}
    for consumer, producer in cursor.fetchall():
        found.setdefault(consumer, set()).add(producer)
    return found
