"""Read submissions: refuse bad files, discard half-graded ones."""

import json
import os
import stat
import tempfile
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.nbgraderformat import SchemaTooNewError, SchemaTooOldError, ValidationError
from nbgrader.preprocessors import NbGraderPreprocessor
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Float, Integer

from autograder import submissions
from autograder.errors import HarnessError, SubmissionError
from autograder.files import make_folder
from autograder.formats import one_line, shorten
from autograder.nbgrader_bridge import timestamps
from autograder.nbgrader_bridge.batch import Batch
from autograder.nbgrader_bridge.common import (
    UNFINISHED,
    Resources,
    converter_of,
    exercise_of,
    is_ours,
    speak_plainly,
)
from autograder.nbgrader_bridge.execute import BoxedExecute
from autograder.nbgrader_bridge.gradebook_writer import leave_ungraded, leave_waiting
from autograder.nbgrader_bridge.guard import refuse
from autograder.nbgrader_bridge.kernel_guard import EXECUTION
from autograder.sandbox import cgroups, scratch
from autograder.submissions.metadata import keep_known

__all__ = ["ForgetStrangers", "SubmissionExporter"]

_MARK = f".{UNFINISHED}"
"""Name of a file that lies beside a student's notebooks until all of them are graded."""

_MOST_TOLD = 500
"""Characters of nbgrader's message about unusable metadata."""

