"""The settings of the playground and their bounds, checked for every page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from .._checks import arguments
from .._checks.shown import shown
from .._optimizer import SGD, Adagrad, Adam, Lion, NAdam, Optimizer, RMSprop
from .._weights import BIAS_NAMES

# The bounds keep a frame small: 6 layers of 64 units are 21,000 weights and a map of 160 kB.
MOST_LAYERS: Final = 6
MOST_UNITS: Final = 64
MOST_BATCH: Final = 300
LARGEST: Final = {"noise": 1.0, "learning_rate": 100.0, "l2": 10.0, "dropout": 0.9}
MOST_SEED: Final = 2**32 - 1

# Data sets with the settings proposed for them, which learn them in a few hundred epochs.
DATA_SETS: Final[dict[str, dict[str, Any]]] = {
    "moons": {"noise": 0.1, "layers": (6, 4), "activation": "tanh", "learning_rate": 0.3},
    "circles": {"noise": 0.1, "layers": (4,), "activation": "tanh", "learning_rate": 0.3},
    "spirals": {"noise": 0.02, "layers": (12, 8), "activation": "tanh", "learning_rate": 0.3},
    "xor": {"noise": 0.05, "layers": (4,), "activation": "tanh", "learning_rate": 0.3},
    "digits": {"noise": 0.0, "layers": (24,), "activation": "relu", "learning_rate": 0.1},
}
ACTIVATIONS: Final = tuple(
    name for name in arguments.ACTIVATIONS if name not in arguments.NOT_TRAINABLE
)
OPTIMIZERS: Final[dict[str, Callable[[float], Optimizer]]] = {
    "gradient descent": SGD,
    "momentum": lambda epsilon: SGD(epsilon, momentum=0.9),
    "Nesterov": lambda epsilon: SGD(epsilon, momentum=0.9, nesterov=True),
    "Adagrad": Adagrad,
    "RMSprop": RMSprop,
    "Adam": Adam,
    "NAdam": NAdam,
    "Lion": Lion,
}


@dataclass(frozen=True)
class Settings:
    """The settings of a training run.

    Attributes
    ----------
    data
        A name of DATA_SETS.
    noise
        The standard deviation of normal noise added to the coordinates or grey levels.
    layers
        The units of each hidden layer.
    activation
        f of the hidden layers.
    biases
        The initialiser of the biases, a name that `Network` accepts.
    optimizer
        A name of OPTIMIZERS.
    learning_rate
        epsilon.
    l2
        The penalty of the weights, l2 / 2 sum w^2.
    dropout
        The dropout rate of hidden units.
    batch_size
        Samples per step.
    seed
        The seed of the samples, the initial weights and biases, and the order.
    """

    data: str = "moons"
    noise: float = 0.1
    layers: tuple[int, ...] = (6, 4)
    activation: str = "tanh"
    biases: str = "auto"
    optimizer: str = "gradient descent"
    learning_rate: float = 0.3
    l2: float = 0.0
    dropout: float = 0.0
    batch_size: int = 10
    seed: int = 0

    def keeps_weights(self, other: Settings) -> bool:
        """Return whether a run can keep its weights when `other` replaces these settings."""
        begins = ("data", "noise", "layers", "activation", "biases", "seed")
        return all(getattr(self, name) == getattr(other, name) for name in begins)


def from_json(values: Mapping[str, Any]) -> Settings:
    """Check the settings sent by a page and return them.

    Raises
    ------
    TypeError, ValueError
        A setting is missing or unknown, has the wrong type or is out of range; the message names
        it.
    """
    exact_fields(values, [field.name for field in fields(Settings)])
    layers = _layers(values["layers"])
    dropout = _between("dropout", values["dropout"])
    if dropout > 0 and not layers:
        raise ValueError(f"dropout: got {dropout} without hidden layers, expected 0")
    return Settings(
        data=arguments.choice("data", values["data"], tuple(DATA_SETS)),
        noise=_between("noise", values["noise"]),
        layers=layers,
        activation=arguments.choice("activation", values["activation"], ACTIVATIONS),
        biases=arguments.choice("biases", values["biases"], BIAS_NAMES),
        optimizer=arguments.choice("optimizer", values["optimizer"], tuple(OPTIMIZERS)),
        learning_rate=_above_zero("learning_rate", values["learning_rate"]),
        l2=_between("l2", values["l2"]),
        dropout=dropout,
        batch_size=arguments.integer("batch_size", values["batch_size"], least=1, most=MOST_BATCH),
        seed=arguments.integer("seed", values["seed"], least=0, most=MOST_SEED),
    )


def exact_fields(values: Mapping[str, Any], expected: Sequence[str]) -> None:
    """Check that an object has exactly the expected fields.

    Raises
    ------
    ValueError
        A field is missing or unknown; the message names it.
    """
    words = ", ".join(expected) if expected else "none"
    for name in values:
        if name not in expected:
            raise ValueError(f"got an unknown field {shown(name)}, expected {words}")
    for name in expected:
        if name not in values:
            raise ValueError(f"{name}: is missing, expected {words}")


def choices() -> dict[str, Any]:
    """Return the choices that a page offers: names, bounds and initial settings."""
    initial = Settings()
    return {
        "data": list(DATA_SETS),
        "proposed": DATA_SETS,
        "activation": ACTIVATIONS,
        "biases": BIAS_NAMES,
        "optimizer": list(OPTIMIZERS),
        "most": LARGEST
        | {
            "layers": MOST_LAYERS,
            "units": MOST_UNITS,
            "batch_size": MOST_BATCH,
            "seed": MOST_SEED,
        },
        "settings": {field.name: getattr(initial, field.name) for field in fields(initial)},
    }


def _layers(value: object) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise TypeError(
            f"layers: got {shown(value)}, expected a list of units, one per hidden layer"
        )
    if len(value) > MOST_LAYERS:
        raise ValueError(f"layers: got {len(value)} hidden layers, expected at most {MOST_LAYERS}")
    return tuple(
        arguments.integer(f"layers[{i}]", units, least=1, most=MOST_UNITS)
        for i, units in enumerate(value)
    )


def _between(name: str, value: object) -> float:
    number = arguments.not_negative(name, value)
    if number > LARGEST[name]:
        raise ValueError(f"{name}: got {number}, expected at most {LARGEST[name]}")
    return number


def _above_zero(name: str, value: object) -> float:
    number = arguments.positive(name, value)
    if number > LARGEST[name]:
        raise ValueError(f"{name}: got {number}, expected at most {LARGEST[name]}")
    return number
