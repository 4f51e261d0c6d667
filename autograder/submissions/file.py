"""A notebook file as nbformat reads it."""

from pathlib import Path

import nbformat

from autograder.errors import SubmissionError
from autograder.formats import one_line, shorten

__all__ = ["check", "load", "prepare"]


def load(path: Path) -> nbformat.NotebookNode:
    """Read a notebook that can be written again.

    Raises
    ------
    SubmissionError
        If it is no notebook of a format that nbformat knows.
    """
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
    nbformat.validate(nbformat.v4.new_notebook())


def check(path: Path) -> bytes:
    """Read a notebook and return nothing, in a reader: see `load`."""
    load(path)
    return b""


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (
        f"{type(error).__name__}: {shorten(one_line(lines[0]), 160)}"
        if lines
        else type(error).__name__
    )
