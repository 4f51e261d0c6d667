"""Has its cells in the opposite order."""

from nbformat import NotebookNode


def change(notebook: NotebookNode) -> None:
    notebook.cells.reverse()
