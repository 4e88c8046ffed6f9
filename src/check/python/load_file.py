"""One DAG file as Airflow's own DagBag loads it: import errors, DAGs, schedules. Airflow 2.7 to 3.3."""

import datetime
import os
import re
import sys

MAX_ERRORS, MAX_DAGS, MAX_TEXT = 20, 2000, 2000
FRAME = re.compile(r'^ *File "([^"\n]+)", line (\d+)', re.MULTILINE)


def warm_up():
    """Import what every file needs, so that children share it. Runs no code of the user."""
    import airflow.models  # noqa: F401
    import airflow.utils.file  # noqa: F401

    _dag_bag_class()
    _serializer()


def dag_files(folder):
    """Paths below ``folder`` that Airflow's DAG processor would look at: .airflowignore, zip files, safe mode."""
    from airflow.configuration import conf
    from airflow.utils.file import find_dag_file_paths

    safe = conf.getboolean("core", "dag_discovery_safe_mode")
    return [os.path.relpath(path, folder) for path in find_dag_file_paths(folder, safe)]


def load(job, name, stand_in):
    """:returns: ``errors``, ``dags`` and ``reads`` of one file, as described in load_dags.py."""
    import load_secrets

    path = os.path.join(job["dags"], name)
    load_secrets.STATE.update(stand_in=stand_in, folder=path)
    _like_the_processor(load_secrets)
    errors, dags = [], []
    try:
        bag = _open_bag(path, job["dags"])
        for place, text in bag.import_errors.items():
            errors.append(_error(text, place, job))
        for dag in bag.dags.values():
            problem = _serialization_error(dag, job)
            if problem:
                errors.append(problem)
            else:
                dags.append(_described(dag, job["reference"]))
    except BaseException as error:  # noqa: B036  SystemExit and KeyboardInterrupt pass Airflow's own handlers, and end its process
        errors.append(_raised(error, path, job))
    return {"errors": errors[:MAX_ERRORS], "dags": sorted(dags, key=lambda dag: dag["dagId"])[:MAX_DAGS], "reads": load_secrets.STATE["reads"]}


def load_plugins():
    """:returns: what Airflow says about plugins that cannot be imported, in the shape of a file's result."""
    from airflow import plugins_manager

    if hasattr(plugins_manager, "_get_plugins"):
        _, errors = plugins_manager._get_plugins()
    else:
        plugins_manager.ensure_plugins_loaded()
        errors = plugins_manager.import_errors
    folder = os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"]
    found = []
    for place, text in sorted(errors.items()):
        inside = os.path.relpath(place, folder) if os.path.isabs(place) else place
        found.append({"file": inside, "line": None, "text": str(text)[:MAX_TEXT], "place": None})
    return {"errors": found[:MAX_ERRORS], "dags": [], "reads": []}


def _dag_bag_class():
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    return DagBag


def _serializer():
    from airflow.serialization import serialized_objects

    return getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG


def _open_bag(path, folder):
    kind = _dag_bag_class()
    try:
        return kind(dag_folder=path, include_examples=False)
    except TypeError:
        pass
    # Airflow 3.1 on: no examples any more, and the folder is a bundle.
    from pathlib import Path

    return kind(dag_folder=path, bundle_path=Path(folder), bundle_name=None)


def _like_the_processor(load_secrets):
    """What Airflow 3's DAG processor does to the process in which a file is parsed."""
    if not _is_airflow_3():
        return
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "client"
    from airflow.sdk.execution_time import supervisor, task_runner

    task_runner.SUPERVISOR_COMMS = load_secrets.NoSupervisor()
    supervisor.block_orm_access()


def _is_airflow_3():
    import airflow

    return airflow.__version__.startswith("3.")


def _serialization_error(dag, job):
    """Airflow reports a DAG that cannot be stored as an import error; the file itself loads."""
    try:
        _serializer().to_dict(dag)
    except Exception as error:
        cause = error.__cause__ or error
        text = f"{type(cause).__name__}: {cause}"
        return {**_error(text, dag.fileloc, job), "text": f"DAG {dag.dag_id!r} cannot be serialized: {text}"[:MAX_TEXT]}
    return None


def _described(dag, reference):
    return {
        "dagId": str(dag.dag_id)[:250],
        "schedule": str(_schedule_of(dag))[:250],
        "nextRun": _next_run(dag, reference),
        "isPausedUponCreation": dag.is_paused_upon_creation if isinstance(dag.is_paused_upon_creation, bool) else None,
        "tasks": len(dag.tasks),
    }


def _schedule_of(dag):
    summary = getattr(dag.timetable, "summary", None)
    return summary if summary is not None else getattr(dag, "schedule_interval", None)


def _next_run(dag, reference):
    """First run after ``reference`` of a DAG that had run until then; None: nothing is scheduled; "": could not be had."""
    try:
        from airflow.timetables.base import DataInterval, TimeRestriction

        timetable = dag.timetable
        if not hasattr(timetable, "next_dagrun_info"):
            # Airflow 3.2 on: what a file makes is a description; the scheduler's own is made from the stored form.
            timetable = _serializer().from_dict(_serializer().to_dict(dag)).timetable
        import pendulum

        at = pendulum.instance(datetime.datetime.fromisoformat(reference))
        restriction = TimeRestriction(earliest=dag.start_date and pendulum.instance(dag.start_date), latest=dag.end_date and pendulum.instance(dag.end_date), catchup=True)
        info = timetable.next_dagrun_info(last_automated_data_interval=DataInterval.exact(at), restriction=restriction)
        return None if info is None else info.run_after.astimezone(datetime.timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
    except Exception:
        return ""


def _raised(error, path, job):
    import traceback

    return _error("".join(traceback.format_exception(error)), path, job)


def _error(text, place, job):
    """Traceback of Airflow → the user's line, the innermost place of the user's code, and the last line.

    ``file`` is where the DAG file itself stands in it; ``place`` is where it was raised, below ``dags`` or ``plugins``.
    """
    text = str(text)
    # A module of a zip DAG is a path into the zip.
    own = place if place is None or os.path.isabs(place) else os.path.join(job["dags"], place)
    frames = [(path, int(line)) for path, line in FRAME.findall(text)]
    users = [(path, line) for path, line in frames if _inside(path, job["dags"]) or _inside(path, job["plugins"])]
    mine = [line for path, line in users if path == own] if own else [line for _, line in users[:1]]
    raised = users[-1] if users else None
    last = text.strip().splitlines()[-1] if text.strip() else "no reason given"
    return {
        "file": os.path.relpath(own, job["dags"]) if own and _inside(own, job["dags"]) else None,
        "line": mine[-1] if mine else None,
        "place": f"{_short(raised[0], job)}:{raised[1]}" if raised and raised[0] != own else None,
        "text": _message(text, last)[:MAX_TEXT],
    }


def _message(text, last):
    """From the line that names the exception on: messages may have several lines."""
    matches = list(re.finditer(r"^(?:[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning|Timeout|NotFound|Violation|Found)\b.*)", text, re.MULTILINE))
    return text[matches[-1].start() :].strip() if matches else last


def _inside(path, folder):
    return bool(folder) and os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)


def _short(path, job):
    for name in ("dags", "plugins"):
        if _inside(path, job[name]):
            return f"{name}/{os.path.relpath(path, job[name])}"
    return os.path.basename(path)


if __name__ == "__main__":
    sys.exit("load_dags.py is the program")
