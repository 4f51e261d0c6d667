"""What a process takes over from the holder of a box, and how it sees that something is missing.

Without a box: a shell outside takes the holder's place.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from autograder.sandbox import enter_box, seccomp

TAKES_OVER = """
import base64, json, os, resource, sys
from autograder.sandbox import enter_box
holder = int(sys.argv[1])
before = enter_box.differences(holder)
enter_box.put_up_walls(holder, base64.b64decode(sys.argv[2]))
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
print(json.dumps({
    "before": before,
    "after": enter_box.differences(holder),
    "environment": dict(os.environ),
    "cwd": os.getcwd(),
    "umask": oct(os.umask(0)),
    "files": resource.getrlimit(resource.RLIMIT_NOFILE),
    "affinity": sorted(os.sched_getaffinity(0)),
    "status": {name: value.strip() for name, value in status.items()},
}))
"""


NO_CAPABILITIES = ("setpriv", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")


@contextmanager
def holder(before: str = "", *wrapped: str, **environment: str) -> Iterator[int]:
    with subprocess.Popen(
        [*wrapped, "/bin/sh", "-c", f"{before} echo ready; read -r status"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        cwd="/usr",
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
        process.kill()


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="only who has capabilities can give them up; in a box everybody has them at first",
)
def test_everything_is_taken_over_but_what_is_given_up() -> None:
    program = base64.b64encode(seccomp.program() or b"").decode()
    core = min(os.sched_getaffinity(0))
    narrow = f"ulimit -n 100; umask 027; taskset -p -c {core} $$ > /dev/null;"
    with holder(narrow, *NO_CAPABILITIES, COLOUR="green", PATH="/usr/bin:/bin") as pid:
        seen = json.loads(
            subprocess.check_output(
                [sys.executable, "-c", TAKES_OVER, str(pid), program], cwd="/", text=True
            )
        )
    assert {"limits", "cwd", "Umask 0022 instead of 0027"} & set(seen["before"])
    assert seen["environment"] == {"COLOUR": "green", "PATH": "/usr/bin:/bin"}
    assert seen["cwd"] == "/usr"
    assert seen["umask"] == "0o27"
    assert seen["files"] == [100, 100]
    assert seen["affinity"] == [core]
    status = seen["status"]
    capabilities = [value for name, value in status.items() if name.startswith("Cap")]
    assert len(capabilities) == 5
    assert all(not value.strip("0") for value in capabilities)
    assert status["NoNewPrivs"] == "1"
    if program:
        assert status["Seccomp"] == "2"
    # The holder here has no filter of system calls, and that is all that is different.
    assert [d for d in seen["after"] if not d.startswith(("Seccomp", "Speculation"))] == []
    assert any(d.startswith("Seccomp 2 instead of 0") for d in seen["after"]) == bool(program)


def test_a_process_is_held_like_itself() -> None:
    assert enter_box.differences(os.getpid()) == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("umask 077;", "Umask"),
        ("ulimit -f 10;", "limits"),
        ("cd /;", "cwd"),
        ("renice -n 5 $$ > /dev/null;", "priority"),
        ("chrt -b -p 0 $$;", "scheduler"),
        ("echo 500 > /proc/$$/oom_score_adj;", "oom_score_adj"),
    ],
)
def test_one_difference_is_named(change: str, name: str) -> None:
    with (
        holder("", PATH=os.environ["PATH"]) as like,
        holder(change, PATH=os.environ["PATH"]) as pid,
    ):
        # Pytest may have another folder.
        alike = {found for found in enter_box.differences(like) if found != "cwd"}
        assert not any(found.startswith(name) for found in alike)
        assert any(found.startswith(name) for found in enter_box.differences(pid))


def test_every_limit_of_this_kernel_is_copied() -> None:
    with open("/proc/self/limits") as limits:
        assert len(limits.read().splitlines()[1:]) == enter_box._LIMITS


def test_namespaces_of_the_machine_are_no_box() -> None:
    pidfd = os.pidfd_open(os.getpid())
    try:
        with pytest.raises(PermissionError, match="shares namespaces with the machine"):
            enter_box.join_namespaces(os.getpid(), pidfd, [])
    finally:
        os.close(pidfd)


def test_a_box_that_has_ended_is_not_entered() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        pidfd = os.pidfd_open(process.pid)
        process.kill()
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOWAIT)
        # Its number may be another's by now.
        with pytest.raises(OSError):
            enter_box.join_namespaces(process.pid, pidfd, [])
        with pytest.raises(ProcessLookupError, match="has ended"):
            enter_box.join_namespaces(os.getpid(), pidfd, [])
        os.close(pidfd)
