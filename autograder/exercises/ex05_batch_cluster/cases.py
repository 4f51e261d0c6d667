"""The inputs of ex05, the right answers, and how a student's answer is judged.

The seed draws a project, sizes, limits and set-up lines, so that no answer can be known
beforehand. The arguments of a batch cluster leave the box as text. Outside, dask-jobqueue
makes a job script from them, and what that script asks for and starts is judged: two ways of
asking for the same thing are both right. The script is never run.

`autograder.author.kit` says what each function has to do, and where it runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autograder.author import kit
from autograder.author.kit import Array

if TYPE_CHECKING:
    from autograder.author.jobscript import JobScript, Kind
    from autograder.author.shell import Command

GIB = 2**30
MOST_THREADS = 4
"""Threads of one worker: with more, code that holds the interpreter's lock gets in the way."""
NODE_CORES, NODE_MEMORY, NODE_DISK = 48, 190 * GIB, 100 * GIB
"""A node in Gadi's normal queue: 192 GiB, of which the system keeps some; and our jobfs."""
_KINDS: Mapping[str, Kind] = {"gadi": "PBS", "slurm": "SLURM"}
"""By the first word of a case's name."""
_OBJECTS = ("security", "scheduler_cls", "loop")
"""Arguments that are Python objects, and do not change what a job asks for."""
_STEPS = {"gadi_directives": "gadi_directives", "gadi_split": "gadi_workers"}
"""Functions that return a part of the arguments, by their case."""
LONGEST = 50_000
"""Most characters that the arguments of a cluster may have as text."""


# ------------------------------------------------------------------------------- in the box


def prepare(case: str, parameters: Mapping[str, float], seed: int) -> tuple[tuple[Any, ...], int]:
    """Draw the arguments; there are no data, so the size is 0.

    The parameters of ``workers_for`` are those of a node: ``cores``, ``memory_gib``, and from
    ``least`` to ``most`` tasks that its memory has room for.
    """
    return tuple(_inputs(case, parameters, seed).values()), 0


def materialise(case: str, result: Any) -> dict[str, Array]:
    """Turn what the student's function returned into plain arrays.

    Returns
    -------
    dict of str to numpy.ndarray
        ``split`` (2,) for ``workers_for``, otherwise ``arguments`` (), JSON as text.
    """
    kind = _kind_of(case)
    if kind is None:
        return {"split": _pair(result)}
    function = _STEPS.get(case, f"{case.partition('_')[0]}_job")
    if not isinstance(result, Mapping) or not all(isinstance(name, str) for name in result):
        raise TypeError(
            f"{function} must return a dictionary with {'some of ' if case in _STEPS else ''}the "
            f"arguments of a {kind}Cluster by name; it returned {kit.kind(result)}."
        )
    plain = {
        name: None if name in _OBJECTS else _plain(function, name, value)
        for name, value in result.items()
    }
    text = json.dumps(plain)
    if len(text) > LONGEST:
        raise TypeError(f"{function} returned {len(text):,} letters, where some hundred will do.")
    return {"arguments": np.array(text)}


def warm() -> None:
    """Nothing to do: no case runs a task."""


def _pair(result: Any) -> Array:
    contract = "workers_for must return two whole numbers, processes and threads"
    if not isinstance(result, tuple | list | np.ndarray) or len(result) != 2:
        raise TypeError(f"{contract}; it returned {kit.kind(result)}.")
    for number in result:
        if isinstance(number, bool | np.bool_) or not isinstance(number, int | np.integer):
            hint = ": a // b divides to a whole number" if isinstance(number, float) else ""
            raise TypeError(f"{contract}; one of them is {kit.kind(number)}{hint}.")
        if abs(int(number)) >= 2**31:
            raise TypeError(f"{contract}; one of them is beyond all bounds.")
    return np.array([int(number) for number in result], dtype=np.int64)


def _plain(function: str, name: str, value: Any) -> Any:
    """Return an argument for JSON; what dask-jobqueue would turn into text becomes text."""
    if isinstance(value, np.bool_ | np.integer | np.floating | np.str_):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, PurePath | timedelta):
        return str(value)
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, list | tuple):
        return [_plain(function, name, entry) for entry in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(function, name, entry) for key, entry in value.items()}
    raise TypeError(
        f"{function} returned {kit.kind(value)} as {name}, which is no text, number or list."
    )


