"""Hold the speedup verdict, and the rules that courses use, against samples of known worth.

Right samples get full marks for their speedup in ``samples``; serial ones get none
though their values are right. Each runs in a box of its own, on the timed case, on a machine
that is quiet and beside 1, 2 and 4 programs that burn CPU. A right run that loses part of its
points is a false fail, a serial one that gets part of them a false pass. The same runs are put
to the field's rules, with plain scikit-learn timed before every fifth run.

    python benchmarks/verdicts.py runs.jsonl            # about an hour; again to go on
    python benchmarks/verdicts.py runs.jsonl --table    # what came of it, as markdown

Every run is a line of the file as soon as it is done; a second start does what is missing. The
machine should have nothing else to do.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import click
import nbformat

from autograder import pipeline, submissions
from autograder.author import build
from autograder.author.samples import Sample, fill, read_samples, released, without_free_cells
from autograder.errors import HarnessError
from autograder.evidence import oracle, rounds
from autograder.evidence.assemble import assemble
from autograder.evidence.in_sandbox import in_sandbox
from autograder.evidence.versions import machine, versions
from autograder.exercise import catalogue
from autograder.model import CaseSpec, Exercise, Reference, Submission
from autograder.speedup.decide import judge, stalled

ROOT = Path(__file__).parent.parent

LOADS = (0, 1, 2, 4)
"""Numbers of burners."""

RIGHT, SERIAL, REFERENCE = "right", "serial", "reference"

REFERENCE_RUNS = 5
"""Per load: what the rule of the reference's ratio is held against."""

SEEDS = 3
"""Different inputs; more would only mean more time for the oracle."""

SERIAL_EVERY = 5
"""Runs of a cell per timing of plain scikit-learn."""

BURNER = """
import os, time
parent, until = os.getppid(), time.time() + 900
while os.getppid() == parent and time.time() < until:
    sum(range(10_000))
"""
"""Bounded, and gone with whoever started it, should nobody end it."""


# ----------------------------------------------------------------------------- what is to be run


@dataclass(frozen=True, slots=True)
class Entrant:
    """A submission and what its verdict must be."""

    exercise: Exercise
    student: str
    kind: str
    submission: Submission


@dataclass(frozen=True, slots=True)
class Line:
    """One run, as it is kept."""

    exercise: str
    student: str
    kind: str
    burners: int
    at: float
    problem: str
    """Why there was no right answer to judge; empty if there was."""
    wall_seconds: float
    serial_seconds: float | None
    """Plain scikit-learn just before, where it was timed."""
    replayed: float | None
    counted: float | None
    credit: float
    status: str
    reason: str
    busy: bool
    others: float | None
    client_cpu: float
    worker_cpu: float
    reference_speedup: float
    machine: str
    stalled: bool = False
    """Whether the grader would have tried again for that."""


def entrants(exercise: Exercise, source: Path) -> list[Entrant]:
    """Return the reference solution, the right and the serial samples of an exercise."""
    speedup = next((check for check in exercise.checks if check.check == "speedup"), None)
    if speedup is None:
        return []
    values = [
        check.grade_id
        for check in exercise.checks
        if check.check == "values" and check.function == speedup.function
    ]
    points = {check.grade_id: check.points for check in exercise.checks}
    blank = without_free_cells(released(exercise, source))

    def kind(sample: Sample) -> str:
        if any(sample.verdict[name] < points[name] for name in values):
            return ""
        got = sample.verdict[speedup.grade_id]
        return {points[speedup.grade_id]: RIGHT, 0: SERIAL}.get(got, "")

    solution = nbformat.read(source / exercise.name / f"{exercise.name}.ipynb", as_version=4)
    notebooks = [(REFERENCE, REFERENCE, without_free_cells(solution))]
    notebooks += [
        (s.student, kind(s), fill(s, blank))
        for s in read_samples(exercise, ROOT / "samples")
        if kind(s)
    ]
    return [
        Entrant(exercise, student, kind, submissions.parse(notebook, exercise))
        for student, kind, notebook in notebooks
    ]


