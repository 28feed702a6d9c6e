"""One training of the playground: a thread that takes steps of the core when it is asked to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from .._checks import arguments
from .._network import Network
from .._training.callbacks import Callback, Epoch, Step
from .._training.train import train
from . import samples
from .curve import Curve
from .refused import RefusedError
from .samples import Samples
from .settings import OPTIMIZERS, Settings
from .shown import ShownNetwork

State = Literal["paused", "running", "diverged"]

LOSS: Final = "log_loss"
UNSEEN: Final = 5.0  # seconds; who has not looked for so long has left, and the steps wait
PATIENCE: Final = 10.0  # seconds that a request waits for the thread, which looks between steps
BETWEEN_VIEWS: Final = 0.012  # seconds; more than 80 pictures a second nobody sees
SHORTEST_SLEEP: Final = 0.002  # seconds; a shorter one is not worth its switch of threads
LATEST: Final = 0.1  # seconds behind its pace that a training makes up for
ENDED: Final = "there is no such training: it ended, or the server is another"
ENDLESS: Final = 2**32  # epochs, as many as `train` takes


@dataclass(frozen=True)
class View:
    """What can be seen of a training between two of its steps.

    Attributes
    ----------
    version : int
        Another one for every view.
    beginning : int
        Another one for every time that the training began anew.
    settings, samples
        What the training is made of.
    shown : ShownNetwork
        A network like the one that learns.
    theta : float64, shape (n_params,)
        A copy of the parameters.
    state, message : str
        How it is, and what went wrong.
    step, epoch : int
        Steps done, and whole epochs.
    index : int
        The training sample that a person looks at.
    curve : tuple of float64, shape (n,)
        Epochs, their costs and their costs of the held-out samples.
    """

    version: int
    beginning: int
    settings: Settings
    samples: Samples
    shown: ShownNetwork
    theta: NDArray[np.float64]
    state: State
    message: str
    step: int
    epoch: int
    index: int
    curve: tuple[NDArray[np.float64], ...]

    @property
    def sample(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The sample that a person looks at, as a batch of one."""
        return self.samples.one(self.index)


