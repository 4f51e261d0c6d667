"""The only module that knows nbgrader: marks from the pipeline into the gradebook.

nbgrader's autograde runs two lists of preprocessors over every submission. Four places in
them are ours, the same for the command line, ``NbGraderAPI`` and the formgrader's button:

- `SubmissionExporter` reads the notebook file; one that cannot be read stops its own student.
  It also sees to it that a submission is whole: plain files only when it begins, and graded to
  the end or not at all, should the grader be killed.
- `ForgetStrangers` lets a notebook with doubled or foreign cells pass nbgrader's own checks.
- `BoxedExecute` hands exercises of the kit to the pipeline and puts what it found under the
  cells; any other notebook it executes as nbgrader does, only inside a box.
- `SaveGrades` writes the pipeline's marks into the gradebook, also for grade cells that the
  student deleted. Without a result there are no marks: it fails closed.
"""

import json
import logging
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from nbclient.exceptions import DeadKernelError
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.nbgraderformat import SchemaTooNewError, SchemaTooOldError, ValidationError
from nbgrader.preprocessors import Execute, NbGraderPreprocessor, SaveAutoGrades
from nbgrader.utils import rmtree
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Bool, Enum, Float, Integer, List, Unicode

from autograder import exercise as exercises
from autograder import pipeline, submission
from autograder.box import folder as folders
from autograder.box import groups, ordinary, sandbox
from autograder.box.capped import CappedOutput
from autograder.errors import HarnessError, KitError, SubmissionError
from autograder.measure import rounds, store
from autograder.model import Exercise, Grade, Limits, Reference, Result
from autograder.report import plain
from autograder.report.annotate import annotate
from autograder.report.safe import clean_outputs
from autograder.spec import SIZES

__all__ = ["BoxedExecute", "ForgetStrangers", "SaveGrades", "SubmissionExporter"]

