"""Weights of samples and classes in a training: the reference's bits, and what weights mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import DTYPES, assert_same_bits, samples, twins
from rosenblatt import reference
from tolerance import REORDERED_TRAINING

SIZES = [[4, 7, 3], [4, 1], [300, 40, 20, 3]]  # taken in one call; one output; too large for that


def data(sizes: list[int], n: int, dtype: str) -> tuple[Any, Any, Any]:
    random = np.random.default_rng(3)
    X = samples(n, sizes[0], dtype)
    Y = random.random((n, sizes[-1])).astype(dtype)
    return X, Y, random.random(n) * random.integers(0, 2, n)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("shuffle", [True, False])
def test_training_with_weights_has_the_references_bits(
    sizes: list[int], dtype: str, shuffle: bool
) -> None:
    n = 13
    X, Y, weights = data(sizes, n, dtype)
    core, book = twins(sizes, activation="tanh", output="identity", dtype=dtype, seed=1)
    options: dict[str, Any] = {"batch_size": 5, "epochs": 2, "shuffle": shuffle}
    validation = (X[:6], Y[:6], weights[:6])
    got = rb.train(
        core,
        X,
        Y,
        loss="squared_error",
        optimizer=rb.SGD(0.01),
        sample_weight=weights,
        validation=validation,
        **options,
    )
    wanted = reference.train(
        book,
        X.tolist(),
        Y.tolist(),
        loss="squared_error",
        optimizer=reference.SGD(0.01),
        sample_weight=weights.tolist(),
        validation=tuple(each.tolist() for each in validation),
        **options,
    )
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")
    assert_same_bits(np.array(got.loss_curve), np.array(wanted.loss_curve), "loss_curve")
    assert got.validation_curve is not None
    assert wanted.validation_curve is not None
    assert_same_bits(
        np.array(got.validation_curve), np.array(wanted.validation_curve), "validation_curve"
    )


def assert_close(got: Any, wanted: Any) -> None:
    np.testing.assert_allclose(got, wanted, rtol=REORDERED_TRAINING, atol=REORDERED_TRAINING)


def test_a_weight_of_k_is_k_copies() -> None:
    X, y = rb.datasets.load_digits()
    X, y = X[:60], y[:60]
    copies = np.arange(60) % 4
    weighted = rb.Network([64, 20, 10], output="softmax", dtype="float64", random_state=0)
    copied = weighted.copy()
    options: dict[str, Any] = {"loss": "log_loss", "batch_size": 1000, "epochs": 20}
    one = rb.train(weighted, X, y, sample_weight=copies, **options)
    two = rb.train(copied, X.repeat(copies, axis=0), y.repeat(copies), **options)
    np.testing.assert_allclose(
        weighted.theta, copied.theta, rtol=REORDERED_TRAINING, atol=REORDERED_TRAINING
    )
    assert_close(one.loss_curve, two.loss_curve)


def test_a_batch_that_weighs_nothing_is_passed_over() -> None:
    X, Y, _ = data([4, 5, 3], 6, "float32")
    options: dict[str, Any] = {"loss": "squared_error", "batch_size": 2, "shuffle": False}
    some = rb.Network([4, 5, 3], random_state=0)
    all_of_them = some.copy()
    result = rb.train(some, X, Y, sample_weight=[1, 1, 0, 0, 1, 1], **options)
    without = np.array([0, 1, 4, 5])
    alone = rb.train(all_of_them, X[without], Y[without], **options)
    assert_same_bits(some.theta, all_of_them.theta, "theta")
    assert result.loss_curve == alone.loss_curve


def test_equal_weights_change_nothing_but_roundings() -> None:
    X, Y, _ = data([4, 5, 3], 20, "float64")
    net = rb.Network([4, 5, 3], dtype="float64", random_state=0)
    plain = net.copy()
    rb.train(net, X, Y, loss="squared_error", sample_weight=np.full(20, 3.0))
    rb.train(plain, X, Y, loss="squared_error")
    np.testing.assert_allclose(
        net.theta, plain.theta, rtol=REORDERED_TRAINING, atol=REORDERED_TRAINING
    )


def test_class_weights_are_weights_of_their_samples() -> None:
    X, y = rb.datasets.load_digits()
    X, y = X[:200], y[:200]
    by_class = rb.Network([64, 10], output="softmax", random_state=0)
    by_sample = by_class.copy()
    own = np.linspace(0.5, 2, 200)
    rb.train(by_class, X, y, loss="log_loss", class_weight={3: 5.0, 4: 0}, sample_weight=own)
    weights = own * np.where(y == 3, 5.0, np.where(y == 4, 0.0, 1.0))
    rb.train(by_sample, X, y, loss="log_loss", sample_weight=weights)
    assert_same_bits(by_class.theta, by_sample.theta, "theta")


def test_balanced_classes_weigh_the_same() -> None:
    X = samples(30, 4, "float32")
    y = np.array([0] * 20 + [1] * 6 + [3] * 4)
    balanced = rb.Network([4, 5], output="softmax", random_state=0)
    by_hand = balanced.copy()
    rb.train(balanced, X, y, loss="log_loss", class_weight="balanced")
    weights = 30 / (3 * np.bincount(y)[y])
    assert weights[:20].sum() == pytest.approx(weights[20:26].sum())
    rb.train(by_hand, X, y, loss="log_loss", sample_weight=weights)
    assert_same_bits(balanced.theta, by_hand.theta, "theta")


def test_class_weights_of_a_single_logistic_output() -> None:
    X, y = samples(30, 4, "float32"), np.arange(30) % 2
    net = rb.Network([4, 1], output="logistic", random_state=0)
    other = net.copy()
    rb.train(net, X, y, loss="log_loss", class_weight={1: 2.0})
    rb.train(other, X, y, loss="log_loss", sample_weight=1.0 + y)
    assert_same_bits(net.theta, other.theta, "theta")


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ({"sample_weight": [1.0] * 9}, ValueError, r"sample_weight: got shape \(9,\)"),
        ({"sample_weight": [-1.0] + [1.0] * 9}, ValueError, "sample_weight: got -1"),
        ({"sample_weight": [np.nan] * 10}, ValueError, "sample_weight: got nan"),
        ({"sample_weight": [0.0] * 10}, ValueError, "sample_weight: got a sum of 0"),
        ({"sample_weight": ["a"] * 10}, TypeError, "sample_weight: got dtype"),
        ({"class_weight": "equal"}, ValueError, "class_weight: got 'equal', expected \"balanced\""),
        ({"class_weight": 3}, TypeError, "class_weight: got 3"),
        ({"class_weight": {7: 1.0}}, ValueError, "class_weight: a label: got 7"),
        ({"class_weight": {True: 1.0}}, TypeError, "class_weight: a label: got True"),
        ({"class_weight": {1: -1.0}}, ValueError, r"class_weight\[1\]: got -1"),
        ({"class_weight": {1: np.inf}}, ValueError, r"class_weight\[1\]: got inf"),
        (
            {"class_weight": {1: 2.0}, "sample_weight": [1.0] * 9},
            ValueError,
            r"sample_weight: got shape \(9,\)",
        ),
    ],
)
def test_bad_weights_are_refused(
    weights: dict[str, Any], error: type[Exception], message: str
) -> None:
    net = rb.Network([4, 3], output="softmax", random_state=0)
    before = net.theta.copy()
    with pytest.raises(error, match=message):
        rb.train(net, samples(10, 4, "float32"), np.arange(10) % 3, loss="log_loss", **weights)
    assert_same_bits(net.theta, before, "theta")


def test_class_weights_need_labels() -> None:
    net = rb.Network([4, 3], random_state=0)
    X, Y = samples(10, 4, "float32"), samples(10, 3, "float32")
    with pytest.raises(ValueError, match=r"class_weight: got Y of shape \(10, 3\)"):
        rb.train(net, X, Y, loss="squared_error", class_weight="balanced")


# ---- class weights and validation ------------------------------------------------------------

CLASSES = np.array([0] * 20 + [1] * 6 + [3] * 4)  # of 5: two do not occur
BALANCED = np.array([30 / (3 * 20), 30 / (3 * 6), 1.0, 30 / (3 * 4), 1.0])


def classes_net(dtype: str = "float64") -> rb.Network:
    return rb.Network([4, 5], output="softmax", dtype=dtype, random_state=0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("class_weight", "of_class"),
    [("balanced", BALANCED), ({3: 7.0, 0: 0.0}, np.array([0.0, 1.0, 1.0, 7.0, 1.0]))],
    ids=["balanced", "mapping"],
)
@pytest.mark.parametrize("own", [False, True], ids=["plain", "weighted"])
def test_the_validation_loss_has_the_class_weights_of_the_training_labels(
    own: bool, class_weight: Any, of_class: Any, dtype: str
) -> None:
    """Not those of its own labels, some of which the training samples do not have."""
    X, V = samples(30, 4, dtype), samples(9, 4, dtype)
    labels = np.array([0, 1, 2, 3, 4, 4, 1, 1, 3])
    weights = np.linspace(0.5, 2.0, 9) if own else None
    net, by_hand = classes_net(dtype), classes_net(dtype)
    validation = (V, labels) if weights is None else (V, labels, weights)
    how: dict[str, Any] = {"loss": "log_loss", "epochs": 3}
    one = rb.train(net, X, CLASSES, class_weight=class_weight, validation=validation, **how)
    product = of_class[labels] * (1.0 if weights is None else weights)
    two = rb.train(
        by_hand,
        X,
        CLASSES,
        sample_weight=of_class[CLASSES],
        validation=(V, labels, product),
        **how,
    )
    assert_same_bits(net.theta, by_hand.theta, "theta")
    assert one.validation_curve == two.validation_curve
    exact = net.gradients(V, labels, loss="log_loss", sample_weight=product).cost
    assert one.validation_curve is not None
    assert one.validation_curve[-1] == exact


def test_training_and_validation_loss_measure_the_same() -> None:
    """A validation set that is the training set has its loss, with class weights, too."""
    X = samples(30, 4, "float64")
    net = classes_net()
    result = rb.train(
        net,
        X,
        CLASSES,
        loss="log_loss",
        class_weight="balanced",
        optimizer=rb.SGD(1e-300),
        batch_size=None,
        shuffle=False,
        validation=(X, CLASSES),
    )
    assert result.validation_curve == result.loss_curve


def test_samples_held_out_have_the_class_weights_of_all_samples() -> None:
    from rosenblatt._cli import holdout

    X, out = samples(30, 4, "float64"), holdout.draw_held_out(CLASSES, 0.3, 0)
    net, by_hand = classes_net(), classes_net()
    weights = BALANCED[CLASSES]
    one = rb.train(net, X, CLASSES, loss="log_loss", class_weight="balanced", validation=0.3)
    two = rb.train(
        by_hand,
        X[~out],
        CLASSES[~out],
        loss="log_loss",
        sample_weight=weights[~out],
        validation=(X[out], CLASSES[out], weights[out]),
    )
    assert_same_bits(net.theta, by_hand.theta, "theta")
    assert one.validation_curve == two.validation_curve


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_balanced_is_scikit_learns_formula(alpha: float) -> None:
    """n / (k count) over the k classes there are. With `alpha` the scale of weights counts."""
    from sklearn.utils.class_weight import compute_sample_weight

    weights = compute_sample_weight("balanced", CLASSES)
    np.testing.assert_array_equal(weights, BALANCED[CLASSES])
    net, by_hand = classes_net(), classes_net()
    how: dict[str, Any] = {"loss": "log_loss", "alpha": alpha, "epochs": 2}
    rb.train(net, samples(30, 4, "float64"), CLASSES, class_weight="balanced", **how)
    rb.train(by_hand, samples(30, 4, "float64"), CLASSES, sample_weight=weights, **how)
    assert_same_bits(net.theta, by_hand.theta, "theta")


@pytest.mark.parametrize(
    ("class_weight", "validation", "message"),
    [
        ({0: 0.0}, [0, 0, 0], r"class_weight: got 0 for every label in validation\[1\]"),
        ("balanced", [0, 1, 7], r"validation\[1\]: got label 7, expected labels 0 … 4"),
        ("balanced", np.eye(5)[:3], r"class_weight: got validation\[1\] of shape \(3, 5\)"),
    ],
    ids=["nothing weighs", "stray label", "rows"],
)
def test_a_validation_set_that_class_weights_do_not_suit(
    class_weight: Any, validation: Any, message: str
) -> None:
    net = classes_net()
    before = net.theta.copy()
    V = samples(3, 4, "float64"), np.asarray(validation)
    with pytest.raises(ValueError, match=message):
        rb.train(
            net,
            samples(30, 4, "float64"),
            CLASSES,
            loss="log_loss",
            class_weight=class_weight,
            validation=V,
        )
    assert_same_bits(net.theta, before, "theta")


def test_training_labels_that_weigh_nothing_are_refused_by_name() -> None:
    net = classes_net()
    with pytest.raises(ValueError, match="class_weight: got 0 for every label in Y"):
        rb.train(
            net,
            samples(30, 4, "float64"),
            CLASSES,
            loss="log_loss",
            class_weight=dict.fromkeys(range(5), 0.0),
        )
