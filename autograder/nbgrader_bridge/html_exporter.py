"""nbgrader's feedback pages, made safe to open in a browser.

What students wrote and displayed is cleaned (`autograder.report.sanitize`). A page has a
Content-Security-Policy besides, so that what cleaning has missed would not run.
"""

from functools import cache
from typing import Any

from bs4 import BeautifulSoup
from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode

from autograder.report.sanitize import clean_html

__all__ = ["FeedbackExporter", "markdown2html"]

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
"""Nothing runs, nothing is loaded, nothing is sent. Formulas stay as they were typed: MathJax
would need scripts from elsewhere and ``eval``."""


@pass_context
def markdown2html(context: Any, source: str) -> str:
    """Turn markdown into HTML as nbconvert does, and clean it: a filter for its templates."""
    return clean_html(_converter().markdown2html(context, source))


@cache
def _converter() -> HTMLExporter:
    # The marks beside headings are links to ids, and ids are not kept.
    return HTMLExporter(exclude_anchor_links=True)


class FeedbackExporter(HTMLExporter):
    """nbgrader's feedback page without scripts, and with a policy that forbids them."""

    def default_filters(self) -> Any:
        """Return nbconvert's filters, with markdown made safe."""
        yield from super().default_filters()
        yield ("markdown2html", markdown2html)

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **kw: Any) -> Any:
        """Convert a graded notebook; see nbconvert."""
        page, resources = super().from_notebook_node(nb, resources, **kw)
        soup = BeautifulSoup(page, features="html.parser")
        for script in soup("script"):
            script.decompose()
        policy = soup.new_tag("meta", attrs={"http-equiv": "Content-Security-Policy"})
        policy["content"] = POLICY
        assert soup.head is not None
        soup.head.insert(0, policy)
        _tell_penalty(soup, resources)
        return str(soup), resources


def _tell_penalty(soup: BeautifulSoup, resources: Any) -> None:
    """Say below the score what lateness cost: the card counts what the work is worth."""
    penalty = resources.get("nbgrader", {}).get("late_penalty") or 0
    title = soup.find("h4")
    if penalty > 0 and title is not None:
        note = soup.new_tag("p", attrs={"class": "late-penalty"})
        note.string = (
            f"Handed in late: {penalty:g} points were taken off the points that are shown below."
        )
        title.insert_after(note)
