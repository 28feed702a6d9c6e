"""The path of descent: the parameters after every epoch of a training run."""

from __future__ import annotations

from .._checks import arguments
from .._network import Network, require_network
from .._training.callbacks import Callback, Epoch
from .._training.result import TrainResult


class ThetaPath(Callback):
    """A callback that records theta after every epoch, for `loss_surface`.

    Parameters
    ----------
    net : Network
        The network that is trained. The path starts with its current theta.
    every : int, default 1
        Number of epochs between two records; the final theta is always recorded.

    Attributes
    ----------
    thetas : list of ndarray of shape (n_params,)
        The recorded path.

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type or is out of range; the message names it.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> net = rb.Network([2, 8, 1], activation="tanh", output="logistic", random_state=0)
    >>> path = rb.plot.ThetaPath(net)
    >>> result = rb.train(net, X, y, loss="log_loss", epochs=50, callback=path)
    >>> len(path.thetas), path.thetas[0].shape
    (51, (33,))
    """

    def __init__(self, net: Network, *, every: int = 1) -> None:
        self._net = require_network("net", net)
        self._every = arguments.integer("every", every, least=1)
        self.thetas = [net.theta.copy()]
        self._last = 0  # the epoch of the last record

    def on_epoch(self, epoch: Epoch) -> None:
        """Record theta every `every` epochs."""
        if (epoch.epoch + 1) % self._every == 0:
            self._keep(epoch.epoch + 1)

    def on_end(self, result: TrainResult) -> None:
        """Record the final theta."""
        if self._last != result.epochs:
            self._keep(result.epochs)

    def _keep(self, epoch: int) -> None:
        self.thetas.append(self._net.theta.copy())
        self._last = epoch
