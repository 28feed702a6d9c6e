"""Job: a run whose arguments are checked, ready for the core."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np

from .. import _core, _loss, _optimizer
from .._checks import arguments, sparse
from .._checks.shown import shown
from .._checks.sparse import Inputs
from .._files.checkpoint import Keeping, saved_training
from .._files.fingerprint import fingerprint
from .._loss import CustomLoss, Loss
from .._network import Network, require_network
from .._optimizer import LBFGS, Optimizer, Rprop
from .callbacks import Callback
from .monitor import Watch
from .options import Data, Options
from .progress import progress_bar
from .result import StopReason, TrainResult
from .user_functions import CheckedCost, CheckedOrder
from .validation import Samples


class TrainingSettings(NamedTuple):
    """The settings of a run as the core takes them."""

    batch_size: int
    epochs: int
    shuffle: bool
    seed: int
    dropout: list[float]
    input_noise: float
    gradient_norm: bool
    time_limit: float | None


@dataclass(frozen=True)
class TrainingJob:
    """A run whose arguments are checked: the core's part of it, the monitor and the callbacks.

    Its `with` block is the run; the progress bar is closed at its end. Then `memory` is the state
    of the optimiser, if it was requested.
    """

    core: Any
    watch: Watch
    callbacks: list[Callback]
    bar: Any
    curves: list[str]  # the curves of the core that the history has
    ended_before: StopReason | None  # why no epoch follows those of a checkpoint

    @property
    def memory(self) -> Any:
        """The state of the optimiser, numbers and arrays, or None."""
        return _core.memory(self.core)

    def __enter__(self) -> TrainingJob:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.bar:
            self.bar.close()

    def run(self, threads: int | None) -> TrainResult:
        """Train with this many threads."""
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


def prepare(
    net: Network,
    data: Data,
    loss: Loss | CustomLoss,
    optimizer: Optimizer,
    options: Options,
    *,
    threads: int | None,
    remember: bool = False,
) -> TrainingJob:
    """Check the arguments of `train` and pass them to the core, which keeps them for the run.

    `remember` asks for the state of the optimiser at the end.

    Raises
    ------
    TypeError, ValueError, ImportError, OSError
        As `train`.
    RuntimeError
        The network is being trained by another thread.
    """
    require_network("net", net)
    regularisation, batching = options.regularisation.for_core(), options.batching
    stopping, reporting = options.stopping, options.reporting
    optimizer_rule = _optimizer.rule(optimizer, regularisation)
    check_trainable(net)
    custom = loss if callable(loss) and not isinstance(loss, type) else None
    rule = None if custom else _loss.rule(loss)
    saved = saved_training(reporting.checkpoint, net) if reporting.checkpoint else None
    seed = batching.seed(saved)
    rates, deviation = options.noise.rates(net, optimizer)
    samples, held_out = data.split(net, None if rule is None else rule.name, seed)
    options.noise.check_inputs(samples.X)
    if custom and (samples.weights is not None or (held_out and held_out.weights is not None)):
        raise ValueError("sample_weight: got weights with a loss of your own, which must weigh")
    n = _n_samples(samples.X)
    size = batching.size(n, optimizer)
    check_batches(net, n, size, optimizer)
    cost = None if custom is None else CheckedCost(custom, samples, held_out)
    n_threads = arguments.thread_count("threads", net.threads if threads is None else threads)

    def training_loss() -> float:
        """Measure the loss of the training samples as the core measures the validation loss."""
        if cost is not None:
            return cost.of_training(net._core.forward(sparse.for_core(samples.X)))
        X, Y, weights = _for_core(samples, None)
        return float(net._core.cost(X, Y, rule, weights, n_threads))

    bar = progress_bar("progress", reporting.progress, batching.epochs)
    with ExitStack() as on_error:
        if bar:
            on_error.callback(bar.close)
        measured = held_out or samples
        watch = Watch(
            net,
            batching.epochs,
            callbacks=[*reporting.callback, *([bar] if bar else [])],
            metrics=reporting.metrics,
            samples=(measured.X, measured.given_Y),
            training_loss=training_loss,
            early_stopping=stopping.early_stopping,
            target_loss=stopping.target_loss,
            has_validation=held_out is not None,
        )
        curves = _curves(held_out is not None, optimizer, reporting.gradient_norm)
        keeping = None
        if reporting.checkpoint:
            all_settings = {
                "shuffle": batching.shuffle is not False,
                "dropout": rates,
                "input_noise": deviation,
                "gradient_norm": reporting.gradient_norm,
                **vars(options.scalings),
                "loss": loss,
                "optimizer": optimizer,
                **regularisation,
                "batch_size": size,
                "random_state": seed,
                "early_stopping": watch.choice_of_best,
                "metrics": list(reporting.metrics),
            }
            keeping = Keeping(
                reporting.checkpoint,
                saved,
                net,
                watch,
                curves=curves,
                settings=fingerprint(net, samples, held_out, all_settings),
                seed=seed,
                epochs=batching.epochs,
            )
            on_error.enter_context(keeping.refusing())
        core = _core.prepare(
            net._core,
            _for_core(samples, custom),
            held_out and _for_core(held_out, custom),
            loss=rule,
            cost=None if cost is None else cost.functions,
            optimizer=optimizer_rule,
            settings=TrainingSettings(
                batch_size=size,
                epochs=keeping.epochs if keeping else batching.epochs,
                shuffle=batching.shuffle is not False,
                seed=seed,
                dropout=rates,
                input_noise=deviation,
                gradient_norm=reporting.gradient_norm,
                time_limit=stopping.time_limit,
            ),
            scalings=(options.scalings.scale_inputs, options.scalings.scale_targets),
            callbacks=(
                watch.epoch_done if watch.wants_epochs else None,
                watch.step_done if watch.wants_steps else None,
                CheckedOrder(batching.shuffle, n).of_epoch if callable(batching.shuffle) else None,
            ),
            resumed=keeping.resumed if keeping else None,
            keeping=keeping.functions if keeping else None,
            remember=remember,
            threads=n_threads,
        )
        on_error.pop_all()
    ended_before = keeping.ended_before if keeping else None
    return TrainingJob(core, watch, reporting.callback, bar, curves, ended_before)


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
        The network has one.
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
        The network has batch norm and a batch would have a single sample, or the optimiser is
        LBFGS, whose line search needs one cost.
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


def _for_core(samples: Samples, custom: CustomLoss | None) -> tuple[Any, Any, Any]:
    Y = samples.Y if custom is None else np.empty(0, samples.X.dtype)  # it never looks at it
    return sparse.for_core(samples.X), Y, samples.weights


def _n_samples(X: Inputs) -> int:
    """Return the rows of X; 0 for what has none, which is refused with the samples."""
    return X.shape[0] if X.ndim > 0 else 0
