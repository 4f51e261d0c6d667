"""How the data are handled: whether they stay lazy, on the workers, read once, in little memory."""

from collections.abc import Sequence

from autograder.checks.base import failed, failed_by, finding, first_right, judged_runs, passed
from autograder.checks.no_answer import check
from autograder.errors import HarnessError
from autograder.evidence.summary import (
    REREADS,
    client_at_go,
    client_growth,
    cpu_of,
    cpu_used,
    graph_bytes,
    needed_again,
    read_again,
    scheduler_growth,
    sent_during_call,
)
from autograder.formats import counted, megabytes
from autograder.model import (
    CheckSpec,
    Evidence,
    Exercise,
    Finding,
    ProcessUsage,
    Recording,
    Reference,
    Role,
    Run,
    Status,
)

__all__ = ["lazy", "memory", "passes", "reads_once", "stays_distributed"]

_GATHERED_SHARE = 0.1
"""Share of the bytes that the reference fetches in the whole run; up to this share may be fetched
before the function returns. A lazy solution fetches none; one that computes fetches all. Kept
evidence: 0.07 and more."""

_FETCHED_SHARE = 0.1
"""Share of the input's bytes that may be fetched on top of what the reference fetches. k-means
fetches candidates and centres, up to 0.1 % of the input in 20 right runs; a program that fetches
the input fetches all of it. Kept evidence: up to 0.99."""

_HELD_SHARE = 0.25
"""Share of the input's bytes by which the client may grow on top of the reference's growth. A few
blocks in flight fit in, and whatever the student prints or keeps; a program that holds all the data
needs four times as much. Kept evidence: 0.055 to 0.98."""

_ASKED_SHARE = 0.5
"""Share of the input's bytes that one graph may ask the workers to keep. A program that learns
block by block keeps its model, or a few blocks; one that persists keeps all of them. The workers'
peak says less: they read ahead, and on a busy machine right programs held up to 25 of 32 blocks at
a time. Kept evidence: 0.13 to 1.0."""

_MOST_READ = 0.5
"""Share of the reference's reads below which most of the input was not read. Kept evidence: 0.09 to
0.92."""

_LET_GO = (
    "Compute first what needs all blocks (a mean, say), and pass the numbers on; or leave out what "
    "needs the blocks again, such as u of a decomposition."
)

_PEEK = 0.25
"""Share of the blocks that may be read beyond the promised passes: to inspect a block or two. Kept
evidence: up to 1.0; right programs read no block more than promised."""


@check
def lazy(exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference) -> Finding:
    """The function returns Dask collections, and no data come to the client before."""
    runs = judged_runs(spec, evidence)
    expected = "a lazy result, returned before any data are brought to the notebook's process"
    most = spec.options.get("graphs", float("inf"))
    packed = spec.options.get("graph_share", float("inf"))
    advice = "Return what Dask gives you, without compute() or persist(): the caller computes it."
    # The reference's bytes are those of the timed case, so it is the one to look at first.
    for run in sorted(runs, key=lambda run: run.case not in exercise.timed):
        # Where the contract lets means and the like come over, that is a share of the input.
        share = spec.options.get("input_share", 0.0) * run.input_bytes
        allowed = max(_GATHERED_SHARE * reference.gathered_bytes, share)
        if not run.answer.get("lazy"):
            got = f"an object of type {run.answer.get('type', 'unknown')}, computed already"
        elif run.recording.gathered_during_call > allowed:
            got = (
                f"a lazy result, but {megabytes(run.recording.gathered_during_call)} were brought "
                "to the notebook's process before it was returned"
            )
        elif (sent := sent_during_call(run)) > most:
            got = (
                f"a lazy result, but computing it had already begun: {counted(sent, 'graph')} went "
                "to the cluster before it was returned, as persist() or compute() does"
            )
        elif (held := graph_bytes(run.recording)) > packed * run.input_bytes:
            got = (
                f"a lazy result, but {megabytes(held)} are in its graph, and the data are "
                f"{megabytes(run.input_bytes)}: they were read in the notebook's own process"
            )
            advice = "Let tasks do the reading: the graph holds what to read, not what was read."
        elif (kept := run.answer.get("kept") or 0) > spec.options.get("kept", float("inf")):
            got = (
                "a lazy result, but persist() or the like had begun on "
                f"{kept} of its {counted(run.answer.get('blocks') or kept, 'block')} before it was "
                "returned"
            )
        elif (opened := run.answer.get("opened") or 0) > spec.options.get("opened", float("inf")):
            got = (
                f"a lazy result, but the notebook's own process opened {opened} of the files "
                "before it was returned"
            )
            advice = "Let tasks do the reading: the graph holds what to read, not what was read."
        else:
            continue
        return failed_by(exercise, spec, run, reference, expected, got, advice)
    return passed(spec, expected, "a lazy result; no data were fetched")


