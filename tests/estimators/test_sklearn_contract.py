"""scikit-learn's own checks of an estimator: every one passes, and none is expected to fail."""

from __future__ import annotations

import os
from typing import Any

os.environ["SCIPY_ARRAY_API"] = "1"  # read when SciPy is first imported

import array_api_strict  # noqa: F401 - some checks are left out where it is not installed
import pandas as pd  # noqa: F401 - likewise
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from rosenblatt.sklearn import MLPClassifier, MLPRegressor

# As scikit-learn checks its own: 100 epochs, so that a check takes less than a second. The other
# settings reach what the defaults do not. The penalty keeps probabilities above 0: a check compares
# predict_log_proba, which is always finite here, with the logarithm of predict_proba.
ESTIMATORS = [
    MLPClassifier(max_iter=100),
    MLPRegressor(max_iter=100),
    MLPClassifier(solver="lbfgs", alpha=1.0, max_iter=100),
    MLPRegressor(solver="sgd", learning_rate_init=0.01, max_iter=100),
]

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",  # 100 epochs are not enough
)


@parametrize_with_checks(ESTIMATORS)
def test_every_check(estimator: Any, check: Any) -> None:
    check(estimator)
