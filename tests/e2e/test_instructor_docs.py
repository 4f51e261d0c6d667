"""Every command that docs/instructor.md shows is typed, in the order in which it is shown."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from course import CLASS, EX02, ROOT, Course, with_scripts

from autograder.author.samples import fill, without_free_cells

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

ELSEWHERE = {
    "make setup box": "what sets up the environment that this test runs in",
    ". .venv/bin/activate": "the path of this test is what it makes",
    "pip wheel --no-deps --wheel-dir dist .": "test_docs_commands.py makes and installs it",
    f"nbgrader zip_collect {EX02}": "test_zip_collect.py has archives for it",
}
"""Commands that are tried by other means, and by which."""


def shown() -> list[str]:
    page = (ROOT / "docs" / "instructor.md").read_text()
    blocks = re.findall(r"^ *```console\n(.*?)^ *```", page, re.M | re.S)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The checkout, at a place of its own: courses are made beside it."""
    place = tmp_path / "kit"
    place.mkdir()
    for name in ("solutions", "source", "nbgrader_config.py"):
        (place / name).symlink_to(ROOT / name)
    return place


def type_in(command: str, where: Path) -> None:
    environment = {**os.environ, "PATH": with_scripts(), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=where, env=environment, text=True, timeout=300,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}"


def submit(course: Course) -> None:
    """What a student does in between: hand in through the exchange."""
    folder = course.root.parent / "desk" / EX02
    folder.mkdir(parents=True)
    answered = fill(CLASS["hypatia"], without_free_cells(course.released()))
    nbformat.write(answered, folder / f"{EX02}.ipynb")
    options = f"--Exchange.root={course.root / 'exchange'} --CourseDirectory.student_id=hypatia"
    type_in(f"nbgrader submit {EX02} --course scaling-ml {options}", folder.parent)
    # For `autograder grade`, which looks at a notebook in the folder where it is typed.
    shutil.copy(folder / f"{EX02}.ipynb", course.root)


def test_the_commands_that_are_tried_elsewhere_are_shown():
    assert set(ELSEWHERE) <= set(shown())
    assert len(shown()) - len(ELSEWHERE) >= 12


def test_every_command_does_what_it_says(checkout: Path) -> None:
    where = checkout
    course = Course(checkout.parent / "course")
    before: dict[str, Callable[[Course], None]] = {f"nbgrader collect {EX02}": submit}
    for command in [command for command in shown() if command not in ELSEWHERE]:
        if command in before:
            before[command](course)
        if command.startswith("cd "):
            where = (where / command.removeprefix("cd ")).resolve()
            continue
        type_in(command, where)
    assert where == course.root
    assert course.points("hypatia") == CLASS["hypatia"].verdict
    for made in (
        "exercises/calibration.toml",
        "grades.csv",
        f"feedback/hypatia/{EX02}/{EX02}.html",
        f"reports/{EX02}.html",
        f"reports/{EX02}.csv",
        f"reports/{EX02}-anonymous.html",
    ):
        assert (course.root / made).is_file(), made
    assert list((course.root / "exchange").glob("*/feedback/*.html"))
