"""Dense feed-forward networks on the CPU: a C++ core and NumPy arrays.

>>> import rosenblatt as rb
>>> X, y = rb.datasets.load_digits()
>>> net = rb.Network([64, 32, 10], output="softmax", random_state=0)
>>> result = rb.train(net, X, y, loss="log_loss", optimizer=rb.SGD(0.1, momentum=0.9), epochs=5)
>>> bool((net.forward(X).argmax(axis=1) == y).mean() > 0.95)
True
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from . import _core
from . import _former_modules as _former_modules
from ._activation import Activation
from ._checks.shown import shown
from ._files.errors import (
    CheckpointMismatchError,
    DamagedFileError,
    ModelFormatError,
    UnknownActivationError,
    UnknownFormatError,
    UnsupportedVersionError,
)
from ._files.model import load
from ._loss import Focal, Huber, LogLoss, Poisson, Quantile
from ._network import Derivatives, Gradients, Network, Trace
from ._scaling import Scaling
from ._weights import Normal, Orthogonal, Uniform

if TYPE_CHECKING:
    from . import datasets, lecture, playground, schedules
    from . import plot as plot  # not in __all__: import * would need matplotlib
    from ._files.checkpoint import Checkpoint
    from ._optimizer import LBFGS, SGD, Adadelta, Adagrad, Adam, AdamW, Lion, NAdam, RMSprop, Rprop
    from ._training.callbacks import Callback, EarlyStopping, Epoch, Step
    from ._training.learning_rate import LearningRates, find_learning_rate
    from ._training.result import TrainResult
    from ._training.train import train
    from ._training.train_many import train_many

__version__: str = _core.version()

__all__ = [
    "LBFGS",
    "SGD",
    "Activation",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Callback",
    "Checkpoint",
    "CheckpointMismatchError",
    "DamagedFileError",
    "Derivatives",
    "EarlyStopping",
    "Epoch",
    "Focal",
    "Gradients",
    "Huber",
    "LearningRates",
    "Lion",
    "LogLoss",
    "ModelFormatError",
    "NAdam",
    "Network",
    "Normal",
    "Orthogonal",
    "Poisson",
    "Quantile",
    "RMSprop",
    "Rprop",
    "Scaling",
    "Step",
    "Trace",
    "TrainResult",
    "Uniform",
    "UnknownActivationError",
    "UnknownFormatError",
    "UnsupportedVersionError",
    "__version__",
    "build_info",
    "datasets",
    "find_learning_rate",
    "lecture",
    "load",
    "playground",
    "schedules",
    "set_isa",
    "train",
    "train_many",
]

# Modules for training are imported when one of their names is first used, so that a program that
# only runs a network starts faster.
_AT_FIRST_USE = {
    "_training.callbacks": ("Callback", "EarlyStopping", "Epoch", "Step"),
    "_files.checkpoint": ("Checkpoint",),
    "_training.learning_rate": ("LearningRates", "find_learning_rate"),
    "_optimizer": (
        "LBFGS",
        "SGD",
        "Adadelta",
        "Adagrad",
        "Adam",
        "AdamW",
        "Lion",
        "NAdam",
        "RMSprop",
        "Rprop",
    ),
    "_training.train": ("train",),
    "_training.result": ("TrainResult",),
    "_training.train_many": ("train_many",),
}
_MODULE_OF = {name: module for module, names in _AT_FIRST_USE.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in {"datasets", "lecture", "playground", "plot", "schedules"}:
        return importlib.import_module(f".{name}", __name__)
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, "plot"})


def build_info() -> dict[str, Any]:
    """Return the version of this installation and facts about the machine.

    Returns
    -------
    dict
        version, compiler; isa, the instruction set in use; isas, the instruction sets of the
        machine, best first; threads, the number that the process may use.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> sorted(rb.build_info())
    ['compiler', 'isa', 'isas', 'threads', 'version']
    """
    return {
        "version": _core.version(),
        "compiler": _core.compiler(),
        "isa": _core.isa(),
        "isas": _core.available_isas(),
        "threads": _core.available_threads(),
    }


def set_isa(name: str) -> None:
    """Select the instruction set of the kernels.

    Results are identical for all of them.

    Parameters
    ----------
    name : str
        One of ``build_info()["isas"]``. The environment variable ROSENBLATT_ISA sets it at import.

    Raises
    ------
    RuntimeError
        The machine lacks it; the message lists the supported ones.
    TypeError
        `name` is not a string.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> best, *others = rb.build_info()["isas"]
    >>> for isa in others:
    ...     rb.set_isa(isa)
    >>> rb.set_isa(best)
    >>> rb.build_info()["isa"] == best
    True
    """
    if not isinstance(name, str):
        raise TypeError(f"name: got {shown(name)}, expected a string")
    if name not in (isas := _core.available_isas()):
        raise RuntimeError(
            f"name: got {shown(name)}, expected one that this processor supports: {', '.join(isas)}"
        )
    _core.set_isa(name)


if _forced_isa := os.environ.get("ROSENBLATT_ISA"):
    set_isa(_forced_isa)
