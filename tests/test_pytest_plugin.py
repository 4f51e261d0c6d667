"""``pytest`` in the folder of a released exercise, run as students run it."""

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from samples import pour, released, samples

from autograder.box import sandbox
from autograder.model import Exercise

pytestmark = pytest.mark.slow

NOTEBOOK = "ex02_parallel_prediction.ipynb"
WRONG_SCORE = "def score_large(model, X, y):\n    return r2_score(y, model.predict(X))"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, ex02: Exercise, source: Path) -> Path:
    """A released folder: fit_small is right, predict_large untouched, score_large wrong."""
    folder = tmp_path_factory.mktemp("student")
    hypatia = next(sample for sample in samples(ex02) if sample.student == "hypatia")
    answers = {"fit_small": hypatia.answers["fit_small"], "score_large": WRONG_SCORE}
    blank = released(ex02, source)
    nbformat.write(pour(replace(hypatia, answers=answers), blank), folder / NOTEBOOK)
    nbformat.write(blank, folder / "notes.ipynb")
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "--color=no", *arguments]
        environment = {**os.environ, "COLUMNS": "160"}  # else pytest cuts its summary short
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
        )

    return run


@pytest.fixture(scope="module")
def everything(run: Run) -> subprocess.CompletedProcess[str]:
    return run("--junitxml=results.xml")


def outcomes(result: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """Read the last line, such as ``2 failed, 1 passed in 3.21s``."""
    last = result.stdout.strip().splitlines()[-1]
    return {word: int(count) for count, word in re.findall(r"(\d+) (\w+)", last.split(" in ")[0])}


def test_there_is_one_test_per_check(run: Run) -> None:
    listed = run("--collect-only", "-q").stdout.split("\n\n")[0].splitlines()
    assert listed == [
        f"{NOTEBOOK}::fit_small::values",
        f"{NOTEBOOK}::predict_large::values",
        f"{NOTEBOOK}::predict_large::lazy",
        f"{NOTEBOOK}::predict_large::speedup",
        f"{NOTEBOOK}::score_large::values",
    ]


def test_findings_are_reported_in_words(everything: subprocess.CompletedProcess[str]) -> None:
    assert outcomes(everything) == {"failed": 4, "passed": 1}
    said = everything.stdout
    assert f"FAILED {NOTEBOOK}::predict_large::lazy - Failed: predict_large is not filled" in said
    assert "r² is no score for a classifier" in said
    assert "nobody has seen" in said
    assert "Traceback" not in said
    assert everything.stderr == ""


def test_junit_names_the_checks(everything: subprocess.CompletedProcess[str], folder: Path) -> None:
    cases = list(ElementTree.parse(folder / "results.xml").iter("testcase"))
    failed = {case.get("name"): case.find("failure") is not None for case in cases}
    assert len(cases) == 5
    assert failed["speedup"]
    assert any("not filled in yet" in f.get("message", "") for c in cases for f in c.iter())


def test_the_last_failed_run_again(everything: subprocess.CompletedProcess[str], run: Run) -> None:
    assert "4/5 tests collected (1 deselected)" in run("--lf", "--collect-only").stdout


def test_a_check_is_selected_by_its_id(run: Run) -> None:
    assert outcomes(run(f"{NOTEBOOK}::fit_small::values")) == {"passed": 1}


def test_checks_are_selected_by_keyword(run: Run) -> None:
    assert outcomes(run(NOTEBOOK, "-k", "fit_small", "-q")) == {"passed": 1, "deselected": 4}


def test_it_stops_at_the_first_failure(run: Run) -> None:
    assert outcomes(run("-x", "-k", "predict_large"))["failed"] == 1


def test_in_a_box(run: Run) -> None:
    if not sandbox_works():
        pytest.skip("no bubblewrap here: sudo apt install bubblewrap")
    assert outcomes(run("--boxed", "-k", "fit_small")) == {"passed": 1, "deselected": 4}


def sandbox_works() -> bool:
    try:
        sandbox.require()
    except Exception:
        return False
    return True


def test_a_broken_notebook_is_one_sentence(run: Run, folder: Path, tmp_path: Path) -> None:
    place = folder / "broken"
    place.mkdir()
    (place / NOTEBOOK).write_text("{not json")
    try:
        result = run("broken", "-q")
    finally:
        shutil.rmtree(place)
    assert outcomes(result) == {"failed": 5}
    assert "is not a notebook that Jupyter can open" in result.stdout
    assert "Traceback" not in result.stdout


def test_a_broken_exercise_is_one_sentence(run: Run, folder: Path) -> None:
    place = folder / "exercises" / Path(NOTEBOOK).stem
    place.mkdir(parents=True)
    (place / "exercise.toml").write_text("titel = 'no'")
    (place / "cases.py").write_text("")
    try:
        result = run(NOTEBOOK)
    finally:
        shutil.rmtree(place.parent)
    assert outcomes(result) == {"error": 1}
    assert "exercise.toml" in result.stdout
    assert "Traceback" not in result.stdout


def test_other_projects_pay_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n"
        "def test_nothing_heavy():\n"
        "    ours = {m for m in sys.modules if m.startswith(('autograder', 'cluster'))}\n"
        "    assert ours == {'autograder', 'autograder.pytest_plugin'}\n"
        "    assert not {'dask', 'numpy', 'nbformat', 'IPython'} & set(sys.modules)\n"
    )
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=tmp_path, capture_output=True, text=True
    )
    assert outcomes(result) == {"passed": 1}, result.stdout
