import ast
import json
from datetime import timedelta
from pathlib import Path

import nbformat
import numpy as np
import pytest
from recordings import UNSEEN

from autograder import grading
from autograder.author import jobscript
from autograder.checks import CHECKS
from autograder.errors import HarnessError
from autograder.evidence.assemble import gather
from autograder.exercise import catalogue
from autograder.model import Comparison, Run, Status

EX05 = catalogue.KIT / "ex05_batch_cluster"
SEEDS = range(6)


@pytest.fixture(scope="module")
def ex05():
    return catalogue.cases(catalogue.load(EX05))


@pytest.fixture(scope="module")
def parameters():
    return {case.name: case.parameters for case in catalogue.load(EX05).cases}


JOBS = {"gadi": ["gadi_request", "gadi_workers"], "slurm": ["slurm_request", "slurm_workers"]}
BARE = ["slurm_bare", "slurm_bare_workers"]
STEPS = ["gadi_directives", "gadi_split"]
CASES = ["plenty", "tight", "prime", "laptop", *STEPS, *JOBS["gadi"], *JOBS["slurm"], *BARE]


ONE = "export OMP_NUM_THREADS=1"


def workers_for(cores, memory, task_memory):
    tasks = min(cores, 6 * memory // (10 * task_memory))
    threads = max(number for number in (1, 2, 3, 4) if tasks % number == 0)
    return tasks // threads, threads


def gadi_directives(project):
    return {
        "job_directives_skip": ["select"],
        "job_extra_directives": [f"-P {project}", "-l ncpus=48,mem=190GB", "-l jobfs=100GB"],
    }


def gadi_workers(nodes, processes, threads):
    return {
        "n_workers": nodes * processes,
        "cores": processes * threads,
        "processes": processes,
        "memory": "190GiB",
    }


def gadi_job(project, queue, nodes, processes, threads, walltime, setup):
    return {
        **gadi_directives(project),
        **gadi_workers(nodes, processes, threads),
        "queue": queue,
        "walltime": walltime,
        "interface": "ib0",
        "local_directory": "$PBS_JOBFS",
        "job_script_prologue": [*setup, ONE],
    }


def slurm_job(partition, account, jobs, processes, threads, memory, walltime, interface):
    return {
        "n_workers": jobs * processes,
        "cores": processes * threads,
        "processes": processes,
        "memory": f"{memory}GiB",
        "queue": partition,
        "account": account,
        "walltime": walltime,
        "interface": interface,
    }


def right(case, arguments):
    steps = {"gadi_directives": gadi_directives, "gadi_split": gadi_workers}
    jobs = {"gadi": gadi_job, "slurm": slurm_job}
    function = steps.get(case) or jobs.get(case.partition("_")[0], workers_for)
    return function(*arguments)


@pytest.fixture
def judged(ex05, parameters):
    """Judge a right answer in which something was changed, as the function of its inputs."""

    def judge(case, change, seed=3):
        arguments, _ = ex05.prepare(case, parameters[case], seed)
        answer = ex05.materialise(case, change(right(case, arguments), *arguments))
        return ex05.compare(case, ex05.oracle(case, parameters[case], seed), answer)

    return judge


# ----------------------------------------------------------------------- oracle and cases


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES)
def test_the_right_answer_equals_the_oracle(case, seed, judged):
    comparison = judged(case, lambda answer, *_: answer, seed)
    assert comparison.equal, comparison


@pytest.mark.parametrize("case", ["tight", *STEPS, *JOBS["gadi"], *JOBS["slurm"], *BARE])
def test_the_answer_to_another_seed_is_wrong(case, ex05, parameters):
    arguments, _ = ex05.prepare(case, parameters[case], 1)
    answer = ex05.materialise(case, right(case, arguments))
    assert not ex05.compare(case, ex05.oracle(case, parameters[case], 2), answer).equal


@pytest.mark.parametrize("seed", SEEDS)
def test_as_many_tasks_fit_as_the_case_says(seed, ex05, parameters):
    for case, least, most in [("plenty", 48, 48), ("tight", 9, 60), ("prime", 23, 23)]:
        (cores, memory, task), _ = ex05.prepare(case, parameters[case], seed)
        processes, threads = workers_for(cores, memory, task)
        assert least <= processes * threads <= most
        assert processes * threads * task <= 0.6 * memory


def test_what_the_box_needs_does_without_the_grader(ex05, parameters, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "autograder", None)  # any import of it now fails
    fresh = catalogue.cases(catalogue.load(EX05))
    fresh.warm()
    for case in CASES:
        arguments, size = fresh.prepare(case, parameters[case], 0)
        assert fresh.materialise(case, right(case, arguments)) and size == 0


# ----------------------------------------------------------- answers that are right as well


ALSO_RIGHT = {
    "sizes in bytes": {"memory": 190 * 2**30},
    "a size with a blank": {"memory": "190 GiB"},
    "a little less memory": {"memory": "180GiB"},
    "a little less, by chance as much as 190 GB": {"memory": "177GiB"},
    "a resource_spec, nothing skipped": {
        "resource_spec": "ncpus=48,mem=190gb",
        "job_directives_skip": [],
    },
    "all of the node's memory": {"job_extra_directives": ["-l ncpus=48,mem=192GB,jobfs=100GB"]},
    "a wider skip": {"job_directives_skip": ["ncpus"]},
    "a set, a tuple": {"job_directives_skip": {"select"}, "worker_extra_args": ("--no-dashboard",)},
    "braces": {"local_directory": "${PBS_JOBFS}/dask"},
    "NCI's other name": {"local_directory": "$TMPDIR"},
    "a path": {"local_directory": Path("$PBS_JOBFS")},
    "every argument of the library": {
        "worker_command": "distributed.cli.dask_worker",
        "config_name": "pbs",
        "shared_temp_directory": "/scratch",
        "silence_logs": 40,
        "scheduler_options": {"dashboard_address": ":0"},
        "security": True,
    },
    "no logs are silenced": {"silence_logs": False},
    "a default in case there is none": {"local_directory": "${PBS_JOBFS:-/tmp}/dask"},
    "in double quotes": {"local_directory": '"$PBS_JOBFS"'},
    "a name, a place for output, mail, storage": {
        "job_extra_directives": [
            "-N mine -o logs -j oe -m ae -M me@here -V",
            "-l ncpus=48,mem=190GB,jobfs=100GB,storage=gdata/ab12",
            "-W umask=027",
        ]
    },
    "a reservation of threads in quotes": {
        "job_extra_directives": ["-l 'ncpus=48, mem=190GB,jobfs=100GB'"]
    },
    "more arguments": {"nanny": True, "death_timeout": 600, "shebang": "#!/bin/bash", "name": "x"},
    "None is the default": {"account": None, "log_directory": None},
}


