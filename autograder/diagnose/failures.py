"""Exceptions that indicate a known mistake, no matter which line raised them."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from autograder.formats import clean, counted, seconds, sentence, shorten
from autograder.model import Failure, Kill, Mistake

__all__ = ["FAILURES", "NO_CALL", "Known", "Named", "endless", "explain", "unreadable"]


@dataclass(frozen=True, slots=True)
class Known:
    """An exception by its type and message, and the mistake behind it."""

    name: str
    numbers: tuple[int, ...]
    """In the catalogue, ``docs/mistakes.md``."""
    kind: str
    """Regular expression for the full name of the type."""
    message: str
    """Regular expression for part of the message; its groups fill the explanation's gaps."""
    title: str
    explanation: str
    see: str
    in_a_library: bool = False
    """Whether it is known only where no line of the student's raised it."""


@dataclass(frozen=True, slots=True)
class Named:
    """A mistake recognised neither by a run nor by an exception of the call."""

    title: str
    sign: str
    """Its sign."""
    see: str


NO_CALL = {
    "unreadable_cell": Named(
        "Python cannot read the cell",
        "The cell that defines the function ended with a SyntaxError",
        "Python: Errors and Exceptions, section Syntax Errors",
    ),
    "endless": Named(
        "Did not end within {0} s",
        "The call was stopped when its time was up",
        "Python: Errors and Exceptions, section Handling Exceptions",
    ),
    "waits_for_ever": Named(
        "Waited in vain for {0} s",
        "The call was stopped when its time was up, and hardly anything was computed meanwhile",
        "Dask.distributed: Launch Tasks from Tasks",
    ),
    "memory_full": Named(
        "Short of worker memory for {0} s",
        "The call was stopped when its time was up, and a worker had held 80 % of its memory, or "
        "was lost",
        "Dask.distributed: Worker Memory Management",
    ),
    "waits_for_the_dead": Named(
        "Waits for a worker that is gone",
        "The call was stopped when its time was up, after the grader had killed a worker",
        "Dask.distributed: Resilience",
    ),
}
"""If the call never started, or never ended."""

