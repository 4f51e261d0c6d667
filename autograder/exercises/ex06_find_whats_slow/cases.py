"""The inputs of ex06, the right answers, and how a student's answer is judged.

All data are heart beats of 96 samples, one beat per row: one of a few shapes, louder or softer, and
noise. Nine in ten have one of the normal shapes, shifted a little in time; the others are odd. The
seed decides which shapes are drawn, block by block. A task stream is invented: records like those
of distributed, of workers that compute, fetch and wait.

`autograder.author.kit` says what each function has to do, and where it runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.author import kit
from autograder.author.kit import Array, Verdict

SAMPLES = 96
TIMES = np.linspace(0.0, 1.0, SAMPLES)
WAVES = ((1.0, 0.30, 0.03), (-0.25, 0.36, 0.03), (0.2, 0.65, 0.08))
"""Height, middle and width of the waves of a beat."""
SHIFTS = (-0.04, -0.02, 0.0, 0.02, 0.04)
ODD_SHARE = 0.1
NOISE = 0.05
LIMIT = 5.0
"""Distance from the typical beat above which a beat is odd."""
BEATS = 10
"""Beats of a file, 7,680 bytes."""
SMALLEST, LARGEST = 1_000_000, 4_000_000
"""Bytes of a block of `load`."""
TASKS = 10
"""Most tasks for each block of `load`. Ways to describe a block took 2 to 4, and one that reads
every file in a separate task takes 130 and more."""
CLOSE = 1e-9
"""Relative and absolute: sums of a hundred thousand numbers in another order differ by 1e-12."""
MOVING = ("rechunk", "shuffle")
"""Words in the keys of Dask's tasks that cut blocks up, move the pieces and join them."""
MOVED = 0.35
"""Share of X that may go from one worker to another. Two workers hold half of it each, so bringing
blocks together moves half; a worker that has nothing to do may take a block from the other."""
FEW = 4
"""Number of blocks up to which `MOVED` is not checked."""
NUMBERS = {"tasks": "tasks", "lasted": "seconds", "busy": "busy", "moving": "moving"}
"""What `explain` returns, in order: its name in an answer, and its name in the text."""


# ------------------------------------------------------------------------------- in the box


def prepare(case: str, parameters: Mapping[str, float], seed: int) -> tuple[tuple[Any, ...], int]:
    """Make what each function gets, blocks of beats spread over the workers.

    The parameters are the sizes of `kit.chunks`, for `load` ``files``, for `crossings` also
    ``samples``.
    """
    if case.startswith("stream"):
        return _stream(case, seed), 0
    if case.startswith("load"):
        files = int(parameters["files"])
        return (_reader(seed), files), files * BEATS * SAMPLES * 8
    if case.startswith("crossings"):
        X = _spread(seed, kit.chunks(parameters), _waves, int(parameters["samples"]))
        return (X,), X.nbytes
    X = _spread(seed, kit.chunks(parameters))
    if case.startswith("beat"):
        _look_on()
        return (X,), X.nbytes
    return (_distance(case), X, _limit(case)), X.nbytes


def materialise(case: str, result: Any) -> dict[str, Array]:
    """Turn what the student's function returned into plain arrays, computing it if necessary.

    Returns
    -------
    dict of str to numpy.ndarray
        ``tasks``, ``lasted``, ``busy`` and ``moving`` (), each a number; ``counts`` (blocks,);
        ``beats`` (beats, 96) with their form as `kit.form` records it, and ``planned`` (), the
        tasks of its graph; ``beat`` (2, 96), with ``cut`` (), the tasks that cut blocks up or join
        them, and ``moved`` (), the bytes that went from worker to worker; ``crossings`` (rows,).
    """
    if case.startswith("stream"):
        return _read_explanation(result)
    if case.startswith("load"):
        return _read_beats(result)
    name, contract = {
        "odd": ("counts", "count_odd must return an array with a number for each block of X"),
        "beat": ("beat", "typical_beat must return an array of shape (2, 96)"),
        "crossings": ("crossings", "crossings must return an array with a number for each row"),
    }[case.partition("_")[0]]
    if kit.is_lazy(result):
        raise TypeError(f"{contract}; it returned {kit.kind(result)}, which is not computed yet.")
    parts = result if isinstance(result, tuple | list) else []
    if any(kit.is_lazy(part) for part in parts[:1_000]):
        raise TypeError(f"{contract}; it returned {kit.kind(result)} of things not computed yet.")
    values = _plain(result, contract)
    return {name: values, **(_seen() if name == "beat" else {})}


