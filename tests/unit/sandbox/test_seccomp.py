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
    unknown = [name for name in seccomp._REFUSED if resolve(name.encode()) == -1]
    assert set(unknown) <= {"quotactl_fd", "memfd_secret"}  # younger than some libraries
