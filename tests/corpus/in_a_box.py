"""Which samples go through a box in ``make test``; the others do so in ``make test-all``.

What the verdict makes of evidence is tested on the kept one, which has to be recorded in a box
again when its exercise changes. A box is for what a box can break: a right sample that uses what
no other does in a box, and whatever rests on limits, on a kernel that dies, on memory, on much
output, or on keeping a cheat in.
"""

__all__ = ["CHEATS", "IN_A_BOX", "RIGHT"]

_REASONS = {
    "right, with jobs and tables": (
        "ex05_batch_cluster/torvalds",
        "ex09_tables_to_features/noether",
    ),
    "stopped by a limit, or by the end of its kernel": (
        "ex02_parallel_prediction/empedocles",
        "ex02_parallel_prediction/sisyphus",
        "ex07_boosted_trees/tantalus",
        "ex11_when_a_worker_dies/prometheus",
    ),
    "needs much memory, or prints much": (
        "ex02_parallel_prediction/leibniz",
        "ex03_incremental_training/atlas",
    ),
    "a worker is killed in the middle": ("ex11_when_a_worker_dies/lachesis",),
    "cheats": (
        "ex02_parallel_prediction/cardano",
        "ex05_batch_cluster/mallory",
        "ex11_when_a_worker_dies/loki",
    ),
}

IN_A_BOX = frozenset(name for names in _REASONS.values() for name in names)
"""``<exercise>/<student>``; ``test_kept_evidence.py`` holds it against the kept evidence."""

CHEATS = frozenset(_REASONS["cheats"])
"""Who deceives on purpose."""

RIGHT = frozenset(_REASONS["right, with jobs and tables"])
"""Who gets all points."""
