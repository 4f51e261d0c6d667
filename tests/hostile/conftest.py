"""A course with everything that an attacker wants, and a round of the tiny exercise in it."""

import hashlib
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from autograder import pipeline
from autograder.measure import rounds
from hostile import corpus


@pytest.fixture(scope="session")
def prey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course folder with gradebook, solutions and other people's work."""
    root = tmp_path_factory.mktemp("prey")
    shutil.copytree(corpus.HERE / "course" / "exercises", root / "exercises")
    for place in ("source/tiny", "submitted/other/tiny", "autograded/other/tiny", "feedback/other"):
        (root / place).mkdir(parents=True)
    nbformat.write(corpus.solved(), root / "source/tiny/tiny.ipynb")
    nbformat.write(corpus.released(), root / "submitted/other/tiny/tiny.ipynb")
    shutil.copy(root / "submitted/other/tiny/tiny.ipynb", root / "autograded/other/tiny")
    (root / "feedback/other/tiny.html").write_text("<p>8 of 8 points</p>")
    with sqlite3.connect(root / "gradebook.db") as database:
        database.execute("CREATE TABLE grade (student TEXT, auto_score REAL)")
        database.execute("INSERT INTO grade VALUES ('other', 8), ('attacker', 0)")
    return root


@pytest.fixture(scope="session")
def tiny_bench(prey: Path) -> pipeline.Bench:
    exercise = corpus.tiny()
    round_ = rounds.current(prey / "evidence", exercise)
    solution = prey / "source/tiny/tiny.ipynb"
    return pipeline.Bench(exercise, round_, pipeline.reference(solution, exercise, round_))


@pytest.fixture
def untouched(prey: Path) -> Iterator[None]:
    """Fail the test if any file of the course that was there before is another afterwards."""
    before = fingerprint(prey)
    yield
    after = fingerprint(prey)
    assert {name: after.get(name) for name in before} == before
    new = sorted(set(after) - set(before))
    assert [name for name in new if not name.startswith("evidence/tiny/round-1/")] == []


def fingerprint(root: Path) -> dict[str, str]:
    """Return what every file below a folder holds, and whose it is."""
    return {
        str(path.relative_to(root)): f"{path.lstat().st_mode:o} {_digest(path)}"
        for path in sorted(root.rglob("*"))
        if not path.is_dir()
    }


def _digest(path: Path) -> str:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > 1 << 30:
        return str(status.st_size)
    return hashlib.sha256(path.read_bytes()).hexdigest()
