"""A process and all that it starts, held as Docker's default profile holds a container.

Usage: ``python docker_profile.py COMMAND…``

Of the profile (moby's ``profiles/seccomp/default.json``) it has what keeps bubblewrap out: what a
container without CAP_SYS_ADMIN may not call. ``clone3`` is unknown, so that ``clone`` is
called, whose flags a filter can see.
"""

import ctypes
import errno
import importlib
import os
import sys
from pathlib import Path

from autograder.sandbox import seccomp

REFUSED = (
    "bpf", "fanotify_init", "fsconfig", "fsmount", "fsopen", "fspick", "keyctl", "lookup_dcookie",
    "mount", "mount_setattr", "move_mount", "open_tree", "perf_event_open", "pidfd_getfd",
    "pivot_root", "quotactl", "setdomainname", "sethostname", "setns", "syslog", "umount",
    "umount2", "unshare",
)  # fmt: skip
MASKED_EQUAL = 7  # SCMP_CMP_MASKED_EQ
PR_SET_NO_NEW_PRIVS = 38
NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)


def profile() -> bytes:
    """Return the filter."""
    rules: list[seccomp.Rule] = [(name, errno.EPERM, []) for name in REFUSED]
    rules.append(("clone3", errno.ENOSYS, []))
    rules += [
        ("clone", errno.EPERM, [seccomp.Compare(0, MASKED_EQUAL, flag, flag)])
        for flag in NAMESPACES
    ]
    built = seccomp.build(rules)
    assert built is not None, "no libseccomp"
    return built


def main() -> None:
    """Run a command."""
    held = profile()
    sys.path.insert(0, str(Path(seccomp.__file__).parent))
    enter_box = importlib.import_module("enter_box")
    del sys.path[0]
    enter_box.give_up_capabilities()
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    enter_box.refuse_calls(held)
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
