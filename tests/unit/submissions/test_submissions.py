"""Reading submissions: what takes too much to read is refused, the largest honest one is not."""

import importlib.util
import json
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from autograder import submissions
from autograder.errors import OversizeSubmission, SubmissionError
from autograder.model import Exercise, FunctionNames
from autograder.submissions import names
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


FILLED_IN = [
    "%%time\ndef f(X):\n    return 1",
    "%%capture\ndef f(X):\n    return 1",
    "%%capture f\nprint(1)",
    "%%time\n%time f = len",
    "%run mine.py",
    "%%unheard_of\nf",
    "from mine import *",
    "exec('def f(X): return 1')",
    "exec(open('mine.py').read())",
    "get_ipython().run_cell('%time f = len')",
    "globals()['f'] = len",
    "import __main__\n__main__.f = len",
    "get_ipython().push({'f': len})",
    "get_ipython().run_line_magic(*['run', 'mine.py'])",
    "import mine.f as f",
    "match len:\n    case f:\n        pass",
    "@answered\ndef f(X):\n    raise NotImplementedError",
]


@pytest.mark.parametrize("code", FILLED_IN)
def test_a_stub_beside_which_something_may_have_filled_it_in_is_called(code: str) -> None:
    assert json.loads(untouched([stub("f"), code], ["f"])) == []


BESIDE = [
    "%matplotlib inline\n!pip install tqdm\nfiles = !ls\nlen?",
    "%%time\nx = g(1)",
    "%time x = g(1)",
    "%%capture out\nprint(1)",
    "%%writefile mine.py\ndef f(X):\n    return 1",
    "import mine, os.path\nmine.g(f)\nx = vars_of['f']",
    "%%time\n" + stub("f"),
    "exec('x = 1')\nget_ipython().run_cell('4.0')",
    "try:\n    f(1)\nexcept NotImplementedError as error:\n    print(error)",
    "%run mine.py\nthis is no Python",
]


@pytest.mark.parametrize("code", BESIDE)
def test_a_stub_beside_which_nothing_certainly_did_is_untouched(code: str) -> None:
    assert json.loads(untouched([stub("f"), code], ["f"])) == ["f"]


def test_code_that_is_nested_too_deep_for_the_parser_defines_nothing() -> None:
    deep = "x = " + "-" * 20_000 + "1"
    assert json.loads(untouched([stub("f"), deep], ["f", "x"])) == ["f"]
    assert is_stub(stub("f"), "f") and not is_stub(deep, "x")


def test_what_a_function_reads_comes_with_the_place_of_its_cell(ex02: Exercise) -> None:
    cells = [
        nbformat.v4.new_markdown_cell("Words"),
        nbformat.v4.new_code_cell("X_small = draw(3)"),
        nbformat.v4.new_code_cell(""),
        nbformat.v4.new_code_cell("def fit_small(X, y):\n    return fit(X_small, y)"),
        nbformat.v4.new_code_cell("def predict_large(model, X):\n    return (X"),
    ]
    found = submissions.parse(nbformat.v4.new_notebook(cells=cells), ex02).names
    assert found["fit_small"] == FunctionNames(3, 2, ("X",), (("X_small", "X"),))
    assert found["predict_large"] == FunctionNames(4, 3)
    assert found["score_large"] == FunctionNames()


def test_marks_do_not_hang_on_what_a_function_reads(
    ex02: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = submissions.reader.read

    def too_much(function: object, *arguments: object, what: str) -> bytes:
        if function is names.names:
            raise OversizeSubmission("too much")
        return read(function, *arguments, what=what)  # type: ignore[arg-type]

    monkeypatch.setattr(submissions.reader, "read", too_much)
    cells = [nbformat.v4.new_code_cell("def fit_small(X, y):\n    return 1")]
    found = submissions.parse(nbformat.v4.new_notebook(cells=cells), ex02)
    assert found.names == {} and len(found.cells) == 1


def test_an_exercise_has_a_thousand_cells_at_the_most() -> None:
    cells = [nbformat.v4.new_markdown_cell("Words") for _ in range(submissions.MOST_CELLS)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    submissions.refuse_many_cells(Path("ex02.ipynb"), notebook)
    notebook.cells.append(nbformat.v4.new_code_cell("1"))
    with pytest.raises(SubmissionError, match=r"^ex02.ipynb has 1,001 cells, more than the 1,000 "):
        submissions.refuse_many_cells(Path("ex02.ipynb"), notebook)
