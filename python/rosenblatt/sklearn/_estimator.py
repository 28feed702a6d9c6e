"""The base of both estimators: a network with scikit-learn's interface."""

from __future__ import annotations

import inspect
import operator
from abc import abstractmethod
from itertools import chain, pairwise
from numbers import Number
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from .. import _loss
from .._checks import arguments, arrays
from .._checks.shown import shown, type_name
from .._network import Network
from . import _initial, _minimum, _settings, _steps
from ._checks import ShortMessages, short_messages, validate
from ._samples import Samples, for_core
from ._threads import thread_count
from ._transaction import transaction

try:  # scikit-learn 1.9 and later
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stand-in for older versions of scikit-learn, which have no callbacks."""


# scikit-learn 1.8 and earlier accepts weights that are all 0 without this argument.
_SETTINGS = inspect.signature(_check_sample_weight).parameters
ALLOWED = {name: True for name in ("allow_all_zero_weights",) if name in _SETTINGS}

SCALINGS = ("input_scaling", "target_scaling")

STATE_NAMES = ("_memory", "_masks")  # state of a learner: its optimiser and its dropout masks


class Estimator(ShortMessages, CallbackSupportMixin, BaseEstimator):
    """Base class of the classifier and the regressor."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = _settings.CONSTRAINTS

    coefs_: list[NDArray[Any]]
    intercepts_: list[NDArray[Any]]
    out_activation_: Any  # the name of an activation, or "exp"
    _net: Network  # keeps its sizes, activations, norms and skips when parameters change
    _loss_of_fit: Any  # determines the meaning of the outputs

    # ---- Differences between classifier and regressor

    @abstractmethod
    def _validate(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, NDArray[Any]]:
        """Check X and y; set `classes_`, `n_features_in_` and `feature_names_in_`."""

    @abstractmethod
    def _encode(self, y: NDArray[Any], loss: Any, name: str = "y") -> NDArray[Any]:
        """Return y in the form that a loss of the core accepts.

        That is labels (n,) or rows (n, n_targets).
        """

    @abstractmethod
    def _n_units(self, y: NDArray[Any], loss: Any) -> int:
        """Return the number of output units for targets like y."""

    @abstractmethod
    def _output(self, loss: Any) -> str:
        """Return `out_activation_` of a network for a loss: its activation, or "exp"."""

    def _meaning(self, loss: Any) -> str:
        """Return a description of the outputs of a network for a loss."""
        return f"outputs {self._output(loss)!r}"

    @abstractmethod
    def _score_of(self, X: Any, y: NDArray[Any], sample_weight: Any) -> float:
        """Return the score of checked samples, NaN if an output is not finite."""

    def _strata(self, y: NDArray[Any]) -> NDArray[Any] | None:
        """Return the classes by which to stratify held-out samples, if any."""
        return None

    def _share_of_outputs(self) -> float:
        """Return scikit-learn's factor of the loss.

        It is 1 / n_outputs if scikit-learn averages over outputs.
        """
        return 1.0

    def _constant_of_loss(self, y: NDArray[Any], sample_weight: Any) -> float:
        """Return the term that scikit-learn adds to the loss and that no weight changes."""
        return 0.0

    def _class_weights(self, y: NDArray[Any]) -> NDArray[np.float64] | None:
        """Return the class weights for training targets y, an argument of `_weights`."""
        return None

    def _weights(
        self, y: NDArray[Any], sample_weight: Any, of_class: NDArray[np.float64] | None
    ) -> Any:
        """Return the sample weights multiplied by the weights of the classes."""
        return sample_weight

    # ---- Training

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        validation: Any = None,
    ) -> Self:
        """Train the network on samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels, a matrix of zeros and ones for multilabel targets, or numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Numbers of at least 0.
        validation : (X, y) or (X, y, sample_weight), default=None
            A validation set that is evaluated after every epoch. `validation_loss_curve_` holds
            its loss, and `early_stopping` uses its score. Not supported by ``solver="lbfgs"``.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            A parameter or an argument is out of range, or training diverged. The estimator is then
            unchanged.
        RuntimeError
            Another call is training the estimator: in another thread, or one of whose callbacks
            made this call.

        Warns
        -----
        ConvergenceWarning
            `max_iter` was reached, or training diverged under early stopping and the weights with
            the best validation score are kept.
        """
        with transaction(self):
            self._fit(X, y, sample_weight, validation)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def _fit(self, X: Any, y: Any, sample_weight: Any, validation: Any) -> None:
        hidden = _settings.hidden_layers(self.hidden_layer_sizes)
        _settings.check_combinations(self, validation)
        first_pass = not hasattr(self, "coefs_") or not self.warm_start
        X, y = self._validate(X, y, incremental=False, reset=first_pass)
        of_class = self._class_weights(y)
        _settings.check_scalings(self, X)
        samples = self._make_training_samples(X, y, sample_weight, of_class)
        layers = [X.shape[1], *hidden, self._n_units(y, self.loss)]
        self._random_state = check_random_state(self.random_state)
        if first_pass:
            self._initialise(layers, X.dtype)
        else:
            self._continue(layers)
        scalings = _settings.scalings(self) if first_pass else {}
        held_out = None if validation is None else self._validation_samples(validation, of_class)
        self._net.threads = thread_count(self.threads)
        self._forget()
        if self.solver == "lbfgs":
            _minimum.fit(self, samples, scalings)
        else:
            _steps.fit(self, samples, held_out, scalings)
        if not np.isfinite(self._net.theta).all():
            raise ValueError(_steps.NOT_FINITE)

    def _make_samples(
        self,
        X: Any,
        y: NDArray[Any],
        sample_weight: Any,
        of_class: NDArray[np.float64] | None,
    ) -> Samples:
        if isinstance(sample_weight, Number):
            sample_weight = arguments.real("sample_weight", sample_weight, "finite numbers")
        if sample_weight is not None:
            with short_messages():
                sample_weight = _check_sample_weight(sample_weight, X, **ALLOWED)
        return Samples(X, y, self._weights(y, sample_weight, of_class))

    def _make_training_samples(
        self,
        X: Any,
        y: NDArray[Any],
        sample_weight: Any,
        of_class: NDArray[np.float64] | None,
    ) -> Samples:
        """Return samples after checking that at least one has a weight above 0."""
        samples = self._make_samples(X, y, sample_weight, of_class)
        if sample_weight is not None and not np.any(np.asarray(sample_weight)):
            raise ValueError("Sample weights must contain at least one non-zero number.")
        if of_class is not None and not np.any(samples.weights):
            raise ValueError(
                "class_weight: got 0 for every label of the samples, expected a weight above 0 for"
                " at least one label"
            )
        return samples

    def _validation_samples(self, validation: Any, of_class: NDArray[np.float64] | None) -> Samples:
        if not isinstance(validation, tuple | list) or len(validation) not in {2, 3}:
            raise TypeError(
                f"validation: got {type_name(validation)}, expected (X, y) or (X, y, sample_weight)"
            )
        X, y, *weights = validation
        rows = self._rows(X)
        y = self._check_targets(y)
        check_consistent_length(rows, y)
        return self._make_training_samples(rows, y, weights[0] if weights else None, of_class)

    def _number_types(self, *, of_new_network: bool) -> Any:
        """Return the accepted dtypes of X; other dtypes are converted to the first."""
        if not of_new_network:
            return self._net.dtype
        return (np.float64, np.float32) if self.dtype is None else np.dtype(self.dtype)

    def _forget(self) -> None:
        """Drop the optimiser from which `partial_fit` would continue."""
        for name in ("_learner", *STATE_NAMES):
            self.__dict__.pop(name, None)

    # ---- The network and its attributes

    def _initialise(self, layers: list[int], dtype: np.dtype[Any]) -> None:
        """Create a network with these layer sizes and initialise the attributes of a fit."""
        hidden = _settings.activations(self.activation, len(layers) - 2)
        self._forget()
        self._loss_of_fit = self.loss
        self._scalings_of_fit = _settings.scalings(self)
        self.n_iter_ = 0
        self.t_ = 0
        self.n_layers_ = len(layers)
        self.n_outputs_ = layers[-1]
        self.out_activation_ = self._output(self.loss)
        shapes: list[tuple[int, ...]] = list(pairwise(layers))
        if self.coefs_init is None:
            coefs, intercepts = _initial.draw_glorot(self._random_state, layers, hidden)
        else:
            coefs = _initial.user_weights("coefs_init", self.coefs_init, shapes)
            of_units = [shape[1:] for shape in shapes]
            intercepts = _initial.user_weights("intercepts_init", self.intercepts_init, of_units)
        self._layers = layers
        self._attach(self._make_network(dtype, self._describe_parameters()), coefs, intercepts)
        self._begin_curves()

    def _continue(self, layers: list[int]) -> None:
        """Continue with a copy of the network if the parameters still describe it.

        Raises
        ------
        ValueError
            A parameter or y requires another network; the message names it.
        """
        net = self._network()
        dtype = net.dtype.name
        self._check_loss()
        _settings.check_same("hidden_layer_sizes", tuple(layers[1:-1]), net.layers[1:-1])
        wanted, fitted = self._describe_parameters(), _describe(net)
        for name, value in wanted.items():
            _settings.check_same(name, value, fitted[name])
        fitted = self.__dict__.get("_scalings_of_fit", {})
        for name, value in _settings.scalings(self).items():
            _settings.check_same(name, value, fitted.get(name))
        _settings.check_same("dtype", dtype if self.dtype is None else self.dtype, dtype)
        self._loss_of_fit = self.loss
        self._attach(net.copy(), self.coefs_, self.intercepts_)

    def _check_loss(self) -> None:
        """Refuse a loss that gives the outputs of the network another meaning.

        Raises
        ------
        ValueError
            The loss parameter has changed to such a loss since the last fit.
        """
        if self.loss is self._loss_of_fit:
            return
        wanted, fitted = self._meaning(self.loss), self._meaning(self._loss_of_fit)
        if wanted != fitted:
            raise ValueError(
                f"loss: got {shown(self.loss)}, a loss for {wanted}, expected a loss for {fitted}"
                f" like {shown(self._loss_of_fit)} in the last fit; use warm_start=False for a new"
                " network"
            )

    def _describe_parameters(self) -> dict[str, Any]:
        """Return the arguments of `_make_network` according to the parameters."""
        n_hidden = len(self._layers) - 2
        return {
            "activation": _settings.activations(self.activation, n_hidden)[:n_hidden],
            "norm": list(arguments.norms(self.norm, n_hidden)),
            "skip": list(arguments.skips(self.skip, tuple(self._layers))),
        }

    def _make_network(self, dtype: Any, described: dict[str, Any]) -> Network:
        """Return a network with the layer sizes `_layers` and weights 0."""
        scalings = {name: described.get(name) for name in SCALINGS}
        described = {name: value for name, value in described.items() if name not in SCALINGS}
        output = "identity" if self.out_activation_ == "exp" else self.out_activation_
        net = Network(
            self._layers,
            dtype=dtype,
            weights="zeros",
            biases="zeros",
            random_state=0,
            **{"output": output, **described},
        )
        net.threads = thread_count(self.threads)
        for name, scaling in scalings.items():
            setattr(net._core, name, scaling)
        return net

    def _attach(
        self, net: Network, coefs: list[NDArray[Any]], intercepts: list[NDArray[Any]]
    ) -> None:
        """Copy weights into a network and make `coefs_` and `intercepts_` its views."""
        self._net = net
        self._views = [W.T for W in net.W], list(net.b)
        for view, values in zip(chain(*self._views), [*coefs, *intercepts], strict=True):
            view[...] = values
        self.coefs_, self.intercepts_ = list(self._views[0]), list(self._views[1])

    def _network(self) -> Network:
        """Return the network, updated with arrays assigned to `coefs_` or `intercepts_`."""
        shown = [*self.coefs_, *self.intercepts_]
        views = [*chain(*self._views)]
        if len(shown) != len(views) or any(map(operator.is_not, shown, views)):
            coefs, intercepts = (
                _initial.user_weights(name, getattr(self, name), [view.shape for view in own])
                for name, own in zip(("coefs_", "intercepts_"), self._views, strict=True)
            )
            self._attach(self._net, coefs, intercepts)
        return self._net

    def _begin_curves(self) -> None:
        self.validation_loss_curve_ = None
        if self.solver == "lbfgs":
            return
        self.loss_curve_: list[float] = []
        self._no_improvement_count = 0
        self.best_loss_ = None if self.early_stopping else np.inf
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_ = -np.inf if self.early_stopping else None

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "_net" in state:
            net = self._network()
            state["_described"] = _describe(net)
            if any(net.norms):  # gains and running statistics, which coefs_ does not contain
                state["_state"] = net._state()
            del state["_net"], state["_views"]
            state["coefs_"] = [np.array(W) for W in self.coefs_]
            state["intercepts_"] = [np.array(b) for b in self.intercepts_]
        learner = state.pop("_learner", None)
        if learner is not None:
            state["_memory"] = learner.memory
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "coefs_" in state:
            if "_described" not in state:  # older pickles: the parameters describe the network
                self._described = self._describe_parameters()
                self._loss_of_fit = self.loss
            net = self._make_network(self.coefs_[0].dtype, self.__dict__.pop("_described"))
            self._attach(net, self.coefs_, self.intercepts_)
            if "_state" in state:
                net._take_state(self.__dict__.pop("_state"))

    # ---- Inputs and outputs

    def _rows(self, X: Any) -> Any:
        """Check the user's X and return an array or a CSR or CSC matrix."""
        return validate(
            self,
            X,
            reset=False,
            accept_sparse=["csr", "csc"],
            dtype=self._number_types(of_new_network=False),
        )

    def _outputs(self, X: Any) -> NDArray[Any]:
        """Return the network's outputs for checked samples."""
        return self._network().forward(X)

    def _with_output(self, output: str) -> Network:
        """Return a copy of the network whose last activation is `output`."""
        net = self._network()
        copy = self._make_network(net.dtype, _describe(net) | {"output": output})
        copy._take_state(net._state())
        return copy

    def _predictions(self, X: Any) -> NDArray[Any]:
        """Check the user's X and return the outputs (n, n_outputs)."""
        check_is_fitted(self)
        return self._apply_exp(self._outputs(self._rows(X)))

    def _apply_exp(self, A: NDArray[Any]) -> NDArray[Any]:
        return np.exp(A) if self.out_activation_ == "exp" else A

    def activations(self, X: ArrayLike) -> list[Any]:
        """Return the activations of every layer, like scikit-learn's forward pass.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        list of {ndarray, sparse matrix}
            The input X (sparse if X is), the a of every hidden layer (n_samples, n_units), and
            the output.

        Raises
        ------
        NotFittedError, ValueError
            As for `predict`.
        """
        check_is_fitted(self)
        rows = self._rows(X)
        net = self._network()
        _, (*before, A) = net._core.trace(for_core(rows, net.dtype))
        if net.target_scaling is not None:
            A = self._outputs(rows)
        hidden = before if arrays.is_sparse(rows) else before[1:]
        return [rows, *hidden, self._apply_exp(A)]

    def input_gradients(self, X: ArrayLike, y: ArrayLike) -> NDArray[Any]:
        """Return the derivative of each sample's loss with respect to its features.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Dense, even for a sparse X. Row i is dc_i/dx_i of the loss of the last fit without the
            penalty. x is in its original units; the loss is that of scaled targets if they are
            scaled.

        Raises
        ------
        NotFittedError, ValueError
            As for `score`.
        """
        check_is_fitted(self)
        rows = self._rows(X)
        y = self._check_targets(y)
        net = self._network()
        rule = _loss.rule(_settings.require_named_loss(self._loss_of_fit))
        Y = net._targets("y", self._encode(y, self._loss_of_fit), rule.name)
        dX: NDArray[Any] = net._core.input_gradients(for_core(rows, net.dtype), Y, rule)
        dX *= rows.shape[0]  # the cost of the batch is a mean
        return dX

    @abstractmethod
    def _check_targets(self, y: ArrayLike) -> NDArray[Any]:
        """Check targets for a fitted estimator and return them."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _describe(net: Network) -> dict[str, Any]:
    """Return the arguments of `Estimator._make_network` for a network like this one."""
    return {
        "activation": list(net._activations[:-1]),
        "norm": list(net.norms),
        "skip": list(net.skips),
        **{name: getattr(net._core, name) for name in SCALINGS},
    }
