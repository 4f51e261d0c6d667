"""Has modules and settings beside the notebook that a grader might load in its own process."""

from pathlib import Path


def place(path: Path, course: Path) -> None:
    poison = "open('/tmp/unpickled-by-the-grader', 'w').close()\n"
    for name in (
        "numpy",
        "nbformat",
        "sitecustomize",
        "nbgrader_config",
        "conftest",
        "jupyter_config",
        "autograder/__init__",
        "cluster/__init__",
        "ipython_config",
    ):
        module = path.parent / f"{name}.py"
        module.parent.mkdir(exist_ok=True)
        module.write_text(poison)
