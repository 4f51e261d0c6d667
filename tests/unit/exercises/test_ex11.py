"""ex11: what the jobs do, what is judged of what was done, and each mistake beside its opposite."""

import os
import shutil
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
import small_cases
from distributed import as_completed, wait

from autograder.exercise import catalogue

NAME = "ex11_when_a_worker_dies"
SEED = 11
SMALL = small_cases.SMALL[NAME]
RUNS = [case for case in SMALL if case.startswith("run")]
KEEPS = ["keep_new", "keep_there", "keep_left"]
RESUMES = ["resume_begun", "resume_killed"]


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOGRADER_SCRATCH", str(tmp_path))
    # What the case keep_new leaves for keep_left goes with the test.
    monkeypatch.setenv("AUTOGRADER_OTHER_NAME", "")
    return tmp_path


def run(client, jobs, retries=2):
    futures = [client.submit(job, retries=retries, pure=False) for job in jobs.values()]
    names = {future.key: name for future, name in zip(futures, jobs, strict=True)}
    results, errors = {}, {}
    for future in as_completed(futures):
        if future.status == "error":
            errors[names[future.key]] = future.exception()
        else:
            results[names[future.key]] = future.result()
        future.release()
    return results, errors


def keep(job, path):
    if not path.exists():
        part = path.with_name(f"{path.name}.{uuid4().hex}")
        job(part)
        os.replace(part, path)
    return path.read_text()


def resume(client, jobs, folder, task=keep):
    return run(client, {n: partial(task, job, folder / f"{n}.txt") for n, job in jobs.items()})


RIGHT = {"run": run, "keep": keep, "resume": resume}


def judged(cases, case, function, seed=SEED):
    arguments, _ = cases.prepare(case, SMALL[case], seed)
    answer = cases.materialise(case, function(*arguments))
    return cases.compare(case, cases.oracle(case, SMALL[case], seed), answer)


def test_cases_whose_workers_die_come_last_and_lose_work(exercise):
    # What comes after the death of a worker has another cluster.
    killed = [bool(case.kill) for case in exercise.cases]
    assert killed == sorted(killed) and sum(killed) == 3
    for case in exercise.cases:
        if case.kill:
            working = case.parameters["jobs"] - case.parameters.get("broken", 0)
            assert case.kill[1] <= working - case.parameters.get("done", 0) - 2


@pytest.mark.parametrize("seed", range(40))
def test_each_seed_has_other_jobs_of_as_many_kinds(seed, cases):
    for case, sizes in SMALL.items():
        plan, other = (cases._plan(case, sizes, s) for s in (seed, seed + 1))
        fails = [one.fails for one in plan]
        assert fails.count(-1) == sizes.get("broken", 0)
        assert sum(often > 0 for often in fails) == sizes.get("flaky", 0)
        assert all(often <= cases.TRIES - 1 for often in fails)
        assert len(cases._done(case, sizes, seed)) == sizes.get("done", 0)
        assert len({one.name for one in plan}) == len(plan) == sizes["jobs"]
        assert [one[:2] for one in plan] != [one[:2] for one in other]


def test_no_two_jobs_have_the_same_result_nor_has_another_seed(cases):
    for case in ("run_large", "resume_killed"):
        part = "scores" if case.startswith("run") else "texts"
        found = [
            value
            for seed in (SEED, SEED + 1)
            for value in cases.oracle(case, SMALL[case], seed)[part].tolist()
        ]
        assert len(set(found)) == len(found) == 2 * SMALL[case]["jobs"]


@pytest.mark.parametrize("case", SMALL)
@pytest.mark.parametrize("seed", [SEED, 3])
def test_the_right_functions_are_right(case, seed, cases, client, monkeypatch):
    monkeypatch.setattr(cases, "_beside", lambda events: 2)  # the jobs are too short for that here
    found = judged(cases, case, RIGHT[case.split("_")[0]], seed)
    assert found.equal, found.got


# -------------------------------------------------------------------------------- the mistakes


