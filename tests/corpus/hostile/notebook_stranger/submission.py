"""Has a grade cell of another assignment, worth fifty points."""

from copy import deepcopy

from nbformat import NotebookNode


def change(notebook: NotebookNode) -> None:
    graded = (c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade"))
    stranger = deepcopy(next(graded))
    stranger.metadata["nbgrader"].update(grade_id="another_exam", points=50)
    stranger.id = "stranger"
    notebook.cells.append(stranger)
