"""Perceptron: scikit-learn's estimator of the same name, compiled."""

from __future__ import annotations

import contextlib
import warnings
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import check_is_fitted

from .. import _core
from .._checks import arrays
from .._checks.shown import shown
from ._checks import ShortMessages, short_messages, validate
from ._kinds import check_one_kind
from ._one_against_rest import Data, Learned, begin, learn, threads, weights_of_samples
from ._samples import for_core
from ._transaction import NothingToLearn, transaction


class Perceptron(ShortMessages, ClassifierMixin, BaseEstimator):
    """Rosenblatt's perceptron, a drop-in for `sklearn.linear_model.Perceptron`.

    If a sample is on the wrong side of the line or on it, y z <= 0 with z = w · x + b, the weights
    change: w := w + eta0 y x, b := b + eta0 y. With more than two classes there is one perceptron
    per class, trained against all other classes. Weights, intercepts and numbers of epochs are
    identical to those of scikit-learn, because samples and operations have the same order.

    Parameters
    ----------
    penalty : {"l2", "l1", "elasticnet"} or None
        The regularisation of the weights.
    alpha : float
        The factor of the penalty, at least 0.
    l1_ratio : float
        The fraction of the L1 penalty in "elasticnet", from 0 to 1.
    fit_intercept : bool
        Whether b is learned.
    max_iter : int
        The maximum number of epochs in `fit`.
    tol : float or None
        The minimum improvement of an epoch, in the objective, or in the score with
        early_stopping. None disables stopping.
    shuffle : bool
        Whether the samples are shuffled in every epoch.
    verbose : int
        Above 0, print a few lines per epoch.
    eta0 : float
        The factor of the updates, above 0.
    n_jobs : int or None
        Threads for the perceptrons of several classes, as in joblib: None for 1 unless a
        `joblib.parallel_config` sets it, -1 for all.
    random_state : int, RandomState or None
        Seed of the order of the samples and of the held-out samples.
    early_stopping : bool
        Whether to hold out samples and stop when the score on them no longer improves.
    validation_fraction : float
        The fraction of held-out samples, between 0 and 1.
    n_iter_no_change : int
        The number of consecutive epochs without improvement after which learning stops.
    class_weight : dict, "balanced" or None
        Factors of the sample weights by class.
    warm_start : bool
        Whether `fit` starts from the current weights.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        W, float32 if X was float32, otherwise float64.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        b.
    n_iter_ : int
        Number of epochs, the maximum over all perceptrons.
    t_ : float
        ``1 + n_iter_ * n_samples``, summed over all calls of `partial_fit`.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    References
    ----------
    Rosenblatt, "The perceptron: a probabilistic model for information storage and organization in
    the brain", Psychological Review 65(6), 1958.

    Examples
    --------
    >>> from rosenblatt.sklearn import Perceptron
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> perceptron = Perceptron(tol=1e-3, random_state=0).fit(X, y)
    >>> round(perceptron.score(X, y), 3)
    0.939
    """

    _parameter_constraints: dict[str, Any] = {  # noqa: RUF012 - scikit-learn's own form
        "penalty": [StrOptions({"l2", "l1", "elasticnet"}), None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "shuffle": ["boolean"],
        "verbose": ["verbose"],
        "eta0": [Interval(Real, 0, None, closed="neither")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "warm_start": ["boolean"],
    }

    classes_: NDArray[Any]
    coef_: Any
    intercept_: NDArray[Any]
    n_iter_: int
    t_: float

    def __init__(
        self,
        *,
        penalty: Literal["l2", "l1", "elasticnet"] | None = None,
        alpha: float = 0.0001,
        l1_ratio: float = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        eta0: float = 1.0,
        n_jobs: int | None = None,
        random_state: Any = 0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        class_weight: Any = None,
        warm_start: bool = False,
    ) -> None:
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.eta0 = eta0
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        coef_init: ArrayLike | None = None,
        intercept_init: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn until the epochs no longer improve, or for max_iter epochs.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels of any kind.
        coef_init : array-like of shape (n_classes, n_features), or (n_features,) for two classes
            The initial W, which is not changed. None for 0.
        intercept_init : array-like of shape (n_classes,), or (1,) for two classes
            The initial b. None for 0.
        sample_weight : array-like of shape (n_samples,), a number or None
            Factors of the updates.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            An argument is not valid, there is only one class, or a weight became infinite or NaN.
            The estimator is then unchanged.
        KeyboardInterrupt
            Ctrl-C was pressed. The estimator is then unchanged.

        Warns
        -----
        ConvergenceWarning
            max_iter was reached before convergence.
        """
        with transaction(self):
            self._fit(X, y, coef_init, intercept_init, sample_weight)
            if self.tol is not None and self.n_iter_ == self.max_iter:
                warnings.warn(
                    "Maximum number of iteration reached before convergence. Consider increasing "
                    "max_iter to improve the fit.",
                    ConvergenceWarning,
                    stacklevel=2,
                )
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn for one more epoch.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array-like of shape (n_classes,)
            All labels of this and later calls; required in the first call.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As for `fit`. Also if early_stopping or a balanced class_weight is set, which need all
            samples; if `classes` is missing in the first call or differs from it in a later call;
            or if y has a label that is not in `classes`. The estimator is then unchanged.
        """
        first = not hasattr(self, "classes_")
        if first and self.early_stopping:
            raise ValueError("early_stopping should be False with partial_fit")
        if first and self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit. In order to use "
                "'balanced' weights, use compute_class_weight('balanced', classes=classes, y=y). "
                "In place of y you can use a large enough sample of the full training set target "
                "to properly estimate the class frequency distributions. Pass the resulting "
                "weights as the class_weight parameter."
            )
        with contextlib.suppress(NothingToLearn), transaction(self):
            self._learn_epoch(X, y, classes, sample_weight, first)
        return self

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Return the scores of every sample.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
            z = W x + b. A row does not depend on the other rows.
        """
        check_is_fitted(self)
        X = validate(
            self, X, accept_sparse="csr", dtype=[np.float64, np.float32], order="C", reset=False
        )
        dtype: np.dtype[Any] = np.result_type(X.dtype, self.coef_.dtype)
        W = arrays.exact("coef_", self._dense_coef(), dtype)
        b = arrays.exact("intercept_", self.intercept_, dtype)
        Z: NDArray[Any] = _core.decide(for_core(X, dtype), W, b, threads(self))
        return Z[:, 0] if Z.shape[1] == 1 else Z

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of every sample.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        Z = self.decision_function(X)
        codes = (Z > 0).astype(np.intp) if Z.ndim == 1 else Z.argmax(axis=1)
        labels: NDArray[Any] = self.classes_[codes]
        return labels

    def sparsify(self) -> Self:
        """Convert `coef_` to a sparse matrix, which may be smaller after an L1 penalty.

        Returns
        -------
        self
        """
        from scipy import sparse

        check_is_fitted(self)
        self.coef_ = sparse.csr_matrix(self.coef_)
        return self

    def densify(self) -> Self:
        """Convert `coef_` back to a dense array.

        Returns
        -------
        self
        """
        check_is_fitted(self)
        self.coef_ = self._dense_coef()
        return self

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags, which say that X may be sparse."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _fit(self, X: Any, y: Any, coef_init: Any, intercept_init: Any, sample_weight: Any) -> None:
        X, y = self._validate(X, y, reset=True)
        with short_messages():
            check_classification_targets(y)
        classes = np.unique(y)
        if self.warm_start and getattr(self, "coef_", None) is not None:
            coef_init = self._dense_coef() if coef_init is None else coef_init
            intercept_init = self.intercept_ if intercept_init is None else intercept_init
        W, b = begin(len(classes), X, coef_init, intercept_init)
        learned = learn(self, Data(X, y, classes, sample_weight), W, b, int(self.max_iter))
        self.t_ = 1.0
        self._keep(learned, classes, len(y))

    def _learn_epoch(self, X: Any, y: Any, classes: Any, sample_weight: Any, first: bool) -> None:
        X, y = self._validate(X, y, reset=first)
        known = self._classes(classes)
        weights = weights_of_samples(sample_weight, X)
        if first:
            W, b = begin(len(known), X, None, None)
        else:
            W, b = arrays.exact("coef_", self._dense_coef(), X.dtype), self.intercept_
        if weights.any():
            learned = learn(self, Data(X, y, known, weights), W, b, 1)
        elif first:
            learned = Learned(W, b, 0)
        else:
            raise NothingToLearn
        self.t_ = getattr(self, "t_", 1.0)
        self._keep(learned, known, len(y))

    def _dense_coef(self) -> NDArray[Any]:
        coef: Any = self.coef_
        return np.asarray(coef.toarray() if arrays.is_sparse(coef) else coef)

    def _validate(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, NDArray[Any]]:
        check_one_kind("y", y)
        X, y = validate(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            order="C",
            accept_large_sparse=False,
            reset=reset,
        )
        return X, y

    def _classes(self, classes: ArrayLike | None) -> NDArray[Any]:
        """Return the classes of all calls of partial_fit."""
        known: NDArray[Any] | None = getattr(self, "classes_", None)
        if classes is None and known is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if classes is None:
            assert known is not None
            return known
        check_one_kind("classes", classes)
        with short_messages():
            all_classes: NDArray[Any] = unique_labels(classes)
        if known is not None and not np.array_equal(known, all_classes):
            raise ValueError(
                f"`classes={shown(classes)}` is not the same as on last call to partial_fit, "
                f"was: {shown(known)}"
            )
        return all_classes

    def _keep(self, learned: Learned, classes: NDArray[Any], n_samples: int) -> None:
        self.classes_ = classes
        self.coef_, self.intercept_, self.n_iter_ = learned
        self.t_ += self.n_iter_ * n_samples
