"""Deletes all grade cells."""

from nbformat import NotebookNode


def change(notebook: NotebookNode) -> None:
    notebook.cells = [c for c in notebook.cells if not c.metadata.get("nbgrader", {}).get("grade")]
