"""The jobs of ex11, their right results, and how an answer and its traces are judged.

A job trains a linear model with its own step size on fields that the seed draws. Some jobs fail at
first, as when a file server does not answer; some fail every time. Every start and every end of a
job is a line in a log in the case's scratch folder: what was done is counted, not what is said. In
the middle of its work a job announces itself: that is where the grader may kill its worker (`kill`
in ``exercise.toml``).

`autograder.author.kit` says what each function has to do, and where it runs.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import SGDRegressor

from autograder.author import kit
from autograder.author.kit import Array

MEASUREMENTS = 20
WEIGHTS = np.random.default_rng(11).normal(size=MEASUREMENTS)
TRIES = 3
"""Tries of a job that fails, in all."""
BROKEN = -1
"""Stands in place of how often a job fails if it fails every time."""
AGAIN = 4
"""Jobs that may be run again when a worker is lost. Of the 20 of run_lost, a solution that releases
fetched results ran 1 again in the box, one that keeps all futures 7."""
EXPECTED = ("the file server does not answer", "the step size of")
"""How the errors begin of jobs that are meant to fail, for a time or for good."""
NO_PATH = "missing 1 required positional argument: 'path'"
"""Part of Python's message if a job that writes is called without the path of its file."""
SIDE_BY_SIDE = ("run_large", "resume_begun")
"""Cases with so much work that one worker cannot do it all while the other gets no CPU for a
moment: there, jobs of a right solution overlap on any machine."""
TOLERANCE = 2e-6
"""Scores are written with six digits."""
LOG = "log"
ANNOUNCED = "announced"
"""Files in the scratch folder; the grader reads the second one."""
SUFFIX = ".txt"
OTHER_NAME = "AUTOGRADER_OTHER_NAME"
"""Environment variable with the job of keep_new and the name that keep had it write to, as in
``job-1/job-1.part``. This module is loaded anew for each case; the process is the same."""

_now: dict[str, Any] = {}
"""Where the last prepared case has its files, and the names of its jobs."""


# ------------------------------------------------------------------------------- in the box


class _Job:
    """A job that returns the score of its model."""

    def __init__(self, plan: _Plan, scratch: str) -> None:
        self.plan = plan
        self.scratch = scratch
        self.__name__ = "job"  # Dask names its tasks after it

    def __call__(self) -> float:
        """Train, and return the score."""
        with _logged(self) as attempt:
            _keep_quiet()
            if self.plan.fails == BROKEN:
                raise ValueError(_broken(self.plan.name))
            if attempt <= self.plan.fails:
                raise OSError(f"{EXPECTED[0]} {self.plan.name}")
            scores = []
            for score in _training(self.plan):
                scores.append(score)
                if len(scores) == self.plan.rounds // 2:
                    _announce(self.scratch)
            return scores[-1]


class _Writer(_Job):
    """A job that appends a line to a file after each round of its training."""

    def __call__(self, path: str | os.PathLike[str]) -> None:  # type: ignore[override]
        """Train, and write the scores."""
        with _logged(self, at=os.fspath(path)):
            _keep_quiet()
            if self.plan.fails == BROKEN:
                raise ValueError(_broken(self.plan.name))
            for number, score in enumerate(_training(self.plan), start=1):
                with open(path, "a", encoding="utf-8") as file:
                    file.write(f"{number} {score:.6f}\n")
                if number == self.plan.rounds // 2:
                    _announce(self.scratch)


class _logged:
    """Write down that a job begins and ends, and where."""

    def __init__(self, job: _Job, at: str = "") -> None:
        self._job = job
        self._at = at

    def __enter__(self) -> int:
        """Return how often the job has begun, this time included."""
        self._write("begun")
        name = self._job.plan.name
        return sum(e["event"] == "begun" and e["job"] == name for e in _events(self._job.scratch))

    def __exit__(self, kind: object, *rest: object) -> None:
        self._write("failed" if kind else "ended")

    def _write(self, event: str) -> None:
        told = {
            "event": event,
            "job": self._job.plan.name,
            "at": os.path.basename(self._at),
            "folder": os.path.realpath(os.path.dirname(self._at)),
            "worker": _in_a_worker(),
            "time": time.time(),
        }
        _append(Path(self._job.scratch, LOG), json.dumps(told))


