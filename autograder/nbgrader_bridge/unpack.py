"""Unpack archives that contain students' files, for ``nbgrader zip_collect``.

nbgrader's own unpacking stops at the first member that it cannot handle, and so ends the collection
for the whole class; one student's archive within the archive is enough. Here such a member is
skipped and named, and the others are unpacked. Nothing is written outside the folder, nothing is
overwritten, and no link is created. A student's own archive cannot grow without end, and reading it
cannot take much time or memory.
"""

import shutil
from contextlib import suppress
from pathlib import Path, PurePosixPath

from nbgrader.plugins.zipcollect import ExtractorPlugin

from autograder import reader
from autograder.errors import SubmissionError
from autograder.formats import one_line
from autograder.nbgrader_bridge.archive import BROKEN, LOCKED, Member, check, members

__all__ = ["Extractor"]

_ENDINGS = (".zip", ".tar.gz", ".tgz", ".tar")

_NESTED_BYTES, _NESTED_FILES = 100_000_000, 1_000
"""What one student's archive may hold: the notebooks of the exercises with all their outputs have
less than 2 MB each."""

_LOOKING = reader.Limits()
"""For going through a student's archive. Chosen: the limits of a notebook."""


class Extractor(ExtractorPlugin):
    """An extractor for ``nbgrader zip_collect``: odd members are skipped and named."""

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Unpack or copy everything in one folder into another."""
        source, target = Path(archive_path), Path(extracted_path)
        found = [path for path in sorted(source.rglob("*")) if path.is_file()]
        if not found:
            self.log.warning("No files found in directory: %s", source)
        for path in found:
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            if path.name.lower().endswith(_ENDINGS):
                self.log.info("Extracting from: %s", path)
                self._unpack(path, _folder(place), nested=False)
            elif not place.exists():
                shutil.copyfile(path, place)

    def _unpack(self, archive: Path, folder: Path, *, nested: bool) -> None:
        """Unpack an archive and the archives in it, but none inside those."""
        room, files = _NESTED_BYTES, _NESTED_FILES
        inner = []
        try:
            for member in members(archive):
                place = _inside(folder, member.name)
                room, files = room - member.size, files - 1
                if nested and (room < 0 or files < 0):
                    self._leave_out(archive, "it contains too much; part of it was not unpacked")
                    return
                if place is None or _is_taken(place):
                    self._leave_out(
                        archive, f"in it {member.name}: its name is unsafe or already used"
                    )
                    continue
                try:
                    _write(member, place)
                except (*BROKEN, *LOCKED) as error:
                    self._leave_out(archive, f"in it {member.name}: {error}")
                    with suppress(OSError):
                        place.unlink()
                    continue
                if place.name.lower().endswith(_ENDINGS):
                    inner.append(place)
        except (*BROKEN, *LOCKED) as error:
            self._leave_out(archive, f"the rest cannot be read: {error}")
        for each in [] if nested else inner:
            try:
                reader.read(check, each.absolute(), what="its list of members", limits=_LOOKING)
            except SubmissionError as error:
                self._leave_out(each, str(error))
            else:
                self._unpack(each, _folder(each), nested=True)

    def _leave_out(self, archive: Path, why: str) -> None:
        self.log.warning("Skipped in %s: %s", one_line(archive.name), one_line(why))


def _inside(folder: Path, name: str) -> Path | None:
    """Return where a member belongs; None if that may be outside the folder."""
    path = PurePosixPath(name)
    odd = path.is_absolute() or ".." in path.parts or "\\" in name or not path.parts
    return None if odd else folder / path


def _is_taken(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:  # a name that is too long: writing it says so
        return False


def _write(member: Member, place: Path) -> None:
    content = member.open()
    if content is None:
        raise ValueError("it is not a file")
    with content:
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(place, "xb") as file:
            shutil.copyfileobj(content, file)


def _folder(archive: Path) -> Path:
    """Return the folder that is named after an archive; another one if a file has that name."""
    name = archive.name
    ending = next(each for each in _ENDINGS if name.lower().endswith(each))
    folder = archive.with_name(name[: -len(ending)] or "archive")
    return folder if not folder.exists() else archive.with_name(f"{name} unpacked")
