"""Runs in flight at the snapshot that went on at the target: the source must not run what is unfinished of them by itself (rollback)."""
from _parts.activity import IN_FLIGHT, task_link
from _parts.database import FINAL_STATES, columns_of

#: Airflow shows it at the run (2.5 and newer).
NOTES = {
    "success": "mwaa-migrate: this run went on at the target environment and succeeded there. What was unfinished here was marked success at the rollback.",
    "failed": "mwaa-migrate: this run went on at the target environment and did not succeed there. What was unfinished here was marked failed at the rollback.",
}


def end_runs(cursor, runs, state):
    """End those that have not ended here, with their unfinished tasks, as `state`.

    Success where the target has succeeded: the next run's tasks that depend on their past go on, and nobody has to decide anything.
    """
    if not runs:
        return
    link, _ = task_link(cursor)
    values = ([one["dagId"] for one in runs], [one["runId"] for one in runs])
    listed = "(r.dag_id, r.run_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))"
    cursor.execute("UPDATE task_instance t SET state = %s, end_date = now() FROM dag_run r WHERE {} AND {} AND {} "
                   "AND coalesce(t.state, '') <> ALL(%s)".format(link, IN_FLIGHT, listed), (state,) + values + (list(FINAL_STATES),))
    cursor.execute("UPDATE dag_run r SET state = %s, end_date = now() WHERE {} AND {} RETURNING r.id".format(IN_FLIGHT, listed), (state,) + values)
    ids = [row[0] for row in cursor.fetchall()]
    if ids and columns_of(cursor, "dag_run_note"):
        cursor.execute("INSERT INTO dag_run_note (dag_run_id, content, created_at, updated_at) SELECT i, %s, now(), now() FROM unnest(%s::int[]) AS i "
                       "ON CONFLICT DO NOTHING", (NOTES[state], ids))