def warm() -> None:
    """Do every operation once on a few beats, so that no case pays for imports."""
    import dask
    import dask.array as da

    X = _spread(0, (40, 40))
    far = X.map_blocks(warped, drop_axis=1, dtype=float) > LIMIT
    dask.compute(far.sum(), X.mean(axis=0), X.std(axis=0))
    read = _reader(0)
    parts = [dask.delayed(read)(number) for number in range(2)]
    beats = [da.from_delayed(part, shape=(BEATS, SAMPLES), dtype=float) for part in parts]
    da.concatenate(beats).compute()
    kit.on_each_worker(warped, _beats(0, 1, 20))


def _spread(seed: int, chunks: Sequence[int], make: Any = None, samples: int = SAMPLES) -> Any:
    """Make blocks 1, 2, … on the workers in turn: a Dask array (rows, samples)."""
    from distributed import wait

    blocks = kit.spread(make or _beats, seed, chunks, samples)
    X = kit.join(blocks, chunks, (samples,), np.float64).persist()
    wait(X)
    return X


_since: list[float] = []
"""When the last input of `typical_beat` was ready."""


def _look_on() -> None:
    """Have the scheduler keep a task stream from now on."""
    from distributed import get_client

    _since.append(time.time())
    get_client().get_task_stream(start=_since[-1])


def _seen() -> dict[str, Array]:
    """Read from the task stream and from the workers how much was cut up and moved."""
    from distributed import get_client

    client = get_client()
    since = _since[-1] if _since else 0.0
    keys = [str(record["key"]) for record in client.get_task_stream(start=since)]
    moved = client.run(_fetched_since, since)
    return {
        "cut": np.array(sum(any(word in key for word in MOVING) for key in keys)),
        "moved": np.array(sum(moved.values())),
    }


def _fetched_since(since: float, dask_worker: Any = None) -> int:
    """Return the bytes that a worker has fetched from others; the log has its last thousand."""
    log = list(dask_worker.transfer_incoming_log)
    return sum(int(entry["total"]) for entry in log if entry["start"] >= since)


def _read_explanation(result: Any) -> dict[str, Array]:
    contract = f"explain must return four numbers: {', '.join(NUMBERS.values())}"
    if not isinstance(result, tuple | list) or len(result) != len(NUMBERS):
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(result)}.")
    return {
        name: kit.number(value, f"{contract}; for {said}", lazy=False)
        for (name, said), value in zip(NUMBERS.items(), result, strict=True)
    }


def _read_beats(result: Any) -> dict[str, Array]:
    import dask

    contract = f"load must return a Dask array of shape (beats, {SAMPLES})"
    if not kit.has_values(result):
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(result)}.")
    planned = len(dask.optimize(result)[0].__dask_graph__()) if kit.is_lazy(result) else 0
    beats = _plain(kit.computed(result), contract)
    return {**kit.form("beats", result), "planned": np.array(planned), "beats": beats}


def _plain(value: Any, contract: str) -> Array:
    """Return numbers as an array that can be stored without pickling."""
    try:
        array = np.asarray(value)
    except Exception as error:
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(value)}.") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{contract}; it returned {kit.kind_or_class(value)}.")
    return array


# ------------------------------------------------------------------ on both sides, NumPy only


def _shape(shift: float, width: float = 1.0) -> Array:
    """Return a beat that comes earlier or later, its first wave ``width`` times as wide."""
    beat: Array = np.zeros(SAMPLES)
    for number, (height, middle, spread) in enumerate(WAVES):
        spread *= 1.0 if number else width
        beat += height * np.exp(-(((TIMES - middle - shift) / spread) ** 2))
    return beat


TYPICAL = _shape(0.0)
SHAPES = np.stack([_shape(shift) for shift in SHIFTS] + [_shape(-0.12, 3.0), -_shape(0.02, 2.0)])
CHANCES = np.array([(1 - ODD_SHARE) / len(SHIFTS)] * len(SHIFTS) + [ODD_SHARE / 2] * 2)


def _beats(seed: int, block: int, rows: int, samples: int = SAMPLES) -> Array:
    """Draw the beats of one block, (rows, 96)."""
    generator = np.random.default_rng([seed, block])
    shapes = SHAPES[generator.choice(len(SHAPES), size=rows, p=CHANCES)]
    loud = generator.uniform(0.8, 1.2, size=(rows, 1))
    beats: Array = loud * shapes + generator.normal(scale=NOISE, size=(rows, samples))
    return beats


