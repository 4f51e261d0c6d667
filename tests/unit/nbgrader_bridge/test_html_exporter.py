"""Feedback pages: no script, and a policy that forbids them."""

import base64

from nbformat import NotebookNode
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
    new_raw_cell,
)

from autograder.nbgrader_bridge.html_exporter import FeedbackExporter

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()

GOES = {
    "script": "<script>ran()</script>",
    "handler": "<img src=x onerror=ran()>",
    "javascript link": '<a href="javascript:ran()">x</a>',
    "javascript link in disguise": '<a href="jAvA\tscript:ran()">x</a>',
    "data link": '<a href="data:text/html,<script>ran()</script>">x</a>',
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
