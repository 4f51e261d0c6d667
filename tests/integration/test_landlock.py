"""Boxes behind Landlock: their limits, their end, and marks where there are no namespaces."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from checkout import ROOT
from course import CLASS, EX02
from hostile.corpus import tiny
from nbformat import NotebookNode

from autograder.errors import HarnessError
from autograder.evidence.in_sandbox import MODULES
from autograder.sandbox import processes, walls
from autograder.sandbox.session import Session

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("landlock", "leaves_nothing")]

GRADED = ("hypatia", "abel")
"""All right, and some faults."""


LEAVES = "import os, time; _ = os.fork() or (os.setsid(), os.fork(), time.sleep(99))"


@pytest.fixture
def landlock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(walls.VARIABLE, "landlock")
    try:
        walls.require()
    except HarnessError as error:
        pytest.skip(str(error))
    yield


def run(session: Session, source: str) -> str:
    output = session.execute(source, 180)
    assert output.failure is None, output.failure
    assert output.stopped is None, output.stopped
    streams = [each for each in output.outputs if each["output_type"] == "stream"]
    # Dask warns of a port that somebody else's dashboard has: the box has the machine's ports.
    return "".join(each["text"] for each in streams if each["name"] == "stdout")


def test_a_notebook_works_as_elsewhere_and_leaves_nothing() -> None:
    exercise = replace(tiny(), limits=replace(tiny().limits, wall_seconds=240.0))
    with Session(exercise, MODULES) as session:
        told = run(
            session,
            """
import os, shutil, tempfile
from pathlib import Path
from dask.distributed import Client, Lock
from cluster import connect
client = connect()
with Lock("one"):
    print(client.submit(sum, [1, 2]).result())
mine = Client(n_workers=2, threads_per_worker=1)
print(mine.submit(sum, [3, 4]).result())
mine.close()
folder = Path(tempfile.mkdtemp())
(folder / "a").write_text("copied")
shutil.copy2(folder / "a", Path.home() / "b")
print((Path.home() / "b").read_text())
import joblib
print(joblib.Parallel(2)(joblib.delayed(abs)(-n) for n in range(3)))
get_ipython().system("echo from a shell")
""",
        )
        assert told.split("\n")[:-1] == ["3", "7", "copied", "[0, 1, 2]", "from a shell"]
        run(session, LEAVES)
        inside = [process.pid for process in processes.tree(session.box.root)]
        assert len(inside) > 6
    assert not any(os.path.exists(f"/proc/{number}") for number in inside)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("kept = [bytearray(64 << 20) for _ in range(100)]", "GB of memory"),
        (
            "import os, time\nfor _ in range(12): os.fork()\ntime.sleep(9)",
            "that a submission may have",
        ),
        ("for n in range(20_000): open(f'{n}', 'w').close()", "more files and folders"),
    ],
)
def test_its_limits_hold(cell: str, words: str) -> None:
    # Whoever forks without end slows down the grader's own look at it, too.
    exercise = tiny()
    exercise = replace(exercise, limits=replace(exercise.limits, wall_seconds=120))
    with Session(exercise, MODULES) as session:
        output = session.execute(cell, 120)
        assert output.stopped is not None and words in output.stopped
        assert session.ended == output.stopped


def under_docker_profile(*command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    script = Path(__file__).parents[1] / "support" / "docker_profile.py"
    return subprocess.run(
        [sys.executable, str(script), sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def test_where_namespaces_are_refused_bubblewrap_says_which_wall_there_is() -> None:
    done = under_docker_profile(
        "-c", "from autograder.sandbox import walls; walls.require()", **{walls.VARIABLE: "bwrap"}
    )
    assert done.returncode == 1
    assert "The landlock wall can be built here: AUTOGRADER_WALL=landlock" in done.stdout


@pytest.mark.alone
@pytest.mark.thorough
def test_marks_are_the_same_where_namespaces_are_refused(
    blank: Callable[[str], NotebookNode], tmp_path: Path
) -> None:
    """The verdict of each sample is the one stated, which it gets in bubblewrap's box, too."""
    released = tmp_path / "released.ipynb"
    nbformat.write(blank(EX02), released)
    script = ROOT / "tests" / "support" / "grade_samples.py"
    done = under_docker_profile(str(script), str(released), *GRADED)
    assert done.returncode == 0, done.stdout
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == {
        student: [sum(CLASS[student].verdict.values()), "landlock"] for student in GRADED
    }
