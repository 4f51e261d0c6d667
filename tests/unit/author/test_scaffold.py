"""A new exercise from the template; ``tests/integration/test_verify.py`` verifies it in a box."""

import resource
from pathlib import Path

import pytest
from course import with_scripts
from nbgrader.api import Gradebook

from autograder.author.scaffold import new, write_new
from autograder.errors import HarnessError

NAME = "ex06_nearest_points"


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
    with pytest.raises(HarnessError, match="exists already"):
        new(NAME, tmp_path)
    assert text.read_text() == "mine"


@pytest.mark.parametrize("name", ["../ex06", "ex 06", ""])
def test_a_name_that_will_not_do_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="is not a name for an exercise"):
        new(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_only_what_is_missing_is_written(tmp_path: Path) -> None:
    mine, new_one = tmp_path / "mine", tmp_path / "deep" / "new"
    mine.write_text("mine")
    assert write_new({mine: "theirs", new_one: "theirs"}) == [new_one]
    assert (mine.read_text(), new_one.read_text()) == ("mine", "theirs")
    assert write_new({mine: "theirs", new_one: "theirs"}) == []


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match="file/new cannot be written"):
        write_new({tmp_path / "file" / "new": "text"})


def test_of_a_file_that_does_not_fit_nothing_is_left(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(HarnessError, match="new cannot be written: File too large"):
            write_new({tmp_path / "new": "text" * 1000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
    assert write_new({tmp_path / "new": "text" * 1000}) == [tmp_path / "new"]


def test_an_exercise_of_the_kit_is_not_shadowed(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="is an exercise of the kit"):
        new("ex02_parallel_prediction", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "place",
    [f"source/ps1/{NAME}.ipynb", f"release/ps1/{NAME}.ipynb", f"submitted/ada/ps1/{NAME}.ipynb"],
)
def test_a_name_that_a_course_uses_already_is_refused(place: str, tmp_path: Path) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    with pytest.raises(HarnessError, match=f"{NAME} is in use"):
        new(NAME, tmp_path)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]
    assert new("ex06_another", tmp_path)


def test_a_course_folder_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "course [2026]" / "source" / "ps1" / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    with pytest.raises(HarnessError, match=f"{NAME} is in use"):
        new(NAME, tmp_path / "course [2026]")


def test_a_name_that_only_the_gradebook_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", with_scripts())
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        gradebook.add_assignment("ps1")
        gradebook.add_notebook(NAME, "ps1")
    with pytest.raises(HarnessError, match=f"{NAME} is in use.*gradebook"):
        new(NAME, tmp_path)
    assert new("ex06_another", tmp_path)


def test_a_gradebook_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert new(NAME, tmp_path)
    assert not list(tmp_path.rglob("*.db"))
