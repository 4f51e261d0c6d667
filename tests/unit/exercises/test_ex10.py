import ast
import inspect
from dataclasses import replace
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pytest
import small_cases
from recordings import UNSEEN, task

from autograder.checks import CHECKS
from autograder.evidence.assemble import gather
from autograder.evidence.summary import needed_again
from autograder.model import (
    Comparison,
    GraphRecord,
    ProcessUsage,
    Recording,
    Role,
    Run,
    Status,
)

NAME = "ex10_larger_than_memory"
TEXT = Path(__file__).parents[3] / "solutions" / f"{NAME}.py"
SEED = 11
MB = 10**6
SMALL = small_cases.SMALL[NAME]
SCALES = [case for case in SMALL if case.startswith("scale")]
COMPONENTS = [case for case in SMALL if case.startswith("components")]


# ------------------------------------------------------------------------------- solutions


def scale(X):
    means, deviations = dask.compute(X.mean(axis=0), X.std(axis=0))
    return (X - means) / deviations


def components(Z, k):
    _, s, vt = da.linalg.svd(Z)
    s, vt = dask.compute(s, vt)
    return s[:k] ** 2 / len(Z), vt[:k].T


def project(Z, V):
    return Z @ V


def by_gram(Z, k):
    values, vectors = np.linalg.eigh((Z.T @ Z).compute())
    return values[::-1][:k] / len(Z), vectors[:, ::-1][:, :k]


SOLUTIONS = {"scale": scale, "components": components, "project": project}


def answered(cases, case, function=None, seed=SEED):
    """Call a function on a case, computed without a cluster."""
    function = function or SOLUTIONS[case.partition("_")[0]]
    with dask.config.set(scheduler="synchronous"):
        arguments, _ = cases.prepare(case, SMALL[case], seed)
        return cases.materialise(case, function(*arguments))


def judged(cases, truths, case, function):
    return cases.compare(case, truths[case], answered(cases, case, function))


def test_the_data_of_one_case_are_more_than_the_workers_may_hold_and_those_of_another_fit(exercise):
    room = exercise.cluster.workers * exercise.cluster.memory_per_worker
    large, memory = (
        next(case.parameters for case in exercise.cases if case.name == f"components_{name}")
        for name in ("large", "memory")
    )
    assert memory["rows"] * memory["columns"] * 8 > room
    assert large["rows"] * 32 * 8 < room / 3


@pytest.mark.parametrize("case", SMALL)
def test_a_right_answer_equals_the_oracles_and_another_seeds_does_not(case, cases, truths):
    answer = answered(cases, case)
    comparison = cases.compare(case, truths[case], answer)
    assert comparison.equal, comparison
    other = cases.compare(case, cases.oracle(case, SMALL[case], SEED + 1), answer)
    assert not other.equal and other.got


@pytest.mark.parametrize("seed", range(30))
def test_the_reference_never_fails_by_chance_and_the_gram_matrix_fails_where_it_should(seed, cases):
    for case in ("components_odd", "components_fine", "components_memory"):
        truth = cases.oracle(case, SMALL[case], seed)
        assert cases.compare(case, truth, answered(cases, case, seed=seed)).equal
        gram = cases.compare(case, truth, answered(cases, case, by_gram, seed))
        fine = case == "components_fine"
        assert (gram.equal, gram.mistake) == (not fine, "squared" if fine else None)


def test_what_is_shown_again_and_again_has_the_truth_of_all_its_rows(cases, truths):
    with dask.config.set(scheduler="synchronous"):
        (Z, keep), size = cases.prepare("components_memory", SMALL["components_memory"], SEED)
        rows = Z.compute()
    assert size == rows.nbytes and np.abs(rows.mean(axis=0)).max() < 1e-12
    singular = np.linalg.svd(rows, compute_uv=False)[:keep]
    assert np.allclose(truths["components_memory"]["variances"], singular**2 / len(rows))


