"""The hostile corpus: attacks on the grader, each in a folder with an ``attack.toml``.

An attack is poured into the notebook of the tiny exercise in ``course/``::

    family = "forging"
    about = "…"                       # one sentence
    most = 4                          # points that its honest part earns
    harm = true                       # could hurt the machine if the box failed; never run in stock
    says = "…"                        # must stand in what is said of the submission
    refused = "…"                     # why it is not graded at all, said to its student alone
    tries = false                     # its cells need not all come as far as saying TRIED
    together = "read_all"             # handed in with others that change nothing for each other

    [answers]                         # of total and spread; "honest" stands for the solution
    [[cell]]                          # further code, before the blanks
    name = "…"
    source = '''…'''

A cell prints ``TRIED`` when it has come as far as its attack, and ``LEAK`` when that succeeded.
``@COURSE@`` stands for the folder of the whole course, with everything that an attacker wants.

What is more than code stands in ``submission.py``: ``change(notebook)`` changes what is handed
in, ``place(path, course)`` the files of the submission, with the notebook at ``path``.
"""

import importlib.util
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import nbformat
from course import Course
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions

from autograder.author.build import build
from autograder.exercise import catalogue
from autograder.model import Exercise
from autograder.sandbox import walls

__all__ = [
    "ATTACKS", "CLASSES", "Attack", "Cell", "cell_id", "hand_in", "released", "solved",
    "submissions", "tiny",
]  # fmt: skip

HERE = Path(__file__).parent

HONEST = {
    "total": "def total(numbers):\n    return np.square(numbers).sum()",
    "spread": "def spread(X):\n    return X.map_blocks(grind, dtype=float, chunks=(1,))",
}

GUARDS = {
    "bwrap": """import os, socket, sys
if socket.gethostname() != "box" or not os.path.isdir("/opt/dask-scaling-kit") \\
        or os.path.exists("@COURSE@"):
    raise SystemExit("LEAK: not in the box, so nothing was tried")
""",
    "landlock": """import os, socket, sys
with open("/proc/self/status") as _status:
    _held = [line.split()[1] for line in _status if line.startswith(("NoNewPrivs:", "Seccomp:"))]
try:
    os.listdir("@COURSE@"); _held = []
except PermissionError:
    pass
if _held != ["1", "2"]:
    raise SystemExit("LEAK: not in the box, so nothing was tried")
""",
}
"""By wall: what makes sure that code is in a box."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Code that is an attack of its own."""

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Attack:
    """One hostile submission, or a part of one."""

    name: str
    family: str
    about: str
    most: float
    answers: dict[str, str]
    cells: tuple[Cell, ...]
    changes: ModuleType | None = None
    harm: bool = False
    says: str = ""
    refused: str = ""
    tries: bool = True
    together: str = ""

    @property
    def student(self) -> str:
        """Who hands it in."""
        return self.together or self.name


def _load(path: Path) -> Attack:
    told = tomllib.loads(path.read_text())
    answers = {
        name: HONEST[name] if source == "honest" else source.strip("\n")
        for name, source in told.pop("answers", {}).items()
    }
    cells = tuple(Cell(cell["name"], cell["source"].strip("\n")) for cell in told.pop("cell", ()))
    name = path.parent.name
    changes = _module(name, path.with_name("submission.py"))
    return Attack(name=name, answers=answers, cells=cells, changes=changes, **told)


def _module(name: str, path: Path) -> ModuleType | None:
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location(f"hostile_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ATTACKS = {path.parent.name: _load(path) for path in sorted(HERE.glob("*/attack.toml"))}


def submissions() -> dict[str, list[Attack]]:
    """Return who hands in what."""
    found = defaultdict(list)
    for attack in ATTACKS.values():
        found[attack.student].append(attack)
    return dict(found)


def _chosen() -> dict[str, list[Attack]]:
    """Return who hands in what in ``make test``: every kind of attack, in a quarter of the boxes.

    That is every submission that is several attacks at once, and every one that is refused before
    a box is started; of a family that has none of the first kind, and of exhaustion, whose joint
    submission keeps to its limits, also the first attack, by name, that is one by itself.
    """
    joint = {a.family for attacks in submissions().values() if len(attacks) > 1 for a in attacks}
    alone: dict[str, str] = {}
    for student, attacks in submissions().items():
        family = attacks[0].family
        if len(attacks) == 1 and not attacks[0].refused and family not in joint - {"exhaustion"}:
            alone.setdefault(family, student)
    return {
        student: attacks
        for student, attacks in submissions().items()
        if len(attacks) > 1 or attacks[0].refused or student in alone.values()
    }


CLASSES = {"chosen": _chosen(), "whole": submissions()}
"""Who hands in what in ``make test``, and in ``make test-all``."""


def tiny() -> Exercise:
    """Return the exercise that is attacked."""
    return catalogue.load(HERE / "course" / "exercises" / "tiny")


def solved() -> NotebookNode:
    """Return its notebook with the solutions."""
    text = build(HERE / "course" / "solutions" / "tiny.py", tiny())
    return nbformat.reads(text, as_version=4)


def released() -> NotebookNode:
    """Return its notebook as students get it."""
    return ClearSolutions().preprocess(solved(), {})[0]


def cell_id(attack: Attack, number: int) -> str:
    """Return the name of a cell that an attack adds."""
    return f"{attack.name}-{number}"


def pour(attacks: Sequence[Attack], course: Path, blank: NotebookNode) -> NotebookNode:
    """Return the notebook that is handed in with some attacks in it.

    Parameters
    ----------
    attacks : sequence of Attack
        With the same answers.
    course : Path
        What is after.
    blank : NotebookNode
        The released notebook; it is changed.
    """
    answers = attacks[0].answers
    assert all(attack.answers == answers for attack in attacks)
    cells: list[NotebookNode] = []
    for cell in blank.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name in answers:
            harm = attacks[0].harm and answers[name] != HONEST[name]
            cell.source = _aimed(answers[name], harm, course)
        cells.append(cell)
        if name == "setup":
            for attack in attacks:
                for number, added in enumerate(attack.cells):
                    extra = nbformat.v4.new_code_cell(_aimed(added.source, attack.harm, course))
                    extra.id = cell_id(attack, number)
                    cells.append(extra)
    blank.cells = cells
    for attack in attacks:
        if hasattr(attack.changes, "change"):
            attack.changes.change(blank)
    return blank


def hand_in(course: Course, student: str, attacks: Sequence[Attack]) -> None:
    """Hand in attacks that are one submission: the notebook, and the files beside it."""
    course.hand_in(student, pour(attacks, course.root, course.released("tiny")), "tiny")
    for attack in attacks:
        if hasattr(attack.changes, "place"):
            attack.changes.place(course.place(student, "tiny"), course.root)


def _aimed(source: str, harm: bool, course: Path) -> str:
    guard = GUARDS[walls.chosen().name] if harm else ""
    return (guard + source).replace("@COURSE@", str(course))
