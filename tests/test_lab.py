"""JupyterLab in a real browser: an instructor's formgrader, and a student's notebook.

Screenshots are kept in ``build/screenshots``.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from course import CLASS, EX02, ROOT, Course, with_scripts
from playwright.sync_api import Locator, Page, expect, sync_playwright

from autograder.start import start

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENSHOTS = ROOT / "build" / "screenshots"
TOKEN = "a-token-for-this-test"
STUDENTS = ("hypatia", "cauchy")
"""All right; right labels, but computed too early."""
PATIENCE = 300_000
"""Milliseconds until something is taken for broken."""

if CHROMIUM is None:
    warnings.warn(
        "NO BROWSER TESTS: JupyterLab and the formgrader were not tried, since there is no "
        "Chromium (sudo apt install chromium).",
        stacklevel=1,
    )
    pytest.skip("no Chromium", allow_module_level=True)


@dataclass(frozen=True, slots=True)
class Lab:
    """A running JupyterLab."""

    course: Course
    address: str

    def url(self, path: str) -> str:
        return f"{self.address}/{path}{'&' if '?' in path else '?'}token={TOKEN}"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on a new course, as `make lab` starts it."""
    base = tmp_path_factory.mktemp("lab")
    course = Course(base / "course")
    start(ROOT, course.root)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # A home of its own: settings of whoever runs the tests have no say here.
    environment = {name: v for name, v in os.environ.items() if not name.startswith("JUPYTER")}
    environment |= {"HOME": str(base), "PATH": with_scripts()}
    lab = Lab(course, f"http://127.0.0.1:{port}")
    with open(base / "lab.log", "w") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}"),
                *("--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"),
                *("--LabApp.news_url=", "--allow-root"),
            ],
            cwd=course.root,
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


@pytest.fixture(scope="module")
def page(lab: Lab) -> Iterator[Page]:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        yield page
        browser.close()


def picture(target: Page | Locator, name: str) -> None:
    target.screenshot(path=SCREENSHOTS / f"{name}.png")


# ------------------------------------------------------------------------ the instructor


@pytest.fixture(scope="module")
def autograded(lab: Lab, page: Page) -> dict[str, dict[str, float | None]]:
    """Generate, release, collect by hand and press Autograde for each student; their marks."""
    page.goto(lab.url("formgrader/manage_assignments"))
    row = page.locator("tr", has=page.get_by_text(EX02, exact=True))
    _press(page, row.locator(".assign a"), "Successfully created the student version")
    _press(page, row.locator(".release a"), "Successfully released")
    for student in STUDENTS:
        lab.course.hand_in(student, lab.course.pour(student))
    page.goto(lab.url(f"formgrader/manage_submissions/{EX02}"))
    for student in STUDENTS:
        row = page.locator("tr", has=page.get_by_text(student, exact=True))
        _press(page, row.locator(".autograde a"), "Successfully autograded")
    picture(page, "formgrader-submissions")
    return {student: lab.course.points(student) for student in STUDENTS}


def _press(page: Page, button: Locator, success: str) -> None:
    """Press a button of the formgrader and wait for its message."""
    button.click()
    message = page.locator(".modal.in")
    expect(message).to_contain_text(re.compile("Success|Error"))
    assert success in message.inner_text(), message.inner_text()
    message.get_by_role("button", name="OK").click()
    expect(page.locator(".modal-backdrop")).to_have_count(0)


def test_the_formgrader_gives_the_stated_marks(
    autograded: dict[str, dict[str, float | None]],
) -> None:
    assert autograded == {student: CLASS[student].verdict for student in STUDENTS}


def test_the_command_line_gives_the_same_marks(
    autograded: dict[str, dict[str, float | None]], lab: Lab
) -> None:
    done = lab.course.nbgrader("autograde", EX02, "--force")
    assert done.returncode == 0, done.stdout
    assert {student: lab.course.points(student) for student in STUDENTS} == autograded


def test_the_formgrader_shows_our_findings(
    autograded: dict[str, dict[str, float | None]], lab: Lab, page: Page
) -> None:
    with lab.course.gradebook() as gradebook:
        submission = gradebook.find_submission_notebook(EX02, EX02, "cauchy").id
    page.goto(lab.url(f"formgrader/submissions/{submission}/?index=0"))
    card = page.locator(".dsk-card", has_text="The labels are computed too early").first
    expect(card).to_be_visible()
    card.scroll_into_view_if_needed()
    picture(page, "formgrader-submission")
    stream = page.locator(".dsk-card", has_text="Where the time went").first
    stream.scroll_into_view_if_needed()
    picture(stream, "formgrader-speedup")
    _fits(page.locator(".dsk-card").all())


def _fits(cards: list[Locator]) -> None:
    """Fail if a card has more in it than its width holds."""
    assert cards
    for card in cards:
        assert card.evaluate("card => card.scrollWidth <= card.clientWidth + 1")


# --------------------------------------------------------------------------- the student


@pytest.fixture(scope="module")
def notebook(
    autograded: dict[str, dict[str, float | None]], lab: Lab, page: Page
) -> Iterator[Page]:
    """The released notebook in JupyterLab, Run All pressed."""
    desk = lab.course.root / "desk"
    desk.mkdir()
    (desk / f"{EX02}.ipynb").write_bytes(
        (lab.course.root / "release" / EX02 / f"{EX02}.ipynb").read_bytes()
    )
    page.goto(lab.url(f"lab/tree/desk/{EX02}.ipynb"))
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    page.get_by_role("button", name="No", exact=True).click()  # news of Jupyter
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator(".lm-Menu-item", has_text="Run All Cells").first.click()
    yield page


def _cell(page: Page, text: str) -> Locator:
    return page.locator(".jp-CodeCell", has=page.locator(".cm-content", has_text=text)).first


def test_an_untouched_blank_is_named(notebook: Page) -> None:
    cell = _cell(notebook, "check(fit_small)")
    card = cell.locator(".dsk-card")
    expect(card).to_contain_text("the blank is as it was released")
    expect(cell).to_contain_text("Not yet: ")
    expect(cell).not_to_contain_text("Traceback")
    _look(notebook, card, "notebook-blank")


def test_a_filled_blank_passes(notebook: Page) -> None:
    for function in ("fit_small", "predict_large"):
        _fill(notebook, function)
    for call in ("check(fit_small)", 'check(predict_large, "speedup")'):
        _run(_cell(notebook, call))
        card = _cell(notebook, call).locator(".dsk-card")
        expect(card).to_contain_text("Every check passed.")
    _look(notebook, card, "notebook-passed")


def _look(page: Page, card: Locator, name: str) -> None:
    """Take pictures of a card in a wide and a narrow window; fail where it does not fit."""
    for width in (800, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        card.scroll_into_view_if_needed()
        _fits([card])
        picture(page, f"{name}-{width}")


def _fill(page: Page, function: str) -> None:
    cell = _cell(page, f"def {function}")
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(CLASS["hypatia"].answers[function].strip())
    _run(cell)


def _run(cell: Locator) -> None:
    cell.locator(".cm-content").click()
    cell.page.keyboard.press("Control+Enter")


def test_validate_tells_what_is_missing(notebook: Page) -> None:
    # The button saves the notebook first.
    notebook.get_by_role("button", name="Validate").click()
    dialog = notebook.locator(".jp-Dialog")
    expect(dialog).to_contain_text("Validation Results")
    picture(notebook, "notebook-validate")
    said = dialog.inner_text()
    assert "check(score_large)" in said
    assert "the blank is as it was released" in said
    assert "check(fit_small)" not in said
    assert "autograder/" not in said