@pytest.fixture
def told(cases, truths):
    """What is judged of a case: the truth, a right answer, and what a change of it is judged as."""

    def told(case, **changes):
        truth = truths[case]
        fails = dict(zip(truth["names"].tolist(), truth["fails"].tolist(), strict=True))
        good = truth["fails"] != -1
        broken = truth["names"][~good]
        answer = {
            "names": truth["names"][good],
            "failed": broken,
            "said": np.array([cases._broken(name) for name in broken], dtype=str),
            "begun": np.array(
                [
                    0 if done else cases.TRIES if fails[name] == -1 else fails[name] + 1
                    for name, done in zip(truth["names"].tolist(), truth["done"], strict=True)
                ]
            ),
            "outside": np.array(0),
            "in_place": np.array(0),
            "elsewhere": np.array(0),
            "beside_it": np.array(0),
            "beside": np.array(2),
            "files": np.array([], dtype=str),
            "contents": np.array([], dtype=str),
        }
        if case.startswith("run"):
            answer["scores"] = truth["scores"][good]
        else:
            answer |= {"files": truth["names"][good], "contents": truth["texts"][good]}
            answer["texts"] = np.array(truth["texts"][0]) if case in KEEPS else truth["texts"][good]
        for name, change in changes.items():
            answer[name] = change(answer[name]) if callable(change) else np.asarray(change)
        return cases.compare(case, truth, answer)

    return told


@pytest.mark.parametrize("case", SMALL)
def test_an_answer_made_by_hand_is_right(case, told):
    found = told(case)
    assert found.equal and found.mistake is None, found.got


def first_begun(count):
    """Have the first jobs begin once more."""
    return lambda begun: begun + (np.arange(len(begun)) < count)


def shorter(texts):
    """Have the last file lack its last line."""
    return np.array([*texts[:-1], "".join(texts[-1].splitlines(True)[:-1])])


def longer(texts):
    """Have the last file begin with half of another try."""
    return np.array([*texts[:-1], "".join(texts[-1].splitlines(True)[:2]) + texts[-1]])


NOBODY = np.array([], dtype=str)
WRONG = [
    ("run_failing", {"failed": NOBODY, "said": NOBODY}, "hidden"),
    ("run_failing", {"names": NOBODY, "scores": np.zeros(0)}, "nothing_came_back"),
    ("run_failing", {"begun": lambda begun: begun + 2}, "all_again"),
    ("run_failing", {"outside": 3}, "at_home"),
    ("run_large", {"beside": 1}, "one_by_one"),
    ("resume_begun", {"beside": 1}, "one_by_one"),
    ("run_failing", {"said": lambda said: np.array(["another"] * len(said))}, None),
    ("run_failing", {"begun": first_begun(1)}, None),
    ("run_large", {"begun": first_begun(1)}, None),
    ("run_large", {"scores": lambda scores: scores + 1e-4}, None),
    ("run_large", {"names": lambda names: names[:-1], "scores": lambda s: s[:-1]}, None),
    ("run_lost", {"begun": first_begun(5)}, "futures_kept"),
    ("run_lost", {"begun": first_begun(20)}, "all_again"),
    ("run_killed", {"begun": first_begun(8)}, "all_again"),
    ("keep_new", {"in_place": 1}, "in_place"),
    ("keep_new", {"elsewhere": 1}, "other_folder"),
    ("keep_new", {"beside_it": 1}, "copied"),
    ("keep_left", {"contents": longer}, "written_twice"),
    ("keep_new", {"contents": shorter}, "half_file"),
    ("keep_new", {"contents": longer}, "written_twice"),
    ("keep_new", {"files": NOBODY, "contents": NOBODY}, None),
    ("keep_new", {"texts": "another"}, None),
    ("keep_new", {"begun": [2]}, None),
    ("keep_there", {"begun": [1]}, "done_again"),
    ("resume_begun", {"begun": lambda begun: begun + 1}, "done_again"),
    ("resume_begun", {"files": NOBODY, "contents": NOBODY}, "not_kept"),
    (
        "resume_begun",
        {"files": NOBODY, "contents": NOBODY, "begun": lambda begun: begun + 1},
        "other_files",
    ),
    ("resume_begun", {"texts": lambda texts: np.array([texts[0]] * len(texts))}, "last_for_all"),
    ("run_large", {"scores": lambda s: np.full(len(s), s[0])}, "last_for_all"),
    ("resume_killed", {"contents": shorter}, "half_file"),
    ("resume_killed", {"contents": longer}, "written_twice"),
    ("resume_killed", {"texts": shorter}, "half_file"),
    ("resume_killed", {"texts": longer}, "written_twice"),
    ("resume_killed", {"outside": 1}, "at_home"),
]


