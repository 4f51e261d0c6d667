"""The formgrader in a real browser: an instructor releases, grades and looks at what came out."""

import re

import pytest
from course import CLASS, EX02
from desk import Lab, fits, picture
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.slow

STUDENTS = ("hypatia", "cauchy")
"""All right; right labels, but computed too early."""


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
    fits(page.locator(".dsk-card").all())
