"""The recorder: a scheduler plugin that records the cluster's work.

It runs in the scheduler, where a student's code can also run, so its record is testimony: the
grader trusts it only where it agrees with the readings from outside the box. It is loaded as a Dask
scheduler preload (``dask_setup``) in the box, and registered by a client in a student's self-check.

Nothing is dropped silently: events without a record are counted by kind in ``Recording.missing``,
and those that should have had a record also in ``unrecorded``.

Gathered, scattered and graph bytes are read by wrapping handlers of the scheduler, which is private
API of distributed (checked with 2026.8.0): where a handler is not found, that count stays zero and
``unrecorded`` says so. CPU seconds by layer come from the workers' heartbeats
(``Scheduler.cumulative_worker_metrics``), up to a second late.

While the cluster works, only transient data are noted; records are built on request.
``benchmarks/recorder_cost.py`` measures the cost of recording.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Any

from distributed.diagnostics.plugin import SchedulerPlugin
from distributed.metrics import time

from autograder.evidence.executions import Execution, layer, records
from autograder.model import LOST_WORKERS, GraphRecord, LayerUsage, Recording

__all__ = ["READ", "SOCKET_VARIABLE", "Recorder", "dask_setup", "install"]

SOCKET_VARIABLE = "AUTOGRADER_RECORDER_SOCKET"
"""Environment variable with the path of the Unix socket to answer on."""

READ = "read"
"""Topic of the event that a task logs when it reads a file of the input. The task's key would not
do: Dask fuses tasks, and names the result after the last of them."""

_MAX_TASKS = 100_000
"""Task executions kept. A record is about 400 bytes of JSON."""

_MOST_BYTES = 30 << 20
"""Maximum size of an answer: a longer one is not read (``autograder.sandbox.untrusted``). What does
not fit is omitted and counted."""

_CLOCKS = 0.05
"""Seconds by which the workers' clocks may differ. In the kept evidence (2,537 runs) three tasks
seem to begin before GO, by 2 ms at most; what began earlier is the notebook's, and not the
call's."""

_USAGE_SECONDS = 0.25
"""Least interval between two readings of the workers' own CPU accounts. They give it twice a second
(``heartbeat_interval`` in distributed), so that more looks would see nothing new."""

_LEFT_WAITING = frozenset({"waiting", "queued", "processing", "no-worker"})
_GIVEN_UP = frozenset({"released", "forgotten"})

# What can be missing from a recording, by the name that it has there.
UNFINISHED = "tasks not finished when the recording was made"
CANCELLED = "tasks given up before they had run"
INTERRUPTED = "tasks given up after they had been sent to a worker"
SPARED = "tasks not run because others had failed"
TOO_MANY = "executions beyond those that there is room for"
TIMELESS = "executions that came without times"
UNREADABLE = "events that the recorder could not read"
UNTAPPED = "handlers that this version of distributed does not have"
RESTARTS = "restarts of the cluster"


