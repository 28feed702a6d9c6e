"""An activation of the user's own: everywhere that another one works, and what is refused."""

from __future__ import annotations

import copy
import json
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import (
    DTYPES,
    OF_ANY_OUTPUT,
    assert_same_bits,
    assert_same_gradients,
    n_outputs_for,
    samples,
    targets,
)
from rosenblatt import reference
from rosenblatt._activation import Activation


def square(z: Any) -> Any:
    return z * z


def twice(z: Any) -> Any:
    return 2 * z


def halve(z: Any) -> Any:
    return z / 2


def half(z: Any) -> Any:
    return 0 * z + 0.5


# One rounding each, so that numbers of float32 are rounded as those of float64 are.
SQUARE, HALF = rb.Activation("square", square, twice), rb.Activation("half", halve, half)
BOOK = {each: reference.CustomActivation(each.name, each.f, each.df) for each in (SQUARE, HALF)}


def as_in_the_book(activation: Any) -> Any:
    if isinstance(activation, list):
        return [as_in_the_book(each) for each in activation]
    return BOOK.get(activation, activation)


def own_twins(
    layers: list[int], activation: Any, output: Any, dtype: str, seed: int = 0
) -> tuple[rb.Network, reference.Network]:
    core = rb.Network(layers, activation=activation, output=output, dtype=dtype, random_state=seed)
    book = reference.Network(
        layers,
        activation=as_in_the_book(activation),
        output=as_in_the_book(output),
        dtype=dtype,
        random_state=seed,
    )
    for b_core, b_book in zip(core.b, book.b, strict=True):
        b_core[:] = np.linspace(-0.5, 0.5, len(b_book))
        b_book[:] = b_core.tolist()
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")
    return core, book


PLACES = [
    ([3, 5, 2], SQUARE, "identity"),
    ([3, 5, 2], "tanh", HALF),
    ([3, 5, 4, 2], [SQUARE, "gelu"], SQUARE),
    ([2, 3, 260, 5, 2], ["softmax", HALF, SQUARE], HALF),  # interleaved sums on both ways
    ([4, 1], "relu", SQUARE),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("layers", "activation", "output"), PLACES, ids=str)
class TestEveryCallHasTheReferencesBits:
    def test_forward_and_trace(
        self, layers: list[int], activation: Any, output: Any, dtype: str
    ) -> None:
        core, book = own_twins(layers, activation, output, dtype)
        X = samples(7, layers[0], dtype)
        wanted = book.trace(X.tolist())
        assert_same_bits(core.forward(X), np.array(wanted.A[-1], dtype), "forward")
        assert_same_bits(core.forward(X[0]), np.array(wanted.A[-1][0], dtype), "one sample")
        for got, book_rows in zip(core.trace(X).Z, wanted.Z, strict=True):
            assert_same_bits(got, np.array(book_rows, dtype), "Z")

    @pytest.mark.parametrize("loss", OF_ANY_OUTPUT, ids=str)
    def test_gradients(
        self, layers: list[int], activation: Any, output: Any, dtype: str, loss: Any
    ) -> None:
        layers = [*layers[:-1], n_outputs_for(loss, layers[-1])]
        core, book = own_twins(layers, activation, output, dtype)
        X, Y = samples(7, layers[0], dtype), targets(loss, "identity", 7, layers[-1], dtype)
        got = core.gradients(X, Y, loss=loss)
        wanted = book.gradients(X.tolist(), Y.tolist(), loss=loss)
        assert_same_gradients(got, wanted, dtype)
        each = core.per_sample_gradients(X, Y, loss=loss)
        of_book = book.per_sample_gradients(X.tolist(), Y.tolist(), loss=loss)
        assert_same_bits(each, np.array(of_book, dtype), "per_sample_gradients")

    def test_backward_and_jacobian(
        self, layers: list[int], activation: Any, output: Any, dtype: str
    ) -> None:
        core, book = own_twins(layers, activation, output, dtype)
        X, G = samples(7, layers[0], dtype), samples(7, layers[-1], dtype, seed=1)
        wanted = book.backward(X.tolist(), G.tolist())
        for got, book_rows in zip(core.backward(X, G).delta, wanted.delta, strict=True):
            assert_same_bits(got, np.array(book_rows, dtype), "delta")
        J = np.array(book.jacobian(X.tolist()), dtype)
        assert_same_bits(core.jacobian(X), J, "jacobian")

    @pytest.mark.parametrize("dropout", [0.0, 0.4])
    def test_training(
        self, layers: list[int], activation: Any, output: Any, dtype: str, dropout: float
    ) -> None:
        core, book = own_twins(layers, activation, output, dtype)
        X, Y = samples(11, layers[0], dtype), samples(11, layers[-1], dtype)
        rates = [dropout] * (len(layers) - 2)
        options: dict[str, Any] = {"loss": "squared_error", "batch_size": 4, "epochs": 2}
        got = rb.train(
            core, X, Y, optimizer=rb.SGD(0.01), validation=(X, Y), dropout=rates, **options
        )
        wanted = reference.train(
            book,
            X.tolist(),
            Y.tolist(),
            optimizer=reference.SGD(0.01),
            validation=(X.tolist(), Y.tolist()),
            dropout=[0.0, *rates],
            **options,
        )
        assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")
        assert got.loss_curve == wanted.loss_curve
        assert got.validation_curve == wanted.validation_curve


