"""One against the rest: the core trains one perceptron per class.

Random numbers and error messages are those of scikit-learn.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from numbers import Number
from typing import Any, NamedTuple

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.utils import check_array, check_random_state, compute_class_weight

from .. import _core
from .._checks import arguments, arrays
from .._checks.shown import shown
from ._checks import short_messages
from ._kinds import positions
from ._samples import for_core

INT32_MAX = np.iinfo(np.int32).max

# Factor of the intercept's updates if X is sparse: unlike the other columns, its column of ones is
# dense. The value is that of scikit-learn.
INTERCEPT_SHARE_OF_SPARSE = 0.01


class Data(NamedTuple):
    """Samples: X (n, n_features), y (n,), all classes, and the user's sample weights."""

    X: Any
    y: NDArray[Any]
    classes: NDArray[Any]
    sample_weight: Any


class Learned(NamedTuple):
    """Result of learning: W (n_problems, n_features), b (n_problems,), epochs."""

    W: NDArray[Any]
    b: NDArray[Any]
    n_iter: int


def learn(perceptron: Any, data: Data, W: NDArray[Any], b: NDArray[Any], max_iter: int) -> Learned:
    """Train the perceptron of each class; two classes share one."""
    X, y, classes, sample_weight = data
    by_class = _class_weights(perceptron.class_weight, classes, y)
    weights = weights_of_samples(sample_weight, X)
    if not perceptron.early_stopping and np.all(weights == 0):
        raise ValueError("Sample weights must contain at least one non-zero number.")
    if len(classes) < 2:
        raise ValueError(
            "The number of classes has to be greater than one; "
            f"got {len(classes)} class{'' if len(classes) == 1 else 'es'}"
        )
    held_out, seeds = _draw_held_out_and_seeds(perceptron, y, weights, len(classes))
    if len(classes) == 2:
        problems = [(1, float(by_class[1]), float(by_class[0]), seeds[0])]
    else:
        problems = [(i, float(by_class[i]), 1.0, seed) for i, seed in enumerate(seeds)]
    share = INTERCEPT_SHARE_OF_SPARSE if arrays.is_sparse(X) else 1.0
    W, intercepts, epochs, finite = _core.learn_perceptrons(
        for_core(X, X.dtype),
        positions(classes, y),
        weights,
        held_out,
        W,
        [float(x) for x in b],
        problems,
        penalty=perceptron.penalty or "none",
        alpha=float(perceptron.alpha),
        l1_ratio={"l2": 0.0, "l1": 1.0}.get(perceptron.penalty or "", float(perceptron.l1_ratio)),
        eta=float(perceptron.eta0),
        intercept_share=share if perceptron.fit_intercept else 0.0,
        max_iter=max_iter,
        tol=-np.inf if perceptron.tol is None else float(perceptron.tol),
        n_iter_no_change=int(perceptron.n_iter_no_change),
        shuffle=bool(perceptron.shuffle),
        early_stopping=bool(perceptron.early_stopping),
        report=_printer(bool(perceptron.early_stopping)) if perceptron.verbose else None,
        threads=threads(perceptron),
    )
    if not all(finite):
        raise ValueError(
            "Floating-point under-/overflow occurred at epoch "
            f"#{epochs[finite.index(False)]}. Scaling input data with StandardScaler or "
            "MinMaxScaler might help."
        )
    # scikit-learn converts a single intercept from a Python float, so it is float64.
    dtype = np.dtype(np.float64) if len(classes) == 2 else X.dtype
    return Learned(W, np.array(intercepts, dtype), max(epochs))


