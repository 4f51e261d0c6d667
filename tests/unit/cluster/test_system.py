"""What only Linux has: each name is used where it is there, and replaced where it is not."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import system


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as child:
        yield child
        child.kill()


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    for name in names:
        monkeypatch.delattr(os, name, raising=False)


@pytest.mark.parametrize("missing", [(), ("pidfd_open",)], ids=["pidfd", "asked again and again"])
def test_the_end_of_a_process_is_noticed(
    monkeypatch: pytest.MonkeyPatch, child: subprocess.Popen[bytes], missing: tuple[str, ...]
) -> None:
    without(monkeypatch, *missing)
    monkeypatch.setattr(system, "_POLL_SECONDS", 0.01)
    waiting = threading.Thread(target=system.wait_for_end, args=(child.pid,))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    child.kill()  # it is a zombie from now on: nobody has asked for its status
    waiting.join(10)
    assert not waiting.is_alive()


@pytest.mark.parametrize("missing", [(), ("pidfd_open",)], ids=["pidfd", "asked again and again"])
def test_a_process_that_is_gone_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...]
) -> None:
    without(monkeypatch, *missing)
    with subprocess.Popen([sys.executable, "-S", "-c", "pass"]) as gone:
        pass
    system.wait_for_end(gone.pid)


def test_cores_are_those_of_the_process_where_the_system_tells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 5, 7}, raising=False)
    assert system.cores() == 3
    without(monkeypatch, "sched_getaffinity")
    assert system.cores() == 16
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert system.cores() == 1


def test_process_numbers_are_valid_on_one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_file(*arguments: object, **options: object) -> None:
        raise FileNotFoundError

    linux = system.numbers_valid_in()
    monkeypatch.setattr("pathlib.Path.read_text", no_such_file)
    elsewhere = system.numbers_valid_in()
    assert elsewhere.machine not in (linux.machine, "")
    assert elsewhere == (elsewhere.machine, "", "") == system.numbers_valid_in()
    monkeypatch.setattr("socket.gethostname", lambda: "another")
    assert system.numbers_valid_in() != elsewhere


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the start is unknown")
def test_machine_is_the_same_if_its_id_and_its_name_are(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"/etc/machine-id": "4f\n", "/proc/sys/kernel/random/boot_id": "b\n"}

    def read(path: Path, **options: object) -> str:
        if str(path) in texts:
            return texts[str(path)]
        raise FileNotFoundError(path)

    monkeypatch.setattr("pathlib.Path.read_text", read)
    monkeypatch.setattr("socket.gethostname", lambda: "lab")
    before = system.numbers_valid_in()
    texts["/proc/sys/kernel/random/boot_id"] = "c\n"
    assert system.numbers_valid_in() == before._replace(boot="c")
    texts["/etc/machine-id"] = "5a\n"
    assert system.numbers_valid_in().machine != before.machine
    del texts["/etc/machine-id"]
    nameless = system.numbers_valid_in().machine
    assert nameless not in ("", before.machine)
    texts["/var/lib/dbus/machine-id"] = "4f\n"
    assert system.numbers_valid_in().machine == before.machine
    monkeypatch.setattr("socket.gethostname", lambda: "lab-2")  # of the same disk image
    assert system.numbers_valid_in().machine != before.machine


def test_elsewhere_workers_are_not_forked_and_no_thread_is_idle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    without(monkeypatch, "sched_getscheduler", "SCHED_IDLE")
    monkeypatch.setattr("ctypes.CDLL", lambda *arguments, **options: pytest.fail("no prctl here"))
    assert not system.forks_workers()
    assert not system.is_idle_class(0)
    system.ends_with_parent()
