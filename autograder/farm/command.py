"""``autograder observe``: plan, open the round, observe what is missing, report the outcome."""

import json
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from autograder import pipeline, reference_solution, submissions
from autograder.errors import HarnessError
from autograder.evidence import rounds, store
from autograder.farm import planning, progress, tasks
from autograder.farm.engine import Engine
from autograder.farm.places import Need, Offer, offer, opened
from autograder.farm.planning import Known, Plan, Unreadable
from autograder.farm.queue import Aside, Queue
from autograder.farm.tasks import Outcome, Task
from autograder.files import write
from autograder.formats import counted, one_line
from autograder.model import Exercise, Submission
from autograder.nbgrader_bridge import handed_in
from autograder.nbgrader_bridge.common import EVIDENCE, EXERCISES, commands_path, nbgrader_command
from autograder.nbgrader_bridge.handed_in import Assignment
from autograder.sandbox import bubblewrap

__all__ = ["ASIDE", "Options", "autograde", "observe"]

_GRADER_BYTES = 1 << 29
"""Memory of a slot's own process, without the box: 350 MB with everything imported."""

_GRADER_SECONDS = 120.0
"""Longest time that a submission takes beyond its own limit: starting, comparing, writing. Chosen:
the start alone took 3 s on two idle cores, and 31 s beside other work on a slow machine."""

ASIDE = "set-aside.json"
"""File of a round: codes that were set aside when they were last tried, and why."""


_JOBS = "jobs"
"""Folder in the evidence folder for the output of a batch system's jobs."""


@dataclass(frozen=True, slots=True)
class Options:
    """The instructor's options."""

    jobs: int | None = None
    profile: str | None = None
    students: str = "*"
    dry_run: bool = False
    status: bool = False
    forced: bool = False


@dataclass(frozen=True, slots=True)
class _OpenRound:
    """An exercise of the assignment, its round, and the reference solution, which goes first."""

    exercise: Exercise
    round_: rounds.Round
    solution: Submission
    key: str
    """Of the reference solution's evidence."""
    kept: Mapping[str, float] | None
    """Seconds per phase of that evidence; None where there is none yet."""


def observe(root: Path, name: str, options: Options) -> bool:
    """Produce the evidence that an assignment lacks.

    Parameters
    ----------
    root : Path
        The course's folder.
    name : str
        Of the assignment.
    options : Options

    Returns
    -------
    bool
        Whether all that can be read is observed.

    Raises
    ------
    HarnessError, ClusterError
        If nothing can be observed: the course is not the kit's, the reference solution does not
        get full marks, there are no slots.
    """
    line = progress.Line()
    assignment = handed_in.open_assignment(root, name)
    if assignment.ordinary:
        line.say([_ordinary(assignment)])
    if not assignment.exercises:
        return True
    need = _need(assignment)
    offered = None if options.status else offer(
        need, options.profile, options.jobs, forced=options.forced
    )  # fmt: skip
    opened_rounds = {
        name: _open_round(assignment, each) for name, each in assignment.exercises.items()
    }
    if not options.status:
        line.say(["Reading what was handed in …"])
    plan = planning.make(
        _found(assignment, options.students, opened_rounds),
        [(n, sum(one.kept.values())) for n, one in opened_rounds.items() if one.kept],
    )
    line.say(_unreadable(plan))
    if not (options.status or options.dry_run):
        for one in opened_rounds.values():
            tasks.sweep(one.round_)
    if options.status or offered is None:
        line.say([_status(plan), *_last_aside(opened_rounds, plan)])
        return not plan.waiting
    line.say([planning.summary(plan, [*_here(need, options), (offered.slots, offered.where)])])
    if options.dry_run:
        return True
    missing = any(one.kept is None for one in opened_rounds.values())
    if not plan.waiting and not missing:
        _judge_references(assignment, opened_rounds)
        line.say([f"Nothing is left to observe. {_next(name)}"])
        return True
    return _work(assignment, plan, opened_rounds, need, offered, line)


def autograde(root: Path, name: str, options: Options, *, force: bool = False) -> int:
    """Observe an assignment, then let nbgrader judge and record; returns nbgrader's exit status.

    Raises
    ------
    HarnessError, ClusterError
        As `observe`.
    """
    complete = observe(root, name, options)
    if options.dry_run or options.status:
        return 0
    chosen = [f"--student={options.students}"] * (options.students != "*")
    command = nbgrader_command(root, "autograde", name, *chosen, *["--force"] * force)
    environment = {**os.environ, "PATH": commands_path()}
    done = subprocess.run(command, cwd=root, env=environment, check=False)
    return done.returncode or int(not complete)


