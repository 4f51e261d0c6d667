"""What the notebook's process and the workers say in a self-check that they have used."""

import time
from collections.abc import Mapping

import distributed

from autograder.evidence.facts import peak_since
from autograder.model import ProcessUsage, Role
from autograder.sandbox import run_queue
from autograder.sandbox.processes import reset_peak, resident

__all__ = ["Accounts", "names", "usage", "used"]

_Used = tuple[float, run_queue.Threads, int, int]
"""CPU seconds, the threads' accounts, peak of memory so far and memory now; without /proc no
threads, and zeros for memory."""

Accounts = Mapping[tuple[Role, str], _Used]
"""Workers by their address."""


def _own(anew: bool = False) -> _Used:
    """Return this process's own account of its resource use."""
    if anew:
        reset_peak()
    try:
        peak, now = resident()
    except OSError:
        peak = now = 0
    return time.process_time(), run_queue.read("self"), peak, now


def used(client: distributed.Client, anew: bool = False) -> Accounts:
    """Return the resource use of this process and of every worker, on any machine."""
    workers = client.run(_own, anew)
    return {
        (Role.CLIENT, "client"): _own(anew),
        **{(Role.WORKER, address): of_worker for address, of_worker in sorted(workers.items())},
    }


def names(before: Accounts, after: Accounts) -> dict[str, str]:
    """Return the names of workers by their address: a replacement of a dead worker is new."""
    known = [address for role, address in before if role is Role.WORKER]
    new = [address for role, address in after if role is Role.WORKER and address not in known]
    return {
        **{address: f"worker-{number}" for number, address in enumerate(known)},
        **{
            address: "worker-other" if number == 1 else f"worker-other-{number}"
            for number, address in enumerate(new, 1)
        },
    }


def usage(before: Accounts, after: Accounts) -> tuple[ProcessUsage, ...]:
    """Return what each process used between two readings."""
    found = []
    known = names(before, after)
    for (role, address), (cpu, threads, peak, now) in after.items():
        earlier_cpu, earlier_threads, earlier_peak, earlier = before.get(
            (role, address), (0.0, {}, 0, 0)
        )
        turns = run_queue.since(earlier_threads, threads)
        work = {number: turn.ran for number, turn in turns.items()}
        delay = run_queue.held_up(turns, work) if threads else None
        most = peak_since(earlier_peak, peak, max(earlier, now))
        name = known.get(address, address)
        found.append(ProcessUsage(role, name, cpu - earlier_cpu, delay, most, earlier))
    return tuple(found)