class Recorder(SchedulerPlugin):
    """Record every execution of a task, every graph, and the bytes that clients move."""

    name = "autograder-recorder"
    idempotent = True

    def __init__(self) -> None:
        self.scheduler: Any = None
        self._submitted: dict[Any, float] = {}
        self._runs: dict[Any, int] = {}
        self._executions: list[Execution] = []
        self._graphs: list[GraphRecord] = []
        self._latest: tuple[object, float] = (object(), 0.0)
        self._given_up: Any = None
        self._gathered: list[tuple[float, int]] = []
        self._scattered: list[tuple[float, int]] = []
        self._graph_sizes: list[int] = []
        self._missing: list[tuple[float, str]] = []
        self._usage: list[tuple[float, dict[str, tuple[float, float]]]] = []
        self._reads: list[float] = []
        self._left: dict[tuple[Any, Any], float] = {}

    async def start(self, scheduler: Any) -> None:
        """Begin recording; called by distributed when a client registers the plugin."""
        self.attach(scheduler)

    def attach(self, scheduler: Any) -> None:
        """Wrap the handlers that move data between clients and the cluster."""
        if self.scheduler is not None:
            return
        self.scheduler = scheduler
        self._tap(scheduler.handlers, "gather", self._on_gather)
        self._tap(scheduler.handlers, "scatter", self._on_scatter)
        self._tap(scheduler.stream_handlers, "update-graph", self._on_graph)
        self._tap(scheduler.stream_handlers, "long-running", self._on_leaving)

    def _tap(
        self, handlers: dict[str, Any], name: str, see: Callable[[dict[str, Any]], None]
    ) -> None:
        handler = handlers.get(name)
        if handler is None:
            self._miss(UNTAPPED)
            return

        def look(message: dict[str, Any]) -> None:
            try:
                see(message)
            except Exception:
                self._miss(UNREADABLE)

        async def tapped(*args: Any, **kwargs: Any) -> Any:
            look(kwargs)
            return await handler(*args, **kwargs)

        def tapped_at_once(*args: Any, **kwargs: Any) -> Any:
            look(kwargs)
            return handler(*args, **kwargs)

        # distributed keeps the order of messages whose handlers do not wait.
        handlers[name] = tapped if asyncio.iscoroutinefunction(handler) else tapped_at_once

    def _miss(self, kind: str) -> None:
        self._missing.append((time(), kind))

    def _on_gather(self, message: dict[str, Any]) -> None:
        tasks = (self.scheduler.tasks.get(key) for key in message["keys"])
        self._gathered.append((time(), sum(max(ts.nbytes, 0) for ts in tasks if ts is not None)))

    def _on_scatter(self, message: dict[str, Any]) -> None:
        copies = len(self.scheduler.workers) if message.get("broadcast") else 1
        size = sum(_frame_bytes(value) for value in message["data"].values())
        self._scattered.append((time(), size * copies))

    def _on_graph(self, message: dict[str, Any]) -> None:
        # The matching update_graph() comes later, once the graph is unpacked, in the same order.
        self._graph_sizes.append(_frame_bytes(message["expr_ser"]))

    def _on_leaving(self, message: dict[str, Any]) -> None:
        # A task that waits for tasks of its own (worker_client, joblib within joblib).
        if message.get("compute_duration") is not None and len(self._left) < _MAX_TASKS:
            self._left[message["key"], message["worker"]] = float(message["compute_duration"])

    def log_event(self, topic: str, msg: Any) -> None:
        """Note that a file was read; called by the scheduler for every event."""
        if topic == READ and len(self._reads) < _MAX_TASKS:
            self._reads.append(time())

    def update_graph(
        self, scheduler: Any, *, keys: Iterable[Any], tasks: list[Any], **kwargs: Any
    ) -> None:
        """Record a graph that a client submitted; called by the scheduler."""
        size = self._graph_sizes.pop(0) if self._graph_sizes else 0
        self._latest = (kwargs.get("stimulus_id"), time())
        self._graphs.append(GraphRecord(self._latest[1], len(tasks), len(set(keys)), size))
        self._look_at_usage(self._latest[1])

    def restart(self, scheduler: Any) -> None:
        """Record that all tasks and workers were discarded."""
        self._miss(RESTARTS)

    def remove_worker(self, scheduler: Any, worker: str, **kwargs: Any) -> None:
        """Record that a worker left, for any reason."""
        self._miss(LOST_WORKERS)

    def transition(self, key: Any, start: str, finish: str, *args: Any, **kwargs: Any) -> None:
        """Record when a task is submitted and each time that it has run."""
        if start == "released" and finish in _LEFT_WAITING:
            # All tasks of a graph are submitted at one time.
            cause, at = self._latest
            self._submitted.setdefault(key, at if kwargs.get("stimulus_id") == cause else time())
        elif start == "processing" and finish in ("memory", "erred"):
            self._note(key, finish, kwargs)
        elif finish == "memory":
            self._submitted.pop(key, None)  # a copy turned up
        elif finish == "erred" and start != "memory":
            # From waiting it comes by way of released, which was no giving up then.
            if self._given_up == key:
                self._missing.pop()
            self._submitted.pop(key, None)
            self._miss(SPARED)
        elif start in _LEFT_WAITING and finish in _GIVEN_UP:
            # Should it be submitted again, that is another time.
            self._submitted.pop(key, None)
            self._miss(INTERRUPTED if start == "processing" else CANCELLED)
            self._given_up = key
            return
        self._given_up = None

    def _note(self, key: Any, finish: str, told: dict[str, Any]) -> None:
        submitted = self._submitted.pop(key, None)
        left = self._left.pop((key, told.get("worker")), None)
        try:
            state = self.scheduler.tasks.get(key)
            steps = told.get("startstops") or ()
            begun = [step["start"] for step in steps if step["action"] == "compute"]
            if not begun:
                self._miss(TIMELESS)
            elif len(self._executions) >= _MAX_TASKS:
                self._miss(TOO_MANY)
            else:
                self._runs[key] = run = self._runs.get(key, 0) + 1
                self._executions.append(
                    Execution(
                        key,
                        told.get("worker") or "",
                        min(begun) if submitted is None else submitted,
                        steps,
                        int(told.get("nbytes") or 0),
                        [] if state is None else [other.key for other in state.dependencies],
                        finish == "erred",
                        (state and state.priority) or (),
                        run,
                        left,
                    )
                )
        except Exception:
            self._miss(UNREADABLE)

    def _look_at_usage(self, now: float) -> None:
        """Keep the workers' CPU accounts so far, for a later difference."""
        if not self._usage or now - self._usage[-1][0] >= _USAGE_SECONDS:
            self._usage.append((now, _usage(self.scheduler)))

    def recording(self, since: float, until: float, returned: float | None = None) -> Recording:
        """Return what happened from ``since`` to ``until``.

        Parameters
        ----------
        since, until : float
            Seconds since the epoch.
        returned : float, optional
            When the student's function returned, to separate what was gathered before.
        """
        made = records(self._executions)
        # What had begun before GO is no part of the run.
        inside = [
            t
            for t in made
            if t is not None and t.stop >= since and since - _CLOCKS <= t.start <= until
        ]
        missing = Counter(kind for at, kind in self._missing if since <= at or kind == UNTAPPED)
        missing[UNREADABLE] += made.count(None)
        missing[UNFINISHED] = sum(at <= until for at in self._submitted.values())
        return Recording(
            tasks=tuple(sorted(inside, key=lambda t: (t.start, t.key))),
            graphs=tuple(g for g in self._graphs if since <= g.submitted <= until),
            gathered_bytes=_total(self._gathered, since, until),
            scattered_bytes=_total(self._scattered, since, until),
            gathered_during_call=_total(
                self._gathered, since, until if returned is None else returned
            ),
            workers=tuple(sorted(str(address) for address in self.scheduler.workers)),
            unrecorded=sum(missing[kind] for kind in (TOO_MANY, TIMELESS, UNREADABLE, UNTAPPED)),
            balance=_next_balance(self.scheduler),
            layers=self._layers(since),
            missing={kind: count for kind, count in sorted(missing.items()) if count},
            reads=sum(since <= at <= until for at in self._reads),
        )

    def _layers(self, since: float) -> tuple[LayerUsage, ...]:
        # Nothing of a run is told before its first graph, but something of an earlier run may be.
        first = min((g.submitted for g in self._graphs if g.submitted >= since), default=since)
        before: dict[str, tuple[float, float]] = {}
        for at, usage in self._usage:
            if at <= first:
                before = usage
        found = []
        for name, (cpu, wall) in sorted(_usage(self.scheduler).items()):
            cpu_before, wall_before = before.get(name, (0.0, 0.0))
            if wall > wall_before:
                found.append(LayerUsage(name, cpu - cpu_before, wall - wall_before))
        return tuple(found)


