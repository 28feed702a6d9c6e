"""Online learning: `partial_fit` and `learn_one`."""

from __future__ import annotations

import contextlib
import operator
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .. import _core, _loss, _optimizer
from .._checks import arguments, arrays
from .._checks.shown import shown
from .._training.callbacks import Epoch
from .._training.options import Regularisation
from . import _growth, _settings, _steps
from ._epochs import Memory, Rules, Tasks, check_memory
from ._estimator import STATE_NAMES, Estimator, _describe
from ._samples import Samples, for_core
from ._threads import thread_count
from ._transaction import NothingToLearn, transaction

LEARNERS = {
    np.dtype(np.float32): _core.LearnerFloat32,
    np.dtype(np.float64): _core.LearnerFloat64,
}
SEED_OF_DROPOUT = 2**32  # exclusive bound of seeds that a RandomState draws

MOST_CALLS = 2**63
Masks = tuple[int | None, int]

NEW = object()  # placeholder for the target of a label that would be a new class

# Values that every call reads again, as in scikit-learn: penalties, loss, dropout rates.
Read = tuple[dict[str, float], _loss.LossRule, list[float]]


def is_stochastic(estimator: Any) -> bool:
    """Whether the solver takes steps on batches.

    Raises
    ------
    AttributeError
        The solver minimises the full cost, so there is no `partial_fit`.
    """
    if _settings.minimises(estimator):
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. "
            f"{estimator.solver} is not stochastic."
        )
    return True


class Learner:
    """The optimiser of an estimator's network, kept between calls.

    It starts from the parameters of the estimator, or continues from the `memory` of another
    learner. `masks` is the state of dropout: the seed of the masks (None before the first use) and
    the number of calls so far.

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range, the solver does not take steps on batches, or the memory does
        not belong to an optimiser of this network.
    """

    def __init__(
        self,
        estimator: Any,
        capacity: int,
        memory: Memory | None = None,
        masks: Masks = (None, 0),
    ) -> None:
        net = estimator._network()
        self.capacity = capacity
        self._parameters = _current_parameters(estimator)
        self._read = penalties, loss, rates = _read(estimator)
        settings = _settings.of_optimizer(estimator)
        if memory is not None:
            values, of_core, rate = check_memory(memory, net.theta.size)
            settings = SimpleNamespace(**values)
        if _settings.minimises(settings):
            raise ValueError(
                f"solver: got {settings.solver!r}, expected a solver with steps, such as 'sgd'"
            )
        self._rules = Rules(
            estimator,
            settings,
            n_samples=0,
            constant=0.0,
            held_out=None,
            tasks=Tasks.silent(estimator),
        )
        self._seed, calls = _check_masks(masks)
        if rates and self._seed is None:
            self._seed = int(estimator._random_state.randint(SEED_OF_DROPOUT))
        self.core = LEARNERS[net.dtype](
            net._core,
            loss,
            _optimizer.rule(self._rules.optimizer(), penalties),
            capacity,
            rates,
            self._seed or 0,
        )
        self.core.calls = calls
        self._input_scaling = _convert(net._core.input_scaling, net.dtype)
        self._target_scaling = _convert(net._core.target_scaling, net.dtype)
        if memory is not None:
            self.core.memory = of_core
            if self._rules.rate is not None and rate is not None:
                self._rules.rate.value = rate

    def is_of(self, estimator: Any) -> bool:
        """Whether the parameters of the estimator are still those of this learner.

        Identical objects are not compared, because this runs for every sample.
        """
        alpha, loss, dropout, input_dropout = self._parameters
        if (
            alpha is estimator.alpha
            and loss is estimator.loss
            and dropout is estimator.dropout
            and input_dropout is estimator.input_dropout
        ):
            return True
        if _read(estimator) != self._read:
            return False
        self._parameters = _current_parameters(estimator)
        return True

    def scale_inputs(self, X: Any) -> Any:
        """Return scaled inputs, of several samples or of one.

        Raises
        ------
        ValueError
            X is sparse and the network has an input scaling.
        """
        if self._input_scaling is None:
            return X
        if not isinstance(X, np.ndarray):
            raise ValueError(
                "X: got a sparse matrix for a network that scales its inputs, expected a dense"
                " array; pass X.toarray()"
            )
        return _scale(X, self._input_scaling)

    def scale_targets(self, Y: Any) -> Any:
        """Return scaled targets: (n, n_targets), (n_targets,) or one number."""
        if self._target_scaling is None:
            return Y
        if isinstance(Y, float):
            return float(_scale(np.array([Y]), self._target_scaling)[0])
        return _scale(Y, self._target_scaling)

    @property
    def memory(self) -> Memory:
        """The state of the optimiser, from which another learner can continue."""
        return self._rules.memory(self.core.memory)

    @property
    def masks(self) -> Masks:
        """The state of dropout, from which another learner can continue."""
        return self._seed, self.core.calls

    def end_epoch(self, loss: float, penalty: float, n_samples: int, constant: float) -> None:
        """Apply the rules between epochs after the samples of a call."""
        self._rules.n_samples, self._rules.constant = n_samples, constant
        self._rules.on_epoch(Epoch(0, 1, loss, None, 0.0, penalty=penalty))