_SPOILT = (
    SchemaTooOldError, SchemaTooNewError, ValidationError,
    AttributeError, KeyError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
"""Exceptions in nbgrader when a student's editing has damaged its metadata."""


class SubmissionExporter(NotebookExporter):
    """Read submissions, and report a broken one in one sentence."""

    submission_megabytes = Float(
        200, help="Submissions whose files are larger than this in total are not graded."
    ).tag(config=True)
    submission_files = Integer(
        5000, help="Submissions with more files and folders than this are not graded."
    ).tag(config=True)
    notebook_megabytes = Float(
        submissions.MOST_BYTES / 1e6,
        help="Notebook files larger than this are not graded. This does not change the limit for "
        "exercises of the kit.",
    ).tag(config=True)

    handed_in: tuple[Path, NotebookNode] | None = None
    """The notebook read last, as handed in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._take_part(converter_of(self))

    def _take_part(self, converter: Any) -> None:
        """Take the converter's batch over."""
        speak_plainly(self.log)
        refuse(converter)
        scratch.sweep(Path(tempfile.gettempdir()))
        cgroups.sweep()
        self._batch = Batch(converter, self._check, self._probe, _unfinished, self._left_out)
        begin, finish = converter.init_assignment, converter.set_permissions
        convert = converter.convert_single_notebook
        broken: list[str] = []

        # nbgrader copies what lies beside a notebook before it asks anybody.
        def init_assignment(assignment_id: str, student_id: str) -> None:
            speak_plainly(self.log)
            broken.clear()
            folder = Path(converter._format_source(assignment_id, student_id))
            expected = self._expected(assignment_id)
            try:
                self.refuse_odd(folder, converter.notebooks, expected)
            except SubmissionError as error:
                missing = {str(folder / f"{name}.ipynb") for name in expected}
                for book in sorted({*converter.notebooks, *missing}):
                    self._failed(converter.init_single_notebook_resources(book), error)
                raise
            begun = _begun(Path(converter._format_dest(assignment_id, student_id)))
            make_folder(begun.parent)
            if not os.listdir(begun.parent):
                begun.touch()
            begin(assignment_id, student_id)

        # nbgrader would leave the other notebooks of the submission ungraded, and delete those that
        # are graded.
        def convert_single_notebook(book: str) -> None:
            try:
                convert(book)
            except SubmissionError as error:
                broken.append(book)
                if len(broken) == len(converter.notebooks):
                    raise
                graded = Path(converter.writer.build_directory, Path(book).name)
                self._batch.leave_notebook(graded, str(error))

        def set_permissions(assignment_id: str, student_id: str) -> None:
            if broken or _all_graded(converter, assignment_id, student_id):
                graded = Path(converter._format_dest(assignment_id, student_id))
                _begun(graded).unlink(missing_ok=True)
                timestamps.mend(graded)
            finish(assignment_id, student_id)
            if self._batch.turn is not None:
                self._batch.turn.done = True

        converter.init_assignment = init_assignment
        converter.set_permissions = set_permissions
        converter.convert_single_notebook = convert_single_notebook

    def refuse_odd(self, folder: Path, notebooks: Iterable[str], expected: Collection[str]) -> None:
        """Refuse a submission because of its files.

        Parameters
        ----------
        folder : Path
            What was handed in.
        notebooks : iterable of str
            The paths of the notebooks in it.
        expected : collection of str
            Names of the assignment's notebooks.

        Raises
        ------
        SubmissionError
            With the name of the file.
        """
        _refuse_odd_files(folder, self.submission_megabytes * 1e6, self.submission_files)
        _refuse_other_names(notebooks, expected)

    def _check(self, assignment: str, notebooks: Iterable[str]) -> None:
        """Raise a `HarnessError` if notebooks of an assignment cannot be graded now."""
        try:
            known = self._expected(assignment)
        except SQLAlchemyError as error:
            raise HarnessError(f"The gradebook cannot be read: {error}") from error
        execute = BoxedExecute(parent=self)
        # What else lies in a submission, nbgrader leaves alone.
        for name in sorted(known.intersection(notebooks)):
            execute.check(assignment, name)

    def _probe(self, assignment: str, notebooks: Iterable[str]) -> None:
        """Raise any failure when the reference solutions of an assignment are graded again."""
        execute = BoxedExecute(parent=self)
        for name in sorted(self._expected(assignment).intersection(notebooks)):
            execute.probe(assignment, name)

    def _expected(self, assignment: str) -> set[str]:
        """Return the names of an assignment's notebooks; none if nbgrader does not know it."""
        course = converter_of(self).coursedir
        with Gradebook(course.db_url, course.course_id) as gradebook, suppress(MissingEntry):
            return {book.name for book in gradebook.find_assignment(assignment).notebooks}
        return set()

    def _left_out(self, notebooks: Iterable[str], reason: str) -> None:
        """Note why a submission is skipped: its earlier marks stay."""
        converter = converter_of(self)
        for book in notebooks:
            resources = converter.init_single_notebook_resources(book)
            leave_waiting(converter.coursedir, resources, reason)

    def _failed(self, resources: Resources, error: Exception) -> None:
        """Note why a submission is not graded: only its student's error changes earlier marks."""
        course, turn = converter_of(self).coursedir, self._batch.turn
        if isinstance(error, SubmissionError):
            leave_ungraded(course, resources, str(error))
            if turn is not None:
                turn.done = True
        elif is_ours(error, course, resources):
            leave_waiting(course, resources, str(error))
            if turn is not None:
                turn.failure = str(error)
        elif turn is not None:
            turn.done = True

    def from_filename(self, filename: str, *args: Any, **kwargs: Any) -> Any:
        """Convert a notebook file; see nbconvert.

        Raises
        ------
        SubmissionError
            If the file is not a notebook, or nbgrader cannot use its metadata.
        """
        speak_plainly(self.log)
        try:
            return self._read(filename, *args, **kwargs)
        except BaseException as error:
            # nbgrader sets it for a conversion, and forgets it if that fails: kernels that this
            # process starts later would be taken for a grader's.
            os.environ.pop(EXECUTION, None)
            if isinstance(error, Exception):
                self._failed(kwargs.get("resources") or {}, error)
            raise

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **kw: Any) -> Any:
        """Convert a notebook; see nbconvert. Of a student's metadata, only known ones are kept."""
        if converter_of(self)._sanitizing:
            keep_known(nb)
        return super().from_notebook_node(nb, resources, **kw)

    def _read(self, filename: str, *args: Any, **kwargs: Any) -> Any:
        # What the second pass reads, nbgrader has written itself in the first.
        if converter_of(self)._sanitizing:
            most = self._most_bytes(kwargs.get("resources"))
            path = Path(filename).absolute()
            notebook = submissions.read(path, most)
            if self._is_exercise(kwargs.get("resources")):
                submissions.refuse_many_cells(path, notebook)
            self.handed_in = path, notebook
        try:
            return super().from_filename(filename, *args, **kwargs)
        except _SPOILT as error:
            if not converter_of(self)._sanitizing:
                raise
            # At another version of the metadata, nbgrader would stop the whole batch.
            told = shorten(one_line(str(error)), _MOST_TOLD)  # it may repeat all of a cell
            raise SubmissionError(
                f"{Path(filename).name} has nbgrader metadata that nbgrader cannot use "
                f"({type(error).__name__}: {told}); its student should copy the answers into a "
                "fresh copy of the released notebook and submit that."
            ) from error

    def _most_bytes(self, resources: Resources) -> float:
        """Return how large a notebook may be: its parts are held in memory several times."""
        return (
            submissions.MOST_BYTES
            if self._is_exercise(resources)
            else self.notebook_megabytes * 1e6
        )

    def _is_exercise(self, resources: Resources) -> bool:
        """Tell whether a notebook is an exercise of the kit, or may be one."""
        with suppress(HarnessError):  # a wrong description is told in its own place
            return not resources or (
                exercise_of(converter_of(self).coursedir, resources) is not None
            )
        return True


