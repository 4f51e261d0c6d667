"""Archives with odd things inside: those are left out and named, all else is unpacked."""

import gzip
import io
import logging
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.nbgrader_bridge import unpack
from autograder.reader import Limits


class Room:
    """A folder with archives, and what is unpacked from it."""

    def __init__(self, place: Path) -> None:
        self.archives, self.target = place / "archive", place / "course" / "extracted"
        self.archives.mkdir()
        self.target.mkdir(parents=True)

    def unpacked(self) -> dict[str, bytes]:
        unpack.Extractor().extract(str(self.archives), str(self.target))
        return {
            str(path.relative_to(self.target)): path.read_bytes()
            for path in sorted(self.target.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def zipped(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


def test_archives_and_files_are_unpacked_into_folders_of_their_names(room: Room) -> None:
    (room.archives / "class.zip").write_bytes(zipped({"a.ipynb": b"a", "b/c.ipynb": b"c"}))
    (room.archives / "more").mkdir()
    (room.archives / "more" / "d.ipynb").write_bytes(b"d")
    with tarfile.open(room.archives / "rest.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("e.ipynb")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"e"))
    assert room.unpacked() == {
        "class/a.ipynb": b"a",
        "class/b/c.ipynb": b"c",
        "more/d.ipynb": b"d",
        "rest/e.ipynb": b"e",
    }


@pytest.mark.parametrize(
    "name", ["../out.ipynb", "/out.ipynb", "a/../../out.ipynb", "..\\out.ipynb"]
)
def test_nothing_leaves_the_folder_and_the_rest_goes_on(
    room: Room, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    (room.archives / "class.zip").write_bytes(zipped({name: b"x", "a.ipynb": b"a"}))
    with caplog.at_level(logging.WARNING):
        assert room.unpacked() == {"class/a.ipynb": b"a"}
    assert not list(tmp_path.rglob("*out.ipynb")) and not Path("/out.ipynb").exists()


@pytest.mark.parametrize("name", ["b" * 300 + ".ipynb", "a.ipynb/c.ipynb"], ids=["long", "below"])
def test_a_name_that_cannot_be_written_stops_itself_alone(room: Room, name: str) -> None:
    members = {"a.ipynb": b"a", name: b"x", "z.ipynb": b"z"}
    (room.archives / "class.zip").write_bytes(zipped(members))
    assert room.unpacked() == {"class/a.ipynb": b"a", "class/z.ipynb": b"z"}


def test_a_spoilt_member_stops_itself_alone(room: Room) -> None:
    content = zipped({"a.ipynb": b"a" * 40, "z.ipynb": b"z"})
    start = content.index(b"a.ipynb") + len("a.ipynb")
    (room.archives / "class.zip").write_bytes(content[:start] + b"\xff\xff" + content[start + 2 :])
    assert room.unpacked() == {"class/z.ipynb": b"z"}


def test_links_are_not_made(room: Room) -> None:
    with tarfile.open(room.archives / "class.tar", "w") as archive:
        for name, kind in (("s.ipynb", tarfile.SYMTYPE), ("h.ipynb", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert room.unpacked() == {}


def test_of_two_members_of_one_name_the_first_stays(room: Room) -> None:
    with pytest.warns(UserWarning), zipfile.ZipFile(room.archives / "class.zip", "w") as archive:
        archive.writestr("a.ipynb", "first")
        archive.writestr("a.ipynb", "second")
    assert room.unpacked() == {"class/a.ipynb": b"first"}


def test_a_students_archive_is_unpacked_and_none_within_it(room: Room) -> None:
    inner = zipped({"a.ipynb": b"a", "deeper.zip": zipped({"b.ipynb": b"b"})})
    (room.archives / "class.zip").write_bytes(zipped({"ada_1_2_work.zip": inner}))
    notebooks = {name for name in room.unpacked() if name.endswith(".ipynb")}
    assert notebooks == {"class/ada_1_2_work/a.ipynb"}


@pytest.mark.parametrize(("size", "files"), [(10, 1_000), (10_000, 2)], ids=["bytes", "files"])
def test_a_students_archive_cannot_grow_without_end(
    room: Room, monkeypatch: pytest.MonkeyPatch, size: int, files: int
) -> None:
    monkeypatch.setattr(unpack, "_NESTED_BYTES", size)
    monkeypatch.setattr(unpack, "_NESTED_FILES", files)
    inner = zipped({f"{n}.ipynb": b"0123" for n in range(9)})
    (room.archives / "class.zip").write_bytes(zipped({"b.zip": inner, "c.ipynb": b"c" * 99}))
    unpacked = room.unpacked()
    assert len([name for name in unpacked if name.startswith("class/b/")]) == 2
    assert "class/c.ipynb" in unpacked


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no more", b"text"], ids=str)
def test_an_archive_that_cannot_be_read_stops_itself_alone(room: Room, content: bytes) -> None:
    (room.archives / "class.zip").write_bytes(zipped({"b.zip": content, "c.ipynb": b"c"}))
    assert "class/c.ipynb" in room.unpacked()


def tarred(members: list[tarfile.TarInfo], then: bytes = b"") -> bytes:
    """Return a compressed tar of members, each as large as it says, with something behind them."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for info in members:
            archive.addfile(info, io.BytesIO(bytes(info.size)))
    return gzip.compress(content.getvalue() + then, compresslevel=1)


def listing_without_end(entries: int = 100_000) -> bytes:
    """Return a zip that lists a hundred thousand members and has none of them."""
    listed = entries * struct.pack("<4s6H3I5H2Ic", b"PK\1\2", *[0] * 9, 1, *[0] * 6, b"x")
    return listed + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(listed), 0, 0)


def described_at_length() -> bytes:
    """Return a tar whose member is described in 80 MB."""
    info = tarfile.TarInfo("a.ipynb")
    info.type, info.size = tarfile.XHDTYPE, 80 << 20
    return tarred([info])


def many_folders() -> bytes:
    info = tarfile.TarInfo("folder")
    info.type = tarfile.DIRTYPE
    return tarred([info] * 200_000)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        # Its listing or its members are too much, in memory or in time, whichever is met first.
        ("b.zip", listing_without_end, "it"),
        ("b.tar.gz", described_at_length, "its list of members takes more than 34 MB of mem"),
        ("b.tgz", many_folders, "its list of members takes more than"),
    ],
)
def test_an_archive_that_takes_too_much_to_look_into_stops_itself_alone(
    room: Room,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    content: Callable[[], bytes],
    why: str,
) -> None:
    monkeypatch.setattr(unpack, "_LOOKING", Limits(cpu_seconds=15, memory_bytes=32 << 20))
    (room.archives / "class.zip").write_bytes(zipped({name: content(), "c.ipynb": b"c"}))
    with caplog.at_level(logging.WARNING):
        assert "class/c.ipynb" in room.unpacked()
    assert f"Skipped in {name}: {why}" in caplog.text


def test_an_archive_of_many_members_is_looked_into(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "_LOOKING", Limits(cpu_seconds=15, memory_bytes=32 << 20))
    work = tarred([tarfile.TarInfo(f"{n}.ipynb") for n in range(900)])
    (room.archives / "class.zip").write_bytes(zipped({"b.tgz": work}))
    assert sum(name.endswith(".ipynb") for name in room.unpacked()) == 900


def test_what_is_left_of_a_broken_archive_is_unpacked(room: Room) -> None:
    info = tarfile.TarInfo("a.ipynb")
    info.size = 3
    cut = gzip.decompress(tarred([info], b""))[:1024] + b"what is no head of a member" * 100
    (room.archives / "class.zip").write_bytes(zipped({"b.tar": cut}))
    assert "class/b/a.ipynb" in room.unpacked()
