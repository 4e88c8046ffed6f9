"""Stands where Airflow looks for variables and connections while a DAG file is parsed: their values are not here, and must not be."""

import sys

from airflow.secrets import BaseSecretsBackend

# Set by load_file.py in the child of one DAG file.
STATE = {"stand_in": None, "folder": None, "reads": []}


class StandIns(BaseSecretsBackend):
    """Named by AIRFLOW__SECRETS__BACKEND, so it is asked first on every release."""

    def get_variable(self, key, *args, **kwargs):
        return _note("variable", key, STATE["stand_in"])

    def get_conn_value(self, conn_id, *args, **kwargs):
        return _note("connection", conn_id, None if STATE["stand_in"] is None else "http://login:word@stand-in:80/schema")

    #: Its name before 2.3.
    get_conn_uri = get_conn_value

    def get_config(self, key, *args, **kwargs):
        return None


def _note(kind, name, answer):
    frame, line = sys._getframe(2), None
    while frame is not None:
        if STATE["folder"] and frame.f_code.co_filename == STATE["folder"]:
            line = frame.f_lineno
            break
        frame = frame.f_back
    read = {"kind": kind, "name": str(name)[:250], "line": line}
    if read not in STATE["reads"] and len(STATE["reads"]) < 100:
        STATE["reads"].append(read)
    return answer


class NoSupervisor:
    """Airflow 3 asks its supervisor after the backends; here there is none, and nothing is known."""

    def send(self, *args, **kwargs):
        from airflow.sdk.exceptions import ErrorType
        from airflow.sdk.execution_time.comms import ErrorResponse

        message = args[0] if args else kwargs.get("msg")
        kind = type(message).__name__
        known = {"GetVariable": ErrorType.VARIABLE_NOT_FOUND, "GetConnection": ErrorType.CONNECTION_NOT_FOUND}
        return ErrorResponse(error=known.get(kind, ErrorType.GENERIC_ERROR)) if kind.startswith("Get") else None
