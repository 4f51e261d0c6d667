"""Has every grade cell twice."""

from copy import deepcopy

from nbformat import NotebookNode


def change(notebook: NotebookNode) -> None:
    doubled = []
    for cell in notebook.cells:
        doubled.append(cell)
        if cell.metadata.get("nbgrader", {}).get("grade"):
            again = deepcopy(cell)
            again.id = f"again-{len(doubled)}"
            doubled.append(again)
    notebook.cells = doubled
