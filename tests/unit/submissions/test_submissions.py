"""Reading submissions: what takes too much to read is refused, the largest honest one is not."""

import importlib.util
import json
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from autograder import submissions
from autograder.errors import OversizeSubmission
from autograder.model import Exercise
from autograder.submissions.stubs import is_stub, untouched

HOSTILE = Path(__file__).parents[2] / "corpus" / "hostile"


def handed_in(name: str, folder: Path) -> Path:
    """Return an attack of the hostile corpus that is nothing but a file."""
    spec = importlib.util.spec_from_file_location(name, HOSTILE / name / "submission.py")
    assert spec is not None and spec.loader is not None
    attack = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(attack)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("def f(): return 1")])
    if hasattr(attack, "change"):
        attack.change(notebook)
    path = folder / "ex02.ipynb"
    nbformat.write(notebook, path)
    if hasattr(attack, "place"):
        attack.place(path, folder)
    return path


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("file_objects", "ex02.ipynb takes more than 268 MB of memory"),
        ("file_lines", "of ex02_parallel_prediction.ipynb takes more than 268 MB of memory"),
        pytest.param("file_help", "15 seconds of CPU time", marks=pytest.mark.slow),
    ],
)
def test_what_takes_too_much_to_read_is_refused(
    name: str, says: str, tmp_path: Path, ex02: Exercise
) -> None:
    path = handed_in(name, tmp_path)
    assert path.stat().st_size < 20 << 20
    with pytest.raises(OversizeSubmission, match=says):
        submissions.parse(submissions.read(path), ex02)


def test_a_large_honest_notebook_is_read(tmp_path: Path, ex02: Exercise) -> None:
    path = handed_in("notebook_large", tmp_path)
    assert path.stat().st_size > 18_000_000
    parsed = submissions.parse(submissions.read(path), ex02)
    assert "assert len(SQUARES)" in parsed.cells[-1].source


def stub(name: str) -> str:
    return f"def {name}(X):\n    raise NotImplementedError"


def test_blanks_are_told_apart_as_before(ex02: Exercise) -> None:
    first, second, *_ = ex02.functions
    code = [stub(first), stub(second), f"{second} = len", "!ls", "this is no Python"]
    notebook: NotebookNode = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in code]
    )
    assert submissions.parse(notebook, ex02).untouched == {first}


def test_code_that_is_nested_too_deep_for_the_parser_defines_nothing() -> None:
    deep = "x = " + "-" * 20_000 + "1"
    assert json.loads(untouched([stub("f"), deep], ["f", "x"])) == ["f"]
    assert is_stub(stub("f"), "f") and not is_stub(deep, "x")
