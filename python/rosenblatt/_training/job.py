"""A training whose arguments are checked, from `train` and `train_many` on its way to the core."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core, _loss, _optimizer
from .._checks import arguments, arrays, sparse
from .._checks.shown import shown
from .._checks.sparse import Inputs, SparseInputs
from .._files.checkpoint import Checkpoint, Keeping, checkpoint_of, saved_training
from .._files.checkpoint_file import SavedTraining
from .._files.fingerprint import fingerprint
from .._loss import CustomLoss, Loss
from .._network import Network, network_given
from .._optimizer import LBFGS, Optimizer, Rprop
from .._scaling import ScalingKind, kind_of_training
from . import validation as _validation
from .callbacks import Callback, EarlyStopping, Epoch, callback_list
from .metrics import metric_functions
from .monitor import Watch
from .progress import progress_bar
from .result import StopReason, TrainResult
from .sample_weights import class_weights, sample_weights
from .user_functions import CheckedCost, CheckedOrder
from .validation import Samples


@dataclass(frozen=True)
class Prepared:
    """A training whose arguments are checked: as the core takes it, and who looks at it.

    Its `with` block is the training; at its end the progress bar is closed. Then `memory` is
    what the optimiser remembers, if that was asked for.
    """

    core: Any
    watch: Watch
    callbacks: list[Callback]
    bar: Any
    curves: list[str]  # those of the core's that the history has
    ended_before: StopReason | None  # why no epoch follows those of a checkpoint

    @property
    def memory(self) -> Any:
        """The numbers and the arrays that the optimiser remembers, or None."""
        return _core.memory(self.core)

    def __enter__(self) -> Prepared:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.bar:
            self.bar.close()

    def run(self, threads: int | None) -> TrainResult:
        """Train with so many threads."""
        try:
            with self:
                found = _core.train(self.core, arguments.thread_count("threads", threads))
        except BaseException:
            self.restore_best()
            raise
        outcome = self.outcome(found, self.watch.seconds())
        if isinstance(outcome, FloatingPointError):
            raise outcome
        return outcome

    def restore_best(self) -> None:
        """Give the network its best weights if they are kept and the core has changed it."""
        if _core.begun(self.core):
            self.watch.restore_best()

    def outcome(self, found: Any, seconds: float | None = None) -> TrainResult | FloatingPointError:
        """Return the result of a run that ended, or the error of one that diverged.

        `seconds` is the time the run took, None for the time that the core measured.
        """
        self.restore_best()
        if len(found) == 2:
            return FloatingPointError(self._divergence(*found))
        curves, reason, average, of_core = found
        return self._result(curves, reason, average, of_core if seconds is None else seconds)

    def _divergence(self, epoch: int, what: str) -> str:
        kept = f"the end of epoch {epoch}{'' if epoch else ' (the initial ones)'}"
        if self.watch.best_state is not None:
            kept = f"the best epoch, {cast('int', self.watch.best_epoch) + 1}"
        return (
            f"training diverged: the {what} became infinite or NaN in epoch {epoch + 1}; the "
            f"network has the weights of {kept}; a smaller learning_rate or scaled inputs may help"
        )

    def _result(
        self, curves: dict[str, list[float]], reason: str, average: Any, seconds: float
    ) -> TrainResult:
        watch = self.watch
        history = {name: tuple(curves[name]) for name in self.curves}
        of_core = watch.stop_reason if reason == "callback" else cast("StopReason", reason)
        result = TrainResult(
            loss_curve=history["loss"],
            validation_curve=history.get("validation_loss"),
            epochs=len(history["loss"]),
            seconds=seconds,
            stop_reason=self.ended_before or of_core,
            history=history | {name: tuple(values) for name, values in watch.history.items()},
            best_epoch=watch.best_epoch,
            monitor=watch.monitor,
            ema=average,
        )
        for each in self.callbacks:
            each.on_end(result)
        return result


def prepared(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    loss: Loss | CustomLoss,
    optimizer: Optimizer,
    l1: float,
    l2: float,
    alpha: float,
    clip_norm: float | None,
    clip_value: float | None,
    max_norm: float | None,
    ema: float | None,
    batch_size: int | None,
    epochs: int,
    shuffle: bool | Callable[[int], ArrayLike],
    random_state: int | np.random.Generator | None,
    sample_weight: ArrayLike | None,
    class_weight: str | Mapping[int, float] | None,
    dropout: float | Sequence[float],
    input_dropout: float,
    input_noise: float,
    validation: Any,
    scale_inputs: ScalingKind | None,
    scale_targets: ScalingKind | None,
    metrics: Any,
    early_stopping: EarlyStopping | bool | None,
    target_loss: float | None,
    time_limit: float | None,
    gradient_norm: bool,
    checkpoint: str | os.PathLike[str] | Checkpoint | None,
    callback: Callable[[Epoch], object] | Callback | Sequence[Any] | None,
    progress: bool | str,
    threads: int | None,
    remember: bool = False,
) -> Prepared:
    """Check the arguments of `train`, which has their defaults, and keep them for the core.

    `remember` asks for what the optimiser remembers in the end.

    Raises
    ------
    TypeError, ValueError, ImportError, OSError
        As `train`.
    RuntimeError
        The network is being trained by another thread.
    """
    network_given("net", net)
    settings = _optimizer.regularisation(
        l1=l1,
        l2=l2,
        alpha=alpha,
        clip_norm=clip_norm,
        clip_value=clip_value,
        max_norm=max_norm,
        ema=ema,
    )
    optimizer_rule = _optimizer.rule(optimizer, settings)
    check_trainable(net)
    custom = loss if callable(loss) and not isinstance(loss, type) else None
    rule = None if custom else _loss.rule(loss)
    loss_name = None if rule is None else rule.name
    keeps = checkpoint_of("checkpoint", checkpoint)
    saved = saved_training(keeps, net) if keeps else None
    seed = _seed(random_state, saved)
    n_epochs = arguments.integer("epochs", epochs, least=1, most=2**32)
    rates = arguments.dropout_rates(dropout, input_dropout, len(net.layers) - 2)
    noise = arguments.deviation("input_noise", input_noise, net.dtype)
    for name, some in (("dropout", rates), ("input_noise", noise)):
        if some and isinstance(optimizer, LBFGS):
            raise ValueError(
                f"{name}: got some with LBFGS, expected none: its cost must stay the same"
            )
    given, of_class = _samples(
        net, X, Y, loss=loss_name, sample_weight=sample_weight, class_weight=class_weight
    )
    if noise and isinstance(given.X, SparseInputs):
        raise ValueError(
            f"input_noise: got {noise} with a sparse X, expected 0: it would fill X up"
        )
    samples, held_out = _validation.split(
        given, validation, net, loss_name, seed=seed, of_class=of_class
    )
    if custom and (samples.weights is not None or (held_out and held_out.weights is not None)):
        raise ValueError("sample_weight: got weights with a loss of your own, which must weigh")
    callbacks = callback_list("callback", callback)
    metric_of = metric_functions("metrics", metrics)
    stopping = _early_stopping(early_stopping)
    size = _batch_size(batch_size, samples.X, optimizer)
    how: dict[str, Any] = {
        "shuffle": callable(shuffle) or arguments.flag("shuffle", shuffle),
        "dropout": rates,
        "input_noise": noise,
        "gradient_norm": arguments.flag("gradient_norm", gradient_norm),
        "scale_inputs": kind_of_training("scale_inputs", scale_inputs),
        "scale_targets": kind_of_training("scale_targets", scale_targets),
    }
    curves = _curves(held_out is not None, optimizer, how["gradient_norm"])
    measured = held_out or samples
    cost = None if custom is None else CheckedCost(custom, samples, held_out)
    n_threads = arguments.thread_count("threads", net.threads if threads is None else threads)

    def training_loss() -> float:
        """Measure the loss of the training samples as the core measures the validation loss."""
        if cost is not None:
            return cost.of_training(net._core.forward(sparse.for_core(samples.X)))
        X, Y, weights = _for_core(samples, None)
        return float(net._core.cost(X, Y, rule, weights, n_threads))

    check_batches(net, _n_samples(samples.X), size, optimizer)
    bar = progress_bar("progress", progress, n_epochs)
    with ExitStack() as on_error:
        if bar:
            on_error.callback(bar.close)
        watch = Watch(
            net,
            n_epochs,
            callbacks=[*callbacks, *([bar] if bar else [])],
            metrics=metric_of,
            samples=(measured.X, measured.given_Y),
            training_loss=training_loss,
            early_stopping=stopping,
            target_loss=_optional_real("target_loss", target_loss),
            has_validation=held_out is not None,
        )
        keeping = None
        if keeps:
            all_settings = how | {
                "loss": loss,
                "optimizer": optimizer,
                **settings,
                "batch_size": size,
                "random_state": seed,
                "early_stopping": watch.choice_of_best,
                "metrics": list(metric_of),
            }
            keeping = Keeping(
                keeps,
                saved,
                net,
                watch,
                curves=curves,
                settings=fingerprint(net, samples, held_out, all_settings),
                seed=seed,
                epochs=n_epochs,
            )
        order = CheckedOrder(shuffle, _n_samples(samples.X)).of_epoch if callable(shuffle) else None
        if keeping:
            on_error.enter_context(keeping.refusing())
        core = _core.prepare(
            net._core,
            _for_core(samples, custom),
            loss=rule,
            cost=None if cost is None else cost.functions,
            optimizer=optimizer_rule,
            batch_size=size,
            epochs=keeping.epochs if keeping else n_epochs,
            seed=seed,
            validation=held_out and _for_core(held_out, custom),
            time_limit=_time_limit(time_limit),
            epoch_done=watch.epoch_done if watch.wants_epochs else None,
            step_done=watch.step_done if watch.wants_steps else None,
            order=order,
            threads=n_threads,
            resumed=keeping.resumed if keeping else None,
            keeping=keeping.functions if keeping else None,
            remember=remember,
            **how,
        )
        on_error.pop_all()
    return Prepared(core, watch, callbacks, bar, curves, keeping.ended_before if keeping else None)


def _curves(has_validation: bool, optimizer: Optimizer, gradient_norm: bool) -> list[str]:
    """Return the names of the core's curves that the history has."""
    has = {
        "loss": True,
        "validation_loss": has_validation,
        "learning_rate": not isinstance(optimizer, LBFGS | Rprop),
        "gradient_norm": gradient_norm,
    }
    return [name for name, wanted in has.items() if wanted]


