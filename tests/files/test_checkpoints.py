"""Checkpoints: a training that was broken off goes on to the bits of one that never stopped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import DTYPES, assert_same_bits, labels, samples, targets
from effort import cases, seconds
from rosenblatt import schedules
from test_update import DESCENTS, OTHERS, REGULARISATIONS, SCHEDULES, name

EPOCHS = 6
LAYERS = [5, 9, 4]


class BrokenOffError(Exception):
    """What ends a training as suddenly as a kill does, as far as the file can tell."""


def breaking(after: int) -> Callable[[rb.Epoch], None]:
    """A callback that raises in the epoch after so many."""

    def callback(epoch: rb.Epoch) -> None:
        if epoch.epoch == after:
            raise BrokenOffError

    return callback


def train(net: rb.Network | None = None, **options: Any) -> tuple[rb.Network, rb.TrainResult]:
    """A training on a few samples, of a network of its own where none is given."""
    dtype = options.pop("dtype", "float64")
    if net is None:
        seed = options.pop("weights", 0)
        net = rb.Network(LAYERS, activation="tanh", dtype=dtype, random_state=seed)
    X = options.pop("X", samples(23, LAYERS[0], dtype))
    Y = options.pop("Y", targets("squared_error", "identity", 23, LAYERS[-1], dtype))
    defaults = {"loss": "squared_error", "batch_size": 4, "epochs": EPOCHS}
    return net, rb.train(net, X, Y, **(defaults | options))


def assert_same_training(
    got: tuple[rb.Network, rb.TrainResult], wanted: tuple[rb.Network, rb.TrainResult]
) -> None:
    (net, result), (other_net, other) = got, wanted
    assert_same_bits(net.theta, other_net.theta, "theta")
    assert repr(net) == repr(other_net)
    assert result.loss_curve == other.loss_curve
    assert result.validation_curve == other.validation_curve
    assert result.history == other.history
    assert list(result.history) == list(other.history)
    assert (result.epochs, result.stop_reason) == (other.epochs, other.stop_reason)
    assert result.best_epoch == other.best_epoch
    assert (result.ema is None) == (other.ema is None)
    if result.ema is not None:
        assert_same_bits(result.ema, other.ema, "ema")


def assert_goes_on(path: Path, breaks: tuple[int, ...] = (3,), **options: Any) -> None:
    """Break a training off after each of these epochs, and compare with one that never stopped."""
    wanted = train(**options)
    for i, after in enumerate(breaks):
        with pytest.raises(BrokenOffError):
            train(
                **(options | {"weights": i}),
                checkpoint=path,
                threads=1 + i % 2,
                callback=breaking(after),
            )
    got = train(**(options | {"weights": 9}), checkpoint=path, threads=2 - len(breaks) % 2)
    assert_same_training(got, wanted)
    again = train(**(options | {"weights": 8}), checkpoint=path)  # the run that was finished
    assert_same_training(again, wanted)


# --------------------------------------------------------------------------------- the same bits


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", [*DESCENTS, *OTHERS], ids=name)
def test_every_optimizer_goes_on(optimizer: Any, dtype: str, tmp_path: Path) -> None:
    assert_goes_on(tmp_path / "c", optimizer=optimizer, dtype=dtype)


@pytest.mark.parametrize("breaks", [(1,), (5,), (1, 2, 4), (2, 2)], ids=str)
def test_breaks_anywhere(breaks: tuple[int, ...], tmp_path: Path) -> None:
    assert_goes_on(tmp_path / "c", breaks, optimizer=rb.Adam(0.05))


@pytest.mark.parametrize("schedule", SCHEDULES, ids=name)
def test_every_schedule_goes_on(schedule: Any, tmp_path: Path) -> None:
    validation = (samples(7, 5, "float64", 1), targets("squared_error", "", 7, 4, "float64"))
    assert_goes_on(tmp_path / "c", optimizer=rb.SGD(schedule, momentum=0.5), validation=validation)


def test_a_callable_schedule_is_called_with_the_same_steps(tmp_path: Path) -> None:
    asked: list[int] = []

    def schedule(step: int) -> float:
        asked.append(step)
        return 0.1 / (1 + step)

    assert_goes_on(tmp_path / "c", optimizer=rb.SGD(schedule))
    steps = list(range(36))
    assert asked == [*steps, *steps[:24], *steps[18:]]  # whole; broken in the 4th epoch; going on


@pytest.mark.parametrize("settings", REGULARISATIONS, ids=name)
def test_regularisation_and_averages_go_on(settings: dict[str, float], tmp_path: Path) -> None:
    assert_goes_on(tmp_path / "c", optimizer=rb.Adam(0.05), dtype="float32", **settings)


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 0.3, "input_dropout": 0.1},
        {"shuffle": False},
        {"input_noise": 0.2, "dropout": 0.3},
        {"random_state": 7, "validation": 0.3},
        {"scale_inputs": "standard", "scale_targets": "minmax"},
        {"sample_weight": np.arange(23.0) % 3, "validation": 0.3},
        {"gradient_norm": True, "metrics": ["r2"], "validation": 0.3},
        {"loss": rb.Huber(delta=0.5), "batch_size": None},
    ],
    ids="-".join,
)
@pytest.mark.parametrize("optimizer", [rb.SGD(0.1, momentum=0.9), rb.NAdam(0.05)], ids=name)
def test_settings_go_on(options: dict[str, Any], optimizer: Any, tmp_path: Path) -> None:
    assert_goes_on(tmp_path / "c", optimizer=optimizer, **options)


def ours(A: Any, Y: Any) -> tuple[float, Any]:
    """A loss of one's own."""
    return float(((A - Y) ** 2).mean()), 2 * (A - Y) / A.size


