"""Students' code as files, for a tool that compares programs."""

import shutil
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder import cli
from autograder.errors import HarnessError
from autograder.instructor.similar import extract


def _write(path: Path, *code: str) -> None:
    path.parent.mkdir(parents=True)
    cells = [new_markdown_cell("words"), *map(new_code_cell, code)]
    nbformat.write(new_notebook(cells=cells), path)


def test_code_of_each_student_and_what_was_handed_out(tmp_path: Path) -> None:
    _write(tmp_path / "release/ex/ex.ipynb", "import dask", "raise NotImplementedError")
    _write(tmp_path / "submitted/ada/ex/ex.ipynb", "import dask", "x = 1", "")
    _write(tmp_path / "submitted/bob/ex/ex.ipynb", "import dask", "y = 2")
    _write(tmp_path / "submitted/bob/other/other.ipynb", "z = 3")
    broken = tmp_path / "submitted/cyd/ex/ex.ipynb"
    broken.parent.mkdir(parents=True)
    broken.write_text("no notebook")
    link = tmp_path / "submitted/dan/ex/ex.ipynb"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "submitted/ada/ex/ex.ipynb")
    for _ in range(2):  # again, over what is there
        written, skipped = extract(tmp_path, "ex", tmp_path / "out")
    code = {path.name: path.read_text() for path in written}
    assert code == {"ada.py": "import dask\n\nx = 1\n", "bob.py": "import dask\n\ny = 2\n"}
    assert [line.split(":")[0] for line in skipped] == ["cyd", "dan"]
    given = (tmp_path / "out" / "distributed.py").read_text()
    assert given == "import dask\n\nraise NotImplementedError\n"


def test_files_are_where_the_courses_settings_say(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        "c.CourseDirectory.submitted_directory = 'abgaben'\n"
        "c.CourseDirectory.release_directory = 'ausgabe'\n"
        "c.CourseDirectory.directory_structure = '{nbgrader_step}/{assignment_id}/{student_id}'\n"
    )
    _write(tmp_path / "ausgabe/ex/ex.ipynb", "import dask")
    _write(tmp_path / "abgaben/ex/ada/ex.ipynb", "x = 1")
    _write(tmp_path / "submitted/bob/ex/ex.ipynb", "y = 2")
    written, _ = extract(tmp_path, "ex", tmp_path / "out")
    assert {path.name: path.read_text() for path in written} == {"ada.py": "x = 1\n"}
    assert (tmp_path / "out" / "distributed.py").read_text() == "import dask\n"


def test_code_of_an_earlier_run_is_not_compared_again(tmp_path: Path) -> None:
    for student in ("ada", "bob"):
        _write(tmp_path / f"submitted/{student}/ex/ex.ipynb", f"{student} = 1")
    extract(tmp_path, "ex", tmp_path / "out")
    shutil.rmtree(tmp_path / "submitted/bob")
    (tmp_path / "submitted/ada/ex/ex.ipynb").unlink()
    (tmp_path / "submitted/ada/ex").rmdir()
    _write(tmp_path / "submitted/ada/ex/ex.ipynb", "ada = 2")
    extract(tmp_path, "ex", tmp_path / "out")
    code = tmp_path / "out" / "code"
    assert {path.name: path.read_text() for path in code.iterdir()} == {"ada.py": "ada = 2\n"}


def test_files_of_somebody_else_are_neither_compared_nor_removed(tmp_path: Path) -> None:
    _write(tmp_path / "submitted/ada/ex/ex.ipynb", "x = 1")
    code = tmp_path / "out" / "code"
    for earlier in (False, True):
        code.mkdir(parents=True, exist_ok=True)
        (code / "last_year.py").write_text("x = 1\n")
        before = {path.name for path in code.iterdir()}
        with pytest.raises(HarnessError, match=r"such as last_year\.py, .*--out"):
            extract(tmp_path, "ex", tmp_path / "out")
        assert {path.name for path in code.iterdir()} == before
        (code / "last_year.py").unlink()
        if not earlier:
            extract(tmp_path, "ex", tmp_path / "out")


def test_nothing_handed_in_is_said(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="Nothing was handed in for ex"):
        extract(tmp_path, "ex", tmp_path / "out")


def test_command_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path / "submitted/ada/ex/ex.ipynb", "x = 1")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli.main, ["similar", "ex"])
    assert done.exit_code == 0, done.output
    assert "compare50 similar/ex/code/*.py -d similar/ex/distributed.py" in done.output
    assert (tmp_path / "similar/ex/code/ada.py").exists()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    done = CliRunner().invoke(cli.main, ["similar", "ex", "--course", ".."])
    assert done.exit_code == 0 and Path("similar/ex/code/ada.py").exists(), done.output