def check_trainable(net: Network) -> None:
    """Refuse a network with an activation whose gradient is 0.

    Raises
    ------
    ValueError
        It has one.
    """
    for layer, name in enumerate(net.activations):
        if name in arguments.NOT_TRAINABLE:
            raise ValueError(
                f"net: got activation {shown(name)} in layer {layer + 2},"
                " expected activations with a "
                "gradient: its own is 0, so nothing before it would learn"
            )


def check_batches(net: Network, n: int, batch_size: int, optimizer: Optimizer) -> None:
    """Refuse batches of n samples in which batch norm has nothing to compare.

    Raises
    ------
    ValueError
        The network has batch norm, and one of them would have a single sample; or the optimiser is
        one whose line search compares costs that are not the network's own.
    """
    if "batch" not in net.norms:
        return
    if isinstance(optimizer, LBFGS):
        raise ValueError(
            "optimizer: got LBFGS with norm='batch', expected another: a line search goes down one"
            " cost, and batch norm has another when it is trained than afterwards"
        )
    if batch_size == 1 or n % batch_size == 1:
        where = "its last batch would have" if batch_size > 1 and n > 1 else "a batch would have"
        raise ValueError(
            f"batch_size: got {batch_size} for {n} samples with norm='batch', expected batches of "
            f"at least 2: {where} 1 sample, whose variance is 0"
        )


