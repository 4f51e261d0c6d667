"""``pytest`` in the folder of an exercise: one test per check of the student's notebook.

The plugin collects notebooks whose name is that of an exercise. A notebook is run once, in
processes of its own, when the first of its tests runs, and only what the selected tests judge;
each test then reports one check, in the words of the notebook's card and the grader's feedback.
"""

# Every project in the environment loads this module: what is not needed then is not imported.
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from autograder.model import CheckSpec, Exercise, ScoredFinding

__all__ = ["CheckItem", "FunctionCollector", "NotebookFile"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the kit's options."""
    group = parser.getgroup("dask-scaling-kit")
    group.addoption(
        "--boxed",
        action="store_true",
        help="run notebooks of exercises in a box, as the grader does (needs bubblewrap)",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "NotebookFile | None":
    """Collect a notebook that answers an exercise."""
    if file_path.suffix != ".ipynb":
        return None
    from autograder import exercise
    from autograder.errors import KitError

    file: NotebookFile = NotebookFile.from_parent(parent, path=file_path)
    try:
        found = exercise.find(file_path.stem, _places(file_path))
    except KitError as error:
        file.trouble = str(error)
        return file
    if found is None:
        return None
    file.exercise = found
    return file


def _places(notebook: Path) -> list[Path]:
    """Return where a course keeps exercises of its own, seen from a notebook in it."""
    return [folder / "exercises" for folder in list(notebook.parents)[:3]]


class NotebookFile(pytest.File):
    """A notebook and its checks."""

    exercise: "Exercise"
    trouble = ""
    """Why the exercise cannot be used."""

    def collect(self) -> Iterator["FunctionCollector"]:
        """Yield the functions of the exercise.

        Raises
        ------
        CollectError
            If there is an exercise of that name, but it cannot be used.
        """
        if self.trouble:
            raise self.CollectError(self.trouble)
        for name in self.exercise.functions:
            function: FunctionCollector = FunctionCollector.from_parent(self, name=name)
            yield function

    @cached_property
    def results(self) -> "dict[str, ScoredFinding] | str":
        """Run the notebook; the scored findings by ``grade_id``, or why there are none."""
        import tempfile
        from dataclasses import replace

        from autograder import grade, submission
        from autograder.errors import KitError
        from autograder.measure import rounds
        from autograder.measure.observe import observe

        specs = self._selected()
        wanted = {case for spec in specs for case in spec.cases}
        cases = tuple(case for case in self.exercise.cases if case.name in wanted)
        try:
            parsed = submission.parse(submission.read(self.path), self.exercise)
            with tempfile.TemporaryDirectory(prefix="dsk-check-") as folder:
                evidence = observe(
                    replace(self.exercise, cases=cases),
                    parsed,
                    rounds.public(Path(folder), self.exercise),
                    key="",
                    boxed=self.config.getoption("boxed"),
                )
            graded = grade.grade(self.exercise, evidence, self.exercise.typical, specs)
        except KitError as error:
            return str(error)
        return {item.finding.grade_id: item for item in graded.scored}

    def _selected(self) -> list["CheckSpec"]:
        """Return the checks that are asked for in this run of pytest."""
        items = [item for item in self.session.items if isinstance(item, CheckItem)]
        return [item.spec for item in items if item.file is self]


class FunctionCollector(pytest.Collector):
    """A function of the exercise and its checks."""

    parent: NotebookFile

    def collect(self) -> Iterator["CheckItem"]:
        """Yield one test per check."""
        specs = [spec for spec in self.parent.exercise.checks if spec.function == self.name]
        times = Counter(spec.check for spec in specs)
        for spec in specs:
            # Two checks of one kind are told apart by the names of their cells.
            name = spec.check if times[spec.check] == 1 else spec.grade_id
            item: CheckItem = CheckItem.from_parent(self, name=name)
            item.file, item.spec = self.parent, spec
            yield item


class CheckItem(pytest.Item):
    """One check of a notebook."""

    file: NotebookFile
    spec: "CheckSpec"

    def runtest(self) -> None:
        """Fail with the finding's words unless the check is passed."""
        results = self.file.results
        if isinstance(results, str):
            pytest.fail(results, pytrace=False)
        from autograder.model import Status

        scored = results[self.spec.grade_id]
        if scored.finding.status is not Status.PASSED:
            pytest.fail(_in_words(scored), pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Name the test as its check."""
        return self.path, None, f"{self.path.name}::{self.spec.function}::{self.name}"


def _in_words(scored: "ScoredFinding") -> str:
    """Return the finding as the card has it, below a first line for pytest's summary."""
    from autograder.model import Status
    from autograder.report import plain

    finding = scored.finding
    untouched = finding.status is Status.UNTOUCHED
    heading = (
        f"{finding.function} is not filled in yet"
        if untouched
        else f"expected {finding.expected}; got {finding.got}"
    )
    return "\n".join(
        [
            plain.clean(heading),
            "",
            *plain.finding_lines(scored),
            "",
            "The grade is taken on other data than these, which nobody has seen.",
        ]
    )
