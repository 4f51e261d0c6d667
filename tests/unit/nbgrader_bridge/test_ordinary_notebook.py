"""Notebooks without an exercise: which files come back out of their box."""

import os
from pathlib import Path

from autograder.nbgrader_bridge import ordinary_notebook


def test_new_plain_files_come_back_and_nothing_else(tmp_path: Path) -> None:
    run, beside, elsewhere = (tmp_path / name for name in ("run", "beside", "elsewhere"))
    work = run / "work"
    for place in (work / "plots", beside, elsewhere):
        place.mkdir(parents=True)
    (beside / "data.csv").write_text("1\n")
    (beside / "notes").write_text("a file where the notebook has a folder")
    (beside / "link").symlink_to(elsewhere)
    (elsewhere / "secret").write_text("of the grader")
    (work / "plots" / "a.png").write_bytes(b"new")
    (work / "empty").touch()
    (work / "data.csv").write_text("2\n")
    for name in ("p2.ipynb", ".hidden"):
        (work / name).mkdir()
        (work / name / "new").write_text("x")
    (work / "plain.ipynb").write_text("{}")
    (work / ".marker").write_text("x")
    (run / "kernel.json").write_text("{}")
    (work / "large").write_bytes(bytes(2000))
    (work / "stolen").symlink_to(elsewhere / "secret")
    for name in ("notes", "link", "link/inner"):
        (work / name).mkdir()
        (work / name / "new").write_text("x")
    os.mkfifo(work / "pipe")
    ordinary_notebook._bring_back(run, beside, 1000)
    found = {str(path.relative_to(beside)) for path in beside.rglob("*") if path.is_file()}
    assert found == {"data.csv", "notes", "plots/a.png", "empty"}
    assert (beside / "plots" / "a.png").read_bytes() == b"new"
    assert (beside / "data.csv").read_text() == "1\n"
    assert os.listdir(elsewhere) == ["secret"]


def test_a_box_that_makes_a_link_of_its_folder_gets_nothing(tmp_path: Path) -> None:
    run, beside, course = (tmp_path / name for name in ("run", "beside", "course"))
    for place in (run, beside, course):
        place.mkdir()
    (course / "gradebook.db").write_text("marks")
    (run / "work").symlink_to(course)
    ordinary_notebook._bring_back(run, beside, 1000)
    assert os.listdir(beside) == []
