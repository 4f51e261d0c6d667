"""The numbers of ex05: threads against processes, and what dask-jobqueue writes."""

import re

import dask
import distributed  # noqa: F401  (its settings)

from lessons.number import number
from lessons.text import Lesson


def _limit(lesson: Lesson, **changes: object) -> str:
    """Return the memory of a worker in the script for Gadi."""
    script = lesson["job_script"](lesson["PBSJob"], {**lesson["on_gadi"], **changes})
    found = re.search(r"--memory-limit (\S+)", script)
    return found[1] if found else "none"


@number("`--nworkers 8 --nthreads 6` is a default")
def _defaults(lesson: Lesson) -> str:
    script = lesson["job_script"](lesson["PBSJob"], {"cores": 48, "memory": "190GiB"})
    return " ".join(re.findall(r"--n\w+ \d+|select=\S+|walltime=\S+", script))


@number(
    "`in_numpy` is faster both with two threads and with two processes, up to twice as fast, and "
    "`in_python` only with two processes."
)
def _six_times(lesson: Lesson) -> str:
    said = []
    for name in ("in_numpy", "in_python"):
        one, threads, processes = lesson(rf"{name} *([\d.]+) s +([\d.]+) s +([\d.]+) s")
        said.append(f"{name} {one / threads:.2f} and {one / processes:.2f} times as fast")
    return "; ".join(said)


@number(
    "When it has filled 60 % of its memory, Dask begins to write results to disk; at 80 % it "
    "starts no new tasks; at 95 % it is killed."
)
def _shares(lesson: Lesson) -> str:
    memory = dask.config.get("distributed.worker.memory")
    return ", ".join(f"{name} {memory[name]}" for name in ("target", "spill", "pause", "terminate"))


@number("The first line should say `(3, 4)`, the second `(12, 4)`. The third may surprise you: 19")
def _divided(lesson: Lesson) -> str:
    return "; ".join(lesson.line(f"{start}:") for start in ("the example above",
                     "Gadi, tasks of 2 GiB", "Gadi, tasks of 6 GiB"))  # fmt: skip


@number("The last line should start 12 workers with 4 threads and about 15.8 GiB each.")
def _twelve(lesson: Lesson) -> str:
    return _limit(lesson)


@number("Does it say `--cpus-per-task=16` and `--mem=60G`? If it says 56G, look at the unit.")
def _units(lesson: Lesson) -> str:
    said = []
    for memory in ("60GiB", "60GB"):
        arguments = {**lesson["on_slurm"], "memory": memory}
        script = lesson["job_script"](lesson["SLURMJob"], arguments)
        said += re.findall(r"--mem=\S+|--cpus-per-task=\S+", script)
    return " ".join(said)


@number("48 workers of 1 thread and 4 GiB each")
def _processes(lesson: Lesson) -> str:
    return _limit(lesson, processes=48)


@number("14.75 GiB per worker in place of 15.83.")
def _decimal(lesson: Lesson) -> str:
    return f"{_limit(lesson, memory='190GB')} in place of {_limit(lesson)}"


@number("You pay for 7 % that nobody uses.")
def _unused(lesson: Lesson) -> str:
    return f"{1 - 190e9 / (190 * 2**30):.1%}"


@number("half an hour, dask-jobqueue's default.")
def _walltime(lesson: Lesson) -> str:
    script = lesson["job_script"](lesson["PBSJob"], {**lesson["on_gadi"], "walltime": None})
    return " ".join(re.findall(r"walltime=\S+", script))