def _keep_quiet() -> None:
    """Keep the worker from logging the failure of a job that is meant to fail.

    In a notebook it would go to stderr, and nbgrader's Validate takes that for a failed check.
    """
    logger = logging.getLogger("distributed.worker")
    if not any(getattr(each, "__name__", "") == _is_news.__name__ for each in logger.filters):
        logger.addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    said = record.getMessage()
    return not (said.startswith("Compute Failed") and any(words in said for words in EXPECTED))


def _append(path: Path, line: str) -> None:
    # One short write at the end of a file is never mixed with those of other processes.
    number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(number, f"{line}\n".encode())
    finally:
        os.close(number)


def _announce(scratch: str) -> None:
    _append(Path(scratch, ANNOUNCED), str(os.getpid()))


def _events(scratch: str) -> list[dict[str, Any]]:
    try:
        lines = Path(scratch, LOG).read_text().splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines]


def _in_a_worker() -> bool:
    from distributed import get_worker

    try:
        get_worker()
    except ValueError:
        return False
    return True


def prepare(case: str, parameters: Mapping[str, float], seed: int) -> tuple[tuple[Any, ...], int]:
    """Make the jobs, and for those that write files the folder with what is done already.

    The parameters are ``jobs``, ``rows``, ``rounds`` of training, how many jobs are ``flaky`` and
    ``broken``, and how many are ``done``: their file exists.
    """
    scratch = os.environ.get("AUTOGRADER_SCRATCH") or tempfile.mkdtemp()
    kind = _Job if case.startswith("run") else _Writer
    jobs = {one.name: kind(one, scratch) for one in _plan(case, parameters, seed)}
    folder = Path(tempfile.mkdtemp(prefix="results-", dir=scratch))
    _now.update(scratch=scratch, names=list(jobs), folder=folder)
    if case.startswith("run"):
        from distributed import get_client

        return (get_client(), dict(jobs)), 0
    for name in _done(case, parameters, seed):
        (folder / f"{name}{SUFFIX}").write_text(_text(jobs[name].plan))
    if case.startswith("keep"):
        name = next(iter(jobs))
        if case == "keep_new":
            os.environ.pop(OTHER_NAME, None)
        before, _, other = os.environ.get(OTHER_NAME, "").partition("/")
        if case == "keep_left" and other:
            # What an interrupted try leaves behind, if keep takes the same name each time.
            lines = _text(jobs[name].plan).splitlines(keepends=True)[:2]
            (folder / other.replace(before, name)).write_text("".join(lines))
        return (jobs[name], folder / f"{name}{SUFFIX}"), 0
    from distributed import get_client

    return (get_client(), dict(jobs), folder), 0


def materialise(case: str, result: Any) -> dict[str, Array]:
    """Turn what the student's function returned into plain arrays, and the traces of the jobs.

    Returns
    -------
    dict of str to numpy.ndarray
        ``names`` (results,) and ``scores`` or ``texts`` (results,), for ``keep`` only ``texts``
        (); ``failed`` and ``said`` (errors,); how often each job has ``begun`` (jobs,), how often
        jobs have begun ``outside`` a worker (), with their file's own name, ``in_place`` (), or in
        a folder ``elsewhere`` (), how many of the files that they wrote are still ``beside_it``
        (), and how many ran ``beside`` one another at most (); for jobs that write files, those
        that exist: ``files`` and ``contents`` (files,).
    """
    if case.startswith("keep"):
        answer = {"texts": np.array(_as_text(result, "keep must return the text of the file"))}
    else:
        answer = _pair(result, "run" if case.startswith("run") else "resume")
    return answer | _traces()


def _pair(result: Any, function: str) -> dict[str, Array]:
    what = "score" if function == "run" else "text"
    contract = (
        f"{function} must return two dicts by job: {what}s, and the errors of those that failed"
    )
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise TypeError(f"{contract}; it returned {kit.kind(result)}.")
    found, errors = result
    for part in (found, errors):
        if not isinstance(part, Mapping):
            raise TypeError(f"{contract}; one of them is {kit.kind(part)}.")
    for key, error in errors.items():
        if error is not None and not isinstance(error, BaseException):
            raise TypeError(
                f"{contract}; the error of {key} is {kit.kind(error)}, not what the job has raised."
            )
    read = _as_score if function == "run" else _as_text
    values = [read(value, f"{contract}; the {what} of {key}") for key, value in found.items()]
    return {
        "names": np.array([str(name) for name in found], dtype=str),
        f"{what}s": np.array(values, dtype=np.float64 if function == "run" else str),
        "failed": np.array([str(name) for name in errors], dtype=str),
        "said": np.array([str(error)[:500] for error in errors.values()], dtype=str),
    }