@pytest.mark.parametrize("name", ALSO_RIGHT)
@pytest.mark.parametrize("case", JOBS["gadi"])
def test_another_way_to_the_same_script_is_right(case, name, judged):
    def change(answer, project, *_):
        changed = answer | ALSO_RIGHT[name]
        if "-P" not in "".join(changed["job_extra_directives"]):
            changed["job_extra_directives"] = [
                *changed["job_extra_directives"],
                f"-P {project}",
            ]
        return changed

    comparison = judged(case, change)
    assert comparison.equal, comparison


def test_a_walltime_is_its_seconds(judged):
    def as_timedelta(answer, *_):
        hours, minutes, _ = map(int, answer["walltime"].split(":"))
        return answer | {"walltime": timedelta(hours=hours, minutes=minutes)}

    def in_minutes(answer, *_):
        hours, minutes, _ = map(int, answer["walltime"].split(":"))
        return answer | {"walltime": str(60 * hours + minutes)}

    assert judged("gadi_request", as_timedelta).equal
    assert judged("slurm_request", in_minutes).equal
    assert not judged("gadi_request", in_minutes).equal  # a bare number is seconds to PBS


def test_setup_may_be_joined_and_have_other_lines_in_between(judged):
    def reversed_(answer, *rest):
        return answer | {"job_script_prologue": [*rest[-1][::-1], ONE]}

    for lines in (
        ["set -e; {0}  &&  {1}", "date"],
        ["{0} || exit 1", "{1} 2>/dev/null || { echo no module; exit 1; }"],
        ["{0}  # where they are", "if ! {1} > log 2>&1; then exit 1; fi"],
        ["{0}\n{1}", "# exit"],
        ["{ {0}; {1}; }"],
        ["{0} && \\", "   {1}"],
        ["echo 'a # b; exit'", "{0}", "{1} &>> log"],
    ):

        def written(answer, *rest, lines=lines):
            line = [part.replace("{0}", rest[-1][0]).replace("{1}", rest[-1][1]) for part in lines]
            return answer | {"job_script_prologue": [*line, ONE]}

        assert judged("gadi_workers", written).equal, lines
    wrong = judged("gadi_workers", reversed_)
    assert not wrong.equal and "module load" in wrong.got


@pytest.mark.parametrize(
    "line", ["true || {1}", "{1} | tee log", "({1} &)", "echo {1}", "# {1}", "echo '\n{1}'"]
)
def test_a_set_up_line_that_does_not_reach_the_shell_of_the_workers_is_missing(judged, line):
    def change(answer, *rest):
        first, second = rest[-1]
        return answer | {"job_script_prologue": [first, line.replace("{1}", second), ONE]}

    comparison = judged("gadi_workers", change)
    assert not comparison.equal and "no line module load" in comparison.got


def test_a_script_that_ends_before_its_workers_starts_none(judged):
    def change(answer, *_):
        return answer | {"job_script_prologue": [*answer["job_script_prologue"], "exit 0"]}

    assert "exit, before they start" in judged("gadi_workers", change).got


THREADS_OF_LIBRARIES = {
    ONE: True,
    "export OMP_NUM_THREADS=$((1))": True,
    "export OMP_NUM_THREADS=$(( (4 - 2) / 2 ))": True,
    "N=1; export OMP_NUM_THREADS=$N MKL_NUM_THREADS=${N}": True,
    "unset OMP_NUM_THREADS MKL_NUM_THREADS": True,
    "export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}": True,  # after the line with 1
    "export OMP_NUM_THREADS=1  # and no more": True,
    "false || export OMP_NUM_THREADS=1": True,
    "echo OMP_NUM_THREADS=48": True,
    "OMP_NUM_THREADS=48 date": True,  # for this command alone
    "export OMP_NUM_THREADS=$(nproc)": False,
    "export OMP_NUM_THREADS='$N'": False,
    "export OMP_NUM_THREADS=$N": False,
    "export OMP_NUM_THREADS=": False,
    "export OMP_NUM_THREADS=0": False,
    "export OMP_NUM_THREADS=-1": False,
    "export OMP_NUM_THREADS=$((2 * 24))": False,
    "A=12; export OMP_NUM_THREADS=$(( A * 2 ))": False,
    "export MKL_NUM_THREADS='1' OMP_NUM_THREADS=\"1\"": True,
    "export OMP_NUM_THREADS=8; export OMP_NUM_THREADS=1": True,  # the last one counts
    "export GOMP_NUM_THREADS=48": True,  # nobody's
    "echo one thread": True,
    "export OMP_NUM_THREADS=48": False,
    "OPENBLAS_NUM_THREADS=4": False,
    "export OMP_NUM_THREADS=1 MKL_NUM_THREADS=12": False,
    "export OMP_NUM_THREADS=$NCPUS": False,
    "declare -x OPENBLAS_NUM_THREADS=48": False,
    "export OMP_NUM_THREADS=" + 400 * "9": False,
}


