import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from autograder.errors import HarnessError
from autograder.exercise import catalogue

KIT = catalogue.KIT
EX02 = KIT / "ex02_parallel_prediction"
SEED = 11

Change = Callable[[str, str], Path]


@pytest.fixture
def changed(tmp_path: Path) -> Change:
    """A copy of ex02 in which one text of exercise.toml has given way to another."""

    def change(old: str, new: str) -> Path:
        folder = tmp_path / "exercises" / EX02.name
        shutil.copytree(EX02, folder)
        text = (EX02 / "exercise.toml").read_text()
        assert old in text
        (folder / "exercise.toml").write_text(text.replace(old, new))
        return folder

    return change


# ------------------------------------------------------------------------------- loading


def test_ex02_loads_with_its_points_and_units():
    loaded = catalogue.load(EX02)
    assert loaded.name == "ex02_parallel_prediction"
    assert loaded.functions == (
        "fit_small",
        "predict_large",
        "score_large",
        "count_labels",
        "timed_predict",
    )
    points = {check.grade_id: check.points for check in loaded.checks}
    assert points["predict_large_speedup"] == 4
    assert sum(points.values()) + sum(loaded.words.values()) == 20
    assert loaded.limits.memory_bytes == 4_000_000_000
    assert loaded.limits.wall_seconds == 120
    assert [case.name for case in loaded.cases if case.timed] == ["predict_large"]
    assert {case.name: case.grows for case in loaded.cases if case.grows} == {
        "predict_large": ("rows",)
    }
    assert not loaded.typical.same_round


def test_binary_units_are_not_decimal_ones(changed):
    loaded = catalogue.load(changed('memory = "4 GB"', 'memory = "512 MiB"'))
    assert loaded.limits.memory_bytes == 512 * 2**20


def test_options_of_a_check_are_kept(changed):
    loaded = catalogue.load(changed("points = 4", "points = 4\noptions = { full_at = 0.7 }"))
    options = {check.grade_id: check.options for check in loaded.checks}
    assert options["predict_large_speedup"] == {"full_at": 0.7}
    assert options["predict_large_values"] == {}


def test_a_size_changes_what_it_names_and_nothing_else():
    laptop, node, cluster = (catalogue.load(EX02, size) for size in ("laptop", "node", "cluster"))
    assert laptop == catalogue.load(EX02)
    rows = [
        {case.name: case.parameters.get("rows") for case in loaded.cases}
        for loaded in (laptop, node, cluster)
    ]
    assert [at["predict_large"] for at in rows] == [56_000, 1_344_000, 5_376_000]
    assert {at["take_time"] for at in rows} == {9_600}
    assert (laptop.cluster.workers, node.cluster.workers) == (2, 8)
    assert laptop.cluster.threads_per_worker == node.cluster.threads_per_worker
    assert node.limits.memory_bytes > laptop.limits.memory_bytes
    assert node.limits.answer_bytes == laptop.limits.answer_bytes
    assert node.typical.tasks > laptop.typical.tasks
    assert node.typical.speedup == laptop.typical.speedup
    assert (laptop.checks, laptop.words) == (node.checks, node.words)
    assert len({laptop.digest, node.digest, cluster.digest}) == 3


def test_a_size_that_the_description_does_not_name_is_like_the_first():
    small, large = (catalogue.load(KIT / "ex05_batch_cluster", size) for size in ("laptop", "node"))
    assert small.cases == large.cases


def test_a_size_that_there_is_not_is_refused():
    with pytest.raises(HarnessError, match=r"'planet'.*laptop, node, cluster"):
        catalogue.load(EX02, "planet")


def test_digest_follows_both_files_and_not_the_place(changed):
    folder = changed("wall = 120", "wall = 120")
    same = catalogue.load(folder).digest
    assert same == catalogue.load(EX02).digest
    code = folder / "cases.py"
    code.write_text(code.read_text() + "\nANOTHER = 1\n")
    after_code = catalogue.load(folder).digest
    spec = folder / "exercise.toml"
    spec.write_text(spec.read_text().replace("wall = 120", "wall = 121", 1))
    assert len({same, after_code, catalogue.load(folder).digest}) == 3


