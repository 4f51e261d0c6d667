"""Both packages as an instructor installs them: a demonstration far away from any checkout."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from checkout import ROOT

pytestmark = pytest.mark.slow

EX05 = "ex05_batch_cluster"
"""The exercise that is graded fastest: nothing of it is timed."""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("wheels")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", folder, ROOT, ROOT / "packaging" / "instructor"],
        check=True,
    )  # fmt: skip
    return sorted(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with both; all else is lent by the one that runs the tests."""
    place = tmp_path_factory.mktemp("instructor") / "venv"
    venv.create(place)
    python = place / "bin" / "python"
    packages = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    lent = f"import sys; sys.path.append({sysconfig.get_path('purelib')!r})\n"
    Path(packages, "lent.pth").write_text(lent)
    pip = (sys.executable, "-m", "pip", "--python", python)
    subprocess.run([*pip, "install", "--quiet", "--no-deps", *wheels], check=True)
    (place / "share").mkdir()
    (place / "share" / "jupyter").symlink_to(Path(sys.prefix, "share", "jupyter"))
    # nbgrader calls alembic by its name.
    alembic = Path(sysconfig.get_path("scripts"), "alembic").read_text().splitlines()[1:]
    (place / "bin" / "alembic").write_text("\n".join([f"#!{python}", *alembic]))
    (place / "bin" / "alembic").chmod(0o755)
    return place


def type_in(environment: Path, where: Path, *command: str) -> str:
    done = subprocess.run(
        [environment / "bin" / command[0], *command[1:]], cwd=where, text=True, timeout=280,
        env={"PATH": f"{environment / 'bin'}:{os.environ['PATH']}", "HOME": str(where),
             "LANG": "C.UTF-8"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_package_for_instructors_holds_the_checkouts_files_and_nothing_else(
    wheels: list[Path],
) -> None:
    names = ("nbgrader_config.py", "solutions/**/*.py", "source/*/*.ipynb", "samples/**/*.toml")
    wanted = {path for name in names for path in ROOT.glob(name)}
    (path,) = (path for path in wheels if "instructor" in path.name)
    with zipfile.ZipFile(path) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
        package = "dask_scaling_kit_instructor"
        assert held == {f"{package}/__init__.py"} | {
            f"{package}/{path.relative_to(ROOT)}" for path in wanted
        }
        for path in wanted:
            assert wheel.read(f"{package}/{path.relative_to(ROOT)}") == path.read_bytes()


@pytest.mark.thorough
def test_a_demonstration_needs_no_checkout(environment: Path, tmp_path: Path) -> None:
    said = type_in(environment, tmp_path, "autograder", "demo", "here", EX05, "--students", "2")
    assert "2 submissions with their marks: here/grades.csv" in said
    # Who is graded is shown then, and not at the end.
    assert said.index("ada") < said.index("nbgrader autograde: done")
    assert len(list(tmp_path.glob(f"here/feedback/*/{EX05}/{EX05}.html"))) == 2


@pytest.mark.thorough
def test_an_exercise_is_verified_without_a_checkout(environment: Path, tmp_path: Path) -> None:
    said = type_in(environment, tmp_path, "autograder", "verify", EX05)
    assert "All 5 steps passed." in said


def test_no_box_can_read_the_solutions(environment: Path, tmp_path: Path) -> None:
    look = (
        "import subprocess, sys; from pathlib import Path\n"
        "import dask_scaling_kit_instructor as data\n"
        "from autograder.sandbox.bubblewrap import command\n"
        "from autograder.sandbox.wall import Sandbox\n"
        "folder = Path(data.__file__).parent\n"
        "print(len(list(folder.rglob('*.toml'))) > 9)\n"
        "inside = 'import sys; from pathlib import Path; '\\\n"
        "    'print(Path(sys.argv[1]).is_dir(), len(list(Path(sys.argv[1]).rglob(\"*\"))))'\n"
        "line = command(Sandbox(), [sys.executable, '-c', inside, str(folder)])\n"
        "print(subprocess.run(line, capture_output=True, text=True, check=True).stdout)\n"
    )
    said = type_in(environment, tmp_path, "python", "-c", look)
    assert said.split() == ["True", "True", "0"]
