"""river's streams: a classifier and a regressor that learn from one dictionary at a time.

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
from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    from river import base
except ImportError as error:
    raise ImportError("rosenblatt.river needs river: pip install rosenblatt[river]") from error

from . import sklearn

__all__ = ["MLPClassifier", "MLPRegressor"]

ROOM = 8  # features that a network has room for at first; it doubles when there are more


class _Stream:
    """A network that gains a feature whenever a dictionary has a new one."""

    _columns: dict[Any, int]
    _model: Any

    def _begin(self) -> None:
        self._columns = {}
        self._model = None

    def _row(self, x: Mapping[Any, Any], admit: bool) -> NDArray[np.float64]:
        """Return x as the network takes it; features that are not in x are 0."""
        columns = self._columns
        if admit:
            for name in sorted(x, key=str):  # the order within a dictionary means nothing
                columns.setdefault(name, len(columns))
        row = np.zeros(self._width(len(columns)))
        for name, value in x.items():
            column = columns.get(name)
            if column is not None:
                row[column] = value
        return row

    @staticmethod
    def _width(n_features: int) -> int:
        width = ROOM
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


class MLPClassifier(_Stream, base.Classifier):
    """A classifier for river's streams: classes and features are admitted as they come.

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
        These are those of `rosenblatt.sklearn.MLPClassifier`.
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

    @property
    def _multiclass(self) -> bool:
        return True

    def learn_one(self, x: Mapping[Any, Any], y: Any) -> None:
        """Take one step with a sample.

        Parameters
        ----------
        x : dict
            Features by name.
        y : label
            A class, known or new.

        Raises
        ------
        ValueError
            A feature is no finite number, or the training diverged.
        """
        row = self._row(x, admit=True)
        if self._model is None:
            self._model = sklearn.MLPClassifier(**self._settings())
            self._model.partial_fit(row[np.newaxis], np.array([y]))
        else:
            self._model.learn_one(row, y)

    def predict_proba_one(self, x: Mapping[Any, Any], **_kwargs: Any) -> dict[Any, float]:
        """Return the probability of each class so far.

        Parameters
        ----------
        x : dict
            Features by name; unknown ones are left out.

        Returns
        -------
        dict of label to float
            Empty before the first sample.
        """
        if self._model is None:
            return {}
        A = self._model._output_of(self._row(x, admit=False))
        labels = self._model.classes_.tolist()
        if A.size > 1:
            return dict(zip(labels, A.tolist(), strict=True))
        second = float(A[0])
        if len(labels) == 1:
            return {labels[0]: 1.0}
        return {labels[0]: 1 - second, labels[1]: second}


class MLPRegressor(_Stream, base.Regressor):
    """A regressor for river's streams: features are admitted as they come.

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
        These are those of `rosenblatt.sklearn.MLPRegressor`.

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

    def learn_one(self, x: Mapping[Any, Any], y: float) -> None:
        """Take one step with a sample.

        Parameters
        ----------
        x : dict
            Features by name.
        y : float

        Raises
        ------
        ValueError
            A number is not finite, or the training diverged.
        """
        row = self._row(x, admit=True)
        if self._model is None:
            self._model = sklearn.MLPRegressor(**self._settings())
            self._model.partial_fit(row[np.newaxis], np.array([y], dtype=float))
        else:
            self._model.learn_one(row, float(y))

    def predict_one(self, x: Mapping[Any, Any]) -> float:
        """Return the prediction.

        Parameters
        ----------
        x : dict
            Features by name; unknown ones are left out.

        Returns
        -------
        float
            0 before the first sample.
        """
        if self._model is None:
            return 0.0
        return float(self._model.predict_one(self._row(x, admit=False)))
