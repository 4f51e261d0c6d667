"""What the canary makes of requirements and of a program's last words; it runs none of them."""

from pathlib import Path

import pytest
from canary import NOT_ASKED, Outcome, newest, parsed, table, what_broke

ROOT = Path(__file__).parents[2]


def test_only_the_versions_of_what_is_freed_are_taken_off():
    wanted = ["dask[array,dataframe]==2026.8.0", "numpy>=2.4,<2.5", "nbgrader==0.9.6", "rich>=13.7"]
    assert newest(wanted) == ["dask[array,dataframe]", "numpy", "nbgrader==0.9.6", "rich>=13.7"]
    # A name that only begins like one of them is another package.
    assert newest(["dask-jobqueue>=0.9", "Dask-ML==2025.1.0"]) == ["dask-jobqueue>=0.9", "Dask-ML"]


def test_all_that_the_kit_needs_is_asked_for():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    found = parsed(text)
    assert {"dask[array,dataframe]", "distributed", "dask-ml", "scikit-learn"} <= set(found)
    assert "nbgrader==0.9.6" in found


def test_an_extra_is_asked_for_where_there_is_one():
    project = '[project]\ndependencies = ["dask==1", "rich>=13"]\n'
    extra = '[project.optional-dependencies]\nboosting = ["xgboost-cpu==3"]\ndev = ["ruff"]\n'
    assert parsed(project) == ["dask", "rich>=13"]
    assert parsed(project + extra) == ["dask", "rich>=13", "xgboost-cpu"]


@pytest.mark.parametrize(
    ("status", "output", "said"),
    [
        (0, "ValueError: printed, and nothing came of it\n", ""),
        (1, "Traceback\n  File\nImportError: cannot import name 'x'\n", "ImportError: cannot im"),
        (1, "a.b.CheckFailed: Not yet: one\nat the end\n", "a.b.CheckFailed: Not yet: one"),
        (
            1,
            "  ✓ text: fresh\n  ✗ reference: 3 of 4\n\nFailed, of 6 steps:\n",
            "✗ reference: 3 of 4",
        ),
        (1, "no exception at all\n", "no exception at all"),
        (-9, "", "status -9"),
    ],
)
def test_a_program_that_failed_is_summed_up_in_a_line(status, output, said):
    found = what_broke(status, output)
    assert found.startswith(said) and bool(found) == bool(said)


def test_the_table_says_what_broke():
    passed = Outcome("ex00_first_steps", "", NOT_ASKED, 0, 4.2)
    broken = Outcome("ex01_distributed_training", "", "✗ reference: 3 of 4", 2, 31.0)
    head, first, second = table([passed, broken]).splitlines()
    assert head.split() == ["exercise", "script", "box", "warned", "seconds"]
    assert first.split("  ")[-1].strip() == "4" and "not asked" in first
    assert "✗ reference: 3 of 4" in second and second.index("passed") == first.index("passed")
