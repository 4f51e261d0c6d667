"""Says in the metadata that every cell is worth a thousand points."""

from nbformat import NotebookNode


def change(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata["nbgrader"]["points"] = 1000
