"""The lecture's worked example: four inputs, two hidden layers, the path through W_22^(2)."""

from __future__ import annotations

import rosenblatt as rb


def worked_example(dtype: str = "float64") -> rb.Network:
    """softsign, f(z) = z / (1 + |z|), f'(z) = 1 / (1 + |z|)^2: its numbers can be had by hand."""
    net = rb.Network(
        [4, 3, 2, 2],
        activation="softsign",
        dtype=dtype,
        weights=[
            [[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 2.0], [0.0, -1.0, -1.0, 0.0]],
            [[1.0, 1.0, 0.0], [2.0, 4.0, 2.0]],
            [[1.0, 2.0], [-2.0, 4.0]],
        ],
    )
    net.b[0], net.b[1], net.b[2] = [0.0, -1.0, 0.0], [-0.25, 0.0], [0.0, -1.0]
    return net


X_WORKED, Y_WORKED = [1.0, 2.0, -1.0, 0.5], [1.0, 3.0]
