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

Which of several copies is the work is told by what the system wrote, and not by a student's own
names: a backup has a number, too, and a folder of old versions comes later in the alphabet.
"""

import filecmp
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

__all__ = [
    "Archived", "Copy", "LmsCollector", "copy_of", "last", "namesakes", "notebook", "parse",
    "student",
]  # fmt: skip

_CANVAS = re.compile(r"(?P<name>[^_]+)(?P<late>_LATE)?_(?P<user>\d+)_\d+_(?P<file>.*)", re.DOTALL)
_MOODLE = re.compile(
    r"(?P<name>.+?)_(?P<participant>\d+)_assignsubmission_(?P<kind>[a-z]+)(?:_(?P<file>.*))?",
    re.DOTALL,
)
"""Whatever file a student has chosen, one without a name or with a line break in it included: a
part of the path that the system wrote and that is not known as one would leave it to the next part,
which a student may have written, to say whose the file is."""

_COPY = re.compile(r"[-_ ]*(?:\(\d+\)|(?<=[-_ ])\d+|(?<=[-_ ])copy\d*)$", re.I)
"""Suffixes that browsers, editors and Jupyter add to the name of an existing file."""

_CANVAS_COPY = re.compile(r"(?P<name>.*)-(?P<number>\d{1,6})", re.DOTALL)
_MOODLE_COPY = re.compile(r"(?P<name>.*) \((?P<number>\d{1,6})\)", re.DOTALL)
"""The system's own number of what was uploaded again. A time is not one: that has more digits."""


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
    inside: tuple[str, ...] = ()
    """The folders that it lies in, from what was uploaded: an archive, or a folder. Empty if the
    file itself was: then the system wrote its name."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One of a student's files that may be a notebook of the assignment."""

    notebook: str
    """Its name in the course, without the ending."""
    exact: bool
    """It has that name, apart from a number of the system's."""
    upload: tuple[str, bool]
    """What was uploaded, without the system's number, and whether that is the file itself."""
    number: int
    """The system's, of what was uploaded again; 0 for the first time."""
    depth: int
    """Folders that it lies in."""
    hidden: bool
    """One of them is where programs keep things of their own."""
    path: Path


def parse(path: Path) -> Archived | None:
    """Read a file's student from its path in an archive; None if no system wrote it.

    The outermost part that a system wrote decides: what is below it, a student has named.
    """
    for place, part in enumerate(path.parts, start=1):
        below = path.parts[place:]
        if found := _MOODLE.fullmatch(part):
            if found["kind"] != "file":
                return None  # a text that was typed there, with pictures and files in it
            # All that is below it, or one part for each file.
            *inside, file = (*([found["file"]] if found["file"] else []), *below) or (path.name,)
            person = found["participant"]
            return Archived(found["name"], "", file, participant=person, inside=tuple(inside))
        if found := _CANVAS.fullmatch(part):
            *inside, file = found["file"], *below
            late = found["late"] is not None
            return Archived(found["name"], found["user"], file, late, inside=tuple(inside))
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


def notebook(file: str, released: Iterable[str]) -> tuple[str, bool] | None:
    """Return which notebook of an assignment a file is, and whether it has exactly that name."""
    stem, _, ending = file.rpartition(".")
    if ending != "ipynb":
        return None
    known = {Path(each).stem for each in released}
    exact = stem in known
    while stem not in known:
        found = _COPY.search(stem)
        if found is None:
            return None
        stem = stem[: found.start()]
    return stem, exact


def copy_of(archived: Archived, path: Path, released: Iterable[str]) -> Copy | None:
    """Return what may be a notebook of an assignment; None for any other file."""
    known = {Path(each).name for each in released}
    own = not archived.inside
    upload = archived.file.removesuffix(".ipynb") if own else archived.inside[0]
    number, file = 0, archived.file
    pattern = _CANVAS_COPY if archived.user else _MOODLE_COPY
    found = None if file in known and own else pattern.fullmatch(upload)
    if found is not None:
        upload, number = found["name"], int(found["number"])
        # Of a file in an archive, the archive alone has a number of the system's.
        file = f"{upload}.ipynb" if own and file.endswith(".ipynb") else file
    what = notebook(file, known)
    if what is None:
        return None
    hidden = any(folder.startswith(".") for folder in archived.inside)
    return Copy(*what, (upload, own), number, len(archived.inside), hidden, path)


def last(copies: Iterable[Copy]) -> Copy | None:
    """Return which of a student's copies of a notebook is the work; None if that is not certain.

    That is the file with the exact name that lies nearest the top of what was uploaded last, and in
    no hidden folder. Files with the same content are not several.
    """
    seen = [copy for copy in copies if not copy.hidden]
    numbers: dict[tuple[str, bool], int] = {}
    for copy in seen:
        numbers[copy.upload] = max(copy.number, numbers.get(copy.upload, 0))
    seen = [copy for copy in seen if copy.number == numbers[copy.upload]]
    seen = [copy for copy in seen if copy.exact] or seen
    top = min((copy.depth for copy in seen), default=0)
    nearest = [copy for copy in seen if copy.depth == top]
    same = all(filecmp.cmp(nearest[0].path, copy.path, shallow=False) for copy in nearest[1:])
    return nearest[0] if nearest and same else None


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
        """Go through all files: of several copies of a notebook, only one is collected."""
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
        copies: dict[str, dict[str, list[Copy]]] = defaultdict(lambda: defaultdict(list))
        for who, archived, path in theirs:
            if who in several or not path.name.endswith(".ipynb"):
                continue
            copy = copy_of(archived, path, released)
            if copy is None:
                name = one_line(str(path.relative_to(extracted)))
                self.log.warning("Skipped, no notebook of %s has this name: %s", assignment, name)
                continue
            if archived.late:
                self.log.warning(
                    "Canvas says that %s was late, but not when; for a penalty, write the time of "
                    "the submission into timestamp.txt in the student's folder.",
                    who,
                )
            copies[who][copy.notebook].append(copy)
        return self._chosen(copies, extracted)

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

    def _chosen(
        self, copies: Mapping[str, Mapping[str, list[Copy]]], extracted: Path
    ) -> dict[Path, dict[str, str]]:
        """Return the files to collect; name what is left out, and students of whom nothing is."""
        course = self.parent.coursedir
        chosen = {}
        for who, books in copies.items():
            taken = {stem: last(found) for stem, found in books.items()}
            sure = {stem: copy for stem, copy in taken.items() if copy is not None}
            place = course.format_path(course.submitted_directory, who, course.assignment_id)
            for stem in sorted(taken.keys() - sure.keys()):
                self.log.warning(
                    "Skipped all files of %s: their names do not tell which one is %s.ipynb: %s. "
                    "Copy the right files into %s.",
                    *(who, stem, _names(books[stem], extracted), place),
                )
            if len(sure) < len(books):
                continue
            for stem, copy in sure.items():
                chosen[copy.path] = {"student_id": who, "file_id": f"{stem}.ipynb"}
                if left := [each for each in books[stem] if each is not copy]:
                    self.log.warning(
                        "Of %s, took %s as %s.ipynb, and left out: %s",
                        *(who, _names([copy], extracted), stem, _names(left, extracted)),
                    )
        return chosen


def _names(copies: Iterable[Copy], extracted: Path) -> str:
    return ", ".join(one_line(str(copy.path.relative_to(extracted))) for copy in copies)
