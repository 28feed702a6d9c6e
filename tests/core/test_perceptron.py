"""The perceptron's loop: the reference's bits, dense and sparse, and what its door refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bits import DTYPES, assert_same_bits
from rosenblatt import _core
from rosenblatt.reference.arithmetic import NUMBER_TYPES
from rosenblatt.reference.perceptron import Perceptron, PerceptronSettings, elements

PENALTIES = ("none", "l2", "l1", "elasticnet")


def some_samples(n: int, n_features: int, dtype: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Samples of which many stored numbers are 0, and labels that no line separates."""
    rng = np.random.default_rng(n * n_features)
    X = (rng.normal(size=(n, n_features)) * (rng.random((n, n_features)) < 0.4)).astype(dtype)
    return X, (X.sum(axis=1) + rng.normal(size=n) > 0).astype(np.int64)


def as_sparse(X: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int32], NDArray[np.int64], int]:
    """X without its zeros, as the core takes it."""
    rows, columns = np.nonzero(X)
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(X)))])
    return X[rows, columns], columns.astype(np.int32), starts.astype(np.int64), X.shape[1]


def learn(X: Any, y: NDArray[np.int64], W: NDArray[Any], **settings: Any) -> Any:
    n = len(y)
    options: dict[str, Any] = {
        "labels": y,
        "weights": np.ones(n, W.dtype),
        "held_out": np.zeros(n, bool),
        "intercepts": [0.0] * len(W),
        "problems": [(1, 1.0, 1.0, 5)],
        "penalty": "none",
        "alpha": 0.01,
        "l1_ratio": 0.3,
        "eta": 0.7,
        "intercept_share": 1.0,
        "max_iter": 6,
        "tol": 1e-3,
        "n_iter_no_change": 5,
        "shuffle": True,
        "early_stopping": False,
        "report": None,
        "threads": 1,
    }
    return _core.learn_perceptrons(X, W=W, **(options | settings))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_it_has_the_references_bits(
    sparse: bool, early_stopping: bool, penalty: str, dtype: str
) -> None:
    X, y = some_samples(43, 7, dtype)
    rng = np.random.default_rng(1)
    weights = rng.random(43).astype(dtype)
    begin = rng.normal(size=(1, 7)).astype(dtype)
    held_out = np.arange(43) % 4 == 1
    held_out &= early_stopping
    share = 0.01 if sparse else 1.0
    l1_ratio = {"l1": 1.0, "l2": 0.0}.get(penalty, 0.3)
    W, intercepts, epochs, finite = learn(
        as_sparse(X) if sparse else X,
        y,
        begin,
        weights=weights,
        held_out=held_out,
        problems=[(1, 1.5, 0.5, 2**31 + 11)],
        penalty=penalty,
        l1_ratio=l1_ratio,
        intercepts=[0.25],
        intercept_share=share,
        early_stopping=early_stopping,
        max_iter=40,
    )
    T = NUMBER_TYPES[dtype]
    settings = PerceptronSettings(
        penalty=penalty,
        alpha=0.01,
        l1_ratio=0.3,
        eta0=0.7,
        intercept_share=share,
        max_iter=40,
        seed=2**31 + 11,
        early_stopping=early_stopping,
    )
    book = Perceptron(T, settings, begin[0].tolist(), 0.25)
    if early_stopping:  # scored by the weights of the samples alone
        all_weights = weights.tolist()
        learned = [T.round(w * (1.5 if t else 0.5)) for w, t in zip(all_weights, y, strict=True)]
        mixed = [w if h else v for w, v, h in zip(all_weights, learned, held_out, strict=True)]
    else:
        mixed = [T.round(w * (1.5 if t else 0.5)) for w, t in zip(weights.tolist(), y, strict=True)]
    rows = [elements(row) for row in X.tolist()]
    if sparse:
        rows = [[(k, x) for k, x in row if x != 0] for row in rows]
    book.learn(rows, [1 if t else -1 for t in y], mixed, held_out.tolist())
    assert_same_bits(W[0], np.array(book.v, dtype), "w")
    assert (intercepts, epochs, finite) == ([book.b], [book.n_iter], [True])


