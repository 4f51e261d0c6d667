"""Has nine hundred cells of words: more than an honest notebook needs, fewer than it may have."""

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell


def change(notebook: NotebookNode) -> None:
    notebook.cells += [
        new_markdown_cell(f"Thought {number}: *why* not?", id=f"thought-{number}")
        for number in range(900)
    ]