@pytest.mark.parametrize("case", COMPONENTS)
def test_columns_have_mean_zero_where_components_are_asked_for(case, cases):
    with dask.config.set(scheduler="synchronous"):
        (Z, _), _ = cases.prepare(case, SMALL[case], SEED)
        assert np.abs(Z.mean(axis=0).compute()).max() < 1e-12


# ------------------------------------------------------------------------- other right answers


def scale_by_sums(X):
    both = da.stack([X.sum(axis=0), (X**2).sum(axis=0)]).compute() / len(X)
    return (X - both[0]) / np.sqrt(both[1] - both[0] ** 2)


def scale_by_blocks(X):
    means, deviations = dask.compute(X.mean(axis=0), X.std(axis=0))
    return X.map_blocks(lambda rows: (rows - means) / deviations)


def components_by_triangles(Z, k):
    parts = [dask.delayed(np.linalg.qr)(block, mode="r") for block in Z.to_delayed().ravel()]
    _, s, vt = np.linalg.svd(np.concatenate(dask.compute(*parts)), full_matrices=False)
    return [*s[:k] ** 2 / len(Z)], -vt[:k].T


def components_in_numpy(Z, k):
    _, s, vt = np.linalg.svd(np.asarray(Z), full_matrices=False)
    return np.float64(s[:k] ** 2 / len(Z)), vt[:k].T


RIGHT = [
    ("scale", scale_by_sums),
    ("scale", scale_by_blocks),
    ("components", components_by_triangles),
    ("components", components_in_numpy),
    ("project", lambda Z, V: da.dot(Z, da.from_array(V, chunks=V.shape))),
    ("project", lambda Z, V: (Z @ V).compute()),  # judged by the check "lazy" alone
]


@pytest.mark.parametrize("number", range(len(RIGHT)))
def test_the_same_is_right_however_it_is_written(number, cases, truths):
    name, function = RIGHT[number]
    for case in (case for case in SMALL if case.startswith(name)):
        comparison = judged(cases, truths, case, function)
        assert comparison.equal, (case, comparison)


# ------------------------------------------------------------------------------- wrong answers


def scaled(change):
    """Scale by other numbers: the function is given X, its means and its deviations."""
    return lambda X: change(X, *dask.compute(X.mean(axis=0), X.std(axis=0)))


def decomposed(change):
    """Make another answer of singular values s, components vt, rows n and k."""

    def function(Z, k):
        return change(*dask.compute(*da.linalg.svd(Z)[1:]), len(Z), k)

    return function


def mean_of_chunks(X, _, deviations):
    means = [block.mean(axis=0).compute() for block in X.blocks]
    return (X - np.mean(means, axis=0)) / deviations


def spread_of_chunks(X):
    of_blocks = [dask.compute(block.mean(axis=0), block.std(axis=0)) for block in X.blocks]
    mean, deviation = np.mean(of_blocks, axis=0)
    return (X - mean) / deviation


def of_its_own(Z, k):
    u, s, _ = da.linalg.svd(Z)
    return u[:, :k] * s[:k]


def of_first_block(X):
    first = X.blocks[0].compute()
    return (X - first.mean(axis=0)) / first.std(axis=0)


def in_each_block(X):
    def scaled_alone(rows):
        with np.errstate(invalid="ignore"):
            return (rows - rows.mean(axis=0)) / rows.std(axis=0)

    return X.map_blocks(scaled_alone, dtype=float)