FAILURES: tuple[Known, ...] = (
    Known(
        "worker_died",
        (22, 23),
        r"KilledWorker",
        r"",
        "A worker ran out of memory",
        "A worker that exceeds its memory limit is killed and restarted, and a task that kills "
        "its worker several times is given up (KilledWorker). A worker needs memory for a task's "
        "chunk, for its result and for everything else that it holds. Use smaller chunks, "
        "persist less, and do not build a matrix of all rows against all rows.",
        "Dask.distributed: Worker Memory Management",
    ),
    Known(
        "class_for_object",
        (),
        r"TypeError",
        r"missing 1 required positional argument: 'self'|instance of scikit-learn estimator "
        r"instead of a class|got estimator class instead",
        "A class stands where an object is needed",
        "The name of an estimator alone is its class. With parentheses, as in StandardScaler(), it "
        "is an object, which can be fitted and has settings. Look for a name without them.",
        "scikit-learn: Pipelines and composite estimators",
    ),
    Known(
        "not_fitted",
        (),
        r"NotFittedError",
        r"",
        "The model was never fitted",
        "A model was used before fit was called on it. Creating it only stores its settings; fit "
        "learns, changes the object and returns it. A copy made by clone() has to be fitted "
        "again, and so has a new wrapper around a model that is not fitted.",
        "scikit-learn: Getting Started",
    ),
    Known(
        "caret_for_power",
        (),
        r"TypeError",
        r"unsupported operand type\(s\) for \^|ufunc 'bitwise_xor' not supported",
        "^ is not a power in Python",
        "Python's ^ compares the bits of whole numbers, and is not there for others. A power is "
        "written with two stars, as in `x**2`.",
        "NumPy: the absolute basics for beginners",
    ),
    Known(
        "not_texts",
        (),
        r"AttributeError",
        r"has no attribute 'lower'",
        "A vectorizer got something that is no text",
        "A text vectorizer first puts every text into lower case, and it got something that is no "
        "text. Either it stands behind another vectorizer, which returns numbers: numbers are "
        "weighed by TfidfTransformer, not by TfidfVectorizer. Or it got a table where it needs a "
        "list of texts.",
        "scikit-learn: Pipelines and composite estimators",
    ),
    Known(
        "lengths_differ",
        (),
        r"ValueError",
        r"inconsistent numbers of samples",
        "X and y have different numbers of rows",
        "An estimator got features and labels with different numbers of rows; the message has both "
        "numbers. They belong together row by row: whatever selects, reorders or cuts one of them "
        "has to do the same to the other.",
        "scikit-learn: Getting Started",
    ),
    Known(
        "nout_missing",
        (),
        r"TypeError",
        r"Delayed objects of unspecified length are not iterable",
        "A Delayed does not know how many things it holds",
        "The function has not been called yet, so Dask cannot take its result apart into several "
        "variables. Say how many there are, as in `dask.delayed(function, nout=2)(argument)`, or "
        "take them one by one: `result[0]`, `result[1]`.",
        "Dask: Delayed",
    ),
    Known(
        "one_class",
        (),
        r"ValueError",
        r"number of classes has to be greater than one; got 1 class",
        "fit got rows of one class only",
        "fit begins anew, and needs rows of every class there is. A single block may have rows of "
        "one class only. partial_fit goes on learning block by block, and takes all classes as an "
        "argument of its first call.",
        "scikit-learn, User Guide: Strategies to scale computationally, section Incremental "
        "learning",
    ),
    Known(
        "another_scheduler",
        (),
        r"ValueError",
        r"Missing dependency .* for dependents",
        "Computed by another scheduler than the cluster's",
        "The workers keep the data, but another scheduler looked for them. A scheduler in the "
        "notebook's own process does that: scheduler='threads', 'processes' or "
        "'synchronous', as an argument of compute() or a setting of Dask. Leave it out: where "
        "there is a client, compute() sends the tasks to its cluster.",
        "Dask: Scheduling",
    ),
    Known(
        "map_blocks_dtype",
        (),
        r"ValueError",
        r"`dtype` inference failed in `(\w+)`",
        "map_blocks has to be given the type of its result",
        "To learn the type of the result, {0} called your function on an array of one row and one "
        "column, and the function did not take it. (A fitted estimator, for one, wants as many "
        "columns as it was fitted on.) Declare the result and Dask need not try: dtype= for the "
        "type and, where a row becomes one number, drop_axis=1.",
        "Dask Array: map_blocks",
    ),
    Known(
        "axis_missing",
        (),
        r"IndexError",
        r"^tuple index out of range$",
        "An array has fewer axes than it was said to have",
        "No line of yours raised this, but a library that looked for an axis that an array does "
        "not have. map_blocks is the usual cause: it takes every block of the result to have as "
        "many axes as the block that your function got. If a row of columns becomes one number, "
        "say drop_axis=1. To see the difference, compare `result.ndim` with "
        "`result.blocks[0].compute().ndim`.",
        "Dask Array: map_blocks",
        in_a_library=True,
    ),
    Known(
        "feature_chunks",
        (24,),
        r"ValueError",
        r"has (\d+) features?, but .* (?:is|was) expecting (\d+)",
        "The chunks cut the columns apart",
        "An estimator got {0} where it was fitted on {1}. A row has to be whole: each chunk holds "
        "some of the rows and all of their columns. rechunk({{1: -1}}) puts columns together "
        "again; chunks=(rows, number of columns) keeps them so.",
        "Dask: Chunks",
    ),
    Known(
        "unknown_chunks",
        (29,),
        r"ValueError|IndexError|NotImplementedError|AttributeError|TypeError",
        r"(?i)unknown chunk|chunk sizes?\b.* (?:are|is) unknown|nan chunk|unknown dimensions|"
        r"chunks.*\bnan\b",
        "Dask does not know the lengths of the chunks",
        "After a selection by condition, or from a data frame, Dask knows the number of chunks "
        "but not how many rows each has, and whatever needs row numbers fails. "
        "compute_chunk_sizes() counts the rows, in a pass over the data; "
        "to_dask_array(lengths=True) does so for data frames. Often it is better not to change "
        "the number of rows at all.",
        "Dask: Chunks, section Unknown Chunks",
    ),
    Known(
        "condition_of_many",
        (),
        r"ValueError",
        r"[Tt]he truth value of an? [^.]{1,60} is ambiguous",
        "One condition for a whole column",
        "Python asked a whole column or array whether it is true, and it has an answer for each "
        "row. if, and, or and not want a single one, and so does a chain such as 6 <= hour < 22. A "
        "comparison beside | or & without brackets becomes such a chain, since these signs bind "
        "tighter. Between columns write & for and, | for or, ~ for not, with brackets around each "
        "side: (hour >= 22) | (hour < 6).",
        "pandas, User Guide: Indexing and selecting data",
    ),
)


