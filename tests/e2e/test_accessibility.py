"""Nothing that axe-core looks for is wrong with our pages, light and dark."""

import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from accessibility import AXE, reader_of, violations
from browser import CHROMIUM, chromium
from checkout import ROOT
from graded_pages import grade_of, graded
from kept_evidence import EX02, kept
from made_up_class import room, wide_room
from nbformat import NotebookNode
from playwright.sync_api import Browser

from autograder.nbgrader_bridge.html_exporter import page_of
from autograder.report import card
from autograder.report.classroom import html

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

if CHROMIUM is None or not AXE:
    warnings.warn("ACCESSIBILITY was not looked at: no Chromium, or no axe.", stacklevel=1)
    pytest.skip("no Chromium, or no axe-playwright-python", allow_module_level=True)

STUDENTS = ("zeno", "abel", "babel", "galois", "hypatia")
"""Lost for two reasons, an exception, a syntax error, nothing filled in, and all right."""


@dataclass(frozen=True, slots=True)
class Pages:
    folder: Path

    def write(self, name: str, text: str) -> Path:
        path = self.folder / f"{name}.html"
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture(scope="module")
def pages(
    tmp_path_factory: pytest.TempPathFactory, blank: Callable[[str], NotebookNode]
) -> list[Path]:
    made = Pages(tmp_path_factory.mktemp("pages"))
    paths = [
        made.write("report", html(room())),
        made.write("wide", html(wide_room())),
        made.write("anonymous", html(room(), anonymous=True)),
    ]
    for student in STUDENTS:
        paths.append(
            made.write(f"feedback-{student}", page_of(graded(EX02, student, blank(EX02)), EX02))
        )
        shown = card.render(
            grade_of(EX02, student, blank(EX02)),
            reference=kept(EX02, student).reference,
            where="notebook",
            remark="It took 6 s.",
        )
        # JupyterLab's own page, around the card: its ground and ink in each of its themes.
        for theme, ground, ink in (
            ("none", "Canvas", "CanvasText"),
            ("true", "#fff", "#000"),
            ("false", "#111", "#fff"),
        ):
            lab = "" if theme == "none" else f' data-jp-theme-light="{theme}"'
            paths.append(
                made.write(
                    f"card-{student}-{theme}",
                    f'<!doctype html><html lang="en"><title>Card</title><body{lab}>'
                    f"<style>body {{ background: {ground} }} h1 {{ color: {ink} }}</style>"
                    '<meta name="color-scheme" content="light dark">'
                    f"<main><h1>Card</h1>{shown}</main></body></html>",
                )
            )
    return paths


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return sorted(path for path in folder.rglob("*.html") if path.name != "404.html")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def found_in(browser: Browser, paths: list[Path], scheme: str) -> list[str]:
    """Return what axe finds, each with its page."""
    with reader_of(browser, scheme) as context:
        page = context.new_page()
        found = []
        for path in paths:
            page.goto(path.as_uri())
            found += [f"{path.parent.name}/{path.name}: {wrong}" for wrong in violations(page)]
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_report_feedback_and_cards(
    browser: Browser, pages: list[Path], scheme: str
) -> None:
    assert found_in(browser, pages, scheme) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_site(browser: Browser, site: list[Path], scheme: str) -> None:
    assert len(site) > 5
    assert found_in(browser, site, scheme) == []


def test_axe_finds_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    """Otherwise the tests above would show nothing."""
    page = Pages(tmp_path).write("report", html(room()))
    spoilt = page.read_text().replace(' lang="en"', "", 1)
    page.write_text(re.sub(r'<label for="filter-text">Find</label>', "", spoilt))
    rules = {wrong.split(": ")[1] for wrong in found_in(browser, [page], "light")}
    assert {"html-has-lang", "label"} <= rules
