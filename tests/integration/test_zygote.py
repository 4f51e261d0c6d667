"""Boxes that are forked from the zygote have the same walls, and nothing is handed on."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import walls

from autograder.errors import ZygoteError
from autograder.evidence.in_sandbox import MODULES
from autograder.model import Exercise
from autograder.sandbox import machine_load, processes, zygote
from autograder.sandbox.session import Session

pytestmark = pytest.mark.slow

ROLES = ("kernel", "scheduler", "workers")

OF_THE_ONE_BOX = {"namespaces", "preloaded", "programs", "recursion", "threads"}
"""What is the box's own, or is compared in another way."""


@dataclass(frozen=True, slots=True)
class Seen:
    inside: dict[str, dict[str, Any]]
    outside: dict[int, dict[str, Any]]
    """By process: its control groups, its sockets, and its number inside."""


def run(session: Session, source: str) -> str:
    output = session.execute(source, 60)
    assert output.failure is None, output.failure
    assert output.stopped is None, output.stopped
    return "".join(each["text"] for each in output.outputs if each["output_type"] == "stream")


def sockets(pid: int) -> set[str]:
    found = set()
    for file in os.listdir(f"/proc/{pid}/fd"):
        with suppress(OSError):
            found.add(os.readlink(f"/proc/{pid}/fd/{file}"))
    return {name for name in found if name.startswith(("socket:", "pipe:"))}


def look(exercise: Exercise) -> Seen:
    with Session(exercise, MODULES) as session:
        run(session, walls.PROBE)
        told = run(session, walls.ALL)
        for path, name in ((session.box.given, "GIVEN"), (session.box.folder, "FOLDER")):
            told = told.replace(str(path), name)
        outside = {
            process.pid: {
                "groups": Path(f"/proc/{process.pid}/cgroup").read_text(),
                "sockets": sockets(process.pid),
                "inside": processes.number_inside(process.pid),
            }
            for process in processes.tree(session.box.root)
        }
        root = Path(f"/proc/{session.box.root}/cgroup").read_text()
        assert {each["groups"] for each in outside.values()} == {root}
    return Seen(json.loads(told), outside)


@pytest.fixture(scope="module", autouse=True)
def wanted() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(zygote.START, raising=False)
        # Other tests of the same process end boxes that are just starting.
        patch.setattr(zygote, "_failures", 0)
        patch.setattr(zygote, "_refused", "")
        yield
    zygote.stop()


@pytest.fixture(scope="module")
def anew(ex02: Exercise, wanted: None) -> Seen:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(zygote.START, zygote.ANEW)
        return look(ex02)


@pytest.fixture(scope="module")
def forked(ex02: Exercise, wanted: None, anew: Seen) -> Seen:
    if not zygote.is_ready():
        pytest.skip(f"there is no zygote on this machine: {zygote.why_not()}")
    seen = look(ex02)
    assert zygote._failures == 0
    return seen


@pytest.fixture
def ready(forked: Seen) -> Iterator[None]:
    assert zygote.is_ready()
    yield


def normal(value: Any) -> Any:
    """Leave out the random parts of Dask's folder names."""
    text = json.dumps(value)
    for kind in ("worker", "scheduler"):
        head, *rest = text.split(f"/{kind}-")
        text = head + "".join(f"/{kind}-{part[8:]}" for part in rest)
    return json.loads(text)


@pytest.mark.parametrize("role", ROLES)
def test_the_walls_are_the_same(role: str, anew: Seen, forked: Seen) -> None:
    before, now = normal(anew.inside[role]), normal(forked.inside[role])
    for each in (before, now):
        # The number of the process that Dask's nannies run in.
        each["environment"].pop("__DASK_PARENT_PID", None)
    assert before.keys() == now.keys()
    for name in before.keys() - OF_THE_ONE_BOX:
        assert now[name] == before[name], name
    # The holder of the box, and nothing else.
    assert sorted(now["programs"]) == sorted([*before["programs"], "sh\n"])
    # Nothing was imported that is not imported the other way; the zygote may have imported more.
    assert set(before["preloaded"]) <= set(now["preloaded"])
    assert now["status"]["CapBnd"].strip("0") == ""
    assert now["status"]["Seccomp"] == "2"
    assert not any(now["interpreter"])
    assert abs(now["recursion"] - before["recursion"]) <= 3


