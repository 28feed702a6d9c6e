"""What scikit-learn's estimators do not have: every addition does what it says."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy import sparse
from sklearn.datasets import load_diabetes, load_digits, make_multilabel_classification

import rosenblatt as rb
from rosenblatt.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DIGITS = load_digits(return_X_y=True)
X, y = DIGITS[0][:300] / 16, DIGITS[1][:300]
DIABETES = load_diabetes(return_X_y=True)
NUMBERS_X, NUMBERS_Y = 10 * DIABETES[0], DIABETES[1] / 100


def quick(**settings: Any) -> MLPClassifier:
    defaults = {"hidden_layer_sizes": 16, "random_state": 0, "max_iter": 20}
    defaults |= {"learning_rate_init": 0.02, "batch_size": 50}
    return MLPClassifier(**(defaults | settings))


def quick_regressor(**settings: Any) -> MLPRegressor:
    defaults = {"hidden_layer_sizes": 16, "random_state": 0, "max_iter": 60}
    return MLPRegressor(**(defaults | settings))


def test_a_row_has_the_same_bits_whatever_stands_beside_it() -> None:
    clf = quick().fit(X, y)
    alone = np.concatenate([clf.predict_proba(row[None]) for row in X[:40]])
    assert (alone == clf.predict_proba(X)[:40]).all()
    assert (clf.predict_proba(sparse.csr_array(X)) == clf.predict_proba(X)).all()


def test_dropout() -> None:
    plain, dropped = quick().fit(X, y), quick(dropout=0.5, input_dropout=0.1).fit(X, y)
    assert dropped.loss_ > plain.loss_
    assert dropped.score(X, y) > 0.8
    with pytest.raises(ValueError, match="dropout: got a rate with solver='lbfgs'"):
        quick(dropout=0.5, solver="lbfgs").fit(X, y)


def test_an_activation_for_each_layer() -> None:
    clf = quick(hidden_layer_sizes=(8, 6), activation=["gelu", "tanh"]).fit(X, y)
    assert clf._net.activations == ("gelu", "tanh", "softmax")
    square = rb.Activation("square", lambda Z: Z * Z, lambda Z: 2 * Z)
    own = quick(activation=square, learning_rate_init=0.01).fit(X, y)
    np.testing.assert_allclose(
        own.activations(X)[1], (X @ own.coefs_[0] + own.intercepts_[0]) ** 2, atol=1e-12
    )
    with pytest.raises(ValueError, match="activation: got 1 names, expected 2"):
        quick(hidden_layer_sizes=(8, 6), activation=["gelu"]).fit(X, y)


@pytest.mark.parametrize(
    "loss", [rb.LogLoss(label_smoothing=0.1), "focal", "squared_error", "hinge", "squared_hinge"]
)
@pytest.mark.parametrize("kind", ["classes", "binary", "multilabel"])
def test_losses_of_classifiers(kind: str, loss: Any) -> None:
    samples, labels, least = X, y, 0.9
    if kind == "binary":
        labels = np.where(y > 4, "many", "few")
    if kind == "multilabel":
        samples, labels = make_multilabel_classification(300, n_features=8, random_state=0)
        samples, least = samples / 10 - 0.5, 0.3
    clf = quick(loss=loss, max_iter=60).fit(samples, labels)
    assert clf.score(samples, labels) > least
    assert hasattr(clf, "predict_proba") == (loss not in {"hinge", "squared_hinge"})
    assert hasattr(clf, "decision_function") != hasattr(clf, "predict_proba")


def own_loss(A: Any, Y: Any) -> tuple[float, Any]:
    D = A - Y
    return float((np.cosh(D) - 1).sum() / len(A)), np.sinh(D) / len(A)


@pytest.mark.parametrize(
    "loss", ["absolute_error", "huber", rb.Huber(0.5), rb.Quantile(0.5), "gaussian_nll", own_loss]
)
def test_losses_of_regressors(loss: Any) -> None:
    regressor = quick_regressor(loss=loss, learning_rate_init=0.01).fit(NUMBERS_X, NUMBERS_Y)
    means = regressor.predict(NUMBERS_X)
    assert means.shape == NUMBERS_Y.shape
    assert regressor.score(NUMBERS_X, NUMBERS_Y) > 0.3
    if loss == "gaussian_nll":
        means, deviations = regressor.predict(NUMBERS_X, return_std=True)
        assert (deviations > 0).all()
        assert 0.5 < np.mean(((means - NUMBERS_Y) / deviations) ** 2) < 2


def test_class_weight_is_that_of_the_samples() -> None:
    weights = np.where(y == 3, 5.0, 1.0)
    by_class = quick(class_weight={3: 5.0}).fit(X, y)
    by_sample = quick().fit(X, y, weights)
    assert (by_class.coefs_[0] == by_sample.coefs_[0]).all()
    rare = np.where(y == 3, 1, 0)
    assert quick(class_weight="balanced", max_iter=2).fit(X, rare).predict(X).mean() > rare.mean()
    with pytest.raises(ValueError, match="class_weight: got 'balanced' with partial_fit"):
        quick(class_weight="balanced").partial_fit(X, y, classes=range(10))


def test_class_weight_multiplies_sample_weight() -> None:
    own = np.linspace(0.5, 2.0, len(y))
    both = quick(class_weight={3: 5.0}).fit(X, y, own)
    by_sample = quick().fit(X, y, own * np.where(y == 3, 5.0, 1.0))
    assert (both.coefs_[0] == by_sample.coefs_[0]).all()


RARE = np.where(np.arange(60) < 57, "common", "rare")
BALANCED = np.where(RARE == "rare", 60 / (2 * 3), 60 / (2 * 57))


@pytest.mark.parametrize("own", [None, np.linspace(0.5, 2.0, 58)], ids=["plain", "weighted"])
def test_the_validation_loss_has_the_class_weights_of_the_training_labels(own: Any) -> None:
    """`fit` and `rb.train` measure the same number: not by the labels of the validation set."""
    clf = quick(class_weight="balanced", max_iter=1, batch_size=60)
    validation = (X[:58], RARE[:58]) if own is None else (X[:58], RARE[:58], own)
    clf.fit(X[:60], RARE, validation=validation)
    p = clf.predict_proba(X[:58])[np.arange(58), (RARE[:58] == "rare").astype(int)]
    weights = BALANCED[:58] * (1.0 if own is None else own)
    wanted = -(weights * np.log(p)).sum() / weights.sum()
    assert clf.validation_loss_curve_[0] == pytest.approx(wanted, rel=1e-6)
    net = clf._net.copy()
    codes = (RARE == "rare").astype(int)
    result = rb.train(
        net,
        X[:60],
        codes,
        loss="log_loss",
        class_weight="balanced",
        optimizer=rb.SGD(1e-300),
        epochs=1,
        validation=(X[:58], codes[:58], *validation[2:]),
    )
    assert result.validation_curve == tuple(clf.validation_loss_curve_)


def test_a_class_that_the_validation_set_or_a_batch_lacks_keeps_its_weight() -> None:
    weights = {"rare": 20.0}
    plain = quick(class_weight=weights, max_iter=2).fit(X[:60], RARE)
    without = quick(class_weight=weights, max_iter=2)
    without.fit(X[:60], RARE, validation=(X[:50], RARE[:50]))
    assert (plain.coefs_[0] == without.coefs_[0]).all()
    stream = quick(class_weight=weights).partial_fit(X[:60], RARE, classes=["common", "rare"])
    stream.partial_fit(X[:50], RARE[:50])
    with pytest.raises(ValueError, match="class_weight: got the label 'Rare', expected labels"):
        quick(class_weight={"Rare": 20.0}).fit(X[:60], RARE)


def test_balanced_weights_of_several_labels_are_scikit_learns() -> None:
    from sklearn.utils.class_weight import compute_sample_weight

    several = np.random.default_rng(0).random((60, 3)) < [0.2, 0.5, 0.7]
    several = several.astype(int)
    balanced = quick(class_weight="balanced").fit(X[:60], several)
    by_sample = quick().fit(X[:60], several, compute_sample_weight("balanced", several))
    np.testing.assert_allclose(balanced.coefs_[0], by_sample.coefs_[0], rtol=1e-12)
    with pytest.raises(ValueError, match="class_weight: got a dict with multilabel"):
        quick(class_weight={0: 2.0}).fit(X[:60], several)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"rare": -1.0}, r"class_weight\['rare'\]: got -1.0, expected a finite number"),
        ({"rare": 0.0, "common": 0.0}, "class_weight: got 0 for every label"),
    ],
    ids=["negative", "zeros"],
)
def test_bad_class_weights_are_blamed_by_name(weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        quick(class_weight=weights).fit(X[:60], RARE)


def test_an_explicit_validation_set() -> None:
    clf = quick().fit(X[:200], y[:200], validation=(X[200:], y[200:]))
    assert len(clf.validation_loss_curve_) == clf.n_iter_ == 20
    probabilities = clf.predict_proba(X[200:])[np.arange(100), y[200:]]
    assert clf.validation_loss_curve_[-1] == pytest.approx(-np.log(probabilities).mean())
    assert (clf.coefs_[0] == quick().fit(X[:200], y[:200]).coefs_[0]).all()
    stopped = quick(early_stopping=True, max_iter=300, learning_rate_init=0.01)
    stopped.fit(X[:200], y[:200], validation=(X[200:], y[200:]))
    assert stopped.best_validation_score_ == stopped.score(X[200:], y[200:])
    assert stopped.n_iter_ < 300
    with pytest.raises(TypeError, match=r"validation: got float, expected \(X, y\)"):
        quick().fit(X, y, validation=0.1)
    with pytest.raises(ValueError, match="y: got"):
        quick().fit(X, y, validation=(X, y + 5))


def test_input_gradients() -> None:
    """Against differences of the loss: with steps of 1e-6 they are good to about 1e-9."""
    clf = quick(activation="tanh").fit(X, y)
    found = clf.input_gradients(X[:3], y[:3])

    def losses(rows: Any) -> Any:
        return -np.log(clf.predict_proba(rows)[np.arange(3), y[:3]])

    for feature in (10, 20, 43):
        step = np.zeros(64)
        step[feature] = 1e-6
        slopes = (losses(X[:3] + step) - losses(X[:3] - step)) / 2e-6
        np.testing.assert_allclose(found[:, feature], slopes, atol=1e-8)


def test_activations_of_all_layers() -> None:
    clf = quick(hidden_layer_sizes=(8, 6)).fit(X, y)
    first, *hidden, last = clf.activations(X[:5])
    assert [A.shape for A in hidden] == [(5, 8), (5, 6)]
    assert (first == X[:5]).all()
    assert (last == clf.predict_proba(X[:5])).all()
    np.testing.assert_allclose(
        hidden[0], np.maximum(X[:5] @ clf.coefs_[0] + clf.intercepts_[0], 0), atol=1e-12
    )


def test_networks_that_start_from_given_weights() -> None:
    first = quick().fit(X, y)
    second = quick(coefs_init=first.coefs_, intercepts_init=first.intercepts_, max_iter=1)
    assert second.fit(X, y).loss_ < 0.1 * quick(max_iter=1).fit(X, y).loss_
    with pytest.raises(ValueError, match=r"coefs_init: got shapes \(3, 3\), expected \(64, 16\)"):
        quick(coefs_init=[np.ones((3, 3))], intercepts_init=[np.ones(3)]).fit(X, y)
    with pytest.raises(ValueError, match="got one of them"):
        quick(coefs_init=first.coefs_).fit(X, y)


def test_weights_that_are_put_in_count() -> None:
    clf = quick().fit(X, y)
    proba = clf.predict_proba(X)
    clf.coefs_[0] = np.zeros((64, 16))
    assert (clf.predict_proba(X) == clf.predict_proba(X[:1])).all()
    clf.coefs_ = quick().fit(X, y).coefs_
    assert (clf.predict_proba(X) == proba).all()


def test_callbacks() -> None:
    told: list[float] = []

    def stop(epoch: rb.Epoch) -> bool:
        told.append(epoch.loss)
        return epoch.epoch == 4

    clf = quick(callback=stop).fit(X, y)
    assert clf.n_iter_ == len(told) == 5
    with pytest.raises(ValueError, match="validation, callback: got one with solver='lbfgs'"):
        quick(callback=stop, solver="lbfgs").fit(X, y)


def test_callbacks_of_scikit_learn() -> None:
    callback = pytest.importorskip("sklearn.callback")

    class Recorder:
        def __init__(self) -> None:
            self.told: list[str] = []

        def setup(self, estimator: Any, context: Any) -> None:
            self.told.append("setup")

        def teardown(self, estimator: Any, context: Any) -> None:
            self.told.append("teardown")

        def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
            self.told.append("begin")

        def on_fit_task_end(self, estimator: Any, context: Any, *, fitted_estimator: Any) -> bool:
            self.told.append("end")
            assert fitted_estimator.predict(X[:2]).shape == (2,)
            return len(self.told) > 7

    assert isinstance(Recorder(), callback.FitCallback)
    for solver in ("adam", "lbfgs"):
        recorder = Recorder()
        quick(solver=solver).set_callbacks(recorder).fit(X, y)
        assert recorder.told[:3] == ["setup", "begin", "begin"]
        assert recorder.told[-2:] == ["end", "teardown"]
        assert recorder.told.count("end") == recorder.told.count("begin") == 4


def test_schedules_and_optimisers() -> None:
    cosine = rb.schedules.Cosine(0.05, period=100)
    for solver, rate in (("sgd", cosine), ("adam", cosine), ("sgd", lambda step: 0.05)):
        assert quick(solver=solver, learning_rate_init=rate).fit(X, y).score(X, y) > 0.8
    for optimizer in (rb.AdamW(0.01), rb.Lion(0.003), rb.RMSprop(0.005), rb.LBFGS()):
        clf = quick(solver=optimizer).fit(X, y)
        assert clf.score(X, y) > 0.8
        assert clf.loss_curve_[-1] < clf.loss_curve_[0]
    with pytest.raises(ValueError, match="learning_rate: got 'adaptive' with a schedule"):
        quick(solver="sgd", learning_rate="adaptive", learning_rate_init=cosine).fit(X, y)


def test_types_and_threads() -> None:
    single = quick(dtype="float32").fit(X, y)
    assert {W.dtype for W in single.coefs_} == {np.dtype("f4")}
    assert single.predict_proba(X).dtype == np.float32
    one, two = quick(threads=1).fit(X, y), quick(threads=2).fit(X, y)
    assert (one.coefs_[0] == two.coefs_[0]).all()


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_array, sparse.csr_matrix])
def test_sparse_samples(form: Any) -> None:
    dense, thin = quick().fit(X, y), quick().fit(form(X), y)
    assert (dense.coefs_[0] == thin.coefs_[0]).all()
    assert (thin.predict(form(X)) == dense.predict(X)).all()


def test_labels_of_any_kind() -> None:
    for labels in (y > 4, np.array([f"digit {each}" for each in y]), y.astype(np.int8), y * 1.0):
        clf = quick(max_iter=60).fit(X, labels)
        assert clf.predict(X).dtype == labels.dtype
        assert clf.score(X, labels) > 0.9


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_norms_and_skips(norm: str) -> None:
    settings: dict[str, Any] = {"norm": norm, "skip": [False, True], "early_stopping": True}
    clf = quick(hidden_layer_sizes=(16, 16), max_iter=40, **settings).fit(X, y)
    assert clf.score(X, y) > 0.9
    assert clf.best_validation_score_ > 0.7
    twin = pickle.loads(pickle.dumps(clf))
    assert (twin.predict_proba(X) == clf.predict_proba(X)).all()
    with pytest.raises(ValueError, match="skip"):
        quick(hidden_layer_sizes=(16, 8), skip=True).fit(X, y)
    if norm == "batch":
        with pytest.raises(ValueError, match="norm: got 'batch' with solver='lbfgs'"):
            quick(norm="batch", solver="lbfgs").fit(X, y)


def test_solvers_and_rules_may_change_between_calls() -> None:
    clf = quick(solver="lbfgs", warm_start=True).fit(X, y)
    loss = clf.loss_
    clf.set_params(solver="adam", learning_rate_init=1e-4).fit(X, y)
    assert clf.loss_curve_[0] < 2 * loss + 0.1
    clf.set_params(early_stopping=True, max_iter=3).fit(X, y)
    assert len(clf.validation_scores_) == 3
    clf.set_params(early_stopping=False).partial_fit(X, y)
    assert np.isfinite(clf.best_loss_)


def test_a_pickled_estimator_continues_identically() -> None:
    for partial in (False, True):
        clf = quick(momentum=0.9, solver="sgd", learning_rate="adaptive")
        if partial:
            clf.partial_fit(X, y, classes=range(10)).partial_fit(X, y)
        else:
            clf.fit(X, y)
        twin = pickle.loads(pickle.dumps(clf))
        assert (twin.predict_proba(X) == clf.predict_proba(X)).all()
        for each in (clf, twin):
            each.partial_fit(X, y)
        if partial:
            assert (twin.coefs_[0] == clf.coefs_[0]).all()


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"hidden_layer_sizes": -1}, ValueError, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": (3, 0)}, ValueError, "hidden_layer_sizes must be > 0"),
        ({"activation": "ghost"}, ValueError, "'activation' parameter"),
        ({"solver": "ghost"}, ValueError, "'solver' parameter"),
        ({"alpha": -1}, ValueError, "'alpha' parameter"),
        ({"momentum": 2}, ValueError, "'momentum' parameter"),
        ({"dropout": 1.5}, ValueError, "'dropout' parameter"),
        ({"learning_rate_init": 0}, ValueError, "'learning_rate_init' parameter"),
        ({"loss": "ghost"}, ValueError, "'loss' parameter"),
        ({"loss": "cosine"}, ValueError, "loss|cosine"),
        ({"threads": 0}, ValueError, "'threads' parameter"),
    ],
    ids=str,
)
def test_bad_settings(settings: dict[str, Any], error: type[Exception], match: str) -> None:
    clf = quick(**settings)
    if settings == {"loss": "cosine"}:  # it suits the rows of labels: they are directions
        clf.fit(X, y)
        return
    with pytest.raises(error, match=match):
        clf.fit(X, y)


@pytest.mark.filterwarnings("ignore:overflow")
def test_divergence() -> None:
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        MLPRegressor(solver="sgd", learning_rate_init=1e9).fit(1e3 * NUMBERS_X, NUMBERS_Y)


# Prices, and features in units of their own.
PRICES_X = np.random.default_rng(0).normal(size=(80, 4)) * [1, 100, 1e-3, 1e4] + [0, 5e3, 0, -1e5]
PRICES = 1e6 * (2 * PRICES_X[:, 0] + 1)
SCALED: dict[str, Any] = {"scale_inputs": "standard", "scale_targets": "minmax"}


def prices(**settings: Any) -> Any:
    return MLPRegressor(**({"hidden_layer_sizes": 8, "random_state": 0, "max_iter": 20} | settings))


def as_scaled(rows: Any, kind: Any) -> Any:
    """Return rows as a network reads them whose scaling is fitted to them."""
    scaling = rb.Scaling.fit(rows, kind)
    return (rows - scaling.offset.astype(rows.dtype)) * scaling.factor.astype(rows.dtype)


def assert_same_weights(first: Any, second: Any) -> None:
    for found, expected in zip(
        [*first.coefs_, *first.intercepts_], [*second.coefs_, *second.intercepts_], strict=True
    ):
        assert (found == expected).all()


@pytest.mark.parametrize(
    "settings", [{}, {"early_stopping": True}, {"solver": "lbfgs"}, {"solver": rb.LBFGS()}], ids=str
)
def test_a_regressor_learns_large_targets_that_it_scales(settings: dict[str, Any]) -> None:
    rows = np.random.default_rng(0).normal(size=(80, 4))
    targets = 1e6 * (2 * rows[:, 0] + 1)
    model = MLPRegressor(random_state=0, scale_targets="standard", **settings)
    assert model.fit(rows, targets).score(rows, targets) > 0.9


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_scaling_estimator_has_the_weights_of_one_on_scaled_samples(
    solver: str, dtype: str
) -> None:
    rows, targets = PRICES_X.astype(dtype), PRICES.astype(dtype)
    scaled = as_scaled(rows, "standard"), as_scaled(targets[:, np.newaxis], "minmax").ravel()
    model = prices(solver=solver, warm_start=True, **SCALED)
    plain = prices(solver=solver, warm_start=True)
    for _ in range(2):  # the second time from the weights of the first, with other samples
        model.fit(rows, targets)
        plain.fit(*scaled)
        assert model.loss_ == plain.loss_
        assert_same_weights(model, plain)
        rows, targets = rows[:50], targets[:50]
        scaled = scaled[0][:50], scaled[1][:50]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_stream_goes_on_with_the_scaling_of_fit(dtype: str) -> None:
    rows, targets = PRICES_X.astype(dtype), PRICES.astype(dtype)
    scaled = as_scaled(rows, "standard"), as_scaled(targets[:, np.newaxis], "minmax").ravel()
    model = pickle.loads(pickle.dumps(prices(grow=True, **SCALED).fit(rows, targets)))
    plain = prices(grow=True).fit(*scaled)
    new = np.ones((len(rows), 1), dtype)
    for each, (each_X, each_y) in ((model, (rows, targets)), (plain, scaled)):
        each.partial_fit(each_X[:50], each_y[:50])
        each.learn_one(each_X[7], float(each_y[7]))
        each.partial_fit(np.hstack([each_X, new]), each_y)  # a feature that comes later
    assert_same_weights(model, plain)
    assert model.predict_one(np.append(rows[7], new[7])) == model.predict(
        np.hstack([rows, new])[7:8]
    )


def test_an_estimator_scales_as_train_does() -> None:
    layers = [4, 8, 1]
    net = rb.Network(layers, dtype="float64", random_state=0)
    model = prices(
        shuffle=False,
        coefs_init=[W.T for W in net.W],
        intercepts_init=list(net.b),
        **SCALED,
    ).fit(PRICES_X, PRICES)
    rb.train(
        net,
        PRICES_X,
        PRICES,
        loss="squared_error",
        optimizer=rb.Adam(0.001, eps_hat=True),
        alpha=0.0001,
        batch_size=80,
        shuffle=False,
        epochs=model.n_iter_,
        **SCALED,
    )
    assert all((coefs == W.T).all() for W, coefs in zip(net.W, model.coefs_, strict=True))
    assert (net.forward(PRICES_X).ravel() == model.predict(PRICES_X)).all()


def test_samples_held_out_do_not_count_in_a_scaling() -> None:
    far = np.append(PRICES[:60], 1e12 * PRICES[60:])
    own = prices(**SCALED).fit(PRICES_X[:60], far[:60], validation=(PRICES_X[60:], far[60:]))
    assert_same_weights(own, prices(**SCALED).fit(PRICES_X[:60], far[:60]))
    of_all = rb.Scaling.fit(PRICES_X).offset
    stopped = prices(early_stopping=True, **SCALED).fit(PRICES_X, PRICES)._net.input_scaling.offset
    assert (stopped != of_all).all()


def test_a_scaling_estimator_speaks_in_the_users_units() -> None:
    model = prices(**SCALED).fit(PRICES_X, PRICES)
    first, _, last = model.activations(PRICES_X)
    assert (first == PRICES_X).all()
    assert (last.ravel() == model.predict(PRICES_X)).all()
    labels = np.where(PRICES > 0, "dear", "cheap")
    clf = quick(scale_inputs="robust").fit(PRICES_X, labels)
    twin = pickle.loads(pickle.dumps(clf))
    assert clf.score(PRICES_X, labels) > 0.9
    assert (twin.predict_proba(PRICES_X) == clf.predict_proba(PRICES_X)).all()
    np.testing.assert_allclose(
        np.exp(clf.predict_log_proba(PRICES_X)), clf.predict_proba(PRICES_X), rtol=1e-12
    )


def test_scalings_that_cannot_be_fitted_are_refused_by_name() -> None:
    with pytest.raises(
        ValueError, match=r"scale_targets: got 'minmax' in the first partial_fit.* call fit"
    ):
        prices(scale_targets="minmax").partial_fit(PRICES_X, PRICES)
    for solver in ("adam", "lbfgs"):
        with pytest.raises(ValueError, match="scale_inputs: got 'robust' with a sparse X"):
            prices(scale_inputs="robust", solver=solver).fit(sparse.csr_array(PRICES_X), PRICES)
        with pytest.raises(ValueError, match="scale_targets: got 'minmax' with loss='poisson'"):
            prices(scale_targets="minmax", loss="poisson", solver=solver).fit(PRICES_X, PRICES**2)
    model = prices(warm_start=True, **SCALED).fit(PRICES_X, PRICES)
    with pytest.raises(ValueError, match="scale_targets: got None, expected 'minmax' as in the"):
        model.set_params(scale_targets=None).fit(PRICES_X, PRICES)
    with pytest.raises(ValueError, match="X: got a sparse matrix for a network that scales"):
        model.partial_fit(sparse.csr_array(PRICES_X), PRICES)
