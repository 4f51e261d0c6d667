"""Makes text of the grade cells."""

from nbformat import NotebookNode


def change(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.cell_type = "markdown"
            cell.pop("outputs", None), cell.pop("execution_count", None)
