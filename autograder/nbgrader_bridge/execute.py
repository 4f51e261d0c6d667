"""Run submissions in a box: exercises by the pipeline, other notebooks as nbgrader does."""

import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute
from traitlets import Bool, Enum, Float, Integer, List, Unicode

from autograder import pipeline, reference_solution, submissions
from autograder.errors import HarnessError, SubmissionError
from autograder.evidence import rounds, store
from autograder.exercise.spec import SIZES
from autograder.files import make_folder, own_prefix
from autograder.formats import time_left
from autograder.model import SCHEMA, Exercise, Grade, Limits, Reference, Result
from autograder.nbgrader_bridge import ordinary_notebook
from autograder.nbgrader_bridge.common import (
    EVIDENCE,
    RESULT,
    Resources,
    converter_of,
    exercise_of,
    speak_plainly,
)
from autograder.nbgrader_bridge.exposed import refuse_exposed
from autograder.nbgrader_bridge.gradebook_writer import refuse_unrun
from autograder.nbgrader_bridge.kernel_guard import EXECUTION
from autograder.nbgrader_bridge.released import (
    note_graded_by,
    refuse_other_checks,
    say_changed,
    say_known,
)
from autograder.report.annotated_notebook import annotate
from autograder.report.sanitize import clean_cells
from autograder.sandbox import walls
from autograder.sandbox.output_limit import NOTE, CappedOutput
from autograder.submissions.metadata import keep_known

__all__ = ["BoxedExecute", "solution_of"]

_REFERENCES: WeakKeyDictionary[Any, dict[str, Reference | HarnessError]] = WeakKeyDictionary()
"""By nbgrader's converter and exercise: the reference, or why there is none.

For one batch only: a server that grades for weeks must notice corrections.
"""

_BEGUN: WeakKeyDictionary[Any, tuple[int, float]] = WeakKeyDictionary()
"""By nbgrader's converter: place in the batch of the first submission graded, and when that began.
The reference solution's time is not counted: it comes once."""


_ROOM_BYTES = 1 << 20
"""Space that must be free on the course's disk: about the size of a student's evidence."""


