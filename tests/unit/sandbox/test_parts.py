"""The parts of the box that need none: its folder, control groups, filter, and what it is given."""

import ctypes
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

from autograder import files
from autograder.errors import HarnessError
from autograder.evidence import facts
from autograder.exercise.catalogue import KIT
from autograder.model import Role
from autograder.nbgrader_bridge import plain_notebook
from autograder.sandbox import (
    bubblewrap,
    cgroups,
    machine_load,
    processes,
    scratch,
    seccomp,
    untrusted,
)
from autograder.sandbox.output_limit import CappedOutput
from autograder.sandbox.withhold_oracle import copy, without_answers

# --------------------------------------------------------------------------- the folder


def test_folder_is_made_measured_and_removed_whatever_is_in_it(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "closed" / "inner").mkdir(parents=True)
    (run / "file").write_bytes(b"x" * 10_000)
    (run / "link").symlink_to("/")
    os.mkfifo(run / "pipe")
    (run / "closed").chmod(0)
    here = os.open(run, os.O_DIRECTORY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    assert scratch.size(run)[1] > scratch.MOST_ENTRIES
    scratch.remove(run)
    assert not run.exists()
    assert Path("/usr").is_dir()


def test_size_counts_what_a_file_occupies(tmp_path: Path) -> None:
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(1 << 30)
    (tmp_path / "link").symlink_to(sys.executable)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "full").write_bytes(os.urandom(1 << 20))
    size, entries = scratch.size(tmp_path)
    assert 1 << 20 <= size < 2 << 20
    assert entries == 4


def test_new_plain_files_come_back_and_nothing_else(tmp_path: Path) -> None:
    run, beside, elsewhere = (tmp_path / name for name in ("run", "beside", "elsewhere"))
    work = run / "work"
    for place in (work / "plots", beside, elsewhere):
        place.mkdir(parents=True)
    (beside / "data.csv").write_text("1\n")
    (beside / "notes").write_text("a file where the notebook has a folder")
    (beside / "link").symlink_to(elsewhere)
    (elsewhere / "secret").write_text("of the grader")
    (work / "plots" / "a.png").write_bytes(b"new")
    (work / "empty").touch()
    (work / "data.csv").write_text("2\n")
    for name in ("p2.ipynb", ".hidden"):
        (work / name).mkdir()
        (work / name / "new").write_text("x")
    (work / "plain.ipynb").write_text("{}")
    (work / ".marker").write_text("x")
    (run / "kernel.json").write_text("{}")
    (work / "large").write_bytes(bytes(2000))
    (work / "stolen").symlink_to(elsewhere / "secret")
    for name in ("notes", "link", "link/inner"):
        (work / name).mkdir()
        (work / name / "new").write_text("x")
    os.mkfifo(work / "pipe")
    plain_notebook._bring_back(run, beside, 1000)
    found = {str(path.relative_to(beside)) for path in beside.rglob("*") if path.is_file()}
    assert found == {"data.csv", "notes", "plots/a.png", "empty"}
    assert (beside / "plots" / "a.png").read_bytes() == b"new"
    assert (beside / "data.csv").read_text() == "1\n"
    assert os.listdir(elsewhere) == ["secret"]


def test_a_box_that_makes_a_link_of_its_folder_gets_nothing(tmp_path: Path) -> None:
    run, beside, course = (tmp_path / name for name in ("run", "beside", "course"))
    for place in (run, beside, course):
        place.mkdir()
    (course / "gradebook.db").write_text("marks")
    (run / "work").symlink_to(course)
    plain_notebook._bring_back(run, beside, 1000)
    assert os.listdir(beside) == []


def test_read_follows_no_link_and_waits_for_no_pipe(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "answer.json").write_bytes(b"secret")
    run = tmp_path / "run"
    (run / "out" / "1").mkdir(parents=True)
    (run / "out" / "1" / "answer.json").write_bytes(b"right")
    (run / "out" / "2").symlink_to(secret)
    (run / "out" / "1" / "link").symlink_to(secret / "answer.json")
    os.mkfifo(run / "out" / "1" / "pipe")
    assert scratch.read(run, "out/1/answer.json", 5) == b"right"
    for name in ("out/2/answer.json", "out/1/link", "out/1/pipe", "out/1", "out/3/x"):
        assert scratch.read(run, name, 100) == b""
    assert scratch.read(run, "out/1/answer.json", 4) == b""