# ------------------------------------------------------------------ on both sides, NumPy only


def _kind_of(case: str) -> Kind | None:
    """Return the kind of batch system that a case is about, if it is about one."""
    return _KINDS.get(case.partition("_")[0])


def _inputs(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Any]:
    """Draw the arguments of the student's function, by name."""
    draw = np.random.default_rng([seed, 5])

    def some(*values: Any) -> Any:
        return values[draw.integers(len(values))]

    kind = _kind_of(case)
    if kind is None:
        memory = int(parameters["memory_gib"]) * GIB
        tasks = int(draw.integers(int(parameters["least"]), int(parameters["most"]) + 1))
        # A task of which just this many fit: between the smallest and the largest of these.
        smallest, largest = 6 * memory // (10 * (tasks + 1)) + 1, 6 * memory // (10 * tasks)
        task_memory = int(smallest + (largest - smallest) * draw.random())
        return {
            "cores": int(parameters["cores"]),
            "memory": memory,
            "task_memory": task_memory,
        }
    # Never all 48 cores, never as many threads as 48 cores give with so many processes, and never
    # dask-jobqueue's own choice: whether a mistake shows must not depend on the seed.
    processes, threads = some((15, 2), (10, 3), (12, 3), (9, 4), (14, 2))
    walltime = f"{draw.integers(1, 10):02d}:{draw.integers(1, 60):02d}:00"
    project = "".join(map(str, [*draw.choice(list("abcdfghk"), 2), *draw.integers(10, size=2)]))
    if kind == "PBS":
        given = {
            "project": project,
            "queue": some("normal", "express"),
            "nodes": some(2, 3, 5, 7),
            "processes": processes,
            "threads": threads,
            "walltime": walltime,
            "setup": [
                f"module use /g/data/{project}/modules",
                f"module load scaling/{draw.integers(20, 30)}.{draw.integers(1000):03d}",
            ],
        }
        wanted = _PARTS.get(case, tuple(given))
        return {name: given[name] for name in wanted}
    bare = case.startswith("slurm_bare")
    return {
        "partition": some("compute", "work", "batch"),
        "account": None if bare else project,
        "jobs": some(2, 3, 5, 7),
        "processes": processes,
        "threads": threads,
        "memory": some(90, 120, 180, 250),
        "walltime": walltime,
        "interface": None if bare else f"{some('ib', 'hsn', 'eth')}{draw.integers(4)}",
    }


_PARTS = {"gadi_directives": ("project",), "gadi_split": ("nodes", "processes", "threads")}
"""Arguments of the functions that return a part."""


def _split(tasks: int) -> tuple[int, int]:
    """Divide this many tasks at once into processes and threads: the most threads possible."""
    threads = max(n for n in range(1, MOST_THREADS + 1) if tasks % n == 0)
    return tasks // threads, threads


# ------------------------------------------------------------------------------ outside