@pytest.mark.parametrize(("case", "changes", "mistake"), WRONG)
def test_a_wrong_answer_is_named(case, changes, mistake, told, exercise):
    found = told(case, **changes)
    assert not found.equal and found.mistake == mistake, found.got
    assert mistake is None or mistake in exercise.mistakes


def test_what_the_death_of_a_worker_may_cost_is_no_mistake(told, cases):
    assert told("run_lost", begun=first_begun(cases.AGAIN)).equal
    assert told("run_killed", begun=first_begun(3)).equal
    assert told("resume_killed", begun=lambda begun: begun + (np.arange(8) == 7)).equal
    assert not told("run_large", begun=first_begun(1)).equal


def test_a_few_short_jobs_may_run_on_one_worker(told):
    assert told("run_failing", beside=1).equal and told("run_killed", beside=1).equal


def test_one_that_always_fails_is_no_result_and_one_that_succeeds_no_error(told, cases):
    plan = cases._plan("run_failing", SMALL["run_failing"], SEED)
    broken = next(one.name for one in plan if one.fails == -1)
    flaky = next(one.name for one in plan if one.fails > 0)
    found = told(
        "run_failing", names=lambda n: np.array([*n, broken]), scores=lambda s: np.array([*s, 0.0])
    )
    assert found.mistake == "error_as_result" and broken in found.got
    found = told(
        "run_failing", failed=lambda f: np.array([*f, flaky]), said=lambda s: np.array([*s, "no"])
    )
    assert not found.equal and flaky in found.got and found.mistake == "error_kept"
    at_home = {"failed": lambda f: np.array([*f, flaky]), "said": lambda s: np.array([*s, "no"])}
    assert told("run_failing", outside=3, **at_home).mistake == "at_home"
    found = told("run_failing", begun=lambda b: b + (np.array([o.fails == -1 for o in plan])))
    assert found.mistake == "other_tries"


def test_a_job_that_was_asked_too_early_is_told_from_one_that_is_missing(told):
    def without(n):
        return {"names": lambda names: names[n:], "scores": lambda scores: scores[n:]}

    def but_one(word):
        return {
            "failed": lambda f: np.array([*f, *gone]),
            "said": lambda s: np.array([*s, *[word] * len(gone)]),
        }

    gone = []
    told("run_large", names=lambda names: gone.extend(names[:2]) or names)
    early = told("run_large", **without(2), **but_one("None"))
    assert (early.equal, early.mistake) == (False, "asked_too_early")
    assert told("run_large", **without(2), **but_one("no")).mistake is None
    assert told("run_large", **without(2)).mistake is None


def test_results_that_were_there_and_are_not_returned_are_named(told, truths):
    truth = truths["resume_begun"]
    done = truth["done"][truth["fails"] != -1]
    for left_out, name in ((done, "only_new"), (~done, None), (done & (done.cumsum() > 1), None)):
        found = told(
            "resume_begun",
            names=lambda n, out=left_out: n[~out],
            texts=lambda texts, out=left_out: texts[~out],
        )
        assert (found.equal, found.mistake) == (False, name)


def test_results_in_the_order_of_completion_are_named(told, truths):
    for case, part in (
        ("run_large", "scores"),
        ("run_failing", "scores"),
        ("resume_begun", "texts"),
    ):
        for places in ([1, 0], [2, 0, 1]):
            found = told(case, **{part: lambda v, p=places: np.array([*v[p], *v[len(p) :]])})
            assert (found.equal, found.mistake) == (False, "other_order"), found.got
    # A job that fails has the result of another one, which has none then.
    plan = truths["run_failing"]
    broken = plan["names"][plan["fails"] == -1]
    found = told("run_failing", names=lambda names: np.array([*broken, *names[len(broken) :]]))
    assert found.mistake == "other_order"
    # The result of one job under two names, or one that no job has, is another mistake.
    twice = told("run_large", scores=lambda s: np.array([s[1], *s[1:]]))
    assert (twice.equal, twice.mistake) == (False, None)
    other = told("run_large", scores=lambda s: np.array([s[1], s[0] + 1e-3, *s[2:]]))
    assert (other.equal, other.mistake) == (False, None)


