"""Run the hostile corpus on every wall that can be built here, and print what each lets through.

Usage: ``python tests/corpus/hostile/on_walls.py RESULTS [--wall NAME] [--seconds N]``

RESULTS is a file of JSON, one line for each attack on each wall. What stands there already is not
run again, so that the command can be stopped and given again. Every submission is graded as
``autograder grade`` does it, in a box of that wall. An attack is held if it gains no point beyond
its honest part, prints no ``LEAK``, comes as far as its attempt or is refused before, and leaves no
process. Submissions that are odd notebooks and files are left out: no box is what refuses them, or
reads them.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[i] / place) for i, place in ((1, ""), (2, "support"))]

from course import Course, with_scripts
from nbformat import NotebookNode

from autograder import pipeline, reference_solution
from autograder.errors import KitError
from autograder.evidence import rounds
from autograder.files import PREFIX
from autograder.model import Evidence, Grade
from autograder.sandbox import walls
from hostile import kill
from hostile.batch import alive, fingerprint
from hostile.corpus import Attack, cell_id, pour, submissions, tiny

OUTSIDE = ("files", "honest", "notebook")
"""Families that no wall has to hold against."""

REFUSALS = ("Permission denied", "Operation not permitted", "Operation not supported")
"""What an attack says that a wall has stopped before it came as far as its attempt."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attack on one wall."""

    wall: str
    family: str
    attack: str
    through: str
    """How it got through; empty if it was held."""


def attackers() -> dict[str, list[Attack]]:
    """Return who hands in what that a wall has to hold against, most attacks at once first."""
    return {
        student: attacks
        for student, attacks in sorted(submissions().items(), key=lambda item: -len(item[1]))
        if not attacks[0].refused and attacks[0].family not in OUTSIDE
    }


def read(results: Path) -> list[Outcome]:
    """Return what is known."""
    if not results.exists():
        return []
    return [Outcome(**json.loads(line)) for line in results.read_text().splitlines()]


def available() -> Iterator[str]:
    """Yield the names of the walls that can be built here."""
    for name, wall in walls.WALLS.items():
        try:
            wall.require()
        except KitError as error:
            print(f"{name}: {error}", file=sys.stderr)
        else:
            yield name


def run(wall: str, results: Path, until: float) -> bool:
    """Run what is not known yet; return whether all is known."""
    os.environ[walls.VARIABLE] = wall
    known = {outcome.attack for outcome in read(results) if outcome.wall == wall}
    left = {s: a for s, a in attackers().items() if not {each.name for each in a} <= known}
    if not left:
        return True
    with tempfile.TemporaryDirectory(prefix="c-") as short:
        tempfile.tempdir = short
        try:
            course, context = _begin(Path(short) / "course")
            for student, attacks in left.items():
                if time.monotonic() > until:
                    return False
                began = time.monotonic()
                said = _tried(attacks, course, context)
                print(f"{wall} {student}: {time.monotonic() - began:.0f} s", flush=True)
                with open(results, "a") as file:
                    for attack in attacks:
                        outcome = Outcome(wall, attack.family, attack.name, said[attack.name])
                        file.write(f"{json.dumps(asdict(outcome))}\n")
        finally:
            tempfile.tempdir = None
    return True


def _begin(root: Path) -> tuple[Course, pipeline.GradingContext]:
    """Make a course that has everything that an attacker wants, and open its round."""
    course = kill.begin(root)
    for place in ("feedback/ada/tiny", "autograded/ada/tiny", "exchange"):
        (root / place).mkdir(parents=True)
    (root / "feedback/ada/tiny/tiny.html").write_text("<p>8 of 8 points</p>")
    round_ = rounds.current(root / "evidence", tiny())
    solution = root / "source" / "tiny" / "tiny.ipynb"
    usual = reference_solution.reference(solution, tiny(), round_)
    return course, pipeline.GradingContext(pipeline.marked(tiny(), solution), round_, usual)


