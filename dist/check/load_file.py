"""One DAG file as Airflow's own DagBag loads it: import errors, DAGs, schedules. Airflow 2.7 to 3.3."""

import collections
import datetime
import os
import re
import sys

MAX_ERRORS, MAX_DAGS, MAX_TEXT, MAX_ROLES = 20, 2000, 2000, 50
# Characters of a file; more is data.
MAX_SOURCE, MAX_IMPORTS = 200_000, 300
IMPORT = re.compile(r"^(?:from|import) +(airflow(?:\.\w+)*)", re.MULTILINE)
FRAME = re.compile(r'^ *File "([^"\n]+)", line (\d+)', re.MULTILINE)


def warm_up():
    """Import what every file needs, so that children share it. Runs no code of the user."""
    import airflow.models  # noqa: F401
    import airflow.utils.file  # noqa: F401

    _dag_bag_class()
    # A first DAG through all of it: schemas are read, and patterns compiled, once.
    from airflow.models.dag import DAG

    _serializer().to_dict(DAG("warm_up", schedule="@daily", start_date=datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)))


def import_what_files_import(folder, files):
    """Import the Airflow modules that DAG files name, as Airflow's own processor does: children then share them.

    They are Airflow's and its providers', so no line of a DAG file runs. What cannot be imported is for the children to report.
    """
    import importlib
    import warnings

    names = collections.Counter()
    for name in files:
        try:
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                names.update(set(IMPORT.findall(file.read(MAX_SOURCE))))
        except OSError:
            continue
    with warnings.catch_warnings():
        # Told again, by the child whose file it is about.
        warnings.simplefilter("ignore")
        for name, _ in names.most_common(MAX_IMPORTS):
            try:
                importlib.import_module(name)
            except BaseException:  # noqa: B036  whatever a module raises while it is imported
                continue


def make_database():
    """Tables of Airflow 2's metadata database, empty: code that looks into them while it is parsed finds no row, as in a new environment.

    In memory: each child has the copy that fork gives it, and no file can change what another finds.
    Airflow 3 lets no DAG file near its database, so there is none.
    """
    if _is_airflow_3():
        return
    import importlib

    from airflow import settings
    from airflow.models import import_all_models
    from airflow.models.base import Base
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    import_all_models()
    # Notes refer to the table of users, which belongs to the FAB provider since 2.9.
    for name in ("airflow.providers.fab.auth_manager.models", "airflow.auth.managers.fab.models"):
        try:
            importlib.import_module(name)
            break
        except ImportError:
            continue
    settings.engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    settings.Session.remove()
    settings.Session.configure(bind=settings.engine)
    Base.metadata.create_all(settings.engine)


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
    return {
        "errors": errors[:MAX_ERRORS],
        "dags": sorted(dags, key=lambda dag: dag["dagId"])[:MAX_DAGS],
        "reads": load_secrets.STATE["reads"],
        "cut": {"errors": max(0, len(errors) - MAX_ERRORS), "dags": max(0, len(dags) - MAX_DAGS)},
    }


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
    return {"errors": found[:MAX_ERRORS], "dags": [], "reads": [], "cut": {"errors": max(0, len(found) - MAX_ERRORS), "dags": 0}}


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

    # As BundleDagBag does, the processor's own kind; DagBag itself does it no more.
    if folder not in sys.path:
        sys.path.append(folder)
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
    timetable = _timetable_of(dag)
    summary = getattr(timetable, "summary", None)
    return {
        "dagId": str(dag.dag_id)[:250],
        "schedule": str(getattr(dag, "schedule_interval", None) if summary is None else summary)[:250],
        "nextRun": _next_run(dag, timetable, reference),
        "isPausedUponCreation": dag.is_paused_upon_creation if isinstance(dag.is_paused_upon_creation, bool) else None,
        "tasks": len(dag.tasks),
        # Whatever its shape was: since 2.8 {role: {resource: actions}}, before {role: actions}.
        "roles": sorted(str(role)[:100] for role in getattr(dag, "access_control", None) or {})[:MAX_ROLES],
    }


def _timetable_of(dag):
    """The scheduler's own: since Airflow 3.2 a file makes only a description, and the timetable comes out of the stored form."""
    if hasattr(dag.timetable, "next_dagrun_info"):
        return dag.timetable
    serializer = _serializer()
    return serializer.from_dict(serializer.to_dict(dag)).timetable


def _next_run(dag, timetable, reference):
    """First run after ``reference`` of a DAG that had run until then; None: nothing is scheduled; "": could not be had."""
    try:
        import pendulum
        from airflow.timetables.base import DataInterval, TimeRestriction

        at = pendulum.instance(datetime.datetime.fromisoformat(reference))
        earliest, latest = (date and pendulum.instance(date) for date in (dag.start_date, dag.end_date))
        restriction = TimeRestriction(earliest=earliest, latest=latest, catchup=True)
        # Not an interval of no length: for Airflow 3.3 that is a run without one, and it goes a whole interval further.
        last = DataInterval(start=at.subtract(days=1), end=at)
        info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
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