class BoxedExecute(CappedOutput, Execute):
    """Grade exercises of the kit in a box; execute every other notebook in a box."""

    boxed = Bool(
        True, help="False runs students' code without protection, with the grader's own rights."
    ).tag(config=True)
    size = Enum(SIZES, SIZES[0], help="How large the cases of the kit's exercises are.").tag(
        config=True
    )
    wall_seconds = Float(
        600, help="Time limit for an ordinary notebook, in addition to the timeout of each cell."
    ).tag(config=True)
    memory_gigabytes = Float(4, help="Memory of an ordinary notebook's processes.").tag(config=True)
    process_limit = Integer(512, help="Processes and threads of an ordinary notebook.").tag(
        config=True
    )
    disk_megabytes = Float(500, help="Size of the files that an ordinary notebook may write.").tag(
        config=True
    )
    output_megabytes = Float(50, help="Size of the output that an ordinary notebook may have.").tag(
        config=True
    )
    readable_paths = List(
        Unicode(),
        help="Further files and folders that ordinary notebooks may read, at their usual path.",
    ).tag(config=True)
    environment_variables = List(
        Unicode(), help="Names of the grader's environment variables that ordinary notebooks get."
    ).tag(config=True)
    network = Bool(
        False, help="True lets ordinary notebooks use the network, including local services.",
    ).tag(config=True)  # fmt: skip

    def preprocess(
        self, nb: NotebookNode, resources: Resources, km: Any = None
    ) -> tuple[NotebookNode, Resources]:
        """Run a submission; the second of nbgrader's two passes."""
        speak_plainly(self.log)
        course = converter_of(self).coursedir
        exercise = exercise_of(course, resources, self.size)
        if exercise is not None:
            return self._grade(nb, exercise, resources, course)
        return self._execute_ordinary(nb, resources)

    def check(self, assignment: str, notebook: str) -> None:
        """Check that a notebook of an assignment can be graded now; nothing is touched.

        Raises
        ------
        HarnessError
            If it cannot, through no fault of its students.
        """
        # What was there when the batch began may be gone.
        walls.recheck()
        if self.boxed and (unheld := walls.unheld()):
            self.log.warning("%s", unheld)
        course = converter_of(self).coursedir
        exercise = exercise_of(course, {"nbgrader": {"notebook": notebook}}, self.size)
        if exercise is not None:
            if not self.enabled:
                refuse_unrun(exercise)
            refuse_other_checks(course, assignment, exercise)
            round_ = self._context(exercise, assignment, course, look=True).round
            _refuse_full(store.results_folder(round_, assignment))
            say_changed(converter_of(self), assignment, exercise, round_)
            say_known(converter_of(self), assignment, exercise, round_)
        elif self.enabled:
            if self.boxed:
                walls.require()
            self._terms()

    def probe(self, assignment: str, notebook: str) -> None:
        """Grade the reference solution again, without its kept evidence, and raise any failure."""
        course = converter_of(self).coursedir
        exercise = exercise_of(course, {"nbgrader": {"notebook": notebook}}, self.size)
        if exercise is None:
            return
        solution = solution_of(course, assignment, exercise)
        round_ = rounds.current(Path(course.root) / EVIDENCE, exercise)
        with tempfile.TemporaryDirectory(prefix=own_prefix()) as folder:
            anew = replace(round_, folder=Path(folder))
            reference_solution.reference(solution, exercise, anew, boxed=self.boxed)

    def _execute_ordinary(
        self, nb: NotebookNode, resources: Resources
    ) -> tuple[NotebookNode, Resources]:
        """Execute an ordinary notebook as nbgrader does, with a kernel in a box."""
        _refuse_other_language(nb, resources)
        stopped: list[str] = []
        failed: list[str] = []
        begun: list[bool] = []
        folder = Path(resources["metadata"]["path"] or ".")
        name = f"{resources['nbgrader']['notebook']}.ipynb"

        def begin(**_: Any) -> None:
            begun.append(True)
            kernel.watch()

        try:
            with ordinary_notebook.kernel(
                folder, self._terms(), stopped.append, failed.append
            ) as kernel:
                self.on_notebook_start = begin
                resources["metadata"]["path"] = str(kernel.folder)
                nb, resources = super().preprocess(nb, resources, km=kernel.manager)
        except RuntimeError as error:  # nbclient's, also where a kernel has died
            if failed:
                raise HarnessError(f"{name} could not be graded: {failed[0]}.") from error
            if stopped:
                raise SubmissionError(f"{name} was stopped: {stopped[0]}.") from error
            if not begun:
                # None of it has run; a busy machine may take longer than nbclient waits.
                raise HarnessError(f"The kernel of {name} did not start: {error}") from error
            raise
        finally:
            # nbclient cleans up after its own kernels, and this one it was given.
            with suppress(Exception):
                self._cleanup_kernel()
        code = [cell for cell in nb.cells if cell.cell_type == "code"]
        for cell, cleaned in zip(code, clean_cells(c.outputs for c in code), strict=True):
            cell.outputs = cleaned
        keep_known(nb)  # a kernel says what its language is, and displays widgets
        return nb, resources

    def _grade(
        self, nb: NotebookNode, exercise: Exercise, resources: Resources, course: Any
    ) -> tuple[NotebookNode, Resources]:
        info = resources["nbgrader"]
        context = self._context(exercise, info["assignment"], course)
        folder = course.format_path(course.submitted_directory, info["student"], info["assignment"])
        path = Path(course.root, folder, f"{exercise.name}.ipynb").absolute()
        # The exporter has read it for the first pass, in a batch of nbgrader's.
        kept, submitted = getattr(self.parent, "handed_in", None) or (None, None)
        if kept != path:
            submitted = submissions.read(path)
        graded = pipeline.grade(nb, context, self._progress(resources), submitted)
        _keep(context, graded, info["assignment"], info["student"])
        resources[RESULT] = graded
        saved = _saved(nb, submitted, graded, context.exercise)
        return annotate(nb, graded, context.reference, saved), resources

    def _context(
        self, exercise: Exercise, assignment: str, course: Any, *, look: bool = False
    ) -> pipeline.GradingContext:
        """Open the round; the reference solution goes first.

        Whether it was observed, and whether boxes can read the course, is checked before the batch
        and after a failure of ours (`look`), but not for every submission: it takes a reader, and
        the settings stay as they are.
        """
        root = Path(course.root)
        known = _REFERENCES.setdefault(converter_of(self), {})
        look = self.boxed and (look or exercise.name not in known)
        if look:
            refuse_exposed(course, self.config)
        round_ = rounds.current(root / EVIDENCE, exercise)
        solution = solution_of(course, assignment, exercise)
        # What was observed elsewhere is recorded on a machine without a box, too.
        if look and not reference_solution.is_observed(solution, exercise, round_):
            walls.require()
        if exercise.name not in known:
            try:
                known[exercise.name] = reference_solution.reference(
                    solution,
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
        exercise = pipeline.marked(exercise, solution)
        return pipeline.GradingContext(exercise, round_, reference, self.boxed, solution=solution)

    def _progress(self, resources: Resources) -> Any:
        """Return the batch's progress for the log: submission n of m, and the time left."""
        student = resources["nbgrader"]["student"]
        batch = sorted(getattr(converter_of(self), "assignments", ()))
        places = [i for i, path in enumerate(batch, 1) if student in Path(path).parts]
        where = student
        if places:
            place, now = places[0], time.monotonic()
            first, began = _BEGUN.setdefault(converter_of(self), (place, now))
            left = time_left(now - began, place - first, len(batch) - place + 1)
            where = f"{student} ({', '.join(filter(None, (f'{place} of {len(batch)}', left)))})"
        return lambda step: self.log.info("%s: %s", where, step)

    def _terms(self) -> ordinary_notebook.Terms:
        """Return what the course's settings grant ordinary notebooks."""
        self.room = int(self.output_megabytes * 1e6)
        if self.boxed:
            refuse_exposed(converter_of(self).coursedir, self.config)
        course = Path(converter_of(self).coursedir.root).resolve()
        for path in map(Path, self.readable_paths):
            if not path.is_absolute() or not path.exists():
                raise HarnessError(
                    f"BoxedExecute.readable_paths names {path}: expected the whole path of a file "
                    "or folder that exists."
                )
            if course.is_relative_to(path.resolve()):
                raise HarnessError(
                    f"BoxedExecute.readable_paths names {path}, which contains the course with its "
                    "gradebook and solutions; name only the folders that are needed."
                )
        return ordinary_notebook.Terms(
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
                name: os.environ[name]
                for name in (EXECUTION, *self.environment_variables)
                if name in os.environ
            },
            network=self.network,
            boxed=self.boxed,
        )


