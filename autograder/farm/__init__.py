"""Grading many: observe a class in parallel, on one machine or on a batch system's nodes.

Observing and judging are apart. ``autograder observe`` makes the evidence that is missing; then
``nbgrader autograde`` finds it and only judges and records. The evidence store is the queue and
the truth: a task is "make the evidence of this name if it is not there". The driver, the
scheduler, a slot or a job may die at any time; the same command goes on from what is there.

- `plan`: what there is to observe, from what was handed in and what the store has. Pure.
- `queue`: who observes what next, what is tried again and what is set aside. Pure.
- `slots`: a slot's cores and memory, and whether it is fit.
- `tasks`: what runs in a slot.
- `places`: where slots come from, a ``LocalCluster`` or the jobs of a profile in ``cluster/``.
- `engine`: sends tasks to slots and hears what became of them.
- `progress`: what the instructor sees meanwhile.
- `command`: all of this in order.
"""