def install(scheduler: Any) -> Recorder:
    """Attach a recorder to a scheduler of this process."""
    recorder = Recorder()
    scheduler.add_plugin(recorder)
    recorder.attach(scheduler)
    return recorder


def _line(recording: Recording, most: int) -> bytes:
    """Write a recording as one line, with as many of its tasks as fit."""
    line = json.dumps(asdict(recording)).encode() + b"\n"
    if len(line) <= most:
        return line
    kept = int(0.9 * len(recording.tasks) * most / len(line))
    cut = len(recording.tasks) - kept
    missing = {**recording.missing, TOO_MANY: recording.missing.get(TOO_MANY, 0) + cut}
    shorter = replace(
        recording,
        tasks=recording.tasks[:kept],
        unrecorded=recording.unrecorded + cut,
        missing=missing,
    )
    return json.dumps(asdict(shorter)).encode() + b"\n"


async def dask_setup(scheduler: Any) -> None:
    """Record, and answer requests for recordings on a Unix socket (a Dask scheduler preload).

    A request is one line of JSON, ``{"since": …, "until": …, "returned": …}``; the answer is
    one line with the recording.
    """
    recorder = install(scheduler)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await reader.readline())
            recording = recorder.recording(**request)
            writer.write(_line(recording, _MOST_BYTES))
            await writer.drain()
        finally:
            writer.close()

    path = os.environ.pop(SOCKET_VARIABLE)
    # Held by the scheduler, or the server would be collected.
    scheduler.autograder_server = await asyncio.start_unix_server(answer, path)


def _next_balance(scheduler: Any) -> float | None:
    """Return when work stealing is due next; private to tornado, and None if it has changed."""
    try:
        callback: Any = scheduler.periodic_callbacks["stealing"]
        return float(time() + callback._next_timeout - callback.io_loop.time())
    except (AttributeError, KeyError, TypeError):
        return None


def _usage(scheduler: Any) -> dict[str, tuple[float, float]]:
    """Add up the CPU and wall-clock seconds that workers have reported, by layer."""
    usage: dict[str, tuple[float, float]] = {}
    for name, seconds in getattr(scheduler, "cumulative_worker_metrics", {}).items():
        if isinstance(name, tuple) and name[0] == "execute" and name[-1] == "seconds":
            *_, prefix, activity, _ = name
            if activity in ("thread-cpu", "thread-noncpu"):
                of = layer(prefix)
                cpu, wall = usage.get(of, (0.0, 0.0))
                usage[of] = (cpu + seconds * (activity == "thread-cpu"), wall + seconds)
    return usage


def _frame_bytes(serialized: Any) -> int:
    frames = getattr(serialized, "frames", None) or ()
    return sum(getattr(frame, "nbytes", None) or len(frame) for frame in frames)


def _total(events: list[tuple[float, int]], since: float, until: float) -> int:
    return sum(size for at, size in events if since <= at <= until)
