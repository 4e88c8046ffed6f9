"""Rollback's half on the target: what was only queued goes back, what was cut does not go on by itself at a second cutover."""
from _parts.activity import NEXT_RUN, next_run_columns
from _parts.database import FINAL_STATES, FINISHED_RUNS
from _parts.parked_runs import began, park_again
from _parts.ran_here import name_of, when, write_record

AUTOMATED = ("scheduled", "dataset_triggered")


def take_back(command, database, handover, begun, runs, record):
    """Runs of which nothing began: parked ones are parked again; automated ones that the target made are deleted, for the source makes them itself.

    It makes what follows its newest run. One that lies before a run that stands there would never be made: it is recorded before it goes.
    What an earlier try has recorded of a run that goes now is taken out before, too: nothing of it ran, though it looked so then.

    :param dict begun: parked_runs.py `read_begun`. :param list runs: ran_here.py `runs_since`.
    :param list record: ran_here.py `read_record`; it is changed, and written before any row is.
    """
    wanted = {one["dagId"] for one in handover.wanted}
    with database.transaction() as cursor:
        unbegun = [run for run in runs if is_unbegun(cursor, run, handover.snapshot)]
    ids = {name_of(run) for run in unbegun}
    kept = [one for one in record if one["kind"] == "unbegun" or name_of(one) not in ids]
    newest = {}
    for run in kept + [run for run in runs if name_of(run) not in ids]:  # These stand on the source, or will, whichever try has seen them.
        if run["kind"] != "resumed":
            newest[_line(run)] = max(when(run), newest.get(_line(run), ""))
    goes = [run for run in reversed(unbegun) if run["kind"] == "resumed" or run["dagId"] in wanted]
    told = [run for run in goes if run["kind"] == "new" and when(run) < newest.get(_line(run), "")]
    _note(command, record, kept, told)
    before, deleted = {(dag_id, run["runId"]): run for dag_id, parked in begun.items() for run in parked}, 0
    for at, run in enumerate(goes):  # Newest first: whether a run may go without a word is known once all behind it are decided.
        outcome = database.settle(lambda cursor, run=run: _take(cursor, run, handover.snapshot, before))
        deleted += outcome == "deleted"
        if outcome == "stays" and run["kind"] == "new":  # It began after the look above.
            _note(command, record, record, [one for one in goes[at + 1:] if one["kind"] == "new" and _line(one) == _line(run)])
    if deleted:
        command.say("deleted {} runs that the target had made but not begun".format(deleted))


def is_unbegun(cursor, run, snapshot):
    """Whether nothing of it began, so that it can go back as if it had never been."""
    is_ours = run["kind"] == "resumed" or (run["runType"] in AUTOMATED and run["state"] in ("queued", "running"))
    return is_ours and not began(cursor, run["dagId"], run["runId"], snapshot)


def without_others(cursor, runs, handover):
    """Without the unbegun automated runs of DAGs that the source had not active: nobody there would make them, so they stay the target's own."""
    wanted = {one["dagId"] for one in handover.wanted}
    return [run for run in runs if run["kind"] == "resumed" or run["dagId"] in wanted or not is_unbegun(cursor, run, handover.snapshot)]


def _line(run):
    return run["dagId"], run["runType"]


def _note(command, record, kept, told):
    """Changes `record` to `kept` and `told` as kind `unbegun`; one write for all of them, for there may be thousands."""
    known = {name_of(one) for one in kept}
    changed = kept + [dict(run, kind="unbegun") for run in told if name_of(run) not in known]
    if changed != record:
        write_record(command, changed, [])
        record[:] = changed


def _take(cursor, run, snapshot, before):
    dag_id, run_id = run["dagId"], run["runId"]
    cursor.execute("SELECT 1 FROM dag WHERE dag_id = %s FOR NO KEY UPDATE", (dag_id,))
    cursor.execute("SELECT state FROM dag_run WHERE dag_id = %s AND run_id = %s FOR UPDATE", (dag_id, run_id))
    row = cursor.fetchone()
    if row is None:
        return "gone"
    if began(cursor, dag_id, run_id, snapshot):
        return "stays"
    if run["kind"] == "resumed":
        # Without a record somebody else queued it, and what its row was before is not known.
        park_again(cursor, dag_id, before.get((dag_id, run_id), {"runId": run_id, "queuedAt": None, "startDate": None, "endDate": None}))
        return "parked"
    if row[0] not in ("queued", "running"):
        return "stays"  # It had nothing to do.
    cursor.execute("DELETE FROM dag_run WHERE dag_id = %s AND run_id = %s", (dag_id, run_id))
    columns = next_run_columns(cursor)
    if len(columns) == len(NEXT_RUN):  # It points behind the deleted run until the file is parsed again.
        cursor.execute("UPDATE dag SET {} WHERE dag_id = %s".format(", ".join("{} = NULL".format(column) for column in columns)), (dag_id,))
    return "deleted"


def end_cut(database, runs):
    """Fail the runs that have not ended, and what is unfinished of them: left as they are they would go on as soon as their DAG is activated again.

    Only after they are on record as they were. A run of which a task moves is left to it.
    """
    by_dag = {}
    for run in runs:
        if run.get("cut"):
            by_dag.setdefault(run["dagId"], []).append(run["runId"])
    for dag_id in sorted(by_dag):
        database.settle(lambda cursor, dag_id=dag_id: _end(cursor, dag_id, by_dag[dag_id]))


def _end(cursor, dag_id, run_ids):
    cursor.execute("SELECT 1 FROM dag WHERE dag_id = %s FOR NO KEY UPDATE", (dag_id,))
    cursor.execute("UPDATE dag_run r SET state = 'failed', end_date = now() WHERE r.dag_id = %s AND r.run_id = ANY(%s) AND coalesce(r.state, '') <> ALL(%s) "
                   "AND NOT EXISTS (SELECT 1 FROM task_instance t WHERE t.dag_id = r.dag_id AND t.run_id = r.run_id "
                   "AND t.state IN ('running', 'queued', 'restarting')) RETURNING r.run_id", (dag_id, run_ids, list(FINISHED_RUNS)))
    ended = [row[0] for row in cursor.fetchall()]
    cursor.execute("UPDATE task_instance SET state = 'failed', end_date = coalesce(end_date, now()) WHERE dag_id = %s AND run_id = ANY(%s) "
                   "AND coalesce(state, '') <> ALL(%s)", (dag_id, ended, list(FINAL_STATES)))