def test_a_line_search_takes_it() -> None:
    core, book = own_twins([3, 4, 2], SQUARE, "identity", "float64")
    X, Y = samples(8, 3, "float64"), samples(8, 2, "float64")
    rb.train(core, X, Y, loss="squared_error", optimizer=rb.LBFGS(), batch_size=None, epochs=3)
    reference.train(
        book, X.tolist(), Y.tolist(), loss="squared_error", optimizer=reference.LBFGS(), epochs=3
    )
    assert_same_bits(core.theta, np.array(book.theta), "theta")


# f and df of rows that numpy makes as it likes: silu, whose bits are another's.
def silu(z: Any) -> Any:
    return z / (1 + np.exp(-z))


def silu_slope(z: Any) -> Any:
    s = 1 / (1 + np.exp(-z))
    return s + z * s * (1 - s)


OWN_SILU = rb.Activation("own_silu", silu, silu_slope)


def test_it_learns_what_the_compiled_one_learns() -> None:
    """After 20 epochs a silu of numpy's is silu, but for roundings of float64 that grew."""
    X, Y = samples(50, 3, "float64"), samples(50, 2, "float64")
    options: dict[str, Any] = {"loss": "squared_error", "epochs": 20, "random_state": 0}
    ours = rb.Network([3, 8, 2], activation=OWN_SILU, dtype="float64", random_state=0)
    theirs = rb.Network([3, 8, 2], activation="silu", dtype="float64", random_state=0)
    theirs.theta = ours.theta
    rb.train(ours, X, Y, **options)
    rb.train(theirs, X, Y, **options)
    np.testing.assert_allclose(ours.theta, theirs.theta, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_change_no_bit_and_the_caller_calls(threads: int) -> None:
    callers = set()

    def seen(z: Any) -> Any:
        callers.add(threading.get_ident())
        return z * z

    own = rb.Activation("seen", seen, twice)
    X, Y = samples(300, 100, "float32"), samples(300, 40, "float32")
    one, other = (
        rb.Network([100, 200, 200, 40], activation=["tanh", own], output=own, random_state=0)
        for _ in range(2)
    )
    options: dict[str, Any] = {"loss": "squared_error", "epochs": 1, "batch_size": 128}
    options |= {"optimizer": rb.SGD(1e-4)}
    rb.train(one, X, Y, threads=1, **options)
    rb.train(other, X, Y, threads=threads, **options)
    assert_same_bits(one.theta, other.theta, "theta")
    one.threads, other.threads = 1, threads
    assert_same_bits(one.forward(X), other.forward(X), "forward")
    assert callers == {threading.get_ident()}


def test_cutting_a_batch_changes_no_bit() -> None:
    net = rb.Network([4, 9, 3], activation=OWN_SILU, output=SQUARE, random_state=0)
    X = samples(600, 4, "float32")
    whole = net.forward(X)
    assert_same_bits(np.vstack([net.forward(X[i : i + 7]) for i in range(0, 600, 7)]), whole)


def test_many_networks_are_trained_as_each_alone() -> None:
    X, Y = samples(20, 4, "float32"), samples(20, 3, "float32")
    nets, alone = (
        [rb.Network([4, 7, 3], activation=SQUARE, random_state=i) for i in range(4)]
        for _ in range(2)
    )
    rb.train_many(nets, X, Y, loss="squared_error", epochs=3, threads=3)
    for net, twin in zip(nets, alone, strict=True):
        rb.train(twin, X, Y, loss="squared_error", epochs=3)
        assert_same_bits(net.theta, twin.theta, "theta")


def test_it_combines_with_a_custom_loss() -> None:
    X, Y = samples(20, 4, "float32"), samples(20, 3, "float32")
    one, other = (
        rb.Network([4, 7, 3], activation=SQUARE, output=HALF, random_state=0) for _ in range(2)
    )

    def ours(A: Any, Y: Any) -> tuple[float, Any]:
        return ((A - Y) ** 2).sum() / 2 / len(A), (A - Y) * np.float32(1 / len(A))

    rb.train(one, X, Y, loss=ours)
    rb.train(other, X, Y, loss="squared_error")
    assert_same_bits(one.theta, other.theta, "theta")


def test_initial_weights_are_glorots() -> None:
    own = rb.Network([4, 7, 3], activation=SQUARE, random_state=0)
    assert_same_bits(own.theta, rb.Network([4, 7, 3], activation="tanh", random_state=0).theta)


# ---- copies and files ------------------------------------------------------------------------


def test_copies_and_pickles_call_the_same_functions() -> None:
    net = rb.Network([2, 3, 1], activation=SQUARE, output=HALF, random_state=0)
    X = samples(5, 2, "float32")
    for twin in (net.copy(), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert_same_bits(twin.forward(X), net.forward(X), "forward")
        assert twin.activations == ("square", "half")
    assert repr(net) == ("Network([2, 3, 1], activation='square', output='half', dtype='float32')")


def test_a_network_outlives_its_makers_names() -> None:
    net = rb.Network([2, 1], output=rb.Activation("cube", lambda z: z**3, lambda z: 3 * z**2))
    twin = net.copy()
    del net
    assert twin.forward([1.0, 2.0]).shape == (1,)
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(twin)


def test_a_file_holds_the_name_alone(tmp_path: Path) -> None:
    net = rb.Network([2, 3, 1], activation=SQUARE, output=HALF, random_state=0)
    net.save(tmp_path / "model")
    header = (tmp_path / "model").read_bytes()
    header = json.loads(header[8 : 8 + int.from_bytes(header[:8], "little")])
    assert json.loads(header["__metadata__"]["activations"]) == ["square", "half"]
    back = rb.load(tmp_path / "model", activations=[HALF, SQUARE, OWN_SILU])
    X = samples(5, 2, "float32")
    assert_same_bits(back.forward(X), net.forward(X), "forward")
    message = r"got 'square', expected one of .*load\(path, activations="
    with pytest.raises(rb.ModelFormatError, match=message):
        rb.load(tmp_path / "model")
    with pytest.raises(rb.ModelFormatError, match="got 'half'"):
        rb.load(tmp_path / "model", activations=[SQUARE])


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (SQUARE, TypeError, r"activations: got Activation\('square'\), expected a sequence"),
        ("square", TypeError, "activations: got 'square'"),
        ([square], TypeError, r"activations\[0\]: got <function"),
        (
            [SQUARE, rb.Activation("square", half, half)],
            ValueError,
            "activations: got 'square' twice",
        ),
    ],
)
def test_the_activations_passed_to_load_are_checked(
    tmp_path: Path, given: Any, error: type[Exception], message: str
) -> None:
    rb.Network([2, 1]).save(tmp_path / "model")
    with pytest.raises(error, match=message):
        rb.load(tmp_path / "model", activations=given)


