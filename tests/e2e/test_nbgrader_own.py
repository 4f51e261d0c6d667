"""nbgrader's own tests of autograde, with the kit's configuration: they pass as in stock nbgrader.

Here are those that the kit could break most easily. ``tests/support/nbgrader_own.py`` runs all of
nbgrader's tests, in pieces, and compares them with those of stock nbgrader.
"""

import os
import subprocess
import sys
from pathlib import Path

import course
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

CHOSEN = (
    "test_grade",  # marks, and which submissions wait for a person
    "test_showtraceback_exploit",
    "test_filter_notebook",  # one notebook of several, and which are graded again
    "test_side_effects",  # files that a notebook writes
    "test_handle_failure",  # one submission stops, the next goes on
    "test_grade_with_validating_envvar",
)


def test_own_tests_of_autograde_pass(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text(
        "from autograder.course import configure\n\nconfigure(get_config())\n"
    )
    module = "nbgrader.tests.apps.test_nbgrader_autograde"
    names = [f"{module}::TestNbGraderAutograde::{name}" for name in CHOSEN]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "--tb=short",
            "--pyargs",
            *names,
        ],
        cwd=tmp_path,
        env=os.environ | {"JUPYTER_CONFIG_DIR": str(tmp_path), "PATH": course.with_scripts()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"{len(CHOSEN)} passed" in done.stdout
