"""``check()``: a student's own check, in the notebook, on the student's own cluster.

It looks at the same things as the grader, through the same checks and in the same words, but
on inputs whose seeds everybody may know and without a box, since it is the student's machine.
What the grader reads from the operating system is asked of the processes themselves here:
nobody gains anything by fooling a self-check.
"""

import inspect
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import distributed

from autograder import exercise as exercises
from autograder.box.driver import call_student
from autograder.box.session import as_failure
from autograder.errors import KitError
from autograder.grade import grade
from autograder.measure import rounds
from autograder.measure.accounting import is_busy
from autograder.measure.clock import OneClock
from autograder.measure.observe import as_answer, environment
from autograder.measure.recorder import Recorder
from autograder.model import (
    CaseSpec,
    CheckSpec,
    Evidence,
    Exercise,
    Grade,
    ProcessUsage,
    Recording,
    Role,
    Run,
    Status,
)
from autograder.report import card, plain
from autograder.submission import is_stub
from cluster import connect

__all__ = ["CheckFailed", "check"]


class CheckFailed(AssertionError):
    """A check of the notebook is not passed; the card above the message says why."""

    def _render_traceback_(self) -> list[str]:
        # The card has said it all; a traceback would be of the kit's own code.
        return [f"Not yet: {self}"]


def check(function: Callable[..., Any], only: str | None = None) -> None:
    """Check a function and show the card; see `autograder.check`."""
    exercise, specs = _find(function, only)
    graded = _grade(exercise, specs, function)
    _show(graded, exercise)
    lost = [item.finding for item in graded.scored if item.finding.status is not Status.PASSED]
    if lost:
        raise CheckFailed("; ".join(f"{finding.title}: {finding.got}" for finding in lost))


def _find(function: Any, only: str | None) -> tuple[Exercise, list[CheckSpec]]:
    """Return the exercise that a function belongs to, and the checks that are asked for."""
    name = getattr(function, "__name__", None)
    if not callable(function) or name is None:
        raise KitError(
            "check() takes a function of the exercise itself, without calling it, as in "
            f"check(predict_large); it got {type(function).__name__}."
        )
    known = exercises.every([Path("exercises"), Path("../exercises")])
    for exercise in known:
        specs = [spec for spec in exercise.checks if spec.function == name]
        chosen = [spec for spec in specs if only in (None, spec.check, spec.grade_id)]
        if chosen:
            return exercise, chosen
        if specs:
            names = ", ".join(repr(spec.check) for spec in specs)
            raise KitError(f"There is no check {only!r} of {name}; there are {names}.")
    functions = ", ".join(name for exercise in known for name in exercise.functions)
    raise KitError(f"{name} is no function of an exercise; those are {functions}.")


def _grade(exercise: Exercise, specs: Iterable[CheckSpec], function: Callable[..., Any]) -> Grade:
    specs = tuple(specs)
    untouched = _is_untouched(function)
    wanted = {name for spec in specs for name in spec.cases}
    runs: list[Run] = []
    for case in exercise.cases if not untouched else ():
        if case.name in wanted and not (runs and runs[-1].failure):
            runs.append(_run(exercise, case, function))
    evidence = Evidence(
        key="",
        exercise=exercise.name,
        digest=exercise.digest,
        submission="",
        seed_digest="public",
        cluster=exercise.cluster,
        environment=environment(),
        boxed=False,
        untouched=frozenset({function.__name__} if untouched else ()),
        cells=(),
        runs=tuple(runs),
        phases={},
    )
    return grade(exercise, evidence, exercise.typical, specs)


def _is_untouched(function: Callable[..., Any]) -> bool:
    try:
        return is_stub(inspect.cleandoc(inspect.getsource(function)), function.__name__)
    except (OSError, TypeError):
        return False


def _run(exercise: Exercise, case: CaseSpec, function: Callable[..., Any]) -> Run:
    """Run one case as the box would, without one."""
    client = _client()
    module = exercises.cases(exercise)
    round_ = rounds.public(_folder(), exercise)
    truth = rounds.truth(round_, exercise, case, 0)
    seed = rounds.seed(round_, case, 0)
    with client.as_current():
        module.warm()
        client.register_plugin(OneClock())
        client.register_plugin(Recorder())
        arguments, input_bytes = module.prepare(case.name, case.parameters, seed)
        before = _cpu(client)
        go = time.time()
        told, arrays, failure = call_student(module, case.name, case.function, function, arguments)
        done = time.time()
        after = _cpu(client)
    returned = told.get("returned", done)
    run = Run(
        case=case.name,
        function=case.function,
        go=go,
        returned=returned,
        done=done,
        usage=tuple(
            ProcessUsage(role, name, seconds - before.get((role, name), 0.0), 0)
            for (role, name), seconds in after.items()
        ),
        recording=_recording(client, go, done, returned),
        answer=as_answer(told),
        comparison=module.compare(case.name, truth.arrays, arrays) if failure is None else None,
        failure=as_failure(failure),
        input_bytes=input_bytes,
    )
    return replace(run, busy=case.timed and is_busy(run))


def _client() -> distributed.Client:
    """Return the notebook's client, or one of a new cluster if it has none."""
    try:
        return distributed.default_client()
    except ValueError:
        return connect()


def _cpu(client: distributed.Client) -> dict[tuple[Role, str], float]:
    """Return the CPU seconds of this process and of every worker, wherever the workers are."""
    workers = client.run(time.process_time)
    return {
        (Role.CLIENT, "client"): time.process_time(),
        **{
            (Role.WORKER, f"worker-{i}"): workers[address]
            for i, address in enumerate(sorted(workers))
        },
    }


def _recording(client: distributed.Client, go: float, done: float, returned: float) -> Recording:
    def read(dask_scheduler: Any) -> Recording:
        recorder: Recorder = dask_scheduler.plugins[Recorder.name]
        return recorder.recording(go, done, returned)

    recording: Recording = client.run_on_scheduler(read)
    return recording


@cache
def _temporary() -> "tempfile.TemporaryDirectory[str]":
    # Kept for the process, and removed with it: the oracle answers each case once.
    return tempfile.TemporaryDirectory(prefix="dsk-check-")


def _folder() -> Path:
    return Path(_temporary().name)


def _show(graded: Grade, exercise: Exercise) -> None:
    """Show the card: HTML in a notebook, plain text elsewhere."""
    text = plain.render(graded)
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        shell = None
    else:
        shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        print(text)
        return
    html = card.render(graded, reference=exercise.typical, where="notebook")
    display({"text/html": html, "text/plain": text}, raw=True)
