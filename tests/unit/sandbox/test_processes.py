"""Processes that do not want to be seen or stopped, as the grader sees them from outside."""

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from autograder.sandbox import limits, processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

DEAD = """
import ctypes, threading
def work():
    kept = bytearray(b"x") * (100 << 20)
    while True: pass
threading.Thread(target=work).start()
ctypes.CDLL(None).syscall({exit_of_one_thread}, 0)
"""
"""Its first thread ends, and another goes on: the kernel calls it a zombie."""

WOKEN = """
import ctypes, signal, struct
libc = ctypes.CDLL(None)
for number in range(1, 1500):
    timer = ctypes.c_void_p()
    libc.timer_create(1, struct.pack("Qii48x", 0, signal.SIGCONT, 0), ctypes.byref(timer))
    at = divmod(number * 20_000_000, 10**9)
    libc.timer_settime(timer, 0, struct.pack("qqqq", 0, 0, *at), None)
while True: pass
"""
"""Timers let it go on fifty times a second."""

BUSY = "while True: pass"

EXIT_OF_ONE_THREAD = {"x86_64": 60}.get(os.uname().machine, 93)

Started = Callable[[str], psutil.Process]


@pytest.fixture
def started() -> Iterator[Started]:
    """Start a program; what it started is gone in the end."""
    parents: list[subprocess.Popen[bytes]] = []

    def started(source: str) -> psutil.Process:
        source = source.replace("{exit_of_one_thread}", str(EXIT_OF_ONE_THREAD))
        begin = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {source!r}])"
        parents.append(subprocess.Popen([sys.executable, "-c", begin]))
        return _busy_child(parents[-1].pid)

    yield started
    for parent in parents:
        assert processes.end(parent.pid)
        parent.wait()


def _busy_child(parent: int) -> psutil.Process:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for child in processes.tree(parent):
            if sum(child.cpu_times()[:2]) > 0.3:
                return child
        time.sleep(0.02)
    raise AssertionError("no program started")


def test_a_process_whose_first_thread_has_ended_is_seen_with_the_others(started: Started) -> None:
    dead = started(DEAD)
    assert dead.status() == psutil.STATUS_ZOMBIE
    assert "/task/" in processes.view(dead.pid)
    assert processes.view(os.getpid()) == f"/proc/{os.getpid()}"
    memory, threads = limits._usage(dead.pid)
    assert memory > 100e6 and threads == 2
    assert min(processes.resident(dead.pid)) > 100e6


@pytest.mark.parametrize("source", [DEAD, BUSY])
def test_what_is_frozen_stands_still(source: str, started: Started) -> None:
    root = psutil.Process(started(source).pid).ppid()
    assert processes.freeze(root)
    before = processes.ran(root)
    time.sleep(0.3)
    assert before and not processes.went_on(before, processes.ran(root))
    processes.thaw(root)
    time.sleep(0.3)
    assert processes.went_on(before, processes.ran(root))


def test_what_the_kernel_wakes_is_noticed(started: Started) -> None:
    root = psutil.Process(started(WOKEN).pid).ppid()
    assert processes.freeze(root)
    before = processes.ran(root)
    time.sleep(0.4)
    assert processes.went_on(before, processes.ran(root))


def test_a_process_that_is_new_went_on_and_one_that_is_gone_did_not() -> None:
    assert not processes.went_on({1: 2.0, 2: 3.0}, {1: 2.001})
    assert processes.went_on({1: 2.0}, {1: 2.0, 2: 0.5})


@pytest.mark.skipif(os.geteuid() != 0, reason="root becomes somebody else here")
def test_a_process_that_hides_its_files_is_noticed() -> None:
    def of_nobody(hidden: bool) -> int:
        child = os.fork()
        if child == 0:
            os.setuid(65534)
            ctypes.CDLL(None).prctl(4, int(not hidden), 0, 0, 0)
            time.sleep(60)
            os._exit(0)
        return child

    children = [of_nobody(True), of_nobody(False)]
    try:
        time.sleep(0.2)
        if (watcher := os.fork()) == 0:
            os.setuid(65534)
            os._exit([processes.hides(child) for child in children] != [True, False])
        assert os.waitpid(watcher, 0)[1] == 0
        assert not processes.hides(2**22 + 1)
    finally:
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)