def test_a_custom_loss_and_class_weights_resume(tmp_path: Path) -> None:
    assert_goes_on(tmp_path / "c", loss=ours, optimizer=rb.Adam(0.05))
    wanted, got = (rb.Network([5, 8, 3], output="softmax", random_state=0) for _ in range(2))
    X, y = samples(40, 5, "float32"), labels(40, 3)
    how: dict[str, Any] = {"loss": "log_loss", "epochs": 5, "class_weight": "balanced"}
    rb.train(wanted, X, y, **how)
    with pytest.raises(BrokenOffError):
        rb.train(got, X, y, **how, checkpoint=tmp_path / "d", callback=breaking(2))
    rb.train(got, X, y, **how, checkpoint=tmp_path / "d")
    assert_same_bits(got.theta, wanted.theta, "theta")


def test_a_custom_activation_resumes(tmp_path: Path) -> None:
    """The file has its name, and the network that is given has its functions."""
    cube = rb.Activation("cube", lambda Z: Z**3, lambda Z: 3 * Z**2)

    def fresh(activation: Any) -> rb.Network:
        return rb.Network(LAYERS, activation=activation, dtype="float64", random_state=0)

    wanted = train(fresh(cube), optimizer=rb.Adam())
    options: dict[str, Any] = {"optimizer": rb.Adam(), "checkpoint": tmp_path / "c"}
    with pytest.raises(BrokenOffError):
        train(fresh(cube), callback=breaking(3), **options)
    with pytest.raises(rb.ModelFormatError, match=r"network: no such network: .*'cube'"):
        train(fresh("tanh"), **options)
    assert_same_training(train(fresh(cube), **options), wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("history", [1, 3, 10])
@pytest.mark.parametrize("breaks", [(1,), (9, 12)], ids=str)
def test_lbfgs_goes_on(breaks: tuple[int, ...], history: int, dtype: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"optimizer": rb.LBFGS(history=history, tolerance_change=0)}
    options |= {"batch_size": None, "epochs": 16, "l2": 0.01, "gradient_norm": True}
    assert_goes_on(tmp_path / "c", breaks, dtype=dtype, **options)


def test_lbfgs_that_has_converged_stays_so(tmp_path: Path) -> None:
    options: dict[str, Any] = {"optimizer": rb.LBFGS(tolerance_change=0.05), "batch_size": None}
    wanted = train(epochs=50, **options)
    assert wanted[1].stop_reason == "converged"
    for epochs in (50, 50, 80):
        got = train(epochs=epochs, checkpoint=tmp_path / "c", **options)
        assert_same_training(got, wanted)


@pytest.mark.parametrize("optimizer", [rb.Adam(0.05), rb.LBFGS(tolerance_change=0)], ids=name)
def test_a_callback_that_changes_the_network_goes_on(optimizer: Any, tmp_path: Path) -> None:
    """What is written is what the callbacks left."""

    def training(path: Path | None, after: int | None) -> tuple[rb.Network, rb.TrainResult]:
        net = rb.Network(LAYERS, activation="tanh", dtype="float64", random_state=0)

        def shake(epoch: rb.Epoch) -> None:
            if epoch.epoch % 2 == 1:
                net.theta[:] *= 0.9
            if epoch.epoch == after:
                raise BrokenOffError

        return train(net, optimizer=optimizer, batch_size=None, checkpoint=path, callback=shake)

    wanted = training(None, None)
    for after in (2, 4):
        with pytest.raises(BrokenOffError):
            training(tmp_path / str(after), after)
        assert_same_training(training(tmp_path / str(after), None), wanted)


def test_a_training_that_began_with_checkpoints_has_the_bits_of_one_without(
    tmp_path: Path,
) -> None:
    assert_same_training(train(checkpoint=tmp_path / "c"), train())


# ------------------------------------------------------------------------------ how trainings end


@pytest.mark.parametrize("restore_best", [True, False])
@pytest.mark.parametrize("monitor", [None, "r2"])
@pytest.mark.parametrize("after", [2, 4])
def test_early_stopping_goes_on(
    after: int, monitor: str | None, restore_best: bool, tmp_path: Path
) -> None:
    """A training whose validation loss rises, broken off before and while it waits."""
    rule = rb.EarlyStopping(patience=3, monitor=monitor, restore_best=restore_best)
    options: dict[str, Any] = {"early_stopping": rule, "metrics": "r2", "validation": 0.3}
    options |= {"optimizer": rb.SGD(schedules.InverseScaling(0.5, decay=0.1)), "epochs": 100}
    wanted = train(**options)[1]
    assert wanted.stop_reason == "early_stopping"
    assert wanted.epochs > after + 1
    assert_goes_on(tmp_path / "c", (after,), **options)


def test_early_stopping_may_become_more_patient(tmp_path: Path) -> None:
    def options(patience: int) -> dict[str, Any]:
        rule = rb.EarlyStopping(patience=patience, min_delta=0.05)
        return {"early_stopping": rule, "epochs": 40, "optimizer": rb.SGD(0.01)}

    assert train(**options(2), checkpoint=tmp_path / "c")[1].stop_reason == "early_stopping"
    assert_same_training(train(**options(5), checkpoint=tmp_path / "c"), train(**options(5)))


def test_more_epochs_are_added(tmp_path: Path) -> None:
    for epochs in (2, 5, 5, 9):
        got = train(epochs=epochs, checkpoint=tmp_path / "c", optimizer=rb.Adam())
        assert_same_training(got, train(epochs=epochs, optimizer=rb.Adam()))
    message = re.escape(f"epochs: got 8, expected at least the 9 that are done in {tmp_path / 'c'}")
    net = rb.Network(LAYERS, activation="tanh", dtype="float64", random_state=3)
    before = net.theta.copy()
    with pytest.raises(ValueError, match=message):
        train(net, epochs=8, checkpoint=tmp_path / "c", optimizer=rb.Adam())
    assert_same_bits(net.theta, before, "theta")


def test_a_target_loss_ends_a_training_for_good(tmp_path: Path) -> None:
    reached = train(epochs=4)[1].loss_curve[2]
    options: dict[str, Any] = {"checkpoint": tmp_path / "c", "epochs": 20}
    for _ in range(2):
        result = train(target_loss=reached, **options)[1]
        assert (result.stop_reason, result.epochs) == ("target_loss", 3)
    assert_same_training(train(**options), train(epochs=20))


def test_after_a_callback_or_a_time_limit_it_goes_on(tmp_path: Path) -> None:
    wanted = train(optimizer=rb.Adam())
    options: dict[str, Any] = {"optimizer": rb.Adam(), "checkpoint": tmp_path / "c"}
    stopped = train(callback=lambda epoch: epoch.epoch == 1, **options)[1]
    assert (stopped.stop_reason, stopped.epochs) == ("callback", 2)
    limited = train(time_limit=1e-9, **options)[1]  # ends in the middle of the next epoch
    assert (limited.stop_reason, limited.epochs) == ("time_limit", 2)
    assert_same_training(train(**options), wanted)


def test_ctrl_c_leaves_the_last_whole_epoch(tmp_path: Path) -> None:
    class Interrupt(rb.Callback):
        def on_step(self, step: rb.Step) -> None:
            if (step.epoch, step.batch) == (2, 3):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(checkpoint=tmp_path / "c", callback=Interrupt())
    assert_same_training(train(checkpoint=tmp_path / "c"), train())


def test_a_training_that_diverges_leaves_its_last_good_epoch(tmp_path: Path) -> None:
    options: dict[str, Any] = {"optimizer": rb.SGD(schedules.StepDecay(1e-9, every=1, factor=1e9))}
    for _ in range(2):
        with pytest.raises(FloatingPointError, match="became infinite or NaN"):
            train(checkpoint=tmp_path / "c", epochs=50, batch_size=None, **options)
    from rosenblatt._files import checkpoint_file

    assert np.isfinite(checkpoint_file.read(tmp_path / "c").net.theta).all()


# ------------------------------------------------------------------------------------ random state


@pytest.mark.parametrize("fresh", [lambda: None, lambda: np.random.default_rng(5)])
def test_a_drawn_seed_is_kept(fresh: Callable[[], Any], tmp_path: Path) -> None:
    """The seed in the file counts; a generator is drawn from as in a run that never stopped."""
    options: dict[str, Any] = {"checkpoint": tmp_path / "c", "validation": 0.3}
    with pytest.raises(BrokenOffError):
        train(random_state=fresh(), callback=breaking(3), **options)
    from rosenblatt._files import checkpoint_file

    seed = checkpoint_file.read(tmp_path / "c").seed
    other = fresh()
    got = train(random_state=other, **options)
    assert_same_training(got, train(random_state=seed, validation=0.3))
    if other is not None:
        one = np.random.default_rng(5)
        one.integers(0, 2**64, dtype=np.uint64)
        assert other.random() == one.random()


# --------------------------------------------------------------------------------- how it is kept


def written_after(tmp_path: Path, **cadence: Any) -> list[int]:
    """The epochs after which a checkpoint was written, of seven."""
    from rosenblatt._files import checkpoint_file

    seen = []

    def callback(_: rb.Epoch) -> None:
        if path.exists():
            seen.append(checkpoint_file.read(path).epochs)

    path = tmp_path / "c"
    train(epochs=7, checkpoint=rb.Checkpoint(path, **cadence), callback=callback)
    seen.append(checkpoint_file.read(path).epochs)
    return sorted(set(seen))


def test_it_is_written_as_often_as_asked_for(tmp_path: Path) -> None:
    for i, (cadence, wanted) in enumerate(
        [
            ({}, [1, 2, 3, 4, 5, 6, 7]),
            ({"every_epochs": 3}, [3, 6, 7]),
            ({"every_minutes": 60}, [7]),
            ({"every_minutes": 1e-9}, [1, 2, 3, 4, 5, 6, 7]),
            ({"every_epochs": 5, "every_minutes": 60}, [5, 7]),
        ]
    ):
        folder = tmp_path / str(i)
        folder.mkdir()
        assert written_after(folder, **cadence) == wanted


def test_every_third_epoch_is_counted_from_the_beginning(tmp_path: Path) -> None:
    from rosenblatt._files import checkpoint_file

    path = tmp_path / "c"
    with pytest.raises(BrokenOffError):
        train(checkpoint=rb.Checkpoint(path, every_epochs=3), callback=breaking(4), epochs=20)
    assert checkpoint_file.read(path).epochs == 3
    with pytest.raises(BrokenOffError):
        train(checkpoint=rb.Checkpoint(path, every_epochs=4), callback=breaking(6), epochs=20)
    assert checkpoint_file.read(path).epochs == 4
    train(checkpoint=rb.Checkpoint(path, every_epochs=4))


@pytest.mark.parametrize("form", [str, Path, rb.Checkpoint])
def test_forms_of_a_path(form: Any, tmp_path: Path) -> None:
    train(checkpoint=form(tmp_path / "c"))
    assert os.listdir(tmp_path) == ["c"]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: rb.Checkpoint(3), TypeError, "path: got 3, expected a path"),
        (lambda: rb.Checkpoint(""), ValueError, "path: got '', expected a path"),
        (lambda: rb.Checkpoint("c", every_epochs=0), ValueError, "every_epochs: got 0"),
        (lambda: rb.Checkpoint("c", every_epochs=True), TypeError, "every_epochs: got True"),
        (lambda: rb.Checkpoint("c", every_epochs=1.5), TypeError, "every_epochs: got 1.5"),
        (lambda: rb.Checkpoint("c", every_minutes=0), ValueError, "every_minutes: got 0"),
        (lambda: rb.Checkpoint("c", every_minutes=float("nan")), ValueError, "every_minutes"),
        (lambda: train(checkpoint=True), TypeError, "checkpoint: got True, expected a path"),
        (lambda: train(checkpoint=3), TypeError, "checkpoint: got 3"),
        (lambda: train(gradient_norm=1), TypeError, "gradient_norm: got 1, expected True or False"),
        (lambda: train(metrics={"gradient_norm": "r2"}), ValueError, "expected different names"),
    ],
)
def test_bad_settings_are_refused(
    make: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_path_that_cannot_be_written_is_refused_before_training(tmp_path: Path) -> None:
    net = rb.Network(LAYERS, activation="tanh", dtype="float64", random_state=0)
    before = net.theta.copy()
    (tmp_path / "folder").mkdir()
    for path, error in (
        (tmp_path / "nowhere" / "c", FileNotFoundError),
        (tmp_path / "folder", IsADirectoryError),
    ):
        with pytest.raises(error):
            train(net, checkpoint=path)
    assert_same_bits(net.theta, before, "theta")


# ------------------------------------------------------------------------------ the same training


X23, Y23 = samples(23, 5, "float64"), targets("squared_error", "identity", 23, 4, "float64")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("batch_size: got 5, expected 4", {"batch_size": 5}),
        ("optimizer: got SGD.learning_rate=0.2, .*expected SGD", {"optimizer": rb.SGD(0.2)}),
        ("optimizer: got Adam", {"optimizer": rb.Adam()}),
        ("l2: got 0.1, expected 0.0", {"l2": 0.1}),
        ("ema: got 0.5, expected none", {"ema": 0.5}),
        ("loss: got 'cosine', expected 'squared_error'", {"loss": "cosine"}),
        ("loss: got a function", {"loss": ours}),
        ("shuffle: got False, expected True", {"shuffle": False}),
        ("random_state: got 1, expected 0", {"random_state": 1}),
        ("dropout: got .0.0, 0.1., expected ..", {"dropout": 0.1}),
        ("input_noise: got 0.1, expected 0.0", {"input_noise": 0.1}),
        ("scale_inputs: got 'minmax', expected None", {"scale_inputs": "minmax"}),
        ("gradient_norm: got True, expected False", {"gradient_norm": True}),
        ("metrics: got .'r2'., expected ..", {"metrics": "r2"}),
        ("early_stopping: got .*expected None", {"early_stopping": True}),
        ("validation X: got .*expected none", {"validation": (X23, Y23)}),
        ("X: got .23, 5. float64 digest .*, expected .23, 5.", {"X": X23 + 1e-9}),
        ("Y: got .23, 4. float64 digest", {"Y": Y23 + 1e-9}),
        ("X: got .22, 5.", {"X": X23[1:], "Y": Y23[1:]}),
        ("sample_weight: got .23,. float64 digest .*expected none", {"sample_weight": np.ones(23)}),
        ("dtype: got float32, expected float64", {"dtype": "float32"}),
    ],
)
def test_another_training_is_refused(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    """The message names what differs; the network and the file stay as they are."""
    path = tmp_path / "c"
    train(checkpoint=path, epochs=2)
    content = path.read_bytes()
    dtype = options.pop("dtype", "float64")
    net = rb.Network(LAYERS, activation="tanh", dtype=dtype, random_state=4)
    before = net.theta.copy()
    with pytest.raises(ValueError, match=f"checkpoint: {path} is of .* other arguments: .*{name}"):
        train(net, checkpoint=path, **options)
    assert_same_bits(net.theta, before, "theta")
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("what", "net"),
    [
        ("layers", rb.Network([5, 8, 4], activation="tanh", dtype="float64", random_state=0)),
        ("activations", rb.Network([5, 9, 4], activation="relu", dtype="float64", random_state=0)),
    ],
)
def test_another_network_is_refused(what: str, net: rb.Network, tmp_path: Path) -> None:
    train(checkpoint=tmp_path / "c", epochs=2)
    with pytest.raises(ValueError, match=f"other arguments: {what}: got "):
        train(net, checkpoint=tmp_path / "c")


