"""Train: gradient descent over epochs of batches, in the compiled core."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._checks.draws import undone_if_raised
from .._files.checkpoint import Checkpoint
from .._loss import CustomLoss, Loss
from .._network import Network
from .._optimizer import SGD, Optimizer
from .._scaling import ScalingKind
from .callbacks import Callback, EarlyStopping, Epoch
from .job import TrainingJob, prepare
from .options import Data, Options
from .result import TrainResult

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
    max_weight: float | None = None,
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
    """Train a network in place by gradient descent on batches.

    While there are epochs left, w := w - epsilon dC/dw for every batch.

    Parameters
    ----------
    net : Network
        Trained in place.
    X : array-like or sparse matrix of shape (n, n_features)
    Y : array-like of shape (n, n_outputs), or (n,)
        Targets. Shape (n,) holds integer labels for losses that take classes, and numbers if there
        is one output. A custom loss gets its rows unchanged.
    loss : str, Huber, Quantile, LogLoss, Poisson, Focal or callable
        As for `Network.gradients`; docs/losses.md lists the outputs that each loss allows. A
        function ``loss(A, Y)`` of the outputs and targets of a batch returns ``(C, dC_dA)``.
    optimizer : SGD or another optimiser, default SGD()
        docs/optimizers.md describes them. The learning rate may be a schedule.
    l1, l2 : float, default 0.0
        Penalties on the weights, not on the biases: the gradient is that of the cost +
        l1 sum abs(w) + l2 / 2 sum w^2. The reported losses do not include them.
    alpha : float, default 0.0
        scikit-learn's penalty: adds alpha / 2 sum w^2, divided by the sum of the sample weights of
        the batch, to its cost. `Epoch.penalty` is the mean.
    clip_norm : float, optional
        Maximum Euclidean norm of the whole gradient; a longer gradient is scaled down.
    clip_value : float, optional
        Maximum absolute value of a component of the gradient, after `clip_norm`.
    max_norm : float, optional
        Maximum Euclidean norm of the weights into a unit, W[l][j], enforced after every step.
    max_weight : float, optional
        Maximum absolute value of a weight, enforced after every step.
    ema : float, optional
        Between 0 and 1: keeps a moving average of the parameters with this decay and returns it in
        the result. The network itself has the parameters of the last step.
    batch_size : int or None, default 32
        Samples per step, or None for all of them. The last batch of an epoch may be smaller. Batch
        norm needs at least 2 samples in each batch.
    epochs : int, default 10
        Passes over the samples.
    shuffle : bool or callable, default True
        Whether to draw a new order of the samples in every epoch; or a function of the epoch, from
        0, that returns the order, the indices (n,) of the samples.
    random_state : int, numpy.random.Generator or None, default 0
        Seed of the order, 0 … 2**64 - 1. If the call raises, a generator gets its state back.
    sample_weight : array-like of shape (n,), optional
        Weights s_i >= 0: the cost of a batch is sum s_i c_i / sum s_i. A batch of weight 0 is
        skipped.
    class_weight : "balanced" or mapping of int to float, optional
        Weight per label, multiplied into the sample weights, also for the validation samples.
        "balanced" is n / (number of classes × samples of the class), from the labels in Y. Labels
        that are not in the mapping have weight 1.
    dropout : float or sequence of float, default 0.0
        Fraction of the hidden units to drop in every step, from 0 to below 1: one number for all
        hidden layers or one per layer. The other units are scaled by 1 / (1 - dropout).
    input_dropout : float, default 0.0
        The same for the inputs.
    input_noise : float, default 0.0
        Standard deviation of the Gaussian noise that is added to the (scaled) inputs; every
        step draws new noise.
    validation : (X, Y), (X, Y, sample_weight) or float, optional
        Samples whose loss is measured after every epoch and that are not trained on; or the
        fraction of the samples to hold out, between 0 and 1, the same in every class.
    scale_inputs : {"standard", "minmax", "robust"}, optional
        Fits a `Scaling` to X, makes it the `input_scaling` of the network, and trains on scaled X.
        None keeps the scaling that the network has, if any.
    scale_targets : {"standard", "minmax", "robust"}, optional
        The same for Y and `target_scaling`; losses are those of scaled outputs and targets. It
        requires the output "identity" and the loss "squared_error", "absolute_error", "log_cosh",
        "huber" or "quantile".
    metrics : str, callable, sequence or mapping, optional
        Measured after every epoch, on the validation set if there is one: "accuracy", "r2",
        "mean_absolute_error", "root_mean_squared_error", or functions (Y, A) -> number.
    early_stopping : EarlyStopping or bool, optional
        Stops when the validation loss, or another monitored number, no longer improves. True
        means ``EarlyStopping()``.
    target_loss : float, optional
        Stops when the validation loss, or the loss without a validation set, is at most this.
    time_limit : float, optional
        Stops after the step in which this many seconds of the run are reached.
    gradient_norm : bool, default False
        Whether to measure the Euclidean norm of dC/dtheta in every step, before penalties and
        clipping. Its mean over an epoch is in the history. This requires storing the gradient.
    checkpoint : path-like or Checkpoint, optional
        A file to which the run is saved after every epoch, or as `Checkpoint` specifies. If the
        file exists, the run resumes from it and ends with exactly the result of an uninterrupted
        one; the network takes the parameters in the file. See docs/checkpoints.md.
    callback : callable, Callback or sequence of them, optional
        ``callback(epoch)`` is called with an `Epoch` after every epoch and stops the run by
        returning True. It may read and change the network. A `Callback` also gets every step.
    progress : bool or {"rich", "tqdm", "plain"}, default False
        Whether to show the progress, with the best of these that is installed; or which one.
    threads : int, optional
        Number of threads, by default ``net.threads``. The result does not depend on it.

    Returns
    -------
    TrainResult

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type, shape or value, or contradicts the checkpoint. The message
        names it, and the network is unchanged.
    OSError
        The checkpoint cannot be read or written, for example because the disk is full. The network
        has the parameters of the last epoch; the file keeps its contents.
    FloatingPointError
        The loss or the weights became infinite or NaN. The network has the weights of the end of
        the last good epoch, or with early stopping those of the best epoch.
    KeyboardInterrupt
        Ctrl-C. The network has the weights of the last finished step, or with early stopping those
        of the best epoch.
    RuntimeError
        The network is being trained already, or is used by another thread.
    ImportError
        The package that `progress` names is not installed.

    Notes
    -----
    docs/arithmetic.md specifies every operation.

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
    arguments = locals()
    with undone_if_raised([random_state]):
        return _job(arguments).run(net.threads if threads is None else threads)


SIGNATURE = inspect.signature(train)


def job_of(net: Network, *, remember: bool = False, **arguments: Any) -> TrainingJob:
    """Return the run that `train` would do with these arguments and its defaults.

    `remember` requests the state of the optimiser at the end.

    Raises
    ------
    TypeError, ValueError, ImportError, OSError, RuntimeError
        As `prepare`.
    """
    bound = SIGNATURE.bind(net, **arguments)
    bound.apply_defaults()
    with undone_if_raised([bound.arguments["random_state"]]):
        return _job(bound.arguments, remember=remember)


def _job(arguments: Mapping[str, Any], *, remember: bool = False) -> TrainingJob:
    return prepare(
        arguments["net"],
        Data.of(arguments),
        arguments["loss"],
        arguments["optimizer"],
        Options.of(arguments),
        threads=arguments["threads"],
        remember=remember,
    )
