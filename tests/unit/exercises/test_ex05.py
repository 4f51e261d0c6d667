import json
from datetime import timedelta
from pathlib import Path

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
CASES = ["plenty", "tight", "prime", "laptop", *JOBS["gadi"], *JOBS["slurm"], "slurm_bare"]


def workers_for(cores, memory, task_memory):
    tasks = min(cores, 6 * memory // (10 * task_memory))
    threads = max(number for number in (1, 2, 3, 4) if tasks % number == 0)
    return tasks // threads, threads


def gadi_job(project, queue, nodes, processes, threads, walltime, setup):
    return {
        "n_workers": nodes * processes,
        "cores": processes * threads,
        "processes": processes,
        "memory": "190GiB",
        "queue": queue,
        "walltime": walltime,
        "interface": "ib0",
        "local_directory": "$PBS_JOBFS",
        "job_script_prologue": setup,
        "job_directives_skip": ["select"],
        "job_extra_directives": [f"-P {project}", "-l ncpus=48,mem=190GB", "-l jobfs=100GB"],
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
    return {"gadi": gadi_job, "slurm": slurm_job}.get(case.partition("_")[0], workers_for)(
        *arguments
    )


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


@pytest.mark.parametrize("case", ["tight", *JOBS["gadi"], *JOBS["slurm"], "slurm_bare"])
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
    "a GB of 10⁹ bytes is a little less": {"memory": "190GB"},
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
    def joined(answer, *rest):
        setup = rest[-1]
        return answer | {"job_script_prologue": [f"set -e; {setup[0]}  &&  {setup[1]}", "date"]}

    def reversed_(answer, *rest):
        return answer | {"job_script_prologue": rest[-1][::-1]}

    assert judged("gadi_workers", joined).equal
    wrong = judged("gadi_workers", reversed_)
    assert not wrong.equal and "module load" in wrong.got


THREADS_OF_LIBRARIES = {
    "export OMP_NUM_THREADS=1": True,
    "export MKL_NUM_THREADS='1' OMP_NUM_THREADS=\"1\"": True,
    "export OMP_NUM_THREADS=8; export OMP_NUM_THREADS=1": True,  # the last one counts
    "export GOMP_NUM_THREADS=48": True,  # nobody's
    "echo one thread": True,
    "export OMP_NUM_THREADS=48": False,
    "OPENBLAS_NUM_THREADS=4": False,
    "export OMP_NUM_THREADS=1 MKL_NUM_THREADS=12": False,
    "export OMP_NUM_THREADS=$NCPUS": False,
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
    for case, text in (
        ("gadi_workers", "-v OMP_NUM_THREADS=48"),
        ("slurm_workers", "--export=ALL,OMP_NUM_THREADS=16"),
    ):
        assert judged(case, directive(text)).mistake == "blas_threads"


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


UNNAMED = {
    "another project": ("gadi_request", directive("-P ", "-P z"), "#PBS -P z"),
    "another queue": ("gadi_request", with_(queue="hugemem"), "-q hugemem"),
    "no queue": ("gadi_request", without("queue"), "no #PBS -q"),
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
    "no worker asked for": ("gadi_request", without("n_workers"), "n_workers=0"),
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
        ("config_name", "x", "knows no argument 'config_name'"),
        ("scheduler_cls", "x", "knows no argument"),
        ("waltime", "x", 'did you mean "walltime"'),
        ("job_mem", "16G", "knows no argument"),
        ("cores", "48", "a whole number as cores"),
        ("cores", True, "a whole number as cores"),
        ("nanny", 1, "True or False as nanny"),
        ("job_extra_directives", "-l wd", "a list of texts"),
        ("job_extra_directives", [48], "a list of texts"),
        ("memory", "much", "cannot use these arguments"),
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


HEAD = "#!/bin/bash\n{}\ndate\n#PBS -q late\n#SBATCH -p late\npython -m x --nthreads 4\n"


@pytest.mark.parametrize(
    ("kind", "line", "options", "resources"),
    [
        ("PBS", "#PBS -q normal -P ab12", {"-q": "normal", "-P": "ab12"}, {}),
        ("PBS", "#PBS -qnormal", {"-q": "normal"}, {}),
        ("PBS", "#PBS -l a=1,b=2\n#PBS -l wd", {}, {"a": "1", "b": "2", "wd": ""}),
        ("PBS", "#PBS -l select=1:ncpus=48", {}, {"select": "1:ncpus=48"}),
        ("PBS", "# PBS -q normal\n#PBSx -q normal\n#SBATCH -p n", {}, {}),
        ("SLURM", "#SBATCH -p n -t 1-02", {"--partition": "n", "--time": "1-02"}, {}),
        ("SLURM", "#SBATCH --mem=16G --exclusive", {"--mem": "16G", "--exclusive": ""}, {}),
        ("SLURM", "#SBATCH --account 'a b'", {"--account": "a b"}, {}),
    ],
)
def test_directives_are_read_as_the_batch_system_does(kind, line, options, resources):
    script = jobscript.parse(kind, HEAD.format(line))
    assert (script.options, script.resources) == (options, resources)
    assert (script.setup, script.worker["--nthreads"]) == (("date",), "4")
    assert script.twice == ()


def test_what_is_asked_for_twice_is_told_from_what_is_repeated():
    twice = jobscript.parse("PBS", HEAD.format("#PBS -l a=1,b=2\n#PBS -l a=3,b=2\n#PBS -q x"))
    assert twice.twice == ("a",)


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        ("190GB", "B", 190 << 30),
        ("190gb", "B", 190 << 30),
        ("16G", "M", 16 << 30),
        ("512", "M", 512 << 20),
        ("512", "B", 512),
        ("512b", "M", 512),
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
