"""Run a submission in a box and write down what was seen: the making of `Evidence`.

Cells first, then case after case. What ends a box, a dead kernel or a limit, would end the next
one, too: a cell that did so is left out there, and a function that had to be stopped is not
called again. All else goes on in a new box, until the time of the submission is up. A timed
case whose machine was busy is run again, on another seed, a bounded number of times.
"""

import re
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from autograder.errors import HarnessError
from autograder.evidence import rounds
from autograder.evidence.usage import is_busy, usage
from autograder.evidence.versions import environment
from autograder.exercise.catalogue import cases
from autograder.model import (
    CaseSpec,
    CellOutput,
    Comparison,
    Evidence,
    Exercise,
    Failure,
    Recording,
    Run,
    Submission,
)
from autograder.sandbox.session import Box, Call
from autograder.verdict.decide import held_up

__all__ = ["as_answer", "as_run", "numbered", "numbers", "observe"]

_REPEATS = 2
"""Further tries of a timed case on a busy machine, or where the run was held up. Of 25 right runs
of ex03, whose data are larger than the workers' memory, one took 1.6 times what its tasks explain
though the machine was quiet."""

_RECORDING = TypeAdapter(Recording)


def observe(
    exercise: Exercise,
    submission: Submission,
    round_: rounds.Round,
    *,
    key: str,
    boxed: bool = True,
    progress: Callable[[str], None] = lambda step: None,
) -> Evidence:
    """Run the cells of a submission and every case of its exercise.

    Parameters
    ----------
    exercise, submission, round_
        What to run on which inputs.
    key : str
        Under which the evidence is kept.
    boxed : bool
        False runs without protection.
    progress : callable
        Told each step in a few words.

    Raises
    ------
    HarnessError
        If the box or the kit's own part in it fails.
    """
    watch = _Watch()
    cells: dict[int, CellOutput] = {}
    runs: list[Run] = []
    fatal: set[int] = set()
    known = numbers(submission)
    waiting = [case for case in exercise.cases if case.function not in submission.untouched]
    until = time.monotonic() + exercise.limits.wall_seconds
    while waiting and (left := until - time.monotonic()) > 0:
        progress("starting the box")
        with Box(exercise, boxed=boxed, seconds=left) as box:
            watch.note("start")
            progress("running the notebook")
            seen = _run_cells(box, submission, fatal)
            cells = {cell.index: cell for cell in seen} | cells
            watch.note("cells")
            if box.ended:
                if not seen:
                    break
                fatal.add(seen[-1].index)
            while waiting and not box.ended:
                case = waiting.pop(0)
                progress(f"calling {case.function} ({case.name})")
                ran = [known[cell.index] for cell in seen]
                runs += [
                    replace(run, failure=numbered(run.failure, ran))
                    for run in _run_case(box, exercise, case, round_, watch)
                ]
                if runs[-1].stopped is not None:
                    waiting = [other for other in waiting if other.function != case.function]
        watch.note("end")
    return Evidence(
        key=key,
        exercise=exercise.name,
        digest=exercise.digest,
        submission=submission.digest,
        seed_digest=round_.digest,
        cluster=exercise.cluster,
        environment=environment(),
        boxed=boxed,
        untouched=submission.untouched,
        cells=tuple(cells[index] for index in sorted(cells)),
        runs=tuple(runs),
        phases=watch.phases,
        remarks=submission.remarks,
    )


def numbers(submission: Submission) -> dict[int, int]:
    """Return the number that Run All on a fresh kernel gives each code cell, by its index."""
    code = [cell.index for cell in submission.cells if cell.source.strip()]
    return {index: number for number, index in enumerate(code, start=1)}


def numbered(failure: Failure | None, numbers: Sequence[int]) -> Failure | None:
    """Say of a failure which cell it is from, as Run All would number it.

    Parameters
    ----------
    failure : Failure or None
        Its ``cell`` counts the cells that ran.
    numbers : sequence of int
        The number of each of those cells, counting the grade cells in between, too.
    """
    if failure is None or failure.cell is None or not 0 < failure.cell <= len(numbers):
        return failure

    def renamed(match: re.Match[str]) -> str:
        ran = int(match[1])
        return f"your cell [{numbers[ran - 1] if 0 < ran <= len(numbers) else ran}]"

    text = re.sub(r"your cell \[(\d+)\]", renamed, failure.traceback)
    return replace(failure, cell=numbers[failure.cell - 1], traceback=text)


