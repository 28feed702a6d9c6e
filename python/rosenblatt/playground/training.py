"""One training run: a thread that takes training steps on request."""

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
UNSEEN: Final = 5.0  # seconds without a view after which the page counts as closed and steps stop
PATIENCE: Final = 10.0  # seconds that a request waits for the thread, which reacts between steps
BETWEEN_VIEWS: Final = 0.012  # seconds; more than 80 pictures per second are not visible
SHORTEST_SLEEP: Final = 0.002  # seconds; a shorter sleep costs more than it saves
LATEST: Final = 0.1  # seconds; a larger delay behind the chosen rate is not caught up
ENDED: Final = "this training run does not exist; it has ended, or the server was restarted"
ENDLESS: Final = 2**32  # the maximum number of epochs of `train`


@dataclass(frozen=True)
class View:
    """The visible state of a training run between two steps.

    Attributes
    ----------
    version : int
        Different for every view.
    beginning : int
        The number of the current start of training.
    settings, samples
        The settings and samples of the run.
    shown : ShownNetwork
        A copy of the network in training.
    theta : float64, shape (n_params,)
        A copy of the parameters.
    state, message : str
        The state, and an error message or "".
    step, epoch : int
        Number of finished steps and epochs.
    index : int
        The index of the selected training sample.
    curve : tuple of float64, shape (n,)
        Epochs, training costs and costs of the held-out samples.
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
        """The selected sample as a batch of one."""
        return self.samples.one(self.index)


class _Request:
    """An action for the thread between two steps, which has no effect if it raises."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action
        self.is_done = False
        self.error: Exception | None = None

    def run(self) -> None:
        """Run the action, and keep an exception for the thread that made the request."""
        try:
            self._action()
        except Exception as error:
            self.error = error
        self.is_done = True


