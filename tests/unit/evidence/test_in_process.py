"""A self-check's call may take as long as one in a box, and no longer."""

import os
import signal
import time
from dataclasses import replace

import pytest

from autograder.evidence import in_process
from autograder.evidence.in_process import InProcess, _interrupting, _TooLong
from autograder.exercise import catalogue
from autograder.sandbox import run_queue

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


def assigned(client, function):
    exercise = EX04
    case = next(case for case in exercise.cases if case.name == "assign_odd")
    return InProcess(exercise, client, {"assign": function}).run_case(case, 3)


def predict(model, X):
    time.sleep(0.3)
    return model.predict(X)


@pytest.mark.skipif(not run_queue.is_counted(), reason="this kernel does not count")
def test_waits_are_read_in_steps_where_all_workers_are_on_this_machine(client, monkeypatch):
    # The workers of this client are threads; two processes stand in for them.
    addresses = sorted(client.scheduler_info(n_workers=-1)["workers"])
    here = dict(zip((os.getpid(), os.getppid()), addresses, strict=True))
    monkeypatch.setattr(in_process, "_workers_here", lambda client: here)
    call = assigned(client, predict)
    assert len({sample.seconds for sample in call.cpu}) > 2
    assert {sample.name for sample in call.cpu} >= {"client", "worker-0"}


@pytest.mark.skipif(not run_queue.is_counted(), reason="this kernel does not count")
def test_elsewhere_they_are_read_before_and_after(client, monkeypatch):
    monkeypatch.setattr(in_process, "_workers_here", lambda client: {})
    call = assigned(client, predict)
    assert len(call.cpu) == len(call.usage)
    assert {sample.seconds for sample in call.cpu} == {0.0, call.done - call.go}
