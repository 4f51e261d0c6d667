"""Assign submissions to slots, retry them, and set them aside. Pure.

A submission has three tries; a retry goes to another host if there is one. A slot in which three
different submissions fail in a row gets no more; the last slot may fail ten, since submissions that
run out of time on a busy machine say little about it.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["TRIES", "Aside", "Queue"]

TRIES = 3
"""Of one submission, in slots that were lost or failed. Chosen: two nodes may fail by themselves,
and what has ended three is more likely to do so itself."""

_IN_A_ROW, _LAST_IN_A_ROW = 3, 10
"""Failures of a slot, and of the last slot, after which the slot is not trusted. Chosen: three in a
row are hardly the submissions', and without the last slot nothing is observed at all."""

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Aside:
    """Why a submission was set aside."""

    reason: str
    tries: int


class Queue(Generic[T]):
    """Submissions that wait, run, are done or set aside, and the slots that take them.

    Parameters
    ----------
    items : iterable
        In the order in which they are to be observed.
    """

    def __init__(self, items: Iterable[T]) -> None:
        self.waiting: list[T] = list(items)
        self.running: dict[str, T] = {}
        """By slot."""
        self.done: list[T] = []
        self.aside: dict[T, Aside] = {}
        self.resigned: dict[str, str] = {}
        """Slots that get nothing more, and why."""
        self._tries: dict[T, int] = {}
        self._failed_on: dict[T, set[str]] = {}
        self._failures: dict[str, list[T]] = {}
        self._hosts: dict[str, str] = {}

    @property
    def finished(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return not self.waiting and not self.running

    @property
    def slots(self) -> list[str]:
        """Slots that work or could."""
        return [slot for slot in self._hosts if slot not in self.resigned]

    @property
    def free(self) -> list[str]:
        """Slots that could take something now."""
        return [slot for slot in self.slots if slot not in self.running]

    def arrived(self, slot: str, host: str) -> None:
        """Note that a slot is fit to work."""
        self._hosts[slot] = host

    def resign(self, slot: str, reason: str) -> None:
        """Give a slot no more tasks; it may finish its current one."""
        self.resigned[slot] = reason

    def take(self, slot: str) -> T | None:
        """Give a slot the next submission, or None if there is none for it.

        A submission that failed on this slot's host is left to other hosts, if there are any.
        """
        if not self.waiting:
            return None
        host = self._hosts[slot]
        others = {self._hosts[name] for name in self.slots} - {host}
        for item in self.waiting:
            failed = self._failed_on.get(item, set())
            if host not in failed or not others - failed:
                self.waiting.remove(item)
                self.running[slot] = item
                return item
        return None

    def finish(self, slot: str) -> T:
        """Note that a slot's submission is observed."""
        item = self.running.pop(slot)
        self._failures.pop(slot, None)
        self.done.append(item)
        return item

    def refuse(self, slot: str, reason: str) -> T:
        """Set a slot's submission aside, since no further try can help."""
        item = self.running.pop(slot)
        self.aside[item] = Aside(reason, self._tries.get(item, 0) + 1)
        return item

    def fail(self, slot: str, reason: str) -> T:
        """Note that a slot failed to observe its submission, which is not at fault."""
        item = self._again(slot, reason)
        failed = self._failures.setdefault(slot, [])
        if item not in failed:
            failed.append(item)
        most = _IN_A_ROW if len(self.slots) > 1 else _LAST_IN_A_ROW
        if len(failed) >= most:
            self.resign(slot, f"{len(failed)} submissions in a row failed there: {reason}")
        return item

    def lose(self, slot: str, reason: str) -> T | None:
        """Note that a slot is gone, and return its submission."""
        item = self._again(slot, reason) if slot in self.running else None
        self._hosts.pop(slot, None)
        return item

    def _again(self, slot: str, reason: str) -> T:
        item = self.running.pop(slot)
        self._tries[item] = self._tries.get(item, 0) + 1
        self._failed_on.setdefault(item, set()).add(self._hosts[slot])
        if self._tries[item] >= TRIES:
            self.aside[item] = Aside(reason, self._tries[item])
        else:
            self.waiting.append(item)
        return item