def explain(failure: Failure, known: Iterable[Known] = FAILURES) -> tuple[Mistake, ...]:
    """Name the mistake behind an exception, if it is a known one."""
    for each in known:
        match = re.search(each.message, failure.message)
        theirs = each.in_a_library and failure.line is not None
        if match and re.fullmatch(each.kind, failure.kind) and not theirs:
            # Every number that a message gives is one of columns.
            found = [counted(int(g), "column") if g.isdecimal() else g for g in match.groups()]
            explanation = each.explanation.format(*found)
            return (Mistake(each.name, each.title, explanation, each.see),)
    return ()


def unreadable(function: str, failure: Failure) -> Mistake:
    """Report Python's error in the cell that defines a function.

    Parameters
    ----------
    function : str
    failure : Failure
        A `SyntaxError`.
    """
    place = f"Cell [{failure.cell}]" if failure.cell is not None else "The cell"
    place += f", line {failure.line}" if failure.line is not None else ""
    said = sentence(shorten(clean(failure.message).strip() or failure.kind, 200))
    known = NO_CALL["unreadable_cell"]
    return Mistake(
        "unreadable_cell",
        known.title,
        f"{place}: {said} Nothing in that cell ran, so {function} is not defined. Where a bracket "
        "or a quote is missing, Python may notice only on a later line.",
        known.see,
    )


IDLE = 0.25
"""CPU seconds of the busiest process, used or waited for, per second of wall clock, below which a
stopped function had been waiting. Of a training that hung in a task of its own it used 0.08, all
processes together 0.25; a loop that has a core uses 1."""


FULL = 0.8
"""Share of its memory above which a worker starts no new task; Dask's default."""


def endless(
    function: str,
    stopped: str,
    busy: float = 1.0,
    kills: Collection[Kill] | None = None,
    held: float = 0.0,
    lost: int = 0,
    crowded: bool = False,
) -> tuple[Mistake, ...]:
    """Name the mistake of a function that was stopped because it took too long.

    Parameters
    ----------
    function : str
    stopped : str
        Why it was stopped, in the sandbox's words.
    busy : float
        Seconds in which the busiest process computed or waited for a CPU, per second of the call.
    kills : collection of Kill, optional
        The workers that were killed meanwhile.
    held : float
        Peak of the fullest worker, as a share of its memory.
    lost : int
        How many workers were lost without being killed.
    crowded : bool
        Whether other programs had the cores for most of the time.
    """
    limit = re.match(r"it ran for more than (?:the )?(\d{1,7}) seconds", stopped)
    if limit is None:
        return ()
    stopped = f"{function} was still running after {limit[1]} s and was stopped."
    if kills:
        name = "waits_for_the_dead"
        when = seconds(next(iter(kills)).seconds)
        explanation = (
            f"A worker was killed after {when}, and {function} was still waiting after "
            f"{limit[1]} s. Another worker replaced it, with another address. A job that is tied "
            "to one worker (workers=) waits for it for ever, and so does a job that needs data "
            "scattered to it. Let the scheduler choose."
        )
    elif held >= FULL or lost:
        name = "memory_full"
        seen = (
            f"{counted(lost, 'worker')} {'was' if lost == 1 else 'were'} lost meanwhile"
            if lost
            else f"A worker held {held:.0%} of its memory"
        )
        explanation = (
            f"{stopped} {seen}. Above 80 % of its memory a worker starts no new task, and at 95 % "
            "it is restarted: what it held is computed again, until it is full again. A task, or "
            "everything kept together, is too large for a worker. rechunk to one block of all "
            "rows does that, and so does persist() of more than fits, or a step that needs all "
            "blocks at once. Keep the blocks as small as they were, and combine the results of "
            "the blocks."
        )
    elif busy < IDLE:
        name = "waits_for_ever"
        explanation = (
            f"{stopped} Hardly anything was computed meanwhile, neither here nor on the workers: "
            "it waited for something that never arrived. A task that waits for other tasks "
            "occupies its worker's thread; if they need that thread, all wait for ever. A "
            "training on several workers that "
            "is started inside a task does that, too: start it in the notebook."
        )
    else:
        name = "endless"
        others = "Other programs had the cores for most of that time, which may be the only cause. "
        explanation = (
            f"{stopped} {others if crowded else ''}A loop that never "
            "ends does that, and so does waiting for a result that never arrives, or far more work "
            "than the task needs. (Python's own sum, min and max, and a for loop, take a Dask "
            "array apart number by number; its methods go chunk by chunk. apply(axis=1) calls "
            "Python for every row of a table, where columns do it at once. Data that do not fit "
            "into a worker's memory make it restart again and again.) Call the function in the "
            "notebook and interrupt the kernel: the traceback shows which line it was at."
        )
    known = NO_CALL[name]
    return (Mistake(name, known.title.format(limit[1]), explanation, known.see),)