def test_another_scaling_of_the_network_is_refused(tmp_path: Path) -> None:
    def scaled(factor: float) -> rb.Network:
        net = rb.Network(LAYERS, activation="tanh", dtype="float64", random_state=0)
        net.input_scaling = rb.Scaling([0.0] * 5, [factor] * 5)
        return net

    train(scaled(2.0), checkpoint=tmp_path / "c", epochs=2)
    with pytest.raises(ValueError, match="input_scaling: got"):
        train(scaled(3.0), checkpoint=tmp_path / "c")
    assert_same_training(train(scaled(2.0), checkpoint=tmp_path / "c"), train(scaled(2.0)))


def test_numbers_are_compared_and_not_how_they_lie(tmp_path: Path) -> None:
    with pytest.raises(BrokenOffError):
        train(checkpoint=tmp_path / "c", callback=breaking(2))
    gaps = np.repeat(X23, 2, axis=1)[:, ::2]
    assert_same_training(train(checkpoint=tmp_path / "c", X=gaps, Y=Y23.tolist()), train())


def test_large_arrays_with_gaps_are_digested_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    from rosenblatt._files import fingerprint, safetensors

    X = np.arange(3000.0).reshape(100, 30)
    whole = fingerprint._digest(X)
    monkeypatch.setattr(safetensors, "BLOCK", 1000)
    assert fingerprint._digest(np.asfortranarray(X)) == whole
    assert fingerprint._digest(X.astype("float32")) != whole
    assert fingerprint._digest(X[::-1]) != whole


