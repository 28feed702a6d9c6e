"""Online: training that goes on from call to call: `partial_fit`, and one sample at a time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .. import _arguments, _core, _loss, _optimizer
from .._callbacks import Epoch
from . import _growth, _settings, _steps
from ._epochs import Memory, Rules, Tasks, checked
from ._estimator import Estimator, _described
from ._samples import Samples, for_core
from ._threads import thread_count

LEARNERS = {
    np.dtype(np.float32): _core.LearnerFloat32,
    np.dtype(np.float64): _core.LearnerFloat64,
}
SEED_OF_DROPOUT = 2**32  # numbers that a RandomState draws below

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

    It is made of the estimator's parameters, or goes on with another one's `memory`.

    Raises
    ------
    TypeError, ValueError
        A parameter is outside its range, the solver takes no steps, or the memory is not that of
        an optimiser of this network.
    """

    def __init__(self, estimator: Any, capacity: int, memory: Memory | None = None) -> None:
        net = estimator._network()
        self.capacity = capacity
        self._parameters = _parameters_read(estimator)
        self._read = penalties, loss, rates = _read(estimator)
        settings = _settings.of_optimizer(estimator)
        if memory is not None:
            given, of_core, rate = checked(memory, net.theta.size)
            settings = SimpleNamespace(**given)
        if _settings.minimises(settings):
            raise ValueError(f"solver: got {settings.solver!r}, needed one that goes by steps")
        self._rules = Rules(
            estimator,
            settings,
            n_samples=0,
            constant=0.0,
            held_out=None,
            tasks=Tasks.of_nobody(estimator),
        )
        seed = 0
        if rates:  # other masks than those of a learner before
            seed = int(estimator._random_state.randint(SEED_OF_DROPOUT)) + estimator.t_
        self.core = LEARNERS[net.dtype](
            net._core,
            loss,
            _optimizer.rule(self._rules.optimizer(), penalties),
            capacity,
            rates,
            seed,
        )
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

    @property
    def memory(self) -> Memory:
        """What another learner needs to go on where this one is."""
        return self._rules.memory(self.core.memory)

    def end_epoch(self, loss: float, penalty: float, n_samples: int, constant: float) -> None:
        """Do what belongs after the samples of a call, as after an epoch of `fit`."""
        self._rules.n_samples, self._rules.constant = n_samples, constant
        self._rules.on_epoch(Epoch(0, 1, loss, None, 0.0, penalty=penalty))


def _parameters_read(estimator: Any) -> tuple[Any, ...]:
    return estimator.alpha, estimator.loss, estimator.dropout, estimator.input_dropout


def _read(estimator: Any) -> Read:
    """Return what an estimator's parameters say that every call reads."""
    penalties = _optimizer.regularisation(
        l1=0.0, l2=0.0, alpha=estimator.alpha, clip_norm=None, clip_value=None,
        max_norm=None, ema=None,
    )  # fmt: skip
    n_hidden = len(estimator._layers) - 2
    rates = _arguments.dropout_rates(estimator.dropout, estimator.input_dropout, n_hidden)
    estimator._check_loss()
    return penalties, _loss.rule(_settings.named_loss(estimator.loss)), rates