_SPOILT = (
    SchemaTooOldError, SchemaTooNewError, ValidationError,
    AttributeError, KeyError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
"""What nbgrader raises, or runs into, when a student's editing has spoilt its metadata."""

_RESULT = "dask_scaling_kit"
"""Key of the grade in nbconvert's resources, on its way from `BoxedExecute` to `SaveGrades`."""

Resources = Any

_UNFINISHED = "dask_scaling_kit_unfinished"
"""Key in the metadata of a notebook that nbgrader has sanitised and not graded yet."""

_LOCK_SECONDS = 60
"""How long to wait for the gradebook while somebody else writes to it. SQLite's own 5 seconds
end a whole batch when a formgrader is busy; a lock of 12 seconds was survived with 60."""

EVIDENCE, EXERCISES = "evidence", "exercises"
"""Folders in a course's root: of evidence and seeds, and of exercises of the course's own."""


@event.listens_for(Engine, "do_connect")
def _be_patient(dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
    if dialect.name == "sqlite":
        parameters.setdefault("timeout", _LOCK_SECONDS)


class SubmissionExporter(NotebookExporter):
    """Read submissions so that a broken one says in one sentence what is wrong with it."""

    submission_megabytes = Float(
        200, help="Size of all files of a submission together, from which it is not graded."
    ).tag(config=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        folders.sweep(Path(tempfile.gettempdir()))
        groups.sweep()
        converter = _converter(self)
        begin, decide = converter.init_assignment, converter.init_destination

        # nbgrader copies what lies beside a notebook, and passes over what it finds done, before
        # it asks anybody.
        def init_assignment(assignment_id: str, student_id: str) -> None:
            _speak_plainly(self.log)
            try:
                folder = Path(converter._format_source(assignment_id, student_id))
                _refuse_odd_files(folder, self.submission_megabytes * 1e6)
            except SubmissionError as error:
                for notebook in converter.notebooks:
                    resources = converter.init_single_notebook_resources(notebook)
                    _leave_ungraded(converter.coursedir, resources, str(error))
                raise
            begin(assignment_id, student_id)

        def init_destination(assignment_id: str, student_id: str) -> bool:
            _forget_unfinished(converter, assignment_id, student_id)
            return bool(decide(assignment_id, student_id))

        converter.init_assignment = init_assignment
        converter.init_destination = init_destination

    def from_filename(self, filename: str, *args: Any, **kwargs: Any) -> Any:
        """Convert a notebook file; see nbconvert.

        Raises
        ------
        SubmissionError
            If the file is no notebook, or nbgrader can make nothing of its metadata.
        """
        _speak_plainly(self.log)
        try:
            return self._read(filename, *args, **kwargs)
        except SubmissionError as error:
            resources = kwargs.get("resources") or {}
            _leave_ungraded(_converter(self).coursedir, resources, str(error))
            raise

    def _read(self, filename: str, *args: Any, **kwargs: Any) -> Any:
        submission.read(Path(filename))
        try:
            return super().from_filename(filename, *args, **kwargs)
        except _SPOILT as error:
            # In the second pass nbgrader reads what it wrote itself.
            if not _converter(self)._sanitizing:
                raise
            # At another version of the metadata, nbgrader would stop the whole batch.
            raise SubmissionError(
                f"{Path(filename).name} has nbgrader metadata that nbgrader cannot use "
                f"({type(error).__name__}: {error}); its student should copy the answers into a "
                "fresh copy of the released notebook and submit that."
            ) from error


def _refuse_odd_files(folder: Path, most: float) -> None:
    """Refuse what is no plain file: nbgrader would copy what a link points to, or wait at a pipe.

    Raises
    ------
    SubmissionError
        With the name of the file.
    """
    total = entries = 0
    waiting = [folder]
    while waiting:
        for entry in os.scandir(waiting.pop()):
            status = entry.stat(follow_symlinks=False)
            total += status.st_size
            entries += 1
            name = os.path.relpath(entry.path, folder)[:200]
            if stat.S_ISDIR(status.st_mode):
                waiting.append(Path(entry.path))
            elif not stat.S_ISREG(status.st_mode):
                raise SubmissionError(
                    f"{name} is no plain file but a link, a pipe or the like; hand in the file "
                    "itself."
                )
            if total > most or entries > folders.MOST_ENTRIES // 2 or name.count("/") > 32:
                raise SubmissionError(
                    f"The submission has more than the {most / 1e6:.0f} MB or "
                    f"{folders.MOST_ENTRIES // 2} files that one may have, or folders too deep; "
                    "hand in the notebook and what it needs."
                )


def _forget_unfinished(converter: Any, assignment: str, student: str) -> None:
    """Take away what a grader that was killed has left of a submission, so that it is graded."""
    folder = Path(converter._format_dest(assignment, student))
    if not folder.is_dir():
        return
    submitted = {Path(notebook).stem for notebook in converter.notebooks}
    with Gradebook(converter.coursedir.db_url) as gradebook, suppress(MissingEntry):
        known = {notebook.name for notebook in gradebook.find_assignment(assignment).notebooks}
        paths = [folder / f"{name}.ipynb" for name in submitted & known]
        every = converter.coursedir.notebook_id == "*"
        # Of a notebook that is graded by itself, the others may never have been.
        unfinished = [path for path in paths if _is_unfinished(path) and (every or path.exists())]
        if unfinished:
            converter.log.warning("%s was not graded to its end and is graded again", folder)
        if unfinished and every:
            rmtree(str(folder))
        for path in unfinished:
            path.unlink(missing_ok=True)


def _is_unfinished(path: Path) -> bool:
    try:
        notebook = json.loads(path.read_bytes())
        return _UNFINISHED in notebook["metadata"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return True


class ForgetStrangers(NbGraderPreprocessor):
    """Make plain cells of those that nbgrader knows no more.

    Of a cell that stands twice in a notebook, and of one pasted from another assignment,
    nbgrader takes the name away but not the rest. On its own remains it would stop the batch.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Do so for every cell, and note that the notebook is not graded yet."""
        nb, resources = super().preprocess(nb, resources)
        nb.metadata[_UNFINISHED] = True
        return nb, resources

    def preprocess_cell(
        self, cell: NotebookNode, resources: Resources, cell_index: int
    ) -> tuple[NotebookNode, Resources]:
        """Take away what is left of a cell's nbgrader metadata where its name is gone."""
        metadata = cell.metadata.get("nbgrader")
        if isinstance(metadata, dict) and "grade_id" not in metadata:
            del cell.metadata["nbgrader"]
        return cell, resources


class BoxedExecute(CappedOutput, Execute):
    """Grade exercises of the kit in a box; execute every other notebook in a box."""

    boxed = Bool(
        True, help="False runs students' code without protection, with the grader's own rights."
    ).tag(config=True)
    size = Enum(SIZES, SIZES[0], help="How large the cases of the kit's exercises are.").tag(
        config=True
    )
    wall_seconds = Float(
        600, help="Time that an ordinary notebook has in all, besides the timeout of each cell."
    ).tag(config=True)
    memory_gigabytes = Float(4, help="Memory of an ordinary notebook's processes.").tag(config=True)
    process_limit = Integer(512, help="Processes and threads of an ordinary notebook.").tag(
        config=True
    )
    disk_megabytes = Float(500, help="What an ordinary notebook may write beside itself.").tag(
        config=True
    )
    output_megabytes = Float(50, help="What an ordinary notebook may print and display.").tag(
        config=True
    )
    readable_paths = List(
        Unicode(),
        help="Files and folders that ordinary notebooks may read besides, at their place.",
    ).tag(config=True)
    environment_variables = List(
        Unicode(), help="Names of the grader's environment variables that ordinary notebooks get."
    ).tag(config=True)
    network = Bool(
        False, help="True lets ordinary notebooks use the machine's network, services of its own "
        "included.",
    ).tag(config=True)  # fmt: skip

    def preprocess(
        self, nb: NotebookNode, resources: Resources, km: Any = None
    ) -> tuple[NotebookNode, Resources]:
        """Run a submission; the second of nbgrader's two passes."""
        _speak_plainly(self.log)
        course = _converter(self).coursedir
        try:
            exercise = _exercise(course, resources, self.size)
            if exercise is not None:
                return self._grade(nb, exercise, resources, course)
        except Exception as error:
            _leave_ungraded(course, resources, str(error))
            raise
        return self._execute_ordinary(nb, resources)

    def _execute_ordinary(
        self, nb: NotebookNode, resources: Resources
    ) -> tuple[NotebookNode, Resources]:
        """Execute an ordinary notebook as nbgrader does, with a kernel in a box."""
        _refuse_other_language(nb, resources)
        self.room = int(self.output_megabytes * 1e6)
        stopped: list[str] = []
        folder = Path(resources["metadata"]["path"] or ".")
        try:
            with ordinary.kernel(folder, self._terms(), stopped.append) as kernel:
                self.on_notebook_start = lambda **_: kernel.watch()
                resources["metadata"]["path"] = str(kernel.folder)
                nb, resources = super().preprocess(nb, resources, km=kernel.manager)
        except DeadKernelError as error:
            if not stopped:
                raise
            name = resources["nbgrader"]["notebook"]
            raise SubmissionError(f"{name}.ipynb was stopped: {stopped[0]}.") from error
        finally:
            # nbclient cleans up after its own kernels, and this one it was given.
            with suppress(Exception):
                self._cleanup_kernel()
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = clean_outputs(cell.outputs)
        nb.metadata.pop("widgets", None)
        return nb, resources

    def _grade(
        self, nb: NotebookNode, exercise: Exercise, resources: Resources, course: Any
    ) -> tuple[NotebookNode, Resources]:
        info = resources["nbgrader"]
        bench = self._bench(exercise, resources, course)
        folder = course.format_path(course.submitted_directory, info["student"], info["assignment"])
        submitted = submission.read(Path(course.root, folder, f"{exercise.name}.ipynb"))
        graded = pipeline.grade(nb, bench, self._progress(resources), submitted)
        _keep(bench, graded, info["student"])
        resources[_RESULT] = graded
        return annotate(nb, graded, bench.reference), resources

    def _bench(self, exercise: Exercise, resources: Resources, course: Any) -> pipeline.Bench:
        """Open the round; the reference solution goes first."""
        root = Path(course.root)
        if self.boxed:
            sandbox.require()
            sandbox.refuse_exposed(root)
        round_ = rounds.current(root / EVIDENCE, exercise)
        known = _REFERENCES.setdefault(_converter(self), {})
        if exercise.name not in known:
            assignment = resources["nbgrader"]["assignment"]
            folder = course.format_path(course.source_directory, ".", assignment)
            try:
                known[exercise.name] = pipeline.reference(
                    root / folder / f"{exercise.name}.ipynb",
                    exercise,
                    round_,
                    boxed=self.boxed,
                    progress=lambda step: self.log.info("Reference solution: %s", step),
                )
            except HarnessError as error:
                known[exercise.name] = error
        reference = known[exercise.name]
        if isinstance(reference, HarnessError):
            raise HarnessError(str(reference))
        return pipeline.Bench(exercise, round_, reference, self.boxed)

    def _progress(self, resources: Resources) -> Any:
        """Return what tells the log where the batch is: submission n of m, and the time left."""
        student = resources["nbgrader"]["student"]
        batch = sorted(getattr(_converter(self), "assignments", ()))
        places = [i for i, path in enumerate(batch, 1) if student in Path(path).parts]
        where = student
        if places:
            place, now = places[0], time.monotonic()
            first, began = _BEGUN.setdefault(_converter(self), (place, now))
            left = plain.time_left(now - began, place - first, len(batch) - place + 1)
            where = f"{student} ({', '.join(filter(None, (f'{place} of {len(batch)}', left)))})"
        return lambda step: self.log.info("%s: %s", where, step)

    def _terms(self) -> ordinary.Terms:
        """Return what the course's settings grant ordinary notebooks."""
        course = Path(_converter(self).coursedir.root).resolve()
        if self.boxed:
            sandbox.refuse_exposed(course)
        for path in map(Path, self.readable_paths):
            if not path.is_absolute() or not path.exists():
                raise HarnessError(
                    f"BoxedExecute.readable_paths names {path}: expected the whole path of a file "
                    "or folder that exists."
                )
            if course.is_relative_to(path.resolve()):
                raise HarnessError(
                    f"BoxedExecute.readable_paths names {path}, which holds the course itself, "
                    "with its gradebook and solutions; name the folders that are needed."
                )
        return ordinary.Terms(
            limits=Limits(
                wall_seconds=self.wall_seconds,
                cell_seconds=float(self.timeout or self.wall_seconds),
                case_seconds=self.wall_seconds,
                memory_bytes=int(self.memory_gigabytes * 1e9),
                processes=self.process_limit,
                output_bytes=self.room,
                answer_bytes=int(self.disk_megabytes * 1e6),
            ),
            readable=[Path(path) for path in self.readable_paths],
            environment={
                name: os.environ[name] for name in self.environment_variables if name in os.environ
            },
            network=self.network,
            boxed=self.boxed,
        )


def _refuse_other_language(nb: NotebookNode, resources: Resources) -> None:
    spec = nb.metadata.get("kernelspec", {})
    if spec.get("language", "python").lower() != "python":
        raise HarnessError(
            f"{resources['nbgrader']['notebook']} is written for the kernel {spec.get('name')}, "
            "and boxes have Python only; grade it in a course without the kit's configure(c)."
        )
    name = str(spec.get("name", "python3"))
    with suppress(NoSuchKernel):
        python = Path(KernelSpecManager().get_kernel_spec(name).argv[0])
        own = python.is_relative_to(sys.prefix) or python == Path(sys.executable)
        if python.is_absolute() and not own:
            raise HarnessError(
                f"{resources['nbgrader']['notebook']} is written for the kernel {name}, "
                f"which runs {python}; boxes have the Python that nbgrader runs in, {sys.prefix}. "
                "Install there what the notebook needs, and name the kernel python3."
            )


_REFERENCES: WeakKeyDictionary[Any, dict[str, Reference | HarnessError]] = WeakKeyDictionary()
"""By nbgrader's converter and exercise: the reference, or why there is none.

For one batch and no longer: a server that grades for weeks must see what was put right.
"""


_BEGUN: WeakKeyDictionary[Any, tuple[int, float]] = WeakKeyDictionary()
"""By nbgrader's converter: place in the batch of the first submission graded, and when that began.
The reference solution's time is not counted: it comes once."""


class SaveGrades(SaveAutoGrades):
    """Save the pipeline's marks; for any other notebook, what nbgrader makes of it."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Write the marks of a submission into the gradebook.

        Raises
        ------
        HarnessError
            If the notebook is an exercise of the kit and there is no result for it.
        """
        self._graded: Grade | None = resources.get(_RESULT) or None
        if self._graded is None:
            course = _converter(self).coursedir
            try:
                _refuse_unrun(_exercise(course, resources))
            except HarnessError as error:
                _leave_ungraded(course, resources, str(error))
                raise
        nb, resources = super().preprocess(nb, resources)
        if self._graded is not None:
            _save(self._graded, resources)
        nb.metadata.pop(_UNFINISHED, None)
        return nb, resources

    def _add_score(self, cell: NotebookNode, resources: Resources) -> None:
        graded = getattr(self, "_graded", None)
        names = {item.finding.grade_id for item in graded.scored} if graded else set()
        if cell.metadata["nbgrader"]["grade_id"] not in names:
            super()._add_score(cell, resources)


def _refuse_unrun(exercise: Exercise | None) -> None:
    if exercise is not None:
        raise HarnessError(
            f"{exercise.name} was not run, so there are no points: exercises of the kit are "
            "graded in a box. Leave --no-execute out."
        )


def _save(graded: Grade, resources: Resources) -> None:
    credits = {item.finding.grade_id: item.finding.credit for item in graded.scored}
    with _submission(resources) as (gradebook, submitted):
        for row in submitted.grades:
            if row.name in credits:
                row.auto_score = round(credits[row.name] * row.max_score, 2)
                row.needs_manual_grade = row.manual_score is not None
        gradebook.db.commit()


def _keep(bench: pipeline.Bench, graded: Grade, student: str) -> None:
    """Keep the result for reports on the class; the evidence is kept already."""
    assert graded.evidence is not None
    store.save_result(
        bench.round,
        Result(
            student=student,
            exercise=graded.exercise,
            grade=replace(graded, evidence=None),
            evidence=graded.evidence.key,
            phases=graded.evidence.phases,
        ),
    )


def _leave_ungraded(course: Any, resources: Resources, reason: str) -> None:
    """Take back what an earlier grading gave: the submission is waiting to be graded."""
    exercise: Exercise | None = None
    # One whose description is wrong is an exercise of the kit, too.
    with suppress(HarnessError):
        exercise = _exercise(course, resources)
        if exercise is None:
            return
    try:
        with _submission(resources) as (gradebook, submitted):
            for row in submitted.grades:
                row.auto_score = None
                row.needs_manual_grade = True
            gradebook.db.commit()
    except MissingEntry:
        pass  # Where there is nothing in the gradebook yet, there is nothing to take back.
    except SQLAlchemyError as error:
        _tell(course, f"The gradebook cannot be written: {error}")
    if exercise is not None:
        # What is reported is the reason, not that it could not be kept for the class table.
        try:
            round_ = rounds.current(Path(course.root) / EVIDENCE, exercise)
            student = resources["nbgrader"]["student"]
            store.save_result(round_, Result(student, exercise.name, None, reason))
        except HarnessError as error:
            _tell(course, str(error))


def _tell(course: Any, message: str) -> None:
    course.log.error("The grader: %s", message)


@contextmanager
def _submission(resources: Resources) -> Iterator[tuple[Any, Any]]:
    info = resources["nbgrader"]
    with Gradebook(info["db_url"]) as gradebook:
        yield (
            gradebook,
            gradebook.find_submission_notebook(
                info["notebook"], info["assignment"], info["student"]
            ),
        )


# ------------------------------------------------------------------------------- plumbing


def _converter(preprocessor: Any) -> Any:
    """Return the nbgrader converter that a preprocessor works for."""
    owner = preprocessor
    while owner is not None and not hasattr(owner, "coursedir"):
        owner = owner.parent
    if owner is None:
        raise HarnessError(f"{type(preprocessor).__name__} works only within nbgrader's autograde.")
    return owner


def _exercise(course: Any, resources: Resources, size: str = SIZES[0]) -> Exercise | None:
    """Return the exercise that a notebook answers, or None for an ordinary notebook."""
    name = resources["nbgrader"]["notebook"]
    return exercises.find(name, [Path(course.root) / EXERCISES], size)


class _PlainSpeech(logging.Filter):
    """Replaces the traceback that nbgrader logs for an error of the kit by its one sentence."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = sys.exc_info()[1]
        if not record.getMessage().startswith("Traceback"):
            return True
        if isinstance(error, ValidationError):
            # nbgrader's own remark on the metadata; ours comes after it.
            return False
        if isinstance(error, KitError):
            who = "The submission" if isinstance(error, SubmissionError) else "The grader"
            record.msg, record.args = "%s: %s", (who, error)
        return True


def _speak_plainly(log: Any) -> None:
    logger = getattr(log, "logger", log)
    if not any(isinstance(known, _PlainSpeech) for known in logger.filters):
        logger.addFilter(_PlainSpeech())
