"""TensorFlow: one XLA program for an epoch, a while loop over its batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from ..workloads import Array, Workload, first_parameters, samples
from . import Runner


def open_runner(form: str, workload: Workload, threads: int) -> Runner:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return (Train if workload.kind == "training" else Forward)(workload)


def activate(name: str, z: Any) -> Any:
    functions = {
        "relu": tf.nn.relu,
        "tanh": tf.tanh,
        "logistic": tf.sigmoid,
        "softmax": tf.nn.softmax,
    }
    return functions[name](z) if name in functions else z


def before_output(workload: Workload, parameters: list[Any], X: Any) -> Any:
    """Return z of the output layer; the parameters are W, b, W, b, ..."""
    z = X
    for layer in range(0, len(parameters), 2):
        z = (activate(workload.activation, z) if layer else z) @ parameters[layer]
        z += parameters[layer + 1]
    return z


def cost(workload: Workload, parameters: list[Any], X: Any, Y: Any) -> Any:
    """Return C, the mean over the batch."""
    z = before_output(workload, parameters, X)
    if workload.output == "softmax":
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=Y, logits=z)
    elif workload.output == "logistic":
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=Y, logits=z)
    else:
        losses = 0.5 * (z - Y) ** 2
    return tf.reduce_sum(losses) / workload.batch


class Train:
    """The order of an epoch comes from NumPy."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        X, Y = samples(workload)
        self._X = tf.constant(X)
        if workload.output == "softmax":
            self._Y = tf.constant(Y, dtype=tf.int32)
        else:
            self._Y = tf.constant(Y.reshape(len(X), -1).astype(workload.dtype))
        self._first = [tf.constant(part) for layer in first_parameters(workload) for part in layer]
        self._rng = np.random.default_rng(0)
        self._epoch = tf.function(self._while, jit_compile=True)
        self.reset()

    def _while(self, parameters: list[Any], X: Any, Y: Any, order: Any) -> list[Any]:
        def step(i: Any, *parameters: Any) -> tuple[Any, ...]:
            x, y = tf.gather(X, order[i]), tf.gather(Y, order[i])
            with tf.GradientTape() as tape:
                tape.watch(parameters)
                c = cost(self._workload, list(parameters), x, y)
            grads = tape.gradient(c, parameters)
            rate = self._workload.learning_rate
            moved = [part - rate * grad for part, grad in zip(parameters, grads, strict=True)]
            return (i + 1, *moved)

        n_batches = order.shape[0]
        return list(
            tf.while_loop(lambda i, *_: i < n_batches, step, (tf.constant(0), *parameters))[1:]
        )

    def reset(self) -> None:
        self._parameters = list(self._first)

    def run(self, count: int) -> None:
        for _ in range(count):
            self._pass(self._rng.permutation(self._workload.rows))
        self._parameters[-1].numpy()  # waits

    def result(self, steps: int) -> Array:
        self.reset()
        self._pass(np.arange(steps * self._workload.batch))
        return np.concatenate([part.numpy().ravel() for part in self._parameters])

    def _pass(self, order: Array) -> None:
        batches = tf.constant(order.astype(np.int32).reshape(-1, self._workload.batch))
        self._parameters = self._epoch(self._parameters, self._X, self._Y, batches)


class Forward:
    """A compiled forward pass, called with samples that are TensorFlow's tensors already."""

    def __init__(self, workload: Workload) -> None:
        X, _ = samples(workload)
        self._calls = [tf.constant(x) for x in np.split(X, workload.steps)]
        self._parameters = [
            tf.Variable(part) for layer in first_parameters(workload) for part in layer
        ]
        self._forward = tf.function(
            lambda X: activate(workload.output, before_output(workload, self._parameters, X)),
            jit_compile=True,
        )

    def reset(self) -> None:
        pass

    def run(self, count: int) -> None:
        for _ in range(count):
            for x in self._calls:
                self._forward(x)
        self._forward(self._calls[-1]).numpy()  # waits

    def result(self, steps: int) -> Array:
        return np.stack([self._forward(x).numpy() for x in self._calls[:steps]])
