"""Feedback pages of a student who attacks whoever opens them, in a real browser."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import course
import nbformat
import pytest
from browser import CHROMIUM, chromium
from course import EX02, Course
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("commands")]

if CHROMIUM is None:
    warnings.warn(
        "FEEDBACK PAGES were not opened, since there is no Chromium (sudo apt install chromium).",
        stacklevel=1,
    )
    pytest.skip("no Chromium", allow_module_level=True)

MARKDOWN = """Look: <script>window.ran = "script"</script>

<img src="x" onerror="window.ran = 'handler'">
<svg onload="window.ran = 'svg'"></svg>
<iframe srcdoc="<script>parent.ran = 'frame'</script>"></iframe>
<img src="https://example.org/beacon.png">
<div class="dsk-card navbar-fixed-top"><b>16 of 16 points</b></div>

[press](javascript:void(window.ran='link')) and ![](https://example.org/beacon.svg)
"""

DISPLAYS = """
from IPython.display import HTML, SVG, Javascript, display
display(HTML("<b>kept</b><script>window.ran = 'html'</script>"))
display(HTML("<img src=x onerror=\\"window.ran = 'html handler'\\">"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg'><script>window.ran = 'svg'</script></svg>"))
display(Javascript("window.ran = 'javascript'"))
display({"image/png": '" onerror="window.ran = 1'}, raw=True)
display({"text/html": "<script>window.ran = 'isolated'</script>"}, raw=True,
        metadata={"text/html": {"isolated": True}})
display({"text/markdown": "<script>window.ran = 'markdown'</script>"}, raw=True)
"""


@pytest.fixture(scope="module")
def pages(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Feedback of an attack in an exercise, in an ordinary assignment, and of an honest student."""
    attacked = course.shared(base, tmp_path_factory.mktemp("pages") / "course")
    attacked.hand_in("mallory", attacked.fill("galois", _attack))
    attacked.write_source("plain", new_notebook())
    attacked.hand_in("mallory", _attack(attacked.release("plain")), "plain")
    for assignment in (EX02, "plain"):
        success, log = attacked.autograde("mallory", assignment)
        assert success, log
        done = attacked.api().generate_feedback(assignment)
        assert done["success"], done
    return {
        "exercise": _page(attacked, "mallory", EX02),
        "ordinary": _page(attacked, "mallory", "plain"),
        "honest": _page(attacked, "hypatia", EX02),
    }


def _attack(notebook: NotebookNode) -> NotebookNode:
    # What is displayed counts only if something is run: a blank that is no stub any more.
    notebook.cells += [
        new_markdown_cell(MARKDOWN),
        new_code_cell(f"{DISPLAYS}\nfit_small = None"),
    ]
    return notebook


def _page(graded: Course, student: str, assignment: str) -> Path:
    return graded.root / "feedback" / student / assignment / f"{assignment}.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def _open(browser: Browser, path: Path) -> tuple[object, list[str], str]:
    """Open a page; return what ran in it, what it asked the network for, and its text."""
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.route("http*://**", lambda route: route.abort())
    page.goto(path.as_uri())
    # As somebody who reads all of it: words that nobody marks are folded.
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    for link in page.get_by_text("press", exact=True).all():
        link.click()
    ran = page.evaluate("window.ran")
    outside = [url for url in asked if not url.startswith(("file:", "data:"))]
    text = page.inner_text("body")
    page.close()
    return ran, outside, text


@pytest.mark.parametrize("which", ["exercise", "ordinary"])
def test_nothing_of_the_attack_runs_or_loads(
    which: str, pages: dict[str, Path], browser: Browser
) -> None:
    ran, asked, text = _open(browser, pages[which])
    assert ran is None
    assert asked == []
    # It is the attacked page, with all that is harmless.
    assert "Look:" in text and "kept" in text


def test_attack_runs_in_a_page_of_stock_nbconvert(
    browser: Browser, tmp_path: Path, pages: dict[str, Path]
) -> None:
    """Otherwise the tests above would show nothing."""
    graded = pages["ordinary"].parents[3] / "autograded" / "mallory" / "plain" / "plain.ipynb"
    page = HTMLExporter().from_notebook_node(nbformat.read(graded, 4))[0]
    (tmp_path / "stock.html").write_text(page)
    ran, asked, _ = _open(browser, tmp_path / "stock.html")
    assert ran is not None
    assert any("beacon" in url for url in asked)


def test_pictures_of_ours_are_shown(pages: dict[str, Path], browser: Browser) -> None:
    page = browser.new_page()
    page.goto(pages["honest"].as_uri())
    assert page.locator("svg[role=img]").count() > 0
    assert page.locator("svg[role=img]").first.is_visible()
    page.close()
