"""Options of a training that act together: the core has the reference's bits."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rosenblatt as rb
from bits import (
    ACTIVATIONS,
    ALL_LOSSES,
    DTYPES,
    LABEL_LOSSES,
    assert_same_bits,
    labels,
    n_outputs_for,
    name_of,
    samples,
    targets,
    twins,
)
from effort import cases
from rosenblatt import reference, schedules
from test_update import in_the_textbook

OPTIMIZERS: tuple[Any, ...] = (
    rb.SGD(0.05),
    rb.SGD(0.05, momentum=0.9),
    rb.SGD(schedules.WarmUp(2, 0.1), momentum=0.5, nesterov=True),
    rb.Adagrad(0.05, initial_sum=0.1),
    rb.RMSprop(0.01, momentum=0.5, centered=True),
    rb.Adam(schedules.ReduceOnPlateau(0.1, factor=0.5, patience=0, threshold=0.3)),
    rb.Adam(0.01, amsgrad=True, eps_hat=True),
    rb.AdamW(0.01, weight_decay=0.1),
    rb.NAdam(0.01),
    rb.Lion(0.01, weight_decay=0.1),
    rb.Rprop(0.01),
)
LIMITS = {"l1": 0.01, "l2": 0.1, "alpha": 0.5}
LIMITS |= {"clip_norm": 0.1, "clip_value": 0.05, "max_norm": 0.7, "max_weight": 0.4, "ema": 0.9}
TRAINABLE = [name for name in ACTIVATIONS if name != "step"]
OF_NUMBERS = (
    "squared_error",
    "absolute_error",
    "huber",
    "quantile",
    "log_cosh",
)  # their targets can be scaled


@st.composite
def networks(draw: st.DrawFn) -> tuple[Any, dict[str, Any]]:
    """Return a loss, and the arguments of `twins` for a network that it suits."""
    loss, output = draw(st.sampled_from([pair for pair in ALL_LOSSES if pair[1] != "step"]))
    layers = draw(st.lists(st.integers(1, 6), min_size=2, max_size=4))
    layers[-1] = n_outputs_for(loss, layers[-1])
    hidden = layers[1:-1]
    return loss, {
        "layers": layers,
        "activation": [draw(st.sampled_from(TRAINABLE)) for _ in hidden],
        "output": output,
        "norm": [draw(st.sampled_from([None, "batch", "layer"])) for _ in hidden],
        "skip": [n_in == n_out and draw(st.booleans()) for n_in, n_out in pairwise(layers[:-1])],
        "dtype": draw(st.sampled_from(DTYPES)),
        "seed": draw(st.integers(0, 2**64 - 1)),
    }


@st.composite
def sets(draw: st.DrawFn, loss: Any, made: dict[str, Any], n: int) -> tuple[Any, ...]:
    """Return n samples of X, their targets or labels, and perhaps their weights."""
    seed, layers, dtype = draw(st.integers(0, 99)), made["layers"], made["dtype"]
    X = samples(n, layers[0], dtype, seed)
    Y = targets(loss, made["output"], n, layers[-1], dtype, seed=seed)
    if name_of(loss) in LABEL_LOSSES and layers[-1] > 1 and draw(st.booleans()):
        Y = labels(n, layers[-1], seed)
    if draw(st.booleans()):
        return X, Y
    weights = np.random.default_rng(seed).integers(0, 4, size=n).astype(dtype)
    weights[0] = 1.0
    return X, Y, weights


@st.composite
def trainings(draw: st.DrawFn, loss: Any, made: dict[str, Any]) -> dict[str, Any]:
    """Return options that core and reference call the same, of a training of this network."""
    rate = st.sampled_from([0.0, 0.0, 0.2, 0.5])
    scaling = st.sampled_from([None, "standard", "minmax", "robust"])
    has_batch_norm = "batch" in made["norm"]
    can_scale = name_of(loss) in OF_NUMBERS and made["output"] == "identity"
    return {
        "loss": loss,
        "epochs": draw(st.integers(1, 3)),
        "batch_size": draw(st.sampled_from([2, 4, 12] if has_batch_norm else [1, 2, 5, 12])),
        "shuffle": draw(st.booleans()),
        "random_state": draw(st.integers(0, 2**64 - 1)),
        "input_noise": draw(rate),
        "gradient_norm": draw(st.booleans()),
        "scale_inputs": draw(scaling),
        "scale_targets": draw(scaling) if can_scale else None,
    }


@settings(max_examples=cases(100))
@given(drawn=st.data())
def test_all_options_together(drawn: st.DataObject) -> None:
    loss, made = drawn.draw(networks())
    options = drawn.draw(trainings(loss, made))
    optimizer = drawn.draw(st.sampled_from(OPTIMIZERS))
    limits = drawn.draw(st.sets(st.sampled_from(sorted(LIMITS)), max_size=3))
    dropout = [drawn.draw(st.sampled_from([0.0, 0.2, 0.5])) for _ in made["layers"][:-1]]
    X, Y, *weights = drawn.draw(sets(loss, made, drawn.draw(st.sampled_from([2, 8, 12]))))
    validation = drawn.draw(st.none() | sets(loss, made, 3))
    core, book = twins(**made)
    wanted = reference.train(
        book,
        X.tolist(),
        Y.tolist(),
        sample_weight=weights[0].tolist() if weights else None,
        validation=validation and tuple(each.tolist() for each in validation),
        optimizer=in_the_textbook(optimizer),
        regularisation=reference.Regularisation(**{name: LIMITS[name] for name in limits}),
        dropout=dropout,
        **options,
    )
    given: dict[str, Any] = options | {name: LIMITS[name] for name in limits}
    given |= {"sample_weight": weights[0] if weights else None, "validation": validation}
    given |= {"input_dropout": dropout[0], "dropout": dropout[1:], "optimizer": optimizer}
    given |= {"threads": drawn.draw(st.integers(1, 3))}
    curves = [*wanted.loss_curve, *(wanted.validation_curve or ()), *book.theta]
    if not np.isfinite(curves).all():
        with pytest.raises(FloatingPointError):
            rb.train(core, X, Y, **given)
        return
    got = rb.train(core, X, Y, **given)
    of_epochs = {
        "loss": wanted.loss_curve,
        "validation_loss": wanted.validation_curve,
        "learning_rate": wanted.learning_rates,
        "gradient_norm": wanted.gradient_norms,
    }
    for name, curve in of_epochs.items():
        assert got.history.get(name) == curve, name
    dtype = made["dtype"]
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")
    if wanted.ema is not None:
        assert_same_bits(got.ema, np.array(wanted.ema, dtype), "ema")
    for name in ("running_mean", "running_var"):
        for mine, its in zip(getattr(core, name), getattr(book, name), strict=True):
            if mine is not None:
                assert_same_bits(mine, np.array(its, dtype), name)
    assert_same_bits(core.forward(X), np.array(book.forward(X.tolist()), dtype), "forward")
