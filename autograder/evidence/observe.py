"""Run a submission under an observer and record the observations as `Evidence`.

Cells first, then case after case. A cell that ended its sandbox, by a dead kernel or a limit, is
skipped in the next one, and a function that had to be stopped is not called again. Everything else
continues in a new sandbox, until the submission's time is up: what its cells and calls took, and
the start of every sandbox that it made necessary, but not the first start nor what the grader
computes for itself. Whether a timed case is observed again, on another seed, the caller decides; a
bounded number of times.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from autograder.errors import HarnessError
from autograder.evidence import oracle, rounds
from autograder.evidence.assemble import assemble, gather
from autograder.evidence.cell_numbers import numbered, numbers
from autograder.evidence.observer import Observer
from autograder.evidence.summary import died_alone
from autograder.model import CaseSpec, CellOutput, Evidence, Exercise, Run, Submission

__all__ = ["Open", "attempts", "observe"]

_REPEATS = 2
"""Further tries of a measured case at the most. Chosen: each costs a submission one more call of a
few seconds, and with none a moment of other work on the machine would decide."""

Open = Callable[[float], AbstractContextManager[Observer]]
"""Opens an observer that may take so many seconds."""


def observe(
    exercise: Exercise,
    submission: Submission,
    round_: rounds.Round,
    open_: Open,
    *,
    key: str = "",
    boxed: bool = False,
    again: Callable[[Run], bool] = lambda run: False,
    progress: Callable[[str], None] = lambda step: None,
) -> Evidence:
    """Run the cells of a submission and every case of its exercise.

    Parameters
    ----------
    exercise, submission, round_
        What to run on which inputs.
    open_ : callable
        Opens an observer; called again where the last one has ended and cases are left.
    key : str
        Under which the evidence is kept.
    boxed : bool
        Whether the observer's programs run in a box.
    again : callable
        Whether to run a measured case again (`Exercise.measured`).
    progress : callable
        Called with each step in a few words.

    Raises
    ------
    HarnessError
        If the kit's own part fails.
    SubmissionError
        If the observer cannot go on where a submission has ended it.
    """
    watch = _Watch()
    cells: dict[int, CellOutput] = {}
    runs: list[Run] = []
    fatal: set[int] = set()
    unready: set[str] = set()
    known = numbers(submission)
    waiting = [case for case in exercise.cases if case.function not in submission.untouched]
    ended = False
    while waiting and (left := exercise.limits.wall_seconds - watch.theirs) > 0:
        progress("starting the box")
        with open_(left) as observer:
            watch.note("start", theirs=ended)
            progress("running the notebook")
            seen = observer.run_cells(submission, fatal)
            cells = {cell.index: cell for cell in seen} | cells
            watch.note("cells", theirs=True)
            if observer.ended:
                if not seen:
                    break
                fatal.add(seen[-1].index)
            ran = [known[cell.index] for cell in seen]
            while waiting and not observer.ended:
                case = waiting.pop(0)
                progress(f"calling {case.function} ({case.name})")
                twice = case.name in unready
                found = _run_case(observer, exercise, case, round_, again, watch, boxed, twice)
                if not found:
                    unready.add(case.name)
                    waiting.insert(0, case)
                    break
                runs += [replace(run, failure=numbered(run.failure, ran)) for run in found]
                if runs[-1].stopped is not None:
                    waiting = [other for other in waiting if other.function != case.function]
            ended = observer.ended is not None
        watch.note("end")
    return gather(
        exercise,
        runs,
        untouched=submission.untouched,
        cells=(cells[index] for index in sorted(cells)),
        key=key,
        submission=submission.digest,
        seed_digest=round_.digest,
        boxed=boxed,
        phases=watch.phases,
        remarks=submission.remarks,
    )


def attempts(exercise: Exercise, case: CaseSpec) -> int:
    """Return the maximum number of runs of a case, each on another seed."""
    return 1 + _REPEATS if case.name in exercise.measured else 1


def _run_case(
    observer: Observer,
    exercise: Exercise,
    case: CaseSpec,
    round_: rounds.Round,
    again: Callable[[Run], bool],
    watch: "_Watch",
    apart: bool,
    twice: bool,
) -> list[Run]:
    """Run a case, and again if the caller asks for it.

    A further run that does not finish, or loses a worker, says nothing on a busy machine, and is
    dropped. A step of the
    kit's own that failed once does not tell either whether the notebook's cells are the cause: then
    no run is returned, and the case is to be run elsewhere. ``twice`` says that it was.
    """
    runs: list[Run] = []
    for attempt in range(attempts(exercise, case)):
        truth = oracle.truth(round_, exercise, case, attempt)
        watch.note("oracle")
        try:
            call = observer.run_case(case, rounds.seed(round_, case, attempt))
        except HarnessError:
            if not runs:
                raise
            break
        watch.note("cases", theirs=True)
        if call.unready and not twice:
            break
        run = assemble(exercise, case, call, truth, apart=apart)
        watch.note("comparing")
        if runs and (run.stopped is not None or died_alone(run)):
            break
        runs.append(run)
        if observer.ended or not again(run):
            break
    return runs


class _Watch:
    """Adds up where the time goes, and what of it is the submission's own."""

    def __init__(self) -> None:
        self.phases: dict[str, float] = defaultdict(float)
        self.theirs = 0.0
        self._since = time.perf_counter()

    def note(self, phase: str, *, theirs: bool = False) -> None:
        now = time.perf_counter()
        self.phases[phase] += now - self._since
        self.theirs += theirs * (now - self._since)
        self._since = now
