"""Online: training that goes on from call to call: `partial_fit`, and one sample at a time."""

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
from ._epochs import Memory, Rules, Tasks, checked
from ._estimator import REMEMBERED, Estimator, _described
from ._samples import Samples, for_core
from ._threads import thread_count
from ._transaction import PassedOver, transaction

LEARNERS = {
    np.dtype(np.float32): _core.LearnerFloat32,
    np.dtype(np.float64): _core.LearnerFloat64,
}
SEED_OF_DROPOUT = 2**32  # numbers that a RandomState draws below

MOST_CALLS = 2**63
Masks = tuple[int | None, int]

NEW = object()  # stands for the target of a label that would be a further class

# What every call reads, as scikit-learn reads alpha and the loss: penalties, a loss, rates.
Read = tuple[dict[str, float], _loss.LossRule, list[float]]


def is_stochastic(estimator: Any) -> bool:
    """Whether the solver goes a step at a time.

    Raises
    ------
    AttributeError
        It does not, so that there is no `partial_fit`.
    """
    if _settings.minimises(estimator):
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. "
            f"{estimator.solver} is not stochastic."
        )
    return True


class Learner:
    """An optimiser that stays at an estimator's network between calls.

    It is made of the estimator's parameters, or goes on with another one's `memory`. `masks` is
    where dropout is: the seed of the masks, None before there was any, and the calls so far.

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range, the solver takes no steps, or the memory is not that of
        an optimiser of this network.
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
        self._parameters = _parameters_read(estimator)
        self._read = penalties, loss, rates = _read(estimator)
        settings = _settings.of_optimizer(estimator)
        if memory is not None:
            given, of_core, rate = checked(memory, net.theta.size)
            settings = SimpleNamespace(**given)
        if _settings.minimises(settings):
            raise ValueError(f"solver: got {settings.solver!r}, expected one that goes by steps")
        self._rules = Rules(
            estimator,
            settings,
            n_samples=0,
            constant=0.0,
            held_out=None,
            tasks=Tasks.of_nobody(estimator),
        )
        self._seed, calls = _checked_masks(masks)
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
        self._input_scaling = _of_type(net._core.input_scaling, net.dtype)
        self._target_scaling = _of_type(net._core.target_scaling, net.dtype)
        if memory is not None:
            self.core.memory = of_core
            if self._rules.rate is not None and rate is not None:
                self._rules.rate.value = rate

    def is_of(self, estimator: Any) -> bool:
        """Whether the estimator's parameters still are what this one goes by.

        Those that are the same objects are not looked into: this is asked for every sample.
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
        self._parameters = _parameters_read(estimator)
        return True

    def scaled_inputs(self, X: Any) -> Any:
        """Return inputs, of samples or of one, as the network's first layer reads them.

        Raises
        ------
        ValueError
            They are sparse.
        """
        if self._input_scaling is None:
            return X
        if not isinstance(X, np.ndarray):
            raise ValueError(
                "X: got a sparse matrix for a network that scales its inputs, expected an array"
            )
        return _scaled(X, self._input_scaling)

    def scaled_targets(self, Y: Any) -> Any:
        """Return targets (n, n_targets), (n_targets,) or one number as the loss reads them."""
        if self._target_scaling is None:
            return Y
        if isinstance(Y, float):
            return float(_scaled(np.array([Y]), self._target_scaling)[0])
        return _scaled(Y, self._target_scaling)

    @property
    def memory(self) -> Memory:
        """What another learner needs to go on where this one is."""
        return self._rules.memory(self.core.memory)

    @property
    def masks(self) -> Masks:
        """Where dropout is, for a learner that goes on from here."""
        return self._seed, self.core.calls

    def end_epoch(self, loss: float, penalty: float, n_samples: int, constant: float) -> None:
        """Do what belongs after the samples of a call, as after an epoch of `fit`."""
        self._rules.n_samples, self._rules.constant = n_samples, constant
        self._rules.on_epoch(Epoch(0, 1, loss, None, 0.0, penalty=penalty))


def _of_type(scaling: Any, dtype: np.dtype[Any]) -> Any:
    """Return an offset and a factor in the type that the network computes with, None for none."""
    return None if scaling is None else tuple(array.astype(dtype) for array in scaling)


