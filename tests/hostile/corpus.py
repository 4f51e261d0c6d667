"""The hostile corpus: attacks on the grader, each in a folder with an ``attack.toml``.

An attack is poured into the notebook of the tiny exercise in ``course/``::

    family = "forging"
    about = "…"                       # one sentence
    most = 4                          # points that its honest part earns
    harm = true                       # could hurt the machine if the box failed; never run in stock
    says = "…"                        # must stand in what is said of the submission

    [answers]                         # of total and spread; "honest" stands for the solution
    [[cell]]                          # further code, before the blanks; each an attack of its own
    name = "…"
    source = '''…'''

A cell prints ``TRIED`` when it has come as far as its attack, and ``LEAK`` when that succeeded.
``@COURSE@`` stands for the folder of a whole course, with everything that an attacker wants.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions

from autograder import exercise
from autograder.build import build
from autograder.course import STUB
from autograder.model import Exercise

__all__ = ["ATTACKS", "Attack", "Cell", "pour", "released", "solved", "tiny"]

HERE = Path(__file__).parent

HONEST = {
    "total": "def total(numbers):\n    return np.square(numbers).sum()",
    "spread": "def spread(X):\n    return X.map_blocks(grind, dtype=float, chunks=(1,))",
}

GUARD = """import os, socket, sys
if socket.gethostname() != "box" or not os.path.isdir("/opt/dask-scaling-kit") \\
        or os.path.exists("@COURSE@"):
    raise SystemExit("LEAK: not in the box, so nothing was tried")
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """Code that is an attack of its own."""

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Attack:
    """One hostile submission."""

    name: str
    family: str
    about: str
    most: float
    answers: dict[str, str]
    cells: tuple[Cell, ...]
    harm: bool = False
    says: str = ""
    tries: bool = True
    """Whether every cell comes as far as saying so; some end their kernel before."""


def _load(path: Path) -> Attack:
    told = tomllib.loads(path.read_text())
    answers = {
        name: HONEST[name] if source == "honest" else source.strip("\n")
        for name, source in told.pop("answers", {}).items()
    }
    cells = tuple(Cell(cell["name"], cell["source"].strip("\n")) for cell in told.pop("cell", ()))
    return Attack(name=path.parent.name, answers=answers, cells=cells, **told)


ATTACKS = {path.parent.name: _load(path) for path in sorted(HERE.glob("*/attack.toml"))}


def tiny() -> Exercise:
    """Return the exercise that is attacked."""
    return exercise.load(HERE / "course" / "exercises" / "tiny")


def solved() -> NotebookNode:
    """Return its notebook with the solutions."""
    text = build(HERE / "course" / "solutions" / "tiny.py", tiny())
    return nbformat.reads(text, as_version=4)


def released() -> NotebookNode:
    """Return its notebook as students get it."""
    return ClearSolutions(code_stub={"python": STUB}).preprocess(solved(), {})[0]


def pour(attack: Attack, course: Path) -> NotebookNode:
    """Return the notebook that an attacker hands in."""
    notebook = released()
    cells: list[NotebookNode] = []
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name in attack.answers:
            guard = GUARD if attack.harm and attack.answers[name] != HONEST[name] else ""
            cell.source = (guard + attack.answers[name]).replace("@COURSE@", str(course))
        cells.append(cell)
        if name == "setup":
            for number, added in enumerate(attack.cells):
                source = (GUARD if attack.harm else "") + added.source
                extra = nbformat.v4.new_code_cell(source.replace("@COURSE@", str(course)))
                extra.id = f"attack-{number}"
                cells.append(extra)
    notebook.cells = cells
    return notebook
