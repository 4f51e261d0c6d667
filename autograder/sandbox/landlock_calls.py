"""Landlock's three system calls, which restrict a process and its descendants.

The two libraries for them on the package index are of 2025 and 2026, alpha, and of one author
each; one knows files only. These calls have no other users here than the program that begins a box,
which runs alone, before any package can be imported. Numbers and layouts are those of
linux/landlock.h, the same on every architecture.
"""

import ctypes
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress

__all__ = ["ABI", "LIST", "READ", "READ_FILES", "USE", "WRITE", "abi", "restrict", "scope"]

ABI = 6
"""What is needed, Linux 6.12: TCP ports came with 4, devices with 5, and with 6 that no signal and
no abstract socket leads out."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION = 1
_PATH_BENEATH, _NET_PORT = 1, 2
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_MAKE_FIFO, _MAKE_SYM, _REFER, _TRUNCATE = 1 << 10, 1 << 12, 1 << 13, 1 << 14
_IOCTL_DEV = 1 << 15
_ALL_FILES = (1 << 16) - 1
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
"""Rights that apply to a single file."""
_BIND, _CONNECT = 1, 2
_SIGNALS_AND_SOCKETS = 3

READ_FILES = _READ_FILE | _READ_DIR
READ = READ_FILES | _EXECUTE
LIST = _READ_DIR
USE = _READ_FILE | _WRITE_FILE | _IOCTL_DEV
"""Of a device."""
WRITE = (
    READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_FIFO
    | _MAKE_SYM | _REFER | _TRUNCATE
)  # fmt: skip
"""All but creating devices and sockets."""

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    """``struct landlock_ruleset_attr``."""

    _fields_ = (
        ("files", ctypes.c_uint64),
        ("net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathRule(ctypes.Structure):
    """``struct landlock_path_beneath_attr``, which is packed."""

    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _PortRule(ctypes.Structure):
    """``struct landlock_net_port_attr``."""

    _fields_ = (("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64))


def abi() -> int:
    """Return the kernel's Landlock version; 0 without Landlock."""
    offered = _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _CREATE_RULESET_VERSION)
    return max(int(offered), 0)


def scope() -> None:
    """Keep signals of this process and its descendants from reaching other processes.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    _restrict(_create(_Ruleset(0, 0, _SIGNALS_AND_SOCKETS)))


def restrict(paths: Mapping[str, int], ports: Iterable[int] | None) -> None:
    """Deny this process and its descendants all files and ports but these.

    Parameters
    ----------
    paths : mapping of str to int
        Rights by file or folder, including everything below it; missing ones are skipped.
    ports : iterable of int or None
        TCP ports to listen on and connect to; None for all. Listening on a port that the kernel
        chooses is always allowed.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    net = 0 if ports is None else _BIND | _CONNECT
    rules = _create(_Ruleset(_ALL_FILES, net, _SIGNALS_AND_SOCKETS))
    for path, rights in paths.items():
        with suppress(FileNotFoundError):
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            allowed = rights if os.path.isdir(path) else rights & _OF_FILES
            _call(_ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(_PathRule(allowed, place)), 0)
            os.close(place)
    if ports is not None:
        for port, allowed in [(0, _BIND), *((port, net) for port in ports)]:
            _call(_ADD_RULE, rules, _NET_PORT, ctypes.byref(_PortRule(allowed, port)), 0)
    _restrict(rules)


def _create(ruleset: _Ruleset) -> int:
    size = ctypes.c_size_t(ctypes.sizeof(ruleset))
    return _call(_CREATE_RULESET, ctypes.byref(ruleset), size, 0)


def _restrict(rules: int) -> None:
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    _call(_RESTRICT_SELF, rules, 0)
    os.close(rules)


def _call(number: int, *arguments: object) -> int:
    returned = int(_libc.syscall(number, *arguments))
    if returned < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"landlock ({number}): {os.strerror(error)}")
    return returned
