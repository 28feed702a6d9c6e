"""Train: gradient descent over epochs of batches, all of it in the compiled core."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _arguments, _arrays, _core, _loss, _optimizer, _sparse, _validation
from ._bars import progress_bar
from ._callbacks import Callback, EarlyStopping, Epoch, callback_list
from ._checkpoint import Checkpoint, Keeping, checkpoint_of, saved_training
from ._checkpoint_file import SavedTraining
from ._fingerprint import fingerprint
from ._loss import CustomLoss, Loss
from ._metrics import metric_functions
from ._network import Network
from ._optimizer import LBFGS, SGD, Optimizer, Rprop
from ._scaling import ScalingKind, kind_of_training
from ._sparse import Inputs, SparseInputs
from ._validation import Samples
from ._watch import StopReason, Watch
from ._weighting import sample_weights


@dataclass(frozen=True)
class TrainResult:
    """What a training did.

    Attributes
    ----------
    loss_curve : tuple of float
        The mean loss of every epoch.
    validation_curve : tuple of float or None
        The validation loss after every epoch, None without a validation set.
    epochs : int
        Epochs done; one that was left in the middle does not count.
    seconds : float
        Time taken, by this run where another one began.
    stop_reason : {"epochs", "callback", "early_stopping", "target_loss", "time_limit", "converged"}
        Why it ended; "epochs": all were done; "converged": LBFGS found the cost flat.
    history : mapping of str to tuple of float
        A number for every epoch: "loss", "validation_loss" where there is one, "learning_rate",
        that of its last step, where the optimiser has one, "gradient_norm" where it was asked for,
        every metric. Of a training that went on from a checkpoint it has all epochs.
    best_epoch : int or None
        The best epoch by the number that early stopping looked at.
    ema : ndarray of shape (n_params,) or None
        The average of the parameters, in theta's order, where `ema` asked for it: ``net.theta =
        result.ema`` puts it into the network.
    """

    loss_curve: tuple[float, ...]
    validation_curve: tuple[float, ...] | None
    epochs: int
    seconds: float
    stop_reason: StopReason
    history: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    best_epoch: int | None = None
    ema: NDArray[Any] | None = field(default=None, compare=False)


_DEFAULT_SGD = SGD()


def train(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    loss: Loss | CustomLoss,
    optimizer: Optimizer = _DEFAULT_SGD,
    l1: float = 0.0,
    l2: float = 0.0,
    alpha: float = 0.0,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    max_norm: float | None = None,
    ema: float | None = None,
    batch_size: int | None = 32,
    epochs: int = 10,
    shuffle: bool | Callable[[int], ArrayLike] = True,
    random_state: int | np.random.Generator | None = 0,
    sample_weight: ArrayLike | None = None,
    class_weight: str | Mapping[int, float] | None = None,
    dropout: float | Sequence[float] = 0.0,
    input_dropout: float = 0.0,
    input_noise: float = 0.0,
    validation: Any = None,
    scale_inputs: ScalingKind | None = None,
    scale_targets: ScalingKind | None = None,
    metrics: Any = None,
    early_stopping: EarlyStopping | bool | None = None,
    target_loss: float | None = None,
    time_limit: float | None = None,
    gradient_norm: bool = False,
    checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
    callback: Callable[[Epoch], object] | Callback | Sequence[Any] | None = None,
    progress: bool | str = False,
    threads: int | None = None,
) -> TrainResult:
    """Train a network: while there are epochs left, w := w - epsilon dC/dw for every batch.

    Parameters
    ----------
    net : Network
        Trained in place.
    X : array-like or sparse matrix of shape (n, n_features)
    Y : array-like of shape (n, n_outputs), or (n,)
        Targets; integer labels (n,) for losses that name classes; (n,) numbers where there is one
        output. A loss of your own gets its rows as they are.
    loss : str, Huber, Quantile, LogLoss, Poisson, Focal or callable
        As for `Network.gradients`; docs/losses.md says which output each needs. A function
        ``loss(A, Y)`` of a batch's outputs and targets returns ``(C, dC_dA)``.
    optimizer : SGD, Adagrad, RMSprop, Adam, AdamW, NAdam, Lion, Rprop or LBFGS, default SGD()
        docs/optimizers.md says what each does; its learning rate may be a schedule.
    l1, l2 : float, default 0.0
        Penalties of the weights, not of the biases: the steps go down the cost + l1 sum abs(w) +
        l2 / 2 sum w^2. The losses that are reported are those of the data alone.
    alpha : float, default 0.0
        scikit-learn's penalty, shared by the samples: the cost of a batch has alpha / 2 sum w^2
        more, divided by the sum of the batch's weights. `Epoch.penalty` is its mean.
    clip_norm : float, optional
        The largest Euclidean norm of the gradient by all parameters; a longer one is shortened.
    clip_value : float, optional
        The largest size of a component of the gradient, after `clip_norm`.
    max_norm : float, optional
        The largest Euclidean norm of the weights into a unit, W[l][j]; longer ones are shortened
        after every step.
    ema : float, optional
        Between 0 and 1: keep an average of the parameters, of which this part stays in every step;
        it is in the result. The network itself has the parameters of the last step.
    batch_size : int or None, default 32
        Samples per step, None for all of them; the last batch of an epoch is as long as it comes.
        Batch norm needs at least 2 in each.
    epochs : int, default 10
        Passes over the samples.
    shuffle : bool or callable, default True
        A new order of the samples every epoch; or a function that gives it: epoch (from 0) ->
        the indices of the samples, (n,).
    random_state : int, numpy.random.Generator or None, default 0
        The seed of the order, 0 … 2**64 - 1.
    sample_weight : array-like of shape (n,), optional
        s_i >= 0: the cost of a batch is sum s_i c_i / sum s_i. A batch of weight 0 is passed over.
    class_weight : "balanced" or mapping of int to float, optional
        A weight for each label, which those of the samples are multiplied by: "balanced" is
        n / (number of classes × samples of the class); labels that are not named weigh 1.
    dropout : float or sequence of float, default 0.0
        How much of the hidden units to leave out in every step, one number for all layers or one
        for each, from 0 to below 1. Those that stay are 1 / (1 - dropout) times as large.
    input_dropout : float, default 0.0
        The same for the inputs.
    input_noise : float, default 0.0
        The standard deviation of the Gaussian noise that is added to the inputs, scaled where
        the network scales them, anew in every step.
    validation : (X, Y), (X, Y, sample_weight) or float, optional
        Samples whose loss is measured after every epoch and never trained on; or how much of the
        samples to hold out for that, between 0 and 1, of every class of labels alike.
    scale_inputs : {"standard", "minmax", "robust"}, optional
        Fit a `Scaling` to X, give it to the network as its `input_scaling`, and train on scaled X;
        None leaves the network the one that it has, or none.
    scale_targets : {"standard", "minmax", "robust"}, optional
        The same for Y and `target_scaling`: losses are those of scaled outputs and targets. It
        needs the output "identity" and "squared_error", "absolute_error", "huber" or "quantile".
    metrics : str, callable, sequence or mapping, optional
        Measured after every epoch, on the validation samples where there are such: "accuracy",
        "r2", "mean_absolute_error", "root_mean_squared_error", or functions (Y, A) -> number.
    early_stopping : EarlyStopping or bool, optional
        Stop when the validation loss, or another number, has stopped improving; True for
        ``EarlyStopping()``.
    target_loss : float, optional
        Stop when the validation loss, or the loss where there is no validation, is no more.
    time_limit : float, optional
        Stop after the step during which so many seconds of this run were over.
    gradient_norm : bool, default False
        Measure the Euclidean norm of dC/dtheta in every step, before penalties and limits; its mean
        over the steps of an epoch is in the history. The gradient is stored for that.
    checkpoint : path-like or Checkpoint, optional
        A file in which the training is kept after every epoch, or as `Checkpoint` says. Where it is
        there the training goes on from it, to the bits of one that never stopped. The network's
        parameters are those of the file then. docs/checkpoints.md.
    callback : callable, Callback or sequence of them, optional
        ``callback(epoch)`` with an `Epoch`, after every epoch; true ends the training. It may read
        and change the network. A `Callback` is told of every step, too.
    progress : bool or {"rich", "tqdm", "plain"}, default False
        Show how far it is; True for the best of these that is installed.
    threads : int, optional
        How many threads; ``net.threads`` otherwise. The result is the same for any number.

    Returns
    -------
    TrainResult

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, shape or range, or is not that of the checkpoint; the
        message names it, the network is unchanged.
    OSError
        The checkpoint cannot be read or written, the disk being full, for one. The network has the
        parameters of the last epoch, the file those that it had.
    FloatingPointError
        The loss or the weights became infinite or NaN. The network has the weights of the end of
        the last good epoch.
    KeyboardInterrupt
        Ctrl-C. The network has the weights of the last finished step.
    RuntimeError
        The network is being trained already, or used by another thread.
    ImportError
        The package that `progress` names is not installed.

    Notes
    -----
    The arithmetic is specified to the bit in docs/arithmetic.md.

    Examples
    --------
    The exclusive or, which no single perceptron can learn:

    >>> import rosenblatt as rb
    >>> X, Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> net = rb.Network([2, 8, 1], activation="tanh", output="logistic", random_state=0)
    >>> sgd = rb.SGD(learning_rate=0.5)
    >>> result = rb.train(net, X, Y, loss="log_loss", optimizer=sgd, batch_size=4, epochs=1000)
    >>> net.forward(X).round().ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    training = prepared(
        net,
        X,
        Y,
        loss=loss,
        optimizer=optimizer,
        l1=l1,
        l2=l2,
        alpha=alpha,
        clip_norm=clip_norm,
        clip_value=clip_value,
        max_norm=max_norm,
        ema=ema,
        batch_size=batch_size,
        epochs=epochs,
        shuffle=shuffle,
        random_state=random_state,
        sample_weight=sample_weight,
        class_weight=class_weight,
        dropout=dropout,
        input_dropout=input_dropout,
        input_noise=input_noise,
        validation=validation,
        scale_inputs=scale_inputs,
        scale_targets=scale_targets,
        metrics=metrics,
        early_stopping=early_stopping,
        target_loss=target_loss,
        time_limit=time_limit,
        gradient_norm=gradient_norm,
        checkpoint=checkpoint,
        callback=callback,
        progress=progress,
        threads=threads,
    )
    n_threads = net.threads if threads is None else threads
    with training:
        found = _core.train(training.core, _arguments.thread_count("threads", n_threads))
    return training.result(found, training.watch.seconds())