class ForgetStrangers(NbGraderPreprocessor):
    """Turn cells that nbgrader no longer recognises into plain cells.

    nbgrader strips only the grade_id of duplicated and foreign cells. The rest of a duplicated
    cell's metadata would later stop the batch. That of a foreign cell stops the submission, which
    is acceptable for ordinary notebooks: only exercises of the kit do not need such metadata.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Do so for every cell, and note that the notebook is not graded yet."""
        try:
            self._ours = exercise_of(converter_of(self).coursedir, resources) is not None
        except HarnessError:
            self._ours = True  # its description is wrong, which the next pass says
        nb, resources = super().preprocess(nb, resources)
        nb.metadata[UNFINISHED] = True
        return nb, resources

    def preprocess_cell(
        self, cell: NotebookNode, resources: Resources, cell_index: int
    ) -> tuple[NotebookNode, Resources]:
        """Remove the rest of a cell's nbgrader metadata if its name is gone."""
        metadata = cell.metadata.get("nbgrader")
        nameless = isinstance(metadata, dict) and "grade_id" not in metadata
        if nameless and (self._ours or not metadata):
            del cell.metadata["nbgrader"]
        return cell, resources


def _refuse_odd_files(folder: Path, most: float, most_entries: int) -> None:
    """Refuse anything but plain files: nbgrader would copy a link's target, or block on a pipe.

    Raises
    ------
    SubmissionError
        With the name of the file.
    """
    total = entries = 0
    waiting = [folder]
    while waiting:
        for entry in _entries(waiting.pop()):
            status = entry.stat(follow_symlinks=False)
            total += status.st_size
            entries += 1
            name = one_line(os.path.relpath(entry.path, folder))[:200]
            if stat.S_ISDIR(status.st_mode):
                waiting.append(Path(entry.path))
            elif not stat.S_ISREG(status.st_mode):
                raise SubmissionError(
                    f"{name} is no plain file but a link, a pipe or the like; hand in the file "
                    "itself."
                )
            if entry.name == _MARK:
                raise SubmissionError(f"{name} is a name reserved for the grader; leave it out.")
            if total > most or entries > most_entries or name.count("/") > 32:
                raise SubmissionError(
                    f"The submission has more than the {most / 1e6:.0f} MB or {most_entries} files "
                    "that one may have, or folders too deep; hand in the notebook and what it "
                    "needs."
                )


def _entries(folder: Path) -> Iterable[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from entries


def _refuse_other_names(notebooks: Iterable[str], expected: Collection[str]) -> None:
    """Refuse a submission without any notebook of the assignment, on which nbgrader fails.

    Raises
    ------
    SubmissionError
        With the names that were expected.
    """
    names = sorted(Path(book).stem for book in notebooks)
    if expected and not set(names) & set(expected):
        names = [one_line(name) for name in names]
        raise SubmissionError(
            f"{', '.join(f'{name}.ipynb' for name in names)} is not part of the assignment; "
            "expected "
            f"{', '.join(f'{name}.ipynb' for name in sorted(expected))}. Give the notebook its "
            "name back and hand it in again."
        )


def _unfinished(folder: Path, notebooks: Iterable[str]) -> bool:
    """Tell whether a killed grader has left a submission half done."""
    if not folder.is_dir():
        return False
    if any(_is_unfinished(folder / f"{Path(book).stem}.ipynb") for book in notebooks):
        return True
    return _begun(folder).exists() or not os.listdir(folder)


def _begun(folder: Path) -> Path:
    """Return the path of `_MARK`."""
    return folder / _MARK


def _all_graded(converter: Any, assignment: str, student: str) -> bool:
    """Tell whether everything that a student handed in for an assignment is graded."""
    submitted = Path(converter._format_source(assignment, student)).glob("*.ipynb")
    folder = Path(converter._format_dest(assignment, student))
    with Gradebook(converter.coursedir.db_url) as gradebook, suppress(MissingEntry):
        known = {notebook.name for notebook in gradebook.find_assignment(assignment).notebooks}
        graded = [folder / path.name for path in submitted if path.stem in known]
        return all(path.is_file() and not _is_unfinished(path) for path in graded)
    return True


def _is_unfinished(path: Path) -> bool:
    """Tell whether there is a notebook that nbgrader has sanitised but not graded."""
    if not path.is_file():
        return False
    try:
        return UNFINISHED in json.loads(path.read_bytes())["metadata"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return True
