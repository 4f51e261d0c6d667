"""Every mistake is recognised by its sign, alone; right runs show none; the catalogue says so."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import recordings
from checkout import SAMPLES
from distributed import Client, LocalCluster
from kept_evidence import EX01, EX02, evidence, exercise_of, reference
from recordings import GO, UNSEEN
from wording import faults

from autograder.author.samples import read_samples
from autograder.diagnose import FAILURES, NAMED, NO_CALL, TABLE, diagnose, explain
from autograder.diagnose.arguments import named as by_code
from autograder.diagnose.failures import endless, unreadable
from autograder.evidence.recorder import install
from autograder.evidence.summary import summarise
from autograder.exercise import catalogue
from autograder.model import (
    Comparison,
    CpuSample,
    Exercise,
    Failure,
    FunctionNames,
    GraphRecord,
    Kill,
    Mistake,
    ProcessUsage,
    Recording,
    Reference,
    Role,
    Run,
    TaskRecord,
)
from autograder.replay.makespan import study

CATALOGUE = Path(__file__).parents[3] / "docs" / "mistakes.md"
WORKERS = ("tcp://127.0.0.1:33001", "tcp://127.0.0.1:33002")
EX04 = "ex04_large_collections"
EX06 = "ex06_find_whats_slow"
EX07 = "ex07_boosted_trees"
EX09 = "ex09_tables_to_features"
EX10 = "ex10_larger_than_memory"
EX12 = "ex12_is_it_worth_it"
TIMED = {
    EX01: "search_large",
    EX02: "predict_large",
    EX04: "cluster_large",
    EX06: "odd_large",
    EX07: "train_large",
    EX09: "features_large",
    EX10: "components_large",
    EX12: "fit_slow",
}


# ------------------------------------------------------------------------- runs made by hand


def task(
    number: int,
    start: float,
    seconds: float,
    worker: int,
    layer: str = "predict",
    **changes: object,
) -> TaskRecord:
    key, where = f"{layer}-{number}", WORKERS[worker]
    made = recordings.task(key, start, seconds, submitted=0.02, worker=where, nbytes=28_000)
    return replace(made, layer=layer, **changes)  # type: ignore[arg-type]


def even(tasks: int = 16, seconds: float = 0.125, layer: str = "predict") -> list[TaskRecord]:
    """Independent tasks, dealt to both workers in turn."""
    return [task(i, 0.03 + i // 2 * seconds, seconds, i % 2, layer) for i in range(tasks)]


def in_turn(tasks: int, seconds: float) -> list[TaskRecord]:
    """Tasks each of which is submitted when the one before is back."""
    starts = [0.03 + i * (seconds + 0.01) for i in range(tasks)]
    return [
        task(i, start, seconds, i % 2, submitted=GO + start - 0.005)
        for i, start in enumerate(starts)
    ]


@dataclass(frozen=True)
class Scene:
    """A run that shows one mistake."""

    tasks: Sequence[TaskRecord] = ()
    client: float = 0.03
    workers: tuple[float, float] = (1.02, 1.01)
    wall: float = 1.1
    graphs: int = 1
    graph_bytes: int = 165_000
    gathered: int = 448_000
    early: int = 0
    """Gathered before the function returned."""
    scattered: int = 0
    reads: int = 0
    wanted: int = 1
    """Results that each graph asks for."""
    input_bytes: int = 8_960_000
    check: str = "speedup"
    exercise: str = EX02
    answer: dict[str, object] = field(default_factory=dict)
    function: str = "predict_large"
    case: str = ""
    seconds: float | None = None
    """What the function says it took."""
    returned: float = 0.01
    """When the function returned, since GO."""

    def sent(self) -> list[float]:
        """When each graph was: with the tasks, if there are as many times as graphs."""
        times = sorted({task.submitted for task in self.tasks})
        if len(times) == self.graphs:
            return times
        return [GO + 0.01 * i for i in range(self.graphs)]

    def run(self) -> Run:
        usage = (
            ProcessUsage(Role.CLIENT, "client", self.client, 0.0, 0, 0),
            *(
                ProcessUsage(Role.WORKER, f"worker-{i}", s, 0.0, 0, 0)
                for i, s in enumerate(self.workers)
            ),
        )
        size = self.graph_bytes // max(self.graphs, 1)
        return Run(
            case=self.case or TIMED[self.exercise],
            function="search" if self.exercise == EX01 else self.function,
            go=GO,
            returned=GO + self.returned,
            done=GO + self.wall,
            usage=usage,
            recording=Recording(
                tasks=tuple(self.tasks),
                graphs=tuple(
                    GraphRecord(sent, len(self.tasks), self.wanted, size) for sent in self.sent()
                ),
                gathered_bytes=self.gathered,
                scattered_bytes=self.scattered,
                gathered_during_call=self.early,
                reads=self.reads,
                workers=WORKERS,
            ),
            answer=self.answer,
            comparison=Comparison(self.check != "values", "labels", "labels", None, self.seconds),
            failure=None,
            **UNSEEN
            | {"input_bytes": self.input_bytes, "cpu": (CpuSample(1.0, "client", 0.0, 0.0),)},
        )


def against(name: str) -> Reference:
    usual = Scene(even(), exercise=name).run()
    if name == EX01:
        usual = Scene(even(12, 0.17, FITS), exercise=EX01, graphs=12, graph_bytes=23_000_000).run()
    if name == EX04:
        usual = Scene(STEPS, **COLLECTION | {"reads": 6, "gathered": 20_000}).run()
    if name == EX09:
        usual = Scene(even(), **TABLES).run()
    summary = summarise(usual)
    return Reference(
        speedup=1.9,
        work_seconds=summary.work_seconds,
        tasks=summary.tasks,
        graphs=summary.graphs,
        gathered_bytes=summary.gathered_bytes,
        graph_bytes=summary.graph_bytes,
        serial_seconds=1.9,
        same_round=True,
        cpu_seconds=summary.client_cpu + summary.worker_cpu,
        summary=summary,
        reads=usual.recording.reads,
        case_cpu={usual.case: summary.client_cpu + summary.worker_cpu},
    )


FITS = "batch_of__fit_and_score_1_calls"
TREES = "batch_of__parallel_build_trees_1_calls"
SEARCH = {"exercise": EX01, "graph_bytes": 23_000_000}
STEPS = even(48, 0.04, "step")
COLLECTION: dict = {
    "exercise": EX04,
    "function": "cluster_points",
    "graphs": 8,
    "reads": 6,
    "input_bytes": 164_000_000,
}
TABLES: dict = {"exercise": EX09, "function": "features", "reads": 16}
JOIN: dict = {"exercise": EX09, "function": "join", "case": "join_large", "check": "moved"}
LOAD: dict = {"exercise": EX06, "function": "load", "case": "load_many"}
PARTS = [replace(t, nbytes=560_000) for t in even(16, 0.01, "rides")]
PASSES: dict = {
    "exercise": EX10,
    "case": "scale_files",
    "function": "scale",
    "check": "passes",
    "answer": {"input_blocks": 12},
}
BLOCK = 200_000_000
CENTRED = [
    *(task(i, 0.03 + 0.05 * i, 0.05, i % 2, "read", nbytes=BLOCK) for i in range(6)),
    task(0, 0.4, 0.05, 0, "mean", dependencies=tuple(f"read-{i}" for i in range(6))),
    *(
        task(i, 0.5 + 0.05 * i, 0.05, i % 2, "sub", dependencies=(f"read-{i}", "mean-0"))
        for i in range(6)
    ),
]
ELSEWHERE: dict[str, object] = {"own_cluster": "tcp://127.0.0.1:40001"}

SCENES = {
    "own_cluster": Scene(client=2.2, workers=(0.03, 0.02), answer=ELSEWHERE),
    "outside_backend": Scene(client=2.4, workers=(0.03, 0.02), wall=2.4, graphs=0, **SEARCH),
    "search_in_one_task": Scene(
        [task(0, 0.03, 2.04, 0, "fit")], workers=(2.06, 0.04), wall=2.1, **SEARCH
    ),
    "collection_fetched": Scene(
        even(6, 0.05, "read"),
        client=1.9,
        workers=(0.16, 0.15),
        wall=2.2,
        gathered=164_000_000,
        early=164_000_000,
        check="stays_distributed",
        **COLLECTION | {"graphs": 1},
    ),
    "kept_in_vain": Scene(
        STEPS,
        gathered=20_000,
        wanted=6,
        check="reads_once",
        answer={"input_blocks": 6},
        **COLLECTION | {"reads": 54},
    ),
    "not_kept": Scene(STEPS, gathered=20_000, check="reads_once", **COLLECTION | {"reads": 54}),
    "waits_for_all": Scene(even(6, 0.05, "sub"), reads=144, **PASSES),
    "needed_twice": Scene(
        CENTRED,
        input_bytes=6 * BLOCK,
        case="components_memory",
        function="components",
        exercise=EX10,
        check="memory",
    ),
    "read_for_each": Scene(even(6, 0.05, "sub"), graphs=3, reads=36, **PASSES),
    "computed_early": Scene(
        STEPS,
        gathered=10_240_000,
        early=10_240_000,
        check="lazy",
        **COLLECTION | {"function": "assign"},
    ),
    "one_block": Scene(
        [
            task(i, 0.03 + i * 0.25, 0.25, 0, "step", nbytes=164_000_000, submitted=GO + i * 0.25)
            for i in range(8)
        ],
        workers=(2.05, 0.03),
        wall=2.1,
        gathered=20_000,
        **COLLECTION,
    ),
    "one_at_a_time": Scene(in_turn(12, 0.17), wall=2.2, graphs=12, **SEARCH),
    "round_trip": Scene(even(), gathered=9_408_000, early=8_960_000, graph_bytes=9_125_000),
    "gathers_input": Scene(
        client=1.98, workers=(0.06, 0.05), wall=2.1, gathered=9_408_000, early=8_960_000
    ),
    "busy_work": Scene(
        even(12, 0.2, "spin"),
        client=2.1,
        workers=(1.22, 1.21),
        wall=2.3,
        exercise=EX01,
        graphs=12,
        graph_bytes=3_000,
    ),
    "serial_in_client": Scene(client=1.98, workers=(0.06, 0.05), wall=2.1, graphs=0),
    "pinned": Scene(
        [task(i, 0.03 + i * 0.125, 0.125, 0) for i in range(16)], workers=(2.05, 0.04), wall=2.1
    ),
    "one_chunk": Scene([task(0, 0.03, 2.0, 0)], workers=(2.04, 0.05), wall=2.1),
    "rows_on_one_worker": Scene(
        [task(0, 0.03, 2.0, 0, layer="do_train"), task(1, 0.03, 2.0, 1, layer="do_train")],
        workers=(2.04, 0.05),
        wall=2.1,
        exercise=EX07,
        function="train",
    ),
    "tiny_tasks": Scene(
        even(3_500, 0.0021), client=1.6, workers=(5.9, 5.8), wall=8.2, graph_bytes=600_000
    ),
    "compute_in_loop": Scene(in_turn(16, 0.11), wall=2.1, graphs=16, graph_bytes=2_640_000),
    "chain": Scene(
        [
            task(i, 0.03 + i * 0.13, 0.125, i % 2, dependencies=(f"predict-{i - 1}",) if i else ())
            for i in range(16)
        ],
        wall=2.2,
    ),
    "big_graph": Scene(even(), client=2.7, workers=(2.0, 1.9), wall=4.4, graph_bytes=512_000_000),
    "computed_again": Scene(
        [
            replace(
                t,
                key=f"{t.key}-{again}",
                submitted=GO + again,
                start=t.start + again,
                stop=t.stop + again,
            )
            for again in range(7)
            for t in even()
        ],
        client=0.2,
        workers=(7.1, 7.0),
        wall=7.1,
        graphs=7,
    ),
    "too_few": Scene(
        [task(0, 0.03, 1.5, 0), task(1, 0.03, 0.5, 1)], workers=(1.53, 0.52), wall=1.6
    ),
    "waits_inside": Scene(even(16, 0.25), workers=(1.02, 1.01), wall=2.1),
    "partly_in_client": Scene(
        even(12, 0.17, FITS), client=2.9, workers=(1.05, 1.04), wall=4.0, graphs=12, **SEARCH
    ),
    "gathers_result": Scene(even(), early=448_000, check="lazy"),
    "data_in_graph": Scene(
        even(), graph_bytes=9_125_000, check="lazy", answer={"lazy": True}, **LOAD
    ),
    "begun_early": Scene(even(), returned=0.05, check="lazy", answer={"lazy": True}, **LOAD),
    "scored_at_home": Scene(
        even(6, 0.01),
        0.7,
        gathered=1_613_000,
        input_bytes=1_613_000,
        check="stays_distributed",
        function="score_large",
        case="score",
    ),
    "tasks_inside_tasks": Scene(
        [*even(1_755, 0.003, TREES), *even(39, 0.01, FITS)],
        client=1.6,
        workers=(2.7, 2.7),
        wall=3.2,
        check="work",
        **SEARCH,
    ),
    "little_saved": Scene(
        even(36, 0.17, FITS), client=0.1, workers=(3.05, 3.04), wall=3.2, check="work", **SEARCH
    ),
    "read_at_home": Scene(
        client=1.9,
        workers=(0.03, 0.03),
        wall=2.0,
        gathered=28_000,
        check="reads_once",
        answer={"opened": 16},
        **TABLES | {"reads": 0},
    ),
    "file_by_file": Scene(
        in_turn(16, 0.11), wall=2.0, graphs=16, early=448_000, check="lazy", returned=2.0, **TABLES
    ),
    "read_twice": Scene(
        even(32), workers=(2.03, 2.02), wall=2.2, check="reads_once", **TABLES | {"reads": 32}
    ),
    "shuffled": Scene(
        [
            *PARTS,
            *(
                task(i, 0.2, 0.01, i % 2, "hash-join-transfer", dependencies=(f"rides-{i}",))
                for i in range(16)
            ),
        ],
        **JOIN,
    ),
    "brought_together": Scene(
        [
            *PARTS,
            task(
                *(0, 0.2, 0.1, 0, "concat"),
                dependencies=tuple(part.key for part in PARTS),
                nbytes=8_960_000,
            ),
        ],
        **JOIN,
    ),
    "row_by_row": Scene(even(16, 1.0), workers=(8.1, 8.0), wall=8.2, check="work", **TABLES),
    "not_worth_the_way": Scene(
        even(600, 0.001, "fit_one"),
        client=2.1,
        workers=(1.2, 1.1),
        wall=3.2,
        check="work",
        exercise=EX12,
        function="fit_all",
    ),
    "python_loop": Scene(
        even(25, 0.64),
        workers=(8.1, 8.0),
        wall=8.2,
        check="work",
        exercise=EX06,
        function="crossings",
        answer={"input_blocks": 24},
    ),
    "timed_too_early": Scene(even(8, 0.077), seconds=0.0024, check="timing"),
    "hard_coded": Scene(client=0.03, workers=(0.02, 0.02), wall=0.1, graphs=0, check="values"),
}


def named(scene: Scene) -> tuple[Mistake, ...]:
    run = scene.run()
    replayed = study(run, 2, None) if scene.check == "speedup" else None
    exercise = exercise_of(scene.exercise)
    return diagnose(exercise, run, replayed, against(scene.exercise), scene.check)


@pytest.mark.parametrize("name", [row.name for row in TABLE])
def test_a_mistake_is_known_by_its_sign(name: str) -> None:
    assert [mistake.name for mistake in named(SCENES[name])] == [name]


@pytest.mark.parametrize(
    ("reads", "name"),
    [
        # The mean was computed, and the deviation is a step of every block: one pass more.
        (12 + 144, "waits_for_all"),
        (12 + 12 + 12, None),
    ],
)
def test_what_is_left_in_the_graph_of_every_block_is_noticed(reads: int, name: str | None) -> None:
    scene = replace(SCENES["waits_for_all"], returned=0.05, reads=reads)
    assert [mistake.name for mistake in named(scene)] == ([name] if name else [])


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"returned": 0.01}, None),  # sent by the caller
        # Sent just before the end, a graph reaches the scheduler after it.
        (
            {"returned": 0.01, "answer": {"lazy": True, "kept": 1}, "graphs": 2},
            "begun_early",
        ),
        # Data of the notebook's own have no tasks either, and the caller's graph is the only one.
        ({"returned": 0.01, "answer": {"lazy": True, "kept": 1}}, None),
        ({"answer": {"lazy": False}}, "begun_early"),
        ({"answer": {"lazy": False}, "graphs": 0, "tasks": []}, None),
        ({"function": "components", "exercise": EX10, "case": ""}, None),  # need not be lazy
        # Means may be computed, and no block kept.
        ({"function": "scale", "exercise": EX10, "case": "scale_odd"}, None),
        (
            {
                "function": "scale",
                "exercise": EX10,
                "case": "scale_odd",
                "answer": {"lazy": True, "kept": 3},
            },
            "begun_early",
        ),
    ],
)
def test_work_has_begun_early_only_where_a_lazy_function_may_send_less(
    changes: dict[str, Any], name: str | None
) -> None:
    found = named(replace(SCENES["begun_early"], **changes))
    assert [mistake.name for mistake in found] == ([name] if name else [])


def test_a_python_loop_is_one_only_of_a_right_answer_in_few_tasks() -> None:
    scene = SCENES["python_loop"]
    assert named(replace(scene, tasks=even(600, 0.027))) == ()
    wrong = replace(scene.run(), comparison=Comparison(False, "labels", "others"))
    assert diagnose(exercise_of(EX06), wrong, None, against(EX06), "work") == ()


@pytest.mark.parametrize("client", [2.1, 2.43, 2.9])
def test_busy_work_is_told_by_what_the_workers_did(client: float) -> None:
    """Whichever used more: the client, which did the work, or the tasks, which did none."""
    busy = SCENES["busy_work"]
    assert [mistake.name for mistake in named(replace(busy, client=client))] == ["busy_work"]
    idle = replace(busy, client=client, tasks=even(12, 0.02, "spin"), workers=(0.12, 0.13))
    assert [mistake.name for mistake in named(idle)] == ["outside_backend"]


def test_busy_work_is_told_beside_a_slow_run_of_the_reference() -> None:
    """Tasks that got no core while the client had it wait for nothing."""
    needed = against(EX01).cpu_seconds
    assert needed is not None
    slow = {"client": 0.635 * needed, "workers": (0.425 * needed,) * 2}
    busy = replace(SCENES["busy_work"], tasks=even(12, 0.1055 * needed, "spin"), **slow)
    assert [mistake.name for mistake in named(busy)] == ["busy_work"]
    waiting = replace(busy, client=0.05 * needed)
    assert [mistake.name for mistake in named(waiting)] == ["waits_inside"]


def test_a_loop_may_send_two_graphs_in_every_turn() -> None:
    run = SCENES["compute_in_loop"].run()
    graphs = run.recording.graphs
    twice = (replace(g, submitted=g.submitted + later) for g in graphs for later in (0.0, 0.001))
    run = replace(run, recording=replace(run.recording, graphs=tuple(twice)))
    found = diagnose(exercise_of(EX02), run, study(run, 2, None), against(EX02), "speedup")
    assert [mistake.name for mistake in found] == ["compute_in_loop"]


def test_a_chain_of_submits_is_no_loop_that_waits() -> None:
    """As many graphs as tasks, all sent at once, each task given the future of the one before."""
    chain = SCENES["chain"]
    tasks = [replace(task, submitted=GO + 0.001 * i) for i, task in enumerate(chain.tasks)]
    assert [m.name for m in named(replace(chain, tasks=tasks, graphs=16))] == ["chain"]


@pytest.mark.parametrize("name", ["big_graph", "tiny_tasks"])
@pytest.mark.parametrize("layer", ["predict", "of_their_own"])
@pytest.mark.parametrize("client", [0.2, 3.4])
def test_what_is_counted_speaks_before_shares_of_cpu(name: str, layer: str, client: float) -> None:
    """A client that packs large graphs computes as long as one that does the work itself."""
    scene = SCENES[name]
    tasks = [replace(task, layer=layer) for task in scene.tasks]
    assert [m.name for m in named(replace(scene, tasks=tasks, client=client))] == [name]


def count(numbers: int) -> int:
    """Spend a while in Python itself, holding the interpreter's lock."""
    total = 0
    for number in range(numbers):
        total += number % 7
    return total


