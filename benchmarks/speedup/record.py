"""Record the corpus that the speedup verdict is chosen and tried on.

Every program (`programs`) runs on the timed case of its exercise, in a box, beside every noise
(`noise`). What was seen is kept whole, so that any formula can be tried on it later, in seconds:
``judge.py``. As in grading, the reference solution runs again beside the same noise, right after a
program that would lose points by its earlier CPU seconds.

    python benchmarks/speedup/record.py RUNS            # some hours; again to go on
    python benchmarks/speedup/record.py RUNS --keep     # into the corpus beside this file
    python benchmarks/speedup/record.py RUNS4 --workers 4   # the same programs on more workers

RUNS is a folder. A program that was added or changed is run, all others stay as they are. The
machine should have nothing else to do.
"""

import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click
from corpus import CORPUS, Line, read, write
from kit_formula import reference
from noise import NOISES, beside
from programs import ROOT, Kind, Program, timed_programs

from autograder.author import source_folder
from autograder.evidence import oracle, rounds
from autograder.evidence.assemble import assemble
from autograder.evidence.in_sandbox import in_sandbox
from autograder.evidence.reference_again import taken
from autograder.evidence.versions import machine, versions
from autograder.exercise import catalogue
from autograder.model import CaseSpec, Exercise, Reference, ReferenceRun, Run
from autograder.speedup.decide import is_limited

SEEDS = 3
"""Different inputs; more would only mean more time for the oracle."""

TRIES = 3
"""Runs of the reference solution in a round, and right after a program."""

REFERENCES = 4
"""Times the runs of a program that the reference solution is run: all others stand beside it."""

Cell = tuple[str, int]
"""A noise, and the turn of a program beside it."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--only", multiple=True, help="EXERCISE/PROGRAM that begin so; all if left out.")
@click.option("--runs", default=2, show_default=True, help="Of each program beside each noise.")
@click.option("--boxes", type=int, help="Stop after so many boxes.")
@click.option("--workers", type=int, help="Of the cluster; as the exercise says if left out.")
@click.option("--keep", is_flag=True, help="Compress what was recorded into the corpus.")
def main(
    folder: Path,
    only: tuple[str, ...],
    runs: int,
    boxes: int | None,
    workers: int | None,
    keep: bool,
) -> None:
    """Run what is missing and keep what was seen."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch)
        source_folder.build_all(ROOT / "solutions", source)
        for known in catalogue.every():
            shape = replace(known.cluster, workers=workers or known.cluster.workers)
            exercise = replace(known, cluster=shape)
            programs = timed_programs(exercise, source)
            path = folder / f"{exercise.name}.jsonl"
            chosen = [p for p in programs if f"{exercise.name}/{p.name}".startswith(only or "")]
            if keep:
                _keep(path, programs if chosen else [])
                continue
            for program, cells in wanted(chosen, fitting(read(path), programs), runs):
                if boxes is not None and (boxes := boxes - 1) < 0:
                    sys.exit(3)
                click.echo(f"{exercise.name}/{program.name}: {len(cells)} runs")
                solution = Solution(programs[0], read(path))
                for line in observed(program, cells, rounds.current(folder, exercise), solution):
                    write(path, [line], append=True)


def _keep(path: Path, programs: list[Program]) -> None:
    """Compress the runs of an exercise into the corpus; without any, what is there stays."""
    if kept := fitting(read(path), programs):
        CORPUS.mkdir(exist_ok=True)
        write(CORPUS / f"{path.name}.xz", kept)
        click.echo(f"{path.stem}: {len(kept)} runs kept")


@dataclass(frozen=True, slots=True)
class Solution:
    """The reference solution of an exercise, and the runs of it so far."""

    program: Program
    lines: list[Line]

    def usual(self, noise: str) -> Reference | None:
        """Return what runs beside this noise are judged against, if it has run often enough."""
        known = [
            line.run
            for line in self.lines
            if line.kind is Kind.REFERENCE and line.noise == noise and line.run.right
        ]
        return reference(known[:TRIES], self.program.workers) if len(known) >= TRIES else None


