"""
The compiled core of rosenblatt. Use the package, not this module: its arguments are unchecked names and exact arrays.
"""

from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing

__all__: list[str] = [
    "NetworkFloat32",
    "NetworkFloat64",
    "activations",
    "available_isas",
    "available_threads",
    "compiler",
    "evaluate",
    "isa",
    "losses",
    "random_u64",
    "set_isa",
    "shuffled",
    "train",
    "version",
]

class NetworkFloat32:
    def __init__(
        self,
        layers: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        activations: collections.abc.Sequence[str],
        seed: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def copy(self) -> NetworkFloat32: ...
    def forward(
        self,
        X: numpy.typing.NDArray[numpy.float32],
        threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> numpy.typing.NDArray[numpy.float32]: ...
    def gradients(
        self,
        X: numpy.typing.NDArray[numpy.float32],
        Y: numpy.ndarray,
        loss: str,
        sample_weight: numpy.typing.NDArray[numpy.float64] | None,
        threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> tuple[
        float,
        numpy.typing.NDArray[numpy.float32],
        numpy.typing.NDArray[numpy.float32],
        list[numpy.typing.NDArray[numpy.float32]],
    ]: ...
    def trace(
        self,
        X: numpy.typing.NDArray[numpy.float32],
        threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> tuple[
        list[numpy.typing.NDArray[numpy.float32]], list[numpy.typing.NDArray[numpy.float32]]
    ]: ...
    @property
    def theta(self) -> numpy.typing.NDArray[numpy.float32]: ...

class NetworkFloat64:
    def __init__(
        self,
        layers: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        activations: collections.abc.Sequence[str],
        seed: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def copy(self) -> NetworkFloat64: ...
    def forward(
        self,
        X: numpy.typing.NDArray[numpy.float64],
        threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def gradients(
        self,
        X: numpy.typing.NDArray[numpy.float64],
        Y: numpy.ndarray,
        loss: str,
        sample_weight: numpy.typing.NDArray[numpy.float64] | None,
        threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> tuple[
        float,
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        list[numpy.typing.NDArray[numpy.float64]],
    ]: ...
    def trace(
        self,
        X: numpy.typing.NDArray[numpy.float64],
        threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> tuple[
        list[numpy.typing.NDArray[numpy.float64]], list[numpy.typing.NDArray[numpy.float64]]
    ]: ...
    @property
    def theta(self) -> numpy.typing.NDArray[numpy.float64]: ...

def activations() -> list[str]: ...
def available_isas() -> list[str]: ...
def available_threads() -> int: ...
def compiler() -> str: ...
@typing.overload
def evaluate(
    name: str, x: numpy.typing.NDArray[numpy.float32]
) -> numpy.typing.NDArray[numpy.float32]: ...
@typing.overload
def evaluate(
    name: str, x: numpy.typing.NDArray[numpy.float64]
) -> numpy.typing.NDArray[numpy.float64]: ...
def isa() -> str: ...
def losses() -> list[str]: ...
def random_u64(
    seed: typing.SupportsInt | typing.SupportsIndex,
    purpose: typing.SupportsInt | typing.SupportsIndex,
    epoch: typing.SupportsInt | typing.SupportsIndex,
    n: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.typing.NDArray[numpy.uint64]: ...
def set_isa(name: str) -> None: ...
def shuffled(
    seed: typing.SupportsInt | typing.SupportsIndex,
    epoch: typing.SupportsInt | typing.SupportsIndex,
    n: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.typing.NDArray[numpy.int64]: ...
@typing.overload
def train(
    network: NetworkFloat32,
    X: numpy.typing.NDArray[numpy.float32],
    Y: numpy.ndarray,
    loss: str,
    learning_rate: typing.SupportsFloat | typing.SupportsIndex,
    momentum: typing.SupportsFloat | typing.SupportsIndex,
    nesterov: bool,
    batch_size: typing.SupportsInt | typing.SupportsIndex,
    epochs: typing.SupportsInt | typing.SupportsIndex,
    shuffle: bool,
    seed: typing.SupportsInt | typing.SupportsIndex,
    validation: tuple[numpy.typing.NDArray[numpy.float32], numpy.ndarray] | None,
    callback: collections.abc.Callable[[int, float, float | None], bool] | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple[list[float], list[float], bool]: ...
@typing.overload
def train(
    network: NetworkFloat64,
    X: numpy.typing.NDArray[numpy.float64],
    Y: numpy.ndarray,
    loss: str,
    learning_rate: typing.SupportsFloat | typing.SupportsIndex,
    momentum: typing.SupportsFloat | typing.SupportsIndex,
    nesterov: bool,
    batch_size: typing.SupportsInt | typing.SupportsIndex,
    epochs: typing.SupportsInt | typing.SupportsIndex,
    shuffle: bool,
    seed: typing.SupportsInt | typing.SupportsIndex,
    validation: tuple[numpy.typing.NDArray[numpy.float64], numpy.ndarray] | None,
    callback: collections.abc.Callable[[int, float, float | None], bool] | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple[list[float], list[float], bool]: ...
def version() -> str: ...