@pytest.mark.slow
def test_threads_that_share_pythons_lock_wait_inside() -> None:
    """Row 16 on a real worker of two threads, which take turns whatever else the machine does."""
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        recorder = install(cluster.scheduler)
        client.gather(client.map(count, [1] * 4, pure=False))  # brings this module
        (before,) = client.run(time.process_time).values()
        go = time.time()
        client.gather(client.map(count, [6_000_000] * 4, pure=False))
        done = time.time()
        (after,) = client.run(time.process_time).values()
        time.sleep(0.1)  # the scheduler hears of the last task a little later
        recording = recorder.recording(go, done)
    usage = (
        ProcessUsage(Role.CLIENT, "client", 0.01, 0.0, 0, 0),
        ProcessUsage(Role.WORKER, "worker-0", after - before, 0.0, 0, 0),
    )
    run = replace(Scene().run(), go=go, returned=go, done=done, usage=usage, recording=recording)
    exercise = exercise_of(EX02)
    threaded = replace(exercise.cluster, workers=1, threads_per_worker=2)
    (found,) = diagnose(
        replace(exercise, cluster=threaded), run, study(run, 2, None), against(EX02), "speedup"
    )
    assert found.name == "waits_inside" and "Python's global lock" in found.explanation
    assert "Python's global lock" not in named(SCENES["waits_inside"])[0].explanation


