"""One contract for every observer: the same notebook, the same functions, the same things seen."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile.corpus import tiny
from pydantic import TypeAdapter

from autograder.errors import UNDEFINED
from autograder.evidence import oracle, rounds
from autograder.evidence.assemble import assemble, gather
from autograder.evidence.in_kernel import cluster_of, in_kernel
from autograder.evidence.in_process import InProcess
from autograder.evidence.in_sandbox import in_sandbox
from autograder.evidence.observer import Observer
from autograder.model import Evidence, Exercise, Role, Submission, SubmittedCell
from autograder.sandbox.run_queue import is_counted

pytestmark = pytest.mark.slow

Opened = Callable[[Exercise, Submission], AbstractContextManager[Observer]]


@contextmanager
def sandbox(exercise: Exercise, submission: Submission) -> Iterator[Observer]:
    with in_sandbox(exercise) as observer:
        observer.run_cells(submission, ())
        yield observer


@contextmanager
def kernel(exercise: Exercise, submission: Submission) -> Iterator[Observer]:
    with cluster_of("local") as client, in_kernel(exercise, Path.cwd(), client) as observer:
        observer.run_cells(submission, ())
        yield observer


@contextmanager
def process(exercise: Exercise, submission: Submission) -> Iterator[Observer]:
    """The notebook has run before anybody observes."""
    variables: dict[str, Any] = {}
    with cluster_of("local") as client:
        for cell in submission.cells:
            if cell.runs:
                exec(compile(cell.source, "cell", "exec"), variables)
        yield InProcess(exercise, client, variables)


OBSERVERS = {"sandbox": sandbox, "kernel": kernel, "process": process}


def submission(*sources: str) -> Submission:
    cells = tuple(SubmittedCell(i, source, None, True) for i, source in enumerate(sources))
    return Submission("tiny", cells, frozenset(), "digest")


SETUP = """
import numpy as np

def grind(block):
    ground = block
    for _ in range(60):
        ground = np.cos(ground) + block
    return np.array([ground.sum()])
"""
RIGHT = (
    "def total(numbers):\n    return np.square(numbers).sum()",
    "def spread(X):\n    return X.map_blocks(grind, dtype=float, chunks=(1,))",
)
WRONG = (
    "def total(numbers):\n    return numbers.sum()",
    "def spread(X):\n    raise KeyError('no such block')",
)


@pytest.fixture(scope="module")
def exercise() -> Exercise:
    return tiny()


@pytest.fixture(scope="module", params=OBSERVERS)
def opened(request: pytest.FixtureRequest, exercise: Exercise) -> Iterator[Callable[..., Observer]]:
    """Observers of one kind, by what the notebook answers; each runs for all tests of it."""
    with ExitStack() as stack:
        open_: dict[tuple[str, ...], Observer] = {}

        def opened(*sources: str) -> Observer:
            if sources not in open_:
                notebook = submission(SETUP, *sources)
                open_[sources] = stack.enter_context(OBSERVERS[request.param](exercise, notebook))
            return open_[sources]

        yield opened


@pytest.fixture
def run(exercise: Exercise, opened: Callable[..., Observer], tmp_path: Path) -> Callable[..., Any]:
    """Call a function of a notebook on its case, and assemble what was seen."""

    def run(name: str, *sources: str) -> Any:
        case = next(case for case in exercise.cases if case.name == name)
        round_ = rounds.public(tmp_path, exercise)
        call = opened(*sources).run_case(case, rounds.seed(round_, case, 0))
        return assemble(exercise, case, call, oracle.truth(round_, exercise, case, 0)), call

    return run


def test_a_right_function_is_seen_whole(run: Callable[..., Any], exercise: Exercise) -> None:
    seen, call = run("spread", *RIGHT)
    assert seen.right and seen.failure is None and seen.stopped is None
    assert seen.go <= seen.returned <= seen.done
    assert seen.answer["lazy"] is True and seen.answer["input_blocks"] == 8
    assert seen.input_bytes == 8 * 150_000 * 8
    assert call.arrays["values"].shape == (8,) and call.arrays["values"].dtype == np.float64
    assert len({task.key for task in seen.recording.tasks}) >= 8
    assert len(seen.recording.workers) == exercise.cluster.workers
    assert all(seen.go <= task.start <= task.stop <= seen.done for task in seen.recording.tasks)
    by_role = {role: [use for use in seen.usage if use.role is role] for role in Role}
    assert len(by_role[Role.WORKER]) == exercise.cluster.workers
    assert sum(use.cpu_seconds for use in by_role[Role.WORKER]) > 0
    assert by_role[Role.CLIENT] and all(use.peak_memory > 0 for use in by_role[Role.CLIENT])
    assert seen.setup_cpu >= 0
    counted = [use.delay for use in (*by_role[Role.CLIENT], *by_role[Role.WORKER])]
    assert all(delay is not None and delay >= 0.0 for delay in counted) or not is_counted()


def test_work_at_home_is_seen_there(run: Callable[..., Any]) -> None:
    seen, _ = run("total", *RIGHT)
    assert seen.right and seen.answer["lazy"] is False
    assert seen.recording.tasks == ()


def test_a_wrong_answer_is_one(run: Callable[..., Any]) -> None:
    seen, _ = run("total", *WRONG)
    assert seen.comparison is not None and not seen.comparison.equal and seen.failure is None


def test_an_exception_is_the_students_own(run: Callable[..., Any]) -> None:
    seen, call = run("spread", *WRONG)
    assert seen.comparison is None and call.arrays == {}
    assert (seen.failure.kind, seen.failure.message) == ("KeyError", "'no such block'")
    assert "in spread" in seen.failure.traceback and "driver" not in seen.failure.traceback


def test_a_function_that_is_not_there_is_named(run: Callable[..., Any]) -> None:
    seen, _ = run("spread", RIGHT[0])
    assert seen.failure.message == f"{UNDEFINED} spread"


def test_what_was_seen_makes_evidence_that_a_file_holds(
    run: Callable[..., Any], exercise: Exercise
) -> None:
    evidence = gather(exercise, [run("total", *RIGHT)[0], run("spread", *RIGHT)[0]])
    adapter = TypeAdapter(Evidence)
    assert adapter.validate_json(adapter.dump_json(evidence)) == evidence
