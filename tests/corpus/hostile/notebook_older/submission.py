"""Has metadata of the second version."""

from nbformat import NotebookNode


def change(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata["nbgrader"]["schema_version"] = 2
