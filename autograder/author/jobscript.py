"""Job scripts: from the arguments of a batch cluster to what its jobs ask for and start.

The arguments are a student's and came out of the box as text. They are held against a list of
names and types, dask-jobqueue writes the job script that they make, and the script is read as
the batch system would read it. Nothing of it is ever run: the script is text from beginning to
end, and no cluster object, which would start a scheduler, is made.
"""

import json
import re
import shlex
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

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


@dataclass(frozen=True, slots=True)
class JobScript:
    """A job script as the batch system and the shell read it."""

    options: Mapping[str, str]
    """Of the directives, by name: ``-q`` of PBS, ``--partition`` of SLURM; ``-l`` left out."""
    resources: Mapping[str, str]
    """What PBS's ``-l`` directives ask for, by name."""
    twice: tuple[str, ...]
    """Options and resources that are asked for with two different values."""
    setup: tuple[str, ...]
    """Shell commands before the workers start, blanks evened out."""
    worker: Mapping[str, str]
    """Options of the command that starts the workers, by name."""


# --------------------------------------------------------------------- what may be given

_TEXT, _WHOLE, _NUMBER, _YES = "a text", "a whole number", "a number", "True or False"
_SIZE, _TEXTS, _TABLE = "a size", "a list of texts", "a dictionary"

_TYPES: Mapping[str, tuple[type, ...]] = {
    _TEXT: (str,),
    _WHOLE: (int,),
    _NUMBER: (int, float, str),
    _YES: (bool,),
    _SIZE: (str, int, float),
    _TEXTS: (list,),
    _TABLE: (dict,),
}

_OF_THE_CLUSTER: Mapping[str, str] = {
    "n_workers": _WHOLE,
    "name": _TEXT,
    "silence_logs": _TEXT,
    "asynchronous": _YES,
    "scheduler_options": _TABLE,
}
"""Arguments that do not reach the job script."""

_OF_THE_JOB: Mapping[str, str] = {
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
    "job_name": _TEXT,
    "queue": _TEXT,
    "account": _TEXT,
    "project": _TEXT,
    "walltime": _TEXT,
    **dict.fromkeys(("worker_extra_args", "extra"), _TEXTS),
    **dict.fromkeys(("job_extra_directives", "job_extra"), _TEXTS),
    **dict.fromkeys(("job_script_prologue", "env_extra"), _TEXTS),
    **dict.fromkeys(("job_directives_skip", "header_skip"), _TEXTS),
}

_ALLOWED: Mapping[Kind, Mapping[str, str]] = {
    "PBS": {**_OF_THE_CLUSTER, **_OF_THE_JOB, "resource_spec": _TEXT},
    "SLURM": {**_OF_THE_CLUSTER, **_OF_THE_JOB, "job_cpu": _WHOLE, "job_mem": _TEXT},
}
"""Arguments by kind of cluster. What names a class, a section of the configuration or a file to
read is left out: it has no place in data."""


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
        Of the names and types that dask-jobqueue takes; what is None is left out, which is the
        same to it.

    Raises
    ------
    ArgumentError
        If the text is no JSON object, or holds something else.
    """
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArgumentError("was given arguments that cannot be read") from error
    if not isinstance(given, dict):
        raise ArgumentError("was given no dictionary of arguments")
    allowed = _ALLOWED[kind]
    arguments = {name: value for name, value in given.items() if value is not None}
    for name, value in arguments.items():
        if name not in allowed:
            raise ArgumentError(f"knows no argument {name[:40]!r}{suggestion(name, [*allowed])}")
        wanted = allowed[name]
        # bool is a kind of int to Python, but not to a reader.
        right = isinstance(value, _TYPES[wanted]) and isinstance(value, bool) is (wanted == _YES)
        if wanted == _TEXTS:
            right = right and all(isinstance(entry, str) for entry in value)
        if not right:
            raise ArgumentError(f"wants {wanted} as {name}, not {repr(value)[:40]}")
    return arguments


def write(kind: Kind, arguments: Mapping[str, Any]) -> str:
    """Let dask-jobqueue write the job script that a cluster would submit for each job.

    This machine's own configuration of dask-jobqueue does not count, only its defaults do.

    Parameters
    ----------
    kind : {"PBS", "SLURM"}
    arguments : mapping of str to object
        As `read` returns them.

    Raises
    ------
    ArgumentError
        If dask-jobqueue cannot make a script of them.
    """
    import dask
    from dask_jobqueue.pbs import PBSJob
    from dask_jobqueue.slurm import SLURMJob

    # A log directory would be made on this machine, at once.
    left_out = {*_OF_THE_CLUSTER, "log_directory"}
    of_the_job = {name: value for name, value in arguments.items() if name not in left_out}
    job = {"PBS": PBSJob, "SLURM": SLURMJob}[kind]
    with dask.config.set(_defaults()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # older names of arguments are as good
        try:
            script = job(scheduler="tcp://scheduler:8786", name="worker", **of_the_job).job_script()
        except Exception as error:
            # Types are right by now, so it is a value: a size that is none, no process at all.
            problem = _too_small(arguments) or f"{type(error).__name__}: {error}".splitlines()[0]
            raise ArgumentError(f"cannot use these arguments ({shorten(problem, 120)})") from error
    return str(script)


def _too_small(arguments: Mapping[str, Any]) -> str:
    """Say that a unit is missing, where dask-jobqueue fails over a few bytes of memory."""
    memory = arguments.get("memory")
    number = str(memory).strip()
    if not re.fullmatch(r"\d{1,6}(\.\d*)?", number, re.ASCII):
        return ""
    return f"memory={memory!r} means {number} bytes: write the unit, as in memory='{number}GiB'"


@cache
def _defaults() -> Mapping[str, Any]:
    """Return dask-jobqueue's own configuration, as it comes."""
    import dask
    import dask_jobqueue

    file = Path(dask_jobqueue.__file__).parent / "jobqueue.yaml"
    (defaults,) = dask.config.collect_yaml([str(file)])
    return dict(defaults)


