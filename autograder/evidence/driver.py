"""Inside the box's kernel: prepare a case, call the student's function, write the answer.

The grader sends one line of code per step over Jupyter's protocol and measures time outside.
Nothing here is trusted: the student's code runs in the same process and can change all of it. Only
the written files (arrays without pickle, JSON) and the measurements from outside count.
"""

import importlib.util
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import dask
import distributed
import numpy as np
from dask.core import flatten
from IPython import get_ipython

from autograder.errors import UNDEFINED
from cluster import connect
from cluster.client import NO_POLLING

__all__ = [
    "SCRATCH",
    "begin",
    "call",
    "call_student",
    "leave_clients_alone",
    "prepare",
    "recover",
    "settle",
]

SCRATCH = "AUTOGRADER_SCRATCH"
"""Environment variable with a folder for files of the case's own, which workers see, too."""

_ALIASES = 10
"""Names of one block that are followed. Chosen: Dask gives a block one or two, and a graph that a
student has made by hand may have a circle of them."""
_KIT = Path(__file__).resolve().parents[1]
_cases: ModuleType
_arguments: tuple[Any, ...] = ()


def begin(folder: str) -> None:
    """Connect to the box's cluster and warm it and this kernel up for an exercise."""
    global _cases
    spec = importlib.util.spec_from_file_location("cases", Path(folder, "cases.py"))
    assert spec is not None and spec.loader is not None
    _cases = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(_cases)
    with connect().as_current():
        _cases.warm()
    leave_clients_alone()


def leave_clients_alone() -> None:
    """Let the notebook's clients work as they do for the student, except that none ends the box.

    ``Client(n_workers=2)`` starts a cluster: Dask takes ``DASK_SCHEDULER_ADDRESS``, by which
    `connect` finds the cluster, for its own setting, and a client that has an address refuses all
    arguments of a new cluster. Clients that the notebook makes itself do not poll either
    (`cluster.client.without_polling`). ``shutdown()``, with which a tidy notebook ends, closes the
    client: the functions are called after that, on the same cluster.
    """
    ours = os.environ.get("DASK_SCHEDULER_ADDRESS")
    dask.config.set({"scheduler-address": None, **NO_POLLING})
    shut_down = distributed.Client.shutdown

    def shutdown(self: distributed.Client) -> Any:
        other = self.scheduler is None or self.scheduler.address != ours
        return shut_down(self) if other else self.close()

    distributed.Client.shutdown = shutdown


def settle(seconds: float) -> None:
    """Wait, for a limited time, until the cluster has finished the notebook's remaining work.

    That work is not part of the call, and would compete with it for time and workers.
    """
    client = _our_client()
    until = time.monotonic() + seconds
    while any(client.processing().values()) and time.monotonic() < until:
        time.sleep(0.05)


def recover(workers: int, seconds: float) -> None:
    """Wait until a worker that was killed has been replaced, and warm the new one up."""
    client = _our_client()
    client.wait_for_workers(workers, timeout=seconds)
    with client.as_current():
        _cases.warm()


def prepare(case: str, parameters: dict[str, float], seed: int, out: str) -> None:
    """Generate the input of a case and make it available to the student's function."""
    global _arguments
    folder = Path(out)
    folder.mkdir()
    (folder / "scratch").mkdir()
    os.environ[SCRATCH] = str(folder / "scratch")
    with _our_client().as_current():
        _arguments, input_bytes = _cases.prepare(case, parameters, seed)
    (folder / "input.json").write_text(json.dumps({"input_bytes": input_bytes}))


def call(case: str, function: str, out: str) -> None:
    """Call the student's function, convert its result to numbers and write them to files.

    All of it is between GO and done, so that work cannot be postponed.
    """
    folder = Path(out)
    student = get_ipython().user_ns.get(function)
    with _our_client().as_current():
        told, arrays, failure = call_student(_cases, case, function, student, _arguments)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    (folder / "answer.json").write_text(json.dumps(told))
    if failure is not None:
        (folder / "failure.json").write_text(json.dumps(failure))


def call_student(
    cases: Any, case: str, name: str, student: Any, arguments: tuple[Any, ...]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None]:
    """Call a student's function and convert its result to numbers.

    Returns
    -------
    told : dict
        Description of the returned object, before any of it was computed.
    arrays : dict
        The answer; empty if there is none.
    failure : dict or None
        The exception that the call ended with.
    """
    told: dict[str, Any] = {}
    try:
        if student is None:
            raise NameError(f"{UNDEFINED} {name}")
        clients = _clients_so_far()
        with _watching(arguments) as opened:
            result = student(*arguments)
        told = {
            "returned": time.time(),
            "opened": len(opened),
            "own_cluster": _other_cluster(_clients_so_far() - clients),
            **_describe(result, arguments),
        }
        arrays = {key: np.asarray(array) for key, array in cases.materialise(case, result).items()}
    except BaseException as error:
        # A SystemExit or KeyboardInterrupt of the student's is an answer, too.
        return told, {}, _failure(error)
    return told, arrays, None


def _our_client() -> distributed.Client:
    """Return a client of the box's cluster: the notebook's own if it made one.

    Data that one client holds cannot be used in another's graphs.
    """
    ours = connect()
    try:
        latest = distributed.default_client()
    except ValueError:
        return ours
    same = latest.scheduler and latest.scheduler.address == ours.scheduler.address
    return latest if same else ours