@pytest.mark.parametrize("case", ["gadi_workers", "slurm_workers"])
@pytest.mark.parametrize("line", THREADS_OF_LIBRARIES)
def test_threads_of_libraries_are_no_more_than_cores(judged, case, line):
    def change(answer, *_):
        return answer | {"job_script_prologue": [*answer.get("job_script_prologue", []), line]}

    comparison = judged(case, change)
    assert comparison.equal is THREADS_OF_LIBRARIES[line], comparison
    assert comparison.mistake == (None if comparison.equal else "blas_threads")


def test_threads_of_libraries_may_stand_in_a_directive(judged):
    def directive(text):
        def change(answer, *_):
            extra = answer.get("job_extra_directives", [])
            return answer | {"job_extra_directives": [*extra, text]}

        return change

    assert judged("gadi_workers", directive("-v OMP_NUM_THREADS=1")).equal
    assert judged("slurm_workers", directive("--export=ALL,OMP_NUM_THREADS=1")).equal
    for case, text in (
        ("gadi_workers", "-v MKL_NUM_THREADS=48"),
        ("slurm_workers", "--export=ALL,OMP_NUM_THREADS=16"),
    ):
        assert judged(case, directive(text)).mistake == "blas_threads"


@pytest.mark.parametrize(
    "lines",
    [[], ["export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}"], ["export OMP_NUM_THREADS=$NCPUS"][:0]],
)
def test_pbs_sets_the_threads_of_openmp_whatever_v_says(judged, lines):
    def change(answer, *rest):
        more = [*answer["job_extra_directives"], "-v OMP_NUM_THREADS=1"]
        return answer | {"job_script_prologue": [*rest[-1], *lines], "job_extra_directives": more}

    comparison = judged("gadi_workers", change)
    assert comparison.mistake == "omp_from_pbs"
    assert "OMP_NUM_THREADS=48" in comparison.got and "as PBS sets it" in comparison.got


def test_what_is_not_understood_is_shown_as_it_is_written(judged):
    def change(answer, *rest):
        lines = [*rest[-1], "export OMP_NUM_THREADS=$(nproc --all)"]
        return answer | {"job_script_prologue": lines}

    assert "OMP_NUM_THREADS=$(nproc --all) for each" in judged("gadi_workers", change).got


def test_variables_may_stand_before_the_command_that_starts_the_workers(judged):
    def change(answer, *rest):
        python = "env OMP_NUM_THREADS=1 python"
        return answer | {"job_script_prologue": rest[-1], "python": python}

    assert judged("gadi_workers", change).equal


def test_slurm_may_count_memory_by_the_core(judged):
    def change(answer, *inputs, factor=1):
        each = factor * 1024 * inputs[5] // (inputs[3] * inputs[4])
        directives = [f"--mem-per-cpu={each}M"]
        return answer | {"job_directives_skip": ["--mem"], "job_extra_directives": directives}

    assert judged("slurm_request", change).equal
    wrong = judged("slurm_request", lambda *given: change(*given, factor=2))
    assert "--mem-per-cpu" in wrong.got


SLURM_DIRECTIVES = {
    "--exclusive  # whole node, --mem=1G": None,
    "# --array=1-4": None,
    "#SBATCH --array=1-4": None,
    "--nodes=1 --ntasks-per-node=1 --comment='a # b'": None,
    "-J mine -o logs/%j.out --mail-type=END": None,
    "--hint=nomultithread --constraint=icelake --qos=high": None,
    "--array=1-4": "#SBATCH --array 1-4 as well",
    "-a 1-4": "#SBATCH --array 1-4 as well",
    "--hold": "#SBATCH --hold as well",
    "--gres=gpu:1": "#SBATCH --gres gpu:1 as well",
    "--wait": "#SBATCH --wait as well",
    "--nodes=2": "#SBATCH --nodes=2",
    "partition compute": "the word 'partition' belongs to no option",
    "--partitio": "has no value",
    "--mem-per-cpu=1G": "exclude each other",
    "--me=1G": "could be several options",
    "--gpu-everything": "is no option",
    "-Z": "no option -Z",
    "--hold=yes": "refuses: --hold=yes",
    "-J 'mine": "a quote that does not close",
}


@pytest.mark.parametrize("text", SLURM_DIRECTIVES)
def test_directives_of_slurm_are_judged_as_sbatch_takes_them(judged, text):
    comparison = judged("slurm_request", with_(job_extra_directives=[text]))
    wanted = SLURM_DIRECTIVES[text]
    assert comparison.equal is (wanted is None), comparison
    assert wanted is None or wanted in comparison.got


PBS_DIRECTIVES = {
    "-r n -k oe -p 10": None,
    "-J 1-4": "#PBS -J 1-4 as well",
    "-h": "#PBS -h as well",
    "-z": "#PBS -z as well",
    "-W block=true": "#PBS -W block=true as well",
    "-l nodes=2": "#PBS -l nodes=2 as well",
    "-l ngpus=4": "#PBS -l ngpus=4 as well",
    "-l place=excl": "#PBS -l place=excl as well",
    "-q=normal": "#PBS -q =normal",
    "#PBS -r n": "adds that mark by itself",
    "-r n  # never twice": "a comment cannot stand there",
    "queue normal -r n": "the word 'queue' belongs to no option",
    "-l mem=8 GB": "the word 'GB' belongs to no option",
    "--nodes=2": "no option --",
    "-l ,wd": "refuses: -l ,wd",
    "-M": "-M has no value",
    "-Y": "no option -Y",
    '-N "mine': "a quote that does not close",
}


