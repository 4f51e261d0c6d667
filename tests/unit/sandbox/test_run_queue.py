"""Time without a CPU: what the kernel tells, and whose wait is a process's."""

import os
import subprocess
import sys
import threading
import time

import pytest

from autograder.sandbox import run_queue
from autograder.sandbox.run_queue import Turn

counted = pytest.mark.skipif(not run_queue.is_counted(), reason="this kernel does not count it")


def test_a_process_that_is_gone_has_no_threads() -> None:
    assert run_queue.read(2**22 + 1) == {}


def test_a_kernel_that_counts_nothing_is_not_taken_for_one_without_waits(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(run_queue, "_PROC", tmp_path)
    for number, line in {"7": "0 0 0\n", "8": "0 0 0\n"}.items():
        (tmp_path / "self" / "task" / number).mkdir(parents=True)
        (tmp_path / "self" / "task" / number / "schedstat").write_text(line)
    assert run_queue.read("self") == {} and not run_queue.is_counted()
    (tmp_path / "self" / "task" / "8" / "schedstat").write_text("2000000000 500000000 12\n")
    assert run_queue.read("self") == {8: Turn(2.0, 0.5)} and run_queue.is_counted()


@counted
def test_threads_that_share_one_core_wait_and_threads_that_sleep_do_not() -> None:
    """Two threads of one core each want all of it, so that one waits while the other runs."""
    core = min(os.sched_getaffinity(0))
    turns: dict[str, Turn] = {}

    def work(name: str, seconds: float, busy: bool) -> None:
        os.sched_setaffinity(0, {core})
        number = threading.get_native_id()
        until = time.thread_time() + seconds
        if busy:
            while time.thread_time() < until:
                # It releases the interpreter's lock, so that both can want the core at once.
                os.urandom(1 << 16)
        else:
            time.sleep(seconds)
        turns[name] = run_queue.read("self")[number]

    threads = [
        threading.Thread(target=work, args=args)
        for args in (("first", 0.3, True), ("second", 0.3, True), ("asleep", 0.3, False))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Whoever ends first has shared the core all the time, whatever else the machine does.
    held_up = max(turns["first"].waited, turns["second"].waited)
    assert turns["first"].ran == pytest.approx(0.3, rel=0.2)
    assert held_up > 0.1
    assert turns["asleep"].ran < 0.05


@counted
@pytest.mark.parametrize(
    "behind", ["os.nice(5)", "os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))"]
)
def test_a_process_that_puts_itself_behind_all_others_waits_for_nothing(behind: str) -> None:
    source = "import os, sys; {}; sum(range(10**6)); print(flush=True); sys.stdin.read()"
    told = []
    for change in ("0", behind):
        with subprocess.Popen(
            [sys.executable, "-c", source.format(change)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            process.stdout.readline()
            told.append(bool(run_queue.read(process.pid)))
            process.communicate()
    assert told == [True, False]


class TestHeldUp:
    """The wait of the threads that did the work."""

    def test_one_thread(self) -> None:
        assert run_queue.held_up({1: Turn(0.5, 0.25)}, {1: 0.5}) == 0.25

    def test_threads_that_wait_side_by_side_wait_once(self) -> None:
        turns = {1: Turn(0.5, 0.4), 2: Turn(0.5, 0.4)}
        assert run_queue.held_up(turns, {1: 0.5, 2: 0.5}) == pytest.approx(0.4)

    def test_who_did_no_work_holds_nothing_up(self) -> None:
        turns = {1: Turn(1.0, 0.0), 2: Turn(0.01, 5.0)}
        assert run_queue.held_up(turns, {1: 1.0, 2: 0.01}) < 0.05

    def test_nobody_did_any(self) -> None:
        assert run_queue.held_up({}, {}) == 0.0
        assert run_queue.held_up({1: Turn(0.0, 5.0)}, {1: 0.0}) == 0.0


def test_since() -> None:
    before, after = {1: Turn(1.0, 2.0), 2: Turn(1.0, 1.0)}, {1: Turn(1.5, 2.5), 3: Turn(0.5, 0)}
    assert run_queue.since(before, after) == {1: Turn(0.5, 0.5), 3: Turn(0.5, 0.0)}
