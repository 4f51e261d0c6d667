"""A student's hour in a real browser: fetch, look at a blank, fill it, check, validate, submit."""

from collections.abc import Iterator

import nbformat
import pytest
from course import CLASS, EX02, ROOT, Course
from jupyterlab import Lab, cell, insert, look, menu, open_lab, picture, run
from playwright.sync_api import Browser, Page, expect

from autograder.author.samples import without_free_cells
from autograder.instructor.new_course import start

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("commands")]

STUDENT = """\
c = get_config()
c.CourseDirectory.course_id = "scaling-ml"
c.Exchange.root = "{exchange}"
c.Execute.timeout = 300
"""
"""What a student's machine has to know, as docs/instructor.md gives it to the class."""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course that has released ex02, without the cells to try things in: they take time."""
    course = Course(tmp_path_factory.mktemp("course") / "c")
    start(ROOT, course.root)
    source = nbformat.read(course.root / "source" / EX02 / f"{EX02}.ipynb", as_version=4)
    course.write_source(EX02, without_free_cells(source))
    course.release(EX02)
    assert course.api().release_assignment(EX02)["success"]
    return course


@pytest.fixture(scope="module")
def desk(
    browser: Browser, course: Course, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """JupyterLab in a student's own folder and home; of the course it knows the exchange."""
    home = tmp_path_factory.mktemp("student")
    folder = home / "work"
    folder.mkdir()
    exchange = course.root / "exchange"
    (folder / "nbgrader_config.py").write_text(STUDENT.format(exchange=exchange))
    with open_lab(folder, home) as lab:
        yield lab


@pytest.fixture(scope="module")
def notebook(desk: Lab, page: Page) -> Page:
    """The notebook, fetched through the assignment list, Run All pressed."""
    page.goto(desk.url("lab"))
    page.get_by_role("button", name="No", exact=True).click()  # news of Jupyter
    menu(page, "Nbgrader", "Assignment List")
    page.get_by_role("button", name="Fetch", exact=True).click()
    expect(page.get_by_role("button", name="Submit", exact=True)).to_be_visible()
    picture(page, "student-assignments")
    page.goto(desk.url(f"lab/tree/{EX02}/{EX02}.ipynb"))
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    menu(page, "Run", "Run All Cells")
    return page


def test_an_untouched_blank_is_named(notebook: Page) -> None:
    checked = cell(notebook, "check(fit_small)")
    card = checked.locator(".dsk-card")
    expect(card).to_contain_text("the blank is as it was released")
    expect(checked).to_contain_text("Not yet: ")
    expect(checked).not_to_contain_text("Traceback")
    look(notebook, card, "student-blank")


def test_a_wrong_answer_shows_its_mistake(notebook: Page) -> None:
    _fill(notebook, "predict_large", CLASS["cauchy"].answers["predict_large"])
    _fill(notebook, "fit_small", CLASS["hypatia"].answers["fit_small"])
    checked = cell(notebook, 'check(predict_large, "lazy")')
    run(checked)
    expect(checked.locator(".dsk-card")).to_contain_text("The labels are computed too early")
    look(notebook, checked.locator(".dsk-card"), "student-mistake")


def test_a_filled_blank_passes(notebook: Page) -> None:
    _fill(notebook, "predict_large", CLASS["hypatia"].answers["predict_large"])
    for call in ("check(fit_small)", 'check(predict_large, "speedup")'):
        run(cell(notebook, call))
        card = cell(notebook, call).locator(".dsk-card")
        expect(card).to_contain_text("Every check passed.")
    look(notebook, card, "student-passed")


def test_check_alone_shows_how_far_one_is_light_and_dark(notebook: Page) -> None:
    checked = insert(cell(notebook, 'check(score_large, "values")'), "check()")
    card = checked.locator(".dsk-card")
    expect(card).to_contain_text("All that is filled in is right; next: score_large.")
    expect(card).to_contain_text("neither you nor your code has seen")
    expect(checked).not_to_contain_text("Not yet")
    look(notebook, card, "student-progress")
    menu(notebook, "Settings", "Theme", "JupyterLab Dark")
    expect(notebook.locator("body[data-jp-theme-light=false]")).to_be_attached()
    look(notebook, card, "student-progress-dark")


def test_the_dashboard_opens_beside_the_notebook(notebook: Page) -> None:
    panes = notebook.locator(".lm-TabBar-tab", has_text="Task Stream")
    # At 1280 pixels, where the notebook has run so far, there is no room for both.
    expect(panes).to_have_count(0)
    notebook.set_viewport_size({"width": 1600, "height": 1000})
    given = cell(notebook, "client = connect()")
    insert(given, "from cluster import watch; watch(client)")
    expect(notebook.get_by_role("button", name="Watch the workers").last).to_be_visible()
    for pane in ("Task Stream", "Progress", "Workers Memory"):
        expect(notebook.locator(".lm-TabBar-tab", has_text=pane)).to_be_visible()
    frame = notebook.frame_locator("iframe[src*=individual-task-stream]")
    expect(frame.locator(".bk-Figure, canvas").first).to_be_visible()
    run(cell(notebook, "check(fit_small)"))
    notebook.wait_for_timeout(1500)  # for the picture alone
    picture(notebook, "student-dashboard")


def test_validate_tells_what_is_missing(notebook: Page) -> None:
    # The button saves the notebook first.
    notebook.get_by_role("button", name="Validate").click()
    dialog = notebook.locator(".jp-Dialog")
    expect(dialog).to_contain_text("Validation Results")
    picture(notebook, "student-validate")
    said = dialog.inner_text()
    assert 'check(score_large, "values")' in said
    assert "the blank is as it was released" in said
    assert "check(fit_small)" not in said
    assert "autograder/" not in said
    dialog.get_by_role("button", name="OK").click()


def test_it_is_handed_in_through_the_assignment_list(notebook: Page, course: Course) -> None:
    menu(notebook, "Nbgrader", "Assignment List")
    notebook.get_by_role("button", name="Submit", exact=True).click()
    expect(notebook.locator("#submitted_assignments_list")).to_contain_text(EX02)
    picture(notebook, "student-submitted")
    course.nbgrader("collect", EX02)
    handed_in = list((course.root / "submitted").glob(f"*/{EX02}/{EX02}.ipynb"))
    assert len(handed_in) == 1
    assert "return model.predict(X)" in handed_in[0].read_text()


def _fill(page: Page, function: str, answer: str) -> None:
    blank = cell(page, f"def {function}")
    blank.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(answer.strip())
    run(blank)
