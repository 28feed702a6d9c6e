"""A message is short, printable and about the argument that was wrong, whatever the value is."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from itertools import islice
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from hostile import HOSTILE, New, check_messages, check_text, parameters
from rosenblatt import datasets, lecture, schedules
from rosenblatt._checks.shown import brief, shown
from rosenblatt._optimizer import OPTIMIZERS

X = np.random.default_rng(0).random((12, 2))
Y = np.array([0, 1] * 6)
Z = Y[:, None].astype(float)


def net() -> rb.Network:
    return rb.Network([2, 3, 1], activation="tanh", output="logistic", random_state=0)


# ---- the one place that shows a value ------------------------------------------------------------


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_a_value_is_shown_on_one_short_line(value: Callable[[], Any]) -> None:
    text = shown(value())
    assert 0 < len(text) <= 80
    assert text.isprintable()


@pytest.mark.parametrize(
    "value", [None, True, 0, -3, 2**64, 0.1, float("nan"), "it's", b"x", [1, "a"], (1,), {"a": 1}]
)
def test_a_short_value_is_shown_by_its_repr(value: Any) -> None:
    assert shown(value) == repr(value)


def test_large_values_are_described() -> None:
    assert shown(10**5000) == "an integer of 16610 bits"
    assert shown(-(10**5000)) == "a negative integer of 16610 bits"
    assert shown(np.zeros((3, 4))) == "an array of shape (3, 4)"
    assert shown(np.array(0.5)) == "array(0.5)"
    assert shown("ab" * 100) == f"'{'ab' * 18}a...{'ab' * 19}'"


def test_a_text_is_cut_in_its_middle() -> None:
    assert brief("0123456789", 8) == "012...89"
    assert brief("01234567", 8) == "01234567"
    assert brief("a\nb\x00") == "a b\\x00"


# ---- every public callable, every argument -------------------------------------------------------


def trained(optimizer: Any, **settings: Any) -> rb.TrainResult:
    return rb.train(net(), X, Y, loss="log_loss", epochs=1, optimizer=optimizer, **settings)


def by_training(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call that makes an optimiser, or a loss or an initialiser, and uses it."""

    @functools.wraps(make)
    def call(**settings: Any) -> Any:
        return trained(make(**settings))

    return call