def _convert(scaling: Any, dtype: np.dtype[Any]) -> Any:
    """Return an offset and a factor in the dtype of the network, or None."""
    return None if scaling is None else tuple(array.astype(dtype) for array in scaling)


def _scale(rows: NDArray[Any], scaling: Any) -> NDArray[Any]:
    """Return (rows - offset) * factor as in docs/arithmetic.md.

    The core refuses overflows.
    """
    offset, factor = scaling
    with np.errstate(over="ignore", invalid="ignore"):
        scaled: NDArray[Any] = (rows.astype(offset.dtype, copy=False) - offset) * factor
    return scaled


def _check_masks(masks: Any) -> Masks:
    """Check masks that may be untrusted, for example from a pickle, and return them."""
    try:
        seed, calls = masks
        fits = (seed is None or 0 <= operator.index(seed) < SEED_OF_DROPOUT) and (
            0 <= operator.index(calls) < MOST_CALLS
        )
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise ValueError(
            f"_masks: got {shown(masks)}, expected a seed and a number of calls; call fit to reset"
            " them"
        )
    return seed, calls


def _current_parameters(estimator: Any) -> tuple[Any, ...]:
    return estimator.alpha, estimator.loss, estimator.dropout, estimator.input_dropout


def _read(estimator: Any) -> Read:
    """Return the values that every call reads from the parameters of an estimator."""
    penalties = Regularisation(alpha=estimator.alpha).for_core()
    n_hidden = len(estimator._layers) - 2
    rates = arguments.dropout_rates(estimator.dropout, estimator.input_dropout, n_hidden)
    estimator._check_loss()
    return penalties, _loss.rule(_settings.require_named_loss(estimator.loss)), rates


