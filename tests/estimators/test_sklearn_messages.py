"""Messages of the estimators: short, about the right argument, and with the name of the column."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy import sparse

from hostile import HOSTILE, LONGEST, REFUSALS
from rosenblatt.sklearn import MLPClassifier, MLPRegressor, Perceptron

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(12, 3))
LABELS = np.array(["a", "b"] * 6)
NUMBERS = X[:, 0]
ESTIMATORS = (MLPClassifier, MLPRegressor, Perceptron)


def made(kind: Any, **settings: Any) -> Any:
    if kind is Perceptron:
        return Perceptron(**settings)
    return kind(**{"hidden_layer_sizes": (2,), "max_iter": 1, "random_state": 0} | settings)


def targets(kind: Any) -> Any:
    return NUMBERS if kind is MLPRegressor else LABELS


# ---- short, whatever the argument is -------------------------------------------------------------


def fitted(kind: Any, y: Any = None) -> Any:
    return made(kind).fit(X, targets(kind) if y is None else y)


ARGUMENTS = {
    "fit": ("X", "y", "sample_weight", "validation"),
    "partial_fit": ("X", "y", "sample_weight", "classes"),
    "learn_one": ("x", "y", "sample_weight"),
    "predict": ("X",),
    "predict_one": ("x",),
    "input_gradients": ("X", "y"),
}
CALLS = [
    (kind, method, argument)
    for kind in ESTIMATORS
    for method, arguments in ARGUMENTS.items()
    if hasattr(kind, method)
    for argument in arguments
    if argument in inspect.signature(getattr(kind, method)).parameters
]


@pytest.mark.parametrize(("kind", "method", "argument"), CALLS)
def test_a_message_about_an_argument_is_short(kind: Any, method: str, argument: str) -> None:
    valid = {"X": X, "y": targets(kind), "x": X[0]}
    for name, value in HOSTILE.items():
        estimator = fitted(kind)
        parameters = inspect.signature(getattr(estimator, method)).parameters
        arguments = {key: each for key, each in valid.items() if key in parameters}
        if "x" in arguments and "y" in arguments:
            arguments["y"] = targets(kind)[0]
        check_length(partial(getattr(estimator, method), **arguments | {argument: value()}), name)


LONG_PARAMETERS = [name for name in HOSTILE if "digits" not in name]  # Python refuses to show those


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_message_about_a_parameter_is_short(kind: Any) -> None:
    for parameter in kind().get_params():
        for name in LONG_PARAMETERS:
            estimator = made(kind, **{parameter: HOSTILE[name]()})
            check_length(partial(estimator.fit, X, targets(kind)), f"{parameter}: {name}")


def check_length(call: Callable[[], Any], name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call()
        except REFUSALS as error:
            check_short(str(error), name)


def check_short(message: str, name: str) -> None:
    own = "no repr " * 100  # scikit-learn shows values by their repr; RaisingRepr's raises this
    assert len(message) < LONGEST or message == own, f"{name}: {message[:500]}"


@pytest.mark.parametrize("settings", [{}, {"warm_start": True}])
def test_a_message_about_labels_does_not_list_them_all(settings: dict[str, Any]) -> None:
    known = [f"{'r' * 500}{i}" for i in range(12)]
    other = [f"{'q' * 500}{i}" for i in range(12)]
    clf = made(MLPClassifier, **settings).fit(X, known)
    calls: list[Callable[[], Any]] = [
        lambda: clf.partial_fit(X, other),
        lambda: clf.partial_fit(X, known, classes=other),
        lambda: clf.learn_one(X[0], other[0]),
        lambda: clf.input_gradients(X, other),
        lambda: made(MLPClassifier, class_weight={other[0]: 2.0}).fit(X, known),
    ]
    if settings:
        calls.append(lambda: clf.fit(X, other))
    for call in calls:
        with pytest.raises(ValueError, match="qqq") as raised:
            call()
        assert len(str(raised.value)) < LONGEST


# ---- the column ----------------------------------------------------------------------------------


def with_bad(value: Any) -> Any:
    """Return rows of which the second column has a bad value."""
    rows = X.astype(object)
    rows[3, 1] = value
    return rows


def pandas_table(value: Any) -> Any:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=["age", "fare", "class"])
    return table.assign(fare=list(with_bad(value)[:, 1]))


def polars_table(value: Any) -> Any:
    polars = pytest.importorskip("polars")
    columns = dict(zip(["age", "fare", "class"], X.T.tolist(), strict=True))
    return polars.DataFrame(columns | {"fare": list(with_bad(value)[:, 1])}, strict=False)


TABLES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "pandas": (pandas_table, "'fare'"),
    "polars": (polars_table, "'fare'"),
    "an array": (lambda value: with_bad(value).astype(float), "1"),
    "objects": (with_bad, "1"),
    "a list": (lambda value: with_bad(value).tolist(), "1"),
    "csr": (lambda value: sparse.csr_matrix(with_bad(value).astype(float)), "1"),
    "csc": (lambda value: sparse.csc_matrix(with_bad(value).astype(float)), "1"),
}


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_column_with_a_number_that_is_not_finite(kind: Any, table: str, value: float) -> None:
    make, name = TABLES[table]
    with pytest.raises(
        ValueError, match=rf"Input X contains (NaN|infinity).*\(in column {name} of X\)"
    ):
        made(kind).fit(make(value), targets(kind))


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("table", ["pandas", "objects", "a list"])
def test_the_column_with_a_text(kind: Any, table: str) -> None:
    make, name = TABLES[table]
    with pytest.raises(ValueError, match=rf"could not convert .* 'red' \(in column {name} of X\)"):
        made(kind).fit(make("red"), targets(kind))


def test_the_column_in_a_prediction() -> None:
    clf = made(MLPClassifier).fit(pandas_table(0.0), LABELS)
    with pytest.raises(ValueError, match=r"Input X contains NaN. \(in column 'fare' of X\)"):
        clf.predict(pandas_table(np.nan))
    with pytest.raises(ValueError, match=r"^The feature names should match"):
        clf.predict(pandas_table(np.nan).rename(columns={"age": "years"}))


# ---- the argument that was passed ----------------------------------------------------------------

DATES = np.arange(12).astype("M8[D]")


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (DATES, r"y: got dtype datetime64\[D\], expected real numbers"),
        (DATES - DATES, r"y: got dtype timedelta64\[D\], expected real numbers"),
        (np.arange(12).astype(str), "y: got dtype <U.*, expected real numbers"),
        (NUMBERS + 1j, "y: got dtype complex128, expected real numbers"),
        ([*NUMBERS[:11], "red"], "y: got dtype <U.*, expected real numbers"),
        ([*NUMBERS[:11], None], r"y: got None at y\[11\], expected a real number"),
        (with_bad("red"), r"y: got 'red' at y\[3, 1\], expected a real number"),
    ],
)
def test_targets_of_a_regressor_that_are_no_numbers(y: Any, words: str) -> None:
    reg = fitted(MLPRegressor)
    for call in (
        lambda: made(MLPRegressor).fit(X, y),
        lambda: made(MLPRegressor).partial_fit(X, y),
        lambda: made(MLPRegressor).fit(X, NUMBERS, validation=(X, y)),
        lambda: reg.input_gradients(X, y),
    ):
        with pytest.raises(TypeError, match=words):
            call()


def test_objects_that_are_numbers() -> None:
    reg = fitted(MLPRegressor)
    assert (fitted(MLPRegressor, NUMBERS.astype(object)).predict(X) == reg.predict(X)).all()


def test_a_target_beyond_float32() -> None:
    single, huge = X.astype(np.float32), np.full(12, 1e39)
    reg = made(MLPRegressor).fit(single, NUMBERS)
    words = (
        r"got a value beyond float32, expected values up to 3.403e\+38 in size, or dtype='float64'"
    )
    for name, call in {
        "y": lambda: made(MLPRegressor).fit(single, huge),
        "y:": lambda: made(MLPRegressor).partial_fit(single, huge),
        "^y": lambda: reg.learn_one(single[0], 1e39),
        r"validation\[1\]": lambda: reg.fit(single, NUMBERS, validation=(single, huge)),
    }.items():
        with pytest.raises(ValueError, match=f"{name}.*{words}"):
            call()
    made(MLPRegressor, dtype="float64").fit(single, huge / 1e39)
    with pytest.raises(ValueError, match=r"^y: got nan, expected finite numbers"):
        reg.learn_one(single[0], np.nan)


@pytest.mark.parametrize("kind", [MLPClassifier, Perceptron])
@pytest.mark.parametrize("weight", [np.nan, np.inf, "heavy", 1j, None, 10**400])
def test_a_class_weight_that_is_no_number(kind: Any, weight: Any) -> None:
    for method, arguments in (("fit", {}), ("partial_fit", {"classes": ["a", "b"]})):
        with pytest.raises((TypeError, ValueError), match=r"^class_weight\['a'\]: got"):
            getattr(made(kind, class_weight={"a": weight}), method)(X, LABELS, **arguments)


def test_a_class_weight_out_of_range() -> None:
    with pytest.raises(ValueError, match=r"^class_weight\['a'\]: got -1.0, expected a finite"):
        made(MLPClassifier, class_weight={"a": -1.0}).fit(X, LABELS)
    with pytest.raises(ValueError, match=r"^class_weight: got 0 for every label"):
        made(MLPClassifier, class_weight={"a": 0.0, "b": 0.0}).fit(X, LABELS)


def test_several_columns_of_several_classes() -> None:
    codes = np.arange(12) % 3
    words = "y: got 2 columns of several classes, expected one column.*MultiOutputClassifier"
    for call in (
        lambda: made(MLPClassifier).fit(X, np.c_[codes, codes]),
        lambda: made(MLPClassifier).partial_fit(X, np.c_[codes, codes], classes=[0, 1, 2]),
        lambda: made(MLPClassifier).fit(X, codes, validation=(X, np.c_[codes, codes])),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_numbers_as_labels() -> None:
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        made(MLPClassifier).fit(X, NUMBERS)


def test_initial_weights_that_are_no_numbers() -> None:
    with pytest.raises(TypeError, match=r"coefs_init\[0\]: got dtype <U1, expected real numbers"):
        made(MLPClassifier, coefs_init=["a"], intercepts_init=[0]).fit(X, LABELS)
    with pytest.raises(TypeError, match="coef_init: got dtype complex128, expected real numbers"):
        Perceptron().fit(X, LABELS, coef_init=[1j, 0, 0])
