"""System calls that a box does not need, refused by the kernel through libseccomp.

The box has no capabilities, so most of these would fail anyway; refusing them at once leaves less
of the kernel open to attack. libseccomp comes with Debian and Ubuntu (package libseccomp2); four of
its functions are enough, so it is called directly. Without it a box has the rest of its walls, and
``autograder doctor`` says so.
"""

import ctypes
import ctypes.util
import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

__all__ = ["Compare", "Rule", "available", "build", "opened", "program"]

_REFUSED = [
    "acct", "add_key", "adjtimex", "bpf", "chroot", "clock_adjtime", "clock_settime",
    "delete_module", "fanotify_init", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick",
    "init_module", "io_cancel", "io_destroy", "io_getevents", "io_setup", "io_submit",
    "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl",
    "kcmp", "kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie", "memfd_secret",
    "mount", "mount_setattr", "move_mount", "move_pages", "name_to_handle_at", "nfsservctl",
    "open_by_handle_at", "open_tree", "perf_event_open", "pivot_root", "process_vm_readv",
    "process_vm_writev", "ptrace", "quotactl", "quotactl_fd", "reboot", "request_key",
    "setdomainname", "sethostname", "setns", "settimeofday", "swapoff", "swapon", "syslog",
    "umount", "umount2", "unshare", "userfaultfd", "uselib", "ustat", "vhangup", "vmsplice",
]  # fmt: skip

_ABSENT = ["clone3", "memfd_create", "msgget", "semget", "shmget"]
"""Refused as unknown (ENOSYS), so that libraries fall back to other calls. A filter cannot see the
flags of ``clone3``. The others create memory that belongs to no process and no file system: only a
control group would count it."""

_UNSUPPORTED = ["fallocate", "fsetxattr", "lsetxattr", "setxattr"]
"""Refused as unsupported by the file system. The first fills a disk between two polls of the
watchdog, whereas writing takes time; the others write where no file size shows it."""

_IGNORED = ["sched_setaffinity", "sched_setattr", "sched_setscheduler"]
"""These succeed without effect. Programs that are pinned to one CPU or yield to others wait long
beside their own work, which looks as if other programs used the machine. ZeroMQ sets the scheduler
of its own threads, and aborts if that fails."""

_THREAD, _SHARED_FILES, _UNSHARE_FILES = 0x10000, 0x400, 2
"""CLONE_THREAD, CLONE_FILES, CLOSE_RANGE_UNSHARE. A thread with open files of its own has them
where nobody looks: ``/proc`` shows a process's files by its first thread."""

_REFUSED_BESIDE = [
    "chown", "fchown", "fchownat", "file_setattr", "lchown", "memfd_secret",
    "open_tree_attr", "process_madvise", "process_mrelease",
]  # fmt: skip
_ABSENT_BESIDE = [
    "inotify_init", "inotify_init1", "mq_open", "mq_unlink", "msgctl", "msgrcv", "msgsnd",
    "semctl", "semop", "semtimedop", "shmat", "shmctl",
]  # fmt: skip
_UNSUPPORTED_BESIDE = [
    "fremovexattr", "lremovexattr", "removexattr", "removexattrat", "setxattrat",
]  # fmt: skip
_PRETENDED_BESIDE = [
    "chmod", "fchmod", "fchmodat", "fchmodat2", "futimesat", "utime", "utimensat", "utimes",
]  # fmt: skip
"""What a box without namespaces and mounts could do to files that it may not open, or may only
read, and to others' queues and memory. Setting modes and times seems to succeed, as `shutil.copy`
and `tarfile` expect, but has no effect: Landlock does not cover them."""

_YOUNG = {
    "memfd_secret": 447, "process_mrelease": 448, "fchmodat2": 452, "setxattrat": 463,
    "removexattrat": 466, "open_tree_attr": 467, "file_setattr": 469,
}  # fmt: skip
"""Calls that the kernel may have but libseccomp may not know: since 5.1, a new one has the same
number on every architecture (include/uapi/asm-generic/unistd.h)."""
_YOUNGER = range(470, 512)
"""Calls of kernels after 6.18, which have not been reviewed."""

