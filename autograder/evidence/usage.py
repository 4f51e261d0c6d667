"""From two readings of the operating system's accounts to what a run used, and what bounds it."""

from collections import defaultdict

from autograder.evidence.summary import cpu_of, task_seconds, worker_cpu
from autograder.model import ProcessUsage, Role, Run
from autograder.sandbox.processes import Snapshot

__all__ = ["NEIGHBOURS", "client_growth", "cpu_speedup", "is_busy", "peak_since", "usage"]

_BUSY_BELOW = 0.8
"""CPU seconds of the workers per second of recorded task time under which the machine was too
busy for the run to be a fair one. Measured on two cores: 0.89 to 1.03 on a quiet machine, 0.60
to 0.89 with one CPU burner beside, about 0.5 with two."""

_NO_SHARE = 0.1
"""CPU seconds per recorded second under which it was not the neighbours: with four of them that
compute all the time, a worker on two cores still gets a third."""

_ENOUGH_WORK = 0.2
"""Seconds of recorded task time from which the ratio means something: the operating system
counts in hundredths of a second."""

NEIGHBOURS = 0.1
"""Share of the machine's CPU that other work must have had, for the machine to be called busy.
Otherwise tasks that got no CPU did not ask for it: they slept, or waited for a lock. One
neighbour that computes all the time takes 0.3 to 0.5 of two cores beside a program that keeps both
busy; a quiet machine gave 0.00 to 0.05."""


_UNSEEN, _UNSEEN_SHARE = 0.2, 0.05
"""CPU seconds, and share of all, that the accounts of a box's processes may lack of what its
control group counted. Each process is counted in hundredths of a second, a group in nanoseconds."""


def usage(
    before: Snapshot, after: Snapshot, all_cpu: float | None = None
) -> tuple[ProcessUsage, ...]:
    """Return what every process used between two snapshots, those of the client added up.

    Parameters
    ----------
    before, after : Snapshot
    all_cpu : float, optional
        CPU seconds of everything in the box in between. What no process has on its account was
        used by ones that came and went unseen, and is the client's.

    Returns
    -------
    tuple of ProcessUsage
        One per name, CPU in seconds, memory as the largest peak in bytes, sorted by name.
    """
    cpu: dict[tuple[Role, str], float] = defaultdict(float)
    peak: dict[tuple[Role, str], int] = defaultdict(int)
    at_go: dict[tuple[Role, str], int] = defaultdict(int)
    for account in before.values():
        who = (account.role, account.name)
        at_go[who] = max(at_go[who], account.memory)
    for identity, account in after.items():
        earlier = before.get(identity)
        who = (account.role, account.name)
        cpu[who] += account.cpu_seconds - (earlier.cpu_seconds if earlier else 0.0)
        already = earlier.peak_memory if earlier else 0
        held = max(account.memory, earlier.memory if earlier else 0)
        peak[who] = max(peak[who], peak_since(already, account.peak_memory, held))
    # A worker that died takes its account along, too.
    whole = {a.name for a in before.values()} <= {a.name for a in after.values()}
    if all_cpu is not None and whole:
        unseen = all_cpu - sum(cpu.values())
        if unseen > _UNSEEN + _UNSEEN_SHARE * all_cpu:
            cpu[Role.CLIENT, "client"] += unseen
    return tuple(
        ProcessUsage(role, name, max(cpu[role, name], 0.0), peak[role, name], at_go[role, name])
        for role, name in sorted(cpu)
    )


def peak_since(before: int, after: int, held: int) -> int:
    """Return the peak of memory between two readings of a process's peak so far.

    Where the kernel did not let the peak begin anew, one from before may hide a lower one; then
    what is certain is what was ``held`` at the beginning and at the end.
    """
    return after if after > before else held


def client_growth(run: Run) -> int:
    """Return the bytes by which the client grew at most since GO, by peak or by samples."""
    clients = [use for use in run.usage if use.role is Role.CLIENT]
    names = {use.name for use in clients}
    seen = [sample.nbytes for sample in run.memory if sample.name in names]
    most = max([*seen, *(use.peak_memory for use in clients)], default=0)
    return max(most - max((use.memory_at_go for use in clients), default=0), 0)


def cpu_speedup(run: Run, workers: int) -> float:
    """Return the speedup that the CPU time of the processes allows at most.

    The client's CPU time counts as serial and the busiest worker's as the time of the parallel
    part (Amdahl 1967, with the operating system's counts in place of a model)::

        (client + sum of workers) / (client + busiest worker)

    It is fact, and CPU time hardly depends on what else the machine does. Work that was done in
    the client beside sham tasks, or by one worker alone, shows here whatever the recording says.

    Parameters
    ----------
    run : Run
        With ``usage`` of the client and the workers.
    workers : int
        Of the cluster; the bound never exceeds it.
    """
    client, each = cpu_of(run, Role.CLIENT), worker_cpu(run)
    slowest = client + max(each, default=0.0)
    if slowest <= 0:
        return 1.0
    return min((client + sum(each)) / slowest, float(workers))


def is_busy(run: Run) -> bool:
    """Tell whether other work left the workers too little CPU for a fair run."""
    if run.others is not None and run.others < NEIGHBOURS:
        return False
    recorded, spent = task_seconds(run.recording), cpu_of(run, Role.WORKER)
    return recorded > _ENOUGH_WORK and _NO_SHARE * recorded < spent < _BUSY_BELOW * recorded