WRONG = [
    ("scale_odd", scaled(lambda X, m, d: (X - m) / X.std(axis=0, ddof=1)), "one_less"),
    ("scale_odd", scaled(lambda X, m, d: X / d), "not_centred"),
    ("scale_odd", scaled(lambda X, m, d: X - m), "not_divided"),
    ("scale_odd", scaled(lambda X, m, d: (X - m) / d**2), "variance"),
    ("scale_odd", in_each_block, "chunk_by_chunk"),
    ("scale_odd", scaled(mean_of_chunks), "mean_of_chunks"),
    ("scale_odd", spread_of_chunks, "spread_of_chunks"),
    ("scale_odd", scaled(lambda X, m, d: (X - X.mean()) / X.std()), "one_for_all"),
    ("scale_odd", scaled(lambda X, m, d: of_first_block(X)), "first_block"),
    ("scale_odd", scaled(lambda X, m, d: X - m / d), "brackets"),
    ("scale_odd", lambda X: (X - X.min(axis=0)) / da.ptp(X, axis=0), "to_an_interval"),
    ("scale_odd", scaled(lambda X, m, d: ((X - m) / d)[::-1]), None),
    ("scale_odd", scaled(lambda X, m, d: ((X - m) / d).astype("f4").astype(float) + 1e-5), None),
    ("scale_odd", scaled(lambda X, m, d: ((X - m) / d).rechunk(40)), None),
    ("components_odd", decomposed(lambda s, vt, n, k: (s[:k], vt[:k].T)), "singular_values"),
    (
        "components_odd",
        decomposed(lambda s, vt, n, k: (s[:k] ** 2, vt[:k].T)),
        "not_divided_by_rows",
    ),
    ("components_odd", decomposed(lambda s, vt, n, k: (s[:k] / n**0.5, vt[:k].T)), "deviations"),
    (
        "components_odd",
        decomposed(lambda s, vt, n, k: (s[:k] ** 2 / (n - 1), vt[:k].T)),
        "rows_less_one",
    ),
    (
        "components_odd",
        decomposed(lambda s, vt, n, k: (s[:k] ** 2 / sum(s**2), vt[:k].T)),
        "shares",
    ),
    ("components_odd", decomposed(lambda s, vt, n, k: (s[-k:] ** 2 / n, vt[-k:].T)), None),
    (
        "components_odd",
        decomposed(lambda s, vt, n, k: (s[::-1][:k] ** 2 / n, vt[::-1][:k].T)),
        "smallest",
    ),
    (
        "components_odd",
        decomposed(lambda s, vt, n, k: (s[:k][::-1] ** 2 / n, vt[:k][::-1].T)),
        "upwards",
    ),
    ("components_odd", decomposed(lambda s, vt, n, k: (s[:k] ** 2 / n, vt[:k])), "transposed"),
    ("components_fine", decomposed(lambda s, vt, n, k: (s[:k] ** 2 / n, vt[:k])), "transposed"),
    ("components_odd", decomposed(lambda s, vt, n, k: (s**2 / n, vt.T)), "not_cut"),
    ("components_odd", decomposed(lambda s, vt, n, k: (s[:k] / n, vt[:k].T)), "not_squared"),
    ("components_odd", decomposed(lambda s, vt, n, k: (s[:k]**2 / n, vt[:, :k])), "first_columns"),
    ("components_odd", decomposed(lambda s, vt, n, k: (vt[:k].T, s[:k] ** 2 / n)), "swapped"),
    ("components_odd", decomposed(lambda s, vt, n, k: (s[:k] ** 2 / n, 2 * vt[:k].T)), None),
    ("components_odd", decomposed(lambda s, vt, n, k: (s[:k] ** 2 / n, vt[k : 2 * k].T)), None),
    ("components_odd", decomposed(lambda s, vt, n, k: (s[:k] ** 2 / n * 1.1, vt[:k].T)), None),
    ("components_odd", lambda Z, k: (da.linalg.svd(Z)[1][:k] ** 2 / len(Z), np.eye(32, k)),
     "not_computed"),
    ("components_fine", lambda Z, k: components(Z.astype("f4"), k), None),
    ("project_odd", lambda Z, V: of_its_own(Z, V.shape[1]), "own_components"),
    ("project_odd", lambda Z, V: Z @ (2 * V), None),
    ("project_odd", lambda Z, V: (Z @ V).rechunk((-1, 1)), None),
    ("project_odd", lambda Z, V: Z, None),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_wrong_answer_is_refused_and_known_ones_are_named(number, cases, truths, exercise):
    case, function, name = WRONG[number]
    comparison = judged(cases, truths, case, function)
    assert (comparison.equal, comparison.mistake) == (False, name), comparison
    assert name is None or exercise.mistakes[name].explanation


@pytest.mark.parametrize("power", [0, 1])
def test_a_random_projection_is_an_approximation(power, cases, truths):
    def randomised(Z, k):
        _, s, vt = da.linalg.svd_compressed(Z, k, n_power_iter=power, n_oversamples=2, seed=0)
        s, vt = dask.compute(s, vt)
        return s**2 / len(Z), vt.T

    comparison = judged(cases, truths, "components_odd", randomised)
    assert (comparison.equal, comparison.mistake) == (False, "approximate"), comparison


# ------------------------------------------------------------------------- what a docstring says

BREAKS = {
    "dask.array.Array, shape (rows, columns)": ("scale_odd", {"values": np.zeros((201, 31))}),
    "Lazy, in the blocks of X.": ("scale_odd", {"values_rows": np.array([201])}),
    "Over all rows, every column has mean 0 and standard deviation 1, as NumPy's std has it "
    "(ddof=0).": ("scale_odd", "mistake:one_less"),
    "Before this function returns, every block is read once, nothing is kept, and no more than "
    "means and deviations come to this process.": "lazy",
    "To compute a block of the result, only that block of X is read, once.": "passes",
    "variances : numpy.ndarray, shape (k,)": ("components_odd", {"variances_lazy": np.array(True)}),
    "Squared singular values of Z, divided by the number of rows; the largest first.": (
        "components_odd",
        "mistake:upwards",
    ),
    "V : numpy.ndarray, shape (columns, k)": ("components_odd", {"components": np.zeros((4, 32))}),
    "The components that belong to them, each a column of length 1, with either sign.": (
        "components_odd",
        {"components": np.eye(32, 4)},
    ),
    "Variances are right to a millionth of their own, and so are components, even where one "
    "singular value is a 20-millionth of another.": "rule",
    "Every block of Z is read once,": "passes",
    "the blocks side by side on all workers,": "speedup",
    "and none has to be kept.": "memory",
    "dask.array.Array, shape (rows, k)": ("project_odd", {"values": np.zeros((202, 4))}),
    "Each row of Z times V, in the rows' order, in blocks of whole rows as long as those of Z.": (
        "project_odd",
        {"values_columns": np.array(2)},
    ),
    "Lazy: nothing is sent to the cluster before this function returns.": "lazy",
}
OF = {"scale": 5, "components": 8, "project": 3}
"""Promises of each function, in this order."""


def test_every_word_of_what_is_returned_is_a_promise_with_a_judge(exercise):
    phrases = list(BREAKS)
    # Two functions promise reads in other words; the table has a judge for each.
    tree = ast.parse(TEXT.read_text(encoding="utf-8"))
    found = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name, count in OF.items():
        doc = inspect.cleandoc(ast.get_docstring(found[name]))
        said = " ".join(doc.split("Returns\n-------\n")[1].split())
        mine, phrases = phrases[:count], phrases[count:]
        assert " ".join(mine) == said
        for phrase in mine:
            if isinstance(BREAKS[phrase], str):
                assert (name, BREAKS[phrase]) in {(c.function, c.check) for c in exercise.checks}
    assert not phrases


@pytest.mark.parametrize(
    "phrase", [p for p, broken in BREAKS.items() if not isinstance(broken, str)]
)
def test_a_promise_that_is_broken_is_noticed(phrase, cases, truths):
    case, broken = BREAKS[phrase]
    right = answered(cases, case)
    if isinstance(broken, str):
        name = "variances" if case.startswith("components") else "values"
        broken = {name: truths[case][broken]}
    assert cases.compare(case, truths[case], right).equal
    assert not cases.compare(case, truths[case], right | broken).equal


# ------------------------------------------------------------------------- whatever may come

NOT_AN_ANSWER = {
    "nothing": {},
    "no array": {"values": [1], "variances": 3, "components": "V"},
    "words": dict.fromkeys(["values", "variances", "components"], np.array(["a"] * 4)),
    "empty": dict.fromkeys(["values", "variances", "components"], np.zeros((0, 4))),
    "objects": dict.fromkeys(["values", "variances", "components"], np.array([object()] * 4)),
    "complex": dict.fromkeys(["values", "variances", "components"], np.zeros((32, 4), complex)),
    "NaN": {
        "values": np.full((201, 32), np.nan),
        "variances": np.full(4, np.nan),
        "components": np.zeros((32, 4)),
    },
    "infinite": {
        "values": np.full((202, 3), np.inf),
        "variances": np.full(4, np.inf),
        "components": np.full((32, 4), -np.inf),
    },
}


@pytest.mark.parametrize("case", SMALL)
@pytest.mark.parametrize("name", NOT_AN_ANSWER)
def test_compare_takes_whatever_comes_out_of_the_box(name, case, cases, truths):
    comparison = cases.compare(case, truths[case], NOT_AN_ANSWER[name])
    assert comparison.equal is False
    assert comparison.got and comparison.expected


@pytest.mark.parametrize(
    ("case", "result", "words"),
    [
        ("scale_odd", None, "scale must return a Dask array .* None"),
        ("scale_files", [1, 2], "scale must return a Dask array .* a list"),
        ("scale_odd", np.array(["a"]), "something else than numbers"),
        ("components_odd", None, "must return two NumPy arrays.* None"),
        ("components_odd", np.zeros(3), "must return two NumPy arrays.* a NumPy array"),
        ("components_odd", (1, 2, 3), "a tuple"),
        ("components_odd", (None, np.zeros(3)), "None"),
        ("project_odd", da.Array, "the class Array itself"),
    ],
)
def test_a_result_of_the_wrong_type_is_told_the_contract(case, result, words, cases):
    with pytest.raises(TypeError, match=words):
        cases.materialise(case, result)


# ------------------------------------------------------------------------ passes over the data


def reads(client, cases, case, function):
    """Count the reads of a function and of its result, as the recorder does."""
    arguments, _ = cases.prepare(case, SMALL[case], SEED)
    before = len(client.get_events("read"))
    cases.materialise(case, function(*arguments))
    return len(client.get_events("read")) - before


def one_line(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


def two_computes(X):
    means = X.mean(axis=0).compute()
    return (X - means) / X.std(axis=0).compute()


@pytest.mark.parametrize(
    ("case", "function", "times"),
    [
        ("scale_files", scale, 2),
        ("scale_files", scale_by_sums, 2),
        ("scale_files", one_line, 6),
        ("scale_files", two_computes, 3),
        ("components_large", components, 1),
        ("components_large", by_gram, 1),
        ("components_large", components_by_triangles, 1),
    ],
)
def test_passes_over_the_data_can_be_counted(case, function, times, client, cases):
    assert reads(client, cases, case, function) == times * int(SMALL[case]["blocks"])


def seen(tasks=(), *, case="components_memory", size=1_200, wanted=2, sent=0.5, **changes):
    """A run whose graph was sent so many seconds after GO; it returned after one. Sizes in MB."""
    graphs = [GraphRecord(1_000.0 + at, 9, wanted, 0) for at in np.atleast_1d(sent)]
    workers = [ProcessUsage(Role.WORKER, f"worker-{i}", 1.0, 0.0, 300 * MB, 0) for i in (0, 1)]
    run = Run(
        case=case,
        function=case.partition("_")[0],
        go=1_000.0,
        returned=1_001.0,
        done=1_004.0,
        usage=(ProcessUsage(Role.CLIENT, "client", 0.1, 0.0, 420 * MB, 400 * MB), *workers),
        recording=Recording(
            tasks=tuple(tasks), graphs=tuple(graphs), reads=changes.pop("reads", 24)
        ),
        answer={"lazy": True, "input_blocks": 12},
        comparison=Comparison(True, "numbers", "numbers"),
        failure=None,
        **UNSEEN | {"input_bytes": size * MB},
    )  # fmt: skip
    return replace(run, **changes)


def finding(exercise, kind, run, **options):
    spec = next(c for c in exercise.checks if c.check == kind and c.function == run.function)
    spec = replace(spec, cases=(run.case,), options=options or spec.options)
    return CHECKS[kind](
        exercise, spec, gather(exercise, [run]), replace(exercise.typical, same_round=True)
    )


@pytest.mark.parametrize(
    ("reads", "status"),
    [
        *((24, Status.PASSED), (27, Status.PASSED), (21, Status.PASSED), (20, Status.FAILED)),
        *((28, Status.FAILED), (36, Status.FAILED), (5, Status.FAILED), (0, Status.FAILED)),
    ],
)
def test_blocks_may_be_read_as_often_as_promised_and_a_few_once_more(reads, status, exercise):
    found = finding(exercise, "passes", seen(case="scale_files", reads=reads))
    assert found.status is status
    assert str(reads) in found.got


def test_data_that_scale_keeps_are_not_read_again_and_components_reads_them_once(exercise):
    kept = finding(exercise, "passes", seen(case="scale_files", reads=12))
    assert kept.status is Status.FAILED and "as persist() does" in kept.got
    once = finding(exercise, "passes", seen(case="components_large", reads=12))
    assert once.status is Status.PASSED


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"sent": 1.5, "reads": 144}, "waits_for_all"),
        ({"sent": [0.2, 0.6, 1.5], "reads": 36}, "read_for_each"),
        ({"sent": [0.5, 1.5], "reads": 36}, None),
        ({"sent": [0.5, 1.5], "reads": 24}, None),
    ],
)
def test_the_reason_of_too_many_passes_is_named(changes, name, exercise):
    found = finding(exercise, "passes", seen(case="scale_files", **changes))
    assert [mistake.name for mistake in found.mistakes] == ([name] if name else [])


