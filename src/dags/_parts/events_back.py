"""Dataset events that the target made no run of: after a rollback the source's consumers are told of them, or they would wait for ever."""
import urllib.parse

#: The port that Airflow's provider writes where the URI names none.
POSTGRES_PORT = ":5432"


def queue_events_of_target(cursor, dag_id, events, consumed):
    """Tell one consumer of what the target still owes it. Returns how many events are queued now, and how many are of a dataset it does not wait for here.

    As Airflow does it, a dataset that is queued already stays as it is. The event's own row is the target's: the run that comes of it is
    made at the event's time, and is given no event.

    :param events: those of this DAG, of protocol.ts RanOnTarget.
    :param consumed: ISO 8601 or None: logical date of the newest run that the target made of the DAG's events.
    """
    cursor.execute("SELECT s.uri, s.id FROM dag_schedule_dataset_reference c JOIN dataset s ON s.id = c.dataset_id WHERE c.dag_id = %s", (dag_id,))
    here = {}
    for uri, dataset_id in cursor.fetchall():
        here.setdefault(normal_uri(uri), []).append(dataset_id)
    known = [(dataset_id, event["at"]) for event in events for dataset_id in here.get(normal_uri(event["uri"]), ())]
    cursor.execute(
        "INSERT INTO dataset_dag_run_queue (dataset_id, target_dag_id, created_at) SELECT e.dataset_id, %s, e.at "
        "FROM unnest(%s::int[], %s::timestamptz[]) AS e(dataset_id, at) WHERE e.at > greatest(%s::timestamptz, (SELECT coalesce(max(r.execution_date), "
        "'-infinity') FROM dag_run r WHERE r.dag_id = %s AND r.run_type = 'dataset_triggered')) ON CONFLICT DO NOTHING",
        (dag_id, [one[0] for one in known], [one[1] for one in known], consumed, dag_id))
    return cursor.rowcount, len([event for event in events if normal_uri(event["uri"]) not in here])


def normal_uri(uri):
    """What two spellings of a dataset's URI have in common: Airflow 2.9 and newer write it otherwise than an older one does [source, 2.10.3]."""
    try:
        parts = urllib.parse.urlsplit(uri)
    except ValueError:
        return uri
    scheme = parts.scheme.lower()
    if not scheme or scheme.startswith("x-"):
        return uri
    place, path = parts.netloc.rpartition("@")[2], parts.path.rstrip("/") or "/"
    if scheme in ("postgres", "postgresql"):
        scheme, place = "postgres", place.rstrip(":")
        place = place[:-len(POSTGRES_PORT)] if place.endswith(POSTGRES_PORT) else place
        words = path.split("/")
        path = "/".join(words[:2] + ["default"] + words[3:]) if len(words) == 4 and not words[2] else path
    return scheme, place, path, tuple(sorted(urllib.parse.parse_qsl(parts.query)))