def warped(block: Array, typical: Array = TYPICAL) -> Array:
    """Return the distance of each beat from a typical one by dynamic time warping, (beats,)."""
    beats = np.ascontiguousarray(block.T)
    before: Array = np.full((len(beats) + 1, beats.shape[1]), np.inf)
    before[0] = 0.0
    for height in typical:
        now = np.full_like(before, np.inf)
        for at, sample in enumerate(beats):
            nearest = np.minimum(np.minimum(before[at], before[at + 1]), now[at])
            now[at + 1] = np.abs(sample - height) + nearest
        before = now
    distances: Array = before[-1]
    return distances


def loudness(block: Array) -> Array:
    """Return how far a beat goes up and down, (beats,)."""
    return np.asarray(np.ptp(block, axis=1))


def _distance(case: str) -> Callable[[Array], Array]:
    return warped if case == "odd_large" else loudness


def _limit(case: str) -> float:
    return LIMIT if case == "odd_large" else 1.5


def _reader(seed: int) -> Callable[[int], Array]:
    """Return a function that reads a file of beats."""

    def read(number: int) -> Array:
        return _beats(seed, number, BEATS)

    return read


def _waves(seed: int, block: int, rows: int, samples: int) -> Array:
    """Draw a block of signals around zero, none of them exactly zero: (rows, samples)."""
    return np.random.default_rng([seed, block]).normal(size=(rows, samples))


def _stream(case: str, seed: int) -> tuple[list[dict[str, Any]], int]:
    """Make up the records of a task stream, and the number of workers."""
    generator = np.random.default_rng([seed, sum(map(ord, case))])
    workers = int(generator.integers(3, 6))
    moves = case == "stream_moves"
    began = float(round(generator.uniform(1.7e9, 1.8e9)))
    # The task that starts first is long, so that others end before it, and its first step is not
    # computing, so that it matters which steps the time is taken from.
    unpacked = began + generator.uniform(0.02, 0.05)
    first = [
        {"action": "deserialize", "start": began, "stop": unpacked},
        {"action": "compute", "start": unpacked, "stop": began + 1.2},
    ]
    records = [_record(0, 0, first)]
    for worker in range(workers if moves else workers - 1):
        at = began + (1.3 if worker == 0 else generator.uniform(0.1, 0.3))
        for task in range(1, int(generator.integers(6, 12))):
            steps = []
            if moves:
                for _ in range(int(generator.integers(0, 3))):
                    fetched = at + generator.uniform(0.01, 0.2)
                    steps.append({"action": "transfer", "start": at, "stop": fetched})
                    at = fetched
            if task == 1:
                unpacked = at + generator.uniform(0.01, 0.03)
                steps.append({"action": "deserialize", "start": at, "stop": unpacked})
                at = unpacked
            done = at + generator.uniform(0.05, 0.3)
            steps.append({"action": "compute", "start": at, "stop": done})
            at = done + generator.uniform(0.0, 0.3)
            records.append(_record(worker, task, steps))
    records.sort(key=lambda record: record["startstops"][-1]["stop"])
    return records, workers


def _record(worker: int, task: int, steps: list[dict[str, Any]]) -> dict[str, Any]:
    """Record a task as distributed does, with the fields that are needed."""
    return {
        "key": ("warped", worker, task),
        "worker": f"tcp://127.0.0.1:{40_001 + worker}",
        "status": "OK",
        "nbytes": 8 * (task + 1),
        "startstops": tuple(steps),
        "thread": 7,
    }


# ------------------------------------------------------------------------------ outside


def oracle(case: str, parameters: Mapping[str, float], seed: int) -> dict[str, Array]:
    """Work out the right answer on one core, with NumPy alone.

    Returns
    -------
    dict of str to numpy.ndarray
        What `materialise` gives for a right result, under ``mistake:<name>`` the value that a
        known mistake gives, and under ``seconds`` how long the function's part took.
    """
    if case.startswith("stream"):
        return _explanation(*_stream(case, seed))
    if case.startswith("load"):
        read = _reader(seed)
        began = time.perf_counter()
        beats = np.concatenate([read(number) for number in range(int(parameters["files"]))])
        return {"beats": beats, "seconds": np.array(time.perf_counter() - began)}
    if case.startswith("crossings"):
        sizes = enumerate(kit.chunks(parameters), 1)
        samples = int(parameters["samples"])
        return _crossings([_waves(seed, block, rows, samples) for block, rows in sizes])
    blocks = [_beats(seed, block, rows) for block, rows in enumerate(kit.chunks(parameters), 1)]
    if case.startswith("beat"):
        return _typical_beat(blocks)
    began = time.perf_counter()
    distances = [_distance(case)(block) for block in blocks]
    seconds = {"seconds": np.array(time.perf_counter() - began)}
    return {**_counts(distances, _limit(case)), **seconds}