def allotted(entrants: Sequence[Entrant], runs: int) -> dict[tuple[str, str, int], int]:
    """Spread the runs of every cell over its samples; another one begins with each load."""
    cells: dict[tuple[str, str], list[Entrant]] = defaultdict(list)
    for entrant in entrants:
        cells[entrant.exercise.name, entrant.kind].append(entrant)
    shares = {}
    for (name, kind), members in cells.items():
        total = min(REFERENCE_RUNS, runs) if kind == REFERENCE else runs
        for turn, burners in enumerate(LOADS):
            for i, member in enumerate(members):
                place = (i + turn * len(members) // len(LOADS)) % len(members)
                share = total // len(members) + (place < total % len(members))
                shares[name, member.student, burners] = share
    return shares


# ----------------------------------------------------------------------------------- running it


@contextmanager
def load(burners: int) -> Iterator[None]:
    """Burn CPU beside whatever is done inside."""
    started = [subprocess.Popen([sys.executable, "-c", BURNER]) for _ in range(burners)]
    try:
        yield
    finally:
        for burner in started:
            burner.kill()
            burner.wait()


@dataclass(frozen=True, slots=True)
class Bench:
    """What all runs of an exercise have in common."""

    exercise: Exercise
    case: CaseSpec
    round: rounds.Round
    reference: Reference


def open_bench(exercise: Exercise, source: Path, scratch: Path) -> Bench:
    """Begin a round of an exercise, on a machine that is still quiet."""
    round_ = rounds.current(scratch, exercise)
    notebook = source / exercise.name / f"{exercise.name}.ipynb"
    case = next(case for case in exercise.cases if case.timed)
    for attempt in range(SEEDS):
        oracle.truth(round_, exercise, case, attempt)
    return Bench(exercise, case, round_, pipeline.reference(notebook, exercise, round_))


def observe(
    bench: Bench, entrant: Entrant, wanted: dict[int, int], serial: "SerialClock"
) -> Iterator[Line]:
    """Run a submission in one box, so many times beside each number of burners."""
    # What is asked is whether the verdict is right, not whether it comes in time.
    limits = replace(bench.exercise.limits, wall_seconds=3600, case_seconds=120, cell_seconds=120)
    exercise = replace(bench.exercise, limits=limits)
    with in_sandbox(exercise) as box:
        box.run_cells(entrant.submission)
        for burners, runs in wanted.items():
            with load(burners):
                for number in range(runs):
                    seconds = serial.before(entrant, burners)
                    attempt = number % SEEDS
                    truth = oracle.truth(bench.round, exercise, bench.case, attempt)
                    call = box.run_case(bench.case, rounds.seed(bench.round, bench.case, attempt))
                    run = assemble(exercise, bench.case, call, truth)
                    yield _line(bench, entrant, burners, seconds, run)
                    if box.ended:
                        return


def _line(bench: Bench, entrant: Entrant, burners: int, seconds: float | None, run: Any) -> Line:
    verdict = judge(run, bench.exercise.cluster.workers, bench.reference)
    problem = run.stopped or (run.failure and f"{run.failure.kind}: {run.failure.message}") or ""
    if not problem and not run.comparison.equal:
        problem = run.comparison.got
    study = verdict.study
    return Line(
        exercise=bench.exercise.name,
        student=entrant.student,
        kind=entrant.kind,
        burners=burners,
        at=round(time.time(), 1),
        problem=problem[:300],
        wall_seconds=round(run.done - run.go, 3),
        serial_seconds=None if seconds is None else round(seconds, 3),
        replayed=study and round(study.speedup, 4),
        counted=round(verdict.speedup, 4),
        credit=round(verdict.credit, 4),
        status=str(verdict.status),
        reason=verdict.reason or verdict.note,
        busy=run.contended,
        others=run.background_load and round(run.background_load, 3),
        client_cpu=round(study.client_cpu, 2) if study else 0.0,
        worker_cpu=round(sum(study.worker_cpu), 2) if study else 0.0,
        reference_speedup=round(bench.reference.speedup, 3),
        machine=_machine(),
        stalled=stalled(run, bench.exercise.cluster.workers),
    )


class SerialClock:
    """Times plain scikit-learn now and then, under the load of the moment."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._runs: Counter[tuple[str, int]] = Counter()

    def before(self, entrant: Entrant, burners: int) -> float | None:
        """Return serial seconds, or None if it is not their turn."""
        self._runs[entrant.kind, burners] += 1
        if entrant.kind == REFERENCE or self._runs[entrant.kind, burners] % SERIAL_EVERY != 1:
            return None
        bench = self._bench
        seed = rounds.seed(bench.round, bench.case, 0)
        began = time.perf_counter()
        oracle = catalogue.cases(bench.exercise).oracle
        told = oracle(bench.case.name, bench.case.parameters, seed)
        return float(told.get("seconds", time.perf_counter() - began))


def _machine() -> str:
    told = versions() | machine()
    return (
        f"{told['cores']} cores ({told.get('cpu', told['machine'])}), "
        f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Python {told['python']}, "
        f"Dask {told['dask']}, scikit-learn {told['scikit-learn']}"
    )


# ----------------------------------------------------------------------------- what came of it

Rule = Callable[[list[Line], list[float]], list[bool]]
"""From the runs of a cell in order of time, and the reference's seconds under the same load, to
one verdict per decision: passed or not."""


def _windows(lines: Sequence[Any], length: int) -> Iterable[Sequence[Any]]:
    return (lines[i : i + length] for i in range(len(lines) - length + 1))


def _speedups(lines: list[Line]) -> list[float]:
    """Return speedups against the serial seconds measured last."""
    found, serial = [], None
    for line in lines:
        serial = line.serial_seconds or serial
        if serial is not None:
            found.append(serial / line.wall_seconds)
    return found


def _as_graded(lines: list[Line]) -> list[float]:
    """Return the credit of every run, tried again as the grader does."""
    found = []
    for tries in _windows(lines, 3):
        fair = next(
            (i for i, line in enumerate(tries) if not (line.busy or line.stalled)), len(tries) - 1
        )
        found.append(max(line.credit for line in tries[: fair + 1]))
    return found


RULES: dict[str, Rule] = {
    "one run, speedup ≥ 1.4": lambda lines, _: [s >= 1.4 for s in _speedups(lines)],
    "best of 3 runs ≥ 1.4": lambda lines, _: [max(w) >= 1.4 for w in _windows(_speedups(lines), 3)],
    "median of 5 runs ≥ 1.4": lambda lines, _: [
        median(w) >= 1.4 for w in _windows(_speedups(lines), 5)
    ],
    "median of 3 pairs, serial and parallel in turn, ≥ 1.4": lambda lines, _: [
        median(w) >= 1.4
        for w in _windows([x.serial_seconds / x.wall_seconds for x in lines if x.serial_seconds], 3)
    ],
    "reference's seconds ÷ own ≥ 0.75, median of 3": lambda lines, reference: [
        median(reference) / median(x.wall_seconds for x in w) >= 0.75
        for w in (_windows(lines, 3) if reference else ())
    ],
}
"""What courses do."""


def _kit(kind: str, credits: Iterable[float]) -> list[bool]:
    """Say whether a run passes: a right one with all of the points, a serial one with any."""
    return [credit >= 1.0 if kind == RIGHT else credit > 0.0 for credit in credits]


def table(lines: Sequence[Line]) -> str:
    """Return the false fails and false passes of every rule as markdown."""
    judged = [line for line in lines if not line.problem]
    cells: dict[tuple[str, str, int], list[Line]] = defaultdict(list)
    for line in sorted(judged, key=lambda line: line.at):
        cells[line.exercise, line.kind, line.burners].append(line)
    rules: dict[str, Rule] = {
        "**this kit, one run**": lambda runs, _: _kit(runs[0].kind, (x.credit for x in runs)),
        "**this kit, tried again**": lambda runs, _: _kit(runs[0].kind, _as_graded(runs)),
        **RULES,
    }
    loads = sorted({line.burners for line in judged})
    names = sorted({line.exercise for line in judged})
    parts = [_describe(lines, judged)]
    for kind, title in ((RIGHT, "False fails"), (SERIAL, "False passes")):
        heads = [f"{load} burner{'s' * (load != 1)}" if load else "quiet" for load in loads]
        rows = [
            f"| {title.lower()}, wrong / decisions | {' | '.join(heads)} | worst cell |",
            "|:--|" + "--:|" * (len(loads) + 1),
        ]
        for rule, decide in rules.items():
            wrong, all_ = Counter[int](), Counter[int]()
            worst = 0.0
            for name in names:
                for burners in loads:
                    runs = cells[name, kind, burners]
                    reference = [x.wall_seconds for x in cells[name, REFERENCE, burners]]
                    passed = decide(runs, reference) if runs else []
                    bad = sum(one != (kind == RIGHT) for one in passed)
                    wrong[burners] += bad
                    all_[burners] += len(passed)
                    worst = max(worst, bad / len(passed) if passed else 0.0)
            counts = " | ".join(f"{wrong[b]} / {all_[b]}" for b in loads)
            rows.append(f"| {rule} | {counts} | {worst:.0%} |".replace("%", " %"))
        parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _describe(lines: Sequence[Line], judged: Sequence[Line]) -> str:
    machines = " / ".join(sorted({line.machine for line in lines}))
    spread = []
    for name in sorted({line.exercise for line in judged}):
        for kind in (RIGHT, SERIAL):
            cell = [x for x in judged if (x.exercise, x.kind) == (name, kind)]
            replayed = [line.counted for line in cell if line.counted is not None]
            if replayed:
                students = len({line.student for line in cell})
                spread.append(
                    f"{name}, {kind}: {len(cell)} runs of {students} samples, counted speedup "
                    f"{min(replayed):.2f} to {max(replayed):.2f}"
                )
    lost = len(lines) - len(judged)
    runs, are = ("run", "is") if lost == 1 else ("runs", "are")
    no_answer = f" {lost} {runs} gave no right answer to judge and {are} left out." if lost else ""
    return f"{machines}.{no_answer}\n\n" + "\n".join(f"- {line}" for line in spread)


# ------------------------------------------------------------------------------ the command line


def read(path: Path) -> list[Line]:
    """Read the runs that were made so far."""
    if not path.exists():
        return []
    return [Line(**json.loads(text)) for text in path.read_text().splitlines() if text]


def _chosen(entrant: Entrant, filters: Sequence[str]) -> bool:
    name = f"{entrant.exercise.name}/{entrant.student}"
    return not filters or any(one in name for one in filters)


class _Forecast:
    """Says how much is done, and how much longer it will take."""

    def __init__(self, wanted: Counter[int]) -> None:
        self._wanted = wanted
        self._seconds: dict[int, list[float]] = defaultdict(list)
        self._since = time.perf_counter()

    def note(self, line: Line) -> str:
        now = time.perf_counter()
        self._seconds[line.burners].append(now - self._since)
        self._since = now
        self._wanted[line.burners] -= 1
        every = [s for seconds in self._seconds.values() for s in seconds]
        left = sum(
            count * (sum(self._seconds[load] or every) / len(self._seconds[load] or every))
            for load, count in self._wanted.items()
        )
        return f"{sum(self._wanted.values())} runs left, about {left / 60:.0f} min"


@click.command()
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--runs", default=25, show_default=True, help="Of each cell: exercise, kind, load.")
@click.option("--samples", "filters", multiple=True, help="Part of exercise/student; repeatable.")
@click.option("--loads", default=",".join(map(str, LOADS)), show_default=True, help="Burners.")
@click.option("--table", "show", is_flag=True, help="Print what the file says, as markdown.")
def main(out: Path, runs: int, filters: tuple[str, ...], loads: str, show: bool) -> None:
    """Run what is missing of the benchmark, line by line into OUT."""
    if show:
        click.echo(table(read(out)), nl=False)
        return
    burners = [int(one) for one in loads.split(",")]
    with tempfile.TemporaryDirectory(prefix="verdicts-") as scratch:
        source = Path(scratch, "source")
        build.build_all(ROOT / "solutions", source)
        everyone = [e for found in catalogue.every() for e in entrants(found, source)]
        chosen = [entrant for entrant in everyone if _chosen(entrant, filters)]
        shares = allotted(chosen, runs)
        done = Counter((x.exercise, x.student, x.burners) for x in read(out))
        missing = {
            key: share - done[key]
            for key, share in shares.items()
            if key[2] in burners and share > done[key]
        }
        wanted = Counter[int]()
        for (_, _, load_), count in missing.items():
            wanted[load_] += count
        forecast = _Forecast(wanted)
        click.echo(f"{sum(wanted.values())} runs of {len(chosen)} submissions are missing.")
        benches: dict[str, tuple[Bench, SerialClock]] = {}
        for entrant in chosen:
            name = entrant.exercise.name
            own = {b: n for b in burners if (n := missing.get((name, entrant.student, b), 0))}
            if not own:
                continue
            if name not in benches:
                bench = open_bench(entrant.exercise, source, Path(scratch, "evidence"))
                benches[name] = bench, SerialClock(bench)
            bench, serial = benches[name]
            try:
                for line in observe(bench, entrant, own, serial):
                    with out.open("a") as file:
                        file.write(json.dumps(asdict(line)) + "\n")
                        file.flush()
                        os.fsync(file.fileno())
                    click.echo(
                        f"{name}/{line.student} ({line.kind}), {line.burners} burners: "
                        f"{line.problem or f'{line.counted:.2f}, credit {line.credit:.0%}'}; "
                        f"{forecast.note(line)}"
                    )
            except HarnessError as error:
                click.echo(f"{name}/{entrant.student}: {error}", err=True)
    click.echo(table(read(out)), nl=False)


if __name__ == "__main__":
    main()
