"""Has a line that takes IPython's help pattern hours to read."""

import nbformat


def change(notebook: nbformat.NotebookNode) -> None:
    notebook.cells.append(nbformat.v4.new_code_cell("a" * 1_000_000 + "+?", id="help"))
