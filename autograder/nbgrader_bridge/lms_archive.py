"""Collect archives of Canvas and Moodle with ``nbgrader zip_collect``.

Both name a file after the student, but not by the student's name in the course:

- Canvas: ``lovelaceada_LATE_12345_67890_ex02-1.ipynb``: last and first name, perhaps ``LATE``, the
  number of the user, that of the upload, and the file's own name with the number of the attempt;
- Moodle: ``Ada Lovelace_12345_assignsubmission_file_/ex02.ipynb``, or all of it in one name. The
  number is that of the participant in this assignment, which is used nowhere else.

So students are looked up in the gradebook: by the user's number (``lms_user_id``), or by a name
that only one of them has, and that only one person in the archive has: somebody who is not in the
gradebook can have the name of one who is. Ambiguous files are skipped, with a warning. Folders and
notebooks get the course's names, not the archive's.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nbgrader.plugins.zipcollect import FileNameCollectorPlugin

from autograder.formats import one_line
from autograder.nbgrader_bridge import course_files, gradebook_reader
from autograder.nbgrader_bridge.gradebook_reader import Account

__all__ = ["Archived", "LmsCollector", "namesakes", "notebook", "parse", "student"]

_CANVAS = re.compile(r"(?P<name>[^_]+)(?P<late>_LATE)?_(?P<user>\d+)_\d+_(?P<file>.*)", re.DOTALL)
_MOODLE = re.compile(
    r"(?P<name>.+?)_(?P<participant>\d+)_assignsubmission_(?P<kind>[a-z]+)(?:_(?P<file>.*))?",
    re.DOTALL,
)
"""Whatever file a student has chosen, one without a name or with a line break in it included: a
part of the path that the system wrote and that is not known as one would leave it to the next part,
which a student may have written, to say whose the file is."""

_COPY = re.compile(r"[-_ ]*(?:\((\d+)\)|(?<=[-_ ])(\d+)|(?<=[-_ ])copy(\d*))$", re.I)
"""Suffixes that browsers, Canvas and Jupyter add to the name of an existing file."""


@dataclass(frozen=True, slots=True)
class Archived:
    """What the name of a file in an archive says."""

    name: str
    """The student's, as the system writes it."""
    user: str
    """Number of the user in the system; empty if unknown."""
    file: str
    late: bool = False
    participant: str = ""
    """Number of the person among those of the assignment; it only tells namesakes apart."""


def parse(path: Path) -> Archived | None:
    """Read a file's student from its path in an archive; None if no system wrote it.

    The outermost part that a system wrote decides: what is below it, a student has named.
    """
    for part in path.parts:
        if found := _MOODLE.fullmatch(part):
            if found["kind"] != "file":
                return None  # a text that was typed there, with pictures and files in it
            file = found["file"] or path.name
            return Archived(found["name"], "", file, participant=found["participant"])
        if found := _CANVAS.fullmatch(part):
            inside = part != path.name
            file = path.name if inside else found["file"]
            return Archived(found["name"], found["user"], file, found["late"] is not None)
    return None


def student(archived: Archived, accounts: Mapping[str, Account]) -> str | None:
    """Return the student of the course who handed a file in; None if that is not certain."""
    if archived.user:
        numbered = [each for each, one in accounts.items() if one.lms_id == archived.user]
        if numbered:
            return numbered[0] if len(numbered) == 1 else None
    name = _letters(archived.name)
    named = [
        each
        for each, one in accounts.items()
        # One who has another number is somebody else of the same name.
        if not (archived.user and one.lms_id)
        and name in (_letters(one.last_name + one.first_name), _letters(one.name))
    ]
    return named[0] if name and len(named) == 1 else None


def namesakes(archive: Iterable[tuple[str, Archived]]) -> dict[str, list[str]]:
    """Find students whose files come from several people, of whom only one can be the student.

    Parameters
    ----------
    archive : iterable of (str, Archived)
        Every file of a known student, notebook or not.

    Returns
    -------
    dict of str to list of str
        By student, the numbers of those people.
    """
    people: dict[str, set[str]] = defaultdict(set)
    for who, archived in archive:
        people[who].add(archived.user or archived.participant)
    return {who: sorted(numbers) for who, numbers in people.items() if len(numbers) > 1}


@cache
def _letters(name: str) -> str:
    """Return the normal form of a name."""
    apart = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in apart if letter.isalnum())


