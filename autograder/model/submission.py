"""What a student handed in, parsed and never executed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["FunctionNames", "Submission", "SubmittedCell"]


@dataclass(frozen=True, slots=True)
class SubmittedCell:
    """A code cell of the student's notebook."""

    index: int
    """Position in the notebook, from 0, counting every cell."""
    source: str
    grade_id: str | None
    runs: bool
    """False for grade cells: points never come from what they print; and for what is left out."""
    left_out: bool = False
    """An experiment of the exercise that nothing else needs: it has its saved output."""


@dataclass(frozen=True, slots=True)
class FunctionNames:
    """The names that the code of a function reads, and what else it gives away."""

    cell: int | None = None
    """Position in the notebook of the cell that defines it, even if Python cannot parse it."""
    number: int | None = None
    """What Run All on a fresh kernel writes beside that cell."""
    unread: tuple[str, ...] = ()
    """Arguments whose values it never reads."""
    instead: tuple[tuple[str, str], ...] = ()
    """A variable that another cell defines, and the unread argument that it replaces."""
    settings: tuple[tuple[str, str], ...] = ()
    """A setting as it stands in a call, and as the docstring asks for it."""
    besides: tuple[str, ...] = ()
    """Settings that the docstring does not name, in calls with some that it names."""
    nothing: tuple[str, ...] = ()
    """Methods that change a list and return None, where the code uses what they return."""
    braces: tuple[str, ...] = ()
    """Arguments that stand in braces in a text which is no f-string."""
    helpers: tuple[str, ...] = ()
    """Functions of the notebook that the docstring names, and that are never used."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What the student handed in, parsed and never executed."""

    exercise: str
    cells: tuple[SubmittedCell, ...]
    untouched: frozenset[str]
    """Functions whose blanks are unchanged."""
    digest: str
    """Hash of all the code that runs, and of its position."""
    remarks: tuple[str, ...] = ()
    """Irregularities of the notebook that were corrected, for student and instructor."""
    names: Mapping[str, FunctionNames] = field(default_factory=dict)
    """By function."""
    stateless: bool = True
    """Whether experiments certainly leave no effect in the student's functions."""