def _class_weights(class_weight: Any, classes: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Return the factor of the updates for each class."""
    if isinstance(class_weight, dict):
        for label, weight in class_weight.items():
            arguments.real(f"class_weight[{shown(label)}]", weight, "a finite number")
    with short_messages():
        weights: NDArray[Any] = compute_class_weight(class_weight, classes=classes, y=y)
    return weights


def threads(perceptron: Any) -> int:
    """Return the number of threads that joblib derives from `n_jobs`."""
    return int(effective_n_jobs(perceptron.n_jobs))


def _draw_held_out_and_seeds(
    perceptron: Any, y: NDArray[Any], weights: NDArray[Any], n_classes: int
) -> tuple[NDArray[np.bool_], list[int]]:
    """Draw the mask of held-out samples (n,) and the seed of each perceptron.

    Random numbers are drawn in scikit-learn's order, including those that only scikit-learn uses.
    """
    random = check_random_state(perceptron.random_state)
    if n_classes == 2:
        random.randint(1, INT32_MAX)
        held_out = _held_out(perceptron, y, weights)
        return held_out, [int(random.randint(INT32_MAX))]
    held_out = _held_out(perceptron, y, weights)
    random = check_random_state(perceptron.random_state)
    seeds = []
    for seed in random.randint(INT32_MAX, size=n_classes):
        of_class = np.random.RandomState(seed)
        of_class.randint(1, INT32_MAX)
        seeds.append(int(of_class.randint(INT32_MAX)))
    return held_out, seeds


def _held_out(perceptron: Any, y: NDArray[Any], weights: NDArray[Any]) -> NDArray[np.bool_]:
    mask = np.zeros(len(y), np.bool_)
    if not perceptron.early_stopping:
        return mask
    split = StratifiedShuffleSplit(
        test_size=perceptron.validation_fraction, random_state=perceptron.random_state
    )
    learned, held_out = next(split.split(np.zeros((len(y), 1)), y))
    if not np.any(weights[held_out] > 0):
        raise ValueError(
            "The sample weights for validation set are all zero, consider using a different "
            "random state."
        )
    if len(learned) == 0 or len(held_out) == 0:
        raise ValueError(
            f"Splitting {len(y)} samples into a train set and a validation set with "
            f"validation_fraction={shown(perceptron.validation_fraction)} led to an empty set "
            f"({len(learned)} and {len(held_out)} samples). Please either change "
            "validation_fraction, increase number of samples, or disable early_stopping."
        )
    mask[held_out] = True
    return mask


def weights_of_samples(sample_weight: Any, X: Any) -> NDArray[Any]:
    """Return the weight of each sample (n,) in the dtype of X.

    Errors are those of scikit-learn.
    """
    n = X.shape[0]
    if sample_weight is None:
        return np.ones(n, X.dtype)
    if isinstance(sample_weight, Number):
        weight = arguments.real("sample_weight", sample_weight, "a finite number")
        weights = np.full(n, weight, X.dtype)
    else:
        with short_messages():
            weights = check_array(
                sample_weight,
                accept_sparse=False,
                ensure_2d=False,
                dtype=X.dtype,
                order="C",
                input_name="sample_weight",
            )
    if weights.ndim != 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar, got {weights.ndim}D array. Expected "
            f"either a scalar value or a 1D array of length {n}."
        )
    if weights.shape != (n,):
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected {(n,)}!")
    return weights


def begin(
    n_classes: int, X: Any, coef_init: Any, intercept_init: Any
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the initial W and b: the user's values, or 0. Two classes share one row."""
    shape = (1 if n_classes == 2 else n_classes, X.shape[1])
    W = np.zeros(shape, X.dtype)
    b = np.zeros(shape[0], X.dtype)
    if coef_init is not None:
        W = np.array(arrays.inputs("coef_init", coef_init, X.dtype))
        if n_classes == 2:
            W = W.reshape(1, -1)
        if W.shape != shape:
            raise ValueError(
                "Provided coef_init does not match dataset: "
                f"got shape {np.shape(coef_init)}, expected {shape}"
            )
    if intercept_init is not None:
        b = np.atleast_1d(np.array(arrays.inputs("intercept_init", intercept_init, X.dtype)))
        if b.shape != shape[:1]:
            raise ValueError(
                "Provided intercept_init does not match dataset: "
                f"got shape {np.shape(intercept_init)}, expected {shape[:1]}"
            )
    return W, b


def _printer(scores: bool) -> Callable[..., None]:
    """Return a function that prints an epoch in the format of scikit-learn."""
    began = time.time()

    def report(epoch: int, *numbers: Any) -> None:
        *of_epoch, score, converged = numbers
        line = (
            "Norm: {:.2f}, NNZs: {}, Bias: {:.6f}, T: {}, Avg. loss: {:f}, Objective: {:f}"
        ).format(*of_epoch)
        seconds = time.time() - began
        print(f"-- Epoch {epoch}")
        print(f"{line}, Validation score: {score:f}" if scores else line)
        print(f"Total training time: {seconds:.2f} seconds.")
        if converged:
            print(f"Convergence after {epoch} epochs took {seconds:.2f} seconds")

    return report
