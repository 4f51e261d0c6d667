"""One contract for every observer: the same notebook, the same functions, the same things seen."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile.corpus import tiny
from pydantic import TypeAdapter

from autograder.errors import UNDEFINED, HarnessError
from autograder.evidence import oracle, rounds
from autograder.evidence.assemble import assemble, gather
from autograder.evidence.in_kernel import cluster_of, in_kernel
from autograder.evidence.in_process import InProcess
from autograder.evidence.in_sandbox import in_sandbox
from autograder.evidence.observer import Observer
from autograder.evidence.summary import died_alone
from autograder.exercise import catalogue
from autograder.model import Evidence, Exercise, Role, Run, Submission, SubmittedCell
from autograder.sandbox import walls
from autograder.sandbox.run_queue import is_counted

pytestmark = pytest.mark.slow

Opened = Callable[[Exercise, Submission], AbstractContextManager[Observer]]


@contextmanager
def sandbox(exercise: Exercise, submission: Submission) -> Iterator[Observer]:
    with in_sandbox(exercise) as observer:
        observer.run_cells(submission, ())
        yield observer


@contextmanager
def landlock(exercise: Exercise, submission: Submission) -> Iterator[Observer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(walls.VARIABLE, "landlock")
        try:
            walls.require()
        except HarnessError as error:
            pytest.skip(str(error))
        with sandbox(exercise, submission) as observer:
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


OBSERVERS = {"sandbox": sandbox, "landlock": landlock, "kernel": kernel, "process": process}


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
    # One observer serves all tests of its kind, which together take as long as the machine makes
    # them.
    exercise = tiny()
    return replace(exercise, limits=replace(exercise.limits, wall_seconds=600))


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


def test_no_worker_shifts_its_clock(run: Callable[..., Any]) -> None:
    """What a worker takes its clock to differ by has been off by a second beside other work."""
    tell = (
        "def total(numbers):\n"
        "    from distributed import default_client\n"
        "    found = default_client().run(lambda dask_worker: dask_worker.scheduler_delay)\n"
        "    raise ValueError(sorted(found.values()))"
    )
    seen, _ = run("total", tell, RIGHT[1])
    assert seen.failure is not None and seen.failure.message == "[0.0, 0.0]"


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


# ---------------------------------------------------------------- a worker dies in the middle

EX11 = catalogue.find("ex11_when_a_worker_dies")

JOBS_SETUP = """
import os
from distributed import as_completed
"""
SURVIVES = """
def run(client, jobs):
    futures = [client.submit(job, retries=2, pure=False) for job in jobs.values()]
    names = {future.key: name for future, name in zip(futures, jobs)}
    results, errors = {}, {}
    for future in as_completed(futures):
        if future.status == "error":
            errors[names[future.key]] = future.exception()
        else:
            results[names[future.key]] = future.result()
        future.release()
    return results, errors
"""
CRASHES = (
    SURVIVES.replace("def run(", "def run_all(")
    + """
def run(client, jobs):
    doomed = list(client.scheduler_info(n_workers=-1)["workers"])[0]
    client.run(os._exit, 1, workers=[doomed], on_error="ignore")
    return run_all(client, jobs)
"""
)


@pytest.fixture(
    scope="module",
    params=[
        # What kills and replaces a worker is the same in both boxes, and in both processes.
        pytest.param(name, marks=() if name in ("sandbox", "kernel") else pytest.mark.thorough)
        for name in OBSERVERS
    ],
)
def killed_observer(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Observer]]:
    with ExitStack() as stack:

        def opened(source: str) -> Observer:
            return stack.enter_context(
                OBSERVERS[request.param](EX11, submission(JOBS_SETUP, source))
            )

        yield opened


def observed(observer: Observer, name: str, folder: Path) -> Run:
    case = next(case for case in EX11.cases if case.name == name)
    round_ = rounds.public(folder, EX11)
    call = observer.run_case(case, rounds.seed(round_, case, 0))
    return assemble(EX11, case, call, oracle.truth(round_, EX11, case, 0))


def test_a_worker_is_killed_and_replaced(
    killed_observer: Callable[[str], Observer], tmp_path: Path
) -> None:
    here = killed_observer(SURVIVES)
    killed = observed(here, "run_lost", tmp_path)
    assert killed.right, killed.comparison or killed.failure
    (kill,) = killed.kills or ()
    assert 13 <= kill.after <= 16 and 0 < kill.seconds < killed.done - killed.go
    assert died_alone(killed) == 0
    spent = sum(use.cpu_seconds for use in killed.usage if use.role is Role.WORKER)
    assert spent > 0 and any(use.name == "worker-lost" for use in killed.usage)
    # Another one has come in its place.
    after = observed(here, "run_failing", tmp_path)
    assert after.right and after.kills is None
    assert len(after.recording.workers) == EX11.cluster.workers
    assert died_alone(after) == 0


def test_one_that_dies_by_itself_is_none_that_was_killed(
    killed_observer: Callable[[str], Observer], tmp_path: Path
) -> None:
    run = observed(killed_observer(CRASHES), "run_failing", tmp_path)
    assert run.kills is None and died_alone(run) == 1
