"""Forged testimony earns nothing: tampering with the record of a run, in the real box.

Each forger's program is pinned to one worker or runs in the notebook's own process, and then
changes what the scheduler tells of it. The facts are what they are, so it comes out serial, which
accuses nobody; the instructor reads what does not fit. Two are in the sample classes already: sham
tasks beside work in the client (potemkin) and busy work in the workers beside it (ponzi). What a
forged record looks like in detail, and the true ones beside it that must not be doubted, is in
``unit/speedup/test_tampering.py``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from autograder import grading, pipeline
from autograder.model import Finding, Status, Submission, SubmittedCell
from autograder.sandbox import cgroups

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.usefixtures("leaves_nothing"),
]

SETUP = """
import os, signal, socket, threading, time
import dask, dask.array as da, numpy as np, psutil
from distributed import wait
from cluster import connect

client = connect()


def workers():
    return sorted(client.scheduler_info(n_workers=-1)["workers"])


def in_client(model, X):
    return model.predict(X.compute())


def on_one_worker(model, X, function=None):
    function = function or model.estimator.predict
    chunks = client.compute(list(X.to_delayed()[:, 0]))
    futures = [client.submit(function, c, workers=workers()[:1], pure=False) for c in chunks]
    return np.concatenate(client.gather(futures))


def on_scheduler(change, *arguments):
    # What a graph or a message unpickles runs in the scheduler; this is the convenient way.
    client.run_on_scheduler(change, *arguments)


def a_record(number, worker, go, seconds):
    return dict(
        key=f"predict-{number}", layer="predict", worker=worker, submitted=go,
        start=go + number // 2 * seconds, stop=go + (number // 2 + 1) * seconds,
        compute_seconds=seconds, transfer_seconds=0.0, nbytes=28_000, dependencies=(),
    )
"""

HONEST = """
def predict_large(model, X):
    return model.predict(X)
"""

SHORTENED = """
def predict_large(model, X):
    predict = model.estimator.predict

    def shortened(chunk):
        import distributed.worker as worker

        event = worker.ExecuteSuccessEvent
        if event.__name__ != "forged":

            def forged(*args, **kwargs):
                kwargs["start"] = kwargs["stop"] - 0.001
                return event(*args, **kwargs)

            worker.ExecuteSuccessEvent = forged
        return predict(chunk)

    return on_one_worker(model, X, shortened)
"""

INVENTED = """
def invent(go, seconds, dask_scheduler):
    from autograder.evidence.executions import Execution

    recorder = dask_scheduler.plugins["autograder-recorder"]
    both = sorted(dask_scheduler.workers)
    for i in range(16):
        start = go + i // 2 * seconds
        step = {"action": "compute", "start": start, "stop": start + seconds}
        recorder._executions.append(
            Execution(f"predict-{i}", both[i % 2], go, [step], 28_000, [], False, (), 1)
        )


def predict_large(model, X):
    go = time.time()
    labels = in_client(model, X)
    on_scheduler(invent, go, (time.time() - go) / 10)
    return labels
"""

MOVED = """
def move(dask_scheduler):
    recorder = dask_scheduler.plugins["autograder-recorder"]
    both = sorted(dask_scheduler.workers)
    recorder._executions = [
        told._replace(worker=both[i % 2]) for i, told in enumerate(recorder._executions)
    ]


def predict_large(model, X):
    labels = on_one_worker(model, X)
    on_scheduler(move)
    return labels
"""

SWITCHED_OFF = """
def switch_off(dask_scheduler):
    dask_scheduler.plugins.pop("autograder-recorder", None)


def predict_large(model, X):
    on_scheduler(switch_off)
    return on_one_worker(model, X)
"""

SILENCED = """
def silence(dask_scheduler):
    dask_scheduler.autograder_server.close()


def predict_large(model, X):
    labels = on_one_worker(model, X)
    on_scheduler(silence)
    return labels
"""

REPLACED = """
from autograder.evidence import driver

driver._other_cluster = lambda made: None  # or it would look for the scheduler, and find it gone


