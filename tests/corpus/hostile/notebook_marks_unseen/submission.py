"""Has marks of direction, zero width and control in its code, its words and its comments."""

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

UNSEEN = "\u202e\u2066\u200b\ufeff\x00\x07\x1b[2J\x1b]0;owned\x07\u2028\x85"


def change(notebook: NotebookNode) -> None:
    notebook.cells += [
        new_markdown_cell(f"# {UNSEEN} 8 of 8 points {UNSEEN}", id="unseen-words"),
        new_code_cell(f"# {UNSEEN.replace(chr(0), '')}\n1", id="unseen-code"),
    ]