def _explanation(stream: list[dict[str, Any]], workers: int) -> dict[str, Array]:
    """Work out what a stream says, and what known mistakes make of it."""
    steps = [step for record in stream for step in record["startstops"]]
    times: dict[str, float] = {}
    for step in steps:
        times[step["action"]] = times.get(step["action"], 0.0) + step["stop"] - step["start"]
    seconds = _lasted(steps)
    computing = [step for step in steps if step["action"] == "compute"]
    firsts = [record["startstops"][0] for record in stream]
    begun = [_took(firsts, action) for action in ("compute", "transfer")]
    ordered = stream[-1]["startstops"][-1]["stop"] - stream[0]["startstops"][0]["start"]
    busy = times["compute"] / (workers * seconds)
    seen = len({record["worker"] for record in stream})
    found = {
        "tasks": len(stream),
        "lasted": seconds,
        "busy": busy,
        "moving": times.get("transfer", 0.0),
        "mistake:steps_counted": len(steps),
        "mistake:seconds_added": sum(times.values()),
        "mistake:first_and_last": ordered,
        "mistake:all_is_busy": sum(times.values()) / (workers * seconds),
        "mistake:one_worker": busy * workers,
        "mistake:idle_unseen": busy * workers / seen if seen < workers else -1.0,
        "mistake:per_cent": 100 * busy,
        "mistake:moving_share": times.get("transfer", 0.0) / (workers * seconds),
        "mistake:computing_alone": _lasted(computing),
        "mistake:first_steps": (
            len(stream),
            _lasted(firsts),
            begun[0] / (workers * _lasted(firsts)),
            begun[1],
        ),
    }
    return {name: np.array(value, float) for name, value in found.items()}


def _lasted(steps: list[dict[str, Any]]) -> float:
    """Return the seconds from the first start to the last stop."""
    stop, start = max(step["stop"] for step in steps), min(step["start"] for step in steps)
    return float(stop - start)


def _took(steps: list[dict[str, Any]], action: str) -> float:
    """Return the seconds of all steps of an action, added up."""
    took = (step["stop"] - step["start"] for step in steps if step["action"] == action)
    return float(sum(took))


def _counts(distances: list[Array], limit: float) -> dict[str, Array]:
    counts = np.array([np.count_nonzero(each > limit) for each in distances])
    return {
        "counts": counts,
        "mistake:all_in_all": np.array(counts.sum()),
        "mistake:not_far": np.array([len(each) for each in distances]) - counts,
    }


def _typical_beat(blocks: list[Array]) -> dict[str, Array]:
    began = time.process_time()
    # Block by block, since a long sum along an axis of one array rounds differently.
    total = sum(len(block) for block in blocks)
    mean = sum(block.sum(axis=0) for block in blocks) / total
    variance = sum(((block - mean) ** 2).sum(axis=0) for block in blocks) / total
    seconds = np.array(time.process_time() - began)
    means = np.mean([block.mean(axis=0) for block in blocks], axis=0)
    spreads = np.mean([block.std(axis=0) for block in blocks], axis=0)
    return {
        "beat": np.stack([mean, np.sqrt(variance)]),
        "cut": np.array(0),
        "moved": np.array(0),
        "size": np.array(total * SAMPLES * 8),
        "blocks": np.array(len(blocks)),
        "mistake:mean_of_blocks": np.stack([means, spreads]),
        "mistake:variance": np.stack([mean, variance]),
        "mistake:one_less": np.stack([mean, np.sqrt(variance * total / (total - 1))]),
        "seconds": seconds,
    }


