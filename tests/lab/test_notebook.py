"""A released notebook in a real browser: a student fills blanks, checks and validates."""

from collections.abc import Iterator

import pytest
from course import CLASS, EX02
from desk import Lab, cell, look, picture, run
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def notebook(lab: Lab, page: Page) -> Iterator[Page]:
    """The released notebook in JupyterLab, Run All pressed."""
    lab.course.release(EX02)
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


def test_an_untouched_blank_is_named(notebook: Page) -> None:
    checked = cell(notebook, "check(fit_small)")
    card = checked.locator(".dsk-card")
    expect(card).to_contain_text("the blank is as it was released")
    expect(checked).to_contain_text("Not yet: ")
    expect(checked).not_to_contain_text("Traceback")
    look(notebook, card, "notebook-blank")


def test_a_filled_blank_passes(notebook: Page) -> None:
    for function in ("fit_small", "predict_large"):
        _fill(notebook, function)
    for call in ("check(fit_small)", 'check(predict_large, "speedup")'):
        run(cell(notebook, call))
        card = cell(notebook, call).locator(".dsk-card")
        expect(card).to_contain_text("Every check passed.")
    look(notebook, card, "notebook-passed")


def _fill(page: Page, function: str) -> None:
    blank = cell(page, f"def {function}")
    blank.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(CLASS["hypatia"].answers[function].strip())
    run(blank)


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
