"""One batch of nbgrader's autograde: checked before it begins, with nothing lost if we fail.

nbgrader removes the results of an earlier grading before it grades again, and when grading fails.
Here the earlier folder is set aside meanwhile. It is deleted when the new one is done, or when the
student's submission is at fault; it is restored when the failure is ours, by the next batch if this
one is killed. If two graders run at once, only one grades each submission. A submission that got
graders killed twice is skipped, so that it does not block the class.
"""

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader.converters.base import NbGraderException
from nbgrader.utils import rmtree

from autograder.errors import HarnessError
from autograder.files import PREFIX, own_prefix, owner_is_gone
from autograder.formats import one_line
from autograder.nbgrader_bridge.claim import Claim, claim_of
from autograder.nbgrader_bridge.groupshared import share_course
from autograder.nbgrader_bridge.timestamps import forgive

__all__ = ["Batch", "Turn", "pairs"]

_IN_A_ROW = 3
"""After this many submissions in a row failed for the same reason of ours, the kit is tested on the
reference solution: three copies of one odd submission are no reason to end a batch."""

_AGAIN = "dask_scaling_kit_again"
"""Suffix of a file beside a restored folder, which must be graded again."""

_MOST_KILLED = 2
"""Graders in a row that were killed at one submission, from which it is left out. Chosen: another
program may be to blame for one, and a third would have the class wait once more."""


@dataclass
class Turn:
    """One submission that is being graded."""

    assignment: str
    notebooks: tuple[str, ...]
    folder: Path
    aside: Path | None
    """Where the earlier folder is set aside, if there was one."""
    claim: Claim
    done: bool = False
    """Graded, or refused because of the submission: earlier results are outdated."""
    failure: str = ""
    """Our failure."""


class _BatchEnds(BaseException):
    """Ends a batch from within nbgrader's loop, which attributes any `Exception` to the student."""