def _describe(result: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    """Describe the returned object, before anything is computed."""
    several = result if _several(result) else [result]
    given = [a for a in arguments if dask.is_dask_collection(a) and hasattr(a, "numblocks")]
    return {
        "type": f"{type(result).__module__}.{type(result).__qualname__}",
        "lazy": all(map(_is_collection, several)),
        "kept": sum(map(_blocks_kept, several)),
        "blocks": _said(result, "npartitions", int),
        "input_blocks": int(given[0].numblocks[0]) if given else None,
        "dtype": _said(result, "dtype", str),
        "shape": _said(result, "shape", lambda shape: [int(n) if n == n else None for n in shape])
        or [],
    }


def _said(value: Any, name: str, read: Callable[[Any], Any]) -> Any:
    """Return an attribute of an object, None if it cannot be read.

    A Delayed has every attribute, each another Delayed.
    """
    try:
        return read(getattr(value, name)) if hasattr(type(value), name) else None
    except Exception:
        return None


@contextmanager
def _watching(arguments: tuple[Any, ...]) -> Iterator[set[str]]:
    """Record which of the arguments' files this process opens, outside tasks."""
    global _watched
    names = frozenset(_files(arguments))
    opened: set[str] = set()
    if not names:
        yield opened
        return
    _watched = names, opened
    if not _hooked:
        # A hook stays until the end of the process.
        sys.addaudithook(_note_opening)
        _hooked.append(True)
    try:
        yield opened
    finally:
        _watched = frozenset(), set()


_watched: tuple[frozenset[str], set[str]] = frozenset(), set()
_hooked: list[bool] = []


def _note_opening(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not _watched[0] or not isinstance(arguments[0], (str, os.PathLike)):
        return
    name = os.path.abspath(os.fspath(arguments[0]))
    if name in _watched[0] and not _in_a_task():
        _watched[1].add(name)


def _in_a_task() -> bool:
    # Workers may be threads of this process.
    try:
        distributed.get_worker()
    except ValueError:
        return False
    return True


def _files(value: Any, depth: int = 3) -> Iterator[str]:
    if isinstance(value, str) and os.path.isfile(value):
        yield os.path.abspath(value)
    elif isinstance(value, (list, tuple)) and depth:
        for item in value:
            yield from _files(item, depth - 1)


def _is_collection(value: Any) -> bool:
    """Whether a value is a real Dask collection, not a student's imitation."""
    ours = type(value).__module__.partition(".")[0] in ("dask", "dask_expr")
    return ours and dask.is_dask_collection(value)


def _blocks_kept(value: Any) -> int:
    """Count the blocks of a collection that exist already or were requested, as by persist."""
    if not _is_collection(value):
        return 0
    kept = 0
    with suppress(Exception):  # private API of Dask in parts, and nothing hangs on a miss
        graph = value.__dask_graph__()
        for key in flatten(value.__dask_keys__()):
            block = graph[key]
            # Of arrays that are put one below the other, a block is another's name.
            for _ in range(_ALIASES):
                other = getattr(block, "target", block)
                if not isinstance(other, (tuple, str)) or other not in graph:
                    break
                block = graph[other]
            kept += isinstance(block, (distributed.Future, np.ndarray))
    return kept


def _several(result: Any) -> bool:
    """Whether a function returned several things at once, as in ``return X, y``."""
    return isinstance(result, (tuple, list)) and len(result) > 0


def _clients_so_far() -> int:
    return int(distributed.client._global_client_index[0])


def _other_cluster(made: int) -> str | None:
    """Return the address of another cluster that the notebook has a client of.

    Parameters
    ----------
    made : int
        Clients that the call has created. One that is gone again most likely had its own cluster.
    """
    current = distributed.Client.current().scheduler
    ours = current.address if current else None
    clients = distributed.client._global_clients.values()
    others = [c.scheduler.address for c in clients if c.scheduler and c.scheduler.address != ours]
    return others[0] if others else "closed again" if made else None


def _failure(error: BaseException) -> dict[str, Any]:
    """Describe an exception by the student's own lines; library lines are omitted."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _is_ours(f.filename)]
    shell = get_ipython()
    name_of = shell.compile.format_code_name if shell else _file_name
    own = []
    cells: list[int | None] = []
    for frame in frames:
        known = name_of(frame.filename)
        if known is not None:
            # IPython calls its cells In[7]; people see [7] beside them.
            what, name = known[0].lower(), known[1].removeprefix("In")
            frame.filename = f"your {what} {name}"
            own.append(frame)
            number = name.strip("[]")
            cells.append(int(number) if what == "cell" and number.isdigit() else None)
    message = str(error)
    said = "".join(traceback.format_exception_only(error))
    # Dask puts the lines of a library into the message of an error that it passes on.
    if "\nTraceback:\n" in message:
        message = message.partition("\nTraceback:\n")[0].rstrip()
        said = f"{type(error).__name__}: {message}\n"
    text = "".join(traceback.format_list(own)) + said
    return {
        "kind": type(error).__name__,
        "message": message[:2000],
        "traceback": text[-8000:],
        "cell": cells[-1] if cells else None,
        "line": own[-1].lineno if own else None,
    }


def _is_ours(filename: str) -> bool:
    """Whether a line belongs to the kit or the exercise, and so is hidden from the student."""
    path = Path(filename)
    if path.name == "cases.py":
        return path.parent != Path.cwd() and "site-packages" not in path.parts
    return _KIT in path.parents


def _file_name(filename: str) -> tuple[str, str] | None:
    """Outside IPython every file that is no package is the student's."""
    return None if "site-packages" in filename else ("File", Path(filename).name)
