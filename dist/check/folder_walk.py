"""Which folders of a repository Airflow enters, and so do the rules.

Airflow's own walk goes everywhere, into hidden folders and into "env", and follows links (list_py_file_paths of 2.10.3 and 3.3.1).
"""

import os

#: Folders. Links between folders could make any number of them.
MAX_FOLDERS = 20000
#: Folders of other people's code, where only what Airflow would load as a DAG file is of interest.
_ASIDE = {"node_modules", "venv", "env", "site-packages"}
#: git's own holds the token with which the repository was checked out; phase check copies neither of them.
_NEVER = ("__pycache__", ".git")


def walk(folder, root, left=None):
    """Yield (folder, names of its files), sorted, of the folder and all below, links included that stay in the repository.

    :param str root: of the repository; what lies outside of it, or of the folder, would be read on behalf of a stranger
    :param list left: receives the first folder that is one too many
    """
    count = 0
    for here, folders, files in os.walk(folder, followlinks=True):
        count += 1
        if count > MAX_FOLDERS:
            if left is not None:
                left.append(here)
            return
        folders[:] = sorted(name for name in folders if name not in _NEVER and _may_enter(here, name, root, folder))
        yield here, sorted(files)


def stays_inside(path, places):
    """Whether a path, or what it is a link to, lies in one of these folders, and not in git's own."""
    real = os.path.realpath(path)
    return any(real.startswith(os.path.realpath(place) + os.sep) for place in places) and ".git" not in real.split(os.sep)


def is_aside(path, folder):
    """Whether a file lies in a hidden folder, or one of other people's code, below this one; or is hidden itself."""
    return any(part.startswith(".") or part in _ASIDE for part in os.path.relpath(path, folder).split(os.sep))


def may_be_dag_file(content):
    """Airflow's own "safe mode": a file without these words is read only when something imports it."""
    return b"dag" in content.lower() and b"airflow" in content.lower()


def _may_enter(here, name, root, folder):
    path = os.path.join(here, name)
    if not os.path.islink(path):
        return True
    # A link to a folder around it has no end; around it by the way taken here, which may have led over other links.
    real, around = os.path.realpath(path), here
    while len(around) >= len(folder):
        if os.path.realpath(around) == real:
            return False
        around = os.path.dirname(around)
    return stays_inside(path, (root, folder))
