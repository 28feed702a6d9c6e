"""The weights that early stopping restores reproduce the best number, bit for bit."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import assume, given
from hypothesis import strategies as st

import rosenblatt as rb
from bits import DTYPES, assert_same_bits

N, FEATURES = 24, 5
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, FEATURES)) * (RNG.random((N, FEATURES)) < 0.7)
LABELS = np.arange(N) % 3
NUMBERS = RNG.standard_normal((N, 3))
WEIGHTS = RNG.uniform(0.1, 2.0, N)
HELD_OUT = slice(0, 9)
DIVERGES_AT = 3  # the epoch whose learning rate is far too large


ENDINGS = ("epochs", "callback", "step", "exception", "interrupt", "divergence")


class MyError(Exception):
    """An error of the user's."""


@dataclass(frozen=True)
class Run:
    """A run with early stopping: its network, its data and how it ends."""

    dtype: str = "float64"
    norm: str | None = None
    optimizer: str = "sgd"
    loss: str = "log_loss"
    monitor: str | None = None
    validation: str = "weighted"
    weighted: bool = False
    sparse: bool = False
    scaled: bool = False
    dropout: float = 0.0
    batch_size: int = 6
    ema: float | None = None
    ending: str = "epochs"

    def network(self) -> rb.Network:
        return rb.Network(
            [FEATURES, 6, 3],
            activation="tanh",
            output="softmax" if self.loss == "log_loss" else "identity",
            dtype=self.dtype,
            norm=self.norm,
            random_state=2,
        )

    @property
    def Y(self) -> Any:
        return LABELS if self.loss == "log_loss" else NUMBERS

    @property
    def inputs(self) -> Any:
        return scipy.sparse.csr_matrix(X) if self.sparse else X

    @property
    def monitored(self) -> str:
        """The key in the history of the number that is monitored."""
        default = "loss" if self.validation == "none" else "validation_loss"
        monitor = self.monitor or default
        return "training_loss" if monitor == "loss" else monitor

    def options(self, epochs: int) -> dict[str, Any]:
        validation: Any = None
        if self.validation != "none":
            validation = self.inputs[HELD_OUT], self.Y[HELD_OUT]
        if self.validation == "weighted":
            validation = *validation, WEIGHTS[HELD_OUT]
        lbfgs = self.optimizer == "lbfgs"
        return {
            "loss": self.loss,
            "optimizer": self._optimizer(),
            "epochs": epochs,
            "batch_size": None if lbfgs else self.batch_size,
            "validation": validation,
            "sample_weight": WEIGHTS if self.weighted else None,
            "metrics": {"spread": spread},
            "scale_inputs": "standard" if self.scaled and not self.sparse else None,
            "scale_targets": "minmax" if self.scaled and self.loss == "squared_error" else None,
            "dropout": 0.0 if lbfgs else self.dropout,
            "ema": None if lbfgs else self.ema,
            "early_stopping": rb.EarlyStopping(patience=3, monitor=self.monitor, maximize=False),
        }

    def _optimizer(self) -> Any:
        if self.optimizer == "lbfgs":
            return rb.LBFGS()
        rate: Any = 1.0
        if self.ending == "divergence":
            rate = rb.schedules.PerEpoch(lambda epoch: 1e300 if epoch == DIVERGES_AT else 0.5)
        if self.optimizer == "adam":
            return rb.Adam(rate if self.ending == "divergence" else 0.3)
        return rb.SGD(rate, momentum=0.5)

    def measured(self, net: rb.Network) -> float:
        """The monitored number of a network, measured from outside."""
        rows: Any = HELD_OUT
        if self.validation == "none" or self.monitored == "training_loss":
            rows = slice(None)
        weights = self.validation == "weighted" and self.monitored == "validation_loss"
        if self.monitored == "training_loss":
            weights = self.weighted
        if self.monitored == "spread":
            return spread(self.Y[rows], net.forward(self.inputs[rows]))
        s = WEIGHTS[rows] if weights else None
        return net.gradients(self.inputs[rows], self.Y[rows], loss=self.loss, sample_weight=s).cost


def spread(Y: Any, A: Any) -> float:
    """A metric that every bit of the outputs changes."""
    return float(np.abs(A).sum() * (1 + np.sin(1e3 * A.sum())))