def test_passes_of_a_wrong_answer_do_not_count(exercise):
    wrong = seen(case="scale_files", comparison=Comparison(False, "numbers", "others"))
    found = finding(exercise, "passes", wrong)
    assert found.status is Status.FAILED and "not right" in found.got
    # Nothing was computed before it returned, which explains other reads, but no wrong answer.
    later = replace(wrong.recording, graphs=(GraphRecord(1_001.5, 9, 1, 0),))
    lazy = replace(wrong, recording=later)
    assert not finding(exercise, "passes", lazy).mistakes


# ------------------------------------------------------------------- what a graph has to keep


def blocks(n, *needs):
    return [task(f"x{i}", 0.1 * i, 0.1, *needs, nbytes=100 * MB) for i in range(n)]


def once(n=6):
    """Each block is summed, and the sums are added up."""
    sums = [task(f"s{i}", 1 + 0.1 * i, 0.1, f"x{i}", nbytes=8) for i in range(n)]
    return [*blocks(n), *sums, task("total", 3, 0.1, *(f"s{i}" for i in range(n)), nbytes=8)]


def twice(n=6):
    """And then the total is subtracted from each block."""
    again = [task(f"d{i}", 4 + 0.1 * i, 0.1, f"x{i}", "total", nbytes=100 * MB) for i in range(n)]
    return [*once(n), *again]


