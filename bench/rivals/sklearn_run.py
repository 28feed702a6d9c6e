"""scikit-learn in a whole run: Adam and early stopping; it has no dropout, and so less to do."""

from __future__ import annotations

import math
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from ..workloads import Array, Workload, flat, samples
from . import Runner
from .sklearn_mlp import restore

warnings.filterwarnings("ignore", category=ConvergenceWarning)  # the epochs end when the time does


def open_runner(form: str, workload: Workload, threads: int) -> Runner:
    return Run(workload)


class Run:
    """`fit` for as many epochs as are asked for; it holds out rows of its own, as many as others.

    It keeps the best weights by the score of the held-out rows, accuracy or R2, not by the loss.
    """

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._X, Y = samples(workload)
        self._Y = Y.ravel()

    def reset(self) -> None:
        pass  # every fit begins anew

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