# ---- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((1, square, twice), TypeError, "name: got 1, expected a name"),
        (("", square, twice), ValueError, "name: got '', expected a name"),
        (("my own", square, twice), ValueError, "name: got 'my own', expected a name"),
        (("relu", square, twice), ValueError, "name: got 'relu', expected a name that"),
        (("square", 3, twice), TypeError, "f: got 3, expected a function"),
        (("square", square, None), TypeError, "df: got None, expected a function"),
    ],
)
def test_a_bad_pair_is_refused(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        rb.Activation(*arguments)


def test_two_of_one_name_are_refused() -> None:
    other = rb.Activation("square", halve, half)
    with pytest.raises(ValueError, match="got two different activations named 'square'"):
        rb.Network([2, 3, 1], activation=SQUARE, output=other)


@pytest.mark.parametrize(
    "loss",
    ["log_loss", "kl_divergence", "focal", "hinge", "squared_hinge", "poisson", "gaussian_nll"],
)
def test_losses_that_name_their_outputs_refuse_it(loss: str) -> None:
    net = rb.Network([3, 2], output=SQUARE, random_state=0)
    X, Y = samples(5, 3, "float32"), np.ones((5, 2), np.float32)
    with pytest.raises(
        ValueError, match=f"loss: got '{loss}' with output 'square', expected output"
    ):
        net.gradients(X, Y, loss=loss)


def test_second_derivatives_refuse_it() -> None:
    net = rb.Network([3, 4, 2], activation=SQUARE, random_state=0)
    X, Y = samples(5, 3, "float32"), samples(5, 2, "float32")
    with pytest.raises(ValueError, match="activation: got 'square', expected activations whose"):
        net.hessian_vector_product(X, Y, net.theta, loss="squared_error")


def test_scaled_targets_refuse_it() -> None:
    net = rb.Network([3, 2], output=SQUARE, random_state=0)
    X, Y = samples(5, 3, "float32"), samples(5, 2, "float32")
    with pytest.raises(ValueError, match="scale_targets: got one for output 'square', expected"):
        rb.train(net, X, Y, loss="squared_error", scale_targets="standard")


WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "shape": (lambda z: z[:1], ValueError, r"of shape \(1, 4\), expected \(8, 4\)"),
    "a number": (lambda z: 1.0, ValueError, r"of shape \(\), expected \(8, 4\)"),
    "NaN": (lambda z: z * np.float32("nan"), ValueError, "got NaN or infinity in"),
    "None": (lambda z: None, TypeError, "got dtype object, expected real numbers"),
    "complex": (lambda z: z * 1j, TypeError, "got dtype complex64"),
    "too large": (lambda z: np.full(z.shape, 1e300), ValueError, "got a value beyond float32"),
    "an exception": (lambda z: {}["key"], KeyError, "key"),
}