@pytest.mark.parametrize("case", ["gadi_directives", "gadi_request"])
@pytest.mark.parametrize("text", PBS_DIRECTIVES)
def test_directives_of_pbs_are_judged_as_qsub_takes_them(judged, case, text):
    def change(answer, *_):
        return answer | {"job_extra_directives": [*answer["job_extra_directives"], text]}

    wanted = PBS_DIRECTIVES[text]
    if text.startswith("-q") and case == "gadi_directives":
        return  # the queue is another step's
    comparison = judged(case, change)
    assert comparison.equal is (wanted is None), comparison
    assert wanted is None or wanted in comparison.got


# ------------------------------------------------------------------ wrong, and called so


def without(*names):
    return lambda answer, *_: {key: value for key, value in answer.items() if key not in names}


def with_(**changes):
    return lambda answer, *_: answer | changes


def directive(old, new):
    def change(answer, *_):
        lines = [line.replace(old, new) for line in answer["job_extra_directives"]]
        assert lines != answer["job_extra_directives"]
        return answer | {"job_extra_directives": lines}

    return change


def scaled(name, by):
    """Divide or multiply an argument by one of the inputs."""
    return lambda answer, *inputs: answer | {name: by(answer[name], inputs)}


NAMED = {
    "select": ("gadi_request", without("job_directives_skip"), "select_kept"),
    "account": (
        "gadi_request",
        lambda answer, project, *_: (
            answer
            | {"account": project, "job_extra_directives": answer["job_extra_directives"][1:]}
        ),
        "project_as_account",
    ),
    "select in step 1": ("gadi_directives", without("job_directives_skip"), "select_kept"),
    "walltime skipped in step 1": (
        "gadi_directives",
        with_(job_directives_skip=["-l"]),
        "walltime_missing",
    ),
    "workers as jobs in step 2": (
        "gadi_split",
        lambda answer, *inputs: answer | {"n_workers": inputs[0]},
        "workers_are_jobs",
    ),
    "processes left out in step 2": ("gadi_split", without("processes"), "processes_left_out"),
    "a GB for a GiB": ("gadi_split", with_(memory="190GB"), "wrong_unit"),
    "a GB for a GiB, in bytes": ("gadi_workers", with_(memory=190_000_000_000), "wrong_unit"),
    "a GB for a GiB in SLURM": (
        "slurm_workers",
        scaled("memory", lambda memory, _: memory.replace("GiB", " GB")),
        "wrong_unit",
    ),
    "an array": ("slurm_request", with_(job_extra_directives=["--array=1-3"]), "asks_for_more"),
    "OpenMP left to PBS": (
        "gadi_workers",
        lambda answer, *inputs: answer | {"job_script_prologue": inputs[-1]},
        "omp_from_pbs",
    ),
    "single quotes": ("gadi_workers", with_(local_directory="'$PBS_JOBFS'"), "never_expanded"),
    "a backslash": ("gadi_workers", with_(local_directory="\\$PBS_JOBFS/x"), "never_expanded"),
    "no walltime": ("gadi_request", without("walltime"), "walltime_missing"),
    "walltime skipped": (
        "gadi_request",
        with_(job_directives_skip=["-l"]),
        "walltime_missing",
    ),
    "no walltime in SLURM": ("slurm_request", without("walltime"), "walltime_missing"),
    "all in one job": (
        "gadi_request",
        lambda answer, *inputs: directive("ncpus=48", f"ncpus={48 * inputs[2]}")(answer),
        "one_big_job",
    ),
    "MB": ("gadi_request", directive("190GB", "190MB"), "wrong_unit"),
    "a thousand MB": ("gadi_request", directive("190GB", "190000MB"), "wrong_unit"),
    "thousands": ("gadi_request", directive("190GB", "190TB"), "wrong_unit"),
    "MB for Dask": ("gadi_workers", with_(memory="190MiB"), "wrong_unit"),
    "GB in SLURM": (
        "slurm_request",
        scaled("memory", lambda memory, _: memory.replace("GiB", "GB")),
        "wrong_unit",
    ),
    "nodes for workers": (
        "gadi_request",
        lambda answer, *inputs: answer | {"n_workers": inputs[2]},
        "workers_are_jobs",
    ),
    "processes left out": ("gadi_workers", without("processes"), "processes_left_out"),
    "processes left out, so other jobs": (
        "gadi_request",
        without("processes"),
        "processes_left_out",
    ),
    "memory of a process": (
        "gadi_workers",
        scaled("memory", lambda _, inputs: f"{190 / inputs[3]:.2f}GiB"),
        "per_process",
    ),
    "cores of a process": (
        "gadi_workers",
        lambda answer, *inputs: answer | {"cores": inputs[4]},
        "per_process",
    ),
    "memory of a process in SLURM": (
        "slurm_request",
        scaled("memory", lambda _, inputs: f"{inputs[5] / inputs[3]:.2f}GiB"),
        "per_process",
    ),
    "swapped": ("tight", lambda answer, *_: answer[::-1], "swapped_split"),
    "no headroom": (
        "tight",
        lambda _, cores, memory, task: workers_for(cores, memory * 10 // 6, task),
        "no_headroom",
    ),
    "memory ignored": (
        "tight",
        lambda _, cores, memory, task: workers_for(cores, memory, 1),
        "memory_ignored",
    ),
    "single threads": (
        "plenty",
        lambda _, cores, *rest: (cores, 1),
        "one_thread_each",
    ),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", NAMED)
def test_a_known_mistake_is_named(name, seed, judged):
    case, change, expected = NAMED[name]
    comparison = judged(case, change, seed)
    assert (comparison.equal, comparison.mistake) == (False, expected), comparison
    assert expected in catalogue.load(EX05).mistakes
    assert comparison.got and comparison.expected and comparison.got != comparison.expected


# What the docstrings promise, sentence by sentence, and an answer that breaks it.
PROMISES = {
    "workers_for": {
        "by the four rules above": ("tight", lambda answer, *_: (answer[0] - 1, answer[1])),
        "processes : int\n    threads : int": ("tight", lambda answer, *_: answer[::-1]),
    },
    "gadi_directives": {
        "asks for 48 cores": ("gadi_directives", directive("ncpus=48", "ncpus=24")),
        "190 GB of\n        memory": ("gadi_directives", directive("190GB", "180GB")),
        "100 GB of jobfs": ("gadi_directives", directive("100GB", "10GB")),
        "each thing once": (
            "gadi_directives",
            lambda answer, *_: (
                answer | {"job_extra_directives": [*answer["job_extra_directives"], "-l mem=100GB"]}
            ),
        ),
        "on the account of the project": ("gadi_directives", directive("-P", "-A")),
        "for\n        nothing else": ("gadi_directives", directive("-P", "-J 1-2 -P")),
        "There is no select": ("gadi_directives", without("job_directives_skip")),
        "The walltime's directive stays": (
            "gadi_directives",
            with_(job_directives_skip=["select", "walltime"]),
        ),
    },
    "gadi_workers": {
        "submits as many jobs as there are nodes": ("gadi_split", with_(n_workers=1)),
        "the processes with their threads": (
            "gadi_split",
            lambda answer, *inputs: answer | {"cores": inputs[1] * (inputs[2] + 1)},
        ),
        "Each starts": ("gadi_split", with_(nanny=False)),
        "divides 190 GB of memory, as PBS counts it": ("gadi_split", with_(memory="190GB")),
    },
    "gadi_job": {
        "contracts of `gadi_directives`": ("gadi_request", without("job_directives_skip")),
        "and `gadi_workers`": ("gadi_workers", with_(memory="190GB")),
        "have this queue": ("gadi_request", with_(queue="hugemem")),
        "and walltime": ("gadi_request", with_(walltime="00:10:00")),
        "communicate over ib0": ("gadi_workers", with_(interface="eth0")),
        "their local directory, to which they spill": (
            "gadi_workers",
            with_(local_directory="/tmp"),
        ),
        "The libraries below NumPy start no more threads": (
            "gadi_workers",
            lambda answer, *inputs: answer | {"job_script_prologue": inputs[-1]},
        ),
        "runs before its workers start": ("gadi_workers", with_(job_script_prologue=[ONE])),
    },
    "slurm_job": {
        "the site's default": ("slurm_bare", with_(job_extra_directives=["-p main -A ab12"])),
        "the site needs no account": ("slurm_bare", with_(account="ab12")),
        "How many jobs": ("slurm_request", with_(n_workers=1)),
        "Workers in each job": ("slurm_workers", without("processes")),
        "one core per thread": ("slurm_request", with_(job_cpu=2)),
        "on one node": ("slurm_request", with_(job_extra_directives=["-N 2"])),
        "in GiB": (
            "slurm_request",
            scaled("memory", lambda memory, _: memory.replace("GiB", "GB")),
        ),
        "its workers get equal parts": ("slurm_workers", with_(memory="1GiB")),
        "How long a job may run": ("slurm_request", with_(walltime="00:10:00")),
        "None: the default one": ("slurm_bare_workers", with_(interface="ib0")),
        "nothing else is asked": ("slurm_request", with_(job_extra_directives=["--gpus=1"])),
        "The libraries below NumPy start no more threads": (
            "slurm_workers",
            with_(job_script_prologue=["export OMP_NUM_THREADS=16"]),
        ),
    },
}


def docstrings():
    notebook = nbformat.read(EX05.parents[2] / f"source/{EX05.name}/{EX05.name}.ipynb", 4)
    sources = {
        cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in notebook.cells
    }
    return {
        name: ast.get_docstring(ast.parse(sources[name]).body[0], clean=False) for name in PROMISES
    }


@pytest.mark.parametrize(
    ("function", "promise"), [(name, words) for name, all_ in PROMISES.items() for words in all_]
)
def test_each_promise_of_a_docstring_is_judged(function, promise, judged):
    assert promise in docstrings()[function]
    case, change = PROMISES[function][promise]
    for seed in SEEDS:
        assert not judged(case, change, seed).equal


UNNAMED = {
    "another project": ("gadi_request", directive("-P ", "-P z"), "#PBS -P z"),
    "another queue": ("gadi_request", with_(queue="hugemem"), "-q hugemem"),
    "no queue": ("gadi_request", without("queue"), "no #PBS -q"),
    "no nanny": ("gadi_split", with_(nanny=False), "--no-nanny with"),
    "None for a nanny": ("slurm_workers", with_(nanny=None), "--no-nanny with"),
    "no nanny, by the worker's option": (
        "gadi_workers",
        with_(worker_extra_args=["--no-nanny"]),
        "--no-nanny with",
    ),
    "no cores asked for": (
        "slurm_request",
        with_(job_directives_skip=["cpus-per-task"]),
        "no #SBATCH --cpus-per-task",
    ),
    "no processes": ("slurm_request", with_(processes=None), "TypeError where processes is None"),
    "another variable": (
        "gadi_workers",
        with_(local_directory="$PBS_JOBFSX"),
        "--local-directory $PBS_JOBFSX",
    ),
    "an interface of his own": (
        "slurm_bare_workers",
        with_(interface="ib0"),
        "--interface ib0",
    ),
    "another folder": (
        "gadi_workers",
        with_(local_directory="$PBS_JOBFS-x"),
        "--local-directory $PBS_JOBFS-x",
    ),
    "another command": ("slurm_workers", with_(worker_command="dask_cuda.cli"), "no --nworkers × "),
    "half a node": ("gadi_request", directive("ncpus=48", "ncpus=24"), "ncpus=24"),
    "as many cores as threads": (
        "gadi_request",
        lambda answer, *inputs: directive("ncpus=48", f"ncpus={inputs[3] * inputs[4]}")(answer),
        "ncpus=",
    ),
    "all cores for the workers": ("gadi_workers", with_(cores=48), " × "),
    "no ncpus": ("gadi_request", directive("ncpus=48", "wd"), "no ncpus"),
    "more memory than a node has": ("gadi_request", directive("190GB", "384GB"), "384GB"),
    "no disk": ("gadi_request", directive("jobfs=100GB", "wd"), "no #PBS -l jobfs"),
    "asked twice": (
        "gadi_request",
        lambda answer, *_: (
            answer | {"job_extra_directives": [*answer["job_extra_directives"], "-l ncpus=96"]}
        ),
        "ncpus asked for with two values",
    ),
    "no worker asked for": ("gadi_request", without("n_workers"), "0 jobs: no n_workers"),
    "more than the job has": ("gadi_workers", with_(memory="250GiB"), "250"),
    "no interface": ("gadi_workers", without("interface"), "no --interface"),
    "no disk to spill to": ("gadi_workers", without("local_directory"), "no --local-directory"),
    "spills to the home": ("gadi_workers", with_(local_directory="~"), "--local-directory ~"),
    "no set-up": ("gadi_workers", without("job_script_prologue"), "no line module use"),
    "an interface of its own": ("slurm_bare", with_(account="ab12"), "--account ab12"),
    "the text None": ("slurm_bare", with_(account="None"), "--account None"),
    "cores of one process": ("slurm_request", with_(job_cpu=1), "--cpus-per-task=1"),
    "seven threads": ("plenty", lambda *_: (6, 8), "8 threads, more than 4"),
    "too few": ("plenty", lambda *_: (5, 4), "20 tasks at once, where 48 would fit"),
    "too many": ("plenty", lambda *_: (25, 2), "more than the 48 cores"),
    "none": ("plenty", lambda *_: (0, 4), "one process of one thread at least"),
    "fewer threads than would do": ("plenty", lambda *_: (24, 2), "more threads to a process"),
}


@pytest.mark.parametrize("name", UNNAMED)
def test_what_is_wrong_is_said_in_the_words_of_the_script(name, judged):
    case, change, said = UNNAMED[name]
    comparison = judged(case, change)
    assert not comparison.equal and comparison.mistake is None, comparison
    assert said in comparison.got, comparison


# ------------------------------------------------------------- what comes out of the box


NOT_AN_ANSWER = {
    "nothing": {},
    "no arrays": {"split": (12, 4), "arguments": "{}"},
    "numbers": {"arguments": np.zeros(3), "split": np.zeros(2)},
    "too many": {"arguments": np.array(["{}", "{}"]), "split": np.arange(3)},
    "bytes": {"arguments": np.array(b"{}"), "split": np.array([b"12", b"4"])},
    "objects": {"arguments": np.array({}, object), "split": np.array([object()] * 2)},
    "no JSON": {"arguments": np.array("{"), "split": np.array([True, False])},
    "deep": {"arguments": np.array("[" * 40_000), "split": np.array([[12, 4]])},
    "a list": {"arguments": np.array("[1]"), "split": np.array([12.0, 4.0])},
    "huge": {
        "arguments": np.array('{"memory": "4GiB", "cores": 4, "n_workers": ' + "9" * 4000 + "}"),
        "split": np.array([1 << 40] * 2),
    },
    "huge, too": {"arguments": np.array('{"memory": "4GiB", "cores": ' + "9" * 4000 + "}")},
    "not finite": {"arguments": np.array('{"memory": 1e999, "cores": 4, "n_workers": 3}')},
    "negative": {"arguments": np.array('{"memory": "4GiB", "cores": -4, "processes": -2}')},
    "no process": {"arguments": np.array('{"memory": "4GiB", "cores": 4, "processes": 0}')},
    "no size": {"arguments": np.array('{"memory": "much", "cores": 4, "processes": 2}')},
    "yes for a number": {"arguments": np.array('{"memory": "4GiB", "cores": true}')},
    "half a letter": {"arguments": np.array('{"memory": "4GiB", "cores": 4, "queue": "\\udc80"}')},
    "line breaks": {"arguments": np.array('{"memory": "4GiB", "cores": 4, "queue": "a\\nb\\n"}')},
    "long numbers": {
        "arguments": np.array(
            json.dumps(
                {
                    "memory": "4GiB",
                    "cores": 4,
                    "job_directives_skip": ["select"],
                    "job_extra_directives": [
                        f"-l ncpus={'9' * 5000} -v MKL_NUM_THREADS={'0' * 5000}1 -P " + "x" * 5000
                    ],
                    "job_script_prologue": ["A=1", "unset A OMP_NUM_THREADS"],
                }
            )
        )
    },
    "an open quote": {"arguments": np.array('{"memory": "4GiB", "cores": 4, "queue": "\'"}')},
    "a list in a list": {"arguments": np.array('{"job_extra_directives": [["-l"]]}')},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", NOT_AN_ANSWER)
def test_compare_takes_whatever_comes_out_of_the_box(name, case, ex05, parameters):
    truth = ex05.oracle(case, parameters[case], 0)
    comparison = ex05.compare(case, truth, NOT_AN_ANSWER[name])
    assert comparison.equal is False
    assert comparison.got and comparison.expected
    assert comparison.got.encode()  # can be written down
    assert len(comparison.got) < 500


@pytest.mark.parametrize(
    ("case", "result", "words"),
    [
        ("tight", None, "two whole numbers.* None .is there a return"),
        ("tight", (12, 4.0), "a float: a // b"),
        ("tight", (12, True), "a bool"),
        ("tight", (12, 4, 1), "a tuple"),
        ("tight", 48, "an int"),
        ("tight", (10**12, 1), "beyond all bounds"),
        ("gadi_request", None, "gadi_job must return a dictionary.*PBSCluster"),
        ("gadi_request", "#!/bin/bash", "a str"),
        ("slurm_bare", [("cores", 4)], "slurm_job must return a dictionary.*SLURMCluster"),
        ("slurm_bare", {4: "cores"}, "by name"),
        ("slurm_bare", {"cores": object()}, "an object as cores"),
        ("slurm_bare", {"queue": "x" * 60_000}, "letters"),
    ],
)
def test_a_result_of_the_wrong_type_is_told_the_contract(case, result, words, ex05):
    with pytest.raises(TypeError, match=words):
        ex05.materialise(case, result)


@pytest.mark.parametrize("result", [(12, 4), [12, 4], np.array([12, 4]), (np.int64(12), 4)])
def test_two_whole_numbers_come_in_many_ways(result, ex05):
    assert ex05.materialise("tight", result)["split"].tolist() == [12, 4]


# -------------------------------------------------------------------------- job scripts


GADI = {"cores": 48, "memory": "190GiB", "processes": 12, "walltime": "02:00:00"}


def script_of(kind, arguments):
    return jobscript.parse(kind, jobscript.write(kind, jobscript.read(kind, json.dumps(arguments))))


def test_dask_jobqueue_still_needs_select_to_be_skipped():
    assert script_of("PBS", GADI).resources["select"] == "1:ncpus=48:mem=190GB"
    skipped = script_of("PBS", GADI | {"job_directives_skip": ["select"]})
    assert skipped.resources == {"walltime": "02:00:00"}


def test_dask_jobqueue_still_splits_48_cores_into_8_times_6():
    script = script_of("PBS", {"cores": 48, "memory": "190GiB"})
    assert (script.worker["--nworkers"], script.worker["--nthreads"]) == ("8", "6")
    assert script.resources["walltime"] == "00:30:00"


def test_nothing_of_the_arguments_is_run_or_made(tmp_path):
    there = tmp_path / "there"
    touch = f"touch {there}; $(touch {there})"
    arguments = {
        **GADI,
        "log_directory": str(there),
        "python": touch,
        "shebang": f"#!{touch}",
        "job_script_prologue": [touch],
    }
    assert touch in jobscript.write("PBS", jobscript.read("PBS", json.dumps(arguments)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("config_name", "x", "cannot use these arguments .KeyError: 'x'"),
        ("job_cls", "x", "was given a job_cls"),
        ("dashboard_address", ":1", "takes dashboard_address only in scheduler_options"),
        ("host", "x", "takes host only in scheduler_options"),
        ("self", "x", "knows no argument 'self'$"),
        ("partition", "x", r"knows no argument 'partition' \(did you mean \"queue\"\?\)"),
        ("waltime", "x", 'did you mean "walltime"'),
        ("job_mem", "16G", "knows no argument"),
        ("cores", "48", "a whole number as cores"),
        ("cores", True, "a whole number as cores"),
        ("nanny", 1, "True or False as nanny"),
        ("job_extra_directives", "-l wd", "a list of texts"),
        ("job_extra_directives", [48], "a list of texts"),
        ("memory", "much", "cannot use these arguments"),
        ("memory", 60, 'takes memory=60 for as many bytes; give a unit, as in "60GiB"'),
        ("memory", "190", "takes memory='190' for as many bytes"),
    ],
)
def test_an_argument_that_dask_jobqueue_does_not_take_is_named(name, value, words):
    with pytest.raises(jobscript.ArgumentError, match=words):
        script_of("PBS", GADI | {name: value})


def test_this_machines_configuration_does_not_count():
    import dask

    with dask.config.set({"jobqueue.pbs.queue": "ours", "jobqueue.pbs.processes": 3}):
        script = script_of("PBS", {"cores": 48, "memory": "190GiB"})
        assert dask.config.get("jobqueue.pbs.queue") == "ours"
    assert "-q" not in script.options and script.worker["--nworkers"] == "8"


def test_every_argument_of_the_library_is_known():
    """Those that a newer version brings are, too; what is wanted of them is not."""
    import inspect

    from dask_jobqueue import core, pbs, slurm

    for kind, job in (("PBS", pbs.PBSJob), ("SLURM", slurm.SLURMJob)):
        known, of_the_job = jobscript._known(kind)
        for made in (job, core.Job, core.JobQueueCluster):
            names = set(inspect.signature(made.__init__).parameters)
            assert names - {"self", "scheduler", "base_class_kwargs", "job_kwargs"} <= known
        assert "n_workers" in known - of_the_job
        assert not {"self", "scheduler", "job_kwargs", "base_class_kwargs"} & known


HEAD = "#!/bin/bash\n{}\ndate\n#PBS -q late\n#SBATCH -p late\n"
RUN = f"python -m x {jobscript._ADDRESS} --nthreads 4\n"


@pytest.mark.parametrize(
    ("kind", "line", "options", "resources"),
    [
        ("PBS", "#PBS -q normal -P ab12", {"-q": "normal", "-P": "ab12"}, {}),
        ("PBS", "#PBS -qnormal", {"-q": "normal"}, {}),
        ("PBS", "#PBS -Vq normal", {"-V": "", "-q": "normal"}, {}),
        ("PBS", "  #PBS -q normal", {"-q": "normal"}, {}),
        ("PBS", "#PBS -N 'my job' -q nor\\mal", {"-N": "my job", "-q": "normal"}, {}),
        ("PBS", "#PBS -l a=1,b=2\n#PBS -l wd", {}, {"a": "1", "b": "2", "wd": ""}),
        ("PBS", "#PBS -l select=1:ncpus=48", {}, {"select": "1:ncpus=48"}),
        ("PBS", "# PBS -q normal\n##PBS -q normal\n#SBATCH -p n", {}, {}),
        ("SLURM", "#SBATCH -p n -t 1-02", {"--partition": "n", "--time": "1-02"}, {}),
        ("SLURM", "#SBATCH --mem=16G --exclusive", {"--mem": "16G", "--exclusive": ""}, {}),
        ("SLURM", "#SBATCH --account 'a b'", {"--account": "a b"}, {}),
    ],
)
def test_directives_are_read_as_the_batch_system_does(kind, line, options, resources):
    script = jobscript.parse(kind, HEAD.format(line) + RUN)
    assert (script.options, script.resources) == (options, resources)
    assert [command.words for command in script.setup] == [("date",)]
    assert script.worker["--nthreads"] == "4"
    assert script.twice == ()


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("PBS", "#PBSx -q normal"),
        ("SLURM", "#SBATCH -p n\r"),
        ("SLURM", "#PBS -q normal"),
        ("SLURM", "#SBATCH -p n : -p m"),
        ("SLURM", "#SBATCH hetjob"),
        ("SLURM", "#SBATCH -- -p n"),
    ],
)
def test_a_line_that_makes_another_job_of_it_is_refused(kind, line):
    with pytest.raises(jobscript.ArgumentError):
        jobscript.parse(kind, HEAD.format(line) + RUN)


def test_what_is_asked_for_twice_is_told_from_what_is_repeated():
    twice = jobscript.parse("PBS", HEAD.format("#PBS -l a=1,b=2\n#PBS -l a=3,b=2\n#PBS -q x") + RUN)
    assert twice.twice == ("a",)


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        ("190GB", "B", 190 << 30),
        ("190gb", "B", 190 << 30),
        ("16G", "M", 16 << 30),
        ("512", "M", 512 << 20),
        ("512", "B", 512),
        ("512b", "B", 512),
        ("512b", "M", None),
        ("much", "B", None),
        ("-1GB", "B", None),
        ("190GiB", "B", None),
    ],
)
def test_sizes_are_binary(text, default, expected):
    assert jobscript.size(text, default) == expected