# --------------------------------------------------------------------------------- many at a time


def test_many_trainings_have_a_file_each(tmp_path: Path) -> None:
    X, y = samples(40, 4, "float64"), labels(40, 3)

    def networks() -> list[rb.Network]:
        return [rb.Network([4, 5 + i, 3], output="softmax", random_state=i) for i in range(3)]

    how: dict[str, Any] = {"loss": "log_loss", "epochs": 6, "optimizer": rb.Adam()}
    files = [{"checkpoint": tmp_path / str(i)} for i in range(3)]
    wanted = networks()
    results = rb.train_many(wanted, X, y, **how)
    with pytest.raises(BrokenOffError):
        rb.train_many(networks(), X, y, settings=files, callback=breaking(4), **how)
    got = networks()
    resumed = rb.train_many(got, X, y, settings=files, **how)
    for i in range(3):
        assert_same_bits(got[i].theta, wanted[i].theta, f"theta of {i}")
        assert isinstance(resumed[i], rb.TrainResult)
        assert resumed[i].history == results[i].history  # type: ignore[union-attr]
    with pytest.raises(ValueError, match=r"networks\[1\]: checkpoint: got .* of networks\[0\]"):
        rb.train_many(networks(), X, y, checkpoint=tmp_path / "one", **how)


# ----------------------------------------------------------------------------------- rough weather


