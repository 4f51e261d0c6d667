"""Lets the kit take this system for macOS, in every Python that has this folder on its path.

To the kit's modules ``sys.platform`` is darwin. The names of the standard library that only Linux
has are gone for everybody, and so are ``/proc`` and ``/sys``, except for psutil, which has other
code for macOS. What macOS itself does in another way is not imitated: its libraries, its kernel,
its file systems.
"""

import builtins
import io
import os
import resource
import socket
import sys
import types

import psutil  # noqa: F401  (asks for some of the names when it is imported)

_LINUX = {
    os: (
        "O_PATH", "SCHED_IDLE", "memfd_create", "pidfd_open", "sched_getaffinity",
        "sched_getscheduler", "sched_setaffinity",
    ),
    resource: ("RLIMIT_MSGQUEUE", "prlimit"),
    socket: ("SCM_CREDENTIALS", "SO_PASSCRED"),
}  # fmt: skip
_READERS = {
    builtins: ("open",),
    io: ("open",),
    os: ("listdir", "lstat", "open", "readlink", "scandir", "stat"),
}
_HIDDEN = ("/proc", "/sys")
_KIT = ("autograder", "cluster")


class _Darwin(types.ModuleType):
    """What the kit imports as ``sys``."""

    platform = "darwin"

    def __getattr__(self, name):
        return getattr(sys, name)

    def __setattr__(self, name, value):
        setattr(sys, name, value)


def _hide(function):
    def hiding(path=".", *arguments, **options):
        name = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
        if isinstance(name, str) and name.startswith(_HIDDEN):
            caller = sys._getframe(1).f_globals.get("__name__", "")
            if not caller.startswith("psutil"):
                raise FileNotFoundError(2, "No such file or directory", name)
        return function(path, *arguments, **options)

    return hiding


def _importing(function, darwin):
    def importing(name, globals=None, *arguments, **options):
        if name == "sys" and (globals or {}).get("__name__", "").partition(".")[0] in _KIT:
            return darwin
        return function(name, globals, *arguments, **options)

    return importing


for module, names in _LINUX.items():
    for name in names:
        delattr(module, name)
for module, names in _READERS.items():
    for name in names:
        setattr(module, name, _hide(getattr(module, name)))
builtins.__import__ = _importing(builtins.__import__, _Darwin("sys"))
