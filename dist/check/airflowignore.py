"""Which files .airflowignore keeps from Airflow: https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/dags.html#airflowignore"""

import os
import re
import signal

from folder_walk import walk

NAME = ".airflowignore"
#: Bytes of one such file.
_MAX_BYTES = 100000
#: Of processor time, for one line and one path, where microseconds are usual.
_LINE_SECONDS = 1
#: After so many lines that take longer the rest are not tried at all.
_MAX_SLOW = 5


def ignored_by_airflow(args, slow=None):
    """Predicate (path) for files below the DAG folder.

    Lines are regular expressions until Airflow 2, and globs as in .gitignore since 3; option core.dag_ignore_file_syntax chooses.
    A line holds for the folder of its file and all below it.

    :param list slow: receives (file, line, text) of each line that was given up because it takes too long; line and text are None for all that
        are not tried any more
    """
    release = tuple(int(number) for number in re.findall(r"\d+", args.target)[:2])
    default = "glob" if release >= (3,) else "regexp"
    is_glob = os.environ.get("AIRFLOW__CORE__DAG_IGNORE_FILE_SYNTAX", default).lower() == "glob"
    slow = [] if slow is None else slow
    rules = []
    for here, files in walk(args.dags, args.root):
        if NAME in files:
            rules.append((here, _globs(here, slow) if is_glob else _expressions(here, args.dags, slow, _compiler(release))))

    def is_ignored(path):
        return any(matches(path) for folder, matches in rules if path.startswith(folder + os.sep))

    return is_ignored


def _lines(folder):
    """(number, text) of each line."""
    try:
        with open(os.path.join(folder, NAME), "rb") as stream:
            return list(enumerate(stream.read(_MAX_BYTES).decode("utf-8", "replace").splitlines(), 1))
    except OSError:
        return []


def _compiler(release):
    """Airflow 2.6 to 2.11 use RE2, which knows fewer expressions and takes no time for any; the others Python's own."""
    if (2, 6) <= release < (3,):
        try:
            import re2

            return re2.compile
        except ImportError:  # the target's environment, asked about a source that has it
            pass
    return re.compile


def _expressions(folder, root, slow, compiled):
    """Airflow searches each expression in the path from the DAG folder, and the same in that of every folder on the way."""
    tried = _Lines(folder, slow)
    for number, line in _lines(folder):
        # Airflow removes r"\s*#.*", which takes the square of a line of blanks.
        text = line.split("#", 1)[0].rstrip() if "#" in line else line
        if text:
            tried.add(number, text, compiled)

    def matches(path):
        parts = os.path.relpath(path, root).split(os.sep)
        ways = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        return any(tried.ask(lambda each: any(each.search(way) for way in ways)))

    return matches


def _globs(folder, slow):
    try:
        from pathspec.patterns import GitWildMatchPattern
    except ImportError:  # every Airflow that knows globs brings it
        return lambda path: False
    tried = _Lines(folder, slow)
    for number, line in _lines(folder):
        tried.add(number, line, GitWildMatchPattern)

    def matches(path):
        # The last line that fits decides; one with "!" takes back what others say.
        relative = os.path.relpath(path, folder).replace(os.sep, "/")
        told = tried.ask(lambda each: each.include if each.include is not None and each.match_file(relative) else None)
        return next((include for include in reversed(told) if include is not None), False)

    return matches


class _Lines:
    """The lines of one file that can be tried, each within its time."""

    def __init__(self, folder, slow):
        self.file, self.slow, self.lines = os.path.join(folder, NAME), slow, []

    def add(self, number, text, compiled):
        """A line that cannot be compiled is left out, as Airflow does, with a warning."""
        try:
            self.lines.append((number, text, _within(lambda: compiled(text))))
        except _TooSlow:
            self._give_up(number, text)
        except Exception:  # noqa: B902 - re.error, re2.error, what pathspec raises
            pass

    def ask(self, question):
        """The answers of all lines, in their order."""
        answers = []
        for each in list(self.lines):
            if len(self.slow) > _MAX_SLOW:
                return []
            try:
                answers.append(_within(lambda: question(each[2])))  # noqa: B023 - called at once
            except _TooSlow:
                self.lines.remove(each)
                self._give_up(*each[:2])
        return answers

    def _give_up(self, number, text):
        self.slow.append((self.file, number, text) if len(self.slow) < _MAX_SLOW else (self.file, None, None))


class _TooSlow(Exception):
    pass


def _stop(*_):
    raise _TooSlow


def _within(work):
    """What the function returns. Python's expressions look for signals while they search; the clock counts only what this process does.

    :raises _TooSlow:
    """
    signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, _LINE_SECONDS)
    try:
        return work()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