def _scaled(rows: NDArray[Any], scaling: Any) -> NDArray[Any]:
    """Return (rows - offset) * factor as docs/arithmetic.md has it; the core refuses overflows."""
    offset, factor = scaling
    with np.errstate(over="ignore", invalid="ignore"):
        scaled: NDArray[Any] = (rows.astype(offset.dtype, copy=False) - offset) * factor
    return scaled


def _checked_masks(masks: Any) -> Masks:
    """Return masks that may come from anywhere, as a pickled estimator's do."""
    try:
        seed, calls = masks
        fits = (seed is None or 0 <= operator.index(seed) < SEED_OF_DROPOUT) and (
            0 <= operator.index(calls) < MOST_CALLS
        )
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise ValueError("_masks: got no seed and number of calls; fit begins with new ones")
    return seed, calls


def _parameters_read(estimator: Any) -> tuple[Any, ...]:
    return estimator.alpha, estimator.loss, estimator.dropout, estimator.input_dropout


def _read(estimator: Any) -> Read:
    """Return what an estimator's parameters say that every call reads."""
    penalties = Regularisation(alpha=estimator.alpha).for_core()
    n_hidden = len(estimator._layers) - 2
    rates = arguments.dropout_rates(estimator.dropout, estimator.input_dropout, n_hidden)
    estimator._check_loss()
    return penalties, _loss.rule(_settings.named_loss(estimator.loss)), rates


