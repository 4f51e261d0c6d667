"""The commands of ``docs/student.md``, run as a student types them: in order, in one shell.

Two things are other than at a student's. pip takes what the kit depends on from the environment
of the tests instead of fetching half a gigabyte; and the exercise has fewer rows, so that its
runs are short. JupyterLab is left as soon as it serves.
"""

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from checkout import SAMPLES
from course import EX02, ROOT, Course, with_scripts
from nbformat import NotebookNode

from autograder.author.samples import fill, read_samples
from autograder.exercise.catalogue import KIT
from autograder.instructor.new_course import start
from autograder.model import Exercise

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

PAGE = ROOT / "docs" / "student.md"
JUPYTER = "jupyter lab"


def commands(page: Path) -> Iterator[str]:
    """Every line of the page's console blocks."""
    for block in re.findall(r"^```console\n(.*?)^```", page.read_text(), re.M | re.S):
        yield from block.splitlines()


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory, ex02: Exercise) -> dict[str, str]:
    """What each command of the page printed, all of them run in order in a new home."""
    base = tmp_path_factory.mktemp("docs")
    course = Course(base / "course")
    start(ROOT, course.root)
    assert course.nbgrader("generate_assignment", EX02).returncode == 0
    assert course.nbgrader("release_assignment", EX02).returncode == 0
    downloads, home = base / "downloads", base / "home"
    _make_wheel(downloads)
    _settings(home, course.root / "exchange")
    answered = base / "answered.ipynb"
    hypatia = next(sample for sample in read_samples(ex02, SAMPLES) if sample.student == "hypatia")
    nbformat.write(_short(fill(hypatia, course.released()), ex02), answered)
    _small_exercise(home / "assignments" / "exercises")

    lines = []
    for number, command in enumerate(commands(PAGE)):
        lines += [f"echo '#{number}'", _in_shell(command)]
        if command.startswith("nbgrader fetch_assignment"):
            lines.append(f"cp {answered} {EX02}/{EX02}.ipynb")  # the student fills the blanks
        if command.startswith("python3 -m venv"):
            lines.append(_lend_packages(home / "scaling-ml"))
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(lines)],
        cwd=downloads,
        env={
            "HOME": str(home),
            "PATH": with_scripts(),
            "LANG": "C.UTF-8",
            "PIP_NO_DEPS": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "TMPDIR": str(base),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout
    parts = re.split(r"^#\d+\n", done.stdout, flags=re.M)[1:]
    return dict(zip(commands(PAGE), parts, strict=True))


def _in_shell(command: str) -> str:
    if command != JUPYTER:
        return command
    return (
        f"{JUPYTER} > lab.log 2>&1 & "
        "for i in $(seq 300); do grep -q 'is running at' lab.log && break; sleep 0.2; done\n"
        "kill $!; wait $! || true; cat lab.log; rm lab.log"
    )


def _make_wheel(place: Path) -> None:
    """What docs/instructor.md has the instructor make, and give to the class."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation",
         "--no-deps", "--wheel-dir", place, ROOT],
        check=True,
    )  # fmt: skip


def _settings(home: Path, exchange: Path) -> None:
    """What a student's machine knows before: the exchange; and how to run as root, unwatched."""
    place = home / ".jupyter"
    place.mkdir(parents=True)
    (place / "nbgrader_config.py").write_text(f"c.Exchange.root = {str(exchange)!r}\n")
    (place / "jupyter_server_config.py").write_text(
        "c.ServerApp.open_browser = False\nc.ServerApp.allow_root = True\n"
    )


def _lend_packages(venv: Path) -> str:
    """A line that lets a new environment see the packages of this one, but not this kit."""
    ours = sysconfig.get_path("purelib")
    scripts = sysconfig.get_path("scripts")
    # The commands of packages that are lent stand in the environment that lends them.
    return (
        f"for place in {venv}/lib/python3*/site-packages; do "
        # First, because a new environment may bring a setuptools that is too old.
        f"echo 'import sys; sys.path.insert(0, \"{ours}\")' > $place/lent.pth; done\n"
        f"for name in jupyter jupyter-lab nbgrader pytest alembic; do "
        f"sed '1s|.*|#!{venv}/bin/python|' {scripts}/$name > {venv}/bin/$name; "
        f"chmod +x {venv}/bin/$name; done\n"
        f"mkdir -p {venv}/share; ln -s {Path(scripts).parent}/share/jupyter {venv}/share/jupyter"
    )


def _small_exercise(folder: Path) -> None:
    """A course's own copy of the exercise, which goes before the kit's."""
    shutil.copytree(KIT / EX02, folder / EX02)
    spec = folder / EX02 / "exercise.toml"
    spec.write_text(spec.read_text().replace("rows = 56_000", "rows = 9_600"))


def _short(notebook: NotebookNode, exercise: Exercise) -> NotebookNode:
    """The notebook without the cells that are there to try things in."""
    wanted = {"setup", *exercise.functions, *(check.grade_id for check in exercise.checks)}
    notebook.cells = [
        cell
        for cell in notebook.cells
        if cell.cell_type != "code" or cell.metadata.get("nbgrader", {}).get("grade_id") in wanted
    ]
    return notebook


def test_every_command_of_the_page_was_run(said: dict[str, str]) -> None:
    assert JUPYTER in said
    assert len(said) >= 12


def test_the_kit_that_ran_is_the_one_that_was_installed(said: dict[str, str]) -> None:
    assert "Successfully installed dask-scaling-kit" in said["pip install dask_scaling_kit-*.whl"]


def test_the_commands_did_what_the_page_says(said: dict[str, str]) -> None:
    assert f"Fetched as: scaling-ml {EX02}" in next(v for k, v in said.items() if "fetch" in k)
    assert "is running at" in said[JUPYTER]
    assert "8 passed" in said["pytest"]
    assert "3 passed, 5 deselected" in said[f"pytest {EX02}.ipynb -k predict_large"]
    assert "1 passed, 7 deselected" in said["pytest --boxed -k fit_small"]
    assert "2 passed, 6 deselected" in said["pytest --profile local -k score_large"]
    assert f"wrote {EX02}-scaling.html" in next(v for k, v in said.items() if "scale" in k)
    assert f"Submitted as: scaling-ml {EX02}" in next(v for k, v in said.items() if "submit" in k)
