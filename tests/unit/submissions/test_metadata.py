"""What is kept of the metadata of a student's notebook, and that pages can be made of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import nbgrader.server_extensions.formgrader.handlers as formgrader
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell
from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder import submissions
from autograder.course import configure
from autograder.exercise import catalogue
from autograder.nbgrader_bridge.html_exporter import FeedbackExporter
from autograder.submissions.metadata import keep_known

RELEASED = Path(__file__).parents[3] / "source"
ODD: list[Any] = [None, 5, True, "x", [], [5], {}, {"x": 5}, {"remove_source": True}]
ON_PAGE = ("some words", "some_code", "some raw text")


def book(*metadata: dict[str, Any], whole: dict[str, Any] | None = None) -> NotebookNode:
    """Return a notebook with three cells for each."""
    words, code, raw = ON_PAGE
    made = new_notebook()
    made.metadata = nbformat.from_dict(whole or {})
    for each in metadata:
        cells = [new_markdown_cell(words), new_code_cell(code), new_raw_cell(raw)]
        for cell in cells:
            cell.metadata = nbformat.from_dict(each)
        made.cells += cells
    return made


def feedback(notebook: NotebookNode) -> str:
    known = {"notebook": "x", "score": 0, "max_score": 0, "late_penalty": 0}
    exporter = FeedbackExporter(config=GenerateFeedback(coursedir=CourseDirectory()).config)
    return str(exporter.from_notebook_node(notebook, {"nbgrader": known})[0])


def manual_grading(notebook: NotebookNode) -> str:
    """Return the page of the formgrader, as its server makes it."""
    config = Config()
    configure(config)
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [formgrader.template_path]
    resources = {"index": 0, "total": 1, "base_url": "", "submission_id": "1"}
    return str(HTMLExporter(config=config).from_notebook_node(notebook, resources)[0])


PAGES = pytest.mark.parametrize("page", [feedback, manual_grading])


@PAGES
@pytest.mark.parametrize("key", ["transient", "raw_mimetype", "tags", "jupyter", "name", "x"])
def test_metadata_of_a_cell_neither_keep_a_page_from_being_made_nor_the_cell_from_being_shown(
    key: str, page: Callable[[NotebookNode], str]
) -> None:
    notebook = book(*({key: value} for value in ODD))
    keep_known(notebook)
    made = page(notebook)
    assert [made.count(words) for words in ON_PAGE] == [len(ODD)] * 3


@pytest.mark.parametrize(
    "key", ["language", "language_info", "kernelspec", "title", "widgets", "authors"]
)
def test_metadata_of_a_notebook_that_a_page_cannot_use_are_removed(key: str) -> None:
    for value in [*ODD, {"name": 5}, {"pygments_lexer": "python"}]:
        notebook = book({}, whole={key: value})
        keep_known(notebook)
        assert notebook.metadata == {}, value


@PAGES
def test_a_page_is_made_with_what_is_left_of_a_language(
    page: Callable[[NotebookNode], str],
) -> None:
    notebook = book({}, whole={"language_info": {"name": "x", "pygments_lexer": 5}, "language": 5})
    keep_known(notebook)
    assert notebook.metadata == {"language_info": {"name": "x"}}
    assert "some_code" in page(notebook)


def test_what_makes_a_page_fail_or_hides_a_cell_is_what_is_removed() -> None:
    with pytest.raises(Exception, match="has no attribute"):
        feedback(book({"transient": "x"}))
    with pytest.raises(Exception, match="has no attribute"):
        manual_grading(book({"raw_mimetype": None}))
    assert "some_code" not in manual_grading(book({"transient": {"remove_source": True}}))


KEPT: dict[str, list[Any]] = {
    "nbgrader": [{"grade_id": "a", "points": 2}, "what nbgrader refuses, with a reason"],
    "tags": [["experiment"], ["raises-exception", "a.b"], []],
    "deletable": [False, True],
    "editable": [False],
    "collapsed": [True],
    "scrolled": [True, "auto"],
}


@pytest.mark.parametrize("key", KEPT)
def test_what_nbgrader_and_the_kit_need_is_kept(key: str) -> None:
    for value in KEPT[key]:
        notebook = book({key: value, "foreign": 1})
        keep_known(notebook)
        assert [cell.metadata for cell in notebook.cells] == [{key: value}] * 3


@pytest.mark.parametrize(
    ("key", "value"),
    [("deletable", 1), ("editable", "no"), ("collapsed", None), ("scrolled", "x"), ("tags", "x")],
)
def test_a_known_name_with_a_value_of_another_type_is_removed(key: str, value: Any) -> None:
    notebook = book({key: value})
    keep_known(notebook)
    assert [cell.metadata for cell in notebook.cells] == [{}] * 3


def test_a_tag_is_one_class_of_a_page_and_never_two() -> None:
    notebook = book({"tags": ["fine", "a hidden", "b\thidden", "c\nhidden", 5]})
    assert 'celltag_a hidden"' in feedback(book({"tags": ["a hidden"]}))
    keep_known(notebook)
    assert notebook.cells[0].metadata == {"tags": ["fine"]}


def test_of_a_notebook_kernel_and_language_are_kept() -> None:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    language = {"name": "python", "version": "3.11.2", "pygments_lexer": "ipython3"}
    odd = {"codemirror_mode": {"name": "ipython"}, "mimetype": 5}
    notebook = book({}, whole={"kernelspec": kernel, "language_info": language | odd, "title": "x"})
    keep_known(notebook)
    assert notebook.metadata == {"kernelspec": kernel, "language_info": language}


@pytest.mark.parametrize("path", sorted(RELEASED.glob("*/*.ipynb")), ids=lambda path: path.stem)
def test_a_released_notebook_stays_what_it_is(path: Path) -> None:
    notebook, before = (nbformat.read(path, as_version=4) for _ in range(2))
    keep_known(notebook)
    assert notebook == before
    exercise = catalogue.find(path.stem)
    assert exercise is not None
    digests = {submissions.outline(each, exercise).digest for each in (notebook, before)}
    assert len(digests) == 1