def _crossings(blocks: list[Array]) -> dict[str, Array]:
    began = time.process_time()
    counts = np.concatenate([_changes(block).sum(axis=1) for block in blocks])
    seconds = np.array(time.process_time() - began)
    upwards = [(_changes(block) & (block[:, 1:] > 0)).sum(axis=1) for block in blocks]
    rows = np.concatenate(blocks[:3])
    return {
        "crossings": counts,
        "mistake:all_crossings": np.array(counts.sum()),
        "mistake:along_beats": (rows[1:] * rows[:-1] < 0).sum(axis=0),
        "mistake:upwards_only": np.concatenate(upwards),
        "mistake:per_block": np.array([_changes(block).sum() for block in blocks]),
        "mistake:along_blocks": np.concatenate([_changes(block).sum(axis=0) for block in blocks]),
        "mistake:counted_twice": 2 * counts,
        "mistake:products_added": np.concatenate(
            [(block[:, 1:] * block[:, :-1]).sum(axis=1) for block in blocks]
        ),
        "mistake:falls_counted": np.concatenate(
            [(np.diff(block, axis=1) < 0).sum(axis=1) for block in blocks]
        ),
        "mistake:negatives_counted": np.concatenate([(block < 0).sum(axis=1) for block in blocks]),
        "seconds": seconds,
    }


def _changes(block: Array) -> Array:
    return block[:, 1:] * block[:, :-1] < 0


def compare(case: str, truth: Mapping[str, Array], answer: Mapping[str, Array]) -> kit.Comparison:
    """Judge an answer by the truth."""
    judge = {
        "stream": _judge_explanation,
        "odd": _judge_counts,
        "load": _judge_beats,
        "beat": _judge_typical_beat,
        "crossings": _judge_crossings,
    }[case.partition("_")[0]]
    return kit.comparison(*judge(truth, answer))


SIGNS = {
    "tasks": ("steps_counted",),
    "lasted": ("seconds_added", "first_and_last", "computing_alone", "first_steps"),
    "busy": ("all_is_busy", "one_worker", "idle_unseen", "per_cent", "first_steps"),
    "moving": ("first_steps", "moving_share"),
}
"""Mistakes, by the number of `explain` that they make wrong. The truth has one value for a mistake,
or one for each number."""


