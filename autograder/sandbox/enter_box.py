"""Move a forked process into a box that bubblewrap has built, behind exactly the same walls.

A box begins with a *holder*, a waiting shell that bubblewrap starts in it. `join_namespaces` moves
an outside process into the holder's namespaces; its grandchild is then a process of the box, and
`put_up_walls` copies the holder's confinement: environment, folder, limits, no capabilities, no new
privileges, the system-call filter. Then `differences` compares both in ``/proc``, and a process
that is not confined exactly like the holder must exit. No student code runs before that.

This module is part of `zygote_process`, which is not run from within the package: it imports
nothing of the kit.
"""

import ctypes
import fcntl
import os
import resource
import select
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

__all__ = [
    "differences",
    "give_up_capabilities",
    "join_namespaces",
    "put_up_walls",
    "refuse_calls",
]

_NS_GET_USERNS = 0xB701  # linux/nsfs.h
_OWN = frozenset({"ipc", "mnt", "net", "pid", "user", "uts"})
"""Namespaces that a box never shares with the machine."""

_PR_SET_DUMPABLE, _PR_SET_NAME, _PR_SET_SECCOMP, _PR_CAPBSET_DROP = 4, 15, 22, 24
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_LIMITS = 16  # RLIM_NLIMITS of asm-generic/resource.h
_SECCOMP_MODE_FILTER = 2  # linux/seccomp.h
_CAPABILITIES_V3 = 0x20080522  # linux/capability.h
_INSTRUCTION_BYTES = 8

_MAY_DIFFER = frozenset({
    "Name", "State", "Tgid", "Ngid", "Pid", "PPid", "TracerPid", "FDSize", "NStgid", "NSpid",
    "NSpgid", "NSsid", "HugetlbPages", "Threads", "SigQ", "SigPnd", "ShdPnd", "SigBlk", "SigIgn",
    "SigCgt", "x86_Thread_features", "x86_Thread_features_locked", "voluntary_ctxt_switches",
    "nonvoluntary_ctxt_switches",
})  # fmt: skip
"""Lines of ``/proc/PID/status`` about identity and activity, not about confinement."""

_SAME_FILES = (
    "attr/current", "cgroup", "coredump_filter", "limits", "loginuid", "mountinfo",
    "oom_score_adj", "personality", "sessionid",
)  # fmt: skip
_SAME_LINKS = ("cwd", "root")

_libc = ctypes.CDLL(None, use_errno=True)


class _Filter(ctypes.Structure):
    """``struct sock_fprog`` of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


class _CapabilityHeader(ctypes.Structure):
    """``struct __user_cap_header_struct`` of linux/capability.h."""

    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def join_namespaces(pid: int, pidfd: int, entrances: Iterable[str]) -> None:
    """Enter the control group and the namespaces of a box; children are processes of the box.

    Parameters
    ----------
    pid : int
        A process of the box, in the machine's numbering.
    pidfd : int
        The same process: its number may be another's by now.
    entrances : iterable of str
        Of the box's control group; none without one.

    Raises
    ------
    OSError
        If the process is gone, or this one may not.
    """
    for entrance in entrances:
        Path(entrance).write_text(str(os.getpid()))
    ours = {
        name: os.stat(f"/proc/self/ns/{name}").st_ino
        for name in os.listdir("/proc/self/ns")
        if not name.endswith("_for_children")
    }
    spaces = {name: os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY) for name in ours}
    if select.select([pidfd], [], [], 0)[0]:
        raise ProcessLookupError("the box has ended")
    spaces = {name: file for name, file in spaces.items() if _inode(file) != ours[name]}
    if shared := _OWN - set(spaces):
        raise PermissionError(f"the box shares namespaces with the machine: {sorted(shared)}")
    # bubblewrap makes a second user namespace below the one that owns all others, so that nobody
    # in it may make more.
    owner = fcntl.ioctl(spaces["mnt"], _NS_GET_USERNS)
    user = spaces.pop("user")
    if _inode(owner) != ours["user"]:
        _call("setns", owner, 0)
    for file in spaces.values():
        _call("setns", file, 0)
    if _inode(user) != _inode(owner):
        _call("setns", user, 0)


def put_up_walls(holder: int, program: bytes) -> None:
    """Confine this process, in the namespaces of a box, like the box's holder.

    Parameters
    ----------
    holder : int
        In the box's numbering.
    program : bytes
        The filter of system calls; empty without one.
    """
    os.environ.clear()
    for line in Path(f"/proc/{holder}/environ").read_bytes().split(b"\0"):
        name, separator, value = line.partition(b"=")
        if separator:
            os.environb[name] = value
    status = _status(holder)
    os.umask(int(status["Umask"], 8))
    os.chdir(os.readlink(f"/proc/{holder}/cwd"))
    os.sched_setaffinity(0, os.sched_getaffinity(holder))
    for limit in range(_LIMITS):
        resource.setrlimit(limit, resource.prlimit(holder, limit))
    give_up_capabilities()
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if program:
        refuse_calls(program)
    # Who changes user namespaces is hidden from its own user, who is to read memory and CPU time.
    _call("prctl", _PR_SET_DUMPABLE, 1, 0, 0, 0)
    _call("prctl", _PR_SET_NAME, b"python", 0, 0, 0)


def refuse_calls(program: bytes) -> None:
    """Make the kernel filter the system calls of this process and all its descendants.

    Parameters
    ----------
    program : bytes
        The filter; new privileges are given up already.
    """
    instructions = ctypes.create_string_buffer(program, len(program))
    told = _Filter(len(program) // _INSTRUCTION_BYTES, ctypes.addressof(instructions))
    _call("prctl", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(told), 0, 0)


def give_up_capabilities(*, bounding: bool = True) -> None:
    """Give up all capabilities.

    Parameters
    ----------
    bounding : bool
        Whether to give up the bounding set, too, which itself takes a capability. Without new
        privileges no file grants any.
    """
    highest = int(Path("/proc/sys/kernel/cap_last_cap").read_text()) if bounding else -1
    for capability in range(highest + 1):
        _call("prctl", _PR_CAPBSET_DROP, capability, 0, 0, 0)
    _call("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = _CapabilityHeader(_CAPABILITIES_V3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _call("capset", ctypes.byref(header), ctypes.byref(nothing))


def differences(holder: int) -> list[str]:
    """Return how this process's confinement differs from its holder's; must be empty.

    Parameters
    ----------
    holder : int
        In the box's numbering.
    """
    found = []
    ours, theirs = _status("self"), _status(holder)
    for name in sorted(ours.keys() | theirs.keys()):
        variable = name in _MAY_DIFFER or name.startswith(("Vm", "Rss"))
        if not variable and ours.get(name) != theirs.get(name):
            found.append(f"{name} {ours.get(name)} instead of {theirs.get(name)}")
    found += [name for name in _SAME_FILES if _read("self", name) != _read(holder, name)]
    for name in (*_SAME_LINKS, *(f"ns/{space}" for space in os.listdir("/proc/self/ns"))):
        if not os.path.samestat(os.stat(f"/proc/self/{name}"), os.stat(f"/proc/{holder}/{name}")):
            found.append(name)
    if os.getpriority(os.PRIO_PROCESS, 0) != os.getpriority(os.PRIO_PROCESS, holder):
        found.append("priority")
    if os.sched_getscheduler(0) != os.sched_getscheduler(holder):
        found.append("scheduler")
    return found


def _status(pid: int | str) -> Mapping[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _read(pid: int | str, name: str) -> bytes:
    with suppress(OSError):  # of what this kernel does not have
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""


def _inode(file: int) -> int:
    return os.fstat(file).st_ino


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
