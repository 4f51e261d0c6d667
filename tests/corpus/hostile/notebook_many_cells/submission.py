"""Has ten thousand cells that nbgrader asks its gradebook about, each by itself."""

from copy import deepcopy

from nbformat import NotebookNode


def change(notebook: NotebookNode) -> None:
    graded = next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade"))
    for number in range(10_000):
        cell = deepcopy(graded)
        cell.id = f"many-{number}"
        cell.metadata["nbgrader"]["grade_id"] = f"many_{number}"
        notebook.cells.append(cell)
