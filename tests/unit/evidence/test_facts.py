"""Whose account a process is on, and what processes used between GO and done."""

import pytest

from autograder.evidence import facts
from autograder.evidence.facts import Account, usage
from autograder.model import Role
from autograder.sandbox import processes

ROLES = processes.Roles(10, {20: "worker-0", 21: "worker-1"}, frozenset({11, 12}))
FAMILY = {10: 2, 11: 10, 12: 10, 20: 11, 21: 11, 30: 2}
"""Parents: scheduler, its helpers, the workers that come from one of them, and the kernel."""


@pytest.mark.parametrize(
    "parents, role",
    [
        ({30: 2}, Role.CLIENT),
        ({40: 30}, Role.CLIENT),
        ({40: 20}, Role.WORKER),
        ({40: 41, 41: 21}, Role.WORKER),
        ({40: 10}, Role.SCHEDULER),
        ({40: 41, 41: 10}, Role.SCHEDULER),
        # All workers are there: whatever else comes from where they came from is none.
        ({40: 11}, Role.SCHEDULER),
        ({40: 41, 41: 11}, Role.SCHEDULER),
    ],
)
def test_a_process_belongs_to_whoever_started_it(parents: dict[int, int], role: Role) -> None:
    (pid, *_) = parents
    assert facts._role(pid, ROLES, FAMILY | parents)[0] is role


def test_a_worker_in_place_of_a_dead_one_is_a_worker() -> None:
    family = {pid: parent for pid, parent in FAMILY.items() if pid != 21} | {40: 11}
    assert facts._role(40, ROLES, family) == (Role.WORKER, "worker-other")


def test_workers_in_place_of_dead_ones_have_an_account_each() -> None:
    family = {p: parent for p, parent in FAMILY.items() if p not in ROLES.workers}
    family |= {40: 11, 41: 40, 50: 11, 51: 50}
    names = {pid: facts._role(pid, ROLES, family) for pid in (40, 41, 50, 51)}
    assert set(names.values()) == {(Role.WORKER, "worker-other"), (Role.WORKER, "worker-other-2")}
    assert names[40] == names[41] != names[50] == names[51]
    # More than have died are no workers that anybody has started: together they have one.
    meddled = family | {60: 11}
    assert {facts._role(p, ROLES, meddled) for p in (40, 50, 60)} == {(Role.WORKER, "worker-other")}


def test_a_delay_that_was_not_read_is_none_and_not_zero() -> None:
    account = {(1, 1.0): Account(Role.CLIENT, "client", 1.0, 0)}
    (unread,), (read,) = usage(account, account), usage(account, account, None, {"client": 0.25})
    assert (unread.delay, read.delay) == (None, 0.25)


def test_what_has_no_account_any_more_is_the_clients() -> None:
    def accounts(*seconds: float) -> facts.Snapshot:
        roles = ((Role.CLIENT, "client"), (Role.WORKER, "worker-0"), (Role.WORKER, "worker-1"))
        return {
            (i, 1.0): Account(role, name, spent, 0)
            for i, ((role, name), spent) in enumerate(zip(roles, seconds, strict=True))
        }

    before, after = accounts(1.0, 1.0, 1.0), accounts(1.1, 2.0, 2.0)

    def client(all_cpu: float | None, after: facts.Snapshot = after) -> float:
        used = usage(before, after, all_cpu)
        return round(next(use.cpu_seconds for use in used if use.role is Role.CLIENT), 6)

    assert client(None) == client(2.1) == client(2.3) == 0.1
    assert client(4.1) == 2.1
    # One of the workers died: what it used is known from who waited for it, and nothing else is.
    gone = {i: a for i, a in after.items() if a.name != "worker-1"}
    lost = Account(Role.WORKER, "worker-lost", 2.0, 0)
    assert client(2.1, {**gone, (-11, 1.0): lost}) == 0.1
    assert client(4.1, {**gone, (-11, 1.0): lost}) == 2.1
    assert client(4.1, gone) == 3.1


def test_a_peak_from_before_go_is_not_this_run_s():
    before = {(7, 1.0): Account(Role.CLIENT, "client", 1.0, 900, 400)}
    same = {(7, 1.0): Account(Role.CLIENT, "client", 2.0, 900, 450)}
    higher = {(7, 1.0): Account(Role.CLIENT, "client", 2.0, 950, 450)}
    assert [(u.peak_memory, u.memory_at_go) for u in usage(before, same)] == [(450, 400)]
    assert [(u.peak_memory, u.memory_at_go) for u in usage(before, higher)] == [(950, 400)]


def test_memory_counts_from_the_moment_that_the_input_was_asked_for():
    asked = {(7, 1.0): Account(Role.CLIENT, "client", 1.0, 410, 400)}
    # Something large came and went while the input was made: the peak stays.
    before = {(7, 1.0): Account(Role.CLIENT, "client", 2.0, 900, 410)}
    after = {(7, 1.0): Account(Role.CLIENT, "client", 2.5, 900, 420)}
    (used,) = usage(before, after, asked=asked)
    assert (used.peak_memory, used.memory_at_go, used.cpu_seconds) == (900, 400, 0.5)