def solution_of(course: Any, assignment: str, exercise: Exercise) -> Path:
    """Return the exercise's notebook with its solutions."""
    folder = course.format_path(course.source_directory, ".", assignment)
    return Path(course.root, folder, f"{exercise.name}.ipynb")


def _refuse_other_language(nb: NotebookNode, resources: Resources) -> None:
    spec = nb.metadata.get("kernelspec", {})
    if spec.get("language", "python").lower() != "python":
        raise HarnessError(
            f"{resources['nbgrader']['notebook']} is written for the kernel {spec.get('name')}, "
            "and boxes run only Python; grade it in a course without the kit's configure(c)."
        )
    name = str(spec.get("name", "python3"))
    with suppress(NoSuchKernel):
        python = Path(KernelSpecManager().get_kernel_spec(name).argv[0])
        own = python.is_relative_to(sys.prefix) or python == Path(sys.executable)
        if python.is_absolute() and not own:
            raise HarnessError(
                f"{resources['nbgrader']['notebook']} is written for the kernel {name}, "
                f"which runs {python}; boxes run nbgrader's Python, {sys.prefix}. Install there "
                "what the notebook needs, and name the kernel python3."
            )


def _refuse_full(folder: Path) -> None:
    """Refuse to begin where no result could be written."""
    try:
        make_folder(folder)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=own_prefix()) as file:
            file.write(bytes(_ROOM_BYTES))
            file.flush()
    except OSError as error:
        raise HarnessError(f"Results cannot be written to {folder}: {error}.") from error


def _saved(
    nb: NotebookNode, submitted: NotebookNode, graded: Grade, exercise: Exercise
) -> dict[int, list[dict[str, Any]]]:
    """Return the outputs that a student saved for experiments that were not run."""
    assert graded.evidence is not None
    ran = {cell.index for cell in graded.evidence.cells}
    saved = {
        index: _flat(own.get("outputs")) if own.source == cell.source else []
        for index, (cell, own) in enumerate(zip(nb.cells, submitted.cells, strict=False))
        if cell.cell_type == "code"
        and index not in ran
        and submissions.hash_of(cell.source) in exercise.experiments
    }
    return _capped(saved, exercise.limits.output_bytes)


def _capped(saved: dict[int, list[dict[str, Any]]], room: int) -> dict[int, list[dict[str, Any]]]:
    """Return outputs of no more bytes than the box would have kept of them, with a note."""
    kept: dict[int, list[dict[str, Any]]] = {index: [] for index in saved}
    for index, outputs in saved.items():
        for output in outputs:
            room -= len(json.dumps(output, ensure_ascii=False).encode(errors="replace"))
            if room <= 0:
                kept[index].append({"output_type": "stream", "name": "stdout", "text": NOTE})
                break
            kept[index].append(output)
    return kept


def _flat(outputs: Any) -> list[dict[str, Any]]:
    """Return the text in the outputs of a cell, which may contain anything."""

    def texts(value: Any) -> dict[str, Any]:
        return {
            name: text
            for name, text in (value.items() if isinstance(value, Mapping) else ())
            if isinstance(text, str)
            or (isinstance(text, list) and all(isinstance(line, str) for line in text))
        }

    return [
        texts(output) | ({"data": texts(output["data"])} if "data" in output else {})
        for output in (outputs if isinstance(outputs, list) else ())
        if isinstance(output, Mapping)
    ]


def _keep(context: pipeline.GradingContext, graded: Grade, assignment: str, student: str) -> None:
    """Keep the result for reports on the class; the evidence is kept already."""
    assert graded.evidence is not None
    store.save_result(
        context.round,
        assignment,
        Result(
            schema=SCHEMA,
            student=student,
            exercise=graded.exercise,
            grade=replace(graded, evidence=None),
            evidence=graded.evidence.key,
            phases=graded.evidence.phases,
        ),
    )
    note_graded_by(context.round, assignment, context.exercise)