@pytest.mark.parametrize(
    ("text", "pbs", "slurm"),
    [
        ("01:30:00", 5400, 5400),
        ("1:30", 90, 90),
        ("90", 90, 5400),
        ("1-02", None, 93600),
        ("1-02:30", None, 95400),
        ("1-02:30:01", None, 95401),
        ("soon", None, None),
        ("", None, None),
    ],
)
def test_times_are_read_in_each_systems_way(text, pbs, slurm):
    assert (jobscript.seconds("PBS", text), jobscript.seconds("SLURM", text)) == (pbs, slurm)


@pytest.mark.parametrize(("workers", "jobs"), [(0, 0), (1, 1), (12, 1), (13, 2), (24, 2)])
def test_workers_are_counted_into_jobs(workers, jobs):
    arguments = GADI | {"n_workers": workers}
    assert jobscript.jobs(arguments, script_of("PBS", arguments)) == jobs


@pytest.mark.parametrize(
    "changed", [{}, {"processes": 5}, {"processes": 1}, {"processes": 4, "worker_command": "x"}]
)
def test_a_cluster_submits_as_many_jobs_as_the_kit_counts(changed):
    """As ``scale`` of the library's own cluster counts them, which is not started here."""
    from dask_jobqueue import PBSCluster
    from distributed import SpecCluster

    arguments = {"cores": 48, "memory": "190GiB", "n_workers": 17, **changed}
    counted = []

    class Cluster(PBSCluster):
        def __init__(self):
            self._job_kwargs = {key: arguments[key] for key in arguments if key != "n_workers"}

        @property
        def scheduler(self):
            raise AttributeError("none is started")

        def __del__(self):
            """Nothing was started that could be closed."""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SpecCluster, "scale", lambda _, jobs, **__: counted.append(jobs))
        Cluster().scale(arguments["n_workers"])
    assert counted == [jobscript.jobs(arguments, script_of("PBS", arguments))]


