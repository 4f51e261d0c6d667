"""What students wrote and displayed is kept as far as it can do no harm in a page."""

import base64
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import (
    new_code_cell,
    new_notebook,
    new_output,
)
from nbformat.validator import validate

from autograder.reader import Limits
from autograder.report import sanitize
from autograder.report.sanitize import clean_cells, clean_html, clean_outputs

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()

GOES = {
    "script": "<script>ran()</script>",
    "handler": "<img src=x onerror=ran()>",
    "javascript link": '<a href="javascript:ran()">x</a>',
    "javascript link in disguise": '<a href="jAvA\tscript:ran()">x</a>',
    "data link": '<a href="data:text/html,<script>ran()</script>">x</a>',
    "data link with a tab": '<a href="da\tta:text/html,<script>ran()</script>">x</a>',
    "data link behind controls": '<a href="\x01 da\nta:text/html,<script>ran()</script>">x</a>',
    "svg": "<svg onload=ran()><script>ran()</script></svg>",
    "svg in a picture": '<img src="data:image/svg+xml;base64,PHN2Zz4=">',
    "picture from elsewhere": '<img src="https://example.org/ran.png">',
    "style": "<style>body { background: url(https://example.org/ran) }</style>",
    "style of its own": '<p style="position: fixed; background: url(//example.org/ran)">x</p>',
    "class of the page": '<div class="ran dsk-card">x</div>',
    "frame": '<iframe srcdoc="<script>ran()</script>"></iframe>',
    "form": '<form action="https://example.org/ran"><button>x</button></form>',
    "base": '<base href="https://example.org/ran">',
    "refresh": '<meta http-equiv="refresh" content="0; url=https://example.org/ran">',
    "object": '<object data="https://example.org/ran"></object>',
    "name of another element": '<p id="ran" name="ran">x</p>',
    "parser confusion": "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;"
    "&lt;img src=1 onerror=ran()&gt;'>",
    "comment": "<!-- ran -->",
}


@pytest.mark.parametrize("name", GOES)
def test_what_could_run_load_or_send_goes(name: str) -> None:
    cleaned = clean_html(GOES[name])
    assert "ran" not in cleaned and "data:" not in cleaned and "svg" not in cleaned


STAYS = [
    "<p>a &lt; b <b>and</b> <code>c</code></p>",
    "<pre>x = 1\n\ny = 2</pre>",
    f'<img src="data:image/png;base64,{PNG}" alt="a plot">',
    '<table class="dataframe"><tbody><tr><th>0</th><td colspan="2">1</td></tr></tbody></table>',
    '<div class="highlight"><pre><span class="k">def</span></pre></div>',
]


@pytest.mark.parametrize("html", STAYS)
def test_what_is_harmless_stays(html: str) -> None:
    assert clean_html(html) == html


def test_links_to_pages_stay() -> None:
    assert 'href="https://docs.dask.org/"' in clean_html('<a href="https://docs.dask.org/">x</a>')


def _display(**data: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {"isolated": True}, "data": data}


def test_outputs_keep_text_and_real_pictures_and_lose_the_rest() -> None:
    cleaned = clean_outputs(
        [
            _display(**{"image/png": PNG, "image/svg+xml": "<svg/>", "text/plain": "a plot"}),
            _display(**{"image/png": '" onerror="ran()', "text/plain": "none"}),
            _display(**{"image/jpeg": PNG, "text/plain": "another kind"}),
            _display(**{"image/svg+xml": "<svg onload='ran()'/>"}),
            _display(**{"application/javascript": "ran()"}),
            {"output_type": "stream", "name": "stdout", "text": ["a", "b\ud800"]},
            {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t", 5]},
            {"output_type": "update_display_data", "data": {}},
        ]
    )
    assert [output.get("data") for output in cleaned] == [
        {"image/png": PNG, "text/plain": "a plot"},
        {"text/plain": "none"},
        {"text/plain": "another kind"},
        {"text/plain": "[An output of the kind image/svg+xml is not shown here.]"},
        {"text/plain": "[An output of the kind application/javascript is not shown here.]"},
        None,
        None,
    ]
    assert all(output.metadata == {} for output in cleaned if "metadata" in output)
    assert cleaned[-2].text == "ab?" and cleaned[-1].traceback == ["t", ""]


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = {
    "output_type": st.sampled_from(["stream", "error", "display_data", "execute_result"]),
    "data": st.dictionaries(
        st.sampled_from(["text/plain", "text/html", "image/png", "image/svg+xml", "x"]), _ANYTHING
    )
    | _ANYTHING,
    **dict.fromkeys(("name", "text", "ename", "evalue", "traceback", "execution_count"), _ANYTHING),
}


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.fixed_dictionaries({}, optional=_FIELDS), max_size=3))
@example([{"output_type": "execute_result", "data": {}, "execution_count": False}])
@example([{"output_type": "execute_result", "data": {}, "execution_count": -1}])
def test_whatever_the_outputs_are_the_notebook_is_valid(outputs: list[dict[str, Any]]) -> None:
    cell = new_code_cell("x", outputs=clean_outputs(outputs))
    notebook = new_notebook(cells=[cell])
    validate(notebook)


