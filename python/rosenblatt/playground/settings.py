"""What a person may choose in the playground, and its bounds: every page's wishes pass here."""

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

# Each with settings that learn it in a few hundred epochs, which are proposed when it is chosen.
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
    """The choices that make a training.

    Attributes
    ----------
    data
        A name of DATA_SETS.
    noise
        The standard deviation of a normal noise on the coordinates, or on the grey levels.
    layers
        The units of each hidden layer.
    activation
        f of the hidden layers.
    biases
        How the initial biases are drawn, a name that `Network` takes.
    optimizer
        A name of OPTIMIZERS.
    learning_rate
        epsilon.
    l2
        The penalty of the weights, l2 / 2 sum w^2.
    dropout
        How much of the hidden units to leave out in a step.
    batch_size
        Samples per step.
    seed
        Of the samples, the initial weights and biases, and the order.
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
        """Return whether a training may go on with its weights when `other` replaces this."""
        begins = ("data", "noise", "layers", "activation", "biases", "seed")
        return all(getattr(self, name) == getattr(other, name) for name in begins)


def from_json(given: Mapping[str, Any]) -> Settings:
    """Return the settings that a page asks for, every one of them.

    Raises
    ------
    TypeError, ValueError
        One is missing, unknown, of another kind or outside its bounds; the message names it.
    """
    exact_fields(given, [field.name for field in fields(Settings)])
    layers = _layers(given["layers"])
    dropout = _between("dropout", given["dropout"])
    if dropout > 0 and not layers:
        raise ValueError(f"dropout: got {dropout} without hidden layers, expected 0")
    return Settings(
        data=arguments.choice("data", given["data"], tuple(DATA_SETS)),
        noise=_between("noise", given["noise"]),
        layers=layers,
        activation=arguments.choice("activation", given["activation"], ACTIVATIONS),
        biases=arguments.choice("biases", given["biases"], BIAS_NAMES),
        optimizer=arguments.choice("optimizer", given["optimizer"], tuple(OPTIMIZERS)),
        learning_rate=_above_zero("learning_rate", given["learning_rate"]),
        l2=_between("l2", given["l2"]),
        dropout=dropout,
        batch_size=arguments.integer("batch_size", given["batch_size"], least=1, most=MOST_BATCH),
        seed=arguments.integer("seed", given["seed"], least=0, most=MOST_SEED),
    )


def exact_fields(given: Mapping[str, Any], expected: Sequence[str]) -> None:
    """Refuse an object that has other fields than `expected`.

    Raises
    ------
    ValueError
        One is missing or unknown; the message names it.
    """
    words = ", ".join(expected) if expected else "none"
    for name in given:
        if name not in expected:
            raise ValueError(f"got an unknown field {shown(name)}, expected {words}")
    for name in expected:
        if name not in given:
            raise ValueError(f"{name}: is missing, expected {words}")


def choices() -> dict[str, Any]:
    """Return what a page offers: names, bounds, and what it begins with."""
    begin = Settings()
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
        "settings": {field.name: getattr(begin, field.name) for field in fields(begin)},
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
