"""nbgrader's feedback pages, made safe to open in a browser.

What students wrote and displayed is sanitised (`autograder.report.sanitize`). A page also has a
Content-Security-Policy, so that anything that sanitising missed would not run.
"""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbformat import NotebookNode
from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from traitlets import default

from autograder import reader
from autograder.errors import HarnessError, OversizeSubmission
from autograder.exercise import catalogue
from autograder.nbgrader_bridge import feedback_page, gradebook_reader
from autograder.nbgrader_bridge.common import EXERCISES
from autograder.nbgrader_bridge.made_once import make_once
from autograder.nbgrader_bridge.page_parts import Part, render
from autograder.report import ansi
from autograder.report.sanitize import MOST_TAGS

__all__ = ["FeedbackExporter", "ansi2html", "highlight_code", "markdown2html", "page_of"]

POLICY = "; ".join(
    [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "font-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
)
"""Nothing runs, nothing is loaded, nothing is sent. Formulas are shown as source: MathJax would
need external scripts and ``eval``."""


_SUMMARY = "dask_scaling_kit_summary"
"""Key in the resources of a page: the HTML of its summary."""

_RENDERED = "dask_scaling_kit_rendered"
"""Key in the resources of a page: the HTML of its parts, or None for what is shown as it is."""


@pass_context
def markdown2html(context: Any, source: str) -> str:
    """Turn markdown into HTML as nbconvert does, and clean it: a filter for its templates."""
    attachments = (context.get("cell") or {}).get("attachments")
    return _folded(context, source, _html(context, _markdown(source, attachments)))


@pass_context
def highlight_code(
    context: Any, source: str, language: str | None = None, metadata: Any = None
) -> str:
    """Colour code as nbconvert does: a filter for its templates."""
    return _folded(context, source, _html(context, _code(context, source, metadata, language)))


def _folded(context: Any, source: str, html: str) -> str:
    """Fold the text that an exercise's page folds, with its label visible."""
    cell = context.get("cell")
    arranged = (context.get("resources") or {}).get(_SUMMARY)
    label = cell["metadata"].get(feedback_page.LABEL) if arranged and cell else None
    # A comment on a cell comes this way, too, and what an output says in markdown.
    if not label or source != cell["source"]:
        return html
    return f'<details class="dsk-text"><summary>{escape(label)}</summary>{html}</details>'


def _markdown(source: str, attachments: Any = None) -> Part:
    return Part("markdown", source, json.dumps(attachments, sort_keys=True) if attachments else "")


def _code(context: Any, source: str, metadata: Any = None, language: str | None = None) -> Part:
    info = (context.get("nb") or {}).get("metadata", {}).get("language_info", {})
    usual = info.get("pygments_lexer", info.get("name")) or "ipython3"
    own = metadata.get("magics_language") if metadata else None
    return Part("code", source, language=str(own or language or usual))


def _html(context: Any, part: Part) -> str:
    """Return the HTML of a part of a page; the first call renders all parts at once."""
    resources = context.get("resources")
    page = {} if resources is None else resources.setdefault(_RENDERED, {})
    if part not in page:
        parts = list(dict.fromkeys([part, *_parts(context)])) if not page else [part]
        page.update(zip(parts, _rendered(parts), strict=True))
    html = page[part]
    if html is not None:
        return str(html)
    note = "" if part.kind == "code" else f"<p>[{_PLAIN}]</p>"
    return f'{note}<div class="highlight"><pre>{escape(part.source)}</pre></div>'


_PLAIN = "This takes too long to render, so its source is shown."

_SHORT = 5_000
"""Characters of a part that is rendered separately if a whole page exceeds the limits: the longest
cell of the exercises has 3,574, and is not what makes a page too large."""


_KNOWN: dict[Part, str] = {}
"""HTML of parts of earlier pages of this process: most of a page is the exercise's text."""

_MOST_KNOWN = 20_000_000
"""Characters that are remembered. Chosen: the text of an exercise has 19,000 to 47,000, and a
server that grades for weeks must not grow."""


def _rendered(parts: list[Part]) -> list[str | None]:
    """Return the HTML of all parts of a page, or None for those that are shown as they are."""
    new = [part for part in parts if part not in _KNOWN]
    found = dict(zip(new, _asked(new), strict=True))
    html = [_KNOWN.get(part) or found[part] for part in parts]
    if len(new) < len(parts) and not _fits(html):
        html = _asked(parts)  # what a page has too much of does not hang on the pages before it
    if _fits(html):
        _remember(zip(parts, html, strict=True))
    return html


def _fits(html: list[str | None]) -> bool:
    return None not in html and sum(text.count("<") for text in html if text) <= MOST_TAGS


def _remember(rendered: Iterable[tuple[Part, str | None]]) -> None:
    _KNOWN.update((part, html) for part, html in rendered if html)
    if sum(len(part.source) + len(html) for part, html in _KNOWN.items()) > _MOST_KNOWN:
        _KNOWN.clear()


def _asked(parts: list[Part]) -> list[str | None]:
    """Have parts rendered in a reader."""
    if not parts:
        return []
    for tried in (parts, [part for part in parts if len(part.source) < _SHORT]):
        with suppress(OversizeSubmission):
            found = json.loads(reader.read(render, tried, what="A page"))
            known = dict(zip(tried, found, strict=True))
            return [known.get(part) for part in parts]
    return [None] * len(parts)


def _parts(context: Any) -> Iterator[Part]:
    """Yield a page's text and code, in the order of the templates."""
    for cell in (context.get("nb") or {}).get("cells", ()):
        if cell.cell_type == "markdown":
            yield _markdown(cell.source, cell.get("attachments"))
        elif cell.cell_type == "code":
            yield _code(context, cell.source, cell.metadata)
        for output in cell.get("outputs", ()):
            words = output.get("data", {}).get("text/markdown")
            if isinstance(words, str):
                yield _markdown(words)


def ansi2html(text: str) -> str:
    """Colour what a notebook puts out as nbconvert does: a filter for its templates."""
    return ansi.to_html(text)


_FILTERS = {
    "markdown2html": markdown2html,
    "highlight_code": highlight_code,
    "ansi2html": ansi2html,
}


make_once()


class FeedbackExporter(HTMLExporter):
    """nbgrader's feedback page without scripts, and with a policy that forbids them."""

    def default_filters(self) -> Any:
        """Return nbconvert's filters, with markdown made safe and colours in linear time."""
        yield from super().default_filters()
        yield from _FILTERS.items()

    @default("filters")
    def _default_filters(self) -> Any:
        # Of this one nbconvert's default is no filter among others.
        return dict(_FILTERS)

    def _preprocess(self, nb: NotebookNode, resources: Any) -> Any:
        """Preprocess as nbgrader does, which adds the scores; then fold an exercise's text."""
        nb, resources = super()._preprocess(nb, resources)
        if self._is_exercise(resources):
            waiting = gradebook_reader.waiting(resources["nbgrader"])
            resources[_SUMMARY] = feedback_page.arranged(nb, waiting)
        return nb, resources

    def _is_exercise(self, resources: Any) -> bool:
        """Tell whether a page is one of the kit's, whatever its own metadata says."""
        name = resources.get("nbgrader", {}).get("notebook")
        course = getattr(self.parent, "coursedir", None)
        folders = [Path(course.root) / EXERCISES] if course is not None else []
        with suppress(HarnessError):  # an exercise whose description is wrong
            return name is not None and catalogue.find(name, folders) is not None
        return False

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **kw: Any) -> Any:
        """Convert a graded notebook; see nbconvert."""
        page, resources = super().from_notebook_node(nb, resources, **kw)
        summary = resources.get(_SUMMARY)
        if summary:
            page = feedback_page.with_summary(page, summary)
        penalty = resources.get("nbgrader", {}).get("late_penalty") or 0
        return feedback_page.named(_safe(page, _told_penalty(penalty))), resources


