"""One command of one try: who may run it, its job, its progress, its one result (protocol.ts)."""
import json
import re
import threading
import time

from _parts.failures import CommandFailed, Refusal, as_refusal
from _parts.storage import Storage, sha256_of

PROTOCOL_SCHEMA = 1
PROGRESS_SECONDS = 3


def now_text():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Command(object):
    """What a command's function gets: rendered constants, job, bucket, and a way to tell how far it is."""

    def __init__(self, rendered, name, number):
        self.rendered = rendered
        self.name = name
        self.number = number
        self.prefix = rendered["prefix"]
        self.short_hash = rendered["shortHash"]
        self.storage = Storage(rendered["bucket"], rendered["bucketOwner"], rendered["bucketRegion"])
        self.job = None
        self.started = now_text()
        self._state = {"message": "started", "table": None, "rowsDone": 0, "rowsTotal": None}
        self._ended = threading.Event()
        self._thread = None

    def say(self, message, table=None, done=0, total=None):
        """Tell the progress: one fact, never a value of a row."""
        if message != self._state["message"]:
            print("mwaa-migrate: {}".format(message))
        self._state = {"message": message, "table": table, "rowsDone": done, "rowsTotal": total}

    def sleep(self, seconds):
        time.sleep(seconds)

    def read_job(self):
        reference = self.rendered["job"]
        data = self.storage.read(reference["key"])
        if data is None or sha256_of(data) != reference["sha256"]:
            raise Refusal("job-changed", "The job {} is missing, or not the one this file was made for.".format(reference["key"]),
                          "only the job whose SHA-256 stands in the DAG file may run.", "run the phase again, which writes job and DAG file anew.")
        self.job = json.loads(data.decode("utf-8"))
        for field in ("migrationId", "attempt", "side"):
            if self.job[field] != self.rendered[field]:
                raise Refusal("job-changed", "The job's {} is not the DAG file's.".format(field),
                              "job and DAG file belong to different attempts.", "run the phase again, which writes both anew.")

    def start_progress(self):
        self._write_progress()
        self._thread = threading.Thread(target=self._keep_writing)
        self._thread.daemon = True
        self._thread.start()

    def finish(self, data=None, refusal=None):
        """Write the one result object of this try, after the last progress object."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(30)
        result = {"schema": PROTOCOL_SCHEMA, "command": self.name, "attempt": self.rendered["attempt"], "try": self.number,
                  "startedAt": self.started, "finishedAt": now_text()}
        result.update({"status": "done", "data": data} if refusal is None else {"status": "failed", "error": refusal.as_json()})
        self.storage.write_json(self.prefix + self.name + "/result.json", result)

    def _write_progress(self):
        body = {"schema": PROTOCOL_SCHEMA, "command": self.name, "try": self.number, "at": now_text()}
        body.update(self._state)
        self.storage.write_json(self.prefix + self.name + "/progress.json", body)

    def _keep_writing(self):
        while not self._ended.wait(PROGRESS_SECONDS):
            try:
                self._write_progress()
            except Exception as error:  # Only the display suffers: the command's own requests fail loudly if the bucket is gone.
                print("mwaa-migrate: a progress object was not written ({})".format(type(error).__name__))


def parse_run_id(run_id, attempt, allowed):
    """`<command>-<attempt>-<try>` → (command, try).

    :raises Refusal: when it is none of this file's; there is no result object then, for no command is known.
    """
    found = re.match(r"^([a-z]+)-([0-9]{1,6})-([0-9]{1,6})$", run_id or "")
    if not found or found.group(1) not in allowed or int(found.group(2)) != attempt:
        raise Refusal("unknown-command", "This DAG run's id names no command of this file.",
                      "it must be <command>-{}-<try> with a command of {}; a scheduled or manual run has nothing to do here.".format(
                          attempt, ", ".join(sorted(allowed))),
                      "start commands by the action; delete this DAG run.")
    return found.group(1), int(found.group(3))


def refuse_foreign_orders(rendered, conf):
    """A conf can only name the attempt, and the file lives until `expiresAt`."""
    if conf and conf != {"attempt": rendered["attempt"]}:
        raise Refusal("foreign-conf", "The DAG run's conf holds something other than this attempt.",
                      "everything a command does is fixed in the DAG file and its job; nothing may be passed in beside them.",
                      "start commands by the action.")
    if now_text() > rendered["expiresAt"][:19] + "Z":
        raise Refusal("expired", "This DAG file expired at {}.".format(rendered["expiresAt"]),
                      "an old file must not start work that nobody waits for.", "run the phase again, which writes a new file.")


def run_command(rendered, commands, dag_run):
    """Run the command that the DAG run's id names.

    :param dict commands: name → function(command) that returns the result's data.
    :raises CommandFailed: with a text that is safe to log; the original error is not chained, for it could quote rows.
    """
    command, refusal, data = None, None, None
    try:
        name, number = parse_run_id(dag_run.run_id, rendered["attempt"], commands)
        command = Command(rendered, name, number)
        refuse_foreign_orders(rendered, dag_run.conf)
        command.read_job()
        command.start_progress()
        data = commands[name](command)
        command.finish(data=data)
    except BaseException as error:  # Airflow ends tasks by exceptions that are no Exception; the waiting action must hear of those too.
        refusal = as_refusal(error)
    if refusal is None:
        return
    if command is not None:
        try:
            command.finish(refusal=refusal)
        except Exception as error:  # The task log is all that is left to tell it.
            print("mwaa-migrate: the result object was not written ({})".format(type(error).__name__))
    raise CommandFailed(str(refusal))