@check
def stays_distributed(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The data stay on the workers; only small results come to the notebook's process."""
    runs = judged_runs(spec, evidence)
    allowed = _may_come(exercise, spec, runs[-1], reference)
    expected = (
        f"the workers read the input, and at most {megabytes(int(allowed))} of its "
        f"{megabytes(runs[-1].input_bytes)} come to the notebook's process"
    )
    advice = "Pass the Dask array itself to methods that work by chunk; fetch only the result."
    for run in runs:
        gathered = run.recording.gathered_bytes
        client = cpu_of(run, Role.CLIENT)
        spent = cpu_used(run)
        if run.case not in exercise.timed and not run.right:
            # Nobody knows what such a case takes, so only a right answer shows that it was done.
            got = "the answer is not right, so where the data stayed does not count"
            advice = first_right(spec)
        elif gathered > _may_come(exercise, spec, run, reference):
            got = f"{megabytes(gathered)} came to the notebook's process"
        elif run.recording.reads < _MOST_READ * reference.reads:
            got = f"the workers read {_files(run.recording.reads, reference)}"
        elif _worked_elsewhere(exercise, run, reference) and client > _MOST_READ * spent:
            # Whatever way the data took: a record without gathering does not explain this.
            got = (
                f"the notebook's process used {client:.2f} s of the {spent:.2f} s of CPU time, and "
                "the workers' tasks do not account for it"
            )
        else:
            continue
        return failed_by(exercise, spec, run, reference, expected, got, advice)
    came = megabytes(runs[-1].recording.gathered_bytes)
    return passed(spec, expected, f"{came} were fetched")


def _may_come(exercise: Exercise, spec: CheckSpec, run: Run, reference: Reference) -> float:
    """Return the bytes that may come to the client on a case.

    The reference's traffic is known only for the timed case, and says nothing about others: the
    labels of a large input would excuse fetching a third of a small one.
    """
    brought = reference.gathered_bytes if run.case in exercise.timed else 0
    return brought + spec.options.get("input_share", _FETCHED_SHARE) * run.input_bytes


def reads_once(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The input is read once and kept on the workers, however often it is used."""
    # Before anything else: a function without an answer is not to blame for this either.
    if not reference.reads:
        raise HarnessError(
            f"{spec.grade_id}: no read of the reference solution of {exercise.name} was recorded, "
            "so reads cannot be judged; each task of cases.py that reads must log an event, and "
            "[typical] in exercise.toml must state their number as reads."
        )
    return _read_once(exercise, spec, evidence, reference)


@check
def _read_once(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """Judge the reads of a function that gave an answer."""
    runs = judged_runs(spec, evidence)
    most = spec.options.get("most", REREADS)
    twice = ", or twice" if most >= 2 else ""
    expected = (
        f"each file is read once, as by the reference solution{twice} ({reference.reads} "
        f"reads, at most {int(most * reference.reads)})"
    )
    for run in runs:
        reads = run.recording.reads
        if reads < _MOST_READ * reference.reads:
            got = f"the workers read {_files(reads, reference)}"
            advice = "All the data count: work on the whole Dask array, on the cluster."
        elif read_again(run, reference):
            got = f"{reads} reads, {reads / reference.reads:.0f} times the reference solution's"
            advice = "X = X.persist() keeps the chunks on the workers as long as X is there."
        elif reads > most * reference.reads:
            got = f"{reads} reads, {reads / reference.reads:.1f} times the reference solution's"
            advice = "Ask for everything in one compute, so that one read serves all results."
        else:
            continue
        return failed_by(exercise, spec, run, reference, expected, got, advice)
    return passed(spec, expected, f"{runs[-1].recording.reads} reads")


@check
def passes(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The data are read no more often than promised, including the reads for the result."""
    most = spec.options.get("most", 1.0)
    runs = judged_runs(spec, evidence)
    for run in runs:
        blocks, reads = run.answer.get("input_blocks") or 0, run.recording.reads
        expected = (
            f"each of the {blocks} blocks is read {_times(most)} at most, including what the "
            "result needs"
        )
        if not run.right:
            got = "the answer is not right, so how often the data were read does not count"
            advice = first_right(spec)
            return failed(spec, expected, got, advice=advice)
        if reads < _MOST_READ * blocks or not blocks:
            got = f"{counted(reads, 'read')}: most blocks were not read on the workers"
            advice = "All the data count: work on the whole Dask array, on the cluster."
            return failed(spec, expected, got, advice=advice)
        if reads < (spec.options.get("least", 0.0) - _PEEK) * blocks:
            expected = f"each of the {blocks} blocks is read again when the result needs it"
            got = f"{counted(reads, 'read')}: the blocks were kept, as persist() does"
            advice = "Leave the data as they are, and keep only the few numbers that were computed."
            return failed(spec, expected, got, advice=advice)
        if reads > (most + _PEEK) * blocks:
            got = f"{counted(reads, 'read')}, {reads / blocks:.1f} times the data"
            advice = "Hand all that needs the data to one dask.compute(), which reads them once."
            return failed_by(exercise, spec, run, reference, expected, got, advice)
        if kept := _kept_by_need(run):
            # Data that fit show it as well as others, which would fill the workers first.
            expected = f"{expected}, and most of them can be dropped at once"
            got = f"{counted(reads, 'read')}, but {kept}"
            return failed_by(exercise, spec, run, reference, expected, got, _LET_GO)
    return passed(spec, expected, f"{counted(reads, 'read')} of {blocks} blocks")


def memory(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The data pass through memory block by block, in the notebook's process and on the workers."""
    # Before anything else: what fills the workers may come to its end or be stopped, as it happens.
    for run in judged_runs(spec, evidence):
        asked = _asked_at_once(run.recording)
        if asked > _ASKED_SHARE * run.input_bytes > 0:
            room = exercise.cluster.workers * exercise.cluster.memory_per_worker
            expected = (
                f"no more than a few blocks of the {megabytes(run.input_bytes)} are kept at a "
                f"time; all workers together may hold {megabytes(room)}"
            )
            got = f"the workers were asked to keep {megabytes(asked)} at once, as persist() does"
            if run.stopped:
                got += f"; then it was stopped: {run.stopped}"
            advice = "Hand the lazy arrays on as they are, so that each block is read when needed."
            return failed_by(exercise, spec, run, reference, expected, got, advice)
        if kept := _kept_by_need(run):
            expected = f"no more than a few blocks of the {megabytes(run.input_bytes)} are kept"
            return failed_by(exercise, spec, run, reference, expected, kept, _LET_GO)
    return _in_memory(exercise, spec, evidence, reference)


@check
def _in_memory(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """Judge the memory of a function that gave an answer."""
    runs = judged_runs(spec, evidence)
    limit = exercise.cluster.memory_per_worker
    allowed = int(reference.client_growth + _HELD_SHARE * runs[-1].input_bytes)
    source = "" if reference.same_round else ", as reported by the processes themselves"
    expected = (
        f"the notebook's process grows by at most {megabytes(allowed)} of the "
        f"{megabytes(runs[-1].input_bytes)} of data, and no worker beyond {megabytes(limit)}"
    )
    advice = "Learn from each block, then drop it; hold at most two blocks at a time."
    for run in runs:
        growth = client_growth(run)
        workers = [use for use in run.usage if use.role is Role.WORKER]
        most = max((use.peak_memory for use in workers), default=0)
        lost = exercise.cluster.workers - _survivors(workers)
        if not run.right:
            got = "the answer is not right, so the memory it took does not count"
            advice = first_right(spec)
        elif growth > reference.client_growth + _HELD_SHARE * run.input_bytes:
            got = f"the notebook's process grew by {megabytes(growth)}{source}"
        elif (grown := scheduler_growth(run)) > _HELD_SHARE * run.input_bytes:
            got = f"the scheduler grew by {megabytes(grown)}"
        elif lost > 0:
            got = f"{lost} of the {exercise.cluster.workers} workers did not survive to the end"
        elif most > limit:
            got = f"a worker held {megabytes(most)}{source}"
        else:
            continue
        return failed_by(exercise, spec, run, reference, expected, got, advice)
    got = (
        f"the notebook's process grew by {megabytes(growth)}, and the fullest worker held "
        f"{megabytes(most)}{source}"
    )
    note = "; ".join(filter(None, (_held_before(run, reference) for run in runs)))
    return finding(spec, Status.PASSED, 1.0, expected, got, note=note)


def _survivors(workers: Sequence[ProcessUsage]) -> int:
    """Return how many workers there were at GO that were still there at the end.

    A worker that came in place of one that had died before, as in ``client.restart()``, is one of
    them; one that came during the call held nothing at GO. Where memory is not told, all count.
    """
    told = any(use.memory_at_go for use in workers)
    return sum(use.memory_at_go > 0 or not told for use in workers)


def _held_before(run: Run, reference: Reference) -> str:
    """Say what the client held before the call, if that hides how much it kept during it.

    Data that take the place of others let nothing grow. It is no reason to fail: a notebook may
    hold what it was tried on.
    """
    more = client_at_go(run) - reference.client_at_go
    if not reference.client_at_go or more <= _HELD_SHARE * run.input_bytes:
        return ""
    return (
        f"{run.case}: before {run.function} was called, the notebook's process held "
        f"{megabytes(more)} more than that of the reference solution, so its growth does not show "
        "what it kept"
    )


def _asked_at_once(recording: Recording) -> int:
    """Return the most bytes of results that one graph asked the workers to keep; testimony.

    Of a graph's tasks those are results that no other of its tasks needs. Some may not have run.
    """
    most = 0.0
    for graph in recording.graphs:
        tasks = [task for task in recording.tasks if task.submitted == graph.submitted]
        needed = {key for task in tasks for key in task.dependencies}
        sizes = [task.nbytes for task in tasks if task.key not in needed]
        if sizes and graph.wanted > 1:
            most = max(most, graph.wanted * sum(sizes) / len(sizes))
    return int(most)


def _kept_by_need(run: Run) -> str:
    """Say how much a graph had to keep because it needs it twice; empty if that is little."""
    needed = needed_again(run.recording, _ASKED_SHARE * run.input_bytes)
    if not needed > _ASKED_SHARE * run.input_bytes > 0:
        return ""
    return (
        f"{megabytes(needed)} had to be kept at once, in memory or on disk: a graph needs its "
        "blocks again after a step that waits for all of them"
    )


def _times(number: float) -> str:
    return {1.0: "once", 2.0: "twice"}.get(number, f"{number:g} times")


def _files(reads: int, reference: Reference) -> str:
    return f"{reads or 'none'} of the {reference.reads} files of the input"


def _worked_elsewhere(exercise: Exercise, run: Run, reference: Reference) -> bool:
    """Whether the tasks did less than half of what the reference solution's did.

    On a case that is not timed that is unknown; there, whether they took less time than the client
    computed.
    """
    done = sum(task.compute_seconds for task in run.recording.tasks)
    if run.case not in exercise.timed:
        return done < cpu_of(run, Role.CLIENT)
    return reference.work_seconds is not None and done < 0.5 * reference.work_seconds