def test_a_loop_that_ends_with_the_first_error_is_named(told):
    def until(errors, results):
        return {
            "names": lambda names: names[:results],
            "scores": lambda scores: scores[:results],
            "failed": lambda failed: failed[:errors],
            "said": lambda said: said[:errors],
        }

    assert told("run_failing", **until(1, 3)).mistake == "first_error_ends_it"
    for errors, results, name in ((2, 3, None), (0, 3, None), (1, 0, "nothing_came_back")):
        assert told("run_failing", **until(errors, results)).mistake == name
    # All results are there: that an error is missing is another mistake.
    assert told("run_failing", **until(1, 99)).mistake == "hidden"


def test_jobs_that_write_and_are_given_no_path_are_named(told, truths):
    good = truths["resume_killed"]["names"]
    none = {"names": NOBODY, "texts": NOBODY, "failed": good}
    words = "_Writer.__call__() missing 1 required positional argument: 'path'"
    found = told("resume_killed", said=np.array([words] * len(good)), **none)
    assert (found.equal, found.mistake) == (False, "without_a_path")
    some = np.array([*[words] * (len(good) - 1), "another"])
    assert told("resume_killed", said=some, **none).mistake != "without_a_path"


def test_a_file_that_never_gets_its_name_is_named(told):
    gone = {"files": NOBODY, "contents": NOBODY}
    assert told("keep_new", beside_it=1, **gone).mistake == "never_renamed"
    assert told("keep_new", **gone).mistake is None


def test_a_text_may_lack_the_newline_at_its_end(told, truths):
    text = str(truths["keep_new"]["texts"][0])
    assert told("keep_new", texts=np.array(text.strip())).equal
    for other in (text.splitlines()[-1], "", text + text):
        found = told("keep_new", texts=np.array(other))
        assert (found.equal, found.mistake) == (False, None)


def in_one_place(job, path):
    part = path.with_suffix(".part")
    if not path.exists():
        job(part)
        os.replace(part, path)
    return path.read_text()


def cleared(job, path):
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    return in_one_place(job, path)


def copied(job, path):
    part = path.with_name(uuid4().hex)
    job(part)
    path.write_text(part.read_text())
    return path.read_text()


def in_another_folder(job, path):
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder, path.name)
        job(part)
        shutil.move(part, path)
    return path.read_text()


def in_a_new_folder(job, path):
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder, path.name)
        job(part)
        os.link(part, path)
    return path.read_text()


def linked(job, path):
    part = path.with_name(uuid4().hex)
    job(part)
    os.link(part, path)
    return path.read_text()


KEPT = {
    # What check(keep) says of the cases keep_new and keep_left.
    keep: (None, None),
    cleared: (None, None),
    in_a_new_folder: (None, None),
    linked: (None, None),
    in_one_place: (None, "written_twice"),
    copied: ("copied", None),
    in_another_folder: ("other_folder", "other_folder"),
}


@pytest.mark.parametrize("function", KEPT)
def test_what_an_earlier_try_has_left_is_in_the_way_of_one_name_only(
    function, exercise, truths, tmp_path, monkeypatch
):
    found = {}
    for case in KEEPS:
        # As in a self-check, where the module is loaded anew for each case.
        cases = catalogue.cases(exercise)
        (tmp_path / case).mkdir()
        monkeypatch.setenv("AUTOGRADER_SCRATCH", str(tmp_path / case))
        arguments, _ = cases.prepare(case, SMALL[case], SEED)
        if case != "keep_there":
            answer = cases.materialise(case, function(*arguments))
            found[case] = cases.compare(case, truths[case], answer)
    assert tuple(each.mistake for each in found.values()) == KEPT[function]
    assert [each.equal for each in found.values()] == [name is None for name in KEPT[function]]