@dataclass(frozen=True)
class Prepared:
    """A training whose arguments are checked: as the core takes it, and who looks at it.

    Its `with` block is the training; at its end the progress bar is closed.
    """

    core: Any
    watch: Watch
    callbacks: list[Callback]
    bar: Any
    curves: list[str]  # those of the core's that the history has
    ended_before: StopReason | None  # why no epoch follows those of a checkpoint

    def __enter__(self) -> Prepared:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.bar:
            self.bar.close()

    def result(
        self, found: tuple[dict[str, list[float]], str, Any, float], seconds: float
    ) -> TrainResult:
        """Return what the core found in the user's words, and let the watchers end."""
        curves, reason, average, _ = found
        watch = self.watch
        watch.end()
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
) -> Prepared:
    """Check the arguments of `train`, which has their defaults, and keep them for the core.

    Raises
    ------
    TypeError, ValueError, ImportError, OSError
        As `train`.
    RuntimeError
        The network is being trained by another thread.
    """
    if not isinstance(net, Network):
        raise TypeError(f"net: got {type(net).__name__}, needed a rosenblatt.Network")
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
    n_epochs = _arguments.integer("epochs", epochs, least=1, most=2**32)
    rates = _arguments.dropout_rates(dropout, input_dropout, len(net.layers) - 2)
    noise = _arguments.deviation("input_noise", input_noise, net.dtype)
    for name, some in (("dropout", rates), ("input_noise", noise)):
        if some and isinstance(optimizer, LBFGS):
            raise ValueError(
                f"{name}: got some with LBFGS, needed none: its cost must stay the same"
            )
    given = _samples(
        net, X, Y, loss=loss_name, sample_weight=sample_weight, class_weight=class_weight
    )
    if noise and isinstance(given.X, SparseInputs):
        raise ValueError(f"input_noise: got {noise} with a sparse X, needed 0: it would fill X up")
    samples, held_out = _validation.split(given, validation, net, loss_name, seed)
    if custom and (samples.weights is not None or (held_out and held_out.weights is not None)):
        raise ValueError("sample_weight: got weights with a loss of your own, which must weigh")
    callbacks = callback_list("callback", callback)
    metric_of = metric_functions("metrics", metrics)
    stopping = _early_stopping(early_stopping)
    size = _batch_size(batch_size, samples.X, optimizer)
    how: dict[str, Any] = {
        "shuffle": callable(shuffle) or _arguments.flag("shuffle", shuffle),
        "dropout": rates,
        "input_noise": noise,
        "gradient_norm": _arguments.flag("gradient_norm", gradient_norm),
        "scale_inputs": kind_of_training("scale_inputs", scale_inputs),
        "scale_targets": kind_of_training("scale_targets", scale_targets),
    }
    curves = _curves(held_out is not None, optimizer, how["gradient_norm"])
    measured = held_out or samples
    check_batches(net, len(samples.X), size, optimizer)
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
                "early_stopping": stopping and stopping.choice_of_best,
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
        order = _CheckedOrder(shuffle, len(samples.X)).of_epoch if callable(shuffle) else None
        core = _core.prepare(
            net._core,
            _for_core(samples, custom),
            loss=rule,
            cost=None if custom is None else _CheckedCost(custom, samples, held_out).functions,
            optimizer=optimizer_rule,
            batch_size=size,
            epochs=keeping.epochs if keeping else n_epochs,
            seed=seed,
            validation=held_out and _for_core(held_out, custom),
            time_limit=_time_limit(time_limit),
            epoch_done=watch.epoch_done if watch.wants_epochs else None,
            step_done=watch.step_done if watch.wants_steps else None,
            order=order,
            threads=_arguments.thread_count("threads", net.threads if threads is None else threads),
            resumed=keeping.resumed if keeping else None,
            keeping=keeping.functions if keeping else None,
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
        if name in _arguments.NOT_TRAINABLE:
            raise ValueError(
                f"net: got activation {name!r} in layer {layer + 2}, needed activations with a "
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
            "optimizer: got LBFGS with norm='batch', needed another: a line search goes down one"
            " cost, and batch norm has another when it is trained than afterwards"
        )
    if batch_size == 1 or n % batch_size == 1:
        where = "its last batch would have" if batch_size > 1 and n > 1 else "a batch would have"
        raise ValueError(
            f"batch_size: got {batch_size} for {n} samples with norm='batch', needed batches of at"
            f" least 2: {where} 1 sample, whose variance is 0"
        )


def _samples(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    loss: str | None,
    sample_weight: ArrayLike | None,
    class_weight: Any,
) -> Samples:
    of_core = _validation.targets(net, "Y", Y, loss)
    n_classes = max(2, net.layers[-1])
    weights = sample_weights(sample_weight, class_weight, of_core, n_classes)
    return Samples(_sparse.inputs("X", X, net.dtype), of_core, weights, np.asarray(Y))


def _for_core(samples: Samples, custom: CustomLoss | None) -> tuple[Any, Any, Any]:
    Y = samples.Y if custom is None else np.empty(0, samples.X.dtype)  # it never looks at it
    return _sparse.for_core(samples.X), Y, samples.weights


def _seed(random_state: Any, saved: SavedTraining | None) -> int:
    """Return the seed that is given, or else that of the checkpoint, or else a new one."""
    seed = _arguments.seed("random_state", random_state)
    is_drawn = random_state is None or isinstance(
        random_state, np.random.Generator | np.random.RandomState
    )
    return saved.seed if saved and is_drawn else seed


def _batch_size(value: object, X: Inputs, optimizer: Optimizer) -> int:
    n_samples = X.shape[0] if X.ndim > 0 else 0  # a wrong shape is refused with the samples
    if value is None:
        return max(n_samples, 1)
    batch_size = _arguments.integer("batch_size", value, least=1, most=2**62)
    if isinstance(optimizer, LBFGS) and batch_size < n_samples:
        raise ValueError(f"batch_size: got {batch_size} with LBFGS, needed None, for all samples")
    return batch_size


class _CheckedOrder:
    """An order of the user's: what it gives is checked before the core takes it."""

    def __init__(self, order: Callable[[int], ArrayLike], n: int) -> None:
        self._order = order
        self._n = n

    def of_epoch(self, epoch: int) -> NDArray[np.int64]:
        needed = f"the indices of {self._n} samples, from 0 to {self._n - 1}"
        given = np.asarray(self._order(epoch))
        if given.dtype.kind not in "iu" or given.shape != (self._n,):
            raise ValueError(
                f"shuffle: got {given.dtype} of shape {given.shape} for epoch {epoch}, "
                f"needed {needed}"
            )
        if given.min() < 0 or given.max() >= self._n:
            raise ValueError(
                f"shuffle: got indices from {given.min()} to {given.max()} for epoch {epoch}, "
                f"needed {needed}"
            )
        return np.require(given, np.int64, ["C", "A"])


class _CheckedCost:
    """A loss of the user's: what it gives is checked before the core takes it."""

    def __init__(self, loss: CustomLoss, samples: Samples, held_out: Samples | None) -> None:
        self._loss = loss
        self._Y = samples.given_Y
        self._validation_Y = None if held_out is None else held_out.given_Y
        for name, each in (("Y", samples), ("validation[1]", held_out)):
            if each is not None and each.given_Y.shape[:1] != (len(each.X),):
                shape = each.given_Y.shape
                raise ValueError(f"{name}: got shape {shape}, needed {len(each.X)} rows, as X has")

    @property
    def functions(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        return self.of_batch, self.of_validation

    def of_batch(self, A: NDArray[Any], rows: Any) -> tuple[float, NDArray[Any]]:
        C, dC_dA = self._call(A, self._Y[rows])
        G = _arrays.inputs("loss: its dC/dA", dC_dA, A.dtype)
        if G.shape != A.shape:
            raise ValueError(f"loss: got dC/dA of shape {G.shape}, needed {A.shape}")
        if not np.isfinite(G).all():
            raise ValueError("loss: got NaN or infinity in dC/dA, needed finite numbers")
        return C, G

    def of_validation(self, A: NDArray[Any]) -> float:
        return self._call(A, self._validation_Y)[0]

    def _call(self, A: NDArray[Any], Y: Any) -> tuple[float, Any]:
        found = self._loss(A, Y)
        if not isinstance(found, tuple) or len(found) != 2:
            raise TypeError(f"loss: got {type(found).__name__}, needed a pair (C, dC/dA)")
        return float(found[0]), found[1]


def _early_stopping(value: Any) -> EarlyStopping | None:
    if value is None or isinstance(value, EarlyStopping):
        return value
    if isinstance(value, bool | np.bool_):
        return EarlyStopping() if value else None
    raise TypeError(f"early_stopping: got {value!r}, needed a rosenblatt.EarlyStopping or a bool")


def _optional_real(name: str, value: Any) -> float | None:
    return None if value is None else _arguments.real(name, value, "a finite number or None")


def _time_limit(value: Any) -> float | None:
    seconds = _optional_real("time_limit", value)
    if seconds is None:
        return None
    if seconds <= 0:
        raise ValueError(f"time_limit: got {seconds}, needed a number of seconds above 0 or None")
    return min(seconds, 1e9)