@dataclass(frozen=True)
class _Beginning:
    """The initial state of a training run: samples, a network and its costs."""

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
    """A network that is trained in its own thread, controlled by one page.

    Only the thread changes the state. It runs one call of `rosenblatt.train`, whose callback waits
    until the next step is due and runs requests meanwhile. New settings that keep the weights end
    that call and start another. All other threads make requests and read a `View`.

    Parameters
    ----------
    settings
        The initial settings.
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
        self._requests: list[_Request] = []
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

    # ---- requests of a page, in their own threads -----------------------------------------------

    def view(self) -> View:
        """Return the latest view, and record that the page is open."""
        with self._changed:
            self._look()
            return self._view

    def run(self, epochs_per_second: float | None) -> None:
        """Continue, with at most this number of epochs per second; None for no limit."""

        def action() -> None:
            self._running, self._epochs_per_second = True, epochs_per_second
            self._clear_error_and_schedule()

        self._request(action)

    def pause(self) -> None:
        """Stop after the current step."""
        self._request(self._pause)

    def step(self) -> None:
        """Pause, take one step with the next batch, and return when it is done."""

        def action() -> None:
            self._pause()
            self._clear_error_and_schedule()
            self._steps_wanted = 1

        self._request(action)
        with self._changed:
            self._await(lambda: self._is_waiting and not self._steps_wanted)

    def one_sample(self) -> None:
        """Pause, and take one step with only the next sample."""
        self._request(self._descend_for_one_sample)

    def select(self, index: int) -> None:
        """Select the training sample `index`; the next single sample is its successor.

        Raises
        ------
        TypeError, ValueError
            The sample does not exist.
        """

        def action() -> None:
            most = len(self._samples.X) - 1
            self._index = arguments.integer("index", index, least=0, most=most)
            self._next_index = (index + 1) % len(self._samples.X)

        self._request(action)

    def change(self, settings: Settings) -> None:
        """Change the settings; keep the weights if possible, otherwise restart."""

        def action() -> None:
            if self._settings.keeps_weights(settings):
                self._settings = settings
                self._clear_error_and_schedule()
            else:
                self._begin(_Beginning.of(settings))
            self._call_is_over = True

        if settings != self.view().settings:
            self._request(action)

    def reset(self) -> None:
        """Restart with the initial weights, paused."""

        def action() -> None:
            self._begin(_Beginning.of(self._settings))
            self._call_is_over = True

        self._request(action)

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _request(self, action: Callable[[], None]) -> None:
        """Let the thread run an action between two steps, and wait until it is done.

        Raises
        ------
        TimeoutError
            The thread did not run the action in time; it is cancelled.
        RefusedError
            The training run has ended.
        Exception
            The exception of the action.
        """
        request = _Request(action)
        with self._changed:
            self._requests.append(request)
            self._look()
            try:
                self._await(lambda: request.is_done)
            finally:
                if request in self._requests:
                    self._requests.remove(request)
        if request.error is not None:
            raise request.error

    def _look(self) -> None:
        self._last_look = time.monotonic()
        self._changed.notify_all()

    def _await(self, condition: Callable[[], bool]) -> None:
        if not self._changed.wait_for(lambda: condition() or self._closed, PATIENCE):
            raise TimeoutError(f"the training run did not answer within {PATIENCE:.0f} s")
        if not condition():
            raise RefusedError(404, ENDED)

    # ---- the thread ------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._closed:
            self._call_is_over = False
            if not self._wait():
                self._descend()

    def _descend(self) -> None:
        """Train until the settings change or training diverges."""
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
        """Count a step; wait for the next one, unless the epoch is over."""
        self._step += 1
        self._is_stale = True
        n_batches = -(-len(self._samples.X) // self._settings.batch_size)
        return step.batch + 1 < n_batches and self._wait()

    def on_epoch(self, epoch: Epoch) -> bool:
        """Record the costs of an epoch, and wait for the next step."""
        self._epoch += 1
        self._curve.add(self._epoch, epoch.loss, epoch.validation_loss or 0.0)
        return self._wait()

    def _wait(self) -> bool:
        """Run requests until a step is due (False) or this call of train must end (True)."""
        with self._changed:
            while True:
                self._run_requests()
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

    def _run_requests(self) -> None:
        while self._requests:
            request = self._requests.pop(0)
            request.run()
            if request.error is None:
                self._publish()
            self._changed.notify_all()

    def _seconds_to_the_next_step(self) -> float | None:
        """Return the seconds to wait, None to wait for the next request."""
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
        self._clear_error_and_schedule()

    def _pause(self) -> None:
        self._running = False
        self._steps_wanted = 0

    def _clear_error_and_schedule(self) -> None:
        """Clear the error message and the delay."""
        self._message = ""
        self._due = time.monotonic()

    def _give_up(self, message: str) -> None:
        self._pause()
        self._message = message
        self._is_stale = True

    def _descend_for_one_sample(self) -> None:
        """Pause and take one step with the next sample: w := w - epsilon (dC/dw + l2 w)."""
        i = self._next_index
        x, y = self._samples.one(i)
        net, before = self._net, self._net.theta.copy()
        of = net.gradients(x, y, loss=LOSS)
        self._pause()
        self._clear_error_and_schedule()
        self._index, self._next_index = i, (i + 1) % len(self._samples.X)
        epsilon, l2 = self._settings.learning_rate, self._settings.l2
        with np.errstate(all="ignore"):  # overflow is checked below
            for layer, (W, b) in enumerate(zip(net.W, net.b, strict=True)):
                W[...] = W - epsilon * (of.dW[layer] + l2 * W)
                b[...] = b - epsilon * of.db[layer]
        if not _is_finite(net, x):
            net.theta[...] = before
            self._give_up("the weights became infinite or NaN in the step with one sample")


def _is_finite(net: Network, X: NDArray[Any]) -> bool:
    return bool(np.isfinite(net.theta).all() and np.isfinite(net.forward(X)).all())
