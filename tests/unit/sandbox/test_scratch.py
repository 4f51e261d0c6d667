"""The folder of a box: made, measured and removed, whatever is in it."""

import ctypes
import mmap
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from autograder.errors import HarnessError
from autograder.sandbox import scratch


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
    ours = tmp_path / f"{scratch.own_prefix()}a"
    left = tmp_path / ours.name.replace(str(os.getpid()), str(ended.pid))
    elsewhere = tmp_path / f"dsk-{ended.pid}.another-a"
    notes = tmp_path / "dsk-notes"
    for each in (left, ours, elsewhere, notes):
        each.mkdir()
    scratch.sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([ours, elsewhere, notes])


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder for temporary files, with a path too long for sockets in it."""
    folder = tmp_path / ("long" * 20)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_long_path_is_left_for_a_short_one(temporary: Path) -> None:
    made = scratch.make()
    try:
        assert not made.is_relative_to(temporary)
        assert len(f"{made}/recorder.sock".encode()) < 107
    finally:
        scratch.remove(made)


def test_a_short_path_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        assert scratch.place() == Path(folder)


def test_without_a_short_path_one_sentence_says_so(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "_SHORT_PLACES", ())
    with pytest.raises(HarnessError, match="TMPDIR"):
        scratch.place()


def test_a_folder_that_its_owner_has_closed_to_himself_is_measured() -> None:
    with tempfile.TemporaryDirectory() as place:  # pytest's own folders are closed to others
        os.chmod(place, 0o755)
        box, closed = Path(place, "box"), Path(place, "box", "closed")
        closed.mkdir(parents=True)
        (closed / "file").write_bytes(b"x" * 300_000)
        if os.geteuid() == 0:
            for path in (box, closed, closed / "file"):
                os.chown(path, 65534, 65534)
        closed.chmod(0o300)
        if (child := os.fork()) == 0:
            if os.geteuid() == 0:
                os.setuid(65534)  # root can read all folders
            found, entries = scratch.size(box)
            os._exit(0 if found >= 300_000 and entries == 2 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_files_without_a_name_are_measured_while_a_process_has_them(tmp_path: Path) -> None:
    place, own = tmp_path / "file", [os.getpid()]
    assert scratch.unlinked(tmp_path, own) == 0
    with open(place, "wb+") as file:
        os.posix_fallocate(file.fileno(), 0, 4_000_000)
        assert scratch.unlinked(tmp_path, own) == 0  # it has a name
        place.unlink()
        assert scratch.unlinked(tmp_path, [*own, *own]) >= 4_000_000
        assert scratch.unlinked(tmp_path / "..", own) == 0  # it was elsewhere
        mapped = mmap.mmap(file.fileno(), 0)
    assert scratch.unlinked(tmp_path, own) >= 4_000_000
    mapped.close()
    assert scratch.unlinked(tmp_path, own) == 0


def test_of_a_file_of_which_a_page_is_mapped_all_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, own = tmp_path / "file", [os.getpid()]
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, *[ctypes.c_size_t] * 5]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    with open(place, "wb+") as file:
        file.write(bytes(4_000_000))
        file.flush()
        place.unlink()
        page = libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(), 0)
    try:
        assert scratch.unlinked(tmp_path, own) >= 4_000_000
        # An ordinary user may not look at what others have mapped.
        monkeypatch.setattr(scratch.os, "stat", _stat_of_an_ordinary_user)
        assert scratch.unlinked(tmp_path, own) == scratch.FILE_BYTES
    finally:
        libc.munmap(page, 4096)
    assert scratch.unlinked(tmp_path, own) == 0


def _stat_of_an_ordinary_user(path: Any, *args: Any, stat: Any = os.stat, **kwargs: Any) -> Any:
    if "map_files" in str(path):
        raise PermissionError(path)
    return stat(path, *args, **kwargs)


def test_a_file_whose_path_is_too_long_is_measured(tmp_path: Path) -> None:
    home = os.open(".", os.O_RDONLY)
    try:
        os.chdir(tmp_path)
        for _ in range(20):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
        with open("file", "wb") as file:
            os.unlink("file")
            file.write(bytes(4_000_000))
            file.flush()
            assert scratch.unlinked(tmp_path, [os.getpid()]) >= 4_000_000
    finally:
        os.chdir(home)
        os.close(home)
        scratch.remove(tmp_path)


@pytest.mark.skipif(
    "scm_fds" not in Path("/proc/self/fdinfo/0").read_text()
    and tuple(map(int, os.uname().release.split(".")[:2])) < (5, 9),
    reason="this kernel does not tell",
)
def test_open_files_on_their_way_are_counted() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, open(os.devnull) as file:
        before = scratch.in_flight([os.getpid()])
        socket.send_fds(ours, [b"x"], [file.fileno()] * 30)
        assert scratch.in_flight([os.getpid(), os.getpid()]) == before + 30
        for each in socket.recv_fds(theirs, 1, 30)[1]:
            os.close(each)
        assert scratch.in_flight([os.getpid()]) == before


def test_a_folder_is_listed_and_a_link_on_the_way_is_not(tmp_path: Path) -> None:
    (tmp_path / "out" / "case").mkdir(parents=True)
    (tmp_path / "out" / "case" / "values.npy").write_bytes(b"x")
    assert scratch.listing(tmp_path, "out/case") == ["values.npy"]
    (tmp_path / "out" / "link").symlink_to(tmp_path / "out" / "case")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    for name in ("out/link", "link/case", "out/case/values.npy", "nothing"):
        assert scratch.listing(tmp_path, name) == []