# What no detector may take for a mistake, whatever it has lost points for.
RIGHT = {
    "as the reference": Scene(even()),
    "a search as the reference": Scene(even(12, 0.17, FITS), exercise=EX01, graphs=12),
    "fewer and larger tasks": Scene(even(4, 0.5)),
    "more and smaller tasks": Scene(even(64, 0.03)),
    "twice as fast": Scene(even(16, 0.06), workers=(0.5, 0.5), wall=0.6),
    "two graphs for one": Scene(even(), graphs=2),
    "a training of two workers": Scene(
        [task(0, 0.03, 1.1, 0), task(1, 0.03, 1.1, 1)],
        wall=1.2,
        exercise=EX07,
        function="train",
    ),
    "one graph for twelve": Scene(even(12, 0.17, FITS), exercise=EX01, graph_bytes=2_000_000),
    "messages scattered": Scene(even(12, 0.17, FITS), exercise=EX01, scattered=5_000_000),
    "a broadcast": Scene(PARTS, **JOIN),
    "tables that are read once": Scene(even(), check="reads_once", **TABLES),
    "a slow hour": Scene(even(16, 0.25), workers=(2.0, 2.0), wall=2.1),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_run_shows_no_mistake(name: str) -> None:
    scene = RIGHT[name]
    assert named(scene) == ()
    assert named(replace(scene, check="values")) == ()


# Wrong answers that were worked out, if with less work than it takes.
WORKED_OUT = {
    "half the candidates": Scene(
        even(6, 0.04, FITS), client=0.2, workers=(0.12, 0.12), exercise=EX01, check="values"
    ),
    "one of many rows": Scene(even(1, 0.1), workers=(0.1, 0.02), check="values"),
    "some of it, in the client": Scene(client=0.4, workers=(0.02, 0.02), check="values"),
}


@pytest.mark.parametrize("name", WORKED_OUT)
def test_a_wrong_answer_for_less_work_is_not_called_written_down(name: str) -> None:
    assert named(WORKED_OUT[name]) == ()


def test_an_answer_is_written_down_for_a_tenth_of_the_work_at_most() -> None:
    needed = against(EX02).cpu_seconds
    assert needed is not None
    empty = even(80, 0.0001, "from-array")
    for share, known in ((0.04, ["hard_coded"]), (0.09, ["hard_coded"]), (0.11, [])):
        scene = Scene(empty, client=share * needed, workers=(0.0, 0.0), check="values")
        assert [mistake.name for mistake in named(scene)] == known


def test_results_that_come_after_the_return_are_not_too_early() -> None:
    assert named(Scene(even(), early=40_000, check="lazy")) == ()


@pytest.mark.parametrize("name", [EX01, EX02])
def test_a_right_run_on_a_real_cluster_shows_no_mistake(name: str) -> None:
    # A try on a busy machine is followed by another, and the last is the one that is judged.
    run = [r for r in evidence(name, "hypatia").runs if r.case == TIMED[name]][-1]
    exercise = exercise_of(name)
    for replayed, check in ((study(run, 2, None), "speedup"), (None, "lazy"), (None, "values")):
        assert diagnose(exercise, run, replayed, reference(name), check) == ()


def test_a_self_check_knows_no_reference_of_its_own() -> None:
    exercise = exercise_of(EX02)
    run = Scene(even()).run()
    assert diagnose(exercise, run, study(run, 2, None), exercise.typical) == ()
    run = SCENES["one_chunk"].run()
    found = diagnose(exercise, run, study(run, 2, None), exercise.typical)
    assert [mistake.name for mistake in found] == ["one_chunk"]


# --------------------------------------------------------------------------- known exceptions

RAISED = {
    "class_for_object": Failure(
        "TypeError",
        "BaseEstimator.get_params() missing 1 required positional argument: 'self'",
        "",
    ),
    "not_fitted": Failure(
        "NotFittedError",
        "This Pipeline instance is not fitted yet. Call 'fit' with appropriate arguments before "
        "using this estimator.",
        "",
    ),
    "caret_for_power": Failure(
        "TypeError", "unsupported operand type(s) for ^: 'Array' and 'int'", ""
    ),
    "not_texts": Failure("AttributeError", "'csr_matrix' object has no attribute 'lower'", ""),
    "lengths_differ": Failure(
        "ValueError", "Found input variables with inconsistent numbers of samples: [200, 250]", ""
    ),
    "nout_missing": Failure(
        "TypeError", "Delayed objects of unspecified length are not iterable", ""
    ),
    "one_class": Failure(
        "ValueError", "The number of classes has to be greater than one; got 1 class", ""
    ),
    "another_scheduler": Failure(
        "ValueError",
        "Missing dependency ('concatenate-0119', 0, 0) for dependents {'blocks-sum-c189'}",
        "",
    ),
    "map_blocks_dtype": Failure(
        "ValueError",
        "`dtype` inference failed in `map_blocks`.\n\nOriginal error is below:\n---\n"
        "ValueError('X has 1 features, but StandardScaler is expecting 20 features as input.')",
        "",
    ),
    "axis_missing": Failure("IndexError", "tuple index out of range", ""),
    "worker_died": Failure(
        "KilledWorker", "Attempted to run task 'devour-1' on 4 different workers, but all died", ""
    ),
    "feature_chunks": Failure(
        "ValueError",
        "X has 5 features, but StandardScaler is expecting 20 features as input.",
        "",
    ),
    "unknown_chunks": Failure(
        "ValueError",
        "Arrays chunk sizes (nan,) are unknown.\n\nA possible solution: x.compute_chunk_sizes()",
        "",
    ),
    "condition_of_many": Failure(
        "ValueError", "The truth value of a Series is ambiguous. Use a.any() or a.all().", ""
    ),
}


@pytest.mark.parametrize("name", [known.name for known in FAILURES])
def test_an_exception_is_known_by_type_and_message(name: str) -> None:
    assert [mistake.name for mistake in explain(RAISED[name])] == [name]


@pytest.mark.parametrize(
    "message",
    [
        "instance of scikit-learn estimator instead of a class",
        "Expected an estimator instance (SVC()), got estimator class instead (SVC).",
    ],
)
def test_a_class_in_place_of_an_object_is_known_in_every_wording(message: str) -> None:
    assert [m.name for m in explain(Failure("TypeError", message, ""))] == ["class_for_object"]


@pytest.mark.parametrize("many", [np.arange(3), pd.Series([1, 2]), da.arange(3, chunks=2)])
def test_a_condition_of_many_is_known_in_the_words_of_every_library(many: Any) -> None:
    with pytest.raises(ValueError) as raised:
        bool((many >= 2) and (many < 1))
    assert [m.name for m in explain(Failure("ValueError", str(raised.value), ""))] == [
        "condition_of_many"
    ]


def test_an_axis_that_is_missing_is_known_where_dask_joins_the_blocks() -> None:
    X = da.zeros((10, 24), chunks=(5, 24))
    with pytest.raises(IndexError) as raised:
        X.map_blocks(lambda block: block.sum(axis=1), dtype=float).compute(scheduler="sync")
    assert [m.name for m in explain(Failure("IndexError", str(raised.value), ""))] == [
        "axis_missing"
    ]


@pytest.mark.parametrize(
    "failure",
    [
        Failure("ValueError", "the truth value of your answer is ambiguous to nobody", ""),
        Failure("ValueError", "2001 rows do not fit into chunks of 700", ""),
        Failure("TypeError", "'int' object is not subscriptable", ""),
        Failure("ValueError", "'acuracy' is not a valid scoring value.", ""),
        Failure("TypeError", "fit() missing 1 required positional argument: 'y'", ""),
        Failure("ValueError", "a dependency is missing", ""),
        Failure("NameError", "the notebook defines no function called predict_large", ""),
        Failure("TypeError", "unsupported operand type(s) for **: 'list' and 'int'", ""),
        Failure("AttributeError", "'list' object has no attribute 'flower'", ""),
        Failure("TypeError", "cannot unpack non-iterable NoneType object", ""),
        Failure("ValueError", "n_splits=3 cannot be greater than the number of classes", ""),
        Failure("MyKilledWorkerStory", "no worker at all", ""),
        Failure("IndexError", "tuple index out of range", "", cell=4, line=2),
        Failure("IndexError", "list index out of range", ""),
    ],
)
def test_other_exceptions_are_left_to_their_traceback(failure: Failure) -> None:
    assert explain(failure) == ()


# ------------------------------------------------------------------------------ the catalogue


def line(numbers: Sequence[int], title: str, name: str, where: str, sign: str, see: str) -> str:
    shown = ", ".join(map(str, numbers)) or "–"
    return f"| {shown} | {title} | `{name}` | {where} | {sign} | {see} |"


def lines() -> list[str]:
    made = [
        line(
            row.numbers,
            row.title,
            row.name,
            " ".join(row.techniques) or "all",
            row.sign,
            "; ".join([row.see, *(f"{where}: {page}" for where, page in row.see_in)]),
        )
        for row in TABLE
    ]
    made += [
        line((), one.title.format("…"), name, "all", one.sign, one.see)
        for name, one in CALLED.items()
    ]
    return made + [
        line(
            k.numbers,
            k.title,
            k.name,
            "all",
            f"the call raised {' or '.join(k.kind.split('|'))}",
            k.see,
        )
        for k in FAILURES
    ]


CALLED = NAMED | NO_CALL
BY_CODE = {
    "variable_for_argument": by_code(
        "fit_small",
        FunctionNames(9, 7, ("X", "y"), (("X_small", "X"), ("y_small", "y"))),
    )[0],
    "argument_not_read": by_code("cluster_points", FunctionNames(9, 7, ("steps",)))[0],
    "f_forgotten": by_code(
        "gadi_directives", FunctionNames(9, 7, ("project",), braces=("project",))
    )[0],
    "none_used": by_code("gadi_job", FunctionNames(9, 7, nothing=("append",)))[0],
    "setting_not_asked": by_code(
        "search",
        FunctionNames(
            9, 7, settings=(("random_state=42", "random_state=0"),), besides=("scoring='f1'",)
        ),
    )[0],
    "helper_not_used": by_code("train", FunctionNames(9, 7, helpers=("new_estimator",)))[0],
    "unreadable_cell": unreadable(
        "predict_large", Failure("SyntaxError", "'(' was never closed", "", 7, 3)
    ),
    "endless": endless("search", "it ran for more than 30 seconds")[0],
    "waits_for_ever": endless("train", "it ran for more than 30 seconds", busy=0.05)[0],
    "memory_full": endless("scale", "it ran for more than 60 seconds", busy=0.05, held=0.93)[0],
    "waits_for_the_dead": endless(
        "run", "it ran for more than 20 seconds", kills=[Kill(0.41, "worker-1", 4)]
    )[0],
}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        # What is certain comes first, and one is enough.
        (
            FunctionNames(unread=("X",), instead=(("X_small", "X"),), nothing=("sort",)),
            "variable_for_argument",
        ),
        (FunctionNames(unread=("project",), braces=("project",)), "f_forgotten"),
        (FunctionNames(unread=("steps",), braces=("project",)), "argument_not_read"),
        (FunctionNames(unread=("client",), besides=("cv=2",)), "setting_not_asked"),
        (FunctionNames(unread=("X",), settings=(("cv=2", "cv=3"),)), "argument_not_read"),
        (FunctionNames(nothing=("append", "sort"), helpers=("parse",)), "none_used"),
        (FunctionNames(helpers=("parse",)), "helper_not_used"),
        (FunctionNames(braces=("project",)), None),
        (FunctionNames(9, 7), None),
    ],
)
def test_code_gives_one_thing_away(names: FunctionNames, expected: str | None) -> None:
    found = by_code("f", names)
    assert [mistake.name for mistake in found] == ([expected] if expected else [])
    for mistake in found:
        assert faults(mistake.explanation, sentences=True) == []


