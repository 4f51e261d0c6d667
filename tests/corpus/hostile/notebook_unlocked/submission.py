"""Makes its grade cells cells for answers, and its answers cells that are graded."""

from nbformat import NotebookNode


def change(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            told = cell.metadata["nbgrader"]
            told["grade"], told["solution"] = told["solution"], told["grade"]
            told["locked"] = False
