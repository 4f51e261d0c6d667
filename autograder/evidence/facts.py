"""Read CPU time and memory of every process of a box, and a run's share of them.

Accounts are read before and after; the difference is the run's use. The process tree decides which
process an account belongs to.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

import psutil

from autograder.model import ProcessUsage, Role
from autograder.sandbox.processes import Roles, parent, resident, tree

__all__ = ["Account", "Snapshot", "names", "peak_since", "snapshot", "usage"]

Identity = tuple[int, float]
"""Process number and start time: together they are never used twice."""

_UNSEEN, _UNSEEN_SHARE = 0.2, 0.05
"""CPU seconds, and share of the total, by which the accounts of a box's processes may fall short of
its control group's. Each process is counted in hundredths of a second, a group in nanoseconds."""

_LOST = (Role.WORKER, "worker-lost")
"""Role and name of the workers that died, together."""


@dataclass(frozen=True, slots=True)
class Account:
    """Resources that one process has used since it started."""

    role: Role
    name: str
    cpu_seconds: float
    peak_memory: int
    """Since it started, or since `reset_peak`."""
    memory: int = 0
    """Resident bytes now."""


Snapshot = Mapping[Identity, Account]


def snapshot(root: int, roles: Roles) -> Snapshot:
    """Read the resources that every process of the box has used so far."""
    processes = tree(root)
    parents = {process.pid: parent(process) for process in processes}
    accounts: dict[Identity, Account] = {}
    for process in processes:
        try:
            times = process.cpu_times()
            role, name = _role(process.pid, roles, parents)
            spent = times.user + times.system
            # Of ended children: a process that was waited for has no entry any more.
            children = times.children_user + times.children_system
            identity = (process.pid, process.create_time())
            if process.pid in roles.helpers:
                # What the fork server waits for are workers that died.
                accounts[-identity[0], identity[1]] = Account(*_LOST, children, 0)
            else:
                spent += children
            accounts[identity] = Account(role, name, spent, *resident(process.pid))
        except (psutil.NoSuchProcess, OSError):
            continue
    return accounts


def names(root: int, roles: Roles) -> dict[int, str]:
    """Return the name of every process of the box, by its number."""
    processes = tree(root)
    parents = {process.pid: parent(process) for process in processes}
    return {process.pid: _role(process.pid, roles, parents)[1] for process in processes}


def usage(
    before: Snapshot,
    after: Snapshot,
    all_cpu: float | None = None,
    delays: Mapping[str, float] | None = None,
    asked: Snapshot | None = None,
) -> tuple[ProcessUsage, ...]:
    """Return the use of every process between two snapshots, with the client's processes added up.

    Parameters
    ----------
    before, after : Snapshot
    all_cpu : float, optional
        CPU seconds of everything in the box in between. CPU time on no process's account belongs to
        processes that started and ended unseen, and is charged to the client, even if a worker
        died.
    delays : mapping of str to float, optional
        Seconds without a CPU by name, where they were read.
    asked : Snapshot, optional
        From before the input was asked for; memory counts from there on. Else from ``before`` on.

    Returns
    -------
    tuple of ProcessUsage
        One per name, CPU in seconds, memory as the largest peak in bytes, sorted by name.
    """
    asked = before if asked is None else asked
    cpu: dict[tuple[Role, str], float] = defaultdict(float)
    peak: dict[tuple[Role, str], int] = defaultdict(int)
    at_go: dict[tuple[Role, str], int] = defaultdict(int)
    for account in asked.values():
        who = (account.role, account.name)
        at_go[who] = max(at_go[who], account.memory)
    for identity, account in after.items():
        earlier, first = before.get(identity), asked.get(identity)
        who = (account.role, account.name)
        cpu[who] += account.cpu_seconds - (earlier.cpu_seconds if earlier else 0.0)
        already = first.peak_memory if first else 0
        held = max(account.memory, first.memory if first else 0)
        peak[who] = max(peak[who], peak_since(already, account.peak_memory, held))
    # What a worker had used before is on the account of the one who waited for its end, too.
    cpu[_LOST] -= fsum(a.cpu_seconds for i, a in before.items() if _is_lost(i, a, after))
    cpu[_LOST] = max(cpu[_LOST], 0.0)
    if all_cpu is not None:
        unseen = all_cpu - sum(cpu.values())
        if unseen > _UNSEEN + _UNSEEN_SHARE * all_cpu:
            cpu[Role.CLIENT, "client"] += unseen
    return tuple(
        ProcessUsage(
            role=role,
            name=name,
            cpu_seconds=max(cpu[role, name], 0.0),
            delay=(delays or {}).get(name),
            peak_memory=peak[role, name],
            memory_at_go=at_go[role, name],
        )
        for role, name in sorted(cpu)
        if (role, name) != _LOST or cpu[_LOST] > 0.0
    )


def _is_lost(identity: Identity, account: Account, after: Snapshot) -> bool:
    worker = account.role is Role.WORKER and (account.role, account.name) != _LOST
    return worker and identity not in after


def peak_since(before: int, after: int, held: int) -> int:
    """Return the peak of memory between two readings of a process's peak so far.

    If the kernel could not reset the peak, an earlier one may hide a lower one; then only the
    memory ``held`` at the beginning and at the end is certain.
    """
    return after if after > before else held


def _role(pid: int, roles: Roles, parents: Mapping[int, int]) -> tuple[Role, str]:
    if pid == roles.scheduler or pid in roles.helpers:
        return Role.SCHEDULER, "scheduler"
    ancestor, below = pid, 0
    while ancestor:
        if ancestor in roles.workers:
            return Role.WORKER, roles.workers[ancestor]
        if ancestor in roles.helpers and not set(roles.workers) <= set(parents):
            return Role.WORKER, _in_place_of_another(below, roles, parents)
        if ancestor == roles.scheduler:
            return Role.SCHEDULER, "scheduler"
        ancestor, below = parents.get(ancestor, 0), ancestor
    return Role.CLIENT, "client"


def _in_place_of_another(pid: int, roles: Roles, parents: Mapping[int, int]) -> str:
    """Name a worker that replaced a dead one.

    Each has its own account, as long as there are no more of them than dead workers: any more would
    be a sign of tampering.
    """
    died = sum(worker not in parents for worker in roles.workers)
    came = sorted(p for p in parents if parents[p] in roles.helpers and p not in roles.workers)
    place = came.index(pid) + 1 if pid in came else 1
    return "worker-other" if place == 1 or len(came) > died else f"worker-other-{place}"
