"""JAX: one compiled program for an epoch, a scan over its batches, the parameters donated.

A whole run adds Adam, dropout and the held-out rows to the program.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..workloads import Array, Workload, first_parameters, samples
from . import Runner

# Up to this many multiply-adds a step, unrolling the scan by four saves 5 to 25 %; unrolling by
# eight or sixteen, or anything at larger steps, saves no more or costs. The gather inside the scan
# was as fast as or faster than one for the whole epoch, in XLA or by NumPy, with every workload.
UNROLLED_MULTIPLY_ADDS = 10_000

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


def open_runner(form: str, workload: Workload, threads: int) -> Runner:
    # The default generator takes several times as long for the masks of dropout as this one.
    jax.config.update("jax_default_prng_impl", "unsafe_rbg")
    jax.config.update("jax_enable_x64", workload.dtype == "float64")
    kinds: dict[str, type[Train | Run | Forward]] = {"training": Train, "run": Run}
    return kinds.get(workload.kind, Forward)(workload)


def activate(name: str, z: Any) -> Any:
    functions = {
        "relu": jax.nn.relu,
        "tanh": jnp.tanh,
        "logistic": jax.nn.sigmoid,
        "softmax": jax.nn.softmax,
    }
    return functions[name](z) if name in functions else z


def before_output(workload: Workload, parameters: Any, X: Any) -> Any:
    """Return z of the output layer."""
    z = X
    for layer, (W, b) in enumerate(parameters):
        z = (activate(workload.activation, z) if layer else z) @ W + b
    return z


def cost(workload: Workload, parameters: Any, X: Any, Y: Any) -> Any:
    """Return C, the mean over the batch."""
    return cost_of_z(workload, before_output(workload, parameters, X), Y)


def cost_of_z(workload: Workload, z: Any, Y: Any) -> Any:
    """Return C from z of the output layer, (n, n_outputs)."""
    if workload.output == "softmax":
        one_hot = jax.nn.one_hot(Y, z.shape[1], dtype=z.dtype)
        return -(one_hot * jax.nn.log_softmax(z)).sum() / len(z)
    if workload.output == "logistic":
        return (jax.nn.softplus(z) - Y * z).sum() / len(z)
    return 0.5 * ((z - Y) ** 2).sum() / len(z)


def inputs_and_targets(workload: Workload, X: Array, Y: Array) -> tuple[Any, Any]:
    """Return them as JAX's arrays: labels (n,) for softmax, else numbers (n, n_outputs)."""
    if workload.output == "softmax":
        return jnp.asarray(X), jnp.asarray(Y, dtype=jnp.int32)
    return jnp.asarray(X), jnp.asarray(Y.reshape(len(X), -1), dtype=X.dtype)


