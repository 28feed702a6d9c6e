"""scikit-learn's neural networks on the core of rosenblatt.

>>> from rosenblatt.sklearn import MLPClassifier
>>> X = [[0.0, 0.0], [1.0, 1.0]]
>>> y = [0, 1]
>>> clf = MLPClassifier(solver="lbfgs", alpha=1e-5, hidden_layer_sizes=(5, 2), random_state=1)
>>> clf.fit(X, y).predict([[2.0, 2.0], [-1.0, -2.0]])
array([1, 0])
"""

from __future__ import annotations

try:
    import sklearn as _sklearn  # noqa: F401 - checks that it is installed
except ImportError as error:
    raise ImportError(
        "rosenblatt.sklearn needs scikit-learn: pip install rosenblatt[sklearn]"
    ) from error

from ._classifier import MLPClassifier
from ._perceptron import Perceptron
from ._regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "Perceptron"]
