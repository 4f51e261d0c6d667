"""How far each threshold of diagnosis and checks is from the samples on both sides of it.

    python benchmarks/thresholds.py [NAME …]

Every threshold is moved up and down in steps of 2 %, and the kept evidence of the sample class is
judged again, until a sample is named or judged otherwise. Between the two values printed none is;
behind each stands the first sample that changes beyond it. Where a threshold is defined, its
docstring has these two values.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from kept_evidence import DATA, exercise_of, kept

from autograder import checks, diagnose, grading
from autograder.diagnose import rules
from autograder.evidence import summary

STEP, FAR = 1.02, 10.0
"""A step, and the factor at which the search ends."""

OF_DIAGNOSIS = (
    *("ALL", "AGAIN", "A_FEW", "CLOCKS", "EARLY", "ENOUGH", "EXPLAINED", "FEW_BYTES", "FEW_FILES"),
    *("FLAT", "IDLE", "LOOP", "MANY", "MORE_TASKS", "MOST", "NOTICEABLE", "ONE_WORKER", "PACKED"),
    *("PART", "SAVED", "SEVERAL", "SLOW", "TOO_LITTLE", "TOO_MUCH", "TWICE", "UNEVEN"),
)
OF_CHECKS = {
    "_AT_HOME": ("survives", "once"),
    "_GATHERED_SHARE": ("lazy",),
    "_FETCHED_SHARE": ("stays_distributed",),
    "_HELD_SHARE": ("memory",),
    "_ASKED_SHARE": ("memory", "passes"),
    "_MOST_READ": ("stays_distributed", "reads_once", "passes"),
    "_PEEK": ("passes",),
    "_CLOCK_SHARE": ("timing",),
    "_CLOCK_SECONDS": ("timing",),
    "COVERED": ("timing",),
    "MOVED": ("moved",),
    "REREADS": ("reads_once",),
}
"""Thresholds of checks, and the checks that go by them."""

Outcome = dict[tuple[str, ...], object]


def modules() -> list[ModuleType]:
    """Return the modules that hold a threshold, or have it from another."""
    packages = ("autograder.checks.", "autograder.diagnose.")
    return [summary, *(m for name, m in sys.modules.items() if name.startswith(packages))]


def diagnosed() -> Callable[[], Outcome]:
    """Judge all samples once; return what names the mistakes of those that lost points again."""
    asked: list[tuple[tuple[str, ...], tuple[object, ...]]] = []
    plain = diagnose.diagnose

    def listen(exercise: object, run: object, *more: object) -> object:
        asked.append(((whose[-1], run.case, more[-1]), (exercise, run, *more)))
        return plain(exercise, run, *more)

    whose: list[str] = []

    users = [m for m in modules() if getattr(m, "diagnose", None) is plain]
    for module in users:
        module.diagnose = listen
    for name, exercise, found in samples():
        whose.append(name)
        grading.grade(exercise, found.evidence, found.reference)
    for module in users:
        module.diagnose = plain
    totals: dict[int, object] = {}

    def once(run: object) -> object:
        if id(run) not in totals:
            totals[id(run)] = summary.summarise(run)
        return totals[id(run)]

    rules.summarise = once
    return lambda: {key: [m.name for m in plain(*arguments)] for key, arguments in asked}


def checked(names: tuple[str, ...]) -> Callable[[], Outcome]:
    """Return what judges all samples again by some of the checks."""
    return lambda: {
        (sample, spec.grade_id): str(
            checks.CHECKS[spec.check](exercise, spec, found.evidence, found.reference).status
        )
        for sample, exercise, found in samples()
        for spec in exercise.checks
        if spec.check in names
    }


def samples() -> Iterator[tuple[str, object, object]]:
    """Yield every sample with its exercise and what is kept of it."""
    for path in sorted(DATA.glob("*/*")):
        exercise, student = path.parent.name, path.name.partition(".")[0]
        yield f"{exercise[:4]}/{student}", exercise_of(exercise), kept(exercise, student)


def end(name: str, judge: Callable[[], Outcome], factor: float) -> str:
    """Move a threshold by a factor at a time, and say where the first sample changes."""
    holders = [module for module in modules() if hasattr(module, name)]
    before, first, value = judge(), getattr(holders[0], name), getattr(holders[0], name)
    try:
        while 1 / FAR < value / first < FAR:
            last, value = value, value * factor
            for module in holders:
                setattr(module, name, value)
            now = judge()
            changed = [key for key in before if now[key] != before[key]]
            if changed:
                key = changed[0]
                return f"{last:.3g} ({' '.join(key)}: {before[key]}, then {now[key]})"
    finally:
        for module in holders:
            setattr(module, name, first)
    return f"{value:.2g} and beyond"


def main() -> None:
    """Print for each threshold its value, and the values between which no sample changes."""
    wanted = sys.argv[1:] or [*OF_DIAGNOSIS, *OF_CHECKS]
    judges = {name: checked(OF_CHECKS[name]) for name in wanted if name in OF_CHECKS}
    if set(wanted) - set(judges):
        judges |= dict.fromkeys([name for name in wanted if name not in judges], diagnosed())
    for name in wanted:
        value = next(getattr(module, name) for module in modules() if hasattr(module, name))
        down, up = (end(name, judges[name], factor) for factor in (1 / STEP, STEP))
        print(f"{name} = {value}\n  down to {down}\n  up to   {up}", flush=True)


if __name__ == "__main__":
    main()
