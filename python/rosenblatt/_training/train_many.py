"""Train many: an ensemble or a grid of settings in one call, a thread for each network."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import _core
from .._checks import arguments as _arguments
from .._checks import sparse
from .._checks.draws import undone_if_raised
from .._checks.shown import brief, shown, type_name
from .._files.checkpoint import Checkpoint
from .._network import Network, require_network
from .job import TrainingJob
from .result import TrainResult
from .train import SIGNATURE, job_of

NOT_OF_ONE = ("net", "progress", "threads")
SETTINGS = tuple(name for name in SIGNATURE.parameters if name not in NOT_OF_ONE)


def train_many(
    networks: Sequence[Network],
    X: ArrayLike | None = None,
    Y: ArrayLike | None = None,
    *,
    settings: Sequence[Mapping[str, Any]] | None = None,
    threads: int | None = None,
    **common: Any,
) -> list[TrainResult | FloatingPointError]:
    """Train several networks at the same time, each as `train` would train it alone.

    Parameters
    ----------
    networks : sequence of Network
        Trained in place; of any sizes and number types, each once.
    X : array-like or sparse matrix of shape (n, n_features)
    Y : array-like of shape (n, n_outputs), or (n,)
        The samples of all networks whose settings have none of their own.
    settings : sequence of dict, optional
        One for each network, empty where it has nothing of its own: arguments of `train` by name,
        X and Y among them, that count for this network in place of the common ones.
    threads : int, optional
        How many networks are trained at the same time; as many as the process may use otherwise.
        Each is trained by one thread, so the number changes no bit.
    **common
        Arguments of `train` for all networks, by name: loss, optimizer, epochs and so on.

    Returns
    -------
    list of TrainResult or FloatingPointError
        One for each network: what its training did, or how it diverged. A network that diverged
        has the weights of the end of its last good epoch, or of its best epoch with early
        stopping, and does not disturb the others.

    Raises
    ------
    TypeError, ValueError
        As `train`; the message names the network. No network is changed.
    RuntimeError
        A network is being trained already, or used by another thread. No network is changed.
    KeyboardInterrupt
        Ctrl-C, which ends every training; each network has the weights of its last finished step,
        or of its best epoch with early stopping.

    Notes
    -----
    Networks are begun in their order, the next one when a thread is free: the longest trainings
    first is soonest done. A callback, a metric or a loss of your own is called by the thread that
    trains its network; what it raises ends every training, and is raised. ``Epoch.seconds`` counts
    from the call of `train_many`, ``TrainResult.seconds`` from where this network was begun.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> X, y = rb.datasets.load_digits()
    >>> nets = [rb.Network([64, 16, 10], output="softmax", random_state=i) for i in range(3)]
    >>> rates = [{"optimizer": rb.SGD(rate)} for rate in (0.001, 0.01, 0.1)]
    >>> results = rb.train_many(nets, X, y, loss="log_loss", epochs=3, settings=rates)
    >>> [len(result.loss_curve) for result in results]
    [3, 3, 3]
    """
    nets = _distinct_networks(networks)
    every = _checked_settings(settings, len(nets))
    _check_names("train_many", common)
    n_threads = _arguments.thread_count("threads", threads)
    _check_distinct_files([own.get("checkpoint", common.get("checkpoint")) for own in every])
    exact = _ExactInputs()
    arguments = [{"X": X, "Y": Y} | common | own for own in every]
    with undone_if_raised(each.get("random_state") for each in arguments):
        trainings = [
            _prepare(i, net, exact, of_one)
            for i, (net, of_one) in enumerate(zip(nets, arguments, strict=True))
        ]
        try:
            found = _core.train_many([training.core for training in trainings], n_threads)
        except BaseException:
            for training in trainings:
                training.restore_best()
            raise
    return [training.outcome(of_one) for training, of_one in zip(trainings, found, strict=True)]


def _prepare(i: int, net: Network, exact: _ExactInputs, arguments: dict[str, Any]) -> TrainingJob:
    """Check the arguments of one network; an error says whose they are."""
    for name in ("X", "Y", "loss"):
        if arguments.get(name) is None:
            raise TypeError(
                f"networks[{i}]: got no {name}, expected one for all networks or in its settings"
            )
    try:
        arguments["X"] = exact.of(arguments["X"], net.dtype)
        return job_of(net, **arguments, threads=1)
    except (TypeError, ValueError) as error:
        error.args = (f"networks[{i}]: {error}",)  # its class and the path of a file stay
        raise


class _ExactInputs:
    """Samples that several networks share, converted once for each number type."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, np.dtype[Any]], tuple[Any, Any]] = {}

    def of(self, X: ArrayLike, dtype: np.dtype[Any]) -> Any:
        """Return X as the core takes it."""
        key = (id(X), dtype)
        if key not in self._made:  # X is kept beside it, for an id is its own only while it lives
            self._made[key] = (X, sparse.inputs("X", X, dtype))
        return self._made[key][1]


def _distinct_networks(networks: object) -> list[Network]:
    expected = "a sequence of different rosenblatt.Network, at least one"
    if not isinstance(networks, Sequence) or isinstance(networks, str | bytes):
        raise TypeError(f"networks: got {type_name(networks)}, expected {expected}")
    if not networks:
        raise ValueError(f"networks: got none, expected {expected}")
    first: dict[int, int] = {}
    for i, net in enumerate(networks):
        require_network(f"networks[{i}]", net)
        if first.setdefault(id(net), i) != i:
            raise ValueError(
                f"networks: got [{first[id(net)]}] again at [{i}], expected {expected}"
            )
    return list(networks)


def _check_distinct_files(checkpoints: list[Any]) -> None:
    """Refuse two networks with one file; what else is wrong with a file `prepare` says."""
    first: dict[str, int] = {}
    for i, value in enumerate(checkpoints):
        path = value.path if isinstance(value, Checkpoint) else value
        if not isinstance(path, str | os.PathLike):
            continue
        name = os.path.realpath(os.fsdecode(path))
        if first.setdefault(name, i) != i:
            raise ValueError(
                f"networks[{i}]: checkpoint: got {brief(name, 200)} of networks[{first[name]}],"
                " expected a file for each, in its settings"
            )


def _checked_settings(settings: object, n: int) -> list[dict[str, Any]]:
    expected = f"a sequence of {n} dicts, one for each network"
    if settings is None:
        return [{} for _ in range(n)]
    if not isinstance(settings, Sequence) or isinstance(settings, str | bytes):
        raise TypeError(f"settings: got {type_name(settings)}, expected {expected}")
    if len(settings) != n:
        raise ValueError(f"settings: got {len(settings)}, expected {expected}")
    for i, own in enumerate(settings):
        if not isinstance(own, Mapping):
            raise TypeError(f"settings[{i}]: got {shown(own)}, expected a dict")
        _check_names(f"settings[{i}]", own)
    return [dict(own) for own in settings]


def _check_names(where: str, given: Mapping[str, Any]) -> None:
    for name in given:
        if name not in SETTINGS:
            raise TypeError(f"{where}: got {shown(name)}, expected one of {', '.join(SETTINGS)}")