def _here(need: Need, options: Options) -> Iterator[tuple[int, str]]:
    """Yield what this machine alone could do, for comparison with the jobs."""
    if options.dry_run and options.profile is not None:
        with suppress(HarnessError):
            here = offer(need, None, None)
            yield here.slots, here.where


def _need(assignment: Assignment) -> Need:
    exercises = assignment.exercises.values()
    limits = [each.limits for each in exercises]
    memory = max(limit.memory_bytes for limit in limits)
    return Need(
        cores=max(
            planning.CORES,
            *(each.cluster.workers * each.cluster.threads_per_worker for each in exercises),
        ),
        memory=memory + _GRADER_BYTES,
        # Its private folders are in memory: two of a size, and one of half of it.
        asked_memory=memory + _GRADER_BYTES + bubblewrap.scratch_for(memory) * 5 // 2,
        seconds=max(limit.wall_seconds for limit in limits) + _GRADER_SECONDS,
        boxed=assignment.boxed,
    )


def _ordinary(assignment: Assignment) -> str:
    names = ", ".join(f"{book}.ipynb" for book in assignment.ordinary)
    return (
        f"{names} {'is' if len(assignment.ordinary) == 1 else 'are'} no exercise of the kit: there "
        "is nothing to observe beforehand, since nbgrader autograde runs "
        f"{'it' if len(assignment.ordinary) == 1 else 'them'}."
    )


def _open_round(assignment: Assignment, exercise: Exercise) -> _OpenRound:
    round_ = rounds.current(assignment.root / EVIDENCE, exercise)
    solution = pipeline.read_solution(assignment.solutions[exercise.name], exercise.name)
    parsed = submissions.parse(solution, exercise)
    key = store.key(exercise, parsed, round_, boxed=assignment.boxed)
    kept = store.load(round_, key)
    return _OpenRound(exercise, round_, parsed, key, None if kept is None else kept.phases)


def _found(
    assignment: Assignment, students: str, opened_rounds: Mapping[str, _OpenRound]
) -> Iterator[Known | Unreadable]:
    seen: dict[str, Mapping[str, float] | None] = {}
    for answer in handed_in.answers(assignment, students):
        if answer.submission is None:
            yield Unreadable(answer.student, answer.exercise, answer.unreadable)
            continue
        one = opened_rounds[answer.exercise]
        exercise, round_ = one.exercise, one.round_
        key = store.key(exercise, answer.submission, round_, boxed=assignment.boxed)
        if key not in seen:
            kept = store.load(round_, key)
            seen[key] = None if kept is None else kept.phases
        yield Known(answer.student, exercise.name, key, answer.submission, seen[key])


def _unreadable(plan: Plan) -> list[str]:
    return [
        f"{one_line(one.student)} cannot be read and stays ungraded: {one.reason}"
        for one in plan.unreadable
    ]


def _status(plan: Plan) -> str:
    running = f"{len(plan.waiting)} not observed yet" if plan.waiting else "all observed"
    return (
        f"{counted(plan.submissions, 'submission')}, {counted(plan.codes, 'different code')}: "
        f"{plan.kept} observed, {running}."
    )


def _work(
    assignment: Assignment,
    plan: Plan,
    opened_rounds: Mapping[str, _OpenRound],
    need: Need,
    offered: Offer,
    line: progress.Line,
) -> bool:
    """Observe in slots: the reference solutions, and then the class."""
    first = {_task(assignment, one, one.key): one.solution for one in opened_rounds.values()}
    rest = {
        _task(assignment, opened_rounds[code.exercise], code.key): code
        for code in plan.waiting
        # What a student copied from the solution is observed with it.
        if code.key not in {one.key for one in opened_rounds.values()}
    }
    # No more slots than there is to do.
    offered = replace(offered, slots=min(offered.slots, max(len(rest), 1)))
    with ExitStack() as leaving:
        for task, submission in [*first.items(), *((t, c.submission) for t, c in rest.items())]:
            tasks.prepare(task, submission)
        for one in opened_rounds.values():
            leaving.callback(tasks.sweep, one.round_)
        place = leaving.enter_context(opened(need, offered, assignment.root / EVIDENCE / _JOBS))
        line.say([f"Dask's dashboard: {place.client.dashboard_link}"])
        engine = Engine(place, offered.slots, lambda text: line.say([text]))
        _open(engine, first, line)
        _judge_references(assignment, opened_rounds)
        queue = Queue(rest)
        try:
            _observe_class(engine, queue, rest, plan, line)
        except KeyboardInterrupt:
            line.say(["Stopped. What was observed is kept; the same command continues."])
            raise
    _note_aside(opened_rounds, rest, queue.aside)
    line.end()
    line.say(_ending(assignment.name, rest, queue))
    return not queue.aside