def _as_score(value: Any, contract: str) -> float:
    if isinstance(value, BaseException):
        return np.nan  # an error among the results
    if hasattr(value, "result") and hasattr(value, "key"):
        raise TypeError(f"{contract} is a future, not what the job has returned.")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{contract} is {kit.kind(value)}.") from None


def _as_text(value: Any, contract: str) -> str:
    if value is None:
        raise TypeError(
            f"{contract}: a str; it is None (is there a return statement? What a job itself "
            "returns is None, too: its text is in the file)."
        )
    if not isinstance(value, str):
        raise TypeError(f"{contract}: a str; it is {kit.kind(value)}.")
    return value[:20_000]


def _traces() -> dict[str, Array]:
    """Read what was done from the log of the jobs and from the folder."""
    events = _events(_now["scratch"])
    begun = [e for e in events if e["event"] == "begun"]
    here = os.path.realpath(_now["folder"])
    files = sorted(_now["folder"].glob(f"*{SUFFIX}"))
    own = [e["folder"] == here and e["at"] == e["job"] + SUFFIX for e in begun]
    if len(_now["names"]) == 1 and begun and not any(own) and begun[0]["folder"] == here:
        os.environ[OTHER_NAME] = f"{_now['names'][0]}/{begun[0]['at']}"
    answer = {
        "begun": np.array([sum(e["job"] == name for e in begun) for name in _now["names"]]),
        "outside": np.array(sum(not e["worker"] for e in begun)),
        "in_place": np.array(sum(own)),
        "elsewhere": np.array(sum(e["at"] != "" and not _within(e["folder"], here) for e in begun)),
        "beside_it": np.array(sum(_is_copied(Path(e["folder"], e["at"]), files) for e in begun)),
        "beside": np.array(_beside(events)),
    }
    known = [path for path in files if path.stem in _now["names"]]
    contents = [path.read_text(errors="replace")[:20_000] for path in known]
    return answer | {
        "files": np.array([path.stem for path in known], dtype=str),
        "contents": np.array(contents, dtype=str),
    }


def _within(folder: str, place: str) -> bool:
    return Path(folder).is_relative_to(place)


def _is_copied(written: Path, files: Sequence[Path]) -> bool:
    """Whether what a job wrote still exists under its other name, and is no link to a result."""
    return written.is_file() and not any(written.samefile(file) for file in files)


def _beside(events: Sequence[Mapping[str, Any]]) -> int:
    """Return the largest number of jobs that ran at the same time."""
    running: set[str] = set()
    most = 0
    for event in sorted(events, key=lambda e: float(e["time"])):
        if event["event"] == "begun":
            running.add(event["job"])
        else:
            running.discard(event["job"])
        most = max(most, len(running))
    return most


def warm() -> None:
    """Do every operation once on a few rows, so that no case pays for imports."""
    with tempfile.TemporaryDirectory() as scratch:
        kit.on_each_worker(_warm_up, scratch)


def _warm_up(scratch: str) -> None:
    os.makedirs(scratch, exist_ok=True)
    plan = _Plan(1, 0, 50, 2, 0.001, 0)
    _Job(plan, scratch)()
    _Writer(plan, scratch)(Path(scratch, f"{os.getpid()}"))


# ------------------------------------------------------------------ on both sides, no Dask


class _Plan(NamedTuple):
    """Description of a job, the same wherever it runs."""

    number: int
    seed: int
    rows: int
    rounds: int
    step: float
    fails: int
    """How often it fails before it succeeds; `BROKEN` if it never does."""

    @property
    def name(self) -> str:
        """The name that the student knows."""
        return _name(self.number)


def _name(number: int) -> str:
    return f"job-{number}"


def _plan(case: str, parameters: Mapping[str, float], seed: int) -> list[_Plan]:
    """Draw the jobs of a case: which of them fail, and how often, is up to the seed."""
    count = int(parameters["jobs"])
    generator = np.random.default_rng([seed, sum(map(ord, case))])
    fails = np.zeros(count, dtype=int)
    order = generator.permutation(count)
    flaky, broken = int(parameters.get("flaky", 0)), int(parameters.get("broken", 0))
    fails[order[:flaky]] = 1 + np.arange(flaky) % (TRIES - 1)
    fails[order[flaky : flaky + broken]] = BROKEN
    sizes = {name: int(parameters[name]) for name in ("rows", "rounds")}
    numbers = generator.choice(900, size=count, replace=False) + 100
    return [
        _Plan(int(number), seed, sizes["rows"], sizes["rounds"], float(step), int(often))
        for number, step, often in zip(numbers, np.logspace(-4, -2, count), fails, strict=True)
    ]