@pytest.mark.parametrize("which", ["f", "df"])
@pytest.mark.parametrize(("function", "error", "message"), WRONG.values(), ids=WRONG)
def test_the_result_of_a_function_is_checked_before_the_network_changes(
    function: Any, error: type[Exception], message: str, which: str
) -> None:
    wrong = Activation("wrong", *((function, twice) if which == "f" else (square, function)))
    X, Y = samples(8, 3, "float32"), samples(8, 2, "float32")
    net = rb.Network([3, 4, 2], activation=wrong, random_state=0)
    before = net.theta.copy()
    for call in (
        lambda: rb.train(net, X, Y, loss="squared_error"),
        lambda: net.gradients(X, Y, loss="squared_error"),
        lambda: net.jacobian(X),
        *([lambda: net.forward(X), lambda: net.trace(X)] if which == "f" else []),
    ):
        with pytest.raises(error, match=message):
            call()
        assert_same_bits(net.theta, before, "theta")
    net.theta = 2 * net.theta  # it is nobody's: the failed calls gave it back


def test_numbers_of_another_type_are_converted() -> None:
    in_float64 = rb.Activation("wide", lambda z: (z * z).astype(np.float64), lambda z: [*(2 * z)])
    one = rb.Network([3, 4, 2], activation=in_float64, random_state=0)
    other = rb.Network([3, 4, 2], activation=SQUARE, random_state=0)
    X, Y = samples(8, 3, "float32"), samples(8, 2, "float32")
    rb.train(one, X, Y, loss="squared_error")
    rb.train(other, X, Y, loss="squared_error")
    assert_same_bits(one.theta, other.theta, "theta")


def test_a_function_may_write_into_what_it_gets() -> None:
    def in_place(z: Any) -> Any:
        z *= z
        return z

    one = rb.Network([3, 4, 2], activation=rb.Activation("in_place", in_place, twice))
    other = rb.Network([3, 4, 2], activation=SQUARE)
    other.theta = one.theta
    X, Y = samples(8, 3, "float32"), samples(8, 2, "float32")
    assert_same_bits(
        one.gradients(X, Y, loss="squared_error").grad,
        other.gradients(X, Y, loss="squared_error").grad,
    )


def test_a_training_that_fails_late_keeps_the_finished_steps() -> None:
    calls = 0

    def breaks(z: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise ArithmeticError("the fourth step")
        return z * z

    X, Y = samples(40, 3, "float32"), samples(40, 2, "float32")
    one = rb.Network([3, 4, 2], activation=rb.Activation("breaks", breaks, twice), random_state=0)
    other = rb.Network([3, 4, 2], activation=SQUARE, random_state=0)
    options: dict[str, Any] = {"loss": "squared_error", "batch_size": 10, "shuffle": False}
    with pytest.raises(ArithmeticError, match="the fourth step"):
        rb.train(one, X, Y, epochs=1, **options)
    rb.train(other, X[:30], Y[:30], epochs=1, **options)
    assert_same_bits(one.theta, other.theta, "theta")


def test_a_divergence_is_a_divergence() -> None:
    X, Y = samples(40, 3, "float32") * 100, samples(40, 2, "float32")
    net = rb.Network([3, 4, 2], activation=SQUARE, random_state=0)
    with np.errstate(over="ignore", invalid="ignore"), pytest.raises(FloatingPointError):
        rb.train(net, X, Y, loss="squared_error", optimizer=rb.SGD(10.0), epochs=50)
    assert np.isfinite(net.theta).all()


def test_its_functions_may_look_at_the_network_and_not_train_it() -> None:
    def looks(z: Any) -> Any:
        if nets and not inside:
            inside.append(nets[0].theta.copy())
            with pytest.raises(RuntimeError):
                rb.train(nets[0], X, Y, loss="squared_error")
        return z * z

    nets: list[rb.Network] = []
    inside: list[Any] = []
    X, Y = samples(8, 3, "float32"), samples(8, 2, "float32")
    nets.append(rb.Network([3, 4, 2], activation=rb.Activation("looks", looks, twice)))
    nets[0].forward(X)
    assert_same_bits(inside[0], nets[0].theta, "theta")
