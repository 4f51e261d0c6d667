import subprocess
import sys
import zipfile
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", str(folder), str(PROJECT)],
        check=True,
    )  # fmt: skip
    (path,) = folder.glob("dask_scaling_kit-*.whl")
    return zipfile.ZipFile(path)


def holders(wheel: zipfile.ZipFile, wanted: Callable[[str], bool]) -> list[str]:
    """Files of the wheel whose text is wanted."""
    return [name for name in wheel.namelist() if wanted(wheel.read(name).decode(errors="replace"))]


def solution_lines() -> set[str]:
    """The telling lines between BEGIN and END SOLUTION of every exercise."""
    lines: set[str] = set()
    for path in (PROJECT / "solutions").glob("*.py"):
        inside = False
        for line in path.read_text().splitlines():
            inside = (inside or "BEGIN SOLUTION" in line) and "END SOLUTION" not in line
            if inside and "BEGIN SOLUTION" not in line and len(line.strip()) > 40:
                lines.add(line.strip())
    return lines


def test_the_wheel_holds_no_reference_solution(wheel: zipfile.ZipFile) -> None:
    telling = solution_lines()
    assert telling
    # build.py names the markers that it looks for; the template is of no exercise of the kit.
    marked = holders(wheel, lambda text: "### BEGIN SOLUTION" in text)
    assert set(marked) == {"autograder/author/build.py", "autograder/author/template/solution.py"}
    assert not holders(wheel, lambda text: any(line in text for line in telling))
    assert not [name for name in wheel.namelist() if "solutions" in name or "tests/" in name]


def test_the_wheel_holds_what_a_course_needs(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert "autograder/exercises/ex02_parallel_prediction/exercise.toml" in names
    assert "autograder/exercises/ex02_parallel_prediction/cases.py" in names
    assert "autograder/report/templates/card.html" in names
    assert {"cluster/profiles/local.toml", "cluster/py.typed", "autograder/py.typed"} <= names
    (data,) = {name.split("/")[0] for name in names if ".data/" in name}
    assert {name for name in names if name.startswith(data)} == {
        f"{data}/data/etc/jupyter/jupyter_server_config.d/dask-scaling-kit.json",
        f"{data}/data/etc/jupyter/nbgrader_config.json",
        f"{data}/data/etc/ipython/ipython_kernel_config.json",
    }
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {
        "autograder",
        "cluster",
        data,
    }


def test_the_wheel_announces_command_provisioner_and_plugin(wheel: zipfile.ZipFile) -> None:
    (path,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    entries = ConfigParser()
    entries.read_string(wheel.read(path).decode())
    assert dict(entries["console_scripts"]) == {"autograder": "autograder.cli:main"}
    assert "box-provisioner" in entries["jupyter_client.kernel_provisioners"]
    assert "dask-scaling-kit" in entries["pytest11"]


def test_the_lock_file_pins_and_hashes_everything_and_names_no_index() -> None:
    text = (PROJECT / "requirements.lock").read_text()
    assert "://" not in text
    assert all(f"--{option}" not in text for option in ("index-url", "find-links"))
    requirements = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert requirements and all("==" in line for line in requirements)
    assert text.count("--hash=sha256:") >= len(requirements)
