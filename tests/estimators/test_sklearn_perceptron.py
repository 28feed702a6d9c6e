"""rosenblatt.sklearn.Perceptron: scikit-learn's contract, and its numbers to the last bit."""

from __future__ import annotations

import os
import pickle
import re
import warnings
from typing import Any

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # before SciPy is imported

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import Perceptron as Theirs
from sklearn.utils.estimator_checks import parametrize_with_checks

import tolerance
from bits import assert_same_bits
from ctrl_c import CTRL_C
from rosenblatt.sklearn import Perceptron
from snapshots import assert_unchanged, snapshot

PENALTIES: tuple[Any, ...] = (None, "l2", "l1", "elasticnet")


# Two visits to a sample are not one of weight 2: the line moves in between. scikit-learn lists the
# same two checks for its own.
ORDER_MATTERS = {
    f"check_sample_weight_equivalence_on_{kind}_data": "two visits are not one of weight 2"
    for kind in ("dense", "sparse")
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks([Perceptron()], expected_failed_checks=lambda _: ORDER_MATTERS)
def test_the_contract_is_kept(estimator: Any, check: Any) -> None:
    check(estimator)


def both(data: tuple[Any, Any], fit: dict[str, Any] | None = None, **settings: Any) -> Any:
    """Ours and theirs, fitted alike."""
    ours, theirs = Perceptron(**settings), Theirs(**settings)
    for one in (ours, theirs):
        one.fit(*data, **(fit or {}))
    return ours, theirs


def assert_alike(ours: Any, theirs: Any) -> None:
    for name in ("coef_", "intercept_"):
        assert getattr(ours, name).dtype == getattr(theirs, name).dtype, name
        assert_same_bits(getattr(ours, name), getattr(theirs, name), name)
    assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_)
    assert ours.classes_.tolist() == theirs.classes_.tolist()


