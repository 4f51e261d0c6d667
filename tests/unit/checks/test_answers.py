"""What to do about a wrong value depends on what was returned and on what is wrong with it."""

from dataclasses import replace

import pytest
from kept_evidence import EX02, evidence, exercise_of, reference

from autograder.checks import CHECKS
from autograder.model import LOST_WORKERS, Comparison, Finding, Kill, ProcessUsage, Role, Status

EXERCISE = exercise_of(EX02)
SPEC = next(spec for spec in EXERCISE.checks if spec.grade_id == "score_large_values")


def judged(kind: str, got: str) -> Finding:
    found = evidence(EX02, "hypatia")
    runs = tuple(
        replace(
            run, answer={"type": kind}, comparison=Comparison(False, "another", got), failure=None
        )
        for run in found.runs
    )
    return CHECKS["values"](EXERCISE, SPEC, replace(found, runs=runs), reference(EX02))


@pytest.mark.parametrize(
    ("kind", "got", "says"),
    [
        ("builtins.float", "0.8", "Work the number out"),
        ("numpy.float64", "0.8", "Work the number out"),
        ("sklearn.pipeline.Pipeline", "other steps", "every step"),
        ("sklearn.model_selection._search.GridSearchCV", "6 candidates", "cv_results_"),
        ("dask_ml.wrappers.ParallelPostFit", "other labels", "Fit the same model"),
        ("dask.array.core.Array", "12 of 100 labels are wrong", "without Dask"),
        ("dask.array.core.Array", "an array of shape (3,)", "Print the shape"),
        ("dask.array.core.Array", "3 chunks", "Print the chunks"),
        ("dask.delayed.Delayed", "a Delayed, where it should be a Dask array", "map_blocks"),
        ("builtins.tuple", "other labels", "Print everything that"),
        ("builtins.NoneType", "nothing", "return"),
        ("__main__.Own", "other labels", "small data"),
        ("", "other labels", "small data"),
    ],
)
def test_the_advice_fits_the_kind_of_value(kind: str, got: str, says: str) -> None:
    assert says in judged(kind, got).advice


def test_the_advice_names_the_function() -> None:
    assert "score_large" in judged("builtins.float", "0.8").advice


# -------------------------------------------------------------------- where a worker is killed


def after_a_death(
    check: str,
    *,
    right: bool = True,
    kills: tuple[Kill, ...] | None = (),
    lost: int = 0,
    client: float = 0.1,
    graded: bool = False,
) -> Finding:
    found = evidence(EX02, "hypatia")
    runs = tuple(
        replace(
            run,
            comparison=Comparison(right, "all results", "all of them" if right else "none"),
            failure=None,
            kills=kills,
            usage=tuple(
                ProcessUsage(role, name, spent, None, 0, 0)
                for role, name, spent in (
                    (Role.CLIENT, "client", client),
                    (Role.WORKER, "worker-lost", 0.3),
                    (Role.WORKER, "worker-other", 0.4),
                )
            ),
            recording=replace(run.recording, missing={LOST_WORKERS: lost} if lost else {}),
        )
        for run in found.runs
    )
    beside = replace(reference(EX02), same_round=graded)
    return CHECKS[check](EXERCISE, SPEC, replace(found, runs=runs), beside)


@pytest.mark.parametrize("check", ["survives", "once"])
@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize(
    ("kills", "lost", "says"),
    [
        (None, 0, ""),
        ((), 0, " (no worker was killed)"),
        ((Kill(0.5, "worker-1", 4),), 1, " (worker-1 was killed after 0.50 s)"),
        (
            (Kill(0.5, "worker-1", 4),),
            3,
            " (worker-1 was killed after 0.50 s; 2 workers died without being killed by the "
            "grader)",
        ),
        ((), 1, " (1 worker died without being killed by the grader)"),
    ],
)
def test_it_is_said_who_was_killed_and_who_died_besides(
    check: str, right: bool, kills: tuple[Kill, ...] | None, lost: int, says: str
) -> None:
    found = after_a_death(check, right=right, kills=kills, lost=lost)
    assert found.got == ("all of them" if right else "none") + says
    assert found.status is (Status.PASSED if right else Status.FAILED)
    assert right or "score_large" in found.advice


@pytest.mark.parametrize("check", ["survives", "once"])
@pytest.mark.parametrize(("client", "status"), [(0.6, Status.PASSED), (0.8, Status.FAILED)])
def test_who_does_everything_in_the_notebook_has_survived_nothing(
    check: str, client: float, status: Status
) -> None:
    found = after_a_death(check, client=client)
    assert found.status is status
    assert ("computed for 0.80 s and the workers for 0.70 s" in found.got) is (client > 0.7)


@pytest.mark.parametrize("check", ["survives", "once"])
@pytest.mark.parametrize("graded", [True, False])
@pytest.mark.parametrize("kills", [(), (Kill(0.5, "worker-1", 4),)])
def test_whose_jobs_are_never_in_the_middle_of_their_work_has_survived_nothing(
    check: str, graded: bool, kills: tuple[Kill, ...]
) -> None:
    found = after_a_death(check, kills=kills, graded=graded)
    wanted = Status.FAILED if graded and not kills else Status.PASSED
    assert found.status is wanted
    assert ("did not announce themselves" in found.got) is (wanted is Status.FAILED)
