"""What all tests in a real browser need: Debian's Chromium, and JupyterLab on a course."""

import warnings
from collections.abc import Generator, Iterator

import pytest
from browser import CHROMIUM, chromium
from course import ROOT
from jupyterlab import Lab, open_lab, patient, picture
from playwright.sync_api import Browser, Page

from autograder.instructor.new_course import start

if CHROMIUM is None:
    warnings.warn(
        "NO BROWSER TESTS: JupyterLab and the formgrader were not tried, since there is no "
        "Chromium (sudo apt install chromium).",
        stacklevel=1,
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what the window showed when a test failed."""
    report = yield
    shown = item.funcargs.get("page") or item.funcargs.get("notebook")
    if report.failed and isinstance(shown, Page):
        picture(shown, f"failed-{item.name}")
    return report


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium")
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on a new course of this module's own."""
    base = tmp_path_factory.mktemp("lab")
    start(ROOT, base / "course")
    with open_lab(base / "course", base) as lab:
        yield lab


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A window of this module's own, 1280 pixels wide."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield patient(page)
    page.close()
