"""The formgrader in a real browser: an instructor's evening, from release to feedback."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import course
import forked
import nbformat
import pytest
from course import CLASS, EX02, Mark
from jupyterlab import Lab, cell, fits, menu, open_lab, patient, picture
from playwright.sync_api import Browser, Locator, Page, Response, expect

from autograder.author.samples import fill, without_free_cells
from autograder.instructor.class_report import report

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("commands")]

STUDENTS = ("hypatia", "cauchy")
"""All right; right labels, but computed too early."""
MISTAKE = "The labels are computed too early"

Marks = dict[str, dict[str, float | None]]


@pytest.fixture(scope="module")
def autograded(lab: Lab, page: Page, base: Path) -> Marks:
    """Generate, release, collect and autograde, all by the formgrader's buttons; the marks.

    The reference solution and hypatia's code were observed in this round, in the class that other
    tests start from; cauchy's are observed now.
    """
    _press(page, _row(lab, page).locator(".assign a"), "Successfully created the student version")
    expect(_row(lab, page).locator(".preview a")).to_have_attribute(
        "href", re.compile(f"release.*{EX02}")
    )
    _press(page, _row(lab, page).locator(".release a"), "Successfully released")
    for student in STUDENTS:
        _submit(lab, student)
    _press(page, _row(lab, page).locator(".collect a"), "Successfully collected")
    known = course.graded(base)
    ignore = shutil.ignore_patterns("results")
    shutil.copytree(known.root / "evidence", lab.course.root / "evidence", ignore=ignore)
    page.goto(lab.url(f"formgrader/manage_submissions/{EX02}"))
    for student in STUDENTS:
        row = page.locator("tr", has=page.get_by_text(student, exact=True))
        _press(page, row.locator(".autograde a"), "Successfully autograded")
    picture(page, "formgrader-submissions")
    assert len(lab.course.evidence().keys() - known.evidence().keys()) == 1
    return {student: lab.course.points(student) for student in STUDENTS}


def _row(lab: Lab, page: Page) -> Locator:
    """Open the list of assignments; return the line of ours."""
    page.goto(lab.url("formgrader/manage_assignments"))
    return page.locator("tr", has=page.get_by_text(EX02, exact=True))


def _submit(lab: Lab, student: str) -> None:
    """Hand in through the exchange, as a student's own nbgrader does."""
    desk = lab.course.root.parent / student
    folder = desk / EX02
    folder.mkdir(parents=True)
    blank = lab.course.released()
    if student not in course.STUDENTS:  # whose code is known as it was handed in there
        blank = without_free_cells(blank)
    answered = fill(CLASS[student], blank)
    nbformat.write(answered, folder / f"{EX02}.ipynb")
    shutil.copy(lab.course.root / "nbgrader_config.py", desk)
    options = [
        f"--Exchange.root={lab.course.root / 'exchange'}",
        f"--CourseDirectory.student_id={student}",
    ]
    done = forked.run("-m", "nbgrader", "submit", EX02, *options, cwd=desk, env=os.environ)
    assert done.returncode == 0, done.stdout


def _press(page: Page, button: Locator, success: str) -> None:
    """Press a button of the formgrader and wait for its message."""
    button.click()
    message = page.locator(".modal.in")
    expect(message).to_contain_text(re.compile("Success|Error"))
    assert success in message.inner_text(), message.inner_text()
    message.get_by_role("button", name="OK").click()
    expect(page.locator(".modal-backdrop")).to_have_count(0)


def test_the_formgrader_gives_the_stated_marks(autograded: Marks) -> None:
    assert autograded == {student: CLASS[student].verdict for student in STUDENTS}


def test_the_command_line_gives_the_same_marks(autograded: Marks, lab: Lab) -> None:
    done = lab.course.nbgrader("autograde", EX02, "--force")
    assert done.returncode == 0, done.stdout
    assert {student: lab.course.points(student) for student in STUDENTS} == autograded


def test_other_pages_are_answered_while_it_grades(autograded: Marks, lab: Lab, page: Page) -> None:
    assert _grades_while_pages_are_answered(lab, page)
    assert lab.course.points("hypatia") == autograded["hypatia"]


def test_nbgrader_s_own_handler_answers_them_when_it_is_done(
    autograded: Marks, lab: Lab, browser: Browser
) -> None:
    # What the test above says of our handler would otherwise be true of any.
    with (
        open_lab(lab.course.root, lab.course.root.parent, stock=True) as stock,
        closing(browser.new_page()) as page,
    ):
        _row(stock, patient(page))  # the way in: the cookie of a page counts for those below it
        assert not _grades_while_pages_are_answered(stock, page)
    assert lab.course.points("hypatia") == autograded["hypatia"]


def _grades_while_pages_are_answered(lab: Lab, page: Page) -> bool:
    """Press Autograde, then ask for pages; tell whether several came while it was grading.

    One or two may come from any server: before it has begun, or when its answer is on the way.
    """
    page.goto(lab.url(f"formgrader/manage_submissions/{EX02}"))
    row = page.locator("tr", has=page.get_by_text("hypatia", exact=True))
    done: list[Response] = []
    page.on("response", lambda got: done.append(got) if got.url.endswith("/autograde") else None)
    with page.expect_request(re.compile("/autograde$")):
        row.locator(".autograde a").click()
    answered = 0
    while not done and answered < 5:
        assert page.request.get(lab.url("api/status")).ok
        page.wait_for_timeout(100)  # for the response of the grading to be heard of, if it came
        answered += not done
    expect(page.locator(".modal.in")).to_contain_text("Successfully autograded")
    return answered == 5


