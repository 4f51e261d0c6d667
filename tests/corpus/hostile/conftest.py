"""A hostile class, graded once by the real nbgrader, with honest students in it."""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import course
import pytest

from hostile import kill
from hostile.batch import Batch, grade
from hostile.corpus import CLASSES, Attack, hand_in


@pytest.fixture
def hostile_class(request: pytest.FixtureRequest, graded: Callable[[str], Batch]) -> Batch:
    """The honest alone, graded; the same honest ones among the hostile of a class, graded."""
    return graded(request.param)


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Batch]:
    """Grade a class, once, whatever the order of the tests; what failed is not tried again."""
    done: dict[str, Batch | Exception] = {}

    def graded(name: str) -> Batch:
        if name not in done:
            try:
                done[name] = _graded(CLASSES[name], tmp_path_factory.mktemp("class"))
            except Exception as error:
                done[name] = error
        batch = done[name]
        if isinstance(batch, Exception):
            raise batch
        return batch

    return graded


def _graded(attackers: Mapping[str, Sequence[Attack]], base: Path) -> Batch:
    # The fixture lasts until the last test of all, its temporary folder no longer than the grading:
    # others would else have theirs in it, and in one that only its owner can look into.
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="c-") as short:
        patch.setenv("PATH", course.with_scripts())
        patch.setenv("TMPDIR", short)
        patch.setenv("HOSTILE_TEST_SECRET", "of the grader")
        patch.setattr(tempfile, "tempdir", short)
        quiet = kill.begin(base / "quiet")
        shutil.copytree(quiet.root, base / "mixed")
        done = quiet.nbgrader("autograde", "tiny")
        assert done.returncode == 0, done.stdout
        mixed = course.Course(base / "mixed")
        # The same round, the same inputs, and what was measured of the honest ones.
        shutil.copytree(quiet.root / "evidence", mixed.root / "evidence")
        shutil.rmtree(next((mixed.root / "evidence").glob("*/round-*/results")))
        _invade(mixed, attackers)
        batch = grade(quiet, mixed, attackers, Path(short))
        assert os.listdir(short) == []
    return batch


def _invade(mixed: course.Course, attackers: Mapping[str, Sequence[Attack]]) -> None:
    for place in ("feedback/ada/tiny", "autograded/ada/tiny", "exchange"):
        (mixed.root / place).mkdir(parents=True)
    (mixed.root / "feedback/ada/tiny/tiny.html").write_text("<p>8 of 8 points</p>")
    for student, attacks in attackers.items():
        hand_in(mixed, student, attacks)
