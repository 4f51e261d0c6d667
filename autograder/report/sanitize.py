"""Sanitise what students wrote and displayed, so that it is safe in a browser.

Feedback pages and the formgrader show words, outputs and pictures of people whose code is not
trusted. Outputs are sanitised once, before they are stored in the graded notebook; markdown stays
unchanged in the file and is sanitised when it becomes HTML.
"""

import base64
import binascii
import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import nh3
from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_output
from pygments.token import STANDARD_TYPES

from autograder import reader
from autograder.errors import OversizeSubmission
from autograder.report import ansi

__all__ = ["MOST_TAGS", "clean_cells", "clean_html", "clean_outputs", "prepare"]

_PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
"""Picture types that are kept, and the first bytes of such a file."""

_MOST_DEPTH = 200
"""Of elements in each other: parsers take quadratic time in it, and a page is parsed twice."""

_TAG = re.compile(r'<(/?)([a-z][a-z0-9]*)(?:[^">]|"[^"]*")*>')
"""Of cleaned HTML. A tag may stand in an attribute, too, and is none there."""

MOST_TAGS = 200_000
"""In what all outputs of a notebook become, and in all words and code of a page: a page is made
into a tree, in which each element takes 1.6 kB and 30 microseconds."""

_FRAME_TAGS = 24
"""For what nbconvert puts around an output: eight tags, made in the time of 24 (1.3 ms where a page
of 198,000 tags took 11 s)."""

_CROWDED = "[Not shown: the notebook displays too many elements.]"

_CLEANING = reader.Limits(cpu_seconds=30, memory_bytes=512 << 20)
"""An ordinary notebook may have put out 50 MB."""

_VOID = {"area", "br", "col", "hr", "img", "wbr"}

_DATA = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")

_TAGS = nh3.ALLOWED_TAGS - {"map", "area"}
_CLASSES = {
    "table": {"dataframe", "table", "table-condensed"},
    "div": {"highlight"},
    "span": set(STANDARD_TYPES.values()) - {""},
}
"""Those of highlighted code, data frames and the kit's own summary. Any other class of the page's
style sheets would let a student's words look like part of the page."""


def clean_html(text: str) -> str:
    """Return HTML without anything that could run, load or send: no script, style, SVG or form.

    Links to pages stay, and pictures that bring their own pixels with them. What is nested too deep
    for a page comes back as text.
    """
    cleaned = _cleaned_html(text)
    return f"<pre>{html.escape(text)}</pre>" if _depth(cleaned) > _MOST_DEPTH else cleaned


def _depth(cleaned: str) -> int:
    """Return how deep elements are nested in HTML in which each one is closed."""
    deepest = depth = 0
    for closing, name in _TAG.findall(cleaned):
        if name not in _VOID:
            depth += -1 if closing else 1
            deepest = max(deepest, depth)
    return deepest


