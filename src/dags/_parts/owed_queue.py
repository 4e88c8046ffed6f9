"""Dataset events that came while their consumer was paused: Airflow queues an event only for consumers that are active at that moment."""
import json
import warnings

from _parts.database import columns_of, names


def queue_owed(cursor, dag_id, owed):
    """Queue for one consumer what the source owes it; returns how many events. `owed`: [(dataset URI, ISO 8601 of the event)].

    The queue's time is the event's: the run that it makes is given events up to that time, by Airflow's own rule.
    """
    if not owed or not columns_of(cursor, "dataset_dag_run_queue"):
        return 0
    queued = 0
    for uri, at in ((uri_here(uri), at) for uri, at in owed):
        cursor.execute(
            "INSERT INTO dataset_dag_run_queue (dataset_id, target_dag_id, created_at) SELECT d.id, %s, %s::timestamptz FROM dataset d "
            "JOIN dag_schedule_dataset_reference c ON c.dataset_id = d.id AND c.dag_id = %s WHERE d.uri = %s AND NOT EXISTS "
            "(SELECT 1 FROM dag_run n WHERE n.dag_id = %s AND n.run_type = 'dataset_triggered' AND n.execution_date >= %s::timestamptz) "
            "ON CONFLICT DO NOTHING", (dag_id, at, dag_id, uri, dag_id, at))
        queued += cursor.rowcount
    return queued


def uri_here(uri):
    """A dataset's URI as this Airflow writes it: 2.9 and later normalise what a DAG file says, so `s3://bucket/key/` has become `s3://bucket/key`."""
    try:
        from airflow.datasets import Dataset
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # They quote the URI, which may hold a password.
            return Dataset(uri).uri
    except Exception:  # Below 2.4, or a text that no DAG file of this version could name: there is nothing to find then.
        return uri


def is_run_due(cursor, dag_id):
    """Whether the queue holds all that the DAG waits for, so that the scheduler will make a run of it when it looks."""
    if not columns_of(cursor, "dataset_dag_run_queue"):
        return False
    expression = "d.dataset_expression::text" if "dataset_expression" in names(columns_of(cursor, "dag")) else "NULL"  # 2.9+
    cursor.execute(
        "SELECT {}, array_agg(s.uri), array_agg(s.uri) FILTER (WHERE q.target_dag_id IS NOT NULL) FROM dag_schedule_dataset_reference c "
        "JOIN dag d ON d.dag_id = c.dag_id JOIN dataset s ON s.id = c.dataset_id LEFT JOIN dataset_dag_run_queue q ON q.dataset_id = c.dataset_id "
        "AND q.target_dag_id = c.dag_id WHERE c.dag_id = %s GROUP BY 1".format(expression), (dag_id,))
    row = cursor.fetchone()
    if row is None or not row[2]:
        return False
    return _holds(json.loads(row[0]) if row[0] else {"all": row[1]}, row[2])


def _holds(condition, there):
    """`dag.dataset_expression`: a URI, {"all": […]} or {"any": […]}; an alias names no dataset here."""
    if not isinstance(condition, dict):
        return condition in there
    if "any" in condition:
        return any(_holds(one, there) for one in condition["any"])
    return "all" in condition and all(_holds(one, there) for one in condition["all"])
