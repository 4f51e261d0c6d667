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

import forked
import nbformat
import pytest
from checkout import SAMPLES

from autograder.author.samples import fill, read_samples, released
from autograder.model import Exercise
from autograder.sandbox import bubblewrap

pytestmark = pytest.mark.slow

NOTEBOOK = "ex02_parallel_prediction.ipynb"
RAISES = "def count_labels(model, X):\n    helper = 1\n    return X.no_such_thing"
WRONG_SCORE = "def score_large(model, X, y):\n    return r2_score(y, model.predict(X))"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, ex02: Exercise, source: Path) -> Path:
    """A released folder: fit_small is right, score_large wrong, the others raise or are blank."""
    folder = tmp_path_factory.mktemp("student")
    hypatia = next(sample for sample in read_samples(ex02, SAMPLES) if sample.student == "hypatia")
    answers = {
        "fit_small": hypatia.answers["fit_small"],
        "score_large": WRONG_SCORE,
        "count_labels": RAISES,
    }
    blank = released(ex02, source)
    nbformat.write(fill(replace(hypatia, answers=answers), blank), folder / NOTEBOOK)
    nbformat.write(blank, folder / "notes.ipynb")
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = ("-m", "pytest", "--color=no", *arguments)
        # COLUMNS: else pytest cuts its summary short.
        environment = {**os.environ, "COLUMNS": "160", **more}
        return forked.run(*command, cwd=folder, env=environment, timeout=120, together=False)

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
        f"{NOTEBOOK}::score_large::stays_distributed",
        f"{NOTEBOOK}::count_labels::values",
        f"{NOTEBOOK}::timed_predict::timing",
    ]


def test_findings_are_reported_in_words(everything: subprocess.CompletedProcess[str]) -> None:
    assert outcomes(everything) == {"failed": 3, "passed": 1, "blank": 4}
    said = everything.stdout
    assert f"FAILED {NOTEBOOK}::score_large::values - expected the accuracy" in said
    assert "r² is no score for a classifier" in said
    assert "neither you nor your code has seen" in " ".join(said.split())
    assert "Traceback" not in said
    assert everything.stderr == ""


def test_a_blank_is_listed_and_is_no_success(
    everything: subprocess.CompletedProcess[str], run: Run
) -> None:
    assert f"{NOTEBOOK}::predict_large  (3 checks)" in everything.stdout
    assert f"FAILED {NOTEBOOK}::predict_large" not in everything.stdout
    alone = run("-v", "-k", "predict_large and lazy")
    assert outcomes(alone) == {"blank": 1, "deselected": 7}
    assert f"{NOTEBOOK}::predict_large::lazy BLANK" in alone.stdout
    assert alone.returncode == pytest.ExitCode.TESTS_FAILED


def test_junit_names_the_checks(everything: subprocess.CompletedProcess[str], folder: Path) -> None:
    cases = list(ElementTree.parse(folder / "results.xml").iter("testcase"))
    failed = {case.get("name"): case.find("failure") is not None for case in cases}
    assert len(cases) == 8
    assert failed["speedup"]
    assert any("not filled in yet" in f.get("message", "") for c in cases for f in c.iter())


def test_the_last_failed_run_again(everything: subprocess.CompletedProcess[str], run: Run) -> None:
    assert "7/8 tests collected (1 deselected)" in run("--lf", "--collect-only").stdout


@pytest.mark.thorough
def test_a_check_is_selected_by_its_id(run: Run) -> None:
    assert outcomes(run(f"{NOTEBOOK}::fit_small::values")) == {"passed": 1}


@pytest.mark.thorough
def test_checks_are_selected_by_keyword(run: Run) -> None:
    done = run(NOTEBOOK, "-k", "fit_small", "-q")
    assert outcomes(done) == {"passed": 1, "deselected": 7}
    assert "preview" not in done.stdout


@pytest.mark.thorough
def test_it_stops_at_the_first_failure(run: Run) -> None:
    assert outcomes(run("-x", "-k", "predict_large")) == {"blank": 1, "deselected": 5}


def test_in_a_box(run: Run) -> None:
    if not sandbox_works():
        pytest.skip("no bubblewrap here: sudo apt install bubblewrap")
    assert outcomes(run("--boxed", "-k", "fit_small")) == {"passed": 1, "deselected": 7}


def sandbox_works() -> bool:
    try:
        bubblewrap.require()
    except Exception:
        return False
    return True


@pytest.mark.thorough
def test_on_another_cluster(run: Run) -> None:
    done = run("--profile=local", "-k", "values and not predict_large")
    assert outcomes(done) == {"failed": 1, "passed": 1, "blank": 1, "deselected": 5}, done.stdout
    assert "r² is no score for a classifier" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--profile=lokal"], "There is no profile 'lokal' (did you mean 'local'?)"),
        (["--profile=local", "--boxed"], "--boxed starts its own cluster: leave out --profile."),
    ],
)
def test_a_wrong_profile_is_one_sentence(run: Run, arguments: list[str], said: str) -> None:
    done = run(*arguments, "-k", "fit_small")
    assert done.returncode != 0
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_an_error_names_cell_and_line(
    everything: subprocess.CompletedProcess[str], folder: Path
) -> None:
    notebook = nbformat.read(folder / NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    number = code.index(next(cell for cell in code if cell.source == RAISES)) + 1
    said = everything.stdout
    assert f"(cell [{number}], line 3)" in " ".join(said.split())
    assert f'File "your cell [{number}]", line 3, in count_labels' in said
    assert "autograder" not in said.partition("your error")[2].partition("____")[0]


def test_a_fault_of_the_kit_says_so(run: Run, folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "sitecustomize.py"
    broken.write_text(
        "import autograder.submissions as s\n"
        "def fail(*arguments): raise RuntimeError('out of order')\n"
        "s.parse = fail\n"
    )
    said = run("-k", "fit_small", PYTHONPATH=str(tmp_path)).stdout
    assert "The kit failed here, not your answer: RuntimeError: out of order" in said
    assert "send this message to your instructor" in said
    assert "Traceback" not in said


def test_a_broken_notebook_is_one_sentence(run: Run, folder: Path, tmp_path: Path) -> None:
    place = folder / "broken"
    place.mkdir()
    (place / NOTEBOOK).write_text("{not json")
    try:
        result = run("broken", "-q")
    finally:
        shutil.rmtree(place)
    assert outcomes(result) == {"failed": 8}
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
        "    student = 'autograder.student'\n"
        "    assert ours == {'autograder', student, f'{student}.pytest_plugin'}\n"
        "    assert not {'dask', 'numpy', 'nbformat', 'IPython'} & set(sys.modules)\n"
    )
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=tmp_path, capture_output=True, text=True
    )
    assert outcomes(result) == {"passed": 1}, result.stdout
