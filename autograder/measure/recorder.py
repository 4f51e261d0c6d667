"""The recorder: a scheduler plugin that writes down what the cluster did.

It runs in the scheduler, where a student's code can run too, so what it says is testimony:
the grader believes it only where it agrees with what was read from outside the box. It is
loaded as a Dask scheduler preload (``dask_setup``) in the box, and registered by a client in
a student's self-check.

Gathered, scattered and graph bytes are read by wrapping handlers of the scheduler, which is
private API of distributed (checked with 2026.8.0): where a handler is not found, that count
stays zero and ``unrecorded`` says so.
"""

import asyncio
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from dask.utils import key_split
from distributed.diagnostics.plugin import SchedulerPlugin
from distributed.metrics import time

from autograder.model import GraphRecord, Recording, TaskRecord

__all__ = ["SOCKET_VARIABLE", "Recorder", "dask_setup", "install"]

SOCKET_VARIABLE = "AUTOGRADER_RECORDER_SOCKET"
"""Environment variable with the path of the Unix socket to answer on."""

_MAX_TASKS = 500_000
"""Task executions kept; about 200 bytes each, so 100 MB in the scheduler at the worst."""

_LEFT_WAITING = frozenset({"waiting", "queued", "processing", "no-worker"})


class Recorder(SchedulerPlugin):
    """Record every execution of a task, every graph, and the bytes that clients move."""

    name = "autograder-recorder"
    idempotent = True

    def __init__(self) -> None:
        self.scheduler: Any = None
        self.unrecorded = 0
        self._submitted: dict[Any, float] = {}
        self._tasks: list[TaskRecord] = []
        self._graphs: list[GraphRecord] = []
        self._gathered: list[tuple[float, int]] = []
        self._scattered: list[tuple[float, int]] = []
        self._graph_sizes: list[int] = []

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

    def _tap(
        self, handlers: dict[str, Any], name: str, see: Callable[[dict[str, Any]], None]
    ) -> None:
        handler = handlers.get(name)
        if handler is None:
            self.unrecorded += 1
            return

        async def tapped(*args: Any, **kwargs: Any) -> Any:
            try:
                see(kwargs)
            except Exception:
                self.unrecorded += 1
            result = handler(*args, **kwargs)
            return await result if asyncio.iscoroutine(result) else result

        handlers[name] = tapped

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

    def update_graph(
        self, scheduler: Any, *, keys: Iterable[Any], tasks: list[Any], **kwargs: Any
    ) -> None:
        """Note a graph that a client submitted; called by the scheduler."""
        size = self._graph_sizes.pop(0) if self._graph_sizes else 0
        self._graphs.append(GraphRecord(time(), len(tasks), len(set(keys)), size))

    def transition(self, key: Any, start: str, finish: str, *args: Any, **kwargs: Any) -> None:
        """Note when a task is submitted and each time that it has run."""
        if start == "released" and finish in _LEFT_WAITING:
            self._submitted.setdefault(key, time())
        elif finish == "forgotten":
            # Cancelled before it ran; should it be submitted again, that is another time.
            self._submitted.pop(key, None)
        elif start == "processing" and finish in ("memory", "erred"):
            try:
                record = self._execution(key, finish, kwargs)
            except Exception:
                record = None
            if record is None or len(self._tasks) >= _MAX_TASKS:
                self.unrecorded += 1
            else:
                self._tasks.append(record)

    def _execution(self, key: Any, finish: str, kwargs: dict[str, Any]) -> TaskRecord | None:
        steps = kwargs.get("startstops") or ()
        computed = [step for step in steps if step["action"] == "compute"]
        if not computed:
            return None
        state = self.scheduler.tasks.get(key)
        dependencies = () if state is None else tuple(str(d.key) for d in state.dependencies)
        begun = min(step["start"] for step in computed)
        return TaskRecord(
            key=str(key),
            # Dask names its last task after its own internals.
            layer=key_split(key).removesuffix("-hlgfinalizecompute"),
            worker=str(kwargs.get("worker") or ""),
            submitted=self._submitted.pop(key, begun),
            start=begun,
            stop=max(step["stop"] for step in computed),
            compute_seconds=sum(step["stop"] - step["start"] for step in computed),
            transfer_seconds=sum(
                step["stop"] - step["start"] for step in steps if step["action"] == "transfer"
            ),
            nbytes=int(kwargs.get("nbytes") or 0),
            dependencies=dependencies,
            erred=finish == "erred",
        )

    def recording(self, since: float, until: float, returned: float | None = None) -> Recording:
        """Return what happened from ``since`` to ``until``.

        Parameters
        ----------
        since, until : float
            Seconds since the epoch.
        returned : float, optional
            When the student's function returned, to tell what was gathered before.
        """
        inside = [t for t in self._tasks if t.stop >= since and t.start <= until]
        return Recording(
            tasks=tuple(sorted(inside, key=lambda t: (t.start, t.key))),
            graphs=tuple(g for g in self._graphs if since <= g.submitted <= until),
            gathered_bytes=_total(self._gathered, since, until),
            scattered_bytes=_total(self._scattered, since, until),
            gathered_during_call=_total(
                self._gathered, since, until if returned is None else returned
            ),
            workers=tuple(sorted(str(address) for address in self.scheduler.workers)),
            unrecorded=self.unrecorded,
        )


def install(scheduler: Any) -> Recorder:
    """Attach a recorder to a scheduler of this process."""
    recorder = Recorder()
    scheduler.add_plugin(recorder)
    recorder.attach(scheduler)
    return recorder


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
            writer.write(json.dumps(asdict(recording)).encode() + b"\n")
            await writer.drain()
        finally:
            writer.close()

    path = os.environ.pop(SOCKET_VARIABLE)
    # Held by the scheduler, or the server would be collected.
    scheduler.autograder_server = await asyncio.start_unix_server(answer, path)


def _frame_bytes(serialized: Any) -> int:
    frames = getattr(serialized, "frames", None) or ()
    return sum(getattr(frame, "nbytes", None) or len(frame) for frame in frames)


def _total(events: list[tuple[float, int]], since: float, until: float) -> int:
    return sum(size for at, size in events if since <= at <= until)
