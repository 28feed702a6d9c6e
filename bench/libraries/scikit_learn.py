"""scikit-learn: MLPClassifier, MLPRegressor, and SGDClassifier for networks without hidden layers.

A whole run has Adam and early stopping; scikit-learn has no dropout, and so less to do.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor

from ..workloads import Array, Workload, first_parameters, flat, samples
from . import Runner, UnsuitableError

warnings.filterwarnings("ignore", category=ConvergenceWarning)  # the epochs end when the time does


def open_runner(form: str, workload: Workload, threads: int) -> Runner:
    if form == "sgd":
        if len(workload.layers) > 2 or workload.batch > 1 or workload.output != "logistic":
            raise UnsuitableError(
                "SGDClassifier has one output, no hidden layer and batches of one"
            )
        return SingleLayer(workload)
    kinds: dict[str, type[Train | Run | Predict]] = {"training": Train, "run": Run}
    return kinds.get(workload.kind, Predict)(workload)


def estimator(workload: Workload, X: Array, Y: Array, *, shuffle: bool) -> Any:
    """Return an estimator with the first weights, its solver plain gradient descent."""
    kind = MLPRegressor if workload.output == "identity" else MLPClassifier
    model = kind(
        hidden_layer_sizes=workload.layers[1:-1],
        activation=workload.activation,
        solver="sgd",
        alpha=0.0,
        batch_size=min(workload.batch, workload.rows),
        learning_rate_init=workload.learning_rate,
        momentum=0.0,
        nesterovs_momentum=False,
        max_iter=1,
        n_iter_no_change=2**31 - 1,  # never stops early
        tol=0.0,
        shuffle=shuffle,
        random_state=0,
        warm_start=True,
    )
    # A fit makes the arrays; enough rows for every label to occur.
    some = np.arange(max(workload.batch, workload.layers[-1], 2))
    model.fit(
        X[some % len(X)], targets(workload, some if kind is MLPClassifier else Y[some % len(Y)])
    )
    if workload.output == "softmax":
        model.out_activation_ = "softmax"
    restore(model, workload)
    return model


def targets(workload: Workload, Y: Array) -> Array:
    """Return numbers or labels, (n,), but for two softmax outputs one-hot rows, (n, 2).

    MLPClassifier makes one logistic output for two labels, and two for rows of two; `estimator`
    turns these into softmax. The labels are taken modulo the number of classes.
    """
    n_outputs = workload.layers[-1]
    if workload.output == "identity":
        return Y.ravel()
    labels = Y % max(n_outputs, 2)
    return np.eye(2, dtype=int)[labels] if n_outputs == 2 else labels


def restore(model: Any, workload: Workload) -> None:
    """Copy the first weights into the estimator's arrays, which its optimiser refers to."""
    for layer, (W, b) in enumerate(first_parameters(workload)):
        model.coefs_[layer][...] = W
        model.intercepts_[layer][...] = b


class Train:
    """`fit` with warm_start, `max_iter` epochs at a time."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._X, Y = samples(workload)
        self._Y = targets(workload, Y)
        self._model = estimator(workload, self._X, Y, shuffle=True)

    def reset(self) -> None:
        restore(self._model, self._workload)

    def run(self, count: int) -> None:
        self._model.set_params(max_iter=count)
        self._model.fit(self._X, self._Y)

    def result(self, steps: int) -> Array:
        # partial_fit is one epoch of the same steps, and content with rows that lack a label.
        X, Y = samples(self._workload)
        model = estimator(self._workload, X, Y, shuffle=False)
        rows = steps * self._workload.batch
        model.partial_fit(self._X[:rows], self._Y[:rows])
        return flat(list(zip(model.coefs_, model.intercepts_, strict=True)))


class SingleLayer:
    """SGDClassifier with a constant learning rate and no penalty: steps of one sample."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._X, self._Y = samples(workload)
        self._model = self._classifier(shuffle=True)

    def _classifier(self, *, shuffle: bool) -> SGDClassifier:
        return SGDClassifier(
            loss="log_loss",
            penalty=None,
            learning_rate="constant",
            eta0=self._workload.learning_rate,
            tol=None,
            shuffle=shuffle,
            random_state=0,
        )

    def reset(self) -> None:
        pass  # every fit begins with the first weights

    def run(self, count: int) -> None:
        self._fit(self._model, self._workload.rows, count)

    def result(self, steps: int) -> Array:
        model = self._classifier(shuffle=False)
        self._fit(model, steps, 1)
        return np.concatenate([model.coef_.ravel(), model.intercept_])

    def _fit(self, model: SGDClassifier, rows: int, epochs: int) -> None:
        W, b = first_parameters(self._workload)[0]
        model.set_params(max_iter=epochs)
        model.fit(self._X[:rows], self._Y[:rows], coef_init=W.T.copy(), intercept_init=b)


class Run:
    """`fit` for as many epochs as are asked for; it holds out rows of its own, as many as others.

    It keeps the best weights by the score of the held-out rows, accuracy or R2, not by the loss.
    """

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._X, Y = samples(workload)
        self._Y = Y.ravel()

    def reset(self) -> None:
        pass  # every fit starts from new weights

    def run(self, count: int) -> None:
        everything = self._workload.rows + self._workload.held_out
        fraction = math.floor(1e6 * self._workload.held_out / everything) / 1e6  # rounded up again
        self._model(max_iter=count, early_stopping=True, validation_fraction=fraction).fit(
            self._X, self._Y
        )

    def result(self, steps: int) -> Array:
        rows = steps * self._workload.batch
        model = self._begun(rows)
        model.partial_fit(self._X[:rows], self._Y[:rows])
        return flat(list(zip(model.coefs_, model.intercepts_, strict=True)))

    def _begun(self, rows: int) -> MLPClassifier | MLPRegressor:
        """Return an estimator with the first weights and no step taken."""
        model = self._model(shuffle=False)
        labels = {"classes": np.unique(self._Y)} if isinstance(model, MLPClassifier) else {}
        model.partial_fit(self._X[:rows], self._Y[:rows], **labels)
        restore(model, self._workload)
        adam = model._optimizer
        adam.t = 0
        for part in (*adam.ms, *adam.vs):
            part[...] = 0
        return model

    def _model(self, **settings: object) -> MLPClassifier | MLPRegressor:
        kind = MLPRegressor if self._workload.output == "identity" else MLPClassifier
        return kind(
            hidden_layer_sizes=self._workload.layers[1:-1],
            activation=self._workload.activation,
            solver="adam",
            alpha=0.0,
            batch_size=self._workload.batch,
            learning_rate_init=self._workload.learning_rate,
            n_iter_no_change=2**31 - 1,  # endless patience
            tol=0.0,
            random_state=0,
            **settings,
        )


class Predict:
    """`predict_proba`, or `predict` of the regressor."""

    def __init__(self, workload: Workload) -> None:
        X, Y = samples(workload)
        model = estimator(workload, X, Y, shuffle=False)
        self._predict = model.predict if workload.output == "identity" else model.predict_proba
        self._calls = np.split(X, workload.steps)

    def reset(self) -> None:
        pass

    def run(self, count: int) -> None:
        predict = self._predict
        for _ in range(count):
            for x in self._calls:
                predict(x)

    def result(self, steps: int) -> Array:
        return np.stack([self._predict(x) for x in self._calls[:steps]])