def _task(assignment: Assignment, open_round: _OpenRound, key: str) -> Task:
    return Task(
        evidence=str(assignment.root / EVIDENCE),
        exercises=str(assignment.root / EXERCISES),
        exercise=open_round.exercise.name,
        size=open_round.exercise.size,
        key=key,
        boxed=assignment.boxed,
        place=str(open_round.round_.folder / tasks.WAITING / f"{key}.json"),
        reference=open_round.key,
        solution=str(assignment.solutions[open_round.exercise.name]),
    )


def _open(engine: Engine, first: Mapping[Task, Submission], line: progress.Line) -> None:
    """Observe the reference solutions, and compute the oracle's answers.

    Raises
    ------
    HarnessError
        If one of them could not be observed.
    """
    queue = Queue(first)
    names = ", ".join(task.exercise for task in first)
    text = f"The reference solution goes first: {names}"
    engine.run(queue, lambda task, outcome: None, lambda _: line.show(text))
    line.end()
    for task, aside in queue.aside.items():
        raise HarnessError(
            f"The reference solution of {task.exercise} could not be observed, so nothing else "
            f"was: {aside.reason}"
        )


def _judge_references(assignment: Assignment, opened_rounds: Mapping[str, _OpenRound]) -> None:
    """Judge the reference solutions on their evidence.

    Raises
    ------
    HarnessError
        If one does not get full marks.
    """
    for name, one in opened_rounds.items():
        reference_solution.reference(
            assignment.solutions[name], one.exercise, one.round_, boxed=assignment.boxed
        )


def _observe_class(
    engine: Engine,
    queue: Queue[Task],
    codes: Mapping[Task, planning.Code],
    plan: Plan,
    line: progress.Line,
) -> None:
    began = time.monotonic()
    whole = planning.cost(plan)
    usual = None if whole is None or not plan.waiting else whole / len(plan.waiting)

    def ended(task: Task, outcome: Outcome) -> None:
        if outcome.what == "failed" and task in queue.waiting:
            line.say([f"{planning.whose(codes[task].students)} is retried: {outcome.reason}"])

    def show(now: Queue[Task]) -> None:
        done, waiting, running = len(now.done), len(now.waiting), len(now.running)
        elapsed = time.monotonic() - began
        left = progress.time_left(elapsed, done, waiting, running, usual)
        line.show(progress.line(done, running, waiting, len(now.aside), left))

    engine.run(queue, ended, show)


def _ending(name: str, codes: Mapping[Task, planning.Code], queue: Queue[Task]) -> list[str]:
    said = [f"{counted(len(queue.done), 'code')} observed."]
    if queue.aside:
        said.append(f"{len(queue.aside)} set aside; the same command, or autograde, retries them:")
        for task, aside in queue.aside.items():
            said.append(
                f"  {planning.whose(codes[task].students)} ({task.exercise}): {aside.reason}"
            )
    return [*said, _next(name)]


def _next(name: str) -> str:
    return f"Next: nbgrader autograde {name}"


def _note_aside(
    opened_rounds: Mapping[str, _OpenRound], tried: Iterable[Task], aside: Mapping[Task, Aside]
) -> None:
    """Note why codes were set aside; what is known of codes that were not tried now stays."""
    keys = {task.key for task in tried}
    for name, each in opened_rounds.items():
        known = _noted(each)
        reasons = {key: reason for key, reason in known.items() if key not in keys}
        reasons |= {task.key: one.reason for task, one in aside.items() if task.exercise == name}
        path = each.round_.folder / ASIDE
        if not reasons:
            path.unlink(missing_ok=True)
        elif reasons != known:
            write(path, json.dumps(reasons))


def _noted(open_round: _OpenRound) -> dict[str, str]:
    path = open_round.round_.folder / ASIDE
    return dict(json.loads(path.read_bytes())) if path.is_file() else {}


def _last_aside(opened_rounds: Mapping[str, _OpenRound], plan: Plan) -> list[str]:
    """Report what was set aside when it was last tried, and has not been observed since."""
    reasons: dict[str, str] = {}
    for each in opened_rounds.values():
        reasons |= _noted(each)
    return [
        f"set aside: {planning.whose(code.students)} ({code.exercise}): {reasons[code.key]}"
        for code in plan.waiting
        if code.key in reasons
    ]
