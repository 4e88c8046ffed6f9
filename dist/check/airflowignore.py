"""Which files .airflowignore keeps from Airflow: https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/dags.html#airflowignore"""

import os
import re

from folder_walk import walk

NAME = ".airflowignore"
#: Bytes of one such file.
_MAX_BYTES = 100000


def ignored_by_airflow(args):
    """Predicate (path) for files below the DAG folder.

    Lines are regular expressions until Airflow 2, and globs as in .gitignore since 3; option core.dag_ignore_file_syntax chooses.
    A line holds for the folder of its file and all below it.
    """
    default = "glob" if int(re.match(r"\d*", args.target).group(0) or "0") >= 3 else "regexp"
    is_glob = os.environ.get("AIRFLOW__CORE__DAG_IGNORE_FILE_SYNTAX", default).lower() == "glob"
    rules = []
    for here, files in walk(args.dags, args.root):
        if NAME in files:
            rules.append((here, _globs(here) if is_glob else _expressions(here, args.dags)))

    def is_ignored(path):
        inside = [matches for folder, matches in rules if path.startswith(folder + os.sep)]
        return any(matches(path) for matches in inside)

    return is_ignored


def _lines(folder):
    try:
        with open(os.path.join(folder, NAME), "rb") as stream:
            return stream.read(_MAX_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def _expressions(folder, root):
    """Airflow searches each expression in the path from the DAG folder, and the same in that of every folder on the way."""
    expressions = []
    for line in _lines(folder):
        text = re.sub(r"\s*#.*", "", line)
        try:
            expressions += [re.compile(text)] if text else []
        except re.error:
            continue  # Airflow leaves it out too, with a warning

    def matches(path):
        parts = os.path.relpath(path, root).split(os.sep)
        return any(each.search("/".join(parts[:length])) for each in expressions for length in range(1, len(parts) + 1))

    return matches


def _globs(folder):
    try:
        from pathspec import PathSpec
    except ImportError:  # every Airflow that knows globs brings it
        return lambda path: False
    spec = PathSpec.from_lines("gitwildmatch", _lines(folder))
    return lambda path: spec.match_file(os.path.relpath(path, folder))
