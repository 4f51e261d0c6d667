"""A made-up class for tests of the class report: every state, and texts that mean harm."""

from dataclasses import replace

from autograder.model import Failure, Finding, Mistake, ScoredFinding, Status
from autograder.report.classroom import Classroom, Column, Entry, State, Timing

__all__ = ["HOSTILE", "room", "wide_room"]

HOSTILE = '=1+1 <script>document.title="taken"</script>\x1b[31m" onclick="x {{ 7*7 }} \ud800'
EXERCISE = "ex02_parallel_prediction"
CHECKS = (
    ("fit_small", "values", "fit_small returns the right model", 2),
    ("predict_large", "values", "predict_large gives the right labels", 3),
    ("predict_large", "lazy", "predict_large leaves the work for later", 2),
    ("predict_large", "speedup", "predict_large keeps both workers busy", 4),
)
ONE_CHUNK = Mistake(
    "one_chunk", "One chunk holds everything", "One task took 1.2 of 1.3 s.", "Chunks"
)
EARLY = Mistake("early", "The labels are computed too early", "448,000 bytes came back.", "")


def _entry(student: str, *statuses: Status, **changes: object) -> Entry:
    findings = {}
    for (function, check, title, points), status in zip(CHECKS, statuses, strict=False):
        credit = {Status.PASSED: 1.0, Status.PARTIAL: 0.5}.get(status, 0.0)
        mistakes, failure, got = (), None, "what came"
        if status is Status.FAILED and check in ("lazy", "speedup"):
            mistakes = (EARLY,) if check == "lazy" else (ONE_CHUNK,)
        if status is Status.FAILED and check == "values":
            failure = Failure("ValueError", HOSTILE, "", 3, 4) if student == "ada" else None
        finding = Finding(
            f"{function}_{check}", function, check, title, status, credit, "A", got,
            mistakes=mistakes, failure=failure,
        )  # fmt: skip
        findings[EXERCISE, finding.grade_id] = ScoredFinding(finding, credit * points, points)
    marks = {key: item.points for key, item in findings.items()}
    speedups = {(EXERCISE, "predict_large"): 1.0 + sum(marks.values()) / 12} if findings else {}
    fields = {
        "name": "",
        "state": State.COMPLETE,
        "points": sum(marks.values()),
        "penalty": 0.0,
        "marks": marks,
        "by_hand": frozenset(),
        "findings": findings,
        "speedups": speedups,
        "flags": (),
        "reason": "",
        "feedback": f"../feedback/{student}/x/x.html",
    } | changes
    return Entry(student=student, **fields)  # type: ignore[arg-type]


def room() -> Classroom:
    """Return the class."""
    P, F, U = Status.PASSED, Status.FAILED, Status.UNTOUCHED
    columns = [Column(EXERCISE, f"{f}_{c}", f, c, title, p) for f, c, title, p in CHECKS]
    waiting = {"state": State.OPEN}
    nothing = {"points": None, "feedback": None}
    return Classroom(
        course="scaling-ml",
        assignment=EXERCISE,
        title="Parallel prediction: train small, predict large",
        round="round 1",
        made="24 November 2026, 08:00",
        max_points=13,
        columns=(*columns, Column(EXERCISE, "when_not", "", "when not", "when not", 2)),
        timings=(Timing(EXERCISE, "predict_large", 2, 1.9),),
        entries=(
            _entry("ada", F, F, F, F, name="Ada Lovelace"),
            _entry("bernoulli", P, P, P, P),
            _entry("cantor", P, P, F, P, **waiting),
            _entry("dido", P, P, P, Status.PARTIAL, penalty=1.5, points=7.5),
            _entry("euler", P, P, P, F, flags=(HOSTILE, "The machine was busy."), **waiting),
            _entry("fermat", P, P, F, F, by_hand=frozenset({(EXERCISE, "fit_small_values")})),
            _entry("galois", U, U, U, U, state=State.BLANK),
            _entry("hilbert", state=State.UNGRADED, reason=f"No notebook: {HOSTILE}", **nothing),
            _entry("iphigenia", state=State.MISSING, **nothing),
            _entry(HOSTILE, P, P, P, P),
        ),
    )


LONG_CHECKS = (
    ("fit_small", "values"),
    ("predict_large", "values"),
    ("predict_large", "lazy"),
    ("predict_large", "speedup"),
    ("score_large", "values"),
    ("score_large", "stays_distributed"),
    ("count_labels", "values"),
    ("timed_predict", "timing"),
    ("normalise_everything", "reads_once"),
    ("normalise_everything", "memory"),
)
"""With the question and the speedup below, as many as a page has room for: no exercise has more."""


def wide_room(students: int = 60) -> Classroom:
    """Return a class with many checks and long names."""
    small = room()
    columns = [Column(EXERCISE, f"{f}_{c}", f, c, f"{f} is right", 2) for f, c in LONG_CHECKS]
    words = [Column(EXERCISE, "when_not", "", "when not", "when not", 2)]
    statuses = [*Status]
    entries = []
    for number in range(students):
        status = [statuses[(number * 3 + place) % 5] for place in range(len(columns))]
        findings = {
            (EXERCISE, column.grade_id): ScoredFinding(
                Finding(
                    column.grade_id, column.function, column.label, column.title, one,
                    1.0, "A", "B", mistakes=(ONE_CHUNK,) if one is Status.FAILED else (),
                ),
                1.25,
                2.0,
            )
            for column, one in zip(columns, status, strict=True)
        }  # fmt: skip
        entries.append(
            replace(
                small.entries[1],
                student=f"maria-magdalena.schmidt{number:03d}@students.example.org",
                name="Maria Magdalena Schmidt-Rottluff",
                state=list(State)[number % 3],
                marks={key: item.points for key, item in findings.items()},
                findings=findings,
                speedups={(EXERCISE, "predict_large"): 1.5},
                flags=("The machine was busy.",) if number % 7 == 0 else (),
            )
        )
    return replace(
        small,
        columns=(*columns, *words),
        entries=tuple(entries),
    )