def _done(case: str, parameters: Mapping[str, float], seed: int) -> list[str]:
    """Return the names of the jobs whose file exists at the beginning."""
    names = [one.name for one in _plan(case, parameters, seed) if one.fails == 0]
    return names[: int(parameters.get("done", 0))]


def _training(job: _Plan) -> Iterator[float]:
    """Train, and yield the score after each round of ten passes over the rows."""
    generator = np.random.default_rng([job.seed, job.number])
    X = generator.normal(size=(job.rows, MEASUREMENTS))
    y = X @ WEIGHTS / np.linalg.norm(WEIGHTS) + generator.normal(size=job.rows)
    model = SGDRegressor(learning_rate="constant", eta0=job.step, random_state=0)
    for _ in range(job.rounds):
        for _ in range(10):
            model.partial_fit(X, y)
        yield float(model.score(X, y))


def _text(job: _Plan) -> str:
    scores = enumerate(_training(job), start=1)
    return "".join(f"{number} {score:.6f}\n" for number, score in scores)


def _broken(name: str) -> str:
    return f"{EXPECTED[1]} {name} is not a number"


# ------------------------------------------------------------------------------ outside


def oracle(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Work out the results on one core, one job after the other.

    Returns
    -------
    dict of str to numpy.ndarray
        ``names`` (jobs,), ``fails`` (jobs,), ``scores`` (jobs,) or ``texts`` (jobs,), and ``done``
        (jobs,), whether the file existed at the beginning.
    """
    plan = _plan(case, parameters, seed)
    done = _done(case, parameters, seed)
    truth: dict[str, Array] = {
        "names": np.array([one.name for one in plan]),
        "fails": np.array([one.fails for one in plan]),
        "done": np.array([one.name in done for one in plan]),
    }
    if case.startswith("run"):
        scores = [np.nan if one.fails == BROKEN else list(_training(one))[-1] for one in plan]
        return truth | {"scores": np.array(scores)}
    texts = ["" if one.fails == BROKEN else _text(one) for one in plan]
    return truth | {"texts": np.array(texts)}


def compare(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> kit.Comparison:
    """Judge an answer, and what was done for it, by the truth."""
    seen = _Seen.of(truth, answer)
    expected = _expected(case, truth)
    if seen is None:
        return kit.comparison(False, expected, "no traces of the jobs that could be read")
    if case.startswith("keep"):
        equal, got, mistake = _judge_keep(case, truth, answer, seen)
    else:
        equal, got, mistake = _judge_results(case, truth, answer, seen)
    return kit.comparison(equal, expected, got, mistake)


class _Seen(NamedTuple):
    """What the log of the jobs and the folder show."""

    begun: dict[str, int]
    outside: int
    in_place: int
    elsewhere: int
    beside_it: int
    beside: int
    files: dict[str, str]

    @classmethod
    def of(cls, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> _Seen | None:
        begun = answer.get("begun")
        names = [str(name) for name in truth["names"]]
        counted = ("outside", "in_place", "elsewhere", "beside_it", "beside")
        counts = [kit.single(answer.get(n), "iu") for n in counted]
        files, contents = _words(answer.get("files")), _words(answer.get("contents"))
        if not kit.is_array(begun, "iu") or begun.shape != (len(names),) or None in counts:
            return None
        if files is None or contents is None or len(files) != len(contents):
            return None
        begun_of = dict(zip(names, begun.tolist(), strict=True))
        outside, in_place, elsewhere, beside_it, beside = counts
        contents_of = dict(zip(files, contents, strict=True))
        return cls(begun_of, outside, in_place, elsewhere, beside_it, beside, contents_of)


def _expected(case: str, truth: Mapping[str, Array]) -> str:
    fails, done = truth["fails"], int(truth["done"].sum())
    right, broken = np.count_nonzero(fails != BROKEN), np.count_nonzero(fails == BROKEN)
    if case.startswith("keep"):
        lines = len(str(truth["texts"][0]).splitlines())
        called = "and the job not called" if done else "written under another name first"
        return f"the {lines} lines of the job, in its file and returned, {called}"
    said = f"the results of {right} jobs"
    if broken:
        said += f", and the errors of {broken} that {'fails' if broken == 1 else 'fail'} every time"
    if done:
        said += f"; {done} of the results were there, and their jobs are not called"
    if case == "run_failing":
        said += f", tried {TRIES} times"
    if case == "run_lost":
        said += f"; no more than {AGAIN} jobs done again"
    return said


def _judge_keep(
    case: str, truth: Mapping[str, Array], answer: Mapping[str, Array], seen: _Seen
) -> tuple[bool, str, str | None]:
    (name,), (text,) = seen.begun, truth["texts"]
    begun = seen.begun[name]
    if truth["done"][0] and begun:
        return False, "the job called again, though its file was there", "done_again"
    if name not in seen.files:
        return False, "no file of this name", "never_renamed" if seen.beside_it else None
    wrong = _wrong_text(str(text), seen.files[name])
    if wrong is not None:
        return False, f"a file with {wrong[0]}", wrong[1]
    if seen.in_place:
        return False, "the right lines, but written to the file one by one", "in_place"
    if seen.elsewhere:
        return False, "the right lines, but first written in another folder", "other_folder"
    if seen.beside_it and case == "keep_new":
        return False, "the right lines, and another file that is still there", "copied"
    if begun > 1:
        return False, f"the right lines, but the job called {begun} times", None
    # As for results: a newline more or less at the end is the same text.
    if _wrong_text(str(text), str(kit.single(answer.get("texts"), "U"))) is not None:
        return False, "the right file, but another text returned", None
    return True, "the right lines, " + ("the job not called" if not begun else "all at once"), None


def _judge_results(
    case: str, truth: Mapping[str, Array], answer: Mapping[str, Array], seen: _Seen
) -> tuple[bool, str, str | None]:
    names = [str(name) for name in truth["names"]]
    fails = dict(zip(names, truth["fails"].tolist(), strict=True))
    good = [name for name in names if fails[name] != BROKEN]
    found, failed, said = (_words(answer.get(n)) for n in ("names", "failed", "said"))
    what = "scores" if case.startswith("run") else "texts"
    values = answer.get(what)
    if found is None or failed is None or said is None or len(said) != len(failed):
        return False, "no results and errors that could be read", None
    if not kit.is_array(values, "fU") or values.shape != (len(found),):
        return False, "no results that could be read", None
    results = dict(zip(found, values.tolist(), strict=True))
    errors = dict(zip(failed, said, strict=True))
    for name in (*results, *errors):
        if name not in fails:
            return False, f"{name[:40]!r}, which is none of the jobs", "other_names"
    if len(results) > 2 and len(set(values.tolist())) == 1:
        return False, f"one and the same result for all of {len(results)} jobs", "last_for_all"
    right = dict(zip(names, truth[what].tolist(), strict=True))
    if mixed := _of_others(results, {name: right[name] for name in good}):
        return False, f"another job's result for {_some(mixed)}", "other_order"
    strange = [name for name in results if fails[name] == BROKEN]
    if strange:
        return False, f"a result of {strange[0]}, which fails every time", "error_as_result"
    missing = [name for name in good if name not in results]
    if missing:
        flaky = all(fails[name] > 0 and seen.begun[name] <= fails[name] for name in missing)
        everything = len(missing) == len(good) and sum(seen.begun.values()) > 0
        early = all(errors.get(name) == "None" for name in missing)
        known = "no_retries" if flaky else "nothing_came_back" if everything else None
        if known is None and len(errors) == 1 < len(names) - len(good):
            known = "first_error_ends_it"
        known = "asked_too_early" if early else known
        if all(NO_PATH in errors.get(name, "") for name in missing):
            known = "without_a_path"
        if set(missing) == set(truth["names"][truth["done"]].tolist()):
            known = "only_new"
        return False, f"no result of {_some(missing)}", known
    wrong = [(name, _difference(right[name], results[name])) for name in good]
    for name, difference in wrong:
        if difference is not None:
            return False, f"of {name} {difference[0]}", difference[1]
    hidden = [name for name in names if fails[name] == BROKEN and name not in errors]
    if hidden:
        return False, f"all results, but nothing of {_some(hidden)}, which failed", "hidden"
    for name, error in errors.items():
        if fails[name] != BROKEN:
            known = "at_home" if seen.outside else "error_kept"
            return False, f"all results, and an error of {name}, which succeeded", known
        if _broken(name) not in error:
            return False, f"another error of {name} than its own: {error[:80] or 'none'}", None
    return _judge_work(case, truth, seen, fails)


def _of_others(results: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    """Return the names of wrong results, if each is the right one of a different job."""
    wrong = [
        name
        for name, got in results.items()
        if name not in right or _difference(right[name], got) is not None
    ]
    known = all(
        any(_difference(other, results[name]) is None for other in right.values()) for name in wrong
    )
    return wrong if known and len({results[name] for name in wrong}) == len(wrong) > 1 else []


def _judge_work(
    case: str, truth: Mapping[str, Array], seen: _Seen, fails: Mapping[str, int]
) -> tuple[bool, str, str | None]:
    """Judge how right results came about."""
    if seen.outside:
        jobs = "1 job" if seen.outside == 1 else f"{seen.outside} jobs"
        return False, f"all results, but {jobs} done by the notebook's process", "at_home"
    if not case.startswith("run"):
        done = truth["names"][truth["done"]].tolist()
        called = [name for name in done if seen.begun[name]]
        if called:
            got = f"all results, but {_some(called)} done again, though the file was there"
            new = [n for n in fails if fails[n] != BROKEN and n not in done and n in seen.files]
            return False, got, "done_again" if new else "other_files"
        for name, text in zip(truth["names"].tolist(), truth["texts"].tolist(), strict=True):
            if fails[name] != BROKEN and name not in seen.files:
                return False, f"all results, but no file of {name}", "not_kept"
            wrong = _wrong_text(text, seen.files[name]) if fails[name] != BROKEN else None
            if wrong is not None:
                return False, f"all results, but the file of {name} has {wrong[0]}", wrong[1]
            if name in seen.files and fails[name] == BROKEN:
                return False, f"a file of {name}, which has failed", None
    if case in SIDE_BY_SIDE and seen.beside < 2:
        return False, "all results, but one job after the other", "one_by_one"
    # A job begins once more for each time that it fails; one that always fails, TRIES times.
    due = {name: TRIES if often == BROKEN else often + 1 for name, often in fails.items()}
    extra = {name: seen.begun[name] - due[name] for name in due if seen.begun[name] > due[name]}
    again = sum(extra.values())
    # A killed worker loses the jobs that it was running.
    most = AGAIN if case.endswith(("killed", "lost")) else 0
    everything = len(extra) > 0.8 * np.count_nonzero(truth["fails"] != BROKEN)
    if everything and len(extra) > 1:
        return False, f"all results, but {_counted(len(extra))} done again", "all_again"
    if case == "run_failing":
        for name, often in fails.items():
            if often == BROKEN and seen.begun[name] != TRIES:
                tries = f"{seen.begun[name]} times"
                return False, f"all results, but {name} was tried {tries}", "other_tries"
    if again > most and case != "run_killed":
        got = f"all results, but {_counted(again)} done again"
        return False, got, "futures_kept" if case == "run_lost" else None
    return True, f"all of them; {_counted(again)} done again" if again else "all of them", None


def _counted(jobs: int) -> str:
    return "1 job was" if jobs == 1 else f"{jobs} jobs were"


def _difference(right: Any, got: Any) -> tuple[str, str | None] | None:
    if isinstance(right, str):
        return _wrong_text(right, got if isinstance(got, str) else "")
    if isinstance(got, float) and abs(got - right) < TOLERANCE:
        return None
    return f"{got:.6f}, not {right:.6f}" if isinstance(got, float) else "no number", None


def _wrong_text(right: str, got: str) -> tuple[str, str | None] | None:
    """Say what is wrong with the text of a file, and which known mistake makes it so."""
    lines, wanted = got.splitlines(), right.splitlines()
    if len(lines) < len(wanted):
        half = bool(lines) and _same_lines(lines, wanted[: len(lines)])
        return f"{len(lines)} of {len(wanted)} lines", "half_file" if half else None
    if len(lines) > len(wanted):
        doubled = _same_lines(lines[-len(wanted) :], wanted)
        return f"{len(lines)} lines, not {len(wanted)}", "written_twice" if doubled else None
    return None if _same_lines(lines, wanted) else ("other scores than the job's", None)


def _same_lines(lines: Sequence[str], wanted: Sequence[str]) -> bool:
    try:
        got, right = (
            [[float(w) for w in line.split()] for line in each] for each in (lines, wanted)
        )
        return bool(np.allclose(got, right, rtol=0, atol=TOLERANCE))
    except ValueError:
        return False


def _words(value: Any) -> list[str] | None:
    """Return the texts of an array; None if it has anything else."""
    if not kit.is_array(value, "U") or value.ndim != 1:
        return None
    return [str(word) for word in value]


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} other jobs"
