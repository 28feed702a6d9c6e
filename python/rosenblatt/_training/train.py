"""Train: gradient descent over epochs of batches, all of it in the compiled core."""

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
from .options import Data, Options, take_group
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
    optimizer : SGD or another optimiser, default SGD()
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
    max_weight : float, optional
        The largest size of a weight; the steps end with every weight of W clipped to it.
    ema : float, optionalnal
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
        The seed of the order, 0 … 2**64 - 1. A call that raises gives a generator its state back.
    sample_weight : array-like of shape (n,), optional
        s_i >= 0: the cost of a batch is sum s_i c_i / sum s_i. A batch of weight 0 is passed over.
    class_weight : "balanced" or mapping of int to float, optional
        Weight of each label, multiplied into the sample weights, also into those of the validation
        samples. "balanced" is n / (number of classes × samples of the class), by the labels in Y;
        labels that are not named weigh 1.
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
        needs the output "identity" and "squared_error", "absolute_error", "log_cosh", "huber" or
        "quantile".
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
        the last good epoch; with early stopping those of the best epoch.
    KeyboardInterrupt
        Ctrl-C. The network has the weights of the last finished step; with early stopping those of
        the best epoch.
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
    arguments = locals()
    with undone_if_raised([random_state]):
        return job_of(**arguments).run(net.threads if threads is None else threads)


SIGNATURE = inspect.signature(train)


def job_of(net: Network, *, remember: bool = False, **arguments: Any) -> TrainingJob:
    """Return what `train` would run with these arguments and its defaults.

    `remember` asks for the state of the optimiser at the end.

    Raises
    ------
    TypeError, ValueError, ImportError, OSError, RuntimeError
        As `prepare`.
    """
    bound = SIGNATURE.bind(net, **arguments)
    bound.apply_defaults()
    values = bound.arguments
    with undone_if_raised([values["random_state"]]):
        return prepare(
            net,
            take_group(Data, values),
            values["loss"],
            values["optimizer"],
            Options.of(values),
            threads=values["threads"],
            remember=remember,
        )
