"""MLPClassifier: scikit-learn's classifier on rosenblatt's core."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .. import _core
from .._checks.shown import shown
from . import _settings
from ._labels import MARGINS, Labelled
from ._online import is_stochastic


def _loss(estimator: Any) -> Any:
    """Return the loss of the last fit, or the loss parameter before the first fit."""
    return getattr(estimator, "_loss_of_fit", estimator.loss)


def _gives_probabilities(estimator: Any) -> bool:
    if _loss(estimator) in MARGINS:
        raise AttributeError(f"predict_proba is not available for loss={shown(_loss(estimator))}")
    return True


def _gives_scores(estimator: Any) -> bool:
    return bool(_loss(estimator) in MARGINS)


def _logistic_of_both(Z: NDArray[Any]) -> NDArray[Any]:
    """Return the logistic function of -z and z, (n, 2), for scores (n, 1).

    It avoids 1 - logistic(z), which would round a small probability to 0.
    """
    return _core.evaluate("logistic", np.hstack([-Z, Z])).reshape(-1, 2)


class MLPClassifier(Labelled):
    """A classifier with the parameters of scikit-learn's `MLPClassifier` and more.

    Parameters
    ----------
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
    loss : str or loss, default="log_loss"
        "focal", "squared_error" and the other losses for labels in docs/losses.md. "hinge" and
        "squared_hinge" give scores instead of probabilities.
    class_weight : dict or "balanced", default=None
        Weight of each class, multiplied into the sample weights, including those of validation
        samples. "balanced" computes the weights from the labels in y. A class missing from the
        dict has weight 1.
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
    coefs_init, intercepts_init : list of array-like, default=None
        Initial weights (n_in, n_out) and biases (n_out,) of each layer.
    callback : callable, rosenblatt.Callback or sequence, default=None
        Called after every epoch, as in `rosenblatt.train`; returning True stops training. Pass
        callbacks of scikit-learn 1.9 to `set_callbacks`.
    dtype : {"float32", "float64"}, default=None
        The type of the arithmetic; None uses the dtype of X if it is one of these, else float64.
    grow : bool, default=False
        Allow new features and classes in later calls to `partial_fit` and `learn_one`.
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
    classes_ : ndarray of shape (n_classes,)
        The labels, in order.
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
    >>> from sklearn.datasets import make_classification
    >>> from rosenblatt.sklearn import MLPClassifier
    >>> X, y = make_classification(n_samples=100, random_state=1)
    >>> clf = MLPClassifier(solver="lbfgs", random_state=1).fit(X[:75], y[:75])
    >>> clf.predict(X[75:80]).shape
    (5,)
    >>> bool(clf.score(X[75:], y[75:]) > 0.7)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_settings.CONSTRAINTS,
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
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
        loss: Any = "log_loss",
        class_weight: Any = None,
        dropout: Any = 0.0,
        input_dropout: float = 0.0,
        norm: Any = None,
        skip: Any = False,
        scale_inputs: str | None = None,
        coefs_init: Any = None,
        intercepts_init: Any = None,
        callback: Any = None,
        dtype: str | None = None,
        grow: bool = False,
        threads: int | None = None,
    ) -> None:
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
        self.loss = loss
        self.class_weight = class_weight
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.norm = norm
        self.skip = skip
        self.scale_inputs = scale_inputs
        self.coefs_init = coefs_init
        self.intercepts_init = intercepts_init
        self.callback = callback
        self.dtype = dtype
        self.grow = grow
        self.threads = threads

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the predicted classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Labels; for multilabel targets, zeros and ones.

        Raises
        ------
        NotFittedError, ValueError
            The estimator is not fitted, or X contains values other than finite numbers or has the
            wrong number of features.
        """
        return self._labels_of(self._predictions(X))

    @available_if(_gives_probabilities)
    def predict_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Return the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`; a row does not depend on the other rows.

        Raises
        ------
        NotFittedError, ValueError
            As for `predict`.
        """
        check_is_fitted(self)
        rows = self._rows(X)
        if self.n_outputs_ > 1:
            return self._outputs(rows)
        Z = self._with_output("identity").forward(rows)
        if len(self.classes_) == 1:
            return np.ones_like(Z)
        return _logistic_of_both(Z)

    @available_if(_gives_probabilities)
    def predict_log_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Finite, even if a probability is too small for a floating-point number.

        Raises
        ------
        NotFittedError, ValueError
            As for `predict`.
        """
        check_is_fitted(self)
        rows = self._rows(X)
        if self.out_activation_ == "softmax":
            return self._with_output("log_softmax").forward(rows)
        Z = self._with_output("identity").forward(rows)
        if len(self.classes_) == 1:
            return np.zeros_like(Z)
        against = np.hstack([Z, -Z]) if self.n_outputs_ == 1 else -Z
        log_p: NDArray[Any] = 0 - np.logaddexp(0, against)
        return log_p

    @available_if(_gives_scores)
    def decision_function(self, X: ArrayLike) -> NDArray[Any]:
        """Return the scores of a loss with a margin, "hinge" or "squared_hinge".

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)

        Raises
        ------
        NotFittedError, ValueError
            As for `predict`.
        """
        A = self._predictions(X)
        return A.ravel() if self.n_outputs_ == 1 else A

    @available_if(is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Update the network with one pass over some samples.

        The state of the solver continues from the last call to `fit` or `partial_fit`, with the
        settings of that time. `alpha`, the loss and dropout take their current values. Scalings
        are those of `fit`; without an earlier `fit` they are refused.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            With `grow`, new features are allowed.
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
        classes : array-like of shape (n_classes,), default=None
            All classes, required in the first call. With `grow` it may be omitted: later calls add
            new classes.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            An argument is out of range, a class is unknown, or training diverged. The estimator is
            then unchanged.
        """
        return self._partial_fit(X, y, sample_weight, classes)

    def predict_one(self, x: ArrayLike) -> Any:
        """Return the predicted class of one sample, in a few microseconds.

        Parameters
        ----------
        x : array-like of shape (n_features,)

        Returns
        -------
        label
            One of `classes_`.

        Raises
        ------
        NotFittedError, ValueError
            As for `predict`.
        """
        A = self._output_of(x)
        if A.size > 1 and not self._several_labels:
            return self.classes_[A.argmax()]
        return self._labels_of(A[np.newaxis])[0]