class Batch:
    """Wraps the loop of a converter.

    Parameters
    ----------
    converter : nbgrader.converters.Autograde
    check : callable
        Raises a `HarnessError` if notebooks of an assignment cannot be graded now, before anything
        is touched; asked again after a failure of ours.
    probe : callable
        Raises any failure when the reference solutions of notebooks are graded again.
    unfinished : callable
        Tells whether a folder of graded notebooks was left by a grader that was killed.
    left_out : callable
        Called with the notebooks of a submission that is not graded, and the reason.
    """

    def __init__(
        self,
        converter: Any,
        check: Callable[[str, Iterable[str]], None],
        probe: Callable[[str, Iterable[str]], None],
        unfinished: Callable[[Path, Iterable[str]], bool],
        left_out: Callable[[Iterable[str], str], None],
    ) -> None:
        self._converter = converter
        self._check, self._probe = check, probe
        self._unfinished, self._left_out = unfinished, left_out
        course = converter.coursedir
        course.get_existing_timestamp = forgive(course.get_existing_timestamp, converter.log)
        self._convert, self._decide = converter.convert_notebooks, converter.init_destination
        self._last, self._times = "", 0
        self._failed: Turn | None = None
        self._left: list[str] = []
        self._due = self._done = 0
        self.turn: Turn | None = None
        converter.convert_notebooks = self._run
        converter.init_destination = self._begin

    def _run(self) -> None:
        try:
            if self._converter.coursedir.groupshared:
                share_course(self._converter.coursedir)
            self._leave_unnamed()
            self._look()
            self._convert()
        except (_BatchEnds, HarnessError) as end:
            self._converter.log.error("The grader: %s", end)
            raise NbGraderException(str(end)) from None
        except KeyboardInterrupt:
            self._settle()
            self._converter.log.error(
                "%s of %s graded; run the same command again to continue", self._done, self._due
            )
            raise SystemExit(130) from None
        finally:
            self._settle()
        if self._left:
            raise NbGraderException(self._left[-1])

    def _leave_unnamed(self) -> None:
        """Skip folders whose names nbgrader cannot read, since it would end the batch there."""
        form = _form(self._converter)
        for path in sorted(self._converter.assignments):
            if re.match(form, path) is None:
                del self._converter.assignments[path]
                self._leave(
                    f"{one_line(path)} was not graded: nbgrader cannot read a name that contains a "
                    "line break. Rename the folder."
                )

    def _look(self) -> None:
        """Check everything before grading, after restoring what a killed grader set aside."""
        due: dict[str, set[str]] = {}
        for assignment, student, notebooks in pairs(self._converter):
            folder = self._folder(assignment, student)
            self._recover(folder, notebooks)
            if self._is_due(folder, assignment, student, notebooks):
                self._due += 1
                due.setdefault(assignment, set()).update(Path(book).stem for book in notebooks)
            else:
                claim_of(folder).killed.unlink(missing_ok=True)  # it was graded to its end before
        for assignment, names in due.items():
            self._check(assignment, sorted(names))

    def _begin(self, assignment: str, student: str) -> bool:
        """Decide whether a submission is graded, and set its earlier results aside."""
        self._settle()
        self._end_if_it_concerns_all()
        notebooks = tuple(self._converter.notebooks)
        folder = self._folder(assignment, student)
        if not self._is_due(folder, assignment, student, notebooks):
            return bool(self._decide(assignment, student))
        claim = claim_of(folder)
        if self._keeps_killing(claim, assignment, student, notebooks):
            return False
        try:
            if by := claim.take():
                self._leave(
                    f"{student} was skipped: it is being graded by {by}. If that grader is gone, "
                    f"remove {claim.file}."
                )
                return False
        except OSError as error:
            raise _BatchEnds(f"{folder.parent} cannot be written to: {error}.") from error
        if self._is_left(folder, notebooks):
            self._converter.log.warning("grading of %s was interrupted; it is graded again", folder)
        try:
            aside = self._set_aside(folder)
        except OSError as error:
            claim.release()
            raise _BatchEnds(f"{folder} cannot be set aside: {error}.") from error
        self.turn = Turn(assignment, notebooks, folder, aside, claim)
        if aside is not None and not self._every:
            for book in notebooks:
                _path(folder, book).unlink(missing_ok=True)
        return bool(self._decide(assignment, student))

    def _leave(self, reason: str) -> None:
        """Say why a submission is not graded now, and again at the end of the batch."""
        self._left.append(reason)
        self._converter.log.error("The grader: %s", reason)

    def leave_notebook(self, graded: Path, reason: str) -> None:
        """Go on with a submission of which one notebook cannot be graded.

        Parameters
        ----------
        graded : Path
            Where nbgrader has put it.
        reason : str
        """
        graded.unlink(missing_ok=True)
        if self.turn is not None:
            self.turn.done = False  # the others are still to come
        self._left.append(reason)
        self._converter.log.error("The submission: %s", reason)

    def _keeps_killing(
        self, claim: Claim, assignment: str, student: str, notebooks: Iterable[str]
    ) -> bool:
        """Tell whether a submission is skipped; one that is graded alone is not."""
        alone = self._converter.coursedir.student_id == student
        if alone or claim.times_killed() < _MOST_KILLED:
            return False
        reason = (
            f"{student} was left out: {_MOST_KILLED} graders in a row were killed while they "
            "graded this submission. Grade it alone, and watch the machine's memory meanwhile: "
            f"nbgrader autograde {assignment} --student={student} --force."
        )
        self._leave(reason)
        self._left_out(notebooks, reason)
        return True

    @property
    def _every(self) -> bool:
        """Whether whole submissions are graded, not one notebook of several."""
        return bool(self._converter.coursedir.notebook_id == "*")

    def _folder(self, assignment: str, student: str) -> Path:
        return Path(self._converter._format_dest(assignment, student))

    def _is_due(
        self, folder: Path, assignment: str, student: str, notebooks: Iterable[str]
    ) -> bool:
        """Decide as nbgrader does in `init_destination`, which deletes existing results at once."""
        course = self._converter.coursedir
        if student in (course.student_id_exclude or "").split(","):
            return False
        wanted = [folder] if self._every else [_path(folder, book) for book in notebooks]
        missing = not all(path.exists() for path in wanted)
        if missing or self._converter.force or self._is_left(folder, notebooks):
            return True
        handed_in = course.get_existing_timestamp(
            self._converter._format_source(assignment, student)
        )
        graded = course.get_existing_timestamp(str(folder))
        return handed_in is not None and graded is not None and handed_in > graded

    def _is_left(self, folder: Path, notebooks: Iterable[str]) -> bool:
        return folder.is_dir() and (_again(folder).exists() or self._unfinished(folder, notebooks))

    def _set_aside(self, folder: Path) -> Path | None:
        if not folder.is_dir():
            return None
        aside = folder.with_name(f".{own_prefix()}{folder.name}")
        if self._every:
            return folder.rename(aside)
        try:
            return Path(shutil.copytree(folder, aside, symlinks=True))
        except OSError:
            shutil.rmtree(aside, ignore_errors=True)
            raise

    def _settle(self) -> None:
        """Finish a submission: delete what was set aside, or restore it."""
        turn, self.turn = self.turn, None
        if turn is None:
            return
        if turn.done:
            self._times, self._done = 0, self._done + 1
            self._drop(turn.folder, turn.aside)
        elif turn.aside is not None:
            self._put_back(turn.folder, turn.aside)
        turn.claim.killed.unlink(missing_ok=True)
        turn.claim.release()
        if turn.done:
            return
        self._times = self._times + 1 if turn.failure == self._last else 1
        self._last, self._failed = turn.failure, turn

    def _end_if_it_concerns_all(self) -> None:
        """End the batch if the last submission's failure would affect the next ones."""
        turn, self._failed = self._failed, None
        if turn is None:
            return
        names = [Path(book).stem for book in turn.notebooks]
        try:
            self._check(turn.assignment, names)
        except HarnessError as error:
            raise _BatchEnds(str(error)) from error
        if self._times < _IN_A_ROW:
            return
        self._times = 0
        try:
            self._probe(turn.assignment, names)
        except Exception as error:
            raise _BatchEnds(
                f"Grading stops: {_IN_A_ROW} submissions in a row failed for the same reason, and "
                f"so did the reference solution: {error}"
            ) from error

    def _recover(self, folder: Path, notebooks: Iterable[str]) -> None:
        """Restore what a killed grader had set aside."""
        claim_of(folder).sweep()
        name = re.compile(rf"\.{PREFIX}\d+\.\w+-{re.escape(folder.name)}")
        for aside in sorted(folder.parent.glob(f".{PREFIX}*")):
            if not owner_is_gone(aside.name[1:]):
                continue
            if aside.is_file():
                aside.unlink(missing_ok=True)
            elif name.fullmatch(aside.name):
                if folder.is_dir() and not self._unfinished(folder, notebooks):
                    self._drop(folder, aside)
                else:
                    self._put_back(folder, aside)

    def _drop(self, folder: Path, aside: Path | None) -> None:
        _again(folder).unlink(missing_ok=True)
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)

    def _put_back(self, folder: Path, aside: Path) -> None:
        try:
            if folder.exists():
                rmtree(str(folder))
            aside.rename(folder)
        except OSError as error:
            self._converter.log.error(
                "The grader: %s could not be restored and is in %s: %s", folder, aside, error
            )
            return
        with suppress(OSError):  # without it, the next batch needs --force
            _again(folder).touch()
        self._converter.log.warning("%s was restored; its earlier marks are kept", folder)


def pairs(converter: Any) -> Iterator[tuple[str, str, list[str]]]:
    """Yield assignment, student and notebooks of what was handed in, as nbgrader's loop does."""
    form = _form(converter)
    for path, notebooks in sorted(converter.assignments.items()):
        found = re.match(form, path)
        if found:
            yield found["assignment"], found["student"], sorted(notebooks)


def _form(converter: Any) -> str:
    """Return the regular expression of a submission's folder, as nbgrader's loop has it."""
    return str(converter._format_source("(?P<assignment>.*)", "(?P<student>.*)", escape=True))


def _again(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.{_AGAIN}")


def _path(folder: Path, notebook: str) -> Path:
    return folder / f"{Path(notebook).stem}.ipynb"
