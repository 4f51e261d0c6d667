"""What runs in a slot: arriving, opening a round with the reference solution, observing.

A task contains paths and names, but no notebook, seed or mark: the slot reads those from the
course's folder, with the grading user's rights. It returns an `Outcome`; the evidence goes into the
store.
"""

import logging
import socket
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from autograder import pipeline, reference_solution
from autograder.errors import HarnessError, SubmissionError
from autograder.evidence import rounds, store
from autograder.evidence.versions import machine, versions
from autograder.exercise import catalogue
from autograder.farm import slots
from autograder.files import make_folder, sweep_files, write
from autograder.formats import counted
from autograder.instructor import doctor
from autograder.model import Exercise, Submission
from autograder.sandbox import cgroups, scratch

__all__ = ["WAITING", "Outcome", "Share", "Task", "arrive", "observe", "prepare", "sweep"]

WAITING = "waiting"
"""Folder of a round with the submissions that slots are to observe."""

_SUBMISSION = TypeAdapter(Submission)


@dataclass(frozen=True, slots=True)
class Share:
    """A slot's part of the machine or job that it is in."""

    number: int
    """Its place among them, from 0."""
    slots: int
    cores: int
    """Of each."""
    memory: int
    """Bytes that a box and its grader need, by the limits of the assignment's exercises."""
    divided: bool
    """Whether to divide the cores here: a batch system may already have done so."""
    forced: bool = False
    """Whether slots with too few cores or too little memory are fit."""
    boxed: bool = True


@dataclass(frozen=True, slots=True)
class Task:
    """The required evidence."""

    evidence: str
    """The course's folder of evidence."""
    exercises: str
    """The folder of the course's own exercises."""
    exercise: str
    size: str
    key: str
    boxed: bool
    place: str
    """Path of the parsed submission; see `prepare`."""
    reference: str
    """The key of the reference solution's evidence; of its own task, the same as ``key``."""
    solution: str
    """Path of the exercise's notebook with its solutions."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a task."""

    what: str
    """``observed``, ``there``, ``refused`` (the submission's fault) or ``failed`` (ours)."""
    seconds: float
    reason: str = ""
    machine: Mapping[str, str] = field(default_factory=dict)


def arrive(share: Share) -> slots.Slot:
    """Bind a slot to its cores and check whether it is fit; runs before its first task."""
    # A box that was ended leaves tasks of nbclient's behind, of which asyncio would complain.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    scratch.sweep(Path(tempfile.gettempdir()))
    cgroups.sweep()
    cores = slots.here()
    if share.divided:
        divide = slots.places(cores, share.cores)
        if share.forced:
            divide = slots.shared(cores, share.slots)
        if share.number < len(divide):
            slots.enter(divide[share.number])
            cores = list(divide[share.number])
        else:
            cores = []
    memory = slots.memory_limit() // share.slots
    described = machine()
    return slots.Slot(
        host=socket.gethostname(),
        cpu=described.get("cpu", ""),
        job=described.get("job", ""),
        cores=tuple(cores),
        memory=memory,
        unfit=_unfit(share, len(cores), memory),
    )


def _unfit(share: Share, cores: int, memory: int) -> str:
    if cores < share.cores and not share.forced:
        return (
            f"it has {counted(cores, 'whole core')} of its own, and {share.cores} are needed; "
            "request more cores per job in the profile"
        )
    if memory < share.memory and not share.forced:
        return (
            f"it may use {memory / 1e9:.1f} GB of memory, and a submission with its grader up to "
            f"{share.memory / 1e9:.1f} GB; request more memory per job in the profile, or fewer "
            "slots"
        )
    found = doctor.read(seconds=0.1)
    # Counted above, and with a word of its own where they are forced.
    found = replace(found, cores=max(found.cores, 2))
    if not share.boxed:
        found = replace(found, box_refused="")
    bad = [line for line in doctor.examine(found) if line.level is doctor.Level.BAD]
    return "; ".join(f"{line.what} ({line.remedy})" for line in bad)


def prepare(task: Task, submission: Submission) -> None:
    """Write a submission to where its slot will read it.

    Raises
    ------
    HarnessError
        If it cannot be written.
    """
    path = Path(task.place)
    try:
        make_folder(path.parent)
        write(path, _SUBMISSION.dump_json(submission).decode())
    except (OSError, ValueError) as error:
        raise HarnessError(
            f"What is to be observed cannot be written to {path.parent}: {error}."
        ) from error


def sweep(round_: rounds.Round) -> None:
    """Remove submissions that have been observed; what another driver may wait for stays."""
    folder = round_.folder / WAITING
    sweep_files(folder)
    for path in folder.glob("*.json"):
        if store.load(round_, path.stem) is not None:
            path.unlink(missing_ok=True)
    with suppress(OSError):  # something is still waiting
        folder.rmdir()


def observe(task: Task) -> Outcome:
    """Produce the evidence of a task, unless it exists."""
    began = time.monotonic()

    def outcome(what: str, reason: str = "") -> Outcome:
        return Outcome(what, time.monotonic() - began, reason, machine())

    try:
        exercise = _exercise(task.exercises, task.exercise, task.size)
        round_ = rounds.current(Path(task.evidence), exercise)
        if task.reference == task.key:
            reference_solution.ask_oracle(exercise, round_)
        if store.load(round_, task.key) is not None:
            return outcome("there")
        submission = _SUBMISSION.validate_json(Path(task.place).read_bytes())
        _refuse_other_key(task, exercise, submission, round_)
        context = _context(task, exercise, round_)
        store.save(round_, pipeline.measured(context, submission, key=task.key))
    except SubmissionError as error:
        return outcome("refused", str(error))
    except HarnessError as error:
        return outcome("failed", str(error))
    except (OSError, ValidationError) as error:
        return outcome(
            "failed",
            f"{socket.gethostname()} cannot read or write in {task.evidence}, which every node has "
            f"to see under that name: {type(error).__name__}: {error}.",
        )
    return outcome("observed")


def _context(task: Task, exercise: Exercise, round_: rounds.Round) -> pipeline.GradingContext:
    """Return the context in which autograde would grade a submission."""
    if task.reference == task.key:
        return reference_solution.trial(exercise, round_, boxed=task.boxed)
    seen = store.load(round_, task.reference)
    if seen is None:
        raise HarnessError(
            f"{socket.gethostname()} cannot find the evidence of the reference solution of "
            f"{exercise.name}: every node has to see {task.evidence}."
        )
    usual = reference_solution.measure(exercise, seen, round_)
    return pipeline.GradingContext(
        exercise, round_, usual, task.boxed, solution=Path(task.solution)
    )


def _refuse_other_key(
    task: Task, exercise: Exercise, submission: Submission, round_: rounds.Round
) -> None:
    """Refuse to produce evidence under a key that autograde would not look up."""
    key = store.key(exercise, submission, round_, boxed=task.boxed)
    if key != task.key:
        versions_here = ", ".join(f"{name} {version}" for name, version in versions().items())
        raise HarnessError(
            f"{socket.gethostname()} would store evidence under a different key from the one that "
            f"autograde looks up: it has {versions_here}. All nodes must use nbgrader's "
            "environment."
        )


@cache
def _exercise(folder: str, name: str, size: str) -> Exercise:
    found = catalogue.find(name, [Path(folder)], size)
    if found is None:
        raise HarnessError(
            f"{socket.gethostname()} does not know the exercise {name}: every node has to see "
            f"{folder}, and needs nbgrader's version of the kit."
        )
    return found
