"""Failures that people may see: they say what, why and how to fix, and never carry a value of a row."""
import os
import sys


class Refusal(Exception):
    """The command cannot go on. Every text is safe to show.

    :param str code: stable, documented in docs/reference/errors.md.
    """

    def __init__(self, code, what, why, fix):
        Exception.__init__(self, "{}: {}\n  Why: {}\n  Fix: {}".format(code, what, why, fix))
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix

    def as_json(self):
        return {"code": self.code, "what": self.what, "why": self.why, "fix": self.fix}


class CommandFailed(Exception):
    """What Airflow logs when a command fails: the text of a Refusal, without any cause that could carry values."""


def as_refusal(error):
    """Turn any exception into a Refusal without the exception's own text, which may quote rows.

    PostgreSQL puts values into message, DETAIL and CONTEXT; only its code and the names of objects are taken.
    """
    if isinstance(error, Refusal):
        return error
    name = type(error).__name__
    where = _place(error)
    if name in ("AirflowTaskTerminated", "AirflowTaskTimeout", "KeyboardInterrupt", "SystemExit") or (
            name == "AirflowException" and "SIGTERM" in str(error)):
        return Refusal("task-ended", "Airflow ended the task from outside ({}).".format(name),
                       "a worker was replaced, or somebody changed the task's state; nothing half-done was committed.",
                       "run the phase again: it goes on from what is there.")
    diagnosis = getattr(error, "diag", None)
    if diagnosis is not None:
        parts = ["SQLSTATE {}".format(getattr(error, "pgcode", None) or "unknown")]
        for label in ("table_name", "column_name", "constraint_name"):
            value = getattr(diagnosis, label, None)
            if value:
                parts.append("{} {}".format(label.replace("_name", ""), value))
        return Refusal("database-error", "PostgreSQL refused a statement ({}: {}) at {}.".format(name, ", ".join(parts), where),
                       "the transaction was rolled back. Its message is left out, for it can quote rows.",
                       "look the SQLSTATE up in PostgreSQL's documentation (disk full, permission, lost connection), repair it and run the phase again.")
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        return Refusal("aws-error", "AWS refused {} with {}: {} (at {}).".format(
            getattr(error, "operation_name", "a call"), response["Error"].get("Code"), response["Error"].get("Message"), where),
            "the task works with the environment's execution role, and what it needs lies in the migration bucket.",
            "give the execution role what the message names on the migration's prefix (docs/iam), and run the phase again.")
    if name in ("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "NoCredentialsError", "ConnectionClosedError"):
        return Refusal("aws-unreachable", "No answer from AWS: {} at {}.".format(name, where),
                       "the worker has no way to the endpoint, or no credentials.",
                       "check the environment's network (S3 and KMS endpoints) and execution role, and run the phase again.")
    return Refusal("defect", "{} at {}.".format(name, where),
                   "this is a defect of mwaa-migrate; its message is left out, for it could quote rows.",
                   "report it with this text and the Airflow version, and run the phase again.")


def _place(error):
    """File, line and function of the innermost frame of this file, else of the innermost frame."""
    traceback = getattr(error, "__traceback__", None) or sys.exc_info()[2]
    found = "an unknown place"
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == __file__ or found == "an unknown place":
            found = "{}:{} {}".format(os.path.basename(code.co_filename), traceback.tb_lineno, code.co_name)
        traceback = traceback.tb_next
    return found
