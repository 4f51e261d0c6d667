"""Try a formula for the speedup verdict on the whole corpus: what it gets wrong, in seconds.

    python benchmarks/speedup/judge.py                          # the kit's own
    python benchmarks/speedup/judge.py --formula mine.py:credit # any other
    python benchmarks/speedup/judge.py --runs RUNS              # on runs that are not kept yet

A formula is a function ``(run, references, workers) -> (credit, accused)``: the runs of the
reference solution are those of one round. Every run is judged beside every round of its exercise
that the corpus can make up: with the reference solution beside the same noise and as much other
work (measured, since the noise that was started is not all that ran), beside the same noise, and
beside any.

- A right program that loses any part of its points is a false fail.
- A serial or sham one that earns any is a false pass.
- A serial, right or partial one that is "not accepted" is wrongly accused.
"""

import importlib.util
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click
from corpus import CORPUS, Line, read
from noise import NOISES
from programs import Kind

from autograder.evidence.reference_again import CROWDED
from autograder.evidence.summary import crowd
from autograder.model import Run

Formula = Callable[[Run, Sequence[Run], int], tuple[float, bool]]

TRIES = 3
"""Runs of the reference solution in a round."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a formula made of one run beside one round's reference solution."""

    line: Line
    beside: str
    """The noise beside the reference solution."""
    as_crowded: bool
    """Whether about as much other work ran beside the reference solution; measured."""
    credit: float
    accused: bool

    @property
    def wrong(self) -> bool:
        """Whether the program got what it must not get."""
        match self.line.kind:
            case Kind.RIGHT | Kind.REFERENCE:
                return self.credit < 1.0 or self.accused
            case Kind.SERIAL:
                return self.credit > 0.0 or self.accused
            case Kind.SHAM:
                return self.credit > 0.0
        return self.accused


@click.command()
@click.option("--formula", default="", help="FILE:FUNCTION; the kit's own if left out.")
@click.option("--runs", "folder", type=click.Path(path_type=Path), default=CORPUS)
@click.option("--only", multiple=True, help="Exercises whose name begins so; all if left out.")
@click.option("--verbose", is_flag=True, help="Name every program that is judged wrongly.")
def main(formula: str, folder: Path, only: tuple[str, ...], verbose: bool) -> None:
    """Judge all runs and print what is wrong."""
    began = time.perf_counter()
    paths = sorted({*folder.glob("*.jsonl"), *folder.glob("*.jsonl.xz")})
    lines = [line for path in paths if path.name.startswith(only or "") for line in read(path)]
    judged = [decision for decision in decisions(lines, _formula(formula))]
    right = sum(line.run.right for line in lines)
    click.echo(
        f"{len(lines)} runs of {len({(x.exercise, x.program) for x in lines})} programs, "
        f"{right} with the right values; {len(judged)} decisions in "
        f"{time.perf_counter() - began:.0f} s\n"
    )
    for title, chosen in (
        (
            "Reference solution beside the same noise and as much other work",
            [d for d in judged if same(d) and d.as_crowded],
        ),
        ("Reference solution beside the same noise", [d for d in judged if same(d)]),
        ("Reference solution beside any noise", judged),
    ):
        click.echo(f"{title}: wrong / decisions\n\n{table(chosen)}\n")
    click.echo(spread([d for d in judged if same(d)]))
    if verbose:
        click.echo("\n" + "\n".join(named(judged)))


def decisions(
    lines: Sequence[Line], formula: Formula, *, alike: bool = False
) -> Iterator[Decision]:
    """Judge every run that gave the right values, beside every round of its exercise.

    With ``alike`` only beside those that stood beside the same noise, as in a round.
    """
    rounds: dict[str, list[tuple[str, list[Run]]]] = defaultdict(list)
    for exercise in {line.exercise for line in lines}:
        for noise in NOISES:
            usual = [
                line.run
                for line in lines
                if (line.exercise, line.kind, line.noise) == (exercise, Kind.REFERENCE, noise)
            ]
            for first in range(0, len(usual) - TRIES + 1, TRIES):
                rounds[exercise].append((noise, usual[first : first + TRIES]))
    for line in lines:
        for noise, references in rounds[line.exercise]:
            own = any(line.run is run for run in references)
            if line.run.right and not own and (noise == line.noise or not alike):
                credit, accused = formula(line.run, references, line.workers)
                yield Decision(line, noise, _as_crowded(line.run, references), credit, accused)


def same(decision: Decision) -> bool:
    """Whether run and reference solution stood beside the same noise."""
    return decision.beside == decision.line.noise


def _as_crowded(run: Run, references: Sequence[Run]) -> bool:
    own, theirs = crowd(run), [crowd(one) for one in references]
    if own is None or None in theirs:
        return False
    return abs(own - median(one or 0.0 for one in theirs)) <= CROWDED


def table(judged: Sequence[Decision]) -> str:
    """Return wrong decisions of every kind beside every noise as markdown."""
    noises = [noise for noise in NOISES if any(d.line.noise == noise for d in judged)]
    rows = [
        f"| program | {' | '.join(noises)} | all | worst cell | accused |",
        "|:--|" + "--:|" * (len(noises) + 3),
    ]
    for kind in Kind:
        own = [d for d in judged if d.line.kind is kind]
        if not own:
            continue
        cells = [[d for d in own if d.line.noise == noise] for noise in noises]
        counts = " | ".join(f"{sum(d.wrong for d in cell)} / {len(cell)}" for cell in cells)
        by_exercise = defaultdict(list)
        for d in own:
            by_exercise[d.line.exercise, d.line.noise].append(d.wrong)
        worst = max(sum(cell) / len(cell) for cell in by_exercise.values())
        rows.append(
            f"| {kind} | {counts} | {sum(d.wrong for d in own)} / {len(own)} | {100 * worst:.0f} % "
            f"| {sum(d.accused for d in own)} |"
        )
    return "\n".join(rows)


def spread(judged: Sequence[Decision]) -> str:
    """Say how much the credit of the same program differs over runs and noises."""
    credits = defaultdict(list)
    for d in judged:
        credits[d.line.exercise, d.line.program].append(d.credit)
    spreads = sorted(max(found) - min(found) for found in credits.values())
    if not spreads:
        return "No program was judged."
    within = sum(one <= 0.05 for one in spreads)
    return (
        f"Credit of the same program, largest less smallest, over all noises: median "
        f"{median(spreads):.2f}, at most {spreads[-1]:.2f}; 0.05 or less in {within} of "
        f"{len(spreads)} programs."
    )


def named(judged: Sequence[Decision]) -> Iterator[str]:
    """Name the programs that are judged wrongly, and the partial ones, with their credit."""
    wrong: Counter[tuple[str, str, str]] = Counter()
    all_: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for d in judged:
        key = d.line.exercise, d.line.kind, d.line.program
        wrong[key] += d.wrong
        all_[key].append(d.credit)
    for (exercise, kind, program), found in sorted(all_.items()):
        count = wrong[exercise, kind, program]
        if count or kind == Kind.PARTIAL:
            yield (
                f"{exercise}/{program} ({kind}): {count} of {len(found)} wrong, credit "
                f"{min(found):.2f} to {max(found):.2f}, median {median(found):.2f}"
            )


def _formula(place: str) -> Formula:
    if not place:
        from kit_formula import credit

        return credit
    path, _, name = place.partition(":")
    spec = importlib.util.spec_from_file_location("formula", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Formula = getattr(module, name)
    return found


if __name__ == "__main__":
    main()