@cache
def explanations() -> dict[str, str]:
    told = {name: named(scene)[0].explanation for name, scene in SCENES.items()}
    told |= {name: mistake.explanation for name, mistake in BY_CODE.items()}
    return told | {name: explain(failure)[0].explanation for name, failure in RAISED.items()}


@pytest.mark.parametrize("name", [*SCENES, *CALLED, *RAISED])
def test_a_mistake_is_put_in_sound_words(name: str) -> None:
    assert faults(explanations()[name], sentences=True) == []


@pytest.mark.parametrize("exercise", catalogue.every(), ids=lambda each: each.name)
def test_a_mistake_of_an_exercise_is_put_in_sound_words(exercise: Exercise) -> None:
    for mistake in exercise.mistakes.values():
        assert faults(mistake.explanation, sentences=True) == [], mistake.name
        assert faults(mistake.title) == [], mistake.name


def test_words_are_sound_for_one_of_everything() -> None:
    """Runs with one task, one graph or one read: what is rare is written right as well."""
    for name, scene in SCENES.items():
        for count in (1, 2):
            small = replace(scene, tasks=scene.tasks[:count], graphs=count, reads=count)
            for mistake in named(small):
                assert faults(mistake.explanation, sentences=True) == [], name


def mistakes_page() -> str:
    return CATALOGUE.read_text(encoding="utf-8")