def test_a_result_by_another_name_is_named(told):
    found = told("run_large", names=lambda names: np.array([f"{n}-0" for n in names]))
    assert (found.equal, found.mistake) == (False, "other_names")


@pytest.mark.usefixtures("client")
def test_errors_are_exceptions_and_not_their_text(cases, client, exercise):
    (_, jobs), _ = cases.prepare("run_failing", SMALL["run_failing"], SEED)
    results, errors = run(client, jobs)
    cases.materialise("run_failing", (results, errors))
    texts = {name: str(error) for name, error in errors.items()}
    with pytest.raises(TypeError, match=exercise.mistakes["error_as_text"].raises):
        cases.materialise("run_failing", (results, texts))


@pytest.mark.parametrize("case", SMALL)
@pytest.mark.parametrize(
    "part", ["begun", "files", "contents", "outside", "names", "texts", "said"]
)
def test_no_answer_of_any_form_breaks_the_judge(case, part, told):
    for value in (np.array(np.nan), np.zeros((2, 2)), np.array("x"), np.array([["x"]])):
        found = told(case, **{part: value})
        assert isinstance(found.got, str)


# ------------------------------------------------------------- what students write, on a cluster


def gathered(client, jobs):
    futures = [client.submit(job, retries=2, pure=False) for job in jobs.values()]
    return dict(zip(jobs, client.gather(futures), strict=True)), {}


def silent(client, jobs):
    futures = {client.submit(job, retries=2, pure=False): name for name, job in jobs.items()}
    results = {}
    for future, name in futures.items():
        with suppress(Exception):
            results[name] = future.result()
    return results, {}


def again(client, jobs):
    for _ in range(3):
        futures = {name: client.submit(job, pure=False) for name, job in jobs.items()}
        errors = {name: f.exception() for name, f in futures.items() if f.exception()}
        if not errors:
            break
    return {name: f.result() for name, f in futures.items() if name not in errors}, errors


def at_home(client, jobs):
    results, errors = {}, {}
    for name, job in jobs.items():
        for _ in range(3):
            try:
                results[name] = job()
                break
            except Exception as error:
                errors[name] = error
    return results, {name: error for name, error in errors.items() if name not in results}


def waited(client, jobs):
    futures = dict(zip(client.map(lambda job: job(), jobs.values(), retries=2, pure=False), jobs,
                       strict=True))  # fmt: skip
    wait(list(futures))
    good = {name: future for future, name in futures.items() if future.status == "finished"}
    results = dict(zip(good, client.gather(list(good.values())), strict=True))
    return results, {n: f.exception() for f, n in futures.items() if n not in results}


@pytest.mark.parametrize(
    ("function", "mistake"),
    [
        (silent, "hidden"),
        (again, "all_again"),
        (at_home, "at_home"),
        (partial(run, retries=0), "no_retries"),
        (partial(run, retries=5), "other_tries"),
        (waited, None),
    ],
)
def test_programs_with_failing_jobs(function, mistake, cases, client, monkeypatch):
    monkeypatch.setattr(cases, "_beside", lambda events: 2)
    found = judged(cases, "run_failing", function)
    assert (found.equal, found.mistake) == (mistake is None, mistake), found.got


def test_the_errors_of_jobs_are_known_by_their_words(cases, client, exercise, scratch, monkeypatch):
    (_, jobs), _ = cases.prepare("run_failing", SMALL["run_failing"], SEED)
    with pytest.raises((ValueError, OSError)) as caught:
        gathered(client, jobs)
    raised = f"{type(caught.value).__name__}: {caught.value}"
    known = [m.name for m in exercise.mistakes.values() if m.raises and m.raises in raised]
    assert known == ["one_fails_all"]
    monkeypatch.setenv("AUTOGRADER_SCRATCH", str(scratch / "anew"))
    (scratch / "anew").mkdir()
    (_, jobs), _ = cases.prepare("run_failing", SMALL["run_failing"] | {"broken": 0}, SEED)
    with pytest.raises(OSError) as caught:
        client.gather([client.submit(job, pure=False) for job in jobs.values()])
    raised = f"{type(caught.value).__name__}: {caught.value}"
    known = [m.name for m in exercise.mistakes.values() if m.raises and m.raises in raised]
    assert known == ["no_retries_raised"]


