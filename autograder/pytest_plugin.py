"""``pytest`` in the folder of an exercise: one test per check of the student's notebook.

The plugin collects notebooks whose name is that of an exercise. A notebook is run once, in
processes of its own, when the first of its tests runs; each test then reports one check, in the
words that the notebook's card and the grader's feedback use.
"""

import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

__all__ = ["CheckItem", "NotebookFile"]


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

    found = exercise.find(file_path.stem, _places(file_path))
    if found is None:
        return None
    file: NotebookFile = NotebookFile.from_parent(parent, path=file_path)
    file.exercise = found
    return file


def _places(notebook: Path) -> list[Path]:
    """Return where a course keeps exercises of its own, seen from a notebook in it."""
    return [folder / "exercises" for folder in list(notebook.parents)[:3]]


class NotebookFile(pytest.File):
    """A notebook and its checks."""

    exercise: Any

    def collect(self) -> Iterator["CheckItem"]:
        """Yield one test per check."""
        for spec in self.exercise.checks:
            name = f"{spec.function}::{spec.check}"
            item: CheckItem = CheckItem.from_parent(self, name=name)
            item.grade_id = spec.grade_id
            yield item

    @cached_property
    def results(self) -> dict[str, Any]:
        """Run the notebook; the scored findings by ``grade_id``."""
        from autograder import grade, submission
        from autograder.measure import rounds
        from autograder.measure.observe import observe

        parsed = submission.parse(submission.read(self.path), self.exercise)
        with tempfile.TemporaryDirectory(prefix="dsk-check-") as folder:
            evidence = observe(
                self.exercise,
                parsed,
                rounds.public(Path(folder), self.exercise),
                key="",
                boxed=self.config.getoption("boxed"),
            )
        graded = grade.grade(self.exercise, evidence, self.exercise.typical)
        return {item.finding.grade_id: item for item in graded.scored}


class CheckItem(pytest.Item):
    """One check of a notebook."""

    grade_id: str

    def runtest(self) -> None:
        """Fail with the finding's words unless the check is passed."""
        from autograder.errors import KitError
        from autograder.model import Status
        from autograder.report import plain

        assert isinstance(self.parent, NotebookFile)
        try:
            scored = self.parent.results[self.grade_id]
        except KitError as error:
            pytest.fail(str(error), pytrace=False)
        if scored.finding.status is not Status.PASSED:
            lines = plain.finding_lines(scored)
            lines.append("The grade is taken on other data than these, which nobody has seen.")
            pytest.fail("\n".join(lines), pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Name the test as its check."""
        return self.path, None, f"{self.path.name}::{self.name}"