_LEASES = (1024, 1040)
"""Commands of ``fcntl``: F_SETLEASE, and F_SETDELEG since Linux 6.19. Whoever opens a leased file
waits until it is given back, up to 45 seconds (``/proc/sys/fs/lease-break-time``), and a program
may lease the files of its user, which are read-only in a box and the machine's own."""

_NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET."""

_FAMILIES = (1, 2, 10, 16)
"""Of sockets: UNIX, IPv4, IPv6, netlink (which lists network interfaces)."""

_UNIX, _INTERNET, _NETLINK = 1, (2, 10), 16
_STREAM, _DATAGRAM, _TYPES = 1, 2, 16
_TCP = 6
_MSG_FASTOPEN = 0x20000000  # linux/socket.h
_INT = 0xFFFFFFFF
"""An argument that the kernel reads as an int, ignoring higher bits."""
_IOCTLS = (0x5412, 0x40086602, 0x401C5820, 0x40806685)
"""TIOCSTI; FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR and FS_IOC_ENABLE_VERITY, which change a file that is
open for reading."""

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NOT_EQUAL, _EQUAL, _GREATER, _MASKED_EQUAL = 1, 4, 6, 7


class Compare(ctypes.Structure):
    """``struct scmp_arg_cmp`` of seccomp.h."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


Rule = tuple[str | int, int, list[Compare]]
"""A call, by name or number, its error number (0: succeeds without effect), and the conditions on
its arguments."""


def available() -> bool:
    """Tell whether there is a filter on this machine."""
    return program() is not None


@contextmanager
def opened() -> Iterator[int | None]:
    """Open the filter for a program started in this context; None without libseccomp."""
    content = program()
    if content is None:
        yield None
        return
    file = os.memfd_create("filter")
    try:
        os.write(file, content)
        os.lseek(file, 0, os.SEEK_SET)
        yield file
    finally:
        os.close(file)


@cache
def program(*, beside: bool = False, network: bool = False) -> bytes | None:
    """Return the filter as the kernel and bubblewrap read it, or None without libseccomp.

    Parameters
    ----------
    beside : bool
        Whether the box has no namespaces and mounts: then more calls have to be refused.
    network : bool
        Whether such a box shares the machine's network.
    """
    return build(_rules() + (_rules_beside(network=network) if beside else []))


def build(rules: Iterable[Rule]) -> bytes | None:
    """Return a filter with some rules that allows everything else; None without libseccomp."""
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return None
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(Compare),
    ]  # fmt: skip
    context = library.seccomp_init(_ALLOW)
    if not context:
        return None
    try:
        for call, number, compare in rules:
            if isinstance(call, str):
                call = library.seccomp_syscall_resolve_name(call.encode())
            conditions = (Compare * len(compare))(*compare)
            # A name that this machine does not know cannot be called either; one that it knows must
            # be refused, or there is no filter at all. What libseccomp is too old to know has to be
            # given by number.
            if call != -1 and library.seccomp_rule_add_array(
                context, _ERRNO | number, call, len(compare), conditions
            ):
                return None
        return _export(library, context)
    finally:
        library.seccomp_release(context)


def _rules() -> list[Rule]:
    rules: list[Rule] = []
    rules += [(name, errno.EPERM, []) for name in _REFUSED]
    rules += [(name, errno.ENOSYS, []) for name in _ABSENT]
    rules += [
        ("clone", errno.EPERM, [Compare(0, _MASKED_EQUAL, flag, flag)]) for flag in _NAMESPACES
    ]
    rules += [(name, errno.EOPNOTSUPP, []) for name in _UNSUPPORTED]
    rules += [(name, 0, []) for name in _IGNORED]
    own_files = Compare(0, _MASKED_EQUAL, _THREAD | _SHARED_FILES, _THREAD)
    rules.append(("clone", errno.EPERM, [own_files]))
    rules += [("fcntl", errno.EPERM, [Compare(1, _MASKED_EQUAL, _INT, n)]) for n in _LEASES]
    apart = Compare(2, _MASKED_EQUAL, _UNSHARE_FILES, _UNSHARE_FILES)
    rules.append(("close_range", errno.EPERM, [apart]))
    last = max(_FAMILIES)
    rules += [
        ("socket", errno.EAFNOSUPPORT, [Compare(0, _EQUAL, family, 0)])
        for family in range(last)
        if family not in _FAMILIES
    ]
    rules.append(("socket", errno.EAFNOSUPPORT, [Compare(0, _GREATER, last, 0)]))
    return rules