def _told_penalty(penalty: float) -> str:
    """Show the late penalty below the score: the card counts the work without it."""
    if penalty <= 0:
        return ""
    return f"Handed in late: {penalty:g} points are subtracted from the points shown below."


def page_of(graded: NotebookNode, name: str) -> str:
    """Return the page of a graded notebook that is in no gradebook.

    Parameters
    ----------
    graded : NotebookNode
        With `score` and `points` in the nbgrader metadata of its grade cells.
    name : str
        Of the notebook.
    """
    marked = [cell.metadata["nbgrader"] for cell in graded.cells if "nbgrader" in cell.metadata]
    marked = [known for known in marked if known.get("grade")]
    known = {
        "notebook": name,
        "score": sum(known["score"] for known in marked),
        "max_score": sum(known["points"] for known in marked),
        "late_penalty": 0,
    }
    return str(_exporter().from_notebook_node(graded, {"nbgrader": known})[0])


@cache
def _exporter() -> FeedbackExporter:
    """Return an exporter with the settings of nbgrader's own converter."""
    settings = GenerateFeedback(coursedir=CourseDirectory()).config
    exporter = FeedbackExporter(config=settings)
    exporter.register_preprocessor(CSSHTMLHeaderPreprocessor, enabled=True)
    return exporter


_SCRIPT = re.compile(r"<script(?:\s[^<>]*)?>.*?</script>", re.DOTALL)
_HEAD = re.compile(r"<head(?:\s[^<>]*)?>")


def _safe(page: str, note: str) -> str:
    """Take scripts out of a page, forbid them, and put a note below its title.

    Parameters
    ----------
    page : str
        As nbconvert's exporter returns it. Beautiful Soup has written it, and writes a ``<`` in
        text as an entity; so whatever looks like a tag is one. That saves parsing the page
        again, which would take a third of a page's time.
    note : str
        Empty if there is none.
    """
    short = _SCRIPT.sub("", page)
    head = _HEAD.search(short)
    if head is None or "<script" in short.lower() or "<!--" in short[: head.end()]:
        return _safe_by_tree(page, note)
    meta = f'<meta content="{escape(POLICY, quote=False)}" http-equiv="Content-Security-Policy"/>'
    short = f"{short[: head.end()]}{meta}{short[head.end() :]}"
    before, title_end, after = short.partition("</h4>")
    if note and title_end:
        short = f'{before}{title_end}<p class="late-penalty">{escape(note, quote=False)}</p>{after}'
    return short


def _safe_by_tree(page: str, note: str) -> str:
    """Do what `_safe` does, for any HTML."""
    soup = BeautifulSoup(page, features="html.parser")
    for script in soup("script"):
        script.decompose()
    policy = soup.new_tag("meta", attrs={"http-equiv": "Content-Security-Policy"})
    policy["content"] = POLICY
    assert soup.head is not None
    soup.head.insert(0, policy)
    title = soup.find("h4")
    if note and title is not None:
        told = soup.new_tag("p", attrs={"class": "late-penalty"})
        told.string = note
        title.insert_after(told)
    return str(soup)
