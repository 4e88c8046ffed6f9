"""`metadata.dags` of the migration file: which DAGs' history moves, by patterns as fnmatch knows them."""
import fnmatch

from _parts.database import literal

ALL_DAGS = {"include": (), "exclude": ()}


def is_taken(dag_id, dags):
    """`dags`: {"include": [patterns], "exclude": [patterns]}; no include takes all."""
    included = not dags["include"] or any(fnmatch.fnmatchcase(dag_id, pattern) for pattern in dags["include"])
    return included and not any(fnmatch.fnmatchcase(dag_id, pattern) for pattern in dags["exclude"])


def chooses(dags):
    return bool(dags["include"] or dags["exclude"])


def taken_sql(column, dags):
    """SQL: the same of a column; true for a row of no DAG."""
    tests = ["{} ~ {}".format(column, literal(_any_of(dags["include"])))] if dags["include"] else []
    tests += ["{} !~ {}".format(column, literal(_any_of(dags["exclude"])))] if dags["exclude"] else []
    return "coalesce({}, true)".format(" AND ".join(tests)) if tests else "true"


def _any_of(patterns):
    return "^(?:{})$".format("|".join(map(_regex, patterns)))


def _regex(pattern):
    """A pattern as a regular expression of PostgreSQL: https://docs.python.org/3/library/fnmatch.html"""
    found, at = "", 0
    while at < len(pattern):
        end = pattern.find("]", at + (3 if pattern[at + 1:at + 2] == "!" else 2)) if pattern[at] == "[" else -1
        if end > 0:
            inside = pattern[at + 1:end].replace("\\", "\\\\").replace("[", "\\[")
            found += "[^{}]".format(inside[1:]) if inside.startswith("!") else "[{}]".format("\\" + inside if inside.startswith("^") else inside)
            at = end
        else:
            found += {"*": ".*", "?": "."}.get(pattern[at]) or (pattern[at] if pattern[at].isalnum() else "\\" + pattern[at])
        at += 1
    return found
