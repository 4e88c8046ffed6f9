"""One DAG file as Airflow's own DagBag loads it: import errors, DAGs, schedules. Airflow 1.10 to 3.3, Python 3.7 on."""

import collections
import os
import re
import sys

import load_release
import load_schedules

MAX_ERRORS, MAX_DAGS, MAX_TEXT, MAX_ROLES = 20, 2000, 2000, 50
# DAGs of a file that are looked at around changes of the clocks, with some kilobytes of dates each.
MAX_CLOCKS = 200
# Characters of a file; more is data.
MAX_SOURCE, MAX_IMPORTS = 200_000, 300
IMPORT = re.compile(r"^(?:from|import) +(airflow(?:\.\w+)*)", re.MULTILINE)
FRAME = re.compile(r'^ *File "([^"\n]+)", line (\d+)', re.MULTILINE)


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


def load(job, name, stand_in):
    """:returns: ``errors``, ``dags`` and ``reads`` of one file, as described in load_dags.py."""
    import load_secrets

    path = os.path.join(job["dags"], name)
    load_secrets.STATE.update(stand_in=stand_in, folder=path)
    load_release.like_the_processor(load_secrets)
    errors, dags = [], []
    try:
        bag = load_release.open_bag(path, job["dags"])
        for place, text in bag.import_errors.items():
            errors.append(_error(text, place, job))
        for dag in bag.dags.values():
            problem = _serialization_error(dag, job)
            if problem:
                errors.append(problem)
            else:
                dags.append(_described(dag, job["reference"], (job.get("seeds") or {}).get(name, {}).get(dag.dag_id), len(dags) < MAX_CLOCKS))
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
    errors = load_release.plugin_errors()
    folder = os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"]
    found = []
    for place, text in sorted(errors.items()):
        inside = os.path.relpath(place, folder) if os.path.isabs(place) else place
        found.append({"file": inside, "line": None, "text": str(text)[:MAX_TEXT], "place": None})
    return {"errors": found[:MAX_ERRORS], "dags": [], "reads": [], "cut": {"errors": max(0, len(found) - MAX_ERRORS), "dags": 0}}


def _serialization_error(dag, job):
    """Airflow reports a DAG that cannot be stored as an import error; the file itself loads."""
    if not load_release.stores_dags():
        return None
    try:
        load_release.serializer().to_dict(dag)
    except Exception as error:
        cause = error.__cause__ or error
        text = f"{type(cause).__name__}: {cause}"
        return {**_error(text, dag.fileloc, job), "text": f"DAG {dag.dag_id!r} cannot be serialized: {text}"[:MAX_TEXT]}
    return None


def _described(dag, reference, seeds, has_room):
    return {
        **load_schedules.described(dag, reference, seeds, load_release.serializer, has_room),
        "dagId": str(dag.dag_id)[:250],
        # A part of another DAG, which starts it; Airflow 3 has none.
        "isSubDag": getattr(dag, "is_subdag", False) is True,
        "isPausedUponCreation": dag.is_paused_upon_creation if isinstance(dag.is_paused_upon_creation, bool) else None,
        "tasks": len(dag.tasks),
        # Whatever its shape was: since 2.8 {role: {resource: actions}}, before {role: actions}.
        "roles": sorted(str(role)[:100] for role in getattr(dag, "access_control", None) or {})[:MAX_ROLES],
    }


def _raised(error, path, job):
    import traceback

    return _error("".join(traceback.format_exception(type(error), error, error.__traceback__)), path, job)


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