def by_schedule(make: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(make)
    def call(**settings: Any) -> Any:
        return schedules.rates(make(**settings), 3, losses=[1.0] * 3)

    return call


def by_loss(make: Callable[..., Any], output: str = "identity") -> Callable[..., Any]:
    @functools.wraps(make)
    def call(**settings: Any) -> Any:
        own = rb.Network([2, 1], output=output, random_state=0)
        return own.gradients(X, Z, loss=make(**settings))

    return call


def by_weights(make: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(make)
    def call(**settings: Any) -> Any:
        return rb.Network([2, 1], weights=make(**settings), random_state=0)

    return call


def activation(**settings: Any) -> Any:
    own = rb.Activation(**settings)
    return rb.Network([2, 3, 1], activation=own, random_state=0).forward(X)


def listed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call that takes the first two results of a generator."""

    @functools.wraps(function)
    def call(*args: Any, **settings: Any) -> Any:
        return list(islice(function(*args, **settings), 2))

    return call


IN_TRAINING: dict[str, Any] = {"net": New(net), "X": X, "Y": Y, "loss": "log_loss"}

OF_NETWORKS: dict[str, dict[str, Any]] = {
    "forward": {"X": X},
    "trace": {"X": X},
    "gradients": {"X": X, "Y": Y, "loss": "log_loss"},
    "backward": {"X": X, "dC_dA": Z},
    "jacobian": {"X": X},
    "per_sample_gradients": {"X": X, "Y": Y, "loss": "log_loss"},
    "hessian_vector_product": {"X": X, "Y": Y, "loss": "log_loss", "v": np.ones(13)},
    "save": {"path": "no-such-folder/file"},
}

# What is called, and with which valid arguments.
CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "Network": (rb.Network, {"layers": [2, 3, 1]}),
    "Activation": (activation, {"name": "own", "f": np.tanh, "df": np.cos}),
    "Scaling": (rb.Scaling, {"offset": [0.0], "factor": [1.0]}),
    "Scaling.fit": (rb.Scaling.fit, {"X": X}),
    "load": (rb.load, {"path": "no-such-file"}),
    "set_isa": (rb.set_isa, {}),
    "train": (rb.train, IN_TRAINING | {"epochs": 1}),
    "find_learning_rate": (rb.find_learning_rate, IN_TRAINING | {"steps": 10}),
    "train_many": (
        rb.train_many,
        {"networks": New(lambda: [net()]), "X": X, "Y": Y, "loss": "log_loss", "epochs": 1},
    ),
    "EarlyStopping": (
        lambda **settings: trained(rb.SGD(), early_stopping=rb.EarlyStopping(**settings)),
        {},
    ),
    "Checkpoint": (rb.Checkpoint, {"path": "file"}),
    "LogLoss": (by_loss(rb.LogLoss, "logistic"), {}),
    "Huber": (by_loss(rb.Huber), {}),
    "Quantile": (by_loss(rb.Quantile), {}),
    "Poisson": (by_loss(rb.Poisson), {}),
    "Focal": (by_loss(rb.Focal, "logistic"), {}),
    "Normal": (by_weights(rb.Normal), {"deviation": 1.0}),
    "Uniform": (by_weights(rb.Uniform), {"limit": 1.0}),
    "Orthogonal": (by_weights(rb.Orthogonal), {}),
    **{
        name: (by_training(getattr(rb, name)), {})
        for name in (each.__name__ for each in OPTIMIZERS)
    },
    "Cosine": (by_schedule(schedules.Cosine), {"first": 0.1, "period": 3}),
    "Exponential": (by_schedule(schedules.Exponential), {"first": 0.1, "factor": 0.5}),
    "InverseScaling": (by_schedule(schedules.InverseScaling), {"first": 0.1}),
    "OneCycle": (by_schedule(schedules.OneCycle), {"highest": 0.1, "steps": 3}),
    "PerEpoch": (by_schedule(schedules.PerEpoch), {"function": float}),
    "ReduceOnPlateau": (by_schedule(schedules.ReduceOnPlateau), {"first": 0.1}),
    "StepDecay": (by_schedule(schedules.StepDecay), {"first": 0.1, "every": 3}),
    "WarmUp": (by_schedule(schedules.WarmUp), {"steps": 3, "then": 0.1}),
    "rates": (schedules.rates, {"schedule": 0.1, "steps": 3}),
    "Perceptron": (lecture.Perceptron, {}),
    "Perceptron.steps": (
        listed(lambda X, y, max_epochs=1: lecture.Perceptron().steps(X, y, max_epochs=max_epochs)),
        {"X": X, "y": Y},
    ),
    "descent": (
        listed(lecture.descent),
        {"net": New(net), "X": X, "Y": Z},
    ),
    "explain": (lecture.explain, {"net": New(net), "x": X[0], "y": [1.0], "weight": (2, 1, 1)}),
    "gradient_check": (lecture.gradient_check, {"net": New(net), "X": X, "Y": Z}),
    "lecture.trace": (lecture.trace, {"net": New(net), "x": X[0], "y": [1.0], "loss": "log_loss"}),
    "make_circles": (datasets.make_circles, {"n_samples": 9}),
    "make_moons": (datasets.make_moons, {"n_samples": 9}),
    "make_spirals": (datasets.make_spirals, {"n_samples": 9}),
    "make_xor": (datasets.make_xor, {"n_samples": 9}),
    **{
        f"Network.{name}": (getattr(rb.Network, name), {"self": New(net), **arguments})
        for name, arguments in OF_NETWORKS.items()
    },
}


@pytest.mark.parametrize(("name", "parameter"), parameters(CALLS))
def test_every_argument(name: str, parameter: str) -> None:
    check_messages(CALLS[name], parameter)


@pytest.mark.parametrize("name", ["theta", "threads", "input_scaling", "target_scaling"])
def test_every_attribute(name: str) -> None:
    check_messages((lambda value: setattr(net(), name, value), {}), "value", name)


@pytest.mark.parametrize("name", ["W", "b", "g", "running_mean", "running_var"])
def test_every_view_of_parameters(name: str) -> None:
    own = rb.Network([2, 3, 1], norm="batch", random_state=0)
    views = getattr(own, name)
    check_messages((lambda value: views.__setitem__(0, value), {}), "value", name)


# ---- the place of a wrong value ------------------------------------------------------------------


def test_the_column_of_a_table_that_is_no_number() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"age": X[:, 0], "colour": ["red"] * 12})
    words = "X: got dtype object in column 'colour', expected real numbers"
    for call in (net().forward, lambda X: rb.train(net(), X, Y, loss="log_loss", epochs=1)):
        with pytest.raises(TypeError, match=words):
            call(table)
    with pytest.raises(TypeError, match="Y: got dtype object in column 'colour', expected real"):
        rb.train(net(), X, table, loss="squared_error", epochs=1)
    with pytest.raises(TypeError, match="X: got dtype <U3 in column 1, expected real numbers"):
        net().forward(np.array([["1", "red"]]))


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil"])
def test_the_place_of_a_value_in_a_sparse_matrix(form: str) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    rows = np.zeros((5, 2))
    rows[[0, 3, 4], [0, 1, 0]] = 1, np.nan, 2
    with pytest.raises(ValueError, match=r"X: got nan at X\[3, 1\], expected finite numbers"):
        net().forward(sparse.csr_matrix(rows).asformat(form))


# ---- answers of functions that a user gives ------------------------------------------------------


@pytest.mark.parametrize("schedule", [lambda f: f, schedules.PerEpoch], ids=["steps", "epochs"])
def test_every_answer_of_a_schedule(schedule: Callable[..., Any]) -> None:
    def train(answer: Any) -> None:
        trained(rb.SGD(schedule(lambda _step: answer)))

    check_messages((train, {}), "answer", "learning_rate")


@pytest.mark.parametrize("answer", [True, np.bool_(True), np.array(True), "0.1", None, [0.1]])
def test_an_answer_of_a_schedule_that_is_no_number(answer: Any) -> None:
    with pytest.raises(
        TypeError, match=r"got .* from the schedule at step 0, expected a finite number"
    ):
        trained(rb.SGD(lambda _step: answer))


@pytest.mark.parametrize("answer", [0, 0.5, np.float32(0.5), np.int64(1), np.array(0.5)])
def test_an_answer_of_a_schedule_that_is_a_number(answer: Any) -> None:
    rates = schedules.rates(lambda _step: answer, 2)
    assert rates.tolist() == [float(answer)] * 2


@pytest.mark.parametrize("name", ["on_epoch", "on_step"])
def test_every_answer_of_a_callback(name: str) -> None:
    def train(answer: Any) -> None:
        methods = {name: lambda _self, _told: answer}
        trained(rb.SGD(), callback=type("Answers", (rb.Callback,), methods)())

    check_messages((train, {}), "answer", "callback: got the answer")
    with pytest.raises(ValueError, match=r"callback: got the answer an array of shape \(2,\)"):
        train(np.zeros(2))


def test_layers_whose_weights_do_not_fit() -> None:
    with pytest.raises(ValueError, match="layers: got more weights than") as raised:
        rb.Network([2**62] * 10**4)
    check_text(str(raised.value), "layers", "many layers")


RESULTS = {  # what calls return; nobody makes one
    *("Derivatives", "Gradients", "LearningRates", "Trace", "TrainResult", "Epoch", "Step"),
    *("ConvergenceBound", "Correction", "Difference", "Disagreement", "Explanation", "Line"),
    *("GradientCheck", "SampleTrace", "Update", "Digits", "Points"),
}
ERRORS = {
    name
    for name in rb.__all__
    if isinstance(getattr(rb, name), type) and issubclass(getattr(rb, name), Exception)
}
WITHOUT_ARGUMENTS = {"Callback", "build_info", "load_digits"}


@pytest.mark.parametrize("module", [rb, schedules, lecture, datasets], ids=lambda m: m.__name__)
def test_no_public_name_is_left_out(module: ModuleType) -> None:
    tested = {part for name in CALLS for part in name.split(".")}
    names = {name for name in module.__all__ if callable(getattr(module, name))}
    assert names - tested == names & (RESULTS | ERRORS | WITHOUT_ARGUMENTS)


def test_no_method_of_a_network_is_left_out() -> None:
    methods = {name for name, _ in inspect.getmembers(rb.Network, inspect.isfunction)}
    public = {name for name in methods if not name.startswith("_")}
    assert public - {"copy"} == set(OF_NETWORKS)
