"""``check()`` in a real kernel, as a student calls it: what it shows, raises and leaves."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import forked
import nbformat
import psutil
import pytest
from nbclient import NotebookClient

from autograder.exercise import catalogue
from autograder.model import Exercise
from autograder.student import check, own_cluster
from cluster import ClusterError

pytestmark = pytest.mark.slow

RIGHT = "def predict_large(model, X):\n    return model.predict(X)"
BLANK = 'def predict_large(model, X):\n    """…"""\n    raise NotImplementedError("fill in")'
EAGER = "def predict_large(model, X):\n    return model.predict(X).compute()"
IN_CLIENT = (
    "def predict_large(model, X):\n"
    "    labels = model.estimator.predict(X.compute())\n"
    "    return da.from_array(labels, chunks=(X.chunks[0],))"
)
RAISES = "def predict_large(model, X):\n    return model.no_such_method(X)"
OWN_DATA = (
    "def fit_small(X, y):\n"
    "    model = ParallelPostFit(make_pipeline(StandardScaler(), SVC()), scoring='accuracy')\n"
    "    return model.fit(X_small, y_small)"
)
WRONG_SCORE = (
    "def fit_small(X, y):\n"
    "    return ParallelPostFit(make_pipeline(StandardScaler(), SVC()), scoring='r2').fit(X, y)"
)


class Kernel:
    """A kernel of its own, in a folder of its own, with temporary files of its own."""

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / "t"
        self.temporary.mkdir()
        self._client = NotebookClient(
            nbformat.v4.new_notebook(), timeout=60, allow_errors=True, shutdown_kernel="graceful"
        )
        self._client.create_kernel_manager()
        environment = {**os.environ, "TMPDIR": str(self.temporary)}
        self._client.start_new_kernel(cwd=str(folder), env=environment)
        self._client.start_new_kernel_client()
        self.manager: Any = self._client.km

    @property
    def processes(self) -> list[psutil.Process]:
        kernel = psutil.Process(self.manager.provisioner.pid)
        return [kernel, *kernel.children(recursive=True)]

    def run(self, source: str) -> SimpleNamespace:
        cell = nbformat.v4.new_code_cell(source)
        self._client.nb.cells.append(cell)
        self._client.execute_cell(cell, len(self._client.nb.cells) - 1)
        return read(cell)

    def watch(self, source: str) -> list[str]:
        """Run a cell; return everything that it displayed, in order, also what went again."""
        shown: list[str] = []
        keep = self._client.process_message

        def see(message: Any, *arguments: Any) -> Any:
            if message["msg_type"] in ("display_data", "update_display_data"):
                shown.append(str(message["content"]["data"]))
            return keep(message, *arguments)

        self._client.process_message = see  # type: ignore[method-assign]
        try:
            self.run(source)
        finally:
            self._client.process_message = keep  # type: ignore[method-assign]
        return shown

    def end(self) -> None:
        if self._client.km is not None:
            self._client._cleanup_kernel()


def read(cell: Any) -> SimpleNamespace:
    """Sort the outputs of a cell."""
    streams = {"stdout": "", "stderr": ""}
    for output in cell.outputs:
        if output.output_type == "stream":
            streams[output.name] += output.text
    shown = [output.data for output in cell.outputs if output.output_type == "display_data"]
    errors = [output for output in cell.outputs if output.output_type == "error"]
    return SimpleNamespace(
        **streams,
        cards=[data for data in shown if "text/html" in data],
        text="\n".join(data["text/plain"] for data in shown),
        error=errors[0].ename if errors else None,
        traceback="\n".join(errors[0].traceback) if errors else "",
    )


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path_factory.mktemp("desk"))
    try:
        yield kernel
    finally:
        kernel.end()


@pytest.fixture(scope="module")
def solved(kernel: Kernel, source: Path, ex02: Exercise) -> dict[str, SimpleNamespace]:
    """The notebook with its solutions, run in order; the checks by name.

    Of the cells to try things in, which the reference solution of every round runs in its box, only
    the one whose variable a test checks.
    """
    notebook = nbformat.read(source / ex02.name / f"{ex02.name}.ipynb", as_version=4)
    checks = {spec.grade_id for spec in ex02.checks}
    results = {}
    for cell in notebook.cells:
        tried = "nbgrader" not in cell.metadata and not cell.source.startswith("lazy_labels =")
        if cell.cell_type == "code" and not tried:
            result = kernel.run(cell.source)
            assert result.error is None, result.traceback
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            results |= {name: result} if name in checks else {}
    return results


def test_right_answers_show_a_card_and_nothing_else(
    solved: dict[str, SimpleNamespace], ex02: Exercise
) -> None:
    assert list(solved) == [spec.grade_id for spec in ex02.checks]
    for result in solved.values():
        assert len(result.cards) == 1
        assert "Every check passed." in result.text
        assert (result.stdout, result.stderr) == ("", "")


def test_checks_in_a_row_judge_the_same_run(solved: dict[str, SimpleNamespace]) -> None:
    assert "on your own cluster" in solved["predict_large_values"].text
    for name in ("predict_large_lazy", "predict_large_speedup"):
        assert "on the same run as the last" in solved[name].text


def test_a_check_called_again_runs_again(kernel: Kernel, solved: object) -> None:
    first, second = (kernel.run("check(fit_small)") for _ in range(2))
    assert "on your own cluster" in first.text
    assert "on your own cluster" in second.text


def test_a_helper_that_changed_is_noticed(kernel: Kernel, solved: object) -> None:
    kernel.run("fit_well = fit_small\ndef helper(model): return model")
    kernel.run("def fit_small(X, y): return helper(fit_well(X, y))")
    assert kernel.run("check(fit_small)").error is None
    kernel.run("def helper(model): return None")
    assert kernel.run("check(fit_small)").error == "CheckFailed"
    kernel.run("fit_small = fit_well")


def test_check_alone_looks_at_what_is_filled_in(kernel: Kernel, solved: object) -> None:
    kernel.run(BLANK)
    kernel.run("kept = score_large; del score_large")
    result = kernel.run("check()")
    assert result.error is None
    assert "All that is filled in is right; next: predict_large." in result.text
    assert "the blank is as it was released" in result.text
    assert "no cell that defines it has run" in result.text
    assert "neither you nor your code has seen" in " ".join(result.text.split())
    assert 'aria-label="How far you are"' in result.cards[0]["text/html"]
    assert result.stderr == ""


def test_check_alone_fails_for_what_is_filled_in_and_wrong(kernel: Kernel, solved: object) -> None:
    kernel.run("right = fit_small\n" + WRONG_SCORE)
    result = kernel.run("check()")
    assert result.error == "CheckFailed"
    assert "r² is no score for a classifier" in result.text
    assert [line.partition(":")[0] for line in result.traceback.splitlines()] == ["Not yet"]
    assert "predict_large" not in result.traceback
    kernel.run("fit_small, score_large = right, kept")


def test_the_card_says_right_or_wrong_before_it_is_done(kernel: Kernel, solved: object) -> None:
    shown = kernel.watch("check(score_large)")
    words = [line for line in shown if "✓ score: " in line]
    assert words and "dsk-card" not in words[0]
    assert "dsk-card" in shown[-1]


def test_an_error_names_cell_and_line(kernel: Kernel, solved: object) -> None:
    kernel.run("right = fit_small\ndef fit_small(X, y):\n    return X.no_such_thing")
    number = kernel.run("print(len(In) - 2)").stdout.strip()
    said = kernel.run("check(fit_small)").text
    assert f"(cell [{number}], line 3)" in said
    assert f'File "your cell [{number}]", line 3, in fit_small' in said
    kernel.run("fit_small = right")


def test_an_error_of_the_kit_says_that_it_is_ours(kernel: Kernel, solved: object) -> None:
    kernel.run("from autograder.student import runs\nwhole = runs._run")
    kernel.run("runs._run = lambda *arguments: 1 / 0")
    result = kernel.run("check(fit_small)")
    kernel.run("runs._run = whole")
    assert result.error == "CheckError"
    assert result.traceback.startswith("The kit failed here, not your answer: ZeroDivisionError")
    assert "send this message to your instructor" in result.traceback
    assert "\n" not in result.traceback
    assert kernel.run("check(fit_small)").error is None


def test_watching_says_where_the_dashboard_is(kernel: Kernel, solved: object) -> None:
    result = kernel.run("from cluster import watch\nwatch(client)")
    assert result.text.startswith("Watch the workers at http://127.0.0.1:")
    assert "dask:launch-layout" in result.cards[0]["text/html"]
    assert (result.stdout, result.stderr) == ("", "")


@pytest.mark.parametrize(
    ("answer", "call", "said"),
    [
        pytest.param(BLANK, "check(predict_large)", "the blank is as it was released", id="blank"),
        pytest.param(
            OWN_DATA, "check(fit_small)", "A variable of the notebook in place of an", id="own data"
        ),
        pytest.param(WRONG_SCORE, "check(fit_small)", "r² is no score for a classifier", id="r2"),
        pytest.param(EAGER, "check(predict_large, 'lazy')", "computed too early", id="eager"),
        pytest.param(
            IN_CLIENT, "check(predict_large)", "All the data are brought to one", id="client"
        ),
        pytest.param(
            RAISES, "check(predict_large, 'values')", "return model.no_such_method(X)", id="raises"
        ),
    ],
)
def test_a_wrong_answer_shows_why_and_then_fails(
    answer: str, call: str, said: str, kernel: Kernel, solved: object
) -> None:
    kernel.run(answer)
    result = kernel.run(call)
    assert len(result.cards) == 1
    assert said in result.text
    assert result.error == "CheckFailed"
    assert "Not yet: " in result.traceback
    assert "Traceback" not in result.traceback
    assert "autograder" not in result.traceback
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("check(lazy_labels)", "without calling it, as in check(predict_large); it got an Array."),
        (
            "check(print)",
            "print is not a function of an exercise; the functions are fit_small, predict_large",
        ),
        ("check(predict_large, 'speed')", "no check 'speed' of predict_large; there are 'values',"),
    ],
)
def test_an_error_of_use_is_one_sentence(
    call: str, said: str, kernel: Kernel, solved: object
) -> None:
    result = kernel.run(call)
    assert result.error == "CheckError"
    assert said in result.traceback
    assert "\n" not in result.traceback
    assert result.cards == []


def test_a_lambda_goes_by_its_variable(kernel: Kernel, solved: object) -> None:
    kernel.run("fit_small = lambda X, y: fit_well(X, y)")
    assert kernel.run("check(fit_small)").error is None


def test_warnings_are_no_failure(kernel: Kernel, solved: object) -> None:
    kernel.run(
        "import warnings\n"
        "def fit_small(X, y):\n"
        "    warnings.warn('there are few rows')\n"
        "    return fit_well(X, y)"
    )
    result = kernel.run("check(fit_small)")
    assert result.error is None
    assert "there are few rows" in result.stdout
    assert result.stderr == ""


def test_threads_do_not_pile_up(kernel: Kernel, solved: object) -> None:
    counts = []
    for _ in range(3):
        kernel.run("check(fit_small)")
        counts.append(kernel.run("import threading; print(threading.active_count())").stdout)
    assert counts[1] == counts[2]


def test_it_can_be_interrupted(kernel: Kernel, solved: object) -> None:
    kernel.run(
        "import os, signal, threading\n"
        "def predict_large(model, X):\n"
        "    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "    time.sleep(60)"
    )
    result = kernel.run("check(predict_large)")
    assert result.error == "CheckInterrupted"
    assert result.traceback == "The check was interrupted."


def test_a_closed_client_is_named(kernel: Kernel, solved: object) -> None:
    kernel.run("from distributed import get_client")
    kernel.run("def fit_small(X, y):\n    get_client().close()")
    assert "closed the notebook's client" in kernel.run("check(fit_small)").traceback
    kernel.run("fit_small = fit_well")
    # There is no client now, so the check makes one.
    assert kernel.run("check(fit_small)").error is None


def test_the_end_of_the_kernel_leaves_nothing(kernel: Kernel, solved: object) -> None:
    before = kernel.processes
    assert len(before) > 3  # kernel, server, forkserver, two workers
    kernel.end()
    psutil.wait_procs(before, timeout=10)
    deadline = time.monotonic() + 10
    while any(process.is_running() for process in before) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [process for process in before if process.is_running()] == []
    # Dask itself leaves an empty folder with two lock files.
    left = [path for path in kernel.temporary.rglob("*") if path.suffix != ".lock"]
    assert [path for path in left if path.name != "dask-scratch-space"] == []


def cluster_of(*threads: int, scheme: str = "tcp", memory: int = 640_000_000) -> Any:
    """A stand-in for a client of a cluster whose workers have so many threads."""
    workers = {
        f"{scheme}://127.0.0.1:{port}": {"nthreads": n, "memory_limit": memory}
        for port, n in enumerate(threads)
    }
    return SimpleNamespace(scheduler_info=lambda n_workers: {"workers": workers})


@pytest.mark.parametrize(
    ("client", "why"),
    [
        (cluster_of(1), "it has one worker"),
        (cluster_of(2, 2), "its workers have several threads each"),
        (cluster_of(1, 1, scheme="inproc"), "its workers are threads of this notebook's process"),
    ],
)
def test_an_unfit_cluster_leaves_out_the_speedup_alone(
    client: Any, why: str, ex02: Exercise
) -> None:
    specs = tuple(spec for spec in ex02.checks if spec.function == "predict_large")
    _, judged, remark = own_cluster.fit(ex02, specs, client)
    assert [spec.check for spec in judged] == ["values", "lazy"]
    assert why in remark
    with pytest.raises(ClusterError, match=why):
        own_cluster.fit(ex02, specs[-1:], client)


def test_a_cluster_like_the_graders_changes_nothing(ex02: Exercise) -> None:
    assert own_cluster.fit(ex02, ex02.checks, cluster_of(1, 1)) == (ex02, ex02.checks, "")


def test_another_number_of_workers_is_judged_by_that(ex02: Exercise) -> None:
    fitted, judged, remark = own_cluster.fit(ex02, ex02.checks, cluster_of(1, 1, 1, 1))
    assert judged == ex02.checks
    assert fitted.cluster.workers == 4
    assert ex02.typical.speedup < fitted.typical.speedup < 4
    assert "4 workers" in remark


@pytest.mark.parametrize(
    ("memory", "judged_by"), [(2_000_000_000, 2_000_000_000), (0, psutil.virtual_memory().total)]
)
def test_workers_that_were_given_more_memory_are_judged_by_that(
    memory: int, judged_by: int
) -> None:
    ex03 = catalogue.find("ex03_incremental_training")
    assert ex03 is not None
    fitted, judged, remark = own_cluster.fit(ex03, ex03.checks, cluster_of(1, 1, memory=memory))
    assert judged == ex03.checks
    assert fitted.cluster.memory_per_worker == judged_by
    assert f"{judged_by / 1e6:.0f} MB each" in remark and "640 MB" in remark
    assert own_cluster.fit(ex03, ex03.checks, cluster_of(1, 1)) == (ex03, ex03.checks, "")


OWN_CLUSTER = """
import sys
from distributed import Client, LocalCluster
from autograder import check
from cluster import connection

def fit_small(X, y):
    from dask_ml.wrappers import ParallelPostFit
    from sklearn.linear_model import LogisticRegression
    return ParallelPostFit(LogisticRegression()).fit(X, y)

if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster):
            try:
                check(fit_small)
            finally:
                print("of the kit's own:", len(connection._clients))
"""


def test_a_cluster_of_the_students_own_is_used_and_no_other_started(tmp_path: Path) -> None:
    script = tmp_path / "own.py"
    script.write_text(OWN_CLUSTER)
    environment = {k: v for k, v in os.environ.items() if k != "DASK_SCHEDULER_ADDRESS"}
    done = forked.run(str(script), cwd=tmp_path, env=environment, timeout=120, together=False)
    assert "on your own cluster" in done.stdout, done.stdout + done.stderr
    assert "of the kit's own: 0" in done.stdout, done.stdout + done.stderr


def test_no_workers_at_all_is_an_error(ex02: Exercise) -> None:
    with pytest.raises(ClusterError, match="no workers"):
        own_cluster.fit(ex02, ex02.checks, cluster_of())


def test_check_alone_outside_a_notebook_of_an_exercise_says_what_to_do() -> None:
    with pytest.raises(check.CheckError, match="found no function of an exercise here"):
        check.check()
