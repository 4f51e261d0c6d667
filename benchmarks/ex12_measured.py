"""The seconds of ex12's jobs in one thread, in threads and on a cluster: what its choices rest on.

Each job is a list of pieces that do not need one another. All of them start from data in this
process, as in a notebook, and bring their results back to it. For each job this prints its
description and the least seconds of every way over the rounds, as a row of ``MEASURED`` in
``autograder/exercises/ex12_is_it_worth_it/cases.py``; then what a task, a call in a thread and a
megabyte cost here, which are the notebook's constants. Libraries have one thread each.

The time in which other programs had the cores is taken off, as in the speedup verdict: the kernel
tells how long a thread was ready and had to wait for a core. Of two threads or two workers that is
the mean, in which each counts for as long as it ran. ``--wall`` leaves it in.

    python benchmarks/ex12_measured.py --rounds 3
    python benchmarks/ex12_measured.py --rounds 3 --jobs primes digests
"""

import argparse
import bz2
import hashlib
import os
import random
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from distributed import Client, LocalCluster
from sklearn.linear_model import SGDClassifier
from threadpoolctl import threadpool_limits

CORES = WORKERS = 2
WAYS = ("serial", "threads", "cluster")


class Job(NamedTuple):
    """What is to be done."""

    group: str
    """What makes the choice: as in ``GROUPS`` of the exercise's ``cases.py``."""
    about: str
    piece: Callable[..., Any]
    parts: Sequence[Any]
    gil: bool
    """Whether a piece holds the interpreter's lock nearly all the time."""
    megabytes: float
    """Of the pieces and of their results, all together."""
    shared: Any = None
    """What every piece needs besides."""
    shared_mb: float = 0.0


# ------------------------------------------------------------------- pieces that hold the lock


def primes(start: int) -> int:
    """Count primes by trial division."""
    found = 0
    for number in range(start, start + 30_000):
        divisor = 2
        while divisor * divisor <= number and number % divisor:
            divisor += 1
        found += divisor * divisor > number
    return found