class Online(Estimator):
    """An estimator that goes on learning."""

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> Self:
        """Take the steps of one epoch over some samples; the state of the solver lives on."""
        with contextlib.suppress(PassedOver), transaction(self):
            self._learn(X, y, sample_weight, classes)
        return self

    def _learn(self, X: Any, y: Any, sample_weight: Any, classes: Any) -> None:
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        self._begin_targets(y, classes)
        first_pass = not hasattr(self, "coefs_")
        if self.grow and not first_pass:
            X = self._admit(X, y)
        X, y = self._validated(X, y, incremental=True, reset=first_pass)
        samples = self._with_weights(X, y, sample_weight, self._class_weights(y))
        weighs_nothing = samples.weights is not None and not np.any(samples.weights)
        if weighs_nothing and not first_pass:
            raise PassedOver
        batch_size = _settings.batch_size_of(self, X.shape[0], stacklevel=5)
        shuffled = self.shuffle and batch_size < X.shape[0]
        if first_pass or shuffled:  # a state costs more than the step of a sample
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
        """Refuse to begin with a scaling: a batch, of one sample perhaps, does not tell of others.

        Raises
        ------
        ValueError
            A scaling is asked for; the message names the way to have it.
        """
        for name, kind in _settings.scalings(self).items():
            if kind is not None:
                raise ValueError(
                    f"{name}: got {shown(kind)} in a partial_fit that begins a network, expected "
                    "None; call fit with samples that represent the stream first, and partial_fit "
                    "goes on with the scaling fitted to them"
                )

    def _begin_targets(self, y: Any, classes: Any) -> None:
        """Take note of what every target can be, in the first call."""

    def _take_steps(
        self, samples: Samples, batch_size: int, order: NDArray[np.int64] | None
    ) -> None:
        weights = samples.weights
        constant = self._constant_of_loss(samples.y, weights)
        learner = self._learner_for(batch_size)
        try:
            loss, penalty = learner.core.learn(
                learner.scaled_inputs(for_core(samples.X, self._net.dtype)),
                learner.scaled_targets(self._encoded(samples.y, self.loss)),
                None if weights is None else np.require(weights, np.float64, ["C"]),
                order,
                batch_size,
                thread_count(self.threads) or 0,
            )
        except FloatingPointError as error:
            raise ValueError(f"{_steps.NOT_FINITE} ({error})") from None
        learner.end_epoch(loss, penalty, samples.X.shape[0], constant)

    def _ready_learner(self, batch_size: int) -> Learner | None:
        """Return the learner of the last call unless another one must be made."""
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
        made = Learner(self, batch_size, *self._remembered())
        self._learner = made
        for name in REMEMBERED:
            self.__dict__.pop(name, None)
        return made

    def _remembered(self) -> tuple[Memory | None, Masks]:
        """Return what another learner needs to go on where this estimator is."""
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
            With `grow`, more features than before are admitted.
        y : label or number
            A class of the first `partial_fit`, or with `grow` any; a number, or an array of them
            if there are several outputs.
        sample_weight : float, default=1.0
            The factor of the sample's gradient; a sample with weight 0 is passed over. (The
            weights of `partial_fit` are relative to each other, within each batch.)

        Returns
        -------
        self

        Raises
        ------
        NotFittedError
            There is no network yet: call `partial_fit` or `fit` first.
        TypeError, ValueError
            x, y or sample_weight is not what the network takes, the network has batch norm, the
            solver does not go by steps, or the training diverged. Nothing has changed then.
        """
        row = self._row(x, may_grow=self.grow)
        target = self._target_of(y)
        weight = 1.0
        if not (type(sample_weight) is float and sample_weight == 1.0):
            weight = arguments.not_negative("sample_weight", sample_weight)
        learner = self._ready_learner(1)
        if learner is None or target is NEW or row.size > self._layers[0]:
            with contextlib.suppress(PassedOver), transaction(self):
                self._grow_for(row.size, [y] if target is NEW else [])
                if weight == 0:
                    raise PassedOver
                self._take_step(self._learner_for(1), row, self._target_of(y), weight)
        elif weight != 0:
            self._take_step(learner, row, target, weight)
        return self

    def _take_step(self, learner: Learner, row: NDArray[Any], target: Any, weight: float) -> None:
        try:
            self.loss_ = learner.core.learn_one(
                learner.scaled_inputs(row), learner.scaled_targets(target), weight
            )
        except FloatingPointError as error:
            raise ValueError(f"{_steps.NOT_FINITE} ({error})") from None
        except ValueError:  # the core shows numbers as they are in the network's type, as rows
            arrays.finite("x", row)
            if isinstance(target, float | np.ndarray):
                arrays.exact("y", arrays.finite("y", np.asarray(target)), self._net.dtype)
            raise
        self.t_ += 1

    def _target_of(self, y: Any) -> Any:
        """Return what the core takes for one y: a label's code, a number, a row; or NEW."""
        raise NotImplementedError

    def _row(self, x: ArrayLike, *, may_grow: bool = False) -> NDArray[Any]:
        """Return one sample as the core takes it.

        Raises
        ------
        TypeError, ValueError
            Its elements are not real numbers, or their number is not that of the features.
        """
        if "_net" not in self.__dict__:
            check_is_fitted(self)
        dtype = self._net.dtype
        if type(x) is np.ndarray and x.dtype is dtype and x.flags.carray:  # as it must be
            row = x
        else:
            row = arrays.inputs("x", x, dtype)
        n_features = self._layers[0]
        if row.ndim != 1 or row.size < n_features or (row.size > n_features and not may_grow):
            raise ValueError(f"x: got shape {np.shape(x)}, expected ({n_features},)")
        return row

    def _output_of(self, x: ArrayLike) -> NDArray[Any]:
        """Return the outputs (n_outputs,) for one sample."""
        row = self._row(x)
        try:
            return self._activated(self._network().forward(row))
        except ValueError:
            arrays.finite("x", row)
            raise

    # ---- Growing

    def _admit(self, X: Any, y: Any) -> Any:
        """Take in features, and in a classifier classes, that are new; return X to go on with."""
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
        """Admit what one sample brings: features, and labels of new classes."""
        if n_features > self._layers[0]:
            self._grow_features(n_features)

    def _grow_features(self, n_features: int) -> None:
        same = _growth.same_outputs(self._layers[-1])
        self._replace([n_features, *self._layers[1:]], same)
        self.n_features_in_ = n_features

    def _replace(self, layers: list[int], outputs: _growth.Outputs) -> None:
        """Go on with a network of more inputs or outputs, and with the optimiser."""
        if any(self._net.norms) or any(self._net.skips):
            raise ValueError("grow: got new features or classes, expected none with norm or skip")
        old = self._layers
        memory, masks = self._remembered()
        if memory is not None:
            memory = checked(memory, self._net.theta.size)
        grown = _growth.grown_parameters(self._network().theta, old, layers, outputs)
        self._forget()
        self._layers = layers
        self.n_outputs_ = layers[-1]
        described = _described(self._net)
        described["input_scaling"] = _growth.grown_scaling(described["input_scaling"], layers[0])
        net = self._made(self._net.dtype, described)
        net.theta[...] = grown
        self._attach(net, [W.T for W in net.W], list(net.b))
        self._masks = masks
        if memory is not None:
            settings, (numbers, states), rate = memory
            optimizer = _settings.optimizer_of(SimpleNamespace(**settings), 1.0)
            states = _growth.grown_memory(states, optimizer, old, layers, outputs)
            self._memory = settings, (numbers, states), rate