@pytest.mark.parametrize("role", ROLES)
def test_no_namespace_is_the_machine_s(role: str, forked: Seen, anew: Seen) -> None:
    ours = {n: os.stat(f"/proc/self/ns/{n}").st_ino for n in os.listdir("/proc/self/ns")}
    shared = {
        name for name, space in forked.inside[role]["namespaces"].items() if space == ours[name]
    }
    assert shared == {
        name for name, space in anew.inside[role]["namespaces"].items() if space == ours[name]
    }
    assert not shared & {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "user", "uts"}
    assert forked.inside[role]["namespaces"] == forked.inside["kernel"]["namespaces"]


def test_every_process_is_one_of_bubblewrap_s(forked: Seen) -> None:
    # All that the box itself sees is seen below its root, so it is counted, watched and ended.
    inside = len(forked.inside["kernel"]["programs"])
    assert len(forked.outside) == inside
    assert all(each["inside"] for each in forked.outside.values())


def test_no_socket_leads_out(forked: Seen, ex02: Exercise) -> None:
    with Session(ex02, MODULES) as session:
        known = zygote._Zygote._known
        assert known is not None
        outer = sockets(os.getpid()) | sockets(known.process.pid)
        for process in processes.tree(session.box.root):
            assert not sockets(process.pid) & outer, process.cmdline()


RANDOM = """
import json, os, random, ssl, secrets, tempfile, uuid
import dask, numpy, sklearn.utils
from cluster import connect
def draw():
    return [random.random(), random.Random().random(), numpy.random.rand(),
            numpy.random.RandomState().rand(), numpy.random.default_rng().random(),
            sklearn.utils.check_random_state(None).rand(),
            os.urandom(8).hex(), secrets.token_hex(8), ssl.RAND_bytes(8).hex(), str(uuid.uuid1()),
            str(uuid.uuid4()), uuid.getnode(), tempfile.mktemp(), dask.delayed(draw)().key]
client = connect()
print(json.dumps([draw(), client.run_on_scheduler(draw), *client.run(draw).values(), [client.id]]))
"""


def test_no_two_boxes_draw_the_same(ready: None, ex02: Exercise) -> None:
    drawn = []
    for _ in range(2):
        with Session(ex02, MODULES) as session:
            drawn.append(json.loads(run(session, RANDOM)))
    first, second = ({str(value) for each in box for value in each} for box in drawn)
    assert not first & second


def test_the_zygote_knows_nothing_of_the_grader(
    ex02: Exercise, monkeypatch: pytest.MonkeyPatch, forked: Seen
) -> None:
    zygote.stop()
    secret = f"secret-of-the-grader-{os.getpid()}"
    monkeypatch.setenv("COURSE_SECRET", secret)
    with Session(ex02, MODULES) as session:
        known = zygote._Zygote._known
        assert known is not None
        memory = readable_memory(known.process.pid)
        for told in (secret, session.box.folder.name, session.box.given.name):
            assert told.encode() not in memory
        # What is looked for would be found.
        assert b"zygote_process" in memory
        first = session.box.folder.name
    with Session(ex02, MODULES) as session:
        assert session.box.folder.name != first
        for pid in (p.pid for p in processes.tree(session.box.root)):
            memory = readable_memory(pid)
            assert first.encode() not in memory
            assert secret.encode() not in memory
    zygote.stop()


def readable_memory(pid: int) -> bytes:
    content = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            begin, end = (int(part, 16) for part in span.split("-"))
            if rights.startswith("rw"):
                with suppress(OSError, ValueError):
                    memory.seek(begin)
                    content.append(memory.read(end - begin))
    return b"".join(content)


GRADER = """
import sys, time
from autograder.evidence.in_sandbox import MODULES
from autograder.exercise import catalogue
from autograder.sandbox import machine_load, processes, zygote
from autograder.sandbox.session import Session
with Session(catalogue.find(sys.argv[1]), MODULES) as session:
    own = [p.pid for p in processes.tree(session.box.root)]
    print(zygote._Zygote._known.process.pid, session.box.root, *own, flush=True)
    time.sleep(60)
"""


