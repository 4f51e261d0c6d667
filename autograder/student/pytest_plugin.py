"""``pytest`` in the folder of an exercise: one test per check of the student's notebook.

The plugin collects notebooks whose name is that of an exercise. A notebook runs once, in separate
processes, when its first test runs, and only for the selected tests; each test then reports one
check, in the wording of the notebook's card and the grader's feedback.

A blank that is not filled in fails its tests, since "1 passed, 4 skipped" and an exit status of 0
would look like work that is done: ``-x`` stops there, ``--lf`` comes back to it, a JUnit report
counts it. But there is nothing to explain, so it is listed as ``blank``, separately from failures.
"""

# Every project in the environment loads this module: what is not needed then is not imported.
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from autograder.model import CheckSpec, Exercise, Grade, ScoredFinding, Submission

__all__ = ["CheckItem", "FunctionCollector", "NotebookFile"]

_BLANK = "dask-scaling-kit blank"
"""Name of the property that marks the report of a check whose blank is not filled in."""


class _Stop(Exception):
    """A test has failed, and the message has all that the student needs to see."""


class _Blank(_Stop):
    """There is nothing to check yet."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the kit's options."""
    group = parser.getgroup("dask-scaling-kit")
    group.addoption(
        "--boxed",
        action="store_true",
        help="run notebooks of exercises in a sandbox, as the grader does (needs bubblewrap)",
    )
    group.addoption(
        "--profile",
        metavar="NAME",
        help="run them on this cluster: a profile such as slurm, the path of a profile in TOML, "
        "or an address such as tcp://host:8786",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse options that contradict each other."""
    if config.getoption("boxed") and config.getoption("profile"):
        raise pytest.UsageError("--boxed starts its own cluster: leave out --profile.")
    if config.getoption("boxed") and sys.platform != "linux":
        raise pytest.UsageError("--boxed needs Linux: leave it out here.")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "NotebookFile | None":
    """Collect a notebook that answers an exercise."""
    if file_path.suffix != ".ipynb":
        return None
    from autograder.errors import KitError
    from autograder.exercise import catalogue

    file: NotebookFile = NotebookFile.from_parent(parent, path=file_path)
    try:
        found = catalogue.find(file_path.stem, catalogue.nearby(file_path.parent))
    except KitError as error:
        file.trouble = str(error)
        return file
    if found is None:
        return None
    file.exercise = found
    return file


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
        from autograder import submissions
        from autograder.errors import SubmissionError
        from autograder.report.error_text import ours
        from cluster import ClusterError

        try:
            parsed = submissions.parse(submissions.read(self.path), self.exercise)
            profile = self.config.getoption("profile")
            graded = self._on(profile, parsed) if profile else self._here(parsed)
        except (SubmissionError, ClusterError) as error:
            return str(error)
        except Exception as error:
            return ours(error)
        return {item.finding.grade_id: item for item in graded.scored}

    def _here(self, parsed: "Submission") -> "Grade":
        """Run the notebook as the grader does, boxed or not; outside Linux, as far as possible."""
        if sys.platform == "linux":
            import tempfile
            from dataclasses import replace

            from autograder import grading, pipeline
            from autograder.evidence import oracle, rounds

            specs = self._selected()
            wanted = {case for spec in specs for case in spec.cases}
            cases = tuple(case for case in self.exercise.cases if case.name in wanted)
            asked = replace(self.exercise, cases=cases)
            with tempfile.TemporaryDirectory(prefix="dsk-check-") as folder:
                round_ = rounds.public(Path(folder), self.exercise)
                boxed = self.config.getoption("boxed")
                evidence = pipeline.observed(asked, parsed, round_, boxed=boxed)
                took = oracle.seconds_by_case(round_, asked, evidence)
            reference = replace(self.exercise.typical, case_cpu=took)
            return grading.grade(self.exercise, evidence, reference, specs, names=parsed.names)
        else:
            # The grader's way reads all of its processes from outside, in /proc.
            return self._on("local", parsed)

    def _on(self, profile: str, parsed: "Submission") -> "Grade":
        """Run the notebook on a cluster of the student's choice."""
        from autograder.student import other_cluster

        return other_cluster.check(
            self.exercise, parsed, self.path.parent, profile, self._selected()
        )

    def _selected(self) -> list["CheckSpec"]:
        """Return the checks requested in this run of pytest."""
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
            raise _Stop(results)
        from autograder.model import Status

        scored = results.get(self.spec.grade_id)
        if scored is None:
            raise _Stop(f"{self.spec.title}: this cannot be judged on this cluster.")
        if scored.finding.status is Status.UNTOUCHED:
            raise _Blank(f"{self.spec.function} is not filled in yet")
        if scored.finding.status is not Status.PASSED:
            raise _Stop(_in_words(scored))

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None
    ) -> str:
        """Show only the message: a traceback of the kit would not help a student."""
        if isinstance(excinfo.value, _Stop) or not isinstance(excinfo.value, Exception):
            return str(excinfo.value)
        from autograder.report.error_text import ours

        return ours(excinfo.value)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Name the test as its check."""
        return self.path, None, f"{self.spec.function}::{self.name}"


def _in_words(scored: "ScoredFinding") -> str:
    """Return the finding as on the card, below a first line for pytest's summary."""
    from autograder.formats import clean
    from autograder.report import terminal

    finding = scored.finding
    heading = clean(f"expected {finding.expected}; got {finding.got}")
    return "\n".join([heading, "", *terminal.finding_lines(scored)])


# ------------------------------------------------------------------------------ what pytest says


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mark the report of a check whose blank is not filled in."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, _Blank):
        report.user_properties.append((_BLANK, item.name))
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Count a blank apart from the failures."""
    blank = report.failed and _BLANK in dict(getattr(report, "user_properties", ()))
    return ("blank", "B", "BLANK") if blank else None


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter") -> None:
    """List the blanks, and say that the grade may differ."""
    blanks = terminalreporter.getreports("blank")
    if blanks:
        terminalreporter.section("not filled in yet")
    for name, count in Counter(report.nodeid.rpartition("::")[0] for report in blanks).items():
        terminalreporter.write_line(f"{name}  ({count} check{'s' * (count > 1)})")
    ours = [item for item in _items(terminalreporter) if isinstance(item, CheckItem)]
    quiet = terminalreporter.verbosity < 0 or terminalreporter.config.getoption("collectonly")
    if ours and not quiet:
        from autograder.report import terminal

        terminalreporter.line("")
        for line in terminal.preview_lines():
            terminalreporter.write_line(line)


def _items(reporter: "pytest.TerminalReporter") -> list[pytest.Item]:
    session = getattr(reporter, "_session", None)
    return [] if session is None else session.items
