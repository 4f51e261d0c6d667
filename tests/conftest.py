"""Fixtures that several tests share: the exercise, a round of it, and a look for leftovers."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from math import inf
from pathlib import Path

import lean  # noqa: F401
import psutil
import pytest
from nbformat import NotebookNode
from parts import Part

from autograder import pipeline, reference_solution
from autograder.author import source_folder
from autograder.author.samples import released, without_free_cells
from autograder.evidence import rounds
from autograder.exercise import catalogue
from autograder.model import Exercise

ROOT = Path(__file__).parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "of the thorough tests, run those of part K of N; each test is in one part"
    parser.addoption("--part", metavar="K/N", type=Part.read, default=Part(1, 1), help=told)
    told = "begin no thorough test after this moment, in seconds since 1970: they are skipped"
    parser.addoption("--until", metavar="SECONDS", type=float, default=inf, help=told)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    part: Part = config.getoption("--part")
    others = [
        item for item in items if item.get_closest_marker("thorough") and not part.has(item.nodeid)
    ]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in set(others)]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("thorough") and time.time() > item.config.getoption("--until"):
        pytest.skip("thorough, and the time for tests is over")


@pytest.fixture(scope="session")
def ex02() -> Exercise:
    found = catalogue.find("ex02_parallel_prediction")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """nbgrader's source folder, built from the texts: the committed one is another test's."""
    folder = tmp_path_factory.mktemp("source")
    source_folder.build_all(ROOT / "solutions", folder)
    return folder


@pytest.fixture(scope="session")
def blank(source: Path) -> Callable[[str], NotebookNode]:
    """The released notebook of an exercise, by its name, without the cells to try things in."""

    @cache
    def blank(name: str) -> NotebookNode:
        found = catalogue.find(name)
        assert found is not None
        return without_free_cells(released(found, source))

    return blank


@pytest.fixture(scope="session")
def open_context(
    source: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], pipeline.GradingContext]:
    """Rounds of grading by exercise, each begun as every round: with the reference solution."""

    @cache
    def opened(name: str) -> pipeline.GradingContext:
        found = catalogue.find(name)
        assert found is not None
        round_ = rounds.current(tmp_path_factory.mktemp("evidence"), found)
        notebook = source / name / f"{name}.ipynb"
        usual = reference_solution.reference(notebook, found, round_)
        return pipeline.GradingContext(found, round_, usual, solution=notebook)

    return opened


@pytest.fixture(scope="session")
def context(
    ex02: Exercise, open_context: Callable[[str], pipeline.GradingContext]
) -> pipeline.GradingContext:
    return open_context(ex02.name)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


@pytest.fixture
def leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Fail the test if a box leaves a folder or a process behind."""
    tmp_path_factory.getbasetemp()  # made where it was to be, not in the folder below
    # A path of its own tells this test's boxes from those of anybody else on the machine; a
    # short one, since sockets in it may not have more than about a hundred letters.
    with tempfile.TemporaryDirectory(prefix="t-") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield
        assert os.listdir(folder) == []
        assert [p.info for p in psutil.process_iter(["pid", "cmdline"]) if _names(p, folder)] == []


@pytest.fixture(scope="module")
def commands() -> Iterator[None]:
    """The environment's commands on the path: nbgrader calls alembic by its name."""
    from course import with_scripts  # nbgrader takes a second to import

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", with_scripts())
        yield


def _names(process: psutil.Process, folder: str) -> bool:
    return any(folder in argument for argument in process.info["cmdline"] or ())