def _judge_explanation(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    expected = ", ".join(f"{said} {_short(truth[name])}" for name, said in NUMBERS.items())
    for place, (name, said) in enumerate(NUMBERS.items()):
        value = kit.single(answer.get(name))
        if value is None:
            return False, expected, f"no number for {said}", None
        if not _close(value, truth[name]):
            told = {m: np.atleast_1d(truth[f"mistake:{m}"]) for m in SIGNS[name]}
            known = (m for m, values in told.items() if _close(value, values[place % values.size]))
            return False, expected, f"{said} {_short(value)}", next(known, None)
    return True, expected, "just these numbers", None


def _judge_counts(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    right, counts = truth["counts"], answer.get("counts")
    expected = f"the counts {kit.in_short(right.tolist())}"
    if not kit.is_array(counts):
        return False, expected, "no counts", None
    mistake = kit.known_mistake(truth, lambda told: np.array_equal(told, counts))
    if counts.shape != right.shape:
        nested = counts.shape == (1, *right.shape)
        mistake = "list_in_tuple" if nested else mistake
        return False, expected, kit.wrong_shape(counts, right), mistake
    if not np.array_equal(counts, right):
        return False, expected, f"the counts {_listed(counts)}", mistake
    return True, expected, "just these counts", None


def _judge_beats(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    right, beats = truth["beats"], answer.get("beats")
    expected = (
        f"a Dask array of shape {right.shape}, in blocks of 1 to 4 MB, with no more than {TASKS} "
        "tasks for each"
    )
    if not kit.is_array(beats):
        return False, expected, "no beats", None
    if not kit.single(answer.get("beats_lazy"), "b"):
        return False, expected, "an array that is computed already", "read_at_once"
    broken = kit.broken_promise(answer, "beats", shape=right.shape, whole_rows=True)
    if broken:
        said = answer.get("beats_shape")
        mistake = None
        if kit.is_array(said, "iu") and said.shape == (2,) and said[1] == SAMPLES:
            mistake = _wrong_end(len(right), int(said[0]))
        return False, expected, broken, mistake
    if beats.shape != right.shape:
        mistake = _wrong_end(len(right), len(beats)) if beats.ndim == 2 else None
        return False, expected, kit.wrong_shape(beats, right), mistake
    wrong = np.flatnonzero(~np.isclose(beats, right, rtol=0.0, atol=CLOSE).all(axis=1))
    if wrong.size:
        got = f"{wrong.size:,} of {len(right):,} beats are wrong, the first in row {wrong[0]:,}"
        return False, expected, got, None
    sizes = answer.get("beats_rows")
    if not kit.is_array(sizes, "iu") or sizes.ndim != 1 or not sizes.size:
        return False, expected, "no blocks that could be read", None
    sizes = sizes * SAMPLES * right.itemsize
    if sizes.max() > LARGEST:
        return False, expected, f"a block of {sizes.max() / 1e6:.1f} MB", "huge_blocks"
    if sizes.size > 1 and sizes[:-1].min() < SMALLEST:
        got = f"a block of {sizes[:-1].min() / 1e6:.3f} MB that is not the last"
        return False, expected, got, "tiny_blocks"
    planned = kit.single(answer.get("planned"), "iu")
    if planned is None or not 0 < planned <= TASKS * sizes.size:
        got = f"blocks of the right size, and {planned or 'no'} tasks for {sizes.size} of them"
        return False, expected, got, "joined_afterwards" if planned else "begun_at_once"
    return True, expected, f"just these beats, in {sizes.size} blocks by {planned} tasks", None


def _wrong_end(right: int, rows: int) -> str | None:
    """Name the mistake of an array with too few or too many beats."""
    if rows == right:
        return None
    if rows * BEATS == right:
        return "one_row_a_file"
    return "full_last_block" if rows > right else "files_left_out"


def _judge_typical_beat(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    right, beat = truth["beat"], answer.get("beat")
    expected = (
        f"an array of shape {right.shape}: means, and standard deviations; X in the blocks that it "
        "has, each where it is"
    )
    if not kit.is_array(beat):
        return False, expected, "no numbers", None
    if beat.shape != right.shape:
        along = beat.shape == (2, int(truth["size"]) // (SAMPLES * right.itemsize))
        mistake = "along_samples" if along else "all_samples" if beat.shape == (2,) else None
        return False, expected, kit.wrong_shape(beat, right), mistake
    for row, name in enumerate(("means", "standard deviations")):
        wrong = np.flatnonzero(~np.isclose(beat[row], right[row], rtol=CLOSE, atol=CLOSE))
        if wrong.size:
            got = kit.wrong_rows(name, wrong, beat[row], right[row], _short)
            got = got.replace(" in row ", " at sample ")
            return False, expected, got, kit.known_mistake(truth, lambda told: _same(told, beat))
    cut, moved = (kit.single(answer.get(name), "iu") for name in ("cut", "moved"))
    if cut is None or moved is None:
        return False, expected, "just these numbers, and no word of how", None
    if cut:
        tasks = "one task" if cut == 1 else f"{cut:,} tasks"
        got = f"just these numbers, but {tasks} cut up blocks of X or joined their pieces"
        return False, expected, got, "moved_about"
    # If there are few blocks, one that a worker takes over is a large share.
    if truth["blocks"] > FEW and moved > MOVED * truth["size"]:
        got = f"just these numbers, but {moved / 1e6:.1f} MB went from worker to worker"
        return False, expected, got, "moved_about"
    return True, expected, "just these numbers, and no block was cut up or moved", None


def _judge_crossings(truth: Mapping[str, Array], answer: Mapping[str, Array]) -> Verdict:
    right, counts = truth["crossings"], answer.get("crossings")
    expected = f"an array of shape {right.shape}, the changes of sign in each row"
    if not kit.is_array(counts):
        return False, expected, "no counts", None
    mistake = kit.known_mistake(truth, lambda told: _same(told, counts))
    if counts.shape != right.shape:
        # A number for each pair of neighbouring rows: one pair fewer than rows.
        mistake = "along_beats" if counts.shape == (len(right) - 1,) else mistake
        return False, expected, kit.wrong_shape(counts, right), mistake
    wrong = np.flatnonzero(counts != right)
    if wrong.size:
        downwards = np.array_equal(counts, right - truth["mistake:upwards_only"])
        mistake = "upwards_only" if downwards else mistake
        return False, expected, kit.wrong_rows("counts", wrong, counts, right), mistake
    return True, expected, f"{len(right):,} counts, all right", None


def _same(told: Array, beat: Array) -> bool:
    return told.shape == beat.shape and np.allclose(told, beat, rtol=CLOSE, atol=CLOSE)


def _close(value: Any, right: Any) -> bool:
    return bool(np.isclose(float(value), float(right), rtol=1e-6, atol=1e-9))


def _short(value: Any) -> str:
    return f"{float(value):.4g}"


def _listed(counts: Array) -> str:
    """List the first numbers of an array of any type and length."""
    shown = ", ".join(_short(count) for count in counts[:4])
    return f"{shown} and so on" if len(counts) > 4 else shown
