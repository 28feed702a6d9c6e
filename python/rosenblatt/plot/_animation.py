"""Animation: decision regions recorded during training and shown one by one."""

from __future__ import annotations

from typing import NamedTuple

from matplotlib.animation import FuncAnimation
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from .._checks import arguments
from .._checks.shown import type_name
from .._network import FloatArray, Network
from .._training.callbacks import Callback, Epoch
from .._training.result import TrainResult
from ._axes import axes_for, figure_of
from ._decision import draw_regions
from ._regions import Kind, Regions
from ._words import title


class Frame(NamedTuple):
    """The outputs after some epochs.

    Attributes
    ----------
    epoch : int
        Number of finished epochs; 0 before training.
    loss : float or None
        The loss of the last epoch.
    A : ndarray of shape (resolution, resolution, n_outputs)
        The outputs over the plane, lowest row first.
    """

    epoch: int
    loss: float | None
    A: FloatArray

    @property
    def title(self) -> str:
        """The title of the frame."""
        if self.loss is None:
            return "before training"
        return f"epoch {self.epoch:,}, loss {self.loss:.3g}"


class DecisionRegions(Callback):
    """A callback that records decision regions, and can show them live.

    Parameters
    ----------
    net : Network
        The network that is trained, with two inputs.
    X : array-like of shape (n, 2)
        Samples to draw.
    y : array-like of shape (n,) or (n, n_outputs)
        Targets to draw, as for `decision_regions`.
    every : int, default 1
        Number of epochs between two frames.
    ax : Axes, optional
        Show the frames there during training; by default they are only recorded, for `animate`.
    kind : {"auto", "classes", "surface"}, default "auto"
        As for `decision_regions`.
    threshold : float, optional
        As for `decision_regions`.
    resolution : int, default 80
        As for `decision_regions`.
    max_frames : int, default 200
        If there are more frames, every second one is dropped and `every` is doubled.

    Attributes
    ----------
    frames : list of Frame
        The recorded frames; the first shows the network before training.

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type or shape or is out of range; the message names it.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> net = rb.Network([2, 8, 1], activation="tanh", output="logistic", random_state=0)
    >>> regions = rb.plot.DecisionRegions(net, X, y, every=10)
    >>> result = rb.train(net, X, y, loss="log_loss", epochs=50, callback=regions)
    >>> [frame.epoch for frame in regions.frames]
    [0, 10, 20, 30, 40, 50]
    """

    def __init__(
        self,
        net: Network,
        X: ArrayLike,
        y: ArrayLike,
        *,
        every: int = 1,
        ax: Axes | None = None,
        kind: Kind = "auto",
        threshold: float | None = None,
        resolution: int = 80,
        max_frames: int = 200,
    ) -> None:
        self.regions = Regions(net, X, y, kind=kind, threshold=threshold, resolution=resolution)
        self._net = net
        self._every = arguments.integer("every", every, least=1)
        self._max_frames = arguments.integer("max_frames", max_frames, least=2, most=100_000)
        self.frames = [Frame(0, None, self.regions.outputs(net))]
        self._screen = None if ax is None else Screen(axes_for(ax), self.regions, self.frames[0])

    def on_epoch(self, epoch: Epoch) -> None:
        """Record and show a frame every `every` epochs."""
        done = epoch.epoch + 1
        if done % self._every == 0:
            self._thin_out()
        if done % self._every == 0:  # `every` may have changed
            self._keep(done, epoch.loss)

    def on_end(self, result: TrainResult) -> None:
        """Record the final state as a last frame."""
        if result.epochs and self.frames[-1].epoch != result.epochs:
            self._thin_out()
            self._keep(result.epochs, result.loss_curve[-1])

    def _thin_out(self) -> None:
        """Drop every second frame, but not the first, if `max_frames` is reached."""
        if len(self.frames) >= self._max_frames:
            self.frames[:] = self.frames[::2]
            self._every *= 2

    def _keep(self, epoch: int, loss: float) -> None:
        frame = Frame(epoch, loss, self.regions.outputs(self._net))
        self.frames.append(frame)
        if self._screen is not None:
            self._screen.show(frame)
            canvas = figure_of(self._screen.ax).canvas
            canvas.draw_idle()
            canvas.flush_events()


class Screen:
    """An Axes that shows one frame after another, with the samples on top."""

    def __init__(self, ax: Axes, regions: Regions, frame: Frame) -> None:
        self.ax = ax
        self._regions = regions
        self._painted = draw_regions(ax, regions, frame.A)
        title(ax, frame.title)

    def show(self, frame: Frame) -> list[Artist]:
        """Replace the current frame."""
        for artist in self._painted:
            artist.remove()
        self._painted = self._regions.paint(self.ax, frame.A)
        title(self.ax, frame.title)
        return self._painted


def animate(regions: DecisionRegions, *, ax: Axes | None = None, fps: float = 10) -> FuncAnimation:
    """Return the frames recorded by a callback as an animation.

    Parameters
    ----------
    regions : DecisionRegions
        The callback, after the training run.
    ax : Axes, optional
        The Axes to draw into; by default those of a new figure.
    fps : float, default 10
        Frames per second.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        ``save("learning.gif", writer="pillow")`` writes a file; ``to_jshtml()`` returns a player
        for notebooks. Keep a reference to the animation while it runs.

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type or is out of range; the message names it.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import rosenblatt as rb
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> net = rb.Network([2, 8, 1], activation="tanh", output="logistic", random_state=0)
    >>> regions = rb.plot.DecisionRegions(net, X, y, every=10, resolution=40)
    >>> result = rb.train(net, X, y, loss="log_loss", epochs=20, callback=regions)
    >>> animation = rb.plot.animate(regions)
    >>> animation.save("learning.gif", writer="pillow", dpi=50)
    >>> plt.close("all")
    """
    if not isinstance(regions, DecisionRegions):
        raise TypeError(f"regions: got {type_name(regions)}, expected a plot.DecisionRegions")
    interval = 1000 / arguments.positive("fps", fps)  # milliseconds
    frames = list(regions.frames)
    ax = axes_for(ax)
    screen = Screen(ax, regions.regions, frames[0])
    return FuncAnimation(figure_of(ax), screen.show, frames=frames, interval=interval)