def notebook(file: str, released: Iterable[str]) -> tuple[str, int] | None:
    """Return which notebook of an assignment a file is, and the number of the copy."""
    stem, _, ending = file.rpartition(".")
    if ending != "ipynb":
        return None
    known = {Path(each).stem for each in released}
    copy = 0
    while stem not in known:
        found = _COPY.search(stem)
        if found is None:
            return None
        copy = max(copy, int(found[1] or found[2] or found[3] or 1))
        stem = stem[: found.start()]
    return stem, copy


class LmsCollector(FileNameCollectorPlugin):
    """A collector for ``nbgrader zip_collect`` that knows the names of Canvas and Moodle.

    With a ``named_regexp`` in the course's configuration it does what nbgrader's own does.
    """

    _found: dict[Path, dict[str, str]] | None = None

    def collect(self, submitted_file: str) -> dict[str, str] | None:
        """Return a file's student and notebook; None if it should not be collected."""
        if self.named_regexp:
            own: dict[str, str] | None = super().collect(submitted_file)
            return own
        if self._found is None:
            self._found = self._all()
        return self._found.get(Path(submitted_file))

    def _all(self) -> dict[Path, dict[str, str]]:
        """Go through all files: of several copies of a notebook, only the last one is collected."""
        app = self.parent
        root, assignment = Path(app.coursedir.root), app.coursedir.assignment_id
        accounts = gradebook_reader.accounts(course_files.layout(root, assignment), assignment)
        extracted = Path(app._format_collect_path(app.extracted_directory))
        course = app.coursedir
        folder = Path(course.format_path(course.release_directory, ".", assignment))
        released = [path.name for path in folder.glob("*.ipynb")]
        if not accounts:
            self.log.error(
                "The gradebook has no students, so the files cannot be assigned to anybody: enrol "
                "the students first, with nbgrader db student import."
            )
        theirs = list(self._theirs(extracted, accounts))
        several = namesakes((who, archived) for who, archived, _ in theirs)
        for who, numbers in several.items():
            place = course.format_path(course.submitted_directory, who, assignment)
            self.log.warning(
                "Skipped all files of %s: %d people in the archive have this student's name, with "
                "the numbers %s, and only one of them can be %s. For Canvas, write the right "
                "number into the gradebook as lms_user_id; for Moodle, copy the right files into "
                "%s.",
                *(who, len(numbers), ", ".join(numbers), who, place),
            )
        copies: dict[tuple[str, str], list[tuple[int, Path]]] = defaultdict(list)
        for who, archived, path in theirs:
            if who in several or not path.name.endswith(".ipynb"):
                continue
            what = notebook(archived.file, released)
            if what is None:
                name = one_line(str(path.relative_to(extracted)))
                self.log.warning("Skipped, no notebook of %s has this name: %s", assignment, name)
                continue
            if archived.late:
                self.log.warning(
                    "Canvas says that %s was late, but not when; for a penalty, write the time of "
                    "the submission into timestamp.txt in the student's folder.",
                    who,
                )
            copies[who, what[0]].append((what[1], path))
        return self._last(copies)

    def _theirs(
        self, extracted: Path, accounts: Mapping[str, Account]
    ) -> Iterator[tuple[str, Archived, Path]]:
        """Yield every file of a known student; name the notebooks of others."""
        for path in sorted(extracted.rglob("*")):
            if not path.is_file():
                continue
            name = one_line(str(path.relative_to(extracted)))
            archived = parse(path.relative_to(extracted))
            who = student(archived, accounts) if archived is not None else None
            if archived is not None and who is not None:
                yield who, archived, path
            elif not path.name.endswith(".ipynb"):
                continue
            elif archived is None:
                self.log.warning("Skipped, not a file name of Canvas or Moodle: %s", name)
            else:
                self.log.warning(
                    "Skipped, since the gradebook does not have exactly one student with that name "
                    "or number: %s",
                    name,
                )

    def _last(
        self, copies: Mapping[tuple[str, str], list[tuple[int, Path]]]
    ) -> dict[Path, dict[str, str]]:
        chosen = {}
        for (who, stem), found in copies.items():
            *earlier, (_, path) = sorted(found)
            for _, other in earlier:
                self.log.warning("Skipped, since %s handed in a later copy: %s", who, other.name)
            chosen[path] = {"student_id": who, "file_id": f"{stem}.ipynb"}
        return chosen
