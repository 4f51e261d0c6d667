"""The metadata of a student's notebook that are kept: those that grading and its pages need.

Whatever a page is made by reads some of a cell's metadata: nbconvert's templates leave a cell out
for ``{"transient": {"remove_source": true}}``, and end in an error where ``transient`` or
``raw_mimetype`` is of another type. Nobody can list what all of them read; so what is not listed
here is removed.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["keep_known"]

_Checked = Callable[[Any], Any]
"""Returns what is kept of a value; None if nothing is."""

_TAG = re.compile(r"[^\s,]+")
"""Pages make a class of each tag: with a blank in it, a tag would be two, the second of any name,
such as that of what is hidden. Jupyter lets nobody type one with a blank or a comma."""


def keep_known(notebook: "NotebookNode") -> None:
    """Remove from a notebook, in place, all metadata but those of a known name and type.

    Those of outputs are no part of this: a student's outputs are kept without metadata.
    """
    from nbformat import from_dict

    notebook.metadata = from_dict(_kept(notebook.get("metadata"), _OF_NOTEBOOK))
    for cell in notebook.cells:
        cell.metadata = from_dict(_kept(cell.get("metadata"), _OF_CELL))


def _kept(metadata: Any, known: Mapping[str, _Checked]) -> dict[str, Any]:
    found = metadata if isinstance(metadata, Mapping) else {}
    kept = {name: check(found[name]) for name, check in known.items() if name in found}
    return {name: value for name, value in kept.items() if value is not None}


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _scrolled(value: Any) -> bool | str | None:
    return value if isinstance(value, bool) or value == "auto" else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _tags(value: Any) -> list[str] | None:
    if not isinstance(value, list):
        return None
    return [tag for tag in value if isinstance(tag, str) and _TAG.fullmatch(tag)]


def _named(*names: str) -> _Checked:
    """Return a check of texts by name, among which there has to be a ``name``."""

    def check(value: Any) -> dict[str, Any] | None:
        kept = _kept(value, dict.fromkeys(names, _text))
        return kept if "name" in kept else None

    return check


_OF_CELL: Mapping[str, _Checked] = {
    "nbgrader": lambda value: value,  # which nbgrader checks, and refuses with a reason
    "tags": _tags,
    "deletable": _flag,
    "editable": _flag,
    "collapsed": _flag,
    "scrolled": _scrolled,
}

_OF_NOTEBOOK: Mapping[str, _Checked] = {
    "kernelspec": _named("name", "display_name", "language"),
    "language_info": _named(
        "name", "version", "mimetype", "file_extension", "pygments_lexer", "nbconvert_exporter"
    ),
}