@pytest.mark.parametrize("expected", lines(), ids=lambda text: text.split("`")[1])
def test_the_catalogue_has_the_row_of_the_table(expected: str) -> None:
    assert expected in mistakes_page()


def test_the_catalogue_has_no_row_of_its_own() -> None:
    there = re.findall(r"^\| [\d, –]+ \| .* \| `(\w+)` \| (?!ex\d)", mistakes_page(), re.M)
    called = [*(row.name for row in TABLE), *CALLED, *(known.name for known in FAILURES)]
    assert there == called


def test_the_catalogue_has_the_mistakes_of_the_exercises() -> None:
    expected = [
        f"{mistake.title} | `{mistake.name}` | {found.name} | {mistake.see}"
        for found in catalogue.every()
        for mistake in found.mistakes.values()
    ]
    assert re.findall(r"^\| [\d–]+ \| (.* \| `\w+` \| ex.*) \|$", mistakes_page(), re.M) == expected


def test_the_list_by_number_calls_each_mistake_what_the_tables_call_it() -> None:
    names: dict[int, set[str]] = {12: {"gathers_input"}}  # has no row: the text says why
    for numbers, name in re.findall(r"^\| ([\d, ]+) \| .*? \| `(\w+)` \|", mistakes_page(), re.M):
        for number in numbers.split(", "):
            names.setdefault(int(number), set()).add(name)
    rows = re.findall(r"^\| (\d+) \| [^|`]+ \| [^|]+ \| (`[^|]+`) \|$", mistakes_page(), re.M)
    listed = [(int(number), set(re.findall(r"\w+", called))) for number, called in rows]
    assert listed == [(number, names[number]) for number in range(1, 37)]