class Online(Estimator):
    """An estimator that goes on learning."""

    def _learn(self, X: Any, y: Any, sample_weight: Any) -> Self:
        """Take the steps of one epoch over some samples; the state of the solver lives on."""
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        first_pass = not hasattr(self, "coefs_")
        if self.grow and not first_pass:
            X = self._admit(X, y)
        X, y = self._validated(X, y, incremental=True, reset=first_pass)
        samples = self._weighted(X, y, sample_weight, self._class_weights(y))
        batch_size = _settings.batch_size_of(self, X.shape[0], stacklevel=4)
        shuffled = self.shuffle and batch_size < X.shape[0]
        if first_pass or shuffled:  # a state costs more than the step of a sample
            self._random_state = check_random_state(self.random_state)
        if first_pass:
            hidden = _settings.hidden_layers(self.hidden_layer_sizes)
            _settings.check_combinations(self)
            self._initialise([X.shape[1], *hidden, self._n_units(y, self.loss)], X.dtype)
        self.n_iter_ = 0
        order = _steps.Shuffled(self._random_state, X.shape[0])(0) if shuffled else None
        self._take_steps(samples, batch_size, order)
        return self

    def _take_steps(
        self, samples: Samples, batch_size: int, order: NDArray[np.int64] | None
    ) -> None:
        weights = samples.weights
        learner = self._learner_for(batch_size)
        try:
            loss, penalty = learner.core.learn(
                for_core(samples.X, self._net.dtype),
                self._encoded(samples.y, self.loss),
                None if weights is None else np.require(weights, np.float64, ["C"]),
                order,
                batch_size,
                thread_count(self.threads) or 0,
            )
        except FloatingPointError as error:
            raise ValueError(f"{_steps.NOT_FINITE} ({error})") from None
        constant = self._constant_of_loss(samples.y, weights)
        learner.end_epoch(loss, penalty, samples.X.shape[0], constant)

    def _learner_for(self, batch_size: int) -> Learner:
        learner: Learner | None = self.__dict__.get("_learner")
        if learner is not None and learner.capacity >= batch_size and learner.is_of(self):
            self._network()
            return learner
        memory = self.__dict__.get("_memory")
        if learner is not None:
            memory = learner.memory
            batch_size = max(batch_size, learner.capacity)
        self._learner = learner = Learner(self, batch_size, memory)
        self.__dict__.pop("_memory", None)
        return learner

    def learn_one(self, x: ArrayLike, y: Any) -> Self:
        """Take one step with one sample, in a few microseconds.

        Parameters
        ----------
        x : array-like of shape (n_features,)
            With `grow`, more features than before are admitted.
        y : label or number
            A class of the first `partial_fit`, or with `grow` any; a number, or an array of them
            where there are several outputs.

        Returns
        -------
        self

        Raises
        ------
        NotFittedError
            There is no network yet: call `partial_fit` or `fit` first.
        ValueError
            x or y is not what the network takes, the solver does not go by steps, or the training
            diverged.
        """
        if "_net" not in self.__dict__:
            check_is_fitted(self)
        row = np.require(x, self._net.dtype, ["C", "A"])
        if self.grow and row.ndim == 1 and row.size > self._layers[0]:
            self._grow_features(row.size)
        target = self._target_of(y)
        try:
            self.loss_ = self._learner_for(1).core.learn_one(row, target)
        except FloatingPointError as error:
            raise ValueError(f"{_steps.NOT_FINITE} ({error})") from None
        self.t_ += 1
        return self

    def _target_of(self, y: Any) -> Any:
        """Return what the core takes for one y: a label's code, a number, a row."""
        raise NotImplementedError

    def _output_of(self, x: ArrayLike) -> NDArray[Any]:
        """Return the outputs (n_outputs,) for one sample."""
        if "_net" not in self.__dict__:
            check_is_fitted(self)
        A = self._network().forward(np.require(x, self._net.dtype, ["C", "A"]))
        if A.ndim != 1:
            raise ValueError(f"x: got shape {np.shape(x)}, needed ({self._layers[0]},)")
        return self._activated(A)

    # ---- Growing

    def _admit(self, X: Any, y: Any) -> Any:
        """Take in features, and in a classifier classes, that are new; return X to go on with."""
        names = _growth.feature_names(X)
        known = getattr(self, "feature_names_in_", None)
        if names is not None and known is not None:
            every = [*known, *(name for name in names if name not in set(known))]
            X = X.reindex(columns=every, fill_value=0.0)
            n_features = len(every)
            self.feature_names_in_ = np.asarray(every, dtype=object)
        else:
            n_features = X.shape[1] if hasattr(X, "shape") and len(X.shape) == 2 else len(X[0])
        if n_features > self.n_features_in_:
            self._grow_features(n_features)
        return X

    def _grow_features(self, n_features: int) -> None:
        self._replace([n_features, *self._layers[1:]])
        self.n_features_in_ = n_features

    def _replace(self, layers: list[int], places: list[int] | None = None) -> None:
        """Go on with a network of more inputs or outputs; what is new begins with weights 0.

        places: where the outputs that there were stand among the new ones; None for as they were.
        """
        if any(self._net.norms) or any(self._net.skips):
            raise ValueError("grow: got new features or classes, needed none with norm or skip")
        old = self._layers
        memory = self.__dict__.pop("_memory", None)
        learner: Learner | None = self.__dict__.pop("_learner", None)
        memory = memory if learner is None else learner.memory
        if memory is not None:
            memory = checked(memory, self._net.theta.size)
        kept = list(range(old[-1])) if places is None else places
        grown = _growth.grown(self._network().theta, old, layers, kept)
        self._layers = layers
        self.n_outputs_ = layers[-1]
        net = self._made(self._net.dtype, _described(self._net))
        net.theta[...] = grown
        self._attach(net, [W.T for W in net.W], list(net.b))
        if memory is not None:
            settings, (numbers, states), rate = memory
            states = [_growth.grown(state, old, layers, kept) for state in states]
            self._memory = settings, (numbers, states), rate
