"""Readers: every limit from both sides, and whose fault each end is."""

import errno
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
import reader_jobs

from autograder.errors import HarnessError, OversizeSubmission, SubmissionError
from autograder.reader import Limits, _Server, read

SMALL = Limits(cpu_seconds=1, memory_bytes=64 << 20, result_bytes=1 << 20)


def test_what_it_returns_comes_back_as_bytes() -> None:
    assert read(reader_jobs.echo, "voilà\n\n", what="x") == "voilà\n\n".encode()
    assert read(reader_jobs.echo, "", what="x") == b""


def test_the_parsers_of_international_addresses_are_not_built() -> None:
    assert read(reader_jobs.address_parsers, what="x") == b"None"


def test_memory_is_limited_from_both_sides() -> None:
    assert read(reader_jobs.fill, 48 << 20, what="x", limits=SMALL) == str(48 << 20).encode()
    for job, arguments in ((reader_jobs.fill, (80 << 20,)), (reader_jobs.hoard, ())):
        with pytest.raises(OversizeSubmission, match=r"^cell 3 takes more than 67 MB of mem"):
            read(job, *arguments, what="cell 3", limits=SMALL)


def test_what_is_passed_in_is_not_counted() -> None:
    limits = Limits(memory_bytes=16 << 20)
    assert read(reader_jobs.length, b"x" * (100 << 20), what="x", limits=limits) == b"104857600"


def test_a_lack_of_memory_is_not_taken_for_a_broken_notebook() -> None:
    with pytest.raises(OversizeSubmission, match="of memory"):
        read(reader_jobs.swallow, what="x", limits=SMALL)


def test_memory_that_rust_cannot_get_ends_the_reader_alone() -> None:
    with pytest.raises(OversizeSubmission, match="of memory"):
        read(reader_jobs.abort, "memory allocation of 12345 bytes failed", what="x", limits=SMALL)


def test_time_is_limited_from_both_sides() -> None:
    assert read(reader_jobs.spin, 0.5, what="x", limits=SMALL) == b"done"
    with pytest.raises(OversizeSubmission, match=r"^the record takes more than 1 seconds of CPU"):
        read(reader_jobs.spin, 60, what="the record", limits=SMALL)


def test_a_reader_without_the_cpu_is_nobodys_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limits, "wall_seconds", 0.5)
    with pytest.raises(HarnessError, match="when the machine is quieter"):
        read(reader_jobs.sleep, 60, what="x", limits=SMALL)


def test_the_result_is_limited_from_both_sides() -> None:
    assert len(read(reader_jobs.long, (1 << 20) - 100, what="x", limits=SMALL)) == (1 << 20) - 100
    with pytest.raises(OversizeSubmission, match="expands to more than 1 MB"):
        read(reader_jobs.long, 20 << 20, what="x", limits=SMALL)


def test_what_is_said_of_the_submission_is_passed_on() -> None:
    with pytest.raises(SubmissionError, match=r"^no notebook$") as raised:
        read(reader_jobs.refuse, "no notebook", what="x")
    assert type(raised.value) is SubmissionError


@pytest.mark.parametrize(
    ("job", "arguments", "says"),
    [
        (reader_jobs.break_, ("a bug",), "RuntimeError: a bug"),
        (reader_jobs.crash, (), "status -11"),
        (reader_jobs.abort, ("assertion failed",), "assertion failed"),
        (reader_jobs.kill, (), "status -9"),
        (reader_jobs.kill_parent, (), "the reader is gone"),
    ],
)
def test_any_other_end_is_ours(job: object, arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(HarnessError, match=says):
        read(job, *arguments, what="x")  # type: ignore[arg-type]
    assert read(reader_jobs.echo, "the next one", what="x") == b"the next one"


def test_it_writes_no_file(tmp_path: Path) -> None:
    with pytest.raises(HarnessError):
        read(reader_jobs.write, str(tmp_path / "file"), what="x")


def test_threads_get_their_own_answers() -> None:
    texts = [str(number) * 1000 for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda text: read(reader_jobs.echo, text, what="x"), texts)
        assert [answer.decode() for answer in found] == texts


def test_a_fork_of_the_grader_has_a_reader_of_its_own() -> None:
    read(reader_jobs.echo, "x", what="x")
    if (child := os.fork()) == 0:
        own = read(reader_jobs.echo, "child", what="x") == b"child"
        os._exit(0 if own else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert read(reader_jobs.echo, "parent", what="x") == b"parent"


def test_a_fork_may_happen_while_another_thread_reads() -> None:
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(read, reader_jobs.sleep, 1.0, what="x")
        time.sleep(0.2)
        if (child := os.fork()) == 0:
            own = read(reader_jobs.echo, "child", what="x") == b"child"
            os._exit(0 if own else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert other.result() == b"done"


def test_nothing_outlives_a_grader_that_was_killed() -> None:
    grader = """if True:
        import reader_jobs, threading, time
        from autograder.reader import _Server, read
        threading.Thread(target=read, args=(reader_jobs.spin, 60.0), kwargs={"what": "x"}).start()
        while _Server._running is None:
            time.sleep(0.01)
        print(_Server._running.process.pid, flush=True)
    """
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", grader], env=path, text=True, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        server = psutil.Process(int(process.stdout.readline()))
        until = time.monotonic() + 20
        while not server.children() and time.monotonic() < until:
            time.sleep(0.02)
        readers = server.children()
        process.kill()
    assert readers
    _, alive = psutil.wait_procs([server, *readers], timeout=5)
    assert alive == []


def test_nothing_is_left_and_a_call_is_cheap() -> None:
    read(reader_jobs.echo, "x", what="x")
    before = time.perf_counter()
    for _ in range(20):
        read(reader_jobs.echo, "x", what="x")
    assert (time.perf_counter() - before) / 20 < 0.25
    process = psutil.Process(_Server.running().process.pid)
    assert process.children() == []
    _Server.stop()
    assert not process.is_running()


def test_a_request_waits_until_open_files_can_be_handed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send, refused = socket.send_fds, iter([errno.ETOOMANYREFS] * 2)

    def send_fds(*arguments: Any) -> int:
        for number in refused:
            raise OSError(number, "too many references")
        return send(*arguments)

    monkeypatch.setattr(socket, "send_fds", send_fds)
    assert read(reader_jobs.echo, "there", what="x") == b"there"


def test_a_request_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def send_fds(*arguments: Any) -> int:
        raise OSError(errno.ETOOMANYREFS, "too many references")

    monkeypatch.setattr(socket, "send_fds", send_fds)
    monkeypatch.setattr("autograder.reader._HAND_OVER_SECONDS", 0.2)
    with pytest.raises(HarnessError, match="was not read"):
        read(reader_jobs.echo, "there", what="x")
