"""Job scripts: from the arguments of a batch cluster to what its jobs ask for and start.

The arguments are a student's and came out of the box as text. Their names and types are checked
against those that dask-jobqueue takes. Then dask-jobqueue writes the job script, and the script is
read as the batch system would read it (`autograder.author.directives`). Nothing is ever run: the
script is only text, and no cluster object is made, since that would start a scheduler.
"""

import inspect
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from autograder.author.directives import qsub, sbatch
from autograder.author.shell import Command, commands, is_assignment
from autograder.errors import ArgumentError
from autograder.formats import shorten
from cluster.explain import suggestion

__all__ = [
    "ArgumentError",
    "JobScript",
    "Kind",
    "jobs",
    "parse",
    "read",
    "seconds",
    "size",
    "write",
]

Kind = Literal["PBS", "SLURM"]
_ADDRESS = "tcp://scheduler:8786"


@dataclass(frozen=True, slots=True)
class JobScript:
    """A job script as the batch system and the shell read it."""

    options: Mapping[str, str]
    """Options of the directives, by name: ``-q`` in PBS, ``--partition`` in SLURM; not ``-l``."""
    resources: Mapping[str, str]
    """What PBS's ``-l`` directives ask for, by name."""
    twice: tuple[str, ...]
    """Options and resources that are asked for with two different values."""
    setup: tuple[Command, ...]
    """Shell commands before the workers start."""
    worker: Mapping[str, str]
    """Options of the command that starts the workers, by name, as the shell would see them."""


# --------------------------------------------------------------------- what may be given

_TEXT, _WHOLE, _NUMBER, _YES = "a text", "a whole number", "a number", "True or False"
_SIZE, _TEXTS, _TABLE = "a size", "a list of texts", "a dictionary"
_LEVEL, _ANY = "a level of logging", "anything"

_TYPES: Mapping[str, tuple[type, ...]] = {
    _TEXT: (str,),
    _WHOLE: (int,),
    _NUMBER: (int, float, str),
    _YES: (bool,),
    _SIZE: (str, int, float),
    _TEXTS: (list,),
    _TABLE: (dict,),
    _LEVEL: (int, str),
}

_WANTED: Mapping[str, str] = {
    # Of the cluster: they do not reach the job script.
    "n_workers": _WHOLE,
    "name": _TEXT,
    "silence_logs": _LEVEL,
    "asynchronous": _YES,
    "scheduler_options": _TABLE,
    "shared_temp_directory": _TEXT,
    # Of the job.
    "cores": _WHOLE,
    "memory": _SIZE,
    "processes": _WHOLE,
    "nanny": _YES,
    "protocol": _TEXT,
    "interface": _TEXT,
    "death_timeout": _NUMBER,
    "local_directory": _TEXT,
    "log_directory": _TEXT,
    "shebang": _TEXT,
    "python": _TEXT,
    "worker_command": _TEXT,
    "config_name": _TEXT,
    "job_name": _TEXT,
    "queue": _TEXT,
    "account": _TEXT,
    "project": _TEXT,
    "walltime": _TEXT,
    "resource_spec": _TEXT,
    "job_cpu": _WHOLE,
    "job_mem": _TEXT,
    **dict.fromkeys(("worker_extra_args", "extra"), _TEXTS),
    **dict.fromkeys(("job_extra_directives", "job_extra"), _TEXTS),
    **dict.fromkeys(("job_script_prologue", "env_extra"), _TEXTS),
    **dict.fromkeys(("job_directives_skip", "header_skip"), _TEXTS),
}
"""Expected kind of each argument, by name; others that dask-jobqueue knows may be anything."""

_ELSEWHERE = ("dashboard_address", "host")
"""Arguments that a cluster refuses under these names: they belong in ``scheduler_options``."""


@cache
def _known(kind: Kind) -> tuple[frozenset[str], frozenset[str]]:
    """Return the arguments that dask-jobqueue has for a kind of cluster, and those of its jobs."""
    from dask_jobqueue import core, pbs, slurm

    job: Any = {"PBS": pbs.PBSJob, "SLURM": slurm.SLURMJob}[kind]
    of_the_job = _parameters(job) | _parameters(core.Job)
    return of_the_job | _parameters(core.JobQueueCluster), of_the_job - {"security"}


def _parameters(kind: Any) -> frozenset[str]:
    parameters = inspect.signature(kind.__init__).parameters.values()
    named = (
        parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD
    )
    return frozenset(named) - {"self", "scheduler"}


