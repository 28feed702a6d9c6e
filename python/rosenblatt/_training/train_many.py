"""Train many: an ensemble or a grid of settings in one call, one thread per network."""

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
        Distinct networks of any sizes and dtypes, trained in place.
    X : array-like or sparse matrix of shape (n, n_features)
    Y : array-like of shape (n, n_outputs), or (n,)
        The samples, for all networks whose settings have none.
    settings : sequence of dict, optional
        One dict per network with arguments of `train`, which replace the common ones for this
        network; X and Y may be among them.
    threads : int, optional
        Number of networks that are trained at the same time, by default as many as the process
        has cores. Each is trained by one thread, so the results do not depend on it.
    **common
        Arguments of `train` for all networks, by name: loss, optimizer, epochs and so on.

    Returns
    -------
    list of TrainResult or FloatingPointError
        One per network: its result, or the error if it diverged. A network that diverged has the
        weights of the end of its last good epoch, or of its best epoch with early stopping, and
        does not affect the others.

    Raises
    ------
    TypeError, ValueError
        As `train`; the message names the network. No network is changed.
    RuntimeError
        A network is being trained already, or used by another thread. No network is changed.
    KeyboardInterrupt
        Ctrl-C, which ends all runs; each network has the weights of its last finished step, or of
        its best epoch with early stopping.

    Notes
    -----
    Runs start in the order of the networks, each as soon as a thread is free, so put the longest
    first. Callbacks, metrics and custom losses are called by the thread that trains the network; an
    exception ends all runs and is raised. ``Epoch.seconds`` counts from the call of `train_many`,
    ``TrainResult.seconds`` from the start of the run.

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
    """Check the arguments of one network; an error names the network."""
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
        """Return X in the form that the core accepts."""
        key = (id(X), dtype)
        if key not in self._made:  # keep X: an id is unique only while its object lives
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
    """Refuse two networks with the same file; `prepare` finds all other faults."""
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
