"""What the export says of the moment at which the source stood still, for the commands that switch the target on and off."""
import datetime
import json

from _parts.patterns import ALL_DAGS


def moment(text):
    """A datetime with time zone of ISO 8601 text (Python 3.7 cannot read the letter Z); None stays None."""
    return None if text is None else datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Handover(object):
    """Read once from the manifest, its schedules and the job.

    `wanted`: ActiveDag (protocol.ts) of every DAG to activate, with the next run that the source would have made at the snapshot.
    `is_next_recorded`: False for a source below 2.0, whose `dag` has no next run. `dags`: whose history moved, as patterns.py has it.
    `parked`: dag_id → its runs in flight as protocol.ts InFlightRun. `snapshot`: ISO 8601, None where nothing was exported yet.
    """

    def __init__(self, command):
        self._manifest = _manifest(command)
        schedules = self._schedules(command)
        known = {one["dagId"]: one for one in schedules.get("dags", [])}
        # What the job says of a DAG is of before the drain: old by the runs that were made until the pause.
        self.wanted = [known.get(one["dagId"], one) for one in command.job["activeDags"]]
        self.is_next_recorded = not self._manifest.get("source", {}).get("airflowVersion", "").startswith("1.")
        self.dags = self._manifest.get("filters", {}).get("dags", ALL_DAGS)
        self.snapshot = self._manifest.get("snapshotAt")
        self.parked = {}
        for run in self._manifest.get("inFlight", []):
            self.parked.setdefault(run["dagId"], []).append(run)
        self._paused_at = schedules.get("pausedAt", {})
        self._owed = {}
        for event in schedules.get("owedEvents", []):
            self._owed.setdefault(event["dagId"], []).append((event["uri"], event["at"]))

    def paused_at(self, dag_id):
        """ISO 8601: when the source stopped making runs of this DAG."""
        return self._paused_at.get(dag_id) or self.snapshot

    def owed(self, dag_id):
        """[(dataset URI, ISO 8601)]: events that came while this DAG was paused on the source, which queued them for nobody."""
        return self._owed.get(dag_id, [])

    def is_parked(self, dag_id, run_id):
        """Whether this run was in flight at the snapshot."""
        return any(run["runId"] == run_id for run in self.parked.get(dag_id, []))

    def to_resume(self, dag_id):
        """Ids of the parked runs that go on when their DAG is activated."""
        return [run["runId"] for run in self.parked.get(dag_id, []) if run["fate"] == "resume"]

    def _schedules(self, command):
        reference = self._manifest.get("schedulesRef")
        return json.loads(command.storage.read_checked(reference, "the source's schedules").decode("utf-8")) if reference else {}


def _manifest(command):
    """The manifest this file was rendered for; else the attempt's newest; {} before there is any."""
    reference = command.rendered["manifest"]
    if reference:
        body = command.storage.read_checked(reference, "the export manifest")
    else:
        body = command.storage.read_if_there(command.prefix + "export/manifest.json")
    return json.loads(body.decode("utf-8")) if body else {}
