"""What each number of the speedup verdict gets wrong on the corpus, and what others would get.

    python benchmarks/speedup/constants.py                # on the corpus beside this file
    python benchmarks/speedup/constants.py --runs RUNS    # on runs that are not kept yet

One number at a time is moved below and above its value. Every run is judged beside the reference
solution's runs beside the same noise, as in a round. A wrong decision is as ``judge.py`` says.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import click
import kit_formula
from corpus import CORPUS, Line, read
from judge import decisions
from programs import Kind

from autograder.speedup import credit, quiet_time, tampering

CONSTANTS: tuple[tuple[ModuleType, str, tuple[float, ...]], ...] = (
    (credit, "ZERO", (1.15, 1.20, 1.25, 1.30)),
    (credit, "SHARE", (0.65, 0.68, 0.70, 0.72, 0.75)),
    (credit, "ROOM", (1.00, 1.05, 1.10, 1.15)),
    (tampering, "WHOLE", (0.65, 0.68, 0.70, 0.72, 0.75)),
    (quiet_time, "IDLE_BESIDE", (0.02, 0.05, 0.10, 0.20, 0.30, 0.50)),
)
"""Where each stands, and the values that are tried; its own is among them."""

KINDS = (Kind.REFERENCE, Kind.RIGHT, Kind.PARTIAL, Kind.SERIAL, Kind.SHAM)


@click.command()
@click.option("--runs", "folder", type=click.Path(path_type=Path), default=CORPUS)
def main(folder: Path) -> None:
    """Print a line for each value of each number."""
    paths = sorted({*folder.glob("*.jsonl"), *folder.glob("*.jsonl.xz")})
    lines = [line for path in paths for line in read(path)]
    click.echo(f"| number | value | {' | '.join(KINDS)} |\n|:--|--:|{'--:|' * len(KINDS)}")
    for module, name, values in CONSTANTS:
        own = getattr(module, name)
        for value in values:
            counts = " | ".join(str(wrong) for wrong in tried(lines, module, name, value))
            shown = f"**{value:.2f}**" if value == own else f"{value:.2f}"
            click.echo(f"| `{name}` | {shown} | {counts} |")


def tried(lines: Sequence[Line], module: ModuleType, name: str, value: float) -> list[int]:
    """Return the wrong decisions about each kind of program, with another value of a number."""
    before = getattr(module, name)
    setattr(module, name, value)
    kit_formula.forget()
    try:
        judged = list(decisions(lines, kit_formula.credit, alike=True))
    finally:
        setattr(module, name, before)
        kit_formula.forget()
    wrong = Counter(decision.line.kind for decision in judged if decision.wrong)
    return [wrong[kind] for kind in KINDS]


if __name__ == "__main__":
    main()
