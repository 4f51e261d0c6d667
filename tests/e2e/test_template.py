"""An author's first hour: begin an exercise from the template, build it, grade it."""

import subprocess
import sys
from pathlib import Path

import pytest

from autograder import pipeline
from autograder.author.samples import fill, read_samples, released, without_free_cells
from autograder.author.scaffold import new
from autograder.errors import HarnessError
from autograder.evidence import rounds
from autograder.exercise import catalogue
from autograder.report import terminal

NAME = "ex06_nearest_points"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    for command in (["new", NAME], ["build"]):
        subprocess.run([sys.executable, "-m", "autograder", *command], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.slow
def test_a_new_exercise_is_built_and_graded(course: Path, leaves_nothing: None) -> None:
    found = catalogue.find(NAME, [course / "exercises"])
    assert found is not None
    round_ = rounds.current(course / "evidence", found)
    notebook = course / "source" / NAME / f"{NAME}.ipynb"
    bench = pipeline.Bench(found, round_, pipeline.reference(notebook, found, round_))
    students = read_samples(found, course / "samples")
    assert [sample.student for sample in students] == ["right", "wrong"]
    blank = without_free_cells(released(found, course / "source"))
    for sample in students:
        graded = pipeline.grade(fill(sample, blank), bench)
        report = terminal.render(graded)
        scored = {item.finding.grade_id: item for item in graded.scored}
        assert {name: item.points for name, item in scored.items()} == sample.verdict, report
        mistakes = {
            name: item.finding.mistakes[0].name
            for name, item in scored.items()
            if item.finding.mistakes
        }
        assert mistakes == sample.mistakes, report


def test_in_a_checkout_the_files_go_where_the_kit_has_them(tmp_path: Path) -> None:
    (tmp_path / "autograder" / "exercises").mkdir(parents=True)
    made = {str(path.relative_to(tmp_path)) for path in new(NAME, tmp_path)}
    assert made == {
        f"solutions/{NAME}.py",
        f"autograder/exercises/{NAME}/exercise.toml",
        f"autograder/exercises/{NAME}/cases.py",
        f"samples/{NAME}/right.toml",
        f"samples/{NAME}/wrong.toml",
    }
    assert not any("NAME" in (tmp_path / path).read_text() for path in made)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    text = new(NAME, tmp_path)[0]
    text.write_text("mine")
    with pytest.raises(HarnessError, match="is there already"):
        new(NAME, tmp_path)
    assert text.read_text() == "mine"


@pytest.mark.parametrize("name", ["../ex06", "ex 06", ""])
def test_a_name_that_will_not_do_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="no name for an exercise"):
        new(name, tmp_path)
    assert list(tmp_path.iterdir()) == []
