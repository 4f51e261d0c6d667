"""Has scripts in text and in outputs, for whoever opens the feedback."""

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

SCRIPT = "<script>window.hostile = 1</script><img src=x onerror='window.hostile = 1'>"


def change(notebook: NotebookNode) -> None:
    shown = {"text/html": SCRIPT, "application/javascript": "window.hostile = 1"}
    notebook.cells += [
        new_markdown_cell(SCRIPT + "[press](javascript:window.hostile=1)"),
        new_code_cell("1", outputs=[new_output("display_data", shown)]),
    ]