def by_copies(n=6):
    """As `twice`, but each subtraction has a copy of the total of its own."""
    copies = [task(f"c{i}", 3.2 + 0.1 * i, 0.1, "total", nbytes=8) for i in range(n)]
    again = [task(f"d{i}", 4 + 0.1 * i, 0.1, f"x{i}", f"c{i}", nbytes=8) for i in range(n)]
    return [*once(n), *copies, *again]


def chain(n=6):
    """A model learns from block after block."""
    fits = [
        task(f"f{i}", 1 + i, 0.5, f"x{i}", *([f"f{i - 1}"] if i else []), nbytes=8)
        for i in range(n)
    ]
    return [*blocks(n), *fits]


def two_graphs(n=6):
    later = [
        replace(t, key=f"{t.key}-2", submitted=t.submitted + 1,
                dependencies=tuple(f"{d}-2" for d in t.dependencies))
        for t in once(n)
    ]  # fmt: skip
    return [*once(n), *later]


@pytest.mark.parametrize(
    ("tasks", "kept"),
    [(once, 0), (twice, 600), (by_copies, 600), (chain, 0), (two_graphs, 0), (blocks, 0)],
)
def test_a_graph_has_to_keep_what_it_needs_after_a_step_that_waits_for_all(tasks, kept, exercise):
    graphs = tuple(GraphRecord(1_000.0 + at, 9, 1, 0) for at in (0.0, 1.0))
    recorded = tasks(6)
    found = needed_again(Recording(tuple(recorded), graphs), 300 * MB)
    assert found == kept * MB
    # The order of the record says nothing.
    assert needed_again(Recording(tuple(recorded[::-1]), graphs), 300 * MB) == kept * MB


