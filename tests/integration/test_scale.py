"""``autograder scale`` on real clusters of one and two workers, with a small input."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from checkout import SAMPLES

from autograder.author.samples import fill, read_samples, released
from autograder.exercise.catalogue import KIT
from autograder.model import Exercise

pytestmark = pytest.mark.slow

Scale = Callable[[str, str], subprocess.CompletedProcess[str]]
WRONG = "def predict_large(model, X):\n    return (model.predict(X) + 1) % 4"


@pytest.fixture
def scale(tmp_path: Path, ex02: Exercise, source: Path) -> Scale:
    """Run the command on a notebook with an answer of its own; ex02 has fewer rows here."""
    place = tmp_path / "exercises" / ex02.name
    shutil.copytree(KIT / ex02.name, place)
    spec = place / "exercise.toml"
    spec.write_text(spec.read_text().replace("rows = 56_000", "rows = 9_600"))
    hypatia = next(sample for sample in read_samples(ex02, SAMPLES) if sample.student == "hypatia")

    def scale(answer: str, workers: str) -> subprocess.CompletedProcess[str]:
        sample = replace(hypatia, answers={**hypatia.answers, "predict_large": answer})
        notebook = fill(sample, released(ex02, source))
        names = {"setup", *ex02.functions}
        notebook.cells = [
            cell
            for cell in notebook.cells
            if cell.metadata.get("nbgrader", {}).get("grade_id") in names
        ]
        nbformat.write(notebook, tmp_path / f"{ex02.name}.ipynb")
        return subprocess.run(
            [
                *(sys.executable, "-m", "autograder", "scale", ex02.name, "--workers", workers),
                *("--repeats", "1", "--exercises", "exercises", "--output", "out"),
            ],
            cwd=tmp_path,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=200,
        )

    return scale


@pytest.mark.thorough
def test_a_right_solution_is_measured_and_drawn(
    scale: Scale, tmp_path: Path, ex02: Exercise
) -> None:
    done = scale("def predict_large(model, X):\n    return model.predict(X)", "1,2")
    assert done.returncode == 0, done.stderr
    with open(tmp_path / "out" / f"{ex02.name}-scaling.csv") as file:
        rows = list(csv.DictReader(file))
    assert [(row["scaling"], row["workers"], row["input"]) for row in rows] == [
        ("strong", "1", "1"),
        ("strong", "2", "1"),
        ("weak", "1", "1"),
        ("weak", "2", "2"),
    ]
    # The clock depends on the machine; the replay of sixteen equal blocks does not.
    assert float(rows[1]["replayed_ratio"]) > 1.5
    assert int(rows[3]["tasks"]) > int(rows[1]["tasks"])
    page = (tmp_path / "out" / f"{ex02.name}-scaling.html").read_text()
    assert "How predict_large scales" in page and "<svg" in page
    assert not list(tmp_path.glob("dsk-*")) and not list(tmp_path.glob("cluster-*"))


def test_a_wrong_solution_is_not_measured(scale: Scale, tmp_path: Path) -> None:
    done = scale(WRONG, "2")
    assert done.returncode == 1
    assert "predict_large is wrong" in done.stderr
    assert "its speed means nothing" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
