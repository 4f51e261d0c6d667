"""The grader's observer: everything is read from outside the sandbox that the notebook runs in."""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from math import fsum
from time import time

from autograder.errors import SubmissionError
from autograder.evidence import delays, facts, kills, memory_sampler
from autograder.evidence.module_names import DRIVER, ONE_CLOCK, RECORDER
from autograder.evidence.observer import Call
from autograder.model import (
    CaseSpec,
    CellOutput,
    Exercise,
    Kill,
    MemorySample,
    Recording,
    Submission,
)
from autograder.sandbox import machine_load, processes, scratch, untrusted
from autograder.sandbox.running_box import START_SECONDS, Modules
from autograder.sandbox.session import Session

__all__ = ["MODULES", "InSandbox", "in_sandbox"]

MODULES = Modules(driver=DRIVER, scheduler=RECORDER, worker=ONE_CLOCK)

_SETTLE_SECONDS = 10.0
"""Limit on waiting for the notebook's remaining work on the cluster, before a case begins. Chosen:
with nothing to wait for it takes 0.01 s; what runs on after that shares the call's time, and a loop
without end must not hold up the class."""

_TOO_LARGE = "the record of its cluster is too large to be read"
"""The recorder itself stops before that in one call, so a larger record is not the recorder's; or
the submission's calls together have run many more tasks than any program of the exercises."""


@contextmanager
def in_sandbox(
    exercise: Exercise,
    seconds: float | None = None,
    *,
    boxed: bool = True,
    room: untrusted.Room | None = None,
) -> Iterator["InSandbox"]:
    """Start a sandbox for a submission, and end every process of it.

    Parameters
    ----------
    exercise : Exercise
    seconds : float, optional
        What is left of the submission's time; all of it if left out.
    boxed : bool
        False runs the same processes without protection.
    room : Room, optional
        Of the submission's recordings, if it has had other sandboxes.

    Raises
    ------
    HarnessError
        If it does not start, or could not be ended.
    """
    with Session(exercise, MODULES, boxed=boxed, seconds=seconds) as session:
        yield InSandbox(exercise, session, room or untrusted.Room())


class InSandbox:
    """An `Observer` of a notebook in a sandbox."""

    def __init__(self, exercise: Exercise, session: Session, room: untrusted.Room) -> None:
        self._exercise = exercise
        self._session = session
        self._room = room
        self._calls = 0

    @property
    def ended(self) -> str | None:
        """Why the sandbox was ended before its time, or None."""
        return self._session.ended

    def run_cells(self, submission: Submission, skip: Collection[int] = ()) -> list[CellOutput]:
        """Run the cells; the last one may have ended the sandbox."""
        seen = []
        for cell in submission.cells:
            if cell.runs and cell.index not in skip:
                output = self._session.execute(cell.source, self._exercise.limits.cell_seconds)
                seen.append(replace(output, index=cell.index))
            if self.ended:
                break
        return seen

    def run_case(self, case: CaseSpec, seed: int) -> Call:
        """Prepare a case, call the student's function on it and return the observations."""
        session, box = self._session, self._session.box
        self._calls += 1
        place = f"out/{self._calls:03d}-{case.name}"
        folder = str(box.folder / place)
        session.step(f"settle({_SETTLE_SECONDS})", 2 * _SETTLE_SECONDS, spoilt=True)
        # From here on the notebook can know the input, so what it uses is part of the answer.
        for pid in facts.names(box.root, box.roles):
            processes.reset_peak(pid)
        early, setup_cpu = facts.snapshot(box.root, box.roles), box.cpu_seconds()
        read_memory = (
            memory_sampler.reader(box.root, box.roles) if self._judges_memory(case) else None
        )
        first = read_memory() if read_memory else {}
        prepare = f"prepare({case.name!r}, {dict(case.parameters)!r}, {seed}, {folder!r})"
        stopped = session.step(prepare, START_SECONDS, spoilt=True)
        load_before = box.load()
        before = facts.snapshot(box.root, box.roles)
        cpu_before = box.cpu_seconds()
        samples: list[MemorySample] = []
        with ExitStack() as freezing, ExitStack() as watching:
            read_threads = delays.reader(box.root, box.roles)
            cpu = watching.enter_context(delays.sampled(read_threads))
            go = time()
            if read_memory:
                samples = watching.enter_context(memory_sampler.sampled(read_memory))
            killed = watching.enter_context(self._killing(case, seed, place))
            if stopped is None:
                call = f"call({case.name!r}, {case.function!r}, {folder!r})"
                stopped = session.step(call, self._exercise.limits.case_seconds, spoilt=True)
            # That it is done is what the box says. What it gives is read when nothing in it runs
            # any more, and whatever ran until then was part of the call.
            freezing.enter_context(session.frozen())
            done = time()
            watching.close()
            cpu_after = box.cpu_seconds()
            after = facts.snapshot(box.root, box.roles)
            load_after = box.load()
            answer, failure, given = (
                untrusted.record(box.folder, f"{place}/{name}.json")
                for name in ("answer", "failure", "input")
            )
            most = self._exercise.limits.answer_bytes
            arrays = untrusted.arrays(box.folder, place, most)
        # What could not be stopped has gone on while it was measured.
        stopped = stopped or self.ended
        workers = self._exercise.cluster.workers
        cpu = delays.due_to_others(cpu, load_before, load_after, workers)
        returned = untrusted.moment(answer.get("returned"), go, done)
        testimony, heard = b"", True
        if self.ended is None:
            testimony = untrusted.testimony(box.recorder, go, done, returned)
            heard = testimony != b""  # of no tasks it tells, too
        try:
            recording = untrusted.recording(testimony, self._room)
        except SubmissionError:
            recording, stopped = Recording(), stopped or _TOO_LARGE
        if killed and self.ended is None:
            recover = f"recover({workers}, {kills.RECOVER_SECONDS})"
            session.step(recover, 2 * kills.RECOVER_SECONDS, spoilt=True)
        return Call(
            go=go,
            returned=returned,
            done=done,
            usage=facts.usage(
                before, after, _between(cpu_before, cpu_after), delays.delays(cpu), early
            ),
            setup_cpu=fsum(
                use.cpu_seconds
                for use in facts.usage(early, before, _between(setup_cpu, cpu_before))
            ),
            answer=answer,
            arrays=arrays,
            failure=untrusted.as_failure(failure),
            stopped=stopped,
            input_bytes=untrusted.natural(given.get("input_bytes")),
            recording=recording,
            background_load=machine_load.others(load_before, load_after),
            steal=load_after.stolen - load_before.stolen,
            cpu=tuple(cpu),
            memory=(*(MemorySample(0.0, name, first[name]) for name in sorted(first)), *samples),
            kills=None if killed is None else tuple(killed),
            unready=session.broken or not heard,
        )

    def _killing(
        self, case: CaseSpec, seed: int, place: str
    ) -> AbstractContextManager[list[Kill] | None]:
        """Kill a worker in the middle of the call, if the case demands it."""
        box, file = self._session.box, f"{place}/scratch/{kills.ANNOUNCED}"
        return kills.killing(
            case,
            seed,
            lambda: scratch.read(box.folder, file, kills.ANNOUNCED_BYTES),
            kills.killer(box.root, box.roles),
        )

    def _judges_memory(self, case: CaseSpec) -> bool:
        checks = self._exercise.checks
        return any(spec.check == "memory" and case.name in spec.cases for spec in checks)


def _between(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before