def serve(path, record):
    os.unlink(path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        connection, _ = server.accept()
        connection.recv(1 << 16)
        connection.sendall(record.encode())
        connection.close()


def predict_large(model, X):
    import json

    go, both = time.time(), workers()
    labels = in_client(model, X)
    seconds = (time.time() - go) / 10
    tasks = [a_record(i, both[i % 2], go, seconds) for i in range(16)]
    record = json.dumps({"tasks": tasks, "workers": both})
    for process in psutil.Process(os.getppid()).children():
        if process.pid != os.getpid():
            process.kill()
    path = os.environ["AUTOGRADER_RECORDER_SOCKET"]
    threading.Thread(target=serve, args=(path, record), daemon=True).start()
    while not os.path.exists(path):
        time.sleep(0.01)
    time.sleep(0.2)
    return labels
"""

IN_ADVANCE = """
from autograder.evidence import driver

prepare, known = driver._cases.prepare, {}


def prepare_and_predict(case, parameters, seed):
    arguments, size = prepare(case, parameters, seed)
    model, X = arguments
    known["labels"] = in_client(model, X)
    return arguments, size


driver._cases.prepare = prepare_and_predict


def spin(number):
    until = time.process_time() + 0.06
    while time.process_time() < until:
        number += 1
    return number


def predict_large(model, X):
    client.gather(client.map(spin, range(16), pure=False))
    return known["labels"]
"""


SPIN = """
def spin(number, seconds=0.12):
    until = time.process_time() + seconds
    while time.process_time() < until:
        number += 1
    return number


def as_asked(model, X, work):
    rows = X.compute()
    np.save("/tmp/rows.npy", rows)
    import pickle
    with open("/tmp/model.pickle", "wb") as file:
        pickle.dump(model.estimator, file)
    work()
    client.gather(client.map(spin, range(16), pure=False))
    while not os.path.exists("/tmp/labels.npy"):
        time.sleep(0.01)
    time.sleep(0.05)
    labels = np.load("/tmp/labels.npy")
    os.remove("/tmp/labels.npy")
    return labels


SOLVE = '''
import os, pickle, numpy
with open("/tmp/model.pickle", "rb") as file:
    model = pickle.load(file)
labels = model.predict(numpy.load("/tmp/rows.npy"))
numpy.save("/tmp/labels-new.npy", labels)
os.rename("/tmp/labels-new.npy", "/tmp/labels.npy")
'''
"""

IN_SCHEDULER = (
    SPIN
    + """
def begin(dask_scheduler=None):
    import threading
    threading.Thread(target=exec, args=(SOLVE, {}), daemon=True).start()


def predict_large(model, X):
    return as_asked(model, X, lambda: client.run_on_scheduler(begin))
"""
)

BELOW_SCHEDULER = (
    SPIN
    + """
def begin(dask_scheduler=None):
    import subprocess, sys, threading
    command = ["sh", "-c", f"{sys.executable} -c '$CODE' & wait".replace("'$CODE'", '"$CODE"')]
    child = subprocess.Popen(command, env={**os.environ, "CODE": SOLVE})
    threading.Thread(target=child.wait, daemon=True).start()


def predict_large(model, X):
    return as_asked(model, X, lambda: client.run_on_scheduler(begin))
"""
)

UNSEEN = (
    SPIN
    + """
def begin():
    import subprocess, sys
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel takes their accounts away
    subprocess.Popen([sys.executable, "-c", SOLVE])


def predict_large(model, X):
    return as_asked(model, X, begin)
"""
)

ON_A_WORKER_IN_ADVANCE = IN_ADVANCE.replace(
    'known["labels"] = in_client(model, X)',
    'known["labels"] = on_one_worker(model, X)',
)


@dataclass(frozen=True, slots=True)
class Forger:
    """What a forger does, and what must come of it."""

    source: str
    said: str
    """In what the instructor is told."""


FORGERS = {
    "shortened tasks, by another event class": Forger(SHORTENED, "the recorded tasks come to"),
    "invented tasks": Forger(INVENTED, "They slept, or never ran."),
    "tasks moved to the other worker": Forger(MOVED, "each worker is recorded as"),
    "a recorder that was switched off": Forger(SWITCHED_OFF, "but no task is recorded"),
    "a recorder that gives no answer": Forger(SILENCED, "but the recorder gave no answer"),
    "a scheduler killed, a forger answering": Forger(REPLACED, "no worker of the cluster was left"),
    # Nothing is forged about the record; the work was done before the clock ran.
    "work in advance, and sham tasks": Forger(IN_ADVANCE, ""),
    "work in advance on one worker": Forger(ON_A_WORKER_IN_ADVANCE, ""),
    "work in the scheduler": Forger(IN_SCHEDULER, ""),
    "work in a grandchild of the scheduler": Forger(BELOW_SCHEDULER, ""),
}


@pytest.fixture(scope="module")
def judged(context: pipeline.GradingContext) -> Callable[[str], tuple[Finding, tuple[str, ...]]]:
    """Grade the speedup of one function, on the timed case alone, through a box of its own."""
    timed = tuple(case for case in context.exercise.cases if case.timed)
    checks = tuple(check for check in context.exercise.checks if check.check == "speedup")
    exercise = replace(context.exercise, cases=timed, checks=checks)

    def judged(source: str) -> tuple[Finding, tuple[str, ...]]:
        cells = tuple(
            SubmittedCell(index, text, None, runs=True)
            for index, text in enumerate((SETUP, source))
        )
        submission = Submission(exercise.name, cells, frozenset(), digest="")
        evidence = pipeline.observed(exercise, submission, context.round)
        # A forger whose forgery fails would get no point for that.
        assert [cell.failure for cell in evidence.cells] == [None, None]
        assert [(run.failure, run.stopped) for run in evidence.runs] == [
            (None, None) for _ in evidence.runs
        ]
        assert evidence.runs[-1].comparison is not None and evidence.runs[-1].comparison.equal
        graded = grading.grade(exercise, evidence, context.reference)
        return graded.scored[0].finding, graded.flags

    return judged


@pytest.mark.skipif(not cgroups.where(), reason="nothing counts what no process has on its account")
def test_work_of_a_process_without_an_account_is_the_clients(
    judged: Callable[[str], tuple[Finding, tuple[str, ...]]],
) -> None:
    finding, flags = judged(UNSEEN)
    assert (finding.status, finding.credit) == (Status.FAILED, 0.0), (finding, flags)


FIRST = {bool(forger.said): name for name, forger in reversed(FORGERS.items())}
"""The first that is told on and the first that is not: the records themselves are judged in
tests/unit/speedup."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in FIRST.values() else pytest.mark.thorough)
        for name in FORGERS
    ],
)
def test_a_forger_gets_no_point_and_is_told_on(
    name: str, judged: Callable[[str], tuple[Finding, tuple[str, ...]]]
) -> None:
    forger = FORGERS[name]
    finding, flags = judged(forger.source)
    assert (finding.status, finding.credit) == (Status.FAILED, 0.0), (finding, flags)
    assert not forger.said or any(forger.said in flag for flag in flags), flags


def test_the_same_way_without_a_forgery_gets_full_credit(
    judged: Callable[[str], tuple[Finding, tuple[str, ...]]],
) -> None:
    finding, flags = judged(HONEST)
    assert (finding.status, finding.credit) == (Status.PASSED, 1.0), finding
    assert not flags
