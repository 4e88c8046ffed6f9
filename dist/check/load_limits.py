"""Limits of a process that runs a stranger's code, and what keeps such processes together. Linux; elsewhere what the system has."""

import ctypes
import functools
import os
import resource
import signal

# linux/prctl.h
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 36, 38
# More than any DAG file starts while it is parsed; a fork bomb ends here.
MORE_PROCESSES = 256


def protect_parent():
    """Orphans of children come to this process, and they cannot read its memory, environment or open files by /proc."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    _prctl(PR_SET_DUMPABLE, 0)


def limit(wanted):
    """Apply to this process and all it starts.

    :param dict wanted: ``cpuSeconds`` (None: no limit), ``memoryBytes``, ``fileBytes``
    """
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    # RLIMIT_DATA counts private writable memory; RLIMIT_AS would count what libraries only reserve, and refuse pandas.
    _lower(resource.RLIMIT_DATA, wanted["memoryBytes"])
    if wanted["cpuSeconds"] is not None:
        _lower(resource.RLIMIT_CPU, wanted["cpuSeconds"])
    _lower(resource.RLIMIT_FSIZE, wanted["fileBytes"])
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NPROC, _tasks_of_this_user() + MORE_PROCESSES)


class TooLong(BaseException):
    """Passes handlers of ``Exception`` on its way, which Airflow has around each file."""


def within(seconds, work):
    """What ``work()`` returns; also expressions of Python's look for signals while they search.

    :raises TooLong:
    """

    def stop(*_):
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return work()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def children_of(pid):
    """Ids of the direct children of a process of ours; empty where there is no /proc."""
    found = set()
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found.update(int(child) for child in file.read().split())
    except OSError:
        pass
    return found


def _lower(which, value):
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    try:
        resource.setrlimit(which, (value, value))
    except (ValueError, OSError):
        # macOS refuses some of them; the time limit of the parent holds everywhere.
        pass


@functools.lru_cache(maxsize=1)
def _tasks_of_this_user():
    """RLIMIT_NPROC counts all threads of the user, also those of the runner. Counted once, in the parent: children inherit the number."""
    count, me = 0, os.getuid()
    try:
        entries = [entry for entry in os.listdir("/proc") if entry.isdigit()]
    except OSError:
        return 4096
    for entry in entries:
        try:
            if os.stat(f"/proc/{entry}").st_uid == me:
                count += len(os.listdir(f"/proc/{entry}/task"))
        except OSError:
            continue
    return count


def _prctl(option, value):
    try:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
    except (OSError, AttributeError):
        pass
