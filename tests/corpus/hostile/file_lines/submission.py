"""Has a cell of 600,000 lines, whose tokens take a gigabyte."""

import nbformat


def change(notebook: nbformat.NotebookNode) -> None:
    notebook.cells.append(nbformat.v4.new_code_cell("a\n" * 600_000, id="lines"))