def oracle(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Work out the right answer.

    Returns
    -------
    dict of str to numpy.ndarray
        For ``workers_for`` what `materialise` gives for a right result, the inputs, and under
        ``mistake:<name>`` what known mistakes give. Otherwise the inputs as JSON: they decide
        what a right job script asks for.
    """
    given = _inputs(case, parameters, seed)
    if _kind_of(case) is not None:
        return {"given": np.array(json.dumps(given))}
    cores, memory, task_memory = given.values()
    tasks = min(cores, 6 * memory // (10 * task_memory))
    right = _split(tasks)
    known = {
        "no_headroom": _split(min(cores, memory // task_memory)),
        "memory_ignored": _split(cores),
        "swapped_split": right[::-1],
        "one_thread_each": (tasks, 1),
    }
    return {
        "split": np.array(right),
        "given": np.array([cores, memory, task_memory]),
        **{f"mistake:{name}": np.array(value) for name, value in known.items()},
    }


def compare(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> kit.Comparison:
    """Judge an answer by the truth."""
    kind = _kind_of(case)
    if kind is None:
        return kit.comparison(*_judge_split(truth, answer.get("split")))
    points = _judge_job(case, kind, json.loads(str(truth["given"])), answer.get("arguments"))
    wrong = next((point for point in points if not point.right), None)
    if wrong is not None:
        # The student's own words: a lone surrogate in them could not be encoded.
        got = wrong.got.encode(errors="backslashreplace").decode()
        return kit.comparison(False, wrong.expected, got, wrong.mistake)
    everything = _EVERYTHING[case.rpartition("_")[2]]
    return kit.comparison(True, everything, everything)


_EVERYTHING = {
    "directives": "directives that Gadi takes",
    "split": "the workers that it should, on every node",
    "request": "a job script that asks for what it should",
    "bare": "a job script that asks for what it should",
    "workers": "a job script that starts the workers that it should",
}


def _judge_split(truth: Mapping[str, Array], got: Any) -> tuple[bool, str, str, str | None]:
    cores, memory, task_memory = map(int, truth["given"])
    processes, threads = map(int, truth["split"])
    node = f"{cores} cores, {memory / GIB:.0f} GiB and {task_memory / GIB:.2f} GiB a task"
    expected = f"{processes} processes × {threads} threads, for {node}"
    if not kit.is_array(got, "iu") or got.shape != (2,):
        return False, expected, "no two whole numbers", None
    if np.array_equal(got, truth["split"]):
        return True, expected, expected, None
    known = kit.known_mistake(truth, lambda value: np.array_equal(got, value))
    answer = (int(got[0]), int(got[1]))
    said = f"{answer[0]} × {answer[1]}: {_broken_rule(answer, cores, memory, task_memory)}"
    return False, expected, said, known


def _broken_rule(answer: tuple[int, int], cores: int, memory: int, task_memory: int) -> str:
    """Say which part of the rule a split of a node breaks."""
    processes, threads = answer
    tasks = processes * threads
    if min(answer) < 1:
        return "there must be one process of one thread at least"
    at_once = _counted(tasks, "task") + " at once"
    if tasks > cores:
        return f"{at_once} are more than the {cores} cores"
    if 10 * tasks * task_memory > 6 * memory:
        return (
            f"{at_once} need {tasks * task_memory / GIB:.0f} GiB, more than 60 % of "
            f"{memory / GIB:.0f} GiB"
        )
    if threads > MOST_THREADS:
        return f"a process has {threads} threads, more than {MOST_THREADS}"
    if tasks < (most := min(cores, 6 * memory // (10 * task_memory))):
        return f"{at_once}, where {most} would fit"
    return f"{at_once}, as it should be, but more threads to a process would make them"


class _Point(NamedTuple):
    """One thing that a job script has to say."""

    right: bool
    expected: str
    got: str
    mistake: str | None = None


def _judge_job(case: str, kind: Kind, given: Mapping[str, Any], answer: Any) -> Iterator[_Point]:
    """Yield what is expected of a job script, the most telling first, as far as it can be read."""
    from autograder.author import jobscript

    cluster = f"{kind}Cluster"
    text = kit.single(answer, "U")
    if text is None:
        yield _Point(False, f"arguments of a {cluster}", "nothing that could be read")
        return
    try:
        arguments = jobscript.read(kind, text)
        if case in _STEPS:
            arguments = {**(_OTHERS if case == "gadi_directives" else {}), **arguments}
        script = jobscript.parse(kind, jobscript.write(kind, arguments))
        if case.endswith("workers"):
            yield from _workers(kind, given, arguments, script)
        elif case == "gadi_split":
            yield _jobs(given["nodes"], given, arguments, script)
            yield from _processes(kind, given, arguments, script)
        elif case == "gadi_directives":
            yield from _directives(given, script)
        elif kind == "PBS":
            yield from _gadi(given, arguments, script)
        else:
            yield from _slurm(given, arguments, script)
    except jobscript.ArgumentError as error:
        yield _Point(
            False, f"arguments that make a job script of a {cluster}", f"{cluster} {error}"
        )


_OTHERS = {"cores": 48, "memory": "190GiB", "processes": 12, "walltime": "03:33:00"}
"""Stand in for the arguments that are left out by a function that returns only a part."""


def _directives(given: Mapping[str, Any], script: JobScript) -> Iterator[_Point]:
    """Yield what Gadi must be asked for, except the queue and the number of jobs."""
    yield _no_select(script)
    text = script.resources.get("walltime")
    yield _walltime("PBS", "-l walltime", text, {**_OTHERS, **given}, _OTHERS)
    yield from _node(given, {}, script)


def _no_select(script: JobScript) -> _Point:
    return _Point(
        "select" not in script.resources,
        "no -l select, which Gadi refuses",
        f"#PBS -l select={script.resources.get('select')}",
        "select_kept",
    )


def _gadi(
    given: Mapping[str, Any], arguments: Mapping[str, Any], script: JobScript
) -> Iterator[_Point]:
    """Yield what Gadi must be asked for."""
    yield _no_select(script)
    yield _walltime("PBS", "-l walltime", script.resources.get("walltime"), given, arguments)
    yield _same("#PBS -q", given["queue"], script.options)
    yield from _node(given, arguments, script)
    yield _jobs(given["nodes"], given, arguments, script)


def _node(
    given: Mapping[str, Any], arguments: Mapping[str, Any], script: JobScript
) -> Iterator[_Point]:
    """Yield what asks for one whole node of Gadi, at the expense of the project."""
    from autograder.author.jobscript import size

    options, asked = script.options, script.resources
    yield _once(script)
    yield _Point(
        options.get("-P") == given["project"],
        f"#PBS -P {given['project']}",
        _line("#PBS -P", options),
        "project_as_account" if "-P" not in options and "-A" in options else None,
    )
    cores = asked.get("ncpus", "")
    nodes = (int(cores) if re.fullmatch(r"\d{1,9}", cores, re.ASCII) else 0) / NODE_CORES
    yield _Point(
        cores == str(NODE_CORES),
        f"#PBS -l ncpus={NODE_CORES}: one job is one node",
        f"#PBS -l ncpus={cores}" if cores else "no ncpus",
        "one_big_job" if nodes > 1 and nodes == int(nodes) else None,
    )
    yield _memory("#PBS -l mem", asked.get("mem"), size(asked.get("mem", "")), NODE_MEMORY, "GB")
    disk = size(asked.get("jobfs", ""))
    yield _memory("#PBS -l jobfs", asked.get("jobfs"), disk, NODE_DISK, "GB")
    yield _nothing_else("PBS", script)


def _slurm(
    given: Mapping[str, Any], arguments: Mapping[str, Any], script: JobScript
) -> Iterator[_Point]:
    """Yield what SLURM must be asked for."""
    options = script.options
    yield _walltime("SLURM", "-t", options.get("--time"), given, arguments)
    yield _same("#SBATCH --partition", given["partition"], options)
    yield _same("#SBATCH --account", given["account"], options)
    cores = given["processes"] * given["threads"]
    got, tasks = options.get("--cpus-per-task", ""), options.get("--ntasks", "1")
    yield _Point(
        _is_number(got, cores) and _is_number(tasks, 1),
        f"#SBATCH --cpus-per-task={cores}, {given['processes']} processes × {given['threads']} "
        "threads, for one task",
        f"#SBATCH --cpus-per-task={got[:20]}, --ntasks={tasks[:20]}"
        if got
        else "no #SBATCH --cpus-per-task",
        _per_process(given, arguments),
    )
    nodes = options.get("--nodes", "1")
    yield _Point(nodes in ("1", "1-1"), "one node for a job", f"#SBATCH --nodes={nodes}")
    yield _slurm_memory(given, arguments, options)
    yield _nothing_else("SLURM", script)
    yield _jobs(given["jobs"], given, arguments, script)


def _slurm_memory(
    given: Mapping[str, Any], arguments: Mapping[str, Any], options: Mapping[str, str]
) -> _Point:
    from autograder.author.jobscript import size

    wanted, cores = given["memory"] * GIB, given["processes"] * given["threads"]
    per_core = options.get("--mem-per-cpu")
    if per_core is None:
        mem = options.get("--mem")
        point = _memory("#SBATCH --mem", mem, size(mem or "", "M"), wanted, "G")
    else:  # if a site wants the memory per core
        each = size(per_core, "M")
        got = None if each is None else each * cores
        point = _memory("#SBATCH --mem-per-cpu", per_core, got, wanted, f"G / {cores} cores")
    return point._replace(mistake=_per_process(given, arguments) or point.mistake)


def _is_number(text: str, wanted: int) -> bool:
    return text.isdecimal() and len(text) < 10 and int(text) == wanted


def _processes(
    kind: Kind, given: Mapping[str, Any], arguments: Mapping[str, Any], script: JobScript
) -> Iterator[_Point]:
    """Yield how a job must be divided into workers."""
    worker = script.worker
    processes, threads = worker.get("--nworkers", "1"), worker.get("--nthreads", "")
    # A command other than Dask's own is not told how many processes to start.
    unsaid = "1" if arguments.get("processes", 1) == 1 else "no --nworkers"
    split = _per_process(given, arguments)
    if "processes" not in arguments and processes != "1":
        split = "processes_left_out"
    yield _Point(
        _is_number(processes, given["processes"]) and _is_number(threads, given["threads"]),
        f"{given['processes']} processes × {given['threads']} threads in a job",
        f"{worker.get('--nworkers', unsaid)[:20]} × {threads[:20]}",
        split,
    )
    yield _Point(
        worker.get("--nanny") != "no" or processes == "1",
        "workers that start",
        f"--no-nanny with {processes[:20]} processes, where dask worker stops at once",
    )
    wanted = NODE_MEMORY if kind == "PBS" else given["memory"] * GIB
    got = _dask_bytes(worker.get("--memory-limit", "")) * given["processes"]
    # A little less is a reserve, unless it comes from a GB that was meant to be a GiB.
    decimal = abs(got / wanted - 1e9 / GIB) < 0.002 and "i" not in str(arguments.get("memory"))
    yield _Point(
        0.9 * wanted <= got <= 1.01 * wanted and not decimal,
        f"{wanted / GIB:.0f} GiB for all workers of a job, or up to a tenth less",
        f"{given['processes']} times {worker.get('--memory-limit', 'nothing')}, "
        f"{got / GIB:.4g} GiB" + (f", from memory={arguments['memory']!r}"[:60] if decimal else ""),
        _per_process(given, arguments) or _unit(got, wanted),
    )


def _workers(
    kind: Kind, given: Mapping[str, Any], arguments: Mapping[str, Any], script: JobScript
) -> Iterator[_Point]:
    """Yield what must be started in a job."""
    from autograder.author.shell import variables

    worker = script.worker
    yield from _processes(kind, given, arguments, script)
    interface = "ib0" if kind == "PBS" else given["interface"]
    yield _same("--interface", interface, worker)
    known = variables(_before(kind, script), script.setup)
    if kind == "PBS":
        yield _local_directory(worker.get("--local-directory", ""), known)
        yield _setup(given["setup"], script.setup)
    leaves = any(
        command.words[0] in ("exit", "exec") and command.always for command in script.setup
    )
    yield _Point(not leaves, "a script that comes to its workers", "exit, before they start")
    cores = NODE_CORES if kind == "PBS" else given["processes"] * given["threads"]
    point = _library_threads(given, cores, known)
    if kind == "PBS":
        # Would it be right if PBS had not set the variable?
        alone = variables(_before(kind, script) | {"OMP_NUM_THREADS": "1"}, script.setup)
        if not point.right and _library_threads(given, cores, alone).right:
            point = point._replace(got=f"{point.got}, as PBS sets it", mistake="omp_from_pbs")
    yield point


# ------------------------------------------------------------------- single things to judge


def _same(name: str, wanted: str | None, options: Mapping[str, str]) -> _Point:
    key = name.split()[-1]
    expected = f"no {name}" if wanted is None else f"{name} {wanted}"
    return _Point(options.get(key) == wanted, expected, _line(name, options))


def _line(name: str, options: Mapping[str, str]) -> str:
    key = name.split()[-1]
    return f"{name} {options[key][:60]}" if key in options else f"no {name}"


def _once(script: JobScript) -> _Point:
    # A name or a place for output that is given twice does no harm: the last one counts.
    twice = " and ".join(sorted({*script.twice} & {"-P", "-q", *script.resources}))
    return _Point(not twice, "each thing asked for once", f"{twice} asked for with two values")


def _walltime(
    kind: Kind, name: str, text: str | None, given: Mapping[str, Any], arguments: Mapping[str, Any]
) -> _Point:
    from autograder.author.jobscript import seconds

    mark = "#PBS" if kind == "PBS" else "#SBATCH"
    joint = "=" if kind == "PBS" else " "
    by_default = "walltime" not in arguments and seconds(kind, text or "") == 1800
    return _Point(
        seconds(kind, text or "") == seconds(kind, given["walltime"]),
        f"{mark} {name}{joint}{given['walltime']}",
        f"{mark} {name}{joint}{text[:40]}" if text else f"no {mark} {name}",
        "walltime_missing" if not text or by_default else None,
    )


def _memory(name: str, text: str | None, got: int | None, wanted: int, unit: str) -> _Point:
    """Judge a size to within 2 %, which tells a GB of 10⁹ bytes from one of 2³⁰."""
    return _Point(
        got is not None and abs(got - wanted) <= 0.02 * wanted,
        f"{name}={wanted // GIB}{unit}",
        f"{name}={text[:40]}" if text else f"no {name}",
        _unit(got or 0, wanted),
    )


def _unit(got: float, wanted: int) -> str | None:
    """Recognise a size that is off by its unit: GB for GiB, or a thousandfold."""
    factors = (1e9 / 2**30, 1000 / 1024, 1e-3, 1 / 1024, 1e6 / 2**30, 1000, 1024, 1e12 / 2**30)
    near = any(abs(got - factor * wanted) <= 0.01 * factor * wanted for factor in factors)
    return "wrong_unit" if near else None


def _per_process(given: Mapping[str, Any], arguments: Mapping[str, Any]) -> str | None:
    """Recognise what was given for one process, though dask-jobqueue wants it for the job."""
    if "processes" not in arguments:
        return None
    memory = _dask_bytes(arguments.get("memory", 0)) * given["processes"]
    wanted = given["memory"] * GIB if "memory" in given else NODE_MEMORY
    cores = arguments.get("cores") == given["threads"]
    return "per_process" if cores or 0.9 * wanted <= memory <= 1.03 * wanted else None


def _jobs(
    wanted: int, given: Mapping[str, Any], arguments: Mapping[str, Any], script: JobScript
) -> _Point:
    from autograder.author.jobscript import jobs

    got, count = jobs(arguments, script), arguments.get("n_workers")
    mistake = "workers_are_jobs" if count == wanted else None
    if count is not None and "processes" not in arguments:
        mistake = "processes_left_out"
    return _Point(
        got == wanted,
        f"{wanted} jobs: n_workers={wanted * given['processes']}, {given['processes']} in each",
        f"{_counted(got, 'job')}: "
        + (f"n_workers={_short(count)}" if count is not None else "no n_workers"),
        mistake,
    )


def _short(number: int) -> str:
    return f"{number}"[:20]


def _counted(number: int, thing: str) -> str:
    return f"{_short(number)} {thing}" + ("" if number == 1 else "s")


def _setup(wanted: Iterable[str], given: Iterable[Command]) -> _Point:
    """Compare the shell commands with those wanted; others may come in between."""
    from autograder.author.shell import commands, plain

    rest = iter([tuple(map(plain, command.words)) for command in given if command.runs])
    lines = {line: commands(line)[0].words for line in wanted}
    missing = next((line for line, words in lines.items() if words not in rest), "")
    return _Point(
        not missing, "the set-up lines, in order, before the workers start", f"no line {missing}"
    )


def _local_directory(written: str, known: Mapping[str, str]) -> _Point:
    """Judge where workers spill to, as the shell passes it to them."""
    from autograder.author.shell import expand, plain

    # What NCI calls $TMPDIR inside a job is the same folder.
    place = expand(written, known)
    right = re.match(r"\$(?:PBS_JOBFS|TMPDIR)(?:/|$)", place) is not None
    shown = plain(place)
    got = f"--local-directory {shown[:60]}" if shown else "no --local-directory"
    quoted = shown != place and shown.startswith(("$PBS_JOBFS", "${PBS_JOBFS", "$TMPDIR"))
    return _Point(
        right,
        "--local-directory $PBS_JOBFS, the disk of the node",
        f"{got}, in quotes" if quoted else got,
        "never_expanded" if quoted else None,
    )


_HARMLESS: Mapping[Kind, str] = {
    "PBS": "-A -P -q -N -c -e -f -j -k -m -M -o -p -r -R -S -v -V",
    "SLURM": "--partition --account --time --ntasks --cpus-per-task --mem --mem-per-cpu --nodes "
    "--job-name --output --error --input --open-mode --chdir --comment --wckey --export "
    "--export-file --get-user-env --propagate --mail-type --mail-user --requeue --no-requeue "
    "--signal --nice --qos --constraint --cluster-constraint --prefer --exclusive --hint "
    "--threads-per-core --cpu-freq --mem-bind --distribution --profile --acctg-freq --no-kill "
    "--verbose --parsable --clusters --context",
}
"""Directives that do not change what a job gets, how many jobs there are or if they start."""
_RESOURCES = "ncpus mem jobfs walltime wd storage software other"
"""What ``-l`` may name on Gadi, in a queue without GPUs."""
_ATTRIBUTES = "umask group_list sandbox stagein stageout"
"""What ``-W`` may name: nothing that makes qsub or the job wait."""


def _nothing_else(kind: Kind, script: JobScript) -> _Point:
    """Refuse what changes the kind of job: an array, more nodes, a job that is held."""
    mark = "#PBS" if kind == "PBS" else "#SBATCH"
    more = [
        f"{mark} {name} {value}".strip()
        for name, value in script.options.items()
        if name not in _HARMLESS[kind].split()
        and not (name == "-W" and value.partition("=")[0].strip() in _ATTRIBUTES.split())
        and not (name == "--ntasks-per-node" and value == "1")
    ]
    more += [
        f"{mark} -l {name}" + (f"={value}" if value else "")
        for name, value in script.resources.items()
        if name not in _RESOURCES.split()
    ]
    return _Point(
        not more, "nothing else asked for", f"{'; '.join(more)[:80]} as well", "asks_for_more"
    )


_LIBRARIES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Variables that tell a library how many threads to start; Dask sets them to 1 for its workers
if they are not set yet (``distributed.nanny.pre-spawn-environ``)."""


def _before(kind: Kind, script: JobScript) -> dict[str, str]:
    """Return the part of a job's environment that matters here, when its shell starts.

    PBS sets OMP_NUM_THREADS to the cores of the job, over whatever ``-v`` says; SLURM does not.
    """
    text = script.options.get("-v" if kind == "PBS" else "--export", "")
    given = {name: value for name, _, value in (part.partition("=") for part in text.split(","))}
    given = {name.strip(): value.strip("'\"") for name, value in given.items() if value}
    if kind == "PBS":
        cores = script.resources.get("ncpus") or str(NODE_CORES)
        given |= dict.fromkeys(("OMP_NUM_THREADS", "NCPUS", "PBS_NCPUS"), cores)
        return given | {name: f"${name}" for name in ("PBS_JOBFS", "TMPDIR")}
    cores = script.options.get("--cpus-per-task", "1")
    return given | dict.fromkeys(("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"), cores)


def _library_threads(given: Mapping[str, Any], cores: int, known: Mapping[str, str]) -> _Point:
    """Judge the threads that libraries start for each task; Dask sets one by default."""
    from autograder.author.shell import plain

    tasks = given["processes"] * given["threads"]
    expected = "no more threads of libraries, BLAS and OpenMP, than the job has cores"
    for name in _LIBRARIES:
        value = known.get(name, "1")
        if re.fullmatch(r"0{0,9}[1-9]\d{0,8}", value, re.ASCII) and (
            int(value) == 1 or tasks * int(value) <= cores
        ):
            continue
        shown = f"{int(value):.9g}" if re.fullmatch(r"\d{1,300}", value, re.ASCII) else plain(value)
        said = f"{name}={shown[:60]} for each of the {tasks} tasks that run at once"
        return _Point(False, expected, said, "blas_threads")
    return _Point(True, expected, expected)


def _dask_bytes(value: Any) -> float:
    """Bytes as Dask counts them, 0 if it could not."""
    from dask.utils import parse_bytes

    try:
        return float(parse_bytes(value))
    except (ValueError, TypeError, OverflowError, AttributeError):
        return 0.0