REFUSED = {
    "typo": ("wall = 120", "wal = 120", ['"wal" in [limits]', 'did you mean "wall"?']),
    "typo of a table": ("[typical]", "[typicl]", ['"typicl"', 'did you mean "typical"?']),
    "typo in a list": (
        'title = "fit_small returns',
        'titel = "fit_small returns',
        ['"titel" in [[checks]] "fit_small_values"', 'did you mean "title"?'],
    ),
    "missing": ("wall = 120", "", ['"wall" is missing in [limits]']),
    "text for a number": ("wall = 120", 'wall = "2 min"', ["a number", "'2 min'"]),
    "yes for a number": ("wall = 120", "wall = true", ["a number", "True"]),
    "endless": ("wall = 120", "wall = inf", ["a finite number", "inf"]),
    "no time": ("wall = 120", "wall = 0", ["a number above 0", "got 0"]),
    "size without unit": ('"4 GB"', "4", ['"512 MiB"', "got 4"]),
    "size in an unknown unit": ('"4 GB"', '"4 gigs"', ['"512 MiB"', "'4 gigs'"]),
    "no size": ('"4 GB"', '"0 GB"', ['"512 MiB"', "'0 GB'"]),
    "negative points": ("points = 3", "points = -3", ["predict_large_values", "at least 0", "-3"]),
    "negative points in words": ("when_not = 2", "when_not = -2", ["[words]", "at least 0"]),
    "points that are none": ("points = 3", "points = nan", ["a finite number", "nan"]),
    "space in a grade_id": ('"fit_small_values"', '"fit small"', ["grade_id", "'fit small'"]),
    "grade_id twice": ('"predict_large_lazy"', '"predict_large_values"', ["given twice"]),
    "grade_id of words and of a check": ("when_not = 2", "fit_small_values = 2", ["given twice"]),
    "half a worker": ("workers = 2", "workers = 2.5", ["a whole number", "2.5"]),
    "unknown case": ('cases = ["fit"]', 'cases = ["fti"]', ['"fti"', 'did you mean "fit"?']),
    "case of another function": ('cases = ["fit"]', 'cases = ["score"]', ["calls score_large"]),
    "no case": ('cases = ["fit"]', "cases = []", ["at least one entry"]),
    "case that is no text": ('cases = ["fit"]', "cases = [3]", ["a text in quotes", "got 3"]),
    "case named twice": (
        'cases = ["predict_odd", "predict_large"]',
        'cases = ["predict_odd", "predict_odd"]',
        ['"predict_odd" twice'],
    ),
    "two cases of a name": ('name = "fit"', 'name = "score"', ['case "score" is given twice']),
    "unknown function": (
        'function = "fit_small"',
        'function = "fit_smal"',
        ['"fit_smal"', 'did you mean "fit_small"?'],
    ),
    "function without a case": ("functions = [", 'functions = ["more", ', ["more has no case"]),
    "case that nobody judges": (
        'cases = ["predict_odd", "predict_large"]',
        'cases = ["predict_large"]',
        ['"predict_odd" is judged by no check'],
    ),
    "check twice": ('check = "lazy"', 'check = "values"', ["values of predict_large"]),
    "two timed cases": (
        'name = "predict_odd"',
        'name = "predict_odd"\ntimed = true',
        ["predict_large has two timed cases"],
    ),
    "not TOML": ('version = "1"', "version =", ["not valid TOML", "line"]),
    "unknown size": ("[sizes.node]", "[sizes.planet]", ["node", "cluster", "planet"]),
    "typo in a size": (
        "cases.predict_large = { rows = 1_344",
        "csaes.predict_large = { rows = 1_344",
        ['"csaes" in [sizes.node]', 'did you mean "cases"?'],
    ),
    "typo in the size that is called as a table is": (
        "cases.predict_large = { rows = 5_376",
        "csaes.predict_large = { rows = 5_376",
        ['"csaes" in [sizes.cluster]', 'did you mean "cases"?'],
    ),
    "size of an unknown case": (
        "cases.predict_large = { rows = 1_344",
        "cases.predict_lrage = { rows = 1_344",
        ["[sizes.node.cases]", '"predict_lrage"', 'did you mean "predict_large"?'],
    ),
    "size of an unknown parameter": (
        "{ rows = 1_344_000,",
        "{ row = 1_344_000,",
        ['[sizes.node.cases] "predict_large"', '"row"', 'did you mean "rows"?'],
    ),
    "a number out of range at one size": (
        "workers = 8,",
        "workers = 0,",
        ["at the size node", '"workers" in [cluster]', "at least 1"],
    ),
    "empty title": ('title = "fit_small returns the right model"', 'title = " "', ["some text"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_description_is_refused_in_one_sentence(name, changed):
    old, new, words = REFUSED[name]
    with pytest.raises(HarnessError) as caught:
        catalogue.load(changed(old, new))
    message = str(caught.value)
    assert "exercise.toml" in message
    assert all(word in message for word in words), message
    assert "\n" not in message and message.endswith(".")


ACCEPTED = {
    "nothing changed": ("wall = 120", "wall = 120"),
    "fraction of a second": ("cell = 30", "cell = 0.5"),
    "no points": ("points = 3", "points = 0"),
    "half points": ("points = 3", "points = 2.5"),
    "hyphen in a grade_id": ('"predict_large_lazy"', '"predict-large-lazy"'),
    "timed case of another function": ('name = "score"', 'name = "score"\ntimed = true'),
    "nothing that grows": ('grows = ["rows"]', ""),
    "two parameters that grow": ('grows = ["rows"]', 'grows = ["rows", "blocks"]'),
    "no words": ("when_not = 2", ""),
    "size without space": ('"4 GB"', '"1.5GiB"'),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_right_description_is_accepted(name, changed):
    assert catalogue.load(changed(*ACCEPTED[name])).functions


@pytest.mark.parametrize("missing", ["exercise.toml", "cases.py"])
def test_a_missing_file_is_named(missing, changed):
    folder = changed("wall = 120", "wall = 120")
    (folder / missing).unlink()
    with pytest.raises(HarnessError, match=missing):
        catalogue.load(folder)


# -------------------------------------------------------------------------------- finding


def test_find_knows_the_kits_exercises_and_nothing_else(tmp_path):
    found = catalogue.find("ex02_parallel_prediction")
    assert found is not None and found.folder == str(EX02)
    assert catalogue.find("ps1", [tmp_path]) is None
    assert catalogue.find("../exercises/ex02_parallel_prediction") is None


def test_the_courses_own_version_comes_first(changed):
    folder = changed('version = "1"', 'version = "ours"')
    found = catalogue.find(EX02.name, [folder.parent])
    assert found is not None and found.version == "ours"


def test_every_exercise_is_listed_the_courses_own_first(changed):
    folder = changed('version = "1"', 'version = "ours"')
    listed = catalogue.every([folder.parent, folder / "nowhere"])
    assert listed[0].version == "ours"
    assert EX02.name in [other.name for other in listed[1:]]


def test_find_does_not_pass_over_a_broken_description(changed):
    folder = changed('version = "1"', "version = 1")
    with pytest.raises(HarnessError, match="version"):
        catalogue.find(EX02.name, [folder.parent])


# ------------------------------------------------------------------------------- cases.py


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("def warm(", "def worm(", r"no function warm\(\)"),
        ("def oracle(case:", "def oracle(kase:", r"expected oracle\(case, parameters, seed\)"),
        ("import numpy as np", "import numpyy as np", "fails on import: ModuleNotFoundError"),
        ('"""The inputs', 'x = = 1\n"""The inputs', "fails on import: SyntaxError"),
    ],
)
def test_cases_that_do_not_fit_are_refused(old, new, words, changed):
    folder = changed("wall = 120", "wall = 120")
    code = folder / "cases.py"
    assert old in code.read_text()
    code.write_text(code.read_text().replace(old, new, 1))
    with pytest.raises(HarnessError, match=words):
        catalogue.cases(catalogue.load(folder))


@pytest.fixture(scope="module")
def ex02():
    return catalogue.cases(catalogue.load(EX02))


@pytest.fixture(scope="module")
def small():
    """Parameters of each case, with fewer rows where the author's are many."""
    spec = tomllib.loads((EX02 / "exercise.toml").read_text())
    sizes = {case["name"]: case["parameters"] for case in spec["cases"]}
    sizes["predict_large"] |= {"rows": 320, "blocks": 4}
    sizes["score"] = {"train_rows": 1500, "chunk_1": 190, "chunk_2": 1, "chunk_3": 109}
    return sizes


def right(case, arguments):
    from dask_ml.wrappers import ParallelPostFit
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    if case == "fit":
        model = ParallelPostFit(make_pipeline(StandardScaler(), SVC()), scoring="accuracy")
        return model.fit(*arguments)
    return (
        arguments[0].score(*arguments[1:])
        if case == "score"
        else arguments[0].predict(*arguments[1:])
    )


@pytest.mark.parametrize("case", ["fit", "predict_odd", "predict_large", "score"])
def test_the_right_answer_equals_the_oracle_and_another_seeds_does_not(case, ex02, small, client):
    arguments, input_bytes = ex02.prepare(case, small[case], SEED)
    assert input_bytes == sum(part.nbytes for part in arguments if hasattr(part, "nbytes"))
    answer = ex02.materialise(case, right(case, arguments))
    comparison = ex02.compare(case, ex02.oracle(case, small[case], SEED), answer)
    assert comparison.equal, comparison
    other = ex02.compare(case, ex02.oracle(case, small[case], SEED + 1), answer)
    assert not other.equal
    assert other.got


def test_inputs_are_complete_lie_on_both_workers_and_have_the_sizes_asked_for(ex02, small, client):
    (_, X), _ = ex02.prepare("predict_odd", small["predict_odd"], SEED)
    assert X.chunks == ((700, 1, 1300), (20,))
    (_, X), _ = ex02.prepare("predict_large", small["predict_large"], SEED)
    from distributed import futures_of

    holders = client.who_has(futures_of(X))
    assert {future.status for future in futures_of(X)} == {"finished"}
    assert len({worker for workers in holders.values() for worker in workers}) == 2


def test_warm_runs_on_a_cluster(ex02, client):
    ex02.warm()


def test_known_mistake_is_named_where_r2_is_returned(ex02, small):
    truth = ex02.oracle("score", small["score"], SEED)
    wrong = ex02.compare("score", truth, {"score": truth["mistake:r2_score"]})
    assert (wrong.equal, wrong.mistake) == (False, "r2_score")
    each = ex02.compare("score", truth, {"score": truth["mistake:mean_of_chunks"]})
    assert (each.equal, each.mistake) == (False, "mean_of_chunks")
    unknown = ex02.compare("score", truth, {"score": np.array(0.5)})
    assert (unknown.equal, unknown.mistake) == (False, None)


@pytest.mark.filterwarnings("ignore:The `numpy.may_share_memory`:FutureWarning")  # the mistake's
def test_a_model_scored_with_r2_or_not_parallel_is_not_right(ex02, small, client):
    from dask_ml.wrappers import ParallelPostFit

    (X, y), _ = ex02.prepare("fit", small["fit"], SEED)
    truth = ex02.oracle("fit", small["fit"], SEED)
    model = right("fit", (X, y))
    r2 = ParallelPostFit(model.estimator, scoring="r2").fit(X, y)
    comparison = ex02.compare("fit", truth, ex02.materialise("fit", r2))
    assert (comparison.equal, comparison.mistake) == (False, "r2_score")
    eager = ex02.compare("fit", truth, ex02.materialise("fit", model.estimator))
    assert not eager.equal and "ParallelPostFit" in eager.got


NOT_AN_ANSWER = {
    "nothing": {},
    "no array": {"labels": [1, 2], "score": "0.9", "lazy": True},
    "too few": {"labels": np.zeros(3, int), "score": np.zeros(2), "lazy": np.zeros(2, bool)},
    "a column": {"labels": np.zeros((320, 1), int)},
    "a single number": {"labels": np.array(1)},
    "empty": {"labels": np.array([]), "score": np.array([]), "lazy": np.array([])},
    "NaN": {"labels": np.full(320, np.nan), "score": np.array(np.nan)},
    "infinite": {"labels": np.full(320, np.inf), "score": np.array(np.inf)},
    "words": {"labels": np.full(320, "amber"), "score": np.array("0.9"), "lazy": np.array("yes")},
    "yes and no": {"labels": np.ones(320, bool), "score": np.array(True)},
    "complex": {"labels": np.ones(320, complex), "score": np.array(1j)},
    "objects": {"labels": np.array([object()] * 320), "score": np.array(None)},
    "records": {"labels": np.zeros(320, [("a", int)]), "score": np.zeros((), [("a", int)])},
    "dates": {"labels": np.zeros(320, "M8[s]"), "score": np.zeros((), "M8[s]")},
}


@pytest.mark.parametrize("case", ["fit", "predict_odd", "predict_large", "score"])
@pytest.mark.parametrize("name", NOT_AN_ANSWER)
def test_compare_takes_whatever_comes_out_of_the_box(name, case, ex02, small):
    comparison = ex02.compare(case, ex02.oracle(case, small[case], SEED), NOT_AN_ANSWER[name])
    assert comparison.equal is False
    assert comparison.got and comparison.expected


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, np.float32])
def test_a_label_is_its_value_whatever_the_number_type(dtype, ex02, small):
    truth = ex02.oracle("predict_large", small["predict_large"], SEED)
    answer = {"labels": truth["labels"].astype(dtype)}
    assert ex02.compare("predict_large", truth, answer).equal
    answer["labels"][7] += 1
    wrong = ex02.compare("predict_large", truth, answer)
    assert not wrong.equal and "1 of 320 labels" in wrong.got and "row 7" in wrong.got


