"""How far the order of the nights moves the accuracy of ex03's models: what its margins rest on.

The reference solution learns the nights one after the other in random order. This learns each
case in many orders and seeds, without boxes or a cluster, and prints how far the accuracy on unseen
stars falls below what the oracle asks for, margin left out: ``least`` of the truth. With it the
largest distance above the true signal's, and the fewest rare stars that were known.

    python benchmarks/ex03_margins.py --seeds 200 --orders 12
"""

import argparse
from collections import defaultdict

import numpy as np

from autograder.exercise import catalogue


def main() -> None:
    """Print the extremes for each case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", default=["train_odd", "update"])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--orders", type=int, default=12)
    options = parser.parse_args()
    exercise = catalogue.find("ex03_incremental_training")
    assert exercise is not None
    cases = catalogue.cases(exercise)
    for name in options.cases:
        parameters = next(case.parameters for case in exercise.cases if case.name == name)
        below, above, rare = defaultdict(list), defaultdict(list), []
        for seed in range(options.seeds):
            truth = cases.oracle(name, parameters, seed)
            nights = cases._nights(name, parameters)
            parts = [cases._read(text) for text in cases._texts(seed, nights)]
            X = np.concatenate([X for X, _ in cases._unseen(name, seed, parameters)])
            generator = np.random.default_rng([seed, 77])
            for _ in range(options.orders):
                model = None
                if name == "update":
                    model = cases._learn_before(parameters, seed)
                for n in generator.permutation(len(parts)):
                    model = model or cases._estimator()
                    model.partial_fit(*parts[n], classes=[0, 1])
                labels = model.predict(X)
                reached = cases._accuracies(labels, truth["kinds"])
                for season, own in enumerate(reached):
                    below[season].append(truth["least"][season] - own)
                    above[season].append(own - truth["most"][season])
                start = len(reached) * cases.UNSEEN
                if len(labels) > start:
                    rare.append(cases._pairs_known(labels[start:], truth["kinds"][start:]))
        for season in below:
            low, high = np.array(below[season]), np.array(above[season])
            print(
                f"{name}, season {season + 1}: {low.size} runs; below the least by {low.max():.4f} "
                f"at most ({np.quantile(low, 0.99):.4f} in 99 %, std {low.std():.4f}); "
                f"above the signal by {high.max():.4f} at most"
            )
        if rare:
            print(f"{name}: rare stars known, at least {min(rare)}, mean {np.mean(rare):.2f}")


if __name__ == "__main__":
    main()