class Recorder(rb.Callback):
    """Records the monitored numbers, and ends the run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.numbers: list[float] = []

    def on_epoch(self, epoch: rb.Epoch) -> bool:
        known = {"validation_loss": epoch.validation_loss, **epoch.metrics}
        self.numbers.append(known[self.run.monitored])
        if epoch.epoch == 3 and self.run.ending == "exception":
            raise MyError
        if epoch.epoch == 3 and self.run.ending == "interrupt":
            raise KeyboardInterrupt
        return epoch.epoch == 3 and self.run.ending == "callback"


class StepStopper(Recorder):
    """Ends the run in the middle of an epoch."""

    def on_step(self, step: rb.Step) -> bool:
        return (step.epoch, step.batch) == (3, 1)


def trained(run: Run, epochs: int = 8) -> tuple[rb.Network, list[float], rb.TrainResult | None]:
    net = run.network()
    recorder = (StepStopper if run.ending == "step" else Recorder)(run)
    options = run.options(epochs)
    result = None
    with suppress(MyError, KeyboardInterrupt, FloatingPointError):  # any may diverge at such rates
        result = rb.train(net, run.inputs, run.Y, callback=recorder, **options)
    return net, recorder.numbers, result


def is_possible(run: Run) -> bool:
    if run.optimizer == "lbfgs" and (run.norm == "batch" or run.ending in ("divergence", "step")):
        return False
    if run.ending == "divergence" and run.loss != "squared_error":  # the others stay finite
        return False
    return not (run.monitor == "validation_loss" and run.validation == "none")


RUNS = st.builds(
    Run,
    dtype=st.sampled_from(DTYPES),
    norm=st.sampled_from([None, "batch", "layer"]),
    optimizer=st.sampled_from(["sgd", "adam", "lbfgs"]),
    loss=st.sampled_from(["log_loss", "squared_error"]),
    monitor=st.sampled_from([None, "loss", "validation_loss", "spread"]),
    validation=st.sampled_from(["none", "plain", "weighted"]),
    weighted=st.booleans(),
    sparse=st.booleans(),
    scaled=st.booleans(),
    dropout=st.sampled_from([0.0, 0.3]),
    batch_size=st.sampled_from([2, 6, 22, 24]),
    ema=st.sampled_from([None, 0.5]),
    ending=st.sampled_from(ENDINGS),
).filter(is_possible)


@given(RUNS)
def test_the_restored_network_reproduces_the_best_number(run: Run) -> None:
    net, numbers, result = trained(run)
    assume(numbers)
    best = int(np.argmin(numbers))
    assert_same_bits(np.float64(run.measured(net)), np.float64(numbers[best]), run.monitored)
    if result is not None:
        assert (result.monitor, result.best_epoch) == (run.monitored, best)
        assert result.history[run.monitored] == tuple(numbers)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_best_training_loss_is_not_that_before_a_bad_step(dtype: str) -> None:
    """In full-batch descent the epoch's own loss is that of the weights before its only step."""
    rates = [0.1, 0.1, 100.0, 1e-9]
    net = rb.Network([FEATURES, 3], output="softmax", dtype=dtype, random_state=0)
    result = rb.train(
        net,
        X,
        LABELS,
        loss="log_loss",
        optimizer=rb.SGD(rb.schedules.PerEpoch(rates.__getitem__)),
        batch_size=None,
        epochs=4,
        early_stopping=True,
    )
    assert int(np.argmin(result.loss_curve)) == 2
    assert (result.monitor, result.best_epoch) == ("training_loss", 1)
    assert result.history["training_loss"][1] == result.loss_curve[2]
    assert net.gradients(X, LABELS, loss="log_loss").cost == result.loss_curve[2]


def test_a_loss_of_your_own_is_measured_after_the_epoch() -> None:
    def loss(A: Any, Y: Any) -> tuple[float, Any]:
        return float(((A - Y) ** 2).mean()), 2 * (A - Y) / A.size

    net = rb.Network([FEATURES, 3], dtype="float64", random_state=0)
    rule = rb.EarlyStopping(monitor="loss")
    result = rb.train(
        net, X, NUMBERS, loss=loss, optimizer=rb.SGD(1.5), epochs=5, early_stopping=rule
    )
    assert result.best_epoch is not None
    best = result.history["training_loss"][result.best_epoch]
    assert best == min(result.history["training_loss"]) == loss(net.forward(X), NUMBERS)[0]


