"""Whose account a process is on."""

import pytest

from autograder.model import Role
from autograder.sandbox import (
    processes,
)

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
    assert processes._role(pid, ROLES, FAMILY | parents)[0] is role


def test_a_worker_in_place_of_a_dead_one_is_a_worker() -> None:
    family = {pid: parent for pid, parent in FAMILY.items() if pid != 21} | {40: 11}
    assert processes._role(40, ROLES, family) == (Role.WORKER, "worker-other")
