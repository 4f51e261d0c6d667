"""The table of mistakes that behaviour gives away, the more specific first.

What is counted (bytes, tasks, results) comes before what is a share of CPU time: a client that
packs large graphs or thousands of tasks computes as long as one that does the work itself.

The numbers are those of the catalogue in ``docs/mistakes.md``. Several numbers in one row are
mistakes that cannot be told apart by what was seen; the catalogue says why.
"""

from collections.abc import Callable
from dataclasses import dataclass

from autograder.diagnose import amount, clock, kept, placement, shape, traffic
from autograder.model import Exercise, Reference, Run, SpeedupStudy

__all__ = ["TABLE", "Detector", "Row"]

Detector = Callable[[Exercise, Run, SpeedupStudy | None, Reference], str | None]
"""Returns the explanation with the student's own numbers, or None if it is not this mistake."""

JOBLIB, PREDICTION, COLLECTION = ("joblib",), ("ParallelPostFit",), ("KMeans",)
SPEEDUP, LAZY, VALUES = "speedup", "lazy", "values"
STAYS, READS, MEMORY, TIMING = "stays_distributed", "reads_once", "memory", "timing"


@dataclass(frozen=True, slots=True)
class Row:
    """One mistake, or several that look alike."""

    name: str
    numbers: tuple[int, ...]
    """In the catalogue."""
    title: str
    see: str
    """Title of the documentation page to read."""
    detect: Detector
    techniques: tuple[str, ...] = ()
    """Of the exercises that it occurs in; empty for all."""
    explains: tuple[str, ...] = (SPEEDUP,)
    """Names of the checks that it can cost points in."""


TABLE: tuple[Row, ...] = (
    Row(
        "own_cluster",
        (3,),
        "A cluster of your own",
        "Dask.distributed: Client",
        placement.own_cluster,
    ),
    Row(
        "outside_backend",
        (1,),
        "fit does not run inside the Dask backend",
        "joblib: parallel_config",
        placement.outside_backend,
        JOBLIB,
    ),
    Row(
        "search_in_one_task",
        (7,),
        "The whole search is one task",
        "Dask-ML: Scikit-Learn & Joblib",
        shape.search_in_one_task,
        JOBLIB,
    ),
    Row(
        "collection_fetched",
        (5, 15),
        "The whole collection is brought to one process",
        "Dask-ML: KMeans",
        kept.collection_fetched,
        COLLECTION,
        explains=(SPEEDUP, LAZY, STAYS, READS),
    ),
    Row(
        "kept_in_vain",
        (20,),
        "What was persisted is not what was used",
        "Dask.distributed: Managing Memory, section Persisting Collections",
        kept.kept_in_vain,
        COLLECTION,
        explains=(SPEEDUP, LAZY, STAYS, READS),
    ),
    Row(
        "not_kept",
        (11, 21),
        "The input is made anew for every step",
        "Dask: Best Practices, section Persist When You Can",
        kept.not_kept,
        COLLECTION,
        explains=(SPEEDUP, LAZY, STAYS, READS),
    ),
    Row(
        "computed_early",
        (6,),
        "The result is computed too early",
        "Dask: User Interfaces, section Laziness and Computing",
        kept.computed_early,
        COLLECTION,
        explains=(SPEEDUP, LAZY, STAYS, READS),
    ),
    Row(
        "one_block",
        (7,),
        "All rows are in one chunk",
        "Dask: Chunks",
        kept.one_block,
        COLLECTION,
        explains=(SPEEDUP, READS),
    ),
    Row(
        "one_at_a_time",
        (10,),
        "One training at a time",
        "joblib: Parallel, parameter pre_dispatch",
        shape.one_at_a_time,
        JOBLIB,
    ),
    Row(
        "round_trip",
        (9, 27),
        "The data go to the notebook's process and back",
        "Dask: Best Practices, section Load Data with Dask",
        traffic.round_trip,
        explains=(SPEEDUP, LAZY),
    ),
    Row(
        "gathers_input",
        (5, 13, 15),
        "All the data are brought to one process",
        "Dask: Best Practices, section Load Data with Dask",
        traffic.gathers_input,
        explains=(SPEEDUP, LAZY, MEMORY),
    ),
    Row(
        "scored_at_home",
        (5, 28),
        "The score is worked out in the notebook's own process",
        "Dask-ML: ParallelPostFit",
        traffic.scored_at_home,
        PREDICTION,
        explains=(STAYS,),
    ),
    Row(
        "big_graph",
        (9, 26),
        "Large objects travel inside the graph",
        "Dask: Best Practices, section Load Data with Dask",
        traffic.big_graph,
    ),
    Row(
        "tiny_tasks",
        (8,),
        "Too many tiny tasks",
        "Dask: Best Practices, section Avoid Very Large Graphs",
        shape.tiny_tasks,
    ),
    Row(
        "busy_work",
        (36,),
        "Work that is not needed runs beside the work itself",
        "Dask: Understanding Performance",
        amount.busy_work,
    ),
    Row(
        "serial_in_client",
        (4,),
        "The work is done in the notebook's own process",
        "Dask: Scheduling",
        placement.serial_in_client,
        explains=(SPEEDUP, LAZY, STAYS),
    ),
    Row(
        "pinned",
        (18,),
        "All tasks are sent to one worker",
        "Dask.distributed: Data Locality",
        placement.pinned,
    ),
    Row(
        "one_chunk",
        (7,),
        "One chunk holds everything",
        "Dask: Chunks",
        shape.one_chunk,
    ),
    Row(
        "compute_in_loop",
        (10,),
        "compute() inside a loop",
        "Dask: Best Practices, section Avoid calling compute repeatedly",
        shape.compute_in_loop,
    ),
    Row(
        "chain",
        (19,),
        "Every task waits for the one before it",
        "Dask: Understanding Performance",
        shape.chain,
    ),
    Row(
        "computed_again",
        (20, 21, 34),
        "The same work is done more than once",
        "Dask: Best Practices, section Avoid calling compute repeatedly",
        amount.computed_again,
    ),
    Row(
        "too_few",
        (31,),
        "Too few pieces for the workers",
        "Dask: Chunks",
        shape.too_few,
    ),
    Row(
        "waits_inside",
        (16,),
        "Tasks wait instead of computing",
        "Dask.distributed: Coordination Primitives",
        shape.waits_inside,
    ),
    Row(
        "partly_in_client",
        (2,),
        "Part of the work is done in the notebook's own process",
        "Dask-ML: Scikit-Learn & Joblib",
        placement.partly_in_client,
    ),
    Row(
        "gathers_result",
        (6,),
        "The labels are computed too early",
        "Dask-ML: ParallelPostFit",
        traffic.gathers_result,
        PREDICTION,
        explains=(SPEEDUP, LAZY),
    ),
    Row(
        "timed_too_early",
        (30,),
        "The clock was stopped before the work was done",
        "Dask: User Interfaces, section Laziness and Computing",
        clock.timed_too_early,
        explains=(TIMING,),
    ),
    Row(
        "hard_coded",
        (35,),
        "The answer was not worked out from these data",
        "scikit-learn: Common pitfalls and recommended practices",
        amount.hard_coded,
        explains=(VALUES,),
    ),
)