def jobs(arguments: Mapping[str, Any], script: JobScript) -> int:
    """Return how many jobs a cluster submits at once: ``n_workers`` counts workers, not jobs."""
    per_job = script.worker.get("--nworkers", "1")
    together = int(per_job) if per_job.isdecimal() and len(per_job) < 10 else 1
    return -(-int(arguments.get("n_workers", 0)) // max(together, 1))


# ------------------------------------------------------------------------ reading a script

_MARK: Mapping[Kind, str] = {"PBS": "#PBS", "SLURM": "#SBATCH"}

_LONG = MappingProxyType(
    {
        "-p": "--partition",
        "-A": "--account",
        "-t": "--time",
        "-c": "--cpus-per-task",
        "-n": "--ntasks",
        "-N": "--nodes",
        "-J": "--job-name",
    }
)
"""SLURM has two names for most options; dask-jobqueue uses both."""


def parse(kind: Kind, script: str) -> JobScript:
    """Read a job script: its directives, its shell commands and how the workers are started.

    Directives count down to the first shell command, as for ``qsub`` and ``sbatch``.

    Parameters
    ----------
    kind : {"PBS", "SLURM"}
    script : str
        As `write` returns it.

    Raises
    ------
    ArgumentError
        If a line of it has quotes that do not close.
    """
    lines = [line.strip() for line in script.splitlines()]
    asked: list[tuple[str, str]] = []
    commands = []
    for line in lines:
        if line and not line.startswith("#"):
            commands.append(line)
        elif line.startswith(f"{_MARK[kind]} ") and not commands:
            asked += _options(_words(line.removeprefix(_MARK[kind])))
    asked = [(_LONG.get(name, name) if kind == "SLURM" else name, value) for name, value in asked]
    wanted = [pair for name, value in asked if name == "-l" for pair in _resources(value)]
    options = [(name, value) for name, value in asked if kind == "SLURM" or name != "-l"]
    twice = {
        name
        for given in (options, wanted)
        for name, value in given
        if dict(given)[name].lower() != value.lower()
    }
    setup = [part for line in commands[:-1] for part in re.split(r"&&|;", line)]
    return JobScript(
        options=dict(options),
        resources=dict(wanted),
        twice=tuple(sorted(twice)),
        setup=tuple(" ".join(part.split()) for part in setup if part.strip()),
        worker=dict(_options(_words(commands[-1]))) if commands else {},
    )


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise ArgumentError(f"makes a line that no shell can read: {line[:80]}") from error


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield name and value of the options among some words, whichever way they are written."""
    for word, following in zip(words, [*words[1:], "-"], strict=True):
        value = "" if following.startswith("-") else following
        if word.startswith("--"):
            name, equals, attached = word.partition("=")
            yield name, attached if equals else value
        elif re.match(r"-[A-Za-z]", word):
            yield word[:2], word[2:].removeprefix("=") or value


def _resources(text: str) -> Iterator[tuple[str, str]]:
    # A chunk of "select" is one resource, with colons and equals signs of its own.
    for part in text.split(","):
        name, _, value = part.partition("=")
        yield name.strip(), value.strip()


def size(text: str, default: str = "B") -> int | None:
    """Return bytes as PBS and SLURM count them: a kB is 1024 bytes, whatever its name.

    Parameters
    ----------
    text : str
        As in ``190GB`` or ``16G``.
    default : str
        The unit of a bare number: ``B`` in PBS, ``M`` in SLURM.

    Returns
    -------
    int or None
        None if the text is no size.
    """
    match = re.fullmatch(r"(\d{1,15}) ?([kmgt]?)(b?)", text, re.IGNORECASE | re.ASCII)
    if match is None:
        return None
    unit = match[2] or ("" if match[3] else default.removesuffix("B"))
    power = " KMGT".index(unit.upper() or " ")
    return int(match[1]) << 10 * power


def seconds(kind: Kind, text: str) -> int | None:
    """Return a time limit in seconds, or None if the text is none.

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