# ----------------------------------------------- an exercise without a timed case, its checks


def test_an_exercise_without_a_timed_case_needs_no_typical_run():
    loaded = catalogue.load(EX05)
    assert not any(case.timed for case in loaded.cases)
    assert (loaded.typical.speedup, loaded.typical.tasks) == (1.0, 0)


def test_a_timed_case_needs_one(tmp_path):
    import shutil

    folder = tmp_path / EX05.name
    shutil.copytree(EX05, folder)
    spec = folder / "exercise.toml"
    spec.write_text(spec.read_text().replace('name = "plenty"', 'name = "plenty"\ntimed = true'))
    with pytest.raises(HarnessError, match='"typical" is missing, and workers_for'):
        catalogue.load(folder)


@pytest.fixture
def evidence():
    def make(comparison):
        loaded = catalogue.load(EX05)
        from autograder.model import Recording

        runs = tuple(
            Run(
                case.name,
                case.function,
                0.0,
                0.1,
                0.1,
                (),
                Recording(),
                {},
                comparison,
                None,
                **UNSEEN,
            )
            for case in loaded.cases
        )
        return loaded, gather(loaded, runs)

    return make


def test_checks_pass_what_compares_equal_and_name_the_mistake_of_what_does_not(evidence):
    loaded, seen = evidence(Comparison(True, "a script", "a script"))
    graded = grading.grade(loaded, seen, loaded.typical)
    assert (graded.points, graded.max_points) == (13, 13)
    loaded, seen = evidence(Comparison(False, "no select", "select", "select_kept"))
    graded = grading.grade(loaded, seen, loaded.typical)
    assert graded.points == 0
    for item in graded.scored:
        assert item.finding.status is Status.FAILED
        assert [named.name for named in item.finding.mistakes] == ["select_kept"]
        assert "scikit-learn" not in item.finding.advice


def test_every_check_of_the_exercise_says_what_holds_when_it_is_passed():
    for spec in catalogue.load(EX05).checks:
        assert (CHECKS[spec.check].__doc__ or "").splitlines()[0].endswith(".")
