"""Canaries: the DAGs that show on the target itself whether it can go on, before everything else follows (protocol.ts Canary)."""
import time

from _parts.database import iso
from _parts.next_runs import POLL_SECONDS, few
from _parts.owed_queue import is_run_due
from _parts.parked_runs import gone_on


def watch(command, database, handover, dag_ids, ordered_back):
    """Wait until every canary is green or one has failed; [protocol.ts Canary] in the order of `dag_ids`.

    :param ordered_back: function() → True once rollback has been ordered, which ends the wait.
    """
    minutes = command.job["cutover"]["canaryMinutes"]
    until = time.time() + 60 * minutes
    with database.transaction() as cursor:
        cursor.execute("SELECT now() + %s * interval '1 minute'", (minutes,))
        deadline = cursor.fetchone()[0]
    watched = [_Watched(handover, dag_id, deadline) for dag_id in dag_ids]
    while True:
        with database.transaction() as cursor:
            for one in watched:
                one.look(cursor)
        waiting = [one for one in watched if one.state is None]
        if not waiting or any(one.state == "failed" for one in watched) or time.time() >= until or ordered_back():
            break
        command.say("canaries: {}".format(few(["{} waits for {}".format(one.dag_id, one.awaits) for one in waiting])))
        command.sleep(POLL_SECONDS)
    return [one.verdict(minutes) for one in watched]


class _Watched(object):
    """One canary: its parked runs, and the first automated run that the target makes of it."""

    def __init__(self, handover, dag_id, deadline):
        self.dag_id = dag_id
        self.state = None
        self.proof = self.awaits = ""
        self._handover = handover
        self._deadline = deadline
        self._next = None

    def verdict(self, minutes):
        if self.state is None:
            return {"dagId": self.dag_id, "state": "late", "proof": "after {} minutes it still waited for {}".format(minutes, self.awaits)}
        return {"dagId": self.dag_id, "state": self.state, "proof": self.proof}

    def look(self, cursor):
        if self.state is not None:
            return
        parked = [run["runId"] for run in self._handover.parked.get(self.dag_id, [])]
        resumed = gone_on(cursor, self.dag_id, parked, self._handover.snapshot)
        for run_id, state in resumed:
            if state == "failed":
                return self._judge("failed", "parked run {} went on and failed".format(run_id))
        made, broken = self._next_run(cursor, parked)
        if broken is not None:
            return self._judge("failed", "run {} failed".format(broken))
        open_runs = [run_id for run_id, state in resumed if state != "success"]
        if made is not None and made[1] != "success":
            open_runs.append(made[0])
        if open_runs:
            self.awaits = "run " + few(open_runs)
            return None
        due, said = self._is_due(cursor) if made is None else (False, "")
        if due:
            self.awaits = said
            return None
        done = [run_id for run_id, _ in resumed] + ([made[0]] if made is not None else [])
        return self._judge("green", "; ".join(([few(done) + (" has succeeded" if len(done) == 1 else " have succeeded")] if done else []) + (
            [said] if said else [])))

    def _judge(self, state, proof):
        self.state, self.proof = state, proof

    def _next_run(self, cursor, parked):
        """((run_id, state) of the run to watch or None, run_id of one that failed or None)."""
        cursor.execute("SELECT run_id, state FROM dag_run WHERE dag_id = %s AND run_type IN ('scheduled', 'dataset_triggered') "
                       "AND queued_at > %s::timestamptz AND run_id <> ALL(%s) ORDER BY execution_date", (self.dag_id, self._handover.snapshot, parked))
        runs = cursor.fetchall()
        if self._next is None:
            # A failure of an earlier cutover counts until a later run has succeeded: else a second cutover would pass it by.
            ended = [run for run in runs if run[1] in ("success", "failed")]
            if ended and ended[-1][1] == "failed":
                return None, ended[-1][0]
            self._next = next((run[0] for run in runs if run[1] != "failed"), None)
        found = next((run for run in runs if run[0] == self._next), None)
        return (None, found[0]) if found is not None and found[1] == "failed" else (found, None)

    def _is_due(self, cursor):
        """(whether a run is still to come before the deadline, what is said of it)."""
        cursor.execute("SELECT next_dagrun, next_dagrun_create_after FROM dag WHERE dag_id = %s AND NOT is_paused", (self.dag_id,))
        row = cursor.fetchone()
        if row is None:
            return True, "somebody to activate it again: it has been paused"
        if is_run_due(cursor, self.dag_id):
            return True, "the run that its datasets call for"
        logical, after = row
        if after is None:
            return False, "nothing is scheduled that could be waited for"
        if after > self._deadline:
            return False, "its next run is due at {}, which is not waited for".format(iso(after))
        return True, "its next run, of {}, due at {}".format(iso(logical), iso(after))
