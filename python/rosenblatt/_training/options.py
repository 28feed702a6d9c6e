"""Options: the arguments of `train` in groups that check themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self, get_origin, get_type_hints

import numpy as np
from numpy.typing import ArrayLike

from .._checks import arguments, arrays, sparse
from .._checks.shown import shown
from .._checks.sparse import Inputs, SparseInputs
from .._files.checkpoint import Checkpoint, checkpoint_of
from .._files.checkpoint_file import SavedTraining
from .._network import Network
from .._optimizer import LBFGS, Check, Optimizer
from .._scaling import check_scaling_kind
from . import validation as _validation
from .callbacks import Callback, EarlyStopping, callback_list
from .metrics import Metric, metric_functions
from .sample_weights import class_weights, sample_weights
from .validation import Samples


def optional(check: Check) -> Check:
    """Return the check of a value that may also be None."""
    return lambda name, value: None if value is None else check(name, value)


class Checked:
    """Base of the groups: each field becomes what the check in its annotation returns."""

    _names: ClassVar[tuple[str, ...]]
    _checks: ClassVar[dict[str, Check]]

    def __init_subclass__(cls) -> None:
        hints = get_type_hints(cls, include_extras=True).items()
        cls._names = tuple(cls.__annotations__)
        cls._checks = {
            name: hint.__metadata__[0] for name, hint in hints if get_origin(hint) is Annotated
        }

    def __post_init__(self) -> None:
        for name, check in self._checks.items():
            setattr(self, name, check(name, getattr(self, name)))

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Take the fields from the arguments of `train`, by name."""
        return cls(*[values[name] for name in cls._names])


@dataclass
class Data(Checked):
    """The samples of a run as the user passed them."""

    X: ArrayLike
    Y: ArrayLike
    sample_weight: ArrayLike | None
    class_weight: str | Mapping[int, float] | None
    validation: Any

    def split(self, net: Network, loss: str | None, seed: int) -> tuple[Samples, Samples | None]:
        """Return the training and the validation samples in the form that the core accepts.

        `loss` is the name of the loss, None for a custom loss.

        Raises
        ------
        TypeError, ValueError
            An array is of the wrong kind or shape, or has values that are not allowed.
        """
        Y = _validation.targets(net, "Y", self.Y, loss)
        of_class = class_weights(self.class_weight, Y, max(2, net.layers[-1]))
        weights = sample_weights("sample_weight", self.sample_weight, of_class, ("Y", Y))
        given_Y = arrays.as_array("Y", self.Y)
        given = Samples(sparse.inputs("X", self.X, net.dtype), Y, weights, given_Y)
        return _validation.split(given, self.validation, net, loss, seed=seed, of_class=of_class)


@dataclass
class Regularisation(Checked):
    """Penalties, limits and the average of the weights. None means no limit."""

    l1: Annotated[float, arguments.not_negative] = 0.0
    l2: Annotated[float, arguments.not_negative] = 0.0
    alpha: Annotated[float, arguments.not_negative] = 0.0
    clip_norm: Annotated[float | None, optional(arguments.positive)] = None
    clip_value: Annotated[float | None, optional(arguments.positive)] = None
    max_norm: Annotated[float | None, optional(arguments.positive)] = None
    max_weight: Annotated[float | None, optional(arguments.positive)] = None
    ema: Annotated[float | None, optional(arguments.between_0_and_1)] = None

    def for_core(self) -> dict[str, float]:
        """Return what is set, by name."""
        values = {name: getattr(self, name) for name in self._names}
        return {name: value for name, value in values.items() if value is not None}


def _batch_size(name: str, value: object) -> int:
    return arguments.integer(name, value, least=1, most=2**62)


def _epochs(name: str, value: object) -> int:
    return arguments.integer(name, value, least=1, most=2**32)


def _shuffle(name: str, value: Any) -> bool | Callable[[int], ArrayLike]:
    return value if callable(value) else arguments.flag(name, value)


