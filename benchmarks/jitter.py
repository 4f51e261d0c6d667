"""How often a sample gets another verdict where what was measured of it varies.

    python benchmarks/jitter.py --draws 6 [EXERCISE …]

A machine of another day gives other seconds and bytes. Here every CPU time, every peak of memory
and every task's seconds in the kept evidence is multiplied by a factor of its own, drawn from a
log-normal distribution, and the sample is judged again. A sample that is named or marked otherwise
in some draws lies near the edge of a rule: either the rule is at fault, or the sample is no clear
example of what it is meant to show. It takes about 20 s of a quiet core for each draw.
"""

import random
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from kept_evidence import kept, sample_class

from autograder import grading
from autograder.model import Evidence, Exercise, Grade, Reference, Run

CPU, MEMORY, TASK = 0.08, 0.08, 0.2
"""Standard deviations of the logarithm of each factor. Chosen: runs of the same program beside no
other work differ by up to as much; single tasks differ more than a process's total."""

SLOWER = 0.93
"""The reference solution's speedup is multiplied by this to 1: the best of three runs counts."""


@click.command()
@click.argument("exercises", nargs=-1)
@click.option("--draws", default=6, show_default=True, help="Of every sample.")
@click.option("--seed", default=1, show_default=True)
def main(exercises: tuple[str, ...], draws: int, seed: int) -> None:
    """Print the samples that get another verdict, with what changes, most frequent first."""
    chance = random.Random(seed)
    changed: Counter[tuple[str, str]] = Counter()
    samples = [(name, exercise, sample.student)
               for name, (exercise, sample) in sample_class().items()
               if name.startswith(exercises or "")]  # fmt: skip
    for name, exercise, student in samples:
        found = kept(exercise.name, student)
        usual = told(grading.grade(exercise, found.evidence, found.reference))
        for _ in range(draws):
            now = told(judged(exercise, found.evidence, found.reference, chance))
            changed.update((name, f"{check}: {usual[check]}, then {now[check]}")
                           for check in usual if now[check] != usual[check])  # fmt: skip
    click.echo(f"{len(samples)} samples, {draws} draws of each")
    for (name, what), times in changed.most_common():
        click.echo(f"{times} of {draws}  {name}  {what}")


def told(grade: Grade) -> Mapping[str, str]:
    """Return the status and the first mistake of every check."""
    return {
        item.finding.grade_id: " ".join(
            [item.finding.status.value, *(mistake.name for mistake in item.finding.mistakes[:1])]
        )
        for item in grade.scored
    }


def judged(
    exercise: Exercise, evidence: Evidence, reference: Reference, chance: random.Random
) -> Grade:
    """Judge evidence of which every measured number is a little different."""
    runs = tuple(moved(run, chance) for run in evidence.runs)
    cpu = reference.cpu_seconds
    beside = replace(
        reference,
        cpu_seconds=None if cpu is None else cpu * chance.lognormvariate(0.0, CPU),
        speedup=reference.speedup * chance.uniform(SLOWER, 1.0),
    )
    return grading.grade(exercise, replace(evidence, runs=runs), beside)


def moved(run: Run, chance: random.Random) -> Run:
    """Return a run with other CPU times, peaks of memory and seconds of tasks."""
    usage = tuple(
        replace(
            use,
            cpu_seconds=use.cpu_seconds * chance.lognormvariate(0.0, CPU),
            peak_memory=use.memory_at_go
            + int((use.peak_memory - use.memory_at_go) * chance.lognormvariate(0.0, MEMORY)),
        )
        for use in run.usage
    )
    tasks = tuple(
        replace(task, compute_seconds=task.compute_seconds * chance.lognormvariate(0.0, TASK))
        for task in run.recording.tasks
    )
    return replace(run, usage=usage, recording=replace(run.recording, tasks=tasks))


if __name__ == "__main__":
    main()
