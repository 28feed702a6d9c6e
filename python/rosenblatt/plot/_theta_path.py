"""The path of descent: the parameters after every epoch, kept while a network learns."""

from __future__ import annotations

from .._checks import arguments
from .._network import Network, require_network
from .._training.callbacks import Callback, Epoch
from .._training.result import TrainResult


class ThetaPath(Callback):
    """A callback that keeps theta after every epoch, for `loss_surface`.

    Parameters
    ----------
    net : Network
        The one that is trained. Its theta as it is now is the first of the path.
    every : int, default 1
        Keep it after so many epochs, and at the end.

    Attributes
    ----------
    thetas : list of ndarray of shape (n_params,)
        The path so far.

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
        self._last = 0  # the epoch of the last one

    def on_epoch(self, epoch: Epoch) -> None:
        """Keep theta, if it is its turn."""
        if (epoch.epoch + 1) % self._every == 0:
            self._keep(epoch.epoch + 1)

    def on_end(self, result: TrainResult) -> None:
        """Keep the last theta, whose turn it may not have been."""
        if self._last != result.epochs:
            self._keep(result.epochs)

    def _keep(self, epoch: int) -> None:
        self.thetas.append(self._net.theta.copy())
        self._last = epoch