def nested(depth: int) -> str:
    return '<div title="</div>">' * depth + "x" + "</div>" * depth


def test_what_is_nested_too_deep_for_a_page_comes_as_text() -> None:
    assert clean_html(nested(150)).count("<div") == 150
    deep = clean_html(nested(250))
    assert "<div" not in deep and "&lt;div" in deep
    assert clean_html("<br>" * 1_000 + "<b>a</b>" * 1_000).count("<br>") == 1_000


def test_outputs_that_take_too_long_to_clean_are_left_out_and_others_are_cleaned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = new_output("stream", name="stdout", text="voilà \ud800")
    table = new_output("display_data", data={"text/html": "<b onclick=x()>1</b>"})
    cleaned = clean_cells([[words], [], [table]])
    assert cleaned == [clean_outputs([words]), [], clean_outputs([table])]
    monkeypatch.setattr(sanitize, "_CLEANING", Limits(cpu_seconds=1))
    slow = new_output("display_data", data={"text/html": "<div>" * 1_000_000})
    shown = clean_cells([[words], [], [slow]])
    assert [len(cell) for cell in shown] == [1, 0, 1]
    assert "takes more than 1 seconds of CPU time" in shown[2][0].text


def test_the_outputs_of_a_large_honest_notebook_are_cleaned() -> None:
    table = "<table>" + "<tr><td>1.0</td><td>voilà</td></tr>" * 3_000 + "</table>"
    outputs = [new_output("display_data", data={"text/html": table}) for _ in range(10)]
    text = new_output("stream", name="stdout", text="0.123 456 \n" * 3_000_000)
    cleaned = clean_cells([[text], outputs])
    assert cleaned[0][0].text == text.text and len(cleaned[1]) == 10
    assert cleaned[1][9].data["text/html"].count("voilà") == 3_000


def test_more_elements_than_a_page_has_room_for_are_left_out() -> None:
    few, many = (
        new_output("display_data", data={"text/html": "<b>x</b>" * n, "text/plain": "plain"})
        for n in (1_000, 150_000)
    )
    cleaned = clean_cells([[few], [many], [few]])
    assert [("text/html" in cell[0].data) for cell in cleaned] == [True, False, True]
    assert cleaned[1][0].data == {"text/plain": "plain"}


def _stream(text: str) -> NotebookNode:
    return new_output("stream", name="stdout", text=text)


def test_more_colours_than_a_page_has_room_for_are_left_out_and_their_text_stays() -> None:
    honest = _stream("\x1b[31ma\x1b[0m" * 10_000)
    error = new_output("error", ename="E", evalue="", traceback=["\x1b[31ma"] * 90_000)
    shown = new_output("display_data", data={"text/plain": "\x1b[31ma" * 90_000})
    hostile = _stream("\x1b[31ma" * 90_000)
    cleaned = clean_cells([[honest, hostile], [error, shown], [honest]])
    assert cleaned[0] == [honest, _stream("a" * 90_000)]
    assert cleaned[1][0].traceback == ["\n".join("a" * 90_000)]
    assert cleaned[1][1].data == {"text/plain": "a" * 90_000}
    assert cleaned[2] == [honest]


def test_more_outputs_than_a_page_has_room_for_end_with_a_note() -> None:
    honest, hostile = [_stream("10 %\r")] * 6_000, [_stream("a")] * 3_000
    cleaned = clean_cells([honest, hostile, [_stream("b")]])
    assert cleaned[0] == honest and 0 < len(cleaned[1]) < 3_000
    assert cleaned[1][-1] == cleaned[2][0] == _stream(f"{sanitize._CROWDED}\n")


def test_the_colours_of_a_long_traceback_and_of_a_progress_bar_stay() -> None:
    lines = [
        f"\x1b[0;32m---> {i}\x1b[0m \x1b[0;31mf\x1b[0m(\x1b[1;36mx\x1b[0m)" for i in range(3_000)
    ]
    error = new_output("error", ename="E", evalue="", traceback=["\n".join(lines)])
    bar = [_stream(f"\r\x1b[32m{i}/5000\x1b[0m\x1b[A") for i in range(5_000)]
    assert clean_cells([[error], bar]) == [[error], bar]
