"""Sparse inputs: the bits of the full rows, without the rows; and what the door refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

import rosenblatt as rb
from bits import DTYPES, assert_same_bits

# Every form of the first layer's sums: chains of whole and of parts of registers, of one column;
# interleaved ones of one, a few and 16 columns, with as many inputs as they begin at and more.
SHAPES = (
    [7, 5, 3],
    [40, 1],
    [30, 70, 3],
    [255, 16, 4],
    [256, 16, 4],
    [300, 1],
    [301, 3, 2],
    [260, 17, 1],
    [20, 130, 5, 2],
)


def some_rows(n: int, n_features: int, dtype: str, filled: float = 0.15) -> NDArray[Any]:
    """Rows with many zeros; one is empty, one is full, and one column is 0 in every row."""
    rng = np.random.default_rng(n * n_features)
    X = rng.normal(size=(n, n_features)) * (rng.random((n, n_features)) < filled)
    X[0], X[1] = 0, rng.normal(size=n_features)
    X[:, 1] = 0
    return X.astype(dtype)


def some_targets(n: int, n_outputs: int, dtype: str) -> NDArray[Any]:
    return np.random.default_rng(n).normal(size=(n, n_outputs)).astype(dtype)


def network(layers: list[int], dtype: str) -> rb.Network:
    return rb.Network(layers, activation="tanh", dtype=dtype, random_state=1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layers", SHAPES, ids=str)
def test_forward_has_the_bits_of_full_rows(layers: list[int], dtype: str) -> None:
    net = network(layers, dtype)
    for n in (2, 90, 600):
        X = some_rows(n, layers[0], dtype)
        wanted = net.forward(X)
        for threads in (1, 3):
            net.threads = threads
            for kind in (sparse.csr_matrix, sparse.csr_array, sparse.csc_array, sparse.coo_array):
                assert_same_bits(net.forward(kind(X)), wanted, kind.__name__)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layers", SHAPES, ids=str)
def test_gradients_have_the_bits_of_full_rows(layers: list[int], dtype: str) -> None:
    net = network(layers, dtype)
    X, Y = some_rows(50, layers[0], dtype), some_targets(50, layers[-1], dtype)
    weights = np.linspace(0, 2, 50)
    full = net.gradients(X, Y, loss="squared_error", sample_weight=weights)
    ours = net.gradients(sparse.csr_array(X), Y, loss="squared_error", sample_weight=weights)
    assert_same_bits(ours.grad, full.grad, "grad")
    assert ours.cost == full.cost
    assert ours.dX is None
    for own, theirs in zip(ours.delta, full.delta, strict=True):
        assert_same_bits(own, theirs, "delta")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("isa", rb.build_info()["isas"])
def test_every_instruction_set_has_the_same_bits(isa: str, dtype: str) -> None:
    for layers in SHAPES:
        X, Y = some_rows(24, layers[0], dtype), some_targets(24, layers[-1], dtype)
        full, net = network(layers, dtype), network(layers, dtype)
        options: dict[str, Any] = {"loss": "squared_error", "optimizer": rb.SGD(0.05), "epochs": 2}
        rb.train(full, X, Y, batch_size=5, **options)
        wanted = full.gradients(X, Y, loss="squared_error").grad
        best = rb.build_info()["isa"]
        try:
            rb.set_isa(isa)
            rb.train(net, sparse.csr_array(X), Y, batch_size=5, **options)
            got = net.gradients(sparse.csr_array(X), Y, loss="squared_error").grad
        finally:
            rb.set_isa(best)
        assert_same_bits(net.theta, full.theta, "theta")
        assert_same_bits(got, wanted, "grad")


RULES: tuple[tuple[Any, dict[str, Any]], ...] = (
    (rb.SGD(0.05), {}),
    (rb.SGD(0.05, momentum=0.9), {}),
    (rb.SGD(0.05, momentum=0.9, nesterov=True), {}),
    (rb.SGD(0.05), {"l2": 0.01}),
    (rb.SGD(0.05), {"clip_norm": 0.1, "max_norm": 2.0}),
    (rb.SGD(0.05), {"ema": 0.9}),
    (rb.Adam(0.01), {"l1": 0.01}),
    (rb.Adagrad(0.05), {"clip_value": 0.01}),
    (rb.LBFGS(), {"batch_size": None}),
)


def trained(
    layers: list[int], dtype: str, X: Any, held_out: Any, settings: dict[str, Any]
) -> tuple[rb.Network, Any]:
    net = network(layers, dtype)
    Y = some_targets(45, layers[-1], dtype)
    options = {"loss": "squared_error", "batch_size": 8, "epochs": 3, "random_state": 5} | settings
    validation = (held_out, Y[:20])
    return net, rb.train(net, X, Y, validation=validation, **options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layers", [[30, 70, 3], [301, 3, 2], [40, 1]], ids=str)
@pytest.mark.parametrize(("optimizer", "settings"), RULES, ids=str)
def test_training_has_the_bits_of_full_rows(
    optimizer: Any, settings: dict[str, Any], layers: list[int], dtype: str
) -> None:
    X, held_out = some_rows(45, layers[0], dtype), some_rows(20, layers[0], dtype)
    options = {"optimizer": optimizer, **settings}
    full, wanted = trained(layers, dtype, X, held_out, options)
    for threads in (1, 2):
        net, got = trained(
            layers,
            dtype,
            sparse.csr_array(X),
            sparse.csc_array(held_out),
            options | {"threads": threads},
        )
        assert_same_bits(net.theta, full.theta, "theta")
        assert got.loss_curve == wanted.loss_curve
        assert got.validation_curve == wanted.validation_curve
        if wanted.ema is not None:
            assert_same_bits(got.ema, wanted.ema, "ema")


@pytest.mark.parametrize(
    "settings",
    [
        {"input_dropout": 0.3},
        {"input_dropout": 0.5, "dropout": 0.2, "optimizer": rb.Adam(0.01)},
        {"shuffle": False, "sample_weight": np.arange(45.0)},
        {"batch_size": 1},
        {"batch_size": None},
        {"scale_targets": "standard"},
    ],
    ids=str,
)
def test_settings_mean_what_they_mean_for_full_rows(settings: dict[str, Any]) -> None:
    X, held_out = some_rows(45, 150, "float32"), some_rows(20, 150, "float32")
    options = {"optimizer": rb.SGD(0.05)} | settings
    full, wanted = trained([150, 20, 2], "float32", X, held_out, options)
    net, got = trained([150, 20, 2], "float32", sparse.csr_array(X), held_out, options)
    assert_same_bits(net.theta, full.theta, "theta")
    assert (got.loss_curve, got.validation_curve) == (wanted.loss_curve, wanted.validation_curve)


def test_a_fraction_of_sparse_samples_is_held_out_as_of_full_ones() -> None:
    X, y = some_rows(60, 40, "float64"), np.arange(60) % 3
    thetas = []
    for rows in (X, sparse.csr_array(X)):
        net = rb.Network([40, 8, 3], output="softmax", dtype="float64", random_state=0)
        result = rb.train(
            net,
            rows,
            y,
            loss="log_loss",
            optimizer=rb.SGD(0.1),
            epochs=3,
            batch_size=7,
            validation=0.3,
            metrics="accuracy",
            class_weight="balanced",
        )
        thetas.append((net.theta.tolist(), result.history))
    assert thetas[0] == thetas[1]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("norm", [None, "batch", "layer"])
@pytest.mark.parametrize("optimizer", [rb.SGD(0.05), rb.Adam(0.01)], ids=str)
def test_norms_and_skips_have_the_bits_of_full_rows(
    optimizer: Any, norm: Any, skip: bool, dtype: str
) -> None:
    X, Y = some_rows(45, 9, dtype, filled=0.3), some_targets(45, 2, dtype)
    nets, curves = [], []
    for samples in (X, sparse.csr_array(X)):
        net = rb.Network([9, 9, 5, 2], dtype=dtype, random_state=1, norm=norm, skip=[skip, False])
        result = rb.train(
            net, samples, Y, loss="squared_error", optimizer=optimizer, batch_size=8, epochs=3,
            dropout=0.1, validation=(samples, Y),
        )  # fmt: skip
        nets.append(net)
        curves.append(result.validation_curve)
        assert_same_bits(net.forward(samples), nets[0].forward(X), "a")
        grad = net.gradients(samples, Y, loss="squared_error").grad
        assert_same_bits(grad, nets[0].gradients(X, Y, loss="squared_error").grad, "grad")
    assert_same_bits(nets[1].theta, nets[0].theta, "theta")
    assert curves[1] == curves[0]


@pytest.mark.parametrize(("optimizer", "batch_size"), [(rb.SGD(0.05), 8), (rb.LBFGS(), None)])
def test_a_custom_loss_sees_the_same_outputs(optimizer: Any, batch_size: int | None) -> None:
    def half_square(A: NDArray[Any], Y: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        return float(((A - Y) ** 2).mean()) / 2, (A - Y) / len(A)

    X, held_out = some_rows(45, 30, "float64"), some_rows(20, 30, "float64")
    options = {"loss": half_square, "optimizer": optimizer, "batch_size": batch_size}
    full, wanted = trained([30, 70, 3], "float64", X, held_out, options)
    stored = sparse.csr_array(X), sparse.csr_array(held_out)
    net, got = trained([30, 70, 3], "float64", *stored, options)
    assert_same_bits(net.theta, full.theta, "theta")
    assert got.validation_curve == wanted.validation_curve


def test_many_networks_and_the_search_for_a_rate_take_sparse_samples() -> None:
    X, Y = some_rows(45, 30, "float64"), some_targets(45, 2, "float64")
    stored = sparse.csr_array(X)
    pairs = []
    for rows in (X, stored):
        nets = [network([30, 6, 2], "float64"), network([30, 9, 2], "float64")]
        rb.train_many(nets, rows, Y, loss="squared_error", optimizer=rb.SGD(0.1), epochs=2)
        pairs.append([net.theta.tolist() for net in nets])
    assert pairs[0] == pairs[1]
    found = [
        rb.find_learning_rate(nets[0], rows, Y, loss="squared_error", steps=10)
        for rows in (X, stored)
    ]
    assert found[0].losses.tolist() == found[1].losses.tolist()


def test_a_scaling_without_offsets_is_applied() -> None:
    X, Y = some_rows(45, 30, "float64"), some_targets(45, 2, "float64")
    scaling = rb.Scaling(np.zeros(30), np.linspace(0.5, 3, 30))
    found = []
    for rows in (X, sparse.csr_array(X)):
        net = network([30, 6, 2], "float64")
        net.input_scaling = scaling
        grad = net.gradients(rows, Y, loss="squared_error").grad.tolist()
        rb.train(net, rows, Y, loss="squared_error", optimizer=rb.SGD(0.1), epochs=2)
        found.append((net.theta.tolist(), net.forward(rows).tolist(), grad))
    assert found[0] == found[1]


def test_offsets_are_refused() -> None:
    X, Y = sparse.csr_array(some_rows(45, 30, "float32")), some_targets(45, 2, "float32")
    net = network([30, 6, 2], "float32")
    options: dict[str, Any] = {"loss": "squared_error", "optimizer": rb.SGD(0.1)}
    with pytest.raises(ValueError, match="scale_inputs: got 'standard' with a sparse X"):
        rb.train(net, X, Y, scale_inputs="standard", **options)
    with pytest.raises(ValueError, match=r"input_noise: got 0\.1 with a sparse X, expected 0"):
        rb.train(net, X, Y, input_noise=0.1, **options)
    net.input_scaling = rb.Scaling(np.r_[np.zeros(29), 1.0], np.ones(30))
    refused: tuple[tuple[str, Callable[[], object]], ...] = (
        ("X", lambda: net.forward(X)),
        ("X", lambda: net.gradients(X, Y, loss="squared_error")),
        ("X", lambda: rb.train(net, X, Y, **options)),
        (
            r"validation\[0\]",
            lambda: rb.train(net, X.toarray(), Y, validation=(X, Y), **options),
        ),
    )
    for name, call in refused:
        with pytest.raises(ValueError, match=f"{name}: got a sparse matrix for a network whose"):
            call()


def test_repeated_and_unsorted_elements_are_added_up_on_a_copy() -> None:
    data, indices = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2, 0, 2, 1], np.int32)
    X = sparse.csr_matrix((data, indices, np.array([0, 3, 4])), shape=(2, 3))
    net = network([3, 2], "float64")
    wanted = net.forward(X.toarray())
    assert_same_bits(net.forward(X), wanted, "A")
    assert X.data.tolist() == [1, 2, 3, 4]
    assert X.indices.tolist() == [2, 0, 2, 1]
    wide = sparse.csr_matrix(np.eye(3))
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    assert_same_bits(net.forward(wide), net.forward(np.eye(3)), "64-bit indices")


def test_numbers_of_other_types_are_converted() -> None:
    X = sparse.csr_array(np.array([[0, 3, 0], [1, 0, -2]], np.int16))
    net = network([3, 2], "float32")
    assert_same_bits(net.forward(X), net.forward(X.toarray()), "A")
    with pytest.raises(TypeError, match="X: got dtype complex128, expected real numbers"):
        net.forward(X.astype(complex))
    with pytest.raises(ValueError, match="X: got a value beyond float32"):
        net.forward(X * 1e300)


def hostile(part: str, values: list[float], kind: Any = sparse.csr_matrix) -> Any:
    X = kind(np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 3.0]]))
    getattr(X, part)[: len(values)] = values
    return X


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (hostile("indices", [0, 3]), r"X: got indices 0 … 3, expected 0 … 3 - 1"),
        (hostile("indices", [-1]), r"X: got indices -1 … 2"),
        (hostile("indices", [7], sparse.csc_matrix), r"X: got indices 0 … 7, expected 0 … 2 - 1"),
        (hostile("indptr", [1]), r"X: got 1 at indptr\[0\], expected 0"),
        (hostile("indptr", [0, 9]), r"X: got 3 after 9 at indptr\[2\]"),
        (hostile("indptr", [0, 2, 900]), r"X: got 900 at indptr\[2\], expected no more than the 3"),
        (hostile("data", [np.nan]), r"X: got nan at X\[0, 0\], expected finite numbers"),
        (hostile("data", [1, np.inf]), r"X: got inf at X\[0, 1\]"),
        (sparse.csr_matrix((2, 4)), r"X: got shape \(2, 4\), expected \(n, 3\)"),
        (sparse.csr_matrix((0, 3)), "X: got no samples, expected at least one row"),
        (sparse.coo_array(np.ones(3)), r"X: got shape \(3,\), expected \(n, n_features\)"),
    ],
    ids=range(11),
)
def test_hostile_matrices_are_refused(X: Any, message: str) -> None:
    net = network([3, 2], "float64")
    before = net.theta.copy()
    for call in (
        lambda: net.forward(X),
        lambda: net.gradients(X, np.zeros((2, 2)), loss="squared_error"),
        lambda: rb.train(
            net, X, np.zeros((2, 2)), loss="squared_error", optimizer=rb.SGD(0.1), epochs=1
        ),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    assert net.theta.tolist() == before.tolist()


def test_functions_without_sparse_support_say_so() -> None:
    X, net = sparse.csr_array(np.eye(3)), network([3, 2], "float64")
    for call in (
        lambda: net.trace(X),
        lambda: net.jacobian(X),
        lambda: net.backward(X, np.zeros((3, 2))),
        lambda: net.per_sample_gradients(X, np.zeros((3, 2)), loss="squared_error"),
    ):
        with pytest.raises(TypeError, match="X: got a sparse matrix, expected an array"):
            call()


def test_scipy_is_imported_only_for_sparse_matrices(run_python: Any) -> None:
    loaded = run_python(
        """
        import json, sys
        import numpy as np
        import rosenblatt as rb

        net = rb.Network([3, 2])
        rb.train(net, np.eye(3), np.zeros((3, 2)), loss="squared_error", optimizer=rb.SGD(0.1))
        print(json.dumps("scipy" in sys.modules))
        """
    )
    assert not loaded


def test_a_step_takes_no_memory_of_the_size_of_full_rows(run_python: Any) -> None:
    """400,000 features in 2,000 rows would fill 3.2 GB; the network itself has 13 MB."""
    peak = run_python(
        """
        import json, resource
        import numpy as np
        from scipy import sparse
        import rosenblatt as rb

        rng = np.random.default_rng(0)
        X = sparse.random_array((2000, 400_000), density=1e-4, format="csr", random_state=rng)
        net = rb.Network([400_000, 8, 1], dtype="float32", random_state=0)
        options = {"loss": "squared_error", "optimizer": rb.SGD(0.01), "batch_size": 64}
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        rb.train(net, X, rng.normal(size=2000), epochs=1, input_dropout=0.1, **options)
        net.forward(X)
        print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))
        """
    )
    assert peak < 300_000  # KB
