"""Reading, filling and judging sample submissions."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from autograder.author.samples import (
    cleared,
    differences,
    fill,
    read_class,
    read_samples,
    with_limits,
    without_free_cells,
)
from autograder.errors import HarnessError
from autograder.exercise import catalogue
from autograder.model import Exercise, Finding, Grade, Mistake, ScoredFinding, Status

NAME = "ex06_nearest_points"
TEMPLATE = Path(catalogue.__file__).parents[1] / "author" / "template"

GOOD = """
student = "ada"
about = "Right values, but brings all rows to the notebook."

[answers]
nearest = "answer"

[[extra]]
after = "start"
source = "first"

[[extra]]
after = "setup"
source = "second"

[verdict]
nearest_values = 3
nearest_lazy = 0
nearest_speedup = 1

[status]
nearest_speedup = "partial"

[mistakes]
nearest_lazy = "gathers_input"

[says]
nearest_lazy = "384,000 bytes"

[limits]
case_seconds = 2
"""


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    folder = tmp_path_factory.mktemp("exercises") / NAME
    folder.mkdir()
    for name in ("exercise.toml", "cases.py"):
        (folder / name).write_text((TEMPLATE / name).read_text())
    return catalogue.load(folder)


@pytest.fixture
def sample_file(tmp_path: Path) -> Path:
    path = tmp_path / NAME / "ada.toml"
    path.parent.mkdir()
    path.write_text(GOOD)
    return path


@pytest.fixture
def ada(exercise, sample_file):
    (sample,) = read_samples(exercise, sample_file.parents[1])
    return sample


# -------------------------------------------------------------------------------- reading


def test_a_sample_is_read(ada, exercise):
    assert (ada.student, ada.answers["nearest"]) == ("ada", "answer")
    assert ada.status == {
        "nearest_values": Status.PASSED,
        "nearest_lazy": Status.FAILED,
        "nearest_speedup": Status.PARTIAL,
    }
    assert with_limits(exercise, ada).limits.case_seconds == 2
    assert exercise.limits.case_seconds == 15


WRONG = {
    "no TOML": ("[answers]", "[answers", "cannot be read"),
    "another student": ('"ada"', '"abel"', "expected student = 'ada', as the file is called"),
    "unknown key": ("about =", "abuot =", "the key 'abuot' is unknown"),
    "nothing about it": ('about = "R', '# about = "R', "the key 'about' is missing"),
    "unknown base": ('student = "ada"', 'student = "ada"\nbase = "eve"', "no sample called 'eve'"),
    "check left out": ("nearest_lazy = 0", "", r"\[verdict\] names .*, expected .*nearest_lazy"),
    "unknown blank": ("nearest = ", "farthest = ", r"\[answers\] names 'farthest'"),
    "unknown limit": ("case_seconds", "case_secs", r"\[limits\] names 'case_secs'"),
    "unknown state": ('"partial"', '"half"', "the status of nearest_speedup is 'half'"),
    "a word for a table": ("[says]\nnearest_lazy =", "[[says]]\nx =", "says is no table"),
    "odd extra cell": ('source = "first"', 'text = "first"', r"\[\[extra\]\] needs after and"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_sample_is_refused_in_a_sentence_that_names_the_file(kind, exercise, sample_file):
    old, new, message = WRONG[kind]
    assert old in GOOD
    sample_file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(HarnessError, match=message) as caught:
        read_samples(exercise, sample_file.parents[1])
    assert str(caught.value).startswith(str(sample_file))


def test_a_class_says_whose_sample_each_student_hands_in(exercise, sample_file):
    folder = sample_file.parents[1]
    assert list(read_class(exercise, folder)) == ["ada"]  # without a class: every sample
    (folder / "class.toml").write_text(f'[{NAME}]\nbob = "ada"\n')
    assert {s: given.student for s, given in read_class(exercise, folder).items()} == {"bob": "ada"}
    (folder / "class.toml").write_text(f'[{NAME}]\nbob = "eve"\n')
    with pytest.raises(HarnessError, match="bob hands in the sample 'eve'"):
        read_class(exercise, folder)


# -------------------------------------------------------------------------------- filling


@pytest.fixture
def notebook():
    def cell(source: str, grade_id: str = "", **settings: bool):
        made = nbformat.v4.new_code_cell(source)
        if grade_id:
            made.metadata["nbgrader"] = {
                "schema_version": 3, "grade_id": grade_id, "locked": False, "solution": False,
                "grade": False, "task": False, **settings,
            }  # fmt: skip
        return made

    blank = "def nearest():\n    ### BEGIN SOLUTION\n    return secret\n    ### END SOLUTION"
    return nbformat.v4.new_notebook(
        cells=[cell("import", "setup", locked=True), cell("free"),
               cell(blank, "nearest", solution=True)]
    )  # fmt: skip


def test_answers_and_further_cells_stand_where_they_should(ada, notebook):
    before = nbformat.writes(notebook)
    filled = fill(ada, cleared(notebook))
    assert [c.source for c in filled.cells] == ["first", "import", "second", "free", "answer"]
    assert nbformat.writes(fill(ada, cleared(notebook))) == nbformat.writes(filled)
    assert nbformat.writes(notebook) == before


def test_only_free_cells_are_left_out(notebook):
    assert [c.source for c in without_free_cells(cleared(notebook)).cells] == [
        "import",
        "def nearest():\n    # YOUR CODE HERE\n    raise NotImplementedError()",
    ]


def test_a_cell_that_follows_nothing_is_refused(ada, notebook):
    del notebook.cells[0]
    with pytest.raises(HarnessError, match=r"follows the cell 'setup', expected one of start"):
        fill(ada, notebook)


# -------------------------------------------------------------------------------- judging


@pytest.fixture
def graded() -> Callable[..., Grade]:
    def grade(**changes: tuple[Status, float, str, str]) -> Grade:
        found = {
            "nearest_values": (Status.PASSED, 3.0, "", "all right"),
            "nearest_lazy": (Status.FAILED, 0.0, "gathers_input", "384,000 bytes came back"),
            "nearest_speedup": (Status.PARTIAL, 0.7, "", "1.4 times as fast"),
        } | changes
        findings = tuple(
            Finding(
                name, "nearest", name.removeprefix("nearest_"), name, status, 0.0, "expected", got,
                mistakes=(Mistake(mistake, mistake, "", ""),) if mistake else (),
            )
            for name, (status, _, mistake, got) in found.items()
        )  # fmt: skip
        points = [points for _, points, _, _ in found.values()]
        scored = (ScoredFinding(*pair, 3.0) for pair in zip(findings, points, strict=True))
        return Grade(NAME, tuple(scored), sum(points), 9.0)

    return grade


def test_a_grade_as_stated_differs_in_nothing(ada, graded):
    assert differences(ada, graded()) == []
    other_points = (Status.PARTIAL, 1.3, "", "1.7 times as fast")
    assert differences(ada, graded(nearest_speedup=other_points)) == []


DIFFERENT = {
    "status": (
        {"nearest_values": (Status.FAILED, 3.0, "", "")},
        "nearest_values: expected the status passed, got failed",
    ),
    "points": (
        {"nearest_values": (Status.PASSED, 2.0, "", "")},
        "nearest_values: expected the points 3, got 2.0",
    ),
    "no mistake": (
        {"nearest_lazy": (Status.FAILED, 0.0, "", "384,000 bytes")},
        "nearest_lazy: expected the mistake gathers_input, got None",
    ),
    "a mistake where none is stated": (
        {"nearest_values": (Status.PASSED, 3.0, "squared", "")},
        "nearest_values: expected the mistake None, got squared",
    ),
    "words": (
        {"nearest_lazy": (Status.FAILED, 0.0, "gathers_input", "all came back")},
        "nearest_lazy: expected the words '384,000 bytes', got 'expected\\nall came back'",
    ),
    "a check that is not stated": (
        {"farthest": (Status.PASSED, 3.0, "", "")},
        "farthest is not stated",
    ),
}


@pytest.mark.parametrize("kind", DIFFERENT)
def test_a_grade_that_is_not_as_stated_is_named(kind, ada, graded):
    changes, message = DIFFERENT[kind]
    assert differences(ada, graded(**changes)) == [message]


def test_a_check_that_was_not_judged_is_named(ada, graded):
    whole = graded()
    part = replace(whole, scored=whole.scored[1:])
    assert differences(ada, part) == ["nearest_values is stated, but was not judged"]
