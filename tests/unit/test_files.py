"""Files of the grader's own: for whom they are, and whose they are."""

import errno
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder import files
from autograder.nbgrader_bridge.claim import Claim
from cluster import system


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> None:
    before = os.umask(request.param)
    request.addfinalizer(lambda: os.umask(before))


@pytest.fixture
def shared(tmp_path: Path, umask: None) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir()
    files.share(folder)
    return folder


def test_a_shared_folder_shares_what_is_made_in_it(shared: Path) -> None:
    assert mode(shared) & 0o2770 == 0o2770
    deep = shared / "deep" / "deeper"
    files.make_folder(deep)
    assert mode(deep) & 0o2770 == mode(deep.parent) & 0o2770 == 0o2770
    files.write(deep / "result", "text")
    assert files.read_or_make(deep / "secret", lambda: "secret") == "secret"
    assert {mode(path) for path in deep.iterdir()} == {0o660}


def test_elsewhere_files_are_for_their_owner_alone(tmp_path: Path, umask: None) -> None:
    # A folder that its group may write to is not shared yet, nor one that hands its group on.
    for bits in (0o700, 0o775, 0o2755):
        folder = tmp_path / f"{bits:o}"
        folder.mkdir()
        folder.chmod(bits)
        deep = folder / "deep"
        files.make_folder(deep)
        files.write(deep / "result", "text")
        files.read_or_make(deep / "secret", lambda: "secret")
        assert {mode(path) for path in deep.iterdir()} == {0o600}
        assert not mode(deep) & 0o020


def test_what_is_published_is_for_whom_it_was(tmp_path: Path, shared: Path) -> None:
    asked = tmp_path / "asked"
    asked.touch()
    for folder, bits in ((tmp_path, mode(asked)), (shared, mode(asked) | 0o060)):
        path = folder / "sizes"
        files.publish(path, "one")
        assert mode(path) == bits
        path.chmod(0o640)
        files.publish(path, "two")
        assert (mode(path), path.read_text()) == (0o640, "two")


@pytest.mark.parametrize("beside", [False, True])
def test_what_cannot_be_published_is_as_it_was(
    beside: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "in" / "sizes", tmp_path / "beside"
    for folder in (path.parent, other):
        folder.mkdir()
    files.publish(path, "before", other if beside else None)
    seen: list[list[str]] = []

    def full(number: int) -> None:
        seen.append([place.parent.name for place in tmp_path.glob("*/dsk-*")])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.publish(path, "after", other if beside else None)
    assert seen == [["beside" if beside else "in"]]
    assert path.read_text() == "before" and not list(tmp_path.glob("*/dsk-*"))


def test_folder_that_is_there_is_left_as_it_is(shared: Path) -> None:
    mine = shared / "mine"
    mine.mkdir(mode=0o700)
    before = mode(mine)
    files.make_folder(mine)
    assert mode(mine) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has processes of several users")
def test_living_process_of_another_user_is_not_gone(tmp_path: Path) -> None:
    """Also where /proc hides it, so that asking /proc will not do."""
    sleeping = subprocess.Popen(["sleep", "60"])
    try:
        name = files.own_prefix().replace(str(os.getpid()), str(sleeping.pid))
        said = as_user(64001, lambda: not files.owner_is_gone(name))
        assert said == 0
    finally:
        sleeping.kill()
        sleeping.wait()
    assert files.owner_is_gone(name)


def as_user(number: int, act: Callable[[], bool]) -> int:
    """Return 0 if an act is true for another user."""
    child = os.fork()
    if child == 0:
        status = 2
        try:
            os.setgid(number)
            os.setuid(number)
            status = int(not act())
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize(
    ("other", "gone"),
    [
        ({}, False),
        ({"boot": "before"}, True),  # although its number is another living process's now
        ({"boot": "before", "namespace": "of a container"}, True),
        ({"namespace": "of a container"}, False),
        ({"machine": "elsewhere"}, False),
        ({"machine": "elsewhere", "boot": "of it"}, False),
    ],
)
def test_nobody_outlives_the_start_of_the_machine(
    other: dict[str, str], gone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = system.numbers_valid_in()._replace(**other)
    with monkeypatch.context() as there:
        there.setattr(system, "numbers_valid_in", lambda: where)
        there.setattr(files, "_here", files._here.__wrapped__)
        name = files.own_prefix()
    assert files.owner_is_gone(f"{name}x") is gone


def test_name_of_another_kind_belongs_to_nobody_known() -> None:
    number = os.getpid()
    for name in ("notes", "dsk-notes", f"dsk-{number}.abcdef-x", f"dsk-{number}.{'a' * 12}-x"):
        assert not files.owner_is_gone(name)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: files.read_or_make(path, lambda: "text"),
        lambda path: Claim(path).take(),
        lambda path: files.write(path, "text"),
    ],
    ids=["made once", "claim", "replaced"],
)
def test_file_has_its_name_when_it_is_on_the_disk(
    make: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise it may be empty after a power cut."""
    path = tmp_path / "file"
    synced = []

    def fsync(number: int) -> None:
        assert not path.exists()
        synced.append((os.fstat(number).st_ino, os.fstat(number).st_size))

    monkeypatch.setattr(os, "fsync", fsync)
    make(path)
    assert synced == [(path.stat().st_ino, path.stat().st_size)]
