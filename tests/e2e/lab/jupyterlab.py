"""JupyterLab and a browser to look at it with, for the tests in this folder.

Screenshots are kept in ``build/screenshots``, to be looked at.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from course import ROOT, Course, with_scripts
from playwright.sync_api import Locator, Page, expect

__all__ = [
    "PATIENCE",
    "Lab",
    "cell",
    "faint",
    "fits",
    "insert",
    "look",
    "menu",
    "open_lab",
    "picture",
    "run",
]

SCREENSHOTS = ROOT / "build" / "screenshots"
TOKEN = "a-token-for-this-test"
PATIENCE = 300_000
"""Milliseconds until something is taken for broken."""


@dataclass(frozen=True, slots=True)
class Lab:
    """A running JupyterLab."""

    course: Course
    """Whose folder it was started in."""
    address: str

    def url(self, path: str) -> str:
        return f"{self.address}/{path}{'&' if '?' in path else '?'}token={TOKEN}"


@contextmanager
def open_lab(folder: Path, home: Path, *, stock: bool = False) -> Iterator[Lab]:
    """Run JupyterLab in a folder, as `make lab` starts it, and end it.

    Parameters
    ----------
    folder : Path
        Of a course, or a student's own.
    home : Path
        Settings of whoever runs the tests have no say here. The log is in it, too.
    stock : bool
        Whether nbgrader's own handler answers the formgrader's Autograde button.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: v for name, v in os.environ.items() if not name.startswith("JUPYTER")}
    environment |= {"HOME": str(home), "PATH": with_scripts()}
    lab = Lab(Course(folder), f"http://127.0.0.1:{port}")
    with open(home / f"lab-{port}.log", "w") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}"),
                *("--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"),
                *("--LabApp.news_url=", "--allow-root"),
                # As the file says that an installation brings along.
                "--ServerApp.jpserver_extensions="
                f"autograder.nbgrader_bridge.formgrader={not stock}",
            ],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(lab.url("api/status"), process)
        yield lab
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("JupyterLab does not answer")


def picture(target: Page | Locator, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    target.screenshot(path=SCREENSHOTS / f"{name}.png")


def fits(cards: list[Locator]) -> None:
    """Fail if a card has more in it than its width holds."""
    assert cards
    for card in cards:
        assert card.evaluate("card => card.scrollWidth <= card.clientWidth + 1")


def look(page: Page, card: Locator, name: str) -> None:
    """Take pictures of a card in a wide and a narrow window; fail where it is hard to read."""
    for width in (800, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        card.scroll_into_view_if_needed()
        fits([card])
        assert faint(card) == []
        picture(page, f"{name}-{width}")


def cell(page: Page, text: str) -> Locator:
    """Find the code cell of the open notebook that has a text in it."""
    return page.locator(".jp-CodeCell", has=page.locator(".cm-content", has_text=text)).first


def run(code: Locator) -> None:
    """Run a cell of the open notebook."""
    code.locator(".cm-content").click()
    code.page.keyboard.press("Control+Enter")


def insert(below: Locator, source: str) -> Locator:
    """Add a cell below another, run it and return it."""
    page = below.page
    below.locator(".cm-content").click()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    page.keyboard.insert_text(source)
    page.keyboard.press("Control+Enter")
    return cell(page, source)


def menu(page: Page, *path: str) -> None:
    """Choose an item of JupyterLab's menus."""
    page.get_by_role("menuitem", name=path[0], exact=True).click()
    labels = page.locator(".lm-Menu-itemLabel")
    for name in path[1:-1]:
        labels.get_by_text(name, exact=True).hover()
    labels.get_by_text(path[-1], exact=True).click()


_FAINT = """card => {
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    if (element.closest("svg[role=img]")) return [255, 255, 255];  // its own panel
    for (let e = element; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(card, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim(), element = walker.currentNode.parentElement;
    if (!text || ["STYLE", "SCRIPT", "title", "desc"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const colour = rgb(element.closest("svg") ? style.fill : style.color);
    const [a, b] = [light(colour), light(behind(element))].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24;
    if ((a + 0.05) / (b + 0.05) < (large ? 3 : 4.5)) faint.push(text);
  }
  return faint;
}"""


def faint(card: Locator) -> list[str]:
    """Return the texts of a card whose contrast is below level AA (WCAG 2.2, 1.4.3)."""
    found: list[str] = card.evaluate(_FAINT)
    return found


def patient(page: Page) -> Page:
    """Let a page wait for as long as a busy machine takes."""
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    return page
