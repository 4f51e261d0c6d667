"""``autograder verify`` in a box: the exercise that the template begins, and a spoilt one."""

import subprocess
import sys
from pathlib import Path

import pytest

from autograder.author import verify

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.thorough]

NAME = "ex06_nearest_points"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    for command in (["new", NAME], ["build"]):
        subprocess.run([sys.executable, "-m", "autograder", *command], cwd=tmp_path, check=True)
    return tmp_path


def test_the_template_is_in_order(course: Path, leaves_nothing: None) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "autograder", "verify", NAME, "--samples"],
        cwd=course, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All 8 steps passed." in done.stdout
    assert "… wrong: starting the box" in done.stderr


def test_a_comparison_that_lets_everything_pass_is_found(
    course: Path, leaves_nothing: None
) -> None:
    path = course / "exercises" / NAME / "cases.py"
    text = path.read_text()
    spoilt = text.replace(
        "    wrong = np.flatnonzero(~np.isclose(", "    wrong = np.flatnonzero(0 * np.isclose("
    )
    assert spoilt != text
    path.write_text(spoilt)
    outcomes = {outcome.step: outcome.wrong for outcome in verify.verify(course, NAME)}
    assert [step for step, wrong in outcomes.items() if wrong] == ["seeds"]
    assert len(outcomes["seeds"]) == 2