def test_an_element_that_is_stored_as_0_moves_nothing() -> None:
    X, y = some_samples(30, 5, "float64")
    rows = (X.ravel(), np.tile(np.arange(5, dtype=np.int32), 30), np.arange(0, 151, 5), 5)
    zeros = np.zeros((1, 5))
    assert learn(rows, y, zeros)[0].tolist() == learn(as_sparse(X), y, zeros)[0].tolist()
    assert learn(X, y, zeros)[0].tolist() == learn(rows, y, zeros)[0].tolist()


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_change_no_bit(dtype: str, sparse: bool) -> None:
    X, y = some_samples(60, 9, dtype)
    labels = y + 2 * (X[:, 0] > 0)
    problems = [(i, 1.0, 1.0, 7 * i) for i in range(4)]
    found = [
        learn(
            as_sparse(X) if sparse else X,
            labels,
            np.zeros((4, 9), dtype),
            problems=problems,
            intercepts=[0.0] * 4,
            threads=threads,
        )
        for threads in (1, 2, 4)
    ]
    for W, *rest in found[1:]:
        assert_same_bits(W, found[0][0], "W")
        assert rest == list(found[0][1:])


def test_decisions_are_chains_dense_and_sparse() -> None:
    rng = np.random.default_rng(4)
    for n_features, n_classes in ((5, 1), (300, 1), (300, 3), (40, 20)):
        X = rng.normal(size=(70, n_features)) * (rng.random((70, n_features)) < 0.3)
        W, b = rng.normal(size=(n_classes, n_features)), rng.normal(size=n_classes)
        Z = _core.decide(X, W, b, 0)
        assert_same_bits(_core.decide(as_sparse(X), W, b, 0), Z, "sparse")
        assert_same_bits(_core.decide(X[13:14], W, b, 0), Z[13:14], "alone")
        T = NUMBER_TYPES["float64"]
        z = b[0]
        for x_k, w_k in zip(X[13].tolist(), W[0].tolist(), strict=True):
            z = T.fma(x_k, w_k, z)
        assert z == Z[13, 0]


def test_infinite_weights_end_it() -> None:
    X, y = some_samples(20, 3, "float64")
    _, _, epochs, finite = learn(X * 1e300, y, np.zeros((1, 3)), eta=1e300)
    assert (epochs, finite) == ([1], [False])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": [0, 5]}, r"got 5 at indices\[1\], expected columns from 0 to 3 - 1"),
        ({"columns": [-1, 1]}, r"got -1 at indices\[0\]"),
        ({"columns": [1, 0]}, "columns of a row that do not rise"),
        ({"columns": [1, 1]}, "columns of a row that do not rise"),
        ({"starts": [1, 2, 2]}, r"got 1 at indptr\[0\], expected 0"),
        ({"starts": [0, 2, 1]}, r"got 1 after 2 at indptr\[2\]"),
        ({"starts": [0, 2, 3]}, "no more than the 2 elements"),
        ({"starts": [0]}, "got no samples"),
        ({"starts": []}, "expected one index per stored element"),
        ({"columns": [0]}, "expected one index per stored element"),
        ({"values": [1.0, np.nan]}, r"X: got nan at X\[0, 1\], expected finite numbers"),
        ({"values": [-np.inf, 1.0]}, r"X: got -inf at X\[0, 0\]"),
    ],
)
def test_stored_elements_are_checked(change: dict[str, Any], message: str) -> None:
    parts: dict[str, Any] = {"values": [1.0, 2.0], "columns": [0, 1], "starts": [0, 2, 2]} | change
    X = (
        np.array(parts["values"], np.float64),
        np.array(parts["columns"], np.int32),
        np.array(parts["starts"], np.int64),
        3,
    )
    with pytest.raises(ValueError, match=message):
        learn(X, np.zeros(2, np.int64), np.zeros((1, 3)))
