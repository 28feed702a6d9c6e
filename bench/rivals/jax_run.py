"""JAX in a whole run: one compiled program for an epoch with Adam, dropout, held-out rows."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..workloads import Array, Workload, first_parameters, samples
from . import Runner
from .jax_scan import activate, cost_of_z, inputs_and_targets

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


def open_runner(form: str, workload: Workload, threads: int) -> Runner:
    # Its usual generator takes several times as long for the masks as this one.
    jax.config.update("jax_default_prng_impl", "unsafe_rbg")
    if workload.dtype == "float64":
        jax.config.update("jax_enable_x64", True)
    return Run(workload)


class Run:
    """A call for each epoch, because somebody has to look whether it is time to stop."""

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
