"""The student's half on a system that is not Linux, as far as Linux can be hidden from it.

`tests/support/not_linux` hides the names and files that only Linux has from every process: the
student's, the cluster's and pytest's. What no Linux can show is how macOS itself behaves.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest
from checkout import SAMPLES
from nbformat import NotebookNode

from autograder.author.samples import fill, read_samples
from autograder.exercise import catalogue
from autograder.model import Exercise
from autograder.student import own_cluster
from cluster import ClusterError, system

pytestmark = pytest.mark.slow

HIDDEN = Path(__file__).parents[1] / "support" / "not_linux"
NOTEBOOK = "ex02_parallel_prediction.ipynb"
WRONG = "def predict_large(model, X):\n    return -model.predict(X)"

STUDENT = """
import json
from contextlib import redirect_stdout
from io import StringIO

import psutil
from autograder import check
from cluster import connect, system, watch
from sklearn.linear_model import LogisticRegression
from dask_ml.wrappers import ParallelPostFit

client = connect()
watch(client)
model = None

def fit_small(X, y):
    return ParallelPostFit(LogisticRegression(), scoring="accuracy").fit(X, y)

def predict_large(model, X):
    return model.predict(X)

def asked(*arguments):
    said = StringIO()
    with redirect_stdout(said):
        try:
            check(*arguments)
            ended = "passed"
        except Exception as error:
            ended = f"{type(error).__name__}: {error}"
    return ended, said.getvalue()

told = {"platform": system.sys.platform, "right": asked(predict_large, "values"),
        "speedup": asked(predict_large, "speedup")}

def predict_large(model, X):
    return -model.predict(X)

told["wrong"] = asked(predict_large, "values")
told["method"] = [" ".join(p.cmdline()) for p in psutil.Process().children(recursive=True)]
print(json.dumps(told))
"""

ENDS = """
import os, sys

import psutil
from cluster import connect

client = connect()
print(*(p.pid for p in psutil.Process().children(recursive=True)), flush=True)
if "killed" in sys.argv:
    os.kill(os.getpid(), 9)
"""


def hidden(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, without what only Linux has."""
    environment = {**os.environ, "PYTHONPATH": str(HIDDEN), "COLUMNS": "160", "TMPDIR": str(folder)}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=280,
    )  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    folder = tmp_path_factory.mktemp("s")
    (folder / "student.py").write_text(STUDENT)
    done = hidden(folder, "student.py")
    assert done.returncode == 0, done.stderr
    return SimpleNamespace(
        **json.loads(done.stdout.splitlines()[-1]), stderr=done.stderr, out=done.stdout
    )


def test_right_and_wrong_answers_are_told_apart(told: SimpleNamespace) -> None:
    assert told.platform == "darwin"
    assert told.right[0] == "passed"
    assert told.wrong[0].startswith("CheckFailed: Not yet: ")
    assert "expected" in told.wrong[1]


def test_the_speedup_is_judged_without_what_nobody_counts(told: SimpleNamespace) -> None:
    """Whether it is enough hangs on the machine: it is judged, and not refused."""
    ended, said = told.speedup
    assert ended == "passed" or ended.startswith("CheckFailed: Not yet: ")
    assert "speedup" in said and "nan" not in said


def test_nothing_is_on_stderr_and_the_dashboard_is_named(told: SimpleNamespace) -> None:
    assert told.stderr == ""
    assert "Watch the workers at http://127.0.0.1:" in told.out


def test_workers_are_started_anew(told: SimpleNamespace) -> None:
    assert sum("from multiprocessing.spawn import spawn_main" in line for line in told.method) == 2


@pytest.mark.parametrize("how", [pytest.param("", marks=pytest.mark.thorough), "killed"])
def test_the_cluster_ends_with_the_student(tmp_path: Path, how: str) -> None:
    (tmp_path / "ends.py").write_text(ENDS)
    done = hidden(tmp_path, "ends.py", how)
    started = [int(number) for number in done.stdout.split()]
    assert len(started) >= 3  # a server and two workers
    assert gone(started, seconds=20)


def gone(pids: list[int], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while any(map(psutil.pid_exists, pids)) and time.monotonic() < until:
        time.sleep(0.1)
    return not any(map(psutil.pid_exists, pids))


@pytest.fixture
def folder(tmp_path: Path, ex02: Exercise, blank: Callable[[str], NotebookNode]) -> Path:
    """fit_small is right, predict_large wrong, the others are blank."""
    hypatia = next(sample for sample in read_samples(ex02, SAMPLES) if sample.student == "hypatia")
    answers = {"fit_small": hypatia.answers["fit_small"], "predict_large": WRONG}
    filled = fill(replace(hypatia, answers=answers), blank(ex02.name))
    nbformat.write(filled, tmp_path / NOTEBOOK)
    return tmp_path


@pytest.mark.thorough
def test_pytest_judges_the_notebook(folder: Path) -> None:
    done = hidden(folder, "-m", "pytest", "--color=no", "-p", "no:cacheprovider", "-k", "values")
    assert "1 failed, 1 passed" in done.stdout and "2 blank" in done.stdout, done.stdout
    assert "predict_large::values" in done.stdout


def test_pytest_says_that_there_is_no_box(folder: Path) -> None:
    done = hidden(folder, "-m", "pytest", "--boxed")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--boxed needs Linux" in done.stderr and "Traceback" not in done.stderr


def test_the_doctor_says_that_grading_needs_linux(tmp_path: Path) -> None:
    done = hidden(tmp_path, "-m", "autograder", "doctor")
    assert done.returncode == 1
    assert "Grading needs Linux" in done.stderr and "Traceback" not in done.stderr


def test_memory_that_nobody_reports_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    ex03 = catalogue.find("ex03_incremental_training")
    assert ex03 is not None
    workers = {f"tcp://127.0.0.1:{n}": {"nthreads": 1, "memory_limit": 640_000_000} for n in (1, 2)}
    client = SimpleNamespace(scheduler_info=lambda n_workers: {"workers": workers})
    memory = tuple(spec for spec in ex03.checks if spec.check == "memory")
    assert memory
    monkeypatch.setattr(system, "tells_memory", lambda: False)
    _, judged, remark = own_cluster.fit(ex03, ex03.checks, client)
    assert judged == tuple(spec for spec in ex03.checks if spec.check != "memory")
    assert "Memory was not checked" in remark
    with pytest.raises(ClusterError, match="Memory was not checked"):
        own_cluster.fit(ex03, memory, client)
