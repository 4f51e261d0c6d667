"""When a zygote is started, when it is not used, and whose process a box is taken to be."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.errors import ZygoteError
from autograder.sandbox import bubblewrap, contents, zygote
from autograder.sandbox.wall import Sandbox


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(zygote.START, raising=False)
    monkeypatch.setattr(zygote, "_refused", "")
    monkeypatch.setattr(zygote, "_failures", 0)
    yield
    zygote.stop()


def test_the_holder_says_its_number_and_ends_as_it_is_told() -> None:
    for told, status in ((b"7\n", 7), (b"0\n", 0), (b"", 1)):
        with zygote.holder() as held:
            process = subprocess.Popen(
                held.command, stdin=held.theirs.fileno(), stdout=held.theirs.fileno()
            )
            held.theirs.close()
            # Here both are one number: it is in no namespace of its own.
            assert zygote._number(held.ours) == (process.pid, process.pid)
            held.ours.sendall(told)
            held.ours.close()
            assert process.wait(10) == status


def test_a_holder_that_bubblewrap_did_not_make_is_not_entered() -> None:
    with zygote.holder() as held:
        process = subprocess.Popen(
            held.command, stdin=held.theirs.fileno(), stdout=held.theirs.fileno()
        )
        with pytest.raises(ZygoteError, match="bubblewrap has ended"):
            zygote.enter(process, held, ("platform",), None)
        process.kill()
        process.wait()


def test_a_box_that_ends_before_it_says_anything() -> None:
    with zygote.holder() as held:
        process = subprocess.Popen(["true"], stdin=held.theirs.fileno())
        process.wait()
        with pytest.raises(ZygoteError, match="the box has ended"):
            zygote.enter(process, held, ("platform",), None)


def test_it_is_started_only_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(zygote.START, zygote.ANEW)
    zygote.warm_up()
    assert zygote._Zygote._known is None
    assert not zygote.is_ready()
    assert zygote.START in zygote.why_not()
    assert zygote.trial() == zygote.why_not()
    monkeypatch.delenv(zygote.START)
    assert zygote.why_not() == ""


def test_three_failures_are_enough() -> None:
    for _ in range(2):
        zygote.failed("setns: not permitted")
        assert zygote.why_not() == ""
    zygote.failed("setns: not permitted")
    assert zygote.why_not() == "setns: not permitted"
    assert not zygote.is_ready()


def test_its_environment_is_a_box_s_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_SECRET", "secret")
    monkeypatch.setenv("HOME", "/home/instructor")
    own = zygote._environment()
    boxes = contents.environment(Sandbox(), bubblewrap.HOME, bubblewrap.KIT)
    assert "COURSE_SECRET" not in own
    assert own["HOME"] == zygote.NOWHERE
    assert not Path(own["HOME"]).exists()
    assert set(boxes) - set(own) == {"PYTHONPATH"}
    assert {name for name, value in own.items() if boxes.get(name) != value} == {
        "HOME", "DASK_ROOT_CONFIG", "JE_ARROW_MALLOC_CONF",
    }  # fmt: skip


def test_another_environment_needs_another_zygote(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packages = tmp_path / "site-packages"
    packages.mkdir()
    monkeypatch.syspath_prepend(packages)
    first = zygote._conditions()
    assert zygote._conditions() == first
    (packages / "dask-2.dist-info").mkdir()
    upgraded = zygote._conditions()
    assert upgraded != first
    monkeypatch.setenv("LC_ALL", "C")
    assert zygote._conditions() != upgraded


REFUSES = """
import mmap, os, socket, sys, threading, time
from autograder.sandbox import zygote_process
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
theirs.close()
kept = []
zygote_process._KIT = ()
{change}
print(zygote_process._unfit(ours))
os._exit(0)
"""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("threading.Thread(target=time.sleep, args=(60,)).start()", "started a thread"),
        ("kept.append(open('/dev/null'))", "keeps files open"),
        ("kept.append(mmap.mmap(-1, 4096))", "shares memory"),
        ("zygote_process._KIT = ('autograder',)", "imports the kit by itself: autograder"),
        ("", "could change the interpreter"),
    ],
)
def test_an_interpreter_that_would_hand_on_something_is_refused(change: str, reason: str) -> None:
    # The last one: of this one's file nobody has made sure that it cannot be written to.
    said = subprocess.check_output(
        [sys.executable, "-c", REFUSES.format(change=change)],
        text=True,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert reason in said


STARTS = """
import json, os, sys
from autograder.sandbox import zygote_process
existed = {p for p in sys.path if os.path.exists(p)} | {"/gone"}
sys.path.append("/gone")
sys.path.append("/never-there.zip")
import dask, distributed, numpy, random, uuid
dask.config.paths.append(zygote_process.NOWHERE + "/.config/dask")
os.environ.update(PYTHONPATH="/kit", HOME="/home/student", DASK_SCHEDULER_ADDRESS="tcp://box:1")
dask.system.cpu_count = lambda: 77
numpy.random.seed(1)
zygote_process._as_if_started(["module", "one", "two"], existed)
print(json.dumps({
    "path": sys.path, "argv": sys.argv, "orig": sys.orig_argv[1:],
    "address": dask.config.get("scheduler-address"), "paths": dask.config.paths,
    "cores": [dask.system.CPU_COUNT, dask.base.CPU_COUNT, distributed.nanny.CPU_COUNT],
    "numpy": numpy.random.rand(), "random": random.random(),
}))
"""


def test_the_interpreter_is_as_if_it_had_been_started_in_the_box() -> None:
    first, second = (
        json.loads(subprocess.check_output([sys.executable, "-c", STARTS], text=True, cwd="/"))
        for _ in range(2)
    )
    assert first["path"][:2] == ["/", "/kit"]
    assert "/gone" not in first["path"]
    assert "/never-there.zip" in first["path"]
    assert first["argv"] == ["-m", "one", "two"]
    assert first["orig"] == ["-m", "module", "one", "two"]
    assert first["address"] == "tcp://box:1"
    assert "/home/student/.config/dask" in first["paths"]
    assert first["cores"] == [77, 77, 77]
    assert first["numpy"] != second["numpy"]
    assert first["random"] != second["random"]


@pytest.mark.slow
def test_a_fork_of_the_grader_does_not_end_its_zygote(monkeypatch: pytest.MonkeyPatch) -> None:
    known = zygote._Zygote(("conditions",), ("json",))
    monkeypatch.setattr(zygote._Zygote, "_known", known)
    monkeypatch.setattr(zygote, "_conditions", lambda: ("conditions",))
    assert zygote.is_ready(), zygote.why_not()
    child = os.fork()
    if child == 0:
        os._exit(0 if zygote._Zygote._known is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert known.process.poll() is None
    zygote.stop()
    assert known.process.returncode == 0