def _samples(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    loss: str | None,
    sample_weight: ArrayLike | None,
    class_weight: Any,
) -> tuple[Samples, NDArray[np.float64] | None]:
    """Return the samples, and the weight of each class if there is a class_weight."""
    of_core = _validation.targets(net, "Y", Y, loss)
    of_class = class_weights(class_weight, of_core, max(2, net.layers[-1]))
    weights = sample_weights("sample_weight", sample_weight, of_class, ("Y", of_core))
    given_Y = arrays.as_array("Y", Y)
    return Samples(sparse.inputs("X", X, net.dtype), of_core, weights, given_Y), of_class


def _for_core(samples: Samples, custom: CustomLoss | None) -> tuple[Any, Any, Any]:
    Y = samples.Y if custom is None else np.empty(0, samples.X.dtype)  # it never looks at it
    return sparse.for_core(samples.X), Y, samples.weights


def _seed(random_state: Any, saved: SavedTraining | None) -> int:
    """Return the seed that is given, or else that of the checkpoint, or else a new one."""
    seed = arguments.seed("random_state", random_state)
    is_drawn = random_state is None or isinstance(
        random_state, np.random.Generator | np.random.RandomState
    )
    return saved.seed if saved and is_drawn else seed


def _n_samples(X: Inputs) -> int:
    """Return the rows of X; 0 for what has none, which is refused with the samples."""
    return X.shape[0] if X.ndim > 0 else 0


def _batch_size(value: object, X: Inputs, optimizer: Optimizer) -> int:
    n_samples = _n_samples(X)
    if value is None:
        return max(n_samples, 1)
    batch_size = arguments.integer("batch_size", value, least=1, most=2**62)
    if isinstance(optimizer, LBFGS) and batch_size < n_samples:
        raise ValueError(f"batch_size: got {batch_size} with LBFGS, expected None, for all samples")
    return batch_size


def _early_stopping(value: Any) -> EarlyStopping | None:
    if value is None or isinstance(value, EarlyStopping):
        return value
    if isinstance(value, bool | np.bool_):
        return EarlyStopping() if value else None
    raise TypeError(
        f"early_stopping: got {shown(value)}, expected a rosenblatt.EarlyStopping or a bool"
    )


def _optional_real(name: str, value: Any) -> float | None:
    return None if value is None else arguments.real(name, value, "a finite number or None")


def _time_limit(value: Any) -> float | None:
    seconds = _optional_real("time_limit", value)
    if seconds is None:
        return None
    if seconds <= 0:
        raise ValueError(f"time_limit: got {seconds}, expected a number of seconds above 0 or None")
    return min(seconds, 1e9)
