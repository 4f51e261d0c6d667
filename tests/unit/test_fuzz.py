"""Whatever a file holds, the kit says so in one of its own two kinds of error."""

import copy
import json
import logging
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from autograder import submissions
from autograder.errors import HarnessError, SubmissionError
from autograder.evidence import rounds, store
from autograder.exercise import catalogue, spec
from autograder.exercise.catalogue import KIT
from autograder.model import Exercise

LIGHT = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=80,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
SURROGATES = st.text(st.characters(categories=["Cs", "Lu"]), max_size=4)


@pytest.fixture(autouse=True)
def unlogged() -> Iterator[None]:
    """What is logged quotes half surrogates, which pytest-xdist cannot send with the outcome."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def _paths(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the ways to every value in nested dictionaries and lists."""
    items = (
        value.items() if isinstance(value, dict)
        else enumerate(value) if isinstance(value, list) else ()
    )  # fmt: skip
    return [prefix, *(path for key, inner in items for path in _paths(inner, (*prefix, key)))]


def _changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = copy.deepcopy(value)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return changed


NOTEBOOK = nbformat.v4.new_notebook(
    cells=[
        nbformat.v4.new_markdown_cell("words", metadata={"nbgrader": {"grade_id": "w"}}),
        nbformat.v4.new_code_cell(
            "def fit_small(X, y):\n    return X",
            metadata={"nbgrader": {"grade_id": "fit_small", "schema_version": 3, "points": 1}},
        ),
    ]
)


@LIGHT
@example(path=("cells", 1, "outputs"), new=[{}])
@given(path=st.sampled_from(_paths(json.loads(nbformat.writes(NOTEBOOK)))), new=JSON | SURROGATES)
def test_any_notebook_is_parsed_or_refused(
    path: tuple[Any, ...], new: Any, tmp_path: Path, ex02: Exercise
) -> None:
    file = tmp_path / "notebook.ipynb"
    file.write_text(json.dumps(_changed(json.loads(nbformat.writes(NOTEBOOK)), path, new)))
    with suppress(SubmissionError):
        notebook = submissions.read(file)
        submissions.parse(notebook, ex02)
        # What was let in can be written again.
        nbformat.writes(notebook).encode()


@LIGHT
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_as_a_notebook(content: bytes) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".ipynb") as file, suppress(SubmissionError):
        file.write(content)
        file.flush()
        submissions.read(Path(file.name))


SPEC = tomllib.loads((KIT / "ex02_parallel_prediction" / "exercise.toml").read_text())


@LIGHT
@given(path=st.sampled_from(_paths(SPEC)[1:]), new=JSON)
def test_any_description_is_read_or_refused(path: tuple[Any, ...], new: Any) -> None:
    changed = _changed(SPEC, path, new)
    with suppress(HarnessError):
        _read(changed)


def _read(data: Any) -> None:
    """Read a description as if it stood in a file, whose syntax is tomllib's matter."""
    from unittest.mock import patch

    with patch.object(spec.tomllib, "loads", lambda text: data):
        spec.read(Path("exercise.toml"), b"")


@LIGHT
@given(st.binary(max_size=100) | st.text(max_size=60).map(str.encode))
def test_any_text_is_refused_as_a_description(text: bytes) -> None:
    with suppress(HarnessError):
        spec.read(Path("exercise.toml"), text)


@LIGHT
@given(content=JSON.map(json.dumps) | st.text(max_size=60))
def test_any_evidence_is_read_or_passed_over(content: str, tmp_path: Path) -> None:
    found = catalogue.find("ex02_parallel_prediction")
    assert found is not None
    round_ = rounds.Round(tmp_path, b"key")
    (tmp_path / "evidence-x.json").write_bytes(content.encode(errors="surrogatepass"))
    assert store.load(round_, "x") is None