def distance(pair: tuple[str, str]) -> int:
    """Work out the edit distance of two texts."""
    first, second = pair
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        last, row[0] = row[0], i
        for j, b in enumerate(second, start=1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return row[-1]


def walk(seed: int) -> int:
    """Walk at random, and count the visits of the start."""
    generator, place, visits = random.Random(seed), 0, 0
    for _ in range(700_000):
        place += 1 if generator.random() < 0.5 else -1
        visits += place == 0
    return visits


def queens(first: int, size: int) -> int:
    """Count the ways to place queens on a board, the first one being placed."""

    def place(row: int, columns: int, left: int, right: int) -> int:
        if row == size:
            return 1
        found, free = 0, ~(columns | left | right) & ((1 << size) - 1)
        while free:
            bit = free & -free
            free ^= bit
            found += place(row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1)
        return found

    bit = 1 << (first % size)
    return place(1, bit, bit << 1, bit >> 1)


def short_words(text: str) -> int:
    """Count the different words of a short text, letter by letter."""
    words, word = set(), ""
    for _ in range(8):
        for letter in text:
            if letter == " ":
                words.add(word)
                word = ""
            else:
                word += letter
    return len(words)


def six_queens(number: int) -> int:
    """Count the ways to place six queens on a board, some of them."""
    return sum(queens(first, 6) for first in range(6))


def long_walk(seed: int) -> int:
    """Walk at random for longer."""
    return sum(walk(seed + part) for part in range(6))


def lines(text: bytes) -> int:
    """Count the lines of a long text."""
    return text.count(b"\n")


def occurrences(text: bytes) -> int:
    """Count a word in a long text."""
    return text.count(b"dask")


# -------------------------------------------------------------- pieces that let go of the lock


def mean(values: np.ndarray) -> float:
    """Average a few numbers."""
    return float(values.mean())


def sort(values: np.ndarray) -> np.ndarray:
    """Sort numbers, and hand all of them back."""
    return np.sort(values)


def compress(data: bytes) -> int:
    """Compress some data, and say how far they shrink."""
    return len(zlib.compress(data, 6))


def digest(data: bytes) -> str:
    """Take the fingerprint of a file that is in memory."""
    return hashlib.sha512(data).hexdigest()


def short_digest(data: bytes) -> str:
    """Take a short fingerprint of a file that is in memory."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def squeeze(data: bytes) -> bytes:
    """Compress some data quickly, and hand back all of it."""
    return zlib.compress(data, 1)


def pack(data: bytes) -> int:
    """Compress some data thoroughly, and say how far they shrink."""
    return len(bz2.compress(data))


def hashed(number: int) -> bytes:
    """Hash a password many times over."""
    return hashlib.pbkdf2_hmac("sha256", b"dask" * number, b"salt", 60_000)


def classifier(seed: int, shared: Any) -> np.ndarray:
    """Train a linear classifier."""
    X, y = shared
    model = SGDClassifier(max_iter=40, tol=None, random_state=seed)
    return model.fit(X, y).coef_


def jobs() -> dict[str, Job]:
    """Make all jobs, with their data."""
    generator = np.random.default_rng(12)
    letters = random.Random(12)

    def text(words: int) -> str:
        return " ".join(f"w{letters.randrange(5_000)}" for _ in range(words))

    def strands(bases: int, number: int) -> list[tuple[str, str]]:
        def strand() -> str:
            return "".join(letters.choices("acgt", k=bases))

        return [(strand(), strand()) for _ in range(number)]

    def words(size: int) -> bytes:
        return bytes(generator.integers(97, 123, size, dtype=np.uint8))

    files = [os.urandom(10_000_000) for _ in range(12)]
    long_texts = [os.urandom(30_000_000) for _ in range(4)]
    X = generator.normal(size=(4_000, 20))
    y = X[:, 0] + generator.normal(size=4_000) > 0
    made = {
        "sentences": Job("tiny", "the different words of 1,000 short texts", short_words,
                         [text(40) for _ in range(1_000)], True, 0.2),
        "small_boards": Job("tiny", "six queens on a board, 1,000 times", six_queens,
                            list(range(1_000)), True, 0.0),
        "means": Job("small", "the means of 1,500 arrays of 100 numbers", mean,
                     [generator.normal(size=100) for _ in range(1_500)], False, 1.2),
        "small_sorts": Job("small", "1,500 arrays of 200 numbers, sorted", sort,
                           [generator.normal(size=200) for _ in range(1_500)], False, 4.8),
        "search": Job("heavy", "one word, counted in 4 texts of 30 MB", occurrences, long_texts,
                      True, 120.0),
        "lines": Job("heavy", "the lines of 4 texts of 30 MB", lines, long_texts, True, 120.0),
        "one_walk": Job("single", "one random walk", long_walk, [1], True, 0.0),
        "one_distance": Job("single", "the edit distance of two strands of 1,400 bases", distance,
                            strands(1_400, 1), True, 0.0),
        "squeezing": Job("shared memory", "12 files of 5 MB, compressed quickly", squeeze,
                         [words(5_000_000) for _ in range(12)], False, 100.0),
        "short_digests": Job("shared memory", "the short fingerprints of 12 files of 10 MB",
                             short_digest, files, False, 120.0),
        "digests": Job("shared memory", "the fingerprints of 12 files of 10 MB", digest, files,
                       False, 120.0),
        "compressing": Job("lock free", "20 files of 1 MB, compressed", compress,
                           [words(1_000_000) for _ in range(20)], False, 20.0),
        "archives": Job("lock free", "16 files of half a megabyte, compressed thoroughly", pack,
                        [words(500_000) for _ in range(16)], False, 8.0),
        "passwords": Job("lock free", "20 passwords, hashed 60,000 times", hashed,
                         list(range(20)), False, 0.0),
        "classifiers": Job("lock free", "20 linear classifiers", classifier, list(range(20)),
                           False, 0.0, (X, y), 0.7),
        "primes": Job("python", "the primes in 10 ranges of 30,000 numbers", primes,
                      list(range(100_001, 400_001, 30_000)), True, 0.0),
        "distances": Job("python", "12 edit distances of strands of 700 bases", distance,
                         strands(700, 12), True, 0.0),
    }  # fmt: skip
    return made


def measure(job: Job, client: Client, way: str, wall: bool) -> float:
    """Return the seconds that a job takes in one of the ways."""
    more = {} if job.shared is None else {"shared": job.shared}
    here = os.getpid()
    if way == "serial":
        places = [(here, threading.get_native_id())]
        before = [clock(*place) for place in places]
        started = time.perf_counter()
        for part in job.parts:
            job.piece(part, **more)
        took = time.perf_counter() - started
    elif way == "threads":
        started = time.perf_counter()
        with ThreadPoolExecutor(CORES) as pool:
            list(pool.map(lambda part: job.piece(part, **more), job.parts))
            took = time.perf_counter() - started
            places = [(here, thread.native_id or 0) for thread in pool._threads]
            return quiet(took, [clock(*place) for place in places], wall)
    else:
        places = list(client.run(executing).values())
        before = [clock(*place) for place in places]
        started = time.perf_counter()
        if more:
            [more["shared"]] = client.scatter([job.shared], broadcast=True, hash=False)
        client.gather(client.map(job.piece, job.parts, pure=False, **more))
        took = time.perf_counter() - started
    after = [clock(*place) for place in places]
    return quiet(took, [a - b for a, b in zip(after, before, strict=True)], wall)


def clock(process: int, thread: int) -> np.ndarray:
    """Return for how long a thread has run, and been ready without a core, in seconds."""
    text = Path(f"/proc/{process}/task/{thread}/schedstat").read_text()
    return np.array(text.split()[:2], dtype=float) / 1e9


def quiet(took: float, clocks: Sequence[np.ndarray], wall: bool) -> float:
    """Take off the seconds without a core: a mean, in which those threads count that ran."""
    ran, waited = np.array(clocks).T
    # What a thread waited for just before or after is in its clock as well.
    if wall or not ran.any():
        return took
    return max(took - float(ran @ waited / ran.sum()), float(ran.max()))


def executing(dask_worker: Any) -> tuple[int, int]:
    """Return the process and the thread that run a worker's tasks."""
    [thread] = dask_worker.executors["default"]._threads
    return os.getpid(), thread.native_id


def prices(client: Client) -> dict[str, float]:
    """Measure what a task, a call in a thread and a megabyte cost."""
    started = time.perf_counter()
    client.gather(client.map(int, range(2_000), pure=False))
    task = (time.perf_counter() - started) / 2_000
    started = time.perf_counter()
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(int, range(20_000)))
    call = (time.perf_counter() - started) / 20_000
    data = np.random.default_rng(0).normal(size=8_000_000)
    started = time.perf_counter()
    client.submit(np.negative, data, pure=False).result()
    travel = 2 * data.nbytes / 1e6 / (time.perf_counter() - started)
    return {"task": task, "call": call, "megabytes a second": travel}