def _run_cells(box: Box, submission: Submission, fatal: Collection[int]) -> list[CellOutput]:
    seen = []
    for cell in submission.cells:
        if cell.runs and cell.index not in fatal:
            seen.append(box.run_cell(cell.index, cell.source))
        if box.ended:
            break
    return seen


def _run_case(
    box: Box, exercise: Exercise, case: CaseSpec, round_: rounds.Round, watch: "_Watch"
) -> list[Run]:
    """Run a case, again if the machine was busy or the run was held up.

    A further try that does not come to its end is no news on a busy machine: it is left out.
    """
    runs: list[Run] = []
    for attempt in range(1 + _REPEATS if case.timed else 1):
        truth = rounds.truth(round_, exercise, case, attempt)
        watch.note("oracle")
        try:
            call = box.run_case(case, rounds.seed(round_, case, attempt))
        except HarnessError:
            if not runs:
                raise
            break
        watch.note("cases")
        run = as_run(exercise, case, call, truth)
        watch.note("comparing")
        if runs and run.stopped is not None:
            break
        runs.append(run)
        if box.ended or not (run.busy or held_up(run, exercise.cluster.workers)):
            break
    return runs


def as_run(exercise: Exercise, case: CaseSpec, call: Call, truth: rounds.Truth) -> Run:
    """Hold what came out of the box against the truth, and say whether the machine was busy."""
    comparison = None
    if call.failure is None and call.stopped is None:
        comparison = _compared(exercise, case, truth, call)
    run = Run(
        case=case.name,
        function=case.function,
        go=call.go,
        returned=_moment(call.answer.get("returned"), call),
        done=call.done,
        usage=usage(call.before, call.after, call.all_cpu),
        recording=_recording(call.testimony),
        answer=as_answer(call.answer),
        comparison=comparison,
        failure=call.failure,
        stopped=call.stopped,
        input_bytes=call.input_bytes,
        others=call.others,
        memory=call.memory,
        early_cpu=sum(use.cpu_seconds for use in usage(call.early, call.before)),
    )
    return replace(run, busy=case.timed and is_busy(run))


def _compared(exercise: Exercise, case: CaseSpec, truth: rounds.Truth, call: Call) -> Comparison:
    """Hold an answer against the truth; one that cannot be compared is wrong."""
    try:
        found = cases(exercise).compare(case.name, truth.arrays, call.arrays)
    except Exception as error:
        return Comparison(
            False, "an answer", f"what cannot be compared with it ({type(error).__name__})"
        )
    # Half a surrogate pair, of a student's text, could not be kept in any file.
    expected, got = (text.encode(errors="replace").decode() for text in (found.expected, found.got))
    return replace(found, expected=expected, got=got)


def _recording(testimony: bytes) -> Recording:
    """Read the recorder's words; what is not of their form counts as silence."""
    try:
        read = _RECORDING.validate_json(testimony)
    except ValidationError:
        return Recording()
    counts = (read.gathered_bytes, read.scattered_bytes, read.gathered_during_call, read.reads)
    graphs = (graph.nbytes for graph in read.graphs)
    return read if all(0 <= n < 2**53 for n in (*counts, *graphs)) else Recording()


def _moment(told: object, call: Call) -> float:
    return told if isinstance(told, float) and call.go <= told <= call.done else call.done


def as_answer(told: Mapping[str, Any]) -> dict[str, Any]:
    """Keep of the driver's words what has the form that it should have."""
    shape = told.get("shape")
    kept: dict[str, Any] = {
        "lazy": told.get("lazy") is True,
        "shape": _numbers(shape) if isinstance(shape, list) else [],
    }
    for name in ("type", "dtype", "own_cluster"):
        value = told.get(name)
        kept[name] = value[:200] if isinstance(value, str) else None
    for name in ("blocks", "input_blocks"):
        value = told.get(name)
        kept[name] = value if isinstance(value, int) and abs(value) < 2**53 else None
    return kept


def _numbers(values: Sequence[object]) -> list[int | None]:
    return [n if isinstance(n, int) and abs(n) < 2**53 else None for n in values[:8]]


class _Watch:
    """Adds up where the time goes."""

    def __init__(self) -> None:
        self.phases: dict[str, float] = defaultdict(float)
        self._since = time.perf_counter()

    def note(self, phase: str) -> None:
        now = time.perf_counter()
        self.phases[phase] += now - self._since
        self._since = now