@pytest.mark.parametrize("name", [*SCENES, *CALLED, *RAISED])
def test_the_catalogue_quotes_what_the_student_reads(name: str) -> None:
    text = " ".join(mistakes_page().replace("\n> ", " ").split())
    assert " ".join(explanations()[name].split()) in text


def test_every_number_of_the_catalogue_is_accounted_for() -> None:
    numbers = {n for row in TABLE for n in row.numbers} | {n for k in FAILURES for n in k.numbers}
    others = re.findall(r"^- \*\*([\d, ]+)\*\*", mistakes_page(), re.M)
    others += re.findall(r"^\| (\d+) \| .* \| `\w+` \| ex", mistakes_page(), re.M)
    for found in others:
        numbers |= {int(number) for number in found.split(",")}
    assert numbers == set(range(1, 37))


WITHOUT_SAMPLE = {
    # Whose longest piece is shorter than what "one_chunk" names gains something by the others: near
    # the edge of no points, so a sample would have two verdicts.
    "too_few",
    # Tells nothing on a busy machine, so a sample would have two verdicts.
    "waits_inside",
    # Four workers have to die of one task, one after the other. That takes the most of a minute,
    # and on a busy machine the time runs out first: another verdict.
    "worker_died",
    # It takes the whole time of a call, and how full the workers become until then is chance.
    "memory_full",
}


def test_every_mistake_has_a_sample_that_shows_it() -> None:
    class_ = [(ex, sample) for ex in catalogue.every() for sample in read_samples(ex, SAMPLES)]
    shown = {name for _, sample in class_ for name in sample.mistakes.values()}
    known = {row.name for row in TABLE} | {one.name for one in FAILURES} | set(CALLED)
    assert known - shown <= WITHOUT_SAMPLE
    assert shown <= known.union(*(ex.mistakes for ex, _ in class_))


def test_no_right_sample_is_said_to_make_a_mistake_in_what_it_got_full_points_for() -> None:
    for exercise in catalogue.every():
        points = {check.grade_id: check.points for check in exercise.checks}
        for sample in read_samples(exercise, SAMPLES):
            for check in sample.mistakes:
                assert sample.verdict[check] < points[check], sample.student
