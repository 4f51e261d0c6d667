"""Feedback pages: no script, and a policy that forbids them."""

from nbformat import NotebookNode
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
    new_raw_cell,
)

from autograder.nbgrader_bridge.html_exporter import FeedbackExporter


def page(*cells: NotebookNode) -> str:
    resources = {"metadata": {"name": "x"}}
    return str(FeedbackExporter().from_notebook_node(new_notebook(cells=list(cells)), resources)[0])


def test_page_has_no_script_and_a_policy_that_forbids_them() -> None:
    made = page(
        new_markdown_cell("$x < y$ and *this* <script>ran()</script> <img src=x onerror=ran()>"),
        new_markdown_cell("[link](javascript:ran()) ```<b onclick=ran()>```"),
        new_raw_cell("<script>ran()</script>", metadata={"raw_mimetype": "text/html"}),
        new_code_cell("'<script>ran()</script>'"),
    )
    assert "<script" not in made
    assert "<em>this</em>" in made
    head = made[: made.index("<title")]
    assert "Content-Security-Policy" in head and "default-src 'none'" in head


def test_card_of_ours_stays_in_the_page() -> None:
    ours = new_output("display_data", data={"text/html": '<svg role="img"><title>t</title></svg>'})
    assert '<svg role="img">' in page(new_code_cell("check", outputs=[ours]))