def test_a_little_that_is_needed_again_is_not_looked_at():
    recording = Recording(tuple(twice(6)), (GraphRecord(1_000.0, 9, 1, 0),))
    assert needed_again(recording, 700 * MB) == 0


def test_a_graph_that_is_recorded_often_is_looked_at_once():
    graphs = 20_000 * (GraphRecord(1_000.0, 9, 1, 0),)
    assert needed_again(Recording(tuple(twice(6)), graphs), 300 * MB) == 600 * MB


@pytest.mark.parametrize(("too_long", "kept"), [(False, 600 * MB), (True, 0)])
def test_of_a_record_that_is_too_long_nobody_knows_what_had_to_be_kept(too_long, kept, monkeypatch):
    """A forged one of 60,000 tasks would take minutes."""
    tasks = tuple(twice(6))
    monkeypatch.setattr("autograder.evidence.summary._MOST_TASKS", len(tasks) - too_long)
    recording = Recording(tasks, (GraphRecord(1_000.0, 9, 1, 0),))
    assert needed_again(recording, 300 * MB) == kept


def test_an_empty_record_keeps_nothing():
    assert needed_again(Recording((), (GraphRecord(1_000.0, 9, 1, 0),)), 0.0) == 0


@pytest.mark.parametrize(("tasks", "status"), [(once, Status.PASSED), (twice, Status.FAILED)])
def test_memory_is_judged_by_what_a_graph_has_to_keep(tasks, status, exercise):
    found = finding(exercise, "memory", seen(tasks(6), sent=0.0, size=600, wanted=1))
    assert found.status is status
    named = [mistake.name for mistake in found.mistakes]
    assert named == (["needed_twice"] if status is Status.FAILED else [])


@pytest.mark.parametrize(("tasks", "status"), [(once, Status.PASSED), (twice, Status.FAILED)])
def test_blocks_that_are_read_once_and_kept_are_no_pass(tasks, status, exercise):
    run = seen(tasks(6), case="components_large", sent=0.0, size=600, wanted=1, reads=12)
    found = finding(exercise, "passes", run)
    assert found.status is status and "12 reads" in found.got
    named = [mistake.name for mistake in found.mistakes]
    assert named == (["needed_twice"] if status is Status.FAILED else [])