def read(kind: Kind, text: str) -> dict[str, Any]:
    """Read the arguments of a cluster from JSON.

    Parameters
    ----------
    kind : {"PBS", "SLURM"}
    text : str
        Untrusted.

    Returns
    -------
    dict of str to object
        With the names and types that dask-jobqueue takes; None is left out, which means the same
        to it.

    Raises
    ------
    ArgumentError
        If the text is not a JSON object, or holds anything else.
    """
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArgumentError("was given arguments that cannot be read") from error
    if not isinstance(given, dict):
        raise ArgumentError("was given no dictionary of arguments")
    known, _ = _known(kind)
    arguments = {name: value for name, value in given.items() if value is not None}
    if given.get("nanny", True) is None:  # the one argument for which None means no
        arguments["nanny"] = False
    if given.get("processes", 1) is None:
        raise ArgumentError("stops with a TypeError where processes is None: leave it out instead")
    if "job_cls" in arguments:
        raise ArgumentError("was given a job_cls, and what that would write cannot be seen here")
    for name, value in arguments.items():
        if name in _ELSEWHERE:
            raise ArgumentError(f"takes {name} only in scheduler_options")
        if name not in known:
            raise ArgumentError(f"knows no argument {name[:40]!r}{_meant(name, known)}")
        wanted = _WANTED.get(name, _ANY)
        if wanted == _ANY:
            continue
        # To Python a bool is an int, but not to a reader.
        right = isinstance(value, _TYPES[wanted])
        if wanted != _LEVEL:
            right = right and isinstance(value, bool) is (wanted == _YES)
        if wanted == _TEXTS:
            right = right and all(isinstance(entry, str) for entry in value)
        if not right:
            raise ArgumentError(f"wants {wanted} as {name}, not {repr(value)[:40]}")
    if _is_tiny(memory := arguments.get("memory")):
        # dask-jobqueue would fail to format a string, or ask for that few bytes.
        raise ArgumentError(
            f"takes memory={repr(memory)[:40]} for as many bytes; give a unit, as in "
            f'"{str(memory).strip()[:20]}GiB"'
        )
    return arguments


_ELSEWHERE_CALLED = {
    "partition": "queue",
    "time": "walltime",
    "mem": "memory",
    "ncpus": "cores",
    "jobs": "n_workers",
    "workers": "n_workers",
}
"""Arguments by the names that batch systems and other libraries give them."""


def _meant(name: str, known: frozenset[str]) -> str:
    """Suggest the argument that was meant, if one is close: forty names are no hint."""
    if name in _ELSEWHERE_CALLED:
        return f' (did you mean "{_ELSEWHERE_CALLED[name]}"?)'
    near = suggestion(name, sorted(known))
    return near if "did you mean" in near else ""


def _is_tiny(memory: Any) -> bool:
    """Tell whether a size is a bare number that should have a unit."""
    with suppress(ValueError, OverflowError):
        return memory is not None and 0 < float(memory) < 10_000
    return False


