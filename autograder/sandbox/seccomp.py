"""System calls that a box does without, refused by the kernel through libseccomp.

The box has no capabilities, so most of these would fail anyway; refused before they begin,
they offer nothing to a program that looks for a hole in the kernel. libseccomp comes with
Debian and Ubuntu (package libseccomp2); four of its functions are enough, so it is called
directly. Without it a box has the rest of its walls, and ``autograder doctor`` says so.
"""

import ctypes
import ctypes.util
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

__all__ = ["available", "opened", "program"]

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
"""As if the kernel had none of them, so that libraries take another way. The flags of ``clone3``
cannot be seen by a filter. The others make memory that belongs to no process and no file
system: nothing but a control group would count it."""

_UNSUPPORTED = ["fallocate", "fsetxattr", "lsetxattr", "setxattr"]
"""As on a file system that cannot do this. The first fills a disk between two looks of the
watchdog, where writing takes its time; the others write where no file's size shows it."""

_IGNORED = ["sched_setaffinity", "sched_setattr", "sched_setscheduler"]
"""Done without effect. Programs that are held on one CPU, or that let others go first, wait long
beside work of their own, and it looks as if other work had the machine."""

_THREAD, _SHARED_FILES, _UNSHARE_FILES = 0x10000, 0x400, 2
"""CLONE_THREAD, CLONE_FILES, CLOSE_RANGE_UNSHARE. A thread with open files of its own has them
where nobody looks: ``/proc`` shows a process's files by its first thread."""

_NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET."""

_FAMILIES = (1, 2, 10, 16)
"""Of sockets: UNIX, IPv4, IPv6, netlink (which lists network interfaces)."""

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_EQUAL, _GREATER, _MASKED_EQUAL = 4, 6, 7


class _Compare(ctypes.Structure):
    """``struct scmp_arg_cmp`` of seccomp.h."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


def available() -> bool:
    """Tell whether there is a filter on this machine."""
    return program() is not None


@contextmanager
def opened() -> Iterator[int | None]:
    """Open the filter for a program that is started meanwhile; None without libseccomp."""
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
def program() -> bytes | None:
    """Return the filter as the kernel and bubblewrap read it, or None without libseccomp."""
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
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Compare),
    ]  # fmt: skip
    context = library.seccomp_init(_ALLOW)
    if not context:
        return None
    try:
        for name, number, compare in _rules():
            call = library.seccomp_syscall_resolve_name(name.encode())
            conditions = (_Compare * len(compare))(*compare)
            # A name that this library or machine does not know cannot be called either; one
            # that it knows must be refused, or there is no filter at all.
            if call != -1 and library.seccomp_rule_add_array(
                context, _ERRNO | number, call, len(compare), conditions
            ):
                return None
        return _export(library, context)
    finally:
        library.seccomp_release(context)


def _rules() -> list[tuple[str, int, list[_Compare]]]:
    rules: list[tuple[str, int, list[_Compare]]] = []
    rules += [(name, errno.EPERM, []) for name in _REFUSED]
    rules += [(name, errno.ENOSYS, []) for name in _ABSENT]
    rules += [
        ("clone", errno.EPERM, [_Compare(0, _MASKED_EQUAL, flag, flag)]) for flag in _NAMESPACES
    ]
    rules += [(name, errno.EOPNOTSUPP, []) for name in _UNSUPPORTED]
    rules += [(name, 0, []) for name in _IGNORED]
    own_files = _Compare(0, _MASKED_EQUAL, _THREAD | _SHARED_FILES, _THREAD)
    rules.append(("clone", errno.EPERM, [own_files]))
    apart = _Compare(2, _MASKED_EQUAL, _UNSHARE_FILES, _UNSHARE_FILES)
    rules.append(("close_range", errno.EPERM, [apart]))
    last = max(_FAMILIES)
    rules += [
        ("socket", errno.EAFNOSUPPORT, [_Compare(0, _EQUAL, family, 0)])
        for family in range(last)
        if family not in _FAMILIES
    ]
    rules.append(("socket", errno.EAFNOSUPPORT, [_Compare(0, _GREATER, last, 0)]))
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
