"""Sizes for a machine: what is chosen, how it is kept, and that it counts everywhere."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from autograder.errors import HarnessError
from autograder.exercise import calibration, catalogue
from autograder.exercise.calibration import Entry
from autograder.exercise.spec import Typical
from autograder.model import Exercise

EX02 = "ex02_parallel_prediction"
TYPICAL = Typical(speedup=1.93, tasks=17, graphs=1, gathered_bytes=900_000, graph_bytes=161_000)


def entry(**factors: float) -> Entry:
    return Entry(factors=factors, typical=TYPICAL)


def written(folder: Path, entry: Entry, size: str = "laptop") -> list[Path]:
    """Where to look for exercises, with a calibration of ex02 in it."""
    (folder / calibration.FILE).write_text(calibration.text({EX02: {size: entry}}))
    return [folder]


# ------------------------------------------------------------------------------ what it does


@pytest.mark.parametrize("found", catalogue.every(), ids=lambda found: found.name)
def test_what_self_checks_judge_by_is_kept_whole(found: Exercise) -> None:
    growing = [case.name for case in found.cases if case.grows]
    entry = calibration.of_reference(dict.fromkeys(growing, 2.0), found.typical)
    sized = calibration.apply(found, entry)
    assert sized.typical == found.typical
    assert (sized.digest == found.digest) == (not growing)


def test_a_factor_makes_the_timed_case_larger_and_nothing_else(
    ex02: Exercise, tmp_path: Path
) -> None:
    sized = catalogue.find(EX02, written(tmp_path, entry(predict_large=2.5)))
    assert sized is not None
    before = {case.name: case for case in ex02.cases}
    for case in sized.cases:
        expected = dict(before[case.name].parameters)
        if case.name == "predict_large":
            expected["rows"] = 140_000
        assert case.parameters == expected
    assert sized.typical.gathered_bytes == 900_000 and not sized.typical.same_round
    assert sized.digest != ex02.digest


def test_evidence_follows_the_factor(ex02: Exercise) -> None:
    digests = {calibration.apply(ex02, entry(predict_large=f)).digest for f in (0.5, 2.0, 2.5)}
    assert len(digests | {ex02.digest}) == 4
    # What the reference did is no reason to run anything again.
    other = Entry(
        factors={"predict_large": 2.0}, typical=TYPICAL.model_copy(update={"speedup": 1.8})
    )
    same = calibration.apply(ex02, entry(predict_large=2.0))
    assert calibration.apply(ex02, other).digest == same.digest


def test_a_factor_of_one_and_no_file_leave_the_exercise_as_it_was(
    ex02: Exercise, tmp_path: Path
) -> None:
    assert catalogue.find(EX02, [tmp_path]) == ex02
    assert catalogue.find(EX02, written(tmp_path, entry(predict_large=1.0))) == ex02


def test_it_counts_for_every_way_to_find_an_exercise_at_its_own_size(
    ex02: Exercise, tmp_path: Path
) -> None:
    places = written(tmp_path, entry(predict_large=2.0))
    found = catalogue.find(EX02, places)
    assert found in catalogue.every(places) and ex02 not in catalogue.every(places)
    assert catalogue.find(EX02, places, "node") == catalogue.find(EX02, (), "node")


@pytest.mark.parametrize("place", ["work", f"source/{EX02}", "."])
def test_it_counts_wherever_a_notebook_lies_in_the_course(
    place: str, ex02: Exercise, tmp_path: Path
) -> None:
    (tmp_path / "exercises").mkdir()
    written(tmp_path / "exercises", entry(predict_large=2.0))
    found = catalogue.find(EX02, catalogue.nearby(tmp_path / place))
    assert found is not None and found != ex02
    # On a cluster of the same size it stays what it is; another size is the author's.
    assert catalogue.sized(found, found.size) == found
    assert catalogue.sized(found, "node") == catalogue.find(EX02, (), "node")


def test_an_exercise_of_the_courses_own_is_calibrated_too(ex02: Exercise, tmp_path: Path) -> None:
    shutil.copytree(ex02.folder, tmp_path / EX02)
    found = catalogue.find(EX02, written(tmp_path, entry(predict_large=2.0)))
    assert found is not None and found.folder == str(tmp_path / EX02)
    assert {c.name: c.parameters for c in found.cases}["predict_large"]["rows"] == 112_000


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    table = {
        EX02: {"laptop": entry(predict_large=0.25), "node": entry(predict_large=3)},
        "a-name_of-2": {"laptop": entry()},
    }
    (tmp_path / calibration.FILE).write_text(calibration.text(table))
    assert calibration.read(tmp_path / calibration.FILE) == table


def test_a_write_that_fails_loses_no_calibration(
    ex02: Exercise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "exercises" / calibration.FILE
    calibration.write(path, ex02, entry(predict_large=2.0))
    before = calibration.read(path)
    assert before == {EX02: {"laptop": entry(predict_large=2.0)}}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(HarnessError, match=r"cannot be written: .*No space left"):
            calibration.write(path, ex02, entry(predict_large=3.0))
    assert calibration.read(path) == before and list(path.parent.iterdir()) == [path]
    # The last entry that goes leaves a file that is not empty.
    calibration.write(path, ex02, entry(predict_large=1.0))
    assert calibration.lookup(EX02, "laptop", [path.parent]) is None


BAD = {
    "nothing": ("", "is empty: .* Remove the file and run autograder calibrate again"),
    "blank": ("\n \n", "is empty"),
    "no TOML": ("[ex02", "cannot be read"),
    "no factors": ("[e.laptop]\ntypical = {}", '"factors" is missing in .e.laptop.'),
    "negative": ("[e.laptop]\nfactors = { a = -1 }", '"a" in .e.laptop.factors.: .* above 0'),
    "endless": ("[e.laptop]\nfactors = { a = inf }", '"a" in .e.laptop.factors.: .* finite'),
    "text": ('[e.laptop]\nfactors = { a = "two" }', '"a" in .e.laptop.factors.'),
    "too much": ("[e.laptop]\nfactors = {}\nmore = 1", 'unknown key "more" in .e.laptop.'),
}


@pytest.mark.parametrize("name", BAD)
def test_a_spoilt_file_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    text, words = BAD[name]
    (tmp_path / calibration.FILE).write_text(text)
    with pytest.raises(HarnessError, match=words) as caught:
        calibration.lookup("e", "laptop", [tmp_path])
    assert str(tmp_path / calibration.FILE) in str(caught.value)


@pytest.mark.parametrize("name", ["fit", "predict_larg"])
def test_a_factor_for_what_cannot_grow_is_refused(name: str, ex02: Exercise) -> None:
    with pytest.raises(HarnessError, match=name):
        calibration.apply(ex02, entry(**{name: 2.0}))


# --------------------------------------------------------------------------- what is chosen
