"""A new exercise from the template; ``tests/integration/test_verify.py`` verifies it in a box."""

from pathlib import Path

import pytest

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
    with pytest.raises(HarnessError, match="is there already"):
        new(NAME, tmp_path)
    assert text.read_text() == "mine"


@pytest.mark.parametrize("name", ["../ex06", "ex 06", ""])
def test_a_name_that_will_not_do_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="no name for an exercise"):
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