@pytest.mark.parametrize(
    ("case", "result", "words"),
    [
        ("fit", None, "fit_small must return a fitted model .* None"),
        ("fit", 3, "fit_small must return a fitted model .* an int"),
        ("predict_large", [1, 2], "predict_large must return a Dask array .* a list"),
        ("predict_large", None, "predict_large must return a Dask array .* None"),
        ("predict_large", np.array([[1], "x"], object), "Python objects"),
        ("score", "good", "score_large must return the accuracy .* a str"),
        ("score", [0.5, 0.5], "score_large must return the accuracy .* a list"),
        ("score", True, "score_large must return the accuracy .* a bool"),
        ("score", [[1], [1, 2]], "score_large must return the accuracy .* a list"),
    ],
)
def test_a_result_of_the_wrong_type_is_told_the_contract(case, result, words, ex02):
    with pytest.raises(TypeError, match=words):
        ex02.materialise(case, result)


@pytest.mark.parametrize(
    ("case", "result", "kind"),
    [
        ("predict_large", np.array([1, 2]), "i"),
        ("predict_odd", np.array(["amber", "ivory"], object), "U"),
        ("score", 0.5, "f"),
        ("score", np.float32(0.5), "f"),
        ("score", 1, "f"),
    ],
)
def test_a_result_of_a_usable_type_is_stored_without_pickle(case, result, kind, ex02):
    answer = ex02.materialise(case, result)
    assert answer["score" if case == "score" else "labels"].dtype.kind == kind
    assert not any(values.dtype.hasobject for values in answer.values())


def test_the_oracle_does_without_dask(small, monkeypatch):
    import sys

    for name in ("dask", "dask_ml", "distributed"):
        monkeypatch.setitem(sys.modules, name, None)  # any import of it now fails
    fresh = catalogue.cases(catalogue.load(EX02))
    truth = fresh.oracle("score", small["score"], SEED)
    assert fresh.compare("score", truth, {"score": truth["score"]}).equal


def test_loading_leaves_no_compiled_code_beside_the_exercise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    folder = tmp_path / "tiny"
    unread = shutil.ignore_patterns("__pycache__")
    shutil.copytree(catalogue.KIT / "ex02_parallel_prediction", folder, ignore=unread)
    catalogue.cases(catalogue.load(folder))
    assert not list(folder.rglob("*.pyc"))
