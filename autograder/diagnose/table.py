"""The order in which mistakes are looked for: the more specific come first.

Rules on counts (bytes, tasks, results) come before rules on shares of CPU time: a client that packs
large graphs or thousands of tasks computes as long as one that does the work itself.

A rule with several numbers stands for mistakes that the evidence cannot distinguish; the catalogue,
``docs/mistakes.md``, says why.
"""

from autograder.diagnose import (
    budget,
    granularity,
    persistence,
    placement,
    tables,
    timing,
    traffic,
    waiting,
    work_done,
    worth,
)
from autograder.diagnose.rules import Rule

__all__ = ["TABLE"]

TABLE: tuple[Rule, ...] = (
    placement.own_cluster,
    placement.outside_backend,
    granularity.search_in_one_task,
    traffic.collection_fetched,
    persistence.kept_in_vain,
    persistence.not_kept,
    persistence.waits_for_all,
    persistence.needed_twice,
    persistence.read_for_each,
    traffic.computed_early,
    tables.read_at_home,
    tables.file_by_file,
    tables.read_twice,
    tables.shuffled,
    tables.brought_together,
    granularity.one_block,
    waiting.one_at_a_time,
    traffic.round_trip,
    traffic.scored_at_home,
    traffic.gathers_input,
    traffic.big_graph,
    budget.tasks_inside_tasks,
    granularity.tiny_tasks,
    tables.row_by_row,
    work_done.busy_work,
    placement.serial_in_client,
    placement.pinned,
    granularity.one_chunk,
    placement.rows_on_one_worker,
    waiting.compute_in_loop,
    waiting.chain,
    work_done.computed_again,
    granularity.too_few,
    waiting.waits_inside,
    placement.partly_in_client,
    traffic.gathers_result,
    traffic.data_in_graph,
    traffic.begun_early,
    timing.timed_too_early,
    budget.little_saved,
    worth.not_worth_the_way,
    work_done.python_loop,
    work_done.hard_coded,
)
