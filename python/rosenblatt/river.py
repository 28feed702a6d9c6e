"""Estimators for river, which learn from one dictionary at a time.

>>> from river import metrics
>>> from rosenblatt.river import MLPClassifier
>>> model = MLPClassifier(hidden_layer_sizes=(8,), learning_rate_init=0.05, random_state=0)
>>> accuracy = metrics.Accuracy()
>>> for i in range(300):
...     x, y = {"a": i % 2, "b": (i // 2) % 2}, "even" if i % 2 == 0 else "odd"
...     accuracy.update(y, model.predict_one(x))
...     model.learn_one(x, y)
>>> accuracy.get() > 0.9
True
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

try:
    from river import base
except ImportError as error:
    raise ImportError("rosenblatt.river needs river: pip install rosenblatt[river]") from error

from . import sklearn
from ._checks import arguments
from ._checks.shown import shown, type_name

__all__ = ["MLPClassifier", "MLPRegressor"]

CAPACITY = 8  # initial number of input columns; doubles as needed
LARGEST = 2**63  # integers up to this size need no further check


class _Stream:
    """Base of both estimators, with an input for each feature seen so far."""

    _columns: dict[Any, int]
    _model: Any
    _estimator: ClassVar[Any]

    def _begin(self) -> None:
        self._columns = {}
        self._model = None

    def _learn(self, x: Mapping[Any, Any], y: Any, w: float) -> bool:
        """Take one step; return False if the weight is 0.

        y is in the form of the estimator.
        """
        weight = w if type(w) is float and w == 1.0 else arguments.not_negative("w", w)
        if weight == 0:
            self._row(x)
            return False
        new = self._admit(x)
        try:
            self._model = self._take_step(x, y, weight)
        except BaseException:
            for name in new:
                del self._columns[name]
            raise
        return True

    def _take_step(self, x: Mapping[Any, Any], y: Any, weight: float) -> Any:
        """Take a step and return the estimator, which the first step creates."""
        row = self._row(x)
        try:
            model = self._model or self._estimator(**self._settings()).partial_fit(
                row[np.newaxis], np.array([y]), sample_weight=[0.0]
            )
            return model.learn_one(row, y, weight)
        except ValueError:
            self._check_finite(x)
            raise

    def _output(self, x: Mapping[Any, Any]) -> NDArray[Any]:
        """Return the outputs of a sample, shape (n_outputs,)."""
        row = self._row(x)
        try:
            output: NDArray[Any] = self._model._output_of(row)
        except ValueError:
            self._check_finite(x)
            raise
        return output

    def _check_finite(self, x: Mapping[Any, Any]) -> None:
        """Check that known features are finite.

        The estimator does not know their names.

        Raises
        ------
        ValueError
            A known feature is not finite; the message names it.
        """
        for name, value in x.items():
            if name in self._columns:
                _feature(name, value)

    def _admit(self, x: Mapping[Any, Any]) -> list[Any]:
        """Assign columns to new features and return these features."""
        columns = self._columns
        new = [name for name, _ in _items(x) if name not in columns]
        if new:
            new.sort(key=lambda name: (str(name), type(name).__name__))  # independent of x's order
            columns.update(zip(new, range(len(columns), len(columns) + len(new)), strict=True))
        return new

    def _row(self, x: Mapping[Any, Any]) -> NDArray[np.float64]:
        """Return x as an array of inputs; features missing from x are 0."""
        columns = self._columns
        row = np.zeros(self._width(len(columns)))
        for name, value in _items(x):
            column = columns.get(name)
            if column is not None:
                kind = type(value)
                exact = kind is float or (kind is int and -LARGEST <= value <= LARGEST)
                row[column] = value if exact else _feature(name, value)
        return row

    @staticmethod
    def _width(n_features: int) -> int:
        width = CAPACITY
        while width < n_features:
            width *= 2
        return width

    def _settings(self) -> dict[str, Any]:
        return {
            "hidden_layer_sizes": self.hidden_layer_sizes,  # type: ignore[attr-defined]
            "activation": self.activation,  # type: ignore[attr-defined]
            "solver": self.solver,  # type: ignore[attr-defined]
            "alpha": self.alpha,  # type: ignore[attr-defined]
            "learning_rate_init": self.learning_rate_init,  # type: ignore[attr-defined]
            "random_state": self.random_state,  # type: ignore[attr-defined]
            "loss": self.loss,  # type: ignore[attr-defined]
            "grow": True,
        }


def _items(x: Any) -> Any:
    """Return the pairs of name and value of a sample."""
    try:
        return x.items()
    except AttributeError:
        raise TypeError(f"x: got {type_name(x)}, expected a dictionary") from None


def _feature(name: Any, value: Any) -> float:
    """Return the value of a feature as a float."""
    try:
        return _number("x", value)
    except ValueError:
        return _number(f"x[{shown(name)}]", value)


def _number(name: str, value: Any) -> float:
    """Return a number as a float; text is refused, even if it looks like a number."""
    if isinstance(value, bool | np.bool_):
        return float(value)
    try:
        return arguments.real(name, value, "a finite number")
    except TypeError as error:
        raise ValueError(*error.args) from None


class MLPClassifier(_Stream, base.Classifier):
    """A classifier for river's streams that adds classes and features as they appear.

    A label can be any hashable object and is returned unchanged. Labels that are equal in Python,
    like 1, 1.0 and True, are one class, whose label is the first one seen.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(20,)
        Units of each hidden layer.
    activation : str, default="relu"
        f of the hidden layers.
    solver : {"sgd", "adam"} or optimiser, default="adam"
    alpha : float, default=0.0001
        L2 penalty.
    learning_rate_init : float, default=0.01
    random_state : int or None, default=None
    loss : str or loss, default="log_loss"
        As for `rosenblatt.sklearn.MLPClassifier`, like all parameters.
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (20,),
        *,
        activation: Any = "relu",
        solver: Any = "adam",
        alpha: float = 0.0001,
        learning_rate_init: Any = 0.01,
        random_state: int | None = None,
        loss: Any = "log_loss",
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.learning_rate_init = learning_rate_init
        self.random_state = random_state
        self.loss = loss
        self._begin()
        self._codes: dict[Any, int] = {}  # code of each label, in order of appearance

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state of a pickle."""
        self.__dict__.update(state)
        if "_codes" not in state:  # older pickles: the estimator stores the labels
            model = self._model
            labels = model.classes_.tolist() if model else []
            self._codes = {label: code for code, label in enumerate(labels)}
            if model:
                model.classes_ = np.arange(len(labels))
                model._label_binarizer.fit(model.classes_)

    _estimator = sklearn.MLPClassifier

    @property
    def _multiclass(self) -> bool:
        return True

    def learn_one(self, x: Mapping[Any, Any], y: Any, w: float = 1.0) -> None:
        """Take one step with a sample.

        Parameters
        ----------
        x : dict
            Features by name.
        y : label
            A known or new class.
        w : float, default=1.0
            Factor of the gradient; a sample with weight 0 is ignored.

        Raises
        ------
        TypeError, ValueError
            A feature is not a finite number, y is not a label, w is negative, or training
            diverged. The model is then unchanged.
        """
        codes = self._codes
        try:
            code = codes.get(y)
        except TypeError:
            raise TypeError(f"y: got {type_name(y)}, expected a hashable label") from None
        if code is not None:
            self._learn(x, code, w)
            return
        if y != y:  # noqa: PLR0124 - NaN
            raise ValueError(f"y: got {shown(y)}, expected a label that is equal to itself")
        if self._learn(x, len(codes), w):
            codes[y] = len(codes)

    def predict_proba_one(self, x: Mapping[Any, Any], **_kwargs: Any) -> dict[Any, float]:
        """Return the probability of each class seen so far.

        Parameters
        ----------
        x : dict
            Features by name; unknown features are ignored.

        Returns
        -------
        dict of label to float
            Empty before the first sample.
        """
        if self._model is None:
            return {}
        A = self._output(x)
        labels = list(self._codes)
        if A.size > 1:
            return dict(zip(labels, A.tolist(), strict=True))
        second = float(A[0])
        if len(labels) == 1:
            return {labels[0]: 1.0}
        return {labels[0]: 1 - second, labels[1]: second}


class MLPRegressor(_Stream, base.Regressor):
    """A regressor for river's streams that adds features as they appear.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(20,)
        Units of each hidden layer.
    activation : str, default="relu"
        f of the hidden layers.
    solver : {"sgd", "adam"} or optimiser, default="adam"
    alpha : float, default=0.0001
        L2 penalty.
    learning_rate_init : float, default=0.01
    random_state : int or None, default=None
    loss : str or loss, default="squared_error"
        As for `rosenblatt.sklearn.MLPRegressor`, like all parameters.

    Examples
    --------
    >>> from rosenblatt.river import MLPRegressor
    >>> model = MLPRegressor(random_state=0)
    >>> for i in range(500):
    ...     model.learn_one({"a": i % 5}, 2.0 * (i % 5))
    >>> abs(model.predict_one({"a": 3}) - 6) < 0.5
    True
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (20,),
        *,
        activation: Any = "relu",
        solver: Any = "adam",
        alpha: float = 0.0001,
        learning_rate_init: Any = 0.01,
        random_state: int | None = None,
        loss: Any = "squared_error",
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.learning_rate_init = learning_rate_init
        self.random_state = random_state
        self.loss = loss
        self._begin()

    _estimator = sklearn.MLPRegressor

    def learn_one(self, x: Mapping[Any, Any], y: float, w: float = 1.0) -> None:
        """Take one step with a sample.

        Parameters
        ----------
        x : dict
            Features by name.
        y : float
        w : float, default=1.0
            Factor of the gradient; a sample with weight 0 is ignored.

        Raises
        ------
        TypeError, ValueError
            A feature or y is not a finite number, w is negative, or training diverged. The model
            is then unchanged.
        """
        self._learn(x, _number("y", y), w)

    def predict_one(self, x: Mapping[Any, Any]) -> float:
        """Return the predicted target.

        Parameters
        ----------
        x : dict
            Features by name; unknown features are ignored.

        Returns
        -------
        float
            0 before the first sample.
        """
        if self._model is None:
            return 0.0
        return float(self._output(x)[0])
