"""A self-check's call may take as long as one in a box, and no longer."""

import signal
import time
from dataclasses import replace

import pytest

from autograder.evidence.in_process import InProcess, _interrupting, _TooLong
from autograder.exercise import catalogue

EX04 = catalogue.find("ex04_large_collections")


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
def test_what_takes_too_long_is_interrupted_and_nothing_else():
    began = time.monotonic()
    with _interrupting(0.2):
        try:
            time.sleep(5)
        except _TooLong:
            caught = True
    assert caught and time.monotonic() - began < 2
    with _interrupting(5):
        pass
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    assert signal.getsignal(signal.SIGALRM) in (signal.SIG_DFL, None)


@pytest.mark.parametrize(("seconds", "stopped"), [(30.0, False), (0.3, True)])
def test_a_call_that_takes_too_long_is_stopped_as_in_a_box(seconds, stopped, client):
    exercise = replace(EX04, limits=replace(EX04.limits, case_seconds=seconds))

    def assign(model, X):
        time.sleep(0.6)
        return model.predict(X)

    case = next(case for case in EX04.cases if case.name == "assign_odd")
    call = InProcess(exercise, client, {"assign": assign}).run_case(case, 3)
    assert call.stopped == ("it ran for more than 0 seconds" if stopped else None)
    assert bool(call.arrays) is not stopped and call.failure is None
