"""A box for a notebook that is not an exercise of the kit: a kernel, and a copy of its folder.

The caller runs the notebook as usual, on this kernel.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from autograder.errors import HarnessError
from autograder.model import Limits
from autograder.sandbox import bubblewrap, cgroups, processes, scratch, walls
from autograder.sandbox.kernel import BoxedKernelManager
from autograder.sandbox.limits import Watchdog
from autograder.sandbox.wall import Sandbox

__all__ = ["Kernel", "Terms", "kernel"]

_WORK = "work"
"""The notebook's folder in the box's."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a course allows its ordinary notebooks."""

    limits: Limits
    """``answer_bytes`` is what a notebook may write, on top of the files that it comes with."""
    readable: Sequence[Path] = ()
    """Further files and folders that it may read, at their usual path."""
    environment: Mapping[str, str] = field(default_factory=dict)
    network: bool = False
    boxed: bool = True
    """False runs the kernel without protection, on the user's own responsibility."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel that is not started yet."""

    manager: BoxedKernelManager
    folder: Path
    """The copy that it runs in; the original does not exist in the box."""
    watch: Callable[[], None]
    """Enforces its limits; call it once the kernel has started."""


@contextmanager
def kernel(
    beside: Path,
    terms: Terms,
    stop: Callable[[str], None],
    fail: Callable[[str], None] | None = None,
) -> Iterator[Kernel]:
    """Create a kernel for a notebook; it and all its processes are gone afterwards.

    New files that it has written are then beside the notebook, where nbgrader expects them.

    Parameters
    ----------
    beside : Path
        The notebook's folder, whose other files it finds in its own.
    terms : Terms
        What it may use.
    stop : callable
        Called with the reason, if the kernel had to be ended.
    fail : callable, optional
        Called instead of ``stop`` if the machine ended it below its own limits.

    Raises
    ------
    HarnessError
        If there is no box on this machine.
    """
    if terms.boxed:
        walls.require()
    run = scratch.make()
    work = run / _WORK
    try:
        shutil.copytree(beside, work, symlinks=True, ignore=shutil.ignore_patterns("*.ipynb"))
        with ExitStack() as living:
            yield _made(run, work, terms, stop, fail, living)
        _bring_back(run, beside, terms.limits.answer_bytes, _most_entries(beside))
    finally:
        scratch.remove(run)


def _made(
    run: Path,
    work: Path,
    terms: Terms,
    stop: Callable[[str], None],
    fail: Callable[[str], None] | None,
    living: ExitStack,
) -> Kernel:
    """Make the kernel of a folder, which ends with ``living``."""
    most_entries = _most_entries(work)
    room = terms.limits.answer_bytes + scratch.size(work, most_entries)[0]
    limits = replace(terms.limits, answer_bytes=room)
    box = walls.chosen().prepare(run) if terms.boxed else None
    if box is not None:
        living.callback(box.close)
    sandbox = Sandbox(
        writable=(run,),
        readable={path: str(path) for path in terms.readable},
        environment=terms.environment,
        workdir=str(work),
        network=terms.network,
        processes=limits.processes,
    )
    group = bubblewrap.group_for(sandbox, limits.memory_bytes) if terms.boxed else None
    if group is not None:
        living.callback(cgroups.remove, group)
    manager = BoxedKernelManager(sandbox, run, boxed=terms.boxed, box=box, group=group)
    living.callback(manager.close)
    kill = processes.end if box is None else box.end

    def end() -> None:
        if manager.root is not None and not kill(manager.root):
            raise HarnessError(f"A box could not be ended: process {manager.root} is still there.")

    living.callback(end)

    def watch() -> None:
        if manager.root is None:
            raise HarnessError("A notebook's kernel can only be watched once it has started.")
        dog = Watchdog(
            manager.root,
            limits,
            run,
            stop,
            group,
            seconds=limits.wall_seconds,
            on_failure=fail,
            entries=most_entries,
            end=kill,
            private=None if box is None else box.private,
            private_bytes=2 * sandbox.scratch_bytes,
        )
        living.callback(dog.stop)

    return Kernel(manager, work, watch)


def _most_entries(folder: Path) -> int:
    """Allow as many new files as any box may create, on top of the notebook's own."""
    return scratch.MOST_ENTRIES + sum(len(dirs) + len(files) for _, dirs, files in os.walk(folder))


def _bring_back(
    run: Path, beside: Path, most: int, most_entries: int = scratch.MOST_ENTRIES
) -> None:
    """Copy new files to the notebook's folder, without changing existing ones.

    Parameters
    ----------
    run : Path
        The box's folder, in which no process is left. The box could not replace it, but it could
        replace everything in it, including the notebook's folder.
    beside : Path
    most : int
        Bytes; a file beyond them is left out.
    most_entries : int
        Files and folders that are looked through.
    """
    for name in scratch.files(run, most_entries):
        place, *parts = Path(name).parts
        left = any(part.startswith(".") or part.endswith(".ipynb") for part in parts)
        source, target = run / name, beside.joinpath(*parts)
        if place != _WORK or left or os.path.lexists(target):
            continue
        size = os.lstat(source).st_size
        # A link of the course's may be on the way, and a file in the place of a folder.
        if size > most or not target.resolve().is_relative_to(beside.resolve()):
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target, follow_symlinks=False)
            most -= size
        except OSError:
            with suppress(OSError):
                target.unlink()
