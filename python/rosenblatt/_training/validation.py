"""Validation samples: an explicit set, or a fraction of the samples held out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._checks import arguments, arrays, sparse
from .._checks.shown import type_name
from .._checks.sparse import Inputs
from .._cli import holdout
from .._network import Network
from .sample_weights import sample_weights


class Samples(NamedTuple):
    """Samples in the form that the core accepts, and the targets of the user."""

    X: Inputs
    Y: NDArray[Any]  # rows (n, n_targets) or labels (n,)
    weights: NDArray[np.float64] | None
    given_Y: NDArray[Any]

    def rows(self, chosen: NDArray[np.bool_]) -> Samples:
        """Return the chosen rows."""
        weights = None if self.weights is None else self.weights[chosen]
        return Samples(self.X[chosen], self.Y[chosen], weights, self.given_Y[chosen])


def split(
    samples: Samples,
    validation: Any,
    net: Network,
    loss: str | None,
    *,
    seed: int,
    of_class: NDArray[np.float64] | None,
) -> tuple[Samples, Samples | None]:
    """Return the samples to train on, and those to validate on.

    Parameters
    ----------
    samples
        All training samples.
    validation
        None, (X, Y), (X, Y, sample_weight), or the fraction of the samples to hold out, between 0
        and 1, drawn with `seed`, the same in every class.
    net, loss
        They decide the form of X and Y; the loss is None for a custom one.
    seed
        0 … 2**64 - 1.
    of_class
        The weight of each class (n_classes,), or None; the weights of `samples` include it.

    Raises
    ------
    TypeError, ValueError
        `validation` is none of these, or one of the two sets would be empty.
    """
    if validation is None:
        return samples, None
    if isinstance(validation, int | float | np.integer | np.floating):
        return _hold_out(samples, validation, seed)
    expected = "(X, Y), (X, Y, sample_weight) or a fraction of the samples between 0 and 1"
    if not isinstance(validation, tuple | list):
        raise TypeError(f"validation: got {type_name(validation)}, expected {expected}")
    if len(validation) not in {2, 3}:
        raise TypeError(f"validation: got {len(validation)} things, expected {expected}")
    X, Y, *weights = validation
    of_core = targets(net, "validation[1]", Y, loss)
    own = weights[0] if weights else None
    return samples, Samples(
        sparse.inputs("validation[0]", X, net.dtype),
        of_core,
        sample_weights("validation[2]", own, of_class, ("validation[1]", of_core)),
        arrays.as_array("validation[1]", Y),
    )


def targets(net: Network, name: str, Y: Any, loss: str | None) -> NDArray[Any]:
    """Return targets in the form that the core, or a custom loss, accepts."""
    return arrays.as_array(name, Y) if loss is None else net._targets(name, Y, loss)


def _hold_out(samples: Samples, fraction: Any, seed: int) -> tuple[Samples, Samples]:
    expected = "a number above 0 and below 1"
    part = arguments.real("validation", fraction, expected)
    if not 0 < part < 1:
        raise ValueError(f"validation: got {part}, expected {expected}")
    n = len(samples.X)
    for name, array in (("Y", samples.Y), ("sample_weight", samples.weights)):
        if array is not None and array.shape[:1] != (n,):
            raise ValueError(f"{name}: got shape {array.shape}, expected {n} rows, as X has")
    strata = np.zeros(n, np.int64)
    if samples.Y.dtype == np.int64 and samples.Y.ndim == 1:
        strata = np.unique(samples.Y, return_inverse=True)[1].reshape(n)
    held_out = holdout.draw_held_out(strata, part, seed)
    if not held_out.any() or held_out.all():
        raise ValueError(
            f"validation: got {part} of {n} samples, expected one or more in each part"
        )
    return samples.rows(~held_out), samples.rows(held_out)