def some_data(n_classes: int, dtype: str, *, as_csr: bool) -> tuple[Any, Any]:
    X, y = make_classification(
        n_samples=150,
        n_features=12,
        n_informative=5,
        n_classes=n_classes,
        flip_y=0.1,
        random_state=3,
    )
    X = X.astype(dtype)
    if not as_csr:
        return X, y
    return sparse.csr_matrix(np.where(np.abs(X) > 0.7, X, 0).astype(dtype)), y


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("as_csr", [False, True], ids=["dense", "csr"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_weights_are_theirs_to_the_last_bit(  # noqa: PLR0917 - each is a parameter of the test
    early_stopping: bool, shuffle: bool, n_classes: int, penalty: Any, dtype: str, as_csr: bool
) -> None:
    data = some_data(n_classes, dtype, as_csr=as_csr)
    for settings in (
        {},
        {"alpha": 0.05, "eta0": 0.3, "class_weight": "balanced", "n_iter_no_change": 2},
        {"fit_intercept": False, "tol": None, "max_iter": 7, "random_state": 8},
    ):
        assert_alike(
            *both(
                data,
                penalty=penalty,
                shuffle=shuffle,
                early_stopping=early_stopping,
                **({"max_iter": 30} | settings),
            )
        )


@pytest.mark.parametrize("load", [load_digits, load_iris, load_breast_cancer])
@pytest.mark.parametrize("penalty", PENALTIES)
def test_well_known_data_give_the_same_bits(load: Any, penalty: Any) -> None:
    data = load(return_X_y=True)
    ours, theirs = both(data, penalty=penalty)
    assert_alike(ours, theirs)
    assert ours.score(*data) == theirs.score(*data)
    np.testing.assert_allclose(
        ours.decision_function(data[0]), theirs.decision_function(data[0]), rtol=1e-10, atol=1e-7
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_four_samples_in_any_order() -> None:
    """An epoch may then end where the next one begins, as in the lecture's AND and OR."""
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    draw = np.random.default_rng(0)
    sets = [(corners, [0, 0, 0, 1]), (corners, [0, 1, 1, 1])]
    sets += [(draw.normal(size=(4, 2)), [0, 1, *draw.integers(0, 2, 2)]) for _ in range(60)]
    for seed, data in enumerate(sets):
        assert_alike(*both(data, random_state=seed, max_iter=20, tol=None))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_weights_and_starts_are_used_as_theirs() -> None:
    X, y = some_data(3, "float64", as_csr=False)
    rng = np.random.default_rng(0)
    begin, intercepts, weights = rng.normal(size=(3, 12)), rng.normal(size=3), rng.random(150)
    fit = {"coef_init": begin, "intercept_init": intercepts, "sample_weight": weights}
    copies = {name: value.copy() for name, value in fit.items()}
    ours = Perceptron(max_iter=3, class_weight={0: 0.5, 1: 2.0, 2: 1.0}).fit(X, y, **fit)
    for name, value in fit.items():
        assert value.tolist() == copies[name].tolist(), f"{name} was changed"
    theirs = Theirs(max_iter=3, class_weight={0: 0.5, 1: 2.0, 2: 1.0}).fit(X, y, **copies)
    assert_alike(ours, theirs)
    two = y < 2
    for settings in ({"warm_start": True}, {"random_state": np.random.RandomState(4)}):
        pair = [kind(max_iter=2, **settings) for kind in (Perceptron, Theirs)]
        if "random_state" in settings:
            pair[1].set_params(random_state=np.random.RandomState(4))
        for one in pair:
            one.fit(X[two], y[two]).fit(X[two][::-1], y[two][::-1], sample_weight=2.0)
        assert_alike(*pair)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("as_csr", [False, True])
def test_partial_fit_goes_on_as_theirs(n_classes: int, dtype: str, as_csr: bool) -> None:
    X, y = some_data(n_classes, dtype, as_csr=as_csr)
    ours, theirs = Perceptron(penalty="l2"), Theirs(penalty="l2")
    for first in range(0, 150, 30):
        part = slice(first, first + 30)
        for one in (ours, theirs):
            one.partial_fit(X[part], y[part], classes=range(n_classes) if first == 0 else None)
        assert_alike(ours, theirs)


def test_labels_may_be_words() -> None:
    X, y = load_iris(return_X_y=True)
    words = np.array(["setosa", "versicolor", "virginica"])[y]
    ours, theirs = both((X, words))
    assert_alike(ours, theirs)
    assert ours.predict(X).tolist() == theirs.predict(X).tolist()


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("penalty", [None, "elasticnet"])
def test_lines_are_theirs(
    penalty: Any, early_stopping: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    texts = []
    for kind in (Perceptron, Theirs):
        kind(verbose=1, penalty=penalty, early_stopping=early_stopping).fit(X, y)
        texts.append(re.sub(r"[\d.]+ seconds", "", capsys.readouterr().out))
    assert texts[0] == texts[1]
    assert texts[0].startswith("-- Epoch 1\nNorm: ")


def test_it_warns_as_theirs() -> None:
    data = load_digits(return_X_y=True)
    with pytest.warns(ConvergenceWarning, match="Maximum number of iteration reached before"):
        Perceptron(max_iter=1).fit(*data)
    Perceptron(max_iter=1, tol=None).fit(*data)


def failures(fit: Any) -> tuple[Any, Any]:
    """What fit(estimator class) raises with ours and with theirs: its type and its text."""
    return failure(lambda: fit(Perceptron)), failure(lambda: fit(Theirs))


A_SET = re.compile(r"{([^{}]*)}")


def failure(call: Any) -> tuple[type[BaseException], str]:
    """Return the type and the text; a set's members come in any order, so they are sorted."""
    try:
        call()
    except Exception as error:
        return type(error), A_SET.sub(lambda of: str(sorted(of[1].split(", "))), str(error))
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    "settings",
    [
        {"penalty": "l3"},
        {"alpha": -1.0},
        {"l1_ratio": 2.0},
        {"eta0": 0.0},
        {"eta0": "fast"},
        {"max_iter": 0},
        {"max_iter": 1.5},
        {"tol": -1.0},
        {"n_jobs": 0.5},
        {"validation_fraction": 1.0, "early_stopping": True},
        {"n_iter_no_change": 0},
        {"class_weight": "even"},
        {"class_weight": {7: 2.0}},
        {"shuffle": "yes"},
        {"random_state": "seed"},
        {"eta0": 1e300, "random_state": 1},
    ],
    ids=str,
)
def test_bad_settings_raise_what_theirs_raise(settings: dict[str, Any]) -> None:
    X, y = load_iris(return_X_y=True)
    ours, theirs = (
        failure(lambda kind=kind: kind(**settings).fit(X * 1e10, y))
        for kind in (Perceptron, Theirs)
    )
    assert ours == theirs


@pytest.mark.parametrize(
    ("X", "y", "fit"),
    [
        ([[1.0], [np.nan]], [0, 1], {}),
        ([[1.0], [np.inf]], [0, 1], {}),
        ([["a"], ["b"]], [0, 1], {}),
        ([[1.0], [2.0]], [0, 0], {}),
        ([[1.0], [2.0]], [0, 1, 1], {}),
        ([1.0, 2.0], [0, 1], {}),
        ([[1.0], [2.0]], [0.5, 1.5], {}),
        ([[1.0], [2.0]], [0, 1], {"sample_weight": [0, 0]}),
        ([[1.0], [2.0]], [0, 1], {"sample_weight": [1]}),
        ([[1.0], [2.0]], [0, 1], {"sample_weight": [[1, 2]]}),
        ([[1.0], [2.0]], [0, 1], {"coef_init": [1, 2, 3]}),
        ([[1.0], [2.0]], [0, 1], {"intercept_init": [1, 2, 3]}),
    ],
    ids=str,
)
def test_bad_data_raise_what_theirs_raise(X: Any, y: Any, fit: dict[str, Any]) -> None:
    ours, theirs = (
        failure(lambda kind=kind: kind().fit(X, y, **fit)) for kind in (Perceptron, Theirs)
    )
    assert ours[0] is theirs[0]
    assert ours[1][:20] == theirs[1][:20]


def test_partial_fit_refuses_what_theirs_refuses() -> None:
    X, y = load_iris(return_X_y=True)
    for settings, classes in (
        ({}, None),
        ({"early_stopping": True}, [0, 1, 2]),
        ({"class_weight": "balanced"}, [0, 1, 2]),
        ({}, [0]),
        ({"class_weight": {0: 1.0}}, [0, 1]),
    ):
        ours, theirs = failures(lambda kind: kind(**settings).partial_fit(X, y, classes))  # noqa: B023
        assert ours[0] is theirs[0]
        assert ours[1][:30] == theirs[1][:30]
    ours = Perceptron().partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="is not the same as on last call to partial_fit"):
        ours.partial_fit(X, y, classes=[0, 1])


def test_a_failed_call_changes_nothing() -> None:
    X, y = load_iris(return_X_y=True)
    ours = Perceptron().fit(X, y)
    before = pickle.dumps(ours.__dict__)
    with pytest.raises(ValueError, match=r"under-/overflow occurred at epoch #1\."):
        ours.set_params(eta0=1e300).fit(X * 1e300, y)
    ours.set_params(eta0=1.0)
    assert pickle.dumps(ours.__dict__) == before


def test_rows_have_the_same_bits_whatever_stands_beside_them() -> None:
    X, y = load_digits(return_X_y=True)
    ours = Perceptron().fit(X, y)
    Z = ours.decision_function(X)
    for part in (slice(0, 1), slice(5, 12), slice(100, 600)):
        assert_same_bits(ours.decision_function(X[part]), Z[part], str(part))
        assert_same_bits(ours.decision_function(sparse.csr_array(X[part])), Z[part], str(part))


def test_coef_may_be_sparse() -> None:
    X, y = load_iris(return_X_y=True)
    ours = Perceptron(penalty="l1", alpha=0.05).fit(X, y)
    dense, Z = ours.coef_, ours.decision_function(X)
    assert sparse.issparse(ours.sparsify().coef_)
    assert_same_bits(ours.decision_function(X), Z, "z")
    more = clone(ours)
    more.__dict__.update(ours.__dict__)
    assert isinstance(more.partial_fit(X, y).coef_, np.ndarray)
    assert_same_bits(ours.densify().coef_, dense, "coef_")
    with pytest.raises(NotFittedError):
        Perceptron().sparsify()


@pytest.mark.parametrize("n_jobs", [2, -1])
def test_threads_change_no_bit(n_jobs: int) -> None:
    data = load_digits(return_X_y=True)
    assert_alike(Perceptron(n_jobs=n_jobs).fit(*data), Perceptron().fit(*data))


def test_columns_may_come_in_any_order_and_twice() -> None:
    X, y = some_data(3, "float64", as_csr=True)
    mixed = X.copy()
    for i in range(X.shape[0]):
        of_row = slice(X.indptr[i], X.indptr[i + 1])
        mixed.indices[of_row] = X.indices[of_row][::-1]
        mixed.data[of_row] = X.data[of_row][::-1]
    mixed.has_sorted_indices = False
    kept = mixed.indices.copy()
    assert_alike(Perceptron().fit(mixed, y), Perceptron().fit(X, y))
    assert mixed.indices.tolist() == kept.tolist()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_control_c_ends_it(n_jobs: int, run_python: Any) -> None:
    seconds, is_fitted = run_python(
        CTRL_C
        + f"""
    from rosenblatt.sklearn import Perceptron

    X, y = rng.normal(size=(20000, 50)), rng.integers(3, size=20000)
    perceptron = Perceptron(n_jobs={n_jobs}, max_iter=10**6, tol=None)
    seconds = seconds_to_stop(0.3, lambda: perceptron.fit(X, y), threads={n_jobs})
    print(json.dumps([seconds, hasattr(perceptron, "coef_")]))
    """
    )
    assert seconds < tolerance.INTERRUPT_SECONDS
    assert not is_fitted


def test_its_absence_names_the_extra(run_python: Any) -> None:
    message = run_python(
        """
        import json, sys
        sys.modules["sklearn"] = None
        import rosenblatt
        try:
            import rosenblatt.sklearn
        except ImportError as error:
            print(json.dumps(str(error)))
        """
    )
    assert message == "rosenblatt.sklearn needs scikit-learn: pip install rosenblatt[sklearn]"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_warning_that_is_an_error_changes_nothing() -> None:
    X, y = load_digits(return_X_y=True)
    perceptron = Perceptron(random_state=0).fit(X[:200], y[:200])
    before = snapshot(perceptron.set_params(max_iter=1))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning):
            perceptron.fit(X[200:], y[200:])
    assert_unchanged(before, perceptron)