def main() -> None:
    """Print a row for each job, and the prices."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", nargs="+", default=[])
    parser.add_argument("--wall", action="store_true", help="take nothing off")
    options = parser.parse_args()
    chosen = {n: j for n, j in jobs().items() if not options.jobs or n in options.jobs}
    with (
        threadpool_limits(1),  # Dask's workers have one thread of their own accord
        LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.gather(client.map(mean, [np.ones(3)] * 8, pure=False))
        best = {name: dict.fromkeys(WAYS, float("inf")) for name in chosen}
        for number in range(options.rounds):
            for name, job in chosen.items():
                for way in WAYS:
                    found = measure(job, client, way, options.wall)
                    best[name][way] = min(best[name][way], found)
                if number < options.rounds - 1:
                    continue
                seconds = ", ".join(f"{best[name][way]:.3f}" for way in WAYS)
                print(
                    f'    "{name}": ("{job.group}", "{job.about}", {len(job.parts)}, {job.gil}, '
                    f"{job.megabytes:g}, {job.shared_mb:g}, {seconds}),",
                    flush=True,
                )
        for price, value in min(
            (prices(client) for _ in range(options.rounds)), key=lambda found: found["task"]
        ).items():
            print(f"{price}: {value:.6f}")


if __name__ == "__main__":
    main()