def write(kind: Kind, arguments: Mapping[str, Any]) -> str:
    """Let dask-jobqueue write the job script that a cluster would submit for each job.

    Only dask-jobqueue's defaults count, not its configuration on this machine.

    Parameters
    ----------
    kind : {"PBS", "SLURM"}
    arguments : mapping of str to object
        As `read` returns them.

    Raises
    ------
    ArgumentError
        If dask-jobqueue cannot make a script from them.
    """
    import dask
    from dask_jobqueue.pbs import PBSJob
    from dask_jobqueue.slurm import SLURMJob

    # A log directory would be made on this machine, at once. To a job, name is the worker's.
    _, names = _known(kind)
    names = names - {"log_directory", "name"}
    of_the_job = {name: value for name, value in arguments.items() if name in names}
    job = {"PBS": PBSJob, "SLURM": SLURMJob}[kind]
    with dask.config.set(_defaults()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # older names of arguments are fine
        try:
            script = job(scheduler=_ADDRESS, name="worker", **of_the_job).job_script()
        except Exception as error:
            # The types are right by now, so a value is wrong: not a size, or zero processes.
            problem = _too_small(arguments) or f"{type(error).__name__}: {error}".splitlines()[0]
            raise ArgumentError(f"cannot use these arguments ({shorten(problem, 120)})") from error
    return str(script)


def _too_small(arguments: Mapping[str, Any]) -> str:
    """Say that a unit is missing, if dask-jobqueue fails because memory is only a few bytes."""
    memory = arguments.get("memory")
    number = str(memory).strip()
    if not re.fullmatch(r"\d{1,6}(\.\d*)?", number, re.ASCII):
        return ""
    return f"memory={memory!r} means {number} bytes: write the unit, as in memory='{number}GiB'"


@cache
def _defaults() -> Mapping[str, Any]:
    """Return dask-jobqueue's own configuration, as it is shipped."""
    import dask
    import dask_jobqueue

    file = Path(dask_jobqueue.__file__).parent / "jobqueue.yaml"
    (defaults,) = dask.config.collect_yaml([str(file)])
    return dict(defaults)


def jobs(arguments: Mapping[str, Any], script: JobScript) -> int:
    """Return how many jobs a cluster submits at once: ``n_workers`` counts workers, not jobs."""
    by_default = script.worker.get("--nworkers", "1")
    by_default = by_default if by_default.isdecimal() and len(by_default) < 10 else "1"
    per_job = int(arguments.get("processes", by_default))
    return -(-int(arguments.get("n_workers", 0)) // max(per_job, 1))


# ------------------------------------------------------------------------ reading a script


def parse(kind: Kind, script: str) -> JobScript:
    """Read a job script: its directives, its shell commands and how the workers are started.

    Only directives above the first shell command count, as for ``qsub`` and ``sbatch``.

    Parameters
    ----------
    kind : {"PBS", "SLURM"}
    script : str
        As `write` returns it.

    Raises
    ------
    ArgumentError
        If the batch system would refuse it, or a quote in a command is not closed.
    """
    lines = script.split("\n")
    first = next((n for n, line in enumerate(lines) if _is_command(line)), len(lines))
    asked = (sbatch if kind == "SLURM" else qsub)(lines[:first])
    wanted = [pair for name, value in asked if name == "-l" for pair in _resources(value)]
    options = [(name, value) for name, value in asked if kind == "SLURM" or name != "-l"]
    twice = {
        name
        for given in (options, wanted)
        for name, value in given
        if dict(given)[name].lower() != value.lower()
    }
    run = commands("\n".join(lines[first:]))
    start = run[-1].words if run else ()
    # Variables before a command, with "env" or without, are set for that command only.
    own = tuple(takewhile(is_assignment, start[1:] if start[:1] == ("env",) else start))
    return JobScript(
        options=dict(options),
        resources=dict(wanted),
        twice=tuple(sorted(twice)),
        setup=(*run[:-1], *([Command(("export", *own))] if own else [])),
        worker=dict(_worker_options(start)),
    )


def _is_command(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _worker_options(words: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield name and value of the options after the scheduler's address."""
    rest = words[words.index(_ADDRESS) + 1 :] if _ADDRESS in words else ()
    for word, following in zip(rest, [*rest[1:], "-"], strict=True):
        if word in ("--nanny", "--no-nanny"):
            yield "--nanny", "yes" if word == "--nanny" else "no"
        elif word.startswith("--"):
            name, equals, attached = word.partition("=")
            yield name, attached if equals else "" if following.startswith("-") else following


def _resources(text: str) -> Iterator[tuple[str, str]]:
    # A chunk of "select" is one resource that itself has colons and equals signs.
    for part in text.split(","):
        name, _, value = part.partition("=")
        if not name.strip():
            raise ArgumentError(f"makes a directive that qsub refuses: -l {text[:60]}")
        yield name.strip(), value.strip()


def size(text: str, default: str = "B") -> int | None:
    """Return bytes as PBS and SLURM count them: 1 kB is 1024 bytes, however it is written.

    Parameters
    ----------
    text : str
        As in ``190GB`` or ``16G``.
    default : str
        The unit of a bare number: ``B`` in PBS, ``M`` in SLURM.

    Returns
    -------
    int or None
        None if the text is not a size.
    """
    match = re.fullmatch(r"(\d{1,15}) ?([kmgt]?)(b?)", text, re.IGNORECASE | re.ASCII)
    if match is None or (default == "M" and match[3] and not match[2]):  # SLURM has no bytes
        return None
    unit = match[2] or ("" if match[3] else default.removesuffix("B"))
    power = " KMGT".index(unit.upper() or " ")
    return int(match[1]) << 10 * power


def seconds(kind: Kind, text: str) -> int | None:
    """Return a time limit in seconds, or None if the text is not one.

    PBS reads a bare number as seconds, SLURM as minutes; SLURM also knows ``days-hours``.
    """
    match = re.fullmatch(r"(?:(\d{1,6})-)?(\d{1,9})(?::(\d{1,4}))?(?::(\d{1,4}))?", text, re.ASCII)
    if match is None or (kind == "PBS" and match[1]):
        return None
    days = int(match[1] or 0)
    given = [int(part) for part in match.groups()[1:] if part is not None]
    if match[1]:  # days-hours:minutes:seconds, from the left
        hours, minutes, rest = [*given, 0, 0][:3]
    elif kind == "SLURM" and len(given) < 3:  # minutes, or minutes:seconds
        hours, (minutes, rest) = 0, [*given, 0][:2]
    else:  # from the right
        hours, minutes, rest = [0] * (3 - len(given)) + given
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest
