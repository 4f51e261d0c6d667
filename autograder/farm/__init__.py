"""Grading many: observe a class in parallel, on one machine or on a batch system's nodes.

Observing and judging are separate. ``autograder observe`` makes the missing evidence; then
``nbgrader autograde`` finds it, and only judges and records. The evidence store is the queue and
the truth: a task is "make the evidence with this key unless it is there". The driver, the
scheduler, a slot or a job may die at any time; the same command continues from what is there.

- `plan`: what there is to observe, from the submissions and the store. Pure.
- `queue`: which slot observes what next, what is retried, what is set aside. Pure.
- `slots`: a slot's cores and memory.
- `tasks`: what runs in a slot.
- `places`: where slots come from, a ``LocalCluster`` or the jobs of a profile in ``cluster/``.
- `engine`: sends tasks to slots and collects their outcomes.
- `progress`: the progress line.
- `command`: all of this in order.
"""