def in_place(job, path):
    if not path.exists():
        job(path)
    return path.read_text()


def anew(job, path):
    part = path.with_name(uuid4().hex)
    job(part)
    os.replace(part, path)
    return path.read_text()


@pytest.mark.parametrize(
    ("case", "task", "mistake"),
    [
        ("keep_new", in_place, "in_place"),
        ("keep_there", in_place, None),
        ("keep_new", anew, None),
        ("keep_there", anew, "done_again"),
    ],
)
def test_tasks_that_write(case, task, mistake, cases):
    found = judged(cases, case, task)
    assert (found.equal, found.mistake) == (mistake is None, mistake), found.got


def copied_and_deleted(job, path):
    if not path.exists():
        part = path.with_name(uuid4().hex)
        job(part)
        shutil.copy(part, path)
        part.unlink()
    return path.read_text()


def renamed_twice(job, path):
    if not path.exists():
        part, whole = (path.with_name(uuid4().hex) for _ in range(2))
        job(part)
        whole.write_text(part.read_text())
        part.unlink()
        os.replace(whole, path)
    return path.read_text()


@pytest.mark.parametrize("task", [renamed_twice, copied_and_deleted])
def test_a_copy_that_leaves_nothing_behind_passes(task, cases):
    """The second one is wrong, and nothing shows it: for a moment the file is there in part.

    That moment is over before anybody can look, and what is left is what the first one leaves,
    which is right: a file that is younger than the job's. inotify(7) would tell of the writing, and
    is refused where Landlock alone holds a box; marks must not depend on the wall. An audit hook of
    Python's would stay in the student's process until it ends.
    """
    found = judged(cases, "keep_new", task)
    assert (found.equal, found.mistake) == (True, None), found.got


@pytest.mark.parametrize(
    ("task", "mistake"),
    [(keep, None), (in_place, None), (anew, "done_again")],
)
def test_going_on_with_a_task_that_writes(task, mistake, cases, client, monkeypatch):
    monkeypatch.setattr(cases, "_beside", lambda events: 2)
    found = judged(cases, "resume_begun", partial(resume, task=task))
    assert (found.equal, found.mistake) == (mistake is None, mistake), found.got


@pytest.mark.parametrize(
    ("case", "result"),
    [
        ("run_large", None),
        ("run_large", {}),
        ("run_large", ({}, [])),
        ("run_large", ({"a": "a text"}, {})),
        ("resume_begun", ({"a": 1.0}, {})),
        ("keep_new", None),
        ("keep_new", b"bytes"),
    ],
)
def test_what_the_contract_does_not_allow_is_a_type_error(case, result, cases):
    function = case.split("_")[0]
    with pytest.raises(TypeError, match=f"{function} must return"):
        cases.materialise(case, result)


def test_jobs_side_by_side_are_told_from_jobs_in_a_row(cases):
    def event(kind, job, at):
        return {"event": kind, "job": job, "time": at}

    row = [event("begun", "a", 1), event("ended", "a", 2), event("begun", "b", 2.5)]
    assert cases._beside([*row, event("ended", "b", 3)]) == 1
    beside = [event("begun", "a", 1), event("begun", "b", 1.5), event("failed", "a", 2)]
    assert cases._beside([*beside, event("ended", "b", 3)]) == 2


def test_a_job_announces_itself_once_in_the_middle(cases, scratch):
    for kind in (cases._Job, cases._Writer):
        job = kind(cases._Plan(7, 1, 50, 4, 0.001, 0), str(scratch))
        began = time.time()
        job(*([scratch / "out"] if kind is cases._Writer else []))
        assert time.time() >= began
    assert (scratch / cases.ANNOUNCED).read_text() == f"{os.getpid()}\n" * 2
    assert len((scratch / "out").read_text().splitlines()) == 4