class Train:
    """The order of an epoch comes from NumPy, whose permutation is faster than a sort in XLA."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._X, self._Y = inputs_and_targets(workload, *samples(workload))
        self._rng = np.random.default_rng(0)
        self._epoch = jax.jit(self._scan, donate_argnums=0)
        self.reset()

    def _scan(self, parameters: Any, X: Any, Y: Any, order: Any) -> Any:
        def step(parameters: Any, batch: Any) -> tuple[Any, None]:
            x = X.at[batch].get(mode="promise_in_bounds")
            y = Y.at[batch].get(mode="promise_in_bounds")
            grads = jax.grad(partial(cost, self._workload))(parameters, x, y)
            rate = self._workload.learning_rate
            return jax.tree.map(lambda part, grad: part - rate * grad, parameters, grads), None

        small = self._workload.multiply_adds <= UNROLLED_MULTIPLY_ADDS
        return jax.lax.scan(step, parameters, order, unroll=4 if small else 1)[0]

    def reset(self) -> None:
        first = first_parameters(self._workload)
        self._parameters = jax.tree.map(jnp.array, first)  # copies: they will be donated

    def run(self, count: int) -> None:
        for _ in range(count):
            self._pass(self._rng.permutation(self._workload.rows))
        jax.block_until_ready(self._parameters)

    def result(self, steps: int) -> Array:
        self.reset()
        self._pass(np.arange(steps * self._workload.batch))
        return np.concatenate([np.ravel(part) for layer in self._parameters for part in layer])

    def _pass(self, order: Array) -> None:
        batches = order.astype(np.int32).reshape(-1, self._workload.batch)
        self._parameters = self._epoch(self._parameters, self._X, self._Y, batches)


class Run:
    """A call for each epoch, because the cost decides whether to stop."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        X, Y = inputs_and_targets(workload, *samples(workload))
        n = workload.rows
        self._training, self._held_out = (X[:n], Y[:n]), (X[n:], Y[n:])
        self._rng = np.random.default_rng(0)
        self._epoch = jax.jit(partial(self._scan, workload.dropout), donate_argnums=0)
        self._plain_epoch = jax.jit(partial(self._scan, 0.0), donate_argnums=0)
        self.reset()

    def reset(self) -> None:
        first = first_parameters(self._workload)
        self._state = {
            "parameters": jax.tree.map(jnp.array, first),  # copies: they will be donated
            "mean": jax.tree.map(jnp.zeros_like, first),
            "square": jax.tree.map(jnp.zeros_like, first),
            "steps": jnp.zeros((), jnp.int32),
            "key": jax.random.key(0),
            "best": jnp.asarray(jnp.inf, self._workload.dtype),
            "best_parameters": jax.tree.map(jnp.array, first),
        }

    def run(self, count: int) -> None:
        for _ in range(count):
            self._pass(self._epoch, self._rng.permutation(self._workload.rows))
            float(self._state["best"])
        jax.block_until_ready(self._state["parameters"])

    def result(self, steps: int) -> Array:
        self.reset()
        self._pass(self._plain_epoch, np.arange(steps * self._workload.batch))
        return np.concatenate(
            [np.ravel(part) for layer in self._state["parameters"] for part in layer]
        )

    def _pass(self, epoch: Any, order: Array) -> None:
        batches = order.astype(np.int32).reshape(-1, self._workload.batch)
        self._state = epoch(self._state, self._training, self._held_out, batches)

    def _scan(self, dropout: float, state: Any, training: Any, held_out: Any, order: Any) -> Any:
        X, Y = training
        best, best_parameters = state.pop("best"), state.pop("best_parameters")

        def step(state: Any, batch: Any) -> tuple[Any, None]:
            x = X.at[batch].get(mode="promise_in_bounds")
            y = Y.at[batch].get(mode="promise_in_bounds")
            key, used = jax.random.split(state["key"])
            grads = jax.grad(self._cost)(state["parameters"], x, y, used, dropout)
            return {**adam(self._workload.learning_rate, state, grads), "key": key}, None

        state, _ = jax.lax.scan(step, state, order)
        cost = self._cost(state["parameters"], *held_out, None, 0.0)
        better = cost < best
        kept = jax.tree.map(
            lambda now, before: jnp.where(better, now, before),
            state["parameters"],
            best_parameters,
        )
        return {**state, "best": jnp.where(better, cost, best), "best_parameters": kept}

    def _cost(self, parameters: Any, X: Any, Y: Any, key: Any, dropout: float) -> Any:
        z = X
        for layer, (W, b) in enumerate(parameters):
            a = activate(self._workload.activation, z) if layer else z
            if layer and dropout:
                stays = jax.random.bernoulli(jax.random.fold_in(key, layer), 1 - dropout, a.shape)
                a = jnp.where(stays, a / (1 - dropout), 0)
            z = a @ W + b
        return cost_of_z(self._workload, z, Y)


def adam(rate: float, state: Any, grads: Any) -> Any:
    """Return the state after a step."""
    steps = state["steps"] + 1
    mean = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, state["mean"], grads)
    square = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, state["square"], grads)
    of_mean, of_square = 1 - BETA1**steps, 1 - BETA2**steps

    def moved(w: Any, m: Any, v: Any) -> Any:
        return w - rate * (m / of_mean) / (jnp.sqrt(v / of_square) + EPS)

    parameters = jax.tree.map(moved, state["parameters"], mean, square)
    return {"parameters": parameters, "mean": mean, "square": square, "steps": steps}


class Forward:
    """A compiled forward pass, called with samples that are JAX's arrays already."""

    def __init__(self, workload: Workload) -> None:
        X, _ = samples(workload)
        self._calls = [jnp.asarray(x) for x in np.split(X, workload.steps)]
        self._parameters = jax.tree.map(jnp.asarray, first_parameters(workload))
        self._forward = jax.jit(
            lambda parameters, X: activate(workload.output, before_output(workload, parameters, X))
        )

    def reset(self) -> None:
        pass

    def run(self, count: int) -> None:
        forward, parameters = self._forward, self._parameters
        for _ in range(count):
            for x in self._calls:
                forward(parameters, x).block_until_ready()

    def result(self, steps: int) -> Array:
        return np.stack([self._forward(self._parameters, x) for x in self._calls[:steps]])