@dataclass
class Batching(Checked):
    """How the samples make up batches and epochs."""

    batch_size: Annotated[int | None, optional(_batch_size)]
    epochs: Annotated[int, _epochs]
    shuffle: Annotated[bool | Callable[[int], ArrayLike], _shuffle]
    random_state: int | np.random.Generator | None

    def seed(self, saved: SavedTraining | None) -> int:
        """Return the seed: the one passed, else that of the checkpoint, else a new one."""
        seed = arguments.seed("random_state", self.random_state)
        is_drawn = self.random_state is None or isinstance(
            self.random_state, np.random.Generator | np.random.RandomState
        )
        return saved.seed if saved and is_drawn else seed

    def size(self, n: int, optimizer: Optimizer) -> int:
        """Return the samples per batch, for n samples.

        Raises
        ------
        ValueError
            L-BFGS would get a batch that is not all of them.
        """
        if self.batch_size is None:
            return max(n, 1)
        if isinstance(optimizer, LBFGS) and self.batch_size < n:
            raise ValueError(
                f"batch_size: got {self.batch_size} with LBFGS, expected None, for all samples"
            )
        return self.batch_size


@dataclass
class Noise(Checked):
    """Dropout and input noise."""

    dropout: float | Sequence[float]
    input_dropout: float
    input_noise: float

    def rates(self, net: Network, optimizer: Optimizer) -> tuple[list[float], float]:
        """Return the dropout rate of each weight layer, if any, and the deviation of the noise.

        Raises
        ------
        TypeError, ValueError
            A number is out of range, or the optimiser needs a cost that stays the same.
        """
        rates = arguments.dropout_rates(self.dropout, self.input_dropout, len(net.layers) - 2)
        deviation = arguments.deviation("input_noise", self.input_noise, net.dtype)
        for name, value in (("dropout", rates), ("input_noise", deviation)):
            if value and isinstance(optimizer, LBFGS):
                raise ValueError(
                    f"{name}: got some with LBFGS, expected none: its cost must stay the same"
                )
        return rates, deviation

    def check_inputs(self, X: Inputs) -> None:
        """Raise a ValueError for noise on sparse inputs."""
        if self.input_noise and isinstance(X, SparseInputs):
            raise ValueError(
                f"input_noise: got {self.input_noise} with a sparse X, expected 0:"
                " it would fill X up"
            )


@dataclass
class Scalings(Checked):
    """The kinds of scaling to fit, None for none."""

    scale_inputs: Annotated[str | None, check_scaling_kind]
    scale_targets: Annotated[str | None, check_scaling_kind]


def _early_stopping(name: str, value: object) -> EarlyStopping | None:
    if value is None or isinstance(value, EarlyStopping):
        return value
    if isinstance(value, bool | np.bool_):
        return EarlyStopping() if value else None
    raise TypeError(f"{name}: got {shown(value)}, expected a rosenblatt.EarlyStopping or a bool")


def _real(name: str, value: object) -> float:
    return arguments.real(name, value, "a finite number or None")


def _seconds(name: str, value: object) -> float:
    seconds = _real(name, value)
    if seconds <= 0:
        raise ValueError(f"{name}: got {seconds}, expected a number of seconds above 0 or None")
    return min(seconds, 1e9)


@dataclass
class Stopping(Checked):
    """When a run ends before its last epoch."""

    early_stopping: Annotated[EarlyStopping | None, _early_stopping]
    target_loss: Annotated[float | None, optional(_real)]
    time_limit: Annotated[float | None, optional(_seconds)]


@dataclass
class Reporting(Checked):
    """What is measured, shown and saved during a run."""

    metrics: Annotated[dict[str, Metric], metric_functions]
    callback: Annotated[list[Callback], callback_list]
    progress: bool | str
    gradient_norm: Annotated[bool, arguments.flag]
    checkpoint: Annotated[Checkpoint | None, checkpoint_of]


@dataclass
class Options:
    """All options of a run."""

    regularisation: Regularisation
    batching: Batching
    noise: Noise
    scalings: Scalings
    stopping: Stopping
    reporting: Reporting

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Options:
        """Take them from the arguments of `train`, by name.

        Raises
        ------
        TypeError, ValueError
            One is of the wrong kind or out of range.
        """
        return cls(*[group.of(values) for group in GROUPS])


GROUPS: tuple[type[Any], ...] = tuple(get_type_hints(Options).values())