def test_the_formgrader_shows_our_findings(autograded: Marks, lab: Lab, page: Page) -> None:
    _open_submission(lab, page, "cauchy")
    card = page.locator(".dsk-card", has_text=MISTAKE).first
    expect(card).to_be_visible()
    card.scroll_into_view_if_needed()
    picture(page, "formgrader-submission")
    stream = page.locator(".dsk-card", has_text="Where the time went").first
    stream.scroll_into_view_if_needed()
    picture(stream, "formgrader-speedup")
    fits(page.locator(".dsk-card").all())


def test_the_preview_is_what_students_will_see(autograded: Marks, lab: Lab, page: Page) -> None:
    page.goto(lab.url("lab"))
    page.get_by_role("button", name="No", exact=True).click()  # news of Jupyter
    menu(page, "Nbgrader", "Formgrader")
    formgrader = page.frame_locator("iframe[src*=formgrader]")
    formgrader.locator("tr", has_text=EX02).locator(".preview a").click()
    page.locator(".jp-DirListing-item", has_text=f"{EX02}.ipynb").dblclick()
    notebook = page.locator(".jp-NotebookPanel")
    expect(cell(page, "def predict_large")).to_contain_text("raise NotImplementedError()")
    expect(notebook).not_to_contain_text("BEGIN SOLUTION")
    picture(page, "formgrader-preview")


def _open_submission(lab: Lab, page: Page, student: str) -> None:
    with lab.course.gradebook() as gradebook:
        submission = gradebook.find_submission_notebook(EX02, EX02, student).id
    page.goto(lab.url(f"formgrader/submissions/{submission}/?index=0"))


@pytest.fixture(scope="module")
def marked(autograded: Marks, lab: Lab, page: Page) -> Marks:
    """Mark the question in words of each student, then make and release the feedback."""
    for student, points in zip(STUDENTS, ("1.5", "2"), strict=True):
        _open_submission(lab, page, student)
        # Of all scores on the page, the one that waits for a person.
        waiting = page.locator("input.score.needs_manual_grade")
        expect(waiting).to_have_count(1)
        waiting.scroll_into_view_if_needed()
        waiting.fill(points)
        with page.expect_response(lambda response: "/api/grade/" in response.url):
            waiting.press("Tab")
        expect(page.locator("input.score.needs_manual_grade")).to_have_count(0)
        picture(page, f"formgrader-words-{student}")
    _press(page, _row(lab, page).locator(".generate-feedback a"), "Successfully generated feedback")
    _press(page, _row(lab, page).locator(".release-feedback a"), "Successfully released feedback")
    return autograded


def test_a_mark_by_hand_is_kept(marked: Marks, lab: Lab) -> None:
    assert lab.course.marks("hypatia")["when_not"] == Mark(None, 1.5, False)
    assert lab.course.marks("cauchy")["when_not"] == Mark(None, 2.0, False)
    assert {student: lab.course.points(student) for student in STUDENTS} == marked


@pytest.fixture
def feedback(marked: Marks, lab: Lab, page: Page) -> Iterator[Page]:
    """The page of feedback of the student who made a mistake, as a browser shows a file."""
    path = lab.course.root / "feedback" / "cauchy" / EX02 / f"{EX02}.html"
    page.goto(path.as_uri())
    yield page


def test_the_feedback_names_the_mistake(feedback: Page) -> None:
    card = feedback.locator(".dsk-card", has_text=MISTAKE).first
    expect(card).to_contain_text("Expected")
    expect(card).to_contain_text("What to do")
    card.scroll_into_view_if_needed()
    picture(feedback, "feedback-mistake")
    fits(feedback.locator(".dsk-card").all())
    # 16 by the machine and 2 by hand.
    expect(feedback.locator("body")).to_contain_text("18.0 / 20.0")


def test_the_feedback_of_right_work_names_none(marked: Marks, lab: Lab, page: Page) -> None:
    page.goto((lab.course.root / "feedback" / "hypatia" / EX02 / f"{EX02}.html").as_uri())
    expect(page.locator(".dsk-card").first).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("Likely reason")
    expect(page.locator("body")).to_contain_text("19.5 / 20.0")


def test_the_feedback_went_out_to_its_student(marked: Marks, lab: Lab) -> None:
    released = list((lab.course.root / "exchange").glob("*/feedback/*.html"))
    assert sorted(MISTAKE in page.read_text() for page in released) == [False, True]


# ------------------------------------------------------------------------- the class report


@pytest.fixture(scope="module")
def classroom(marked: Marks, lab: Lab, page: Page) -> Iterator[Page]:
    written, _ = report(lab.course.root, EX02)
    page.goto(written.as_uri())
    yield page


def test_the_class_report_has_marks_and_leads_to_the_feedback(classroom: Page) -> None:
    rows = classroom.locator("#roster tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("cauchy")
    expect(rows.nth(0)).to_contain_text(MISTAKE)
    expect(rows.nth(1).locator(".total")).to_have_text("19.5")
    classroom.get_by_role("link", name="cauchy").click()
    expect(classroom.locator(".dsk-card", has_text=MISTAKE).first).to_be_visible()
    classroom.go_back()
