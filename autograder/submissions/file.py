"""A notebook file as nbformat reads it."""

from pathlib import Path
from typing import TYPE_CHECKING

from autograder import reader
from autograder.errors import SubmissionError
from autograder.formats import one_line, shorten

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = [
    "MOST_BYTES",
    "MOST_CELLS",
    "check",
    "grade_id_of",
    "load",
    "prepare",
    "read",
    "refuse_many_cells",
]

MOST_BYTES = 20 << 20
"""Of a notebook file; a released one has about 30 kB, its outputs are not needed. Full of pictures,
it takes 170 MB of address space to read and write again; a reader has 268."""

MOST_CELLS = 1000
"""Of an exercise's notebook; a released one has about sixty. nbgrader looks each of them up in its
gradebook and checks it several times: ten thousand took it more than a minute."""


def read(path: Path, most: float = MOST_BYTES) -> "NotebookNode":
    """Read a notebook file.

    Parameters
    ----------
    path : Path
    most : float
        Bytes that it may have.

    Raises
    ------
    SubmissionError
        If there is no such file, it is no notebook of a format that nbformat knows, or it takes
        too much time or memory to read.
    """
    name = one_line(path.name)
    if not path.exists():
        raise SubmissionError(f"{name}: there is no such file.")
    if not path.is_file():
        raise SubmissionError(f"{name} is not a file but something else, such as a folder.")
    if path.stat().st_size > most:
        raise SubmissionError(
            f"{name} has {path.stat().st_size / 1e6:.0f} MB, more than the "
            f"{most / 1e6:.0f} MB that a notebook may have; clear its outputs and submit it "
            "again."
        )
    reader.read(check, path.absolute(), what=name)
    return load(path)


def refuse_many_cells(path: Path, notebook: "NotebookNode") -> None:
    """Refuse a notebook that has more cells than an answer to an exercise needs.

    Raises
    ------
    SubmissionError
        With their number.
    """
    if len(notebook.cells) > MOST_CELLS:
        raise SubmissionError(
            f"{one_line(path.name)} has {len(notebook.cells):,} cells, more than the "
            f"{MOST_CELLS:,} that the notebook of an exercise may have; remove what the answer "
            "does not need and submit it again."
        )


def load(path: Path) -> "NotebookNode":
    """Read a notebook that can be written again.

    Raises
    ------
    SubmissionError
        If it is no notebook of a format that nbformat knows.
    """
    # Takes a second, and self-checks need only the stubs.
    import nbformat

    try:
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if not isinstance(cell.source, str) or not isinstance(cell.metadata, dict):
                raise TypeError(f"a {shorten(one_line(str(cell.cell_type)), 60)} cell without text")
        # Half a surrogate pair, or an output without a type, can stand in JSON, but in no notebook
        # that is written afterwards.
        nbformat.v4.writes(notebook).encode()
    except Exception as error:
        # nbformat raises what its parsers raise: JSON errors, KeyError, AttributeError, ...
        raise SubmissionError(
            f"{one_line(path.name)} is not a notebook that Jupyter can open "
            f"({_first_line(error)}); open it in JupyterLab, save it and submit it again."
        ) from error
    return notebook


def prepare() -> None:
    """Load what nbformat loads when it first validates."""
    import nbformat

    nbformat.validate(nbformat.v4.new_notebook())


def check(path: Path) -> bytes:
    """Read a notebook and return nothing, in a reader: see `load`."""
    load(path)
    return b""


def grade_id_of(cell: "NotebookNode") -> str | None:
    """Return nbgrader's name of a cell."""
    metadata = cell.metadata.get("nbgrader")
    grade_id = metadata.get("grade_id") if isinstance(metadata, dict) else None
    return grade_id if isinstance(grade_id, str) else None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (
        f"{type(error).__name__}: {shorten(one_line(lines[0]), 160)}"
        if lines
        else type(error).__name__
    )
