"""Render the words and the code of a notebook page, each for a limited time: for a reader."""

import json
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from nbconvert.exporters import HTMLExporter
from nbconvert.filters.highlight import Highlight2HTML

from autograder.report.sanitize import MOST_TAGS, clean_html

__all__ = ["PAGE_SECONDS", "PART_SECONDS", "Part", "prepare", "render"]

PART_SECONDS, PAGE_SECONDS = 2.0, 10.0
"""CPU time for one part, and for all of a page. An ordinary page takes 0.1 to 0.5 seconds."""


class Part(NamedTuple):
    """A cell's source, or words that an output or a grader has added."""

    kind: str
    """``markdown`` or ``code``."""
    source: str
    attachments: str = ""
    """Of a markdown cell, as JSON."""
    language: str = ""
    """Of code."""


class _Late(Exception):
    pass


def prepare() -> None:
    """Create the converter, and load the lexer that most code needs."""
    _markdown(Part("markdown", "*x*"))
    _code(Part("code", "x", language="ipython3"))


def render(parts: Iterable[Part]) -> bytes:
    """Return the HTML of parts as a JSON list, with null for those that take too long.

    Parts with too many elements for a page are null, too.
    """
    until = time.process_time() + PAGE_SECONDS
    signal.signal(signal.SIGVTALRM, _stop)
    found: list[str | None] = []
    tags = 0
    for part in parts:
        html = _rendered(part, until)
        more = html.count("<") if html else 0
        fits = tags + more <= MOST_TAGS
        tags += more if fits else 0
        found.append(html if fits else None)
    return json.dumps(found).encode()


def _rendered(part: Part, until: float) -> str | None:
    seconds = min(PART_SECONDS, until - time.process_time())
    if seconds <= 0:
        return None
    try:
        # Regular expressions, which are what takes long, look for signals now and then.
        with _stopped_after(seconds):
            return _markdown(part) if part.kind == "markdown" else _code(part)
    except (_Late, MemoryError, RecursionError):
        return None


@contextmanager
def _stopped_after(seconds: float) -> Iterator[None]:
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _stop(*_: Any) -> None:
    raise _Late


def _markdown(part: Part) -> str:
    attachments = json.loads(part.attachments) if part.attachments else {}
    context = {"cell": {"attachments": attachments}, "resources": {}}
    return clean_html(_converter().markdown2html(context, part.source))


def _code(part: Part) -> str:
    return str(Highlight2HTML(pygments_lexer=part.language)(part.source))


@cache
def _converter() -> HTMLExporter:
    # The marks beside headings are links to ids, and ids are not kept.
    return HTMLExporter(exclude_anchor_links=True)
