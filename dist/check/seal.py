"""Run a program where it sees no process but its own, and can write nothing but the folders it is given. Linux.

``python -I -S seal.py JOB COMMAND [ARGUMENT ...]``; JOB is JSON: ``writable``, ``shown`` and ``hidden`` (absolute paths; the first
writable one becomes the working folder; what is writable or shown stays in sight also inside of something hidden), ``seconds`` it may
take, ``path`` (its PATH, which sudo replaces), ``uid`` and ``gid`` (numbers when started by root on behalf of that user, else null).
Ends with the status of the command, or with 97 before it was started, where the kernel does not allow this (no user namespaces, a
container without the rights).

The command is process 1 of its own world: no process in it can end it by a signal, and when it ends the kernel ends all the others.
"""

import ctypes
import json
import os
import signal
import struct
import sys

CANNOT = 97
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x10000000, 0x20000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_REC, MS_PRIVATE, MS_RELATIME = (
    1, 2, 4, 8, 32, 1024, 2048, 4096, 16384, 1 << 18, 1 << 21)
# A mount made by somebody else keeps the flags it has: the kernel refuses to take one away.
KEPT = {"nosuid": MS_NOSUID, "nodev": MS_NODEV, "noexec": MS_NOEXEC, "noatime": MS_NOATIME, "nodiratime": MS_NODIRATIME, "relatime": MS_RELATIME}
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
LIBC = ctypes.CDLL(None, use_errno=True)


def main():
    job, command = json.loads(sys.argv[1]), sys.argv[2:]
    uid, gid = os.getuid(), os.getgid()
    try:
        if job["uid"] is None:
            _call(LIBC.unshare, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID)
            for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
                with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                    file.write(text)
        else:
            _call(LIBC.unshare, CLONE_NEWNS | CLONE_NEWPID)
    except OSError as error:
        sys.stderr.write(f"no namespaces: {error}\n")
        sys.exit(CANNOT)
    child = os.fork()
    if child == 0:
        try:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            _seal(job)
        except OSError as error:
            sys.stderr.write(f"not sealed: {error}\n")
            os._exit(CANNOT)
        os.environ["PATH"] = job["path"]
        os.execv(command[0], command)
    # Started by sudo, this process is root's, and whoever started it cannot end it.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(each, lambda *_: os.kill(child, signal.SIGKILL))
    signal.alarm(int(job["seconds"]))
    _, status = os.waitpid(child, 0)
    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


def _seal(job):
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    # Bound before anything above them becomes read-only; the working folder is entered anew, or the old mount would stay open.
    for folder in job["writable"]:
        _mount(folder, folder, None, MS_BIND | MS_REC)
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    # An outer folder before what is inside of it, which may be in sight again by then.
    for path in sorted(job["hidden"], key=lambda one: one.count("/")):
        _hide(path, (*job["shown"], *job["writable"]))
    writable = [os.path.realpath(folder) for folder in job["writable"]]
    for point, options in _mounts():
        if point in writable or point == "/proc" or point.startswith(("/proc/", "/dev", "/sys")):
            continue
        flags = sum(flag for name, flag in KEPT.items() if name in options)
        try:
            _mount(None, point, None, MS_REMOUNT | MS_BIND | MS_RDONLY | flags)
        except OSError:
            if point == "/":
                raise
    os.chdir(job["writable"][0])
    for capability in range(64):
        if LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    if job["uid"] is not None:
        os.setgroups([])
        os.setgid(job["gid"])
        os.setuid(job["uid"])
    LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # linux/capability.h: version 3, this process, two empty sets.
    LIBC.capset(struct.pack("Ii", 0x20080522, 0), bytes(24))
    # Again: the kernel forgets it when a process becomes another user's.
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _hide(path, shown):
    if os.path.isdir(path):
        links, places = [], []
        for each in shown:
            followed, real = _trace(each)
            links += followed
            if real.startswith(f"{path}/") and os.path.exists(real):
                # Held open: by its name it cannot be reached once the folder is covered.
                places.append((real, os.path.isdir(real), os.open(real, os.O_PATH | os.O_CLOEXEC)))
        _mount("none", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        for place, is_folder, opened in sorted(places):
            if is_folder:
                os.makedirs(place, exist_ok=True)
            elif not os.path.exists(place):
                os.makedirs(os.path.dirname(place), exist_ok=True)
                os.close(os.open(place, os.O_CREAT | os.O_WRONLY))
            _mount(f"/proc/self/fd/{opened}", place, None, MS_BIND | MS_REC)
            os.close(opened)
        for place, target in links:
            if place.startswith(f"{path}/") and not os.path.lexists(place):
                os.makedirs(os.path.dirname(place), exist_ok=True)
                os.symlink(target, place)
    elif os.path.exists(path):
        _mount("/dev/null", path, None, MS_BIND)


def _trace(path):
    """The links on the way to a path, with their targets, and where the way ends."""
    links = []
    for _ in range(40):
        parts = path.split("/")
        for count in range(2, len(parts) + 1):
            link = "/".join(parts[:count])
            if os.path.islink(link):
                links.append((link, os.readlink(link)))
                path = os.path.normpath(os.path.join(os.path.dirname(link), os.readlink(link), *parts[count:]))
                break
        else:
            break
    return links, path


def _mounts():
    """Mount points with their options, innermost last."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            fields = line.split(" ")
            # Blanks and the like are written as \040.
            point = fields[4].encode("utf-8", "surrogateescape").decode("unicode_escape").encode("latin-1").decode("utf-8", "surrogateescape")
            yield point, fields[5].split(",")


def _mount(source, target, kind, flags):
    encode = lambda text: None if text is None else os.fsencode(text)  # noqa: E731
    _call(LIBC.mount, encode(source), encode(target), encode(kind), ctypes.c_ulong(flags), None)


def _call(function, *arguments):
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function.__name__} {arguments[:2]}: {os.strerror(number)}")


if __name__ == "__main__":
    main()
