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
    """Return the loss of the last fit; before the first, the loss of the next."""
    return getattr(estimator, "_loss_of_fit", estimator.loss)


def _gives_probabilities(estimator: Any) -> bool:
    if _loss(estimator) in MARGINS:
        raise AttributeError(f"predict_proba is not available for loss={shown(_loss(estimator))}")
    return True


def _gives_scores(estimator: Any) -> bool:
    return bool(_loss(estimator) in MARGINS)


def _logistic_of_both(Z: NDArray[Any]) -> NDArray[Any]:
    """Return the logistic of -z and of z, (n, 2), for scores (n, 1).

    1 - logistic(z) would round a small probability to 0.
    """
    return _core.evaluate("logistic", np.hstack([-Z, Z])).reshape(-1, 2)


class MLPClassifier(Labelled):
    """A classifier: scikit-learn's `MLPClassifier` with the same parameters, and more.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Units of each hidden layer.
    activation : str, rosenblatt.Activation or sequence of them, default="relu"
        f of the hidden layers, of scikit-learn's "identity", "logistic", "tanh", "relu" or any
        other of `rosenblatt.Network`; one for all or one for each.
    solver : {"lbfgs", "sgd", "adam"} or optimiser, default="adam"
        The first three are scikit-learn's, to the formula. An object such as
        ``rosenblatt.AdamW()`` has its own learning rate and settings.
    alpha : float, default=0.0001
        L2 penalty of the weights: a batch has its samples' share of alpha / 2 sum w^2.
    batch_size : int or "auto", default="auto"
        Samples of a step; "auto" is ``min(200, n_samples)``.
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        How the rate of "sgd" changes between epochs.
    learning_rate_init : float, schedule or callable, default=0.001
        The rate, or one of `rosenblatt.schedules`.
    power_t : float, default=0.5
        The exponent of "invscaling".
    max_iter : int, default=200
        Epochs at most; steps at most of "lbfgs".
    shuffle : bool, default=True
        A new order of the samples every epoch, drawn as scikit-learn draws it.
    random_state : int, RandomState instance or None, default=None
        Initial weights, the split of early stopping, orders, dropout.
    tol : float, default=1e-4
        An epoch that is better by less has not improved.
    verbose : bool, default=False
        Print the loss of every epoch.
    warm_start : bool, default=False
        Begin with the weights of the last `fit`.
    momentum : float, default=0.9
        Of "sgd", from 0 to 1.
    nesterovs_momentum : bool, default=True
        Look ahead along the velocity.
    early_stopping : bool, default=False
        Hold out `validation_fraction` of the samples, or look at `fit`'s own validation set, and
        stop when the score does not improve; the best weights are kept.
    validation_fraction : float, default=0.1
        Between 0 and 1.
    beta_1, beta_2 : float, default=0.9, 0.999
        Of "adam".
    epsilon : float, default=1e-8
        Of "adam".
    n_iter_no_change : int, default=10
        Epochs without an improvement before training stops.
    max_fun : int, default=15000
        Evaluations of the cost at most, for "lbfgs".
    loss : str or loss, default="log_loss"
        "focal", "squared_error" and the others of docs/losses.md that suit labels; "hinge" and
        "squared_hinge" give scores and no probabilities.
    class_weight : dict or "balanced", default=None
        Weight of each class, multiplied into the sample weights, also into those of the validation
        samples. "balanced" is computed from the labels in y; classes that are not named weigh 1.
    dropout : float or sequence of float, default=0.0
        How much of the hidden units to leave out in every step, for all layers or for each.
    input_dropout : float, default=0.0
        The same for the features.
    norm : {"batch", "layer"}, None or sequence, default=None
        Normalise the hidden layers, all or each in its own way.
    skip : bool or sequence of bool, default=False
        Add to what a hidden layer gives what went into it.
    scale_inputs : {"standard", "minmax", "robust"}, default=None
        `fit` scales the features as in `rosenblatt.train`: the scaling is fitted to the training
        samples, without those held out, and belongs to the network. X stays in your units
        everywhere; `coefs_` and `intercepts_` work on scaled numbers. Not for a sparse X.
    coefs_init, intercepts_init : list of array-like, default=None
        Weights (n_in, n_out) and biases (n_out,) of each layer to begin with.
    callback : callable, rosenblatt.Callback or sequence, default=None
        Told of every epoch, as in `rosenblatt.train`; true ends the training. Callbacks of
        scikit-learn 1.9 go in by `set_callbacks`.
    dtype : {"float32", "float64"}, default=None
        The type of the arithmetic; None is that of X, float64 where it is neither.
    grow : bool, default=False
        Let `partial_fit` and `learn_one` admit features and classes that come later.
    threads : int, default=None
        How many threads; None is all that the process may use, and one in a worker of joblib. The
        result is the same for any number.

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        Weights (n_in, n_out) and biases (n_out,) of each layer. Assigning to an item, or to an
        item's numbers, changes the network.
    loss_, best_loss_ : float
        The loss of the last epoch and the lowest, penalty included; `best_loss_` is None with
        early stopping.
    loss_curve_ : list of float
        The loss of every epoch.
    validation_loss_curve_ : list of float or None
        The loss of `fit`'s validation set after every epoch.
    validation_scores_, best_validation_score_ : list of float, float or None
        With early stopping.
    n_iter_, t_ : int
        Epochs, and samples seen.
    n_layers_, n_outputs_ : int
        Layers with the input, and units of the last.
    out_activation_ : str
        f of the output.
    classes_ : ndarray of shape (n_classes,)
        The labels, in order.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where X has names.

    See Also
    --------
    rosenblatt.train : The training behind it.

    Notes
    -----
    With scikit-learn's parameters alone the weights are scikit-learn's, but for rounding: from one
    `random_state` come the same initial weights, batches and steps.
    docs/coming-from-scikit-learn.md says what is equal, what differs and what is new.

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
            Labels; zeros and ones where a sample has several.

        Raises
        ------
        NotFittedError, ValueError
            The estimator is not fitted, or X is not made of finite rows of its features.
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
            Finite, even where a probability is too small for a floating-point number.

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
        """Update the network with one pass over some samples; the solver's state lives on.

        Also that of `fit`, with the settings that it began with. `alpha`, the loss and dropout are
        those of the estimator now. Scalings are those of `fit`; without an earlier `fit` they are
        refused.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            With `grow`, features that were not there before are admitted.
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
        classes : array-like of shape (n_classes,), default=None
            All classes, in the first call; with `grow` those of y are enough, and later ones are
            admitted.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            An argument is out of range, a class is unknown, or the training diverged. Nothing
            has changed then.
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
