"""A hostile class, honest students among them: nobody gains a point, nobody loses one.

All attacks of a class are handed in and graded in one batch of the real nbgrader, so that each has
its chance at all the others: in ``make test`` those that ``corpus.py`` chooses, of every kind, and
in ``make test-all`` the whole corpus.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

import course
import nbformat
import pytest
from nbgrader.api import MissingEntry

from autograder.report import terminal
from autograder.sandbox import scratch
from hostile import kill
from hostile.batch import Batch, fingerprint
from hostile.corpus import ATTACKS, CLASSES, Attack, cell_id, tiny

pytestmark = pytest.mark.slow

HONEST = tuple(kill.STUDENTS)
REFUSED = {name: attack for name, attack in ATTACKS.items() if attack.refused}
RUN = sorted({attack.student for attack in ATTACKS.values() if not attack.refused})
MARKS = {"chosen": (), "whole": (pytest.mark.thorough,)}


def of_each_class(argument: str, names: Collection[str]) -> pytest.MarkDecorator:
    """Parametrise a test by the attacks, or attackers, that are in a class."""
    return pytest.mark.parametrize(
        ("hostile_class", argument),
        [
            pytest.param(class_, name, id=f"{class_}-{name}", marks=MARKS[class_])
            for class_, attackers in CLASSES.items()
            for name in sorted(names)
            if (ATTACKS[name].student if name in ATTACKS else name) in {*attackers, *HONEST}
        ],
        indirect=["hostile_class"],
    )


each_class = pytest.mark.parametrize(
    "hostile_class",
    [pytest.param(class_, marks=marks) for class_, marks in MARKS.items()],
    indirect=True,
)

MOST_MEMORY = 500_000_000
"""Bytes of the grader itself, over the whole batch."""

MOST_SECONDS = 5 * (tiny().limits.wall_seconds + 60 + 30)
"""What the exercise gives a submission, the start of its last box, and the end of it; five times as
long, for a machine of which others have most. What is not bounded takes hours."""


@of_each_class("name", set(ATTACKS) - set(REFUSED))
def test_attack_gains_nothing(name: str, hostile_class: Batch) -> None:
    attack = ATTACKS[name]
    result = hostile_class.results[attack.student]
    marks = hostile_class.mixed.marks(attack.student, "tiny")
    if result.grade is None:
        # A limit of time was passed on a machine that others kept busy.
        assert "That is nobody's fault" in result.reason and attack.family != "honest"
        assert all(mark.auto is None for mark in marks.values())
        return
    words = _words(hostile_class, attack.student)
    told = _told(attack, hostile_class, words)
    report = f"{terminal.render(result.grade)}\n{told}"
    assert sum(mark.auto or 0 for mark in marks.values()) == pytest.approx(result.grade.points)
    assert result.grade.points <= attack.most, report
    if attack.family in ("honest", "notebook", "files") and attack.most == 8:
        assert result.grade.points == 8, report
    assert "LEAK" not in told, report
    if attack.tries:
        assert told.count("TRIED") == len(attack.cells), report
    # Wherever the terminal breaks its lines.
    everything = " ".join(f"{report}\n{' '.join(words.values())}".split())
    assert attack.says in everything, everything


def _told(attack: Attack, batch: Batch, words: Mapping[int, str]) -> str:
    """Return what the cells of an attack printed and what became of them."""
    submitted = nbformat.read(batch.mixed.place(attack.student, "tiny"), 4).cells
    own = {cell_id(attack, number) for number in range(len(attack.cells))}
    places = [i for i, cell in enumerate(submitted) if cell.get("id") in own]
    return "\n".join(words[place] for place in places if place in words)


def _words(batch: Batch, student: str) -> dict[int, str]:
    """Return what every cell that was run printed, and what became of it, by its place."""
    evidence = batch.evidence(student)
    assert evidence is not None
    return {
        cell.index: "\n".join(
            str(word)
            for word in [*(output.get("text", "") for output in cell.outputs),
                         cell.failure.message if cell.failure else "", cell.stopped or ""]
        )
        for cell in evidence.cells
    }  # fmt: skip


@of_each_class("student", RUN)
def test_attack_is_bounded_and_leaves_nothing(student: str, hostile_class: Batch) -> None:
    if student not in hostile_class.began:
        # The same code as somebody else's, who went before: it is not run again.
        keys = [result.evidence for result in hostile_class.results.values()]
        assert keys.count(hostile_class.results[student].evidence) > 1
        return
    assert hostile_class.alive[student] == []
    assert hostile_class.ended[student] - hostile_class.began[student] < MOST_SECONDS


@of_each_class("name", REFUSED)
def test_odd_files_stop_their_own_student_with_a_sentence(name: str, hostile_class: Batch) -> None:
    assert REFUSED[name].refused in hostile_class.results[name].reason
    assert REFUSED[name].refused in hostile_class.log
    assert not hostile_class.mixed.autograded(name, "tiny").exists()
    # One that is refused before nbgrader has looked at it does not stand in the gradebook at all.
    with suppress(MissingEntry):
        marks = hostile_class.mixed.marks(name, "tiny")
        assert all(mark.auto is None for mark in marks.values())


@of_each_class("student", HONEST)
def test_honest_student_has_the_same_marks_and_files(student: str, hostile_class: Batch) -> None:
    quiet, mixed = hostile_class.quiet, hostile_class.mixed
    assert mixed.marks(student, "tiny") == quiet.marks(student, "tiny"), hostile_class.log
    files = [fingerprint(each.autograded(student, "tiny").parent) for each in (quiet, mixed)]
    assert files[0] == files[1]


@each_class
def test_batch_ends_in_order(hostile_class: Batch) -> None:
    assert hostile_class.status == 1, hostile_class.log[-3000:]  # some were not graded
    at = hostile_class.log.find("Traceback")
    assert at < 0, hostile_class.log[max(at - 1000, 0) : at + 2000]
    assert hostile_class.memory < MOST_MEMORY
    assert hostile_class.groups_left == []
    assert hostile_class.mounts == []
    assert len(hostile_class.results) == len(hostile_class.attackers) + len(HONEST)


@each_class
def test_nobodys_other_files_are_changed(hostile_class: Batch) -> None:
    assert hostile_class.after == hostile_class.before
    assert scratch.size(hostile_class.mixed.root / "autograded")[0] < 100e6
    assert not Path("/tmp/unpickled-by-the-grader").exists()


@each_class
def test_feedback_of_the_honest_is_the_same_page(
    hostile_class: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", course.with_scripts())
    pages = []
    for each in (hostile_class.quiet, hostile_class.mixed):
        done = each.nbgrader("generate_feedback", "tiny", "--force")
        assert done.returncode == 0, done.stdout
        pages.append(
            {s: (each.root / "feedback" / s / "tiny" / "tiny.html").read_bytes() for s in HONEST}
        )
    assert pages[0] == pages[1]


@each_class
def test_mended_submissions_are_graded_by_the_next_run(
    hostile_class: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet, mixed = hostile_class.quiet, hostile_class.mixed
    monkeypatch.setenv("PATH", course.with_scripts())
    for name in REFUSED:
        scratch.remove(mixed.root / "submitted" / name)
    kill.hand_in(mixed, "file_link", kill.STUDENTS["ada"])
    done = mixed.nbgrader("autograde", "tiny")
    # One that was left ungraded since others kept the machine busy may be left once more.
    assert done.returncode == 0 or "That is nobody's fault" in done.stdout, done.stdout
    # The same code in the same round: the same evidence.
    assert mixed.marks("file_link", "tiny") == quiet.marks("ada", "tiny")
