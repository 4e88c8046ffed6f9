"""Run a program under Landlock, where seal.py cannot have namespaces: containers without rights, hardened kernels. Linux 5.13 or newer.

``python -I -S landlock.py JOB COMMAND [ARGUMENT ...]``, JOB as for seal.py. The program writes only below its folders, reads nothing that is
hidden, and cannot look into processes that are not its own; from Linux 6.12 on it cannot send them signals either. It does see their names,
and reaches sockets that have a file. Ends with the status of the command, or with 97 before it was started, where the kernel has no Landlock.

https://docs.kernel.org/userspace-api/landlock.html
"""

import ctypes
import json
import os
import platform
import signal
import struct
import sys

CANNOT = 97
# The same numbers on every architecture, but for Alpha: include/uapi/asm-generic/unistd.h
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 24, 36, 38
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE, IOCTL_DEV = 1, 2, 4, 8, 1 << 14, 1 << 15
READ, OF_FILES = EXECUTE | READ_FILE | READ_DIR, EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
# Rights of the file system by version of the interface; the kernel refuses bits that it does not know.
RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
SCOPE_SOCKETS_AND_SIGNALS = 3
LIBC = ctypes.CDLL(None, use_errno=True)


def main():
    job, command = json.loads(sys.argv[1]), sys.argv[2:]
    try:
        version = _call(CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    except OSError as error:
        sys.stderr.write("no Landlock: %s\n" % error)
        sys.exit(CANNOT)
    # What the program leaves behind comes to this process, which ends it; it stays outside, or it could not be kept from being ended itself.
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = os.fork()
    if child == 0:
        try:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            _restrict(job, version)
            os.chdir(job["writable"][0])
        except OSError as error:
            sys.stderr.write("not restricted: %s\n" % error)
            os._exit(CANNOT)
        os.environ["PATH"] = job["path"]
        os.execv(command[0], command)
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(each, lambda *_: os.kill(child, signal.SIGKILL))
    signal.alarm(int(job["seconds"]))
    status = None
    while status is None:
        pid, ended = os.waitpid(-1, 0)
        status = ended if pid == child else None
    _end_orphans()
    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


def _restrict(job, version):
    rights = RIGHTS[min(version, max(RIGHTS))]
    scoped = SCOPE_SOCKETS_AND_SIGNALS if version >= 6 else 0
    # struct landlock_ruleset_attr: file system, network, scopes; older kernels take it as long as what they do not know is zero.
    attributes = struct.pack("QQQ", rights, 0, scoped)
    ruleset = _call(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes) if version >= 6 else 8), 0)
    hidden, shown = ([os.path.realpath(path) for path in job[name]] for name in ("hidden", "shown"))
    for each in ["/", *shown]:
        for path in _not_hidden(each, hidden):
            _allow(ruleset, path, READ & rights)
    # Listed as a whole, or a walk through it would find nothing and say nothing; of what is hidden in it only names are seen.
    for path in filter(os.path.isdir, shown):
        _allow(ruleset, path, READ_DIR)
    for path in [*job["writable"], "/dev"]:
        _allow(ruleset, os.path.realpath(path), rights)
    # Root of a container: whoever has CAP_PERFMON may look into other processes whatever Landlock says (may_access_mm in kernel/fork.c).
    for capability in range(64):
        if LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    LIBC.capset(struct.pack("Ii", 0x20080522, 0), bytes(24))
    LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _call(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _not_hidden(folder, hidden):
    """The largest places below a folder with nothing hidden in them: rules can only allow, and what they allow goes all the way down."""
    if folder in hidden:
        return
    if not any(each.startswith(folder.rstrip("/") + "/") for each in hidden):
        yield folder
        return
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        path = os.path.join(folder, name)
        if not os.path.islink(path):
            yield from _not_hidden(path, hidden)


def _allow(ruleset, path, rights):
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # it is not there, or not for this user anyway
    try:
        # struct landlock_path_beneath_attr is packed.
        _call(ADD_RULE, ruleset, 1, struct.pack("=Qi", rights if os.path.isdir(path) else rights & OF_FILES, opened), 0)
    finally:
        os.close(opened)


def _end_orphans():
    """Until none is left: one that is ended hands its children on to this process."""
    while True:
        with open("/proc/self/task/%d/children" % os.getpid(), encoding="ascii") as file:
            found = [int(pid) for pid in file.read().split()]
        if not found:
            return
        for pid in found:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _call(number, *arguments):
    result = LIBC.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


if __name__ == "__main__":
    if platform.system() != "Linux":
        sys.exit(CANNOT)
    main()
