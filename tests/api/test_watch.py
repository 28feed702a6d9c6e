"""What looks at a training: metrics, early stopping, limits, callbacks, progress, own losses."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import DTYPES, assert_same_bits, samples

X, Y_LABELS = rb.datasets.load_digits()
X, Y_LABELS = X[:300], Y_LABELS[:300]


def digits_net(dtype: str = "float32") -> rb.Network:
    return rb.Network([64, 16, 10], output="softmax", dtype=dtype, random_state=0)


def train_digits(net: rb.Network, **options: Any) -> rb.TrainResult:
    defaults: dict[str, Any] = {"loss": "log_loss", "optimizer": rb.SGD(0.1), "epochs": 5}
    return rb.train(net, X, Y_LABELS, **(defaults | options))


# ------------------------------------------------------------------------------- validation part


def test_the_same_fraction_of_every_class_is_held_out() -> None:
    """The rows that are held out take no part in the training, and their loss is the curve."""
    net, by_hand = digits_net(), digits_net()
    seen: list[Any] = []

    def keep(Y: Any, A: Any) -> float:
        seen.append(np.array(Y))
        return 0.0

    result = train_digits(net, validation=0.2, metrics=keep, epochs=1)
    held_out = seen[0]
    assert len(held_out) == 60
    counts, of_all = np.bincount(held_out, minlength=10), np.bincount(Y_LABELS, minlength=10)
    assert (np.abs(counts - of_all * 0.2) < 1).all()
    from rosenblatt._cli import holdout

    out = holdout.draw_held_out(Y_LABELS, 0.2, 0)
    wanted = rb.train(
        by_hand,
        X[~out],
        Y_LABELS[~out],
        loss="log_loss",
        optimizer=rb.SGD(0.1),
        epochs=1,
        validation=(X[out], Y_LABELS[out]),
    )
    assert_same_bits(net.theta, by_hand.theta, "theta")
    assert result.validation_curve == wanted.validation_curve
    assert result.history["validation_loss"] == result.validation_curve


def test_the_seed_draws_the_held_out_rows() -> None:
    one, two, again = digits_net(), digits_net(), digits_net()
    train_digits(one, validation=0.5, random_state=1)
    train_digits(two, validation=0.5, random_state=2)
    train_digits(again, validation=0.5, random_state=1)
    assert not np.array_equal(one.theta, two.theta)
    assert_same_bits(one.theta, again.theta, "theta")


@pytest.mark.parametrize(
    ("validation", "error", "message"),
    [
        (0.0, ValueError, "validation: got 0.0, expected a number above 0"),
        (1.5, ValueError, "validation: got 1.5"),
        (float("nan"), ValueError, "validation: got nan"),
        (True, TypeError, "validation: got True"),
        (0.0001, ValueError, "expected one or more in each part|expected a number"),
        ((X,), TypeError, "validation: got 1 things"),
        ("0.2", TypeError, "validation: got str"),
    ],
)
def test_bad_validations_are_refused(validation: Any, error: type[Exception], message: str) -> None:
    net = digits_net()
    data = (X[:1], Y_LABELS[:1]) if validation == 0.0001 else (X, Y_LABELS)
    with pytest.raises(error, match=message):
        rb.train(net, *data, loss="log_loss", validation=validation)


# -------------------------------------------------------------------------------------- metrics


def test_metrics_are_of_the_validation_samples() -> None:
    net = digits_net()
    unseen = (X[:50], Y_LABELS[:50])
    result = train_digits(net, validation=unseen, metrics=["accuracy", rows_seen])
    assert len(result.history["accuracy"]) == 5
    assert result.history["accuracy"][-1] == (net.forward(X[:50]).argmax(1) == Y_LABELS[:50]).mean()
    assert result.history["rows_seen"] == (50.0,) * 5
    assert set(result.history) == {
        "loss",
        "validation_loss",
        "learning_rate",
        "accuracy",
        "rows_seen",
    }


def rows_seen(Y: Any, A: Any) -> int:
    return len(Y)


def test_metrics_of_numbers() -> None:
    inputs = samples(40, 3, "float64")
    targets = inputs @ np.array([[1.0], [2.0], [-1.0]])
    net = rb.Network([3, 1], dtype="float64", random_state=0)
    names = ["r2", "mean_absolute_error", "root_mean_squared_error"]
    result = rb.train(net, inputs, targets.ravel(), loss="squared_error", metrics=names)
    error = net.forward(inputs) - targets
    spread = ((targets - targets.mean()) ** 2).sum()
    assert result.history["r2"][-1] == pytest.approx(1 - (error**2).sum() / spread)
    assert result.history["mean_absolute_error"][-1] == pytest.approx(np.abs(error).mean())
    rmse = np.sqrt((error**2).mean())
    assert result.history["root_mean_squared_error"][-1] == pytest.approx(rmse)


def test_accuracy_of_every_form_of_targets() -> None:
    from rosenblatt._training.metrics import accuracy

    A = np.array([[0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])
    assert accuracy([0, 1, 1], A) == pytest.approx(2 / 3)
    assert accuracy(np.eye(2)[[0, 1, 1]], A) == pytest.approx(2 / 3)
    assert accuracy([[1, 1], [0, 1], [1, 0]], A) == pytest.approx(5 / 6)
    assert accuracy([0, 1, 1], A[:, :1]) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("metrics", "error", "message"),
    [
        ("acuracy", ValueError, "metrics: got 'acuracy', expected one of 'accuracy'"),
        (3, TypeError, "metrics: got 3"),
        (["accuracy", "accuracy"], ValueError, "metrics: got 'accuracy' twice"),
        ({"loss": "accuracy"}, ValueError, "metrics: got 'loss' twice or for a loss"),
        ({1: "accuracy"}, TypeError, "metrics: got the key 1"),
        (lambda Y, A: np.nan, ValueError, "metrics: <lambda>: got nan"),
        (lambda Y, A: "much", TypeError, "metrics: <lambda>: got 'much'"),
    ],
)
def test_bad_metrics_are_refused(metrics: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        train_digits(digits_net(), metrics=metrics)


# ------------------------------------------------------------------------------- early stopping


def fake(values: list[float]) -> Any:
    """A metric that gives these values, one an epoch."""
    left = iter(values)

    def value(Y: Any, A: Any) -> float:
        return next(left)

    return value


def test_early_stopping_waits_and_restores() -> None:
    net = digits_net()
    kept: list[Any] = []
    values = [1.0, 3.0, 2.0, 3.0, 2.5, 9.0]
    result = train_digits(
        net,
        epochs=6,
        metrics={"value": fake(values)},
        early_stopping=rb.EarlyStopping(patience=3, monitor="value", maximize=True),
        callback=lambda epoch: kept.append(net.theta.copy()) and None,
    )
    assert (result.stop_reason, result.epochs, result.best_epoch) == ("early_stopping", 5, 1)
    assert_same_bits(net.theta, kept[1], "theta")


def test_min_delta_is_the_least_improvement() -> None:
    rule: dict[str, Any] = {"patience": 2, "monitor": "value", "maximize": False}
    values = [1.0, 0.9, 0.8, 0.7, 0.6]
    strict = rb.EarlyStopping(min_delta=0.15, **rule)
    result = train_digits(digits_net(), metrics={"value": fake(values)}, early_stopping=strict)
    assert (result.stop_reason, result.best_epoch) == ("epochs", 4)  # 1.0, 0.8, 0.6
    stricter = rb.EarlyStopping(min_delta=0.25, **rule)
    result = train_digits(digits_net(), metrics={"value": fake(values)}, early_stopping=stricter)
    assert (result.stop_reason, result.best_epoch, result.epochs) == ("early_stopping", 0, 3)


def test_without_restoring_the_last_weights_stay() -> None:
    stays, plain = digits_net(), digits_net()
    rule = rb.EarlyStopping(patience=2, monitor="value", maximize=True, restore_best=False)
    options: dict[str, Any] = {"metrics": {"value": fake([1.0, 0.0, 0.0])}}
    result = train_digits(stays, early_stopping=rule, **options)
    assert result.epochs == 3
    train_digits(plain, epochs=3)
    assert_same_bits(stays.theta, plain.theta, "theta")


def test_true_watches_the_validation_loss() -> None:
    net = digits_net()
    result = train_digits(
        net, epochs=400, optimizer=rb.SGD(0.5), validation=0.3, early_stopping=True
    )
    assert result.stop_reason == "early_stopping"
    assert result.validation_curve is not None
    assert result.best_epoch == int(np.argmin(result.validation_curve))
    assert result.epochs == result.best_epoch + 11


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        ({"patience": 0}, ValueError, "patience: got 0"),
        ({"patience": True}, TypeError, "patience: got True"),
        ({"min_delta": -1}, ValueError, "min_delta: got -1"),
        ({"min_delta": float("nan")}, ValueError, "min_delta: got nan"),
        ({"monitor": 3}, TypeError, "monitor: got 3"),
        ({"maximize": 1}, TypeError, "maximize: got 1"),
        ({"restore_best": None}, TypeError, "restore_best: got None"),
    ],
)
def test_bad_rules_are_refused(rule: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        rb.EarlyStopping(**rule)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"early_stopping": 3}, TypeError, "early_stopping: got 3"),
        (
            {"early_stopping": rb.EarlyStopping(monitor="validation_loss")},
            ValueError,
            "monitor: got 'validation_loss', expected one of 'loss'",
        ),
        (
            {"early_stopping": rb.EarlyStopping(monitor="f"), "metrics": {"f": rows_seen}},
            ValueError,
            "maximize: got None for 'f'",
        ),
        ({"target_loss": "low"}, TypeError, "target_loss: got 'low'"),
        ({"target_loss": float("nan")}, ValueError, "target_loss: got nan"),
        ({"time_limit": 0}, ValueError, "time_limit: got 0"),
        ({"time_limit": float("inf")}, ValueError, "time_limit: got inf"),
        ({"callback": 3}, TypeError, "callback: got 3"),
        ({"callback": rb.Callback}, TypeError, "callback: got <class"),
        ({"callback": [print, "x"]}, TypeError, r"callback\[1\]: got 'x'"),
        ({"progress": "bar"}, ValueError, "progress: got 'bar'"),
        ({"progress": 1}, TypeError, "progress: got 1"),
    ],
)
def test_bad_watchers_are_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    net = digits_net()
    before = net.theta.copy()
    with pytest.raises(error, match=message):
        train_digits(net, **options)
    assert_same_bits(net.theta, before, "theta")


# --------------------------------------------------------------------------------------- limits


def test_target_loss() -> None:
    result = train_digits(digits_net(), epochs=100, target_loss=1.0)
    assert result.stop_reason == "target_loss"
    assert result.loss_curve[-1] <= 1.0 < result.loss_curve[-2]


def test_target_loss_uses_the_validation_loss_if_there_is_one() -> None:
    result = train_digits(digits_net(), epochs=100, target_loss=1.0, validation=0.2)
    assert result.validation_curve is not None
    assert result.validation_curve[-1] <= 1.0 < result.validation_curve[-2]


def test_the_time_limit_ends_an_epoch_in_its_middle() -> None:
    """An epoch of minutes, and a limit of a tenth of a second."""
    net = rb.Network([64, 500, 500, 10], output="softmax", random_state=0)
    many = np.tile(X, (400, 1))
    result = rb.train(net, many, np.tile(Y_LABELS, 400), loss="log_loss", time_limit=0.1)
    assert result.stop_reason == "time_limit"
    assert (result.epochs, result.loss_curve) == (0, ())
    assert result.seconds >= 0.1
    assert not np.array_equal(net.theta, rb.Network([64, 500, 500, 10], random_state=0).theta)


def test_a_limit_that_is_not_reached_changes_nothing() -> None:
    one, two = digits_net(), digits_net()
    result = train_digits(one, time_limit=1e300)
    train_digits(two)
    assert result.stop_reason == "epochs"
    assert_same_bits(one.theta, two.theta, "theta")


# ------------------------------------------------------------------------------------ callbacks


class Recorder(rb.Callback):
    """Writes down all that it is told."""

    def __init__(self, stop_at: tuple[int, int] | None = None) -> None:
        self.steps: list[rb.Step] = []
        self.epochs: list[rb.Epoch] = []
        self.results: list[rb.TrainResult] = []
        self.stop_at = stop_at

    def on_step(self, step: rb.Step) -> object:
        self.steps.append(step)
        return (step.epoch, step.batch) == self.stop_at

    def on_epoch(self, epoch: rb.Epoch) -> object:
        self.epochs.append(epoch)
        return None

    def on_end(self, result: rb.TrainResult) -> None:
        self.results.append(result)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_callback_sees_every_step(dtype: str) -> None:
    watched, alone = digits_net(dtype), digits_net(dtype)
    recorder, others = Recorder(), []
    result = train_digits(watched, epochs=2, callback=[recorder, others.append])
    train_digits(alone, epochs=2)
    assert_same_bits(watched.theta, alone.theta, "theta")
    assert [(step.epoch, step.batch) for step in recorder.steps] == [
        (epoch, batch) for epoch in range(2) for batch in range(10)
    ]
    weights = [32] * 9 + [12]
    mean = sum(step.loss * n for step, n in zip(recorder.steps[:10], weights, strict=True)) / 300
    assert result.loss_curve[0] == pytest.approx(mean)
    assert [epoch.loss for epoch in recorder.epochs] == list(result.loss_curve)
    assert recorder.results == [result]
    assert others == recorder.epochs


def test_a_step_can_end_the_training() -> None:
    net = digits_net()
    recorder = Recorder(stop_at=(1, 3))
    result = train_digits(net, callback=recorder)
    assert (result.stop_reason, result.epochs, len(recorder.steps)) == ("callback", 1, 14)


def test_the_last_step_of_an_epoch_ends_it_whole() -> None:
    recorder = Recorder(stop_at=(1, 9))
    result = train_digits(digits_net(), callback=recorder)
    assert (result.stop_reason, result.epochs, len(recorder.epochs)) == ("callback", 2, 2)


def test_a_step_may_change_the_network() -> None:
    class Zero(rb.Callback):
        def on_step(self, step: rb.Step) -> object:
            net.theta[:] = 0
            return step.batch == 4

    net = digits_net()
    train_digits(net, callback=Zero())
    assert not net.theta.any()


def test_an_error_in_a_step_ends_the_training() -> None:
    class Broken(rb.Callback):
        def on_step(self, step: rb.Step) -> object:
            raise LookupError("mine")

    net, one_step = digits_net(), digits_net()
    with pytest.raises(LookupError, match="mine"):
        train_digits(net, callback=Broken())
    train_digits(one_step, callback=Recorder(stop_at=(0, 0)))
    assert_same_bits(net.theta, one_step.theta, "theta")


# ------------------------------------------------------------------------------------- progress


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    train_digits(digits_net(), epochs=20, progress="plain", metrics="accuracy")
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("epoch  2/20  loss ")
    assert "accuracy 0." in lines[0]


def test_true_falls_back_to_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("rich", "rich.progress", "tqdm"):
        monkeypatch.setitem(sys.modules, module, None)
    train_digits(digits_net(), progress=True)
    assert capsys.readouterr().err.splitlines()[-1].startswith("epoch 5/5  loss ")
    with pytest.raises(ImportError, match="progress: 'tqdm' needs the package tqdm"):
        train_digits(digits_net(), progress="tqdm")


@pytest.mark.parametrize("style", ["rich", "tqdm"])
def test_live_bars(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip(style)
    train_digits(digits_net(), progress=style)
    said = capsys.readouterr()
    assert "training" in said.out + said.err
    with pytest.raises(FloatingPointError):  # the bar is closed, or the next one could not be
        train_digits(digits_net(), progress=style, optimizer=rb.SGD(1e30))
    train_digits(digits_net(), progress=style)


def test_silence_is_the_default(capfd: pytest.CaptureFixture[str]) -> None:
    train_digits(digits_net())
    assert capfd.readouterr() == ("", "")


# ----------------------------------------------------------------------------- losses of one's own


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("layers", [[4, 6, 3], [4, 1], [300, 40, 3]], ids=str)
def test_a_custom_loss_trains_like_the_built_in_one(
    layers: list[int], dtype: str, shuffle: bool
) -> None:
    """Powers of two as sizes of batches, so that 1/n rounds nothing."""
    inputs, targets = samples(20, layers[0], dtype), samples(20, layers[-1], dtype)

    def half_squares(A: Any, Y: Any) -> tuple[float, Any]:
        return float(((A - Y) ** 2).sum() / 2 / len(A)), (A - Y) / len(A)

    own = rb.Network(layers, activation="tanh", dtype=dtype, random_state=0)
    ours = own.copy()
    options: dict[str, Any] = {
        "batch_size": 4,
        "epochs": 3,
        "shuffle": shuffle,
        "validation": (inputs[:5], targets[:5]),
    }
    one = rb.train(own, inputs, targets, loss=half_squares, **options)
    two = rb.train(ours, inputs, targets, loss="squared_error", **options)
    assert_same_bits(own.theta, ours.theta, "theta")
    np.testing.assert_allclose(one.loss_curve, two.loss_curve, rtol=1e-5)
    assert one.validation_curve is not None
    assert two.validation_curve is not None
    np.testing.assert_allclose(one.validation_curve, two.validation_curve, rtol=1e-5)


def test_a_custom_loss_gets_its_targets_unchanged() -> None:
    words = np.array(["a", "b", "c", "d", "e"])
    seen: list[str] = []

    def loss(A: Any, Y: Any) -> tuple[float, Any]:
        seen.extend(Y)
        return 0.0, np.zeros_like(A)

    net = rb.Network([2, 2], random_state=0)
    rb.train(net, samples(5, 2, "float32"), words, loss=loss, batch_size=2, epochs=1)
    assert sorted(seen) == list(words)


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (lambda A, Y: 1.0, TypeError, r"loss: got float, expected a pair \(C, dC/dA\)"),
        (lambda A, Y: (1.0, A[:1]), ValueError, r"loss: got dC/dA of shape \(1, 3\)"),
        (lambda A, Y: (1.0, A * np.nan), ValueError, "loss: got NaN or infinity in dC/dA"),
        (lambda A, Y: (1.0, A * 1j), TypeError, "loss: its dC/dA: got dtype complex"),
        (lambda A, Y: (np.nan, A), FloatingPointError, "training diverged: the loss"),
        (lambda A, Y: 1 / 0, ZeroDivisionError, "division"),
    ],
)
def test_a_loss_that_gives_nonsense(loss: Any, error: type[Exception], message: str) -> None:
    net = rb.Network([4, 3], random_state=0)
    before = net.theta.copy()
    with pytest.raises(error, match=message):
        rb.train(net, samples(8, 4, "float32"), samples(8, 3, "float32"), loss=loss)
    assert_same_bits(net.theta, before, "theta")


def test_a_custom_loss_takes_no_sample_weights() -> None:
    net = rb.Network([4, 3], random_state=0)
    arrays = samples(8, 4, "float32"), samples(8, 3, "float32")
    with pytest.raises(ValueError, match="sample_weight: got weights with a loss of your own"):
        rb.train(net, *arrays, loss=lambda A, Y: (0.0, A), sample_weight=np.ones(8))
    with pytest.raises(ValueError, match=r"Y: got shape \(8, 3\), expected 7 rows"):
        rb.train(net, arrays[0][:7], arrays[1], loss=lambda A, Y: (0.0, A))
