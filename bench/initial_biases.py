"""How often networks learn with drawn biases, with biases of 0, and in scikit-learn, float64.

Run it where scikit-learn is installed; it prints the table of docs/user-guide.md and takes about
25 minutes on one core. The status is 1 if scikit-learn learns more often with an activation.

    python bench/initial_biases.py
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterable
from math import comb
from typing import Any

import numpy as np

import rosenblatt as rb

Layers = tuple[int, ...]
Points = tuple[np.ndarray, np.ndarray]  # X (n, 2), y (n,)
Losses = dict[tuple[str, str, Layers], list[float]]  # (activation, data set, hidden): one a seed

SHAPES: tuple[Layers, ...] = ((8,), (32,), (32, 32), (16, 16, 16), (64, 64))
SEEDS = range(10)
N_SAMPLES, BATCH_SIZE, EPOCHS, LEARNING_RATE = 300, 32, 500, 0.01

# A run has learned if the loss of its last epoch is below this. The noise of XOR moves points to
# the side of the other class, so no smooth boundary has a loss much below 0.1.
THRESHOLDS = {"moons": 0.1, "circles": 0.1, "spirals": 0.1, "xor": 0.2}
COMPARED = ("logistic", "tanh", "relu")  # those that scikit-learn has too, except identity


def points(name: str) -> Points:
    """Return the samples of a data set in float64."""
    X, y = getattr(rb.datasets, f"make_{name}")(N_SAMPLES)
    return X.astype(np.float64), y


def loss_here(biases: Any) -> Callable[..., float]:
    """Return a function that trains a network with these biases and returns its last loss."""

    def loss(samples: Points, activation: Any, hidden: Layers, seed: int) -> float:
        made = {"dtype": "float64", "random_state": seed, "biases": biases}
        net = rb.Network([2, *hidden, 1], activation=activation, output="logistic", **made)
        adam = rb.Adam(LEARNING_RATE)
        trained: Any = {"batch_size": BATCH_SIZE, "epochs": EPOCHS, "random_state": seed}
        result = rb.train(net, *samples, loss="log_loss", optimizer=adam, **trained)
        return result.loss_curve[-1]

    return loss


def loss_in_sklearn(samples: Points, activation: str, hidden: Layers, seed: int) -> float:
    """Return the last loss of scikit-learn's classifier with the same settings, no penalty."""
    from sklearn.neural_network import MLPClassifier

    classifier = MLPClassifier(
        hidden,
        activation=activation,
        solver="adam",
        alpha=0.0,
        batch_size=BATCH_SIZE,
        learning_rate_init=LEARNING_RATE,
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS + 1,
        tol=0.0,
        random_state=seed,
    )
    return float(classifier.fit(*samples).loss_)


def losses_of(loss: Callable[..., float]) -> Losses:
    """Return the losses of every activation, data set, shape and seed."""
    found = {}
    for name in THRESHOLDS:
        samples = points(name)
        for activation in COMPARED:
            for hidden in SHAPES:
                losses = [loss(samples, activation, hidden, seed) for seed in SEEDS]
                found[activation, name, hidden] = losses
    return found


def learned(losses: Losses, activation: str, name: str, hidden: Layers) -> np.ndarray:
    """Return whether the run of each seed learned, (n_seeds,)."""
    return np.array(losses[activation, name, hidden]) < THRESHOLDS[name]


def total(losses: Losses, activation: str, names: Iterable[str] = THRESHOLDS) -> int:
    """Return how many runs of an activation learned."""
    return sum(int(learned(losses, activation, n, h).sum()) for n in names for h in SHAPES)


def sign_test(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the two-sided p of as uneven a split of the seeds in which just one learned."""
    n, k = int((ours != theirs).sum()), int((theirs & ~ours).sum())
    tail = sum(comb(n, i) for i in range(max(k, n - k), n + 1)) / 2**n
    return min(1.0, 2 * tail)


def print_compared(auto: Losses, zeros: Losses, sklearn: Losses) -> list[str]:
    """Print a row for each activation and data set; return where scikit-learn learned more."""
    print("| | |", " | ".join(str(list(h)) for h in SHAPES), "| total |")
    print("|---|---|" + "---|" * (len(SHAPES) + 1))
    more, columns = [], (auto, sklearn, zeros)
    for f in COMPARED:
        for name in THRESHOLDS:
            runs = [[learned(each, f, name, h) for each in columns] for h in SHAPES]
            cells = [" / ".join(str(each.sum()) for each in cell) for cell in runs]
            sums = " / ".join(str(total(each, f, [name])) for each in columns)
            print(f"| {f} | {name} |", " | ".join(cells), f"| {sums} |")
            more += [
                f"{f}, {name}, {list(h)}: {ours.sum()} and {theirs.sum()} of {len(SEEDS)}, "
                f"sign test p = {sign_test(ours, theirs):.2f}, "
                f"medians {np.median(auto[f, name, h]):.3f} and "
                f"{np.median(sklearn[f, name, h]):.3f}"
                for h, (ours, theirs, _) in zip(SHAPES, runs, strict=True)
                if ours.sum() < theirs.sum()
            ]
        sums = " / ".join(f"**{total(each, f)}**" for each in columns)
        print(f"| **{f}** | all |{' |' * len(SHAPES)} {sums} |", flush=True)
    return more


def main() -> None:
    """Print the table, and where scikit-learn learned more often."""
    import sklearn

    warnings.simplefilter("ignore")  # scikit-learn's, that more epochs would be better
    print(f"scikit-learn {sklearn.__version__}, {EPOCHS} epochs, {time.strftime('%Y-%m-%d')}\n")
    ours = [loss_here(biases) for biases in ("auto", "zeros")]
    auto, zeros = (losses_of(each) for each in ours)
    theirs = losses_of(loss_in_sklearn)
    more = print_compared(auto, zeros, theirs)
    print("", *more, sep="\n", flush=True)
    behind = [f for f in COMPARED if total(auto, f) < total(theirs, f)]
    sys.exit(f"scikit-learn learned more often with {', '.join(behind)}" if behind else 0)


if __name__ == "__main__":
    main()