def fitting(lines: list[Line], programs: list[Program]) -> list[Line]:
    """Leave out the runs of programs and timed cases that are not as they were.

    What a program is worth is what its file says today.
    """
    known = {program.name: program for program in programs}
    return [
        replace(line, kind=program.kind, speedup=program.speedup)
        for line in lines
        if (program := known.get(line.program)) is not None
        and line.source == program.source
        and line.case == program.case
    ]


def wanted(
    programs: list[Program], lines: list[Line], runs: int
) -> Iterator[tuple[Program, list[Cell]]]:
    """Say which runs are missing, the first of every program before the second of any."""
    done = {(line.program, line.noise, line.turn) for line in lines}
    for turn in range(runs):
        for program in programs:
            turns = (turn,)
            if program.kind is Kind.REFERENCE:
                turns = tuple(range(turn * REFERENCES, (turn + 1) * REFERENCES))
            cells = [(noise, one) for noise in NOISES for one in turns]
            if missing := [cell for cell in cells if (program.name, *cell) not in done]:
                yield program, missing


def observed(
    program: Program, cells: list[Cell], round_: rounds.Round, solution: Solution
) -> Iterator[Line]:
    """Run a program in boxes; one that ended a box goes on in a new one."""
    # What is asked is whether the verdict is right, not whether it comes in time.
    limits = replace(program.exercise.limits, wall_seconds=3600, case_seconds=120, cell_seconds=120)
    exercise = replace(program.exercise, limits=limits)
    case = program.case
    while cells:
        with in_sandbox(exercise) as box:
            box.run_cells(program.submission)
            while cells and not box.ended:
                noise, turn = cells.pop(0)
                truth = oracle.truth(round_, exercise, case, turn % SEEDS)
                seed = rounds.seed(round_, case, turn % SEEDS)
                with beside(noise):
                    serial = timed_alone(exercise, case, seed) if _is_first(program, turn) else None
                    run = assemble(exercise, case, box.run_case(case, seed), truth)
                    usual = None if program.kind is Kind.REFERENCE else solution.usual(noise)
                    if usual and run.right and is_limited(run, program.workers, usual):
                        run = replace(run, reference=again(solution.program, exercise, round_))
                yield _line(program, noise, turn, serial, run)


def again(solution: Program, exercise: Exercise, round_: rounds.Round) -> tuple[ReferenceRun, ...]:
    """Run the reference solution in a box of its own, beside what runs now."""
    case = solution.case
    with in_sandbox(exercise) as box:
        box.run_cells(solution.submission)
        found = []
        for attempt in range(TRIES):
            truth = oracle.truth(round_, exercise, case, attempt)
            call = box.run_case(case, rounds.seed(round_, case, attempt))
            found.append(taken(assemble(exercise, case, call, truth)))
    return tuple(found)


def _is_first(program: Program, turn: int) -> bool:
    return program.kind is Kind.REFERENCE and turn == 0


def timed_alone(exercise: Exercise, case: CaseSpec, seed: int) -> float:
    """Return the seconds that plain scikit-learn takes, one process, outside the box."""
    return oracle.work_out(catalogue.cases(exercise), case, seed).seconds


def _line(program: Program, noise: str, turn: int, serial: float | None, run: Run) -> Line:
    told = versions() | machine()
    if run.failure or run.stopped or not run.right:
        why = run.stopped or (run.failure and run.failure.message)
        why = why or (run.comparison and run.comparison.got)
        click.echo(f"  {program.name} beside {noise}: no right answer: {why}", err=True)
    return Line(
        exercise=program.exercise.name,
        case=program.case,
        program=program.name,
        source=program.source,
        kind=program.kind,
        speedup=program.speedup,
        noise=noise,
        turn=turn,
        at=round(time.time(), 1),
        machine=f"{told['cores']} cores ({told.get('cpu', told['machine'])}), "
        f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Python {told['python']}",
        workers=program.workers,
        serial_seconds=serial,
        run=run,
    )


if __name__ == "__main__":
    main()
