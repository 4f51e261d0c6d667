"""Sample a sandbox repeatedly from outside, in a separate thread."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from autograder.evidence import facts
from autograder.sandbox import processes

__all__ = ["known_names", "repeatedly"]


def known_names(
    root: int, roles: processes.Roles, readings: int
) -> Callable[[], Mapping[int, str]]:
    """Return a function that gives the name of every process of a sandbox, by its number.

    It searches for new processes only once in a number of calls: with eight processes in a sandbox
    that takes 1.5 ms, and reading all their threads 0.4 ms.
    """
    known: Mapping[int, str] = {}
    turn = 0

    def names() -> Mapping[int, str]:
        nonlocal known, turn
        if turn % readings == 0:
            known = facts.names(root, roles)
        turn += 1
        return known

    return names


@contextmanager
def repeatedly(act: Callable[[], float], name: str, wait: float = 0.0) -> Iterator[None]:
    """Call a function in a separate thread until the block ends.

    Parameters
    ----------
    act : callable
        Returns the seconds until its next call.
    name : str
        Of the thread.
    wait : float
        Seconds until the first call.
    """
    over = threading.Event()

    def run() -> None:
        pause = wait
        while not over.wait(pause):
            pause = act()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