def _cleaned_html(text: str) -> str:
    return nh3.clean(
        text.encode(errors="replace").decode(),
        tags=_TAGS,
        allowed_classes=_CLASSES,
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer nofollow",
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Keep ``data:`` for pictures alone, and load no picture from elsewhere."""
    if tag == "img" and name == "src":
        return value if _DATA.fullmatch(value) else None
    # Browsers leave out tabs and line breaks in an address, and blanks and controls before it
    # (https://url.spec.whatwg.org/#url-parsing).
    address = "".join(letter for letter in value if letter > " ").lower()
    return None if address.startswith("data:") else value


def clean_cells(cells: Iterable[Iterable[Mapping[str, Any]]]) -> list[list[NotebookNode]]:
    """Clean the outputs of all cells of a notebook, in a reader: see `clean_outputs`.

    If that takes too much time or memory, a note replaces a cell's output.
    """
    outputs = [[dict(output) for output in cell] for cell in cells]
    if not any(outputs):
        return [[] for _ in outputs]
    try:
        cleaned = json.loads(
            reader.read(_cleaned, outputs, what="What the notebook put out", limits=_CLEANING)
        )
    except OversizeSubmission as error:
        note = [new_output("stream", name="stdout", text=f"[Not shown. {error}]\n")]
        return [note if cell else [] for cell in outputs]
    return [[from_dict(output) for output in cell] for cell in cleaned]


def prepare() -> None:
    """Load what nbformat loads when it first makes an output."""
    clean_outputs([{"output_type": "stream"}])


def _cleaned(cells: Iterable[Iterable[Mapping[str, Any]]]) -> bytes:
    fitted, room = [], MOST_TAGS
    for cell in cells:
        outputs, room = _fitted(clean_outputs(cell), room)
        fitted.append(outputs)
    return json.dumps(fitted, ensure_ascii=False).encode()


def _fitted(outputs: Iterable[NotebookNode], room: int) -> tuple[list[NotebookNode], int]:
    """Return a cell's outputs without what a page has no room for, and the room that they leave.

    An output with too many tags loses them and its colours; its text stays. Where not even the text
    has room, a note ends the cell.
    """
    kept: list[NotebookNode] = []
    for output in outputs:
        fits = output if _tags(output) <= room else _plain(output)
        if (tags := _tags(fits)) > room:
            return [*kept, new_output("stream", name="stdout", text=f"{_CROWDED}\n")], room
        kept.append(fits)
        room -= tags
    return kept, room


def _tags(output: NotebookNode) -> int:
    """Return how many tags nbconvert makes of an output; a line of a traceback costs as much."""
    data, traceback = output.get("data", {}), output.get("traceback", [])
    texts = (output.get("text", ""), data.get("text/plain", ""), *traceback)
    tags: int = data.get("text/html", "").count("<") + 2 * sum(map(ansi.count, texts))
    return _FRAME_TAGS + tags + len(traceback)


def _plain(output: NotebookNode) -> NotebookNode:
    if "text" in output:
        return NotebookNode(output, text=ansi.without(output.text))
    if "traceback" in output:
        return NotebookNode(output, traceback=[ansi.without("\n".join(output.traceback))])
    data = {kind: content for kind, content in output.data.items() if kind != "text/html"}
    plain = ansi.without(data["text/plain"]) if "text/plain" in data else _CROWDED
    return NotebookNode(output, data=NotebookNode(data | {"text/plain": plain}))


def clean_outputs(outputs: Iterable[Mapping[str, Any]]) -> list[NotebookNode]:
    """Return a cell's outputs with only what a page may show, in forms that nbformat knows.

    Parameters
    ----------
    outputs : iterable of mapping
        As the kernel sent them; anything may stand in them.

    Returns
    -------
    list of NotebookNode
        All text, cleaned HTML, and genuine PNG and JPEG pictures. SVG, JavaScript, widgets and
        everything else are replaced by their text.
    """
    return [kept for output in outputs if (kept := _clean_output(output)) is not None]


def _clean_output(output: Mapping[str, Any]) -> NotebookNode | None:
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return new_output("stream", name=name, text=_text(output.get("text")))
    if kind == "error":
        lines = output.get("traceback")
        return new_output(
            "error",
            ename=_text(output.get("ename")),
            evalue=_text(output.get("evalue")),
            traceback=[_text(line) for line in lines] if isinstance(lines, list) else [],
        )
    if kind not in ("display_data", "execute_result"):
        return None
    data = output.get("data")
    kept = _clean_data(data) if isinstance(data, Mapping) else {}
    if kind == "display_data":
        return new_output(kind, data=kept) if kept else None
    count = output.get("execution_count")
    valid = type(count) is int and count >= 0  # True is an int, too, but none for a notebook
    return new_output(kind, data=kept, execution_count=count if valid else None)


def _clean_data(data: Mapping[str, Any]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for kind in ("text/plain", "text/markdown", "text/latex"):
        if kind in data:
            kept[kind] = _text(data[kind])
    if "text/html" in data:
        kept["text/html"] = clean_html(_text(data["text/html"]))
    for kind, magic in _PICTURES.items():
        if kind in data and (picture := _picture(_text(data[kind]), magic)):
            kept[kind] = picture
    if not kept and data:
        kinds = ", ".join(sorted(_text(kind)[:60] for kind in data)[:5])
        kept["text/plain"] = f"[An output of the kind {kinds} is not shown here.]"
    return kept


def _picture(text: str, magic: bytes) -> str:
    """Return a picture's base64 re-encoded, or nothing if it is not a picture."""
    try:
        pixels = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return base64.b64encode(pixels).decode() if pixels.startswith(magic) else ""


def _text(value: object) -> str:
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    text = value if isinstance(value, str) else ""
    # Half a surrogate pair cannot be written to a file.
    return text.encode(errors="replace").decode()
