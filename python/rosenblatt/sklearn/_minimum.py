"""`fit` with solver="lbfgs", by SciPy's L-BFGS-B."""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np
import scipy
import scipy.optimize
from numpy.typing import NDArray
from sklearn.utils.optimize import _check_optimize_result
from threadpoolctl import ThreadpoolController

from .. import _loss
from .._checks import arrays, sparse
from .._scaling import Scaling
from . import _settings
from ._epochs import Tasks
from ._samples import Samples
from ._threads import thread_count


@functools.cache
def _blas() -> Any:
    """Return a limiter of BLAS threads.

    SciPy multiplies only 10 x 10 matrices.
    """
    return ThreadpoolController().select(user_api="blas")


# Attributes of stochastic solvers only.
STEP_ATTRIBUTES = ("loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_")

STOPPED = 99  # SciPy's status after a callback's StopIteration


class Cost:
    """The cost with the penalty, and its gradient, as a function for SciPy."""

    def __init__(self, estimator: Any, samples: Samples) -> None:
        self._net = net = estimator._network()
        self._rule = _loss.rule(_settings.require_named_loss(estimator.loss))
        self._X = sparse.inputs("X", samples.X, net.dtype)
        self._Y = net._targets("y", estimator._encode(samples.y, estimator.loss), self._rule.name)
        self._weights = samples.weights
        if samples.weights is not None:
            exact = np.dtype(np.float64)
            self._weights = arrays.inputs("sample_weight", samples.weights, exact)
        total = self._X.shape[0] if samples.weights is None else float(samples.weights.sum())
        self._l2 = float(estimator.alpha) / total
        self._threads = thread_count(estimator.threads) or 0

    def of_weights(self) -> float:
        """Return the penalty of the current weights."""
        return 0.5 * self._l2 * float(sum(np.sum(np.square(W), dtype=float) for W in self._net.W))

    def __call__(self, theta: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        """Return C + penalty at theta (n_params,), and the gradient (n_params,)."""
        net = self._net
        net.theta[...] = theta
        C, grad = net._core.cost_and_gradient(
            sparse.for_core(self._X), self._Y, self._rule, self._weights, self._threads
        )
        if self._l2:
            dW, *_ = net._split(grad)
            for G, W in zip(dW, net.W, strict=True):
                np.add(G, self._l2 * W, out=G)
        return C + self.of_weights(), grad


def _print_options(verbose: Any) -> dict[str, int]:
    """Return SciPy's option for printing steps, which SciPy 1.15 removed."""
    major, minor, *_ = map(int, re.findall(r"\d+", scipy.__version__))
    if (major, minor) >= (1, 15):
        return {}
    return {"iprint": 1 if verbose is True or verbose >= 1 else -1}


def _scale(estimator: Any, samples: Samples, scalings: dict[str, Any]) -> None:
    """Fit scalings to samples and store them in the network."""
    net = estimator._network()
    if scalings.get("scale_inputs") is not None:
        net.input_scaling = Scaling.fit(samples.X, scalings["scale_inputs"])
    if scalings.get("scale_targets") is not None:
        rows = estimator._encode(samples.y, estimator.loss)
        net.target_scaling = Scaling.fit(rows, scalings["scale_targets"])


def fit(estimator: Any, samples: Samples, scalings: dict[str, Any]) -> None:
    """Minimise the cost, starting from the weights of the estimator.

    `scalings` are the kinds of scalings to fit, as in `rb.train`.
    """
    _scale(estimator, samples, scalings)
    for name in STEP_ATTRIBUTES:
        vars(estimator).pop(name, None)
    cost = Cost(estimator, samples)
    net = estimator._net
    tasks = Tasks(estimator, samples.X, samples.y, samples.weights)

    def report(_theta: NDArray[Any]) -> None:
        if tasks.end():
            raise StopIteration

    with tasks.of_fit(), _blas().limit(limits=1):
        result = scipy.optimize.minimize(
            cost,
            net.theta.copy(),
            method="L-BFGS-B",
            jac=True,
            callback=report if tasks.has_listeners else None,
            options={
                "maxfun": estimator.max_fun,
                "maxiter": estimator.max_iter,
                "gtol": estimator.tol,
                **_print_options(estimator.verbose),
            },
        )
        net.theta[...] = result.x
        if result.status == STOPPED:
            estimator.n_iter_ = result.nit
        else:
            estimator.n_iter_ = _check_optimize_result("lbfgs", result, estimator.max_iter)
        penalty = cost.of_weights()
        data = (float(result.fun) - penalty) * estimator._share_of_outputs()
        estimator.loss_ = data + estimator._constant_of_loss(samples.y, samples.weights) + penalty
