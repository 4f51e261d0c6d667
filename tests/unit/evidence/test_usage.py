"""What processes used between GO and done."""

from dataclasses import replace

from memory_runs import MB, seen

from autograder.evidence.usage import client_growth, usage
from autograder.model import MemorySample, Role
from autograder.sandbox import (
    processes,
)
from autograder.sandbox.processes import Account


def test_what_has_no_account_any_more_is_the_clients() -> None:
    def accounts(*seconds: float) -> processes.Snapshot:
        roles = ((Role.CLIENT, "client"), (Role.WORKER, "worker-0"), (Role.WORKER, "worker-1"))
        return {
            (i, 1.0): processes.Account(role, name, spent, 0)
            for i, ((role, name), spent) in enumerate(zip(roles, seconds, strict=True))
        }

    before, after = accounts(1.0, 1.0, 1.0), accounts(1.1, 2.0, 2.0)

    def client(all_cpu: float | None, after: processes.Snapshot = after) -> float:
        used = usage(before, after, all_cpu)
        return round(next(use.cpu_seconds for use in used if use.role is Role.CLIENT), 6)

    assert client(None) == client(2.1) == client(2.3) == 0.1
    assert client(4.1) == 2.1
    # One of the workers died, and took its account along.
    assert client(4.1, {i: a for i, a in after.items() if a.name != "worker-1"}) == 0.1


def test_a_process_that_was_gone_before_the_end_counts_by_its_samples():
    run = replace(seen(), memory=(MemorySample(0.4, "client", 1700 * MB),))
    assert client_growth(seen()) == 60 * MB and client_growth(run) == 1300 * MB


def test_a_peak_from_before_go_is_not_this_run_s():
    before = {(7, 1.0): Account(Role.CLIENT, "client", 1.0, 900, 400)}
    same = {(7, 1.0): Account(Role.CLIENT, "client", 2.0, 900, 450)}
    higher = {(7, 1.0): Account(Role.CLIENT, "client", 2.0, 950, 450)}
    assert [(u.peak_memory, u.memory_at_go) for u in usage(before, same)] == [(450, 400)]
    assert [(u.peak_memory, u.memory_at_go) for u in usage(before, higher)] == [(950, 400)]
