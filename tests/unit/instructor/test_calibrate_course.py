"""What an instructor reads of a calibration."""

from dataclasses import replace

from autograder.exercise import calibration
from autograder.exercise.calibration import Entry
from autograder.exercise.spec import Typical
from autograder.instructor.calibrate import (
    Chosen,
    Trial,
)
from autograder.instructor.calibrate_course import lines
from autograder.model import Exercise

TYPICAL = Typical(speedup=1.93, tasks=17, graphs=1, gathered_bytes=900_000, graph_bytes=161_000)


def entry(**factors: float) -> Entry:
    return Entry(factors=factors, typical=TYPICAL)


def test_it_tells_what_was_tried_chosen_and_why(trial: Trial, ex02: Exercise) -> None:
    first = replace(trial, wall=0.4, work=0.76)
    sized = calibration.apply(ex02, entry(predict_large=5.0))
    (case,) = (case for case in sized.cases if case.timed)
    second = replace(trial, case=case, factor=5.0, wall=2.0, work=3.8)
    why = {"predict_large": "2.0 s on 2 workers is between 1 and 4 s"}
    told = list(lines(Chosen(ex02, entry(predict_large=5.0), (first, second), why)))
    assert told == [
        "predict_large at rows = 56,000: 0.40 s on 2 workers, 0.76 s of work, speedup 1.90, "
        "1.00 GB",
        "predict_large at rows = 280,000: 2.00 s on 2 workers, 3.80 s of work, speedup 1.90, "
        "1.00 GB",
        "predict_large gets rows = 280,000 in place of rows = 56,000: 2.0 s on 2 workers is "
        "between 1 and 4 s",
    ]
    stays = list(lines(Chosen(ex02, entry(predict_large=1.0), (trial,), why)))
    assert stays[1].startswith("predict_large stays at the author's rows = 56,000: ")