def test_only_what_a_dead_grader_left_is_swept(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    ours = tmp_path / f"{files.own_prefix()}a"
    left = tmp_path / ours.name.replace(str(os.getpid()), str(ended.pid))
    elsewhere = tmp_path / f"dsk-{ended.pid}.another-a"
    notes = tmp_path / "dsk-notes"
    for each in (left, ours, elsewhere, notes):
        each.mkdir()
    scratch.sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([ours, elsewhere, notes])


# ------------------------------------------------------------------------ control groups


def _version_2(root: Path) -> Path:
    (root / "cgroup.controllers").parent.mkdir(parents=True)
    (root / "cgroup.controllers").write_text("cpu memory pids")
    own = root / "user.slice" / "app.slice" / "run-1.scope"
    own.mkdir(parents=True)
    for place, handed in ((own, ""), (own.parent, "memory pids"), (own.parent.parent, "cpu")):
        (place / "cgroup.subtree_control").write_text(handed)
        (place / "cgroup.procs").write_text("")
    member = root.parent / "member"
    member.write_text("0::/user.slice/app.slice/run-1.scope\n")
    return member


def test_version_2_takes_the_nearest_group_that_hands_limits_down(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    member = _version_2(root)
    assert cgroups.where(root, member) == (root / "user.slice" / "app.slice",)
    (root / "user.slice" / "app.slice" / "cgroup.subtree_control").write_text("memory")
    assert cgroups.where(root, member) == ()


def test_version_1_needs_both_controllers(tmp_path: Path) -> None:
    root, member = tmp_path / "cgroup", tmp_path / "member"
    member.write_text("8:pids:/\n4:memory:/here\n0::/\n")
    (root / "memory" / "here").mkdir(parents=True)
    (root / "memory" / "here" / "cgroup.procs").write_text("")
    assert cgroups.where(root, member) == ()
    (root / "pids").mkdir()
    (root / "pids" / "cgroup.procs").write_text("")
    assert cgroups.where(root, member) == (root / "memory" / "here", root / "pids")
    (root / "cpuacct").mkdir()
    (root / "cpuacct" / "cgroup.procs").write_text("")
    assert cgroups.where(root, member)[2:] == (root / "cpuacct",)


@pytest.mark.parametrize(
    "files, seconds",
    [
        ({"cpuacct.usage": "1500000000\n"}, 1.5),
        ({"cpu.stat": "usage_usec 2500000\nuser_usec 2000000\n"}, 2.5),
        ({"memory.events": "oom_kill 0\n"}, None),
    ],
)
def test_the_kernel_counts_the_cpu_time_of_a_group(
    files: dict[str, str], seconds: float | None, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert cgroups.cpu_seconds(cgroups.Group((tmp_path,))) == seconds


# ----------------------------------------------------------------------- who computed what

ROLES = processes.Roles(10, {20: "worker-0", 21: "worker-1"}, frozenset({11, 12}))
FAMILY = {10: 2, 11: 10, 12: 10, 20: 11, 21: 11, 30: 2}
"""Parents: scheduler, its helpers, the workers that come from one of them, and the kernel."""


@pytest.mark.parametrize(
    "parents, role",
    [
        ({30: 2}, Role.CLIENT),
        ({40: 30}, Role.CLIENT),
        ({40: 20}, Role.WORKER),
        ({40: 41, 41: 21}, Role.WORKER),
        ({40: 10}, Role.SCHEDULER),
        ({40: 41, 41: 10}, Role.SCHEDULER),
        # All workers are there: whatever else comes from where they came from is none.
        ({40: 11}, Role.SCHEDULER),
        ({40: 41, 41: 11}, Role.SCHEDULER),
    ],
)
def test_a_process_belongs_to_whoever_started_it(parents: dict[int, int], role: Role) -> None:
    (pid, *_) = parents
    assert facts._role(pid, ROLES, FAMILY | parents)[0] is role


def test_a_worker_in_place_of_a_dead_one_is_a_worker() -> None:
    family = {pid: parent for pid, parent in FAMILY.items() if pid != 21} | {40: 11}
    assert facts._role(40, ROLES, family) == (Role.WORKER, "worker-other")


def test_what_has_no_account_any_more_is_the_clients() -> None:
    def accounts(*seconds: float) -> facts.Snapshot:
        roles = ((Role.CLIENT, "client"), (Role.WORKER, "worker-0"), (Role.WORKER, "worker-1"))
        return {
            (i, 1.0): facts.Account(role, name, spent, 0)
            for i, ((role, name), spent) in enumerate(zip(roles, seconds, strict=True))
        }

    before, after = accounts(1.0, 1.0, 1.0), accounts(1.1, 2.0, 2.0)

    def client(all_cpu: float | None, after: facts.Snapshot = after) -> float:
        used = facts.usage(before, after, all_cpu)
        return round(next(use.cpu_seconds for use in used if use.role is Role.CLIENT), 6)

    assert client(None) == client(2.1) == client(2.3) == 0.1
    assert client(4.1) == 2.1
    # One of the workers died: what it used is known from who waited for it, and nothing else is.
    gone = {i: a for i, a in after.items() if a.name != "worker-1"}
    lost = facts.Account(Role.WORKER, "worker-lost", 2.0, 0)
    assert client(2.1, {**gone, (-11, 1.0): lost}) == 0.1
    assert client(4.1, {**gone, (-11, 1.0): lost}) == 2.1
    assert client(4.1, gone) == 3.1


def test_only_processors_that_the_grader_may_use_count_as_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spent = {"now": 0.0}

    def cpu_times(percpu: bool) -> list[Any]:
        assert percpu
        busy = psutil._pslinux.scputimes
        zeros = dict.fromkeys(busy._fields, 0.0)
        return [busy(**zeros | {"user": seconds}) for seconds in (0.0, spent["now"])]

    monkeypatch.setattr(psutil, "cpu_times", cpu_times)
    for mine, share in (({0}, 0.0), ({0, 1}, 0.5)):
        spent["now"] = 0.0
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, mine=mine: mine)
        before = replace(machine_load.read(os.getpid()), at=0.0)
        spent["now"] = 10.0
        after = replace(machine_load.read(os.getpid()), at=10.0)
        assert machine_load.others(before, after) == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize(
    "files, told",
    [
        ({"memory.events": "low 0\noom 3\noom_kill 1\n"}, "memory"),
        ({"memory.oom_control": "under_oom 0\noom_kill 2\n"}, "memory"),
        ({"pids.events": "max 5\n"}, "processes"),
        ({"memory.events": "oom_kill 0\n", "pids.events": "max 0\n"}, None),
        ({}, None),
    ],
)
def test_what_the_kernel_had_to_stop_is_read(
    files: dict[str, str], told: str | None, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert cgroups.breach(cgroups.Group((tmp_path,))) == told


@pytest.mark.parametrize(("memory", "room"), [(2 * 10**9, 1 << 30), (16 * 10**9, 4 * 10**9)])
def test_private_folders_grow_with_the_memory_of_an_exercise(
    memory: int, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bubblewrap.scratch_for(memory) == room
    box = bubblewrap.Sandbox(scratch_bytes=room, processes=100)
    line = bubblewrap.command(box, ["true"])
    sizes = {line[i + 3]: int(line[i + 1]) for i, word in enumerate(line) if word == "--size"}
    assert sizes == {"/tmp": room, bubblewrap.HOME: room, "/dev/shm": room // 2}
    made: list[tuple[int, int]] = []
    monkeypatch.setattr(cgroups, "make", lambda *limits: made.append(limits))
    bubblewrap.group_for(box, memory)
    assert made == [(memory + sum(sizes.values()), 102)]


@pytest.mark.skipif(not cgroups.where(), reason="no control groups for this user")
def test_a_group_stops_a_fork_bomb_and_is_removed() -> None:
    group = cgroups.make(1 << 30, 20)
    assert group is not None
    code = "import os, time\nfor _ in range(8):\n  try: os.fork()\n  except OSError: pass\n"
    enter = " ".join(f"echo $$ > {entrance};" for entrance in group.entrances)
    subprocess.run(["sh", "-c", f"{enter} exec {sys.executable} -c '{code}'"], check=False)
    assert cgroups.breach(group) == "processes"
    assert cgroups.remove(group)


# ------------------------------------------------------------------------------ the filter


@pytest.mark.skipif(not seccomp.available(), reason="no libseccomp")
def test_every_rule_was_taken_by_the_library() -> None:
    program = seccomp.program()
    assert program is not None and len(program) % 8 == 0
    # Each refused call is a comparison of its own.
    assert len(program) // 8 > len(seccomp._REFUSED)
    resolve = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name
    unknown = [name for name in seccomp._REFUSED if resolve(name.encode()) == -1]
    assert set(unknown) <= {"quotactl_fd", "memfd_secret"}  # younger than some libraries


# ------------------------------------------------------------------------- what it is given


@pytest.mark.parametrize("name", [path.parent.name for path in KIT.glob("*/cases.py")])
def test_box_is_given_the_inputs_and_not_the_answers(name: str, tmp_path: Path) -> None:
    source = (KIT / name / "cases.py").read_text()
    given = without_answers(source)
    assert "def oracle" in source and "def compare" in source
    assert "def oracle" not in given and "def compare" not in given
    for function in ("prepare", "materialise", "warm"):
        assert f"def {function}(" in given
    compile(given, "cases.py", "exec")
    assert given.count("\n") == source.count("\n")
    copy(KIT / name, tmp_path / "given")
    assert (tmp_path / "given" / "cases.py").read_text() == given
    assert not list(tmp_path.rglob("__pycache__"))


def test_helpers_stay_as_long_as_an_input_needs_them() -> None:
    source = (
        "def prepare(a): return shared(a)\ndef shared(a): return TABLE['named'](a)\n"
        "def named(a): return a\nTABLE = {'named': named}\n@str\ndef only(a):\n    return a\n"
        "def oracle(a):\n    return only(shared(a))\ndef materialise(a): pass\ndef warm(): pass\n"
    )
    given = without_answers(source)
    assert "def shared" in given and "def named" in given
    assert "only" not in given and "@str" not in given and "oracle" not in given


def test_lines_are_pythons_lines() -> None:
    source = "def prepare(a): pass\n\x0c\ndef materialise(a): pass\ndef warm(): pass\n" + (
        "def oracle(a):\n    return 'the answer'\ndef compare(a):\n    return 'a\x0bb'\n"
    )
    given = without_answers(source)
    assert "the answer" not in given and "oracle" not in given and "compare" not in given
    assert "def prepare" in given and "def warm" in given


def test_a_course_that_boxes_can_read_is_refused(tmp_path: Path) -> None:
    bubblewrap.refuse_exposed(tmp_path)
    for place in (Path("/usr/local/course"), Path(sys.prefix) / "course"):
        with pytest.raises(HarnessError, match="Move the course"):
            bubblewrap.refuse_exposed(place)


# ------------------------------------------------------------------- what comes out of it


class _Client(CappedOutput, NotebookClient):
    def __init__(self, room: int) -> None:
        super().__init__(new_notebook(), km=None)
        self.reset_execution_trackers()
        self.clear_before_next_output = False
        self.room = room


def _message(kind: str, content: Any) -> dict[str, Any]:
    header = {"msg_id": "m", "msg_type": kind}
    return {
        "msg_type": kind,
        "header": header,
        "parent_header": {"msg_id": "p"},
        "content": content,
    }


def _heard(client: _Client, *messages: dict[str, Any]) -> Any:
    cell = new_code_cell("x")
    client.nb.cells = [cell]
    for message in messages:
        client.process_message(message, cell, 0)
    return cell.outputs


def test_output_is_kept_up_to_the_room_and_then_a_note() -> None:
    stream = _message("stream", {"name": "stdout", "text": "x" * 100})
    assert len(_heard(_Client(10_000), stream, stream)) == 2
    kept = _heard(_Client(300), *[stream] * 50)
    assert [len(output.text) for output in kept[:-1]] == [100] * (len(kept) - 1)
    assert "left out" in kept[-1].text


def test_what_nbgrader_goes_by_is_kept_whatever_was_printed() -> None:
    stream = _message("stream", {"name": "stdout", "text": "x" * 1000})
    points = _message(
        "execute_result", {"data": {"text/plain": "0"}, "metadata": {}, "execution_count": 1}
    )
    failed = _message("stream", {"name": "stderr", "text": "that is wrong"})
    kept = _heard(_Client(300), stream, stream, points, failed, points, failed)
    assert [output.output_type for output in kept] == ["stream", "execute_result", "stream"]
    large = _message("stream", {"name": "stderr", "text": "x" * 20_000})
    assert len(_heard(_Client(300), stream, large)) == 1


def test_an_update_costs_what_it_changes() -> None:
    shown = _message(
        "display_data",
        {"data": {"text/plain": "x"}, "metadata": {}, "transient": {"display_id": "d"}},
    )
    update = _message(
        "update_display_data",
        {"data": {"text/plain": "x" * 1000}, "metadata": {}, "transient": {"display_id": "d"}},
    )
    client = _Client(60_000)
    _heard(client, *[shown] * 50, update)
    assert client.room < 10_000


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "text", "name", "transient", "display_id", "metadata", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)
_KINDS = ["stream", "display_data", "execute_result", "error", "update_display_data", "comm_open",
          "comm_msg", "clear_output", "execute_input", "nonsense", ""]  # fmt: skip
_LIGHT = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=60,
)


@_LIGHT
@given(st.lists(st.tuples(st.sampled_from(_KINDS), _JSON), max_size=5))
def test_no_message_breaks_the_grader(messages: list[tuple[str, Any]]) -> None:
    _heard(_Client(10_000), *(_message(kind, content) for kind, content in messages))


@_LIGHT
@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_no_file_of_answers_breaks_the_grader(content: bytes) -> None:
    assert isinstance(untrusted._as_json(content), dict)
    untrusted.as_failure(untrusted._as_json(content))
    array = untrusted._as_array(content)
    assert array is None or not array.dtype.hasobject


@pytest.mark.parametrize(
    "descr, shape, kept",
    [("<U0", f"({2**50},)", False), ("|V8", "(1,)", False), ("<f8", "(1,)", True)],
)
def test_an_array_is_no_larger_than_its_file(descr: str, shape: str, kept: bool) -> None:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}"
    header = header.ljust(117) + "\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    assert (untrusted._as_array(content + bytes(8)) is not None) is kept


def test_a_number_of_many_digits_is_none() -> None:
    assert untrusted.natural(10**400) == untrusted.natural(-1) == untrusted.natural("7") == 0
    assert untrusted.natural(7) == 7


@_LIGHT
@given(st.binary(max_size=120), st.integers(0, 127))
def test_no_array_file_breaks_the_grader(noise: bytes, at: int) -> None:
    import io

    file = io.BytesIO()
    np.save(file, np.arange(5.0))
    content = bytearray(file.getvalue())
    content[at : at + len(noise)] = noise
    array = untrusted._as_array(bytes(content))
    assert array is None or not array.dtype.hasobject


def test_dead_kernels_are_still_heard_of() -> None:
    class Dead(NotebookClient):
        def process_message(self, *args: Any) -> Any:
            raise DeadKernelError("gone")

    class Client(CappedOutput, Dead):
        room = 100

    with pytest.raises(DeadKernelError):
        Client(new_notebook(), km=None).process_message(
            _message("status", {"execution_state": "busy"}), new_code_cell("x"), 0
        )
