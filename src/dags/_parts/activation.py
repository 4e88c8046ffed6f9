"""activate: the target takes over, DAG by DAG, each in one transaction and only when its next run is the one the source would have made."""
import time

from _parts.airflow_session import settle_with_session
from _parts.canaries import watch
from _parts.database import Database, scalar
from _parts.handover import Handover
from _parts.missed import Missed, RunNotMade, first_own_run, missed_intervals, report_missed, skip_to_now, start_missed
from _parts.next_runs import POLL_SECONDS, few, obstacle, parse_until_ready, states_of, what_follows
from _parts.next_unrecorded import with_next_run
from _parts.own_events import queue_in_between, queue_own
from _parts.owed_queue import queue_owed
from _parts.parked_runs import fates_of, queue_parked, read_begun, still_parked, write_begun
from _parts.patterns import is_taken
from _parts.schedule import schedule_of

WITHOUT_HISTORY = ("metadata.dags leaves its history behind, so it would run everything from its start date: look at what it would run, "
                   "then activate it by hand, or name it in cutover.canary")
ORDERED_BACK = "rollback of this attempt has been ordered"


def activate(command):
    """Result data: protocol.ts ActivateData. Safe to repeat, and to be killed anywhere: what is done stands in the database itself."""
    database = Database()
    try:
        database.alone(command.job["migrationId"] + " switch", 600, command.sleep)
        return Activation(command, database, Handover(command)).run()
    finally:
        database.close()