class _Order:
    """Something for the thread to do between two steps: all of it, or nothing if it raises."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action
        self.is_done = False
        self.error: Exception | None = None

    def obey(self) -> None:
        """Do it, and keep an error for the thread that gave the order."""
        try:
            self._action()
        except Exception as error:
            self.error = error
        self.is_done = True


@dataclass(frozen=True)
class _Beginning:
    """What a training begins with: samples, a network with its initial parameters, its costs."""

    settings: Settings
    samples: Samples
    net: Network
    shown: ShownNetwork
    curve: Curve

    @classmethod
    def of(cls, settings: Settings) -> _Beginning:
        """Draw samples, initial weights and biases."""
        drawn = samples.draw(settings)
        net = Network(
            [drawn.X.shape[1], *settings.layers, drawn.n_outputs],
            activation=settings.activation,  # type: ignore[arg-type]
            biases=settings.biases,
            output="logistic" if drawn.in_plane else "softmax",
            dtype="float64",
            random_state=settings.seed,
        )
        held_out = net.gradients(drawn.X_held_out, drawn.y_held_out, loss=LOSS)
        curve = Curve()
        curve.add(0, net.gradients(drawn.X, drawn.y, loss=LOSS).cost, held_out.cost)
        return cls(settings, drawn, net, ShownNetwork(net), curve)


class Training(Callback):
    """A network that learns in a thread of its own, as one page wishes.

    The thread owns all that changes. Its work is one call of `rosenblatt.train`, whose callback
    waits here until a step is wanted and obeys orders meanwhile; settings that leave the weights
    alone end that call and begin another. All other threads give orders and look at a `View`.

    Parameters
    ----------
    settings
        What to train.
    """

    _settings: Settings
    _samples: Samples
    _net: Network
    _shown: ShownNetwork
    _curve: Curve
    _step: int
    _epoch: int
    _index: int
    _next_index: int
    _message: str
    _due: float

    def __init__(self, settings: Settings) -> None:
        self._changed = threading.Condition()
        self._orders: list[_Order] = []
        self._is_waiting = self._closed = False
        self._last_look = time.monotonic()
        self._running = False
        self._epochs_per_second: float | None = None
        self._steps_wanted = 0
        self._version = self._beginning = 0
        self._begin(_Beginning.of(settings))
        self._publish()
        self._thread = threading.Thread(target=self._work, daemon=True, name="playground training")
        self._thread.start()

    # ---- what a page asks for, in the thread of its request -------------------------------------

    def view(self) -> View:
        """Return what there is to see, and note that somebody looks."""
        with self._changed:
            self._look()
            return self._view

    def run(self, epochs_per_second: float | None) -> None:
        """Go on, with at most so many epochs a second; None for as many as can be."""

        def action() -> None:
            self._running, self._epochs_per_second = True, epochs_per_second
            self._take_heart()

        self._order(action)

    def pause(self) -> None:
        """Take no further step."""
        self._order(self._pause)

    def step(self) -> None:
        """Pause, take one step with the next batch, and return when it is done."""

        def action() -> None:
            self._pause()
            self._take_heart()
            self._steps_wanted = 1

        self._order(action)
        with self._changed:
            self._await(lambda: self._is_waiting and not self._steps_wanted)

    def one_sample(self) -> None:
        """Pause, and descend along the gradient of the next sample alone."""
        self._order(self._descend_for_one_sample)

    def select(self, index: int) -> None:
        """Look at the training sample `index`; the next single sample is the one after it.

        Raises
        ------
        TypeError, ValueError
            There is no such sample.
        """

        def action() -> None:
            most = len(self._samples.X) - 1
            self._index = arguments.integer("index", index, least=0, most=most)
            self._next_index = (index + 1) % len(self._samples.X)

        self._order(action)

    def change(self, settings: Settings) -> None:
        """Train with other settings; the weights stay where they can, else all begins anew."""

        def action() -> None:
            if self._settings.keeps_weights(settings):
                self._settings = settings
                self._take_heart()
            else:
                self._begin(_Beginning.of(settings))
            self._call_is_over = True

        if settings != self.view().settings:
            self._order(action)

    def reset(self) -> None:
        """Begin anew with the initial weights, paused."""

        def action() -> None:
            self._begin(_Beginning.of(self._settings))
            self._call_is_over = True

        self._order(action)

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _order(self, action: Callable[[], None]) -> None:
        """Let the thread do something between two steps, and wait until it has.

        Raises
        ------
        TimeoutError
            The thread did not get to it, and no longer will.
        RefusedError
            The training has ended.
        Exception
            What the action raised.
        """
        order = _Order(action)
        with self._changed:
            self._orders.append(order)
            self._look()
            try:
                self._await(lambda: order.is_done)
            finally:
                if order in self._orders:
                    self._orders.remove(order)
        if order.error is not None:
            raise order.error

    def _look(self) -> None:
        self._last_look = time.monotonic()
        self._changed.notify_all()

    def _await(self, condition: Callable[[], bool]) -> None:
        if not self._changed.wait_for(lambda: condition() or self._closed, PATIENCE):
            raise TimeoutError(f"the training did not answer within {PATIENCE:.0f} s")
        if not condition():
            raise RefusedError(404, ENDED)

    # ---- what the thread does --------------------------------------------------------------------

    def _work(self) -> None:
        while not self._closed:
            self._call_is_over = False
            if not self._wait():
                self._descend()

    def _descend(self) -> None:
        """Take steps until the settings are others or the numbers leave the finite."""
        settings, drawn = self._settings, self._samples
        try:
            train(
                self._net,
                drawn.X,
                drawn.y,
                loss=LOSS,
                optimizer=OPTIMIZERS[settings.optimizer](settings.learning_rate),
                l2=settings.l2,
                dropout=settings.dropout,
                batch_size=settings.batch_size,
                epochs=ENDLESS,
                random_state=settings.seed + self._epoch,
                validation=(drawn.X_held_out, drawn.y_held_out),
                callback=self,
                threads=1,
            )
        except FloatingPointError as error:
            self._give_up(str(error).split(";")[0])
        except MemoryError:
            self._give_up("there is not enough memory for a step")

    def on_step(self, step: Step) -> bool:
        """Count a step; wait for the next one, unless the end of the epoch comes first."""
        self._step += 1
        self._is_stale = True
        n_batches = -(-len(self._samples.X) // self._settings.batch_size)
        return step.batch + 1 < n_batches and self._wait()

    def on_epoch(self, epoch: Epoch) -> bool:
        """Note the costs of an epoch, and wait for the next step."""
        self._epoch += 1
        self._curve.add(self._epoch, epoch.loss, epoch.validation_loss or 0.0)
        return self._wait()

    def _wait(self) -> bool:
        """Obey orders until a step is due, which is False, or this call of train is over: True."""
        with self._changed:
            while True:
                self._obey()
                if self._closed or self._call_is_over:
                    return True
                seconds = self._seconds_to_the_next_step()
                if self._is_stale and (seconds != 0 or self._view_is_old()):
                    self._publish()
                if seconds == 0:
                    return False
                self._is_waiting = True
                self._changed.notify_all()
                self._changed.wait(seconds)
                self._is_waiting = False

    def _obey(self) -> None:
        while self._orders:
            order = self._orders.pop(0)
            order.obey()
            if order.error is None:
                self._publish()
            self._changed.notify_all()

    def _seconds_to_the_next_step(self) -> float | None:
        """Return how long to wait, None for until somebody says more."""
        if self._steps_wanted:
            self._steps_wanted -= 1
            return 0
        now = time.monotonic()
        if not self._running or now - self._last_look > UNSEEN:
            return None
        if self._due - now > SHORTEST_SLEEP:
            return self._due - now
        self._due = max(self._due, now - LATEST) + self._seconds_per_step()
        return 0

    def _seconds_per_step(self) -> float:
        if self._epochs_per_second is None:
            return 0
        batches = len(self._samples.X) / self._settings.batch_size
        return 1 / (self._epochs_per_second * batches)

    def _view_is_old(self) -> bool:
        return time.monotonic() - self._last_view > BETWEEN_VIEWS

    def _publish(self) -> None:
        self._version += 1
        self._last_view = time.monotonic()
        self._is_stale = False
        self._view = View(
            version=self._version,
            beginning=self._beginning,
            settings=self._settings,
            samples=self._samples,
            shown=self._shown,
            theta=self._net.theta.astype(np.float64),
            state=self._state(),
            message=self._message,
            step=self._step,
            epoch=self._epoch,
            index=self._index,
            curve=self._curve.arrays(),
        )

    def _state(self) -> State:
        if self._message:
            return "diverged"
        return "running" if self._running else "paused"

    def _begin(self, beginning: _Beginning) -> None:
        self._beginning += 1
        self._settings, self._samples = beginning.settings, beginning.samples
        self._net, self._shown = beginning.net, beginning.shown
        self._curve = beginning.curve
        self._step = self._epoch = self._index = self._next_index = 0
        self._pause()
        self._take_heart()

    def _pause(self) -> None:
        self._running = False
        self._steps_wanted = 0

    def _take_heart(self) -> None:
        """Forget what went wrong, and how late it is."""
        self._message = ""
        self._due = time.monotonic()

    def _give_up(self, message: str) -> None:
        self._pause()
        self._message = message
        self._is_stale = True

    def _descend_for_one_sample(self) -> None:
        """Pause and descend, w := w - epsilon (dC/dw + l2 w), by the cost of the next sample."""
        i = self._next_index
        x, y = self._samples.one(i)
        net, before = self._net, self._net.theta.copy()
        of = net.gradients(x, y, loss=LOSS)
        self._pause()
        self._take_heart()
        self._index, self._next_index = i, (i + 1) % len(self._samples.X)
        epsilon, l2 = self._settings.learning_rate, self._settings.l2
        with np.errstate(all="ignore"):  # what overflows is looked for below
            for layer, (W, b) in enumerate(zip(net.W, net.b, strict=True)):
                W[...] = W - epsilon * (of.dW[layer] + l2 * W)
                b[...] = b - epsilon * of.db[layer]
        if not _is_finite(net, x):
            net.theta[...] = before
            self._give_up("the weights became infinite or NaN in the step with one sample")


def _is_finite(net: Network, X: NDArray[Any]) -> bool:
    return bool(np.isfinite(net.theta).all() and np.isfinite(net.forward(X)).all())