def test_nothing_outlives_a_grader_that_is_killed(ready: None, ex02: Exercise) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", GRADER, ex02.name], stdout=subprocess.PIPE, text=True
    ) as grader:
        assert grader.stdout is not None
        pids = [int(word) for word in grader.stdout.readline().split()]
        assert len(pids) > 6
        left = [psutil.Process(pid) for pid in pids]
        grader.kill()
    _, alive = psutil.wait_procs(left, timeout=10)
    assert not alive


def test_the_box_ends_with_bubblewrap(ready: None, ex02: Exercise, leaves_nothing: None) -> None:
    with Session(ex02, MODULES) as session:
        inside = processes.tree(session.box.root)
        os.kill(session.box.root, signal.SIGKILL)
        _, alive = psutil.wait_procs(inside, timeout=10)
        assert not alive


def test_the_box_ends_with_its_kernel(ready: None, ex02: Exercise, leaves_nothing: None) -> None:
    with Session(ex02, MODULES) as session:
        inside = processes.tree(session.box.root)
        session.execute("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 20)
        _, alive = psutil.wait_procs(inside, timeout=10)
        assert not alive


def test_a_zygote_that_was_killed_is_replaced(
    ready: None, ex02: Exercise, leaves_nothing: None
) -> None:
    with Session(ex02, MODULES) as session:
        first = zygote._Zygote._known
        assert first is not None
        first.process.kill()
        first.process.wait()
        assert run(session, "print('it goes on')") == "it goes on\n"
    with Session(ex02, MODULES):
        second = zygote._Zygote._known
        assert second is not None
        assert second.process.pid != first.process.pid


def test_without_a_box_it_ends_after_a_while_and_the_next_box_has_another(
    ready: None, ex02: Exercise, monkeypatch: pytest.MonkeyPatch, leaves_nothing: None
) -> None:
    # It may end before the box is ready.
    first = zygote._Zygote._known
    assert first is not None
    with monkeypatch.context() as patch:
        patch.setattr(zygote, "_IDLE_SECONDS", 0.1)
        with Session(ex02, MODULES) as session:
            first.process.wait(20)
            assert run(session, "print('it goes on')") == "it goes on\n"
    with Session(ex02, MODULES):
        second = zygote._Zygote._known
        assert second is not None and second.process.pid != first.process.pid


def test_where_it_may_not_enter_a_box_starts_as_ever(
    ready: None, ex02: Exercise, monkeypatch: pytest.MonkeyPatch, leaves_nothing: None
) -> None:
    def refused(*arguments: object) -> None:
        raise ZygoteError("setns: Operation not permitted")

    monkeypatch.setattr(zygote, "_failures", 0)
    monkeypatch.setattr(zygote, "_refused", "")
    monkeypatch.setattr(zygote._Zygote, "fork", refused)
    for number in range(zygote._MOST_FAILURES):
        assert zygote._failures == number
        with Session(ex02, MODULES) as session:
            seen = run(session, "import sys; print(sys.orig_argv[2])")
            assert seen == "autograder.sandbox.pid1\n"
            names = {p.name() for p in processes.tree(session.box.root)}
            assert "sh" not in names
    assert zygote.why_not() == "setns: Operation not permitted"


BURNS = """
import time
until = time.process_time() + 1
while time.process_time() < until:
    pass
"""


def test_what_a_box_used_is_counted_and_the_imports_are_not(ready: None, ex02: Exercise) -> None:
    with Session(ex02, MODULES) as session:
        known = zygote._Zygote._known
        assert known is not None
        started = used(session)
        imports = sum(psutil.Process(known.process.pid).cpu_times()[:2])
        # Kernel and cluster have computed, too, but have not imported all that.
        assert 0 < started < 2 * imports
        run(session, BURNS)
        assert 1.0 <= used(session) - started < 2.5
        assert sum(psutil.Process(known.process.pid).cpu_times()[:2]) < imports + 0.2


def used(session: Session) -> float:
    """CPU seconds by the accounts of the box's processes."""
    return machine_load._of_processes(session.box.root)


def test_the_trial_of_doctor(ready: None) -> None:
    assert zygote.trial() == ""