class Activation(object):
    """One try. `left` holds reasons by DAG id; whatever is in neither `active` nor `left` has not been tried."""

    def __init__(self, command, database, handover):
        self.command, self.database, self.handover = command, database, handover
        self.switch = command.job["cutover"]
        self.wanted = {one["dagId"]: one for one in handover.wanted}
        self.begun = read_begun(command)
        self.activated, self.already, self.left, self.missed, self.next = [], [], {}, [], []
        self.unpaused, self.queued_events = {}, 0
        with database.transaction() as cursor:
            self.started = scalar(cursor, "SELECT now()")

    def run(self):
        self._note_active()
        self._leave_without_history()
        todo = self._todo(self.wanted)
        ready = [self.wanted[dag_id] if self.handover.is_next_recorded else dict(self.wanted[dag_id], isNextUnknown=True) for dag_id in todo]
        parse_until_ready(self.command, self.database, ready, self.started, self._is_ordered_back)
        shown, stopped = self._canaries([dag_id for dag_id in self.switch["canary"] if dag_id in self.wanted])
        if stopped is None:
            stopped = self._batches(self._todo(self.wanted))
        for dag_id in self._todo(self.wanted):
            self.left[dag_id] = "everything behind was stopped: {}".format(stopped)
        active = self.activated + self.already
        if self.handover.snapshot is not None and not self._is_ordered_back():
            self.queued_events += queue_in_between(self.database, {dag_id: self.unpaused[dag_id] for dag_id in self.activated}, self.handover.snapshot)
        with self.database.transaction() as cursor:
            resumed, stayed = fates_of(cursor, self.handover, {dag_id: [run["runId"] for run in runs] for dag_id, runs in self.begun.items()}, active)
            following = self.next + what_follows(cursor, self.already)
        return {"activated": self.activated, "alreadyActive": self.already, "left": [{"dagId": dag_id, "reason": self.left[dag_id]} for dag_id in self.left],
                "canaries": shown, "stopped": stopped, "resumed": resumed, "notResumed": stayed, "missed": self.missed,
                "queuedEvents": self.queued_events, "next": following}

    def _todo(self, dag_ids):
        decided = set(self.left) | set(self.activated) | set(self.already)
        return [dag_id for dag_id in dag_ids if dag_id not in decided]

    def _note_active(self):
        """DAGs that are active before this try has done anything: by an earlier try, or by somebody's hand."""
        with self.database.transaction() as cursor:
            states = states_of(cursor, list(self.wanted.values()), self.started)
        for dag_id in self.wanted:
            if dag_id in states and not states[dag_id]["paused"]:
                self._settle(dag_id, self._look_at_active)

    def _leave_without_history(self):
        """Without its history a DAG would run everything from its start date: only a person may want that."""
        for dag_id in self._todo(self.wanted):
            if not is_taken(dag_id, self.handover.dags) and dag_id not in self.switch["canary"]:
                self.left[dag_id] = WITHOUT_HISTORY

    def _canaries(self, dag_ids):
        """([protocol.ts Canary], why everything behind is stopped or None)."""
        if self._is_ordered_back():
            return [], ORDERED_BACK
        if not dag_ids:
            return [], None
        todo = self._todo(dag_ids)
        self._remember(todo)
        for dag_id in todo:
            if self._is_ordered_back():
                return [], ORDERED_BACK
            self._activate(dag_id)
        shown = {one["dagId"]: one for one in watch(self.command, self.database, self.handover,
                                                    [dag_id for dag_id in dag_ids if dag_id not in self.left], self._is_ordered_back)}
        for dag_id in dag_ids:
            if dag_id in self.left:
                shown[dag_id] = {"dagId": dag_id, "state": "failed", "proof": "it was not activated: {}".format(self.left[dag_id])}
        if self._is_ordered_back():
            return list(shown.values()), ORDERED_BACK
        bad = [dag_id for dag_id in dag_ids if shown[dag_id]["state"] != "green"]
        return [shown[dag_id] for dag_id in dag_ids], (
            "canary {} is not green: {}".format(few(bad), shown[bad[0]]["proof"]) if bad else None)

    def _batches(self, dag_ids):
        """Activate the rest; returns why it stopped, None where it did not."""
        size = self.switch["batchSize"] or len(dag_ids) or 1
        for first in range(0, len(dag_ids), size):
            batch = dag_ids[first:first + size]
            self._remember(batch)
            for dag_id in batch:
                if self._is_ordered_back():
                    return ORDERED_BACK
                self._activate(dag_id)
            if first + size < len(dag_ids) and not self._settles():
                return ORDERED_BACK
        return None

    def _settles(self):
        """Give a batch its time before the next; False where rollback was ordered meanwhile."""
        until = time.time() + self.switch["batchPauseSeconds"]
        while time.time() < until:
            if self._is_ordered_back():
                return False
            self.command.say("{} of {} DAGs are active; the next batch follows after a pause".format(
                len(self.activated) + len(self.already), len(self.wanted)))
            self.command.sleep(max(0, min(POLL_SECONDS, until - time.time())))
        return True

    def _is_ordered_back(self):
        """The action writes rollback's job before its DAG run, which waits in the queue behind this one."""
        return self.command.storage.read_if_there(self.command.prefix + "deactivate/job.json") is not None

    def _remember(self, dag_ids):
        """Before anything of these DAGs changes: which parked runs will be queued, as they are. The first record of a run stays."""
        is_news = bool(dag_ids) and not self.begun
        with self.database.transaction() as cursor:
            for dag_id in dag_ids:
                runs = self.begun.setdefault(dag_id, [])
                known = {run["runId"] for run in runs}
                parked = still_parked(cursor, dag_id, self.handover.to_resume(dag_id), self.handover.snapshot)
                runs += [run for run in parked if run["runId"] not in known]
                is_news = is_news or any(run["runId"] not in known for run in parked)
        if is_news:  # Not for every batch of DAGs that have nothing to record: there may be thousands.
            write_begun(self.command, self.begun)

    def _activate(self, dag_id):
        self._settle(dag_id, self._activate_in)
        self.command.say("{} of {} DAGs are active".format(len(self.activated) + len(self.already), len(self.wanted)), None,
                         len(self.activated) + len(self.already), len(self.wanted))

    def _settle(self, dag_id, work):
        try:
            outcome = settle_with_session(lambda cursor, session: work(cursor, session, self.wanted[dag_id]))
        except RunNotMade as error:
            outcome = {"left": str(error)}
        if "left" in outcome:
            self.left[dag_id] = outcome["left"]
            return
        (self.already if outcome["already"] else self.activated).append(dag_id)
        self.missed += outcome["missed"]
        self.next += outcome["next"]
        self.queued_events += outcome["events"]

    def _activate_in(self, cursor, session, one):
        """Everything of one DAG, in this order: unpausing before queueing can deadlock max_active_runs=1 with depends_on_past [ran, 2.10.3]."""
        dag_id, snapshot = one["dagId"], self.handover.snapshot
        # As the processor and the scheduler do, before anything else of the DAG: nobody computes or makes its next run meanwhile.
        cursor.execute("SELECT is_paused FROM dag WHERE dag_id = %s AND is_active FOR NO KEY UPDATE", (dag_id,))
        row = cursor.fetchone()
        if row is not None and not row[0]:
            return self._look_at_active(cursor, session, one)
        if not self.handover.is_next_recorded:
            one = with_next_run(cursor, session, one, self.handover)
        reason = obstacle(one, states_of(cursor, [one], self.started).get(dag_id))
        if reason is not None:
            return {"left": reason}
        if snapshot is not None:
            queue_parked(cursor, dag_id, self.handover.to_resume(dag_id), snapshot)
        events = queue_owed(cursor, dag_id, self.handover.owed(dag_id))
        if snapshot is not None:
            events += queue_own(cursor, dag_id, snapshot)
        schedule, missed = schedule_of(dag_id, session), Missed()
        if schedule is not None and schedule.skips:
            missed = missed_intervals(cursor, schedule, one, self.handover, skip_to_now(cursor, schedule, dag_id))
            if self.switch["missedIntervals"] == "run":
                start_missed(cursor, session, schedule, dag_id, missed)
        reported, following = report_missed(cursor, dag_id, missed), what_follows(cursor, [dag_id])
        cursor.execute("UPDATE dag SET is_paused = false WHERE dag_id = %s RETURNING now()", (dag_id,))
        self.unpaused[dag_id] = cursor.fetchone()[0]
        return {"already": False, "missed": reported, "next": following, "events": events}

    def _look_at_active(self, cursor, session, one):
        dag_id, snapshot = one["dagId"], self.handover.snapshot
        if snapshot is None:
            return {"already": True, "missed": [], "next": [], "events": 0}
        parked = still_parked(cursor, dag_id, self.handover.to_resume(dag_id), snapshot)
        if parked:
            return {"left": "somebody activated it before cutover did, and {} of its parked runs still stand failed: pause it and run cutover again".format(
                len(parked))}
        schedule = schedule_of(dag_id, session)
        missed = Missed()
        if schedule is not None and schedule.skips:
            before = first_own_run(cursor, dag_id, snapshot) or scalar(cursor, "SELECT next_dagrun FROM dag WHERE dag_id = %s", (dag_id,))
            missed = missed_intervals(cursor, schedule, one, self.handover, before)
        return {"already": True, "missed": report_missed(cursor, dag_id, missed), "next": [], "events": 0}
