"""One forked child per DAG file, some at a time; none outlives its time, and nothing it started outlives it."""

import json
import os
import re
import selectors
import signal
import tempfile
import time

import load_limits

# A result of one file; 2,000 DAGs of one factory file fit.
MAX_RESULT_BYTES = 4 * 1024 * 1024
TICK_SECONDS = 0.05
# Values that a variable or connection which is not here stands for, tried in this order: most code takes one of them.
STAND_INS = ("1", "{}")
PLUGINS = "plugins"


class Child:
    def __init__(self, name, stand_in, pid, pipe, output, deadline):
        self.name, self.stand_in, self.pid, self.pipe, self.output, self.deadline = name, stand_in, pid, pipe, output, deadline
        self.received = bytearray()
        self.is_late = False


class Pool:
    """:param dict job: as in load_dags.py; ``result_fd`` is closed in children; ``say`` takes each result."""

    def __init__(self, job, result_fd, say):
        self.job, self.result_fd, self.say = job, result_fd, say
        self.running = {}
        self.selector = selectors.DefaultSelector()
        # What the tries of a file came to before the one that runs.
        self.earlier = {}

    def run(self, files):
        waiting = [(name, None) for name in reversed(files)]
        if os.path.isdir(self.job["plugins"]):
            waiting.append((PLUGINS, None))
        try:
            while waiting or self.running:
                while waiting and len(self.running) < self.job["jobs"]:
                    self._start(*waiting.pop())
                self._read()
                for child in self._ended():
                    again = self._finish(child)
                    if again is not None:
                        waiting.append((child.name, again))
        finally:
            for child in self.running.values():
                _kill(child.pid)
            self.running = {}
            self._end_orphans()

    def _start(self, name, stand_in):
        reading, writing = os.pipe()
        output = tempfile.TemporaryFile()
        pid = os.fork()
        if pid == 0:
            try:
                _become_child(writing, output.fileno())
                load_limits.limit(self.job)
                import load_file

                me = os.getpid()
                answer = load_file.load_plugins() if name == PLUGINS else load_file.load(self.job, name, stand_in)
                # A file may have forked and let both go on.
                if os.getpid() == me:
                    _send(writing, answer)
            finally:
                # No handler that the user's code registered runs, and no buffer of the parent is written twice.
                os._exit(0)
        os.close(writing)
        os.set_blocking(reading, False)
        child = Child(name, stand_in, pid, reading, output, time.monotonic() + self.job["wallSeconds"])
        self.running[pid] = child
        self.selector.register(reading, selectors.EVENT_READ, child)

    def _read(self):
        for key, _ in self.selector.select(TICK_SECONDS):
            child = key.data
            if not _drain(child):
                self.selector.unregister(child.pipe)

    def _ended(self):
        """Children whose process is over. A daemon that keeps the pipe open does not count."""
        for pid in list(self.running):
            child = self.running[pid]
            if time.monotonic() > child.deadline and not child.is_late:
                child.is_late = True
                _kill(pid)
            done, status = os.waitpid(pid, os.WNOHANG)
            if done == pid:
                del self.running[pid]
                _drain(child)
                child.status = status
                yield child
        self._end_orphans()

    def _finish(self, child):
        """Say what became of it. Returns the value to try again with, if values that are not here may be why it failed."""
        try:
            self.selector.unregister(child.pipe)
        except KeyError:
            pass
        os.close(child.pipe)
        tail = _tail(child.output)
        child.output.close()
        answer = _parsed(child.received)
        if child.is_late or answer is None:
            how = "late" if child.is_late else "killed" if os.WIFSIGNALED(child.status) else "ended"
            number = os.WTERMSIG(child.status) if os.WIFSIGNALED(child.status) else os.WEXITSTATUS(child.status)
            answer = {"outcome": how, "status": number, "tail": tail, "errors": [], "dags": [], "reads": []}
        else:
            answer = {**answer, "outcome": "loaded"}
        if child.name == PLUGINS:
            self.say({**answer, "kind": "plugins"})
            return None
        answer["kind"], answer["file"], answer["standIn"] = "file", child.name, child.stand_in
        tries = [*self.earlier.pop(child.name, []), answer]
        reads = answer["reads"] or tries[0]["reads"]
        if answer["errors"] and reads and len(tries) <= len(STAND_INS):
            self.earlier[child.name] = tries
            return STAND_INS[len(tries) - 1]
        self.say({**answer, "reads": reads, "errors": [_compared(error, tries) for error in answer["errors"]]})
        return None

    def _end_orphans(self):
        """Processes that left their DAG file's process: subreaper, so they are direct children of this one."""
        for pid in load_limits.children_of(os.getpid()) - set(self.running):
            _kill(pid)
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                continue


def _compared(error, tries):
    """``always``: it came at every try, also without a stand-in. ``again``: whatever the stand-in was."""
    came = [any(_sameness(one) == _sameness(error) for one in answer["errors"]) for answer in tries]
    return {**error, "always": all(came), "again": all(came[1:])} if isinstance(error, dict) else error


def _sameness(error):
    """What of an error does not depend on where its objects happen to lie in memory."""
    if not isinstance(error, dict):
        return None
    text = re.sub("0x[0-9a-f]+", "", str(error.get("text")))
    return error.get("file"), error.get("line"), error.get("place"), text


def _become_child(writing, output):
    os.setsid()
    for name in ("SIGINT", "SIGTERM", "SIGCHLD", "SIGPIPE"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    highest = os.sysconf("SC_OPEN_MAX")
    os.closerange(3, writing)
    os.closerange(writing + 1, min(highest, 65536))


def _send(pipe, answer):
    data = json.dumps(answer, ensure_ascii=True, default=str).encode("ascii")
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view) :]


def _drain(child):
    """:returns: False at the end of the pipe. What is beyond the limit is read and dropped, or the child would wait."""
    while True:
        try:
            data = os.read(child.pipe, 65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        if len(child.received) <= MAX_RESULT_BYTES:
            child.received += data


def _parsed(data):
    if not data or len(data) > MAX_RESULT_BYTES:
        return None
    try:
        answer = json.loads(bytes(data))
    except ValueError:
        return None
    lists = ("errors", "dags", "reads")
    if not isinstance(answer, dict) or not all(isinstance(answer.get(name), list) for name in lists):
        return None
    return {"cut": answer.get("cut"), **{name: answer[name] for name in lists}}


def _tail(output):
    """The last words of a process that ended without a result, e.g. an abort of a native library."""
    try:
        output.seek(0, os.SEEK_END)
        output.seek(max(0, output.tell() - 600))
        return output.read(600).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


def _kill(pid):
    """The whole group first; a child that has not yet made its own is ended alone."""
    for end in (os.killpg, os.kill):
        try:
            end(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
