"""Executions of tasks, as the recorder notes them while the cluster works, and their records."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from dask.utils import key_split

from autograder.model import TaskRecord

__all__ = ["Execution", "layer", "records"]


class Execution(NamedTuple):
    """Notes on a task that has run; converted to a `TaskRecord` on request."""

    key: Any
    worker: str
    submitted: float
    steps: Sequence[Mapping[str, Any]]
    nbytes: int
    dependencies: list[Any]
    erred: bool
    priority: Sequence[float]
    run: int
    left: float | None = None
    """Seconds that it had computed when it seceded, if it did."""


def layer(key: Any) -> str:
    """Return the layer of a key."""
    # Dask names its last task after its own internals.
    return str(key_split(key)).removesuffix("-hlgfinalizecompute")


def records(executions: Iterable[Execution]) -> list[TaskRecord | None]:
    """Make the records of executions, in their order; None of what cannot be read."""
    return _with_what_came_after([_record(execution) for execution in executions])


def _record(execution: Execution) -> TaskRecord | None:
    try:
        computed, fetched, read = (
            [step for step in execution.steps if step["action"] == action]
            for action in ("compute", "transfer", "disk-read")
        )
        seconds = _seconds(computed)
        kept = seconds if execution.left is None else min(max(execution.left, 0.0), seconds)
        return TaskRecord(
            key=str(execution.key),
            layer=layer(execution.key),
            worker=str(execution.worker),
            submitted=execution.submitted,
            start=min(step["start"] for step in computed),
            stop=max(step["stop"] for step in computed),
            compute_seconds=kept,
            transfer_seconds=_seconds(fetched),
            nbytes=execution.nbytes,
            dependencies=tuple(str(key) for key in execution.dependencies),
            erred=execution.erred,
            transfers=len(fetched),
            priority=tuple(execution.priority),
            run=execution.run,
            disk_seconds=_seconds(read),
            away_seconds=seconds - kept,
        )
    except Exception:
        return None


def _with_what_came_after(tasks: list[TaskRecord | None]) -> list[TaskRecord | None]:
    """Add to tasks that seceded what they computed after they rejoined.

    The time of rejoining is not reported. A worker's one thread runs nothing else then, so it was
    after the last other task on the worker; or, if there was none, after the last one on any
    worker.
    """
    away = [i for i, task in enumerate(tasks) if task is not None and task.away_seconds]
    if not away:
        return tasks
    found = list(tasks)
    everywhere = sorted(task.stop for task in tasks if task is not None)
    stops: dict[str, list[float]] = defaultdict(list)
    for task in tasks:
        if task is not None:
            stops[task.worker].append(task.stop)
    for here in stops.values():
        here.sort()
    for i in away:
        task = tasks[i]
        assert task is not None
        left = task.stop - task.away_seconds
        last = _before(stops[task.worker], task.stop)
        if last <= left:
            last = max(_before(everywhere, task.stop), left)
        after = task.stop - last
        found[i] = replace(
            task,
            compute_seconds=task.compute_seconds + after,
            away_seconds=task.away_seconds - after,
        )
    return found


def _before(times: list[float], moment: float) -> float:
    """Return the last of some sorted times before a moment, or minus infinity."""
    place = bisect_left(times, moment)
    return times[place - 1] if place else float("-inf")


def _seconds(steps: list[Mapping[str, Any]]) -> float:
    return float(sum(step["stop"] - step["start"] for step in steps))