def _tried(
    attacks: Sequence[Attack], course: Course, context: pipeline.GradingContext
) -> dict[str, str]:
    """Return how each attack of a submission got through; nothing for one that was held."""
    notebook = pour(attacks, course.root, course.released("tiny"))
    before = _files(course)
    said = _graded(notebook, context, attacks)
    if left := alive([f"{course.root.parent}/{PREFIX}"]):
        return dict.fromkeys(said, f"left {left[0]}")
    if _files(course) != before:
        return dict.fromkeys(said, "changed files of the course")
    return said


def _files(course: Course) -> dict[str, str]:
    return {
        name: said
        for name, said in fingerprint(course.root).items()
        if not name.startswith("evidence/")
    }


def _graded(
    notebook: NotebookNode, context: pipeline.GradingContext, attacks: Sequence[Attack]
) -> dict[str, str]:
    try:
        grade = pipeline.grade(notebook, context)
    except KitError as error:
        # Nobody gets a point by it.
        return {attack.name: _nobodys_fault(str(error)) for attack in attacks}
    evidence = grade.evidence
    assert evidence is not None
    return {attack.name: _through(attack, grade, evidence, notebook) for attack in attacks}


def _nobodys_fault(error: str) -> str:
    return "" if "nobody's fault" in error else error


def _through(attack: Attack, grade: Grade, evidence: Evidence, notebook: NotebookNode) -> str:
    """Return how an attack got through; nothing if it did not."""
    own = {cell_id(attack, number) for number in range(len(attack.cells))}
    places = [i for i, cell in enumerate(notebook.cells) if cell.get("id") in own]
    words: dict[int, str] = defaultdict(str)
    for cell in evidence.cells:
        printed = [output.get("text", "") for output in cell.outputs]
        failed = [cell.failure.message] if cell.failure else []
        words[cell.index] = "\n".join(map(str, [*printed, *failed, cell.stopped or ""]))
    told = "\n".join(words[place] for place in places)
    if grade.points > attack.most:
        return f"{grade.points:g} points, and its honest part earns {attack.most:g}"
    leaks = [line.removeprefix("LEAK").strip() for line in told.splitlines() if "LEAK" in line]
    if leaks:
        return f"saw or did: {leaks[0][:120] or attack.about}"
    refused = any(words in told for words in REFUSALS)
    if attack.tries and not refused and told.count("TRIED") != len(attack.cells):
        return f"was not tried: {told[-300:]}"
    return ""


def table(outcomes: Sequence[Outcome]) -> str:
    """Return what each wall held, by family, as a table of Markdown, and what it let through."""
    names = [name for name in walls.WALLS if any(o.wall == name for o in outcomes)]
    lines = [f"| family | {' | '.join(names)} |", f"|:--|{':--|' * len(names)}"]
    for family in sorted({outcome.family for outcome in outcomes}):
        cells = []
        for name in names:
            its = [o for o in outcomes if (o.wall, o.family) == (name, family)]
            through = sorted(o.attack for o in its if o.through)
            held = f"{len(its) - len(through)} of {len(its)}"
            cells.append(f"{held}; not {', '.join(through)}" if through else held)
        lines.append(f"| {family} | {' | '.join(cells)} |")
    return "\n".join(lines)


def declared(outcome: Outcome) -> str:
    """Return what its wall says that it lacks, by which an attack got through."""
    lacks = walls.WALLS[outcome.wall].lacks
    return next((lack.name for lack in lacks if outcome.attack in lack.attacks), "")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--wall", choices=walls.WALLS, help="this one only")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin none after that")
    options = parser.parse_args()
    until = time.monotonic() + options.seconds
    os.environ["PATH"] = with_scripts()
    os.environ["HOSTILE_TEST_SECRET"] = "of the grader"
    done = [
        run(name, options.results, until) for name in available() if options.wall in (None, name)
    ]
    outcomes = read(options.results)
    print(table(outcomes))
    for outcome in outcomes:
        if outcome.through:
            why = declared(outcome) or "NOT DECLARED"
            print(f"{outcome.wall}: {outcome.attack}: {why}: {outcome.through}")
    if not all(done):
        sys.exit("Not all attacks have been run yet: give the same command again.")


if __name__ == "__main__":
    main()