def _rules_beside(*, network: bool) -> list[Rule]:
    rules: list[Rule] = []
    for number, names in (
        (errno.EPERM, _REFUSED_BESIDE),
        (errno.ENOSYS, _ABSENT_BESIDE),
        (errno.EOPNOTSUPP, _UNSUPPORTED_BESIDE),
        (0, _PRETENDED_BESIDE),
    ):
        rules += [(_YOUNG.get(name, name), number, []) for name in names]
    rules += [(number, errno.ENOSYS, []) for number in _YOUNGER]
    # A socket with a path leads to any program that lets its user in: D-Bus starts programs. A
    # datagram socket can be sent anywhere, even one of a pair.
    rules.append(("socket", errno.EACCES, [Compare(0, _EQUAL, _UNIX, 0)]))
    rules.append(("socketpair", errno.EACCES, [Compare(1, _MASKED_EQUAL, 0xF, _DATAGRAM)]))
    rules.append(
        ("socket", errno.EACCES, [Compare(0, _EQUAL, _NETLINK, 0), Compare(2, _NOT_EQUAL, 0, 0)])
    )
    if not network:
        rules += _only_tcp()
    # By number these reach every process of the same user, and Landlock has no say in them.
    for name, number in (
        ("prlimit64", errno.EPERM),
        ("migrate_pages", errno.ENOSYS),
        ("sched_setparam", 0),
    ):
        rules.append((name, number, [Compare(0, _NOT_EQUAL, 0, 0)]))
    for name, user in (("setpriority", 2), ("ioprio_set", 3)):
        rules.append((name, errno.EPERM, [Compare(0, _MASKED_EQUAL, _INT, user)]))
        rules.append((name, errno.EPERM, [Compare(1, _NOT_EQUAL, 0, 0)]))
    rules += [("ioctl", errno.EPERM, [Compare(1, _MASKED_EQUAL, _INT, n)]) for n in _IOCTLS]
    return rules


def _only_tcp() -> list[Rule]:
    """Refuse all of IP but TCP, whose ports Landlock controls."""
    rules: list[Rule] = []
    for family in _INTERNET:
        its = Compare(0, _EQUAL, family, 0)
        rules += [
            ("socket", errno.EACCES, [its, Compare(1, _MASKED_EQUAL, 0xF, kind)])
            for kind in range(_TYPES)
            if kind != _STREAM
        ]
        # Others that are streams, too, such as MPTCP, are no TCP for Landlock.
        rules += [
            ("socket", errno.EACCES, [its, Compare(2, _EQUAL, protocol, 0)])
            for protocol in range(1, _TCP)
        ]
        rules.append(("socket", errno.EACCES, [its, Compare(2, _GREATER, _TCP, 0)]))
    # It connects without the call by that name, and Landlock does not see it.
    for name, at in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)):
        fast = Compare(at, _MASKED_EQUAL, _MSG_FASTOPEN, _MSG_FASTOPEN)
        rules.append((name, errno.EOPNOTSUPP, [fast]))
    return rules


def _export(library: ctypes.CDLL, context: int) -> bytes | None:
    file = os.memfd_create("filter")
    try:
        if library.seccomp_export_bpf(context, file):
            return None
        os.lseek(file, 0, os.SEEK_SET)
        with open(os.dup(file), "rb") as opened:
            return opened.read()
    finally:
        os.close(file)