class Online(Estimator):
    """An estimator with online learning."""

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> Self:
        """Take the steps of one epoch over some samples, continuing from the last call."""
        with contextlib.suppress(NothingToLearn), transaction(self):
            self._learn(X, y, sample_weight, classes)
        return self

    def _learn(self, X: Any, y: Any, sample_weight: Any, classes: Any) -> None:
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        self._begin_targets(y, classes)
        first_pass = not hasattr(self, "coefs_")
        if self.grow and not first_pass:
            X = self._admit(X, y)
        X, y = self._validate(X, y, incremental=True, reset=first_pass)
        samples = self._make_samples(X, y, sample_weight, self._class_weights(y))
        weighs_nothing = samples.weights is not None and not np.any(samples.weights)
        if weighs_nothing and not first_pass:
            raise NothingToLearn
        batch_size = _settings.batch_size_of(self, X.shape[0], stacklevel=5)
        shuffled = self.shuffle and batch_size < X.shape[0]
        if first_pass or shuffled:  # creating a state takes longer than a step with one sample
            self._random_state = check_random_state(self.random_state)
        if first_pass:
            hidden = _settings.hidden_layers(self.hidden_layer_sizes)
            _settings.check_combinations(self)
            self._check_unscaled()
            self._initialise([X.shape[1], *hidden, self._n_units(y, self.loss)], X.dtype)
        self.n_iter_ = 0
        if weighs_nothing:
            return
        order = _steps.Shuffled(self._random_state, X.shape[0])(0) if shuffled else None
        self._take_steps(samples, batch_size, order)

    def _check_unscaled(self) -> None:
        """Refuse a scaling in the first `partial_fit`.

        Its batch may not be representative.

        Raises
        ------
        ValueError
            A scaling parameter is set; the message names the alternative.
        """
        for name, kind in _settings.scalings(self).items():
            if kind is not None:
                raise ValueError(
                    f"{name}: got {shown(kind)} in the first partial_fit, expected None; call fit "
                    "with representative samples first, and partial_fit continues with their "
                    "scaling"
                )

    def _begin_targets(self, y: Any, classes: Any) -> None:
        """Record the possible targets in the first call."""

    def _take_steps(
        self, samples: Samples, batch_size: int, order: NDArray[np.int64] | None
    ) -> None:
        weights = samples.weights
        constant = self._constant_of_loss(samples.y, weights)
        learner = self._learner_for(batch_size)
        try:
            loss, penalty = learner.core.learn(
                learner.scale_inputs(for_core(samples.X, self._net.dtype)),
                learner.scale_targets(self._encode(samples.y, self.loss)),
                None if weights is None else np.require(weights, np.float64, ["C"]),
                order,
                batch_size,
                thread_count(self.threads) or 0,
            )
        except FloatingPointError as error:
            raise ValueError(f"{_steps.NOT_FINITE} ({error})") from None
        learner.end_epoch(loss, penalty, samples.X.shape[0], constant)

    def _ready_learner(self, batch_size: int) -> Learner | None:
        """Return the learner of the last call if it can be used again."""
        learner: Learner | None = self.__dict__.get("_learner")
        if learner is None or learner.capacity < batch_size or not learner.is_of(self):
            return None
        self._network()
        return learner

    def _learner_for(self, batch_size: int) -> Learner:
        ready = self._ready_learner(batch_size)
        if ready is not None:
            return ready
        learner: Learner | None = self.__dict__.get("_learner")
        if learner is not None:
            batch_size = max(batch_size, learner.capacity)
        learner = Learner(self, batch_size, *self._optimizer_state())
        self._learner = learner
        for name in STATE_NAMES:
            self.__dict__.pop(name, None)
        return learner

    def _optimizer_state(self) -> tuple[Memory | None, Masks]:
        """Return the state from which another learner can continue."""
        learner: Learner | None = self.__dict__.get("_learner")
        if learner is not None:
            return learner.memory, learner.masks
        return self.__dict__.get("_memory"), self.__dict__.get("_masks", (None, 0))

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        learner: Learner | None = self.__dict__.get("_learner")
        if learner is not None:
            state["_masks"] = learner.masks
        return state

    def learn_one(self, x: ArrayLike, y: Any, sample_weight: float = 1.0) -> Self:
        """Take one step with one sample, in a few microseconds.

        Parameters
        ----------
        x : array-like of shape (n_features,)
            With `grow`, x may have more features than before.
        y : label or number
            A class of the first `partial_fit`, or with `grow` any label. For a regressor a number,
            or an array of numbers if there are several outputs.
        sample_weight : float, default=1.0
            Factor of the gradient; a sample with weight 0 is ignored. (The weights of
            `partial_fit` are relative to each other within each batch.)

        Returns
        -------
        self

        Raises
        ------
        NotFittedError
            There is no network yet; call `partial_fit` or `fit` first.
        TypeError, ValueError
            x, y or sample_weight is not valid, the network has batch norm, the solver does not
            take steps on batches, or training diverged. The estimator is then unchanged.
        """
        row = self._row(x, may_grow=self.grow)
        target = self._target_of(y)
        weight = 1.0
        if not (type(sample_weight) is float and sample_weight == 1.0):
            weight = arguments.not_negative("sample_weight", sample_weight)
        learner = self._ready_learner(1)
        if learner is None or target is NEW or row.size > self._layers[0]:
            with contextlib.suppress(NothingToLearn), transaction(self):
                self._grow_for(row.size, [y] if target is NEW else [])
                if weight == 0:
                    raise NothingToLearn
                self._take_step(self._learner_for(1), row, self._target_of(y), weight)
        elif weight != 0:
            self._take_step(learner, row, target, weight)
        return self

    def _take_step(self, learner: Learner, row: NDArray[Any], target: Any, weight: float) -> None:
        try:
            self.loss_ = learner.core.learn_one(
                learner.scale_inputs(row), learner.scale_targets(target), weight
            )
        except FloatingPointError as error:
            raise ValueError(f"{_steps.NOT_FINITE} ({error})") from None
        except ValueError:  # these checks name the argument and the original number
            arrays.finite("x", row)
            if isinstance(target, float | np.ndarray):
                arrays.exact("y", arrays.finite("y", np.asarray(target)), self._net.dtype)
            raise
        self.t_ += 1

    def _target_of(self, y: Any) -> Any:
        """Return the target of one sample for the core: a code, a number, a row, or NEW."""
        raise NotImplementedError

    def _row(self, x: ArrayLike, *, may_grow: bool = False) -> NDArray[Any]:
        """Return one sample in the form that the core accepts.

        Raises
        ------
        TypeError, ValueError
            x contains values other than real numbers, or has the wrong number of features.
        """
        if "_net" not in self.__dict__:
            check_is_fitted(self)
        dtype = self._net.dtype
        if type(x) is np.ndarray and x.dtype is dtype and x.flags.carray:  # no conversion needed
            row = x
        else:
            row = arrays.inputs("x", x, dtype)
        n_features = self._layers[0]
        if row.ndim != 1 or row.size < n_features or (row.size > n_features and not may_grow):
            raise ValueError(f"x: got shape {np.shape(x)}, expected ({n_features},)")
        return row

    def _output_of(self, x: ArrayLike) -> NDArray[Any]:
        """Return the outputs of one sample, shape (n_outputs,)."""
        row = self._row(x)
        try:
            return self._apply_exp(self._network().forward(row))
        except ValueError:
            arrays.finite("x", row)
            raise

    # ---- Growth

    def _admit(self, X: Any, y: Any) -> Any:
        """Add new features and classes; return X with all known features."""
        names = _growth.feature_names(X)
        known = getattr(self, "feature_names_in_", None)
        if names is not None and known is not None:
            every = list(dict.fromkeys([*known, *names]))
            X = X.reindex(columns=every, fill_value=0.0)
            self.feature_names_in_ = np.asarray(every, dtype=object)
        n_features = _growth.n_features(X)
        if n_features > self.n_features_in_:
            self._grow_features(n_features)
        return X

    def _grow_for(self, n_features: int, labels: list[Any]) -> None:
        """Add the new features and new classes of one sample."""
        if n_features > self._layers[0]:
            self._grow_features(n_features)

    def _grow_features(self, n_features: int) -> None:
        same = _growth.same_outputs(self._layers[-1])
        self._replace([n_features, *self._layers[1:]], same)
        self.n_features_in_ = n_features

    def _replace(self, layers: list[int], outputs: _growth.Outputs) -> None:
        """Replace the network by one with more inputs or outputs, and keep the optimiser."""
        if any(self._net.norms) or any(self._net.skips):
            raise ValueError(
                "grow: got new features or classes, expected no new ones, because the network has"
                " norm or skip"
            )
        old = self._layers
        memory, masks = self._optimizer_state()
        if memory is not None:
            memory = check_memory(memory, self._net.theta.size)
        grown = _growth.grow_theta(self._network().theta, old, layers, outputs)
        self._forget()
        self._layers = layers
        self.n_outputs_ = layers[-1]
        described = _describe(self._net)
        described["input_scaling"] = _growth.grow_scaling(described["input_scaling"], layers[0])
        net = self._make_network(self._net.dtype, described)
        net.theta[...] = grown
        self._attach(net, [W.T for W in net.W], list(net.b))
        self._masks = masks
        if memory is not None:
            settings, (numbers, states), rate = memory
            optimizer = _settings.optimizer_of(SimpleNamespace(**settings), 1.0)
            states = _growth.grow_states(states, optimizer, old, layers, outputs)
            self._memory = settings, (numbers, states), rate