def run(script: str, *arguments: str | Path, prefix: tuple[str, ...] = ()) -> str:
    """Run a Python script in a process of its own; return what it printed."""
    command = [*prefix, sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds(100), check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


KILLED = """
import os, random, signal, sys, time
import numpy as np
import rosenblatt as rb
from rosenblatt._files import checkpoint_file

path, least_kills, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random.seed(seed)
rows = np.random.default_rng(0)
X, Y = rows.normal(size=(200, 20)), rows.normal(size=(200, 3))

def train(checkpoint, threads, callback=None):
    net = rb.Network([20, 30, 3], activation="tanh", random_state=0)
    result = rb.train(
        net, X, Y, loss="squared_error", optimizer=rb.Adam(), epochs=150, dropout=0.1, ema=0.9,
        validation=0.2, early_stopping=rb.EarlyStopping(patience=1000), metrics="r2",
        checkpoint=checkpoint, threads=threads, callback=callback,
    )
    return net.theta.tobytes(), result.ema.tobytes(), result.history, result.best_epoch

wanted = train(None, 1)
def left():
    return sorted(set(os.listdir(os.path.dirname(path))) - {os.path.basename(path)})

kills, hits, epochs = 0, 0, set()
while kills < least_kills or len(epochs) < 3:
    if os.path.exists(path) and len(checkpoint_file.read(path).history["loss"]) > 120:
        os.unlink(path)  # this training is nearly over: another one
    child = os.fork()
    if child == 0:
        train(path, random.choice([1, 2, 5]), lambda epoch: time.sleep(0.001))
        os._exit(0)
    time.sleep(random.uniform(0, 0.15))
    os.kill(child, signal.SIGKILL)
    kills += os.waitpid(child, 0)[1] == signal.SIGKILL
    if os.path.exists(path):
        saved = checkpoint_file.read(path)
        epochs.add(saved.epochs)
        assert saved.history["loss"] == list(wanted[2]["loss"][: saved.epochs])
    assert len(left()) <= 1, left()  # each write removes what the kill before left
    hits += len(left())
assert train(path, 2) == wanted
assert left() == [], left()
print(kills, len(epochs), hits)
"""


def test_a_run_killed_at_any_moment_resumes_identically(tmp_path: Path) -> None:
    least_kills = cases(15)
    output = run(KILLED, tmp_path / "c", str(least_kills), "1")
    kills, different_epochs, _ = map(int, output.split())
    assert kills >= least_kills
    assert different_epochs >= 3


# A file system of our own, without being root: it ends with the process.
PRIVATE_MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")

FULL_DISK = """
import errno, os, subprocess, sys
import numpy as np
import rosenblatt as rb

subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", sys.argv[1]], check=True)
os.chdir(sys.argv[1])
X, Y = np.ones((4, 50)), np.ones((4, 50))

def train(net, **options):
    return rb.train(net, X, Y, loss="squared_error", optimizer=rb.Adam(), epochs=6, **options)

class FillTheDisk(rb.Callback):
    def on_epoch(self, epoch):
        if epoch.epoch == 2:
            self.theta = net.theta.copy()
            with open("filling", "wb") as file:
                file.write(bytes(100_000))

net = rb.Network([50, 50, 50], random_state=0)  # a file of 70 kB
filling = FillTheDisk()
try:
    train(net, checkpoint="c", callback=filling)
except OSError as error:
    assert error.errno == errno.ENOSPC and error.filename == "c", error
else:
    raise AssertionError("it fitted")
assert (net.theta == filling.theta).all()  # that of the last epoch
assert sorted(os.listdir()) == ["c", "filling"], os.listdir()
os.unlink("filling")
wanted = rb.Network([50, 50, 50], random_state=0)
result = train(wanted)
resumed = train(net, checkpoint="c")
assert (net.theta == wanted.theta).all() and resumed.history == result.history
"""


def test_a_full_disk_ends_the_training_and_leaves_the_old_file(tmp_path: Path) -> None:
    probe = [*PRIVATE_MOUNTS, "mount", "-t", "tmpfs", "none", str(tmp_path)]
    try:
        subprocess.run(probe, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")
    run(FULL_DISK, tmp_path, prefix=PRIVATE_MOUNTS)


def test_a_write_that_fails_ends_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network has the parameters of the last epoch, the file those of the one before."""
    seen: list[Any] = []
    net = rb.Network(LAYERS, activation="tanh", dtype="float64", random_state=0)

    def callback(epoch: rb.Epoch) -> None:
        if epoch.epoch == 3:
            seen.append(net.theta.copy())
            monkeypatch.setattr(os, "fsync", fail)

    def fail(_: int) -> None:
        raise OSError(5, "a broken disk")

    with pytest.raises(OSError, match="a broken disk"):
        train(net, checkpoint=tmp_path / "c", callback=callback)
    monkeypatch.undo()
    assert_same_bits(net.theta, seen[0], "theta")
    assert os.listdir(tmp_path) == ["c"]
    assert_same_training(train(checkpoint=tmp_path / "c"), train())


def test_another_thread_may_not_disturb(tmp_path: Path) -> None:
    """A network that is being trained is busy for whoever would go on with a checkpoint."""
    net = rb.Network(LAYERS, activation="tanh", dtype="float64", random_state=0)
    train(checkpoint=tmp_path / "c", epochs=2)
    begun, tried = threading.Event(), threading.Event()

    def wait(_: rb.Epoch) -> None:
        begun.set()
        assert tried.wait(60)

    first = threading.Thread(target=train, args=(net,), kwargs={"callback": wait})
    first.start()
    try:
        assert begun.wait(60)
        with pytest.raises(RuntimeError, match="trained"):
            train(net, checkpoint=tmp_path / "c")
    finally:
        tried.set()
        first.join(60)
    assert_same_bits(net.theta, train()[0].theta, "theta")
