"""Students' code as files, for a tool that compares programs."""

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
