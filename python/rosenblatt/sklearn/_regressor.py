"""MLPRegressor: scikit-learn's regressor on rosenblatt's core."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.metaestimators import available_if

from .._checks import arrays
from .._checks.shown import shown
from .._loss import Poisson
from . import _settings
from ._checks import check_numbers, short_messages, validate
from ._online import Online, is_stochastic


class MLPRegressor(RegressorMixin, Online):
    """A regressor with the parameters of scikit-learn's `MLPRegressor` and more.

    Parameters
    ----------
    loss : str, loss or callable, default="squared_error"
        "squared_error" and "poisson" are those of scikit-learn. In addition, all losses of
        docs/losses.md, including objects such as ``rosenblatt.Huber(2.0)``, and custom functions
        as in `rosenblatt.train`. "gaussian_nll" has two outputs per target: first the means, then
        the logarithms of the variances.
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Units of each hidden layer.
    activation : str, rosenblatt.Activation or sequence of them, default="relu"
        f of the hidden layers: scikit-learn's "identity", "logistic", "tanh" and "relu", or any
        other activation of `rosenblatt.Network`. One for all layers or one per layer.
    solver : {"lbfgs", "sgd", "adam"} or optimiser, default="adam"
        The first three compute exactly the formulas of scikit-learn. An object such as
        ``rosenblatt.AdamW()`` brings its own learning rate and settings.
    alpha : float, default=0.0001
        L2 penalty of the weights, alpha / 2 sum w^2 divided by the number of samples in a batch.
    batch_size : int or "auto", default="auto"
        Samples per step; "auto" is ``min(200, n_samples)``.
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        How the rate of "sgd" changes between epochs.
    learning_rate_init : float, schedule or callable, default=0.001
        The learning rate, or a schedule of `rosenblatt.schedules`.
    power_t : float, default=0.5
        The exponent of "invscaling".
    max_iter : int, default=200
        The maximum number of epochs, or of steps for "lbfgs".
    shuffle : bool, default=True
        Shuffle the samples in every epoch, in the same order as scikit-learn.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the split of early stopping, shuffling and dropout.
    tol : float, default=1e-4
        The minimum improvement of an epoch; a smaller one does not count.
    verbose : bool, default=False
        Print the loss of every epoch.
    warm_start : bool, default=False
        Start from the weights of the last `fit`.
    momentum : float, default=0.9
        Momentum of "sgd", from 0 to 1.
    nesterovs_momentum : bool, default=True
        Use Nesterov's momentum in "sgd".
    early_stopping : bool, default=False
        Stop when the score on a validation set no longer improves, and keep the best weights. The
        set is `validation_fraction` of the samples, or the `validation` argument of `fit`.
    validation_fraction : float, default=0.1
        Between 0 and 1.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the moving means of "adam".
    epsilon : float, default=1e-8
        Added to the denominator of "adam".
    n_iter_no_change : int, default=10
        Epochs without an improvement before training stops.
    max_fun : int, default=15000
        The maximum number of cost evaluations of "lbfgs".
    dropout : float or sequence of float, default=0.0
        The dropout rate of the hidden units, one for all layers or one per layer.
    input_dropout : float, default=0.0
        The dropout rate of the features.
    norm : {"batch", "layer"}, None or sequence, default=None
        Normalisation of the hidden layers, one for all layers or one per layer.
    skip : bool or sequence of bool, default=False
        Residual connections: add the input of a hidden layer to its output.
    scale_inputs : {"standard", "minmax", "robust"}, default=None
        Scale the features as in `rosenblatt.train`. `fit` computes the scaling from the training
        samples, without the held-out ones, and the network stores it. You always pass X in its
        original units; `coefs_` and `intercepts_` apply to scaled numbers. X must be dense.
    scale_targets : {"standard", "minmax", "robust"}, default=None
        Scale y in the same way. Predictions are in the original units, losses and `tol` in scaled
        units. For "squared_error", "absolute_error", "log_cosh", "huber" and "quantile".
    coefs_init, intercepts_init : list of array-like, default=None
        Initial weights (n_in, n_out) and biases (n_out,) of each layer.
    callback : callable, rosenblatt.Callback or sequence, default=None
        Called after every epoch, as in `rosenblatt.train`; returning True stops training. Pass
        callbacks of scikit-learn 1.9 to `set_callbacks`.
    dtype : {"float32", "float64"}, default=None
        The type of the arithmetic; None uses the dtype of X if it is one of these, else float64.
    grow : bool, default=False
        Allow new features in later calls to `partial_fit` and `learn_one`.
    threads : int, default=None
        Number of threads; None uses all that the process may use, or one in a joblib worker. The
        result does not depend on it.

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        Weights (n_in, n_out) and biases (n_out,) of each layer. Assigning to an element of the
        list, or to numbers in it, changes the network.
    loss_, best_loss_ : float
        The loss of the last epoch and the lowest loss, including the penalty. `best_loss_` is
        None with early stopping.
    loss_curve_ : list of float
        The loss of every epoch.
    validation_loss_curve_ : list of float or None
        The loss on the `validation` argument of `fit` after every epoch.
    validation_scores_, best_validation_score_ : list of float, float or None
        The score after every epoch and the best one; None without early stopping.
    n_iter_, t_ : int
        Number of epochs, and number of samples seen.
    n_layers_, n_outputs_ : int
        Number of layers including the input, and units of the output layer.
    out_activation_ : str
        f of the output layer.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Defined if X has column names.

    See Also
    --------
    rosenblatt.train : The underlying training function.

    Notes
    -----
    If only scikit-learn's parameters are used, the weights equal those of scikit-learn up to
    rounding: the same `random_state` gives the same initial weights, batches and steps.
    docs/coming-from-scikit-learn.md lists what is equal, what differs and what is new.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from rosenblatt.sklearn import MLPRegressor
    >>> X, y = make_regression(n_samples=200, n_features=5, random_state=1)
    >>> regressor = MLPRegressor(solver="lbfgs", random_state=1, max_iter=500).fit(X, y / 100)
    >>> bool(regressor.score(X, y / 100) > 0.99)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_settings.CONSTRAINTS,
        "scale_targets": _settings.CONSTRAINTS["scale_inputs"],
    }

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: Any = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        input_dropout: float = 0.0,
        norm: Any = None,
        skip: Any = False,
        scale_inputs: str | None = None,
        scale_targets: str | None = None,
        coefs_init: Any = None,
        intercepts_init: Any = None,
        callback: Any = None,
        dtype: str | None = None,
        grow: bool = False,
        threads: int | None = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.norm = norm
        self.skip = skip
        self.scale_inputs = scale_inputs
        self.scale_targets = scale_targets
        self.coefs_init = coefs_init
        self.intercepts_init = intercepts_init
        self.callback = callback
        self.dtype = dtype
        self.grow = grow
        self.threads = threads

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Return the predicted targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        return_std : bool, default=False
            Also return standard deviations; requires ``loss="gaussian_nll"``.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            A row does not depend on the other rows.
        deviations : ndarray of the same shape as y
            Only if `return_std` is True.

        Raises
        ------
        NotFittedError, ValueError
            The estimator is not fitted, or X contains values other than finite numbers or has the
            wrong number of features.
        """
        A = self._predictions(X)
        if return_std and not self._has_variances:
            raise ValueError(
                f"return_std: got True after a fit with loss={shown(self._loss_of_fit)}, expected "
                "'gaussian_nll'"
            )
        if not return_std:
            return self._numbers_of(A)
        n_targets = A.shape[1] // 2
        return self._numbers_of(A), self._squeeze(np.exp(0.5 * A[:, n_targets:]))

    def _numbers_of(self, A: NDArray[Any]) -> NDArray[Any]:
        """Return the predictions for outputs (n, n_outputs), without variances."""
        return self._squeeze(A[:, : A.shape[1] // 2] if self._has_variances else A)

    @property
    def _n_targets(self) -> int:
        """Number of targets per sample."""
        return int(self.n_outputs_ // 2 if self._has_variances else self.n_outputs_)

    @property
    def _has_variances(self) -> bool:
        """Whether half of the outputs are variances."""
        return bool(self._loss_of_fit == "gaussian_nll")

    @staticmethod
    def _squeeze(A: NDArray[Any]) -> NDArray[Any]:
        return A.ravel() if A.shape[1] == 1 else A

    @available_if(is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Update the network with one pass over some samples.

        The state of the solver continues from the last call to `fit` or `partial_fit`, with the
        settings of that time. `alpha`, the loss and dropout take their current values. Scalings
        are those of `fit`; without an earlier `fit` they are refused.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            With `grow`, new features are allowed.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self

        Raises
        ------
        ValueError
            An argument is out of range, or training diverged. The estimator is then unchanged.
        """
        return self._partial_fit(X, y, sample_weight)

    def predict_one(self, x: ArrayLike) -> Any:
        """Return the prediction for one sample, in a few microseconds.

        Parameters
        ----------
        x : array-like of shape (n_features,)

        Returns
        -------
        float or ndarray of shape (n_outputs,)

        Raises
        ------
        NotFittedError, ValueError
            As for `predict`.
        """
        A = self._numbers_of(self._output_of(x)[np.newaxis])
        return float(A[0]) if A.ndim == 1 else A[0]

    def _target_of(self, y: Any) -> Any:
        if isinstance(y, float):
            return float(y)
        target = arrays.inputs("y", y, self._net.dtype)
        n_targets = self._n_targets
        if target.ndim == 0 and n_targets == 1:
            return float(target)
        if target.shape != (n_targets,):
            expected = "a number" if n_targets == 1 else f"({n_targets},)"
            raise ValueError(f"y: got shape {target.shape}, expected {expected}")
        return target

    def _validate(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, NDArray[Any]]:
        check_numbers("y", y, X)
        X, y = validate(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=True,
            dtype=self._number_types(of_new_network=reset),
            reset=reset,
        )
        y = self._one_dimensional(y)
        if not reset:
            self._check_columns(y)
        return X, y

    def _check_targets(self, y: ArrayLike) -> NDArray[Any]:
        check_numbers("y", y)
        with short_messages():
            numbers = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        y = self._one_dimensional(numbers)
        self._check_columns(y)
        return y

    def _check_columns(self, y: NDArray[Any]) -> None:
        """Check that the number of targets per sample is that of the last fit."""
        n = y[:1].size
        if n != self._n_targets:
            raise ValueError(
                f"y: got {n} targets per sample, expected {self._n_targets} as in the last fit"
            )

    @staticmethod
    def _one_dimensional(y: NDArray[Any]) -> NDArray[Any]:
        if y.ndim == 2 and y.shape[1] == 1:
            return column_or_1d(y, warn=True)  # type: ignore[no-any-return]
        return y

    def _n_units(self, y: NDArray[Any], loss: Any) -> int:
        n_targets = 1 if y.ndim == 1 else y.shape[1]
        return 2 * n_targets if loss == "gaussian_nll" else n_targets

    def _encode(self, y: NDArray[Any], loss: Any, name: str = "y") -> NDArray[Any]:
        rows = y.reshape(-1, 1) if y.ndim == 1 else y
        return arrays.exact(name, rows, self._net.dtype)

    def _output(self, loss: Any) -> str:
        rates = loss == "poisson" or (isinstance(loss, Poisson) and loss.log_rate)
        return "exp" if rates else "identity"

    def _meaning(self, loss: Any) -> str:
        return "means and variances" if loss == "gaussian_nll" else super()._meaning(loss)

    def _share_of_outputs(self) -> float:
        return 1 / self.n_outputs_ if self.loss == "squared_error" else 1.0

    def _constant_of_loss(self, y: NDArray[Any], sample_weight: Any) -> float:
        if self.loss != "poisson":
            return 0.0
        rows = y.reshape(len(y), -1)
        return float(np.average(xlogy(rows, rows) - rows, weights=sample_weight, axis=0).sum())

    def _score_of(self, X: Any, y: NDArray[Any], sample_weight: Any) -> float:
        A = self._apply_exp(self._outputs(X))
        if not np.isfinite(A).all():
            return float("nan")
        return float(r2_score(y, self._numbers_of(A), sample_weight=sample_weight))