@pytest.mark.parametrize("restore_best", [True, False])
def test_a_divergence_says_which_weights_the_network_has(restore_best: bool) -> None:
    run = Run(ending="divergence", loss="squared_error")
    net, kept = run.network(), []
    options = run.options(8)
    options["early_stopping"] = rb.EarlyStopping(patience=9, restore_best=restore_best)
    with pytest.raises(FloatingPointError) as caught:
        rb.train(net, X, NUMBERS, callback=lambda _: kept.append(net.theta.copy()), **options)
    said = "the best epoch, " if restore_best else "the end of epoch "
    epoch = int(str(caught.value).split(said)[1].split(";")[0])
    assert_same_bits(net.theta, kept[epoch - 1], "theta")
    if not restore_best:
        assert epoch == len(kept)


def test_train_many_restores_the_best_of_those_that_diverge() -> None:
    runs = [Run(ending=ending, loss="squared_error") for ending in ("divergence", "epochs")]
    nets, recorders = [run.network() for run in runs], [Recorder(run) for run in runs]
    settings = [
        run.options(8) | {"callback": recorder}
        for run, recorder in zip(runs, recorders, strict=True)
    ]
    results = rb.train_many(nets, X, NUMBERS, settings=settings)
    assert isinstance(results[0], FloatingPointError)
    assert "the network has the weights of the best epoch" in str(results[0])
    for run, net, recorder in zip(runs, nets, recorders, strict=True):
        assert run.measured(net) == min(recorder.numbers)


def test_an_exception_restores_the_best_of_all_that_were_begun() -> None:
    runs = [Run(ending="epochs"), Run(ending="exception"), Run(ending="epochs")]
    nets, recorders = [run.network() for run in runs], [Recorder(run) for run in runs]
    untouched = nets[2].theta.copy()
    settings = [
        run.options(8) | {"callback": recorder}
        for run, recorder in zip(runs, recorders, strict=True)
    ]
    with pytest.raises(MyError):  # on one thread they run in turn, so the third never begins
        rb.train_many(nets, X, LABELS, settings=settings, threads=1)
    for run, net, recorder in zip(runs[:2], nets, recorders, strict=False):
        assert run.measured(net) == min(recorder.numbers)
    assert_same_bits(nets[2].theta, untouched, "theta")


@pytest.mark.parametrize("norm", [None, "batch"])
@pytest.mark.parametrize("monitor", [None, "loss", "spread"])
def test_a_resumed_run_restores_the_best_of_both(
    monitor: str | None, norm: str | None, tmp_path: Path
) -> None:
    """Also where it diverges at once, and has no good epoch of its own."""
    alone, numbers, _ = trained(Run(loss="squared_error", monitor=monitor, norm=norm), epochs=6)
    for ending in ("epochs", "divergence"):
        path = tmp_path / ending
        run = Run(loss="squared_error", monitor=monitor, norm=norm, ending=ending)
        options = run.options(6) | {"checkpoint": path}
        recorder = Recorder(run)
        rb.train(
            run.network(), X, NUMBERS, callback=recorder, **(options | {"epochs": DIVERGES_AT})
        )
        net = run.network()
        if ending == "epochs":
            rb.train(net, X, NUMBERS, **options)
            assert run.measured(net) == min(numbers)
            assert_same_bits(net.theta, alone.theta, "theta")
        else:
            with pytest.raises(FloatingPointError):
                rb.train(net, X, NUMBERS, **options)
            assert run.measured(net) == min(recorder.numbers)


def test_a_busy_network_is_left_alone_by_a_resumed_run(tmp_path: Path) -> None:
    """A run that cannot begin raises, and does not restore the best weights of its file."""
    run = Run()
    options = run.options(3) | {"checkpoint": tmp_path / "c"}
    rb.train(run.network(), X, LABELS, **options)
    net, seen = run.network(), []

    def resume(epoch: rb.Epoch) -> None:
        before = net.theta.copy()
        with pytest.raises(RuntimeError):
            rb.train(net, X, LABELS, **options)
        seen.append(np.array_equal(before, net.theta))

    rb.train(net, X, LABELS, loss="log_loss", epochs=2, callback=resume)
    assert seen == [True, True]
