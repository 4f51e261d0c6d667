"""Feedback pages: no script, and a policy that forbids them."""

import time

import pytest
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
    new_raw_cell,
)
from traitlets.config import Config

from autograder.course import configure
from autograder.nbgrader_bridge import html_exporter
from autograder.nbgrader_bridge.html_exporter import FeedbackExporter
from autograder.nbgrader_bridge.page_parts import Part


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


SLOW_WORDS, SLOW_CODE = "\\begin{a} " * 15_000, "a." * 100_000


def test_words_and_code_that_take_too_long_are_shown_as_typed_and_the_others_rendered() -> None:
    begun = time.monotonic()
    made = page(
        new_markdown_cell("*first*"),
        new_markdown_cell(SLOW_WORDS + "<b>"),
        new_code_cell(SLOW_CODE + "<b>"),
        new_code_cell("x = None", outputs=[new_output("display_data", {"text/markdown": "*out*"})]),
        new_markdown_cell("*last*"),
    )
    for words in ("<em>first</em>", "<em>out</em>", "<em>last</em>"):
        assert words in made
    assert SLOW_WORDS + "&lt;b&gt;" in made and SLOW_CODE + "&lt;b&gt;" in made
    assert made.count("too long to render") == 1
    assert 'class="kc">None' in made
    assert time.monotonic() - begun < 60


@pytest.mark.slow
def test_a_page_has_one_budget_for_all_its_cells() -> None:
    # Each within the time of a part; together they would take 100 s.
    slow = [new_markdown_cell("\\begin{a} " * 4_000 + str(i)) for i in range(50)]
    begun = time.process_time()
    made = page(new_markdown_cell("*first*"), *slow)
    assert "<em>first</em>" in made
    assert made.count("too long to render") > 20
    assert time.process_time() - begun < 20


def test_code_of_more_elements_than_a_page_has_room_for_is_shown_as_typed() -> None:
    usual, long = "x = f(1)\n" * 4_000, "x = f(1)\n" * 50_000
    made = page(new_code_cell(usual), new_code_cell(long), new_markdown_cell("*words*"))
    assert made.count("<span") > 20_000 and long.strip() in made
    assert made.count("<span") < 100_000 and "<em>words</em>" in made


def test_pictures_in_words_and_other_languages_are_as_nbconvert_has_them() -> None:
    pixel = "iVBORw0KGgo="
    cell = new_markdown_cell(
        "![dot](attachment:dot.png)", attachments={"dot.png": {"image/png": pixel}}
    )
    other = new_code_cell("%%bash\necho 1", metadata={"magics_language": "bash"})
    made = page(cell, other)
    assert f"data:image/png;base64,{pixel}" in made
    assert 'class="nb">echo' in made


HARMFUL = (
    new_markdown_cell("a < b & c > d, \"quoted\" 'text' &lt;script&gt; </h4> <h4>x</h4>"),
    new_code_cell(
        "x = '<script>'  # </head> <head>",
        outputs=[
            new_output("display_data", {"text/html": "<script>ran()</script><b title='<'>t</b>"}),
            new_output("stream", text="<script>ran()</script>\n"),
        ],
    ),
    new_raw_cell("<script\n>ran()</script>", metadata={"raw_mimetype": "text/html"}),
)


@pytest.mark.parametrize("note", ["", 'Handed in late: 1.5 points < "all" & more.'])
def test_a_page_is_the_same_whether_its_tree_is_built_again_or_not(
    note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trees = []
    by_tree = html_exporter._safe_by_tree
    monkeypatch.setattr(
        html_exporter, "_safe_by_tree", lambda *given: trees.append(given) or by_tree(*given)
    )
    resources = {"metadata": {"name": "x"}}
    made, _ = HTMLExporter().from_notebook_node(new_notebook(cells=list(HARMFUL)), resources)
    made = made.replace("<body", "<h4>Title (Score: 1)</h4><body", 1)
    assert made.count("<script") > 2
    assert html_exporter._safe(made, note) == by_tree(made, note)
    assert not trees and "<script" not in html_exporter._safe(made, note)


@pytest.mark.parametrize(
    "made",
    [
        "<html><head></head><body><SCRIPT>ran()</SCRIPT></body></html>",
        "<html><head></head><body><script>ran()</body></html>",
        "<html><!-- <head> --><head></head><body>x</body></html>",
    ],
)
def test_a_page_of_another_form_goes_through_a_tree(made: str) -> None:
    safe = html_exporter._safe(made, "")
    assert safe == html_exporter._safe_by_tree(made, "")
    assert "<script" not in safe.lower() and "default-src 'none'" in safe


def test_a_page_has_the_kits_colours() -> None:
    output = new_output("stream", text="\x1b[31mred\x1b[38m <too>")
    made = page(new_code_cell("x", outputs=[output]))
    red = '<span class="ansi-red-fg">'
    assert f"{red}red</span>{red} &lt;too&gt;</span>" in made
    settings = Config()
    configure(settings)
    assert set(settings.HTMLExporter.filters) == set(html_exporter._FILTERS)


def test_what_pages_have_in_common_is_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    read = html_exporter.reader.read

    def counting(function: object, parts: list[Part], **others: object) -> bytes:
        asked.extend(part.source for part in parts)
        return read(function, parts, **others)

    monkeypatch.setattr(html_exporter.reader, "read", counting)
    monkeypatch.setattr(html_exporter, "_KNOWN", {})
    text, code = new_markdown_cell("The *text* of the exercise"), new_code_cell("given = 1")
    first = page(text, code, new_markdown_cell("answer of *kovalevskaya*", id="answer"))
    assert asked == [text.source, code.source, "answer of *kovalevskaya*"]
    second = page(text, code, new_markdown_cell("answer of *ramanujan*", id="answer"))
    assert asked[3:] == ["answer of *ramanujan*"]
    assert first.replace("kovalevskaya", "ramanujan") == second


def test_what_a_page_has_too_much_of_does_not_hang_on_earlier_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(html_exporter, "_KNOWN", {})
    monkeypatch.setattr(html_exporter, "MOST_TAGS", 40)
    monkeypatch.setattr("autograder.nbgrader_bridge.page_parts.MOST_TAGS", 40)
    cells = [new_markdown_cell("*a* " * n) for n in (3, 4, 30, 5)]
    alone = page(*cells)
    page(*cells[:2])
    page(*cells[3:])
    assert page(*cells) == alone


def test_no_more_is_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_exporter, "_KNOWN", {})
    monkeypatch.setattr(html_exporter, "_MOST_KNOWN", 100)
    page(new_markdown_cell("*short*"))
    assert len(html_exporter._KNOWN) == 1
    page(new_markdown_cell("*long* " * 20))
    assert not html_exporter._KNOWN
