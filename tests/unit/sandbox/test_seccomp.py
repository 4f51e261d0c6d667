"""The filter of system calls."""

import ctypes

import pytest

from autograder.sandbox import seccomp


@pytest.mark.skipif(not seccomp.available(), reason="no libseccomp")
def test_every_rule_was_taken_by_the_library() -> None:
    program = seccomp.program()
    assert program is not None and len(program) % 8 == 0
    # Each refused call is a comparison of its own.
    assert len(program) // 8 > len(seccomp._REFUSED)
    resolve = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name
    named = (*seccomp._REFUSED, *seccomp._ABSENT, *seccomp._UNSUPPORTED, *seccomp._IGNORED)
    unknown = [name for name in named if resolve(name.encode()) == -1]
    assert set(unknown) <= {"quotactl_fd", "memfd_secret"}  # younger than some libraries
